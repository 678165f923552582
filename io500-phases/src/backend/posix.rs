//! A mounted file system, through the C library's calls.
//!
//! The calls go through libc's `…64` entry points and not through raw system calls, because DAOS's interception libraries
//! (libioil, libpil4dfs) hook those: under `LD_PRELOAD` this backend is what they intercept.
#![allow(unsafe_code)]

use super::posix_file::File;
use super::posix_queue::PosixQueue;
use super::{Access, Backend, Description, DirBatch, FileKind, FileLayout, Stat};
use super::{posix_facts, posix_queue};
use crate::error::{Errno, OpResult};
use crate::plan::Hints;
use crate::text;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;

/// Entries per batch of a directory listing.
const BATCH: usize = 1024;
const FILE_MODE: libc::mode_t = 0o664;
const DIRECTORY_MODE: libc::mode_t = 0o775;
const PRIVATE_MODE: libc::mode_t = 0o700;

/// Whether a path lies on a DAOS container that dfuse mounts. Looks at the table of mounts only: a path on a DAOS that is down
/// must not be touched.
pub fn on_dfuse(path: &str) -> bool {
    posix_facts::on_dfuse(path)
}

/// The DAOS interception library that is preloaded into this process, if one is: `libpil4dfs` or `libioil`.
pub fn interception() -> Option<String> {
    posix_facts::loaded_interception()
}

/// A directory of a mounted file system. Names inside the benchmark are resolved below it.
#[derive(Debug)]
pub struct Posix {
    direct: bool,
    root: String,
}

impl Posix {
    /// A backend whose paths are the process's own. `root` is where facts about the file system are taken from: the data
    /// directory or the nearest directory above it that exists. `direct` opens files with `O_DIRECT`.
    pub fn new(root: &str, direct: bool) -> Self {
        Posix { direct, root: root.to_owned() }
    }

    fn open_at(&self, dir: RawFd, name: &CStr, flags: i32) -> OpResult<File> {
        let flags = if self.direct { flags | libc::O_DIRECT } else { flags };
        open_at(dir, name, flags).map(File::from)
    }
}

fn open_at(dir: RawFd, name: &CStr, flags: i32) -> OpResult<OwnedFd> {
    loop {
        // SAFETY: openat's contract, a NUL-terminated name; the mode is there for O_CREAT.
        let fd = unsafe { libc::openat64(dir, name.as_ptr(), flags | libc::O_CLOEXEC, FILE_MODE) };
        if fd >= 0 {
            // SAFETY: the descriptor was just opened and nobody else has it.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        let errno = Errno::last();
        if errno.0 != libc::EINTR {
            return Err(errno);
        }
    }
}

fn check(result: libc::c_int) -> OpResult<()> {
    if result == 0 { Ok(()) } else { Err(Errno::last()) }
}

fn file_kind(mode: libc::mode_t) -> FileKind {
    match mode & libc::S_IFMT {
        libc::S_IFREG => FileKind::File,
        libc::S_IFDIR => FileKind::Directory,
        libc::S_IFLNK => FileKind::Symlink,
        _ => FileKind::Other,
    }
}

impl Backend for Posix {
    type Dir = OwnedFd;
    type File = File;
    type Cursor = Listing;
    type Queue = PosixQueue;

    fn open_path(&self, path: &str) -> OpResult<OwnedFd> {
        let path = text::c_string(path).map_err(|_| Errno(libc::EINVAL))?;
        open_at(libc::AT_FDCWD, &path, libc::O_RDONLY | libc::O_DIRECTORY)
    }

    fn mkdir(&self, parent: &OwnedFd, name: &CStr, _hints: Hints) -> OpResult<()> {
        // SAFETY: mkdirat's contract, an open directory and a NUL-terminated name.
        check(unsafe { libc::mkdirat(parent.as_raw_fd(), name.as_ptr(), DIRECTORY_MODE) })
    }

    fn mkdir_private(&self, parent: &OwnedFd, name: &CStr, _hints: Hints) -> OpResult<()> {
        // SAFETY: mkdirat's contract, an open directory and a NUL-terminated name.
        check(unsafe { libc::mkdirat(parent.as_raw_fd(), name.as_ptr(), PRIVATE_MODE) })
    }

    fn open_dir(&self, parent: &OwnedFd, name: &CStr) -> OpResult<OwnedFd> {
        // a symbolic link is never followed: what it points to is not the benchmark's
        open_at(parent.as_raw_fd(), name, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW)
    }

    #[inline]
    fn create(&self, dir: &OwnedFd, name: &CStr, _hints: Hints) -> OpResult<File> {
        self.open_at(dir.as_raw_fd(), name, libc::O_CREAT | libc::O_RDWR)
    }

    #[inline]
    fn open(&self, dir: &OwnedFd, name: &CStr, access: Access) -> OpResult<File> {
        let flags = match access {
            Access::Read => libc::O_RDONLY,
            Access::Write => libc::O_WRONLY,
            Access::ReadWrite => libc::O_RDWR,
        };
        self.open_at(dir.as_raw_fd(), name, flags)
    }

    #[inline]
    fn stat(&self, dir: &OwnedFd, name: &CStr) -> OpResult<Stat> {
        let mut stat = MaybeUninit::<libc::stat64>::uninit();
        // SAFETY: fstatat's contract, an open directory, a NUL-terminated name, room for one stat.
        check(unsafe {
            libc::fstatat64(dir.as_raw_fd(), name.as_ptr(), stat.as_mut_ptr(), libc::AT_SYMLINK_NOFOLLOW)
        })?;
        // SAFETY: fstatat succeeded, so it filled the structure.
        let stat = unsafe { stat.assume_init() };
        Ok(Stat {
            kind: file_kind(stat.st_mode),
            size: stat.st_size as u64,
            ctime: stat.st_ctime,
            mtime: stat.st_mtime,
        })
    }

    #[inline]
    fn unlink(&self, dir: &OwnedFd, name: &CStr) -> OpResult<()> {
        // SAFETY: unlinkat's contract, an open directory and a NUL-terminated name.
        check(unsafe { libc::unlinkat(dir.as_raw_fd(), name.as_ptr(), 0) })
    }

    fn rmdir(&self, dir: &OwnedFd, name: &CStr) -> OpResult<()> {
        // SAFETY: unlinkat's contract, an open directory and a NUL-terminated name.
        check(unsafe { libc::unlinkat(dir.as_raw_fd(), name.as_ptr(), libc::AT_REMOVEDIR) })
    }

    fn shards(&self, _dir: &OwnedFd) -> OpResult<u32> {
        Ok(1)
    }

    fn cursor(&self, dir: &OwnedFd, index: u32, of: u32) -> OpResult<Listing> {
        if (index, of) != (0, 1) {
            return Err(Errno(libc::EINVAL));
        }
        // a descriptor of its own: the position of a listing belongs to the open file, and closedir closes it
        let fd = open_at(dir.as_raw_fd(), c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
        Listing::new(fd)
    }

    fn read_dir(&self, cursor: &mut Listing, batch: &mut DirBatch) -> OpResult<()> {
        batch.clear();
        while batch.entries.len() < BATCH && cursor.next(batch)? {}
        Ok(())
    }

    #[inline]
    fn write_at(&self, file: &File, mut offset: u64, mut data: &[u8]) -> OpResult<()> {
        while !data.is_empty() {
            // SAFETY: pwrite's contract, an open file and `len` readable bytes.
            let done = unsafe { libc::pwrite64(file.as_raw_fd(), data.as_ptr().cast(), data.len(), offset as i64) };
            match usize::try_from(done) {
                Ok(0) => return Err(Errno(libc::EIO)),
                Ok(done) => {
                    data = &data[done..];
                    offset += done as u64;
                }
                Err(_) if Errno::last().0 == libc::EINTR => {}
                Err(_) => return Err(Errno::last()),
            }
        }
        Ok(())
    }

    #[inline]
    fn read_at(&self, file: &File, offset: u64, data: &mut [u8]) -> OpResult<usize> {
        let mut done = 0;
        while done < data.len() {
            let rest = &mut data[done..];
            let at = (offset + done as u64) as i64;
            // SAFETY: pread's contract, an open file and `len` writable bytes.
            let got = unsafe { libc::pread64(file.as_raw_fd(), rest.as_mut_ptr().cast(), rest.len(), at) };
            match usize::try_from(got) {
                Ok(0) => break,
                Ok(got) => done += got,
                Err(_) if Errno::last().0 == libc::EINTR => {}
                Err(_) => return Err(Errno::last()),
            }
        }
        Ok(done)
    }

    fn sync(&self, file: &File) -> OpResult<()> {
        // SAFETY: fsync's contract, an open file.
        check(unsafe { libc::fsync(file.as_raw_fd()) })
    }

    /// `sync`, as the C suite calls it: interception libraries know it, and no descriptor is needed.
    fn sync_all(&self, _dir: &OwnedFd) -> OpResult<()> {
        // SAFETY: sync takes nothing and cannot fail.
        unsafe { libc::sync() };
        Ok(())
    }

    #[inline]
    fn close(&self, file: File) -> OpResult<()> {
        use std::os::fd::IntoRawFd;
        let Some(file) = file.into_sole() else { return Ok(()) };
        // SAFETY: close's contract; the descriptor is given up, so nobody closes it again.
        check(unsafe { libc::close(file.into_raw_fd()) })
    }

    fn queue(&self, depth: usize, transfer: usize) -> OpResult<PosixQueue> {
        PosixQueue::new(depth, transfer)
    }

    fn serial_queue(&self) -> Option<String> {
        posix_queue::obstacle()
    }

    fn export(&self, _file: &File) -> OpResult<Option<Vec<u8>>> {
        Ok(None)
    }

    fn import(&self, _bytes: &[u8]) -> OpResult<File> {
        Err(Errno(libc::ENOTSUP))
    }

    fn layout(&self, _file: &File) -> OpResult<Option<FileLayout>> {
        Ok(None)
    }

    fn describe(&self) -> Description {
        posix_facts::describe(&self.root, self.direct)
    }
}

/// A directory that is being listed.
#[derive(Debug)]
pub struct Listing(NonNull<libc::DIR>);

impl Listing {
    fn new(fd: OwnedFd) -> OpResult<Self> {
        use std::os::fd::IntoRawFd;
        let fd = fd.into_raw_fd();
        // SAFETY: fdopendir's contract, an open directory that it takes over when it succeeds.
        match NonNull::new(unsafe { libc::fdopendir(fd) }) {
            Some(dir) => Ok(Listing(dir)),
            None => {
                let errno = Errno::last();
                // SAFETY: fdopendir failed, so the descriptor is still ours.
                unsafe { libc::close(fd) };
                Err(errno)
            }
        }
    }

    /// Adds the next entry to the batch; false at the end.
    fn next(&mut self, batch: &mut DirBatch) -> OpResult<bool> {
        loop {
            // SAFETY: readdir tells its end from an error only by errno, which belongs to this thread.
            unsafe { *libc::__errno_location() = 0 };
            // SAFETY: readdir's contract, an open listing used by this thread only.
            let entry = unsafe { libc::readdir64(self.0.as_ptr()) };
            let Some(entry) = NonNull::new(entry) else {
                let errno = Errno::last();
                return if errno.0 == 0 { Ok(false) } else { Err(errno) };
            };
            let entry = entry.as_ptr();
            // SAFETY: the entry is valid until the next readdir, and its name ends in NUL. The structure is not read as a
            // whole: the kernel's record may be shorter than it.
            let (name, kind) = unsafe { (CStr::from_ptr((&raw const (*entry).d_name).cast()), (*entry).d_type) };
            if name == c"." || name == c".." {
                continue;
            }
            let kind = match kind {
                libc::DT_REG => Some(FileKind::File),
                libc::DT_DIR => Some(FileKind::Directory),
                libc::DT_LNK => Some(FileKind::Symlink),
                libc::DT_UNKNOWN => None,
                _ => Some(FileKind::Other),
            };
            batch.push(name.to_bytes(), kind);
            return Ok(true);
        }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        // SAFETY: the listing is open and not used again.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}
