//! What a directory keeps about a name, and its form as the target of a symbolic link.
//!
//! All numbers are hexadecimal of fixed width; 112 bytes in all, which tmpfs still keeps inside the inode. The value of a
//! symbolic link of the DFS namespace follows.

use super::sys::{Result, get_hex, put_hex, readlink_at, symlink_at};
use crate::bindings::daos_obj_id_t;
use core::ffi::CStr;
use std::os::fd::RawFd;

/// A directory entry, as in DAOS.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Type and permissions.
    pub mode: u32,
    pub oid: daos_obj_id_t,
    /// Of a file; of a directory the default for what is made in it, 0 for none.
    pub chunk: u64,
    /// Of a directory: the default class for what is made in it, 0 for none.
    pub oclass: u32,
    pub uid: u32,
    pub gid: u32,
    pub ctime: (u64, u32),
    pub mtime: (u64, u32),
}

const LENGTH: usize = 112;

/// The longest value a symbolic link can have: a link target has at most 4,095 bytes.
pub const MAX_VALUE: usize = 4095 - LENGTH;

/// The bytes that DAOS reports as the size of a directory: its entry as a C structure.
pub const SIZE_OF_ENTRY: i64 = 104;

impl Entry {
    pub fn kind(&self) -> u32 {
        self.mode & libc::S_IFMT
    }

    /// Makes the name; `EEXIST` when it is taken.
    pub fn insert(&self, dir: RawFd, name: &CStr, value: &[u8]) -> Result<()> {
        if value.len() > MAX_VALUE {
            return Err(libc::ENAMETOOLONG);
        }
        let mut target = [0u8; 4096];
        self.encode(&mut target[..LENGTH]);
        target[LENGTH..LENGTH + value.len()].copy_from_slice(value);
        let target = CStr::from_bytes_with_nul(&target[..=LENGTH + value.len()]).map_err(|_| libc::EINVAL)?;
        symlink_at(target, dir, name)
    }

    /// Reads the entry of a name; `ENOENT` when there is none.
    pub fn fetch(dir: RawFd, name: &CStr) -> Result<Entry> {
        let mut buffer = [0u8; LENGTH];
        Entry::decode(readlink_at(dir, name, &mut buffer)?)
    }

    /// Reads the entry of a name and the value that follows it.
    pub fn fetch_with_value(dir: RawFd, name: &CStr) -> Result<(Entry, Vec<u8>)> {
        let mut buffer = [0u8; 4096];
        let target = readlink_at(dir, name, &mut buffer)?;
        Ok((Entry::decode(target)?, target.get(LENGTH..).unwrap_or_default().to_vec()))
    }

    fn fields(&self) -> [(usize, u64); 11] {
        [
            (4, self.mode.into()),
            (16, self.oid.hi),
            (16, self.oid.lo),
            (16, self.chunk),
            (8, self.oclass.into()),
            (8, self.uid.into()),
            (8, self.gid.into()),
            (10, self.ctime.0),
            (8, self.ctime.1.into()),
            (10, self.mtime.0),
            (8, self.mtime.1.into()),
        ]
    }

    fn encode(&self, out: &mut [u8]) {
        let mut at = 0;
        for (digits, value) in self.fields() {
            put_hex(&mut out[at..at + digits], value);
            at += digits;
        }
    }

    fn decode(target: &[u8]) -> Result<Entry> {
        let mut at = 0;
        let mut next = |digits: usize| {
            let text = target.get(at..at + digits).ok_or(libc::EIO)?;
            at += digits;
            get_hex(text).ok_or(libc::EIO)
        };
        Ok(Entry {
            mode: next(4)? as u32,
            oid: daos_obj_id_t { hi: next(16)?, lo: next(16)? },
            chunk: next(16)?,
            oclass: next(8)? as u32,
            uid: next(8)? as u32,
            gid: next(8)? as u32,
            ctime: (next(10)?, next(8)? as u32),
            mtime: (next(10)?, next(8)? as u32),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_the_round_trip() {
        let entry = Entry {
            mode: libc::S_IFREG | 0o644,
            oid: daos_obj_id_t { hi: u64::MAX - 5, lo: 7 },
            chunk: 470_080,
            oclass: 0x0100_0020,
            uid: 1000,
            gid: u32::MAX,
            ctime: (1_767_000_000, 999_999_999),
            mtime: (1, 2),
        };
        let mut out = [0; LENGTH];
        entry.encode(&mut out);
        assert_eq!(Entry::decode(&out).unwrap().fields(), entry.fields());
        assert!(Entry::decode(&out[..LENGTH - 1]).is_err());
    }

    #[test]
    fn the_fields_fill_the_length() {
        let entry = Entry::decode(&[b'0'; LENGTH]).unwrap();
        assert_eq!(entry.fields().iter().map(|&(digits, _)| digits).sum::<usize>(), LENGTH);
    }
}
