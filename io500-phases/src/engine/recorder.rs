//! What is measured of single operations.

use crate::phase_id::{Family, Kind, PhaseId};
use serde::{Deserialize, Serialize};

/// A kind of operation whose latency is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    pub(super) const COUNT: usize = OpKind::Readdir as usize + 1;

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
    /// The 99th percentile of the last seconds before `now`, where latencies are recorded: for a live view that asks.
    fn recent_p99(&self, _now: u64) -> Option<u64> {
        None
    }
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
