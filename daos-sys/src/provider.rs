//! Whose symbols these are: a real DAOS's, or the stand-in's.

/// Whether the symbols of this crate are those of the stand-in instead of a real DAOS.
pub const STANDIN: bool = cfg!(daos_standin);

/// The default pool and container of the stand-in; a real DAOS has none.
#[cfg(daos_standin)]
pub const DEFAULTS: Option<(&str, &str)> = Some((crate::standin::DEFAULT_POOL, crate::standin::DEFAULT_CONTAINER));
/// The default pool and container of the stand-in; a real DAOS has none.
#[cfg(not(daos_standin))]
pub const DEFAULTS: Option<(&str, &str)> = None;

/// The directory of the stand-in's store, in which every directory is a pool; a real DAOS has none.
pub fn standin_root() -> Option<std::path::PathBuf> {
    #[cfg(daos_standin)]
    return Some(crate::standin::root_path());
    #[cfg(not(daos_standin))]
    return None;
}
