//! Bytes: reading back, odd offsets, holes, the end of a file, truncation.

use crate::{assert_errno, on_root, pattern};
use daos_dfs::{AccessMode, ObjectClass};

const INHERIT: ObjectClass = ObjectClass::INHERIT;

#[test]
fn what_is_written_is_read_back_at_any_offset() {
    on_root(|_, root| {
        // A small chunk, so that transfers cross chunks.
        let file = root.create(c"file", INHERIT, 4096).unwrap();
        let mut expected = Vec::new();
        for (i, (offset, length)) in
            [(0, 1), (1, 4096), (4095, 2), (10_000, 47_008), (3, 12_289), (57_000, 100)].into_iter().enumerate()
        {
            let data = pattern(i as u64, length);
            file.write_at(offset as u64, &data).unwrap();
            if expected.len() < offset + length {
                expected.resize(offset + length, 0);
            }
            expected[offset..offset + length].copy_from_slice(&data);
        }
        assert_eq!(file.size().unwrap(), expected.len() as u64);
        for (offset, length) in [(0, 57_100), (1, 1), (4094, 5), (9_999, 2), (12_345, 30_001)] {
            let mut data = vec![0xee; length];
            assert_eq!(file.read_at(offset as u64, &mut data).unwrap(), length);
            assert!(data == expected[offset..offset + length], "{length} bytes at {offset}");
        }
    });
}

#[test]
fn reads_are_short_at_the_end_only() {
    on_root(|_, root| {
        let file = root.create(c"file", INHERIT, 4096).unwrap();
        let mut buffer = [0xee; 16];
        assert_eq!(file.read_at(0, &mut buffer).unwrap(), 0, "nothing written yet");
        file.write_at(0, &pattern(1, 10_000)).unwrap();
        assert_eq!(file.read_at(9_990, &mut buffer).unwrap(), 10);
        assert_eq!(buffer[..10], pattern(1, 10_000)[9_990..]);
        assert_eq!(file.read_at(10_000, &mut buffer).unwrap(), 0);
        assert_eq!(file.read_at(1 << 40, &mut buffer).unwrap(), 0);
        assert_eq!(file.read_at(0, &mut []).unwrap(), 0);
        file.write_at(5, &[]).unwrap();
        assert_eq!(file.size().unwrap(), 10_000);
    });
}

#[test]
fn holes_are_zeros() {
    on_root(|_, root| {
        let file = root.create(c"file", INHERIT, 4096).unwrap();
        file.write_at(100_000, b"end").unwrap();
        assert_eq!(file.size().unwrap(), 100_003);
        let mut data = vec![0xee; 100_003];
        assert_eq!(file.read_at(0, &mut data).unwrap(), data.len());
        assert!(data[..100_000].iter().all(|&byte| byte == 0) && &data[100_000..] == b"end");
        let mut data = vec![0xee; 5_000];
        assert_eq!(file.read_at(50_000, &mut data).unwrap(), data.len(), "all hole");
        assert!(data.iter().all(|&byte| byte == 0));
    });
}

#[test]
fn truncating_and_punching() {
    on_root(|_, root| {
        let file = root.create(c"file", INHERIT, 4096).unwrap();
        let data = pattern(7, 20_000);
        file.write_at(0, &data).unwrap();
        file.punch(5_000, 5_000).unwrap();
        assert_eq!(file.size().unwrap(), 20_000);
        let mut back = vec![0xee; 20_000];
        assert_eq!(file.read_at(0, &mut back).unwrap(), 20_000);
        assert!(back[..5_000] == data[..5_000] && back[10_000..] == data[10_000..]);
        assert!(back[5_000..10_000].iter().all(|&byte| byte == 0));
        file.punch(15_000, 1 << 20).unwrap();
        assert_eq!(file.size().unwrap(), 15_000, "a hole to the end truncates");
        file.set_size(3).unwrap();
        assert_eq!(file.size().unwrap(), 3);
        file.set_size(9_000).unwrap();
        assert_eq!(file.size().unwrap(), 9_000);
        assert_eq!(file.read_at(0, &mut back).unwrap(), 9_000);
        assert!(back[..3] == data[..3] && back[3..9_000].iter().all(|&byte| byte == 0), "old data does not come back");
        file.punch(50_000, 10).unwrap();
        assert_eq!(file.size().unwrap(), 9_000, "beyond the end nothing happens");
    });
}

#[test]
fn files_opened_for_one_thing_refuse_the_other() {
    on_root(|_, root| {
        root.create(c"file", INHERIT, 0).unwrap().write_at(0, b"abc").unwrap();
        let reading = root.open(c"file", AccessMode::Read).unwrap();
        assert_errno(reading.write_at(0, b"x"), libc::EPERM);
        assert_errno(reading.set_size(0), libc::EPERM);
        let writing = root.open(c"file", AccessMode::Write).unwrap();
        assert_errno(writing.read_at(0, &mut [0; 3]), libc::EPERM);
        writing.write_at(1, b"X").unwrap();
        let mut data = [0; 3];
        reading.read_at(0, &mut data).unwrap();
        assert_eq!(&data, b"aXc");
    });
}

#[test]
fn several_writers_of_one_file() {
    on_root(|mount, root| {
        root.create(c"file", INHERIT, 4096).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4u64 {
                scope.spawn(move || {
                    let file = mount.root().unwrap().open(c"file", AccessMode::ReadWrite).unwrap();
                    for i in 0..8 {
                        file.write_at((i * 4 + writer) * 1_000, &pattern(i * 4 + writer, 1_000)).unwrap();
                    }
                });
            }
        });
        let file = root.open(c"file", AccessMode::Read).unwrap();
        assert_eq!(file.size().unwrap(), 32_000);
        for block in 0..32u64 {
            let mut data = vec![0; 1_000];
            assert_eq!(file.read_at(block * 1_000, &mut data).unwrap(), 1_000);
            assert!(data == pattern(block, 1_000), "block {block}");
        }
    });
}
