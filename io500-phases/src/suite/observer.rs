//! Who hears how a run goes on.

use crate::phase_id::PhaseId;
use crate::phases::cleanup;
use crate::results::{PhaseResult, RunResult};

/// Is told of the steps of a run on rank 0, never inside a timed window.
pub trait Observer {
    /// The data directory is ready; the first phase comes next.
    fn started(&mut self, _result: &RunResult) {}
    /// A phase begins.
    fn phase_begins(&mut self, _phase: PhaseId) {}
    /// A phase is over, and what is known of it besides can be put into its result before that is judged and written.
    fn phase_measured(&mut self, _phase: &mut PhaseResult) {}
    /// A phase is over and is in `result.phases`, with those of earlier invocations.
    fn phase_over(&mut self, _result: &RunResult, _phase: PhaseId) {}
    /// The run is over; score and verdicts are final.
    fn finished(&mut self, _result: &RunResult) {}
    /// The clean-up is over.
    fn cleaned(&mut self, _removed: &cleanup::Removed) {}
}

/// An observer that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopObserver;

impl Observer for NoopObserver {}
