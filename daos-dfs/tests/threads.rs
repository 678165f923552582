//! Starting and stopping the library from several threads, one after the other: no thread may be left with what another one has
//! finalised. In a process of its own, because the other tests keep the library started.

use daos_dfs::{AccessMode, Pool, System};

/// The library started and used by this thread.
fn started(pool: &str) -> (Pool, System) {
    let system = System::start().expect("the library starts");
    (Pool::connect(&system, pool, None, AccessMode::ReadWrite).expect("the pool is connected"), system)
}

#[test]
fn a_thread_comes_back_after_another_one_was_the_last_to_let_go() {
    let pool = std::env::var("DFS_TEST_POOL").ok();
    let Some(pool) = pool.or_else(|| daos_dfs::default_pool_and_container().map(|(pool, _)| pool.to_owned())) else {
        eprintln!("skipped: {} needs a pool, named by DFS_TEST_POOL", daos_dfs::provider());
        return;
    };
    for _ in 0..3 {
        let own = started(&pool);
        std::thread::scope(|threads| {
            let other = threads.spawn(|| started(&pool)).join().unwrap();
            drop(own);
            threads.spawn(|| drop(other)).join().unwrap();
        });
    }
}
