//! Snapshots in archives: tar, plain or compressed by zstd, gzip or bzip2 (as `hwloc-gather-topology` writes them), held in memory.
//!
//! Nothing is unpacked to disk. An archive that grows beyond a bound or names a path outside itself is refused.

use super::root::MAX_FILE;
use super::tree::{Entry, Tree};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

/// The most that an archive may hold, unpacked.
const MAX_TOTAL: u64 = 128 << 20;
/// The most entries.
const MAX_ENTRIES: usize = 200_000;
/// The longest path and target of a link, as the kernel has it; an archive can hold longer ones.
const MAX_PATH: usize = 4096;
/// The deepest path. Each directory on the way is kept, so that a long path of short names takes the square of its length.
const MAX_DEPTH: usize = 64;

/// Why an archive was not read, or a snapshot not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file, or what it is compressed with.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It holds what no snapshot holds.
    #[error("refused: {0}")]
    Refused(String),
    /// The compressed part is none.
    #[error("it is no zstd: {0}")]
    Zstd(String),
}

/// What an archive may hold, unpacked, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// One file.
    pub file: u64,
    /// All together.
    pub total: u64,
}

/// Reads the archive of a snapshot into memory.
///
/// # Errors
/// When the file cannot be read, is no archive of a known kind, or exceeds the bounds.
pub fn read_archive(path: &Path) -> Result<Tree, ArchiveError> {
    read_archive_within(path, Bounds { file: MAX_FILE, total: MAX_TOTAL })
}

/// Reads an archive of other bounds into memory.
///
/// # Errors
/// As those of [`read_archive`].
pub fn read_archive_within(path: &Path, bounds: Bounds) -> Result<Tree, ArchiveError> {
    // before it is opened: opening a FIFO waits for a writer
    if !std::fs::metadata(path)?.is_file() {
        return Err(ArchiveError::Refused("no regular file".into()));
    }
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    let whole = io::Cursor::new(magic.clone()).chain(file);
    match magic.as_slice() {
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let unpacked = ruzstd::decoding::StreamingDecoder::new(whole);
            read_tar(unpacked.map_err(|error| ArchiveError::Zstd(error.to_string()))?, bounds)
        }
        [0x1f, 0x8b, ..] => read_tar(flate2::read::MultiGzDecoder::new(whole), bounds),
        [b'B', b'Z', b'h', _] => read_tar(bzip2::read::BzDecoder::new(whole), bounds),
        _ => read_tar(whole, bounds),
    }
}

fn read_tar(unpacked: impl Read, bounds: Bounds) -> Result<Tree, ArchiveError> {
    let mut archive = tar::Archive::new(Bounded { inner: unpacked, left: bounds.total, total: bounds.total });
    let mut tree = Tree::default();
    for (index, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        if index >= MAX_ENTRIES {
            return Err(ArchiveError::Refused(format!("more than {MAX_ENTRIES} entries")));
        }
        let path = inside(&entry.path()?)?;
        let kind = entry.header().entry_type();
        let link = entry.link_name()?.and_then(|target| target.to_str().map(str::to_owned));
        if link.as_ref().is_some_and(|target| target.len() > MAX_PATH) {
            return Err(ArchiveError::Refused(format!(
                "a link of {} leads further than {MAX_PATH} bytes",
                shown(&path)
            )));
        }
        let what = match (kind, link) {
            (tar::EntryType::Directory, _) => Entry::Dir,
            (tar::EntryType::Symlink, Some(target)) => Entry::Link(target),
            (tar::EntryType::Link, Some(target)) => Entry::Link(format!("/{target}")),
            (tar::EntryType::Regular | tar::EntryType::Continuous, _) => {
                if entry.size() > bounds.file {
                    return Err(ArchiveError::Refused(format!("{path} is larger than {} MiB", bounds.file >> 20)));
                }
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                Entry::File(bytes)
            }
            _ => Entry::Other,
        };
        tree.insert(&path, what);
    }
    if tree.entries().next().is_none() {
        return Err(ArchiveError::Refused("it is empty, or no archive".into()));
    }
    Ok(tree)
}

/// The path as the tree has it.
fn inside(path: &Path) -> Result<String, ArchiveError> {
    let refused =
        || ArchiveError::Refused(format!("the entry {} leads out of the archive", shown(&path.to_string_lossy())));
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir | Component::RootDir));
    let names: Option<Vec<&str>> = parts
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let names = names.ok_or_else(refused)?;
    let path = names.join("/");
    if path.len() > MAX_PATH || names.len() > MAX_DEPTH {
        let (length, depth) = (path.len(), names.len());
        let words = format!(
            "the path {} has {length} bytes and {depth} parts, more than {MAX_PATH} or {MAX_DEPTH}",
            shown(&path)
        );
        return Err(ArchiveError::Refused(words));
    }
    Ok(path)
}

/// The beginning of a path that may be very long.
fn shown(path: &str) -> String {
    path.chars().take(80).collect()
}

/// A reader that ends in an error where an archive grows too large.
struct Bounded<R> {
    inner: R,
    left: u64,
    total: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, format!("it holds more than {} MiB", self.total >> 20))
        })?;
        Ok(length)
    }
}

/// Writes a tree as a new `tar.zst`, the same bytes for the same tree; a file that exists is left alone and is an error.
///
/// # Errors
/// When the file cannot be written.
pub fn write_snapshot(tree: &Tree, path: &Path) -> Result<(), ArchiveError> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, entry) in tree.entries() {
        let mut header = tar::Header::new_gnu();
        let bytes: &[u8] = match entry {
            Entry::File(bytes) => bytes,
            Entry::Dir => &[],
            // what was read is files and directories only
            Entry::Link(_) | Entry::Other => continue,
        };
        let is_dir = matches!(entry, Entry::Dir);
        header.set_entry_type(if is_dir { tar::EntryType::Directory } else { tar::EntryType::Regular });
        header.set_mode(if is_dir { 0o755 } else { 0o644 });
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, format!("{name}{}", if is_dir { "/" } else { "" }), bytes)?;
    }
    let packed = archive.into_inner()?;
    let file = File::options().write(true).create_new(true).open(path)?;
    ruzstd::encoding::compress(packed.as_slice(), &file, ruzstd::encoding::CompressionLevel::Fastest);
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn refused(bytes: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(bytes).unwrap();
        read_archive(file.path()).unwrap_err().to_string()
    }

    /// A tar with one entry whose name is written as it is.
    fn tar_with(name: &str, size: u64, bytes: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_old();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        [header.as_bytes(), bytes, &vec![0; 512 - bytes.len() % 512]].concat()
    }

    #[test]
    fn a_snapshot_reads_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node7.tar.zst");
        let mut tree = Tree::default();
        tree.file("proc/meminfo", "MemTotal: 1 kB\n");
        tree.dir("sys/class/net");
        tree.file(&format!("sys/{}", "long/".repeat(50)), "x");
        write_snapshot(&tree, &path).unwrap();
        assert_eq!(read_archive(&path).unwrap(), tree);
        assert!(write_snapshot(&tree, &path).is_err(), "a file that exists stays");
        assert_eq!(read_archive(&path).unwrap(), tree);
    }

    #[test]
    fn hostile_archives_are_refused() {
        assert!(refused(&tar_with("../../etc/cron.d/x", 1, b"x")).contains("leads out"), "a path that climbs");
        assert!(refused(&tar_with("sys/huge", 1 << 32, b"x")).contains("larger than 8 MiB"), "an announced giant");
        assert!(refused(b"").contains("empty"));
        assert!(!refused(&[7; 4096]).is_empty());
        assert!(!refused(&[0x1f, 0x8b, 8, 0, 1, 2, 3]).is_empty());
        assert!(!refused(b"BZh9 and then nothing that unpacks").is_empty());
        assert!(!refused(&[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]).is_empty());
        // small on disk, large in memory: each file is below its bound, all together are not
        let part = tar_with("sys/zeros", MAX_FILE - 512, &[]);
        let part = [&part[..512], &vec![0; MAX_FILE as usize - 512]].concat();
        let bomb: Vec<u8> = part.repeat(17);
        let mut packed = Vec::new();
        ruzstd::encoding::compress(bomb.as_slice(), &mut packed, ruzstd::encoding::CompressionLevel::Fastest);
        assert!(packed.len() < bomb.len() / 100, "{}", packed.len());
        assert!(refused(&packed).contains("more than 128 MiB"));
        assert!(read_archive(Path::new("/dev/null")).is_err());
        // a name of a megabyte, each slash of it a directory to keep
        let long = |name: &str, link: Option<&str>| {
            let mut archive = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            match link {
                Some(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    archive.append_link(&mut header, name, target).unwrap();
                }
                None => archive.append_data(&mut header, name, io::empty()).unwrap(),
            }
            refused(&archive.into_inner().unwrap())
        };
        assert!(long(&"a/".repeat(500_000), None).contains("more than 4096 or 64"));
        assert!(long(&"a/".repeat(70), None).contains("70 parts"));
        assert!(long("sys/link", Some(&"a/".repeat(5000))).contains("further than 4096"));
    }
}
