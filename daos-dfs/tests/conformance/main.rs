//! What libdfs does, as this crate relies on it: one suite for the stand-in and for a real DAOS.
//!
//! Every test makes a container of its own and destroys it. On a real DAOS `DFS_TEST_POOL` names the pool; without it the tests
//! skip with a line that says so.

mod containers;
mod data;
mod handles;
mod layout;
mod listing;
mod names;
mod queues;

use daos_dfs::{ContainerAttributes, Dir, Mount, MountOptions, Pool, System};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The library stays initialised between tests: stopping and starting it is slow on a real DAOS.
static SYSTEM: LazyLock<System> = LazyLock::new(|| System::start().expect("the library starts"));

/// The pool to test in, or `None` where there is none.
fn pool() -> Option<String> {
    let pool = std::env::var("DFS_TEST_POOL").ok();
    let pool = pool.or_else(|| daos_dfs::default_pool_and_container().map(|(pool, _)| pool.to_owned()));
    if pool.is_none() {
        eprintln!("skipped: {} needs a pool, named by DFS_TEST_POOL", daos_dfs::provider());
    }
    pool
}

/// A container that lives as long as a test.
struct Container {
    pool: String,
    label: String,
}

impl Container {
    fn create(attributes: &ContainerAttributes) -> Option<Container> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let pool = pool()?;
        let label = format!("conformance-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        connect(&pool).create_container(&label, attributes).expect("the container is created");
        Some(Container { pool, label })
    }

    fn options(&self) -> MountOptions {
        MountOptions::new(&self.pool, &self.label)
    }

    fn mount(&self) -> Mount {
        Mount::connect(&SYSTEM, &self.options()).expect("the container is mounted")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Forced: a test that has failed may still have it open.
        if let Err(error) = connect(&self.pool).destroy_container(&self.label, true) {
            eprintln!("container {} is left behind: {error}", self.label);
        }
    }
}

fn connect(pool: &str) -> Pool {
    Pool::connect(&SYSTEM, pool, None, daos_dfs::AccessMode::ReadWrite).expect("the pool is connected")
}

/// Runs a test on the root directory of a fresh container.
fn on_root(test: impl FnOnce(&Mount, &Dir<'_>)) {
    if let Some(container) = Container::create(&ContainerAttributes::default()) {
        let mount = container.mount();
        test(&mount, &mount.root().expect("the root is opened"));
    }
}

/// Fails unless a call ended with that errno.
#[track_caller]
fn assert_errno<T>(result: Result<T, daos_dfs::DfsErrno>, errno: i32) {
    match result {
        Ok(_) => panic!("succeeded instead of {}", daos_dfs::DfsErrno::from_raw(errno)),
        Err(error) => assert_eq!(error, daos_dfs::DfsErrno::from_raw(errno)),
    }
}

/// Bytes that differ at every offset and from seed to seed.
fn pattern(seed: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| ((i ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}
