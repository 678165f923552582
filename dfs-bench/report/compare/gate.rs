//! The gate for continuous integration: fails when a scored figure fell too far, unless enough repeats say that it is noise, and
//! when a group is not what the baseline is: valid, and free of wrong data.

use super::model::{Finding, Line, Versus};
use crate::report::figures::{percent, signed_percent};
use serde::Serialize;
use std::str::FromStr;

/// Fewer runs than this on a side cannot tell chance from change: the interval of two is so wide that nothing would ever fail.
const FEWEST: usize = 3;

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
            .map_err(|_| format!("{text:?} is not a percentage; write for example 5%"))?;
        if percent.is_finite() && (0.0..100.0).contains(&percent) {
            Ok(Limit(percent / 100.0))
        } else {
            Err("the limit must lie between 0% and 100%".to_owned())
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
    /// Figures that fell too far, phases and verdicts lost, wrong data.
    pub failures: Vec<String>,
    /// Figures that fell too far and were tolerated, because the fall is within run-to-run noise.
    pub tolerated: Vec<String>,
}

/// Checks all comparisons.
pub fn check(limit: Limit, versus: &[Versus]) -> Gate {
    let (mut failures, mut tolerated) = (Vec::new(), Vec::new());
    for versus in versus {
        let label = &versus.side.label;
        failures.extend(versus.faults.iter().chain(&versus.newly_invalid).map(|words| format!("{label}: {words}")));
        failures.extend(versus.lost.iter().map(|id| format!("{label}: {id} has no rate (it has one in the baseline)")));
        if versus.lines.is_empty() && versus.lost.is_empty() {
            failures.push(format!("{label}: nothing to compare"));
        }
        for line in versus.lines.iter().filter(|line| line.scored && line.ratio < 1.0 - limit.0) {
            let fell = format!("{label}: {} {}", line.name, signed_percent(line.ratio - 1.0));
            match judge(line) {
                Ok(chance) => tolerated.push(format!("{fell}: {chance}")),
                Err(why) => failures.push(format!("{fell} ({why})")),
            }
        }
    }
    Gate { limit, passed: failures.is_empty(), failures, tolerated }
}

/// Whether a figure below the limit may pass, and why or why not.
fn judge(line: &Line) -> Result<String, String> {
    let (a, b) = (line.a.values.len(), line.b.values.len());
    let Some((low, high)) = line.interval else {
        return Err("one run each: noise cannot be excluded".to_owned());
    };
    if a.min(b) < FEWEST && low <= 1.0 && high >= 1.0 {
        return Err(format!("{a} and {b} runs are too few to test for significance: the plain ratio decides"));
    }
    match line.finding {
        Finding::Slower => Err("significant".to_owned()),
        Finding::ProbablySlower => {
            Err("significant by itself, not after correcting for multiple comparisons".to_owned())
        }
        _ => Ok(format!(
            "within run-to-run noise (95 % interval {} to {})",
            signed_percent(low - 1.0),
            signed_percent(high - 1.0)
        )),
    }
}

impl Gate {
    /// The result in a sentence.
    pub fn words(&self) -> String {
        let limit = percent(self.limit.0);
        match (self.passed, self.tolerated.is_empty()) {
            (true, true) => format!("passed: no scored figure fell by more than {limit}"),
            (true, false) => format!("passed: what fell by more than {limit} is within run-to-run noise"),
            (false, _) => format!("FAILED for {} with a limit of {limit}", count(self.failures.len())),
        }
    }
}

fn count(reasons: usize) -> String {
    format!("{reasons} reason{}", if reasons == 1 { "" } else { "s" })
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
        assert!(found.failures[0].contains("significant"), "{:?}", found.failures);
    }

    #[test]
    fn a_fall_within_the_scatter_is_let_pass_and_mentioned() {
        let found = gate(&[100.0, 130.0, 75.0], &[90.0, 110.0, 72.0]);
        assert!(found.passed, "{:?}", found.failures);
        assert!(found.tolerated[0].contains("within run-to-run noise"), "{:?}", found.tolerated);
        assert_eq!(found.words(), "passed: what fell by more than 5.00 % is within run-to-run noise");
    }

    /// Two repeats scatter so widely by calculation that not even a loss of two thirds would count.
    #[test]
    fn two_repeats_fail_on_the_plain_figure() {
        let found = gate(&[100.0, 110.0], &[30.0, 48.0]);
        assert!(!found.passed, "{found:?}");
        let words = "score \u{2212}63.8 % (2 and 2 runs are too few to test for significance: the plain ratio decides)";
        assert!(found.failures[0].contains(words), "{:?}", found.failures);
        assert!(!gate(&[100.0, 101.0, 99.0], &[60.0]).passed);
        assert!(gate(&[100.0, 110.0], &[103.0, 104.0]).passed);
    }

    #[test]
    fn a_fall_that_only_the_many_figures_excuse_fails_and_says_so() {
        let found = compare(&[group("a", &[100.0, 101.0, 99.0]), group("b", &[100.0, 101.0, 99.0])]);
        let mut versus = found.versus;
        let line = &mut versus[0].lines[5];
        (line.ratio, line.interval, line.finding) = (0.9, Some((0.85, 0.99)), Finding::ProbablySlower);
        let found = check(Limit(0.05), &versus);
        assert!(found.failures[0].contains("significant by itself"), "{:?}", found.failures);
    }

    #[test]
    fn a_verdict_lost_and_wrong_data_fail_however_fast() {
        let (a, mut b) = (group("a", &[100.0]), group("b", &[200.0]));
        b.runs[0].verdicts[0].valid = false;
        let found = check(Limit(0.05), &compare(&[a, b]).versus);
        assert_eq!(found.failures, ["b: b-0 is INVALID (official verdict) and a is valid"]);
        let (mut a, mut b) = (group("a", &[100.0]), group("b", &[200.0]));
        a.runs[0].phases[1].fault = Some("2 of 9 wrong".to_owned());
        b.runs[0].phases[1].fault = Some("1 of 9 wrong".to_owned());
        let found = check(Limit(0.05), &compare(&[a, b]).versus);
        assert_eq!(found.failures, ["b: b-0: mdtest-easy-write: 1 of 9 wrong"]);
        assert_eq!(found.words(), "FAILED for 1 reason with a limit of 5.00 %");
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
