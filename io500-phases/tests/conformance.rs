//! What every backend that keeps data must do, as the phases rely on it: one suite for POSIX, for libdfs, and for a decorated store.

mod common;

use io500_phases::backend::fault::Faulty;
use io500_phases::backend::posix::Posix;
use io500_phases::backend::select::Visit;
use io500_phases::backend::{Access, Backend, DirBatch, FileKind, IoQueue, list};
use io500_phases::error::{Errno, OpResult};
use io500_phases::plan::Hints;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString};

const HINTS: Hints = Hints { file_class: 0, dir_class: 0, chunk: 0 };

/// One test on one store, in a directory of its own.
trait Conformance: Copy {
    fn check<B: Backend + Sync>(self, backend: &B, dir: &B::Dir)
    where
        B::Dir: Send + Sync;
}

struct InDirectory<'a, T>(T, &'a str);

impl<T: Conformance> Visit for InDirectory<'_, T> {
    type Out = ();

    fn visit<B: Backend + Sync>(self, backend: &B)
    where
        B::Dir: Send + Sync,
    {
        let above = backend.open_path(self.1).unwrap();
        backend.mkdir(&above, c"tested", HINTS).unwrap();
        self.0.check(backend, &backend.open_dir(&above, c"tested").unwrap());
        let described = backend.describe();
        assert!(!described.api.is_empty() && !described.provider.is_empty(), "{described:?}");
    }
}

/// Runs a test on every kind of store there is.
fn on_all(test: impl Conformance + Sync) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_str().unwrap();
    InDirectory(test, path).visit(&Posix::new(path, false));
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_str().unwrap();
    InDirectory(test, path).visit(&Faulty::new(Posix::new(path, false)));
    #[cfg(feature = "dfs")]
    over_dfs::run(test);
}

#[cfg(feature = "dfs")]
mod over_dfs {
    use super::{Conformance, InDirectory, common};
    use io500_phases::backend::select::{Selected, Stores};
    use io500_phases::comm::threads;
    use io500_phases::phase_id::PhaseId;

    pub fn run(test: impl Conformance + Sync) {
        let Some(container) = common::Container::new() else { return };
        let config = common::config("", &[&container.setting()]);
        threads::run(1, |comm| {
            let stores = Selected::open(&config, &[PhaseId::IorEasyRead], "/", comm).unwrap();
            stores.visit(PhaseId::IorEasyRead, InDirectory(test, "/"));
        });
    }
}

/// Defines a test of one function that is generic over the backend.
macro_rules! conformance {
    ($($(#[$about:meta])* fn $name:ident($backend:ident, $dir:ident) $body:block)*) => {
        $($(#[$about])*
        #[test]
        fn $name() {
            #[derive(Clone, Copy)]
            struct Test;
            impl Conformance for Test {
                fn check<B: Backend + Sync>(self, $backend: &B, $dir: &B::Dir)
                where
                    B::Dir: Send + Sync,
                $body
            }
            on_all(Test);
        })*
    };
}

#[track_caller]
fn assert_errno<T>(result: OpResult<T>, errnos: &[i32]) {
    match result {
        Ok(_) => panic!("succeeded"),
        Err(Errno(errno)) => assert!(errnos.contains(&errno), "{}", Errno(errno)),
    }
}

fn names<B: Backend>(backend: &B, dir: &B::Dir) -> Vec<CString> {
    let mut names = Vec::new();
    list(backend, dir, |name, _| names.push(name.to_owned())).unwrap();
    names
}

fn numbered(i: usize) -> CString {
    CString::new(format!("file.mdtest.0.{i}")).unwrap()
}

fn write<B: Backend>(backend: &B, dir: &B::Dir, name: &CStr, offset: u64, data: &[u8]) {
    let file = backend.create(dir, name, HINTS).unwrap();
    backend.write_at(&file, offset, data).unwrap();
    backend.close(file).unwrap();
}

/// Bytes that differ at every offset and from seed to seed.
fn pattern(seed: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| ((i ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

conformance! {
    fn directories_and_files_have_kinds_and_sizes(backend, dir) {
        backend.mkdir(dir, c"sub", HINTS).unwrap();
        let sub = backend.open_dir(dir, c"sub").unwrap();
        write(backend, &sub, c"file", 0, b"abc");
        let stat = backend.stat(&sub, c"file").unwrap();
        assert_eq!((stat.kind, stat.size), (FileKind::File, 3));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        assert!((now - stat.ctime).abs() < 3600 && (now - stat.mtime).abs() < 3600, "{stat:?}");
        assert_eq!(backend.stat(dir, c"sub").unwrap().kind, FileKind::Directory);
        assert_eq!(backend.kind(dir, c"sub"), Ok(FileKind::Directory));
        assert_eq!(backend.kind(&sub, c"file"), Ok(FileKind::File));
        write(backend, &sub, c"empty", 0, b"");
        assert_eq!(backend.stat(&sub, c"empty").unwrap().size, 0);
    }

    fn names_that_are_taken_or_not_there(backend, dir) {
        assert_errno(backend.open(dir, c"none", Access::Read), &[libc::ENOENT]);
        assert_errno(backend.open_dir(dir, c"none"), &[libc::ENOENT]);
        assert_errno(backend.stat(dir, c"none"), &[libc::ENOENT]);
        assert_errno(backend.kind(dir, c"none"), &[libc::ENOENT]);
        assert_errno(backend.unlink(dir, c"none"), &[libc::ENOENT]);
        assert_errno(backend.rmdir(dir, c"none"), &[libc::ENOENT]);
        assert_errno(backend.open_path("/none/of/these"), &[libc::ENOENT]);
        backend.mkdir(dir, c"sub", HINTS).unwrap();
        assert_errno(backend.mkdir(dir, c"sub", HINTS), &[libc::EEXIST]);
        write(backend, dir, c"file", 0, b"x");
        assert_errno(backend.mkdir(dir, c"file", HINTS), &[libc::EEXIST]);
        assert_errno(backend.open_dir(dir, c"file"), &[libc::ENOTDIR]);
    }

    fn creating_what_is_there_opens_it_with_its_content(backend, dir) {
        write(backend, dir, c"file", 0, b"first");
        let again = backend.create(dir, c"file", HINTS).unwrap();
        let mut data = [0; 8];
        assert_eq!(backend.read_at(&again, 0, &mut data), Ok(5));
        assert_eq!(&data[..5], b"first");
        backend.close(again).unwrap();
    }

    fn removing(backend, dir) {
        backend.mkdir(dir, c"sub", HINTS).unwrap();
        let sub = backend.open_dir(dir, c"sub").unwrap();
        write(backend, &sub, c"file", 0, b"x");
        assert_errno(backend.rmdir(dir, c"sub"), &[libc::ENOTEMPTY, libc::EEXIST]);
        backend.unlink(&sub, c"file").unwrap();
        assert_errno(backend.unlink(&sub, c"file"), &[libc::ENOENT]);
        drop(sub);
        backend.rmdir(dir, c"sub").unwrap();
        assert_errno(backend.open_dir(dir, c"sub"), &[libc::ENOENT]);
        assert!(names(backend, dir).is_empty());
        // the name is free again, and what it names is new
        write(backend, dir, c"sub", 0, b"");
        assert_eq!(backend.stat(dir, c"sub").unwrap().size, 0);
    }

    fn odd_offsets_and_lengths(backend, dir) {
        let file = backend.create(dir, c"file", HINTS).unwrap();
        let mut expected = Vec::new();
        for (seed, (offset, length)) in
            [(0, 47_008), (47_008, 47_008), (1_048_575, 2), (1_048_577, 4095), (3, 1), (40_000, 20_000), (2_097_151, 65_537)]
                .into_iter().enumerate()
        {
            let data = pattern(seed as u64, length);
            backend.write_at(&file, offset as u64, &data).unwrap();
            if expected.len() < offset + length {
                expected.resize(offset + length, 0);
            }
            expected[offset..offset + length].copy_from_slice(&data);
        }
        for (offset, length) in [(0, expected.len()), (47_000, 16), (1_048_570, 5000), (39_999, 3), (2_162_687, 1)] {
            let mut data = vec![0xee; length];
            assert_eq!(backend.read_at(&file, offset as u64, &mut data), Ok(length));
            assert!(data == expected[offset..offset + length], "{length} bytes at {offset}");
        }
        backend.sync(&file).unwrap();
        backend.close(file).unwrap();
        backend.sync_all(dir).unwrap();
        assert_eq!(backend.stat(dir, c"file").unwrap().size, expected.len() as u64);
    }

    fn holes_are_zeros_and_files_end(backend, dir) {
        write(backend, dir, c"file", 1_500_000, b"end");
        let file = backend.open(dir, c"file", Access::Read).unwrap();
        let mut data = vec![0xee; 4096];
        assert_eq!(backend.read_at(&file, 100_000, &mut data), Ok(4096));
        assert!(data.iter().all(|&byte| byte == 0));
        data.fill(0xee);
        assert_eq!(backend.read_at(&file, 1_499_999, &mut data), Ok(4));
        assert_eq!(&data[..5], b"\0end\xee");
        assert_eq!(backend.read_at(&file, 1_500_003, &mut data), Ok(0));
        assert_eq!(backend.read_at(&file, 1 << 40, &mut data), Ok(0));
        assert_eq!(backend.read_at(&file, 0, &mut []), Ok(0));
        backend.close(file).unwrap();
    }

    fn what_one_handle_writes_another_one_reads(backend, dir) {
        let writer = backend.create(dir, c"file", HINTS).unwrap();
        let reader = backend.open(dir, c"file", Access::Read).unwrap();
        for i in 0..4_u64 {
            let data = pattern(i, 47_008);
            backend.write_at(&writer, i * 47_008, &data).unwrap();
            let mut read = vec![0; 47_008];
            assert_eq!(backend.read_at(&reader, i * 47_008, &mut read), Ok(47_008));
            assert!(read == data, "transfer {i}");
        }
        backend.close(reader).unwrap();
        backend.close(writer).unwrap();
    }

    fn listings_come_in_batches_and_hold_every_name_once(backend, dir) {
        assert!(names(backend, dir).is_empty());
        const FILES: usize = 2_500;
        (0..FILES).for_each(|i| write(backend, dir, &numbered(i), 0, b""));
        backend.mkdir(dir, c"sub", HINTS).unwrap();
        let mut cursor = backend.cursor(dir, 0, 1).unwrap();
        let mut batch = DirBatch::default();
        let (mut seen, mut batches) = (BTreeSet::new(), 0);
        loop {
            backend.read_dir(&mut cursor, &mut batch).unwrap();
            if batch.entries.is_empty() {
                break;
            }
            batches += 1;
            for (name, kind) in batch.iter() {
                assert!(seen.insert(name.to_owned()), "{name:?} comes twice");
                let expected = if name == c"sub" { FileKind::Directory } else { FileKind::File };
                assert!(kind.is_none_or(|kind| kind == expected), "{name:?}: {kind:?}");
            }
        }
        assert!(batches > 1);
        let expected: BTreeSet<CString> = (0..FILES).map(numbered).chain([c"sub".to_owned()]).collect();
        assert!(seen == expected);
        // the end stays the end
        backend.read_dir(&mut cursor, &mut batch).unwrap();
        assert!(batch.entries.is_empty());
    }

    fn shards_cover_a_directory_exactly_once(backend, dir) {
        let expected: BTreeSet<CString> = (0..600).map(numbered).collect();
        expected.iter().for_each(|name| write(backend, dir, name, 0, b""));
        let shards = backend.shards(dir).unwrap();
        assert!(shards >= 1);
        let mut seen = BTreeSet::new();
        for shard in 0..shards {
            let mut cursor = backend.cursor(dir, shard, shards).unwrap();
            let mut batch = DirBatch::default();
            loop {
                backend.read_dir(&mut cursor, &mut batch).unwrap();
                if batch.entries.is_empty() {
                    break;
                }
                for (name, _) in batch.iter() {
                    assert!(seen.insert(name.to_owned()), "{name:?} is in two of {shards} shards");
                }
            }
        }
        assert!(seen == expected);
    }

    fn an_exported_file_is_the_same_file(backend, dir) {
        let file = backend.create(dir, c"shared", HINTS).unwrap();
        // a store that cannot do that says so, and every rank opens the file itself
        let other = match backend.export(&file).unwrap() {
            Some(bytes) => backend.import(&bytes).unwrap(),
            None => {
                assert_errno(backend.import(&[]), &[libc::ENOTSUP]);
                backend.create(dir, c"shared", HINTS).unwrap()
            }
        };
        backend.write_at(&other, 5, b"theirs").unwrap();
        backend.write_at(&file, 0, b"ours,").unwrap();
        let mut data = [0; 16];
        for each in [&file, &other] {
            assert_eq!(backend.read_at(each, 0, &mut data), Ok(11));
            assert_eq!(&data[..11], b"ours,theirs");
        }
        backend.close(other).unwrap();
        backend.close(file).unwrap();
    }

    fn queues_move_what_blocking_calls_move(backend, dir) {
        const TRANSFER: usize = 10_000;
        const TRANSFERS: u64 = 50;
        for (depth, name) in [(1, c"one"), (2, c"two"), (7, c"seven"), (64, c"many")] {
            let file = backend.create(dir, name, HINTS).unwrap();
            let mut queue = backend.queue(depth, TRANSFER).unwrap();
            assert_eq!(queue.depth(), depth);
            let (mut next, mut done) = (0, 0);
            loop {
                while let Some(slot) = (next < TRANSFERS).then(|| queue.slot()).flatten() {
                    queue.buffer(slot).copy_from_slice(&pattern(next, TRANSFER));
                    queue.submit_write(slot, &file, next * TRANSFER as u64).unwrap();
                    next += 1;
                }
                let Some((slot, result)) = queue.reap() else { break };
                assert_eq!(result, Ok(TRANSFER));
                queue.release(slot);
                done += 1;
            }
            assert_eq!(done, TRANSFERS);
            let mut data = vec![0; TRANSFER];
            for i in 0..TRANSFERS {
                assert_eq!(backend.read_at(&file, i * TRANSFER as u64, &mut data), Ok(TRANSFER));
                assert!(data == pattern(i, TRANSFER), "transfer {i} at depth {depth}");
            }

            // and back, with one that crosses the end and one behind it
            let mut offsets = vec![u64::MAX; depth];
            let at = |i: u64| i * TRANSFER as u64 + 1234;
            let (mut next, mut done) = (0, 0);
            loop {
                while let Some(slot) = (next <= TRANSFERS).then(|| queue.slot()).flatten() {
                    queue.buffer(slot).fill(0xee);
                    offsets[slot] = next;
                    queue.submit_read(slot, &file, at(next)).unwrap();
                    next += 1;
                }
                let Some((slot, result)) = queue.reap() else { break };
                let size = TRANSFERS * TRANSFER as u64;
                let expected = size.saturating_sub(at(offsets[slot])).min(TRANSFER as u64) as usize;
                assert_eq!(result, Ok(expected), "transfer {} at depth {depth}", offsets[slot]);
                let whole = [pattern(offsets[slot], TRANSFER), pattern(offsets[slot] + 1, TRANSFER)].concat();
                assert!(queue.buffer(slot)[..expected] == whole[1234..1234 + expected]);
                queue.release(slot);
                done += 1;
            }
            assert_eq!(done, TRANSFERS + 1);
            assert!(queue.reap().is_none());
            backend.close(file).unwrap();
        }
    }

    fn a_queue_gives_out_each_slot_once(backend, dir) {
        let _ = dir;
        let mut queue = backend.queue(3, 64).unwrap();
        let slots: BTreeSet<usize> = std::iter::from_fn(|| queue.slot()).collect();
        assert_eq!(slots, BTreeSet::from([0, 1, 2]));
        assert!(queue.reap().is_none());
        queue.release(1);
        assert_eq!(queue.slot(), Some(1));
        for slot in slots {
            assert_eq!(queue.buffer(slot).len(), 64);
            queue.release(slot);
        }
    }

    fn paths_lead_below_the_root_of_the_store(backend, dir) {
        backend.mkdir(dir, c"one", HINTS).unwrap();
        let one = backend.open_dir(dir, c"one").unwrap();
        backend.mkdir(&one, c"two", HINTS).unwrap();
        let two = backend.open_dir(&one, c"two").unwrap();
        write(backend, &two, c"file", 0, b"x");
        assert_eq!(names(backend, &one), [c"two".to_owned()]);
        assert_eq!(names(backend, &two), [c"file".to_owned()]);
        backend.unlink(&two, c"file").unwrap();
    }
}

#[test]
fn file_kinds_tell_links_apart_on_posix() {
    let temp = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/", temp.path().join("link")).unwrap();
    let posix = Posix::new(temp.path().to_str().unwrap(), false);
    let dir = posix.open_path(temp.path().to_str().unwrap()).unwrap();
    assert_eq!(posix.kind(&dir, c"link"), Ok(FileKind::Symlink));
    // and never follow them where a directory is to be opened
    assert_errno(posix.open_dir(&dir, c"link"), &[libc::ELOOP, libc::ENOTDIR]);
}
