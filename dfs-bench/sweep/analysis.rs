//! What a campaign found: pure, from the journal's state to figures with their uncertainty.
//!
//! Everything is computed on logarithms, so that effects are factors. Probabilities that are looked at together are corrected together
//! (Holm), and what is not significant is called "no difference", never a gain.

use super::campaign::{Campaign, Objective};
use super::design::Cell;
use super::journal::{Run, State};
use super::model::{self, Model, Observation};
use super::schedule::Schedule;
use super::slot::Slot;
use crate::report::compare::stats;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, StudentsT};
use std::collections::BTreeMap;

/// The level of all tests.
const LEVEL: f64 = 1.0 - stats::CONFIDENCE;
/// Baseline runs that a drift needs to be seen.
const DRIFT_RUNS: usize = 4;

/// A factor with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Factor {
    /// The factor.
    pub ratio: f64,
    /// The lower end; none without repeats.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The corrected probability of as much by chance.
    pub p: Option<f64>,
}

impl Factor {
    /// Whether it differs from 1 beyond chance.
    pub fn is_significant(&self) -> bool {
        self.p.is_some_and(|p| p < LEVEL)
    }
}

/// A cell and what it reached.
#[derive(Debug, Clone, Serialize)]
pub struct CellResult {
    /// Its id.
    pub id: String,
    /// Its values in words.
    pub words: String,
    /// The index of each axis's value.
    pub levels: Vec<usize>,
    /// Runs that count.
    pub runs: usize,
    /// Runs that failed.
    pub failed: usize,
    /// Geometric means of all figures.
    pub figures: BTreeMap<String, f64>,
    /// The objective against the baseline's.
    pub against_baseline: Option<Factor>,
}

/// What the values of an axis do to the objective, the other axes being what they are.
#[derive(Debug, Clone, Serialize)]
pub struct AxisEffect {
    /// The axis.
    pub axis: String,
    /// The value that the others are compared with.
    pub baseline: String,
    /// Each other value and its factor.
    pub values: Vec<(String, Factor)>,
}

/// Two axes whose effects do not multiply.
#[derive(Debug, Clone, Serialize)]
pub struct AxesInteraction {
    /// The axes.
    pub axes: (String, String),
    /// The values that differ most.
    pub values: (String, String),
    /// By how much they bring more (or less) together than the product of what each brings.
    pub ratio: f64,
    /// The corrected probability.
    pub p: f64,
}

/// The best cell.
#[derive(Debug, Clone, Serialize)]
pub struct Best {
    /// Index into [`Analysis::cells`].
    pub cell: usize,
    /// Whether it beats the baseline beyond chance.
    pub beats_baseline: bool,
    /// Other cells that cannot be told from it.
    pub as_good: Vec<usize>,
}

/// One step from the baseline to the best cell.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// What is changed.
    pub axis: String,
    /// To what.
    pub value: String,
    /// The objective's factor by it.
    pub ratio: f64,
    /// Whether both cells were run; else the model's estimate.
    pub measured: bool,
}

/// A run that stands apart from the others of its cell.
#[derive(Debug, Clone, Serialize)]
pub struct Outlier {
    /// Its number.
    pub run: u64,
    /// Its cell in words.
    pub cell: String,
    /// Its objective against the mean of the others.
    pub ratio: f64,
}

/// A steady change of the machine over the campaign.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Drift {
    /// Runs of the baseline that show it.
    pub runs: usize,
    /// The factor over ten runs.
    pub over_ten_runs: f64,
    /// The probability of as much by chance.
    pub p: f64,
    /// Whether it was taken out of all figures of the objective.
    pub removed: bool,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Analysis {
    /// The campaign's name.
    pub name: String,
    /// The figure that decides.
    pub objective: &'static str,
    /// The cells, the baseline first.
    pub cells: Vec<CellResult>,
    /// Combinations of the axes' values that were not run.
    pub not_tried: usize,
    /// Runs that count, failed ones, lost ones.
    pub runs: (usize, usize, usize),
    /// Failed runs: number, cell, why.
    pub failures: Vec<(u64, String, String)>,
    /// Doubts about runs that count: number, cell, what.
    pub doubts: Vec<(u64, String, String)>,
    /// The drift, when enough baselines were run to look for one.
    pub drift: Option<Drift>,
    /// Effects per axis.
    pub effects: Vec<AxisEffect>,
    /// Significant interactions, the most certain first.
    pub interactions: Vec<AxesInteraction>,
    /// The best cell for the objective.
    pub best: Option<Best>,
    /// The best cell for each figure.
    pub best_per_figure: BTreeMap<String, usize>,
    /// Cells that no other cell beats in both bandwidth and metadata.
    pub trade_off: Vec<usize>,
    /// From the baseline to the best cell.
    pub steps: Vec<Step>,
    /// Runs that stand apart.
    pub outliers: Vec<Outlier>,
}

/// Figures of a campaign's runs.
pub fn analyse(state: &State) -> anyhow::Result<Analysis> {
    let campaign = &state.campaign;
    let schedule = Schedule::new(campaign)?;
    let objective = campaign.objective()?;
    let runs: Vec<Measured<'_>> = measured(&schedule, state, objective);
    let (drift, runs) = without_drift(&schedule, runs);
    let cells = cell_results(campaign, &schedule, state, &runs);
    let observations: Vec<Observation<'_>> =
        runs.iter().map(|run| Observation { levels: &run.cell.levels, log: run.log }).collect();
    let base = &schedule.cells[0].levels;
    let model = Model::fit(&observations, base);
    let best = best(&cells, &runs);
    let steps =
        best.as_ref().map_or_else(Vec::new, |best| steps(campaign, &cells, best.cell, model.as_ref(), objective));
    let combinations: usize = campaign.axes.iter().map(|axis| axis.values.len()).product();
    let tried = cells.iter().filter(|cell| cell.runs > 0).count();
    Ok(Analysis {
        name: campaign.name.clone(),
        objective: objective.name(),
        not_tried: combinations.saturating_sub(tried),
        runs: counts(state),
        failures: told(&schedule, state, |run| run.outcome.as_ref()?.failure.clone().map(|why| vec![why])),
        doubts: told(&schedule, state, |run| run.outcome.as_ref().map(|outcome| outcome.doubts.clone())),
        drift,
        effects: effects(campaign, model.as_ref(), base),
        interactions: interactions(campaign, &observations, base),
        best_per_figure: best_per_figure(&cells),
        trade_off: trade_off(&cells),
        steps,
        outliers: outliers(campaign, &runs),
        best,
        cells,
    })
}

/// A run that counts, with its objective.
#[derive(Debug, Clone, Copy)]
struct Measured<'a> {
    number: u64,
    cell: &'a Cell,
    log: f64,
}

fn counted(state: &State) -> impl Iterator<Item = &Run> {
    let counts = |run: &&Run| run.slot != Slot::WarmUp && run.outcome.as_ref().is_some_and(|outcome| outcome.counts());
    state.runs.iter().filter(counts)
}

fn measured<'a>(schedule: &'a Schedule<'_>, state: &State, objective: Objective) -> Vec<Measured<'a>> {
    let of = |run: &Run| {
        let value = run.outcome.as_ref()?.figures.get(objective.name()).filter(|value| **value > 0.0)?;
        Some(Measured { number: run.number, cell: schedule.cell_of(&run.slot)?, log: value.ln() })
    };
    counted(state).filter_map(of).collect()
}

fn counts(state: &State) -> (usize, usize, usize) {
    let failed = state.runs.iter().filter(|run| run.outcome.as_ref().is_some_and(|outcome| !outcome.counts())).count();
    let lost = state.runs.iter().filter(|run| run.outcome.is_none()).count();
    (counted(state).count(), failed, lost)
}

fn told(
    schedule: &Schedule<'_>,
    state: &State,
    what: impl Fn(&Run) -> Option<Vec<String>>,
) -> Vec<(u64, String, String)> {
    let mut all = Vec::new();
    for run in &state.runs {
        let cell = schedule
            .cell_of(&run.slot)
            .map_or_else(|| "a cell of an earlier file".into(), |c| c.words(&state.campaign));
        all.extend(what(run).unwrap_or_default().into_iter().map(|words| (run.number, cell.clone(), words)));
    }
    all
}

/// The trend of the baseline's runs; where it is beyond chance it is taken out of all runs.
fn without_drift<'a>(schedule: &Schedule<'_>, mut runs: Vec<Measured<'a>>) -> (Option<Drift>, Vec<Measured<'a>>) {
    let base = &schedule.cells[0];
    let points: Vec<(f64, f64)> =
        runs.iter().filter(|run| run.cell == base).map(|run| (run.number as f64, run.log)).collect();
    let slope = model::slope(&points).filter(|_| points.len() >= DRIFT_RUNS);
    let Some((slope, p)) = slope.and_then(|slope| Some((slope, slope.p()?))) else { return (None, runs) };
    let removed = p < LEVEL;
    if removed {
        let middle = points.iter().map(|point| point.0).sum::<f64>() / points.len() as f64;
        for run in &mut runs {
            run.log -= slope.log * (run.number as f64 - middle);
        }
    }
    (Some(Drift { runs: points.len(), over_ten_runs: (10.0 * slope.log).exp(), p, removed }), runs)
}

fn cell_results(campaign: &Campaign, schedule: &Schedule<'_>, state: &State, runs: &[Measured<'_>]) -> Vec<CellResult> {
    let logs = |cell: &Cell| runs.iter().filter(|run| run.cell == cell).map(|run| run.log).collect::<Vec<f64>>();
    let baseline = stats::summary(&logs(&schedule.cells[0]));
    let differences: Vec<Option<stats::Difference>> = schedule
        .cells
        .iter()
        .skip(1)
        .map(|cell| Some(stats::difference(baseline?, stats::summary(&logs(cell))?)))
        .collect();
    let known: Vec<f64> = differences.iter().flatten().filter_map(|d| Some(d.uncertainty?.p)).collect();
    let mut corrected = stats::holm(&known).into_iter();
    let mut factors: Vec<Option<Factor>> = vec![None];
    for difference in differences {
        factors.push(difference.map(|difference| Factor {
            ratio: difference.value.exp(),
            low: difference.uncertainty.map(|u| u.low.exp()),
            high: difference.uncertainty.map(|u| u.high.exp()),
            p: difference.uncertainty.and_then(|_| corrected.next()),
        }));
    }
    let of = |run: &&Run, cell: &Cell| schedule.cell_of(&run.slot) == Some(cell);
    schedule
        .cells
        .iter()
        .zip(factors)
        .map(|(cell, against_baseline)| CellResult {
            id: cell.id(campaign),
            words: cell.words(campaign),
            levels: cell.levels.clone(),
            runs: logs(cell).len(),
            failed: state
                .runs
                .iter()
                .filter(|run| of(run, cell) && run.outcome.as_ref().is_some_and(|outcome| !outcome.counts()))
                .count(),
            figures: means(counted(state).filter(|run| of(run, cell))),
            against_baseline,
        })
        .collect()
}

/// Geometric means of each figure over the runs that have it.
fn means<'r>(runs: impl Iterator<Item = &'r Run>) -> BTreeMap<String, f64> {
    let mut logs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, value) in runs.filter_map(|run| run.outcome.as_ref()).flat_map(|outcome| &outcome.figures) {
        logs.entry(name).or_default().push(value.ln());
    }
    let mean = |logs: Vec<f64>| (logs.iter().sum::<f64>() / logs.len() as f64).exp();
    logs.into_iter().map(|(name, logs)| (name.to_owned(), mean(logs))).collect()
}

fn effects(campaign: &Campaign, model: Option<&Model>, base: &[usize]) -> Vec<AxisEffect> {
    let Some(model) = model else { return Vec::new() };
    let mut found = Vec::new();
    for (index, axis) in campaign.axes.iter().enumerate() {
        for (level, value) in axis.values.iter().enumerate().filter(|(level, _)| *level != base[index]) {
            if let Some(estimate) = model.effect(index, level) {
                found.push((index, value.to_string(), estimate));
            }
        }
    }
    let known: Vec<f64> = found.iter().filter_map(|(_, _, estimate)| estimate.p()).collect();
    let mut corrected = stats::holm(&known).into_iter();
    let mut effects: Vec<AxisEffect> = campaign
        .axes
        .iter()
        .map(|axis| AxisEffect {
            axis: axis.name.clone(),
            baseline: campaign.baseline_of(axis).to_string(),
            values: Vec::new(),
        })
        .collect();
    for (axis, value, estimate) in found {
        let reach = estimate.reach();
        let factor = Factor {
            ratio: estimate.log.exp(),
            low: reach.map(|reach| (estimate.log - reach).exp()),
            high: reach.map(|reach| (estimate.log + reach).exp()),
            p: estimate.p().and_then(|_| corrected.next()),
        };
        effects[axis].values.push((value, factor));
    }
    effects
}

fn interactions(campaign: &Campaign, observations: &[Observation<'_>], base: &[usize]) -> Vec<AxesInteraction> {
    let axes = campaign.axes.len();
    let pairs = (0..axes).flat_map(|a| (a + 1..axes).map(move |b| (a, b)));
    let found: Vec<model::Interaction> =
        pairs.filter_map(|pair| model::interaction(observations, base, pair)).collect();
    let corrected = stats::holm(&found.iter().map(|one| one.p).collect::<Vec<_>>());
    let value = |axis: usize, level: usize| campaign.axes[axis].values[level].to_string();
    let mut told: Vec<AxesInteraction> = found
        .iter()
        .zip(corrected)
        .filter(|(_, p)| *p < LEVEL)
        .map(|(one, p)| AxesInteraction {
            axes: (campaign.axes[one.axes.0].name.clone(), campaign.axes[one.axes.1].name.clone()),
            values: (value(one.axes.0, one.levels.0), value(one.axes.1, one.levels.1)),
            ratio: one.most.exp(),
            p,
        })
        .collect();
    told.sort_by(|a, b| a.p.total_cmp(&b.p));
    told
}

fn best(cells: &[CellResult], runs: &[Measured<'_>]) -> Option<Best> {
    let logs = |index: usize| -> Vec<f64> {
        runs.iter().filter(|run| run.cell.levels == cells[index].levels).map(|run| run.log).collect()
    };
    let summaries: Vec<Option<stats::Summary>> = (0..cells.len()).map(|index| stats::summary(&logs(index))).collect();
    let (cell, most) = summaries
        .iter()
        .enumerate()
        .filter_map(|(index, summary)| Some((index, (*summary)?)))
        .max_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean))?;
    let against: Vec<(usize, Option<f64>)> = (0..cells.len())
        .filter(|&index| index != cell)
        .filter_map(|index| Some((index, stats::difference(summaries[index]?, most).uncertainty.map(|u| u.p))))
        .collect();
    let corrected = stats::holm(&against.iter().filter_map(|(_, p)| *p).collect::<Vec<_>>());
    let mut corrected = corrected.into_iter();
    let mut as_good = Vec::new();
    for (index, p) in against {
        // without repeats nothing can be told apart
        let p = p.and_then(|_| corrected.next());
        if p.is_none_or(|p| p >= LEVEL) {
            as_good.push(index);
        }
    }
    let beats_baseline =
        cell != 0 && cells[cell].against_baseline.is_some_and(|factor| factor.is_significant() && factor.ratio > 1.0);
    Some(Best { cell, beats_baseline, as_good })
}

fn best_per_figure(cells: &[CellResult]) -> BTreeMap<String, usize> {
    let mut best: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    for (index, cell) in cells.iter().enumerate() {
        for (name, &value) in &cell.figures {
            let entry = best.entry(name.clone()).or_insert((index, value));
            if value > entry.1 {
                *entry = (index, value);
            }
        }
    }
    best.into_iter().map(|(name, (index, _))| (name, index)).collect()
}

fn trade_off(cells: &[CellResult]) -> Vec<usize> {
    let both = |cell: &CellResult| Some((*cell.figures.get("bandwidth")?, *cell.figures.get("metadata")?));
    let points: Vec<(usize, (f64, f64))> =
        cells.iter().enumerate().filter_map(|(index, cell)| Some((index, both(cell)?))).collect();
    let beaten = |(bandwidth, metadata): (f64, f64)| {
        points.iter().any(|(_, (b, m))| *b >= bandwidth && *m >= metadata && (*b, *m) != (bandwidth, metadata))
    };
    points.iter().filter(|(_, point)| !beaten(*point)).map(|(index, _)| *index).collect()
}

/// One setting after the other, the one that brings most first; measured where both cells were run.
fn steps(
    campaign: &Campaign,
    cells: &[CellResult],
    best: usize,
    model: Option<&Model>,
    objective: Objective,
) -> Vec<Step> {
    let mut at = cells[0].levels.clone();
    let goal = &cells[best].levels;
    let measured = |levels: &[usize]| {
        cells
            .iter()
            .find(|cell| cell.levels == levels)
            .and_then(|cell| cell.figures.get(objective.name()))
            .map(|v| v.ln())
    };
    let mut steps = Vec::new();
    loop {
        let ahead = (0..at.len()).filter(|&axis| at[axis] != goal[axis]).filter_map(|axis| {
            let mut next = at.clone();
            next[axis] = goal[axis];
            let log = match (measured(&at), measured(&next)) {
                (Some(from), Some(to)) => Some((to - from, true)),
                _ => model.map(|model| (model.expect(&next) - model.expect(&at), false)),
            };
            log.map(|(log, measured)| (axis, log, measured))
        });
        let Some((axis, log, measured)) = ahead.max_by(|(_, a, _), (_, b, _)| a.total_cmp(b)) else { return steps };
        at[axis] = goal[axis];
        steps.push(Step {
            axis: campaign.axes[axis].name.clone(),
            value: campaign.axes[axis].values[goal[axis]].to_string(),
            ratio: log.exp(),
            measured,
        });
    }
}

/// Runs that lie further from the others of their cell than chance allows, all runs considered (Bonferroni).
fn outliers(campaign: &Campaign, runs: &[Measured<'_>]) -> Vec<Outlier> {
    let mut cells: BTreeMap<&Cell, Vec<&Measured<'_>>> = BTreeMap::new();
    for run in runs {
        cells.entry(run.cell).or_default().push(run);
    }
    let spread = |logs: &[f64]| {
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        (mean, logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>())
    };
    let mut found = Vec::new();
    for (cell, members) in cells.iter().filter(|(_, members)| members.len() >= 2) {
        // the scatter of the other cells, and of this one without the run: a run must not hide behind itself
        let elsewhere: Vec<Vec<f64>> =
            cells.iter().filter(|(other, _)| *other != cell).map(|(_, m)| m.iter().map(|r| r.log).collect()).collect();
        for run in members {
            let others: Vec<f64> =
                members.iter().filter(|other| other.number != run.number).map(|other| other.log).collect();
            let (mean, own) = spread(&others);
            let squares = own + elsewhere.iter().map(|logs| spread(logs).1).sum::<f64>();
            let freedom = others.len() as f64 - 1.0 + elsewhere.iter().map(|logs| logs.len() as f64 - 1.0).sum::<f64>();
            if freedom < 1.0 || squares == 0.0 {
                continue;
            }
            let error = (squares / freedom * (1.0 + 1.0 / others.len() as f64)).sqrt();
            let Ok(student) = StudentsT::new(0.0, 1.0, freedom) else { continue };
            let p = 2.0 * (1.0 - student.cdf(((run.log - mean) / error).abs())) * runs.len() as f64;
            if p < LEVEL {
                found.push(Outlier { run: run.number, cell: cell.words(campaign), ratio: (run.log - mean).exp() });
            }
        }
    }
    // of two runs that differ neither is the outlier: it takes a third
    found.retain(|outlier| cells.values().any(|m| m.len() >= 3 && m.iter().any(|run| run.number == outlier.run)));
    found.sort_by_key(|outlier| outlier.run);
    found
}
