//! Open objects: what directories, files and links have in common.

use crate::error::DfsErrno;
use crate::mount::Mount;
use crate::oclass::ObjectClass;
use daos_sys::{daos_obj_id_t, dfs_obj_t};
use std::marker::PhantomData;
use std::ptr::NonNull;

/// An open object of a mount; released when dropped.
pub(crate) struct Handle<'m> {
    object: NonNull<dfs_obj_t>,
    mount: &'m Mount,
}

// SAFETY: libdfs has no thread-local state; an object opened by one thread may be used by another.
unsafe impl Send for Handle<'_> {}
// SAFETY: calls that take a directory as parent only read the object, and those that change it take `&mut Dir`. Files and cursors are
// not `Sync`; a file is shared only with the queues that have its transfers in flight, which libdaos serialises itself.
unsafe impl Sync for Handle<'_> {}

/// Makes a type that may go to another thread but not be used by two at once.
pub(crate) type NotSync = PhantomData<std::cell::Cell<()>>;

impl<'m> Handle<'m> {
    /// Takes what a call that succeeded has put into its last parameter.
    pub(crate) fn new(object: *mut dfs_obj_t, mount: &'m Mount) -> Result<Handle<'m>, DfsErrno> {
        let object = NonNull::new(object).ok_or(DfsErrno::from_raw(libc::EIO))?;
        Ok(Handle { object, mount })
    }

    /// Opens by a call that returns an errno and gives the object through its parameter.
    pub(crate) fn open(
        mount: &'m Mount,
        call: impl FnOnce(*mut *mut dfs_obj_t) -> std::ffi::c_int,
    ) -> Result<Handle<'m>, DfsErrno> {
        let mut object = std::ptr::null_mut();
        DfsErrno::check(call(&mut object))?;
        Handle::new(object, mount)
    }

    pub(crate) fn as_ptr(&self) -> *mut dfs_obj_t {
        self.object.as_ptr()
    }

    pub(crate) fn mount(&self) -> &'m Mount {
        self.mount
    }

    /// `EXDEV` unless the object is of this mount: libdfs takes an object's number for one of the mount that it is given.
    pub(crate) fn check_mount(&self, mount: &Mount) -> Result<(), DfsErrno> {
        if std::ptr::eq(self.mount, mount) { Ok(()) } else { Err(DfsErrno::from_raw(libc::EXDEV)) }
    }

    /// The same object opened once more; no round trip.
    pub(crate) fn again(&self, flags: i32) -> Result<Handle<'m>, DfsErrno> {
        // SAFETY: mount and object are open.
        Handle::open(self.mount, |object| unsafe {
            daos_sys::dfs_dup(self.mount.as_ptr(), self.as_ptr(), flags, object)
        })
    }

    pub(crate) fn id(&self) -> Result<ObjectId, DfsErrno> {
        let mut id = daos_obj_id_t::default();
        // SAFETY: the object is open, and `id` is writable.
        DfsErrno::check(unsafe { daos_sys::dfs_obj2id(self.as_ptr(), &mut id) })?;
        Ok(ObjectId { hi: id.hi, lo: id.lo })
    }

    /// Releases the object and says whether that went well.
    pub(crate) fn close(self) -> Result<(), DfsErrno> {
        let object = self.as_ptr();
        std::mem::forget(self);
        // SAFETY: the object is open, and `self`, its only owner, is gone without dropping.
        DfsErrno::check(unsafe { daos_sys::dfs_release(object) })
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: the object is open, this is its only owner, and the mount is still there.
        unsafe { daos_sys::dfs_release(self.as_ptr()) };
    }
}

/// The id of an object, unique in its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ObjectId {
    /// Type, class, and the upper half of what is unique.
    pub hi: u64,
    /// The lower half.
    pub lo: u64,
}

impl ObjectId {
    /// The class that the object has: of its scheme, with the number of groups that the pool had room for.
    #[doc(alias = "daos_obj_id2class")]
    pub fn class(self) -> ObjectClass {
        let (scheme, groups) = (self.hi >> 48 & 0xff, self.hi >> 32 & 0xffff);
        ObjectClass::from_id((scheme << 24 | groups) as u32)
    }
}
