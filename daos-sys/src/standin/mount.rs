//! Start, stop, mounts, and mounts passed between processes.

use super::arguments::{errno, export, import, out, put, text};
use super::handle::{CONTAINERS, POOLS};
use super::inject::{self, Call};
use super::oclass::Kind;
use super::pool::properties;
use super::start::is_started;
use super::store::{Container, Pool};
use super::sys::{Errno, Result};
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};
use std::ffi::CString;
use std::sync::Arc;

/// What a `dfs_t` points to.
pub struct Mount {
    pub container: Arc<Container>,
    pool: Arc<Pool>,
    poh: daos_handle_t,
    coh: daos_handle_t,
    writable: bool,
}

impl Mount {
    fn new(pool: Arc<Pool>, container: Arc<Container>, flags: c_int) -> Mount {
        let (poh, coh) = (POOLS.insert(pool.clone()), CONTAINERS.insert(container.clone()));
        Mount { container, pool, poh, coh, writable: flags & libc::O_ACCMODE == libc::O_RDWR }
    }

    /// `EPERM` on a read-only mount.
    pub fn check_writable(&self) -> Result<()> {
        if self.writable { Ok(()) } else { Err(libc::EPERM) }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        POOLS.remove(self.poh);
        CONTAINERS.remove(self.coh);
    }
}

/// The mount behind a `dfs_t`; `EINVAL` for NULL.
///
/// # Safety
/// The pointer is NULL or one that `dfs_connect` gave and that is not yet disconnected.
pub unsafe fn mount<'m>(dfs: *mut dfs_t) -> Result<&'m Mount> {
    // SAFETY: by contract a live `Mount` or NULL.
    unsafe { dfs.cast::<Mount>().as_ref() }.ok_or(libc::EINVAL)
}

fn check_started() -> Result<()> {
    if is_started() { Ok(()) } else { Err(libc::EACCES) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_connect(
    pool: *const c_char,
    _sys: *const c_char,
    cont: *const c_char,
    flags: c_int,
    attr: *mut dfs_attr_t,
    dfs: *mut *mut dfs_t,
) -> c_int {
    // SAFETY: the contract of dfs_connect: strings, an optional attribute, and a place for the mount.
    errno((|| unsafe {
        let (dfs, pool, cont) = (out(dfs)?, text(pool)?, text(cont)?);
        check_started()?;
        inject::before(Call::Connect)?;
        let pool = Arc::new(Pool::open(pool)?);
        let container = match Container::open(&pool, cont) {
            Err(libc::ENOENT) if flags & libc::O_CREAT != 0 => {
                let created = pool.create_container(cont, &properties(attr)?);
                super::store::ignore(created, libc::EEXIST)?;
                Container::open(&pool, cont)?
            }
            other => other?,
        };
        *dfs = Box::into_raw(Box::new(Mount::new(pool, Arc::new(container), flags))).cast();
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_disconnect(dfs: *mut dfs_t) -> c_int {
    if dfs.is_null() {
        return libc::EINVAL;
    }
    // SAFETY: a mount that dfs_connect or dfs_global2local_all boxed; the caller gives it up.
    drop(unsafe { Box::from_raw(dfs.cast::<Mount>()) });
    0
}

macro_rules! borrow_handle {
    ($get:ident, $put:ident, $field:ident) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $get(dfs: *mut dfs_t, handle: *mut daos_handle_t) -> c_int {
            // SAFETY: a mount and a place for the handle.
            errno((|| unsafe { put(handle, mount(dfs)?.$field) })())
        }

        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $put(dfs: *mut dfs_t, handle: daos_handle_t) -> c_int {
            // SAFETY: a mount.
            let same = |mount: &Mount| if mount.$field == handle { Ok(()) } else { Err(libc::EINVAL) };
            // SAFETY: a mount.
            errno(unsafe { mount(dfs) }.and_then(same))
        }
    };
}

borrow_handle!(dfs_pool_get, dfs_pool_put, poh);
borrow_handle!(dfs_cont_get, dfs_cont_put, coh);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_query(dfs: *mut dfs_t, attr: *mut dfs_attr_t) -> c_int {
    // SAFETY: a mount and a place for the attributes.
    errno((|| unsafe {
        let properties = &mount(dfs)?.container.properties;
        let mut answer = dfs_attr_t {
            da_id: properties.id,
            da_chunk_size: properties.chunk,
            da_oclass_id: properties.oclass,
            da_mode: DFS_RELAXED,
            da_dir_oclass_id: properties.class_for(Kind::Directory, 0, 0)?,
            da_file_oclass_id: properties.class_for(Kind::File, 0, 0)?,
            ..dfs_attr_t::default()
        };
        for (to, from) in answer.da_hints.iter_mut().zip(properties.hints.bytes()) {
            *to = from as c_char;
        }
        *out(attr)? = answer;
        Ok(())
    })())
}

/// The first bytes of a mount as other processes get it; the rest is the pool's and the container's label, each with its NUL.
const GLOBAL_MAGIC: &[u8; 8] = b"SI-mount";

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_local2global_all(dfs: *mut dfs_t, glob: *mut d_iov_t) -> c_int {
    // SAFETY: a mount and an I/O vector.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let mut bytes = GLOBAL_MAGIC.to_vec();
        bytes.push(mount.writable.into());
        bytes.extend_from_slice(mount.pool.label.as_bytes_with_nul());
        bytes.extend_from_slice(mount.container.label.as_bytes_with_nul());
        export(glob, &bytes)
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_global2local_all(flags: c_int, glob: d_iov_t, dfs: *mut *mut dfs_t) -> c_int {
    // SAFETY: an I/O vector and a place for the mount.
    errno((|| unsafe {
        let dfs = out(dfs)?;
        check_started()?;
        let (&writable, labels) = import(&glob, GLOBAL_MAGIC)?.split_first().ok_or(libc::EINVAL)?;
        let invalid = |_| -> Errno { libc::EINVAL };
        let pool = CStr::from_bytes_until_nul(labels).map_err(invalid)?;
        let cont = CStr::from_bytes_with_nul(&labels[pool.to_bytes_with_nul().len()..]).map_err(|_| libc::EINVAL)?;
        let flags = match flags {
            0 if writable != 0 => libc::O_RDWR,
            flags => flags,
        };
        let pool = Arc::new(Pool::open(pool)?);
        let container = Arc::new(Container::open(&pool, &CString::from(cont))?);
        *dfs = Box::into_raw(Box::new(Mount::new(pool, container, flags))).cast();
        Ok(())
    })())
}
