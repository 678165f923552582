//! Raw FFI to DAOS's libdfs and libdaos.
//!
//! Built where a DAOS (2.4 or newer) is installed, this crate links it; elsewhere it provides the same C symbols itself,
//! over a shared directory: the [`standin`]. `DAOS_SYS_PROVIDER=auto|system|standin` chooses at build time, [`STANDIN`]
//! tells what was chosen. The conventions are those of the C libraries: `dfs_*` return a positive errno, `daos_*` a negative
//! DER, and an event holds what its call would have returned.
//!
//! The calls are unchecked; the crate `dfs` is the safe interface.
#![deny(missing_docs)]

mod inline;
mod layout;
#[cfg(all(daos_2_6, not(daos_standin)))]
mod newer;
#[cfg(daos_standin)]
pub mod standin;
mod version;

pub use bindings::*;
pub use inline::*;
#[cfg(all(daos_2_6, not(daos_standin)))]
pub use newer::{dfs_get_size_by_oid, dfs_pipeline_create, dfs_pipeline_destroy, dfs_readdir_with_filter};
pub use version::*;

#[allow(missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals)]
#[allow(clippy::all, clippy::undocumented_unsafe_blocks)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

/// Whether the symbols of this crate are those of the stand-in instead of a real DAOS.
pub const STANDIN: bool = cfg!(daos_standin);

/// The default pool and container of the stand-in; a real DAOS has none.
#[cfg(daos_standin)]
pub const DEFAULTS: Option<(&str, &str)> = Some((standin::DEFAULT_POOL, standin::DEFAULT_CONTAINER));
/// The default pool and container of the stand-in; a real DAOS has none.
#[cfg(not(daos_standin))]
pub const DEFAULTS: Option<(&str, &str)> = None;

/// The directory of the stand-in's store, in which every directory is a pool; a real DAOS has none.
pub fn standin_root() -> Option<std::path::PathBuf> {
    #[cfg(daos_standin)]
    return Some(standin::root_path());
    #[cfg(not(daos_standin))]
    return None;
}
