//! mdworkbench: create, replace one by one, remove. Optional phases, of the extended mode.
//!
//! The window of a rank is its own loop, from the moment all ranks are ready; the rate is the operations of all ranks over the longest
//! window. Making a set is an operation, a replaced object is four: stat, read, remove, create. As in the C suite an object that was read with
//! wrong bytes or too short is replaced and adds nothing to the rate, a set that is not empty is no removed one, and only replacing waits
//! after its operations.

use super::context::{PhaseContext, before_read, failed, outcome};
use super::tally::{Check, RankTally};
use crate::backend::{Access, Backend};
use crate::buffer::AlignedBuf;
use crate::engine::{Control, During, Failure, OpKind, Recorder};
use crate::error::{Errno, Result};
use crate::name::NumberedName;
use crate::phase_id::Family;
use crate::plan::MdworkbenchPlan;
use crate::text;
use std::ffi::CString;

const SETS: usize = MdworkbenchPlan::SETS;
const PREFIX: &str = "file-";

/// Creates the sets of this rank and `objects` in each.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn create<B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    plan: &MdworkbenchPlan,
    objects: u64,
    recorder: &mut R,
) -> Result<RankTally> {
    let (backend, writer) = (context.backend, context.rank() as u32);
    let base = context.team.barrier_with_status(open_base(context))?;
    let mut names = NumberedName::new(PREFIX);
    let mut data = filled(plan, writer);
    let mut waiter = Waiter::new(0.0);

    let begin = context.edge();
    let mut control = Control::begin(context.ticker, context.progress, context.team, recorder, None);
    let sets = (0..SETS).map(|set| {
        let name = CString::new(MdworkbenchPlan::set_name(context.rank(), set)).expect("digits");
        let path = format!("{}/{}", Family::Mdworkbench.name(), text::escape(name.to_bytes()));
        match backend.mkdir(&base, &name, plan.hints) {
            Ok(()) | Err(Errno(libc::EEXIST)) => backend.open_dir(&base, &name).map_err(failed("open", path)),
            Err(errno) => Err(failed("mkdir", path)(errno)),
        }
    });
    let sets: std::result::Result<Vec<B::Dir>, Failure> = sets.collect();
    let (done, stop) = match &sets {
        Ok(sets) => control.run(0, objects * SETS as u64, Some(OpKind::Close), |control, i| {
            let (index, set) = split(i);
            waiter.begin(control);
            let file = backend.create(&sets[set], names.with(index), plan.hints).during("create")?;
            control.part(OpKind::Create);
            plan.signature.refill(&mut data, writer, MdworkbenchPlan::item(index, set));
            backend.write_at(&file, 0, &data).during("write")?;
            control.part(OpKind::Write);
            backend.close(file).during("close")?;
            waiter.end(control, false);
            Ok(())
        }),
        Err(_) => (0, None),
    };
    let end = context.edge();
    let loop_ns = control.elapsed_ns();
    let ended = sets.map(drop).and_then(|()| outcome(stop, || path(context.rank(), done)));
    context.team.barrier_with_status(ended)?;
    let check = Check { checked: done, ..Check::default() };
    let bytes = done * plan_bytes();
    Ok(RankTally {
        operations: done + SETS as u64,
        bytes,
        loop_ns,
        longest_op_ns: waiter.longest_ns,
        check,
        ..context.tally(begin, end)
    })
}

/// Replaces `objects` in every set: those from `start` on go, as many come behind the `precreate` that are there.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn bench<B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    plan: &MdworkbenchPlan,
    (start, objects, precreate): (u64, u64, u64),
    recorder: &mut R,
) -> Result<RankTally> {
    let (backend, rank, ranks) = (context.backend, context.rank(), context.ranks());
    let opened = open_base(context).and_then(|base| {
        let set_of = |owner: usize, set: usize| {
            let name = MdworkbenchPlan::set_name(owner, set);
            let path = format!("{}/{name}", Family::Mdworkbench.name());
            backend.open_dir(&base, &CString::new(name).expect("digits")).map_err(failed("open", path))
        };
        let read = (0..SETS).map(|set| set_of(MdworkbenchPlan::read_owner(rank, ranks, set), set));
        let read = read.collect::<std::result::Result<Vec<B::Dir>, Failure>>()?;
        let write = (0..SETS).map(|set| set_of(MdworkbenchPlan::write_owner(rank, ranks, set), set));
        Ok((read, write.collect::<std::result::Result<Vec<B::Dir>, Failure>>()?))
    });
    let (read_sets, write_sets) = context.team.barrier_with_status(opened)?;
    let (mut old_names, mut new_names) = (NumberedName::new(PREFIX), NumberedName::new(PREFIX));
    let mut data = AlignedBuf::new(MdworkbenchPlan::OBJECT_SIZE);
    let mut check = Check::default();
    let mut waiter = Waiter::new(plan.waiting);
    let (mut operations, mut bytes) = (0, 0);
    context.team.barrier()?;

    let begin = context.edge();
    let mut control = Control::begin(context.ticker, context.progress, context.team, recorder, None);
    let (done, stop) = control.run(0, objects * SETS as u64, Some(OpKind::Close), |control, i| {
        let (index, set) = split(i);
        let (old, new) = (start + index, precreate + start + index);
        let reader = MdworkbenchPlan::read_owner(rank, ranks, set) as u32;
        let writer = MdworkbenchPlan::write_owner(rank, ranks, set) as u32;
        let name = old_names.with(old);
        waiter.begin(control);
        match backend.stat(&read_sets[set], name) {
            Err(Errno(libc::ENOENT)) => {
                check.count_missing(|| path_of(reader as usize, set, old));
                return Ok(());
            }
            other => other.during("stat")?,
        };
        control.part(OpKind::Stat);
        waiter.end(control, true);

        let file = backend.open(&read_sets[set], name, Access::Read).during("open")?;
        control.part(OpKind::Open);
        if !backend.keeps_data() {
            plan.signature.fill(&mut data, reader, MdworkbenchPlan::item(old, set));
        }
        before_read(backend, plan.signature, &mut data, reader, MdworkbenchPlan::item(old, set));
        let got = backend.read_at(&file, 0, &mut data).during("read")?;
        control.part(OpKind::Read);
        check.checked += 1;
        let mut right = false;
        if got != data.len() {
            check.count_short(data.len() as u64, got as u64, 0, || path_of(reader as usize, set, old));
        } else if let Err(mismatch) = plan.signature.verify(&data, reader, MdworkbenchPlan::item(old, set)) {
            check.count_wrong(mismatch, 0, || path_of(reader as usize, set, old));
        } else {
            right = true;
        }
        control.unrecorded();
        backend.close(file).during("close")?;
        control.part(OpKind::Close);
        waiter.end(control, true);

        backend.unlink(&read_sets[set], name).during("remove")?;
        control.part(OpKind::Remove);
        waiter.end(control, true);

        plan.signature.fill(&mut data, writer, MdworkbenchPlan::item(new, set));
        let file = backend.create(&write_sets[set], new_names.with(new), plan.hints).during("create")?;
        control.part(OpKind::Create);
        backend.write_at(&file, 0, &data).during("write")?;
        control.part(OpKind::Write);
        backend.close(file).during("close")?;
        waiter.end(control, true);
        operations += if right { 4 } else { 0 };
        bytes += got as u64 + plan_bytes();
        Ok(())
    });
    let end = context.edge();
    let loop_ns = control.elapsed_ns();
    let failed_at = split(done);
    context.team.barrier_with_status(outcome(stop, || {
        path_of(MdworkbenchPlan::read_owner(rank, ranks, failed_at.1), failed_at.1, start + failed_at.0)
    }))?;
    Ok(RankTally { operations, bytes, loop_ns, longest_op_ns: waiter.longest_ns, check, ..context.tally(begin, end) })
}

/// Removes the objects of this rank's sets from `start` on, and the sets.
///
/// # Errors
/// What the store refused, an unsound plan, or an interruption, the same on all ranks.
pub fn delete<B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    (start, objects): (u64, u64),
    recorder: &mut R,
) -> Result<RankTally> {
    let (backend, rank) = (context.backend, context.rank());
    let opened = open_base(context).and_then(|base| {
        let sets = (0..SETS).map(|set| {
            let name = CString::new(MdworkbenchPlan::set_name(rank, set)).expect("digits");
            let path = format!("{}/{}", Family::Mdworkbench.name(), text::escape(name.to_bytes()));
            Ok((backend.open_dir(&base, &name).map_err(failed("open", path))?, name))
        });
        let sets = sets.collect::<std::result::Result<Vec<_>, Failure>>()?;
        Ok((base, sets))
    });
    let (base, sets) = context.team.barrier_with_status(opened)?;
    let mut names = NumberedName::new(PREFIX);
    let mut check = Check::default();
    let mut waiter = Waiter::new(0.0);
    context.team.barrier()?;

    let begin = context.edge();
    let mut control = Control::begin(context.ticker, context.progress, context.team, recorder, None);
    let (done, stop) = control.run(0, objects * SETS as u64, Some(OpKind::Remove), |control, i| {
        let (set, index) = ((i / objects) as usize, start + i % objects);
        waiter.begin(control);
        match backend.unlink(&sets[set].0, names.with(index)) {
            Err(Errno(libc::ENOENT)) => check.count_missing(|| path_of(rank, set, index)),
            other => other.during("remove")?,
        }
        check.checked += 1;
        waiter.end(control, false);
        Ok(())
    });
    let mut removed = outcome(stop, || path_of(rank, (done / objects.max(1)) as usize, start + done % objects.max(1)));
    let mut removed_sets = 0;
    for (dir, name) in sets {
        drop(dir);
        if removed.is_ok() {
            removed = match backend.rmdir(&base, &name) {
                Ok(()) => {
                    removed_sets += 1;
                    Ok(())
                }
                Err(Errno(libc::ENOTEMPTY)) => {
                    let path = format!("{}/{}", Family::Mdworkbench.name(), text::escape(name.to_bytes()));
                    check.count_unexpected(|| format!("{path}/…"));
                    Ok(())
                }
                other => other.map_err(failed("rmdir", text::escape(name.to_bytes()))),
            };
        }
    }
    let end = context.edge();
    let loop_ns = control.elapsed_ns();
    context.team.barrier_with_status(removed)?;
    Ok(RankTally {
        operations: done + removed_sets,
        loop_ns,
        longest_op_ns: waiter.longest_ns,
        check,
        ..context.tally(begin, end)
    })
}

/// Measures single operations for the longest one, and waits after them where that is configured.
struct Waiter {
    factor: f64,
    since: u64,
    longest_ns: u64,
}

impl Waiter {
    fn new(factor: f64) -> Self {
        Waiter { factor, since: 0, longest_ns: 0 }
    }

    #[inline]
    fn begin<R: Recorder>(&mut self, control: &Control<'_, R>) {
        self.since = control.ticks();
    }

    /// An operation ends; the next one begins after the wait if it is followed by another.
    #[inline]
    fn end<R: Recorder>(&mut self, control: &mut Control<'_, R>, another: bool) {
        let took = control.nanos_since(self.since);
        self.longest_ns = self.longest_ns.max(took);
        if self.factor > 0.0 {
            let until = (took as f64 * (1.0 + self.factor)) as u64;
            while control.nanos_since(self.since) < until {
                std::hint::spin_loop();
            }
        }
        if another {
            self.since = control.ticks();
        }
    }
}

/// Index in its set, and set, of the i-th object: all sets grow together.
#[inline]
fn split(i: u64) -> (u64, usize) {
    (i / SETS as u64, (i % SETS as u64) as usize)
}

fn plan_bytes() -> u64 {
    MdworkbenchPlan::OBJECT_SIZE as u64
}

fn filled(plan: &MdworkbenchPlan, writer: u32) -> AlignedBuf {
    let mut data = AlignedBuf::new(MdworkbenchPlan::OBJECT_SIZE);
    plan.signature.fill(&mut data, writer, 0);
    data
}

fn path_of(owner: usize, set: usize, index: u64) -> String {
    format!("{}/{}/{PREFIX}{index}", Family::Mdworkbench.name(), MdworkbenchPlan::set_name(owner, set))
}

fn path(owner: usize, i: u64) -> String {
    let (index, set) = split(i);
    path_of(owner, set, index)
}

fn open_base<B: Backend>(context: &PhaseContext<'_, B>) -> std::result::Result<B::Dir, Failure> {
    let name = Family::Mdworkbench.name();
    context.backend.open_dir(context.root, &CString::new(name).expect("a plain name")).map_err(failed("open", name))
}
