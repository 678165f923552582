//! The find phases: what a match is, and how many there must be.

use super::glob::Glob;
use super::mdtest::MdtestPlan;
use crate::config::{Api, ApiSpec};

/// The two characters that a matching name contains.
pub const MARK: &str = "01";

/// What an entry must be to match. Directories never match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Predicate {
    /// The name matches this; for the rules' phases [`Glob::containing`] the [`MARK`].
    pub name: Option<Glob>,
    /// The size in bytes is exactly this.
    pub size: Option<u64>,
    /// The change time in whole seconds since 1970 is not before this.
    pub not_before: Option<i64>,
}

impl Predicate {
    /// Whether more than the name decides.
    pub fn needs_stat(&self) -> bool {
        self.size.is_some() || self.not_before.is_some()
    }

    /// Whether size and change time are right.
    #[inline]
    pub fn matches(&self, size: u64, ctime: i64) -> bool {
        self.size.is_none_or(|wanted| size == wanted) && self.not_before.is_none_or(|least| ctime >= least)
    }
}

/// One find phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindPlan {
    /// Where the walk begins, below the data directory; empty for the data directory itself.
    pub below: String,
    /// What matches. The time is filled in from the timestamp file when the phase begins.
    pub predicate: Predicate,
    /// Whether `predicate.not_before` is the time of the timestamp file.
    pub newer_than_timestamp: bool,
}

/// Whether what a phase over one API leaves lies in the tree that a phase over another API walks; none where that cannot be told.
/// `mounted` says whether a file system of the run shows a DAOS container.
pub fn one_tree(one: &ApiSpec, other: &ApiSpec, mounted: impl Fn() -> bool) -> Option<bool> {
    // a container has a label and a UUID, and only names of one kind can be told apart
    let names = |api: &ApiSpec| [api.pool.clone(), api.cont.clone()];
    let is_uuid = |name: &str| name.len() == 36 && name.bytes().filter(|&byte| byte == b'-').count() == 4;
    let differ = |pair: (Option<String>, Option<String>)| match pair {
        (Some(one), Some(other)) => one != other && is_uuid(&one) == is_uuid(&other),
        _ => false,
    };
    match (&one.api, &other.api) {
        (Api::Posix, Api::Posix) | (Api::Null, Api::Null) => Some(true),
        (Api::Dfs, Api::Dfs) if names(one) == names(other) => (one.prefix == other.prefix).then_some(true),
        (Api::Dfs, Api::Dfs) => names(one).into_iter().zip(names(other)).any(differ).then_some(false),
        (Api::Dfs, Api::Posix) | (Api::Posix, Api::Dfs) => (!mounted()).then_some(false),
        (Api::Null, _) | (_, Api::Null) => Some(false),
        _ => None,
    }
}

/// How many of the files that `ranks` ranks have made, `files` each, have a name that contains [`MARK`]. Closed form: O(ranks) string
/// searches, and arithmetic on the digits for the rest.
pub fn numbers_with_mark(plan: &MdtestPlan, ranks: usize, files: u64) -> u64 {
    // every test directory has the numbers from 0 again
    let (full, rest) = plan.place(files);
    let numbers = full * numbers_containing_mark(plan.files_per_dir.unwrap_or(0)) + numbers_containing_mark(rest);
    (0..ranks)
        .map(|owner| {
            let prefix = plan.name_prefix(owner);
            // "…1." never joins with the number behind it to "01": the prefix ends in a dot
            if prefix.contains(MARK) { files } else { numbers }
        })
        .sum()
}

/// How many of the numbers `0..end` contain `01` in decimal.
pub fn numbers_containing_mark(end: u64) -> u64 {
    // Counts the numbers below `end` that do not contain it, digit by digit: `free[d]` is how many strings of d digits
    // avoid "01", `after_zero[d]` how many do so right behind a zero.
    let digits: Vec<u64> = end.to_string().bytes().map(|digit| u64::from(digit - b'0')).collect();
    let mut free = vec![1u64; digits.len() + 1];
    let mut after_zero = vec![1u64; digits.len() + 1];
    for d in 1..=digits.len() {
        // a zero first leaves `after_zero`; any of the nine others leaves `free`
        free[d] = after_zero[d - 1].saturating_add(free[d - 1].saturating_mul(9));
        after_zero[d] = after_zero[d - 1].saturating_add(free[d - 1].saturating_mul(8));
    }
    // shorter numbers: 0 itself, then a non-zero first digit and d - 1 free ones
    let mut avoiding = if end > 0 && digits.len() > 1 { 1 } else { 0 };
    for d in 1..digits.len() {
        avoiding += 9 * free[d - 1];
    }
    // numbers as long as `end`, by the first digit in which they are smaller
    let mut previous = None;
    for (at, &limit) in digits.iter().enumerate() {
        let rest = digits.len() - at - 1;
        for digit in 0..limit {
            let leading = at == 0 && digit == 0;
            if leading && digits.len() > 1 {
                continue; // a shorter number, counted above
            }
            if previous == Some(0) && digit == 1 {
                continue;
            }
            avoiding += if digit == 0 && !leading { after_zero[rest] } else { free[rest] };
        }
        if previous == Some(0) && limit == 1 {
            break; // every longer prefix of `end` contains it
        }
        previous = Some(limit);
    }
    end - avoiding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::pattern::{PacketType, Signature};
    use crate::phase_id::Family;
    use crate::plan::Hints;
    use proptest::prelude::*;

    fn counted(end: u64) -> u64 {
        (0..end).filter(|number| number.to_string().contains(MARK)).count() as u64
    }

    #[test]
    fn small_numbers_are_counted_right() {
        for end in (0..1200).chain([9999, 10_000, 10_009, 10_010, 10_011, 10_100, 10_101, 10_102, 99_999, 100_000]) {
            assert_eq!(numbers_containing_mark(end), counted(end), "{end}");
        }
    }

    proptest! {
        #[test]
        fn large_numbers_are_counted_right(end in 0u64..300_000) {
            prop_assert_eq!(numbers_containing_mark(end), counted(end));
        }
    }

    #[test]
    fn trees_are_one_where_the_store_is_one() {
        let tree = |one: &str, other: &str, mounted| {
            let config = |api: &str| Config::builder().set(format!("global.api={api}")).build().unwrap().0;
            one_tree(&config(one).global.api, &config(other).global.api, || mounted)
        };
        let dfs = |cont: &str| format!("DFS --dfs.pool=p --dfs.cont={cont}");
        let uuid = "5c68ce66-8ed9-4a3b-a3b6-cc9b2a1ad000";
        assert_eq!(tree("POSIX", "POSIX --posix.odirect", true), Some(true), "two stores, one tree");
        assert_eq!(tree(&dfs("c"), &format!("{} --dfs.oclass=S1", dfs("c")), false), Some(true));
        assert_eq!(tree(&dfs("c"), &format!("{} --dfs.prefix=/mnt", dfs("c")), false), None, "the paths may differ");
        assert_eq!(tree(&dfs("c"), &dfs("d"), false), Some(false));
        assert_eq!(tree(&dfs("c"), &dfs(uuid), false), None, "a label and a UUID may be the same container");
        assert_eq!(tree(&dfs("c"), "POSIX", false), Some(false));
        assert_eq!(tree("POSIX", &dfs("c"), true), None, "the mount may show this container");
        assert_eq!(tree("POSIX", "NULL", false), Some(false));
        assert_eq!(tree("POSIX", "MPIIO", false), None);
    }

    #[test]
    fn owners_whose_number_has_the_mark_match_with_every_file() {
        let plan = MdtestPlan {
            family: Family::MdtestHard,
            files: 1000,
            files_per_dir: None,
            file_size: 3901,
            dir_per_rank: false,
            shift: 1,
            signature: Signature { kind: PacketType::Timestamp, seed: 1 },
            hints: Hints::default(),
        };
        let expected: usize =
            (0..150).map(|owner| (0..200).filter(|i| format!("file.mdtest.{owner}.{i}").contains(MARK)).count()).sum();
        assert_eq!(numbers_with_mark(&plan, 150, 200), expected as u64);
        let limited = MdtestPlan { files_per_dir: Some(150), ..plan };
        assert_eq!(numbers_with_mark(&limited, 1, 300), 2 * counted(150));
        assert_eq!(numbers_with_mark(&limited, 1, 320), 2 * counted(150) + counted(20));
    }
}
