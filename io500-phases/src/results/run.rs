//! The result of a run: what `result.json` holds. The schema in `docs/` is made from these types.

use super::activity::NodesActivity;
use super::latency::LatencyResult;
use super::phase_roof::PhaseRoof;
use super::provenance::Provenance;
use super::series::{SeriesResult, Stability};
use super::servers::{ClientMetrics, ServersResult};
use crate::phase_id::PhaseId;
use crate::phases::Check;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the schema of [`RunResult`]: the major number changes when a reader of an older version would misread a file.
pub const SCHEMA_VERSION: &str = "1.4";

/// Everything about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct RunResult {
    /// Version of this format.
    pub schema_version: String,
    /// Whether the run is over, and how.
    pub state: RunState,
    /// What ran where, with which settings.
    pub provenance: Provenance,
    /// The finished phases in the official order, those of earlier invocations too; those that never ran are not here.
    pub phases: Vec<PhaseResult>,
    /// The earlier invocations that some of the phases come from, oldest first.
    #[serde(default)]
    pub earlier: Vec<Invocation>,
    /// The means and the score. Absent until the last phase is over.
    pub score: Option<ScoreResult>,
    /// What the C suite says about the run.
    pub official: Verdict,
    /// The verdict of this program: everything official, and what the C suite does not check.
    pub strict: Verdict,
    /// Why the run ended early.
    pub failure: Option<String>,
    /// What libdaos counted on the clients, with `--client-metrics`.
    #[serde(default)]
    pub client_metrics: Option<ClientMetrics>,
}

/// An earlier invocation of the same run, with the same timestamp, ranks and plan, whose phases were carried over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Invocation {
    /// Its number, from 1: that of its phases.
    pub number: u32,
    /// The command line of rank 0.
    pub command_line: Vec<String>,
    /// When it began: local time.
    pub began: String,
    /// When it ended; empty if it was killed.
    pub ended: String,
    /// What the C suite would have said about it as a whole, phases apart.
    pub official: Vec<Reason>,
    /// What the strict verdict said about it as a whole, phases apart.
    pub strict: Vec<Reason>,
}

/// Whether a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Running, or killed: the finished phases are here.
    Running,
    /// All phases are done.
    Finished,
    /// A rank failed.
    Failed,
    /// It was asked to stop.
    Interrupted,
}

/// A verdict with its reasons.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Verdict {
    /// Whether there is no reason against the run.
    pub valid: bool,
    /// The reasons.
    pub reasons: Vec<Reason>,
}

/// A reason against a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Reason {
    /// The phase it is about; none when it is about the run.
    pub phase: Option<PhaseId>,
    /// The reason in words.
    pub text: String,
    /// Whether the reason makes the phase or the run invalid; some only warn.
    pub invalidates: bool,
}

/// The score. Bandwidths in GiB/s (2^30 bytes), metadata rates in kIOPS (1000 operations).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct ScoreResult {
    /// Geometric mean of the bandwidth phases, GiB/s.
    pub bandwidth: f64,
    /// Geometric mean of the metadata phases, kIOPS.
    pub metadata: f64,
    /// Square root of their product.
    pub total: f64,
    /// The hash over version, scores and validity, as `result.txt` prints it.
    pub hash: String,
    /// The extended mode's own mean, score and hash.
    pub extended: Option<ExtendedScore>,
    /// The score with [`StonewallResult::rate_without_wear_out`] in place of the rates of the write phases: what stragglers cost.
    pub without_wear_out: Option<f64>,
}

/// The score that takes in the optional phases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ExtendedScore {
    /// Geometric mean of all bandwidth phases, GiB/s.
    pub bandwidth: f64,
    /// Geometric mean of all metadata phases, kIOPS.
    pub metadata: f64,
    /// Square root of their product.
    pub total: f64,
    /// The hash.
    pub hash: String,
    /// Whether the optional phases are valid too.
    pub valid: bool,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct PhaseResult {
    /// Which one.
    pub phase: PhaseId,
    /// The invocation that ran it. It was carried over where this is not the number of the result's own invocation.
    #[serde(default = "super::provenance::first_invocation")]
    pub invocation: u32,
    /// `GiB/s` or `kIOPS`.
    pub unit: String,
    /// The rate in that unit; 0 for a phase without a rate.
    pub rate: f64,
    /// The rate by the C suite's formula, which subtracts unsynchronised wall clocks of different nodes (ior phases).
    pub rate_wall_clock: Option<f64>,
    /// Seconds of the window that the rate is computed from.
    pub window_s: f64,
    /// The parts of the window; absent for phases that are not split (mdworkbench, an external find script).
    #[serde(default)]
    pub parts: Option<PartsResult>,
    /// Seconds of the whole phase on rank 0, as `t_delta` says.
    pub phase_s: f64,
    /// Seconds between connecting to the store and the begin of the phase; absent for stores without a connection.
    #[serde(default)]
    pub since_connecting_s: Option<f64>,
    /// When it began and ended: local time, `%Y-%m-%d %H:%M:%S`.
    pub begin: String,
    /// See `begin`.
    pub end: String,
    /// Operations of all ranks: transfers, files, entries seen.
    pub operations: u64,
    /// Bytes moved by all ranks.
    pub bytes: u64,
    /// Whether the C suite would call the phase valid.
    pub valid: bool,
    /// `run = FALSE`: nothing was done, and the score is 0.
    #[serde(default)]
    pub switched_off: bool,
    /// The command line that the C suite would have run, for `exe` in `result.txt`.
    pub command: String,
    /// The phase's own pairs in `result.txt`, in order.
    pub pairs: Vec<(String, String)>,
    /// Where the phase looked for a pause file, and when.
    pub pause: Option<(String, String)>,
    /// What happened at the stonewall.
    pub stonewall: Option<StonewallResult>,
    /// What verification found.
    pub check: Option<Check>,
    /// What find counted.
    pub find: Option<FindResult>,
    /// The spread over ranks, and who was slow.
    pub spread: Option<Spread>,
    /// The latencies of each kind of operation, the one the phase is about first; empty when they were not recorded.
    #[serde(default)]
    pub latency: Vec<LatencyResult>,
    /// The phase over time.
    pub series: Option<SeriesResult>,
    /// How steady it was.
    pub stability: Option<Stability>,
    /// Object class and chunk size that the files really have, from one of them.
    pub layout: Option<crate::backend::FileLayout>,
    /// What the servers told about it, with `--telemetry`.
    #[serde(default)]
    pub servers: Option<ServersResult>,
    /// What it could not exceed on this job; none where nothing is known.
    #[serde(default)]
    pub roof: Option<PhaseRoof>,
    /// What the nodes' own counters say of it.
    #[serde(default)]
    pub nodes: Option<NodesActivity>,
}

impl PhaseResult {
    /// A phase of which nothing is known yet.
    pub fn new(phase: PhaseId) -> Self {
        PhaseResult {
            phase,
            invocation: super::provenance::first_invocation(),
            unit: phase.unit().to_owned(),
            rate: 0.0,
            rate_wall_clock: None,
            window_s: 0.0,
            parts: None,
            phase_s: 0.0,
            since_connecting_s: None,
            begin: String::new(),
            end: String::new(),
            operations: 0,
            bytes: 0,
            valid: true,
            switched_off: false,
            command: String::new(),
            pairs: Vec::new(),
            pause: None,
            stonewall: None,
            check: None,
            find: None,
            spread: None,
            latency: Vec::new(),
            series: None,
            stability: None,
            layout: None,
            servers: None,
            roof: None,
            nodes: None,
        }
    }

    /// The rate without the wear-out, which is the rate itself for a phase without a stonewall; none where it is not known.
    pub fn rate_without_wear_out(&self) -> Option<f64> {
        match &self.stonewall {
            Some(stonewall) if self.phase.has_stonewall() => stonewall.rate_without_wear_out,
            _ => Some(self.rate),
        }
    }
}

/// What happened at the stonewall.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct StonewallResult {
    /// The setting, seconds.
    pub setting_s: u32,
    /// When all ranks had reached it, seconds from rank 0's first operation.
    pub met_s: f64,
    /// Operations of the slowest rank at that moment.
    pub least: u64,
    /// Operations of the fastest rank: what every rank then had to reach.
    pub most: u64,
    /// Operations of all ranks at that moment.
    pub total: u64,
    /// The rate at that moment, in the phase's unit.
    pub rate: f64,
    /// Seconds that the slowest rank then took to catch up, without its sync; before 1.2 the sync of ior phases was in it.
    pub wear_out_s: f64,
    /// The rate that the phase would have had without the wear-out: what was done by then, over the window without `wear_out_s`.
    #[serde(default)]
    pub rate_without_wear_out: Option<f64>,
}

/// The parts of a phase's window: means over the ranks, seconds. The sum is the mean window of a rank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct PartsResult {
    /// Opening or creating the file (ior).
    pub open_s: f64,
    /// The operations: until the stonewall, or all of them where there is none.
    pub operations_s: f64,
    /// Wear-out: catching up with the fastest rank after the stonewall.
    pub wear_out_s: f64,
    /// Waiting for other ranks.
    pub waiting_s: f64,
    /// Syncing what was written.
    pub sync_s: f64,
    /// Closing the file (ior).
    pub close_s: f64,
}

impl PartsResult {
    /// The parts with their names, in the order of a write phase.
    pub fn named(&self) -> [(&'static str, f64); 6] {
        [
            ("open", self.open_s),
            ("operations", self.operations_s),
            ("wear-out", self.wear_out_s),
            ("waiting", self.waiting_s),
            ("sync", self.sync_s),
            ("close", self.close_s),
        ]
    }
}

/// What find counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct FindResult {
    /// Entries that matched.
    pub found: u64,
    /// Entries seen that are not directories.
    pub total: u64,
    /// Expected matches, from the plan.
    pub expected_found: Option<u64>,
    /// Expected files, from the plan.
    pub expected_total: Option<u64>,
    /// Entries that could not be examined.
    pub errors: u64,
    /// The first of those.
    pub first_error: Option<String>,
    /// Why the counts are not to be trusted at all: the external script failed.
    pub failure: Option<String>,
    /// How names were filtered: `server`, `name-first`, `mixed` (by the servers, but not in every directory), `external-script`. Behind a
    /// semicolon what departed from it.
    pub method: String,
    /// Ranks that took part.
    pub ranks: u64,
    /// Lookups in flight per rank.
    pub threads: u64,
    /// Pieces of work that moved from one rank to another after the first division: directories, ranges of shards, and batches of names.
    pub steals: u64,
    /// The longest time that a rank was without work, seconds.
    pub idle_max_s: f64,
    /// Each rank that took part; empty for an external script.
    #[serde(default)]
    pub per_rank: Vec<FindRank>,
}

/// What one rank counted in find.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct FindRank {
    /// The rank.
    pub rank: usize,
    /// Entries that matched.
    pub found: u64,
    /// Entries seen that are not directories.
    pub total: u64,
    /// Entries whose name was looked at, directories too, here or by the servers.
    pub checked: u64,
    /// Entries and directories that could not be examined.
    pub errors: u64,
    /// Pieces of work got from other ranks after the first division.
    pub steals: u64,
    /// Seconds without work, until the walk was over everywhere.
    pub idle_s: f64,
}

/// How the ranks of a phase differed. Seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Spread {
    /// The shortest own time of a rank.
    pub min_s: f64,
    /// The mean.
    pub mean_s: f64,
    /// The longest.
    pub max_s: f64,
    /// The slowest ranks, slowest first; at most ten.
    pub slowest: Vec<RankTime>,
    /// Nodes by their mean, slowest first; at most ten.
    pub nodes: Vec<NodeTime>,
}

/// One rank's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct RankTime {
    /// The rank.
    pub rank: usize,
    /// Where it ran.
    pub host: String,
    /// Its own time, seconds: operations, wear-out and sync, without waiting for others.
    pub own_s: f64,
    /// Operations at the stonewall, in write phases.
    pub at_stonewall: Option<u64>,
    /// Operations in all.
    pub operations: u64,
    /// Seconds that it took to catch up after the stonewall, in write phases.
    #[serde(default)]
    pub wear_out_s: Option<f64>,
    /// Seconds of its sync, where there was one.
    #[serde(default)]
    pub sync_s: Option<f64>,
}

/// One node's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct NodeTime {
    /// Its name.
    pub host: String,
    /// Its ranks.
    pub ranks: usize,
    /// Their mean own time, seconds.
    pub mean_s: f64,
    /// Their operations at the stonewall in write phases, in all otherwise.
    pub operations: u64,
}

impl RunResult {
    /// Takes a phase in at its place in the official order, instead of what an earlier invocation found.
    pub fn enter(&mut self, result: PhaseResult) {
        self.phases.retain(|other| other.phase != result.phase);
        let place = self.phases.partition_point(|other| other.phase < result.phase);
        self.phases.insert(place, result);
        self.earlier.retain(|invocation| self.phases.iter().any(|phase| phase.invocation == invocation.number));
    }

    /// The phases that this invocation ran itself.
    pub fn own_phases(&self) -> impl Iterator<Item = &PhaseResult> {
        self.phases.iter().filter(|phase| phase.invocation == self.provenance.invocation)
    }

    /// The result of a phase that ran.
    pub fn phase(&self, phase: PhaseId) -> Option<&PhaseResult> {
        self.phases.iter().find(|result| result.phase == phase)
    }
}

impl Verdict {
    /// Adds a reason.
    pub fn push(&mut self, phase: Option<PhaseId>, text: impl Into<String>, invalidates: bool) {
        self.reasons.push(Reason { phase, text: text.into(), invalidates });
        self.valid &= !invalidates;
    }
}
