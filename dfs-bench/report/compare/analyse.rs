//! From groups of runs to findings: each group against the first, line by line, in figures and in words.

use super::concerns::{self, Concern};
use super::differences::{self, Change};
use super::headline::{self, Headline};
use super::outliers::{self, Outlier};
use super::stats::{self, Basis};
use crate::report::figures::{percent, signed_percent};
use crate::report::load::Group;
use crate::report::model::Run;
use io500_phases::phase_id::{Group as ScoreGroup, PhaseId};
use io500_phases::results::score::{Means, geometric_mean, means};
use serde::Serialize;

/// A whole comparison.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The first group, which the others are measured against.
    pub baseline: Side,
    /// Each other group against it.
    pub versus: Vec<Versus>,
    /// Runs that stand apart from their own group.
    pub outliers: Vec<Outlier>,
}

/// A group of runs.
#[derive(Debug, Serialize)]
pub struct Side {
    /// Its name.
    pub label: String,
    /// The names of its runs.
    pub runs: Vec<String>,
}

/// One group against the baseline.
#[derive(Debug, Serialize)]
pub struct Versus {
    /// The group.
    pub side: Side,
    /// The figures people quote.
    pub headline: Option<Headline>,
    /// Score, means and phases.
    pub lines: Vec<Line>,
    /// Scored phases that every run of the baseline has a rate for, and not every run of this group.
    pub lost: Vec<PhaseId>,
    /// Why the comparison is to be taken with care.
    pub concerns: Vec<Concern>,
    /// What differed besides the results.
    pub differences: Vec<Change>,
}

/// One figure on both sides.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// `score`, `bandwidth`, `metadata` or a phase.
    pub name: String,
    /// The phase, for a phase.
    pub phase: Option<PhaseId>,
    /// Its unit.
    pub unit: &'static str,
    /// Whether it is, or enters, the score.
    pub scored: bool,
    /// The baseline's values.
    pub a: Sample,
    /// The other group's.
    pub b: Sample,
    /// Geometric mean of `b` over that of `a`.
    pub ratio: f64,
    /// What the true ratio lies between at 95 %.
    pub interval: Option<(f64, f64)>,
    /// The probability of such a difference by chance.
    pub p: Option<f64>,
    /// The same, knowing that all phases were looked at.
    pub p_adjusted: Option<f64>,
    /// Where interval and probability come from.
    pub basis: Basis,
    /// The finding.
    pub finding: Finding,
    /// The finding in a sentence.
    pub words: String,
}

/// The values of a group.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Geometric mean.
    pub mean: f64,
    /// Coefficient of variation; none for a single run.
    pub variation: Option<f64>,
    /// The values, in the order of the runs.
    pub values: Vec<f64>,
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Faster, beyond chance.
    Faster,
    /// Slower, beyond chance.
    Slower,
    /// Faster beyond chance if this line alone had been looked at.
    ProbablyFaster,
    /// Slower beyond chance if this line alone had been looked at.
    ProbablySlower,
    /// The repeats scatter more than the groups differ.
    NoDifferenceSeen,
    /// Nothing was repeated.
    Unknown,
}

impl Finding {
    /// For a table.
    pub fn words(self) -> &'static str {
        match self {
            Finding::Faster => "faster",
            Finding::Slower => "slower",
            Finding::ProbablyFaster => "probably faster",
            Finding::ProbablySlower => "probably slower",
            Finding::NoDifferenceSeen => "no difference seen",
            Finding::Unknown => "not repeated",
        }
    }
}

/// Compares the first group with each other one.
pub fn compare(groups: &[Group]) -> Comparison {
    let side = |group: &Group| Side {
        label: group.label.clone(),
        runs: group.runs.iter().map(|run| run.label.clone()).collect(),
    };
    let (first, others) = groups.split_first().expect("a comparison has groups");
    let versus = others
        .iter()
        .map(|other| {
            let lines = lines(first, other);
            Versus {
                side: side(other),
                headline: headline::of(&lines),
                concerns: concerns::of(first, other),
                differences: differences::between(first, other),
                lost: lost(first, other),
                lines,
            }
        })
        .collect();
    Comparison { baseline: side(first), versus, outliers: groups.iter().flat_map(outliers::of).collect() }
}

/// The phases that every run of both groups has with a rate.
pub fn common_phases(a: &Group, b: &Group) -> Vec<PhaseId> {
    PhaseId::ALL.into_iter().filter(|&id| all_rated(a, id) && all_rated(b, id)).collect()
}

fn lost(a: &Group, b: &Group) -> Vec<PhaseId> {
    let scored = PhaseId::ALL.into_iter().filter(|id| id.standard_group() != ScoreGroup::None);
    scored.filter(|&id| all_rated(a, id) && !all_rated(b, id)).collect()
}

fn all_rated(group: &Group, id: PhaseId) -> bool {
    group.runs.iter().all(|run| run.phase(id).is_some_and(|phase| phase.rate > 0.0))
}

fn lines(a: &Group, b: &Group) -> Vec<Line> {
    let common = common_phases(a, b);
    let scored = |group: ScoreGroup| common.iter().any(|id| id.standard_group() == group);
    let mut lines = Vec::new();
    let both = scored(ScoreGroup::Bandwidth) && scored(ScoreGroup::Metadata);
    for (name, unit, wanted, pick) in [
        ("score", "", both, (|m| m.total) as fn(&Means) -> f64),
        ("bandwidth", "GiB/s", scored(ScoreGroup::Bandwidth), |m| m.bandwidth),
        ("metadata", "kIOPS", scored(ScoreGroup::Metadata), |m| m.metadata),
    ] {
        if wanted {
            let value = |run: &Run| {
                let rates: Vec<_> = common.iter().filter_map(|&id| Some((id, run.phase(id)?.rate))).collect();
                pick(&means(&rates, false))
            };
            let [a, b] = [a, b].map(|group| sample(group.runs.iter().map(value).collect()));
            lines.push(line(name, None, unit, true, a, b));
        }
    }
    for id in common {
        let value = |run: &Run| run.phase(id).map_or(0.0, |phase| phase.rate);
        let [a, b] = [a, b].map(|group| sample(group.runs.iter().map(value).collect()));
        lines.push(line(id.name(), Some(id), id.unit(), id.standard_group() != ScoreGroup::None, a, b));
    }
    conclude(&mut lines);
    lines
}

fn sample(values: Vec<f64>) -> Sample {
    let variation = stats::summary(&values).filter(|all| all.count > 1).map(|all| all.variance.sqrt() / all.mean);
    Sample { mean: geometric_mean(values.iter().copied()), variation, values }
}

fn line(name: &str, phase: Option<PhaseId>, unit: &'static str, scored: bool, a: Sample, b: Sample) -> Line {
    let logs = |sample: &Sample| {
        let logs: Vec<f64> = sample.values.iter().map(|value| value.ln()).collect();
        stats::summary(&logs).expect("a group has runs")
    };
    let found = stats::difference(logs(&a), logs(&b));
    Line {
        name: name.to_owned(),
        phase,
        unit,
        scored,
        a,
        b,
        ratio: found.value.exp(),
        interval: found.uncertainty.map(|found| (found.low.exp(), found.high.exp())),
        p: found.uncertainty.map(|found| found.p),
        p_adjusted: None,
        basis: found.basis,
        finding: Finding::Unknown,
        words: String::new(),
    }
}

/// Weighs the lines against each other: phases are many, so that one of them differs by chance now and then.
fn conclude(lines: &mut [Line]) {
    let phases: Vec<f64> = lines.iter().filter(|line| line.phase.is_some()).filter_map(|line| line.p).collect();
    let count = phases.len();
    let mut adjusted = stats::holm(&phases).into_iter();
    for line in lines {
        line.p_adjusted = match (line.p, line.phase) {
            (Some(_), Some(_)) => adjusted.next(),
            // the score and its means are one question each, asked beforehand
            (p, _) => p,
        };
        let level = 1.0 - stats::CONFIDENCE;
        line.finding = match (line.p, line.p_adjusted) {
            (Some(p), Some(adjusted)) if p < level => match (adjusted < level, line.ratio > 1.0) {
                (true, true) => Finding::Faster,
                (true, false) => Finding::Slower,
                (false, true) => Finding::ProbablyFaster,
                (false, false) => Finding::ProbablySlower,
            },
            (Some(_), _) => Finding::NoDifferenceSeen,
            (None, _) => Finding::Unknown,
        };
        line.words = words(line, count);
    }
}

fn words(line: &Line, phases: usize) -> String {
    let change = signed_percent(line.ratio - 1.0);
    let Some((low, high)) = line.interval else {
        return format!("{change}; one run each, so that chance cannot be told from change");
    };
    let interval = format!("95 % interval {} to {}", signed_percent(low - 1.0), signed_percent(high - 1.0));
    let borrowed = match line.basis {
        Basis::One => "; only one side was repeated, the other is taken to scatter alike",
        _ => "",
    };
    match line.finding {
        Finding::Faster | Finding::Slower => {
            format!(
                "{} by {}, beyond chance ({interval}{borrowed})",
                line.finding.words(),
                percent((line.ratio - 1.0).abs())
            )
        }
        Finding::ProbablyFaster | Finding::ProbablySlower => format!(
            "{} by {} ({interval}{borrowed}), but among {phases} phases one differs like this by chance too easily",
            line.finding.words(),
            percent((line.ratio - 1.0).abs()),
        ),
        _ => format!("{change}, no more than the repeats scatter ({interval}{borrowed})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::testing::group;

    #[test]
    fn repeats_give_intervals_and_words() {
        let a = group("a", &[100.0, 101.0, 99.0]);
        let b = group("b", &[150.0, 151.0, 149.0]);
        let found = compare(&[a, b]);
        let score = &found.versus[0].lines[0];
        assert_eq!(score.name, "score");
        assert!((score.ratio - 1.5).abs() < 1e-3);
        assert_eq!(score.finding, Finding::Faster);
        assert!(score.words.starts_with("faster by 50.0 %, beyond chance (95 % interval +47."), "{}", score.words);
    }

    #[test]
    fn noise_is_called_noise() {
        let found = compare(&[group("a", &[100.0, 120.0, 80.0]), group("b", &[104.0, 85.0, 118.0])]);
        assert!(found.versus[0].lines.iter().all(|line| line.finding == Finding::NoDifferenceSeen));
    }

    #[test]
    fn single_runs_claim_nothing() {
        let found = compare(&[group("a", &[100.0]), group("b", &[200.0])]);
        let line = &found.versus[0].lines[0];
        assert_eq!((line.finding, line.interval), (Finding::Unknown, None));
        assert!(line.words.contains("chance cannot be told from change"));
    }

    #[test]
    fn the_score_is_made_of_common_phases_only() {
        let mut a = group("a", &[100.0]);
        a.runs[0].phases.retain(|phase| phase.id != PhaseId::IorHardRead);
        let b = group("b", &[100.0]);
        let found = compare(&[a, b]);
        assert!((found.versus[0].lines[0].ratio - 1.0).abs() < 1e-12);
        assert!(found.versus[0].lines.iter().all(|line| line.phase != Some(PhaseId::IorHardRead)));
    }
}
