//! Mounts and files handed from one process to another; here the other one is a second mount, or this test run anew.

use crate::{Container, SYSTEM, assert_errno, on_root, pattern};
use daos_dfs::{AccessMode, ContainerAttributes, Filter, FilterSpec, GlobalFile, GlobalMount, Mount, ObjectClass};

const INHERIT: ObjectClass = ObjectClass::INHERIT;

#[test]
fn a_mount_is_handed_over() {
    on_root(|mount, root| {
        root.create(c"file", INHERIT, 0).unwrap().write_at(0, b"shared").unwrap();
        let other = Mount::from_global(&SYSTEM, &mount.to_global().unwrap(), false).unwrap();
        let other_root = other.root().unwrap();
        assert_eq!(other_root.stat(c"file").unwrap().size, 6);
        other_root.mkdir(c"dir", INHERIT).unwrap();
        root.open_dir(c"dir").unwrap();
        assert_eq!(other.attributes().unwrap(), mount.attributes().unwrap());
    });
}

#[test]
fn an_open_file_is_handed_over() {
    on_root(|mount, root| {
        let other = Mount::from_global(&SYSTEM, &mount.to_global().unwrap(), false).unwrap();
        let file = root.create(c"file", INHERIT, 470_080).unwrap();
        let same = other.file_from_global(&file.to_global().unwrap()).unwrap();
        same.write_at(3, b"there").unwrap();
        let mut data = [0; 8];
        assert_eq!(file.read_at(0, &mut data).unwrap(), 8);
        assert_eq!(&data, b"\0\0\0there");
        assert_eq!(same.id().unwrap(), file.id().unwrap());
        assert_eq!(same.info().unwrap().chunk_size, 470_080);
        same.close().unwrap();
        assert_eq!(file.size().unwrap(), 8);
    });
}

#[test]
fn what_is_no_handle_is_refused() {
    on_root(|mount, _| {
        for bytes in [b"".as_slice(), &[7; 400]] {
            assert!(GlobalFile::from_bytes(bytes).is_err());
            // SAFETY: refused, so that nothing is made of it.
            assert!(unsafe { GlobalMount::from_bytes(bytes) }.is_err());
        }
        let sent = mount.to_global().unwrap();
        for length in 0..sent.as_bytes().len() {
            // SAFETY: as above.
            assert!(unsafe { GlobalMount::from_bytes(&sent.as_bytes()[..length]) }.is_err(), "{length} bytes");
        }
    });
}

/// libdfs would look the name up in one container and make it in the other, with an object that is not there.
#[test]
fn handles_of_two_mounts_do_not_mix() {
    on_root(|mount, root| {
        let Some(container) = Container::create(&ContainerAttributes::default()) else { return };
        let other = container.mount();
        let other_root = other.root().unwrap();
        root.create(c"file", INHERIT, 0).unwrap().write_at(0, b"kept").unwrap();
        assert_errno(root.rename(c"file", &other_root, c"moved"), libc::EXDEV);
        assert_errno(other_root.rename(c"file", root, c"moved"), libc::EXDEV);
        assert_eq!(root.stat(c"file").unwrap().size, 4);
        assert_errno(other_root.stat(c"moved"), libc::ENOENT);
        root.rename(c"file", root, c"moved").unwrap();

        // two mounts of one container are two mounts all the same
        let again = Mount::from_global(&SYSTEM, &mount.to_global().unwrap(), false).unwrap();
        assert_errno(root.rename(c"moved", &again.root().unwrap(), c"back"), libc::EXDEV);

        // an open file is found again in its container only
        let global = root.open(c"moved", AccessMode::Read).unwrap().to_global().unwrap();
        assert_eq!(other.file_from_global(&global).err().unwrap().errno().unwrap().raw(), libc::EINVAL);
        assert_eq!(again.file_from_global(&global).unwrap().size().unwrap(), 4);

        // a filter, where there are any
        let spec = FilterSpec { name: Some("*".into()), newer_than: None };
        if let (Ok(whole), Ok(shard)) = (Filter::new(mount, &spec), Filter::new(mount, &spec)) {
            assert_errno(whole.cursor(&other_root, 8), libc::EXDEV);
            assert_errno(shard.shard_cursor(&other_root, 0, 8), libc::EXDEV);
        }
    });
}

/// The environment that tells the second process what to do.
const HANDED: &str = "DFS_CONFORMANCE_HANDED";

#[test]
fn another_process_writes_through_both() {
    let Some(container) = Container::create(&ContainerAttributes::default()) else { return };
    let mount = container.mount();
    let file = mount.root().unwrap().create(c"file", INHERIT, 0).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let handed =
        format!("{}:{}", hex(mount.to_global().unwrap().as_bytes()), hex(file.to_global().unwrap().as_bytes()));
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "handles::the_other_process", "--nocapture"])
        .env(HANDED, handed)
        .status()
        .unwrap();
    assert!(status.success());
    let mut data = vec![0; 5_000];
    assert_eq!(file.read_at(1_000, &mut data).unwrap(), 5_000);
    assert!(data == pattern(5, 5_000));
    assert_eq!(mount.root().unwrap().kind(c"made-by-the-other").unwrap(), daos_dfs::EntryKind::Directory);
}

#[test]
#[ignore = "run by another_process_writes_through_both"]
fn the_other_process() {
    let handed = std::env::var(HANDED).expect("started by the other test");
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    };
    let (mount, file) = handed.split_once(':').unwrap();
    // SAFETY: what `to_global` of the other process gave.
    let mount = unsafe { GlobalMount::from_bytes(&bytes(mount)) }.unwrap();
    let mount = Mount::from_global(&SYSTEM, &mount, false).unwrap();
    mount
        .file_from_global(&GlobalFile::from_bytes(&bytes(file)).unwrap())
        .unwrap()
        .write_at(1_000, &pattern(5, 5_000))
        .unwrap();
    let root = mount.root().unwrap();
    root.mkdir(c"made-by-the-other", INHERIT).unwrap();
    assert_eq!(root.open(c"file", AccessMode::Read).unwrap().size().unwrap(), 6_000);
}
