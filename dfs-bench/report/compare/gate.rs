//! The gate for continuous integration: fails when a scored figure fell too far, unless enough repeats say that it is noise, and
//! when a group is not what the baseline is: valid, and free of wrong data.

use super::model::{Finding, Line, Versus};
use super::stats::{self, Basis};
use crate::report::figures::{percent, signed_percent};
use serde::Serialize;
use std::str::FromStr;

/// Fewer runs than this on a side cannot tell chance from change: the interval of two is so wide that nothing would ever fail.
const FEWEST: usize = 3;

/// So many runs of one side tell its noise well enough to judge a single run of the other.
const FEWEST_OF_ONE_SIDE: usize = 5;

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

/// What the gate says of one figure or property of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// The group.
    pub group: String,
    /// The figure: `score`, a phase; or `verdict`, `data`.
    pub name: String,
    /// The finding.
    pub verdict: Verdict,
    /// Why; empty where there is nothing to say.
    pub words: String,
}

/// The gate's finding about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It did not fall below the limit.
    Passed,
    /// It fell, within run-to-run noise.
    Tolerated,
    /// It fell.
    Failed,
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
    /// Every figure and property that was looked at.
    pub cases: Vec<Case>,
    /// The smallest drop of the score, or of what stands for it, that so many runs with this noise show four times out of five: a share for
    /// each group; none where nothing was repeated.
    pub detectable: Vec<Option<f64>>,
}

/// Checks all comparisons.
pub fn check(limit: Limit, versus: &[Versus]) -> Gate {
    let (mut failures, mut tolerated, mut cases) = (Vec::new(), Vec::new(), Vec::new());
    for versus in versus {
        let label = &versus.side.label;
        let case =
            |name: &str, verdict, words: String| Case { group: label.clone(), name: name.to_owned(), verdict, words };
        for (name, words) in [("data", &versus.faults), ("verdict", &versus.newly_invalid)] {
            failures.extend(words.iter().map(|words| format!("{label}: {words}")));
            let verdict = if words.is_empty() { Verdict::Passed } else { Verdict::Failed };
            cases.push(case(name, verdict, words.join("; ")));
        }
        for id in &versus.lost {
            let words = "has no rate (it has one in the baseline)";
            failures.push(format!("{label}: {id} {words}"));
            cases.push(case(id.name(), Verdict::Failed, words.to_owned()));
        }
        if versus.lines.is_empty() && versus.lost.is_empty() {
            failures.push(format!("{label}: nothing to compare"));
            cases.push(case("figures", Verdict::Failed, "nothing to compare".to_owned()));
        }
        for line in versus.lines.iter().filter(|line| line.scored) {
            let change = signed_percent(line.ratio - 1.0);
            if line.ratio >= 1.0 - limit.0 {
                cases.push(case(&line.name, Verdict::Passed, change));
                continue;
            }
            let fell = format!("{label}: {} {change}", line.name);
            match judge(line) {
                Ok(chance) => {
                    cases.push(case(&line.name, Verdict::Tolerated, format!("{change}: {chance}")));
                    tolerated.push(format!("{fell}: {chance}"));
                }
                Err(why) => {
                    cases.push(case(&line.name, Verdict::Failed, format!("{change} ({why})")));
                    failures.push(format!("{fell} ({why})"));
                }
            }
        }
    }
    let detectable = versus.iter().map(|versus| versus.lines.first().and_then(smallest_drop)).collect();
    Gate { limit, passed: failures.is_empty(), failures, tolerated, cases, detectable }
}

/// The smallest drop of a figure that the runs of both sides show, as a share.
fn smallest_drop(line: &Line) -> Option<f64> {
    let logs = |values: &[f64]| stats::summary(&values.iter().map(|value| value.ln()).collect::<Vec<_>>());
    let difference = stats::detectable(logs(&line.a.values)?, logs(&line.b.values)?)?;
    Some(1.0 - (-difference).exp())
}

/// Whether a figure below the limit may pass, and why or why not.
fn judge(line: &Line) -> Result<String, String> {
    let (a, b) = (line.a.values.len(), line.b.values.len());
    let Some((low, high)) = line.interval else {
        return Err("one run each: noise cannot be excluded".to_owned());
    };
    // against a baseline of many, one run is a fair question
    let enough = a.min(b) >= FEWEST || (line.basis == Basis::One && a.max(b) >= FEWEST_OF_ONE_SIDE);
    if !enough && low <= 1.0 && high >= 1.0 {
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

    /// What drop these runs could detect; nothing for the first without repeats.
    pub fn power(&self) -> Option<String> {
        let worst = self.detectable.iter().copied().collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)?;
        let blind = if worst > self.limit.0 { ": more repeats would be needed to see a drop of the limit" } else { "" };
        Some(format!("a drop of the score from {} on would show, four times out of five{blind}", percent(worst)))
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
    fn one_run_against_a_baseline_of_many_is_judged_by_their_noise() {
        let night = [100.0, 108.0, 93.0, 104.0, 96.0];
        let found = gate(&night, &[92.0]);
        assert!(found.passed && !found.tolerated.is_empty(), "{found:?}");
        assert!(!gate(&night, &[60.0]).passed);
        assert!(
            found.power().unwrap().ends_with("more repeats would be needed to see a drop of the limit"),
            "{found:?}"
        );
        let quiet = gate(&[100.0, 100.1, 99.9, 100.0, 100.1], &[99.9]).power().unwrap();
        assert!(quiet.ends_with("four times out of five"), "{quiet}");
        assert_eq!(gate(&[100.0], &[96.0]).power(), None);
    }

    #[test]
    fn single_runs_fail_on_the_plain_figure() {
        assert!(!gate(&[100.0], &[94.0]).passed);
        assert!(gate(&[100.0], &[96.0]).passed);
        assert!(gate(&[100.0], &[200.0]).passed);
    }
}
