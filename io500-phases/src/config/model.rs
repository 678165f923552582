//! The typed configuration: what each section says.

use super::api::ApiSpec;
use super::layers::{ConfigBuilder, Origin};
use crate::pattern::PacketType;
use crate::phase_id::PhaseId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// The effective configuration of a run. Nothing changes it: another one is built from other inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Config(Arc<Sections>);

impl Deref for Config {
    type Target = Sections;

    fn deref(&self) -> &Sections {
        &self.0
    }
}

/// What a [`Config`] holds, by section.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sections {
    /// `[global]`.
    pub global: Global,
    /// `[debug]`.
    pub debug: Debug,
    /// `[ior-easy]`.
    pub ior_easy: IorEasy,
    /// `[ior-hard]`.
    pub ior_hard: IorHard,
    /// `[mdtest-easy]`.
    pub mdtest_easy: Mdtest,
    /// `[mdtest-hard]`.
    pub mdtest_hard: Mdtest,
    /// `[find]`.
    pub find: Find,
    /// `[find-easy]`.
    pub find_easy: Find,
    /// `[find-hard]`.
    pub find_hard: Find,
    /// `[mdworkbench]`.
    pub mdworkbench: Mdworkbench,
    /// `[dfs-bench]`: what the C suite does not know.
    pub bench: Bench,
    pub(super) phases: BTreeMap<PhaseId, PhaseConfig>,
    pub(super) settings: Vec<Setting>,
    pub(super) inputs: ConfigBuilder,
}

/// `[global]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Global {
    /// Directory of the data files, as written.
    pub datadir: String,
    /// Put the timestamp below it.
    pub timestamp_datadir: bool,
    /// Directory of the result files, as written.
    pub resultdir: String,
    /// Put the timestamp below it.
    pub timestamp_resultdir: bool,
    /// The API of everything that names none, connection flags included.
    pub api: ApiSpec,
    /// Run the command on every rank before each phase.
    pub drop_caches: bool,
    /// The command.
    pub drop_caches_cmd: String,
    /// Not supported, see [`Config::validate`].
    pub io_buffers_on_gpu: bool,
    /// 0 leaves the times out of `result.txt`, 2 adds pairs.
    pub verbosity: u32,
    /// Student cluster competition.
    pub scc: bool,
    /// How data is generated.
    pub packet: PacketType,
}

/// `[debug]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Debug {
    /// Seconds; positive after [`Config::validate`].
    pub stonewall: i32,
    /// Wait while this directory holds a file of the phase's name.
    pub pause_dir: Option<String>,
}

/// `[ior-easy]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IorEasy {
    /// Bytes per transfer.
    pub transfer_size: u64,
    /// Bytes per rank.
    pub block_size: u64,
    /// The sizes as written, which is how IOR's command line shows them: transfer, block.
    pub size_texts: (String, String),
    /// One file per rank.
    pub file_per_proc: bool,
    /// One directory per rank's file.
    pub unique_dir: bool,
    /// How many `-v` its command line has.
    pub verbosity: u32,
}

/// `[ior-hard]`. Transfer and block are 47008 bytes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IorHard {
    /// Transfers per rank.
    pub segment_count: u64,
    /// How many `-v` its command line has.
    pub verbosity: u32,
}

/// `[mdtest-easy]` or `[mdtest-hard]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mdtest {
    /// Files per rank.
    pub n: u64,
    /// Files of each rank in one directory (hard only), if limited.
    pub files_per_dir: Option<u64>,
}

/// `[find]`, `[find-easy]` or `[find-hard]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Find {
    /// A program that replaces the walk.
    pub external_script: Option<String>,
    /// How to start it.
    pub external_mpi_args: String,
    /// Its further arguments.
    pub external_extra_args: String,
    /// Ranks that take part; all when unset.
    pub nproc: Option<u32>,
    /// Length of the work queue.
    pub queue_length: i32,
    /// Steal from the next rank first.
    pub steal_next: bool,
    /// Several ranks list one directory.
    pub hashing: bool,
}

/// `[mdworkbench]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mdworkbench {
    /// Waiting time after an operation, relative to its duration.
    pub waiting_time: f64,
    /// Files created per set.
    pub precreate_per_set: Option<u64>,
    /// Files per rank and set.
    pub files_per_proc: Option<u64>,
    /// How many `-v` its command line has.
    pub verbosity: u32,
}

/// Standard or extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The twelve scored phases, `timestamp` and `ior-rnd4K-easy-read`.
    Standard,
    /// The optional phases too.
    Extended,
}

impl Mode {
    /// As result files spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Standard => "standard",
            Mode::Extended => "extended",
        }
    }
}

/// `[dfs-bench]` without the connection and placement, which are in the [`ApiSpec`]s already.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Bench {
    /// Which phases there are.
    pub mode: Mode,
    /// The run's timestamp; the suite takes the time when unset.
    pub timestamp: Option<String>,
    /// Whether an invalid strict verdict sets the exit code.
    pub strict: bool,
    /// How often to run the phases.
    pub repeat: u32,
    /// Record latencies.
    pub latency: bool,
    /// Transfers in flight per thread.
    pub queue_depth: usize,
    /// Threads that share a rank's work.
    pub threads_per_rank: usize,
    /// Threads per rank in find; 0: the suite chooses.
    pub find_threads: usize,
    /// Seconds without progress that end the job; 0: never; none: it depends on the store.
    pub timeout: Option<u32>,
    /// Properties of a container that the run creates, as `daos container create` takes them.
    pub cont_properties: Option<String>,
    /// Remove the container after the run, if this run created it.
    pub destroy: bool,
    /// Seconds between two lines of progress.
    pub report_interval: u32,
    /// Whether each phase connects to DAOS anew.
    pub connection_per_phase: bool,
    /// Where the servers' metrics are: addresses separated by commas, or `@file`.
    pub telemetry: Option<String>,
    /// Seconds between two looks at them.
    pub telemetry_interval: u32,
    /// A test run whose sizes are fitted by the program; not comparable.
    pub quick: bool,
}

/// What one phase takes from its own section, its parent's and the global one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseConfig {
    /// Whether it runs: neither its own section nor its parent's says FALSE.
    pub run: bool,
    /// The API it uses.
    pub api: ApiSpec,
    /// Where the API string came from.
    pub api_origin: Origin,
    /// Collective transfers asked for.
    pub collective: bool,
}

/// One option with its effective value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Setting {
    /// The section as the schema spells it.
    pub section: String,
    /// The option as the schema spells it.
    pub option: String,
    /// Its value as text; `None` is unset.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

impl Config {
    /// Begins a configuration.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    pub(super) fn new(sections: Sections) -> Self {
        Config(Arc::new(sections))
    }

    /// What one phase takes from the sections.
    pub fn phase(&self, phase: PhaseId) -> &PhaseConfig {
        &self.phases[&phase]
    }

    /// Every option with its effective value and origin, in the official order, `[dfs-bench]` last.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// One option, names in any case.
    pub fn setting(&self, section: &str, option: &str) -> Option<&Setting> {
        let wanted = |setting: &&Setting| {
            setting.section.eq_ignore_ascii_case(section) && setting.option.eq_ignore_ascii_case(option)
        };
        self.settings.iter().find(wanted)
    }

    /// The inputs that make this configuration again, on every rank.
    pub fn inputs(&self) -> &ConfigBuilder {
        &self.inputs
    }

    /// Whether a find phase is an external script, which needs what it needs.
    pub fn has_script(&self, phase: PhaseId) -> bool {
        let find = match phase {
            PhaseId::Find => &self.find,
            PhaseId::FindEasy => &self.find_easy,
            PhaseId::FindHard => &self.find_hard,
            _ => return false,
        };
        find.external_script.is_some()
    }

    /// The minimum duration of a write phase by the rules, in seconds.
    pub fn required_stonewall(&self) -> u32 {
        if self.global.scc { 30 } else { 300 }
    }
}
