//! Object classes and chunk sizes, as asked for and as read back.

use crate::{Container, assert_errno, on_root};
use daos_dfs::{ContainerAttributes, ObjectClass};

const INHERIT: ObjectClass = ObjectClass::INHERIT;

fn class(name: &str) -> ObjectClass {
    ObjectClass::from_name(name).unwrap()
}

#[test]
fn files_have_the_class_and_chunk_asked_for() {
    on_root(|mount, root| {
        let file = root.create(c"s1", class("S1"), 470_080).unwrap().info().unwrap();
        assert_eq!((file.class.name().as_str(), file.chunk_size), ("S1", 470_080));
        // As many groups as the pool has targets.
        let targets = mount.pool_info().unwrap().targets;
        let wide = root.create(c"sx", class("SX"), 0).unwrap().info().unwrap();
        assert!((1..=targets).contains(&(wide.class.id() & 0xffff)), "{wide:?}");
        assert_eq!(wide.class.id() >> 24, 1);
        assert_eq!(wide.chunk_size, mount.attributes().unwrap().chunk_size);
        // Another handle, and another process, read the same.
        assert_eq!(root.open(c"s1", daos_dfs::AccessMode::Read).unwrap().info().unwrap(), file);
    });
}

#[test]
fn defaults_are_the_container_s() {
    let attributes = ContainerAttributes {
        chunk_size: 1 << 17,
        file_class: class("S1"),
        dir_class: class("S1"),
        ..ContainerAttributes::default()
    };
    let Some(container) = Container::create(&attributes) else { return };
    let mount = container.mount();
    let found = mount.attributes().unwrap();
    assert_eq!(
        (found.chunk_size, found.file_class.name(), found.dir_class.name()),
        (1 << 17, "S1".into(), "S1".into())
    );
    let root = mount.root().unwrap();
    let file = root.create(c"file", INHERIT, 0).unwrap().info().unwrap();
    assert_eq!((file.chunk_size, file.class.name().as_str()), (1 << 17, "S1"));
}

#[test]
fn defaults_are_a_directory_s() {
    on_root(|mount, root| {
        root.mkdir(c"dir", INHERIT).unwrap();
        let mut dir = root.open_dir(c"dir").unwrap();
        dir.set_default_class(class("S1")).unwrap();
        dir.set_default_chunk(65_536).unwrap();
        // Those who open it from now on see it.
        let dir = mount.open_path("/dir").unwrap();
        let file = dir.create(c"file", INHERIT, 0).unwrap().info().unwrap();
        assert_eq!((file.class.name().as_str(), file.chunk_size), ("S1", 65_536));
        dir.mkdir(c"sub", INHERIT).unwrap();
        let below = dir.open_dir(c"sub").unwrap().create(c"file", INHERIT, 0).unwrap().info().unwrap();
        assert_eq!((below.class.name().as_str(), below.chunk_size), ("S1", 65_536));
    });
}

#[test]
fn a_class_that_the_pool_is_too_small_for() {
    on_root(|mount, root| {
        if mount.pool_info().unwrap().engines >= 6 * 32 {
            eprintln!("skipped: this pool is large enough for every class");
            return;
        }
        assert_errno(root.create(c"file", class("RP_6G32"), 0), libc::EINVAL);
        assert_errno(root.mkdir(c"dir", class("RP_6G32")), libc::EINVAL);
        assert_errno(root.create(c"file", ObjectClass::from_id(7 << 24 | 1), 0), libc::EINVAL);
        assert_errno(root.kind(c"file"), libc::ENOENT);
    });
}

#[test]
fn ids_are_unique() {
    on_root(|_, root| {
        let mut ids: Vec<_> = (0..50)
            .map(|i| {
                let name = std::ffi::CString::new(format!("f{i}")).unwrap();
                let id = root.create(&name, INHERIT, 0).unwrap().id().unwrap();
                (id.hi, id.lo)
            })
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 50);
    });
}
