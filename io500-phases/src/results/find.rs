//! From the find tallies of all ranks to the result of the phase.

use super::run::FindResult;
use crate::phases::find::{External, FindTally};

impl FindResult {
    /// The result of all ranks' tallies. `expected` are the matches and the files that there must be, where the plan knows.
    pub fn new(tallies: &[FindTally], expected_found: Option<u64>, expected_total: Option<u64>) -> Self {
        let sum = |of: fn(&FindTally) -> u64| tallies.iter().map(of).sum();
        let first = tallies.first();
        FindResult {
            found: sum(|tally| tally.counts.found),
            total: sum(|tally| tally.counts.total),
            expected_found,
            expected_total,
            errors: sum(|tally| tally.counts.errors),
            first_error: tallies.iter().find_map(|tally| tally.first_error.clone()),
            failure: None,
            method: first.map_or_else(String::new, |tally| tally.method.name().to_owned()),
            ranks: sum(|tally| tally.takes_part.into()),
            threads: first.map_or(0, |tally| tally.threads as u64),
            steals: sum(|tally| tally.traffic.stolen),
            idle_max_s: tallies.iter().map(|tally| tally.idle_ns).max().unwrap_or(0) as f64 / 1e9,
        }
    }

    /// The result of an external script, which this command line ran.
    pub fn of_script(
        script: &External,
        command: &str,
        expected_found: Option<u64>,
        expected_total: Option<u64>,
    ) -> Self {
        FindResult {
            found: script.found,
            total: script.entries(),
            expected_found,
            expected_total,
            failure: (script.status != 0)
                .then(|| format!("Exit code {} != 0 from find command: \"{command}\"", script.status)),
            method: "external-script".into(),
            ranks: 1,
            threads: 1,
            ..FindResult::default()
        }
    }
}
