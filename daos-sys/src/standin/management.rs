//! What the management interface tells of a system: its name, its provider, its engines and where they listen.

use super::arguments::der;
use super::oclass::engines;
use super::start::is_started;
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};
use std::ffi::CString;

/// Where every engine of the stand-in is said to listen: nobody does.
const URI: &CStr = c"ofi+tcp;ofi_rxm://127.0.0.1:31416";

/// The name of the only system there is.
const NAME: &CStr = c"daos_server";
/// The stand-in has no network.
const PROVIDER: &CStr = c"standin";

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_mgmt_get_sys_info(_sys: *const c_char, info: *mut *mut daos_sys_info) -> c_int {
    if !is_started() {
        return der(DER_UNINIT);
    }
    // SAFETY: by contract NULL or a place for the answer.
    let Some(info) = (unsafe { info.as_mut() }) else { return der(DER_INVAL) };
    let uri = |rank| daos_rank_uri { dru_rank: rank, dru_uri: CString::from(URI).into_raw() };
    let ranks: Box<[daos_rank_uri]> = (0..engines()).map(uri).collect();
    // SAFETY: integers, characters and pointers, for which zero is valid.
    let mut told: daos_sys_info = unsafe { core::mem::zeroed() };
    told.dsi_nr_ranks = ranks.len() as u32;
    told.dsi_ranks = Box::into_raw(ranks).cast();
    let services: Box<[u32]> = Box::new([0]);
    told.dsi_nr_ms_ranks = services.len() as u32;
    told.dsi_ms_ranks = Box::into_raw(services).cast();
    let put = |to: &mut [c_char], text: &CStr| {
        to.iter_mut().zip(text.to_bytes()).for_each(|(to, &from)| *to = from as c_char);
    };
    put(&mut told.dsi_system_name, NAME);
    put(&mut told.dsi_fabric_provider, PROVIDER);
    *info = Box::into_raw(Box::new(told));
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_mgmt_put_sys_info(info: *mut daos_sys_info) {
    if info.is_null() {
        return;
    }
    // SAFETY: by contract the answer of the call above, which nobody uses any more; it was made of these boxes.
    unsafe {
        let told = Box::from_raw(info);
        let ranks = core::ptr::slice_from_raw_parts_mut(told.dsi_ranks, told.dsi_nr_ranks as usize);
        Box::from_raw(ranks).iter().for_each(|rank| drop(CString::from_raw(rank.dru_uri)));
        drop(Box::from_raw(core::ptr::slice_from_raw_parts_mut(told.dsi_ms_ranks, told.dsi_nr_ms_ranks as usize)));
    }
}
