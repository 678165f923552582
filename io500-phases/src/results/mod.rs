//! What a run found: tallies of the ranks, phases, score, verdicts, provenance.

pub mod aggregate;
pub mod provenance;
mod run;
mod tally;
pub mod validity;

pub use run::*;
pub use tally::{Check, RankTally};
