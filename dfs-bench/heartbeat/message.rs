//! What ranks tell each other in their heartbeats.

use io500_phases::engine::Snapshot;
use io500_phases::phase_id::PhaseId;
use serde::{Deserialize, Serialize};

/// Why the job ends, as one rank tells the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The message for `result.json`.
    pub words: String,
    /// The exit code of all ranks.
    pub code: u8,
    /// Whether the message is in the result file already.
    pub kept: bool,
}

/// What ranks send each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Message {
    Alive(Sign),
    /// The rank leaves in good order.
    Leaves,
    End(End),
}

/// What a heartbeat carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sign {
    pub(super) phase: Option<PhaseId>,
    pub(super) done: u64,
    pub(super) waiting: bool,
    /// Milliseconds since any rank was known to do something else than wait.
    pub(super) idle_ms: u64,
    /// The rank was asked to stop and wants to know soon whether the others live.
    pub(super) asks: bool,
    /// The slowest rank of the phase that the sender knows of.
    #[serde(default)]
    pub(super) slowest: Option<Slowest>,
}

/// A rank that works and what it had done, some time ago.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Slowest {
    pub(super) rank: usize,
    pub(super) done: u64,
    pub(super) age_ms: u64,
}

impl Slowest {
    /// Its operations by now if it goes on as it did; none for what is as old as the phase.
    pub(super) fn by_now(&self, snapshot: &Snapshot) -> Option<f64> {
        let then = snapshot.elapsed - self.age_ms as f64 / 1000.0;
        (then >= 1.0).then(|| self.done as f64 * snapshot.elapsed / then)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Datagram {
    /// The job's own number: other jobs on the same hosts are not listened to.
    pub(super) job: u64,
    pub(super) from: usize,
    pub(super) message: Message,
}
