//! What is measured of single operations.

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
    Close,
    Stat,
    Remove,
    Lookup,
    Readdir,
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
