//! mdtest-easy and mdtest-hard.
//!
//! The window of a rank begins when all ranks are ready and ends when all are done, so it contains one wait for the slowest rank. A write phase
//! ends with a sync inside the window. Making and removing the directories is outside.

use super::context::{PhaseContext, StonewallBarrier, before_read, failed, outcome};
use super::tally::{Check, RankTally};
use super::workers::{WorkerState, Workers};
use crate::backend::{Access, Backend, list};
use crate::comm::ReduceOp;
use crate::engine::{Control, During, Failure, OpError, OpKind, Recorder, Stop, WindowPart};
use crate::error::{Errno, OpResult, Result};
use crate::plan::{MdtestPlan, Step};
use crate::text;
use std::ffi::CString;

/// Creates files until the stonewall and on to what the fastest rank had created by then. Returns the tally and the files of every rank.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn create<B, R>(context: &PhaseContext<'_, B>, plan: &MdtestPlan, recorder: &mut R) -> Result<(RankTally, u64)>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let ((), tree_ns) = timed(context, || make_tree(context, plan))?;
    let work = Work::new(context, plan, Step::Create);
    let (mut current, owner) = (context.team.barrier_with_status(work.begin())?, work.owner as u32);
    let mut workers = Workers::new(context, plan, work.owner, recorder);
    let backend = context.backend;
    let one = |control: &mut Control<'_, R>, visit: &Visit<'_, B>, worker: &mut WorkerState| {
        let file = backend.create(visit.dir, worker.names.with(visit.number), plan.hints).during("create")?;
        control.part(OpKind::Create);
        if plan.file_size > 0 {
            plan.signature.refill(&mut worker.data, owner, visit.number);
            backend.write_at(&file, 0, &worker.data).during("write")?;
            control.part(OpKind::Write);
        }
        backend.close(file).during("close")
    };
    // as in mdtest, a limit of the directories takes the stonewall's place
    let stonewall_ns = context.stonewall_ns().filter(|_| plan.files_per_dir.is_none());
    context.team.barrier()?;

    let begin = context.edge();
    let mut window = context.window(begin, WindowPart::Operations);
    let mut control = Control::begin(context.ticker, context.progress, context.team, recorder, stonewall_ns);
    let (at_stonewall, stop) =
        work.run(&mut current, &mut workers, &mut control, (0, plan.files), Some(OpKind::Close), one);
    let ended = work.outcome(stop, at_stonewall);
    let StonewallBarrier { goal, reached_ns: stonewall_ns, waited_ns } =
        context.stonewall_barrier(&mut window, &mut control, at_stonewall, ended)?;
    let (done, stop) =
        work.run(&mut current, &mut workers, &mut control, (at_stonewall, goal), Some(OpKind::Close), one);
    let loop_ns = control.elapsed_ns();
    window.enter(WindowPart::Sync);
    let sync = || current.dir.as_ref().map_or(Ok(()), |dir| backend.sync_all(dir));
    let ended = work.outcome(stop, done).and_then(|()| sync().map_err(failed("sync", work.dir_path(current.number))));
    window.enter(WindowPart::Waiting);
    context.team.barrier_with_status(ended)?;
    let end = context.edge();
    let parts = window.end(end);

    workers.join(recorder);
    let check = Check { checked: done, ..Check::default() };
    let bytes = done * plan.file_size as u64;
    let tally = RankTally { at_stonewall, stonewall_ns, waited_ns, parts, ..context.tally(begin, end) };
    Ok((RankTally { operations: done, bytes, loop_ns, tree_ns, check, ..tally }, goal))
}

/// Looks up every file: it must be a file of the right size.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn stat<B, R>(context: &PhaseContext<'_, B>, plan: &MdtestPlan, files: u64, recorder: &mut R) -> Result<RankTally>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let backend = context.backend;
    let expected = plan.file_size as u64;
    visit(context, plan, Step::Stat, files, recorder, Some(OpKind::Stat), |_, visit, worker| {
        let WorkerState { names, check, .. } = worker;
        let stat = match backend.stat(visit.dir, names.with(visit.number)) {
            Err(errno) if errno.0 == libc::ENOENT => {
                check.count_missing(|| visit.path());
                return Ok(());
            }
            other => other.during("stat")?,
        };
        check.checked += 1;
        if stat.size != expected && backend.keeps_data() {
            check.count_short(expected, stat.size, 0, || visit.path());
        }
        Ok(())
    })
}

/// Opens and reads every file and compares every byte.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn read<B, R>(context: &PhaseContext<'_, B>, plan: &MdtestPlan, files: u64, recorder: &mut R) -> Result<RankTally>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let backend = context.backend;
    let owner = plan.owner(Step::Read, context.rank(), context.ranks()) as u32;
    let signature = plan.signature;
    visit(context, plan, Step::Read, files, recorder, None, |control, visit, worker| {
        let WorkerState { names, data, check, bytes, .. } = worker;
        let file = match backend.open(visit.dir, names.with(visit.number), Access::Read) {
            Err(errno) if errno.0 == libc::ENOENT => {
                check.count_missing(|| visit.path());
                return Ok(());
            }
            other => other.during("open")?,
        };
        control.part(OpKind::Open);
        before_read(backend, signature, data, owner, visit.number);
        let got = backend.read_at(&file, 0, data).during("read")?;
        control.part(OpKind::Read);
        backend.close(file).during("close")?;
        control.part(OpKind::Close);
        check.checked += 1;
        if got != data.len() {
            check.count_short(data.len() as u64, got as u64, 0, || visit.path());
        } else if let Err(mismatch) = signature.verify(data, owner, visit.number) {
            check.count_wrong(mismatch, 0, || visit.path());
        }
        *bytes += got as u64;
        Ok(())
    })
}

/// Removes every file, and then, outside the window, the directories.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn delete<B, R>(context: &PhaseContext<'_, B>, plan: &MdtestPlan, files: u64, recorder: &mut R) -> Result<RankTally>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let backend = context.backend;
    let mut tally = visit(context, plan, Step::Delete, files, recorder, Some(OpKind::Remove), |_, visit, worker| {
        let WorkerState { names, check, .. } = worker;
        match backend.unlink(visit.dir, names.with(visit.number)) {
            Err(errno) if errno.0 == libc::ENOENT => check.count_missing(|| visit.path()),
            other => other.during("remove")?,
        }
        check.checked += 1;
        Ok(())
    })?;
    let ((), tree_ns) =
        timed(context, || context.team.barrier_with_status(remove_tree(context, plan, &mut tally.check)))?;
    // the directories that hold them go last, when the others are gone; what a rank has found in its own keeps both
    let mut left = [tally.check.unexpected];
    context.comm().all_reduce_u64(ReduceOp::Sum, &mut left);
    let last =
        if context.rank() == 0 && left == [0] { remove_test_dirs(context, plan, &mut tally.check) } else { Ok(()) };
    context.team.barrier_with_status(last)?;
    Ok(RankTally { tree_ns, ..tally })
}

/// What a step works on at the moment.
struct Visit<'a, B: Backend> {
    dir: &'a B::Dir,
    place: Place<'a>,
    /// The file as a rank counts them.
    index: u64,
    /// The number in its name.
    number: u64,
}

impl<B: Backend> Visit<'_, B> {
    #[cold]
    fn path(&self) -> String {
        self.place.path(self.index)
    }
}

fn visit<B, R>(
    context: &PhaseContext<'_, B>,
    plan: &MdtestPlan,
    step: Step,
    files: u64,
    recorder: &mut R,
    last_part: Option<OpKind>,
    each: impl Fn(&mut Control<'_, R>, &Visit<'_, B>, &mut WorkerState) -> std::result::Result<(), OpError> + Sync,
) -> Result<RankTally>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let work = Work::new(context, plan, step);
    let mut current = context.team.barrier_with_status(work.begin())?;
    let mut workers = Workers::new(context, plan, work.owner, recorder);
    context.progress.set_goal(files);
    context.team.barrier()?;

    let begin = context.edge();
    let mut window = context.window(begin, WindowPart::Operations);
    let mut control = Control::begin(context.ticker, context.progress, context.team, recorder, None);
    let (done, stop) = work.run(&mut current, &mut workers, &mut control, (0, files), last_part, each);
    let loop_ns = control.elapsed_ns();
    window.enter(WindowPart::Waiting);
    context.team.barrier_with_status(work.outcome(stop, done))?;
    let end = context.edge();
    let parts = window.end(end);
    let (mut check, bytes) = workers.join(recorder);
    if let Some(first) = current.first_missing {
        check.missing += current.missing;
        check.first.get_or_insert_with(|| format!("{}: not there", work.path(first)));
    }
    Ok(RankTally { operations: done, bytes, loop_ns, parts, check, ..context.tally(begin, end) })
}

/// Where the files of a step are.
#[derive(Clone, Copy)]
struct Place<'a> {
    plan: &'a MdtestPlan,
    step: Step,
    rank: usize,
    ranks: usize,
}

impl Place<'_> {
    fn path(&self, index: u64) -> String {
        self.plan.path(self.step, self.rank, self.ranks, index)
    }
}

/// The directory that a rank works in. A directory that is gone with all its files is none: every one of them is missing.
struct Current<B: Backend> {
    number: u64,
    dir: Option<B::Dir>,
    missing: u64,
    first_missing: Option<u64>,
}

/// One rank's part of one step.
struct Work<'a, B: Backend> {
    context: &'a PhaseContext<'a, B>,
    plan: &'a MdtestPlan,
    step: Step,
    owner: usize,
    dir_owner: usize,
}

impl<'a, B: Backend> Work<'a, B> {
    fn new(context: &'a PhaseContext<'a, B>, plan: &'a MdtestPlan, step: Step) -> Self {
        let (rank, ranks) = (context.rank(), context.ranks());
        let (owner, dir_owner) = (plan.owner(step, rank, ranks), plan.dir_owner(step, rank, ranks));
        Work { context, plan, step, owner, dir_owner }
    }

    /// Opens the first directory, before the clock starts.
    fn begin(&self) -> std::result::Result<Current<B>, Failure> {
        let tree = open_test_dir(self.context, self.plan, 0)?;
        let dir = self.enter(&tree).map_err(failed("open", self.dir_path(0)))?;
        Ok(Current { number: 0, dir, missing: 0, first_missing: None })
    }

    fn enter(&self, tree: &B::Dir) -> OpResult<Option<B::Dir>> {
        match self.context.backend.open_dir(tree, &c_name(&self.plan.tree_dir(self.dir_owner))) {
            Err(Errno(libc::ENOENT)) if self.step != Step::Create => Ok(None),
            other => other.map(Some),
        }
    }

    /// The directory of this rank's files in a later test directory, which it comes to while the clock runs.
    fn go_on(&self, number: u64) -> OpResult<Option<B::Dir>> {
        let backend = self.context.backend;
        let family = backend.open_dir(self.context.root, &c_name(self.plan.family.name()))?;
        match backend.open_dir(&family, &c_name(&MdtestPlan::test_dir(number))) {
            Err(Errno(libc::ENOENT)) if self.step != Step::Create => Ok(None),
            other => self.enter(&other?),
        }
    }

    /// Does files `from..limit`, one test directory after the other: how many are done in all, and why it stopped before the limit.
    fn run<R: Recorder + Send>(
        &self,
        current: &mut Current<B>,
        workers: &mut Workers<R>,
        control: &mut Control<'_, R>,
        (from, limit): (u64, u64),
        last_part: Option<OpKind>,
        each: impl Fn(&mut Control<'_, R>, &Visit<'_, B>, &mut WorkerState) -> std::result::Result<(), OpError> + Sync,
    ) -> (u64, Option<Stop>)
    where
        B: Sync,
        B::Dir: Sync,
    {
        let (place, mut done) = (self.place(), from);
        loop {
            let (number, _) = if done < limit { self.plan.place(done) } else { (current.number, 0) };
            if number != current.number {
                match self.go_on(number) {
                    Ok(dir) => (current.number, current.dir) = (number, dir),
                    Err(errno) => return (done, Some(Stop::Failed(OpError { op: "open", errno }))),
                }
            }
            let per_dir = self.plan.files_per_dir.unwrap_or(u64::MAX);
            let first = if number == 0 { 0 } else { number * per_dir };
            let end = limit.min(first.saturating_add(per_dir));
            let stop = match &current.dir {
                Some(dir) => {
                    let stop;
                    (done, stop) = workers.run(control, (done, end), last_part, |control, worker, index| {
                        each(control, &Visit { dir, place, index, number: index - first }, worker)
                    });
                    stop
                }
                None => {
                    if end > done {
                        current.first_missing.get_or_insert(done);
                    }
                    current.missing += end.saturating_sub(done);
                    done = end.max(done);
                    None
                }
            };
            if stop.is_some() || done >= limit {
                return (done, stop);
            }
        }
    }

    fn dir_path(&self, number: u64) -> String {
        tree_path(self.plan, number, self.dir_owner)
    }

    fn place(&self) -> Place<'a> {
        Place { plan: self.plan, step: self.step, rank: self.context.rank(), ranks: self.context.ranks() }
    }

    fn path(&self, index: u64) -> String {
        self.place().path(index)
    }

    fn outcome(&self, stop: Option<Stop>, done: u64) -> std::result::Result<(), Failure> {
        outcome(stop, || self.path(done))
    }
}

fn timed<B: Backend, T>(context: &PhaseContext<'_, B>, work: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let begin = context.ticker.now_ns();
    let value = work()?;
    Ok((value, context.ticker.now_ns() - begin))
}

fn test_dir_path(plan: &MdtestPlan, number: u64) -> String {
    format!("{}/{}", plan.family.name(), MdtestPlan::test_dir(number))
}

fn tree_path(plan: &MdtestPlan, number: u64, owner: usize) -> String {
    format!("{}/{}", test_dir_path(plan, number), plan.tree_dir(owner))
}

fn open_family<B: Backend>(context: &PhaseContext<'_, B>, plan: &MdtestPlan) -> std::result::Result<B::Dir, Failure> {
    let family = plan.family.name();
    context.backend.open_dir(context.root, &c_name(family)).map_err(failed("open", family))
}

fn open_test_dir<B: Backend>(
    context: &PhaseContext<'_, B>,
    plan: &MdtestPlan,
    number: u64,
) -> std::result::Result<B::Dir, Failure> {
    let dir = open_family(context, plan)?;
    let name = c_name(&MdtestPlan::test_dir(number));
    context.backend.open_dir(&dir, &name).map_err(failed("open", test_dir_path(plan, number)))
}

/// Rank 0 makes what is shared, then every rank its own directory.
fn make_tree<B: Backend>(context: &PhaseContext<'_, B>, plan: &MdtestPlan) -> Result<()> {
    let make = |parent: &B::Dir, name: &str, path: String| {
        context.progress.beat();
        match context.backend.mkdir(parent, &c_name(name), plan.hints) {
            Err(Errno(libc::EEXIST)) => Ok(()), // an empty tree that an interrupted run left
            other => other.map_err(failed("mkdir", path)),
        }
    };
    let shared = || {
        let dir = open_family(context, plan)?;
        for number in 0..plan.test_dirs(plan.files) {
            make(&dir, &MdtestPlan::test_dir(number), test_dir_path(plan, number))?;
            if !plan.dir_per_rank {
                let tree = open_test_dir(context, plan, number)?;
                make(&tree, &plan.tree_dir(0), tree_path(plan, number, 0))?;
            }
        }
        Ok(())
    };
    context.team.barrier_with_status(if context.rank() == 0 { shared() } else { Ok(()) })?;
    let own = || {
        let tree = open_test_dir(context, plan, 0)?;
        make(&tree, &plan.tree_dir(context.rank()), tree_path(plan, 0, context.rank()))
    };
    context.team.barrier_with_status(if plan.dir_per_rank { own() } else { Ok(()) })
}

fn remove_tree<B: Backend>(
    context: &PhaseContext<'_, B>,
    plan: &MdtestPlan,
    check: &mut Check,
) -> std::result::Result<(), Failure> {
    if !plan.dir_per_rank && context.rank() != 0 {
        return Ok(());
    }
    (0..plan.test_dirs(plan.files)).try_for_each(|number| {
        let tree = match open_test_dir(context, plan, number) {
            // its files were missing, and that is counted
            Err(Failure::Storage { errno: libc::ENOENT, .. }) => return Ok(()),
            other => other?,
        };
        remove_dir(context, &tree, &plan.tree_dir(context.rank()), tree_path(plan, number, context.rank()), check)
    })
}

fn remove_test_dirs<B: Backend>(
    context: &PhaseContext<'_, B>,
    plan: &MdtestPlan,
    check: &mut Check,
) -> std::result::Result<(), Failure> {
    let dir = open_family(context, plan)?;
    (0..plan.test_dirs(plan.files)).try_for_each(|number| {
        remove_dir(context, &dir, &MdtestPlan::test_dir(number), test_dir_path(plan, number), check)
    })
}

/// Removes a directory that should be empty now; entries left in it were not created by this run and stay.
fn remove_dir<B: Backend>(
    context: &PhaseContext<'_, B>,
    parent: &B::Dir,
    name: &str,
    path: String,
    check: &mut Check,
) -> std::result::Result<(), Failure> {
    let c = c_name(name);
    match context.backend.rmdir(parent, &c) {
        Err(Errno(libc::ENOTEMPTY)) => {
            let dir = context.backend.open_dir(parent, &c).map_err(failed("open", &path))?;
            list(context.backend, &dir, |entry, _| {
                check.count_unexpected(|| format!("{path}/{}", text::escape(entry.to_bytes())))
            })
            .map_err(failed("readdir", &path))
        }
        Err(Errno(libc::ENOENT)) => Ok(()), // its files were missing too, and that is counted
        other => other.map_err(failed("rmdir", path)),
    }
}

fn c_name(name: &str) -> CString {
    CString::new(name).expect("the plan's names have no NUL")
}
