//! Pools and containers by handle.

use super::arguments::{der, der_of, errno, out, text};
use super::handle::{CONTAINERS, POOLS};
use super::inject::{self, Call};
use super::oclass::{self, engines};
use super::start::is_started;
use super::store::{Container, Pool, Properties};
use super::sys::{Result, check};
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int, c_uint};
use std::os::fd::AsRawFd;
use std::sync::Arc;

fn daos(result: Result<()>) -> c_int {
    result.err().map_or(0, der_of)
}

/// The entries of a property list; none for NULL.
///
/// # Safety
/// The pointer is NULL or to a list that is valid and not otherwise used while the result lives.
pub unsafe fn entries<'p>(list: *mut daos_prop_t) -> &'p mut [daos_prop_entry] {
    // SAFETY: by contract.
    match unsafe { list.as_ref() } {
        // SAFETY: by contract the list has `dpp_nr` entries.
        Some(list) if list.dpp_nr > 0 => unsafe {
            std::slice::from_raw_parts_mut(list.dpp_entries, list.dpp_nr as usize)
        },
        _ => &mut [],
    }
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
    for entry in unsafe { entries(attr.da_props) } {
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

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_pool_connect2(
    pool: *const c_char,
    _sys: *const c_char,
    _flags: c_uint,
    poh: *mut daos_handle_t,
    info: *mut daos_pool_info_t,
    _ev: *mut daos_event_t,
) -> c_int {
    if !is_started() {
        return der(DER_UNINIT);
    }
    // SAFETY: a string, a place for the handle, and optionally one for the information.
    daos((|| unsafe {
        let (pool, poh) = (text(pool)?, out(poh)?);
        inject::before(Call::Connect)?;
        let pool = Arc::new(Pool::open(pool)?);
        if let Some(info) = info.as_mut() {
            describe(&pool, info)?;
        }
        *poh = POOLS.insert(pool);
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_pool_disconnect(poh: daos_handle_t, _ev: *mut daos_event_t) -> c_int {
    POOLS.remove(poh).map_or(der(DER_NO_HDL), |_| 0)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_pool_query(
    poh: daos_handle_t,
    _ranks: *mut *mut d_rank_list_t,
    info: *mut daos_pool_info_t,
    _props: *mut daos_prop_t,
    _ev: *mut daos_event_t,
) -> c_int {
    let Some(pool) = POOLS.get(poh) else { return der(DER_NO_HDL) };
    // SAFETY: a place for the information, or NULL.
    daos(unsafe { info.as_mut() }.map_or(Ok(()), |info| describe(&pool, info)))
}

/// A pool has as much space as the file system it is on.
fn describe(pool: &Pool, info: &mut daos_pool_info_t) -> Result<()> {
    // SAFETY: plain integers, for which zero is valid.
    let mut space: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `space` is writable.
    check(unsafe { libc::fstatvfs(pool.dir.as_raw_fd(), &mut space) })?;
    let (total, free) = (space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize);
    let per_target = free / u64::from(engines());
    *info = daos_pool_info_t {
        pi_uuid: pool.uuid(),
        pi_ntargets: engines(),
        pi_nnodes: engines(),
        pi_map_ver: 1,
        pi_bits: info.pi_bits,
        pi_space: daos_pool_space {
            ps_space: daos_space { s_total: [total, 0], s_free: [free, 0] },
            ps_free_min: [per_target, 0],
            ps_free_max: [per_target, 0],
            ps_free_mean: [per_target, 0],
            ps_ntargets: engines(),
            ..daos_pool_space::default()
        },
        ..daos_pool_info_t::default()
    };
    info.pi_rebuild_st.__bindgen_anon_1.rs_state = DRS_NOT_STARTED as i32;
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_cont_open2(
    poh: daos_handle_t,
    cont: *const c_char,
    _flags: c_uint,
    coh: *mut daos_handle_t,
    info: *mut daos_cont_info_t,
    _ev: *mut daos_event_t,
) -> c_int {
    let Some(pool) = POOLS.get(poh) else { return der(DER_NO_HDL) };
    // SAFETY: a string, a place for the handle, and optionally one for the information.
    daos((|| unsafe {
        let (cont, coh) = (text(cont)?, out(coh)?);
        let container = Arc::new(Container::open(&pool, cont)?);
        if let Some(info) = info.as_mut() {
            *info = container_info(&container);
        }
        *coh = CONTAINERS.insert(container);
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_cont_close(coh: daos_handle_t, _ev: *mut daos_event_t) -> c_int {
    CONTAINERS.remove(coh).map_or(der(DER_NO_HDL), |_| 0)
}

fn container_info(container: &Container) -> daos_cont_info_t {
    daos_cont_info_t { ci_uuid: container.properties.uuid, ci_nhandles: 1, ..daos_cont_info_t::default() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_cont_query(
    coh: daos_handle_t,
    info: *mut daos_cont_info_t,
    props: *mut daos_prop_t,
    _ev: *mut daos_event_t,
) -> c_int {
    let Some(container) = CONTAINERS.get(coh) else { return der(DER_NO_HDL) };
    // SAFETY: a place for the information, or NULL.
    if let Some(info) = unsafe { info.as_mut() } {
        *info = container_info(&container);
    }
    // SAFETY: a valid property list, or NULL.
    for entry in unsafe { entries(props) } {
        // The numbers that somebody here asks for; a healthy container's status is zero.
        entry.__bindgen_anon_1.dpe_val = match entry.dpe_type {
            DAOS_PROP_CO_LAYOUT_TYPE => DAOS_PROP_CO_LAYOUT_POSIX.into(),
            DAOS_PROP_CO_REDUN_FAC => container.properties.redundancy_factor,
            _ => 0,
        };
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_cont_destroy2(
    poh: daos_handle_t,
    cont: *const c_char,
    force: c_int,
    _ev: *mut daos_event_t,
) -> c_int {
    let Some(pool) = POOLS.get(poh) else { return der(DER_NO_HDL) };
    // SAFETY: a string.
    daos(unsafe { text(cont) }.and_then(|cont| pool.destroy_container(cont, force != 0)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_destroy(
    pool: *const c_char,
    _sys: *const c_char,
    cont: *const c_char,
    force: c_int,
    _ev: *mut daos_event_t,
) -> c_int {
    if !is_started() {
        return libc::EACCES;
    }
    // SAFETY: two strings.
    errno((|| unsafe { Pool::open(text(pool)?)?.destroy_container(text(cont)?, force != 0) })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_cont_create_with_label(
    poh: daos_handle_t,
    label: *const c_char,
    attr: *mut dfs_attr_t,
    uuid: *mut uuid_t,
    coh: *mut daos_handle_t,
    dfs: *mut *mut dfs_t,
) -> c_int {
    let Some(pool) = POOLS.get(poh) else { return libc::EINVAL };
    // SAFETY: a string, optional attributes, and optional places for the results.
    errno((|| unsafe {
        let label: &CStr = text(label)?;
        if !dfs.is_null() {
            // A mount here would need an open container of its own; nothing in this workspace asks for it.
            return Err(libc::ENOTSUP);
        }
        let properties = properties(attr)?;
        pool.create_container(label, &properties)?;
        if let Some(uuid) = uuid.as_mut() {
            *uuid = properties.uuid;
        }
        if let Some(coh) = coh.as_mut() {
            *coh = CONTAINERS.insert(Arc::new(Container::open(&pool, label)?));
        }
        Ok(())
    })())
}
