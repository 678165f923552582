//! How something is opened.

use std::ffi::c_int;

/// How something is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AccessMode {
    Read,
    Write,
    ReadWrite,
}

impl AccessMode {
    pub(crate) fn flags(self) -> c_int {
        match self {
            AccessMode::Read => libc::O_RDONLY,
            AccessMode::Write => libc::O_WRONLY,
            AccessMode::ReadWrite => libc::O_RDWR,
        }
    }
}
