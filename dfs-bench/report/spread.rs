//! How the times of a phase's ranks and nodes spread, as a report shows it.

use serde::Serialize;

/// The spread of the ranks' times in a phase.
#[derive(Debug, Clone, Serialize)]
pub struct Stragglers {
    /// Seconds over all ranks.
    pub seconds: Spread,
    /// False when all times are equal but for barrier skew, so that nobody can be told from anybody.
    pub tellable: bool,
    /// Whether the slowest rank is 2 % or more from the mean, in its time or in what it had done at the stonewall.
    pub stands_out: bool,
    /// Whether these times leave out the waiting for others at the stonewall, which each rank's figure in its file holds.
    pub without_waiting: bool,
    /// The slowest ranks, slowest first; empty when they cannot be told.
    pub slowest: Vec<SlowRank>,
    /// The nodes, slowest first; empty when placement is unknown or there is one node only.
    pub nodes: Vec<NodeSpread>,
    /// The finding in one sentence.
    pub words: String,
}

/// Five numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Smallest.
    pub min: f64,
    /// Mean.
    pub mean: f64,
    /// Median; none where not every value is known.
    pub median: Option<f64>,
    /// Largest.
    pub max: f64,
    /// `max / mean - 1`: the share by which the slowest exceeds the mean.
    pub imbalance: f64,
}

/// A rank among the slowest.
#[derive(Debug, Clone, Serialize)]
pub struct SlowRank {
    /// Its number.
    pub rank: u64,
    /// Its host, where known.
    pub host: Option<String>,
    /// Its time.
    pub seconds: f64,
    /// `seconds / mean - 1`.
    pub over_mean: f64,
    /// Its operations at the stonewall.
    pub at_stonewall: Option<f64>,
    /// How long it then took to catch up.
    pub wear_out_seconds: Option<f64>,
    /// How long its sync took.
    pub sync_seconds: Option<f64>,
}

/// The ranks of one node.
#[derive(Debug, Clone, Serialize)]
pub struct NodeSpread {
    /// Its name.
    pub host: String,
    /// Ranks on it.
    pub ranks: usize,
    /// Mean seconds of its ranks.
    pub mean: f64,
}
