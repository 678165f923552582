//! Object classes: names, numbers, and what a class comes to on this stand-in's engines.
//!
//! A class number is a redundancy scheme in bits 24–31 and a number of redundancy groups below. Object ids carry both, so
//! that the class of an object is known from its id alone.

use super::sys::{Errno, Result};
use crate::bindings::{daos_obj_id_t, daos_oclass_id_t};
use core::ffi::{CStr, c_char, c_int};
use std::sync::OnceLock;

/// The number of engines; object classes spread over them.
pub fn engines() -> u32 {
    static ENGINES: OnceLock<u32> = OnceLock::new();
    *ENGINES.get_or_init(|| {
        let asked = std::env::var("DAOS_STANDIN_ENGINES").ok();
        asked.and_then(|text| text.parse().ok()).filter(|&n| n > 0).unwrap_or(32).min(0xfffe)
    })
}

/// As a number of groups: as many as there is room for.
const GROUPS_MAX: u32 = 0xffff;
const GROUPS: [u32; 9] = [1, 2, 4, 6, 8, 12, 16, 32, GROUPS_MAX];

/// A redundancy scheme: its number, the name before the groups, the shards of one group, and the failures it survives.
struct Scheme {
    id: u32,
    name: &'static str,
    shards: u32,
    survives: u64,
}

const fn scheme(id: u32, name: &'static str, shards: u32, survives: u64) -> Scheme {
    Scheme { id, name, shards, survives }
}

const SCHEMES: [Scheme; 17] = [
    scheme(1, "S", 1, 0),
    scheme(8, "RP_2G", 2, 1),
    scheme(9, "RP_3G", 3, 2),
    scheme(10, "RP_4G", 4, 3),
    scheme(11, "RP_5G", 5, 4),
    scheme(12, "RP_6G", 6, 5),
    scheme(32, "EC_2P1G", 3, 1),
    scheme(33, "EC_2P2G", 4, 2),
    scheme(34, "EC_4P1G", 5, 1),
    scheme(35, "EC_4P2G", 6, 2),
    scheme(36, "EC_8P1G", 9, 1),
    scheme(37, "EC_8P2G", 10, 2),
    scheme(38, "EC_16P1G", 17, 1),
    scheme(39, "EC_16P2G", 18, 2),
    scheme(40, "EC_4P3G", 7, 3),
    scheme(41, "EC_8P3G", 11, 3),
    scheme(42, "EC_16P3G", 19, 3),
];

const FIRST_ERASURE_CODED: u32 = 32;

/// Erasure-coded schemes by redundancy factor from 1, the widest first.
const STRIPES: [&[u32]; 3] = [&[38, 36, 34, 32], &[39, 37, 35, 33], &[42, 41, 40]];

fn scheme_of(class: daos_oclass_id_t) -> Option<&'static Scheme> {
    SCHEMES.iter().find(|scheme| scheme.id == class >> 24)
}

/// What a container or a caller wants for a new object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
}

/// Whether directories may not have this class.
pub fn is_erasure_coded(class: daos_oclass_id_t) -> bool {
    (FIRST_ERASURE_CODED..=SCHEMES[SCHEMES.len() - 1].id).contains(&(class >> 24))
}

/// Whether objects of this class survive that many failures; `EINVAL` for a class that does not exist.
pub fn check_redundancy(class: daos_oclass_id_t, failures: u64) -> Result<()> {
    let scheme = scheme_of(class).ok_or(libc::EINVAL)?;
    if scheme.survives < failures { Err(libc::EINVAL) } else { Ok(()) }
}

/// The class that `class` – 0 for the default – comes to here: groups are counted out, as DAOS does for object ids.
pub fn resolve(class: daos_oclass_id_t, redundancy_factor: u64, kind: Kind) -> Result<daos_oclass_id_t> {
    let class = if class == 0 { default_class(redundancy_factor, kind)? } else { class };
    let scheme = scheme_of(class).ok_or(libc::EINVAL)?;
    let groups = match class & 0x00ff_ffff {
        GROUPS_MAX => (engines() / scheme.shards).max(1),
        groups => groups,
    };
    if groups == 0 || groups.saturating_mul(scheme.shards) > engines() {
        return Err(libc::EINVAL);
    }
    Ok(scheme.id << 24 | groups)
}

/// Files are spread over everything, directories are not; both survive what the container must survive.
fn default_class(redundancy_factor: u64, kind: Kind) -> Result<daos_oclass_id_t> {
    let replicated = |factor: u64| match factor {
        0 => 1,
        factor => 7 + factor as u32,
    };
    let id = match (kind, redundancy_factor) {
        (_, 5..) => return Err(libc::EINVAL),
        (Kind::File, factor @ 1..=3) => STRIPES[factor as usize - 1]
            .iter()
            .copied()
            // The widest stripe that leaves a spare engine.
            .find(|&id| SCHEMES.iter().any(|scheme| scheme.id == id && scheme.shards < engines()))
            .unwrap_or(replicated(factor)),
        (_, factor) => replicated(factor),
    };
    Ok(id << 24 | if kind == Kind::File { GROUPS_MAX } else { 1 })
}

/// Puts the type and the resolved class into the upper half of an object id.
pub fn stamp(mut oid: daos_obj_id_t, class: daos_oclass_id_t, kind: Kind) -> daos_obj_id_t {
    let object_type: u64 = if kind == Kind::File { 13 } else { 0 };
    oid.hi =
        (oid.hi & 0xffff_ffff) | object_type << 56 | u64::from(class >> 24) << 48 | u64::from(class & 0xffff) << 32;
    oid
}

/// The class in an object id.
pub fn of_object(oid: daos_obj_id_t) -> daos_oclass_id_t {
    ((oid.hi >> 48 & 0xff) << 24 | (oid.hi >> 32 & 0xffff)) as u32
}

/// How many shards an enumeration of a directory object can be split into.
pub fn groups_of(oid: daos_obj_id_t) -> u32 {
    (oid.hi >> 32 & 0xffff) as u32
}

fn name_of(class: daos_oclass_id_t) -> Option<String> {
    let scheme = scheme_of(class)?;
    match class & 0x00ff_ffff {
        0 => None,
        GROUPS_MAX => Some(format!("{}X", scheme.name)),
        groups => Some(format!("{}{groups}", scheme.name)),
    }
}

fn names() -> impl Iterator<Item = (daos_oclass_id_t, String)> {
    SCHEMES.iter().flat_map(|scheme| {
        GROUPS.iter().filter_map(|&n| {
            let class = scheme.id << 24 | n;
            Some((class, name_of(class)?))
        })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_oclass_name2id(name: *const c_char) -> c_int {
    // SAFETY: the caller passes a NUL-terminated string, as libdaos demands.
    let name = unsafe { CStr::from_ptr(name) };
    names().find(|(_, known)| known.as_bytes() == name.to_bytes()).map_or(0, |(class, _)| class as c_int)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_oclass_names_list(size: usize, list: *mut c_char) -> isize {
    const DER_INVAL: isize = crate::bindings::DER_INVAL as isize;
    const DER_OVERFLOW: isize = 1017;
    if size == 0 || list.is_null() {
        return -DER_INVAL;
    }
    let text: String = names().map(|(_, name)| name + ", ").collect();
    if text.len() >= size {
        return -DER_OVERFLOW;
    }
    // SAFETY: the text and its NUL fit the `size` bytes that the caller gives.
    unsafe {
        list.copy_from_nonoverlapping(text.as_ptr().cast(), text.len());
        *list.add(text.len()) = 0;
    }
    text.len() as isize
}

/// The classes that the hints of a container ask for, as `file:max,dir:single`: those of files and of directories, 0 where
/// nothing is said.
pub fn of_hints(hints: &str, redundancy_factor: u64) -> core::result::Result<(u32, u32), Errno> {
    let (mut file, mut directory) = (0, 0);
    for hint in hints.split(',').filter(|hint| !hint.is_empty()) {
        let (what, width) = hint.split_once(':').ok_or(libc::EINVAL)?;
        let kind = match what.to_ascii_lowercase().as_str() {
            "file" => Kind::File,
            "dir" | "directory" => Kind::Directory,
            _ => return Err(libc::EINVAL),
        };
        let groups = match width.to_ascii_lowercase().as_str() {
            "single" => 1,
            "max" => GROUPS_MAX,
            _ => return Err(libc::EINVAL),
        };
        // One group is replicated even for files: there is nothing to stripe over.
        let scheme = if groups == 1 { Kind::Directory } else { kind };
        let class = default_class(redundancy_factor, scheme)? & 0xff00_0000 | groups;
        *(if kind == Kind::File { &mut file } else { &mut directory }) = class;
    }
    Ok((file, directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_daos_s() {
        let id = |name: &CStr| unsafe_name2id(name);
        assert_eq!(id(c"S1"), 0x0100_0001);
        assert_eq!(id(c"SX"), 0x0100_ffff);
        assert_eq!(id(c"RP_2GX"), 0x0800_ffff);
        assert_eq!(id(c"EC_16P1GX"), 0x2600_ffff);
        assert_eq!(id(c"EC_4P3G1"), 0x2800_0001);
        assert_eq!(id(c"sx"), 0);
        assert_eq!(id(c"S3"), 0);
        assert_eq!(name_of(0x0100_0003).as_deref(), Some("S3"));
        assert_eq!(name_of(0x0300_0003), None);
    }

    fn unsafe_name2id(name: &CStr) -> c_int {
        // SAFETY: a NUL-terminated string.
        unsafe { daos_oclass_name2id(name.as_ptr()) }
    }

    #[test]
    fn a_class_is_counted_out_over_the_engines() {
        assert_eq!(engines(), 32);
        assert_eq!(resolve(0x0100_ffff, 0, Kind::File), Ok(0x0100_0020));
        assert_eq!(resolve(0, 0, Kind::Directory), Ok(0x0100_0001));
        assert_eq!(resolve(0, 1, Kind::File), Ok(0x2600_0001));
        assert_eq!(resolve(0, 2, Kind::Directory), Ok(0x0900_0001));
        assert_eq!(resolve(0x0b00_0007, 0, Kind::File), Err(libc::EINVAL), "7 groups of 5 on 32 engines");
        assert_eq!(resolve(3, 0, Kind::File), Err(libc::EINVAL));
    }

    #[test]
    fn an_object_id_tells_its_class() {
        let oid = stamp(daos_obj_id_t { hi: 0xdead_beef, lo: 1 }, 0x0100_0020, Kind::File);
        assert_eq!((of_object(oid), groups_of(oid), oid.hi as u32), (0x0100_0020, 32, 0xdead_beef));
    }
}
