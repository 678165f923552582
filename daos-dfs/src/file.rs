//! Files: reading, writing, size and layout.

use crate::entry::{Stat, empty_stat};
use crate::error::{DfsErrno, Error};
use crate::global::{GlobalFile, serialise};
use crate::handle::{Handle, NotSync, ObjectId};
use crate::oclass::ObjectClass;
use daos_sys::d_sg_list_t;
use std::sync::Arc;

type Result<T> = std::result::Result<T, DfsErrno>;

/// An open file.
pub struct File<'m> {
    handle: Arc<Handle<'m>>,
    _one_thread: NotSync,
}

impl<'m> File<'m> {
    pub(crate) fn new(handle: Handle<'m>) -> File<'m> {
        File { handle: Arc::new(handle), _one_thread: NotSync::default() }
    }

    pub(crate) fn handle(&self) -> &Arc<Handle<'m>> {
        &self.handle
    }

    /// Writes the whole buffer; it is durable when the call returns.
    ///
    /// # Errors
    /// `EPERM` on a file that was opened for reading, or what else libdfs says: `ENOSPC`, for instance.
    #[doc(alias = "dfs_write")]
    pub fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        // libdfs does not write through the pointer of a write.
        let mut iov = daos_sys::d_iov(data.as_ptr().cast_mut().cast(), data.len());
        let mut sgl = d_sg_list_t { sg_nr: 1, sg_nr_out: 0, sg_iovs: &mut iov };
        let (mount, object) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount, an open file, one buffer, all valid during the call, which blocks without an event.
        DfsErrno::check(unsafe { daos_sys::dfs_write(mount, object, &mut sgl, offset, std::ptr::null_mut()) })
    }

    /// Reads until the buffer is full or the file ends; the number of bytes read. Holes read as zeros.
    ///
    /// # Errors
    /// `EPERM` on a file that was opened for writing, or what else libdfs says.
    #[doc(alias = "dfs_read")]
    pub fn read_at(&self, offset: u64, data: &mut [u8]) -> Result<usize> {
        let mut iov = daos_sys::d_iov(data.as_mut_ptr().cast(), data.len());
        let mut sgl = d_sg_list_t { sg_nr: 1, sg_nr_out: 0, sg_iovs: &mut iov };
        let mut size = 0;
        let (mount, object) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount, an open file, one buffer and a place for the size, all valid during the call, which blocks without an event.
        DfsErrno::check(unsafe {
            daos_sys::dfs_read(mount, object, &mut sgl, offset, &mut size, std::ptr::null_mut())
        })?;
        Ok(size as usize)
    }

    /// The size in bytes.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_get_size")]
    pub fn size(&self) -> Result<u64> {
        let mut size = 0;
        // SAFETY: a mount, an open file, and a writable result.
        DfsErrno::check(unsafe {
            daos_sys::dfs_get_size(self.handle.mount().as_ptr(), self.handle.as_ptr(), &mut size)
        })?;
        Ok(size)
    }

    /// Truncates or extends the file.
    ///
    /// # Errors
    /// As for [`punch`](Self::punch).
    #[doc(alias = "dfs_punch")]
    pub fn set_size(&self, size: u64) -> Result<()> {
        self.punch(size, daos_sys::DFS_MAX_FSIZE)
    }

    /// Makes a hole; one that reaches the end truncates the file.
    ///
    /// # Errors
    /// `EPERM` on a file that was opened for reading, or what else libdfs says.
    pub fn punch(&self, offset: u64, length: u64) -> Result<()> {
        let (mount, object) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount and an open file.
        DfsErrno::check(unsafe { daos_sys::dfs_punch(mount, object, offset, length) })
    }

    /// Kind, size and times.
    ///
    /// # Errors
    /// `ENOENT` when the name is gone, or what else libdfs says.
    #[doc(alias = "dfs_ostat")]
    pub fn stat(&self) -> Result<Stat> {
        let mut stat = empty_stat();
        // SAFETY: a mount, an open file, and a writable result.
        DfsErrno::check(unsafe { daos_sys::dfs_ostat(self.handle.mount().as_ptr(), self.handle.as_ptr(), &mut stat) })?;
        Ok(Stat::from(&stat))
    }

    /// The class and chunk size that the file really has.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_obj_get_info")]
    pub fn info(&self) -> Result<ObjectInfo> {
        ObjectInfo::query(&self.handle)
    }

    /// The file's id.
    ///
    /// # Errors
    /// What libdfs says.
    pub fn id(&self) -> Result<ObjectId> {
        self.handle.id()
    }

    /// The open file for other processes, where [`Mount::file_from_global`](crate::Mount::file_from_global) turns it into the same open
    /// file without a round trip.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_obj_local2global")]
    pub fn to_global(&self) -> crate::Result<GlobalFile> {
        // SAFETY: a mount and an open file; `serialise` passes a valid vector.
        serialise(|iov| unsafe {
            daos_sys::dfs_obj_local2global(self.handle.mount().as_ptr(), self.handle.as_ptr(), iov)
        })
        .map(GlobalFile::seal)
        .map_err(Error::dfs("dfs_obj_local2global"))
    }

    /// Closes the file now and says whether that went well. While a queue has transfers of it in flight, the last one of them
    /// closes it.
    ///
    /// # Errors
    /// What libdfs says; the file is closed all the same.
    #[doc(alias = "dfs_release")]
    pub fn close(self) -> Result<()> {
        Arc::into_inner(self.handle).map_or(Ok(()), Handle::close)
    }
}

/// How an object is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Its class, with the number of groups that the pool gave it: `SX` comes back as `S8` where there are 8 targets.
    pub class: ObjectClass,
    /// Its chunk size in bytes; of a directory what files made in it get.
    pub chunk_size: u64,
    /// Of a directory: the class that directories made in it get. Inherited before DAOS 2.6.
    pub dir_class: ObjectClass,
    /// Of a directory: the class that files made in it get. Inherited before DAOS 2.6.
    pub file_class: ObjectClass,
}

impl ObjectInfo {
    pub(crate) fn query(handle: &Handle<'_>) -> Result<ObjectInfo> {
        let mut raw = daos_sys::dfs_obj_info_t::default();
        // SAFETY: a mount, an open object, and a writable result.
        DfsErrno::check(unsafe { daos_sys::dfs_obj_get_info(handle.mount().as_ptr(), handle.as_ptr(), &mut raw) })?;
        #[cfg(daos_2_6)]
        let (dir_class, file_class) = (raw.doi_dir_oclass_id, raw.doi_file_oclass_id);
        #[cfg(not(daos_2_6))]
        let (dir_class, file_class) = (0, 0);
        Ok(ObjectInfo {
            class: ObjectClass::from_id(raw.doi_oclass_id),
            chunk_size: raw.doi_chunk_size,
            dir_class: ObjectClass::from_id(dir_class),
            file_class: ObjectClass::from_id(file_class),
        })
    }
}
