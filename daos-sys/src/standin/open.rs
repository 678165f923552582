//! Open objects: files, directories and symbolic links, and what they tell of themselves.

use super::arguments::{errno, export, import, out, put, text};
use super::entry::Entry;
use super::inject::{self, Call};
use super::mount::mount;
use super::object::{Object, check_access, component, new_entry, object, parent, rewrite, truncate_if_asked};
use super::oclass::{self, Kind};
use super::store::directory_name;
use super::stream::Streams;
use super::sys::mkdir_at;
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};
use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;

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
        rewrite(mount, object.parent, &object.name, &entry, &[])
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
