//! Outliers: runs that differ from the other repeats of their group. They are named, never dropped.

use super::common::{common_phases, means_of};
use super::model::Outlier;
use super::stats;
use crate::report::figures::signed_percent;
use crate::report::load::RunGroup;
use crate::report::model::Run;
use io500_phases::phase_id::PhaseId;
use io500_phases::results::score::geometric_mean;

/// A smaller deviation is not named, however close the other runs are.
const NOTEWORTHY: f64 = 0.05;

/// The test takes so many runs.
pub const FEWEST: usize = 3;

/// What is tested, for readers.
pub const TEST: &str = "Tested by Grubbs's test at 5 %, each by itself: the score over the phases that all runs of a group \
     have, and every phase, in groups of three runs and more. Less than 5 % from the other runs is not named.";

/// The outliers of a group by Grubbs's test, for groups of three runs and more.
pub fn of(group: &RunGroup) -> Vec<Outlier> {
    let common = common_phases(group, group);
    let score = in_figure(group, "score", None, |run| Some(means_of(run, &common, false).total));
    let phases = PhaseId::ALL
        .into_iter()
        .filter_map(|id| in_figure(group, id.name(), Some(id), |run| Some(run.phase(id)?.rate)));
    score.into_iter().chain(phases).collect()
}

fn in_figure(
    group: &RunGroup,
    name: &str,
    phase: Option<PhaseId>,
    value: impl Fn(&Run) -> Option<f64>,
) -> Option<Outlier> {
    let rated: Vec<(&str, f64)> = group
        .runs
        .iter()
        .filter_map(|run| Some((run.label.as_str(), value(run)?)))
        .filter(|(_, rate)| *rate > 0.0)
        .collect();
    let logs: Vec<f64> = rated.iter().map(|(_, rate)| rate.ln()).collect();
    let index = stats::outlier(&logs)?;
    let others: Vec<f64> =
        rated.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, (_, rate))| *rate).collect();
    let (run, rate) = rated[index];
    let ratio = rate / geometric_mean(others.iter().copied());
    ((ratio - 1.0).abs() >= NOTEWORTHY).then(|| Outlier {
        group: group.label.clone(),
        run: run.to_owned(),
        name: name.to_owned(),
        phase,
        ratio,
        words: format!(
            "{run} is an outlier in {name}: {} against the other {} runs of {}.",
            signed_percent(ratio - 1.0),
            others.len(),
            group.label
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::testing::group;

    #[test]
    fn the_slow_run_is_named() {
        let mut repeats = group("nightly", &[100.0, 101.0, 99.5, 100.5]);
        let slow = repeats.runs[2].phases.iter_mut().find(|phase| phase.id == PhaseId::Find).unwrap();
        slow.rate *= 0.7;
        let found = of(&repeats);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].run.as_str(), found[0].phase), ("nightly-2", Some(PhaseId::Find)));
        assert!(found[0].words.contains("\u{2212}30."), "{}", found[0].words);
    }

    #[test]
    fn a_run_that_is_slow_in_everything_stands_apart_in_its_score() {
        let found = of(&group("nightly", &[100.0, 101.0, 60.0, 100.5]));
        assert_eq!((found[0].name.as_str(), found[0].phase), ("score", None));
        assert!(found[0].words.starts_with("nightly-2 is an outlier in score: \u{2212}40."), "{}", found[0].words);
        assert_eq!(found.len(), 13);
    }

    #[test]
    fn small_deviations_of_steady_runs_are_not() {
        assert!(of(&group("steady", &[100.0, 100.001, 100.0, 100.9])).is_empty());
    }
}
