//! The paths to the store (DFS, DFUSE, DFUSE with a library) against each other, figure by figure, over all cells.

use super::axis::{Axis, Target};
use super::campaign::more_is_better;
use super::found::{Factor, PathEffect};
use super::journal::State;
use super::model::{Model, Observation};
use super::schedule::Schedule;
use crate::report::compare::stats;
use std::collections::BTreeMap;

/// The effects of the axis `path`; none without one.
pub fn of(schedule: &Schedule<'_>, state: &State) -> Vec<PathEffect> {
    let campaign = &state.campaign;
    let is_path = |axis: &Axis| axis.target().is_ok_and(|target| target == Target::Path);
    let Some(index) = campaign.axes.iter().position(is_path) else { return Vec::new() };
    let mut figures: BTreeMap<&str, Vec<Observation<'_>>> = BTreeMap::new();
    for run in state.runs.iter().filter(|run| run.slot.in_full()) {
        let outcome = run.outcome.as_ref().filter(|outcome| outcome.counts());
        let (Some(cell), Some(outcome)) = (schedule.cell_of(&run.slot), outcome) else { continue };
        for (name, value) in outcome.figures.iter().filter(|(name, _)| more_is_better(name)) {
            figures.entry(name).or_default().push(Observation { levels: &cell.levels, log: value.ln() });
        }
    }
    let axis = &campaign.axes[index];
    let base = &schedule.cells[0].levels;
    let mut found = Vec::new();
    for (figure, observations) in figures {
        let Some(model) = Model::fit(&observations, base) else { continue };
        for (level, value) in axis.values.iter().enumerate() {
            found.extend(model.effect(index, level).map(|estimate| (figure, value.to_string(), estimate)));
        }
    }
    let corrected = stats::holm(&found.iter().filter_map(|(_, _, estimate)| estimate.p()).collect::<Vec<_>>());
    let mut corrected = corrected.into_iter();
    let effect = |(figure, path, estimate): (&str, String, super::model::Estimate)| PathEffect {
        figure: figure.to_owned(),
        baseline: campaign.baseline_of(axis).to_string(),
        path,
        factor: Factor::of(estimate, estimate.p().and_then(|_| corrected.next())),
    };
    found.into_iter().map(effect).collect()
}

#[cfg(test)]
mod tests {
    use super::super::campaign::Campaign;
    use super::super::journal::Run;
    use super::super::outcome::Outcome;
    use super::*;

    #[test]
    fn dfs_and_dfuse_are_compared_over_all_cells() {
        let plan = Campaign::parse(
            "name = \"t\"\nrepeats = 3\n[[axis]]\nname = \"path\"\nvalues = [\"dfs\", \"dfuse=/mnt\"]\n\
             [[axis]]\nname = \"a\"\nenv = \"A\"\nvalues = [1, 2, 3]\n",
        )
        .unwrap();
        let schedule = Schedule::new(&plan).unwrap();
        let mut state = State { campaign: plan.clone(), runs: Vec::new(), forgiven: 0 };
        let mut rng = fastrand::Rng::with_seed(2);
        for (number, slot) in (1..).zip(schedule.slots(&state)) {
            let levels = &schedule.cell_of(&slot).unwrap().levels;
            let mut noise = || 0.02 * (rng.f64() - 0.5);
            let find = (noise() - 0.7 * levels[0] as f64 + 0.2 * levels[1] as f64).exp();
            let write = (noise() + 0.3 * levels[1] as f64).exp();
            let figures = [("find".to_owned(), find), ("ior-easy-write".to_owned(), write)].into();
            let outcome = Some(Outcome { figures, ..Outcome::default() });
            state.runs.push(Run { number, slot, attempt: 1, started: String::new(), outcome, job: None });
        }
        let found = of(&schedule, &state);
        assert_eq!(found.iter().map(|one| one.figure.as_str()).collect::<Vec<_>>(), ["find", "ior-easy-write"]);
        assert!((found[0].factor.ratio.ln() + 0.7).abs() < 0.02 && found[0].factor.is_significant(), "{found:?}");
        assert!(!found[1].factor.is_significant(), "{found:?}");
    }
}
