//! Names: making, finding, removing, renaming, and their errors.

use crate::{Container, SYSTEM, assert_errno, on_root};
use daos_dfs::{AccessMode, ContainerAttributes, Dir, EntryKind, Mount, Node, ObjectClass};
use std::ffi::{CStr, CString};

const INHERIT: ObjectClass = ObjectClass::INHERIT;

#[test]
fn directories_and_files() {
    on_root(|mount, root| {
        root.mkdir(c"dir", INHERIT).unwrap();
        let dir = root.open_dir(c"dir").unwrap();
        let file = dir.create(c"file", INHERIT, 0).unwrap();
        file.write_at(0, b"abc").unwrap();
        assert_eq!(root.kind(c"dir").unwrap(), EntryKind::Directory);
        assert_eq!(dir.kind(c"file").unwrap(), EntryKind::File);
        assert_eq!(dir.stat(c"file").unwrap().size, 3);
        assert!(matches!(mount.lookup("/dir/file", AccessMode::Read), Ok(Node::File(_))));
        assert!(matches!(mount.lookup("/dir", AccessMode::Read), Ok(Node::Dir(_))));
        mount.open_path("/").unwrap().open_dir(c"dir").unwrap();
    });
}

#[test]
fn a_name_that_is_taken_or_not_there() {
    on_root(|_, root| {
        assert_errno(root.open(c"none", AccessMode::Read), libc::ENOENT);
        assert_errno(root.open_dir(c"none"), libc::ENOENT);
        assert_errno(root.stat(c"none"), libc::ENOENT);
        assert_errno(root.kind(c"none"), libc::ENOENT);
        assert_errno(root.remove(c"none"), libc::ENOENT);
        assert_errno(root.chmod(c"none", 0o600), libc::ENOENT);
        root.mkdir(c"dir", INHERIT).unwrap();
        root.create_new(c"file", INHERIT, 0).unwrap();
        assert_errno(root.mkdir(c"dir", INHERIT), libc::EEXIST);
        assert_errno(root.mkdir(c"file", INHERIT), libc::EEXIST);
        assert_errno(root.create_new(c"file", INHERIT, 0), libc::EEXIST);
        assert_errno(root.create_new(c"dir", INHERIT, 0), libc::EEXIST);
        // Without exclusion the existing file is opened, and its contents stay.
        root.create(c"file", INHERIT, 0).unwrap().write_at(0, b"x").unwrap();
        assert_eq!(root.create(c"file", INHERIT, 0).unwrap().size().unwrap(), 1);
        // libdfs answers with EINVAL, not EISDIR.
        assert_errno(root.create(c"dir", INHERIT, 0), libc::EINVAL);
        assert_errno(root.open(c"dir", AccessMode::Read), libc::EINVAL);
        assert_errno(root.open_dir(c"file"), libc::ENOTDIR);
    });
}

#[test]
fn what_is_no_name() {
    on_root(|_, root| {
        let too_long = CString::new(vec![b'n'; 256]).unwrap();
        for name in [c"a/b", c"/", too_long.as_c_str()] {
            assert_errno(root.mkdir(name, INHERIT), libc::EINVAL);
            assert_errno(root.create(name, INHERIT, 0), libc::EINVAL);
            assert_errno(root.open(name, AccessMode::Read), libc::EINVAL);
            assert_errno(root.stat(name), libc::EINVAL);
            assert_errno(root.kind(name), libc::EINVAL);
            assert_errno(root.remove(name), libc::EINVAL);
        }
        assert_errno(root.kind(c"."), libc::ENOTSUP);
        assert_errno(root.kind(c".."), libc::ENOENT);
        // The longest one, and bytes that are no text.
        for name in [vec![b'n'; 255], b"\xff\x01 \n".to_vec()] {
            let name = CString::new(name).unwrap();
            root.mkdir(&name, INHERIT).unwrap();
            assert_eq!(root.kind(&name).unwrap(), EntryKind::Directory);
        }
    });
}

#[test]
fn removing() {
    on_root(|_, root| {
        root.mkdir(c"dir", INHERIT).unwrap();
        let dir = root.open_dir(c"dir").unwrap();
        dir.create(c"file", INHERIT, 0).unwrap().write_at(0, b"data").unwrap();
        dir.mkdir(c"sub", INHERIT).unwrap();
        assert_errno(root.remove(c"dir"), libc::ENOTEMPTY);
        dir.remove(c"file").unwrap();
        assert_errno(dir.stat(c"file"), libc::ENOENT);
        dir.remove(c"sub").unwrap();
        root.remove(c"dir").unwrap();
        assert_errno(root.kind(c"dir"), libc::ENOENT);
        // A name that is made again is another object.
        root.create(c"again", INHERIT, 0).unwrap().write_at(0, b"old").unwrap();
        root.remove(c"again").unwrap();
        assert_eq!(root.create(c"again", INHERIT, 0).unwrap().size().unwrap(), 0);
    });
}

#[test]
fn removing_a_tree() {
    on_root(|_, root| {
        root.mkdir(c"tree", INHERIT).unwrap();
        let mut dir = root.open_dir(c"tree").unwrap();
        for _ in 0..3 {
            dir.create(c"file", INHERIT, 0).unwrap().write_at(0, b"data").unwrap();
            dir.mkdir(c"sub", INHERIT).unwrap();
            dir = dir.open_dir(c"sub").unwrap();
        }
        root.remove_all(c"tree").unwrap();
        assert_errno(root.kind(c"tree"), libc::ENOENT);
    });
}

#[test]
fn renaming() {
    on_root(|_, root| {
        root.mkdir(c"from", INHERIT).unwrap();
        root.mkdir(c"to", INHERIT).unwrap();
        let (from, to) = (root.open_dir(c"from").unwrap(), root.open_dir(c"to").unwrap());
        from.create(c"file", INHERIT, 0).unwrap().write_at(0, b"moved").unwrap();
        to.create(c"other", INHERIT, 0).unwrap();
        from.rename(c"file", &to, c"other").unwrap();
        assert_errno(from.stat(c"file"), libc::ENOENT);
        assert_eq!(to.stat(c"other").unwrap().size, 5);
        assert_errno(from.rename(c"none", &to, c"x"), libc::ENOENT);
        root.rename(c"from", &to, c"dir").unwrap();
        assert_eq!(to.kind(c"dir").unwrap(), EntryKind::Directory);
    });
}

#[test]
fn symbolic_links() {
    on_root(|mount, root| {
        root.mkdir(c"dir", INHERIT).unwrap();
        let dir = root.open_dir(c"dir").unwrap();
        dir.create(c"file", INHERIT, 0).unwrap().write_at(0, b"1234").unwrap();
        root.symlink(c"link", c"dir/file").unwrap();
        assert_errno(root.symlink(c"link", c"elsewhere"), libc::EEXIST);
        assert_eq!(root.read_link(c"link").unwrap().as_c_str(), c"dir/file");
        assert_errno(root.read_link(c"dir"), libc::EINVAL);
        assert_eq!(root.kind(c"link").unwrap(), EntryKind::Symlink);
        let stat = root.stat(c"link").unwrap();
        assert_eq!((stat.kind, stat.size), (EntryKind::Symlink, 8));
        match mount.lookup("/link", AccessMode::Read).unwrap() {
            Node::File(file) => assert_eq!(file.size().unwrap(), 4),
            Node::Dir(_) => panic!("a file"),
        }
        root.symlink(c"loop", c"loop").unwrap();
        assert_eq!(mount.open_path("/loop").err().and_then(|e| e.errno()).map(|e| e.raw()), Some(libc::ELOOP));
    });
}

#[test]
fn attributes() {
    on_root(|_, root| {
        let file = root.create(c"file", INHERIT, 0).unwrap();
        let created = root.stat(c"file").unwrap();
        assert_eq!((created.kind, created.size, created.permissions), (EntryKind::File, 0, 0o644));
        // SAFETY: no preconditions.
        assert_eq!(created.uid, unsafe { libc::geteuid() });
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        assert!((now - created.ctime.seconds).abs() < 100, "{created:?}");
        file.write_at(0, b"later").unwrap();
        let written = root.stat(c"file").unwrap();
        assert!(written.mtime >= created.mtime && written.ctime >= created.ctime, "{written:?} {created:?}");
        assert_eq!(file.stat().unwrap(), written);
        root.chmod(c"file", 0o600).unwrap();
        assert_eq!(root.stat(c"file").unwrap().permissions, 0o600);
        assert_eq!(root.stat(c"file").unwrap().size, 5);
        root.mkdir(c"dir", INHERIT).unwrap();
        let dir = root.stat(c"dir").unwrap();
        assert_eq!((dir.kind, dir.size, dir.permissions), (EntryKind::Directory, 104, 0o755));
    });
}

#[test]
fn paths() {
    on_root(|mount, root| {
        root.mkdir(c"a", INHERIT).unwrap();
        root.open_dir(c"a").unwrap().mkdir(c"b", INHERIT).unwrap();
        root.create(c"file", INHERIT, 0).unwrap();
        let errno = |path: &str| mount.open_path(path).err().and_then(|e| e.errno()).map(|e| e.raw());
        assert_eq!(errno("/a/b"), None);
        assert_eq!(errno("//a//b/"), None);
        assert_eq!(errno("a/b"), None, "relative paths begin at the root");
        assert_eq!(errno("/a/none"), Some(libc::ENOENT));
        assert_eq!(errno("/none/b"), Some(libc::ENOENT));
        assert_eq!(errno("/file/b"), Some(libc::ENOENT));
        assert_eq!(errno("/file"), Some(libc::ENOTDIR));
    });
}

#[test]
fn a_read_only_mount_changes_nothing() {
    let Some(container) = Container::create(&ContainerAttributes::default()) else { return };
    let writable = container.mount();
    writable.root().unwrap().create(c"file", INHERIT, 0).unwrap().write_at(0, b"abc").unwrap();
    let options = daos_dfs::MountOptions { read_only: true, ..container.options() };
    let mount = Mount::connect(&SYSTEM, &options).unwrap();
    let root = mount.root().unwrap();
    assert_errno(root.mkdir(c"dir", INHERIT), libc::EPERM);
    assert_errno(root.create(c"new", INHERIT, 0), libc::EPERM);
    assert_errno(root.remove(c"file"), libc::EPERM);
    assert_eq!(root.open(c"file", AccessMode::Read).unwrap().size().unwrap(), 3);
}

#[test]
fn of_many_creators_one_wins() {
    on_root(|mount, _| {
        let created = |name: &CStr| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| mount.root().unwrap().create_new(name, INHERIT, 0).is_ok()))
                    .collect();
                threads.into_iter().map(|t| usize::from(t.join().unwrap())).sum::<usize>()
            })
        };
        for name in [c"a", c"b", c"c"] {
            assert_eq!(created(name), 1, "{name:?}");
        }
    });
}

/// How deep directories may be nested is the caller's affair; forty levels are nothing special.
#[test]
fn deep_directories() {
    on_root(|mount, root| {
        let mut dir: Dir<'_> = root.try_clone().unwrap();
        let mut path = String::new();
        for level in 0..40 {
            let name = CString::new(format!("level-{level}")).unwrap();
            dir.mkdir(&name, INHERIT).unwrap();
            dir = dir.open_dir(&name).unwrap();
            path += &format!("/level-{level}");
        }
        dir.create(c"leaf", INHERIT, 0).unwrap();
        assert_eq!(mount.open_path(&path).unwrap().id().unwrap(), dir.id().unwrap());
    });
}
