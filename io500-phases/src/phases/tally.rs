//! What one rank measured in one phase.

use crate::engine::WindowPart;
use crate::pattern::Mismatch;
use serde::{Deserialize, Serialize};

/// One rank's part of one phase. Times are nanoseconds of rank 0's monotonic clock where they are points, else durations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankTally {
    /// The rank.
    pub rank: usize,
    /// Its host.
    pub host: String,
    /// Transfers or files done.
    pub operations: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// When its window began: the start of open (ior), the moment after the first barrier (mdtest).
    pub begin_ns: i64,
    /// When its window ended: the end of close (ior), the moment after the last barrier (mdtest).
    pub end_ns: i64,
    /// The loop with its sync (ior), the loop (mdtest).
    pub loop_ns: u64,
    /// Operations done when it hit the stonewall (or the end, if that came first).
    pub at_stonewall: u64,
    /// Nanoseconds of its loop until all ranks had reached the barrier there.
    pub stonewall_ns: u64,
    /// Nanoseconds of its loop that it waited there for them.
    pub waited_ns: u64,
    /// The same window on this node's wall clock, which is what the C suite subtracts: begin, end.
    pub wall_ns: (i64, i64),
    /// The parts of its window; all zero for phases that are not split.
    pub parts: WindowParts,
    /// Making the tree (mdtest create) or removing it (delete), outside the window.
    pub tree_ns: u64,
    /// The longest single operation (mdworkbench).
    pub longest_op_ns: u64,
    /// What verification found.
    pub check: Check,
}

/// The parts of one rank's window, nanoseconds. They follow each other without a gap, so their sum is the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowParts {
    /// Opening or creating the file (ior).
    pub open_ns: u64,
    /// The operations: until the stonewall, or all of them where there is none.
    pub operations_ns: u64,
    /// Catching up with the fastest rank after the stonewall; 0 for a rank that had done as much.
    pub wear_out_ns: u64,
    /// Waiting for other ranks.
    pub waiting_ns: u64,
    /// Syncing what was written.
    pub sync_ns: u64,
    /// Closing the file (ior).
    pub close_ns: u64,
}

impl WindowParts {
    /// One of them.
    pub fn of(&mut self, part: WindowPart) -> &mut u64 {
        match part {
            WindowPart::Open => &mut self.open_ns,
            WindowPart::Operations => &mut self.operations_ns,
            WindowPart::WearOut => &mut self.wear_out_ns,
            WindowPart::Waiting => &mut self.waiting_ns,
            WindowPart::Sync => &mut self.sync_ns,
            WindowPart::Close => &mut self.close_ns,
        }
    }
}

/// What verification found on one rank or on all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// Transfers or files compared byte by byte, or looked up.
    pub checked: u64,
    /// Transfers or files with wrong bytes.
    pub wrong: u64,
    /// Wrong bytes in all of them.
    pub wrong_bytes: u64,
    /// Transfers or files that ended early or had another size.
    pub short: u64,
    /// Files that must be there and are not.
    pub missing: u64,
    /// Unexpected files or directories.
    #[serde(alias = "extra")]
    pub unexpected: u64,
    /// The first fault seen by the lowest rank that saw one.
    pub first: Option<String>,
}

impl Check {
    /// Whether no fault was found.
    pub fn is_clean(&self) -> bool {
        self.faults() == 0
    }

    /// Number of faulty transfers and files.
    pub fn faults(&self) -> u64 {
        self.wrong + self.short + self.missing + self.unexpected
    }

    /// Adds what a higher rank found.
    pub fn merge(&mut self, other: &Check) {
        self.checked += other.checked;
        self.wrong += other.wrong;
        self.wrong_bytes += other.wrong_bytes;
        self.short += other.short;
        self.missing += other.missing;
        self.unexpected += other.unexpected;
        if self.first.is_none() {
            self.first.clone_from(&other.first);
        }
    }

    /// Counts wrong bytes. `offset` is that of the transfer in the file.
    #[cold]
    pub fn count_wrong(&mut self, mismatch: Mismatch, offset: u64, path: impl FnOnce() -> String) {
        self.wrong += 1;
        self.wrong_bytes += mismatch.wrong as u64;
        if self.first.is_none() {
            let at = offset + mismatch.at as u64;
            let Mismatch { expected, found, .. } = mismatch;
            self.first = Some(format!("{}: byte {at} is {found:#04x} instead of {expected:#04x}", path()));
        }
    }

    /// Counts a transfer or a file that is too short.
    #[cold]
    pub fn count_short(&mut self, expected: u64, found: u64, offset: u64, path: impl FnOnce() -> String) {
        self.short += 1;
        self.first.get_or_insert_with(|| format!("{}: {found} of {expected} bytes at offset {offset}", path()));
    }

    /// Counts a file that is not there.
    #[cold]
    pub fn count_missing(&mut self, path: impl FnOnce() -> String) {
        self.missing += 1;
        self.first.get_or_insert_with(|| format!("{}: not there", path()));
    }

    /// Counts something that must not be there.
    #[cold]
    pub fn count_unexpected(&mut self, path: impl FnOnce() -> String) {
        self.unexpected += 1;
        self.first.get_or_insert_with(|| format!("{}: not written by this benchmark", path()));
    }

    /// One line for a verdict; none without faults.
    pub fn describe(&self) -> Option<String> {
        let parts = [
            (self.wrong, "with wrong bytes"),
            (self.short, "too short"),
            (self.missing, "missing"),
            (self.unexpected, "that should not be there"),
        ];
        let parts: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let first = self.first.as_deref().map(|first| format!("; first: {first}")).unwrap_or_default();
        (!parts.is_empty()).then(|| format!("verification: {}{first}", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_rank_names_the_first_fault() {
        let mut all = Check::default();
        let mut one = Check::default();
        one.count_missing(|| "b".into());
        one.count_wrong(Mismatch { at: 3, expected: 1, found: 2, wrong: 5 }, 4096, || "c".into());
        let mut two = Check::default();
        two.count_short(3901, 12, 0, || "a".into());
        for check in [&Check::default(), &one, &two] {
            all.merge(check);
        }
        assert_eq!(all.faults(), 3);
        assert_eq!(
            all.describe().unwrap(),
            "verification: 1 with wrong bytes, 1 too short, 1 missing; first: b: not there"
        );
        assert_eq!(Check::default().describe(), None);
    }
}
