//! What a name stands for.

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Something that DFS does not have today.
    Other,
}

impl EntryKind {
    pub(crate) fn of_mode(mode: u32) -> EntryKind {
        match mode & libc::S_IFMT {
            libc::S_IFREG => EntryKind::File,
            libc::S_IFDIR => EntryKind::Directory,
            libc::S_IFLNK => EntryKind::Symlink,
            _ => EntryKind::Other,
        }
    }

    #[cfg(daos_2_6)]
    pub(crate) fn of_dirent(kind: u8) -> EntryKind {
        match kind {
            libc::DT_REG => EntryKind::File,
            libc::DT_DIR => EntryKind::Directory,
            libc::DT_LNK => EntryKind::Symlink,
            _ => EntryKind::Other,
        }
    }
}

/// A point in time, since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Whole seconds.
    pub seconds: i64,
    /// Nanoseconds of the second.
    pub nanoseconds: u32,
}

/// What `stat` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// File, directory, …
    pub kind: EntryKind,
    /// Permissions.
    pub permissions: u32,
    /// Bytes; of a directory the size of its entry.
    pub size: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last change of data or attributes.
    pub ctime: Time,
    /// Last change of data.
    pub mtime: Time,
}

impl From<&libc::stat> for Stat {
    fn from(stat: &libc::stat) -> Stat {
        let time = |seconds, nanoseconds: i64| Time { seconds, nanoseconds: nanoseconds as u32 };
        Stat {
            kind: EntryKind::of_mode(stat.st_mode),
            permissions: stat.st_mode & 0o7777,
            size: stat.st_size as u64,
            uid: stat.st_uid,
            gid: stat.st_gid,
            ctime: time(stat.st_ctime, stat.st_ctime_nsec),
            mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        }
    }
}

/// An all-zero `stat` to be filled.
pub(crate) fn empty_stat() -> libc::stat {
    // SAFETY: `stat` is plain integers, for which zero is valid.
    unsafe { std::mem::zeroed() }
}
