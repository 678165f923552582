//! Scaling over nodes and ranks: speed-up, efficiency and the fitted law of each figure, the other settings being held.

use super::axis::{Target, Value};
use super::campaign::more_is_better;
use super::journal::State;
use super::law::{self, Law};
use super::schedule::Schedule;
use crate::report::compare::stats;
use serde::Serialize;
use std::collections::BTreeMap;

/// A figure over nodes or ranks.
#[derive(Debug, Clone, Serialize)]
pub struct Scaling {
    /// `nodes` or `ranks-per-node`.
    pub axis: String,
    /// Which figure.
    pub figure: String,
    /// The other axes' values.
    pub held: String,
    /// What was measured.
    pub points: Vec<Point>,
    /// The law; none for fewer than three sizes.
    pub law: Option<Law>,
    /// Whether the figure bends beyond chance, all figures considered.
    pub bends: bool,
}

/// One size.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Point {
    /// Nodes or ranks per node.
    pub n: f64,
    /// Runs.
    pub runs: usize,
    /// Geometric mean.
    pub mean: f64,
    /// Against the smallest size.
    pub speed_up: f64,
    /// Speed-up divided by how many times more they are.
    pub efficiency: f64,
    /// What the law says, and the measured mean against it.
    pub fitted: Option<f64>,
    /// See `fitted`.
    pub against_fitted: Option<f64>,
}

/// The scaling of every figure, at the baseline's other settings and at those of `best`.
pub fn of(schedule: &Schedule<'_>, state: &State, best: Option<usize>) -> Vec<Scaling> {
    let campaign = &state.campaign;
    let mut all = Vec::new();
    for (index, axis) in campaign.axes.iter().enumerate() {
        if !matches!(axis.target(), Ok(Target::Nodes | Target::RanksPerNode)) {
            continue;
        }
        let size = |level: usize| match axis.values[level] {
            Value::Int(n) => n as f64,
            _ => f64::NAN,
        };
        let mut done: Vec<Vec<usize>> = Vec::new();
        for cell in [Some(0), best].into_iter().flatten() {
            let mut held = schedule.cells[cell].levels.clone();
            held[index] = 0;
            if done.contains(&held) {
                continue;
            }
            let words: Vec<String> = schedule.cells[cell]
                .values(campaign)
                .iter()
                .filter(|(other, _)| other.name != axis.name)
                .map(|(other, value)| format!("{}={value}", other.name))
                .collect();
            let mut figures: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
            for run in state.runs.iter().filter(|run| run.slot.in_full()) {
                let Some(cell) = schedule.cell_of(&run.slot) else { continue };
                let mut levels = cell.levels.clone();
                levels[index] = 0;
                let Some(outcome) = run.outcome.as_ref().filter(|outcome| outcome.counts() && levels == held) else {
                    continue;
                };
                for (name, value) in outcome.figures.iter().filter(|(name, _)| more_is_better(name)) {
                    figures.entry(name).or_default().push((size(cell.levels[index]), value.ln()));
                }
            }
            done.push(held);
            let scaling = figures.into_iter().filter_map(|(figure, runs)| {
                let (points, law) = points(&runs)?;
                let (axis, figure, held) = (axis.name.clone(), figure.to_owned(), words.join(" "));
                Some(Scaling { axis, figure, held, points, law, bends: false })
            });
            all.extend(scaling);
        }
    }
    let known: Vec<f64> = all.iter().filter_map(|one| one.law.as_ref()?.p).collect();
    let mut corrected = stats::holm(&known).into_iter();
    for one in &mut all {
        let p = one.law.as_ref().and_then(|law| law.p).and_then(|_| corrected.next());
        one.bends = p.is_some_and(|p| p < 1.0 - stats::CONFIDENCE);
    }
    all
}

/// The sizes with their law; none for a single size.
fn points(runs: &[(f64, f64)]) -> Option<(Vec<Point>, Option<Law>)> {
    let mut sizes: Vec<f64> = runs.iter().map(|(n, _)| *n).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    if sizes.len() < 2 {
        return None;
    }
    let law = law::fit(runs);
    let mean = |n: f64| {
        let logs: Vec<f64> = runs.iter().filter(|(other, _)| *other == n).map(|(_, log)| *log).collect();
        ((logs.iter().sum::<f64>() / logs.len() as f64).exp(), logs.len())
    };
    let (first, _) = mean(sizes[0]);
    let point = |&n: &f64| {
        let (mean, runs) = mean(n);
        let fitted = law.as_ref().map(|law| law.at(n));
        let speed_up = mean / first;
        let against_fitted = fitted.map(|fitted| mean / fitted);
        Point { n, runs, mean, speed_up, efficiency: speed_up / (n / sizes[0]), fitted, against_fitted }
    };
    Some((sizes.iter().map(point).collect(), law))
}
