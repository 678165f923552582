//! What the analysis of a campaign yields: figures with their uncertainty, for reports and other programs.

use super::model::Estimate;
use super::over_time::OverTime;
use super::scaling::Scaling;
use super::scouting::Scouting;
use crate::report::compare::stats;
use serde::Serialize;
use std::collections::BTreeMap;

/// The level of all tests.
pub const LEVEL: f64 = 1.0 - stats::CONFIDENCE;

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
    /// The factor of an estimate, with its corrected probability.
    pub fn of(estimate: Estimate, p: Option<f64>) -> Factor {
        let reach = estimate.reach();
        Factor {
            ratio: estimate.log.exp(),
            low: reach.map(|reach| (estimate.log - reach).exp()),
            high: reach.map(|reach| (estimate.log + reach).exp()),
            p,
        }
    }

    /// Whether it differs from 1 beyond chance.
    pub fn is_significant(&self) -> bool {
        self.p.is_some_and(|p| p < LEVEL)
    }

    /// Whether it is a gain; latencies gain by becoming less.
    pub fn is_gain(&self, more_is_better: bool) -> bool {
        if more_is_better { self.ratio > 1.0 } else { self.ratio < 1.0 }
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

/// What another path to the store does to a figure, over all cells.
#[derive(Debug, Clone, Serialize)]
pub struct PathEffect {
    /// Which figure.
    pub figure: String,
    /// The path that it is compared with.
    pub baseline: String,
    /// The path.
    pub path: String,
    /// Its factor.
    pub factor: Factor,
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
    /// Its factor against the baseline with an interval that holds for all cells at once, the best one of them being chosen.
    pub factor: Option<Factor>,
    /// Other cells that cannot be told from it.
    pub as_good: Vec<usize>,
}

/// One step from the baseline to the best cell.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// What is changed, `axis=value`; or what the settings of the steps before do together beyond what was estimated of each.
    pub setting: String,
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
    pub objective: String,
    /// Whether more of it is better.
    pub more_is_better: bool,
    /// The axes with their values.
    pub axes: Vec<(String, Vec<String>)>,
    /// The cells, the baseline first.
    pub cells: Vec<CellResult>,
    /// Combinations of the axes' values that were not run, not even for a short time.
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
    /// The paths to the store against each other, figure by figure.
    pub paths: Vec<PathEffect>,
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
    /// What remains from the best cell to the roof of its job, as a factor, where the results know one.
    pub to_the_roof: Option<f64>,
    /// Long phases of runs that count, by the run's number.
    pub over_time: Vec<(u64, OverTime)>,
    /// Runs that stand apart.
    pub outliers: Vec<Outlier>,
    /// Figures over nodes and ranks.
    pub scaling: Vec<Scaling>,
    /// How an adaptive campaign came to its finalists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scouting: Option<Scouting>,
}
