//! What callers of the C interface pass and get: pointers, strings, serialised bytes, and the two kinds of error numbers.

use super::sys::{Errno, Result};
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};

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

/// What a `daos_*` call returns for an error of its own.
pub fn der(number: daos_errno) -> c_int {
    -(number as c_int)
}

/// What a `daos_*` call returns for an errno.
pub fn der_of(errno: Errno) -> c_int {
    der(match errno {
        libc::EPERM | libc::EACCES => DER_NO_PERM,
        libc::ENOENT => DER_NONEXIST,
        libc::EINVAL => DER_INVAL,
        libc::EEXIST => DER_EXIST,
        libc::ENOSPC => DER_NOSPACE,
        libc::ENOMEM => DER_NOMEM,
        libc::ETIMEDOUT => DER_TIMEDOUT,
        libc::EBUSY => DER_BUSY,
        libc::EHOSTUNREACH => DER_UNREACH,
        libc::ENOTSUP => DER_NOTSUPPORTED,
        _ => DER_IO,
    })
}

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
