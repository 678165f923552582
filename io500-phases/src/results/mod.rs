//! What a run found: tallies of the ranks, phases, score, verdicts, provenance.

mod activity;
pub mod aggregate;
mod confirm;
mod doubts;
mod eras;
mod find;
pub mod job;
mod latency;
mod machines;
mod material;
mod measured;
pub mod official;
mod page_cache;
mod phase_roof;
pub mod provenance;
mod reasons;
mod roof;
mod run;
pub mod score;
mod series;
mod servers;
mod short_of_work;
mod step;
pub mod strict;
#[cfg(test)]
mod testing;
pub mod tunables;
pub mod validity;

pub use activity::{CounterMoved, NodesActivity, RankActivity};
pub use confirm::{Claim, Finding, Invalid, Verification, verify};
pub use latency::{KindLatency, LatencyResult, NodeLatency};
pub use machines::{Audit, AuditFinding, BoundRanks, EnginePlace, Limits, Machine, elsewhere};
pub use material::Material;
pub use measured::{Measured, Reduce};
pub use phase_roof::{Limit, PhaseRoof};
pub use reasons::{in_short, is_of_duration, phase_argument};
pub use roof::of_phase as roof_of;
pub use run::*;
pub use series::{RankStall, SeriesResult, Stability, Window};
pub use servers::{
    ClientCount, ClientMetrics, EngineResult, Hottest, ServerFigure, ServerLatency, ServerWork, ServersResult,
    TargetResult,
};
pub use short_of_work::{ShortOfWork, short_of_work};
pub use step::RateStep;
