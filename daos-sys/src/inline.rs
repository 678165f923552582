//! What the C headers have as macros, inline functions, or constants that bindgen gives the wrong type.

use crate::bindings::*;

pub use crate::bindings::{
    daos_cont_destroy2 as daos_cont_destroy, daos_cont_open2 as daos_cont_open, daos_pool_connect2 as daos_pool_connect,
};

/// Mount or open for reading only.
pub const DFS_RDONLY: i32 = libc::O_RDONLY;
/// Mount or open for reading and writing.
pub const DFS_RDWR: i32 = libc::O_RDWR;
/// As a length of `dfs_punch`: to the end of the file.
pub const DFS_MAX_FSIZE: daos_size_t = u64::MAX;
/// As a timeout of `daos_eq_poll`: wait until something is there.
pub const DAOS_EQ_WAIT: i64 = -1;
/// As a timeout of `daos_eq_poll`: do not wait.
pub const DAOS_EQ_NOWAIT: i64 = 0;
/// The null handle.
pub const DAOS_HDL_INVAL: daos_handle_t = daos_handle_t { cookie: 0 };

/// Whether an enumeration has come to its end.
pub fn daos_anchor_is_eof(anchor: &daos_anchor_t) -> bool {
    u32::from(anchor.da_type) == DAOS_ANCHOR_TYPE_EOF
}

/// Whether a handle stands for something.
pub fn daos_handle_is_valid(handle: daos_handle_t) -> bool {
    handle.cookie != 0
}

/// An I/O vector over a buffer, all of it valid data.
pub fn d_iov(buffer: *mut core::ffi::c_void, length: usize) -> d_iov_t {
    d_iov_t { iov_buf: buffer, iov_buf_len: length, iov_len: length }
}
