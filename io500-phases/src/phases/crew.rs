//! What a rank works with in the mdtest phases: its own hands, or those of several threads.

use super::context::Cx;
use super::tally::Check;
use crate::backend::Backend;
use crate::buffer::AlignedBuf;
use crate::engine::{Control, OpError, OpKind, Recorder, Stop, Thread, run_threads};
use crate::name::NumberedName;
use crate::plan::MdtestPlan;

/// What one thread works with; made before the clock starts.
pub struct Hands {
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

impl Hands {
    fn new(plan: &MdtestPlan, owner: usize) -> Self {
        let mut data = AlignedBuf::new(plan.file_size);
        plan.signature.fill(&mut data, owner as u32, 0);
        let names = NumberedName::new(&plan.name_prefix(owner));
        Hands { names, data, check: Check::default(), bytes: 0, fault_at: u64::MAX }
    }
}

/// The hands of one rank.
pub enum Crew<R> {
    /// The rank does everything itself, the only rule-identical setting.
    Alone(Box<Hands>),
    /// Its threads do.
    Threads(Vec<Thread<Hands, R>>),
}

impl<R: Recorder + Send> Crew<R> {
    /// Hands for the files of `owner`.
    pub fn new<B: Backend>(cx: &Cx<'_, B>, plan: &MdtestPlan, owner: usize, recorder: &R) -> Self {
        if cx.pace.threads <= 1 {
            return Crew::Alone(Box::new(Hands::new(plan, owner)));
        }
        let thread = || Thread { tools: Hands::new(plan, owner), recorder: recorder.fork() };
        Crew::Threads(std::iter::repeat_with(thread).take(cx.pace.threads).collect())
    }

    /// Does operations `from..limit`: how many are done in all, or the number of the one that failed, and why it stopped before the limit.
    pub fn run(
        &mut self,
        control: &mut Control<'_, R>,
        (from, limit): (u64, u64),
        last_part: Option<OpKind>,
        op: impl Fn(&mut Control<'_, R>, &mut Hands, u64) -> Result<(), OpError> + Sync,
    ) -> (u64, Option<Stop>) {
        match self {
            Crew::Alone(hands) => control.run(from, limit, last_part, |control, i| op(control, hands, i)),
            Crew::Threads(threads) => run_threads(control, threads, (from, limit), last_part, &|control, hands, i| {
                let clean = hands.check.first.is_none();
                op(control, hands, i)?;
                if clean && hands.check.first.is_some() {
                    hands.fault_at = i;
                }
                Ok(())
            }),
        }
    }

    /// What all hands found and moved; their latencies go to `recorder`.
    pub fn join(self, recorder: &mut R) -> (Check, u64) {
        match self {
            Crew::Alone(hands) => (hands.check, hands.bytes),
            Crew::Threads(mut threads) => {
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
