//! What is measured of single operations.

use super::histograms::Counts;
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
            (Family::Timestamp | Family::Mdworkbench, _) => &[],
        }
    }
}

/// Takes the latencies of a loop. The loop is compiled once for each recorder, so one that is off costs nothing.
pub trait Recorder {
    /// Whether latencies are wanted; false removes the extra clock readings between the parts of an operation.
    const ON: bool;
    /// An operation of this kind took so many nanoseconds; it ended at `at` nanoseconds of the phase.
    fn record(&mut self, kind: OpKind, nanos: u64, at: u64);
}

/// Records nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Off;

impl Recorder for Off {
    const ON: bool = false;
    #[inline]
    fn record(&mut self, _kind: OpKind, _nanos: u64, _at: u64) {}
}

/// Records the latency of every operation of a phase: a histogram of 296 KiB for each kind, made before the clock starts.
#[derive(Debug)]
pub struct Latencies {
    kinds: &'static [OpKind],
    /// By kind; those that the phase does not have are not there.
    counts: [Option<Counts>; OpKind::COUNT],
}

impl Latencies {
    /// Histograms for these kinds, as [`OpKind::of`] gives them. Operations of other kinds are not recorded.
    pub fn new(kinds: &'static [OpKind]) -> Self {
        let mut counts = [const { None }; OpKind::COUNT];
        kinds.iter().for_each(|&kind| counts[kind as usize] = Some(Counts::new()));
        Latencies { kinds, counts }
    }

    /// The kinds and their latencies, in the order given to `new`.
    pub fn kinds(&self) -> impl Iterator<Item = (OpKind, &Counts)> {
        self.kinds.iter().filter_map(|&kind| Some((kind, self.counts[kind as usize].as_ref()?)))
    }
}

impl Recorder for Latencies {
    const ON: bool = true;
    #[inline]
    fn record(&mut self, kind: OpKind, nanos: u64, _at: u64) {
        if let Some(counts) = &mut self.counts[kind as usize] {
            counts.add(nanos);
        }
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
