//! What every queue must do, whatever fails: one test for io_uring, its fallback, the null store, stores with faults, and libdfs.

use super::fault::{Effect, Faulty, Op};
use super::null::{Null, NullQueue};
use super::posix_file::File;
use super::posix_queue::PosixQueue;
use super::{Backend, IoQueue};
use crate::error::{Errno, OpResult};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

const DEPTH: usize = 4;
const TRANSFER: usize = 4096;
const FAILED: Errno = Errno(libc::ENOSPC);
const REFUSED: Errno = Errno(libc::ENOMEM);

/// What came of some writes: how many moved everything, and the errors of submission and of completion.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    moved: usize,
    refused: Vec<Errno>,
    failed: Vec<Errno>,
}

/// Starts so many writes, with as many in flight as there are slots, and brings them home.
fn write<F, Q: IoQueue<F>>(queue: &mut Q, file: &F, count: usize) -> Outcome {
    let mut outcome = Outcome::default();
    let mut next = 0;
    loop {
        while let Some(slot) = (next < count).then(|| queue.slot()).flatten() {
            queue.buffer(slot).fill(1 + next as u8);
            if let Err(errno) = queue.submit_write(slot, file, (next * TRANSFER) as u64) {
                outcome.refused.push(errno);
                queue.buffer(slot).fill(0);
                queue.release(slot);
            }
            next += 1;
        }
        let Some((slot, result)) = queue.reap() else { break };
        match result {
            Ok(moved) => {
                assert_eq!(moved, TRANSFER);
                outcome.moved += 1;
            }
            Err(errno) => outcome.failed.push(errno),
        }
        queue.buffer(slot).fill(0);
        queue.release(slot);
    }
    assert_eq!(next, count, "slots have gone");
    outcome
}

fn all_slots<F, Q: IoQueue<F>>(queue: &mut Q) -> Vec<usize> {
    let mut slots: Vec<usize> = std::iter::from_fn(|| queue.slot()).collect();
    slots.sort_unstable();
    slots
}

/// Every slot is the caller's from `slot` to `release`, except in flight.
fn slots_are_kept_apart<F, Q: IoQueue<F>>(queue: &mut Q, file: &F) {
    let slots = all_slots(queue);
    assert_eq!(slots, (0..DEPTH).collect::<Vec<_>>());
    for &slot in &slots {
        queue.submit_write(slot, file, (slot * TRANSFER) as u64).unwrap();
        assert_eq!(queue.submit_write(slot, file, 0), Err(Errno(libc::EBUSY)), "it is in flight");
        assert!(catch_unwind(AssertUnwindSafe(|| queue.buffer(slot).fill(0))).is_err(), "it is in flight");
    }
    let mut reaped = Vec::new();
    while let Some((slot, result)) = queue.reap() {
        assert_eq!(result, Ok(TRANSFER));
        assert_eq!(queue.slot(), None, "slot {slot} is not released yet");
        reaped.push(slot);
    }
    // one that was reaped may be used again at once
    queue.submit_read(reaped[0], file, 0).unwrap();
    assert_eq!(queue.reap(), Some((reaped[0], Ok(TRANSFER))));
    reaped.sort_unstable();
    assert_eq!(reaped, slots, "each comes back once");
    slots.iter().for_each(|&slot| queue.release(slot));
    let free = slots[1];
    assert_eq!(queue.submit_write(free, file, 0), Err(Errno(libc::EBUSY)), "it is not taken");
    assert_eq!(queue.reap(), None);
}

/// A file that cannot be written fails each transfer once, and no slot goes with it.
fn errors_come_once<F, Q: IoQueue<F>>(queue: &mut Q, file: &F, read_only: &F) {
    let Outcome { moved, refused, failed } = write(queue, read_only, 3 * DEPTH);
    assert_eq!((moved, refused.len() + failed.len()), (0, 3 * DEPTH));
    assert_eq!(write(queue, file, 9), Outcome { moved: 9, ..Outcome::default() });
}

/// Faults of submission and of completion, on a queue over a store that has none.
fn faults_come_once<F, Q: IoQueue<F>>(queue: Q, file: &F) {
    let faults =
        [3, 7, 8].into_iter().fold(Faulty::new(Null), |store, n| store.at(Op::Submit, n, Effect::Fail(REFUSED)));
    let faults = [2, 5].into_iter().fold(faults, |store, n| store.at(Op::Write, n, Effect::Fail(FAILED)));
    let mut queue = faults.around(queue);
    let expected = Outcome { moved: 15, refused: vec![REFUSED; 3], failed: vec![FAILED; 2] };
    assert_eq!(write(&mut queue, file, 20), expected);
    assert_eq!((faults.calls(Op::Submit), faults.calls(Op::Write)), (20, 17));
    slots_are_kept_apart(&mut queue, file);
}

/// A queue with transfers in flight is dropped, its file before it.
fn is_dropped_in_flight<F, Q: IoQueue<F>>(mut queue: Q, file: F, close: impl FnOnce(F) -> OpResult<()>) {
    for slot in all_slots(&mut queue) {
        queue.buffer(slot).fill(7);
        queue.submit_write(slot, &file, (slot * TRANSFER) as u64).unwrap();
    }
    close(file).unwrap();
    drop(queue);
}

#[test]
fn on_posix() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let posix = super::posix::Posix::new("/", false);
    let create = || {
        File::from(OwnedFd::from(
            std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap(),
        ))
    };
    let make = || PosixQueue::of_both_kinds(DEPTH, TRANSFER);
    let file = create();
    let read_only = File::from(OwnedFd::from(std::fs::File::open(&path).unwrap()));
    for mut queue in make() {
        slots_are_kept_apart(&mut queue, &file);
        errors_come_once(&mut queue, &file, &read_only);
    }
    make().into_iter().for_each(|queue| faults_come_once(queue, &file));
    for queue in make() {
        is_dropped_in_flight(queue, create(), |file| posix.close(file));
        assert!(std::fs::read(&path).unwrap() == [7; DEPTH * TRANSFER]);
    }
}

#[test]
fn on_the_null_store() {
    slots_are_kept_apart(&mut NullQueue::new(DEPTH, TRANSFER), &());
    faults_come_once(NullQueue::new(DEPTH, TRANSFER), &());
    is_dropped_in_flight(NullQueue::new(DEPTH, TRANSFER), (), |()| Ok(()));
}

#[cfg(feature = "dfs")]
#[test]
fn on_dfs() {
    use daos_dfs::{Mount, MountOptions, Pool, System};
    let pool = std::env::var("DFS_TEST_POOL").ok();
    let Some(pool) = pool.or_else(|| daos_dfs::default_pool_and_container().map(|(pool, _)| pool.to_owned())) else {
        eprintln!("skipped: {} needs a pool, named by DFS_TEST_POOL", daos_dfs::provider());
        return;
    };
    let container = format!("queues-{}", std::process::id());
    let system = System::start().unwrap();
    let connect = || Pool::connect(&system, &pool, None, daos_dfs::AccessMode::ReadWrite).unwrap();
    connect().create_container(&container, &Default::default()).unwrap();
    let tested = catch_unwind(|| {
        let mount = Mount::connect(&system, &MountOptions::new(&pool, &container)).unwrap();
        let store = super::dfs::Dfs { mount: &mount, pool: &pool, container: &container, created: true, attach: None };
        let root = mount.root().unwrap();
        let create = || root.create(c"file", daos_dfs::ObjectClass::INHERIT, 0).unwrap();
        let make = || store.queue(DEPTH, TRANSFER).unwrap();
        let file = create();
        let read_only = root.open(c"file", daos_dfs::AccessMode::Read).unwrap();
        let mut queue = make();
        slots_are_kept_apart(&mut queue, &file);
        errors_come_once(&mut queue, &file, &read_only);
        drop(queue);
        faults_come_once(make(), &file);
        file.set_size(0).unwrap();
        is_dropped_in_flight(make(), create(), |file| store.close(file));
        let mut data = [0; DEPTH * TRANSFER];
        assert_eq!(file.read_at(0, &mut data), Ok(DEPTH * TRANSFER));
        assert!(data == [7; DEPTH * TRANSFER]);
    });
    connect().destroy_container(&container, true).unwrap();
    tested.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
