//! mdworkbench, of the extended mode: small objects in sets, replaced one by one.

use super::Hints;
use crate::pattern::Signature;

/// What the mdworkbench phases do.
#[derive(Debug, Clone, PartialEq)]
pub struct MdworkbenchPlan {
    /// Objects per rank and set that the first phase creates; none until the rate of mdtest-easy is known.
    pub precreate: Option<u64>,
    /// Objects per rank and set that an iteration of the second phase replaces.
    pub replace: Option<u64>,
    /// Waiting after every operation, as a multiple of the time it took.
    pub waiting: f64,
    /// What is written.
    pub signature: Signature,
    /// Object classes and chunk size.
    pub hints: Hints,
}

impl MdworkbenchPlan {
    /// The sizes as `result.txt` has them, of the objects that are created and replaced per set.
    pub fn pairs((precreate, replace): (u64, u64)) -> Vec<(String, String)> {
        vec![("filesPerProc".into(), replace.to_string()), ("precreatePerSet".into(), precreate.to_string())]
    }

    /// Sets of every rank.
    pub const SETS: usize = 10;
    /// Bytes of an object.
    pub const OBJECT_SIZE: usize = 3901;
    /// Iterations of the second phase; the last one is the score.
    pub const ITERATIONS: usize = 2;
    /// Seconds that the first phase is meant to last at most.
    const SECONDS: u32 = 60;
    /// kIOPS that are assumed when mdtest-easy has not run.
    const ASSUMED_RATE: f64 = 10.0;

    /// Objects per rank and set: what is configured, else what mdtest-easy's rate in kIOPS creates in up to a minute.
    pub fn objects(&self, ranks: usize, stonewall_s: u32, mdtest_rate: Option<f64>) -> (u64, u64) {
        if let (Some(precreate), Some(replace)) = (self.precreate, self.replace) {
            return (precreate, replace);
        }
        let rate = mdtest_rate.filter(|&rate| rate > 0.0).unwrap_or(Self::ASSUMED_RATE);
        let seconds = f64::from(stonewall_s.min(Self::SECONDS));
        let per_set = (rate * seconds * 1000.0 / ranks as f64) as u64 / Self::SETS as u64;
        (per_set, per_set)
    }

    /// Name of a set's directory.
    pub fn set_name(owner: usize, set: usize) -> String {
        format!("{owner}_{set}")
    }

    /// What an object's data depends on besides its writer.
    pub fn item(index: u64, set: usize) -> u64 {
        index * Self::SETS as u64 + set as u64
    }

    /// Whose set of this number `rank` reads and removes from.
    pub fn read_owner(rank: usize, ranks: usize, set: usize) -> usize {
        (rank + ranks - (set + 1) % ranks) % ranks
    }

    /// Whose set of this number `rank` creates in.
    pub fn write_owner(rank: usize, ranks: usize, set: usize) -> usize {
        (rank + set + 1) % ranks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::PacketType;

    fn plan(objects: Option<u64>) -> MdworkbenchPlan {
        let signature = Signature { kind: PacketType::Timestamp, seed: 1 };
        MdworkbenchPlan { precreate: objects, replace: objects, waiting: 0.0, signature, hints: Hints::default() }
    }

    #[test]
    fn readers_and_writers_of_a_set_are_a_permutation_that_keeps_every_set_full() {
        for ranks in [1, 2, 3, 7, 13] {
            for set in 0..MdworkbenchPlan::SETS {
                let mut balance = vec![0i32; ranks];
                for rank in 0..ranks {
                    balance[MdworkbenchPlan::read_owner(rank, ranks, set)] -= 1;
                    balance[MdworkbenchPlan::write_owner(rank, ranks, set)] += 1;
                }
                assert!(balance.iter().all(|&sum| sum == 0), "{ranks} ranks, set {set}");
            }
        }
    }

    #[test]
    fn the_number_of_objects_follows_the_rate_of_mdtest() {
        assert_eq!(plan(Some(20)).objects(4, 300, Some(5.0)), (20, 20));
        // 12 kIOPS for 60 s are 720,000 objects, 10 sets on 4 ranks
        assert_eq!(plan(None).objects(4, 300, Some(12.0)), (18_000, 18_000));
        assert_eq!(plan(None).objects(4, 5, Some(12.0)), (1500, 1500));
        assert_eq!(plan(None).objects(4, 60, None), (15_000, 15_000));
    }
}
