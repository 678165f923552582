//! What a run of a campaign is for.

use serde::{Deserialize, Serialize};

/// What a run is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case")]
pub enum Slot {
    /// The first run, which counts nowhere.
    WarmUp,
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
}

impl Slot {
    /// A word for the name of a directory.
    pub fn word(&self) -> String {
        match self {
            Slot::WarmUp => "warm-up".into(),
            Slot::Baseline { .. } => "baseline".into(),
            Slot::Cell { cell, .. } => cell.clone(),
        }
    }
}
