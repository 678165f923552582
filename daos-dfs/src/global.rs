//! Mounts and open files on their way to other processes.
//!
//! What libdfs writes (`dfs_local2global_all`) is a label, a length and a pool, a label, a length and a container, a length and a mount; the
//! pool holds a map whose own counts are followed, too. `dfs_global2local_all` compares magic numbers and trusts every length. Bytes
//! therefore travel in an envelope that tells whose they are, how many, and whether one of them has changed.

use crate::error::{DfsErrno, Error, Result};
use daos_sys::d_iov_t;

/// Begins an envelope. The number counts changes of its form.
const MAGIC: &[u8; 8] = b"dfsglob1";

/// Magic number, kind, library, length of what is inside, and its checksum.
const HEADER: usize = 8 + 4 + 12 + 8 + 8;

const MOUNT: u32 = 1;
const FILE: u32 = 2;

/// A mount as other processes get it; see [`Mount::to_global`](crate::Mount::to_global).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalMount(Vec<u8>);

impl GlobalMount {
    pub(crate) fn seal(payload: Vec<u8>) -> GlobalMount {
        GlobalMount(seal(MOUNT, &payload))
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.0[HEADER..]
    }

    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What another process has sent.
    ///
    /// # Safety
    /// The bytes are those of [`GlobalMount::as_bytes`] of a process that `Mount::to_global` succeeded in. libdfs follows lengths in them and
    /// checks none.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the bytes cannot be that: something else, cut off, changed on the way, or of another version of
    /// the library. This detects accidents; the contract forbids forged bytes.
    pub unsafe fn from_bytes(bytes: &[u8]) -> Result<GlobalMount> {
        check(MOUNT, bytes).map(GlobalMount)
    }
}

/// An open file as other processes get it; see [`File::to_global`](crate::File::to_global).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalFile(Vec<u8>);

impl GlobalFile {
    pub(crate) fn seal(payload: Vec<u8>) -> GlobalFile {
        GlobalFile(seal(FILE, &payload))
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.0[HEADER..]
    }

    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What another process has sent. This is safe where it is not for a mount: libdfs checks the length and follows none inside.
    ///
    /// # Errors
    /// As for [`GlobalMount::from_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<GlobalFile> {
        check(FILE, bytes).map(GlobalFile)
    }
}

fn header(kind: u32, payload: &[u8]) -> [u8; HEADER] {
    let (major, minor, fix) = crate::runtime_version().unwrap_or(crate::built_version());
    let mut header = [0; HEADER];
    let numbers = [kind, major, minor, fix].map(u32::to_le_bytes).concat();
    let length = (payload.len() as u64).to_le_bytes();
    header.copy_from_slice(&[MAGIC.as_slice(), &numbers, &length, &checksum(payload).to_le_bytes()].concat());
    header
}

fn seal(kind: u32, payload: &[u8]) -> Vec<u8> {
    [&header(kind, payload), payload].concat()
}

/// The bytes, if they are an envelope that this process could have made.
fn check(kind: u32, bytes: &[u8]) -> Result<Vec<u8>> {
    match bytes.split_at_checked(HEADER) {
        Some((found, payload)) if found == header(kind, payload) => Ok(bytes.to_vec()),
        _ => Err(Error::Invalid(format!(
            "{} bytes that are not an intact {} of this version of the library",
            bytes.len(),
            if kind == MOUNT { "mount" } else { "open file" },
        ))),
    }
}

/// FNV-1a with 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Calls a function that serialises something, first for the size and then for the bytes.
pub(crate) fn serialise(call: impl Fn(*mut d_iov_t) -> std::ffi::c_int) -> std::result::Result<Vec<u8>, DfsErrno> {
    let mut iov = daos_sys::d_iov(std::ptr::null_mut(), 0);
    DfsErrno::check(call(&mut iov))?;
    let mut bytes = vec![0u8; iov.iov_buf_len];
    let mut iov = daos_sys::d_iov(bytes.as_mut_ptr().cast(), bytes.len());
    DfsErrno::check(call(&mut iov))?;
    bytes.truncate(iov.iov_len);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_refused_when_anything_is_wrong_with_it() {
        let sealed = seal(FILE, b"pool\0 and more");
        assert_eq!(GlobalFile::from_bytes(&sealed).unwrap().payload(), b"pool\0 and more");
        for length in 0..sealed.len() {
            assert!(GlobalFile::from_bytes(&sealed[..length]).is_err(), "{length} bytes");
        }
        for bit in 0..8 * sealed.len() {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(GlobalFile::from_bytes(&changed).is_err(), "bit {bit}");
        }
        assert!(GlobalFile::from_bytes(&[&sealed, &b"x"[..]].concat()).is_err());
        // SAFETY: refused, so that nothing is made of it.
        assert!(unsafe { GlobalMount::from_bytes(&sealed) }.is_err(), "a file is no mount");
    }
}
