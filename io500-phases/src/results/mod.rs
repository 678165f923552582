//! What a run found: tallies of the ranks, phases, score, verdicts, provenance.

pub mod aggregate;
pub mod official;
pub mod provenance;
mod run;
pub mod score;
pub mod validity;

pub use run::*;
