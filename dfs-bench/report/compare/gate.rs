//! The gate for continuous integration: fails when a scored figure fell too far, unless the repeats say that it is noise.

use super::analyse::{Finding, Versus};
use crate::report::figures::{percent, signed_percent};
use serde::Serialize;
use std::str::FromStr;

/// How far a figure may fall: a share between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Limit(pub f64);

impl FromStr for Limit {
    type Err = String;

    /// `5%` or `5` for five percent.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let percent: f64 = text
            .trim()
            .trim_end_matches('%')
            .trim_end()
            .parse()
            .map_err(|_| format!("{text:?} is no percentage; write for example 5%"))?;
        if percent.is_finite() && (0.0..100.0).contains(&percent) {
            Ok(Limit(percent / 100.0))
        } else {
            Err("the limit lies between 0% and 100%".to_owned())
        }
    }
}

/// What the gate found.
#[derive(Debug, Serialize)]
pub struct Gate {
    /// The limit.
    pub limit: Limit,
    /// Whether it let the comparison pass.
    pub passed: bool,
    /// Figures that fell too far.
    pub failures: Vec<String>,
    /// Figures that fell too far and were let pass, because the repeats scatter as much.
    pub tolerated: Vec<String>,
}

/// Checks all comparisons.
pub fn check(limit: Limit, versus: &[Versus]) -> Gate {
    let (mut failures, mut tolerated) = (Vec::new(), Vec::new());
    for versus in versus {
        let label = &versus.side.label;
        failures.extend(versus.lost.iter().map(|id| format!("{label}: {id} has no rate (it has one in the baseline)")));
        if versus.lines.is_empty() && versus.lost.is_empty() {
            failures.push(format!("{label}: nothing to compare"));
        }
        for line in versus.lines.iter().filter(|line| line.scored && line.ratio < 1.0 - limit.0) {
            let fell = format!("{label}: {} {}", line.name, signed_percent(line.ratio - 1.0));
            match line.finding {
                Finding::NoDifferenceSeen => {
                    tolerated.push(format!("{fell}: the repeats scatter as much, so that this may be chance"));
                }
                Finding::Unknown => failures.push(format!("{fell} (one run each: chance cannot be excluded)")),
                _ => failures.push(format!("{fell} (beyond chance)")),
            }
        }
    }
    Gate { limit, passed: failures.is_empty(), failures, tolerated }
}

impl Gate {
    /// The result in a sentence.
    pub fn words(&self) -> String {
        let limit = percent(self.limit.0);
        match (self.passed, self.tolerated.is_empty()) {
            (true, true) => format!("passed: no scored figure fell by more than {limit}"),
            (true, false) => format!("passed: nothing fell by more than {limit} beyond chance"),
            (false, _) => {
                format!("FAILED: {} fell by more than {limit} or cannot be judged", count(self.failures.len()))
            }
        }
    }
}

fn count(figures: usize) -> String {
    format!("{figures} scored figure{}", if figures == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::analyse::compare;
    use crate::report::compare::testing::group;

    fn gate(a: &[f64], b: &[f64]) -> Gate {
        check(Limit(0.05), &compare(&[group("a", a), group("b", b)]).versus)
    }

    #[test]
    fn limits_are_percentages() {
        assert_eq!("5%".parse(), Ok(Limit(0.05)));
        assert_eq!("2.5 %".parse(), Ok(Limit(0.025)));
        assert!("x".parse::<Limit>().is_err());
        assert!("-1".parse::<Limit>().is_err());
        assert!("100%".parse::<Limit>().is_err());
    }

    #[test]
    fn a_fall_beyond_chance_fails_and_says_so() {
        let found = gate(&[100.0, 101.0, 99.0], &[90.0, 91.0, 89.0]);
        assert!(!found.passed);
        assert!(found.failures[0].contains("score"), "{:?}", found.failures);
        assert!(found.failures[0].contains("beyond chance"), "{:?}", found.failures);
    }

    #[test]
    fn a_fall_within_the_scatter_is_let_pass_and_mentioned() {
        let found = gate(&[100.0, 130.0, 75.0], &[90.0, 110.0, 72.0]);
        assert!(found.passed, "{:?}", found.failures);
        assert!(!found.tolerated.is_empty());
    }

    #[test]
    fn a_phase_that_lost_its_rate_fails() {
        let (a, mut b) = (group("a", &[100.0]), group("b", &[100.0]));
        b.runs[0].phases[3].rate = 0.0;
        let found = check(Limit(0.05), &compare(&[a, b]).versus);
        assert!(!found.passed);
        assert_eq!(found.failures, ["b: mdtest-hard-write has no rate (it has one in the baseline)"]);
    }

    #[test]
    fn single_runs_fail_on_the_plain_figure() {
        assert!(!gate(&[100.0], &[94.0]).passed);
        assert!(gate(&[100.0], &[96.0]).passed);
        assert!(gate(&[100.0], &[200.0]).passed);
    }
}
