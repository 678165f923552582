//! What a run of a campaign is for.

use serde::{Deserialize, Serialize};

/// What a run is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case")]
pub enum Slot {
    /// The first run, which counts nowhere.
    WarmUp,
    /// What writes the data that this cell and others read.
    Data {
        /// The first cell with these data.
        cell: String,
    },
    /// The baseline between other runs.
    Baseline {
        /// The round, from 0.
        round: u32,
        /// Its number in the round.
        index: u32,
    },
    /// A cell.
    Cell {
        /// Its id.
        cell: String,
        /// The round, from 0.
        round: u32,
    },
    /// A cell in a rung of an adaptive campaign, with the rung's stonewall.
    Scout {
        /// Its id.
        cell: String,
        /// The rung, from 0.
        rung: u32,
    },
    /// The baseline between those.
    ScoutBaseline {
        /// The rung, from 0.
        rung: u32,
        /// Its number in the rung.
        index: u32,
    },
}

impl Slot {
    /// Whether its figures are those of a run in full, which count in the comparison of cells.
    pub fn in_full(&self) -> bool {
        matches!(self, Slot::Cell { .. } | Slot::Baseline { .. })
    }

    /// The rung of an adaptive campaign that it belongs to.
    pub fn rung(&self) -> Option<u32> {
        match self {
            Slot::Scout { rung, .. } | Slot::ScoutBaseline { rung, .. } => Some(*rung),
            _ => None,
        }
    }

    /// A word for the name of a directory.
    pub fn word(&self) -> String {
        match self {
            Slot::WarmUp => "warm-up".into(),
            Slot::Data { .. } => "data".into(),
            Slot::Baseline { .. } | Slot::ScoutBaseline { .. } => "baseline".into(),
            Slot::Cell { cell, .. } | Slot::Scout { cell, .. } => cell.clone(),
        }
    }
}
