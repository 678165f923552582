//! A store around another one: whatever it does not do itself goes to the inner store, with nothing left out.
//!
//! ```
//! use io500_phases::backend::{Backend, Delegate, null::Null};
//! use io500_phases::error::OpResult;
//! use std::cell::Cell;
//! use std::ffi::CStr;
//!
//! /// Counts removals.
//! struct Counting(Null, Cell<u64>);
//!
//! impl Delegate for Counting {
//!     type Inner = Null;
//!     type Queue = <Null as Backend>::Queue;
//!     fn inner(&self) -> &Null {
//!         &self.0
//!     }
//!     fn queue(&self, depth: usize, transfer: usize) -> OpResult<Self::Queue> {
//!         self.0.queue(depth, transfer)
//!     }
//!     fn unlink(&self, dir: &<Null as Backend>::Dir, name: &CStr) -> OpResult<()> {
//!         self.1.set(self.1.get() + 1);
//!         self.0.unlink(dir, name)
//!     }
//! }
//!
//! let store = Counting(Null, Cell::new(0));
//! Backend::unlink(&store, &(), c"file")?;
//! assert_eq!(store.1.get(), 1);
//! assert!(!Backend::keeps_data(&store), "as the null store");
//! # Ok::<(), io500_phases::error::Errno>(())
//! ```

use super::{Access, Backend, Description, DirBatch, FileKind, FileLayout, IoQueue, ServerFilter, Stat};
use crate::error::OpResult;
use crate::plan::Hints;
use std::ffi::CStr;

type Dir<T> = <<T as Delegate>::Inner as Backend>::Dir;
type File<T> = <<T as Delegate>::Inner as Backend>::File;
type Cursor<T> = <<T as Delegate>::Inner as Backend>::Cursor;

/// The methods of [`Backend`], once as defaults that ask the inner store and once as the backend that asks these.
macro_rules! forwarded {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $result:ty;)*) => {
        /// A [`Backend`] around another one: see the [module](self). Methods are those of [`Backend`] and by default the inner store's.
        #[allow(missing_docs, clippy::missing_errors_doc)] // said at `Backend`
        pub trait Delegate {
            /// The store around which this one is.
            type Inner: Backend;
            /// As [`Backend::Queue`]: the inner store's where queues are not changed.
            type Queue: IoQueue<File<Self>>;

            /// The inner store.
            fn inner(&self) -> &Self::Inner;
            /// As [`Backend::queue`].
            fn queue(&self, depth: usize, transfer: usize) -> OpResult<Self::Queue>;
            $(
                #[inline]
                fn $name(&self $(, $argument: $type)*) -> $result {
                    Backend::$name(self.inner() $(, $argument)*)
                }
            )*
        }

        impl<T: Delegate> Backend for T {
            type Dir = Dir<T>;
            type File = File<T>;
            type Cursor = Cursor<T>;
            type Queue = T::Queue;

            fn queue(&self, depth: usize, transfer: usize) -> OpResult<T::Queue> {
                Delegate::queue(self, depth, transfer)
            }
            $(
                #[inline]
                fn $name(&self $(, $argument: $type)*) -> $result {
                    Delegate::$name(self $(, $argument)*)
                }
            )*
        }
    };
}

forwarded! {
    fn open_path(&self, path: &str) -> OpResult<Dir<Self>>;
    fn mkdir(&self, parent: &Dir<Self>, name: &CStr, hints: Hints) -> OpResult<()>;
    fn mkdir_private(&self, parent: &Dir<Self>, name: &CStr, hints: Hints) -> OpResult<()>;
    fn open_dir(&self, parent: &Dir<Self>, name: &CStr) -> OpResult<Dir<Self>>;
    fn create(&self, dir: &Dir<Self>, name: &CStr, hints: Hints) -> OpResult<File<Self>>;
    fn open(&self, dir: &Dir<Self>, name: &CStr, access: Access) -> OpResult<File<Self>>;
    fn stat(&self, dir: &Dir<Self>, name: &CStr) -> OpResult<Stat>;
    fn kind(&self, dir: &Dir<Self>, name: &CStr) -> OpResult<FileKind>;
    fn unlink(&self, dir: &Dir<Self>, name: &CStr) -> OpResult<()>;
    fn rmdir(&self, dir: &Dir<Self>, name: &CStr) -> OpResult<()>;
    fn shards(&self, dir: &Dir<Self>) -> OpResult<u32>;
    fn must_stay_whole(&self, dir: &Dir<Self>) -> bool;
    fn cursor(&self, dir: &Dir<Self>, index: u32, of: u32) -> OpResult<Cursor<Self>>;
    fn read_dir(&self, cursor: &mut Cursor<Self>, batch: &mut DirBatch) -> OpResult<()>;
    fn filtered_cursor(&self, dir: &Dir<Self>, index: u32, of: u32, filter: &ServerFilter) -> OpResult<Cursor<Self>>;
    fn scanned(&self, cursor: &Cursor<Self>) -> u64;
    fn write_at(&self, file: &File<Self>, offset: u64, data: &[u8]) -> OpResult<()>;
    fn read_at(&self, file: &File<Self>, offset: u64, data: &mut [u8]) -> OpResult<usize>;
    fn sync(&self, file: &File<Self>) -> OpResult<()>;
    fn sync_all(&self, dir: &Dir<Self>) -> OpResult<()>;
    fn close(&self, file: File<Self>) -> OpResult<()>;
    fn serial_queue(&self) -> Option<String>;
    fn export(&self, file: &File<Self>) -> OpResult<Option<Vec<u8>>>;
    fn import(&self, bytes: &[u8]) -> OpResult<File<Self>>;
    fn layout(&self, file: &File<Self>) -> OpResult<Option<FileLayout>>;
    fn keeps_data(&self) -> bool;
    fn describe(&self) -> Description;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The methods that a text declares between two marks.
    fn methods(text: &str, begin: &str, end: &str) -> BTreeSet<String> {
        let from = &text[text.find(begin).unwrap()..];
        let inside = &from[..from.find(end).unwrap()];
        let names = inside.lines().filter_map(|line| line.strip_prefix("    fn ")?.split_once('('));
        names.map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn every_method_is_forwarded() {
        let mut forwarded = methods(include_str!("delegate.rs"), "\nforwarded! {", "\n}\n");
        assert!(forwarded.insert("queue".into()) && forwarded.len() > 20);
        assert_eq!(forwarded, methods(include_str!("mod.rs"), "pub trait Backend", "\n}\n"));
    }
}
