//! Event queues: transfers in flight, errors, dropping.

use crate::{SYSTEM, assert_errno, on_root, pattern};
use daos_dfs::{AccessMode, Mount, ObjectClass, Queue};

const INHERIT: ObjectClass = ObjectClass::INHERIT;
const TRANSFER: usize = 10_000;

#[test]
fn a_file_is_written_and_read_through_a_queue() {
    on_root(|mount, root| {
        let file = root.create(c"file", INHERIT, 65_536).unwrap();
        let mut queue = Queue::new(mount, 4, TRANSFER).unwrap();
        let blocks = 37;
        let (mut next, mut done) = (0, 0);
        while done < blocks {
            while next < blocks {
                let Some((slot, buffer)) = queue.slot() else { break };
                buffer.copy_from_slice(&pattern(next, TRANSFER));
                queue.submit_write(slot, &file, next * TRANSFER as u64).unwrap();
                next += 1;
            }
            let (slot, moved) = queue.reap().unwrap();
            assert_eq!(moved, Ok(TRANSFER));
            queue.release(slot);
            done += 1;
        }
        assert!(queue.reap().is_none());
        assert_eq!(file.size().unwrap(), blocks * TRANSFER as u64);

        let mut block_of = [0; 4];
        let (mut next, mut done) = (0, 0);
        while done < blocks {
            while next < blocks {
                let Some((slot, _)) = queue.slot() else { break };
                block_of[slot] = next;
                queue.submit_read(slot, &file, next * TRANSFER as u64).unwrap();
                next += 1;
            }
            let (slot, moved) = queue.reap().unwrap();
            assert_eq!(moved, Ok(TRANSFER));
            assert!(queue.buffer(slot) == pattern(block_of[slot], TRANSFER), "block {}", block_of[slot]);
            queue.release(slot);
            done += 1;
        }
    });
}

#[test]
fn a_part_of_a_buffer_is_moved() {
    on_root(|mount, root| {
        let file = root.create(c"part", INHERIT, 0).unwrap();
        let mut queue = Queue::new(mount, 1, TRANSFER).unwrap();
        let (slot, buffer) = queue.slot().unwrap();
        buffer.copy_from_slice(&pattern(1, TRANSFER));
        for length in [0, TRANSFER + 1] {
            assert_errno(queue.submit_write_part(slot, length, &file, 0), libc::EINVAL);
        }
        queue.submit_write_part(slot, 1_234, &file, 5).unwrap();
        assert_eq!((queue.reap(), file.size()), (Some((slot, Ok(1_234))), Ok(1_239)));
        queue.buffer(slot).fill(0);
        queue.submit_read_part(slot, 1_000, &file, 5).unwrap();
        assert_eq!(queue.reap(), Some((slot, Ok(1_000))));
        assert!(queue.buffer(slot)[..1_000] == pattern(1, TRANSFER)[..1_000]);
        assert!(queue.buffer(slot)[1_000..].iter().all(|&byte| byte == 0), "what is behind the part is left alone");
    });
}

#[test]
fn a_read_at_the_end_is_short() {
    on_root(|mount, root| {
        let file = root.create(c"file", INHERIT, 0).unwrap();
        file.write_at(0, &pattern(3, 2_500)).unwrap();
        let mut queue = Queue::new(mount, 2, 1_000).unwrap();
        for (offset, length) in [(0, 1_000), (2_000, 500), (2_500, 0)] {
            let (slot, _) = queue.slot().unwrap();
            queue.submit_read(slot, &file, offset).unwrap();
            assert_eq!(queue.reap().unwrap(), (slot, Ok(length)));
            assert!(queue.buffer(slot)[..length] == pattern(3, 2_500)[offset as usize..offset as usize + length]);
            queue.release(slot);
        }
    });
}

#[test]
fn slots_are_limited_and_come_back() {
    on_root(|mount, root| {
        let file = root.create(c"file", INHERIT, 0).unwrap();
        let mut queue = Queue::new(mount, 2, 512).unwrap();
        assert_eq!(queue.depth(), 2);
        let first = queue.slot().unwrap().0;
        let second = queue.slot().unwrap().0;
        assert!(first != second && queue.slot().is_none());
        queue.release(first);
        assert_eq!(queue.slot().unwrap().0, first);
        let free = 1 - first;
        queue.release(second);
        assert_errno(queue.submit_write(free, &file, 0), libc::EBUSY);
        assert_eq!(queue.slot().unwrap().0, free);
        queue.submit_write(first, &file, 0).unwrap();
        assert_errno(queue.submit_write(first, &file, 0), libc::EBUSY);
        queue.submit_write(second, &file, 512).unwrap();
        assert_eq!(queue.in_flight(), 2);
        let (reaped, moved) = queue.reap().unwrap();
        assert_eq!(moved, Ok(512));
        assert!(queue.slot().is_none(), "it is not released yet");
        queue.release(reaped);
        assert_eq!(queue.slot().unwrap().0, reaped);
        queue.reap().unwrap().1.unwrap();
    });
}

#[test]
fn a_refused_transfer_leaves_its_slot_to_the_caller() {
    on_root(|mount, root| {
        root.create(c"file", INHERIT, 0).unwrap();
        let file = root.open(c"file", AccessMode::Read).unwrap();
        let mut queue = Queue::new(mount, 1, 512).unwrap();
        let (slot, _) = queue.slot().unwrap();
        assert_errno(queue.submit_write(slot, &file, 0), libc::EPERM);
        assert_eq!(queue.in_flight(), 0);
        assert!(queue.slot().is_none());
        queue.submit_read(slot, &file, 0).unwrap();
        assert_eq!(queue.reap().unwrap(), (slot, Ok(0)));
    });
}

#[test]
fn a_file_may_be_dropped_while_in_flight() {
    on_root(|mount, root| {
        let mut queue = Queue::new(mount, 8, 100_000).unwrap();
        for i in 0..8u64 {
            let name = std::ffi::CString::new(format!("file{i}")).unwrap();
            let file = root.create(&name, INHERIT, 0).unwrap();
            let (slot, buffer) = queue.slot().unwrap();
            buffer.copy_from_slice(&pattern(i, 100_000));
            queue.submit_write(slot, &file, 0).unwrap();
        }
        while let Some((_, moved)) = queue.reap() {
            moved.unwrap();
        }
        for i in 0..8u64 {
            let name = std::ffi::CString::new(format!("file{i}")).unwrap();
            let mut data = vec![0; 100_000];
            root.open(&name, AccessMode::Read).unwrap().read_at(0, &mut data).unwrap();
            assert!(data == pattern(i, 100_000));
        }
    });
}

#[test]
fn dropping_a_queue_waits() {
    on_root(|mount, root| {
        let file = root.create(c"file", INHERIT, 0).unwrap();
        let mut queue = Queue::new(mount, 4, 50_000).unwrap();
        for i in 0..4 {
            let (slot, buffer) = queue.slot().unwrap();
            buffer.fill(7);
            queue.submit_write(slot, &file, i * 50_000).unwrap();
        }
        drop(queue);
        assert_eq!(file.size().unwrap(), 200_000);
        let mut data = vec![0; 200_000];
        file.read_at(0, &mut data).unwrap();
        assert!(data.iter().all(|&byte| byte == 7));
    });
}

#[test]
fn queues_in_threads() {
    on_root(|mount, root| {
        root.create(c"file", INHERIT, 0).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..3u64 {
                scope.spawn(move || {
                    let file = mount.root().unwrap().open(c"file", AccessMode::ReadWrite).unwrap();
                    let mut queue = Queue::new(mount, 2, 1_000).unwrap();
                    for i in 0..10 {
                        let (slot, buffer) = loop {
                            if queue.in_flight() < 2 {
                                break queue.slot().unwrap();
                            }
                            let (slot, moved) = queue.reap().unwrap();
                            moved.unwrap();
                            queue.release(slot);
                        };
                        buffer.copy_from_slice(&pattern(i * 3 + thread, 1_000));
                        queue.submit_write(slot, &file, (i * 3 + thread) * 1_000).unwrap();
                    }
                });
            }
        });
        let file = root.open(c"file", AccessMode::Read).unwrap();
        let mut data = vec![0; 30_000];
        assert_eq!(file.read_at(0, &mut data).unwrap(), 30_000);
        assert!((0..30).all(|block| data[block * 1_000..][..1_000] == pattern(block as u64, 1_000)));
    });
}

#[test]
fn a_queue_of_nothing_is_refused() {
    on_root(|mount, _| {
        assert!(Queue::new(mount, 0, 512).is_err());
        assert!(Queue::new(mount, 1, 0).is_err());
    });
}

#[test]
fn a_file_of_another_mount_is_refused() {
    on_root(|mount, root| {
        let other = mount.to_global().and_then(|global| Mount::from_global(&SYSTEM, &global, false)).unwrap();
        let file = other.root().unwrap().create(c"file", INHERIT, 0).unwrap();
        let mut queue = Queue::new(mount, 1, 512).unwrap();
        let (slot, _) = queue.slot().unwrap();
        assert_errno(queue.submit_write(slot, &file, 0), libc::EXDEV);
        assert_errno(queue.submit_read(slot, &file, 0), libc::EXDEV);
        assert!(queue.reap().is_none());
        queue.submit_write(slot, &root.open(c"file", AccessMode::ReadWrite).unwrap(), 0).unwrap();
        assert_eq!(queue.reap(), Some((slot, Ok(512))));
    });
}
