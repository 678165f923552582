//! Pools: connecting, space and health, and the containers in them.

use crate::access::AccessMode;
use crate::container::{ContainerAttributes, ContainerInfo};
use crate::error::{Der, DfsErrno, Error, Result};
use crate::system::System;
use crate::text::{c_string, pointer};
use daos_sys::{daos_handle_t, daos_pool_info_t};
use std::ffi::CString;

/// A connected pool; disconnected when dropped.
#[derive(Debug)]
pub struct Pool {
    handle: daos_handle_t,
    name: CString,
    group: Option<CString>,
    _system: System,
}

impl Pool {
    /// Connects to a pool by label or UUID; `group` is the DAOS system, the default one if `None`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name with a NUL, else libdaos's: `DER_NONEXIST` when there is no such pool. With the client's telemetry on,
    /// libdaos 2.8 lets one thread of a process connect to a pool and answers another one with `DER_EXIST`.
    #[doc(alias = "daos_pool_connect")]
    pub fn connect(system: &System, name: &str, group: Option<&str>, access: AccessMode) -> Result<Pool> {
        let name = c_string(name, "pool")?;
        let group = group.map(|group| c_string(group, "system")).transpose()?;
        let flags = if access == AccessMode::Read { daos_sys::DAOS_PC_RO } else { daos_sys::DAOS_PC_RW };
        let mut handle = daos_sys::DAOS_HDL_INVAL;
        // SAFETY: NUL-terminated strings, a place for the handle, nothing else asked, and no event, so that the call blocks.
        let rc = unsafe {
            daos_sys::daos_pool_connect(
                name.as_ptr(),
                pointer(&group),
                flags,
                &mut handle,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        Der::check(rc).map_err(Error::daos("daos_pool_connect"))?;
        Ok(Pool { handle, name, group, _system: system.clone() })
    }

    /// Space and health of the pool.
    ///
    /// # Errors
    /// What libdaos says.
    #[doc(alias = "daos_pool_query")]
    pub fn query(&self) -> Result<PoolInfo> {
        PoolInfo::query(self.handle)
    }

    /// Whether there is a container of that label or UUID that can be opened for reading.
    ///
    /// # Errors
    /// What libdaos says, apart from `DER_NONEXIST`.
    #[doc(alias = "daos_cont_open")]
    pub fn has_container(&self, name: &str) -> Result<bool> {
        match self.with_container(name, |_| Ok(())) {
            Ok(()) => Ok(true),
            Err(error) if error.der().is_some_and(|der| der.name() == "DER_NONEXIST") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What a container is.
    ///
    /// # Errors
    /// What libdaos says: `DER_NONEXIST` when there is no such container.
    #[doc(alias = "daos_cont_query")]
    pub fn container_info(&self, name: &str) -> Result<ContainerInfo> {
        self.with_container(name, ContainerInfo::query)
    }

    fn with_container<T>(&self, name: &str, ask: impl FnOnce(daos_handle_t) -> Result<T>) -> Result<T> {
        let name = c_string(name, "container")?;
        let mut handle = daos_sys::DAOS_HDL_INVAL;
        // SAFETY: a connected pool, a NUL-terminated string, a place for the handle; the call blocks.
        let rc = unsafe {
            daos_sys::daos_cont_open(
                self.handle,
                name.as_ptr(),
                daos_sys::DAOS_COO_RO,
                &mut handle,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        Der::check(rc).map_err(Error::daos("daos_cont_open"))?;
        let answer = ask(handle);
        // SAFETY: the container was opened above, and the call blocks.
        let rc = unsafe { daos_sys::daos_cont_close(handle, std::ptr::null_mut()) };
        let answer = answer?;
        Der::check(rc).map_err(Error::daos("daos_cont_close"))?;
        Ok(answer)
    }

    /// Creates a POSIX container; the errno is `EEXIST` when the label is taken.
    ///
    /// # Errors
    /// What libdfs says: `EEXIST` when the label is taken.
    #[doc(alias = "dfs_cont_create_with_label")]
    pub fn create_container(&self, label: &str, attributes: &ContainerAttributes) -> Result<()> {
        let label = c_string(label, "container")?;
        let mut uuid = [0; 16];
        let rc = attributes.with_raw(|attributes| {
            // SAFETY: a connected pool, a NUL-terminated label, attributes valid during the call, and neither handle nor mount
            // asked for.
            unsafe {
                daos_sys::dfs_cont_create_with_label(
                    self.handle,
                    label.as_ptr(),
                    attributes,
                    &mut uuid,
                    std::ptr::null_mut(),
                    std::ptr::null_mut(),
                )
            }
        })?;
        DfsErrno::check(rc).map_err(Error::dfs("dfs_cont_create_with_label"))
    }

    /// Destroys a container with everything in it; without `force` the errno is `EBUSY` while it is open elsewhere.
    ///
    /// Drop this process's mounts of it first: libdfs up to 2.8 counts a refused attempt as one more user, so that after it only
    /// `force` helps.
    ///
    /// # Errors
    /// What libdaos says: `DER_BUSY` while it is in use and `force` is not given.
    #[doc(alias = "dfs_destroy")]
    pub fn destroy_container(&self, label: &str, force: bool) -> Result<()> {
        let label = c_string(label, "container")?;
        // libdfs keeps the handles of former mounts; only its own call releases them.
        // SAFETY: NUL-terminated strings, an initialised library, and no event, so that the call blocks.
        let rc = unsafe {
            daos_sys::dfs_destroy(
                self.name.as_ptr(),
                pointer(&self.group),
                label.as_ptr(),
                force.into(),
                std::ptr::null_mut(),
            )
        };
        DfsErrno::check(rc).map_err(Error::dfs("dfs_destroy"))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: the pool is connected, nothing uses the handle any more, and the call blocks.
        unsafe { daos_sys::daos_pool_disconnect(self.handle, std::ptr::null_mut()) };
    }
}

/// Space and health of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolInfo {
    /// Its UUID.
    pub uuid: [u8; 16],
    /// Engines that the pool spans.
    pub engines: u32,
    /// Targets of all engines.
    pub targets: u32,
    /// Disabled targets.
    pub disabled_targets: u32,
    /// Version of the pool map: it changes with every engine that leaves or joins.
    pub map_version: u32,
    /// Storage-class memory, or the memory that takes its place.
    pub scm: Tier,
    /// NVMe; all zero where the pool has none.
    pub nvme: Tier,
    /// The rebuild that runs or ran last.
    pub rebuild: Rebuild,
}

/// Space of one kind of storage, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tier {
    /// The total.
    pub total: u64,
    /// What is free.
    pub free: u64,
    /// What is free on the fullest target: the first one to be out of space.
    pub free_min: u64,
}

/// The state of a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RebuildState {
    /// None has run.
    Idle,
    /// One is running.
    Busy,
    /// One has finished.
    Done,
}

/// A rebuild: the redistribution of data after an engine left or joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rebuild {
    /// Whether one is running.
    pub state: RebuildState,
    /// The version of the pool map that it is for.
    pub version: u32,
    /// The DAOS error that it ended with.
    pub error: Option<Der>,
    /// Objects to be rebuilt.
    pub objects_total: u64,
    /// Objects rebuilt.
    pub objects_done: u64,
}

impl PoolInfo {
    /// Queries a connected pool.
    pub(crate) fn query(handle: daos_handle_t) -> Result<PoolInfo> {
        let mut info = daos_pool_info_t {
            pi_bits: u64::from(daos_sys::DPI_SPACE as u32 | daos_sys::DPI_REBUILD_STATUS as u32),
            ..daos_pool_info_t::default()
        };
        // SAFETY: a connected pool, a writable result, nothing else asked, and no event, so that the call blocks.
        let rc = unsafe {
            daos_sys::daos_pool_query(
                handle,
                std::ptr::null_mut(),
                &mut info,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        Der::check(rc).map_err(Error::daos("daos_pool_query"))?;
        Ok(PoolInfo::from_raw(&info))
    }

    fn from_raw(info: &daos_pool_info_t) -> PoolInfo {
        let space = &info.pi_space;
        let tier = |media: u32| Tier {
            total: space.ps_space.s_total[media as usize],
            free: space.ps_space.s_free[media as usize],
            free_min: space.ps_free_min[media as usize],
        };
        let status = &info.pi_rebuild_st;
        // SAFETY: both members of the union are the same number.
        let state = unsafe { status.__bindgen_anon_1.rs_state } as u32;
        PoolInfo {
            uuid: info.pi_uuid,
            engines: info.pi_nnodes,
            targets: info.pi_ntargets,
            disabled_targets: info.pi_ndisabled,
            map_version: info.pi_map_ver,
            scm: tier(daos_sys::DAOS_MEDIA_SCM),
            nvme: tier(daos_sys::DAOS_MEDIA_NVME),
            rebuild: Rebuild {
                state: match state {
                    daos_sys::DRS_IN_PROGRESS if status.rs_version != 0 => RebuildState::Busy,
                    daos_sys::DRS_COMPLETED if status.rs_version != 0 => RebuildState::Done,
                    _ => RebuildState::Idle,
                },
                version: status.rs_version,
                error: (status.rs_errno != 0).then(|| Der::from_raw(status.rs_errno)),
                objects_total: status.rs_toberb_obj_nr,
                objects_done: status.rs_obj_nr,
            },
        }
    }

    /// Free bytes of all tiers.
    pub fn free(&self) -> u64 {
        self.scm.free + self.nvme.free
    }
}
