//! What the servers and libdaos's own metrics tell of a run: figures of engines and targets per phase, requests of the clients.

use crate::phase_id::PhaseId;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the engines told about one phase: differences between the answers of their servers before and after it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ServersResult {
    /// Seconds between the two answers; the phase's window lies within.
    pub span_s: f64,
    /// Answers during the phase, from which the highest values come.
    pub samples: u64,
    /// Servers without an answer before or after the phase, and why; their engines are missing below.
    pub silent: Vec<String>,
    /// Lines of the answers that are no metrics by the exposition format; they were left out.
    pub unread_lines: u64,
    /// The engines by rank.
    pub engines: Vec<EngineResult>,
    /// The targets by engine and number; of more than 1024 the busiest.
    pub targets: Vec<TargetResult>,
    /// How many targets the engines have.
    pub targets_in_all: u64,
    /// Requests by the clock of the servers, by operation and size.
    pub latency: Vec<ServerLatency>,
    /// The engine that did most, if there are several.
    pub hottest_engine: Option<Hottest>,
    /// The target that did most, if there are several.
    pub hottest_target: Option<Hottest>,
    /// Requests that the engines received from anyone, other engines included, by the counts of their network layer. An engine brings those up to
    /// date every few seconds only: in a short phase they are too low.
    pub rpcs: u64,
    /// Object requests (`operations` of the engines) for each operation of the phase; none for a phase that counts none.
    pub rpcs_per_operation: Option<f64>,
    /// What changed besides: transactions, aggregation, garbage collection, scrubber, checksums, rebuild, NVMe, queues, errors.
    pub activity: Vec<ServerFigure>,
    /// Background work, errors and other pools at work that make the phase's figure doubtful.
    pub doubts: Vec<String>,
}

/// One engine in one phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct EngineResult {
    /// Its rank.
    pub engine: u32,
    /// The server whose answer told of it.
    pub server: String,
    /// What its targets did.
    #[serde(flatten)]
    pub work: ServerWork,
    /// Requests that it received.
    pub rpcs: u64,
    /// Bulk transfers.
    pub bulks: u64,
    /// The share of its time that its busiest execution stream did not idle, 0 to 1; none where it does not count that.
    pub busy: Option<f64>,
    /// The most requests that waited at once to be sent or served, of the samples.
    pub queued_max: u64,
}

/// One target in one phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct TargetResult {
    /// Rank of its engine.
    pub engine: u32,
    /// Its number in the engine.
    pub target: u32,
    /// What it did.
    #[serde(flatten)]
    pub work: ServerWork,
    /// The most updates and fetches at once, of the samples.
    pub active_max: u64,
}

/// What was done in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ServerWork {
    /// Object requests of all kinds, those from other engines for replicas too.
    pub operations: u64,
    /// Updates among them.
    pub updates: u64,
    /// Fetches among them.
    pub fetches: u64,
    /// Bytes updated.
    pub bytes_updated: u64,
    /// Bytes fetched.
    pub bytes_fetched: u64,
}

/// Requests of one kind and size, by the clock of the servers: means in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ServerLatency {
    /// `fetch`, `update` or `tgt_update`.
    pub operation: String,
    /// The size class as DAOS names it: the bytes of the request are at most that, `GT4MB` is above.
    pub size: String,
    /// How many.
    pub count: u64,
    /// From the beginning of the request's handler to its end.
    pub mean_us: f64,
    /// Of that, in the object store (VOS); none where the engine does not tell.
    pub vos_us: Option<f64>,
    /// Of that, in block input and output.
    pub bio_us: Option<f64>,
    /// Of that, in the transfer of the data between client and engine.
    pub bulk_us: Option<f64>,
}

/// Who did most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Hottest {
    /// `bytes` or `operations`.
    pub by: String,
    /// Rank of the engine.
    pub engine: u32,
    /// Its target, where it is about targets.
    pub target: Option<u32>,
    /// How much that one did.
    pub value: u64,
    /// As a multiple of the mean: 1 where all did the same.
    pub over_mean: f64,
}

/// A metric that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ServerFigure {
    /// What it is about: `dtx`, `aggregation`, `gc`, `scrubber`, `checksum`, `rebuild`, `nvme`, `queue`, `error`, `media`.
    pub subject: String,
    /// DAOS's name of the metric, without `engine_`.
    pub metric: String,
    /// How much it grew, over all engines; for a level the highest that was seen.
    pub value: f64,
    /// Whether it is a level (a queue, a temperature).
    pub level: bool,
}

/// What libdaos counted on the clients, from connecting to disconnecting, over all ranks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ClientMetrics {
    /// The one measured phase that the figures are about, with its setup and the clean-up; none where several phases ran on one
    /// connection: then they are about all of them.
    pub phase: Option<PhaseId>,
    /// Runs of the suite that the figures are about: those of `--repeat` share a connection.
    pub runs: u32,
    /// Ranks whose metrics were there.
    pub ranks: u64,
    /// Ranks whose metrics were not there.
    pub ranks_without: u64,
    /// Requests sent.
    pub rpcs: u64,
    /// The same for each operation of the phases.
    pub rpcs_per_operation: Option<f64>,
    /// Bulk transfers that the clients began.
    pub bulks: u64,
    /// Requests sent again: resent, retried or restarted.
    pub resends: u64,
    /// Requests without an answer in time.
    pub timeouts: u64,
    /// Bytes fetched.
    pub bytes_fetched: u64,
    /// Bytes updated.
    pub bytes_updated: u64,
    /// Object requests by kind; empty kinds are left out.
    pub requests: Vec<ClientCount>,
    /// Calls of libdfs by kind; likewise.
    pub calls: Vec<ClientCount>,
}

/// How often something was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ClientCount {
    /// DAOS's name of it.
    pub kind: String,
    /// How often.
    pub count: u64,
    /// Mean of its latency in microseconds, where libdaos tells.
    pub mean_us: Option<f64>,
}
