//! What a run found: tallies of the ranks, phases, score, verdicts, provenance.

pub mod aggregate;
mod confirm;
mod doubts;
mod eras;
mod find;
mod latency;
mod material;
pub mod official;
pub mod provenance;
mod run;
pub mod score;
pub mod validity;

pub use confirm::{Claim, Finding, Invalid, Verification, verify};
pub use latency::{KindLatency, LatencyResult, NodeLatency, merge as merge_latencies};
pub use material::Material;
pub use run::*;
