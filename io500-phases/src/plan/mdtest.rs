//! The mdtest phases: which rank works on whose files, in which directory.

use super::Hints;
use crate::pattern::Signature;
use crate::phase_id::Family;

/// mdtest-easy or mdtest-hard.
#[derive(Debug, Clone, PartialEq)]
pub struct MdtestPlan {
    /// `MdtestEasy` or `MdtestHard`; its name is the directory below the data directory.
    pub family: Family,
    /// Files per rank when nothing stops it.
    pub files: u64,
    /// Bytes per file: 0 or 3901.
    pub file_size: usize,
    /// Files of a rank in one directory, where that is limited: the ranks then fill one test directory after the other, each with a tree of
    /// its own and the numbers from 0 again. A divisor of `files`.
    pub files_per_dir: Option<u64>,
    /// A directory for every rank (easy), or one for all (hard).
    pub dir_per_rank: bool,
    /// By how many ranks every step moves on, so that no rank finds its own files in a cache.
    pub shift: usize,
    /// What is written.
    pub signature: Signature,
    /// Object classes.
    pub hints: Hints,
}

/// The steps of an mdtest family; each works on the files of another rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Step {
    Create,
    Stat,
    Read,
    Delete,
}

impl MdtestPlan {
    /// What the names of the directories below the family's begin with; the number of the test directory follows.
    pub const TEST_DIR: &'static str = "test-dir.0-";
    /// Bytes of an mdtest-hard file.
    pub const HARD_FILE_SIZE: usize = 3901;

    /// The directory below the family's that holds a tree; the first has number 0.
    pub fn test_dir(number: u64) -> String {
        format!("{}{number}", Self::TEST_DIR)
    }

    /// Test directories that `files` files of each rank lie in.
    pub fn test_dirs(&self, files: u64) -> u64 {
        self.files_per_dir.map_or(1, |limit| files.div_ceil(limit).max(1))
    }

    /// Test directory of the file that a rank works on as number `index`, and the number in its name.
    pub fn place(&self, index: u64) -> (u64, u64) {
        self.files_per_dir.map_or((0, index), |limit| (index / limit, index % limit))
    }

    /// The rank whose files `rank` works on.
    pub fn owner(&self, step: Step, rank: usize, ranks: usize) -> usize {
        (rank + step as usize * self.shift) % ranks
    }

    /// The rank whose directory those files are in: the creator makes them in the directory of the rank after it.
    pub fn dir_owner(&self, step: Step, rank: usize, ranks: usize) -> usize {
        (self.owner(step, rank, ranks) + self.shift) % ranks
    }

    /// Name of the directory below a test directory that belongs to `owner`.
    pub fn tree_dir(&self, owner: usize) -> String {
        if self.dir_per_rank { format!("mdtest_tree.{owner}.0") } else { "mdtest_tree.0".to_owned() }
    }

    /// What the names of `owner`'s files begin with; the file's number follows.
    pub fn name_prefix(&self, owner: usize) -> String {
        format!("file.mdtest.{owner}.")
    }

    /// Path below the data directory of the file that `rank` works on as number `index` of a step.
    pub fn path(&self, step: Step, rank: usize, ranks: usize, index: u64) -> String {
        let dir = self.tree_dir(self.dir_owner(step, rank, ranks));
        let prefix = self.name_prefix(self.owner(step, rank, ranks));
        let (test_dir, number) = self.place(index);
        format!("{}/{}/{dir}/{prefix}{number}", self.family.name(), Self::test_dir(test_dir))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::PacketType;

    fn plan(shift: usize) -> MdtestPlan {
        MdtestPlan {
            family: Family::MdtestEasy,
            files: 10,
            files_per_dir: None,
            file_size: 0,
            dir_per_rank: true,
            shift,
            signature: Signature { kind: PacketType::Timestamp, seed: 1 },
            hints: Hints::default(),
        }
    }

    #[test]
    fn the_table_of_the_rules() {
        for (ranks, shift) in [(1, 1), (3, 1), (8, 4), (7, 3)] {
            let plan = plan(shift);
            for r in 0..ranks {
                let at = |k: usize| (r + k * shift) % ranks;
                for (step, owner, dir) in
                    [(Step::Create, 0, 1), (Step::Stat, 1, 2), (Step::Read, 2, 3), (Step::Delete, 3, 4)]
                {
                    assert_eq!(plan.owner(step, r, ranks), at(owner));
                    assert_eq!(plan.dir_owner(step, r, ranks), at(dir));
                }
            }
        }
    }

    #[test]
    fn every_step_works_on_exactly_the_files_that_were_created() {
        let plan = plan(2);
        let set = |step| {
            let mut paths: Vec<_> = (0..5).map(|rank| plan.path(step, rank, 5, 3)).collect();
            paths.sort();
            paths
        };
        for step in [Step::Stat, Step::Read, Step::Delete] {
            assert_eq!(set(step), set(Step::Create));
        }
        assert_eq!(plan.path(Step::Create, 4, 5, 3), "mdtest-easy/test-dir.0-0/mdtest_tree.1.0/file.mdtest.4.3");
    }

    #[test]
    fn a_limit_fills_one_test_directory_after_the_other() {
        let plan = MdtestPlan { files_per_dir: Some(4), dir_per_rank: false, family: Family::MdtestHard, ..plan(1) };
        let path = |index| plan.path(Step::Create, 2, 3, index);
        assert_eq!(path(3), "mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.2.3");
        assert_eq!(path(4), "mdtest-hard/test-dir.0-1/mdtest_tree.0/file.mdtest.2.0");
        assert_eq!([0, 1, 4, 5, 8].map(|files| plan.test_dirs(files)), [1, 1, 1, 2, 2]);
    }
}
