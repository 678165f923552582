//! What a rung of an adaptive campaign brought: its cells by their figure, and which of them go on. Pure.

use super::campaign::Objective;
use super::journal::{Run, State};
use super::model;
use super::slot::Slot;
use std::collections::HashMap;

/// Baseline runs that a drift within a rung needs to be seen, and its level.
const DRIFT_RUNS: usize = 4;
const LEVEL: f64 = 0.05;

/// A rung that was run, or is.
#[derive(Debug, Clone)]
pub struct RungResult {
    /// Seconds of the stonewall.
    pub stonewall: u32,
    /// Cells that belong to it, by their index.
    pub members: Vec<usize>,
    /// Those with a figure, the best first: the logarithm of the figure, turned so that more is better.
    pub ranked: Vec<(usize, f64)>,
    /// How many of them go on.
    pub kept: usize,
    /// The baseline's runs in between, in the same measure.
    pub baseline: Vec<f64>,
    /// Whether all its runs are done.
    pub over: bool,
    /// Whether a drift was seen in the baseline's runs and taken out.
    pub drift_removed: bool,
}

impl RungResult {
    /// The cells that go on, the best first.
    pub fn survivors(&self) -> Vec<usize> {
        self.ranked.iter().take(self.kept).map(|(cell, _)| *cell).collect()
    }
}

/// Ranks the cells of a rung by what its runs brought.
pub fn rank(
    objective: Objective,
    state: &State,
    rung: (u32, super::rungs::Rung),
    members: Vec<usize>,
    index: &HashMap<String, usize>,
) -> RungResult {
    let name = objective.name();
    let value = |run: &Run| {
        let outcome = run.outcome.as_ref().filter(|outcome| outcome.counts())?;
        let figure = outcome.figures.get(&name).filter(|figure| **figure > 0.0)?;
        Some((run.number as f64, objective.sign() * figure.ln()))
    };
    let of_rung = || state.runs.iter().filter(|run| run.slot.rung() == Some(rung.0));
    let mut baseline: Vec<(f64, f64)> =
        of_rung().filter(|run| matches!(run.slot, Slot::ScoutBaseline { .. })).filter_map(value).collect();
    let cell = |run: &Run| match &run.slot {
        Slot::Scout { cell, .. } => index.get(cell).copied(),
        _ => None,
    };
    let mut belongs = vec![false; index.len()];
    members.iter().for_each(|&member| belongs[member] = true);
    let mut cells: Vec<(usize, (f64, f64))> =
        of_rung().filter_map(|run| Some((cell(run)?, value(run)?))).filter(|(cell, _)| belongs[*cell]).collect();
    let slope = model::slope(&baseline).filter(|_| baseline.len() >= DRIFT_RUNS);
    let slope = slope.filter(|slope| slope.p().is_some_and(|p| p < LEVEL)).map(|slope| slope.log);
    if let Some(slope) = slope {
        let middle = baseline.iter().map(|(number, _)| number).sum::<f64>() / baseline.len() as f64;
        let points = baseline.iter_mut().chain(cells.iter_mut().map(|(_, point)| point));
        points.for_each(|(number, log)| *log -= slope * (*number - middle));
    }
    let mut ranked: Vec<(usize, f64)> = cells.into_iter().map(|(cell, (_, log))| (cell, log)).collect();
    // equal figures keep the order of the cells: the same runs always lead to the same survivors
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    RungResult {
        stonewall: rung.1.stonewall,
        members,
        ranked,
        kept: rung.1.kept,
        baseline: baseline.into_iter().map(|(_, log)| log).collect(),
        over: false,
        drift_removed: slope.is_some(),
    }
}
