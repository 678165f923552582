//! What a run found: tallies of the ranks, phases, score, verdicts, provenance.

pub mod aggregate;
mod confirm;
mod doubts;
mod eras;
mod find;
pub mod job;
mod latency;
mod material;
mod measured;
pub mod official;
mod page_cache;
pub mod provenance;
mod reasons;
mod run;
pub mod score;
mod series;
mod servers;
mod step;
mod short_of_work;
pub mod tunables;
pub mod validity;

pub use confirm::{Claim, Finding, Invalid, Verification, verify};
pub use latency::{KindLatency, LatencyResult, NodeLatency};
pub use material::Material;
pub use measured::{Measured, Reduce};
pub use reasons::{in_short, is_of_duration, phase_argument};
pub use run::*;
pub use series::{RankStall, SeriesResult, Stability, Window};
pub use servers::{
    ClientCount, ClientMetrics, EngineResult, Hottest, ServerFigure, ServerLatency, ServerWork, ServersResult,
    TargetResult,
};
pub use step::RateStep;
pub use short_of_work::{ShortOfWork, short_of_work};
