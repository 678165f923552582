//! Listings: whole directories, single shards of one, and with a filter.
//!
//! An anchor holds the shard, the position in it, and the number of a stream: an open directory with what was read ahead,
//! which the open object keeps. A stream only saves work; an anchor alone is enough to go on.

use super::arguments::{errno, out};
use super::entry::Entry;
use super::inject::{self, Call};
use super::mount::{Mount, mount};
use super::object::{Object, Parent, object};
use super::oclass;
use super::stream::Stream;
use super::sys::Result;
use crate::bindings::*;
use core::ffi::{CStr, c_char, c_int};

/// As flags of an anchor: it stays in its shard.
const ONE_SHARD: u32 = 1;

/// The most streams that one open directory keeps.
const MAX_STREAMS: usize = 64;

/// What an anchor says.
struct Place {
    stream: u64,
    shard: u32,
    one_shard: bool,
    position: i64,
}

impl Place {
    fn of(anchor: &daos_anchor_t) -> Place {
        let number = |at: usize| u64::from_ne_bytes(anchor.da_buf[at..at + 8].try_into().expect("eight bytes"));
        Place {
            stream: number(0),
            position: number(8) as i64,
            shard: anchor.da_shard.into(),
            one_shard: anchor.da_flags & ONE_SHARD != 0,
        }
    }

    fn save(&self, anchor: &mut daos_anchor_t, at_end: bool) {
        anchor.da_type = if at_end { DAOS_ANCHOR_TYPE_EOF } else { DAOS_ANCHOR_TYPE_KEY } as u16;
        anchor.da_shard = self.shard as u16;
        anchor.da_flags = if self.one_shard { ONE_SHARD } else { 0 };
        anchor.da_buf[..8].copy_from_slice(&self.stream.to_ne_bytes());
        anchor.da_buf[8..16].copy_from_slice(&self.position.to_ne_bytes());
    }
}

/// Goes on from an anchor and gives names to `take` until it says that it is full.
fn list(
    mount: &Mount,
    object: &Object,
    anchor: &mut daos_anchor_t,
    mut take: impl FnMut(&CStr) -> Result<bool>,
) -> Result<()> {
    let mut place = Place::of(anchor);
    let mut streams = object.streams.lock().unwrap_or_else(|e| e.into_inner());
    let known =
        streams.iter().position(|s| s.id == place.stream && s.shard == place.shard && s.position == place.position);
    let mut stream = match known {
        Some(index) => Some(streams.swap_remove(index)),
        None => Stream::open(mount, object.oid, place.shard, place.position)?,
    };
    let full = loop {
        match stream.as_mut().map_or(Ok(None), Stream::next)? {
            Some(name) => {
                if take(name)? {
                    break true;
                }
            }
            None if place.one_shard || place.shard + 1 >= oclass::groups_of(object.oid) => break false,
            None => {
                place.shard += 1;
                stream = Stream::open(mount, object.oid, place.shard, 0)?;
            }
        }
    };
    if let Some(stream) = stream {
        (place.stream, place.position) = (stream.id, stream.position);
        if full {
            if streams.len() == MAX_STREAMS {
                streams.remove(0);
            }
            streams.push(stream);
        }
    }
    place.save(anchor, !full);
    Ok(())
}

/// Writes a name into a directory entry of C's.
fn set_name(entry: &mut libc::dirent, name: &CStr) {
    for (to, &from) in entry.d_name.iter_mut().zip(name.to_bytes_with_nul()) {
        *to = from as c_char;
    }
}

unsafe fn open_directory<'o>(obj: *mut dfs_obj_t) -> Option<&'o Object> {
    // SAFETY: an open object or NULL.
    unsafe { object(obj) }.filter(|o| o.kind() == libc::S_IFDIR)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_readdir(
    dfs: *mut dfs_t,
    obj: *mut dfs_obj_t,
    anchor: *mut daos_anchor_t,
    nr: *mut u32,
    dirs: *mut libc::dirent,
) -> c_int {
    // SAFETY: a mount, an open directory, an anchor, a count, and that many places for entries.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let object = open_directory(obj).ok_or(libc::ENOTDIR)?;
        let nr = out(nr)?;
        if *nr == 0 {
            return Ok(());
        }
        if dirs.is_null() {
            return Err(libc::EINVAL);
        }
        let anchor = out(anchor)?;
        inject::before(Call::Readdir)?;
        let mut count = 0;
        if !crate::daos_anchor_is_eof(anchor) {
            list(mount, object, anchor, |name| {
                set_name(&mut *dirs.add(count), name);
                count += 1;
                Ok(count == *nr as usize)
            })?;
        }
        *nr = count as u32;
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_obj_anchor_split(obj: *mut dfs_obj_t, nr: *mut u32, anchors: *mut daos_anchor_t) -> c_int {
    // SAFETY: an open directory, a count, and places for as many anchors or NULL.
    errno((|| unsafe {
        let object = open_directory(obj).ok_or(libc::EINVAL)?;
        let nr = out(nr)?;
        let shards = oclass::groups_of(object.oid);
        if *nr != 0 && *nr != shards {
            return Err(libc::EINVAL);
        }
        *nr = shards;
        if !anchors.is_null() {
            for shard in 0..shards {
                *anchors.add(shard as usize) = anchor_of(shard);
            }
        }
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_obj_anchor_set(obj: *mut dfs_obj_t, index: u32, anchor: *mut daos_anchor_t) -> c_int {
    // SAFETY: an open directory and a place for the anchor.
    errno((|| unsafe {
        open_directory(obj).ok_or(libc::EINVAL)?;
        *out(anchor)? = anchor_of(index);
        Ok(())
    })())
}

fn anchor_of(shard: u32) -> daos_anchor_t {
    daos_anchor_t { da_shard: shard as u16, da_flags: ONE_SHARD, ..daos_anchor_t::default() }
}

/// What a `dfs_pipeline_t` points to.
struct Filter {
    /// With `%` for any bytes and `_` for one.
    pattern: Option<Vec<u8>>,
    newer: Option<i64>,
    /// Directories have to pass too; otherwise all of them are listed, so that they can be walked.
    with_directories: bool,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_pipeline_create(
    dfs: *mut dfs_t,
    predicate: dfs_predicate_t,
    flags: u64,
    pipeline: *mut *mut dfs_pipeline_t,
) -> c_int {
    let has = |flag| flags & u64::from(flag) != 0;
    let name = || predicate.dp_name.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
    let filter = Filter {
        pattern: has(DFS_FILTER_NAME).then(name),
        newer: has(DFS_FILTER_NEWER).then_some(predicate.dp_newer),
        with_directories: has(DFS_FILTER_INCLUDE_DIRS),
    };
    // SAFETY: a mount and a place for the pipeline.
    errno((|| unsafe {
        mount(dfs)?;
        *out(pipeline)? = Box::into_raw(Box::new(filter)).cast();
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_pipeline_destroy(pipeline: *mut dfs_pipeline_t) -> c_int {
    if !pipeline.is_null() {
        // SAFETY: a filter that dfs_pipeline_create boxed; the caller gives it up.
        drop(unsafe { Box::from_raw(pipeline.cast::<Filter>()) });
    }
    0
}

/// SQL's LIKE: `%` is any bytes, `_` any one byte, a backslash takes the meaning away.
fn like(name: &[u8], pattern: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'%', rest @ ..] => (0..=name.len()).any(|skip| like(&name[skip..], rest)),
        [b'_', rest @ ..] => !name.is_empty() && like(&name[1..], rest),
        [b'\\', c, rest @ ..] | [c, rest @ ..] => name.first() == Some(c) && like(&name[1..], rest),
    }
}

impl Filter {
    fn passes(&self, name: &CStr, entry: &Entry) -> bool {
        if entry.kind() == libc::S_IFDIR && !self.with_directories {
            return true;
        }
        self.pattern.as_ref().is_none_or(|pattern| like(name.to_bytes(), pattern))
            && self.newer.is_none_or(|newer| entry.ctime.0 as i64 > newer)
    }
}

/// DAOS 2.8 has it only where the environment asks for it.
fn pipelines_enabled() -> bool {
    std::env::var("DAOS_PIPELINE").is_ok_and(|value| value == "1")
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_readdir_with_filter(
    dfs: *mut dfs_t,
    obj: *mut dfs_obj_t,
    pipeline: *mut dfs_pipeline_t,
    anchor: *mut daos_anchor_t,
    nr: *mut u32,
    dirs: *mut libc::dirent,
    oids: *mut daos_obj_id_t,
    chunks: *mut daos_size_t,
    scanned: *mut u64,
) -> c_int {
    // SAFETY: a mount, an open directory, a pipeline, an anchor, a count, that many places for entries and, where wanted, for
    // ids and chunk sizes, and a place for the number scanned.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        let object = open_directory(obj).ok_or(libc::ENOTDIR)?;
        let nr = out(nr)?;
        if *nr == 0 {
            return Ok(());
        }
        let filter = pipeline.cast::<Filter>().as_ref().ok_or(libc::EINVAL)?;
        let (anchor, scanned) = (out(anchor)?, out(scanned)?);
        if dirs.is_null() {
            return Err(libc::EINVAL);
        }
        if !pipelines_enabled() {
            return Err(libc::EIO);
        }
        inject::before(Call::Readdir)?;
        let parent = Parent { oid: object.oid, chunk: 0, oclass: 0 };
        let mut count = 0;
        *scanned = 0;
        if !crate::daos_anchor_is_eof(anchor) {
            list(mount, object, anchor, |name| {
                let entry = match parent.fetch(mount, name) {
                    Err(libc::ENOENT) => return Ok(false),
                    entry => entry?,
                };
                *scanned += 1;
                if filter.passes(name, &entry) {
                    let dirent = &mut *dirs.add(count);
                    set_name(dirent, name);
                    dirent.d_type = match entry.kind() {
                        libc::S_IFDIR => libc::DT_DIR,
                        libc::S_IFLNK => libc::DT_LNK,
                        _ => libc::DT_REG,
                    };
                    if !oids.is_null() {
                        *oids.add(count) = entry.oid;
                    }
                    if !chunks.is_null() {
                        *chunks.add(count) = entry.chunk;
                    }
                    count += 1;
                }
                Ok(count == *nr as usize)
            })?;
        }
        *nr = count as u32;
        Ok(())
    })())
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns_are_sql_s() {
        for (name, pattern, matches) in [
            ("file.mdtest.0.101", "%01%", true),
            ("file.mdtest.0.110", "%01%", false),
            ("001", "%01%", true),
            ("abc", "a_c", true),
            ("abc", "a_", false),
            ("a%c", "a\\%c", true),
            ("abc", "a\\%c", false),
            ("", "%", true),
        ] {
            assert_eq!(like(name.as_bytes(), pattern.as_bytes()), matches, "{name} {pattern}");
        }
    }
}
