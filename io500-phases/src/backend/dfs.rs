//! DAOS through libdfs.

use super::posix_sockets::Fabric;
use super::{
    Access, Backend, Description, DirBatch, FileKind, FileLayout, IoQueue, PoolState, ServerFilter, Space, Stat,
};
use crate::error::{Errno, OpResult};
use crate::plan::Hints;
use daos_dfs::{Mount, ObjectClass};
use std::ffi::CStr;
use std::sync::OnceLock;

/// Names per batch of a directory listing.
const BATCH: usize = 1024;

/// Which libdfs this program was built with, and its version.
pub fn provider() -> String {
    daos_dfs::provider()
}

/// Whether the library is the stand-in for libdfs and not a DAOS.
pub fn is_standin() -> bool {
    daos_dfs::is_standin()
}

/// Which DAOS errors stand behind an errno of libdfs, what they mean and what to look at.
pub fn hint(errno: Errno) -> Option<&'static str> {
    daos_dfs::DfsErrno::from_raw(errno.0).hint()
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
    pub(super) mount: &'m Mount,
    pub(super) pool: &'m str,
    pub(super) container: &'m str,
    /// Whether this run made the container.
    pub(super) created: bool,
    /// What the agent told rank 0.
    pub(super) attach: Option<&'m super::AttachState>,
}

impl From<daos_dfs::DfsErrno> for Errno {
    fn from(errno: daos_dfs::DfsErrno) -> Self {
        Errno(errno.raw())
    }
}

fn errno(error: daos_dfs::Error) -> Errno {
    Errno(error.errno().map_or(libc::EIO, daos_dfs::DfsErrno::raw))
}

impl From<daos_dfs::EntryKind> for FileKind {
    fn from(kind: daos_dfs::EntryKind) -> Self {
        match kind {
            daos_dfs::EntryKind::File => FileKind::File,
            daos_dfs::EntryKind::Directory => FileKind::Directory,
            daos_dfs::EntryKind::Symlink => FileKind::Symlink,
            _ => FileKind::Other,
        }
    }
}

impl<'m> Backend for Dfs<'m> {
    type Dir = daos_dfs::Dir<'m>;
    type File = daos_dfs::File<'m>;
    type Cursor = Listing<'m>;
    type Queue = DfsQueue<'m>;

    fn open_path(&self, path: &str) -> OpResult<Self::Dir> {
        self.mount.open_path(&*crate::text::bytes(&absolute(path))).map_err(errno)
    }

    fn mkdir(&self, parent: &Self::Dir, name: &CStr, hints: Hints) -> OpResult<()> {
        Ok(parent.mkdir(name, ObjectClass::from_id(hints.dir_class))?)
    }

    fn mkdir_private(&self, parent: &Self::Dir, name: &CStr, hints: Hints) -> OpResult<()> {
        Ok(parent.mkdir_private(name, ObjectClass::from_id(hints.dir_class))?)
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
            Access::Read => daos_dfs::AccessMode::Read,
            Access::Write => daos_dfs::AccessMode::Write,
            Access::ReadWrite => daos_dfs::AccessMode::ReadWrite,
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
        if self.must_stay_whole(dir) { Ok(1) } else { Ok(dir.shards()?) }
    }

    fn must_stay_whole(&self, dir: &Self::Dir) -> bool {
        static FOUND: OnceLock<(u32, u32, u32)> = OnceLock::new();
        let version = *FOUND.get_or_init(|| daos_dfs::runtime_version().unwrap_or(daos_dfs::built_version()));
        // the stand-in lists all parts right, whatever version it follows
        !daos_dfs::is_standin() && splits_wrong(version, || dir.id().map_or(true, |id| id.class().is_protected()))
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
        if !pipeline_is_on(std::env::var_os("DAOS_PIPELINE")) {
            return Err(Errno(libc::ENOTSUP));
        }
        let filter = daos_dfs::FilterSpec { name: Some(filter.name.clone()), newer_than: None };
        let filter = daos_dfs::Filter::new(self.mount, &filter)?;
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
        daos_dfs::Queue::new(self.mount, depth, transfer).map(DfsQueue).map_err(errno)
    }

    fn export(&self, file: &Self::File) -> OpResult<Option<Vec<u8>>> {
        file.to_global().map(|global| Some(global.as_bytes().to_vec())).map_err(errno)
    }

    fn import(&self, bytes: &[u8]) -> OpResult<Self::File> {
        let global = daos_dfs::GlobalFile::from_bytes(bytes).map_err(|_| Errno(libc::EINVAL))?;
        self.mount.file_from_global(&global).map_err(errno)
    }

    fn layout(&self, file: &Self::File) -> OpResult<Option<FileLayout>> {
        let info = file.info()?;
        Ok(Some(FileLayout { object_class: info.class.name(), chunk_size: info.chunk_size }))
    }

    fn describe(&self) -> Description {
        let standin = daos_dfs::is_standin();
        let mut facts =
            vec![("pool".to_owned(), self.pool.to_owned()), ("container".to_owned(), self.container.to_owned())];
        let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
        if let Some((major, minor, patch)) = daos_dfs::runtime_version() {
            fact("libdaos at run time", format!("{major}.{minor}.{patch}"));
        }
        if let Ok(attributes) = self.mount.attributes() {
            fact("container's chunk size", attributes.chunk_size.to_string());
            fact(
                "container's classes of directories and files",
                format!("{} {}", class(attributes.dir_class), class(attributes.file_class)),
            );
        }
        if let Ok(container) = self.mount.container_info() {
            fact("container uuid", uuid(container.uuid));
            fact("container redundancy factor", container.redundancy_factor.to_string());
        }
        fact("container made by this run", if self.created { "yes" } else { "no" }.into());
        let (mut pool_state, mut space) = (None, None);
        if let Ok(pool) = self.mount.pool_info() {
            fact("pool uuid", uuid(pool.uuid));
            fact("pool engines", pool.engines.to_string());
            fact("pool targets", pool.targets.to_string());
            fact("pool targets disabled", pool.disabled_targets.to_string());
            fact("pool bytes free", pool.free().to_string());
            fact("pool map version", pool.map_version.to_string());
            fact("pool rebuild", rebuild(pool.rebuild.state).to_owned());
            pool_state = Some(state(&pool));
            space = Some(Space { total: pool.scm.total + pool.nvme.total, free: pool.free() });
        }
        let mut questions = Vec::new();
        if !standin {
            let fabric = Fabric::of_this_process();
            fact("fabric", fabric.kind.unwrap_or("unknown").to_owned());
            for (control, connections) in &fabric.congestion {
                fact("tcp connections", format!("{connections} with congestion control {control}"));
            }
            questions.extend(fabric.question());
        }
        let doubts = standin.then(|| "the store is the stand-in for libdfs, not DAOS".to_owned());
        Description {
            api: "DFS".into(),
            provider: daos_dfs::provider(),
            real: !standin,
            facts,
            doubts: doubts.into_iter().collect(),
            questions,
            pool: pool_state,
            space,
            attach: self.attach.cloned(),
        }
    }
}

/// Whether the servers are said to filter: only engines that run with `DAOS_PIPELINE=1` do, and trying it on others makes libdaos print four
/// lines of errors among the results. DAOS reads the variable alike: a number other than 0, or any other word.
fn pipeline_is_on(value: Option<std::ffi::OsString>) -> bool {
    value.is_some_and(|value| value.to_string_lossy().trim().parse::<i64>() != Ok(0))
}

/// `38939382-eb75-46b8-bc79-a0c2c3d0c6fe`.
fn uuid(bytes: [u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn rebuild(state: daos_dfs::RebuildState) -> &'static str {
    match state {
        daos_dfs::RebuildState::Idle => "idle",
        daos_dfs::RebuildState::Busy => "busy",
        daos_dfs::RebuildState::Done => "done",
        _ => "unknown",
    }
}

fn state(pool: &daos_dfs::PoolInfo) -> PoolState {
    PoolState {
        engines: pool.engines,
        targets: pool.targets,
        disabled_targets: pool.disabled_targets,
        map_version: pool.map_version,
        rebuild: rebuild(pool.rebuild.state).to_owned(),
        rebuild_version: pool.rebuild.version,
    }
}

/// The name of a class in a container's attributes, where it may say nothing.
fn class(class: ObjectClass) -> String {
    if class == ObjectClass::INHERIT { "default".into() } else { class.name() }
}

/// Whether libdfs of this version lists the parts of a directory wrong: before 2.6.4 those of replicated and coded ones.
fn splits_wrong(version: (u32, u32, u32), is_protected: impl FnOnce() -> bool) -> bool {
    version < (2, 6, 4) && is_protected()
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
    Plain(daos_dfs::Cursor<'m>),
    Filtered(daos_dfs::FilteredCursor<'m>),
}

/// Transfers in flight over one event queue.
pub struct DfsQueue<'m>(daos_dfs::Queue<'m>);

impl<'m> IoQueue<daos_dfs::File<'m>> for DfsQueue<'m> {
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
    fn submit_write(&mut self, slot: usize, file: &daos_dfs::File<'m>, offset: u64) -> OpResult<()> {
        Ok(self.0.submit_write(slot, file, offset)?)
    }
    #[inline]
    fn submit_read(&mut self, slot: usize, file: &daos_dfs::File<'m>, offset: u64) -> OpResult<()> {
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
    fn protected_directories_stay_whole_before_2_6_4() {
        for (version, protected, wrong) in [
            ((2, 4, 2), true, true),
            ((2, 6, 3), true, true),
            ((2, 6, 3), false, false),
            ((2, 6, 4), true, false),
            ((2, 8, 0), true, false),
        ] {
            assert_eq!(splits_wrong(version, || protected), wrong, "{version:?} {protected}");
        }
    }

    #[test]
    fn servers_filter_where_the_environment_says_so() {
        let on = ["1", "2", "true", "yes", "0x"].map(|value| pipeline_is_on(Some(value.into())));
        assert_eq!(on, [true; 5]);
        assert!(!pipeline_is_on(None) && !pipeline_is_on(Some("0".into())) && !pipeline_is_on(Some("00".into())));
    }

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
