//! Moving bytes between a caller's buffers and a file.

use super::mount::Mount;
use super::object::Object;
use super::sys::{Result, last_errno};
use crate::bindings::*;
use std::os::fd::RawFd;

/// A transfer, as it is done at once or later. All pointers are the caller's, who keeps them valid until it is complete.
pub struct Transfer {
    pub mount: *const Mount,
    pub object: *const Object,
    pub sgl: *const d_sg_list_t,
    pub offset: u64,
    /// Where the number of bytes read goes; NULL for a write.
    pub read_size: *mut daos_size_t,
}

impl Transfer {
    /// Moves the bytes.
    ///
    /// # Safety
    /// The pointers are valid, and nobody else uses the buffers.
    pub unsafe fn run(&self) -> Result<()> {
        // SAFETY: by contract.
        let (mount, object, sgl) = unsafe { (&*self.mount, &*self.object, &*self.sgl) };
        // SAFETY: by contract the list has `sg_nr` vectors.
        let vectors = unsafe { std::slice::from_raw_parts(sgl.sg_iovs, sgl.sg_nr as usize) };
        let writing = self.read_size.is_null();
        let mut moved = 0u64;
        if let Some(fd) = object.data(mount, writing)? {
            for vector in vectors {
                // SAFETY: by contract each vector describes a valid buffer.
                let count = unsafe { move_buffer(fd, vector, self.offset + moved, writing)? };
                moved += count as u64;
                if count < vector.iov_len {
                    break;
                }
            }
        }
        if !writing {
            // SAFETY: not NULL, and by contract valid.
            unsafe { *self.read_size = moved };
        }
        Ok(())
    }
}

/// Moves one buffer, however many system calls it takes; fewer bytes only at the end of the file.
unsafe fn move_buffer(fd: RawFd, vector: &d_iov_t, offset: u64, writing: bool) -> Result<usize> {
    let mut moved = 0;
    while moved < vector.iov_len {
        let position = i64::try_from(offset + moved as u64).map_err(|_| libc::EINVAL)?;
        // SAFETY: the rest of a buffer of `iov_len` bytes.
        let count = unsafe {
            let rest = vector.iov_buf.cast::<u8>().add(moved).cast();
            match writing {
                true => libc::pwrite(fd, rest, vector.iov_len - moved, position),
                false => libc::pread(fd, rest, vector.iov_len - moved, position),
            }
        };
        match count {
            0 => break,
            count if count > 0 => moved += count as usize,
            _ if last_errno() == libc::EINTR => {}
            _ => return Err(last_errno()),
        }
    }
    Ok(moved)
}
