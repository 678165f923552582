//! Places in the listing of a directory, and the names that they give.

use crate::error::DfsErrno;
use crate::handle::{Handle, NotSync};
use daos_sys::{daos_anchor_is_eof, daos_anchor_t};
use std::ffi::{CStr, CString};

type Result<T> = std::result::Result<T, DfsErrno>;

/// A place in the listing of a directory. It has a handle of its own, so several of one directory may be in several threads.
pub struct Cursor<'m> {
    handle: Handle<'m>,
    anchor: daos_anchor_t,
    entries: Box<[libc::dirent]>,
    _one_thread: NotSync,
}

impl<'m> Cursor<'m> {
    /// With a handle of its own.
    pub(crate) fn new(handle: Handle<'m>, anchor: daos_anchor_t, batch: usize) -> Cursor<'m> {
        Cursor { handle, anchor, entries: empty_entries(batch), _one_thread: NotSync::default() }
    }

    /// The next names, in the order of the store; empty at the end only.
    ///
    /// # Errors
    /// What libdfs says; the cursor stays where it is.
    #[doc(alias = "dfs_readdir")]
    pub fn next_batch(&mut self) -> Result<impl ExactSizeIterator<Item = &CStr>> {
        let count = self.fill()?;
        Ok(self.entries[..count].iter().map(name_of))
    }

    /// Fills the places with the next names: how many.
    fn fill(&mut self) -> Result<usize> {
        let mut count = 0;
        while count == 0 && !daos_anchor_is_eof(&self.anchor) {
            count = self.entries.len() as u32;
            // SAFETY: a mount, an open directory, an anchor that only such calls change, and `count` places.
            DfsErrno::check(unsafe {
                daos_sys::dfs_readdir(
                    self.handle.mount().as_ptr(),
                    self.handle.as_ptr(),
                    &mut self.anchor,
                    &mut count,
                    self.entries.as_mut_ptr(),
                )
            })?;
        }
        Ok(count as usize)
    }
}

/// The names in a directory, one after the other: see [`Dir::entries`](crate::Dir::entries).
pub struct Entries<'m> {
    cursor: Cursor<'m>,
    /// The places of the batch that were not given out yet.
    left: std::ops::Range<usize>,
    over: bool,
}

impl<'m> Entries<'m> {
    pub(crate) fn new(cursor: Cursor<'m>) -> Entries<'m> {
        Entries { cursor, left: 0..0, over: false }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<CString>;

    fn next(&mut self) -> Option<Result<CString>> {
        if self.over {
            return None;
        }
        if self.left.is_empty() {
            match self.cursor.fill() {
                Ok(count) => self.left = 0..count,
                Err(errno) => {
                    self.over = true;
                    return Some(Err(errno));
                }
            }
        }
        let place = self.left.next();
        self.over = place.is_none();
        place.map(|place| Ok(name_of(&self.cursor.entries[place]).to_owned()))
    }
}

impl std::iter::FusedIterator for Entries<'_> {}

/// Places for the entries of a batch.
pub(crate) fn empty_entries(batch: usize) -> Box<[libc::dirent]> {
    // SAFETY: `dirent` is plain integers, for which zero is valid.
    vec![unsafe { std::mem::zeroed::<libc::dirent>() }; batch.max(1)].into_boxed_slice()
}

/// The name in an entry that libdfs has filled.
pub(crate) fn name_of(entry: &libc::dirent) -> &CStr {
    // SAFETY: libdfs ends every name with NUL inside the array.
    unsafe { CStr::from_ptr(entry.d_name.as_ptr()) }
}
