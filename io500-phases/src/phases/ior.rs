//! ior-easy, ior-hard and the random reads.
//!
//! The window of a rank begins before it opens the file and ends when it has closed it. In between there are three barriers: when all files are
//! open, when all transfers (with their sync) are done, and after closing. The rate is the bytes really moved by all ranks, divided by the
//! time from the first begin to the last end.

use super::context::{PhaseContext, StonewallBarrier, Window, failed};
use super::tally::{Check, RankTally};
use super::transfers::{Direction, IoBuffers, Transfers};
use crate::backend::{Access, Backend, list};
use crate::engine::{Control, Failure, OpKind, Recorder, WindowPart};
use crate::error::{OpResult, Result};
use crate::plan::{IorPlan, RandomReads};
use crate::text;
use std::ffi::{CStr, CString};

/// Writes until the stonewall and on to what the fastest rank had done by then. Returns the tally and the transfers that every rank
/// has done.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn write<B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    plan: &IorPlan,
    recorder: &mut R,
) -> Result<(RankTally, u64)> {
    let (rank, ranks) = (context.rank(), context.ranks());
    let path = plan.path(rank);
    let direction = Direction::Write { writer: rank as u32 };
    let prepared = remove_old(context, plan).and_then(|dir| {
        let buffers = IoBuffers::new(context, plan.transfer as usize, plan.signature, direction);
        Ok((dir, buffers.map_err(failed("queue", &path))?))
    });
    let (dir, mut buffers) = context.team.barrier_with_status(prepared)?;

    let begin = context.edge();
    let mut window = context.window(begin, WindowPart::Open);
    let file = create(context, plan, &dir, &mut window, recorder)?;
    let mut transfers = Transfers {
        file: &file,
        path: path.clone(),
        signature: plan.signature,
        direction,
        offsets: {
            let mut offsets = plan.offsets(rank, ranks, 0);
            move || offsets.advance()
        },
    };
    let mut check = Check::default();
    window.enter(WindowPart::Operations);
    let loop_begin = context.ticker.now_ns();
    let mut control = Control::begin(context.ticker, context.progress, context.team, recorder, context.stonewall_ns());
    let all = plan.transfers();
    let (at_stonewall, mut bytes, stop) = if plan.collective && context.stonewall_ns().is_some() {
        transfers.run_together(context, &mut buffers, &mut control, &mut check, all)
    } else {
        transfers.run(context, &mut buffers, &mut control, &mut check, (0, all))
    };
    let StonewallBarrier { goal, reached_ns: stonewall_ns, waited_ns } =
        context.stonewall_barrier(&mut window, &mut control, at_stonewall, transfers.outcome(stop))?;
    let (done, more, stop) = transfers.run(context, &mut buffers, &mut control, &mut check, (at_stonewall, goal));
    bytes += more;
    let looped_ns = control.elapsed_ns();
    window.enter(WindowPart::Sync);
    let sync = || context.backend.sync(&file);
    let synced = transfers
        .outcome(stop)
        .and_then(|()| context.recorded(recorder, OpKind::Sync, looped_ns, sync).map_err(failed("sync", &path)));
    let loop_ns = context.ticker.now_ns() - loop_begin;
    window.enter(WindowPart::Waiting);
    context.team.barrier_with_status(synced)?;
    window.enter(WindowPart::Close);
    let close = || context.backend.close(file);
    let closed = context.recorded(recorder, OpKind::Close, loop_ns, close).map_err(failed("close", &path));
    let end = context.edge();
    let parts = window.end(end);
    context.team.barrier_with_status(closed)?;

    let tally = RankTally { at_stonewall, stonewall_ns, waited_ns, parts, ..context.tally(begin, end) };
    Ok((RankTally { operations: done, bytes, loop_ns, check, ..tally }, goal))
}

/// Reads exactly `count` transfers of what `writer` wrote and compares every byte.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn read<B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    plan: &IorPlan,
    writer: usize,
    count: u64,
    recorder: &mut R,
) -> Result<RankTally> {
    let ranks = context.ranks();
    let path = plan.path(writer);
    let direction = Direction::Verify { writer: writer as u32 };
    let offsets = {
        let mut offsets = plan.offsets(writer, ranks, 0);
        move || offsets.advance()
    };
    let file_of =
        Reading { path, writer, size: plan.transfer as usize, direction, offsets, limit: count, wear_out: false };
    let mut tally = read_loop(context, plan, file_of, recorder)?;
    context.team.barrier_with_status(count_unexpected(context, plan, writer, &mut tally.check))?;
    Ok(tally)
}

/// Reads random 4 KiB blocks of the file that `writer` wrote until the stonewall, with wear-out. Not verified.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn random_read<B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    plan: &IorPlan,
    writer: usize,
    recorder: &mut R,
) -> Result<RankTally> {
    let path = plan.path(writer);
    let size = open_family_dir(context, plan, writer)
        .and_then(|dir| {
            let name = c_name(&plan.file_name(writer));
            context.backend.stat(&dir, &name).map_err(failed("stat", &path))
        })
        .and_then(|stat| {
            let keeps = context.backend.keeps_data();
            let size = if keeps { stat.size } else { plan.transfer * plan.transfers() };
            RandomReads::new(plan.signature.seed, context.rank(), size).ok_or_else(|| {
                Failure::Config(format!("{path}: {size} bytes hold no block of {} to read", RandomReads::TRANSFER))
            })
        });
    let mut reads = context.team.barrier_with_status(size)?;
    let reading = Reading {
        path,
        writer,
        size: RandomReads::TRANSFER as usize,
        direction: Direction::Read,
        offsets: move || reads.advance(),
        limit: RandomReads::COUNT,
        wear_out: true,
    };
    read_loop(context, plan, reading, recorder)
}

struct Reading<O> {
    path: String,
    writer: usize,
    size: usize,
    direction: Direction,
    offsets: O,
    limit: u64,
    wear_out: bool,
}

fn read_loop<B: Backend, R: Recorder, O: FnMut() -> u64>(
    context: &PhaseContext<'_, B>,
    plan: &IorPlan,
    reading: Reading<O>,
    recorder: &mut R,
) -> Result<RankTally> {
    let Reading { path, writer, size, direction, offsets, limit, wear_out } = reading;
    let mut check = Check::default();
    let prepared = open_family_dir(context, plan, writer).and_then(|dir| {
        Ok((dir, IoBuffers::new(context, size, plan.signature, direction).map_err(failed("queue", &path))?))
    });
    let (dir, mut buffers) = context.team.barrier_with_status(prepared)?;
    let name = c_name(&plan.file_name(writer));

    let begin = context.edge();
    let mut window = context.window(begin, WindowPart::Open);
    let file = open(context, plan, &path, &mut window, || {
        match context.recorded(recorder, OpKind::Open, 0, || context.backend.open(&dir, &name, Access::Read)) {
            Err(errno) if errno.0 == libc::ENOENT => Ok(None),
            other => other.map(Some).map_err(failed("open", &path)),
        }
    })?;
    if file.is_none() {
        check.count_missing(|| path.clone());
    }
    window.enter(WindowPart::Operations);
    if !wear_out {
        context.progress.set_goal(limit);
    }
    let loop_begin = context.ticker.now_ns();
    let mut tally = RankTally::default();
    let stonewall_ns = if wear_out { context.stonewall_ns() } else { None };
    let mut control = Control::begin(context.ticker, context.progress, context.team, recorder, stonewall_ns);
    let mut transfers =
        file.as_ref().map(|file| Transfers { file, path: path.clone(), signature: plan.signature, direction, offsets });
    let mut run = |control: &mut Control<'_, R>, range| match &mut transfers {
        Some(transfers) => {
            let (done, bytes, stop) = transfers.run(context, &mut buffers, control, &mut check, range);
            (done, bytes, transfers.outcome(stop))
        }
        None => (range.0, 0, Ok(())),
    };
    let (mut done, mut bytes, mut ended) = run(&mut control, (0, limit));
    if wear_out {
        tally.at_stonewall = done;
        let met = context.stonewall_barrier(&mut window, &mut control, done, ended)?;
        (tally.stonewall_ns, tally.waited_ns) = (met.reached_ns, met.waited_ns);
        let more;
        (done, more, ended) = run(&mut control, (done, met.goal));
        bytes += more;
    }
    let loop_ns = context.ticker.now_ns() - loop_begin;
    window.enter(WindowPart::Waiting);
    context.team.barrier_with_status(ended)?;
    window.enter(WindowPart::Close);
    let closed = file.map_or(Ok(()), |file| {
        context
            .recorded(recorder, OpKind::Close, loop_ns, || context.backend.close(file))
            .map_err(failed("close", &path))
    });
    let end = context.edge();
    let parts = window.end(end);
    context.team.barrier_with_status(closed)?;
    let RankTally { at_stonewall, stonewall_ns, waited_ns, .. } = tally;
    let tally = RankTally { at_stonewall, stonewall_ns, waited_ns, parts, ..context.tally(begin, end) };
    Ok(RankTally { operations: done, bytes, loop_ns, check, ..tally })
}

/// Removes what an earlier run left under the names of this one; the directory of this rank's file.
fn remove_old<B: Backend>(context: &PhaseContext<'_, B>, plan: &IorPlan) -> std::result::Result<B::Dir, Failure> {
    let rank = context.rank();
    let dir = open_family_dir(context, plan, rank)?;
    if plan.file_per_process || rank == 0 {
        match context.backend.unlink(&dir, &c_name(&plan.file_name(rank))) {
            Err(errno) if errno.0 != libc::ENOENT => return Err(failed("remove", plan.path(rank))(errno)),
            _ => {}
        }
    }
    Ok(dir)
}

/// Creates the files.
fn create<B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    plan: &IorPlan,
    dir: &B::Dir,
    window: &mut Window<'_>,
    recorder: &mut R,
) -> Result<B::File> {
    let path = plan.path(context.rank());
    let name = c_name(&plan.file_name(context.rank()));
    let created = open(context, plan, &path, window, || {
        let create = || context.backend.create(dir, &name, plan.hints);
        context.recorded(recorder, OpKind::Create, 0, create).map(Some).map_err(failed("create", &path))
    })?;
    Ok(created.expect("a file that is created is there"))
}

/// What rank 0 tells of a shared file, in the first byte: it is not there; open it yourself; the open file follows.
const MISSING: u8 = 0;
const BY_NAME: u8 = 1;
const EXPORTED: u8 = 2;

/// Opens the files with `own`; none for one that is not there. Rank 0 opens a shared file and passes it to the others where the
/// store supports that, as IOR does over DFS. Collective.
fn open<B: Backend>(
    context: &PhaseContext<'_, B>,
    plan: &IorPlan,
    path: &str,
    window: &mut Window<'_>,
    mut own: impl FnMut() -> std::result::Result<Option<B::File>, Failure>,
) -> Result<Option<B::File>> {
    if plan.file_per_process {
        let file = own();
        return window.wait(|| context.team.barrier_with_status(file));
    }
    let mut shared = Vec::new();
    let first = if context.rank() == 0 {
        own().and_then(|file| {
            let exported: OpResult<Option<Vec<u8>>> =
                file.as_ref().map_or(Ok(None), |file| context.backend.export(file));
            shared = match (&file, exported.map_err(failed("export", path))?) {
                (None, _) => vec![MISSING],
                (Some(_), None) => vec![BY_NAME],
                (Some(_), Some(bytes)) => [vec![EXPORTED], bytes].concat(),
            };
            Ok(file)
        })
    } else {
        Ok(None)
    };
    let first = window.wait(|| -> Result<_> {
        let first = context.team.barrier_with_status(first)?;
        context.comm().broadcast(0, &mut shared);
        Ok(first)
    })?;
    let file = match (first, shared.split_first()) {
        (Some(file), _) => Ok(Some(file)),
        (None, Some((&EXPORTED, bytes))) => context.backend.import(bytes).map(Some).map_err(failed("import", path)),
        (None, Some((&BY_NAME, _))) => own(),
        (None, _) => Ok(None),
    };
    window.wait(|| context.team.barrier_with_status(file))
}

/// The directory in which `owner`'s file lies.
fn open_family_dir<B: Backend>(
    context: &PhaseContext<'_, B>,
    plan: &IorPlan,
    owner: usize,
) -> std::result::Result<B::Dir, Failure> {
    let family = plan.family.name();
    let dir = context.backend.open_dir(context.root, &c_name(family)).map_err(failed("open", family))?;
    match plan.own_dir(owner) {
        None => Ok(dir),
        Some(own) => context.backend.open_dir(&dir, &c_name(&own)).map_err(failed("open", format!("{family}/{own}"))),
    }
}

/// Counts unexpected entries beside the files of the plan; after the window. Rank 0 checks a directory that all ranks share.
fn count_unexpected<B: Backend>(
    context: &PhaseContext<'_, B>,
    plan: &IorPlan,
    writer: usize,
    check: &mut Check,
) -> std::result::Result<(), Failure> {
    let mut book = |dir: &B::Dir, path: &str, name_of: &dyn Fn(usize) -> String| {
        let ours = |name: &str| {
            let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            let owner = digits.parse().unwrap_or(0);
            owner < context.ranks() && name_of(owner) == name
        };
        let each = |name: &CStr, _| {
            let name = text::escape(name.to_bytes());
            if !ours(&name) {
                check.count_unexpected(|| format!("{path}/{name}"));
            }
        };
        list(context.backend, dir, each).map_err(failed("readdir", path))
    };
    let family = plan.family.name();
    if let Some(own) = plan.own_dir(writer) {
        book(&open_family_dir(context, plan, writer)?, &format!("{family}/{own}"), &|_| plan.file_name(writer))?;
    }
    if context.rank() == 0 {
        let dir = context.backend.open_dir(context.root, &c_name(family)).map_err(failed("open", family))?;
        book(&dir, family, &|owner| plan.own_dir(owner).unwrap_or_else(|| plan.file_name(owner)))?;
    }
    Ok(())
}

fn c_name(name: &str) -> CString {
    CString::new(name).expect("the plan's names have no NUL")
}
