//! Handles: the numbers that stand for pools, containers and event queues across the C interface.

use super::store::{Container, Pool};
use crate::bindings::daos_handle_t;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, RwLock};

/// Pools that are connected.
pub static POOLS: Table<Pool> = Table::new();
/// Containers that are open.
pub static CONTAINERS: Table<Container> = Table::new();

/// The open things of one kind.
pub struct Table<T>(LazyLock<RwLock<HashMap<u64, Arc<T>>>>);

impl<T> Table<T> {
    pub const fn new() -> Table<T> {
        Table(LazyLock::new(Default::default))
    }

    pub fn insert(&self, value: Arc<T>) -> daos_handle_t {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let cookie = NEXT.fetch_add(1, Ordering::Relaxed);
        self.0.write().unwrap_or_else(|e| e.into_inner()).insert(cookie, value);
        daos_handle_t { cookie }
    }

    pub fn get(&self, handle: daos_handle_t) -> Option<Arc<T>> {
        self.0.read().unwrap_or_else(|e| e.into_inner()).get(&handle.cookie).cloned()
    }

    pub fn remove(&self, handle: daos_handle_t) -> Option<Arc<T>> {
        self.0.write().unwrap_or_else(|e| e.into_inner()).remove(&handle.cookie)
    }
}
