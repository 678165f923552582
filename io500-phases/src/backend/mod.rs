//! A storage system as one process sees it.

#[cfg(feature = "dfs")]
pub mod dfs;
#[cfg(feature = "dfs")]
pub mod dfs_connection;
pub mod fault;
pub mod null;
pub mod posix;
mod posix_dfuse;
mod posix_facts;
mod posix_file;
mod posix_queue;
mod posix_sockets;
#[cfg(test)]
mod queue_contract;
pub mod select;
mod slots;
mod state;

pub use state::{PoolState, Space};

use crate::error::{Errno, OpResult};
use crate::plan::Hints;
use std::ffi::CStr;

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
    /// Transfers in flight.
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
    /// How many cursors can list one directory in parallel. 1 where the store cannot split it.
    fn shards(&self, dir: &Self::Dir) -> OpResult<u32>;
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
    /// Makes a file's data durable.
    fn sync(&self, file: &Self::File) -> OpResult<()>;
    /// Makes everything below the data directory durable (POSIX: `sync()`, as mdtest does).
    fn sync_all(&self, dir: &Self::Dir) -> OpResult<()>;
    /// Closes a file; errors that the store held back appear here.
    fn close(&self, file: Self::File) -> OpResult<()>;
    /// A queue of `depth` transfers, each with its own buffer of `transfer` bytes.
    fn queue(&self, depth: usize, transfer: usize) -> OpResult<Self::Queue>;
    /// Why the transfers of a queue run one after the other here; none where they overlap.
    fn serial_queue(&self) -> Option<String> {
        None
    }
    /// An open file as bytes that `import` of another rank turns into the same open file, where the store can do that.
    fn export(&self, file: &Self::File) -> OpResult<Option<Vec<u8>>>;
    /// The inverse of `export`.
    fn import(&self, bytes: &[u8]) -> OpResult<Self::File>;
    /// The object class and chunk size that a file really has, where the store has such things.
    fn layout(&self, file: &Self::File) -> OpResult<Option<FileLayout>>;
    /// False where a read cannot return what was written (the null backend): the reader then brings the content itself, so that
    /// verification still runs at its full cost.
    fn keeps_data(&self) -> bool {
        true
    }
    /// What this store is, for provenance and for the strict verdict.
    fn describe(&self) -> Description;
}

/// Transfers in flight: fixed slots, each with its own page-aligned buffer. A slot goes `slot` → fill the `buffer` →
/// `submit_*` → `reap` → look at the `buffer` → `release`; between submit and reap nothing may touch its buffer.
///
/// The slot is the caller's from `slot` to `release`, except between submit and reap. A file may be closed while its transfers are in
/// flight. Dropping a queue waits for what is in flight. When a queue breaks and can wait no more, each transfer in flight fails
/// once with `EIO` and its slot is lost: `buffer` panics, `release` does nothing, and its memory is never freed.
#[allow(clippy::missing_errors_doc)] // said where it happens
pub trait IoQueue<F> {
    /// The number of slots.
    fn depth(&self) -> usize;
    /// Takes a free slot, if there is one.
    fn slot(&mut self) -> Option<usize>;
    /// The buffer of a slot that is taken and not in flight.
    ///
    /// # Panics
    /// Unless the caller has the slot.
    fn buffer(&mut self, slot: usize) -> &mut [u8];
    /// Starts writing the slot's whole buffer. `EBUSY` unless the caller has the slot. When it fails nothing is in flight, and the slot
    /// is still the caller's.
    fn submit_write(&mut self, slot: usize, file: &F, offset: u64) -> OpResult<()>;
    /// Starts reading into the slot's whole buffer; fails as `submit_write` does.
    fn submit_read(&mut self, slot: usize, file: &F, offset: u64) -> OpResult<()>;
    /// Waits for a transfer to finish: its slot, and the bytes moved or its error. `None` when nothing is in flight.
    fn reap(&mut self) -> Option<(usize, OpResult<usize>)>;
    /// Makes a taken slot free again.
    fn release(&mut self, slot: usize);
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
        self.entries.iter().map(|&(start, kind)| {
            let name = CStr::from_bytes_until_nul(&self.names[start as usize..]).expect("push adds the NUL");
            (name, kind)
        })
    }
}

/// Calls `each` with every entry of a directory.
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

/// The layout that a file really has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct FileLayout {
    /// Name of the object class.
    pub object_class: String,
    /// Bytes.
    pub chunk_size: u64,
}

/// What a store is.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
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
}

impl Description {
    /// Whether this is a file system that shows what is in a DAOS container: a dfuse mount, or an interception library is loaded.
    pub fn shows_daos(&self) -> bool {
        let is =
            |name: &str, shows: fn(&str) -> bool| self.facts.iter().any(|(fact, value)| fact == name && shows(value));
        is("file system", |kind| kind.starts_with("fuse.daos")) || is("interception", |library| library != "none")
    }
}
