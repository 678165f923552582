//! The stand-in: libdfs's and libdaos's symbols over a shared directory, for machines without DAOS.
//!
//! Same names, same signatures, same errors and the same blocking behaviour, so that everything above – FFI, handle passing,
//! event queues, several processes on one store – is built and tested where there is no DAOS. Its figures measure
//! nothing: it shows that a program is right, never how fast a storage system is.
//!
//! # The store
//! `DAOS_STANDIN_ROOT` names the directory; by default it is `daos-standin-<uid>` in `/dev/shm`, or in the temporary directory
//! where there is no shared memory. As in DAOS a name and its object are two things:
//! ```text
//! <root>/<pool>/<container>/cont        properties; locked shared by every mount
//!                           ids         counter of object ids, mapped into every mount
//!                           root        entry of the root directory
//!                           dir/<oid>/  one directory object; below it one directory per shard if its class has several
//!                           obj/<xx>/<oid>  the bytes of one file, made by the first write
//! ```
//! A directory entry is a symbolic link whose target holds what DAOS keeps in an entry: mode, object id, class, chunk size,
//! times. Creating a name is one `symlink(2)`, atomic and exclusive between processes; opening is one `readlink(2)`; `stat` needs
//! a second call for the object, as in DAOS. A pool is any directory below the root; the pool [`DEFAULT_POOL`] with the
//! container [`DEFAULT_CONTAINER`] is made when first used.
//!
//! # Environment
//! | variable | meaning |
//! |---|---|
//! | `DAOS_STANDIN_ROOT` | the directory of the store |
//! | `DAOS_STANDIN_ENGINES` | engines, one target each, that object classes spread over; 32 by default |
//! | `DAOS_STANDIN_FAULT` | faults, see [`inject`] |
//! | `DAOS_STANDIN_DELAY_US` | delays, see [`inject`] |
//! | `DAOS_PIPELINE` | `1` allows `dfs_readdir_with_filter`, which DAOS 2.8 requires too |
//!
//! # What it cannot imitate
//! Redundancy, placement, checksums, transactions, access control, snapshots, evicted handles, space accounting per pool, and
//! timing of any kind. A symbolic link's value is limited to about 3,900 bytes.

mod arguments;
mod entry;
mod event;
mod handle;
pub mod inject;
mod io;
mod listing;
mod lookup;
mod management;
mod mount;
mod namespace;
mod object;
mod oclass;
mod open;
mod pool;
mod start;
mod stat;
mod store;
mod stream;
mod sys;
mod transfer;

pub use store::{DEFAULT_CONTAINER, DEFAULT_POOL, root_path};

/// Fails to compile where a function here has another signature than the header it imitates.
macro_rules! assert_signatures {
    ($($module:ident: $($name:ident)*;)*) => {
        const _: fn() = || {
            $($(let _ = [crate::bindings::$name, $module::$name];)*)*
        };
    };
}

assert_signatures! {
    event: daos_eq_create daos_eq_destroy daos_eq_poll daos_event_init daos_event_fini;
    io: dfs_read dfs_write dfs_get_size dfs_punch dfs_sync dfs_get_size_by_oid;
    listing: dfs_readdir dfs_obj_anchor_split dfs_obj_anchor_set dfs_pipeline_create dfs_pipeline_destroy
        dfs_readdir_with_filter;
    start: daos_init daos_fini dfs_init dfs_fini;
    mount: dfs_connect dfs_disconnect dfs_pool_get dfs_pool_put dfs_cont_get
        dfs_cont_put dfs_query dfs_local2global_all dfs_global2local_all;
    management: daos_mgmt_get_sys_info daos_mgmt_put_sys_info;
    namespace: dfs_mkdir dfs_remove dfs_move dfs_stat dfs_ostat dfs_chmod;
    lookup: dfs_lookup dfs_lookup_rel;
    open: dfs_open dfs_dup dfs_obj_local2global dfs_obj_global2local dfs_release dfs_get_mode
        dfs_get_symlink_value dfs_obj2id dfs_obj_get_info dfs_obj_set_oclass dfs_obj_set_chunk_size;
    oclass: daos_oclass_name2id daos_oclass_names_list;
    pool: daos_pool_connect2 daos_pool_disconnect daos_pool_query daos_cont_open2 daos_cont_close daos_cont_destroy2
        daos_cont_query dfs_cont_create_with_label dfs_destroy;
}
