//! What `stat` says of entries and objects.

use super::entry::{Entry, SIZE_OF_ENTRY};
use super::mount::Mount;
use super::oclass;
use super::store::{directory_name, object_name};
use super::sys::{Result, stat_at, zeroed_stat};
use crate::bindings::daos_obj_id_t;
use std::os::fd::AsRawFd;

/// What `stat` says of an entry: a file's size and the times of an object come from the object, when it has been written.
pub fn stat_entry(mount: &Mount, entry: &Entry, value_length: usize) -> Result<libc::stat> {
    let mut stat = zeroed_stat();
    (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_nlink) = (entry.mode, entry.uid, entry.gid, 1);
    (stat.st_ctime, stat.st_ctime_nsec) = (entry.ctime.0 as i64, entry.ctime.1.into());
    (stat.st_mtime, stat.st_mtime_nsec) = (entry.mtime.0 as i64, entry.mtime.1.into());
    match entry.kind() {
        libc::S_IFREG => {
            stat.st_blksize = entry.chunk as i64;
            if let Some(object) = stat_object(mount, entry.oid)? {
                stat.st_size = object.st_size;
                stat.st_blocks = (object.st_size + 511) >> 9;
                touched(&mut stat, &object);
            }
        }
        libc::S_IFDIR => {
            stat.st_size = SIZE_OF_ENTRY;
            for object in shards(mount, entry.oid) {
                touched(&mut stat, &object?);
            }
        }
        _ => stat.st_size = value_length as i64,
    }
    let (ctime, mtime) = ((stat.st_ctime, stat.st_ctime_nsec), (stat.st_mtime, stat.st_mtime_nsec));
    (stat.st_atime, stat.st_atime_nsec) = ctime.max(mtime);
    Ok(stat)
}

/// Lets an object that was changed after its entry say when.
fn touched(stat: &mut libc::stat, object: &libc::stat) {
    let changed = (object.st_mtime, object.st_mtime_nsec);
    if changed > (stat.st_mtime, stat.st_mtime_nsec) {
        (stat.st_mtime, stat.st_mtime_nsec) = changed;
    }
    if changed > (stat.st_ctime, stat.st_ctime_nsec) {
        (stat.st_ctime, stat.st_ctime_nsec) = changed;
    }
}

/// The shards of a directory object that exist; a wide class asks every one, as DAOS does.
fn shards(mount: &Mount, oid: daos_obj_id_t) -> impl Iterator<Item = Result<libc::stat>> {
    let count = oclass::groups_of(oid);
    (0..count).filter_map(move |shard| {
        let mut name = directory_name(oid);
        if count > 1 {
            name.push(b"/").push_hex(shard.into(), 4);
        }
        match stat_at(mount.container.dirs.as_raw_fd(), name.as_c_str()) {
            Err(libc::ENOENT) => None,
            other => Some(other),
        }
    })
}

/// Size and times of an object that may not have been written yet.
pub fn stat_object(mount: &Mount, oid: daos_obj_id_t) -> Result<Option<libc::stat>> {
    match stat_at(mount.container.objects.as_raw_fd(), object_name(oid).as_c_str()) {
        Ok(stat) => Ok(Some(stat)),
        Err(libc::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}
