//! Pools and containers: what there is, creating on demand, destroying.

use crate::{Container, SYSTEM, connect, pool};
use daos_dfs::{AccessMode, ContainerAttributes, Mount, MountOptions, ObjectClass, Pool, Property, RebuildState};

#[test]
fn a_pool_tells_its_space_and_health() {
    let Some(pool) = pool() else { return };
    let info = connect(&pool).query().unwrap();
    assert!(info.targets >= 1 && info.engines >= 1 && info.disabled_targets == 0, "{info:?}");
    assert!(info.scm.total > 0 && info.scm.free <= info.scm.total, "{info:?}");
    assert!(info.free() > 0 && info.scm.free_min <= info.scm.free);
    assert_ne!(info.rebuild.state, RebuildState::Busy);
    assert_ne!(info.uuid, [0; 16]);
}

#[test]
fn the_agent_tells_of_the_system_and_its_engines() {
    let Some(pool) = pool() else { return };
    let Some(told) = SYSTEM.attach_info(None).unwrap() else {
        return eprintln!("skipped: this libdaos has no call for it, or is of another version than the one built for");
    };
    assert!(!told.system.is_empty() && !told.provider.is_empty(), "{told:?}");
    assert!(told.engines.len() >= connect(&pool).query().unwrap().engines as usize, "{told:?}");
    assert!(told.engines.iter().all(|(_, uri)| uri.contains("://")), "{told:?}");
    assert!(told.management.iter().all(|rank| told.engines.iter().any(|(engine, _)| engine == rank)), "{told:?}");
    assert!(SYSTEM.attach_info(Some("with\0NUL")).is_err());
    if daos_dfs::is_standin() {
        assert_eq!((told.system.as_str(), told.provider.as_str()), ("daos_server", "standin"));
    }
}

#[test]
fn a_pool_that_is_not_there() {
    if pool().is_none() {
        return;
    }
    let error = Pool::connect(&SYSTEM, "no-such-pool", None, AccessMode::Read).unwrap_err();
    assert_eq!(error.der().unwrap().name(), "DER_NONEXIST");
    let error = Mount::connect(&SYSTEM, &MountOptions::new("no-such-pool", "c")).unwrap_err();
    assert!(error.to_string().starts_with("daos_pool_connect: DER_NONEXIST (-1005): "), "{error}");
}

#[test]
fn a_container_is_created_found_and_destroyed() {
    let Some(container) = Container::create(&ContainerAttributes::default()) else { return };
    let pool = connect(&container.pool);
    assert!(pool.has_container(&container.label).unwrap());
    assert!(!pool.has_container("no-such-container").unwrap());
    let again = pool.create_container(&container.label, &ContainerAttributes::default()).unwrap_err();
    assert_eq!(again.errno().unwrap().raw(), libc::EEXIST);
    let none = Mount::connect(&SYSTEM, &MountOptions::new(&container.pool, "no-such-container")).unwrap_err();
    assert!(none.to_string().starts_with("daos_cont_open: DER_NONEXIST (-1005): "), "{none}");

    let mount = container.mount();
    let info = mount.container_info().unwrap();
    let mut by_pool = pool.container_info(&container.label).unwrap();
    by_pool.handles = info.handles;
    assert_eq!(info, by_pool);
    assert!(!info.unclean && info.uuid != [0; 16]);
    drop(mount);
    pool.destroy_container(&container.label, false).unwrap();
    assert!(!pool.has_container(&container.label).unwrap());
    pool.create_container(&container.label, &ContainerAttributes::default()).unwrap();
}

#[test]
fn a_container_in_use_is_destroyed_by_force_only() {
    let Some(container) = Container::create(&ContainerAttributes::default()) else { return };
    let mount = container.mount();
    let pool = connect(&container.pool);
    let busy = pool.destroy_container(&container.label, false).unwrap_err();
    assert_eq!(busy.errno().unwrap().raw(), libc::EBUSY);
    mount.root().unwrap().mkdir(c"still-there", ObjectClass::INHERIT).unwrap();
    drop(mount);
    pool.destroy_container(&container.label, true).unwrap();
    assert!(!pool.has_container(&container.label).unwrap());
    pool.create_container(&container.label, &ContainerAttributes::default()).unwrap();
}

#[test]
fn mounting_creates_on_demand_once() {
    let Some(container) = Container::create(&ContainerAttributes::default()) else { return };
    let pool = connect(&container.pool);
    pool.destroy_container(&container.label, false).unwrap();
    let attributes = ContainerAttributes { chunk_size: 1 << 16, ..ContainerAttributes::default() };
    let options = MountOptions { create: Some(attributes), ..container.options() };
    let mount = Mount::connect(&SYSTEM, &options).unwrap();
    assert_eq!(mount.attributes().unwrap().chunk_size, 1 << 16);
    mount.root().unwrap().mkdir(c"dir", ObjectClass::INHERIT).unwrap();
    drop(mount);
    Mount::connect(&SYSTEM, &options).unwrap().root().unwrap().open_dir(c"dir").unwrap();
}

#[test]
fn properties_are_kept() {
    let properties = vec![Property::RedundancyFactor(0), Property::Checksum(0)];
    let attributes = ContainerAttributes { properties, ..ContainerAttributes::default() };
    let Some(container) = Container::create(&attributes) else { return };
    assert_eq!(container.mount().container_info().unwrap().redundancy_factor, 0);
    // Neither a redundancy that classes do not have, nor hints that are none.
    let pool = connect(&container.pool);
    let broken = ContainerAttributes {
        file_class: ObjectClass::from_name("S1").unwrap(),
        properties: vec![Property::RedundancyFactor(1)],
        ..ContainerAttributes::default()
    };
    assert_eq!(pool.create_container("broken", &broken).unwrap_err().errno().unwrap().raw(), libc::EINVAL);
    let broken = ContainerAttributes { hints: "file:huge".into(), ..ContainerAttributes::default() };
    assert_eq!(pool.create_container("broken", &broken).unwrap_err().errno().unwrap().raw(), libc::EINVAL);
    assert!(!pool.has_container("broken").unwrap());
}
