//! The clean-up, after the last phase or by itself: removes what the benchmark created, by its names, and nothing else.

use super::context::failed;
use super::setup::{c_name, is_numbers, is_test_dir, names};
use crate::backend::{Backend, FileKind};
use crate::engine::{Failure, Progress, Team};
use crate::error::{Errno, Result};
use crate::phase_id::Family;
use serde::{Deserialize, Serialize};

/// What a clean-up removed and what it left.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Removed {
    /// Files removed.
    pub files: u64,
    /// Directories removed.
    pub directories: u64,
    /// Entries that are not the benchmark's, and stay: how many, and the first few.
    pub unexpected: u64,
    /// Paths of the first few of those.
    pub examples: Vec<String>,
}

const EXAMPLES: usize = 5;

/// Removes the files of these families below the data directory: all ranks share the directories that hold many. Repeatable: what is gone is gone. The
/// data directory itself goes only if `remove_datadir` says that this benchmark made it.
///
/// # Errors
/// What the store refused, or an interruption, the same on all ranks.
pub fn clean_up<B: Backend>(
    backend: &B,
    team: &Team<'_>,
    progress: &Progress,
    datadir: &str,
    families: &[Family],
    remove_datadir: bool,
) -> Result<Removed> {
    let mut cleaner = Cleaner { backend, team, progress, removed: Removed::default() };
    let root = match backend.open_path(datadir) {
        Err(Errno(libc::ENOENT)) => Ok(None),
        other => other.map(Some).map_err(failed("open", datadir)),
    };
    if let Some(root) = team.barrier_with_status(root)? {
        for &family in families {
            let swept = cleaner.family(&root, family);
            team.barrier_with_status(swept)?;
            let emptied = cleaner.after_family(&root, family);
            team.barrier_with_status(emptied)?;
        }
        if remove_datadir && team.comm().rank() == 0 {
            cleaner.removed.directories += remove_empty(backend, datadir, 1);
        }
    }
    let own = serde_json::to_vec(&cleaner.removed).expect("counts and strings");
    let all = team.comm().gather(&own);
    let mut total = Removed::default();
    for bytes in all.into_iter().flatten() {
        let one: Removed = serde_json::from_slice(&bytes).expect("every rank runs the same program");
        total.files += one.files;
        total.directories += one.directories;
        total.unexpected += one.unexpected;
        total.examples.extend(one.examples);
    }
    total.examples.truncate(EXAMPLES);
    team.barrier()?;
    Ok(total)
}

struct Cleaner<'a, B: Backend> {
    backend: &'a B,
    team: &'a Team<'a>,
    progress: &'a Progress,
    removed: Removed,
}

impl<B: Backend> Cleaner<'_, B> {
    fn open(&self, parent: &B::Dir, name: &str, path: &str) -> std::result::Result<Option<B::Dir>, Failure> {
        match self.backend.open_dir(parent, &c_name(name)) {
            // somebody else's file under the name of a directory is left alone, as is a link
            Err(Errno(libc::ENOENT | libc::ENOTDIR | libc::ELOOP)) => Ok(None),
            other => other.map(Some).map_err(failed("open", path)),
        }
    }

    /// This rank's share of the files of a family.
    fn family(&mut self, root: &B::Dir, family: Family) -> std::result::Result<(), Failure> {
        let path = family.name();
        let Some(dir) = self.open(root, path, path)? else { return Ok(()) };
        match family {
            Family::IorEasy => {
                self.files(&dir, path, is_ior_easy)?;
                for name in self.own_share(&dir, path, |name| name.bytes().all(|byte| byte.is_ascii_digit()))? {
                    let below = format!("{path}/{name}");
                    if let Some(unique) = self.open(&dir, &name, &below)? {
                        self.all_files(&unique, &below, is_ior_easy)?;
                        self.rmdir(&dir, &name, &below)?;
                    }
                }
                Ok(())
            }
            Family::IorHard => self.files(&dir, path, |name| name == "file"),
            Family::MdtestEasy | Family::MdtestHard => {
                for test_dir in self.test_dirs(&dir, path)? {
                    let path = format!("{path}/{test_dir}");
                    let Some(tree) = self.open(&dir, &test_dir, &path)? else { continue };
                    if family == Family::MdtestHard {
                        let below = format!("{path}/mdtest_tree.0");
                        if let Some(dir) = self.open(&tree, "mdtest_tree.0", &below)? {
                            self.files(&dir, &below, is_mdtest_file)?;
                        }
                        continue;
                    }
                    for name in self.own_share(&tree, &path, is_tree_dir)? {
                        let below = format!("{path}/{name}");
                        if let Some(dir) = self.open(&tree, &name, &below)? {
                            self.all_files(&dir, &below, is_mdtest_file)?;
                            self.rmdir(&tree, &name, &below)?;
                        }
                    }
                }
                Ok(())
            }
            Family::Mdworkbench => {
                // objects lie in directories of their own, one for each rank and set
                for name in self.own_share(&dir, path, |name| is_numbers(name, '_'))? {
                    let below = format!("{path}/{name}");
                    if let Some(set) = self.open(&dir, &name, &below)? {
                        self.all_files(&set, &below, |name| name.starts_with("file-"))?;
                        self.rmdir(&dir, &name, &below)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Rank 0 removes the directories that are empty now.
    fn after_family(&mut self, root: &B::Dir, family: Family) -> std::result::Result<(), Failure> {
        if self.team.comm().rank() != 0 {
            return Ok(());
        }
        let path = family.name();
        let Some(dir) = self.open(root, path, path)? else { return Ok(()) };
        if matches!(family, Family::MdtestEasy | Family::MdtestHard) {
            for test_dir in self.test_dirs(&dir, path)? {
                let below = format!("{path}/{test_dir}");
                if let Some(tree) = self.open(&dir, &test_dir, &below)? {
                    self.rmdir(&tree, "mdtest_tree.0", &below)?;
                    drop(tree);
                    self.rmdir(&dir, &test_dir, &below)?;
                }
            }
        }
        drop(dir);
        self.rmdir(root, path, path)
    }

    /// The test directories of an mdtest family: one, or as many as `files-per-dir` asked for.
    fn test_dirs(&self, dir: &B::Dir, path: &str) -> std::result::Result<Vec<String>, Failure> {
        let names = names(self.backend, dir).map_err(failed("readdir", path))?;
        Ok(names.into_iter().filter(|name| is_test_dir(name)).collect())
    }

    /// The benchmark's names in a directory that this rank removes.
    fn own_share(
        &mut self,
        dir: &B::Dir,
        path: &str,
        ours: impl Fn(&str) -> bool,
    ) -> std::result::Result<Vec<String>, Failure> {
        let (rank, ranks) = (self.team.comm().rank(), self.team.comm().size());
        let all = names(self.backend, dir).map_err(failed("readdir", path))?;
        Ok(all.into_iter().filter(|name| ours(name) && hash(name) % ranks as u64 == rank as u64).collect())
    }

    /// Removes this rank's share of the files of a directory that all ranks clean.
    fn files(&mut self, dir: &B::Dir, path: &str, ours: impl Fn(&str) -> bool) -> std::result::Result<(), Failure> {
        for name in self.own_share(dir, path, ours)? {
            self.unlink(dir, path, &name)?;
        }
        Ok(())
    }

    /// Removes the files of a directory that this rank cleans alone.
    fn all_files(&mut self, dir: &B::Dir, path: &str, ours: impl Fn(&str) -> bool) -> std::result::Result<(), Failure> {
        for name in names(self.backend, dir).map_err(failed("readdir", path))? {
            if ours(&name) {
                self.unlink(dir, path, &name)?;
            }
        }
        Ok(())
    }

    fn unlink(&mut self, dir: &B::Dir, path: &str, name: &str) -> std::result::Result<(), Failure> {
        let name_c = c_name(name);
        self.progress.beat();
        match self.backend.unlink(dir, &name_c) {
            Ok(()) => {
                self.removed.files += 1;
                Ok(())
            }
            Err(Errno(libc::ENOENT)) => Ok(()),
            // a directory under the name of a file is not the benchmark's
            Err(Errno(libc::EISDIR | libc::EPERM))
                if self.backend.kind(dir, &name_c).is_ok_and(|kind| kind == FileKind::Directory) =>
            {
                Ok(())
            }
            Err(errno) => Err(failed("remove", format!("{path}/{name}"))(errno)),
        }
    }

    /// Removes a directory if it is empty; entries that it still holds are not the benchmark's and are reported.
    fn rmdir(&mut self, parent: &B::Dir, name: &str, path: &str) -> std::result::Result<(), Failure> {
        self.progress.beat();
        match self.backend.rmdir(parent, &c_name(name)) {
            Ok(()) => {
                self.removed.directories += 1;
                Ok(())
            }
            Err(Errno(libc::ENOTEMPTY | libc::EEXIST)) => {
                if let Some(dir) = self.open(parent, name, path)? {
                    for unexpected in names(self.backend, &dir).map_err(failed("readdir", path))? {
                        // a directory of the benchmark stays for what is in it, which is told at its own place
                        let kind = || self.backend.kind(&dir, &c_name(&unexpected));
                        if is_own_dir(&unexpected) && kind().is_ok_and(|kind| kind == FileKind::Directory) {
                            continue;
                        }
                        self.removed.unexpected += 1;
                        if self.removed.examples.len() < EXAMPLES {
                            self.removed.examples.push(format!("{path}/{unexpected}"));
                        }
                    }
                }
                Ok(())
            }
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => Ok(()),
            Err(errno) => Err(failed("rmdir", path)(errno)),
        }
    }
}

/// Removes so many components at the end of a path, as long as they are empty directories; how many it were. A mount point or a directory in use
/// is kept without a message.
pub fn remove_empty<B: Backend>(backend: &B, path: &str, levels: usize) -> u64 {
    let mut path = path.trim_end_matches('/');
    for removed in 0..levels {
        let Some((parent, name)) = path.rsplit_once('/') else { return removed as u64 };
        let above = if parent.is_empty() { "/" } else { parent };
        let gone = backend.open_path(above).and_then(|above| backend.rmdir(&above, &c_name(name)));
        if gone.is_err() {
            return removed as u64;
        }
        path = parent.trim_end_matches('/');
    }
    levels as u64
}

fn is_ior_easy(name: &str) -> bool {
    match name.strip_prefix("ior_file_easy") {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|digits| digits.len() == 8 && is_numbers(digits, '.')),
        None => false,
    }
}

fn is_mdtest_file(name: &str) -> bool {
    name.strip_prefix("file.mdtest.").is_some_and(|rest| rest.split('.').count() == 2 && is_numbers(rest, '.'))
}

fn is_tree_dir(name: &str) -> bool {
    name.strip_prefix("mdtest_tree.").is_some_and(|rest| is_numbers(rest, '.'))
}

/// Whether a directory of this name is one of those that the benchmark makes: mdtest's, a rank's of ior-easy, a set of mdworkbench.
fn is_own_dir(name: &str) -> bool {
    is_test_dir(name) || is_tree_dir(name) || is_numbers(name, '_')
}

/// Deals names out to ranks.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_benchmarks_own_names_are_its_own() {
        for name in ["ior_file_easy", "ior_file_easy.00000012"] {
            assert!(is_ior_easy(name), "{name}");
        }
        for name in ["ior_file_easy.1", "ior_file_easy.0000001x", "ior_file_easyX", "notes.txt", "my_ior_file_easy"] {
            assert!(!is_ior_easy(name), "{name}");
        }
        assert!(is_mdtest_file("file.mdtest.12.0"));
        for name in ["file.mdtest.12", "file.mdtest.1.2.3", "file.mdtest..1", "file.mdtest.1.x"] {
            assert!(!is_mdtest_file(name), "{name}");
        }
        assert!(["test-dir.0-0", "mdtest_tree.0.0", "17", "3_9"].into_iter().all(is_own_dir));
        assert!(!["notes", "core.17", "file.mdtest.0.1", ""].into_iter().any(is_own_dir));
        assert!(is_test_dir("test-dir.0-17") && !is_test_dir("test-dir.0-") && !is_test_dir("test-dir.0-0.bak"));
        assert!(is_tree_dir("mdtest_tree.0") && is_tree_dir("mdtest_tree.5.0") && !is_tree_dir("mdtest_tree."));
    }
}
