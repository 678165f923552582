//! One group of repeated runs by itself: what its figures are, how much they vary, and what difference it would show.

use super::common::{all_rated, means_of};
use super::stats;
use crate::report::figures::{percent, rate};
use crate::report::load::RunGroup;
use crate::report::model::Run;
use crate::report::tables::{Table, UNKNOWN, or_unknown};
use io500_phases::phase_id::{PhaseId, ScoreGroup};
use serde::Serialize;

/// A group of repeats, summed up.
#[derive(Debug, Serialize)]
pub struct Repeats {
    /// The group.
    pub label: String,
    /// The names of its runs.
    pub runs: Vec<String>,
    /// Score, means and phases.
    pub lines: Vec<RepeatsLine>,
    /// What is worth knowing about the group, in sentences.
    pub words: Vec<String>,
}

/// One figure of the group.
#[derive(Debug, Serialize)]
pub struct RepeatsLine {
    /// `score`, `bandwidth`, `metadata` or a phase.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// Geometric mean.
    pub mean: f64,
    /// Smallest and largest.
    pub min: f64,
    /// See `min`.
    pub max: f64,
    /// Coefficient of variation; none for a single run.
    pub variation: Option<f64>,
    /// What the mean lies between at 95 %.
    pub interval: Option<(f64, f64)>,
    /// The smallest difference that two groups like this one would show four times out of five, as a share.
    pub detectable: Option<f64>,
}

/// Sums up a group.
pub fn of(group: &RunGroup) -> Repeats {
    let rated: Vec<PhaseId> = PhaseId::ALL.into_iter().filter(|&id| all_rated(group, id)).collect();
    let has = |wanted: ScoreGroup| rated.iter().any(|id| id.standard_group() == wanted);
    let (bandwidth, metadata) = (has(ScoreGroup::Bandwidth), has(ScoreGroup::Metadata));
    let mut lines = Vec::new();
    let values = |value: &dyn Fn(&Run) -> f64| group.runs.iter().map(value).collect::<Vec<f64>>();
    if bandwidth && metadata {
        lines.push(line("score", "", values(&|run| means_of(run, &rated, false).total)));
    }
    if bandwidth {
        lines.push(line("bandwidth", "GiB/s", values(&|run| means_of(run, &rated, false).bandwidth)));
    }
    if metadata {
        lines.push(line("metadata", "kIOPS", values(&|run| means_of(run, &rated, false).metadata)));
    }
    for id in &rated {
        lines.push(line(id.name(), id.unit(), values(&|run| run.phase(*id).map_or(0.0, |phase| phase.rate))));
    }
    Repeats {
        label: group.label.clone(),
        runs: group.runs.iter().map(|run| run.label.clone()).collect(),
        words: words(group, &lines),
        lines,
    }
}

fn line(name: &str, unit: &'static str, values: Vec<f64>) -> RepeatsLine {
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let all = stats::summary(&logs).expect("a group has runs");
    let plain = stats::summary(&values).expect("a group has runs");
    let repeated = all.count > 1;
    let reach = || {
        let count = all.count as f64;
        stats::t_quantile(0.5 + stats::CONFIDENCE / 2.0, count - 1.0) * (all.variance / count).sqrt()
    };
    RepeatsLine {
        name: name.to_owned(),
        unit,
        mean: all.mean.exp(),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(0.0, f64::max),
        variation: repeated.then(|| plain.variance.sqrt() / plain.mean),
        interval: repeated.then(|| ((all.mean - reach()).exp(), (all.mean + reach()).exp())),
        detectable: stats::detectable(all, all).map(|difference| difference.exp() - 1.0),
    }
}

fn words(group: &RunGroup, lines: &[RepeatsLine]) -> Vec<String> {
    let Some(first) = lines.first() else { return vec!["No phase has a rate in every run.".to_owned()] };
    let runs = group.runs.len();
    if runs == 1 {
        return vec!["One run: nothing is known of how much its figures vary.".to_owned()];
    }
    let phases = || lines.iter().filter(|line| line.name.parse::<PhaseId>().is_ok());
    let noisiest = phases().max_by(|a, b| a.variation.unwrap_or(0.0).total_cmp(&b.variation.unwrap_or(0.0)));
    let mut words = vec![format!(
        "{runs} runs: {} {} (varies by {}).",
        first.name,
        rate(first.mean),
        percent(first.variation.unwrap_or(0.0))
    )];
    words.extend(noisiest.filter(|line| line.variation.unwrap_or(0.0) > 0.0).map(|line| {
        format!("The phase that varies most is {}: {}.", line.name, percent(line.variation.unwrap_or(0.0)))
    }));
    words.extend(first.detectable.map(|difference| {
        format!(
            "Two such groups would show a difference of the {} from {} on, four times out of five.",
            first.name,
            percent(difference)
        )
    }));
    words
}

/// The lines as a table.
pub fn table(repeats: &Repeats) -> Table {
    let columns = ["What", "#Mean", "Unit", "#Min", "#Max", "#Variation", "#95 % from", "#to", "#Would show"];
    let caption = "Geometric means of the runs. \u{201c}Would show\u{201d}: the smallest difference that two such groups would show \
                   four times out of five.";
    let mut table = Table::new("repeats", caption, &columns);
    for line in &repeats.lines {
        table.rows.push(vec![
            line.name.clone(),
            rate(line.mean),
            if line.unit.is_empty() { UNKNOWN } else { line.unit }.to_owned(),
            rate(line.min),
            rate(line.max),
            or_unknown(line.variation, percent),
            or_unknown(line.interval, |(low, _)| rate(low)),
            or_unknown(line.interval, |(_, high)| rate(high)),
            or_unknown(line.detectable, percent),
        ]);
    }
    table.without_empty_columns()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::testing::group;

    #[test]
    fn a_group_is_summed_up_with_what_it_would_show() {
        let repeats = of(&group("a", &[100.0, 102.0, 98.0, 101.0]));
        let score = &repeats.lines[0];
        assert_eq!((score.name.as_str(), score.min, score.max), ("score", 98.0, 102.0));
        let (low, high) = score.interval.unwrap();
        assert!(low < score.mean && score.mean < high);
        let shown = score.detectable.unwrap();
        assert!((0.02..0.06).contains(&shown), "{shown}");
        assert!(repeats.words[0].starts_with("4 runs: score 100.2"), "{:?}", repeats.words);
        assert!(repeats.words.last().unwrap().contains("four times out of five"), "{:?}", repeats.words);
        let table = table(&repeats);
        assert_eq!((table.rows.len(), table.columns.len()), (repeats.lines.len(), 9));
    }

    #[test]
    fn one_run_knows_no_noise() {
        let repeats = of(&group("a", &[100.0]));
        assert_eq!((repeats.lines[0].interval, repeats.lines[0].detectable), (None, None));
        assert_eq!(repeats.words, ["One run: nothing is known of how much its figures vary."]);
    }
}
