//! How an adaptive campaign came to its finalists: what each rung cost and cut, and how likely it cut off a cell as good as the best.

use super::campaign::Objective;
use super::journal::State;
use super::schedule::Schedule;
use crate::report::compare::stats;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// The way to the finalists.
#[derive(Debug, Clone, Serialize)]
pub struct Scouting {
    /// The rungs that were begun.
    pub rungs: Vec<RungSummary>,
    /// Whether the last of them is over, so that the finalists are known.
    pub over: bool,
    /// Cells that were scouted, by their index in the analysis.
    pub tried: Vec<usize>,
    /// Stonewall seconds of all runs.
    pub stonewall_seconds: f64,
    /// Those of running every cell of the design as often as its repeats say.
    pub full_seconds: f64,
    /// The probability that a cell as good as the best one was left behind in a rung, if short runs rank cells as long ones do; none where
    /// the scatter of a single run is not known.
    pub missed: Option<f64>,
}

/// One rung.
#[derive(Debug, Clone, Serialize)]
pub struct RungSummary {
    /// Seconds of the stonewall.
    pub stonewall: u32,
    /// Cells in it.
    pub cells: usize,
    /// Cells with a figure.
    pub measured: usize,
    /// Cells that went on.
    pub kept: usize,
    /// The best cell's figure against the mean of the baseline's.
    pub best: Option<f64>,
    /// That of the last cell that went on.
    pub cut: Option<f64>,
    /// Standard deviation of a single run, as a part, from the baseline's runs.
    pub scatter: Option<f64>,
    /// Whether a drift was seen within the rung and taken out.
    pub drift_removed: bool,
    /// The probability that a cell as good as the best one was left behind here.
    pub missed: Option<f64>,
}

/// The way of a campaign; none where its design is another. `gain` is the logarithm of the best cell's factor against the baseline.
pub fn of(schedule: &Schedule<'_>, state: &State, objective: Objective, gain: Option<f64>) -> Option<Scouting> {
    let results = schedule.rung_results(state);
    if results.is_empty() {
        return None;
    }
    let gain = gain.map(|gain| objective.sign() * gain);
    let rungs: Vec<RungSummary> = results
        .iter()
        .map(|rung| {
            let baseline = stats::summary(&rung.baseline);
            let against = |log: f64| Some((objective.sign() * (log - baseline?.mean)).exp());
            let kept = rung.ranked.len().min(rung.kept);
            let cut = kept.checked_sub(1).map(|last| rung.ranked[last].1);
            let missed = (|| {
                let base = baseline.filter(|base| base.count > 1)?;
                // where everything went on nothing was left behind
                if kept == rung.ranked.len() {
                    return Some(0.0);
                }
                let error = (base.variance * (1.0 + 1.0 / base.count as f64)).sqrt();
                let distance = base.mean + gain? - cut?;
                if error == 0.0 {
                    return Some(if distance >= 0.0 { 0.0 } else { 1.0 });
                }
                let student = StudentsT::new(0.0, 1.0, base.count as f64 - 1.0).ok()?;
                Some(student.cdf(-distance / error))
            })();
            RungSummary {
                stonewall: rung.stonewall,
                cells: rung.members.len(),
                measured: rung.ranked.len(),
                kept,
                best: rung.ranked.first().and_then(|(_, log)| against(*log)),
                cut: cut.and_then(against),
                scatter: baseline.filter(|base| base.count > 1).map(|base| base.variance.sqrt()),
                drift_removed: rung.drift_removed,
                missed,
            }
        })
        .collect();
    let passed: Option<f64> = rungs.iter().map(|rung| rung.missed.map(|missed| 1.0 - missed)).product();
    let seconds = |slot| f64::from(schedule.stonewall(slot).unwrap_or(0));
    let campaign = &state.campaign;
    Some(Scouting {
        over: schedule.finalists(&results).is_some(),
        tried: results[0].ranked.iter().map(|(cell, _)| *cell).collect(),
        stonewall_seconds: state.runs.iter().map(|run| seconds(&run.slot)).sum(),
        full_seconds: schedule.cells.len() as f64 * f64::from(campaign.repeats) * f64::from(campaign.full_stonewall()),
        missed: passed.map(|passed| 1.0 - passed),
        rungs,
    })
}
