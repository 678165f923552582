//! The hashes of the suite: of the configuration, and the seed of a workload's data.

use std::fmt;

/// Folds the bytes of `text` (see [`crate::text`]) into `hash`: rotate left by two, add the byte as C's signed `char`.
#[doc(alias = "u_hash_update")]
pub fn rotate_add(hash: u32, text: &str) -> u32 {
    crate::text::bytes(text).iter().fold(hash, |hash, &byte| hash.rotate_left(2).wrapping_add(byte as i8 as u32))
}

/// The hash of one pair; pairs are combined by exclusive or, so that their order does not matter.
#[doc(alias = "u_hash_update_key_val")]
pub fn key_value_hash(key: &str, value: &str) -> u32 {
    rotate_add(rotate_add(0, key), value)
}

/// The data signature of a workload (`ior-easy`, `ior-hard`, `mdtest-easy`, `mdtest-hard`, `md-workbench`) in a run with
/// this timestamp, as IOR and mdtest get it in `-G`.
#[doc(alias = "u_phase_unique_random_number")]
pub fn seed(family: &str, timestamp: &str) -> i32 {
    match rotate_add(rotate_add(0, family), timestamp) {
        0 | u32::MAX => 4711,
        hash => hash as i32,
    }
}

/// The configuration hash; shows itself as the C suite prints it, in upper-case hexadecimal without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigHash(pub u32);

impl ConfigHash {
    /// The hash over options with their values; `None` is an option without a value, which is left out.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let present = pairs.into_iter().filter_map(|(key, value)| value.map(|value| key_value_hash(key, value)));
        ConfigHash(present.fold(0, |hash, pair| hash ^ pair))
    }
}

impl fmt::Display for ConfigHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_those_that_the_reference_runs_printed() {
        assert_eq!(seed("ior-easy", "2026.07.07-07.07.07"), 1869288186);
        assert_eq!(seed("mdtest-easy", "2026.07.07-07.07.07"), -1539501316);
        assert_eq!(seed("md-workbench", "2026.07.07-07.07.07"), 446526147);
        assert_eq!(seed("ior-hard", "2026.01.02-03.04.05"), 1767308280);
        assert_eq!(seed("mdtest-hard", "2026.01.02-03.04.05"), -1641481222);
    }

    #[test]
    fn the_two_reserved_values_are_replaced() {
        assert_eq!(seed("", ""), 4711);
        // One byte 0xff is -1 as a signed char.
        assert_eq!(rotate_add(1, "\\xff"), 3);
        assert_eq!(rotate_add(0, "\u{7f}"), 0x7f);
    }
}
