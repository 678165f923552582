//! From groups of runs to findings: each group against the first, line by line, in figures and in words.

use super::common::{all_rated, common_phases, means_of};
use super::model::{Comparison, Finding, Line, Sample, Side, Versus};
use super::stats::{self, Basis};
use super::{concerns, differences, headline, outliers, trust};
use crate::report::figures::{percent, signed_percent};
use crate::report::load::RunGroup;
use crate::report::model::Run;
use io500_phases::phase_id::{PhaseId, ScoreGroup};
use io500_phases::results::score::{Means, geometric_mean};
use std::collections::BTreeSet;

/// Compares the first group with each other one.
pub fn compare(groups: &[RunGroup]) -> Comparison {
    let side = |group: &RunGroup| Side {
        label: group.label.clone(),
        runs: group.runs.iter().map(|run| run.label.clone()).collect(),
    };
    let (first, others) = groups.split_first().expect("a comparison has groups");
    let mut all: Vec<Vec<Line>> = others.iter().map(|other| lines(first, other)).collect();
    conclude(&mut all);
    let versus = others
        .iter()
        .zip(all)
        .map(|(other, lines)| Versus {
            side: side(other),
            headline: headline::of(&lines),
            concerns: concerns::of(first, other),
            differences: differences::between(first, other),
            lost: lost(first, other),
            newly_invalid: trust::newly_invalid(first, other),
            faults: trust::faults(other),
            lines,
        })
        .collect();
    let warning = |run: &Run| run.warning().map(|warning| format!("{}: {warning}", run.label));
    Comparison {
        warnings: groups.iter().flat_map(|group| &group.runs).filter_map(warning).collect(),
        baseline: side(first),
        versus,
        outliers: groups.iter().flat_map(outliers::of).collect(),
        outlier_test: groups.iter().any(|group| group.runs.len() >= outliers::FEWEST).then_some(outliers::TEST),
    }
}

fn lost(a: &RunGroup, b: &RunGroup) -> Vec<PhaseId> {
    let scored = PhaseId::ALL.into_iter().filter(|id| id.standard_group() != ScoreGroup::None);
    scored.filter(|&id| all_rated(a, id) && !all_rated(b, id)).collect()
}

fn lines(a: &RunGroup, b: &RunGroup) -> Vec<Line> {
    let common = common_phases(a, b);
    let both = |group: fn(PhaseId) -> ScoreGroup| {
        [ScoreGroup::Bandwidth, ScoreGroup::Metadata].iter().all(|half| common.iter().any(|&id| group(id) == *half))
    };
    let scored = |group: ScoreGroup| common.iter().any(|id| id.standard_group() == group);
    let extended = both(PhaseId::extended_group) && [a, b].iter().all(|group| group.runs.iter().all(is_extended));
    let mut lines = Vec::new();
    for (name, unit, wanted, extended, pick) in [
        ("score", "", both(PhaseId::standard_group), false, (|m| m.total) as fn(&Means) -> f64),
        ("bandwidth", "GiB/s", scored(ScoreGroup::Bandwidth), false, |m| m.bandwidth),
        ("metadata", "kIOPS", scored(ScoreGroup::Metadata), false, |m| m.metadata),
        ("extended score", "", extended, true, |m| m.total),
    ] {
        if wanted {
            let value = |run: &Run| pick(&means_of(run, &common, extended));
            let [a, b] = [a, b].map(|group| sample(group.runs.iter().map(value).collect()));
            lines.push(line(name, None, unit, !extended, a, b));
        }
    }
    for id in common {
        let value = |run: &Run| run.phase(id).map_or(0.0, |phase| phase.rate);
        let [a, b] = [a, b].map(|group| sample(group.runs.iter().map(value).collect()));
        lines.push(line(id.name(), Some(id), id.unit(), id.standard_group() != ScoreGroup::None, a, b));
    }
    lines
}

fn is_extended(run: &Run) -> bool {
    run.score.as_ref().is_some_and(|score| score.extended.is_some())
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

/// Weighs the lines of all groups against each other: phases are many, so that one of them differs by chance now and then,
/// and every group more is another chance.
fn conclude(all: &mut [Vec<Line>]) {
    let mut lines: Vec<&mut Line> = all.iter_mut().flatten().collect();
    // each mean is a question asked beforehand, once per group; the phases are one heap
    let family = |line: &Line| if line.phase.is_some() { String::new() } else { line.name.clone() };
    let families: BTreeSet<String> = lines.iter().map(|line| family(line)).collect();
    for name in families {
        let mut members: Vec<&mut &mut Line> = lines.iter_mut().filter(|line| family(line) == name).collect();
        let known: Vec<f64> = members.iter().filter_map(|line| line.p).collect();
        let count = known.len();
        let mut adjusted = stats::holm(&known).into_iter();
        for line in &mut members {
            line.p_adjusted = line.p.and_then(|_| adjusted.next());
            line.finding = finding(line);
            line.words = words(line, count);
        }
    }
}

fn finding(line: &Line) -> Finding {
    let level = 1.0 - stats::CONFIDENCE;
    match (line.p, line.p_adjusted) {
        (Some(p), Some(adjusted)) if p < level => match (adjusted < level, line.ratio > 1.0) {
            (true, true) => Finding::Faster,
            (true, false) => Finding::Slower,
            (false, true) => Finding::ProbablyFaster,
            (false, false) => Finding::ProbablySlower,
        },
        (Some(_), _) => Finding::NoDifferenceSeen,
        (None, _) => Finding::Unknown,
    }
}

fn words(line: &Line, tested: usize) -> String {
    let change = signed_percent(line.ratio - 1.0);
    let Some((low, high)) = line.interval else {
        return format!("{change}; one run each, so noise cannot be told from change");
    };
    let interval = format!("95 % interval {} to {}", signed_percent(low - 1.0), signed_percent(high - 1.0));
    let borrowed = match line.basis {
        Basis::One => "; only one side was repeated, and the other is assumed to be as noisy",
        _ => "",
    };
    let by = format!("{} by {}", line.finding.words(), percent((line.ratio - 1.0).abs()));
    match line.finding {
        Finding::Faster | Finding::Slower => format!("{by}, significant ({interval}{borrowed})"),
        Finding::ProbablyFaster | Finding::ProbablySlower => {
            format!("{by}, not significant after correcting for {tested} comparisons ({interval}{borrowed})")
        }
        _ => format!("{change}, within run-to-run noise ({interval}{borrowed})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::testing::group;
    use io500_phases::results::score::in_extended_hash;

    #[test]
    fn repeats_give_intervals_and_words() {
        let a = group("a", &[100.0, 101.0, 99.0]);
        let b = group("b", &[150.0, 151.0, 149.0]);
        let found = compare(&[a, b]);
        let score = &found.versus[0].lines[0];
        assert_eq!(score.name, "score");
        assert!((score.ratio - 1.5).abs() < 1e-3);
        assert_eq!(score.finding, Finding::Faster);
        assert!(score.words.starts_with("faster by 50.0 %, significant (95 % interval +47."), "{}", score.words);
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
        assert!(line.words.contains("noise cannot be told from change"));
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

    #[test]
    fn more_groups_make_each_of_them_weigh_less() {
        let a = || group("a", &[100.0, 101.0, 99.0]);
        let b = || group("b", &[102.5, 103.5, 101.5]);
        let score = |groups: &[RunGroup]| compare(groups).versus[0].lines[0].clone();
        let alone = score(&[a(), b()]);
        let among = score(&[a(), b(), group("c", &[100.0, 101.0, 99.0])]);
        assert_eq!((alone.p, alone.p_adjusted), (among.p, alone.p));
        assert_eq!(among.p_adjusted, alone.p.map(|p| 2.0 * p));
        assert_eq!((alone.finding, among.finding), (Finding::Faster, Finding::ProbablyFaster));
        assert!(among.words.contains("after correcting for 2 comparisons"), "{}", among.words);
    }

    #[test]
    fn the_extended_score_is_compared_where_all_have_it() {
        let extended = |label: &str, rate: f64| {
            let mut group = group(label, &[rate]);
            let mut optional = crate::report::model::Phase::new(PhaseId::IorEasyRead);
            optional.id = PhaseId::ALL.into_iter().find(|&id| in_extended_hash(id)).unwrap();
            optional.rate = rate;
            let means = Means { bandwidth: rate, metadata: rate, total: rate };
            group.runs[0].phases.push(optional);
            group.runs[0].score = Some(crate::report::model::Score {
                means,
                hash: None,
                extended: Some(crate::report::model::ExtendedScore { means, hash: None, valid: true }),
                without_wear_out: None,
                at_stonewall: None,
            });
            group
        };
        let line = |b: RunGroup| {
            let found = compare(&[extended("a", 100.0), b]);
            found.versus[0].lines.iter().find(|line| line.name == "extended score").cloned()
        };
        let both = line(extended("b", 150.0)).unwrap();
        assert!((both.ratio - 1.5).abs() < 1e-9 && !both.scored, "{both:?}");
        assert!(line(group("b", &[150.0])).is_none());
    }
}
