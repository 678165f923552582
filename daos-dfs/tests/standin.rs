//! What only the stand-in has: a store of one's own, faults on demand, and many processes on one machine.
//!
//! Its environment is read once per process, so every test runs itself again as a child with the environment it needs.

use daos_dfs::{AccessMode, DfsErrno, Mount, MountOptions, ObjectClass, Queue, System};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::path::Path;
use std::process::{Child, Command};

const INHERIT: ObjectClass = ObjectClass::INHERIT;

/// Tells a child which one of several it is.
const CHILD: &str = "DFS_STANDIN_TEST_CHILD";

/// Starts the test `name` of this file in a process of its own, on the store in `root`.
fn child(name: &str, number: usize, root: &Path, environment: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, number.to_string())
        .env("DAOS_STANDIN_ROOT", root)
        .envs(environment.iter().copied())
        .spawn()
        .unwrap()
}

/// In the parent runs `count` children at once and waits for them; in a child runs `inside` with its number.
fn in_children(name: &str, count: usize, environment: &[(&str, &str)], inside: impl FnOnce(usize, &Mount)) {
    if !daos_dfs::is_standin() {
        eprintln!("skipped: a test of the stand-in, and this is {}", daos_dfs::provider());
        return;
    }
    if let Ok(number) = std::env::var(CHILD) {
        return inside(number.parse().unwrap(), &mount());
    }
    let root = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..count).map(|number| child(name, number, root.path(), environment)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
}

fn mount() -> Mount {
    let (pool, container) = daos_dfs::default_pool_and_container().unwrap();
    Mount::connect(&System::start().unwrap(), &MountOptions::new(pool, container)).unwrap()
}

fn name(text: String) -> CString {
    CString::new(text).unwrap()
}

#[test]
fn sixteen_processes_on_one_store() {
    in_children("sixteen_processes_on_one_store", 16, &[], |number, mount| {
        let root = mount.root().unwrap();
        if let Err(errno) = root.mkdir(c"shared", ObjectClass::from_name("SX").unwrap()) {
            assert_eq!(errno.raw(), libc::EEXIST);
        }
        let dir = root.open_dir(c"shared").unwrap();
        let mut won = 0u64;
        for i in 0..64 {
            match dir.create_new(&name(format!("contested.{i}")), INHERIT, 0) {
                Ok(_) => won += 1,
                Err(errno) => assert_eq!(errno.raw(), libc::EEXIST),
            }
            let own = dir.create_new(&name(format!("own.{number}.{i}")), INHERIT, 0).unwrap();
            own.write_at(0, format!("{number}.{i}").as_bytes()).unwrap();
        }
        // Everybody leaves its count; the last one to do so – the one that finds all 16 – adds up.
        dir.create(&name(format!("won.{number}")), INHERIT, 0).unwrap().write_at(0, &won.to_le_bytes()).unwrap();
        let counts: Vec<_> =
            (0..16).filter_map(|i| dir.open(&name(format!("won.{i}")), AccessMode::Read).ok()).collect();
        let read = |file: &daos_dfs::File<'_>| {
            let mut bytes = [0; 8];
            (file.read_at(0, &mut bytes).unwrap() == 8).then(|| u64::from_le_bytes(bytes))
        };
        let counts: Vec<_> = counts.iter().filter_map(read).collect();
        if counts.len() == 16 {
            assert_eq!(counts.iter().sum::<u64>(), 64, "every contested name was won once");
            let mut names = BTreeSet::new();
            for shard in 0..dir.shards().unwrap() {
                let mut cursor = dir.shard_cursor(shard, 100).unwrap();
                loop {
                    let batch = cursor.next_batch().unwrap();
                    if batch.len() == 0 {
                        break;
                    }
                    names.extend(batch.map(|name| name.to_owned()));
                }
            }
            assert_eq!(names.len(), 64 + 16 * 64 + 16);
            println!("added up by {number}");
        }
    });
}

#[test]
fn faults_come_when_asked_for() {
    let faults = "write:2:ENOSPC,stat:1:EIO,mkdir:1+:ETIMEDOUT,remove:1:EIO:7";
    let environment = [("DAOS_STANDIN_FAULT", faults), ("PMI_RANK", "3"), ("OMPI_COMM_WORLD_RANK", "3")];
    in_children("faults_come_when_asked_for", 1, &environment, |_, mount| {
        let root = mount.root().unwrap();
        let file = root.create(c"file", INHERIT, 0).unwrap();
        file.write_at(0, b"first").unwrap();
        assert_eq!(file.write_at(0, b"second"), Err(DfsErrno::from_raw(libc::ENOSPC)));
        file.write_at(0, b"third").unwrap();
        assert_eq!(root.stat(c"file"), Err(DfsErrno::from_raw(libc::EIO)));
        assert_eq!(root.stat(c"file").unwrap().size, 5);
        for _ in 0..3 {
            assert_eq!(root.mkdir(c"dir", INHERIT), Err(DfsErrno::from_raw(libc::ETIMEDOUT)));
        }
        root.remove(c"file").expect("that fault is another rank's");
    });
}

#[test]
fn a_fault_in_flight_comes_with_its_event() {
    let environment = [("DAOS_STANDIN_FAULT", "write:3:EIO"), ("DAOS_STANDIN_DELAY_US", "write:2000")];
    in_children("a_fault_in_flight_comes_with_its_event", 1, &environment, |_, mount| {
        let file = mount.root().unwrap().create(c"file", INHERIT, 0).unwrap();
        let mut queue = Queue::new(mount, 4, 100).unwrap();
        for i in 0..4 {
            let (slot, _) = queue.slot().unwrap();
            assert_eq!(slot, i as usize);
            queue.submit_write(slot, &file, i * 100).unwrap();
        }
        let mut outcomes: Vec<_> = (0..4).map(|_| queue.reap().unwrap()).collect();
        outcomes.sort_by_key(|&(slot, _)| slot);
        let failed = Err(DfsErrno::from_raw(libc::EIO));
        assert_eq!(outcomes, [(0, Ok(100)), (1, Ok(100)), (2, failed), (3, Ok(100))]);
    });
}

#[test]
fn a_queue_that_breaks_loses_what_is_in_flight() {
    let environment = [("DAOS_STANDIN_FAULT", "poll:2+:EIO"), ("DAOS_STANDIN_DELAY_US", "write:300000:2")];
    in_children("a_queue_that_breaks_loses_what_is_in_flight", 1, &environment, |_, mount| {
        let file = mount.root().unwrap().create(c"file", INHERIT, 0).unwrap();
        let mut queue = Queue::new(mount, 3, 100).unwrap();
        for i in 0..3 {
            let (slot, buffer) = queue.slot().unwrap();
            buffer.fill(1 + slot as u8);
            queue.submit_write(slot, &file, i * 100).unwrap();
        }
        let mut outcomes: Vec<_> = std::iter::from_fn(|| queue.reap()).collect();
        outcomes.sort_by_key(|&(slot, _)| slot);
        let failed = Err(DfsErrno::from_raw(libc::EIO));
        assert_eq!(outcomes, [(0, Ok(100)), (1, failed), (2, failed)]);
        assert_eq!(queue.in_flight(), 0);
        (0..3).for_each(|slot| queue.release(slot));
        assert_eq!(queue.slot().map(|(slot, _)| slot), Some(0), "it has come home");
        assert!(queue.slot().is_none(), "lost slots are not given out");
        assert_eq!(queue.submit_write(1, &file, 0), Err(DfsErrno::from_raw(libc::EBUSY)));
        let lost = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| queue.buffer(1).fill(0)));
        assert!(lost.is_err(), "the buffer of a lost slot is out of reach");
        // one that waits for the broken queue in `drop`, too
        queue.submit_write(0, &file, 0).unwrap();
        file.close().unwrap();
        drop(queue);
        // libdaos goes on with what it has, in memory that is still there
        std::thread::sleep(std::time::Duration::from_millis(900));
        let file = mount.root().unwrap().open(c"file", AccessMode::Read).unwrap();
        let mut data = [0; 300];
        assert_eq!(file.read_at(0, &mut data), Ok(300));
        assert!(data[100..200] == [2; 100] && data[200..] == [3; 100]);
    });
}

#[test]
fn the_number_of_engines_is_what_is_said() {
    in_children("the_number_of_engines_is_what_is_said", 1, &[("DAOS_STANDIN_ENGINES", "4")], |_, mount| {
        assert_eq!(mount.pool_info().unwrap().engines, 4);
        let root = mount.root().unwrap();
        let class = |name| ObjectClass::from_name(name).unwrap();
        let wide = root.create(c"wide", class("SX"), 0).unwrap();
        assert_eq!(wide.info().unwrap().class.name(), "S4");
        let wider = root.create(c"wider", class("EC_4P1G1"), 0).err();
        assert_eq!(wider, Some(DfsErrno::from_raw(libc::EINVAL)), "five engines needed");
    });
}
