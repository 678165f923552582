//! Raw FFI to DAOS's libdfs and libdaos.
//!
//! Built where a DAOS (2.4 or newer) is installed, this crate links it; elsewhere it provides the same C symbols itself,
//! over a shared directory: the [`standin`]. `DAOS_SYS_PROVIDER=auto|system|standin` chooses at build time, [`STANDIN`]
//! tells what was chosen. The conventions are those of the C libraries: `dfs_*` return a positive errno, `daos_*` a negative
//! DER, and an event holds what its call would have returned.
//!
//! The calls are unchecked; the crate `daos-dfs` is the safe interface.
#![deny(missing_docs)]

mod bindings;
mod inline;
mod layout;
#[cfg(all(daos_2_6, not(daos_standin)))]
mod newer;
mod provider;
#[cfg(daos_standin)]
pub mod standin;
mod version;

pub use bindings::*;
pub use inline::*;
#[cfg(all(daos_2_6, not(daos_standin)))]
pub use newer::{
    daos_mgmt_get_sys_info, daos_mgmt_put_sys_info, dfs_get_size_by_oid, dfs_pipeline_create, dfs_pipeline_destroy,
    dfs_readdir_with_filter,
};
pub use provider::{DEFAULTS, STANDIN, standin_root};
pub use version::*;
