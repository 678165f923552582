//! Start, stop, mounts, and mounts passed between processes.

use super::handle::Table;
use super::inject::{self, Call};
use super::oclass::{self, Kind};
use super::pool::{self, der};
use super::store::{Container, Pool, Properties};
use super::sys::{Errno, Result};
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};
use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pools that are connected.
pub static POOLS: Table<Pool> = Table::new();
/// Containers that are open.
pub static CONTAINERS: Table<Container> = Table::new();

static STARTED: AtomicUsize = AtomicUsize::new(0);

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

/// What a `dfs_*` call returns.
pub fn errno(result: Result<()>) -> c_int {
    result.err().unwrap_or(0)
}

/// A C string that may not be NULL.
///
/// # Safety
/// The pointer is NULL or to a NUL-terminated string that outlives the result.
pub unsafe fn text<'s>(pointer: *const c_char) -> Result<&'s CStr> {
    // SAFETY: by contract.
    if pointer.is_null() { Err(libc::EINVAL) } else { Ok(unsafe { CStr::from_ptr(pointer) }) }
}

/// Where a result goes; `EINVAL` for NULL.
///
/// # Safety
/// The pointer is NULL or valid for writing for the caller's lifetime.
pub unsafe fn out<'o, T>(pointer: *mut T) -> Result<&'o mut T> {
    // SAFETY: by contract.
    unsafe { pointer.as_mut() }.ok_or(libc::EINVAL)
}

/// Gives a result; `EINVAL` when there is no place for it.
///
/// # Safety
/// As for [`out`].
pub unsafe fn put<T>(pointer: *mut T, value: T) -> Result<()> {
    // SAFETY: by contract.
    *unsafe { out(pointer) }? = value;
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_init() -> c_int {
    STARTED.fetch_add(1, Ordering::SeqCst);
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_fini() -> c_int {
    let lower = |n: usize| n.checked_sub(1);
    match STARTED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lower) {
        Ok(_) => 0,
        Err(_) => der(DER_UNINIT),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_init() -> c_int {
    // SAFETY: no preconditions.
    unsafe { daos_init() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_fini() -> c_int {
    // SAFETY: no preconditions.
    if unsafe { daos_fini() } == 0 { 0 } else { libc::EACCES }
}

/// Whether the library is initialised.
pub fn is_started() -> bool {
    STARTED.load(Ordering::SeqCst) > 0
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

/// What a container is to be created with, checked as DAOS checks it.
///
/// # Safety
/// The pointer is NULL or to attributes whose property list is valid.
pub unsafe fn properties(attr: *const dfs_attr_t) -> Result<Properties> {
    let mut properties = Properties::plain();
    // SAFETY: by contract.
    let Some(attr) = (unsafe { attr.as_ref() }) else { return Ok(properties) };
    properties.id = attr.da_id;
    properties.oclass = attr.da_oclass_id;
    let or = |own: u32| if own == 0 { attr.da_oclass_id } else { own };
    properties.file_oclass = or(attr.da_file_oclass_id);
    properties.dir_oclass = match or(attr.da_dir_oclass_id) {
        class if oclass::is_erasure_coded(class) && attr.da_dir_oclass_id != 0 => 0,
        class => class,
    };
    if attr.da_chunk_size != 0 {
        properties.chunk = attr.da_chunk_size;
    }
    let hints: Vec<u8> = attr.da_hints.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
    properties.hints = String::from_utf8(hints).map_err(|_| libc::EINVAL)?;
    // SAFETY: by contract.
    for entry in unsafe { pool::entries(attr.da_props) } {
        // SAFETY: this property is a number.
        let value = unsafe { entry.__bindgen_anon_1.dpe_val };
        if entry.dpe_type == DAOS_PROP_CO_REDUN_FAC {
            properties.redundancy_factor = value;
        }
    }
    if properties.redundancy_factor > 4 {
        return Err(libc::EINVAL);
    }
    for class in [properties.file_oclass, properties.dir_oclass].into_iter().filter(|&class| class != 0) {
        oclass::check_redundancy(class, properties.redundancy_factor)?;
    }
    oclass::of_hints(&properties.hints, properties.redundancy_factor)?;
    Ok(properties)
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

/// Fills `glob`, or only tells the size when it has no buffer.
///
/// # Safety
/// `glob` is NULL or valid, and its buffer as long as it says.
pub unsafe fn export(glob: *mut d_iov_t, bytes: &[u8]) -> Result<()> {
    // SAFETY: by contract.
    let glob = unsafe { out(glob) }?;
    let capacity = glob.iov_buf_len;
    if glob.iov_buf.is_null() || capacity < bytes.len() {
        glob.iov_buf_len = bytes.len();
        return if glob.iov_buf.is_null() { Ok(()) } else { Err(libc::ENOBUFS) };
    }
    // SAFETY: the buffer has `capacity` bytes.
    unsafe { glob.iov_buf.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    glob.iov_len = bytes.len();
    Ok(())
}

/// The bytes that another process exported; `EINVAL` when that cannot be.
///
/// # Safety
/// The buffer is NULL or has the lengths given.
pub unsafe fn import<'b>(glob: &d_iov_t, magic: &[u8; 8]) -> Result<&'b [u8]> {
    if glob.iov_buf.is_null() || glob.iov_buf_len < glob.iov_len {
        return Err(libc::EINVAL);
    }
    // SAFETY: by contract.
    let bytes = unsafe { std::slice::from_raw_parts(glob.iov_buf.cast::<u8>(), glob.iov_len) };
    bytes.strip_prefix(magic).ok_or(libc::EINVAL)
}

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
