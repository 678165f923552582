//! What a campaign found: pure, from the journal's state to figures with their uncertainty.
//!
//! Everything is computed on logarithms, so that effects are factors. Probabilities that are looked at together are corrected together
//! (Holm), and what is not significant is called "no difference", never a gain.

use super::campaign::{Campaign, Objective, more_is_better};
use super::found::{Analysis, AxesInteraction, AxisEffect, Best, CellResult, Drift, Factor, LEVEL, Outlier, Step};
use super::journal::{Run, State};
use super::model::{self, Model, Observation};
use super::schedule::Schedule;
use super::{paths, scaling, scouting};
use crate::report::compare::stats;
use statrs::distribution::{ContinuousCDF as _, StudentsT};
use std::collections::BTreeMap;

/// Baseline runs that a drift needs to be seen.
const DRIFT_RUNS: usize = 4;

/// Figures of a campaign's runs.
pub fn analyse(state: &State) -> anyhow::Result<Analysis> {
    let campaign = &state.campaign;
    let schedule = Schedule::new(campaign)?;
    let objective = campaign.objective()?;
    let (drift, runs) = without_drift(measured(&schedule, state, objective));
    let logs = logs_by_cell(&schedule, &runs);
    let cells = cell_results(campaign, &schedule, state, &logs);
    let base = &schedule.cells[0].levels;
    // in full an adaptive campaign runs too few cells to tell effects; its first rung has all of them
    let scouted = schedule.rung_results(state).into_iter().next();
    let observed: Vec<(usize, f64)> = match &scouted {
        Some(rung) => {
            let baseline = rung.baseline.iter().map(|log| (0, *log));
            rung.ranked.iter().copied().chain(baseline).map(|(cell, log)| (cell, objective.sign() * log)).collect()
        }
        None => runs.iter().map(|run| (run.cell, run.log)).collect(),
    };
    let observations: Vec<Observation<'_>> =
        observed.iter().map(|&(cell, log)| Observation { levels: &schedule.cells[cell].levels, log }).collect();
    let model = Model::fit(&observations, base);
    let best = best(&cells, &logs, objective);
    let steps =
        best.as_ref().map_or_else(Vec::new, |best| steps(campaign, &cells, best.cell, model.as_ref(), objective));
    // the baseline has no factor against itself
    let gain = best.as_ref().map(|best| best.factor.map_or(0.0, |factor| factor.ratio.ln()));
    let scouting = scouting::of(&schedule, state, objective, gain);
    let combinations: usize = campaign.axes.iter().map(|axis| axis.values.len()).product();
    let scouted = |index: &usize| scouting.as_ref().is_some_and(|scouting| scouting.tried.contains(index));
    let tried = (0..cells.len()).filter(|index| cells[*index].runs > 0 || scouted(index)).count();
    Ok(Analysis {
        name: campaign.name.clone(),
        objective: objective.name(),
        more_is_better: objective.sign() > 0.0,
        not_tried: combinations.saturating_sub(tried),
        runs: counts(state),
        failures: told(&schedule, state, |run| run.outcome.as_ref()?.failure.clone().map(|why| vec![why])),
        doubts: told(&schedule, state, |run| run.outcome.as_ref().map(|outcome| outcome.doubts.clone())),
        axes: campaign
            .axes
            .iter()
            .map(|axis| (axis.name.clone(), axis.values.iter().map(ToString::to_string).collect()))
            .collect(),
        to_the_roof: best.as_ref().and_then(|best| to_the_roof(&schedule, state, &objective.name(), best.cell)),
        over_time: counted(state)
            .filter_map(|run| Some((run.number, run.outcome.as_ref()?)))
            .flat_map(|(number, outcome)| outcome.over_time.iter().map(move |one| (number, one.clone())))
            .collect(),
        drift,
        effects: effects(campaign, model.as_ref(), base),
        paths: paths::of(&schedule, state),
        interactions: interactions(campaign, &observations, base),
        best_per_figure: best_per_figure(&cells),
        trade_off: trade_off(&cells),
        steps,
        outliers: outliers(&cells, &runs, &logs),
        scaling: scaling::of(&schedule, state, best.as_ref().map(|best| best.cell)),
        best,
        scouting,
        cells,
    })
}

/// A run that counts, with its objective.
#[derive(Debug, Clone, Copy)]
struct Measured {
    number: u64,
    /// Index of its cell.
    cell: usize,
    log: f64,
}

/// Runs in full that ended well.
fn counted(state: &State) -> impl Iterator<Item = &Run> {
    let counts = |run: &&Run| run.slot.in_full() && run.outcome.as_ref().is_some_and(|outcome| outcome.counts());
    state.runs.iter().filter(counts)
}

fn measured(schedule: &Schedule<'_>, state: &State, objective: Objective) -> Vec<Measured> {
    let name = objective.name();
    let of = |run: &Run| {
        let value = run.outcome.as_ref()?.figures.get(&name).filter(|value| **value > 0.0)?;
        Some(Measured { number: run.number, cell: schedule.index_of(&run.slot)?, log: value.ln() })
    };
    counted(state).filter_map(of).collect()
}

fn logs_by_cell(schedule: &Schedule<'_>, runs: &[Measured]) -> Vec<Vec<f64>> {
    let mut logs = vec![Vec::new(); schedule.cells.len()];
    runs.iter().for_each(|run| logs[run.cell].push(run.log));
    logs
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
        let words = what(run).unwrap_or_default();
        if words.is_empty() {
            continue;
        }
        let cell = schedule
            .cell_of(&run.slot)
            .map_or_else(|| "a cell of an earlier file".into(), |c| c.words(&state.campaign));
        all.extend(words.into_iter().map(|words| (run.number, cell.clone(), words)));
    }
    all
}

/// The trend of the baseline's runs; where it is beyond chance it is taken out of all runs.
fn without_drift(mut runs: Vec<Measured>) -> (Option<Drift>, Vec<Measured>) {
    let points: Vec<(f64, f64)> =
        runs.iter().filter(|run| run.cell == 0).map(|run| (run.number as f64, run.log)).collect();
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

fn cell_results(campaign: &Campaign, schedule: &Schedule<'_>, state: &State, logs: &[Vec<f64>]) -> Vec<CellResult> {
    let mut counting: Vec<Vec<&Run>> = vec![Vec::new(); logs.len()];
    counted(state)
        .filter_map(|run| Some((schedule.index_of(&run.slot)?, run)))
        .for_each(|(i, run)| counting[i].push(run));
    let mut failed = vec![0; logs.len()];
    let bad = state.runs.iter().filter(|run| run.outcome.as_ref().is_some_and(|outcome| !outcome.counts()));
    bad.filter_map(|run| schedule.index_of(&run.slot)).for_each(|index| failed[index] += 1);
    let factors = factors(logs);
    let cells = schedule.cells.iter().zip(factors).enumerate();
    cells
        .map(|(index, (cell, against_baseline))| CellResult {
            id: cell.id(campaign),
            words: cell.words(campaign),
            levels: cell.levels.clone(),
            runs: logs[index].len(),
            failed: failed[index],
            figures: means(&counting[index]),
            against_baseline,
        })
        .collect()
}

/// The factor of each cell against the first one; none for that one and for cells without runs.
fn factors(logs: &[Vec<f64>]) -> Vec<Option<Factor>> {
    let baseline = stats::summary(&logs[0]);
    let difference = |logs: &Vec<f64>| Some(stats::difference(baseline?, stats::summary(logs)?));
    let differences: Vec<Option<stats::Difference>> = logs.iter().skip(1).map(difference).collect();
    let known: Vec<f64> = differences.iter().flatten().filter_map(|d| Some(d.uncertainty?.p)).collect();
    let mut corrected = stats::holm(&known).into_iter();
    let factor = |difference: stats::Difference, p: Option<f64>| Factor {
        ratio: difference.value.exp(),
        low: difference.uncertainty.map(|u| u.low.exp()),
        high: difference.uncertainty.map(|u| u.high.exp()),
        p,
    };
    let mut factors = vec![None];
    for difference in differences {
        factors.push(difference.map(|d| factor(d, d.uncertainty.and_then(|_| corrected.next()))));
    }
    factors
}

/// Geometric means of each figure over the runs that have it.
fn means(runs: &[&Run]) -> BTreeMap<String, f64> {
    let mut logs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, value) in runs.iter().filter_map(|run| run.outcome.as_ref()).flat_map(|outcome| &outcome.figures) {
        logs.entry(name).or_default().push(value.ln());
    }
    let mean = |logs: Vec<f64>| (logs.iter().sum::<f64>() / logs.len() as f64).exp();
    logs.into_iter().map(|(name, logs)| (name.to_owned(), mean(logs))).collect()
}

/// What remains of the objective to its roof; none where no result of the cell knows a roof.
fn to_the_roof(schedule: &Schedule<'_>, state: &State, figure: &str, cell: usize) -> Option<f64> {
    let of_cell = counted(state).filter(|run| schedule.index_of(&run.slot) == Some(cell));
    let left = |run: &Run| {
        let outcome = run.outcome.as_ref()?;
        Some((outcome.roofs.get(figure)? / outcome.figures.get(figure)?).ln())
    };
    let logs: Vec<f64> = of_cell.filter_map(left).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
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
        effects[axis].values.push((value, Factor::of(estimate, estimate.p().and_then(|_| corrected.next()))));
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

fn best(cells: &[CellResult], logs: &[Vec<f64>], objective: Objective) -> Option<Best> {
    let sign = objective.sign();
    let summaries: Vec<Option<stats::Summary>> = logs.iter().map(|logs| stats::summary(logs)).collect();
    let (cell, most) = summaries
        .iter()
        .enumerate()
        .filter_map(|(index, summary)| Some((index, (*summary)?)))
        .max_by(|(_, a), (_, b)| (sign * a.mean).total_cmp(&(sign * b.mean)))?;
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
    let factor = cells[cell].against_baseline;
    let compared = cells.iter().filter(|cell| cell.against_baseline.is_some()).count();
    let factor = factor.map(|factor| match summaries[0].and_then(|base| simultaneous(base, most, compared)) {
        Some((low, high)) => Factor { low: Some(low), high: Some(high), ..factor },
        None => Factor { low: None, high: None, ..factor },
    });
    // claimed is only what its interval holds too
    let excludes =
        |factor: &Factor| if sign > 0.0 { factor.low > Some(1.0) } else { factor.high.is_some_and(|high| high < 1.0) };
    let gain = |factor: Factor| factor.is_significant() && excludes(&factor);
    Some(Best { cell, beats_baseline: factor.is_some_and(gain), factor, as_good })
}

/// The ends of an interval for the factor from `a` to `b` that holds for `compared` such factors at once (Bonferroni), so that it also
/// holds for the one that is chosen because it is the best.
fn simultaneous(a: stats::Summary, b: stats::Summary, compared: usize) -> Option<(f64, f64)> {
    if a.count < 2 || b.count < 2 {
        return None;
    }
    let (va, vb) = (a.variance / a.count as f64, b.variance / b.count as f64);
    let value = b.mean - a.mean;
    if va + vb == 0.0 {
        return Some((value.exp(), value.exp()));
    }
    let freedom = (va + vb).powi(2) / (va.powi(2) / (a.count as f64 - 1.0) + vb.powi(2) / (b.count as f64 - 1.0));
    let reach = stats::t_quantile(1.0 - LEVEL / 2.0 / compared.max(1) as f64, freedom) * (va + vb).sqrt();
    Some(((value - reach).exp(), (value + reach).exp()))
}

fn best_per_figure(cells: &[CellResult]) -> BTreeMap<String, usize> {
    let mut best: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    for (index, cell) in cells.iter().enumerate() {
        for (name, &value) in &cell.figures {
            let entry = best.entry(name.clone()).or_insert((index, value));
            if if more_is_better(name) { value > entry.1 } else { value < entry.1 } {
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
            .and_then(|cell| cell.figures.get(&objective.name()))
            .map(|v| v.ln())
    };
    let mut steps: Vec<Step> = Vec::new();
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
        let sign = objective.sign();
        let Some((axis, log, measured)) = ahead.max_by(|(_, a, _), (_, b, _)| (sign * a).total_cmp(&(sign * b))) else {
            break;
        };
        at[axis] = goal[axis];
        let (axis, value) = (&campaign.axes[axis], &campaign.axes[axis].values[goal[axis]]);
        steps.push(Step { setting: format!("{}={value}", axis.name), ratio: log.exp(), measured });
    }
    // estimates do not multiply to what was measured
    let whole = measured(goal).zip(measured(&cells[0].levels)).map(|(to, from)| (to - from).exp());
    if let Some(whole) = whole.filter(|_| steps.iter().any(|step| !step.measured)) {
        let ratio = whole / steps.iter().map(|step| step.ratio).product::<f64>();
        steps.push(Step { setting: "all of them together".into(), ratio, measured: true });
    }
    steps
}

/// Runs that lie further from the others of their cell than chance allows, all runs considered (Bonferroni).
fn outliers(cells: &[CellResult], runs: &[Measured], logs: &[Vec<f64>]) -> Vec<Outlier> {
    let spread = |logs: &[f64]| {
        let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
        (mean, logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>(), (logs.len() as f64 - 1.0).max(0.0))
    };
    let spreads: Vec<_> = logs.iter().map(|logs| spread(logs)).collect();
    let (all_squares, all_freedom) = spreads.iter().fold((0.0, 0.0), |(s, f), one| (s + one.1, f + one.2));
    let mut found = Vec::new();
    for (cell, of_cell) in cells.iter().enumerate() {
        let mut left: Vec<&Measured> = runs.iter().filter(|run| run.cell == cell).collect();
        // the farthest first, and the others without it: beside a wild run the good ones stand apart too. Of two runs that differ neither is
        // the outlier: it takes a third
        while left.len() >= 3 {
            let apart = |place: usize| {
                let others: Vec<f64> =
                    left.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, run)| run.log).collect();
                // the scatter of the other cells, and of this one without the run: a run must not hide behind itself
                let (mean, own, own_freedom) = spread(&others);
                let squares = (all_squares - spreads[cell].1).max(0.0) + own;
                let freedom = all_freedom - spreads[cell].2 + own_freedom;
                if freedom < 1.0 || squares <= 0.0 {
                    return None;
                }
                let error = (squares / freedom * (1.0 + 1.0 / others.len() as f64)).sqrt();
                let distance = left[place].log - mean;
                let p = 2.0 * (1.0 - StudentsT::new(0.0, 1.0, freedom).ok()?.cdf((distance / error).abs()));
                Some((place, distance, p * runs.len() as f64))
            };
            let farthest = (0..left.len()).filter_map(apart).max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            let Some((place, distance, _)) = farthest.filter(|(_, _, p)| *p < LEVEL) else { break };
            let run = left.remove(place).number;
            found.push(Outlier { run, cell: of_cell.words.clone(), ratio: distance.exp() });
        }
    }
    found.sort_by_key(|outlier| outlier.run);
    found
}
