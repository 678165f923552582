//! Objects and the directories that name them: what lies behind a `dfs_obj_t`.

use super::arguments::text;
use super::entry::Entry;
use super::mount::Mount;
use super::oclass::{self, Kind};
use super::store::{directory_name, ignore, object_name};
use super::stream::Streams;
use super::sys::{Name, Result, check, mkdir_at, now, open_at};
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;

/// What a `dfs_obj_t` points to.
pub struct Object {
    pub mode: u32,
    pub flags: c_int,
    pub oid: daos_obj_id_t,
    /// The directory that holds its entry; zero for the root.
    pub parent: daos_obj_id_t,
    pub name: CString,
    pub chunk: u64,
    pub oclass: u32,
    pub value: CString,
    pub data: OnceLock<OwnedFd>,
    pub streams: Streams,
}

/// What the root directory's parent is.
pub const NOWHERE: daos_obj_id_t = daos_obj_id_t { lo: 0, hi: 0 };

/// The object behind a `dfs_obj_t`.
///
/// # Safety
/// The pointer is NULL or one that a call here gave and that is not yet released.
pub unsafe fn object<'o>(obj: *mut dfs_obj_t) -> Option<&'o Object> {
    // SAFETY: by contract a live `Object` or NULL.
    unsafe { obj.cast::<Object>().as_ref() }
}

/// The object id of a parent directory – NULL is the root – with what new objects inherit from it.
///
/// # Safety
/// As for [`object`].
pub unsafe fn parent(mount: &Mount, obj: *mut dfs_obj_t) -> Result<Parent> {
    // SAFETY: by contract.
    match unsafe { object(obj) } {
        Some(obj) if obj.mode & libc::S_IFMT == libc::S_IFDIR => {
            Ok(Parent { oid: obj.oid, chunk: obj.chunk, oclass: obj.oclass })
        }
        Some(_) => Err(libc::ENOTDIR),
        None => {
            let root = mount.container.root()?;
            Ok(Parent { oid: root.oid, chunk: root.chunk, oclass: root.oclass })
        }
    }
}

/// A directory to do something in.
#[derive(Clone, Copy)]
pub struct Parent {
    pub oid: daos_obj_id_t,
    pub chunk: u64,
    pub oclass: u32,
}

impl Parent {
    /// The path of an entry below the container's directory objects.
    pub fn path(&self, name: &CStr) -> Name {
        let mut path = directory_name(self.oid);
        path.push(b"/");
        if oclass::groups_of(self.oid) > 1 {
            path.push_hex(self.shard_of(name).into(), 4).push(b"/");
        }
        path.push(name.to_bytes());
        path
    }

    fn shard_of(&self, name: &CStr) -> u32 {
        let hash = name
            .to_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, &c| (hash ^ u64::from(c)).wrapping_mul(0x0000_0100_0000_01b3));
        ((hash >> 32) % u64::from(oclass::groups_of(self.oid))) as u32
    }

    pub fn fetch(&self, mount: &Mount, name: &CStr) -> Result<Entry> {
        check_fetchable(name)?;
        Entry::fetch(mount.container.dirs.as_raw_fd(), self.path(name).as_c_str())
    }

    pub fn fetch_with_value(&self, mount: &Mount, name: &CStr) -> Result<(Entry, Vec<u8>)> {
        check_fetchable(name)?;
        Entry::fetch_with_value(mount.container.dirs.as_raw_fd(), self.path(name).as_c_str())
    }

    pub fn insert(&self, mount: &Mount, name: &CStr, entry: &Entry, value: &[u8]) -> Result<()> {
        let dirs = mount.container.dirs.as_raw_fd();
        let path = self.path(name);
        self.with_shard(mount, name, || entry.insert(dirs, path.as_c_str(), value))
    }

    /// Does what makes a name, and makes the shard first where it is the first name in it.
    pub fn with_shard(&self, mount: &Mount, name: &CStr, make: impl Fn() -> Result<()>) -> Result<()> {
        match make() {
            Err(libc::ENOENT) if oclass::groups_of(self.oid) > 1 => {
                let mut shard = directory_name(self.oid);
                shard.push(b"/").push_hex(self.shard_of(name).into(), 4);
                ignore(mkdir_at(mount.container.dirs.as_raw_fd(), shard.as_c_str()), libc::EEXIST)?;
                make()
            }
            other => other,
        }
    }
}

/// libdfs does not know `.`, and has no entry `..`.
fn check_fetchable(name: &CStr) -> Result<()> {
    match name.to_bytes() {
        b"." => Err(libc::ENOTSUP),
        b".." => Err(libc::ENOENT),
        _ => Ok(()),
    }
}

/// One component of a path, as libdfs accepts it.
///
/// # Safety
/// The pointer is NULL or to a NUL-terminated string that outlives the result.
pub unsafe fn component<'s>(name: *const c_char) -> Result<&'s CStr> {
    // SAFETY: by contract.
    let name = unsafe { text(name) }?;
    let bytes = name.to_bytes();
    let valid = !bytes.is_empty() && bytes.len() <= DFS_MAX_NAME as usize && !bytes.contains(&b'/');
    if valid { Ok(name) } else { Err(libc::EINVAL) }
}

impl Object {
    pub fn new(entry: &Entry, parent: daos_obj_id_t, name: &CStr, flags: c_int, value: Vec<u8>) -> Object {
        Object {
            mode: entry.mode,
            flags,
            oid: entry.oid,
            parent,
            name: name.to_owned(),
            chunk: entry.chunk,
            oclass: entry.oclass,
            value: CString::new(value).unwrap_or_default(),
            data: OnceLock::new(),
            streams: Streams::default(),
        }
    }

    pub fn into_raw(self) -> *mut dfs_obj_t {
        Box::into_raw(Box::new(self)).cast()
    }

    pub fn kind(&self) -> u32 {
        self.mode & libc::S_IFMT
    }

    /// The bytes of a file; `None` while nobody has written any, unless they are to be made.
    pub fn data(&self, mount: &Mount, make: bool) -> Result<Option<RawFd>> {
        if let Some(fd) = self.data.get() {
            return Ok(Some(fd.as_raw_fd()));
        }
        let flags = libc::O_RDWR | if make { libc::O_CREAT } else { 0 };
        match open_at(mount.container.objects.as_raw_fd(), object_name(self.oid).as_c_str(), flags) {
            // Two threads may both have opened it; one of the descriptors is closed again.
            Ok(fd) => Ok(Some(self.data.get_or_init(|| fd).as_raw_fd())),
            Err(libc::ENOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// The entry of this object, as it is now; `ENOENT` when the name is gone or stands for something else.
    pub fn entry(&self, mount: &Mount) -> Result<Entry> {
        let entry = if self.parent == NOWHERE {
            mount.container.root()?
        } else {
            Parent { oid: self.parent, chunk: 0, oclass: 0 }.fetch(mount, &self.name)?
        };
        if entry.oid == self.oid { Ok(entry) } else { Err(libc::ENOENT) }
    }
}

/// Makes a new entry of a kind in a directory: who inherits what from whom.
pub fn new_entry(mount: &Mount, parent: &Parent, mode: u32, class: u32, chunk: u64) -> Result<Entry> {
    let kind = if mode & libc::S_IFMT == libc::S_IFDIR { Kind::Directory } else { Kind::File };
    let properties = &mount.container.properties;
    let resolved = properties.class_for(kind, class, parent.oclass)?;
    let inherited = if parent.chunk == 0 { properties.chunk } else { parent.chunk };
    let time = now();
    // SAFETY: the calls have no preconditions.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    Ok(Entry {
        mode,
        oid: oclass::stamp(mount.container.next_oid(), resolved, kind),
        chunk: match mode & libc::S_IFMT {
            libc::S_IFREG if chunk == 0 => inherited,
            libc::S_IFREG => chunk,
            _ => parent.chunk,
        },
        oclass: parent.oclass,
        uid,
        gid,
        ctime: time,
        mtime: time,
    })
}

/// `EINVAL` for an access mode that is none of the three.
pub fn check_access(flags: c_int) -> Result<()> {
    if flags & libc::O_ACCMODE == libc::O_ACCMODE { Err(libc::EINVAL) } else { Ok(()) }
}

pub fn truncate_if_asked(mount: &Mount, object: &Object) -> Result<()> {
    if object.flags & libc::O_TRUNC != 0 && object.kind() == libc::S_IFREG {
        set_size(mount, object, 0)?;
    }
    Ok(())
}

/// Truncates or extends a file.
pub fn set_size(mount: &Mount, object: &Object, size: u64) -> Result<()> {
    // What was never written needs no bytes to have none.
    let Some(fd) = object.data(mount, size > 0)? else { return Ok(()) };
    // SAFETY: the object keeps the descriptor open.
    check(unsafe { libc::ftruncate(fd, i64::try_from(size).map_err(|_| libc::EINVAL)?) }).map(drop)
}

impl Object {
    /// The same object opened once more.
    pub fn again(&self, flags: c_int) -> Object {
        Object {
            name: self.name.clone(),
            value: self.value.clone(),
            data: OnceLock::new(),
            streams: Streams::default(),
            flags,
            ..*self
        }
    }
}

/// Replaces an entry by a changed one.
pub fn rewrite(mount: &Mount, parent: daos_obj_id_t, name: &CStr, entry: &Entry, value: &[u8]) -> Result<()> {
    if parent == NOWHERE {
        return mount.container.set_root(entry);
    }
    let path = Parent { oid: parent, chunk: 0, oclass: 0 }.path(name);
    mount.container.replace(mount.container.dirs.as_raw_fd(), path.as_c_str(), entry, value)
}
