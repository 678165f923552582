//! A storage system as one process sees it.
//!
//! [`Backend`] is what the suite measures; thirteen methods make one, the others have defaults. [`Delegate`] is a backend around
//! another one.

pub mod delegate;
#[cfg(feature = "dfs")]
pub mod dfs;
#[cfg(feature = "dfs")]
pub mod dfs_connection;
pub mod fault;
mod io_queue;
pub mod null;
pub mod posix;
mod posix_dfuse;
mod posix_facts;
mod posix_file;
mod posix_queue;
#[cfg(feature = "dfs")]
mod posix_sockets;
#[cfg(test)]
mod queue_contract;
pub mod select;
mod slots;
mod state;

pub use delegate::Delegate;
pub use io_queue::{IoQueue, NoQueue};
pub use state::{AttachState, EngineAddress, PoolState, Space};

use crate::error::{Errno, OpResult};
use crate::plan::Hints;
use std::ffi::{CStr, CString};

/// A storage system as one rank sees it, in the manner of `openat`: every name is one component below an open directory,
/// which is what `dfs_open(parent, name)` wants and what saves a path walk on POSIX.
///
/// A backend borrows its connection (`daos_dfs::Mount`), so handles are plain types with that lifetime and cannot outlive it.
/// It belongs to one thread. Nothing here logs, formats or retries.
///
/// # Errors
/// Whatever fails gives the errno of the store, as POSIX has it: `ENOENT` for a name that is not there, for instance.
#[allow(clippy::missing_errors_doc)] // said above for all
pub trait Backend {
    /// An open directory.
    type Dir;
    /// An open file.
    type File;
    /// A place in the listing of one directory; it holds whatever the store needs to go on.
    type Cursor;
    /// Transfers in flight; [`NoQueue`] where there are none.
    type Queue: IoQueue<Self::File>;

    /// Opens the data directory, or a path below the root of the store; every component must exist. The path is text as
    /// [`crate::text`] has it, the same for all stores.
    fn open_path(&self, path: &str) -> OpResult<Self::Dir>;
    /// Creates a directory. `EEXIST` if the name is taken.
    fn mkdir(&self, parent: &Self::Dir, name: &CStr, hints: Hints) -> OpResult<()>;
    /// Creates a directory that only its owner may read, where the store has permissions: for the data directory.
    fn mkdir_private(&self, parent: &Self::Dir, name: &CStr, hints: Hints) -> OpResult<()> {
        self.mkdir(parent, name, hints)
    }
    /// Opens a directory for name operations and listing.
    fn open_dir(&self, parent: &Self::Dir, name: &CStr) -> OpResult<Self::Dir>;
    /// Creates a file, or opens an existing one, for writing and reading.
    fn create(&self, dir: &Self::Dir, name: &CStr, hints: Hints) -> OpResult<Self::File>;
    /// Opens a file that must exist.
    fn open(&self, dir: &Self::Dir, name: &CStr, access: Access) -> OpResult<Self::File>;
    /// Kind, size and change time; symbolic links are not followed.
    fn stat(&self, dir: &Self::Dir, name: &CStr) -> OpResult<Stat>;
    /// The kind of a name at the least cost the store allows (DFS: one round trip, against two or more of `stat`).
    fn kind(&self, dir: &Self::Dir, name: &CStr) -> OpResult<FileKind> {
        self.stat(dir, name).map(|stat| stat.kind)
    }
    /// Removes a file.
    fn unlink(&self, dir: &Self::Dir, name: &CStr) -> OpResult<()>;
    /// Removes an empty directory; `ENOTEMPTY` otherwise.
    fn rmdir(&self, dir: &Self::Dir, name: &CStr) -> OpResult<()>;
    /// How many cursors can list one directory in parallel. 1 where the store cannot split it, which is the default.
    fn shards(&self, _dir: &Self::Dir) -> OpResult<u32> {
        Ok(1)
    }
    /// Whether `shards` says one for a directory that has several, because the store would list its shards wrong.
    fn must_stay_whole(&self, _dir: &Self::Dir) -> bool {
        false
    }
    /// A cursor at the beginning of shard `index` of `of` (both as `shards` gave; `0, 1` is the whole directory).
    fn cursor(&self, dir: &Self::Dir, index: u32, of: u32) -> OpResult<Self::Cursor>;
    /// Replaces `batch` with the next entries, never `.` or `..`; an empty batch at the end.
    fn read_dir(&self, cursor: &mut Self::Cursor, batch: &mut DirBatch) -> OpResult<()>;
    /// Like `cursor`, with the store's servers leaving out what is neither a directory nor has a name that passes: `read_dir` then gives
    /// entries with their kinds, an empty batch only at the end. `ENOTSUP` where servers do not filter.
    fn filtered_cursor(
        &self,
        _dir: &Self::Dir,
        _index: u32,
        _of: u32,
        _filter: &ServerFilter,
    ) -> OpResult<Self::Cursor> {
        Err(Errno(libc::ENOTSUP))
    }
    /// Entries that the servers have looked at so far for a filtered cursor, those left out too.
    fn scanned(&self, _cursor: &Self::Cursor) -> u64 {
        0
    }
    /// Writes the whole buffer.
    fn write_at(&self, file: &Self::File, offset: u64, data: &[u8]) -> OpResult<()>;
    /// Reads until the buffer is full or the file ends; the number of bytes read.
    fn read_at(&self, file: &Self::File, offset: u64, data: &mut [u8]) -> OpResult<usize>;
    /// Makes a file's data durable. By default there is nothing to do: what is written is durable.
    fn sync(&self, _file: &Self::File) -> OpResult<()> {
        Ok(())
    }
    /// Makes everything below the data directory durable (POSIX: `sync()`, as mdtest does). By default there is nothing to do.
    fn sync_all(&self, _dir: &Self::Dir) -> OpResult<()> {
        Ok(())
    }
    /// Closes a file; errors that the store held back appear here. By default it is dropped.
    fn close(&self, _file: Self::File) -> OpResult<()> {
        Ok(())
    }
    /// A queue of `depth` transfers, each with its own buffer of `transfer` bytes. By default there is none, `ENOSYS`, and a run with
    /// more than one transfer in flight ends with that; [`NoQueue`] is the type for such a store.
    fn queue(&self, _depth: usize, _transfer: usize) -> OpResult<Self::Queue> {
        Err(Errno(libc::ENOSYS))
    }
    /// Why the transfers of a queue run one after the other here; none where they overlap.
    fn serial_queue(&self) -> Option<String> {
        None
    }
    /// An open file as bytes that `import` of another rank turns into the same open file, where the store can do that. By default
    /// it cannot, and every rank opens a shared file for itself.
    fn export(&self, _file: &Self::File) -> OpResult<Option<Vec<u8>>> {
        Ok(None)
    }
    /// The inverse of `export`.
    fn import(&self, _bytes: &[u8]) -> OpResult<Self::File> {
        Err(Errno(libc::ENOSYS))
    }
    /// The object class and chunk size that a file really has, where the store has such things.
    fn layout(&self, _file: &Self::File) -> OpResult<Option<FileLayout>> {
        Ok(None)
    }
    /// False where a read cannot return what was written (the null backend): the reader then brings the content itself, so that
    /// verification still runs at its full cost.
    fn keeps_data(&self) -> bool {
        true
    }
    /// What this store is, for provenance and for the strict verdict.
    fn describe(&self) -> Description;
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Access {
    Read,
    Write,
    ReadWrite,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FileKind {
    File,
    Directory,
    Symlink,
    Other,
}

/// What `stat` tells that a benchmark needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// File, directory, …
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// Change time, whole seconds since 1970.
    pub ctime: i64,
    /// Modification time, whole seconds since 1970.
    pub mtime: i64,
}

/// What servers look at in an entry that is not a directory: its name only. The times that they know are those of the entry and not of
/// the file, and what matches by name is asked about anyway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFilter {
    /// The name, with `*` for any bytes.
    pub name: String,
}

/// A batch of directory entries: names back to back, NUL-terminated, no allocation once grown.
#[derive(Debug, Default, Clone)]
pub struct DirBatch {
    /// The names, each followed by NUL.
    pub names: Vec<u8>,
    /// Per entry: start of its name in `names`, and its kind where the listing already tells it.
    pub entries: Vec<(u32, Option<FileKind>)>,
}

impl DirBatch {
    /// Forgets the entries, keeps the memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.entries.clear();
    }

    /// Adds an entry; `name` without NUL.
    pub fn push(&mut self, name: &[u8], kind: Option<FileKind>) {
        self.entries.push((self.names.len() as u32, kind));
        self.names.extend_from_slice(name);
        self.names.push(0);
    }

    /// The entries in the order listed.
    pub fn iter(&self) -> impl Iterator<Item = (&CStr, Option<FileKind>)> {
        (0..self.entries.len()).filter_map(|index| self.get(index))
    }

    /// One entry by its place.
    pub fn get(&self, index: usize) -> Option<(&CStr, Option<FileKind>)> {
        let &(start, kind) = self.entries.get(index)?;
        let name = CStr::from_bytes_until_nul(&self.names[start as usize..]).expect("push adds the NUL");
        Some((name, kind))
    }
}

/// Calls `each` with every entry of a directory; see [`entries`] for an iterator.
///
/// # Errors
/// What the store says.
pub fn list<B: Backend>(backend: &B, dir: &B::Dir, mut each: impl FnMut(&CStr, Option<FileKind>)) -> OpResult<()> {
    let mut cursor = backend.cursor(dir, 0, 1)?;
    let mut batch = DirBatch::default();
    loop {
        backend.read_dir(&mut cursor, &mut batch)?;
        if batch.entries.is_empty() {
            return Ok(());
        }
        batch.iter().for_each(|(name, kind)| each(name, kind));
    }
}

/// The entries of a directory, one after the other, each with its kind where the listing already tells it. After an error there is no
/// further entry.
///
/// # Errors
/// What the store says, at once or in the place of an entry.
pub fn entries<'b, B: Backend>(
    backend: &'b B,
    dir: &B::Dir,
) -> OpResult<impl Iterator<Item = OpResult<(CString, Option<FileKind>)>> + use<'b, B>> {
    let mut cursor = backend.cursor(dir, 0, 1)?;
    let mut batch = DirBatch::default();
    let mut at = Some(0);
    Ok(std::iter::from_fn(move || {
        let mut place = at?;
        if place == batch.entries.len() {
            if let Err(errno) = backend.read_dir(&mut cursor, &mut batch) {
                at = None;
                return Some(Err(errno));
            }
            place = 0;
        }
        let entry = batch.get(place).map(|(name, kind)| Ok((name.to_owned(), kind)));
        at = entry.is_some().then_some(place + 1);
        entry
    }))
}

/// The layout that a file really has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct FileLayout {
    /// Name of the object class.
    pub object_class: String,
    /// Bytes.
    pub chunk_size: u64,
}

/// What a store is.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Description {
    /// `DFS`, `POSIX` or `null`.
    pub api: String,
    /// Who provides it: `libdfs 2.8.0`, `stand-in for libdfs`, a file system type such as `tmpfs`.
    pub provider: String,
    /// False for a stand-in and for the null backend: a doubt of the strict verdict.
    pub real: bool,
    /// Other facts, in display order: pool, container, mount point, caching, free space, …
    pub facts: Vec<(String, String)>,
    /// Doubts about this store that belong in the strict verdict (caching, stand-in, interception …), one sentence each.
    pub doubts: Vec<String>,
    /// What makes this store slower than it has to be, one sentence each: questions, not reasons against a result.
    #[serde(default)]
    pub questions: Vec<String>,
    /// Health of the DAOS pool, where the store knows it.
    #[serde(default)]
    pub pool: Option<PoolState>,
    /// Space, where the store knows it.
    #[serde(default)]
    pub space: Option<Space>,
    /// What the agent tells of a DAOS system, where libdaos can be asked for it.
    #[serde(default)]
    pub attach: Option<AttachState>,
}

impl Description {
    /// What every store has: its API's name, and who provides it. It is not `real` until that is said.
    pub fn new(api: impl Into<String>, provider: impl Into<String>) -> Self {
        Description { api: api.into(), provider: provider.into(), ..Description::default() }
    }

    /// Whether this is a file system that shows what is in a DAOS container: a dfuse mount, or an interception library is loaded.
    pub fn shows_daos(&self) -> bool {
        let is =
            |name: &str, shows: fn(&str) -> bool| self.facts.iter().any(|(fact, value)| fact == name && shows(value));
        is("file system", |kind| kind.starts_with("fuse.daos")) || is("interception", |library| library != "none")
    }
}
