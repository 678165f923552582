//! How much a run left in its data directory: files and bytes, counted for a limited time.

use crate::backend::select::{Stores, Visit};
use crate::backend::{Backend, FileKind, list};
use crate::error::{Errno, OpResult};
use crate::phase_id::PhaseId;
use std::ffi::CString;
use std::time::{Duration, Instant};

/// What lies in a data directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct LeftFiles {
    /// Entries that are not directories.
    pub files: u64,
    /// Their bytes, by their size.
    pub bytes: u64,
    /// False when the time was over before everything was seen, or something could not be looked at: there is more.
    pub complete: bool,
}

/// Counts what lies in the data directory of a phase's store, for so long. None where there is no such directory.
///
/// # Errors
/// What the store said to opening the data directory.
pub fn left_files<S: Stores>(stores: &S, phase: PhaseId, patience: Duration) -> OpResult<Option<LeftFiles>> {
    stores.visit(phase, Count { datadir: stores.datadir(phase), until: Instant::now() + patience })
}

struct Count<'a> {
    datadir: &'a str,
    until: Instant,
}

impl Visit for Count<'_> {
    type Out = OpResult<Option<LeftFiles>>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        if !backend.keeps_data() {
            return Ok(None);
        }
        let root = match backend.open_path(self.datadir) {
            Ok(root) => root,
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        let mut left = LeftFiles { complete: true, ..LeftFiles::default() };
        let mut open = vec![root];
        while let Some(dir) = open.pop() {
            let mut entries: Vec<(CString, Option<FileKind>)> = Vec::new();
            left.complete &= list(backend, &dir, |name, kind| entries.push((name.to_owned(), kind))).is_ok();
            for (name, kind) in entries {
                if Instant::now() >= self.until {
                    left.complete = false;
                    return Ok(Some(left));
                }
                if kind != Some(FileKind::Directory) {
                    match backend.stat(&dir, &name) {
                        Ok(stat) if stat.kind != FileKind::Directory => {
                            left.files += 1;
                            left.bytes += stat.size;
                            continue;
                        }
                        Ok(_) => {}
                        Err(_) => {
                            left.complete = false;
                            continue;
                        }
                    }
                }
                match backend.open_dir(&dir, &name) {
                    Ok(below) => open.push(below),
                    Err(_) => left.complete = false,
                }
            }
        }
        Ok(Some(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::posix::Posix;
    use crate::backend::select::Single;

    #[test]
    fn files_of_all_levels_are_counted_with_their_sizes() {
        let temp = tempfile::tempdir().unwrap();
        let datadir = temp.path().join("data");
        let store =
            || Single { backend: Posix::new(datadir.to_str().unwrap(), false), datadir: datadir.display().to_string() };
        let long = Duration::from_secs(60);
        assert_eq!(left_files(&store(), PhaseId::Find, long).unwrap(), None);
        std::fs::create_dir_all(datadir.join("a/b")).unwrap();
        for (path, size) in [("x", 5), ("a/y", 7), ("a/b/z", 0)] {
            std::fs::write(datadir.join(path), vec![0; size]).unwrap();
        }
        let all = LeftFiles { files: 3, bytes: 12, complete: true };
        assert_eq!(left_files(&store(), PhaseId::Find, long).unwrap(), Some(all));
        let none = left_files(&store(), PhaseId::Find, Duration::ZERO).unwrap().unwrap();
        assert_eq!(none, LeftFiles::default(), "the time was over before the first entry");
    }
}
