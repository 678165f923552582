//! The version built against and the version found at run time.

include!(concat!(env!("OUT_DIR"), "/version.rs"));

/// The version of the libdaos that this process has loaded; `None` when the library does not tell.
///
/// The stand-in is part of the program and always has the version it was built with.
#[cfg(daos_standin)]
pub fn runtime_version() -> Option<(u32, u32, u32)> {
    Some(BUILT_VERSION)
}

/// The version of the libdaos that this process has loaded; `None` when the library does not tell.
#[cfg(not(daos_standin))]
pub fn runtime_version() -> Option<(u32, u32, u32)> {
    version_by_call().or_else(version_by_file_name)
}

/// DAOS 2.6.1 and newer have a call for it, which no header declares.
#[cfg(not(daos_standin))]
fn version_by_call() -> Option<(u32, u32, u32)> {
    type VersionGet = unsafe extern "C" fn(*mut i32, *mut i32, *mut i32) -> i32;
    // SAFETY: dlsym only looks the name up in what is loaded.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"daos_version_get".as_ptr()) };
    if symbol.is_null() {
        return None;
    }
    // SAFETY: in libdaos the symbol is `int daos_version_get(int *, int *, int *)`.
    let call: VersionGet = unsafe { core::mem::transmute(symbol) };
    let (mut major, mut minor, mut fix) = (0, 0, 0);
    // SAFETY: three valid pointers, as the call demands.
    let rc = unsafe { call(&mut major, &mut minor, &mut fix) };
    (rc == 0).then_some((major as u32, minor as u32, fix as u32))
}

/// Older ones carry it in the name of the file: `libdaos.so.2.4.2`.
#[cfg(not(daos_standin))]
fn version_by_file_name() -> Option<(u32, u32, u32)> {
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: an all-zero Dl_info is valid, and dladdr fills it for the address of a function.
    let mut info: libc::Dl_info = unsafe { core::mem::zeroed() };
    // SAFETY: see above.
    let found = unsafe { libc::dladdr(crate::daos_eq_create as *const libc::c_void, &mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: dladdr gives a NUL-terminated path that lives as long as the library is loaded.
    let path = unsafe { core::ffi::CStr::from_ptr(info.dli_fname) };
    let file = std::fs::canonicalize(std::ffi::OsStr::from_bytes(path.to_bytes())).ok()?;
    let mut parts = file.file_name()?.to_str()?.strip_prefix("libdaos.so.")?.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}
