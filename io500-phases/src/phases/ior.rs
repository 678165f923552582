//! ior-easy, ior-hard and the random reads.
//!
//! The window of a rank begins before it opens the file and ends when it has closed it. In between the ranks meet three times: when all files are
//! open, when all transfers (with their sync) are done, and after closing. The rate is the bytes really moved by all ranks, divided by the
//! time from the first begin to the last end.

use super::context::{Cx, Meeting, Window, failed};
use super::tally::{Check, RankTally};
use super::transfers::{Direction, Lanes, Transfers};
use crate::backend::{Access, Backend, list};
use crate::engine::{Control, Failure, OpKind, Recorder, WindowPart};
use crate::error::{OpResult, Result};
use crate::plan::{IorPlan, RandomReads};
use std::ffi::{CStr, CString};

/// Writes until the stonewall and on to what the fastest rank had done by then. Returns the tally and the transfers that every rank
/// has done.
pub fn write<B: Backend, R: Recorder>(cx: &Cx<'_, B>, plan: &IorPlan, recorder: &mut R) -> Result<(RankTally, u64)> {
    let (rank, ranks) = (cx.rank(), cx.ranks());
    let path = plan.path(rank);
    let direction = Direction::Write { writer: rank as u32 };
    let prepared = remove_old(cx, plan).and_then(|dir| {
        let lanes = Lanes::new(cx, plan.transfer as usize, plan.signature, direction);
        Ok((dir, lanes.map_err(failed("queue", &path))?))
    });
    let (dir, mut lanes) = cx.team.agree(prepared)?;

    let begin = cx.edge();
    let mut window = cx.window(begin, WindowPart::Open);
    let file = create(cx, plan, &dir, &mut window, recorder)?;
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
    let loop_begin = cx.ticker.now_ns();
    let mut control = Control::begin(cx.ticker, cx.progress, cx.team, recorder, cx.stonewall_ns());
    let all = plan.transfers();
    let (at_stonewall, mut bytes, stop) = if plan.collective && cx.stonewall_ns().is_some() {
        transfers.run_together(cx, &mut lanes, &mut control, &mut check, all)
    } else {
        transfers.run(cx, &mut lanes, &mut control, &mut check, (0, all))
    };
    let Meeting { goal, met_ns: stonewall_ns, waited_ns } =
        cx.meet_at_stonewall(&mut window, &mut control, at_stonewall, transfers.outcome(stop))?;
    let (done, more, stop) = transfers.run(cx, &mut lanes, &mut control, &mut check, (at_stonewall, goal));
    bytes += more;
    let looped_ns = control.elapsed_ns();
    window.enter(WindowPart::Sync);
    let sync = || cx.backend.sync(&file);
    let synced = transfers
        .outcome(stop)
        .and_then(|()| cx.recorded(recorder, OpKind::Sync, looped_ns, sync).map_err(failed("sync", &path)));
    let loop_ns = cx.ticker.now_ns() - loop_begin;
    window.enter(WindowPart::Waiting);
    cx.team.agree(synced)?;
    window.enter(WindowPart::Close);
    let close = || cx.backend.close(file);
    let closed = cx.recorded(recorder, OpKind::Close, loop_ns, close).map_err(failed("close", &path));
    let end = cx.edge();
    let parts = window.end(end);
    cx.team.agree(closed)?;

    let tally = RankTally { at_stonewall, stonewall_ns, waited_ns, parts, ..cx.tally(begin, end) };
    Ok((RankTally { operations: done, bytes, loop_ns, check, ..tally }, goal))
}

/// Reads exactly `count` transfers of what `writer` wrote and compares every byte.
pub fn read<B: Backend, R: Recorder>(
    cx: &Cx<'_, B>,
    plan: &IorPlan,
    writer: usize,
    count: u64,
    recorder: &mut R,
) -> Result<RankTally> {
    let ranks = cx.ranks();
    let path = plan.path(writer);
    let direction = Direction::Verify { writer: writer as u32 };
    let offsets = {
        let mut offsets = plan.offsets(writer, ranks, 0);
        move || offsets.advance()
    };
    let file_of =
        Reading { path, writer, size: plan.transfer as usize, direction, offsets, limit: count, wear_out: false };
    let mut tally = read_loop(cx, plan, file_of, recorder)?;
    cx.team.agree(book_strangers(cx, plan, writer, &mut tally.check))?;
    Ok(tally)
}

/// Reads random 4 KiB blocks of the file that `writer` wrote until the stonewall, with wear-out. Not verified.
pub fn random_read<B: Backend, R: Recorder>(
    cx: &Cx<'_, B>,
    plan: &IorPlan,
    writer: usize,
    recorder: &mut R,
) -> Result<RankTally> {
    let path = plan.path(writer);
    let size = open_family_dir(cx, plan, writer)
        .and_then(|dir| {
            let name = c_name(&plan.file_name(writer));
            cx.backend.stat(&dir, &name).map_err(failed("stat", &path))
        })
        .and_then(|stat| {
            let keeps = cx.backend.keeps_data();
            let size = if keeps { stat.size } else { plan.transfer * plan.transfers() };
            RandomReads::new(plan.signature.seed, cx.rank(), size).ok_or_else(|| {
                Failure::Config(format!("{path}: {size} bytes hold no block of {} to read", RandomReads::TRANSFER))
            })
        });
    let mut reads = cx.team.agree(size)?;
    let reading = Reading {
        path,
        writer,
        size: RandomReads::TRANSFER as usize,
        direction: Direction::Read,
        offsets: move || reads.advance(),
        limit: RandomReads::COUNT,
        wear_out: true,
    };
    read_loop(cx, plan, reading, recorder)
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
    cx: &Cx<'_, B>,
    plan: &IorPlan,
    reading: Reading<O>,
    recorder: &mut R,
) -> Result<RankTally> {
    let Reading { path, writer, size, direction, offsets, limit, wear_out } = reading;
    let mut check = Check::default();
    let prepared = open_family_dir(cx, plan, writer)
        .and_then(|dir| Ok((dir, Lanes::new(cx, size, plan.signature, direction).map_err(failed("queue", &path))?)));
    let (dir, mut lanes) = cx.team.agree(prepared)?;
    let name = c_name(&plan.file_name(writer));

    let begin = cx.edge();
    let mut window = cx.window(begin, WindowPart::Open);
    let file = open(cx, plan, &path, &mut window, || {
        match cx.recorded(recorder, OpKind::Open, 0, || cx.backend.open(&dir, &name, Access::Read)) {
            Err(errno) if errno.0 == libc::ENOENT => Ok(None),
            other => other.map(Some).map_err(failed("open", &path)),
        }
    })?;
    if file.is_none() {
        check.book_missing(|| path.clone());
    }
    window.enter(WindowPart::Operations);
    if !wear_out {
        cx.progress.set_goal(limit);
    }
    let loop_begin = cx.ticker.now_ns();
    let mut tally = RankTally::default();
    let stonewall_ns = if wear_out { cx.stonewall_ns() } else { None };
    let mut control = Control::begin(cx.ticker, cx.progress, cx.team, recorder, stonewall_ns);
    let mut transfers =
        file.as_ref().map(|file| Transfers { file, path: path.clone(), signature: plan.signature, direction, offsets });
    let mut run = |control: &mut Control<'_, R>, range| match &mut transfers {
        Some(transfers) => {
            let (done, bytes, stop) = transfers.run(cx, &mut lanes, control, &mut check, range);
            (done, bytes, transfers.outcome(stop))
        }
        None => (range.0, 0, Ok(())),
    };
    let (mut done, mut bytes, mut ended) = run(&mut control, (0, limit));
    if wear_out {
        tally.at_stonewall = done;
        let met = cx.meet_at_stonewall(&mut window, &mut control, done, ended)?;
        (tally.stonewall_ns, tally.waited_ns) = (met.met_ns, met.waited_ns);
        let more;
        (done, more, ended) = run(&mut control, (done, met.goal));
        bytes += more;
    }
    let loop_ns = cx.ticker.now_ns() - loop_begin;
    window.enter(WindowPart::Waiting);
    cx.team.agree(ended)?;
    window.enter(WindowPart::Close);
    let closed = file.map_or(Ok(()), |file| {
        cx.recorded(recorder, OpKind::Close, loop_ns, || cx.backend.close(file)).map_err(failed("close", &path))
    });
    let end = cx.edge();
    let parts = window.end(end);
    cx.team.agree(closed)?;
    let RankTally { at_stonewall, stonewall_ns, waited_ns, .. } = tally;
    let tally = RankTally { at_stonewall, stonewall_ns, waited_ns, parts, ..cx.tally(begin, end) };
    Ok(RankTally { operations: done, bytes, loop_ns, check, ..tally })
}

/// Removes what an earlier run left under the names of this one; the directory of this rank's file.
fn remove_old<B: Backend>(cx: &Cx<'_, B>, plan: &IorPlan) -> std::result::Result<B::Dir, Failure> {
    let rank = cx.rank();
    let dir = open_family_dir(cx, plan, rank)?;
    if plan.file_per_process || rank == 0 {
        match cx.backend.unlink(&dir, &c_name(&plan.file_name(rank))) {
            Err(errno) if errno.0 != libc::ENOENT => return Err(failed("remove", plan.path(rank))(errno)),
            _ => {}
        }
    }
    Ok(dir)
}

/// Creates the files.
fn create<B: Backend, R: Recorder>(
    cx: &Cx<'_, B>,
    plan: &IorPlan,
    dir: &B::Dir,
    window: &mut Window<'_>,
    recorder: &mut R,
) -> Result<B::File> {
    let path = plan.path(cx.rank());
    let name = c_name(&plan.file_name(cx.rank()));
    let created = open(cx, plan, &path, window, || {
        let create = || cx.backend.create(dir, &name, plan.hints);
        cx.recorded(recorder, OpKind::Create, 0, create).map(Some).map_err(failed("create", &path))
    })?;
    Ok(created.expect("a file that is created is there"))
}

/// What rank 0 tells of a shared file, in the first byte: it is not there; open it yourself; the open file follows.
const MISSING: u8 = 0;
const BY_NAME: u8 = 1;
const EXPORTED: u8 = 2;

/// Opens the files with `own`; none for one that is not there. A file that all ranks share is opened by rank 0 and handed to the others where the
/// store can do that, as IOR does over DFS. Collective.
fn open<B: Backend>(
    cx: &Cx<'_, B>,
    plan: &IorPlan,
    path: &str,
    window: &mut Window<'_>,
    mut own: impl FnMut() -> std::result::Result<Option<B::File>, Failure>,
) -> Result<Option<B::File>> {
    if plan.file_per_process {
        let file = own();
        return window.wait(|| cx.team.agree(file));
    }
    let mut shared = Vec::new();
    let first = if cx.rank() == 0 {
        own().and_then(|file| {
            let exported: OpResult<Option<Vec<u8>>> = file.as_ref().map_or(Ok(None), |file| cx.backend.export(file));
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
        let first = cx.team.agree(first)?;
        cx.comm().broadcast(0, &mut shared);
        Ok(first)
    })?;
    let file = match (first, shared.split_first()) {
        (Some(file), _) => Ok(Some(file)),
        (None, Some((&EXPORTED, bytes))) => cx.backend.import(bytes).map(Some).map_err(failed("import", path)),
        (None, Some((&BY_NAME, _))) => own(),
        (None, _) => Ok(None),
    };
    window.wait(|| cx.team.agree(file))
}

/// The directory in which `owner`'s file lies.
fn open_family_dir<B: Backend>(cx: &Cx<'_, B>, plan: &IorPlan, owner: usize) -> std::result::Result<B::Dir, Failure> {
    let family = plan.family.name();
    let dir = cx.backend.open_dir(cx.root, &c_name(family)).map_err(failed("open", family))?;
    match plan.own_dir(owner) {
        None => Ok(dir),
        Some(own) => cx.backend.open_dir(&dir, &c_name(&own)).map_err(failed("open", format!("{family}/{own}"))),
    }
}

/// Books what lies beside the files of the plan; after the window. A directory that all files share is rank 0's to look at.
fn book_strangers<B: Backend>(
    cx: &Cx<'_, B>,
    plan: &IorPlan,
    writer: usize,
    check: &mut Check,
) -> std::result::Result<(), Failure> {
    let mut book = |dir: &B::Dir, path: &str, name_of: &dyn Fn(usize) -> String| {
        let ours = |name: &str| {
            let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            let owner = digits.parse().unwrap_or(0);
            owner < cx.ranks() && name_of(owner) == name
        };
        let each = |name: &CStr, _| {
            let name = name.to_string_lossy();
            if !ours(&name) {
                check.book_extra(|| format!("{path}/{name}"));
            }
        };
        list(cx.backend, dir, each).map_err(failed("readdir", path))
    };
    let family = plan.family.name();
    if let Some(own) = plan.own_dir(writer) {
        book(&open_family_dir(cx, plan, writer)?, &format!("{family}/{own}"), &|_| plan.file_name(writer))?;
    }
    if cx.rank() == 0 {
        let dir = cx.backend.open_dir(cx.root, &c_name(family)).map_err(failed("open", family))?;
        book(&dir, family, &|owner| plan.own_dir(owner).unwrap_or_else(|| plan.file_name(owner)))?;
    }
    Ok(())
}

fn c_name(name: &str) -> CString {
    CString::new(name).expect("the plan's names have no NUL")
}
