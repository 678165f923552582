//! What is measured of single operations.

use super::histograms::Counts;
use super::series::Series;
use crate::phase_id::{Family, Kind, PhaseId};
use serde::{Deserialize, Serialize};

/// A kind of operation whose latency is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the names are the operations'
pub enum OpKind {
    Transfer,
    Create,
    Open,
    Write,
    Read,
    Sync,
    Close,
    Stat,
    Remove,
    Lookup,
    Readdir,
}

impl OpKind {
    /// The number of kinds.
    const COUNT: usize = OpKind::Readdir as usize + 1;

    /// The name, as files and tables spell it.
    pub const fn name(self) -> &'static str {
        match self {
            OpKind::Transfer => "transfer",
            OpKind::Create => "create",
            OpKind::Open => "open",
            OpKind::Write => "write",
            OpKind::Read => "read",
            OpKind::Sync => "sync",
            OpKind::Close => "close",
            OpKind::Stat => "stat",
            OpKind::Remove => "remove",
            OpKind::Lookup => "lookup",
            OpKind::Readdir => "readdir",
        }
    }

    /// The kinds that a phase consists of; the one that the phase is about comes first.
    pub const fn of(phase: PhaseId) -> &'static [OpKind] {
        use OpKind::*;
        match (phase.family(), phase.kind()) {
            (Family::IorEasy | Family::IorHard, Kind::Write) => &[Transfer, Create, Sync, Close],
            (Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy, _) => &[Transfer, Open, Close],
            (Family::MdtestEasy, Kind::Write) => &[Create, Close],
            (Family::MdtestHard, Kind::Write) => &[Create, Write, Close],
            (Family::MdtestEasy | Family::MdtestHard, Kind::Stat) => &[Stat],
            (Family::MdtestEasy | Family::MdtestHard, Kind::Delete) => &[Remove],
            (Family::MdtestEasy | Family::MdtestHard, _) => &[Open, Read, Close],
            (Family::Find | Family::FindEasy | Family::FindHard, _) => &[Stat, Lookup, Readdir],
            (Family::Mdworkbench, Kind::Write) => &[Create, Write, Close],
            (Family::Mdworkbench, Kind::Delete) => &[Remove],
            (Family::Mdworkbench, _) => &[Stat, Open, Read, Close, Remove, Create, Write],
            (Family::Timestamp, _) => &[],
        }
    }
}

/// Takes the latencies of a loop. The loop is compiled once for each recorder, so one that is off costs nothing.
pub trait Recorder: Sized {
    /// Whether latencies are wanted; false removes the extra clock readings between the parts of an operation.
    const ON: bool;
    /// An operation of this kind took so many nanoseconds; it ended at `at` nanoseconds of the loop.
    fn record(&mut self, kind: OpKind, nanos: u64, at: u64);
    /// A loop begins; the times that follow are its. A phase may have several, one after the other.
    fn begin(&mut self) {}
    /// The loop looked up: `done` operations are done in all; all but the last had ended by `before`, the last one ended at `now`.
    /// Nanoseconds of the loop. Happens twenty times a second.
    fn look(&mut self, _done: u64, _before: u64, _now: u64) {}
    /// All ranks have reached the stonewall, at `now` nanoseconds of the loop.
    fn stonewall_barrier(&mut self, _now: u64) {}
    /// An empty recorder of the same kind, for another thread of the rank.
    fn fork(&self) -> Self;
    /// Adds what a fork has recorded.
    fn join(&mut self, fork: Self);
}

/// Records nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Off;

impl Recorder for Off {
    const ON: bool = false;
    #[inline]
    fn record(&mut self, _kind: OpKind, _nanos: u64, _at: u64) {}
    fn fork(&self) -> Self {
        Off
    }
    fn join(&mut self, _fork: Self) {}
}

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
