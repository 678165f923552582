//! Mounts: connecting, passing a mount to other processes, and what they tell of pool and container.

use crate::access::AccessMode;
use crate::container::{ContainerAttributes, ContainerInfo};
use crate::error::{DfsErrno, Error, Result};
use crate::global::{GlobalMount, serialise};
use crate::oclass::ObjectClass;
use crate::pool::{Pool, PoolInfo};
use crate::system::System;
use crate::text::{c_string, pointer};
use daos_sys::{daos_handle_t, dfs_attr_t, dfs_t};
use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

/// What to mount, and how.
#[derive(Debug, Clone)]
#[must_use]
pub struct MountOptions {
    /// Pool, by label or UUID.
    pub pool: String,
    /// DAOS system; the default one if `None`.
    pub group: Option<String>,
    /// Container, by label or UUID.
    pub container: String,
    /// Whether to mount for reading only.
    pub read_only: bool,
    /// Create the container with these attributes if it does not exist.
    pub create: Option<ContainerAttributes>,
}

impl MountOptions {
    /// An existing container, for reading and writing.
    pub fn new(pool: impl Into<String>, container: impl Into<String>) -> MountOptions {
        MountOptions { pool: pool.into(), group: None, container: container.into(), read_only: false, create: None }
    }
}

/// A mounted container; disconnected when dropped. Threads may share it.
#[doc(alias = "dfs_t")]
pub struct Mount {
    dfs: NonNull<dfs_t>,
    read_only: bool,
    /// Something that outlives every handle may still use it: it is not disconnected.
    kept: AtomicBool,
    system: System,
}

// SAFETY: libdfs has no thread-local state; a mount may be used by another thread than the one that connected.
unsafe impl Send for Mount {}
// SAFETY: libdfs is thread-safe for different objects, and guards what is the mount's own (the counter of object ids) by a lock.
unsafe impl Sync for Mount {}

impl Mount {
    /// Connects to the pool, opens the container and mounts it. Of many processes only one should do this: see
    /// [`Mount::to_global`].
    ///
    /// When it fails because of the pool or the container, the error is that of libdaos, which says more than libdfs's errno:
    /// `daos_pool_connect: DER_NONEXIST`, for instance, and not `ENOENT` for either.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name with a NUL, else libdaos's or libdfs's error as above.
    #[doc(alias = "dfs_connect")]
    pub fn connect(system: &System, options: &MountOptions) -> Result<Mount> {
        let pool = c_string(&options.pool, "pool")?;
        let container = c_string(&options.container, "container")?;
        let group = options.group.as_deref().map(|group| c_string(group, "system")).transpose()?;
        let access = if options.read_only { libc::O_RDONLY } else { libc::O_RDWR };
        let connect = |flags, attributes: *mut dfs_attr_t| {
            let mut dfs = std::ptr::null_mut();
            // SAFETY: an initialised library, NUL-terminated strings, attributes valid during the call or NULL, and a place for the
            // mount.
            let rc = unsafe {
                daos_sys::dfs_connect(pool.as_ptr(), pointer(&group), container.as_ptr(), flags, attributes, &mut dfs)
            };
            (rc, dfs)
        };
        let connected = match &options.create {
            None => connect(access, std::ptr::null_mut()),
            Some(attributes) => attributes.with_raw(|raw| connect(access | libc::O_CREAT, raw))?,
        };
        Mount::taken("dfs_connect", connected, access, system)
            .map_err(|error| diagnose(system, options).unwrap_or(error))
    }

    /// A mount for other processes, where [`Mount::from_global`] turns it into the same mount without a round trip: one rank connects,
    /// the others import.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_local2global_all")]
    pub fn to_global(&self) -> Result<GlobalMount> {
        // SAFETY: the mount is connected; `serialise` passes a valid vector.
        serialise(|iov| unsafe { daos_sys::dfs_local2global_all(self.as_ptr(), iov) })
            .map(GlobalMount::seal)
            .map_err(Error::dfs("dfs_local2global_all"))
    }

    /// The inverse of [`Mount::to_global`].
    ///
    /// # Errors
    /// What libdfs says: pool and container must still be there.
    #[doc(alias = "dfs_global2local_all")]
    pub fn from_global(system: &System, global: &GlobalMount, read_only: bool) -> Result<Mount> {
        let access = if read_only { libc::O_RDONLY } else { libc::O_RDWR };
        // libdfs wants it writable: it may swap bytes in place.
        let mut bytes = global.payload().to_vec();
        let iov = daos_sys::d_iov(bytes.as_mut_ptr().cast(), bytes.len());
        let mut dfs = std::ptr::null_mut();
        // SAFETY: an initialised library, and a place for the mount. The bytes, valid during the call, are what dfs_local2global_all of
        // the same library gave: a `GlobalMount` is made of nothing else. Flags of 0 would inherit.
        let rc = unsafe { daos_sys::dfs_global2local_all(access, iov, &mut dfs) };
        Mount::taken("dfs_global2local_all", (rc, dfs), access, system)
    }

    fn taken(call: &'static str, (rc, dfs): (c_int, *mut dfs_t), access: c_int, system: &System) -> Result<Mount> {
        let failed = Error::dfs(call);
        DfsErrno::check(rc).map_err(&failed)?;
        let dfs = NonNull::new(dfs).ok_or_else(|| failed(DfsErrno::from_raw(libc::EIO)))?;
        Ok(Mount { dfs, read_only: access == libc::O_RDONLY, kept: AtomicBool::new(false), system: system.clone() })
    }

    /// Leaves the mount to the process, for transfers that cannot be waited for.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    pub(crate) fn as_ptr(&self) -> *mut dfs_t {
        self.dfs.as_ptr()
    }

    /// The access that directories are opened with.
    pub(crate) fn dir_flags(&self) -> c_int {
        if self.read_only { libc::O_RDONLY } else { libc::O_RDWR }
    }

    /// The defaults of the container's files and directories.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_query")]
    pub fn attributes(&self) -> Result<MountAttributes> {
        let mut raw = dfs_attr_t::default();
        // SAFETY: a mount and a writable result.
        DfsErrno::check(unsafe { daos_sys::dfs_query(self.as_ptr(), &mut raw) }).map_err(Error::dfs("dfs_query"))?;
        Ok(MountAttributes {
            chunk_size: raw.da_chunk_size,
            dir_class: ObjectClass::from_id(raw.da_dir_oclass_id),
            file_class: ObjectClass::from_id(raw.da_file_oclass_id),
        })
    }

    /// Space and health of the pool.
    ///
    /// # Errors
    /// What libdfs or libdaos says; the pool may have gone.
    #[doc(alias = "dfs_pool_get")]
    pub fn pool_info(&self) -> Result<PoolInfo> {
        // SAFETY: a mount and a place for the handle; the handle goes back to the mount it came from.
        self.with_handle(
            "dfs_pool_get",
            |handle| unsafe { daos_sys::dfs_pool_get(self.as_ptr(), handle) },
            // SAFETY: as above.
            |handle| unsafe { daos_sys::dfs_pool_put(self.as_ptr(), handle) },
            PoolInfo::query,
        )
    }

    /// What the container is.
    ///
    /// # Errors
    /// What libdfs or libdaos says.
    #[doc(alias = "dfs_cont_get")]
    pub fn container_info(&self) -> Result<ContainerInfo> {
        // SAFETY: a mount and a place for the handle; the handle goes back to the mount it came from.
        self.with_handle(
            "dfs_cont_get",
            |handle| unsafe { daos_sys::dfs_cont_get(self.as_ptr(), handle) },
            // SAFETY: as above.
            |handle| unsafe { daos_sys::dfs_cont_put(self.as_ptr(), handle) },
            ContainerInfo::query,
        )
    }

    fn with_handle<T>(
        &self,
        call: &'static str,
        get: impl FnOnce(&mut daos_handle_t) -> c_int,
        put: impl FnOnce(daos_handle_t) -> c_int,
        ask: impl FnOnce(daos_handle_t) -> Result<T>,
    ) -> Result<T> {
        let mut handle = daos_sys::DAOS_HDL_INVAL;
        DfsErrno::check(get(&mut handle)).map_err(Error::dfs(call))?;
        let answer = ask(handle);
        DfsErrno::check(put(handle)).map_err(Error::dfs(call))?;
        answer
    }

    /// Makes everything durable. DAOS caches nothing, so there is nothing to wait for.
    ///
    /// # Errors
    /// What libdfs says: `EPERM` on a mount for reading only.
    #[doc(alias = "dfs_sync")]
    pub fn sync(&self) -> Result<(), DfsErrno> {
        // SAFETY: a mount.
        DfsErrno::check(unsafe { daos_sys::dfs_sync(self.as_ptr()) })
    }
}

/// Repeats the steps of a failed connection one by one: the one that fails tells why.
fn diagnose(system: &System, options: &MountOptions) -> Option<Error> {
    let access = if options.read_only { AccessMode::Read } else { AccessMode::ReadWrite };
    match Pool::connect(system, &options.pool, options.group.as_deref(), access) {
        Err(error) => Some(error),
        Ok(pool) => pool.container_info(&options.container).err().filter(|_| options.create.is_none()),
    }
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mount").field("read_only", &self.read_only).finish_non_exhaustive()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if *self.kept.get_mut() {
            std::mem::forget(self.system.clone());
            return;
        }
        // SAFETY: the mount is connected, nothing borrows it any more, and the library is still initialised.
        unsafe { daos_sys::dfs_disconnect(self.as_ptr()) };
    }
}

/// The defaults of a container's files and directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MountAttributes {
    /// Chunk size of files, in bytes.
    pub chunk_size: u64,
    /// Class of directories.
    pub dir_class: ObjectClass,
    /// Class of files.
    pub file_class: ObjectClass,
}
