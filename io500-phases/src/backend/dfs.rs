//! DAOS through libdfs.

use super::select::Share;
use super::{Access, Backend, Description, DirBatch, FileKind, IoQueue, Layout, ServerFilter, Stat};
use crate::config::ApiSpec;
use crate::error::{Errno, Error, OpResult, Result};
use crate::plan::Hints;
use ::dfs::{ContainerAttributes, Mount, MountOptions, ObjectClass, System};
use std::ffi::CStr;

/// Names per batch of a directory listing.
const BATCH: usize = 1024;

/// Which libdfs this program was built with, and its version.
pub fn provider() -> String {
    ::dfs::provider()
}

/// A connection that the ranks share: rank 0's, handed to the others as bytes.
pub struct Connection {
    mount: Mount,
    pool: String,
    container: String,
}

impl Connection {
    /// Rank 0 connects, creates the container when it is not there, and hands the mount over; the others import it without a round trip to a
    /// server.
    pub fn open(spec: &ApiSpec, ranks: &dyn Share) -> Result<Self> {
        let (pool, container) = names(spec)?;
        let system = System::start().map_err(|error| unavailable(&error))?;
        let connected = if ranks.is_root() { Some(connect(&system, spec, &pool, &container)) } else { None };
        // the first byte tells a mount from an error
        let mut bytes = match &connected {
            Some(Ok(mount)) => match mount.to_global() {
                Ok(global) => [vec![0], global].concat(),
                Err(error) => [vec![1], unavailable(&error).to_string().into_bytes()].concat(),
            },
            Some(Err(error)) => [vec![1], error.to_string().into_bytes()].concat(),
            None => Vec::new(),
        };
        ranks.broadcast(&mut bytes);
        let mount = match (connected, bytes.split_first()) {
            (Some(Ok(mount)), Some((0, _))) => mount,
            (_, Some((0, global))) => {
                Mount::from_global(&system, global, false).map_err(|error| unavailable(&error))?
            }
            (_, message) => {
                let message = message.map(|(_, text)| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
                return Err(Error::Unavailable(message));
            }
        };
        Ok(Connection { mount, pool, container })
    }

    /// The backend on this connection.
    pub fn backend(&self) -> Dfs<'_> {
        Dfs { mount: &self.mount, pool: &self.pool, container: &self.container }
    }
}

/// Pool and container: what the configuration says, or what the stand-in has for those that say nothing.
fn names(spec: &ApiSpec) -> Result<(String, String)> {
    let default = ::dfs::default_pool_and_container();
    let name = |given: &Option<String>, default: Option<&str>, what: &str| {
        given.clone().or_else(|| default.map(str::to_owned)).ok_or_else(|| {
            Error::Config(format!("no {what}: give --{what}, or api = DFS --dfs.{what}=… in the configuration"))
        })
    };
    let pool = name(&spec.pool, default.map(|(pool, _)| pool), "pool")?;
    let container = name(&spec.cont, default.map(|(_, container)| container), "cont")?;
    Ok((pool, container))
}

fn connect(system: &System, spec: &ApiSpec, pool: &str, container: &str) -> Result<Mount> {
    let mut options = MountOptions::new(pool, container);
    options.group.clone_from(&spec.group);
    options.create = Some(ContainerAttributes::default());
    Mount::connect(system, &options).map_err(|error| unavailable(&error))
}

fn unavailable(error: &::dfs::Error) -> Error {
    let hint = error.errno().and_then(::dfs::Errno::hint).map(|hint| format!(" ({hint})")).unwrap_or_default();
    Error::Unavailable(format!("{error}{hint}"))
}

/// A data directory below the path where the container is mounted, as a path inside the container.
pub fn without_prefix(datadir: &str, prefix: Option<&str>) -> String {
    let below = prefix.and_then(|prefix| datadir.strip_prefix(prefix.trim_end_matches('/')));
    match below {
        Some(below) if below.is_empty() || below.starts_with('/') => absolute(below),
        _ => absolute(datadir),
    }
}

/// A mounted container.
#[derive(Debug, Clone, Copy)]
pub struct Dfs<'m> {
    mount: &'m Mount,
    pool: &'m str,
    container: &'m str,
}

impl From<dfs::Errno> for Errno {
    fn from(errno: dfs::Errno) -> Self {
        Errno(errno.raw())
    }
}

fn errno(error: dfs::Error) -> Errno {
    Errno(error.errno().map_or(libc::EIO, dfs::Errno::raw))
}

impl From<dfs::FileKind> for FileKind {
    fn from(kind: dfs::FileKind) -> Self {
        match kind {
            dfs::FileKind::File => FileKind::File,
            dfs::FileKind::Directory => FileKind::Directory,
            dfs::FileKind::Symlink => FileKind::Symlink,
            _ => FileKind::Other,
        }
    }
}

impl<'m> Backend for Dfs<'m> {
    type Dir = dfs::Dir<'m>;
    type File = dfs::File<'m>;
    type Cursor = Listing<'m>;
    type Queue = DfsQueue<'m>;

    fn open_path(&self, path: &str) -> OpResult<Self::Dir> {
        self.mount.open_path(&absolute(path)).map_err(errno)
    }

    fn mkdir(&self, parent: &Self::Dir, name: &CStr, hints: Hints) -> OpResult<()> {
        Ok(parent.mkdir(name, ObjectClass::from_id(hints.dir_class))?)
    }

    fn open_dir(&self, parent: &Self::Dir, name: &CStr) -> OpResult<Self::Dir> {
        Ok(parent.open_dir(name)?)
    }

    #[inline]
    fn create(&self, dir: &Self::Dir, name: &CStr, hints: Hints) -> OpResult<Self::File> {
        Ok(dir.create(name, ObjectClass::from_id(hints.file_class), hints.chunk)?)
    }

    #[inline]
    fn open(&self, dir: &Self::Dir, name: &CStr, access: Access) -> OpResult<Self::File> {
        let access = match access {
            Access::Read => dfs::Access::Read,
            Access::Write => dfs::Access::Write,
            Access::ReadWrite => dfs::Access::ReadWrite,
        };
        Ok(dir.open(name, access)?)
    }

    #[inline]
    fn stat(&self, dir: &Self::Dir, name: &CStr) -> OpResult<Stat> {
        let stat = dir.stat(name)?;
        Ok(Stat { kind: stat.kind.into(), size: stat.size, ctime: stat.ctime.seconds, mtime: stat.mtime.seconds })
    }

    #[inline]
    fn kind(&self, dir: &Self::Dir, name: &CStr) -> OpResult<FileKind> {
        Ok(dir.kind(name)?.into())
    }

    /// libdfs has one call for files and directories: an empty directory of this name goes too.
    #[inline]
    fn unlink(&self, dir: &Self::Dir, name: &CStr) -> OpResult<()> {
        Ok(dir.remove(name)?)
    }

    fn rmdir(&self, dir: &Self::Dir, name: &CStr) -> OpResult<()> {
        Ok(dir.remove(name)?)
    }

    fn shards(&self, dir: &Self::Dir) -> OpResult<u32> {
        Ok(dir.shards()?)
    }

    fn cursor(&self, dir: &Self::Dir, index: u32, of: u32) -> OpResult<Self::Cursor> {
        let cursor = if of == 1 { dir.cursor(BATCH)? } else { dir.shard_cursor(index, BATCH)? };
        Ok(Listing::Plain(cursor))
    }

    fn read_dir(&self, cursor: &mut Self::Cursor, batch: &mut DirBatch) -> OpResult<()> {
        batch.clear();
        match cursor {
            Listing::Plain(cursor) => cursor.next_batch()?.for_each(|name| batch.push(name.to_bytes(), None)),
            Listing::Filtered(cursor) => {
                cursor.next_batch()?.for_each(|entry| batch.push(entry.name.to_bytes(), Some(entry.kind.into())));
            }
        }
        Ok(())
    }

    fn filtered_cursor(&self, dir: &Self::Dir, index: u32, of: u32, filter: &ServerFilter) -> OpResult<Self::Cursor> {
        // the servers want a later second, the filter says which is early enough
        let newer_than = filter.not_before.map(|second| second - 1);
        let filter = dfs::Filter::new(self.mount, &dfs::FilterSpec { name: filter.name.clone(), newer_than })?;
        let cursor = if of == 1 { filter.cursor(dir, BATCH)? } else { filter.shard_cursor(dir, index, BATCH)? };
        Ok(Listing::Filtered(cursor))
    }

    fn scanned(&self, cursor: &Self::Cursor) -> u64 {
        match cursor {
            Listing::Plain(_) => 0,
            Listing::Filtered(cursor) => cursor.scanned(),
        }
    }

    #[inline]
    fn write_at(&self, file: &Self::File, offset: u64, data: &[u8]) -> OpResult<()> {
        Ok(file.write_at(offset, data)?)
    }

    #[inline]
    fn read_at(&self, file: &Self::File, offset: u64, data: &mut [u8]) -> OpResult<usize> {
        Ok(file.read_at(offset, data)?)
    }

    /// A write is durable when it completes: nothing is left to do.
    fn sync(&self, _file: &Self::File) -> OpResult<()> {
        Ok(self.mount.sync()?)
    }

    fn sync_all(&self, _dir: &Self::Dir) -> OpResult<()> {
        Ok(self.mount.sync()?)
    }

    #[inline]
    fn close(&self, file: Self::File) -> OpResult<()> {
        Ok(file.close()?)
    }

    fn queue(&self, depth: usize, transfer: usize) -> OpResult<DfsQueue<'m>> {
        dfs::Queue::new(self.mount, depth, transfer).map(DfsQueue).map_err(errno)
    }

    fn export(&self, file: &Self::File) -> OpResult<Option<Vec<u8>>> {
        file.to_global().map(Some).map_err(errno)
    }

    fn import(&self, bytes: &[u8]) -> OpResult<Self::File> {
        self.mount.file_from_global(bytes).map_err(errno)
    }

    fn layout(&self, file: &Self::File) -> OpResult<Option<Layout>> {
        let info = file.info()?;
        Ok(Some(Layout { object_class: info.class.name(), chunk_size: info.chunk_size }))
    }

    fn describe(&self) -> Description {
        let standin = dfs::is_standin();
        let mut facts =
            vec![("pool".to_owned(), self.pool.to_owned()), ("container".to_owned(), self.container.to_owned())];
        let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
        if let Some((major, minor, patch)) = dfs::runtime_version() {
            fact("libdaos at run time", format!("{major}.{minor}.{patch}"));
        }
        if let Ok(attributes) = self.mount.attributes() {
            fact("container's chunk size", attributes.chunk_size.to_string());
            fact(
                "container's classes of directories and files",
                format!("{} {}", class(attributes.dir_class), class(attributes.file_class)),
            );
        }
        if let Ok(pool) = self.mount.pool_info() {
            fact("pool engines", pool.engines.to_string());
            fact("pool targets", pool.targets.to_string());
            fact("pool targets disabled", pool.disabled_targets.to_string());
            fact("pool bytes free", pool.free().to_string());
            fact("pool map version", pool.map_version.to_string());
            fact("pool rebuild", format!("{:?}", pool.rebuild.state).to_lowercase());
        }
        let doubts = standin.then(|| "the store is the stand-in for libdfs, not DAOS".to_owned());
        Description {
            api: "DFS".into(),
            provider: dfs::provider(),
            real: !standin,
            facts,
            doubts: doubts.into_iter().collect(),
        }
    }
}

/// The name of a class in a container's attributes, where it may say nothing.
fn class(class: ObjectClass) -> String {
    if class == ObjectClass::INHERIT { "default".into() } else { class.name() }
}

/// The path inside the container: `./datafiles` is `/datafiles`.
fn absolute(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.fold(String::new(), |path, part| path + "/" + part)
        + if path.split('/').all(|part| part.is_empty() || part == ".") { "/" } else { "" }
}

/// A directory that is being listed.
#[allow(missing_docs)]
pub enum Listing<'m> {
    Plain(dfs::Cursor<'m>),
    Filtered(dfs::FilteredCursor<'m>),
}

/// Transfers in flight over one event queue.
pub struct DfsQueue<'m>(dfs::Queue<'m>);

impl<'m> IoQueue<dfs::File<'m>> for DfsQueue<'m> {
    fn depth(&self) -> usize {
        self.0.depth()
    }
    #[inline]
    fn slot(&mut self) -> Option<usize> {
        self.0.slot().map(|(slot, _)| slot)
    }
    #[inline]
    fn buffer(&mut self, slot: usize) -> &mut [u8] {
        self.0.buffer(slot)
    }
    #[inline]
    fn submit_write(&mut self, slot: usize, file: &dfs::File<'m>, offset: u64) -> OpResult<()> {
        Ok(self.0.submit_write(slot, file, offset)?)
    }
    #[inline]
    fn submit_read(&mut self, slot: usize, file: &dfs::File<'m>, offset: u64) -> OpResult<()> {
        Ok(self.0.submit_read(slot, file, offset)?)
    }
    #[inline]
    fn reap(&mut self) -> Option<(usize, OpResult<usize>)> {
        self.0.reap().map(|(slot, result)| (slot, result.map_err(Errno::from)))
    }
    #[inline]
    fn release(&mut self, slot: usize) {
        self.0.release(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_taken_off() {
        assert_eq!(without_prefix("/mnt/dfuse/data", Some("/mnt/dfuse/")), "/data");
        assert_eq!(without_prefix("/mnt/dfuse", Some("/mnt/dfuse")), "/");
        assert_eq!(without_prefix("/mnt/dfuses/data", Some("/mnt/dfuse")), "/mnt/dfuses/data");
        assert_eq!(without_prefix("./data", None), "/data");
    }

    #[test]
    fn paths_are_those_of_the_container() {
        for (path, absolute_path) in
            [("./datafiles", "/datafiles"), ("/a//b/", "/a/b"), ("/", "/"), (".", "/"), ("a/./b", "/a/b")]
        {
            assert_eq!(absolute(path), absolute_path);
        }
    }
}
