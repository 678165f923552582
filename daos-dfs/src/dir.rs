//! Directories: the names in them, and their listing.

use crate::access::AccessMode;
use crate::cursor::{Cursor, Entries};
use crate::entry::{EntryKind, Stat, empty_stat};
use crate::error::DfsErrno;
use crate::file::{File, ObjectInfo};
use crate::handle::{Handle, ObjectId};
use crate::oclass::ObjectClass;
use daos_sys::daos_anchor_t;
use std::ffi::{CStr, CString};

type Result<T> = std::result::Result<T, DfsErrno>;

/// An open directory. Every name is one component; a slash in it is `EINVAL`.
///
/// Threads may share one: its calls only read the handle, as those of dfuse's threads do, and what changes it takes `&mut self`.
pub struct Dir<'m> {
    handle: Handle<'m>,
}

const FILE_MODE: u32 = libc::S_IFREG | 0o644;
const DIR_MODE: u32 = 0o755;
/// Names that [`Dir::entries`] asks for at a time.
const BATCH: usize = 128;

impl<'m> Dir<'m> {
    pub(crate) fn new(handle: Handle<'m>) -> Dir<'m> {
        Dir { handle }
    }

    #[cfg(daos_2_6)]
    pub(crate) fn handle(&self) -> &Handle<'m> {
        &self.handle
    }

    /// Creates a directory in one round trip. `EEXIST` if the name is taken.
    ///
    /// # Errors
    /// `EEXIST` as above, or what else libdfs says.
    #[doc(alias = "dfs_mkdir")]
    pub fn mkdir(&self, name: &CStr, class: ObjectClass) -> Result<()> {
        self.mkdir_as(name, DIR_MODE, class)
    }

    /// Like [`mkdir`](Self::mkdir), for its owner alone.
    ///
    /// # Errors
    /// As for [`mkdir`](Self::mkdir).
    pub fn mkdir_private(&self, name: &CStr, class: ObjectClass) -> Result<()> {
        self.mkdir_as(name, libc::S_IRWXU, class)
    }

    fn mkdir_as(&self, name: &CStr, mode: libc::mode_t, class: ObjectClass) -> Result<()> {
        let (mount, parent) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount, an open directory, and a NUL-terminated name.
        DfsErrno::check(unsafe { daos_sys::dfs_mkdir(mount, parent, name.as_ptr(), mode, class.id()) })
    }

    /// Opens a directory in one round trip. `ENOTDIR` if it is not a directory.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, `ENOTDIR` as above, or what else libdfs says.
    pub fn open_dir(&self, name: &CStr) -> Result<Dir<'m>> {
        let flags = self.handle.mount().dir_flags();
        self.open_as(name, libc::S_IFDIR, flags, ObjectClass::INHERIT, 0).map(Dir::new)
    }

    /// Creates a file, or opens an existing one, for reading and writing in one round trip. A chunk size of 0 is inherited.
    ///
    /// # Errors
    /// `EINVAL` when the name stands for something else, or what else libdfs says.
    #[doc(alias = "dfs_open")]
    pub fn create(&self, name: &CStr, class: ObjectClass, chunk: u64) -> Result<File<'m>> {
        self.open_as(name, FILE_MODE, libc::O_RDWR | libc::O_CREAT, class, chunk).map(File::new)
    }

    /// Creates a file that must not exist yet: `EEXIST` otherwise.
    ///
    /// # Errors
    /// `EEXIST` as above, or what else libdfs says.
    pub fn create_new(&self, name: &CStr, class: ObjectClass, chunk: u64) -> Result<File<'m>> {
        self.open_as(name, FILE_MODE, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, class, chunk).map(File::new)
    }

    /// Opens a file that must exist; one round trip.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, `EINVAL` when it is no file, or what else libdfs says.
    pub fn open(&self, name: &CStr, access: AccessMode) -> Result<File<'m>> {
        self.open_as(name, FILE_MODE, access.flags(), ObjectClass::INHERIT, 0).map(File::new)
    }

    fn open_as(&self, name: &CStr, mode: u32, flags: i32, class: ObjectClass, chunk: u64) -> Result<Handle<'m>> {
        let mount = self.handle.mount();
        // SAFETY: a mount, an open directory, a NUL-terminated name, no link value, and a place for the object.
        Handle::open(mount, |object| unsafe {
            daos_sys::dfs_open(
                mount.as_ptr(),
                self.handle.as_ptr(),
                name.as_ptr(),
                mode,
                flags,
                class.id(),
                chunk,
                std::ptr::null(),
                object,
            )
        })
    }

    /// Creates a symbolic link to `target`; `EEXIST` if the name is taken.
    ///
    /// # Errors
    /// `EEXIST` as above, or what else libdfs says.
    pub fn symlink(&self, name: &CStr, target: &CStr) -> Result<()> {
        let mount = self.handle.mount();
        // SAFETY: as above, with a NUL-terminated target.
        Handle::open(mount, |object| unsafe {
            daos_sys::dfs_open(
                mount.as_ptr(),
                self.handle.as_ptr(),
                name.as_ptr(),
                libc::S_IFLNK,
                libc::O_CREAT | libc::O_EXCL,
                0,
                0,
                target.as_ptr(),
                object,
            )
        })
        .map(drop)
    }

    /// The target of a symbolic link; `EINVAL` for anything else.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, `EINVAL` as above, or what else libdfs says.
    #[doc(alias = "dfs_get_symlink_value")]
    pub fn read_link(&self, name: &CStr) -> Result<CString> {
        let (link, mode) = self.look(name)?;
        if EntryKind::of_mode(mode) != EntryKind::Symlink {
            return Err(DfsErrno::from_raw(libc::EINVAL));
        }
        let mut target = vec![0u8; daos_sys::DFS_MAX_PATH as usize];
        let mut size = target.len() as u64;
        // SAFETY: an open link, a buffer of the size given, and a place for the size.
        DfsErrno::check(unsafe {
            daos_sys::dfs_get_symlink_value(link.as_ptr(), target.as_mut_ptr().cast(), &mut size)
        })?;
        CStr::from_bytes_until_nul(&target).map(CStr::to_owned).map_err(|_| DfsErrno::from_raw(libc::EIO))
    }

    /// Looks a name up without following links.
    fn look(&self, name: &CStr) -> Result<(Handle<'m>, u32)> {
        let mount = self.handle.mount();
        let mut mode = 0;
        let flags = libc::O_RDONLY | libc::O_NOFOLLOW;
        // SAFETY: a mount, an open directory, a NUL-terminated name, places for object and mode, and no stat asked, which would cost
        // a second round trip.
        let handle = Handle::open(mount, |object| unsafe {
            daos_sys::dfs_lookup_rel(
                mount.as_ptr(),
                self.handle.as_ptr(),
                name.as_ptr(),
                flags,
                object,
                &mut mode,
                std::ptr::null_mut(),
            )
        })?;
        Ok((handle, mode))
    }

    /// What kind of thing a name stands for, at the least cost: one round trip. Links are not followed.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, or what else libdfs says.
    #[doc(alias = "dfs_lookup_rel")]
    pub fn kind(&self, name: &CStr) -> Result<EntryKind> {
        self.look(name).map(|(_, mode)| EntryKind::of_mode(mode))
    }

    /// Kind, size and times of a name; two round trips, more for wide classes. Links are not followed.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, or what else libdfs says.
    #[doc(alias = "dfs_stat")]
    pub fn stat(&self, name: &CStr) -> Result<Stat> {
        let mut stat = empty_stat();
        let (mount, parent) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount, an open directory, a NUL-terminated name, and a writable result.
        DfsErrno::check(unsafe { daos_sys::dfs_stat(mount, parent, name.as_ptr(), &mut stat) })?;
        Ok(Stat::from(&stat))
    }

    /// Removes a file, a link or an empty directory; `ENOTEMPTY` for one that is not.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, `ENOTEMPTY` as above, or what else libdfs says.
    #[doc(alias = "dfs_remove")]
    pub fn remove(&self, name: &CStr) -> Result<()> {
        self.remove_as(name, false)
    }

    /// Removes a name with everything below it.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, or what else libdfs says.
    pub fn remove_all(&self, name: &CStr) -> Result<()> {
        self.remove_as(name, true)
    }

    fn remove_as(&self, name: &CStr, force: bool) -> Result<()> {
        let (mount, parent) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount, an open directory, a NUL-terminated name, and no id asked.
        DfsErrno::check(unsafe { daos_sys::dfs_remove(mount, parent, name.as_ptr(), force, std::ptr::null_mut()) })
    }

    /// Renames an entry; an existing target is replaced. `EXDEV` for a directory of another mount.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, `EXDEV` as above, or what else libdfs says.
    #[doc(alias = "dfs_move")]
    pub fn rename(&self, name: &CStr, new_dir: &Dir<'m>, new_name: &CStr) -> Result<()> {
        new_dir.handle.check_mount(self.handle.mount())?;
        let (mount, parent) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        let new_parent = new_dir.handle.as_ptr();
        // SAFETY: a mount, two open directories, two NUL-terminated names, and no id asked.
        DfsErrno::check(unsafe {
            daos_sys::dfs_move(mount, parent, name.as_ptr(), new_parent, new_name.as_ptr(), std::ptr::null_mut())
        })
    }

    /// Changes the permissions of a name; links are followed.
    ///
    /// # Errors
    /// `ENOENT` when there is nothing, or what else libdfs says.
    #[doc(alias = "dfs_chmod")]
    pub fn chmod(&self, name: &CStr, permissions: u32) -> Result<()> {
        let (mount, parent) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount, an open directory, and a NUL-terminated name.
        DfsErrno::check(unsafe { daos_sys::dfs_chmod(mount, parent, name.as_ptr(), permissions) })
    }

    /// The same directory opened once more, for another thread; no round trip.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_dup")]
    pub fn try_clone(&self) -> Result<Dir<'m>> {
        self.handle.again(self.handle.mount().dir_flags()).map(Dir::new)
    }

    /// The directory's class, and the defaults of new entries in it.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_obj_get_info")]
    pub fn info(&self) -> Result<ObjectInfo> {
        ObjectInfo::query(&self.handle)
    }

    /// The directory's id.
    ///
    /// # Errors
    /// What libdfs says.
    pub fn id(&self) -> Result<ObjectId> {
        self.handle.id()
    }

    /// Sets the default class of entries created in this directory from now on.
    ///
    /// # Errors
    /// What libdfs says: `EINVAL` for a class that there is not.
    #[doc(alias = "dfs_obj_set_oclass")]
    pub fn set_default_class(&mut self, class: ObjectClass) -> Result<()> {
        let (mount, object) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount and an open directory, which is borrowed exclusively: the call changes it.
        DfsErrno::check(unsafe { daos_sys::dfs_obj_set_oclass(mount, object, 0, class.id()) })
    }

    /// Sets the default chunk size of files created in this directory from now on.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_obj_set_chunk_size")]
    pub fn set_default_chunk(&mut self, chunk: u64) -> Result<()> {
        let (mount, object) = (self.handle.mount().as_ptr(), self.handle.as_ptr());
        // SAFETY: a mount and an open directory, which is borrowed exclusively: the call changes it.
        DfsErrno::check(unsafe { daos_sys::dfs_obj_set_chunk_size(mount, object, 0, chunk) })
    }

    /// How many cursors can list this directory in parallel, each its own part.
    ///
    /// Before 2.6.4 DAOS gets the parts of a replicated directory wrong.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_obj_anchor_split")]
    pub fn shards(&self) -> Result<u32> {
        let mut count = 0;
        // SAFETY: an open directory, and a count of 0, which asks for it.
        DfsErrno::check(unsafe {
            daos_sys::dfs_obj_anchor_split(self.handle.as_ptr(), &mut count, std::ptr::null_mut())
        })?;
        Ok(count)
    }

    /// A cursor at the beginning of the whole directory that lists up to `batch` names at a time.
    ///
    /// # Errors
    /// What libdfs says.
    pub fn cursor(&self, batch: usize) -> Result<Cursor<'m>> {
        Ok(Cursor::new(self.handle.again(libc::O_RDONLY)?, daos_anchor_t::default(), batch))
    }

    /// The names in the directory, one after the other; after an error there is none. A [`Cursor`] gives the same without copying them.
    ///
    /// # Errors
    /// What libdfs says, at once or in the place of a name.
    pub fn entries(&self) -> Result<Entries<'m>> {
        self.cursor(BATCH).map(Entries::new)
    }

    /// A cursor at the beginning of one of the parts that [`Dir::shards`] counts.
    ///
    /// # Errors
    /// What libdfs says.
    #[doc(alias = "dfs_obj_anchor_set")]
    pub fn shard_cursor(&self, index: u32, batch: usize) -> Result<Cursor<'m>> {
        Ok(Cursor::new(self.handle.again(libc::O_RDONLY)?, self.shard_anchor(index)?, batch))
    }

    pub(crate) fn shard_anchor(&self, index: u32) -> Result<daos_anchor_t> {
        let mut anchor = daos_anchor_t::default();
        // SAFETY: an open directory and a writable anchor.
        DfsErrno::check(unsafe { daos_sys::dfs_obj_anchor_set(self.handle.as_ptr(), index, &mut anchor) })?;
        Ok(anchor)
    }
}
