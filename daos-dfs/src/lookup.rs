//! The first object of a mount: by its path, by its id, or as another process has opened it.

use crate::access::AccessMode;
use crate::dir::Dir;
use crate::error::{DfsErrno, Error, Result};
use crate::file::File;
use crate::global::GlobalFile;
use crate::handle::{Handle, ObjectId};
use crate::mount::Mount;
use std::ffi::CString;

/// What a path leads to.
pub enum Node<'m> {
    /// A directory.
    Dir(Dir<'m>),
    /// A file.
    File(File<'m>),
}

impl Mount {
    /// The root directory.
    ///
    /// # Errors
    /// What libdfs says.
    pub fn root(&self) -> Result<Dir<'_>> {
        self.open_path("/")
    }

    /// Opens a directory by an absolute path, which is bytes; symbolic links are followed.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, `ENOTDIR` when it is no directory, or what else libdfs says.
    pub fn open_path(&self, path: impl AsRef<[u8]>) -> Result<Dir<'_>> {
        match self.lookup(path, AccessMode::Read)? {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(Error::dfs("dfs_lookup")(DfsErrno::from_raw(libc::ENOTDIR))),
        }
    }

    /// Opens what an absolute path, which is bytes, leads to; symbolic links are followed. `access` is for files.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, `EINVAL` when it is neither file nor directory, or what else libdfs says.
    #[doc(alias = "dfs_lookup")]
    pub fn lookup(&self, path: impl AsRef<[u8]>, access: AccessMode) -> Result<Node<'_>> {
        let path = path.as_ref();
        let absolute = if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() };
        let shown = || format!("path {:?} holds a NUL byte", String::from_utf8_lossy(path));
        let c_path = CString::new(absolute).map_err(|_| Error::Invalid(shown()))?;
        let mode = std::cell::Cell::new(0);
        let open = |flags| {
            // SAFETY: a mount, a NUL-terminated string, places for object and mode, and no stat asked.
            Handle::open(self, |object| unsafe {
                daos_sys::dfs_lookup(self.as_ptr(), c_path.as_ptr(), flags, object, mode.as_ptr(), std::ptr::null_mut())
            })
        };
        let failed = Error::dfs("dfs_lookup");
        // Directories are opened for what the mount allows, whatever is asked for files.
        let handle =
            open(if access == AccessMode::Read { self.dir_flags() } else { access.flags() }).map_err(&failed)?;
        match mode.get() & libc::S_IFMT {
            libc::S_IFDIR => Ok(Node::Dir(Dir::new(handle))),
            libc::S_IFREG if access == AccessMode::Read => {
                Ok(Node::File(File::new(open(libc::O_RDONLY).map_err(failed)?)))
            }
            libc::S_IFREG => Ok(Node::File(File::new(handle))),
            _ => Err(failed(DfsErrno::from_raw(libc::EINVAL))),
        }
    }

    /// The inverse of [`File::to_global`], on a mount of the same container: `EINVAL` on one of another container.
    ///
    /// # Errors
    /// `EINVAL` as above, or what else libdfs says.
    #[doc(alias = "dfs_obj_global2local")]
    pub fn file_from_global(&self, global: &GlobalFile) -> Result<File<'_>> {
        let mut bytes = global.payload().to_vec();
        let iov = daos_sys::d_iov(bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: a mount, bytes valid during the call, and a place for the object; flags of 0 are those of the exporter. libdfs compares
        // length, magic number and container with what they must be, and follows no length in the bytes.
        Handle::open(self, |object| unsafe { daos_sys::dfs_obj_global2local(self.as_ptr(), 0, iov, object) })
            .map(File::new)
            .map_err(Error::dfs("dfs_obj_global2local"))
    }

    /// The size of a file by its id, without opening it: `chunk` is what its listing gave. `ENOSYS` before DAOS 2.6.
    ///
    /// # Errors
    /// `ENOSYS` as above, or what libdfs says.
    #[doc(alias = "dfs_get_size_by_oid")]
    pub fn size_by_id(&self, id: ObjectId, chunk: u64) -> Result<u64, DfsErrno> {
        #[cfg(daos_2_6)]
        {
            let id = daos_sys::daos_obj_id_t { hi: id.hi, lo: id.lo };
            let mut size = 0;
            // SAFETY: a mount and a writable result.
            DfsErrno::check(unsafe { daos_sys::dfs_get_size_by_oid(self.as_ptr(), id, chunk, &mut size) })?;
            Ok(size)
        }
        #[cfg(not(daos_2_6))]
        {
            let _ = (id, chunk);
            Err(DfsErrno::from_raw(libc::ENOSYS))
        }
    }
}
