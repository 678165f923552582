//! Any store with faults and delays at chosen calls, so that what happens then can be tested: errors, panics, time that passes on a
//! virtual clock only, and time that really passes.
//!
//! Each rank has a store of its own, so a rule for one rank is a rule in that rank's store. Calls are counted by kind, those of a queue
//! with the blocking ones; a transfer in flight fails when it is reaped, and is due that much after it was submitted. One that fails with
//! [`Op::Submit`] never is in flight.
//!
//! ```
//! use io500_phases::backend::fault::{Effect, Faulty, Op};
//! use io500_phases::backend::{Backend, null::Null};
//! use io500_phases::error::Errno;
//!
//! let store = Faulty::new(Null)
//!     .each(Op::Write, Effect::Delay(1_000_000))
//!     .at(Op::Write, 2, Effect::Fail(Errno(libc::ENOSPC)));
//! assert_eq!(store.write_at(&(), 0, b"x"), Ok(()));
//! assert_eq!(store.write_at(&(), 0, b"x"), Err(Errno(libc::ENOSPC)));
//! assert_eq!(store.calls(Op::Write), 2);
//! assert_eq!(store.time().load(std::sync::atomic::Ordering::Relaxed), 2_000_000);
//! ```

use super::{Access, Backend, Delegate, Description, DirBatch, FileKind, IoQueue, Stat};
use crate::error::{Errno, OpResult};
use crate::plan::Hints;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A kind of call that rules are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the calls'
pub enum Op {
    OpenPath,
    Mkdir,
    OpenDir,
    Create,
    Open,
    Stat,
    Unlink,
    Rmdir,
    ReadDir,
    Write,
    Read,
    Sync,
    Close,
    /// Handing a transfer to a queue, before it counts as a write or a read.
    Submit,
}

const OPS: usize = Op::Submit as usize + 1;

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It fails with this errno and does nothing.
    Fail(Errno),
    /// It panics.
    Panic,
    /// It takes that many nanoseconds more on the virtual clock.
    Delay(u64),
    /// It really takes so much longer: the calling thread sleeps, or reaps the transfer so much later.
    Sleep(Duration),
}

struct Rule {
    op: Op,
    /// Which call, from 1; none for each.
    nth: Option<u64>,
    effect: Effect,
}

/// What becomes of a call.
struct Fate {
    /// Nanoseconds on the virtual clock.
    delay: u64,
    sleep: Duration,
    result: OpResult<()>,
}

/// When a transfer in flight is due, by both clocks, and how it ends.
#[derive(Clone)]
struct Due {
    virtually: u64,
    really: Option<Instant>,
    result: OpResult<()>,
}

/// What a store and its queues share.
struct Faults {
    rules: Vec<Rule>,
    counts: [AtomicU64; OPS],
    now: Arc<AtomicU64>,
}

impl Faults {
    /// Counts a call; what becomes of it.
    fn call(&self, op: Op) -> Fate {
        let count = self.counts[op as usize].fetch_add(1, Relaxed) + 1;
        let mut fate = Fate { delay: 0, sleep: Duration::ZERO, result: Ok(()) };
        for rule in self.rules.iter().filter(|rule| rule.op == op && rule.nth.is_none_or(|nth| nth == count)) {
            match rule.effect {
                Effect::Fail(errno) => fate.result = Err(errno),
                Effect::Panic => panic!("injected panic: {op:?} {count}"),
                Effect::Delay(nanos) => fate.delay += nanos,
                Effect::Sleep(time) => fate.sleep += time,
            }
        }
        fate
    }

    /// A call that returns when it is done.
    fn blocking(&self, op: Op) -> OpResult<()> {
        let fate = self.call(op);
        self.now.fetch_add(fate.delay, Relaxed);
        if !fate.sleep.is_zero() {
            std::thread::sleep(fate.sleep);
        }
        fate.result
    }
}

/// A store with faults.
pub struct Faulty<B> {
    store: B,
    faults: Arc<Faults>,
    serial: Option<String>,
}

impl<B> Faulty<B> {
    /// A store that does what `store` does until a rule is added.
    pub fn new(store: B) -> Self {
        Faulty {
            store,
            faults: Arc::new(Faults { rules: Vec::new(), counts: Default::default(), now: Arc::default() }),
            serial: None,
        }
    }

    /// Every call of this kind has this effect.
    pub fn each(self, op: Op, effect: Effect) -> Self {
        self.rule(Rule { op, nth: None, effect })
    }

    /// The `nth` call of this kind, from 1, has this effect.
    pub fn at(self, op: Op, nth: u64, effect: Effect) -> Self {
        self.rule(Rule { op, nth: Some(nth), effect })
    }

    /// Its queues are said to run one transfer after the other, for this reason.
    pub fn serial(mut self, reason: &str) -> Self {
        self.serial = Some(reason.to_owned());
        self
    }

    /// A queue with this store's faults.
    pub(super) fn around<F, Q: IoQueue<F>>(&self, queue: Q) -> FaultyQueue<Q> {
        let in_flight = vec![Due { virtually: 0, really: None, result: Ok(()) }; queue.depth()];
        FaultyQueue { queue, faults: self.faults.clone(), in_flight }
    }

    /// # Panics
    /// If a queue was made already: rules come first.
    fn rule(mut self, rule: Rule) -> Self {
        Arc::get_mut(&mut self.faults).expect("rules come before queues").rules.push(rule);
        self
    }

    /// The virtual clock that delays advance, in nanoseconds: for `Ticker::Virtual`.
    pub fn time(&self) -> Arc<AtomicU64> {
        self.faults.now.clone()
    }

    /// How many calls of this kind there were.
    pub fn calls(&self, op: Op) -> u64 {
        self.faults.counts[op as usize].load(Relaxed)
    }
}

impl<B: Backend> Delegate for Faulty<B> {
    type Inner = B;
    type Queue = FaultyQueue<B::Queue>;

    fn inner(&self) -> &B {
        &self.store
    }
    fn queue(&self, depth: usize, transfer: usize) -> OpResult<Self::Queue> {
        self.store.queue(depth, transfer).map(|queue| self.around(queue))
    }
    fn open_path(&self, path: &str) -> OpResult<B::Dir> {
        self.faults.blocking(Op::OpenPath)?;
        self.store.open_path(path)
    }
    fn mkdir(&self, parent: &B::Dir, name: &CStr, hints: Hints) -> OpResult<()> {
        self.faults.blocking(Op::Mkdir)?;
        self.store.mkdir(parent, name, hints)
    }
    fn mkdir_private(&self, parent: &B::Dir, name: &CStr, hints: Hints) -> OpResult<()> {
        self.faults.blocking(Op::Mkdir)?;
        self.store.mkdir_private(parent, name, hints)
    }
    fn open_dir(&self, parent: &B::Dir, name: &CStr) -> OpResult<B::Dir> {
        self.faults.blocking(Op::OpenDir)?;
        self.store.open_dir(parent, name)
    }
    fn create(&self, dir: &B::Dir, name: &CStr, hints: Hints) -> OpResult<B::File> {
        self.faults.blocking(Op::Create)?;
        self.store.create(dir, name, hints)
    }
    fn open(&self, dir: &B::Dir, name: &CStr, access: Access) -> OpResult<B::File> {
        self.faults.blocking(Op::Open)?;
        self.store.open(dir, name, access)
    }
    fn stat(&self, dir: &B::Dir, name: &CStr) -> OpResult<Stat> {
        self.faults.blocking(Op::Stat)?;
        self.store.stat(dir, name)
    }
    fn kind(&self, dir: &B::Dir, name: &CStr) -> OpResult<FileKind> {
        self.faults.blocking(Op::Stat)?;
        self.store.kind(dir, name)
    }
    fn unlink(&self, dir: &B::Dir, name: &CStr) -> OpResult<()> {
        self.faults.blocking(Op::Unlink)?;
        self.store.unlink(dir, name)
    }
    fn rmdir(&self, dir: &B::Dir, name: &CStr) -> OpResult<()> {
        self.faults.blocking(Op::Rmdir)?;
        self.store.rmdir(dir, name)
    }
    fn read_dir(&self, cursor: &mut B::Cursor, batch: &mut DirBatch) -> OpResult<()> {
        self.faults.blocking(Op::ReadDir)?;
        self.store.read_dir(cursor, batch)
    }
    fn write_at(&self, file: &B::File, offset: u64, data: &[u8]) -> OpResult<()> {
        self.faults.blocking(Op::Write)?;
        self.store.write_at(file, offset, data)
    }
    fn read_at(&self, file: &B::File, offset: u64, data: &mut [u8]) -> OpResult<usize> {
        self.faults.blocking(Op::Read)?;
        self.store.read_at(file, offset, data)
    }
    fn sync(&self, file: &B::File) -> OpResult<()> {
        self.faults.blocking(Op::Sync)?;
        self.store.sync(file)
    }
    fn sync_all(&self, dir: &B::Dir) -> OpResult<()> {
        self.faults.blocking(Op::Sync)?;
        self.store.sync_all(dir)
    }
    fn close(&self, file: B::File) -> OpResult<()> {
        self.faults.blocking(Op::Close)?;
        self.store.close(file)
    }
    fn serial_queue(&self) -> Option<String> {
        self.serial.clone().or_else(|| self.store.serial_queue())
    }
    fn describe(&self) -> Description {
        let mut description = self.store.describe();
        description.real = false;
        description.doubts.push("faults and delays are injected into the store".into());
        description
    }
}

/// Transfers in flight on a store with faults. They finish in the order of the store's own queue.
pub struct FaultyQueue<Q> {
    queue: Q,
    faults: Arc<Faults>,
    /// Per slot.
    in_flight: Vec<Due>,
}

impl<Q> FaultyQueue<Q> {
    /// Submits by `start`, and keeps when the transfer is due and how it is to end.
    fn submit(&mut self, op: Op, slot: usize, start: impl FnOnce(&mut Q) -> OpResult<()>) -> OpResult<()> {
        self.faults.blocking(Op::Submit)?;
        let Fate { delay, sleep, result } = self.faults.call(op);
        start(&mut self.queue)?;
        let really = (!sleep.is_zero()).then(|| Instant::now() + sleep);
        self.in_flight[slot] = Due { virtually: self.faults.now.load(Relaxed) + delay, really, result };
        Ok(())
    }
}

impl<F, Q: IoQueue<F>> IoQueue<F> for FaultyQueue<Q> {
    fn depth(&self) -> usize {
        self.queue.depth()
    }
    fn slot(&mut self) -> Option<usize> {
        self.queue.slot()
    }
    fn buffer(&mut self, slot: usize) -> &mut [u8] {
        self.queue.buffer(slot)
    }
    fn submit_write(&mut self, slot: usize, file: &F, offset: u64) -> OpResult<()> {
        self.submit(Op::Write, slot, |queue| queue.submit_write(slot, file, offset))
    }
    fn submit_read(&mut self, slot: usize, file: &F, offset: u64) -> OpResult<()> {
        self.submit(Op::Read, slot, |queue| queue.submit_read(slot, file, offset))
    }
    fn reap(&mut self) -> Option<(usize, OpResult<usize>)> {
        let (slot, result) = self.queue.reap()?;
        let due = &self.in_flight[slot];
        self.faults.now.fetch_max(due.virtually, Relaxed);
        if let Some(really) = due.really {
            std::thread::sleep(really.saturating_duration_since(Instant::now()));
        }
        Some((slot, due.result.and(result)))
    }
    fn release(&mut self, slot: usize) {
        self.queue.release(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::null::Null;
    use crate::backend::posix::Posix;
    use crate::backend::{Backend, entries};

    #[test]
    fn sleeping_takes_its_time() {
        const SLEEP: Duration = Duration::from_millis(20);
        let store = Faulty::new(Null).at(Op::Write, 1, Effect::Sleep(SLEEP)).at(Op::Read, 1, Effect::Sleep(SLEEP));
        let begin = Instant::now();
        Backend::write_at(&store, &(), 0, b"x").unwrap();
        assert!(begin.elapsed() >= SLEEP);
        let mut queue = Backend::queue(&store, 2, 8).unwrap();
        let slot = queue.slot().unwrap();
        let begin = Instant::now();
        queue.submit_read(slot, &(), 0).unwrap();
        assert!(begin.elapsed() < SLEEP, "the transfer is in flight meanwhile");
        assert_eq!(queue.reap(), Some((slot, Ok(8))));
        assert!(begin.elapsed() >= SLEEP);
    }

    #[test]
    fn a_listing_ends_with_its_error() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(temp.path().join(name), "").unwrap();
        }
        let path = temp.path().to_str().unwrap();
        let names = |store: &dyn Fn() -> Faulty<Posix>| {
            let store = store();
            let dir = Backend::open_path(&store, path).unwrap();
            let all: Vec<_> = entries(&store, &dir).unwrap().map(|entry| entry.map(|(name, _)| name)).collect();
            all
        };
        let mut found = names(&|| Faulty::new(Posix::new(path, false)));
        found.sort_by_key(|name| name.clone().ok());
        assert_eq!(found, [c"a", c"b", c"c"].map(|name| Ok(name.to_owned())));
        let broken = || Faulty::new(Posix::new(path, false)).at(Op::ReadDir, 2, Effect::Fail(Errno(libc::EIO)));
        assert_eq!(names(&broken).split_off(3), [Err(Errno(libc::EIO))]);
    }
}
