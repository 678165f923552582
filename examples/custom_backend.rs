//! A custom storage backend for the suite: here one in the memory of this process.
//!
//! Whatever implements [`Backend`] can be measured, by the same rules and with every byte compared. The run at the end is the
//! proof that the implementation is complete: a name or a byte that got lost would be reported.
//!
//! ```text
//! cargo run --release --example custom_backend
//! ```

use io500_phases::backend::select::Single;
use io500_phases::backend::{Access, Backend, Description, DirBatch, FileKind, NoQueue, Stat};
use io500_phases::clock::wall_ns;
use io500_phases::comm::{Comm, threads};
use io500_phases::config::{Config, select_phases};
use io500_phases::error::{Errno, Error, OpResult};
use io500_phases::plan::{Hints, Plan, RankLayout};
use io500_phases::report::phase_line;
use io500_phases::results::RunResult;
use io500_phases::suite::{NoopObserver, Options, Suite};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, MutexGuard};

/// The store. Ranks are threads here and share it; processes would connect to a server.
#[derive(Clone, Default)]
struct Memory {
    root: Arc<Node>,
}

/// A directory or a file: what a name stands for, and what an open handle is.
struct Node {
    content: Mutex<Content>,
    changed_s: i64,
}

enum Content {
    Dir(BTreeMap<CString, Arc<Node>>),
    File(Vec<u8>),
}

impl Default for Node {
    fn default() -> Self {
        Node::new(Content::Dir(BTreeMap::new()))
    }
}

impl Node {
    fn new(content: Content) -> Self {
        Node { content: Mutex::new(content), changed_s: wall_ns() / 1_000_000_000 }
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no thread panics while holding this lock")
    }

    fn kind(&self) -> FileKind {
        match &*self.lock() {
            Content::Dir(_) => FileKind::Directory,
            Content::File(_) => FileKind::File,
        }
    }

    /// Works on the names of a directory.
    fn names<T>(&self, work: impl FnOnce(&mut BTreeMap<CString, Arc<Node>>) -> OpResult<T>) -> OpResult<T> {
        match &mut *self.lock() {
            Content::Dir(names) => work(names),
            Content::File(_) => Err(Errno(errno::ENOTDIR)),
        }
    }

    /// Works on the bytes of a file.
    fn bytes<T>(&self, work: impl FnOnce(&mut Vec<u8>) -> T) -> OpResult<T> {
        match &mut *self.lock() {
            Content::File(bytes) => Ok(work(bytes)),
            Content::Dir(_) => Err(Errno(errno::EISDIR)),
        }
    }

    fn child(&self, name: &CStr) -> OpResult<Arc<Node>> {
        self.names(|names| names.get(name).cloned().ok_or(Errno(errno::ENOENT)))
    }

    /// The node of a name, made if it is not there; and whether it was.
    fn child_or(&self, name: &CStr, new: impl FnOnce() -> Content) -> OpResult<(Arc<Node>, bool)> {
        self.names(|names| match names.get(name) {
            Some(there) => Ok((there.clone(), true)),
            None => {
                let node = Arc::new(Node::new(new()));
                names.insert(name.to_owned(), node.clone());
                Ok((node, false))
            }
        })
    }
}

/// Error numbers, as Linux has them.
mod errno {
    pub const ENOENT: i32 = 2;
    pub const EEXIST: i32 = 17;
    pub const ENOTDIR: i32 = 20;
    pub const EISDIR: i32 = 21;
    pub const ENOTEMPTY: i32 = 39;
}

impl Backend for Memory {
    type Dir = Arc<Node>;
    type File = Arc<Node>;
    type Cursor = Vec<(CString, FileKind)>;
    type Queue = NoQueue;

    fn open_path(&self, path: &str) -> OpResult<Arc<Node>> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.map(|part| CString::new(part).expect("no NUL")).try_fold(self.root.clone(), |dir, name| dir.child(&name))
    }

    fn mkdir(&self, parent: &Arc<Node>, name: &CStr, _hints: Hints) -> OpResult<()> {
        match parent.child_or(name, || Content::Dir(BTreeMap::new()))? {
            (_, true) => Err(Errno(errno::EEXIST)),
            (_, false) => Ok(()),
        }
    }

    fn open_dir(&self, parent: &Arc<Node>, name: &CStr) -> OpResult<Arc<Node>> {
        parent.child(name)
    }

    fn create(&self, dir: &Arc<Node>, name: &CStr, _hints: Hints) -> OpResult<Arc<Node>> {
        dir.child_or(name, || Content::File(Vec::new())).map(|(file, _)| file)
    }

    fn open(&self, dir: &Arc<Node>, name: &CStr, _access: Access) -> OpResult<Arc<Node>> {
        dir.child(name)
    }

    fn stat(&self, dir: &Arc<Node>, name: &CStr) -> OpResult<Stat> {
        let node = dir.child(name)?;
        let size = node.bytes(|bytes| bytes.len() as u64).unwrap_or(0);
        Ok(Stat { kind: node.kind(), size, ctime: node.changed_s, mtime: node.changed_s })
    }

    fn unlink(&self, dir: &Arc<Node>, name: &CStr) -> OpResult<()> {
        dir.names(|names| names.remove(name).map(drop).ok_or(Errno(errno::ENOENT)))
    }

    fn rmdir(&self, dir: &Arc<Node>, name: &CStr) -> OpResult<()> {
        let empty = dir.child(name)?.names(|names| Ok(names.is_empty()))?;
        if empty { self.unlink(dir, name) } else { Err(Errno(errno::ENOTEMPTY)) }
    }

    fn cursor(&self, dir: &Arc<Node>, _index: u32, _of: u32) -> OpResult<Self::Cursor> {
        dir.names(|names| Ok(names.iter().map(|(name, node)| (name.clone(), node.kind())).collect()))
    }

    fn read_dir(&self, cursor: &mut Self::Cursor, batch: &mut DirBatch) -> OpResult<()> {
        batch.clear();
        cursor.drain(..).for_each(|(name, kind)| batch.push(name.to_bytes(), Some(kind)));
        Ok(())
    }

    fn write_at(&self, file: &Arc<Node>, offset: u64, data: &[u8]) -> OpResult<()> {
        let (begin, end) = (offset as usize, offset as usize + data.len());
        file.bytes(|bytes| {
            bytes.resize(bytes.len().max(end), 0);
            bytes[begin..end].copy_from_slice(data);
        })
    }

    fn read_at(&self, file: &Arc<Node>, offset: u64, data: &mut [u8]) -> OpResult<usize> {
        file.bytes(|bytes| {
            let there = bytes.get(offset as usize..).unwrap_or_default();
            let got = there.len().min(data.len());
            data[..got].copy_from_slice(&there[..got]);
            got
        })
    }

    fn describe(&self) -> Description {
        let mut description = Description::new("memory", "a map in this process");
        description.doubts.push("the store is the memory of one process".into());
        description
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sizes = ["ior-easy.blockSize=64m", "ior-hard.segmentCount=1000", "mdtest-easy.n=5000", "mdtest-hard.n=2000"];
    let settings = sizes.into_iter().chain(["debug.stonewall-time=1"]);
    let (config, _) = settings.fold(Config::builder(), |builder, setting| builder.set(setting)).build()?;

    let memory = Memory::default();
    let mut results = threads::try_run(2, |comm| run(&config, comm, memory.clone()))?;
    let result = results.swap_remove(0)?.expect("rank 0 has the result");
    result.phases.iter().for_each(|phase| print!("{}", phase_line(phase)));
    let faults: u64 = result.phases.iter().filter_map(|phase| phase.check.as_ref()).map(|check| check.faults()).sum();
    println!("{faults} faults in what was read, found and removed");
    if faults == 0 { Ok(()) } else { Err("the store lost something".into()) }
}

/// What every rank does.
fn run(config: &Config, comm: &dyn Comm, backend: Memory) -> Result<Option<RunResult>, Error> {
    let phases = select_phases("all", false)?;
    let layout = RankLayout { ranks: comm.size(), mdtest_shift: comm.topology().mdtest_shift() };
    let plan = Plan::new(config, phases, layout, "2026.01.01-00.00.00", |_| Default::default());
    let stores = Single { backend, datadir: "/bench".to_owned() };
    Suite::new(config, &plan, Options::default()).run(comm, &stores, &mut NoopObserver)
}

#[test]
fn the_suite_finds_no_fault_in_it() {
    main().unwrap();
}
