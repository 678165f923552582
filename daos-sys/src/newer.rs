//! Calls that came after the oldest supported DAOS, looked up when first used.
//!
//! Linked like the others they would keep the loader from starting a program on an older library, with a message about a symbol.
//! This way the program starts, compares versions, and says what is wrong; the calls themselves answer `ENOSYS`.

use crate::bindings::*;
use core::ffi::c_int;
use std::sync::OnceLock;

macro_rules! looked_up {
    ($(fn $name:ident($($parameter:ident: $kind:ty),* $(,)?);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`, or `ENOSYS` where the library does not have it.")]
        ///
        /// # Safety
        /// As in C.
        pub unsafe extern "C" fn $name($($parameter: $kind),*) -> c_int {
            type Call = unsafe extern "C" fn($($kind),*) -> c_int;
            static CALL: OnceLock<Option<Call>> = OnceLock::new();
            let call = CALL.get_or_init(|| {
                const NAME: &str = concat!(stringify!($name), "\0");
                // SAFETY: dlsym only looks up the NUL-terminated name in what is loaded.
                let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, NAME.as_ptr().cast()) };
                // SAFETY: the symbol of that name has the header's signature, which is checked below; NULL is None.
                unsafe { core::mem::transmute::<*mut libc::c_void, Option<Call>>(symbol) }
            });
            match call {
                // SAFETY: the caller keeps the contract of the call.
                Some(call) => unsafe { call($($parameter),*) },
                None => libc::ENOSYS,
            }
        }
    )*
    // Fails to compile where a signature is not the header's.
    const _: fn() = || { $(let _ = [crate::bindings::$name, $name];)* };
    };
}

looked_up! {
    fn dfs_pipeline_create(dfs: *mut dfs_t, pred: dfs_predicate_t, flags: u64, dpipe: *mut *mut dfs_pipeline_t);
    fn dfs_pipeline_destroy(dpipe: *mut dfs_pipeline_t);
    fn dfs_readdir_with_filter(
        dfs: *mut dfs_t,
        obj: *mut dfs_obj_t,
        dpipe: *mut dfs_pipeline_t,
        anchor: *mut daos_anchor_t,
        nr: *mut u32,
        dirs: *mut libc::dirent,
        oids: *mut daos_obj_id_t,
        csizes: *mut daos_size_t,
        nr_scanned: *mut u64,
    );
    fn daos_mgmt_get_sys_info(sys: *const core::ffi::c_char, info: *mut *mut daos_sys_info);
    fn dfs_get_size_by_oid(dfs: *mut dfs_t, oid: daos_obj_id_t, chunk_size: daos_size_t, size: *mut daos_size_t);
}

/// `daos_mgmt_put_sys_info`, or nothing where the library does not have it, and has given nothing to put back.
///
/// # Safety
/// As in C.
pub unsafe extern "C" fn daos_mgmt_put_sys_info(info: *mut daos_sys_info) {
    type Call = unsafe extern "C" fn(*mut daos_sys_info);
    // SAFETY: dlsym only looks up the NUL-terminated name in what is loaded.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"daos_mgmt_put_sys_info".as_ptr()) };
    // SAFETY: the symbol of that name has the header's signature, which is checked below; NULL is None.
    let call = unsafe { core::mem::transmute::<*mut libc::c_void, Option<Call>>(symbol) };
    if let Some(call) = call {
        // SAFETY: the caller keeps the contract of the call.
        unsafe { call(info) }
    }
}

// Fails to compile where the signature is not the header's.
const _: fn() = || {
    let _ = [crate::bindings::daos_mgmt_put_sys_info, daos_mgmt_put_sys_info];
};
