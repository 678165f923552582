//! mdtest-easy and mdtest-hard.
//!
//! The window of a rank begins when all ranks are ready and ends when all are done, so it contains one waiting for the slowest. A write phase
//! ends with a sync inside the window. Making and removing the directories is outside.

use super::context::{Cx, Meeting, before_read, failed, outcome};
use super::crew::{Crew, Hands};
use super::tally::{Check, RankTally};
use crate::backend::{Access, Backend, list};
use crate::comm::ReduceOp;
use crate::engine::{Control, During, Failure, OpError, OpKind, Recorder, Stop};
use crate::error::{Errno, Result};
use crate::plan::{MdtestPlan, Step};
use std::ffi::CString;

/// Creates files until the stonewall and on to what the fastest rank had created by then. Returns the tally and the files of every rank.
pub fn create<B, R>(cx: &Cx<'_, B>, plan: &MdtestPlan, recorder: &mut R) -> Result<(RankTally, u64)>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let (tree, tree_ns) = timed(cx, || make_tree(cx, plan))?;
    let work = Work::new(cx, plan, Step::Create, tree);
    let (dir, owner) = (cx.team.agree(work.open_dir())?, work.owner as u32);
    let mut crew = Crew::new(cx, plan, work.owner, recorder);
    let backend = cx.backend;
    let one = |control: &mut Control<'_, R>, hands: &mut Hands, i: u64| {
        let file = backend.create(&dir, hands.names.with(i), plan.hints).during("create")?;
        control.part(OpKind::Create);
        if plan.file_size > 0 {
            plan.signature.refill(&mut hands.data, owner, i);
            backend.write_at(&file, 0, &hands.data).during("write")?;
            control.part(OpKind::Write);
        }
        backend.close(file).during("close")
    };
    cx.team.meet()?;

    let begin = cx.edge();
    let mut control = Control::begin(cx.ticker, cx.progress, cx.team, recorder, cx.stonewall_ns());
    let (at_stonewall, stop) = crew.run(&mut control, (0, plan.files), Some(OpKind::Close), one);
    let ended = work.outcome(stop, at_stonewall);
    let Meeting { goal, met_ns: stonewall_ns, waited_ns } = cx.meet_at_stonewall(&mut control, at_stonewall, ended)?;
    let (done, stop) = crew.run(&mut control, (at_stonewall, goal), Some(OpKind::Close), one);
    let loop_ns = control.elapsed_ns();
    let ended = work.outcome(stop, done).and_then(|()| backend.sync_all(&dir).map_err(failed("sync", work.dir_path())));
    cx.team.agree(ended)?;
    let end = cx.edge();

    crew.join(recorder);
    let check = Check { checked: done, ..Check::default() };
    let bytes = done * plan.file_size as u64;
    let tally = RankTally { at_stonewall, stonewall_ns, waited_ns, ..cx.tally(begin, end) };
    Ok((RankTally { operations: done, bytes, loop_ns, tree_ns, check, ..tally }, goal))
}

/// Looks up every file: it must be a file of the right size.
pub fn stat<B, R>(cx: &Cx<'_, B>, plan: &MdtestPlan, files: u64, recorder: &mut R) -> Result<RankTally>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let backend = cx.backend;
    let expected = plan.file_size as u64;
    visit(cx, plan, Step::Stat, files, recorder, Some(OpKind::Stat), |_, visit, hands| {
        let Hands { names, check, .. } = hands;
        let stat = match backend.stat(visit.dir, names.with(visit.index)) {
            Err(errno) if errno.0 == libc::ENOENT => {
                check.book_missing(|| visit.path());
                return Ok(());
            }
            other => other.during("stat")?,
        };
        check.checked += 1;
        if stat.size != expected && backend.keeps_data() {
            check.book_short(expected, stat.size, 0, || visit.path());
        }
        Ok(())
    })
}

/// Opens and reads every file and compares every byte.
pub fn read<B, R>(cx: &Cx<'_, B>, plan: &MdtestPlan, files: u64, recorder: &mut R) -> Result<RankTally>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let backend = cx.backend;
    let owner = plan.owner(Step::Read, cx.rank(), cx.ranks()) as u32;
    let signature = plan.signature;
    visit(cx, plan, Step::Read, files, recorder, None, |control, visit, hands| {
        let Hands { names, data, check, bytes, .. } = hands;
        let file = match backend.open(visit.dir, names.with(visit.index), Access::Read) {
            Err(errno) if errno.0 == libc::ENOENT => {
                check.book_missing(|| visit.path());
                return Ok(());
            }
            other => other.during("open")?,
        };
        control.part(OpKind::Open);
        before_read(backend, signature, data, owner, visit.index);
        let got = backend.read_at(&file, 0, data).during("read")?;
        control.part(OpKind::Read);
        backend.close(file).during("close")?;
        control.part(OpKind::Close);
        check.checked += 1;
        if got != data.len() {
            check.book_short(data.len() as u64, got as u64, 0, || visit.path());
        } else if let Err(mismatch) = signature.verify(data, owner, visit.index) {
            check.book_wrong(mismatch, 0, || visit.path());
        }
        *bytes += got as u64;
        Ok(())
    })
}

/// Removes every file, and then, outside the window, the directories.
pub fn delete<B, R>(cx: &Cx<'_, B>, plan: &MdtestPlan, files: u64, recorder: &mut R) -> Result<RankTally>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let backend = cx.backend;
    let mut tally = visit(cx, plan, Step::Delete, files, recorder, Some(OpKind::Remove), |_, visit, hands| {
        let Hands { names, check, .. } = hands;
        match backend.unlink(visit.dir, names.with(visit.index)) {
            Err(errno) if errno.0 == libc::ENOENT => check.book_missing(|| visit.path()),
            other => other.during("remove")?,
        }
        check.checked += 1;
        Ok(())
    })?;
    let ((), tree_ns) = timed(cx, || cx.team.agree(remove_tree(cx, plan, &mut tally.check)))?;
    // the directory that holds them all goes last, when the others are gone; what a rank has found in its own keeps both
    let mut left = [tally.check.extra];
    cx.comm().all_reduce_u64(ReduceOp::Sum, &mut left);
    let last = if cx.rank() == 0 && left == [0] { remove_test_dir(cx, plan, &mut tally.check) } else { Ok(()) };
    cx.team.agree(last)?;
    Ok(RankTally { tree_ns, ..tally })
}

/// What a step works on at the moment.
struct Visit<'a, B: Backend> {
    dir: &'a B::Dir,
    place: Place<'a>,
    index: u64,
}

impl<B: Backend> Visit<'_, B> {
    #[cold]
    fn path(&self) -> String {
        self.place.path(self.index)
    }
}

fn visit<B, R>(
    cx: &Cx<'_, B>,
    plan: &MdtestPlan,
    step: Step,
    files: u64,
    recorder: &mut R,
    last_part: Option<OpKind>,
    each: impl Fn(&mut Control<'_, R>, &Visit<'_, B>, &mut Hands) -> std::result::Result<(), OpError> + Sync,
) -> Result<RankTally>
where
    B: Backend + Sync,
    B::Dir: Sync,
    R: Recorder + Send,
{
    let tree = open_test_dir(cx, plan);
    let tree = cx.team.agree(tree)?;
    let work = Work::new(cx, plan, step, tree);
    let dir = match work.open_dir() {
        // a directory that is gone with all its files: every one of them is missing
        Err(Failure::Storage { errno: libc::ENOENT, .. }) => Ok(None),
        other => other.map(Some),
    };
    let dir = cx.team.agree(dir)?;
    let mut crew = Crew::new(cx, plan, work.owner, recorder);
    let place = work.place();
    cx.progress.set_goal(files);
    cx.team.meet()?;

    let begin = cx.edge();
    let mut control = Control::begin(cx.ticker, cx.progress, cx.team, recorder, None);
    let (done, stop) = match &dir {
        Some(dir) => crew.run(&mut control, (0, files), last_part, |control, hands, index| {
            each(control, &Visit { dir, place, index }, hands)
        }),
        None => (files, None),
    };
    let loop_ns = control.elapsed_ns();
    cx.team.agree(work.outcome(stop, done))?;
    let end = cx.edge();
    let (mut check, bytes) = crew.join(recorder);
    if dir.is_none() {
        check.missing = files;
        check.first = (files > 0).then(|| format!("{}: not there", work.path(0)));
    }
    Ok(RankTally { operations: done, bytes, loop_ns, check, ..cx.tally(begin, end) })
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

/// One rank's part of one step.
struct Work<'a, B: Backend> {
    cx: &'a Cx<'a, B>,
    plan: &'a MdtestPlan,
    step: Step,
    tree: B::Dir,
    owner: usize,
    dir_owner: usize,
}

impl<'a, B: Backend> Work<'a, B> {
    fn new(cx: &'a Cx<'a, B>, plan: &'a MdtestPlan, step: Step, tree: B::Dir) -> Self {
        let (rank, ranks) = (cx.rank(), cx.ranks());
        let (owner, dir_owner) = (plan.owner(step, rank, ranks), plan.dir_owner(step, rank, ranks));
        Work { cx, plan, step, tree, owner, dir_owner }
    }

    fn open_dir(&self) -> std::result::Result<B::Dir, Failure> {
        let name = c_name(&self.plan.tree_dir(self.dir_owner));
        self.cx.backend.open_dir(&self.tree, &name).map_err(failed("open", self.dir_path()))
    }

    fn dir_path(&self) -> String {
        tree_path(self.plan, self.dir_owner)
    }

    fn place(&self) -> Place<'a> {
        Place { plan: self.plan, step: self.step, rank: self.cx.rank(), ranks: self.cx.ranks() }
    }

    fn path(&self, index: u64) -> String {
        self.place().path(index)
    }

    fn outcome(&self, stop: Option<Stop>, done: u64) -> std::result::Result<(), Failure> {
        outcome(stop, || self.path(done))
    }
}

fn timed<B: Backend, T>(cx: &Cx<'_, B>, work: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let begin = cx.ticker.now_ns();
    let value = work()?;
    Ok((value, cx.ticker.now_ns() - begin))
}

fn tree_path(plan: &MdtestPlan, owner: usize) -> String {
    format!("{}/{}/{}", plan.family.name(), MdtestPlan::TEST_DIR, plan.tree_dir(owner))
}

fn open_test_dir<B: Backend>(cx: &Cx<'_, B>, plan: &MdtestPlan) -> std::result::Result<B::Dir, Failure> {
    let family = plan.family.name();
    let dir = cx.backend.open_dir(cx.root, &c_name(family)).map_err(failed("open", family))?;
    let path = format!("{family}/{}", MdtestPlan::TEST_DIR);
    cx.backend.open_dir(&dir, &c_name(MdtestPlan::TEST_DIR)).map_err(failed("open", path))
}

/// Rank 0 makes what is shared, then every rank its own directory.
fn make_tree<B: Backend>(cx: &Cx<'_, B>, plan: &MdtestPlan) -> Result<B::Dir> {
    let family = plan.family.name();
    let make = |parent: &B::Dir, name: &str, path: String| {
        match cx.backend.mkdir(parent, &c_name(name), plan.hints) {
            Err(Errno(libc::EEXIST)) => Ok(()), // an empty tree that an interrupted run left
            other => other.map_err(failed("mkdir", path)),
        }
    };
    let shared = || {
        let dir = cx.backend.open_dir(cx.root, &c_name(family)).map_err(failed("open", family))?;
        make(&dir, MdtestPlan::TEST_DIR, format!("{family}/{}", MdtestPlan::TEST_DIR))?;
        let tree = open_test_dir(cx, plan)?;
        if plan.dir_per_rank { Ok(()) } else { make(&tree, &plan.tree_dir(0), tree_path(plan, 0)) }
    };
    cx.team.agree(if cx.rank() == 0 { shared() } else { Ok(()) })?;
    let own = open_test_dir(cx, plan).and_then(|tree| {
        if plan.dir_per_rank {
            make(&tree, &plan.tree_dir(cx.rank()), tree_path(plan, cx.rank()))?;
        }
        Ok(tree)
    });
    cx.team.agree(own)
}

fn remove_tree<B: Backend>(cx: &Cx<'_, B>, plan: &MdtestPlan, check: &mut Check) -> std::result::Result<(), Failure> {
    if !plan.dir_per_rank && cx.rank() != 0 {
        return Ok(());
    }
    let tree = open_test_dir(cx, plan)?;
    remove_dir(cx, &tree, &plan.tree_dir(cx.rank()), tree_path(plan, cx.rank()), check)
}

fn remove_test_dir<B: Backend>(
    cx: &Cx<'_, B>,
    plan: &MdtestPlan,
    check: &mut Check,
) -> std::result::Result<(), Failure> {
    let family = plan.family.name();
    let dir = cx.backend.open_dir(cx.root, &c_name(family)).map_err(failed("open", family))?;
    remove_dir(cx, &dir, MdtestPlan::TEST_DIR, format!("{family}/{}", MdtestPlan::TEST_DIR), check)
}

/// Removes a directory that must be empty now; what is left in it was not made by this run and stays.
fn remove_dir<B: Backend>(
    cx: &Cx<'_, B>,
    parent: &B::Dir,
    name: &str,
    path: String,
    check: &mut Check,
) -> std::result::Result<(), Failure> {
    let c = c_name(name);
    match cx.backend.rmdir(parent, &c) {
        Err(Errno(libc::ENOTEMPTY)) => {
            let dir = cx.backend.open_dir(parent, &c).map_err(failed("open", &path))?;
            list(cx.backend, &dir, |entry, _| check.book_extra(|| format!("{path}/{}", entry.to_string_lossy())))
                .map_err(failed("readdir", &path))
        }
        Err(Errno(libc::ENOENT)) => Ok(()), // its files were missing too, and that is booked
        other => other.map_err(failed("rmdir", path)),
    }
}

fn c_name(name: &str) -> CString {
    CString::new(name).expect("the plan's names have no NUL")
}
