//! An open directory in one of its shards, with what was read ahead.

use super::mount::Mount;
use super::oclass;
use super::store::directory_name;
use super::sys::{Result, last_errno, open_at};
use crate::bindings::daos_obj_id_t;
use core::ffi::CStr;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much is read ahead.
const READ_AHEAD: usize = 32 * 1024;

/// The streams of an open directory.
pub type Streams = Mutex<Vec<Stream>>;

/// A place in one shard, with what was read ahead.
pub struct Stream {
    pub id: u64,
    pub shard: u32,
    fd: OwnedFd,
    buffer: Vec<u8>,
    at: usize,
    /// The position after the entry given out last.
    pub position: i64,
}

impl Stream {
    /// Opens a shard at a position; none where nothing was ever put into it.
    pub fn open(mount: &Mount, oid: daos_obj_id_t, shard: u32, position: i64) -> Result<Option<Stream>> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut name = directory_name(oid);
        if oclass::groups_of(oid) > 1 {
            name.push(b"/").push_hex(shard.into(), 4);
        }
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let fd = match open_at(mount.container.dirs.as_raw_fd(), name.as_c_str(), flags) {
            // A shard that nothing was put into.
            Err(libc::ENOENT) => return Ok(None),
            fd => fd?,
        };
        // SAFETY: the descriptor is open.
        if position != 0 && unsafe { libc::lseek64(fd.as_raw_fd(), position, libc::SEEK_SET) } < 0 {
            return Err(last_errno());
        }
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Stream { id, shard, fd, buffer: Vec::new(), at: 0, position }))
    }

    /// The next name; `None` at the end.
    pub fn next(&mut self) -> Result<Option<&CStr>> {
        // Offsets in the kernel's record: inode 0, position 8, length 16, type 18, name 19.
        loop {
            if self.at >= self.buffer.len() {
                self.buffer.resize(READ_AHEAD, 0);
                // SAFETY: the buffer has the length given.
                let length = unsafe {
                    libc::syscall(libc::SYS_getdents64, self.fd.as_raw_fd(), self.buffer.as_mut_ptr(), READ_AHEAD)
                };
                if length < 0 {
                    self.buffer.clear();
                    return Err(last_errno());
                }
                self.buffer.truncate(length as usize);
                self.at = 0;
                if length == 0 {
                    return Ok(None);
                }
            }
            let start = self.at;
            let number = |at: usize| i64::from_ne_bytes(self.buffer[at..at + 8].try_into().expect("eight bytes"));
            let length = u16::from_ne_bytes([self.buffer[start + 16], self.buffer[start + 17]]);
            self.position = number(start + 8);
            self.at += usize::from(length);
            // Entries are symbolic links; what else there is are `.`, `..` and the shards themselves.
            if self.buffer[start + 18] == libc::DT_LNK {
                let name = CStr::from_bytes_until_nul(&self.buffer[start + 19..self.at]).map_err(|_| libc::EIO)?;
                // SAFETY: the borrow of the buffer ends with the loop otherwise; the borrow checker cannot see that no
                // turn of the loop follows. The name lives in `self.buffer`, which only the next call changes.
                return Ok(Some(unsafe { &*std::ptr::from_ref(name) }));
            }
        }
    }
}

/// All names in a directory.
pub fn names(mount: &Mount, oid: daos_obj_id_t) -> Result<Vec<CString>> {
    let mut names = Vec::new();
    for shard in 0..oclass::groups_of(oid) {
        let Some(mut stream) = Stream::open(mount, oid, shard, 0)? else { continue };
        while let Some(name) = stream.next()? {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
