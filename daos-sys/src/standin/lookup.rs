//! Looking up: whole paths and single names, symbolic links followed as libdfs follows them.

use super::arguments::{errno, out, text};
use super::entry::Entry;
use super::inject::{self, Call};
use super::mount::{Mount, mount};
use super::object::{NOWHERE, Object, Parent, check_access, component, parent, truncate_if_asked};
use super::stat::stat_entry;
use super::sys::Result;
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};
use std::ffi::CString;

/// How many symbolic links a lookup follows.
const MAX_LINKS: u32 = 40;

/// Walks `path` from `start`. Symbolic links are followed, a last one only without `O_NOFOLLOW`.
fn walk(mount: &Mount, start: Object, path: &[u8], flags: c_int, links: u32) -> Result<Object> {
    if links >= MAX_LINKS {
        return Err(libc::ELOOP);
    }
    let mut at = start;
    let mut components = path.split(|&c| c == b'/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = components.next() {
        let name = CString::new(part).map_err(|_| libc::EINVAL)?;
        if part.len() > DFS_MAX_NAME as usize {
            return Err(libc::EINVAL);
        }
        if at.kind() != libc::S_IFDIR {
            return Err(libc::ENOENT);
        }
        let parent = Parent { oid: at.oid, chunk: at.chunk, oclass: at.oclass };
        let (entry, value) = parent.fetch_with_value(mount, &name)?;
        let last = components.peek().is_none();
        let found = Object::new(&entry, parent.oid, &name, flags, value);
        at = if entry.kind() == libc::S_IFLNK && !(last && flags & libc::O_NOFOLLOW != 0) {
            follow(mount, &parent, &found.value, flags, links + 1)?
        } else {
            found
        };
    }
    Ok(at)
}

/// The object that a link found in a directory stands for.
pub fn follow(mount: &Mount, from: &Parent, value: &CStr, flags: c_int, links: u32) -> Result<Object> {
    let root = mount.container.root()?;
    let start = if from.oid == root.oid {
        Object::new(&root, NOWHERE, c"/", flags, Vec::new())
    } else if value.to_bytes().starts_with(b"/") {
        // libdfs knows absolute links only in the root directory.
        return Err(libc::EINVAL);
    } else {
        let directory = Entry { mode: libc::S_IFDIR, oid: from.oid, chunk: from.chunk, oclass: from.oclass, ..root };
        Object::new(&directory, NOWHERE, c"", flags, Vec::new())
    };
    walk(mount, start, value.to_bytes(), flags, links)
}

/// The end of both lookups: what the caller wants to know of the object, and the object.
unsafe fn finish(
    mount: &Mount,
    found: Object,
    obj: &mut *mut dfs_obj_t,
    mode: *mut mode_t,
    stat: *mut libc::stat,
) -> Result<()> {
    truncate_if_asked(mount, &found)?;
    // SAFETY: the caller's optional places for results.
    unsafe {
        if let Some(mode) = mode.as_mut() {
            *mode = found.mode;
        }
        if let Some(stat) = stat.as_mut() {
            *stat = stat_entry(mount, &found.entry(mount)?, found.value.as_bytes().len())?;
        }
    }
    *obj = found.into_raw();
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_lookup(
    dfs: *mut dfs_t,
    path: *const c_char,
    flags: c_int,
    obj: *mut *mut dfs_obj_t,
    mode: *mut mode_t,
    stat: *mut libc::stat,
) -> c_int {
    // SAFETY: a mount, a string, and places for the results.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        if flags & libc::O_APPEND != 0 {
            return Err(libc::ENOTSUP);
        }
        let (obj, path) = (out(obj)?, text(path)?.to_bytes());
        if path.len() >= DFS_MAX_PATH as usize || !path.starts_with(b"/") {
            return Err(libc::EINVAL);
        }
        check_access(flags)?;
        inject::before(Call::Lookup)?;
        let root = Object::new(&mount.container.root()?, NOWHERE, c"/", flags, Vec::new());
        finish(mount, walk(mount, root, path, flags, 0)?, obj, mode, stat)
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_lookup_rel(
    dfs: *mut dfs_t,
    parent_obj: *mut dfs_obj_t,
    name: *const c_char,
    flags: c_int,
    obj: *mut *mut dfs_obj_t,
    mode: *mut mode_t,
    stat: *mut libc::stat,
) -> c_int {
    // SAFETY: a mount, an open directory or NULL, a string, and places for the results.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let obj = out(obj)?;
        let parent = parent(mount, parent_obj)?;
        if flags & libc::O_APPEND != 0 {
            return Err(libc::ENOTSUP);
        }
        let name = component(name)?;
        check_access(flags)?;
        inject::before(Call::Lookup)?;
        let (entry, value) = parent.fetch_with_value(mount, name)?;
        let mut found = Object::new(&entry, parent.oid, name, flags, value);
        if entry.kind() == libc::S_IFLNK && flags & libc::O_NOFOLLOW == 0 {
            found = follow(mount, &parent, &found.value, flags, 1)?;
        }
        finish(mount, found, obj, mode, stat)
    })())
}
