//! The workers of a rank in the mdtest phases: one, or one per thread.

use super::context::PhaseContext;
use super::tally::Check;
use crate::backend::Backend;
use crate::buffer::AlignedBuf;
use crate::engine::{Control, OpError, OpKind, Recorder, Stop, Thread, run_threads};
use crate::name::NumberedName;
use crate::plan::MdtestPlan;

/// What one thread works with; made before the clock starts.
pub struct WorkerState {
    /// The names of the files.
    pub names: NumberedName,
    /// The content of a file.
    pub data: AlignedBuf,
    /// What verification found.
    pub check: Check,
    /// Bytes moved.
    pub bytes: u64,
    /// With several threads: the file that the first fault was seen in.
    fault_at: u64,
}

impl WorkerState {
    fn new(plan: &MdtestPlan, owner: usize) -> Self {
        let mut data = AlignedBuf::new(plan.file_size);
        plan.signature.fill(&mut data, owner as u32, 0);
        let names = NumberedName::new(&plan.name_prefix(owner));
        WorkerState { names, data, check: Check::default(), bytes: 0, fault_at: u64::MAX }
    }
}

/// The worker of one rank.
pub enum Workers<R> {
    /// The rank does everything itself, the only rule-identical setting.
    Alone(Box<WorkerState>),
    /// Its threads do.
    Threads(Vec<Thread<WorkerState, R>>),
}

impl<R: Recorder + Send> Workers<R> {
    /// A state for the files of `owner`.
    pub fn new<B: Backend>(context: &PhaseContext<'_, B>, plan: &MdtestPlan, owner: usize, recorder: &R) -> Self {
        if context.pace.threads <= 1 {
            return Workers::Alone(Box::new(WorkerState::new(plan, owner)));
        }
        let thread = || Thread { tools: WorkerState::new(plan, owner), recorder: recorder.fork() };
        Workers::Threads(std::iter::repeat_with(thread).take(context.pace.threads).collect())
    }

    /// Does operations `from..limit`: how many are done in all, or the number of the one that failed, and why it stopped before the limit.
    pub fn run(
        &mut self,
        control: &mut Control<'_, R>,
        (from, limit): (u64, u64),
        last_part: Option<OpKind>,
        op: impl Fn(&mut Control<'_, R>, &mut WorkerState, u64) -> Result<(), OpError> + Sync,
    ) -> (u64, Option<Stop>) {
        match self {
            Workers::Alone(worker) => control.run(from, limit, last_part, |control, i| op(control, worker, i)),
            Workers::Threads(threads) => {
                run_threads(control, threads, (from, limit), last_part, &|control, worker, i| {
                    let clean = worker.check.first.is_none();
                    op(control, worker, i)?;
                    if clean && worker.check.first.is_some() {
                        worker.fault_at = i;
                    }
                    Ok(())
                })
            }
        }
    }

    /// What all workers found and moved; their latencies go to `recorder`.
    pub fn join(self, recorder: &mut R) -> (Check, u64) {
        match self {
            Workers::Alone(worker) => (worker.check, worker.bytes),
            Workers::Threads(mut threads) => {
                // the first fault of all is the one in the lowest file
                threads.sort_by_key(|thread| thread.tools.fault_at);
                threads.into_iter().fold((Check::default(), 0), |(mut check, bytes), thread| {
                    recorder.join(thread.recorder);
                    check.merge(&thread.tools.check);
                    (check, bytes + thread.tools.bytes)
                })
            }
        }
    }
}
