//! Listings that the servers filter: names by pattern, files by change time.
//!
//! DAOS 2.6 and newer, and in 2.8 only where client and engine run with `DAOS_PIPELINE=1`: try it, and fall back to a plain listing on
//! any error.

use crate::dir::Dir;
use crate::entry::EntryKind;
use crate::error::DfsErrno;
use crate::handle::ObjectId;
use crate::mount::Mount;
use std::ffi::CStr;

type Result<T> = std::result::Result<T, DfsErrno>;

/// What files have to be like. Directories are always listed, so that they can be walked.
#[derive(Debug, Clone, Default)]
pub struct FilterSpec {
    /// The name, with `*` for any bytes and `?` for any one byte.
    pub name: Option<String>,
    /// Changed after this second since 1970, that is, in a later second.
    pub newer_than: Option<i64>,
}

impl FilterSpec {
    /// The pattern in the language of the servers: `%` and `_`, and a backslash that takes their meaning away.
    #[cfg_attr(not(daos_2_6), allow(dead_code))]
    fn pattern(&self) -> Option<Vec<u8>> {
        let name = self.name.as_ref()?;
        let mut pattern = Vec::with_capacity(name.len() + 8);
        for byte in name.bytes() {
            match byte {
                b'*' => pattern.push(b'%'),
                b'?' => pattern.push(b'_'),
                b'%' | b'_' | b'\\' => pattern.extend([b'\\', byte]),
                other => pattern.push(other),
            }
        }
        Some(pattern)
    }
}

/// An entry that has passed a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilteredEntry<'b> {
    /// Its name.
    pub name: &'b CStr,
    /// Its kind.
    pub kind: EntryKind,
    /// Its object's id; with the chunk size it gives a file's size, see [`Mount::size_by_id`].
    pub id: ObjectId,
    /// A file's chunk size.
    pub chunk: u64,
}

#[cfg(daos_2_6)]
mod with_pipeline {
    use super::*;
    use crate::cursor::{empty_entries, name_of};
    use crate::handle::{Handle, NotSync};
    use daos_sys::{daos_anchor_is_eof, daos_anchor_t, daos_obj_id_t, dfs_pipeline_t, dfs_predicate_t};
    use std::ptr::NonNull;

    /// A filter that the servers understand.
    #[doc(alias = "dfs_pipeline_create")]
    pub struct Filter<'m> {
        pipeline: NonNull<dfs_pipeline_t>,
        mount: &'m Mount,
        _one_thread: NotSync,
    }

    // SAFETY: a pipeline is plain memory of libdfs; it may be used by another thread than the one that made it.
    unsafe impl Send for Filter<'_> {}

    impl<'m> Filter<'m> {
        /// Prepares a filter. `ENAMETOOLONG` for a pattern longer than a name can be.
        ///
        /// # Errors
        /// `ENAMETOOLONG` as above, `ENOSYS` before DAOS 2.6, or what libdfs says.
        pub fn new(mount: &'m Mount, spec: &FilterSpec) -> Result<Filter<'m>> {
            let mut flags = 0;
            // SAFETY: a predicate is plain integers, for which zero is valid.
            let mut predicate: dfs_predicate_t = unsafe { std::mem::zeroed() };
            if let Some(pattern) = spec.pattern() {
                if pattern.len() >= predicate.dp_name.len() {
                    return Err(DfsErrno::from_raw(libc::ENAMETOOLONG));
                }
                for (to, from) in predicate.dp_name.iter_mut().zip(pattern) {
                    *to = from as std::ffi::c_char;
                }
                flags |= daos_sys::DFS_FILTER_NAME;
            }
            if let Some(second) = spec.newer_than {
                predicate.dp_newer = second;
                flags |= daos_sys::DFS_FILTER_NEWER;
            }
            let mut pipeline = std::ptr::null_mut();
            // SAFETY: a mount, a predicate by value, and a place for the pipeline.
            DfsErrno::check(unsafe {
                daos_sys::dfs_pipeline_create(mount.as_ptr(), predicate, flags.into(), &mut pipeline)
            })?;
            let pipeline = NonNull::new(pipeline).ok_or(DfsErrno::from_raw(libc::EIO))?;
            Ok(Filter { pipeline, mount, _one_thread: NotSync::default() })
        }

        /// A cursor over what passes in a whole directory, up to `batch` entries at a time. `EXDEV` for a directory of another mount.
        ///
        /// # Errors
        /// `EXDEV` as above, or what libdfs says.
        pub fn cursor(self, dir: &Dir<'m>, batch: usize) -> Result<FilteredCursor<'m>> {
            FilteredCursor::new(self, dir, daos_anchor_t::default(), batch)
        }

        /// A cursor over what passes in one of the parts that [`Dir::shards`] counts.
        ///
        /// # Errors
        /// As for [`cursor`](Self::cursor).
        pub fn shard_cursor(self, dir: &Dir<'m>, index: u32, batch: usize) -> Result<FilteredCursor<'m>> {
            FilteredCursor::new(self, dir, dir.shard_anchor(index)?, batch)
        }
    }

    impl Drop for Filter<'_> {
        fn drop(&mut self) {
            // SAFETY: the pipeline was created above, and the one cursor that has it owns `self`.
            unsafe { daos_sys::dfs_pipeline_destroy(self.pipeline.as_ptr()) };
        }
    }

    /// A place in a filtered listing, with a filter of its own.
    pub struct FilteredCursor<'m> {
        filter: Filter<'m>,
        handle: Handle<'m>,
        anchor: daos_anchor_t,
        entries: Box<[libc::dirent]>,
        ids: Box<[daos_obj_id_t]>,
        chunks: Box<[u64]>,
        scanned: u64,
        _one_thread: NotSync,
    }

    impl<'m> FilteredCursor<'m> {
        fn new(filter: Filter<'m>, dir: &Dir<'m>, anchor: daos_anchor_t, batch: usize) -> Result<Self> {
            dir.handle().check_mount(filter.mount)?;
            let entries = empty_entries(batch);
            Ok(FilteredCursor {
                filter,
                handle: dir.handle().again(libc::O_RDONLY)?,
                anchor,
                ids: vec![daos_obj_id_t::default(); entries.len()].into_boxed_slice(),
                chunks: vec![0; entries.len()].into_boxed_slice(),
                entries,
                scanned: 0,
                _one_thread: NotSync::default(),
            })
        }

        /// The next entries that pass, in the order of the store; empty at the end only.
        ///
        /// # Errors
        /// What libdfs says: `ENOTSUP` where the servers do not filter.
        #[doc(alias = "dfs_readdir_with_filter")]
        pub fn next_batch(&mut self) -> Result<impl ExactSizeIterator<Item = FilteredEntry<'_>>> {
            let mut count = 0;
            while count == 0 && !daos_anchor_is_eof(&self.anchor) {
                count = self.entries.len() as u32;
                let mut scanned = 0;
                // SAFETY: a mount, an open directory, a pipeline, an anchor that only such calls change, and `count` places of each
                // kind.
                DfsErrno::check(unsafe {
                    daos_sys::dfs_readdir_with_filter(
                        self.filter.mount.as_ptr(),
                        self.handle.as_ptr(),
                        self.filter.pipeline.as_ptr(),
                        &mut self.anchor,
                        &mut count,
                        self.entries.as_mut_ptr(),
                        self.ids.as_mut_ptr(),
                        self.chunks.as_mut_ptr(),
                        &mut scanned,
                    )
                })?;
                self.scanned += scanned;
            }
            let entry = |((entry, id), chunk): ((_, &daos_obj_id_t), &u64)| FilteredEntry {
                name: name_of(entry),
                kind: EntryKind::of_dirent(entry.d_type),
                id: ObjectId { hi: id.hi, lo: id.lo },
                chunk: *chunk,
            };
            Ok(self.entries[..count as usize].iter().zip(&self.ids).zip(&self.chunks).map(entry))
        }

        /// How many entries the servers have looked at so far.
        pub fn scanned(&self) -> u64 {
            self.scanned
        }
    }
}

#[cfg(daos_2_6)]
pub use with_pipeline::{Filter, FilteredCursor};

/// Before DAOS 2.6 there are no filters: none can be made, and so nothing can be done with one.
#[cfg(not(daos_2_6))]
mod without_pipeline {
    use super::*;
    use std::convert::Infallible;
    use std::marker::PhantomData;

    /// A filter that the servers understand; this DAOS has none.
    pub struct Filter<'m>(Infallible, PhantomData<&'m Mount>);

    impl<'m> Filter<'m> {
        /// `ENOSYS`.
        ///
        /// # Errors
        /// `ENAMETOOLONG` as above, `ENOSYS` before DAOS 2.6, or what libdfs says.
        pub fn new(_mount: &'m Mount, _spec: &FilterSpec) -> Result<Filter<'m>> {
            Err(DfsErrno::from_raw(libc::ENOSYS))
        }

        /// A cursor over what passes in a whole directory, up to `batch` entries at a time.
        ///
        /// # Errors
        /// `EXDEV` as above, or what libdfs says.
        pub fn cursor(self, _dir: &Dir<'m>, _batch: usize) -> Result<FilteredCursor<'m>> {
            match self.0 {}
        }

        /// A cursor over what passes in one of the parts that [`Dir::shards`] counts.
        ///
        /// # Errors
        /// As for [`cursor`](Self::cursor).
        pub fn shard_cursor(self, _dir: &Dir<'m>, _index: u32, _batch: usize) -> Result<FilteredCursor<'m>> {
            match self.0 {}
        }
    }

    /// A place in a filtered listing; this DAOS has none.
    pub struct FilteredCursor<'m>(Infallible, PhantomData<Filter<'m>>);

    impl FilteredCursor<'_> {
        /// The next entries that pass, in the order of the store; empty at the end only.
        ///
        /// # Errors
        /// What libdfs says: `ENOTSUP` where the servers do not filter.
        pub fn next_batch(&mut self) -> Result<std::iter::Empty<FilteredEntry<'_>>> {
            match self.0 {}
        }

        /// How many entries the servers have looked at so far.
        pub fn scanned(&self) -> u64 {
            match self.0 {}
        }
    }
}

#[cfg(not(daos_2_6))]
pub use without_pipeline::{Filter, FilteredCursor};

#[cfg(test)]
mod tests {
    use super::FilterSpec;

    #[test]
    fn patterns_are_translated() {
        let pattern = |name: &str| FilterSpec { name: Some(name.into()), newer_than: None }.pattern().unwrap();
        assert_eq!(pattern("*01*"), b"%01%");
        assert_eq!(pattern("a_b%?"), b"a\\_b\\%_");
    }
}
