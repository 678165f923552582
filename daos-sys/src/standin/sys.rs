//! System calls as the stand-in needs them: results instead of `errno`, names on the stack.

use core::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// An errno.
pub type Errno = i32;
/// What everything inside the stand-in returns; the C functions turn it into their convention.
pub type Result<T> = core::result::Result<T, Errno>;

/// The errno of the call that has just failed.
pub fn last_errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// `Ok` unless a call returned -1.
pub fn check(rc: libc::c_int) -> Result<libc::c_int> {
    if rc < 0 { Err(last_errno()) } else { Ok(rc) }
}

/// A NUL-terminated name built on the stack: paths of at most a shard, a slash and one component.
pub struct Name {
    bytes: [u8; 320],
    len: usize,
}

impl Name {
    pub fn new() -> Name {
        Name { bytes: [0; 320], len: 0 }
    }

    /// Appends bytes that hold no NUL. Components are checked against `DFS_MAX_NAME`, so they fit.
    pub fn push(&mut self, bytes: &[u8]) -> &mut Name {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        self
    }

    pub fn push_hex(&mut self, value: u64, digits: usize) -> &mut Name {
        put_hex(&mut self.bytes[self.len..self.len + digits], value);
        self.len += digits;
        self
    }

    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_with_nul(&self.bytes[..=self.len]).expect("no NUL inside a name")
    }
}

/// Writes `value` in lower-case hexadecimal over the whole slice.
pub fn put_hex(out: &mut [u8], mut value: u64) {
    for byte in out.iter_mut().rev() {
        *byte = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

/// The inverse of [`put_hex`].
pub fn get_hex(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0u64, |value, &c| Some(value << 4 | u64::from((c as char).to_digit(16)?)))
}

pub fn open_at(dir: RawFd, name: &CStr, flags: libc::c_int) -> Result<OwnedFd> {
    // SAFETY: `name` is NUL-terminated; a mode is given for O_CREAT.
    let fd = check(unsafe { libc::openat(dir, name.as_ptr(), flags | libc::O_CLOEXEC, 0o600 as libc::c_uint) })?;
    // SAFETY: the call has just returned this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub fn mkdir_at(dir: RawFd, name: &CStr) -> Result<()> {
    // SAFETY: `name` is NUL-terminated.
    check(unsafe { libc::mkdirat(dir, name.as_ptr(), 0o700) }).map(drop)
}

pub fn symlink_at(target: &CStr, dir: RawFd, name: &CStr) -> Result<()> {
    // SAFETY: both strings are NUL-terminated.
    check(unsafe { libc::symlinkat(target.as_ptr(), dir, name.as_ptr()) }).map(drop)
}

/// The target of a symbolic link, as far as it fits.
pub fn readlink_at<'b>(dir: RawFd, name: &CStr, buffer: &'b mut [u8]) -> Result<&'b [u8]> {
    // SAFETY: `name` is NUL-terminated, and the buffer has the length given.
    let length = unsafe { libc::readlinkat(dir, name.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    if length < 0 { Err(last_errno()) } else { Ok(&buffer[..length as usize]) }
}

pub fn unlink_at(dir: RawFd, name: &CStr, flags: libc::c_int) -> Result<()> {
    // SAFETY: `name` is NUL-terminated.
    check(unsafe { libc::unlinkat(dir, name.as_ptr(), flags) }).map(drop)
}

pub fn rename_at(from: RawFd, old: &CStr, to: RawFd, new: &CStr) -> Result<()> {
    // SAFETY: both names are NUL-terminated.
    check(unsafe { libc::renameat(from, old.as_ptr(), to, new.as_ptr()) }).map(drop)
}

pub fn stat_at(dir: RawFd, name: &CStr) -> Result<libc::stat> {
    let mut stat = zeroed_stat();
    // SAFETY: `name` is NUL-terminated, and `stat` is writable.
    check(unsafe { libc::fstatat(dir, name.as_ptr(), &mut stat, libc::AT_SYMLINK_NOFOLLOW) })?;
    Ok(stat)
}

pub fn zeroed_stat() -> libc::stat {
    // SAFETY: `stat` is plain integers, for which zero is valid.
    unsafe { core::mem::zeroed() }
}

pub fn fstat(fd: &impl AsRawFd) -> Result<libc::stat> {
    let mut stat = zeroed_stat();
    // SAFETY: the descriptor is open, and `stat` is writable.
    check(unsafe { libc::fstat(fd.as_raw_fd(), &mut stat) })?;
    Ok(stat)
}

/// The clock that entries are stamped with, in seconds and nanoseconds.
pub fn now() -> (u64, u32) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs(), since.subsec_nanos())
}
