//! From the find tallies of all ranks to the result of the phase.

use super::run::{FindRank, FindResult};
use crate::phases::find::{External, FindTally, Method};

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
            method: first.map_or_else(String::new, |first| method(first.method, sum)),
            ranks: sum(|tally| tally.takes_part.into()),
            threads: first.map_or(0, |tally| tally.threads as u64),
            steals: sum(|tally| tally.traffic.stolen),
            idle_max_s: tallies.iter().map(|tally| tally.idle_ns).max().unwrap_or(0) as f64 / 1e9,
            per_rank: tallies.iter().filter(|tally| tally.takes_part).map(FindRank::from).collect(),
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

/// The word for the method, and what departed from it.
fn method(method: Method, sum: impl Fn(fn(&FindTally) -> u64) -> u64) -> String {
    let word = match (method, sum(|tally| tally.counts.unfiltered)) {
        (Method::Server, 1..) => "mixed",
        _ => method.name(),
    };
    match sum(|tally| tally.counts.whole) {
        0 => word.to_owned(),
        whole => format!("{word}; {whole} protected directories not divided, which DAOS before 2.6.4 lists wrong"),
    }
}

impl From<&FindTally> for FindRank {
    fn from(tally: &FindTally) -> Self {
        let FindTally { rank, counts, traffic, idle_ns, .. } = tally;
        FindRank {
            rank: *rank,
            found: counts.found,
            total: counts.total,
            checked: counts.checked,
            errors: counts.errors,
            steals: traffic.stolen,
            idle_s: *idle_ns as f64 / 1e9,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phases::find::{Counts, Traffic};

    #[test]
    fn the_method_tells_what_departed_from_it() {
        let told = |method, unfiltered, whole| {
            let tally = |counts| FindTally { method, takes_part: true, counts, ..FindTally::default() };
            let tallies = [Counts::default(), Counts { unfiltered, whole, ..Counts::default() }].map(tally);
            FindResult::new(&tallies, None, None).method
        };
        assert_eq!(told(Method::Server, 0, 0), "server");
        assert_eq!(told(Method::Server, 2, 0), "mixed");
        assert_eq!(told(Method::NameFirst, 0, 0), "name-first");
        let whole = "name-first; 3 protected directories not divided, which DAOS before 2.6.4 lists wrong";
        assert_eq!(told(Method::NameFirst, 0, 3), whole);
    }

    #[test]
    fn every_rank_that_took_part_is_told_of() {
        let tally = |rank, takes_part| FindTally {
            rank,
            takes_part,
            counts: Counts { found: 1, total: 2, checked: 3, errors: 4, ..Counts::default() },
            traffic: Traffic { stolen: 5, ..Traffic::default() },
            idle_ns: 6_000_000_000,
            ..FindTally::default()
        };
        let result = FindResult::new(&[tally(0, true), tally(1, true), tally(2, false)], None, None);
        let told = |rank| FindRank { rank, found: 1, total: 2, checked: 3, errors: 4, steals: 5, idle_s: 6.0 };
        assert_eq!(result.per_rank, [told(0), told(1)]);
    }
}
