//! Open objects: files, directories and symbolic links.

use super::entry::Entry;
use super::inject::{self, Call};
use super::listing::Streams;
use super::mount::{Mount, errno, export, import, mount, out, put, text};
use super::oclass::{self, Kind};
use super::store::{directory_name, ignore, object_name};
use super::sys::{Name, Result, mkdir_at, now, open_at, stat_at};
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
    data: OnceLock<OwnedFd>,
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

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_open(
    dfs: *mut dfs_t,
    parent_obj: *mut dfs_obj_t,
    name: *const c_char,
    mode: mode_t,
    flags: c_int,
    class: daos_oclass_id_t,
    chunk: daos_size_t,
    value: *const c_char,
    obj: *mut *mut dfs_obj_t,
) -> c_int {
    // SAFETY: a mount, an open directory or NULL, strings, and a place for the object.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let create = flags & libc::O_CREAT != 0;
        if flags & libc::O_APPEND != 0 {
            return Err(libc::ENOTSUP);
        }
        if create {
            mount.check_writable()?;
        }
        let obj = out(obj)?;
        let kind = mode & libc::S_IFMT;
        let value = if kind == libc::S_IFLNK { text(value)?.to_bytes() } else { &[] };
        let parent = parent(mount, parent_obj)?;
        let name = component(name)?;
        inject::before(if create { Call::Create } else { Call::Open })?;
        if create {
            let mode = if kind == libc::S_IFLNK { mode | 0o777 } else { mode };
            let entry = new_entry(mount, &parent, mode, class, chunk)?;
            if kind == libc::S_IFDIR {
                mkdir_at(mount.container.dirs.as_raw_fd(), directory_name(entry.oid).as_c_str())?;
            }
            match parent.insert(mount, name, &entry, value) {
                Err(libc::EEXIST) if flags & libc::O_EXCL == 0 && kind != libc::S_IFLNK => {}
                result => {
                    result?;
                    *obj = Object::new(&entry, parent.oid, name, flags, value.to_vec()).into_raw();
                    return Ok(());
                }
            }
        } else if kind == libc::S_IFLNK {
            return Err(libc::ENOTSUP);
        }
        let entry = parent.fetch(mount, name)?;
        if entry.kind() != kind {
            return Err(if kind == libc::S_IFDIR { libc::ENOTDIR } else { libc::EINVAL });
        }
        check_access(flags)?;
        let opened = Object::new(&entry, parent.oid, name, flags, Vec::new());
        truncate_if_asked(mount, &opened)?;
        *obj = opened.into_raw();
        Ok(())
    })())
}

/// `EINVAL` for an access mode that is none of the three.
pub fn check_access(flags: c_int) -> Result<()> {
    if flags & libc::O_ACCMODE == libc::O_ACCMODE { Err(libc::EINVAL) } else { Ok(()) }
}

pub fn truncate_if_asked(mount: &Mount, object: &Object) -> Result<()> {
    if object.flags & libc::O_TRUNC != 0 && object.kind() == libc::S_IFREG {
        super::io::set_size(mount, object, 0)?;
    }
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_dup(
    dfs: *mut dfs_t,
    obj: *mut dfs_obj_t,
    flags: c_int,
    new_obj: *mut *mut dfs_obj_t,
) -> c_int {
    // SAFETY: a mount, an open object, and a place for the new one.
    errno((|| unsafe {
        mount(dfs)?;
        let (old, new_obj) = (object(obj).ok_or(libc::EINVAL)?, out(new_obj)?);
        if flags & libc::O_APPEND != 0 {
            return Err(libc::ENOTSUP);
        }
        check_access(flags)?;
        *new_obj = old.again(flags).into_raw();
        Ok(())
    })())
}

impl Object {
    /// The same object opened once more.
    fn again(&self, flags: c_int) -> Object {
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

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_release(obj: *mut dfs_obj_t) -> c_int {
    if obj.is_null() {
        return libc::EINVAL;
    }
    // SAFETY: an object that a call here boxed; the caller gives it up.
    drop(unsafe { Box::from_raw(obj.cast::<Object>()) });
    0
}

const GLOBAL_MAGIC: &[u8; 8] = b"SI-objct";

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_obj_local2global(dfs: *mut dfs_t, obj: *mut dfs_obj_t, glob: *mut d_iov_t) -> c_int {
    // SAFETY: a mount, an open object, and an I/O vector.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let object = object(obj).filter(|o| o.kind() != libc::S_IFLNK).ok_or(libc::EINVAL)?;
        let mut bytes = GLOBAL_MAGIC.to_vec();
        bytes.extend_from_slice(&mount.container.properties.uuid);
        for number in [
            object.mode.into(),
            object.flags as u64,
            object.oid.hi,
            object.oid.lo,
            object.parent.hi,
            object.parent.lo,
            object.chunk,
            object.oclass.into(),
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(object.name.as_bytes_with_nul());
        export(glob, &bytes)
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_obj_global2local(
    dfs: *mut dfs_t,
    flags: c_int,
    glob: d_iov_t,
    obj: *mut *mut dfs_obj_t,
) -> c_int {
    // SAFETY: a mount, an I/O vector, and a place for the object.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let obj = out(obj)?;
        let bytes = import(&glob, GLOBAL_MAGIC)?;
        let bytes = bytes.strip_prefix(&mount.container.properties.uuid).ok_or(libc::EINVAL)?;
        let (numbers, name) = bytes.split_at_checked(64).ok_or(libc::EINVAL)?;
        let number = |i: usize| u64::from_le_bytes(numbers[i * 8..i * 8 + 8].try_into().expect("eight bytes"));
        let flags = if flags == 0 { number(1) as c_int } else { flags };
        check_access(flags)?;
        *obj = Object {
            mode: number(0) as u32,
            flags,
            oid: daos_obj_id_t { hi: number(2), lo: number(3) },
            parent: daos_obj_id_t { hi: number(4), lo: number(5) },
            chunk: number(6),
            oclass: number(7) as u32,
            name: CStr::from_bytes_with_nul(name).map_err(|_| libc::EINVAL)?.to_owned(),
            value: CString::default(),
            data: OnceLock::new(),
            streams: Streams::default(),
        }
        .into_raw();
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_get_mode(obj: *mut dfs_obj_t, mode: *mut mode_t) -> c_int {
    // SAFETY: an open object and a place for its mode.
    errno((|| unsafe { put(mode, object(obj).ok_or(libc::EINVAL)?.mode) })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_obj2id(obj: *mut dfs_obj_t, oid: *mut daos_obj_id_t) -> c_int {
    // SAFETY: an open object and a place for its id.
    errno((|| unsafe { put(oid, object(obj).ok_or(libc::EINVAL)?.oid) })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_get_symlink_value(
    obj: *mut dfs_obj_t,
    buffer: *mut c_char,
    size: *mut daos_size_t,
) -> c_int {
    // SAFETY: an open link, a buffer of the size given or none, and a place for the size.
    errno((|| unsafe {
        let link = object(obj).filter(|o| o.kind() == libc::S_IFLNK).ok_or(libc::EINVAL)?;
        let size = out(size)?;
        let value = link.value.as_bytes_with_nul();
        if !buffer.is_null() && *size > 0 {
            let length = value.len().min(*size as usize);
            buffer.copy_from_nonoverlapping(value.as_ptr().cast(), length);
            *buffer.add(length - 1) = 0;
        }
        *size = value.len() as u64;
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_obj_get_info(dfs: *mut dfs_t, obj: *mut dfs_obj_t, info: *mut dfs_obj_info_t) -> c_int {
    // SAFETY: a mount, an open object, and a place for the information.
    errno((|| unsafe {
        let object = object(obj).ok_or(libc::EINVAL)?;
        let properties = &mount(dfs)?.container.properties;
        let mut answer = dfs_obj_info_t { doi_oid: object.oid, ..dfs_obj_info_t::default() };
        match object.kind() {
            libc::S_IFDIR => {
                answer.doi_oclass_id = oclass::of_object(object.oid);
                answer.doi_dir_oclass_id = properties.class_for(Kind::Directory, 0, object.oclass)?;
                answer.doi_file_oclass_id = properties.class_for(Kind::File, 0, object.oclass)?;
                answer.doi_chunk_size = if object.chunk == 0 { properties.chunk } else { object.chunk };
            }
            libc::S_IFREG => {
                answer.doi_oclass_id = oclass::of_object(object.oid);
                answer.doi_chunk_size = object.chunk;
            }
            _ => {}
        }
        *out(info)? = answer;
        Ok(())
    })())
}

/// Changes the defaults that new entries of a directory inherit.
unsafe fn set_default(dfs: *mut dfs_t, obj: *mut dfs_obj_t, change: impl Fn(&mut Entry)) -> c_int {
    // SAFETY: a mount and an open directory that is not in use otherwise, by the contract of the two calls below.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let object = obj.cast::<Object>().as_mut().ok_or(libc::EINVAL)?;
        if object.kind() != libc::S_IFDIR {
            return Err(libc::ENOTSUP);
        }
        let mut entry = object.entry(mount)?;
        change(&mut entry);
        (object.oclass, object.chunk) = (entry.oclass, entry.chunk);
        super::namespace::rewrite(mount, object.parent, &object.name, &entry, &[])
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_obj_set_oclass(
    dfs: *mut dfs_t,
    obj: *mut dfs_obj_t,
    _flags: c_int,
    class: daos_oclass_id_t,
) -> c_int {
    if class != 0 && oclass::check_redundancy(class, 0).is_err() {
        return libc::EINVAL;
    }
    // SAFETY: the contract of the call is that of `set_default`.
    unsafe { set_default(dfs, obj, |entry| entry.oclass = class) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_obj_set_chunk_size(
    dfs: *mut dfs_t,
    obj: *mut dfs_obj_t,
    _flags: c_int,
    chunk: daos_size_t,
) -> c_int {
    // SAFETY: the contract of the call is that of `set_default`.
    unsafe { set_default(dfs, obj, |entry| entry.chunk = chunk) }
}

/// Size and times of an object that may not have been written yet.
pub fn stat_object(mount: &Mount, oid: daos_obj_id_t) -> Result<Option<libc::stat>> {
    match stat_at(mount.container.objects.as_raw_fd(), object_name(oid).as_c_str()) {
        Ok(stat) => Ok(Some(stat)),
        Err(libc::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}
