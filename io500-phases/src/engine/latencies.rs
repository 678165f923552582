//! The latency of every operation, by kind and over time.

use super::histograms::Counts;
use super::recorder::{OpKind, Recorder};
use super::series::Series;

/// Records the latency of every operation of a phase, in a histogram of 296 KiB for each kind and over time in 592 KiB more, all made
/// before the clock starts.
#[derive(Debug)]
pub struct Latencies {
    kinds: &'static [OpKind],
    series: Series,
    /// By kind; those that the phase does not have are not there.
    counts: [Option<Counts>; OpKind::COUNT],
}

impl Latencies {
    /// Histograms for these kinds, as [`OpKind::of`] gives them. Operations of other kinds are not recorded.
    pub fn new(kinds: &'static [OpKind]) -> Self {
        let mut counts = [const { None }; OpKind::COUNT];
        kinds.iter().for_each(|&kind| counts[kind as usize] = Some(Counts::new()));
        Latencies { kinds, series: Series::with_latencies(), counts }
    }

    /// The kind that the phase is about: the first one. The series has its latencies over time.
    pub fn leading(&self) -> Option<OpKind> {
        self.kinds.first().copied()
    }

    /// The phase over time.
    pub fn into_series(self) -> Series {
        self.series
    }

    /// The kinds and their latencies, in the order given to `new`.
    pub fn kinds(&self) -> impl Iterator<Item = (OpKind, &Counts)> {
        self.kinds.iter().filter_map(|&kind| Some((kind, self.counts[kind as usize].as_ref()?)))
    }
}

impl Recorder for Latencies {
    const ON: bool = true;
    #[inline]
    fn record(&mut self, kind: OpKind, nanos: u64, at: u64) {
        if let Some(counts) = &mut self.counts[kind as usize] {
            let place = counts.add(nanos);
            if self.kinds[0] == kind {
                self.series.add(place, at);
            }
        }
    }

    fn begin(&mut self) {
        self.series.begin();
    }

    fn look(&mut self, done: u64, before: u64, now: u64) {
        self.series.look(done, before, now);
    }

    fn recent_p99(&self, now: u64) -> Option<u64> {
        self.series.recent_p99(now)
    }

    fn stonewall_barrier(&mut self, now: u64) {
        self.series.stonewall_barrier(now);
    }

    fn fork(&self) -> Self {
        Latencies::new(self.kinds)
    }

    fn join(&mut self, fork: Self) {
        for (sum, part) in self.counts.iter_mut().zip(fork.counts) {
            if let (Some(sum), Some(part)) = (sum, part) {
                sum.merge(&part);
            }
        }
        self.series.merge_latencies(fork.series);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase_id::PhaseId;

    #[test]
    fn every_phase_with_operations_has_its_kinds_once() {
        for phase in PhaseId::ALL {
            let kinds = OpKind::of(phase);
            let recorder = Latencies::new(kinds);
            assert!(recorder.kinds().map(|(kind, _)| kind).eq(kinds.iter().copied()), "{phase}");
            let mut sorted = kinds.to_vec();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted.len(), kinds.len(), "{phase}");
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        let mut recorder = Latencies::new(&[OpKind::Create, OpKind::Close]);
        recorder.record(OpKind::Create, 5, 0);
        recorder.record(OpKind::Close, 7, 0);
        recorder.record(OpKind::Stat, 9, 0); // not of this phase
        let found: Vec<_> = recorder.kinds().map(|(kind, counts)| (kind, counts.extremes())).collect();
        assert_eq!(found, [(OpKind::Create, Some((5, 5))), (OpKind::Close, Some((7, 7)))]);
    }
}
