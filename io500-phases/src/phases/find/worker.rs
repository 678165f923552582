//! One thread's part of the walk: lists directories and makes lookups, one piece of work after the other.

use super::judge::{Judge, Listed};
use super::pool::{CHUNK, Next, Outcome, WorkerStatus};
use super::work::{DirRef, Handle, Path, Task, Work, child};
use crate::backend::{Backend, DirBatch, ServerFilter};
use crate::clock::now_ns;
use crate::engine::OpKind;
use crate::error::{Errno, OpResult};
use libc::ENOENT;
use std::ffi::CString;
use std::sync::Arc;

/// A piece of lookup work ends at this many bytes of names, so that it fits into a message.
const CHUNK_BYTES: usize = 8 * 1024;
/// Directories deeper than this are opened from the start of the walk and not from their parent: every level of open parents takes a
/// descriptor.
const DEEPEST_PARENT: usize = 32;

/// What gets the path of a match, from the plan's directory on; called by all threads of a rank.
pub type OnMatch<'a> = &'a (dyn Fn(&[u8]) + Sync);

/// What all workers of a rank have in common.
pub struct WalkContext<'a, B: Backend> {
    /// The store.
    pub backend: &'a B,
    /// The start of the walk.
    pub start: &'a B::Dir,
    /// Its path, for messages.
    pub below: &'a str,
    /// What matches.
    pub judge: Judge<'a>,
    /// What the servers filter by, if they do.
    pub filter: Option<ServerFilter>,
    /// Who wants to know what matches.
    pub on_match: Option<OnMatch<'a>>,
    /// When the walk began.
    pub began_ns: u64,
    /// Whether latencies are wanted.
    pub timed: bool,
}

/// A worker.
pub struct Worker<'a, 'g, B: Backend> {
    walk: &'g WalkContext<'a, B>,
    listing: Option<Listing<'a, B>>,
    /// The last directory that was opened by its path: stolen work often is about the same one.
    last: Option<(Path, DirRef<'a, B::Dir>)>,
    batch: DirBatch,
    /// The outcome that the pool has not got yet.
    pub outcome: Outcome<'a, B::Dir>,
    /// Its status with the pool.
    pub status: WorkerStatus,
}

/// A listing that is under way.
struct Listing<'a, B: Backend> {
    path: Path,
    dir: DirRef<'a, B::Dir>,
    cursor: B::Cursor,
    /// Which shard of how many.
    shard: (u32, u32),
    /// For a filtered cursor the entries that the servers had looked at before the current batch.
    scanned: Option<u64>,
}

impl<'a, 'g, B: Backend> Worker<'a, 'g, B> {
    /// A worker with nothing to do.
    pub fn new(walk: &'g WalkContext<'a, B>) -> Self {
        Worker {
            walk,
            listing: None,
            last: None,
            batch: DirBatch::default(),
            outcome: Outcome::default(),
            status: WorkerStatus::default(),
        }
    }

    /// Does what is next.
    pub fn step(&mut self, next: Next<'a, B::Dir>) {
        match next {
            Next::ReadOn => self.read_on(),
            Next::Work(work) => self.work(work),
            Next::Nothing => {}
        }
        self.status.listing = self.listing.is_some();
    }

    fn work(&mut self, work: Work<'a, B::Dir>) {
        let Work { path, handle, task } = work;
        let dir = match self.open(&path, handle) {
            Ok(dir) => dir,
            Err(errno) => return self.book(&path, "open", errno),
        };
        match task {
            Task::List => match self.walk.backend.shards(&dir) {
                Ok(0 | 1) => {
                    self.outcome.counts.whole += u64::from(self.walk.backend.must_stay_whole(&dir));
                    self.list(path, dir, (0, 1));
                }
                Ok(shards) => {
                    let (handle, task) = (Handle::Open(dir), Task::Shards(0..shards, shards));
                    self.outcome.dirs.push(Work { path, handle, task });
                }
                Err(errno) => self.book(&path, "readdir", errno),
            },
            Task::Shards(shards, of) => {
                if shards.end - shards.start > 1 {
                    let (handle, task) = (Handle::Open(dir.clone()), Task::Shards(shards.start + 1..shards.end, of));
                    self.outcome.dirs.push(Work { path: path.clone(), handle, task });
                }
                self.list(path, dir, (shards.start, of));
            }
            Task::Names(names) => self.look(&path, &dir, &names),
        }
    }

    fn open(&mut self, path: &Path, handle: Handle<'a, B::Dir>) -> OpResult<DirRef<'a, B::Dir>> {
        let backend = self.walk.backend;
        match handle {
            Handle::Open(dir) => Ok(dir),
            Handle::Parent(parent) => {
                let leaf = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
                let leaf = CString::new(leaf).map_err(|_| Errno(libc::EINVAL))?;
                backend.open_dir(&parent, &leaf).map(|dir| DirRef::Shared(Arc::new(dir)))
            }
            Handle::Far => {
                if let Some((last, dir)) = &self.last
                    && last == path
                {
                    return Ok(dir.clone());
                }
                let mut dir = DirRef::Borrowed(self.walk.start);
                for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
                    let part = CString::new(part).map_err(|_| Errno(libc::EINVAL))?;
                    dir = DirRef::Shared(Arc::new(backend.open_dir(&dir, &part)?));
                }
                self.last = Some((path.clone(), dir.clone()));
                Ok(dir)
            }
        }
    }

    fn list(&mut self, path: Path, dir: DirRef<'a, B::Dir>, shard: (u32, u32)) {
        let WalkContext { backend, filter, .. } = self.walk;
        let Some(filter) = filter else { return self.list_plain(path, dir, shard) };
        match backend.filtered_cursor(&dir, shard.0, shard.1, filter) {
            Ok(cursor) => self.listing = Some(Listing { path, dir, cursor, shard, scanned: Some(0) }),
            Err(_) => self.list_plain(path, dir, shard),
        }
    }

    fn list_plain(&mut self, path: Path, dir: DirRef<'a, B::Dir>, shard: (u32, u32)) {
        match self.walk.backend.cursor(&dir, shard.0, shard.1) {
            Ok(cursor) => {
                self.outcome.counts.unfiltered += u64::from(self.walk.filter.is_some());
                self.listing = Some(Listing { path, dir, cursor, shard, scanned: None });
            }
            Err(errno) => self.book(&path, "readdir", errno),
        }
    }

    fn read_on(&mut self) {
        let Some(mut listing) = self.listing.take() else { return };
        let backend = self.walk.backend;
        let mut batch = std::mem::take(&mut self.batch);
        let since = self.since();
        let read = backend.read_dir(&mut listing.cursor, &mut batch);
        let before = listing.scanned;
        listing.scanned = before.map(|_| backend.scanned(&listing.cursor));
        match read {
            // servers that filter other directories may refuse this one, and nothing of it has been counted yet
            Err(_) if before == Some(0) => {
                self.batch = batch;
                return self.list_plain(listing.path, listing.dir, listing.shard);
            }
            Err(errno) => self.book(&listing.path, "readdir", errno),
            Ok(()) => {
                // the end may be known already, without a call that could have a latency
                if !batch.entries.is_empty() || listing.scanned != before {
                    self.sample(OpKind::Readdir, since);
                }
                if let Some((before, now)) = before.zip(listing.scanned) {
                    let left_out = (now - before).saturating_sub(batch.entries.len() as u64);
                    self.outcome.counts.checked += left_out;
                    self.outcome.counts.total += left_out;
                }
                if !batch.entries.is_empty() {
                    self.sort(&listing, &batch);
                    self.listing = Some(listing);
                }
            }
        }
        self.batch = batch;
    }

    fn sort(&mut self, listing: &Listing<'a, B>, batch: &DirBatch) {
        let mut chunk = DirBatch::default();
        for (name, kind) in batch.iter() {
            let name = name.to_bytes();
            self.outcome.counts.checked += 1;
            let found = self.outcome.counts.found;
            match self.walk.judge.listed(name, kind, &mut self.outcome.counts) {
                Listed::Done => self.tell_beyond(found, &listing.path, name),
                Listed::Directory => self.push_directory(&listing.path, &listing.dir, name),
                Listed::NeedsStat => {
                    chunk.push(name, kind);
                    if chunk.entries.len() >= CHUNK || chunk.names.len() >= CHUNK_BYTES {
                        self.push_names(listing, std::mem::take(&mut chunk));
                    }
                }
            }
        }
        if !chunk.entries.is_empty() {
            self.push_names(listing, chunk);
        }
    }

    fn push_names(&mut self, listing: &Listing<'a, B>, names: DirBatch) {
        let (path, handle) = (listing.path.clone(), Handle::Open(listing.dir.clone()));
        self.outcome.names.push(Work { path, handle, task: Task::Names(names) });
    }

    fn push_directory(&mut self, path: &Path, dir: &DirRef<'a, B::Dir>, name: &[u8]) {
        let path = child(path, name);
        let depth = path.iter().filter(|&&byte| byte == b'/').count();
        let handle = if depth < DEEPEST_PARENT { Handle::Parent(dir.clone()) } else { Handle::Far };
        self.outcome.dirs.push(Work { path, handle, task: Task::List });
    }

    fn look(&mut self, path: &Path, dir: &DirRef<'a, B::Dir>, names: &DirBatch) {
        let WalkContext { backend, judge, .. } = self.walk;
        for (name, kind) in names.iter() {
            let since = self.since();
            let found = self.outcome.counts.found;
            let looked = judge.look(*backend, dir, name, kind, &mut self.outcome.counts);
            self.tell_beyond(found, path, name.to_bytes());
            if since.is_some() {
                self.sample(judge.lookup(name.to_bytes(), kind), since);
            }
            match looked {
                Ok(false) => {}
                Ok(true) => self.push_directory(path, dir, name.to_bytes()),
                Err(errno) => self.book(&child(path, name.to_bytes()), "stat", errno),
            }
        }
    }

    /// Tells of an entry if it is a match more than `found`.
    #[inline]
    fn tell_beyond(&self, found: u64, path: &Path, name: &[u8]) {
        if let Some(on_match) = self.walk.on_match
            && self.outcome.counts.found > found
        {
            on_match(&child(path, name));
        }
    }

    fn since(&self) -> Option<u64> {
        self.walk.timed.then(now_ns)
    }

    fn sample(&mut self, kind: OpKind, since: Option<u64>) {
        if let Some(since) = since {
            let now = now_ns();
            self.outcome.samples.push((kind, now - since, now - self.walk.began_ns));
        }
    }

    /// Counts an entry that could not be examined, unless it has vanished meanwhile.
    #[cold]
    fn book(&mut self, path: &[u8], op: &str, errno: Errno) {
        if errno.0 == ENOENT {
            return;
        }
        self.outcome.counts.errors += 1;
        self.outcome.error.get_or_insert_with(|| {
            let path = child(self.walk.below.as_bytes(), path);
            format!("{op} {}: {errno}", crate::text::escape(&path))
        });
    }
}
