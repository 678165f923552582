//! What ran where, with which settings: enough to repeat a run and to doubt it.

use super::job::Job;
use super::machines::{Audit, Limits, Machine};
use crate::backend::{Description, PoolState};
use crate::phase_id::PhaseId;
use crate::text;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;

/// The circumstances of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Provenance {
    /// The program and its version.
    pub program: String,
    /// The rules it follows.
    pub rules: String,
    /// `standard` or `extended`.
    pub mode: String,
    /// The command line of rank 0.
    pub command_line: Vec<String>,
    /// The run's timestamp, which seeds the data.
    pub timestamp: String,
    /// The number of this invocation, from 1: a run can be spread over several.
    #[serde(default = "first_invocation")]
    pub invocation: u32,
    /// The phases that this invocation was asked for, those with `run = FALSE` too; empty in results before 1.4.
    #[serde(default)]
    pub asked_for: Vec<PhaseId>,
    /// Whether the files of the benchmark are removed after the last phase.
    #[serde(default)]
    pub cleans_up: bool,
    /// What invocations of one run have in common, as a digest: the plan without its phases, the data directory, the APIs.
    #[serde(default)]
    pub common_plan: String,
    /// When it began: local time with zone.
    pub began: String,
    /// When it ended; empty while it runs.
    pub ended: String,
    /// Ranks.
    pub ranks: usize,
    /// Nodes.
    pub nodes: usize,
    /// Ranks on the first node.
    pub ranks_per_node: usize,
    /// How ranks lie on nodes: `blocks`, `round-robin`, `irregular`.
    pub placement: String,
    /// Whose data a rank reads: the official shift or a corrected mapping, and how many ranks read their own node's data.
    pub read_mapping: String,
    /// Ranks that read what their own node wrote.
    #[serde(default)]
    pub own_node_readers: usize,
    /// How the ranks were made: `solo`, `threads`, or the MPI library.
    pub launcher: String,
    /// The job of the launcher and the scheduler.
    #[serde(default)]
    pub job: Job,
    /// Host of rank 0.
    pub host: String,
    /// Operating system and CPU of rank 0's host.
    pub system: Vec<(String, String)>,
    /// The data directory inside the store.
    pub datadir: String,
    /// The result directory.
    pub resultdir: String,
    /// The stores that the phases used, by the API string that names them.
    pub stores: Vec<(String, Description)>,
    /// The health of their DAOS pools after the run.
    #[serde(default)]
    pub pools_after: Vec<(String, PoolState)>,
    /// Entries that the clean-up found and left, because this benchmark does not make such.
    #[serde(default, alias = "strange_entries")]
    pub unexpected_entries: u64,
    /// The paths of the first few of them.
    #[serde(default, alias = "strange_examples")]
    pub unexpected_examples: Vec<String>,
    /// The configuration hash as the C suite computes it.
    pub config_hash: String,
    /// Every option with its value and where it came from.
    pub settings: Vec<SettingOrigin>,
    /// Environment variables that change how the store behaves.
    pub environment: Vec<(String, String)>,
    /// Settings beyond the rules that change what is measured.
    pub departures: Vec<String>,
    /// Largest distance between the wall clocks of two nodes, seconds.
    pub wall_clock_skew_s: f64,
    /// Uncertainty of the aligned monotonic clocks, seconds.
    pub clock_uncertainty_s: f64,
    /// Start-up: what happened until the first operation.
    pub start: StartUp,
    /// The nodes, once for each kind of node, the most frequent first; at most sixty-four.
    #[serde(default)]
    pub machines: Vec<Machine>,
    /// What limits the phases from outside the store.
    #[serde(default)]
    pub limits: Limits,
    /// What an audit of the nodes found before the first phase, and how fast their memory is.
    #[serde(default)]
    pub audit: Audit,
}

/// What results of programs that knew one invocation only stand for.
pub(super) fn first_invocation() -> u32 {
    1
}

/// A setting and its origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct SettingOrigin {
    /// Section of the configuration.
    pub section: String,
    /// Option.
    pub option: String,
    /// Value; empty when unset.
    pub value: String,
    /// Where it came from: `default`, `io500.ini:12`, `--pool`, …
    pub origin: String,
}

/// Time and memory until the first operation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct StartUp {
    /// Seconds from the start of the process on rank 0 until all ranks are connected.
    pub connected_s: f64,
    /// Seconds until the first phase; 0 when there was none.
    pub first_phase_s: f64,
    /// Resident memory at that moment, bytes: the largest rank's.
    pub resident_max: u64,
    /// And the mean.
    pub resident_mean: u64,
    /// Seconds until connected, of the rank that took longest since its own start, and the mean.
    #[serde(default)]
    pub connected_max_s: f64,
    /// See `connected_max_s`.
    #[serde(default)]
    pub connected_mean_s: f64,
    /// Open file descriptors: the largest rank's, and the smallest limit of a rank.
    #[serde(default)]
    pub descriptors_max: u64,
    /// See `descriptors_max`.
    #[serde(default)]
    pub descriptors_limit: u64,
}

/// Prefixes of the variables worth recording: DAOS, its network, libfabric, MPI's way of waiting and binding.
const PREFIXES: [&str; 12] = [
    "D_",
    "DAOS_",
    "CRT_",
    "FI_",
    "OFI_",
    "UCX_",
    "DFS_BENCH_",
    "DD_",
    "PIL4DFS_",
    "LD_PRELOAD",
    "OMPI_MCA_mpi_yield_when_idle",
    "OMPI_MCA_hwloc_base_binding_policy",
];

/// The environment variables that change how a store behaves.
pub fn relevant_environment() -> Vec<(String, String)> {
    // an environment is bytes: a job's name in Latin-1 is nothing to stumble over
    let as_text = |(name, value): (OsString, OsString)| (text::of(name), text::of(value));
    let relevant = |(name, _): &(String, String)| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let mut variables: Vec<_> = std::env::vars_os().map(as_text).filter(relevant).collect();
    variables.sort();
    variables
}

/// What is worth knowing of the machine that rank 0 runs on.
pub fn system_facts() -> Vec<(String, String)> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()));
    let memory = read("/proc/meminfo")
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:").map(|value| value.trim().to_owned()));
    let cores = std::thread::available_parallelism().map(|cores| cores.to_string()).ok();
    let node = read("/proc/cpuinfo").lines().filter(|line| line.starts_with("processor")).count();
    [
        ("kernel", Some(read("/proc/sys/kernel/osrelease").trim().to_owned())),
        ("cpu", cpu),
        ("cores of a rank", cores),
        ("cores of the node", (node > 0).then(|| node.to_string())),
        ("memory", memory),
        ("tcp congestion control", Some(read("/proc/sys/net/ipv4/tcp_congestion_control").trim().to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)))
    .collect()
}
