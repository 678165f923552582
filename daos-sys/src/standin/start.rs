//! Whether the library is initialised.

use super::arguments::der;
use crate::bindings::DER_UNINIT;
use core::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering};

static STARTED: AtomicUsize = AtomicUsize::new(0);

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
