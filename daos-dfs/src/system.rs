//! The library as a whole: start and stop, who provides it, and its versions.

use crate::error::{Der, DfsErrno, Error, Result};
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;

/// The initialised library. It is finalised when the last clone and the last mount are gone, by the thread that was the first to
/// start it; what other threads have started stays until the process ends.
///
/// Starting brings up the network and talks to the agent, which takes hundreds of milliseconds. libdaos keeps a pointer to its
/// network context for every thread that has made a call, and finalising resets only that of the calling thread: another one
/// that comes back after a new start would use the old context.
#[derive(Debug, Clone)]
pub struct System(#[allow(dead_code)] Arc<Started>);

#[derive(Debug)]
struct Started;

/// The thread that finalises the library.
static FIRST: OnceLock<ThreadId> = OnceLock::new();

impl System {
    /// Initialises the library; refuses one that is older than what this program was built for.
    ///
    /// # Errors
    /// [`Error::OlderLibrary`], or the error number of the call that failed.
    #[doc(alias = "dfs_init")]
    #[doc(alias = "daos_init")]
    pub fn start() -> Result<System> {
        FIRST.get_or_init(|| std::thread::current().id());
        if let Some(found) = runtime_version().filter(|&found| found < built_version()) {
            return Err(Error::OlderLibrary { built: built_version(), found });
        }
        // libdfs folds whatever went wrong into an errno; libdaos itself tells what it was.
        // SAFETY: no preconditions; calls are counted.
        Der::check(unsafe { daos_sys::daos_init() }).map_err(Error::daos("daos_init"))?;
        // SAFETY: as above.
        let started = DfsErrno::check(unsafe { daos_sys::dfs_init() }).map_err(Error::dfs("dfs_init"));
        if started.is_err() {
            // SAFETY: the successful daos_init above is undone.
            unsafe { daos_sys::daos_fini() };
        }
        started.map(|()| System(Arc::new(Started)))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if FIRST.get() != Some(&std::thread::current().id()) {
            return;
        }
        // SAFETY: `start` succeeded once for this value, with both calls; nothing of the library is in use any more, since
        // everything that uses it holds a `System`.
        unsafe {
            daos_sys::dfs_fini();
            daos_sys::daos_fini();
        }
    }
}

/// Whether the library is `daos-sys`'s stand-in and not a DAOS.
pub fn is_standin() -> bool {
    daos_sys::STANDIN
}

/// The version of the interface that was built against: major, minor, fix.
pub fn built_version() -> (u32, u32, u32) {
    daos_sys::BUILT_VERSION
}

/// The version of the library that is loaded, where it tells.
#[doc(alias = "daos_version_get")]
pub fn runtime_version() -> Option<(u32, u32, u32)> {
    daos_sys::runtime_version()
}

/// Who provides libdfs, for people: `libdfs 2.8.0`, or `stand-in for libdfs`.
pub fn provider() -> String {
    if is_standin() {
        return "stand-in for libdfs".into();
    }
    let (major, minor, fix) = runtime_version().unwrap_or(built_version());
    format!("libdfs {major}.{minor}.{fix}")
}

/// The directory of the stand-in's store, in which every directory is a pool; a real DAOS has none.
pub fn standin_root() -> Option<std::path::PathBuf> {
    daos_sys::standin_root()
}

/// The default pool and container of the stand-in; a real DAOS has none.
pub fn default_pool_and_container() -> Option<(&'static str, &'static str)> {
    daos_sys::DEFAULTS
}
