//! Names: making directories, removing, renaming, and what a name stands for.

use super::arguments::{errno, put};
use super::entry::Entry;
use super::inject::{self, Call};
use super::mount::{Mount, mount};
use super::object::{Parent, component, new_entry, object, parent, rewrite};
use super::oclass;
use super::stat::stat_entry;
use super::store::{directory_name, ignore, object_name, remove_tree};
use super::stream;
use super::sys::{Name, Result, mkdir_at, now, rename_at, unlink_at};
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};
use std::ffi::CString;
use std::os::fd::AsRawFd;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_mkdir(
    dfs: *mut dfs_t,
    parent_obj: *mut dfs_obj_t,
    name: *const c_char,
    mode: mode_t,
    class: daos_oclass_id_t,
) -> c_int {
    // SAFETY: a mount, an open directory or NULL, and a string.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        mount.check_writable()?;
        let parent = parent(mount, parent_obj)?;
        let name = component(name)?;
        inject::before(Call::Mkdir)?;
        let entry = new_entry(mount, &parent, libc::S_IFDIR | mode, class, 0)?;
        let object = directory_name(entry.oid);
        mkdir_at(mount.container.dirs.as_raw_fd(), object.as_c_str())?;
        let inserted = parent.insert(mount, name, &entry, &[]);
        if inserted.is_err() {
            unlink_at(mount.container.dirs.as_raw_fd(), object.as_c_str(), libc::AT_REMOVEDIR)?;
        }
        inserted
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_remove(
    dfs: *mut dfs_t,
    parent_obj: *mut dfs_obj_t,
    name: *const c_char,
    force: bool,
    oid: *mut daos_obj_id_t,
) -> c_int {
    // SAFETY: a mount, an open directory or NULL, a string, and optionally a place for the id.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        mount.check_writable()?;
        let parent = parent(mount, parent_obj)?;
        let name = component(name)?;
        inject::before(Call::Remove)?;
        let entry = parent.fetch(mount, name)?;
        if entry.kind() == libc::S_IFDIR {
            remove_directory(mount, entry.oid, force)?;
        }
        // Of several that remove one name, all but the first find it gone here.
        unlink_at(mount.container.dirs.as_raw_fd(), parent.path(name).as_c_str(), 0)?;
        if entry.kind() == libc::S_IFREG {
            remove_bytes(mount, entry.oid)?;
        }
        if let Some(oid) = oid.as_mut() {
            *oid = entry.oid;
        }
        Ok(())
    })())
}

fn remove_bytes(mount: &Mount, oid: daos_obj_id_t) -> Result<()> {
    let objects = mount.container.objects.as_raw_fd();
    ignore(unlink_at(objects, object_name(oid).as_c_str(), 0), libc::ENOENT)
}

/// Removes a directory object; `ENOTEMPTY` when there is something in it, unless forced.
fn remove_directory(mount: &Mount, oid: daos_obj_id_t, force: bool) -> Result<()> {
    let dirs = &mount.container.dirs;
    let rmdir = |name: &Name| ignore(unlink_at(dirs.as_raw_fd(), name.as_c_str(), libc::AT_REMOVEDIR), libc::ENOENT);
    let shards = oclass::groups_of(oid);
    let emptied = (0..if shards > 1 { shards } else { 0 }).try_for_each(|shard| {
        let mut name = directory_name(oid);
        name.push(b"/").push_hex(shard.into(), 4);
        rmdir(&name)
    });
    match emptied.and_then(|()| rmdir(&directory_name(oid))) {
        Err(libc::ENOTEMPTY) if force => {
            remove_contents(mount, oid)?;
            remove_tree(dirs, directory_name(oid).as_c_str())
        }
        result => result,
    }
}

/// Removes the objects of everything in a directory; the entries go with the directory itself.
fn remove_contents(mount: &Mount, oid: daos_obj_id_t) -> Result<()> {
    let parent = Parent { oid, chunk: 0, oclass: 0 };
    for name in stream::names(mount, oid)? {
        let entry = parent.fetch(mount, &name)?;
        match entry.kind() {
            libc::S_IFDIR => remove_directory(mount, entry.oid, true)?,
            libc::S_IFREG => remove_bytes(mount, entry.oid)?,
            _ => {}
        }
    }
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_move(
    dfs: *mut dfs_t,
    parent_obj: *mut dfs_obj_t,
    name: *const c_char,
    new_parent: *mut dfs_obj_t,
    new_name: *const c_char,
    oid: *mut daos_obj_id_t,
) -> c_int {
    // SAFETY: a mount, open directories or NULL, two strings, and optionally a place for the id.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        mount.check_writable()?;
        let (from, to) = (parent(mount, parent_obj)?, parent(mount, new_parent)?);
        let (name, new_name) = (component(name)?, component(new_name)?);
        let entry = from.fetch(mount, name)?;
        let replaced = match to.fetch(mount, new_name) {
            Ok(old) if old.oid == entry.oid => return Ok(()),
            Ok(old) => Some(old),
            Err(libc::ENOENT) => None,
            Err(errno) => return Err(errno),
        };
        if let Some(old) = replaced {
            if old.kind() == libc::S_IFDIR {
                if entry.kind() != libc::S_IFDIR {
                    return Err(libc::EISDIR);
                }
                remove_directory(mount, old.oid, false)?;
            } else if entry.kind() == libc::S_IFDIR {
                return Err(libc::ENOTDIR);
            }
        }
        let dirs = mount.container.dirs.as_raw_fd();
        let (old_path, new_path) = (from.path(name), to.path(new_name));
        to.with_shard(mount, new_name, || rename_at(dirs, old_path.as_c_str(), dirs, new_path.as_c_str()))?;
        if let Some(old) = replaced.filter(|old| old.kind() == libc::S_IFREG) {
            remove_bytes(mount, old.oid)?;
        }
        if let (Some(oid), Some(old)) = (oid.as_mut(), replaced) {
            *oid = old.oid;
        }
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_stat(
    dfs: *mut dfs_t,
    parent_obj: *mut dfs_obj_t,
    name: *const c_char,
    stat: *mut libc::stat,
) -> c_int {
    // SAFETY: a mount, an open directory or NULL, a string or NULL, and a place for the answer.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        if name.is_null() {
            return put(stat, stat_entry(mount, &root_only(mount, parent_obj)?, 0)?);
        }
        let parent = parent(mount, parent_obj)?;
        let name = component(name)?;
        inject::before(Call::Stat)?;
        let entry = parent.fetch(mount, name)?;
        put(stat, stat_entry(mount, &entry, link_length(mount, &parent, name, &entry)?)?)
    })())
}

fn link_length(mount: &Mount, parent: &Parent, name: &CStr, entry: &Entry) -> Result<usize> {
    if entry.kind() != libc::S_IFLNK {
        return Ok(0);
    }
    let path = parent.path(name);
    Ok(Entry::fetch_with_value(mount.container.dirs.as_raw_fd(), path.as_c_str())?.1.len())
}

/// The root's entry, when the directory given is the root: NULL names stand for it alone.
unsafe fn root_only(mount: &Mount, parent_obj: *mut dfs_obj_t) -> Result<Entry> {
    let root = mount.container.root()?;
    // SAFETY: an open directory or NULL.
    match unsafe { object(parent_obj) } {
        Some(parent) if parent.oid != root.oid => Err(libc::EINVAL),
        _ => Ok(root),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_ostat(dfs: *mut dfs_t, obj: *mut dfs_obj_t, stat: *mut libc::stat) -> c_int {
    // SAFETY: a mount, an open object, and a place for the answer.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let object = object(obj).ok_or(libc::EINVAL)?;
        inject::before(Call::Stat)?;
        let entry = object.entry(mount)?;
        let parent = Parent { oid: object.parent, chunk: 0, oclass: 0 };
        put(stat, stat_entry(mount, &entry, link_length(mount, &parent, &object.name, &entry)?)?)
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_chmod(
    dfs: *mut dfs_t,
    parent_obj: *mut dfs_obj_t,
    name: *const c_char,
    mode: mode_t,
) -> c_int {
    // SAFETY: a mount, an open directory or NULL, and a string or NULL.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        mount.check_writable()?;
        if mode & libc::S_ISVTX != 0 {
            return Err(libc::ENOTSUP);
        }
        let change = |mut entry: Entry| {
            if mode & libc::S_IFMT != 0 && mode & libc::S_IFMT != entry.kind() {
                return Err(libc::EINVAL);
            }
            entry.mode = entry.kind() | mode & 0o7777;
            entry.ctime = now();
            Ok(entry)
        };
        if name.is_null() {
            return mount.container.set_root(&change(root_only(mount, parent_obj)?)?);
        }
        let parent = parent(mount, parent_obj)?;
        let name = component(name)?;
        let entry = parent.fetch(mount, name)?;
        if entry.kind() == libc::S_IFLNK {
            let value = CString::new(parent.fetch_with_value(mount, name)?.1).map_err(|_| libc::EIO)?;
            let target = super::lookup::follow(mount, &parent, &value, libc::O_RDWR, 1)?;
            let entry = change(target.entry(mount)?)?;
            return rewrite(mount, target.parent, &target.name, &entry, &[]);
        }
        rewrite(mount, parent.oid, name, &change(entry)?, &[])
    })())
}
