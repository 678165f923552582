//! A store in memory that does what real ones do to a walk: several cursors for one directory, listings without kinds, filtering
//! servers, directories that cannot be read, entries that vanish, a lookup that panics.

use io500_phases::backend::null::NullQueue;
use io500_phases::backend::{Access, Backend, Description, DirBatch, FileKind, FileLayout, ServerFilter, Stat};
use io500_phases::error::{Errno, OpResult};
use io500_phases::plan::{Glob, Hints, Predicate};
use std::ffi::CStr;

/// A tree: what a name stands for.
#[derive(Debug, Clone)]
pub enum Node {
    File {
        size: u64,
        ctime: i64,
    },
    Symlink,
    Dir(Vec<(String, Node)>),
    /// A directory that cannot be opened.
    Unreadable,
    /// A directory of whose last shard the listing breaks off.
    Broken,
    /// A file that is gone when it is looked up.
    GoneFile,
    /// A directory that is gone when it is opened.
    GoneDir,
    /// A file that cannot be looked up.
    Refused,
    /// A file whose lookup panics.
    Panics,
}

/// How the store behaves.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Cursors per directory.
    pub shards: u32,
    /// Whether listings tell kinds.
    pub tells_kinds: bool,
    /// The servers filter shards with a smaller number than this, and refuse others.
    pub filters: u32,
    /// Entries per batch.
    pub batch: usize,
}

pub struct Store {
    pub tree: Node,
    pub manner: Manner,
}

/// What the rules count, from the tree itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    pub found: u64,
    pub total: u64,
    pub checked: u64,
    pub errors: u64,
}

impl Store {
    pub fn expect(&self, predicate: &Predicate) -> Expected {
        let mut expected = Expected::default();
        self.count(&self.tree, predicate, &mut expected);
        expected
    }

    fn count(&self, dir: &Node, predicate: &Predicate, sum: &mut Expected) {
        let told = self.manner.tells_kinds || self.filters_by(predicate);
        let Node::Dir(entries) = dir else { panic!("not a directory: {dir:?}") };
        for (name, node) in entries {
            sum.checked += 1;
            let named = predicate.name.as_ref().is_none_or(|glob| matches(glob, name));
            let needs_stat = predicate.size.is_some() || predicate.not_before.is_some();
            match node {
                Node::Dir(_) => self.count(node, predicate, sum),
                Node::Unreadable | Node::Broken => sum.errors += 1,
                Node::GoneDir => {}
                Node::File { size, ctime } => {
                    sum.total += 1;
                    sum.found += u64::from(named && predicate.matches(*size, *ctime));
                }
                Node::Symlink => {
                    sum.total += 1;
                    sum.found += u64::from(named && predicate.matches(7, 0));
                }
                Node::GoneFile if told => {
                    sum.total += 1;
                    sum.found += u64::from(named && !needs_stat);
                }
                Node::GoneFile => {}
                Node::Refused if told => {
                    sum.total += 1;
                    sum.errors += u64::from(named && needs_stat);
                    sum.found += u64::from(named && !needs_stat);
                }
                Node::Refused => sum.errors += 1,
                Node::Panics => panic!("such a tree has no counts"),
            }
        }
    }

    fn filters_by(&self, predicate: &Predicate) -> bool {
        self.manner.filters > 0 && predicate.name.as_ref().is_some_and(|name| name.for_servers().is_some())
    }

    fn entries<'s>(&self, dir: &&'s Node) -> &'s [(String, Node)] {
        match dir {
            Node::Dir(entries) => entries,
            _ => &[],
        }
    }

    fn find<'s>(&self, dir: &&'s Node, name: &CStr) -> OpResult<&'s Node> {
        let name = name.to_str().unwrap();
        let entry = self.entries(dir).iter().find(|(each, _)| each == name);
        entry.map(|(_, node)| node).ok_or(Errno(libc::ENOENT))
    }
}

pub fn matches(glob: &Glob, name: &str) -> bool {
    glob.matcher().matches(name.as_bytes())
}

fn kind(node: &Node) -> FileKind {
    match node {
        Node::Dir(_) | Node::Unreadable | Node::Broken | Node::GoneDir => FileKind::Directory,
        Node::Symlink => FileKind::Symlink,
        _ => FileKind::File,
    }
}

pub struct Cursor<'s> {
    dir: &'s Node,
    shard: (u32, u32),
    at: usize,
    filter: Option<ServerFilter>,
    scanned: u64,
}

fn shard_of(name: &str, of: u32) -> u32 {
    name.bytes().fold(7u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % of
}

impl<'s> Backend for &'s Store {
    type Dir = &'s Node;
    type File = ();
    type Cursor = Cursor<'s>;
    type Queue = NullQueue;

    fn open_path(&self, _path: &str) -> OpResult<&'s Node> {
        Ok(&self.tree)
    }
    fn open_dir(&self, parent: &&'s Node, name: &CStr) -> OpResult<&'s Node> {
        match self.find(parent, name)? {
            Node::Unreadable => Err(Errno(libc::EACCES)),
            Node::GoneDir => Err(Errno(libc::ENOENT)),
            dir if kind(dir) == FileKind::Directory => Ok(dir),
            _ => Err(Errno(libc::ENOTDIR)),
        }
    }
    fn stat(&self, dir: &&'s Node, name: &CStr) -> OpResult<Stat> {
        let node = self.find(dir, name)?;
        let (size, ctime) = match node {
            Node::File { size, ctime } => (*size, *ctime),
            Node::Symlink => (7, 0),
            Node::GoneFile | Node::GoneDir => return Err(Errno(libc::ENOENT)),
            Node::Refused => return Err(Errno(libc::EIO)),
            Node::Panics => panic!("a lookup that panics"),
            _ => (0, 0),
        };
        Ok(Stat { kind: kind(node), size, ctime, mtime: 0 })
    }
    fn shards(&self, _dir: &&'s Node) -> OpResult<u32> {
        Ok(self.manner.shards)
    }
    fn cursor(&self, dir: &&'s Node, index: u32, of: u32) -> OpResult<Cursor<'s>> {
        assert!(index < of && (of == 1 || of == self.manner.shards));
        Ok(Cursor { dir, shard: (index, of), at: 0, filter: None, scanned: 0 })
    }
    fn filtered_cursor(&self, dir: &&'s Node, index: u32, of: u32, filter: &ServerFilter) -> OpResult<Cursor<'s>> {
        if self.manner.filters == 0 {
            return Err(Errno(libc::ENOTSUP));
        }
        Ok(Cursor { filter: Some(filter.clone()), ..self.cursor(dir, index, of)? })
    }
    fn read_dir(&self, cursor: &mut Cursor<'s>, batch: &mut DirBatch) -> OpResult<()> {
        batch.clear();
        if matches!(cursor.dir, Node::Broken) && cursor.shard.0 + 1 == cursor.shard.1 {
            return Err(Errno(libc::EIO));
        }
        if cursor.filter.is_some() && cursor.shard.0 >= self.manner.filters {
            return Err(Errno(libc::ENOTSUP));
        }
        let entries = self.entries(&cursor.dir);
        while batch.entries.len() < self.manner.batch
            && let Some((name, node)) = entries.get(cursor.at)
        {
            cursor.at += 1;
            if shard_of(name, cursor.shard.1) != cursor.shard.0 {
                continue;
            }
            cursor.scanned += 1;
            let kind = kind(node);
            let Some(filter) = &cursor.filter else {
                batch.push(name.as_bytes(), self.manner.tells_kinds.then_some(kind));
                continue;
            };
            if kind == FileKind::Directory || matches(&Glob::new(&filter.name).unwrap(), name) {
                batch.push(name.as_bytes(), Some(kind));
            }
        }
        Ok(())
    }
    fn scanned(&self, cursor: &Cursor<'s>) -> u64 {
        cursor.scanned
    }
    fn describe(&self) -> Description {
        Description::new("memory", "")
    }

    // nothing below has a part in a walk
    fn mkdir(&self, _parent: &&'s Node, _name: &CStr, _hints: Hints) -> OpResult<()> {
        unimplemented!()
    }
    fn create(&self, _dir: &&'s Node, _name: &CStr, _hints: Hints) -> OpResult<()> {
        unimplemented!()
    }
    fn open(&self, _dir: &&'s Node, _name: &CStr, _access: Access) -> OpResult<()> {
        unimplemented!()
    }
    fn unlink(&self, _dir: &&'s Node, _name: &CStr) -> OpResult<()> {
        unimplemented!()
    }
    fn rmdir(&self, _dir: &&'s Node, _name: &CStr) -> OpResult<()> {
        unimplemented!()
    }
    fn write_at(&self, _file: &(), _offset: u64, _data: &[u8]) -> OpResult<()> {
        unimplemented!()
    }
    fn read_at(&self, _file: &(), _offset: u64, _data: &mut [u8]) -> OpResult<usize> {
        unimplemented!()
    }
    fn sync(&self, _file: &()) -> OpResult<()> {
        unimplemented!()
    }
    fn sync_all(&self, _dir: &&'s Node) -> OpResult<()> {
        unimplemented!()
    }
    fn close(&self, _file: ()) -> OpResult<()> {
        unimplemented!()
    }
    fn queue(&self, _depth: usize, _transfer: usize) -> OpResult<NullQueue> {
        unimplemented!()
    }
    fn export(&self, _file: &()) -> OpResult<Option<Vec<u8>>> {
        unimplemented!()
    }
    fn import(&self, _bytes: &[u8]) -> OpResult<()> {
        unimplemented!()
    }
    fn layout(&self, _file: &()) -> OpResult<Option<FileLayout>> {
        unimplemented!()
    }
}
