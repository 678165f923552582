//! The typed configuration, made from the resolved layers.

use super::api::ApiSpec;
use super::error::{Problem, Warning};
use super::idle;
use super::layers::{Assigned, ConfigBuilder, Origin, Table};
use super::resolve::{Apis, parent};
use super::schema::{self, OWN_SECTION, SECTIONS};
use super::view::View;
use crate::pattern::PacketType;
use crate::phase_id::{Family, PhaseId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The effective configuration of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
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
    phases: BTreeMap<PhaseId, PhaseConfig>,
    settings: Vec<Setting>,
    inputs: ConfigBuilder,
}

/// `[global]`.
#[derive(Debug, Clone, PartialEq)]
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
pub struct Debug {
    /// Seconds; positive after [`Config::validate`].
    pub stonewall: i32,
    /// Wait while this directory holds a file of the phase's name.
    pub pause_dir: Option<String>,
}

/// `[ior-easy]`.
#[derive(Debug, Clone, PartialEq)]
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
pub struct IorHard {
    /// Transfers per rank.
    pub segment_count: u64,
    /// How many `-v` its command line has.
    pub verbosity: u32,
}

/// `[mdtest-easy]` or `[mdtest-hard]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mdtest {
    /// Files per rank.
    pub n: u64,
    /// Files of each rank in one directory (hard only), if limited.
    pub files_per_dir: Option<u64>,
}

/// `[find]`, `[find-easy]` or `[find-hard]`.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// Where the servers' metrics are: addresses separated by commas, or `@file`.
    pub telemetry: Option<String>,
    /// Seconds between two looks at them.
    pub telemetry_interval: u32,
}

/// What one phase takes from its own section, its parent's and the global one.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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

    /// The minimum duration of a write phase by the rules, in seconds.
    pub fn required_stonewall(&self) -> u32 {
        if self.global.scc { 30 } else { 300 }
    }
}

/// Makes the configuration; API strings are parsed here and can add problems.
pub(super) fn config(
    inputs: ConfigBuilder,
    table: Table,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> Config {
    let settings = effective(&inputs, table, warnings);
    warnings.extend(settings.iter().filter(|setting| is_unread_run(setting)).map(|setting| {
        let section = &setting.section;
        let message = format!("[{section}] run = FALSE has no effect, as in the C suite: write it in [mdworkbench]");
        Warning { place: setting.origin.place(), message }
    }));
    let view = |section| View { settings: &settings, section };
    let apis = Apis::new(&settings, problems, warnings);
    let (global, debug, easy, hard) = (view("global"), view("debug"), view("ior-easy"), view("ior-hard"));
    let (workbench, own) = (view("mdworkbench"), view(OWN_SECTION));
    let mdtest_hard = view("mdtest-hard");
    let config = Config {
        global: Global {
            datadir: global.owned("datadir"),
            timestamp_datadir: global.is_true("timestamp-datadir"),
            resultdir: global.owned("resultdir"),
            timestamp_resultdir: global.is_true("timestamp-resultdir"),
            api: apis.global.0.clone(),
            drop_caches: global.is_true("drop-caches"),
            drop_caches_cmd: global.owned("drop-caches-cmd"),
            io_buffers_on_gpu: global.is_true("io-buffers-on-gpu"),
            verbosity: global.number("verbosity"),
            scc: global.is_true("scc"),
            packet: match global.owned("dataPacketType").to_ascii_lowercase().as_bytes().first() {
                Some(b'o') => PacketType::Offset,
                Some(b'i') => PacketType::Incompressible,
                Some(b'r') => PacketType::Random,
                _ => PacketType::Timestamp,
            },
        },
        debug: Debug {
            stonewall: debug.number("stonewall-time"),
            pause_dir: debug.text("pause-dir").map(str::to_owned),
        },
        ior_easy: IorEasy {
            transfer_size: easy.bytes("transferSize").unwrap_or_default(),
            block_size: easy.bytes("blockSize").unwrap_or_default(),
            size_texts: (easy.owned("transferSize"), easy.owned("blockSize")),
            file_per_proc: easy.is_true("filePerProc"),
            unique_dir: easy.is_true("uniqueDir"),
            verbosity: easy.number("verbosity"),
        },
        ior_hard: IorHard { segment_count: hard.number("segmentCount"), verbosity: hard.number("verbosity") },
        mdtest_easy: Mdtest { n: view("mdtest-easy").number("n"), files_per_dir: None },
        mdtest_hard: Mdtest {
            n: mdtest_hard.number("n"),
            files_per_dir: mdtest_hard.maybe("files-per-dir").filter(|&limit: &u64| limit > 0),
        },
        find: find(&view("find")),
        find_easy: find(&view("find-easy")),
        find_hard: find(&view("find-hard")),
        mdworkbench: Mdworkbench {
            waiting_time: workbench.number("waitingTime"),
            precreate_per_set: workbench.maybe("precreatePerSet"),
            files_per_proc: workbench.maybe("filesPerProc"),
            verbosity: workbench.number("verbosity"),
        },
        bench: Bench {
            mode: match own.owned("mode").to_ascii_lowercase().as_str() {
                "extended" => Mode::Extended,
                _ => Mode::Standard,
            },
            timestamp: own.text("timestamp").map(str::to_owned),
            strict: own.is_true("strict"),
            repeat: own.number("repeat"),
            latency: own.is_true("latency"),
            queue_depth: own.number("queue-depth"),
            threads_per_rank: own.number("threads-per-rank"),
            find_threads: own.number("find-threads"),
            timeout: own.maybe("timeout"),
            cont_properties: own.text("cont-properties").map(str::to_owned),
            destroy: own.is_true("destroy"),
            report_interval: own.number("report-interval"),
            telemetry: own.text("telemetry").map(str::to_owned),
            telemetry_interval: own.number("telemetry-interval"),
        },
        phases: PhaseId::ALL.into_iter().map(|phase| (phase, phase_config(phase, &settings, &apis))).collect(),
        settings,
        inputs,
    };
    warnings.extend(idle::warnings(&config));
    config
}

/// Every option with its value: the assigned one, else the default.
fn effective(inputs: &ConfigBuilder, table: Table, warnings: &mut Vec<Warning>) -> Vec<Setting> {
    let assigned = |section: &str, option: &str| {
        let (section_index, section) = schema::section(section)?;
        let (option_index, _) = section.option(option)?;
        table[section_index][option_index].as_ref()
    };
    // People have files without `api` that mean POSIX, as the C suite does; whoever brings no file, or names a pool, means
    // DAOS.
    const DAOS: [&str; 7] = ["pool", "cont", "group", "prefix", "oclass", "dir-oclass", "chunk-size"];
    let names_daos = DAOS.iter().any(|option| assigned(OWN_SECTION, option).is_some());
    let as_in_c = inputs.file_text().is_some() && !names_daos && assigned("global", "api").is_none();
    if as_in_c {
        let message = "no api in [global]: POSIX, as in the C suite (for DAOS write api = DFS, or give --api dfs)";
        warnings.push(Warning { place: None, message: message.to_owned() });
    }
    let mut settings = Vec::new();
    for (section, row) in SECTIONS.iter().zip(&table) {
        for (option, value) in section.options.iter().zip(row) {
            let default = match (section.name, option.name) {
                ("global", "api") if as_in_c => Some("POSIX"),
                _ => option.default,
            };
            let (value, origin) = match value {
                Some(Assigned { value, origin }) => (Some(value.clone()), origin.clone()),
                None => (default.map(str::to_owned), Origin::Default),
            };
            settings.push(Setting { section: section.name.to_owned(), option: option.name.to_owned(), value, origin });
        }
    }
    settings
}

fn find(view: &View<'_>) -> Find {
    Find {
        external_script: view.text("external-script").map(str::to_owned),
        external_mpi_args: view.owned("external-mpi-args"),
        external_extra_args: view.owned("external-extra-args"),
        nproc: view.maybe("nproc"),
        queue_length: view.number("pfind-queue-length"),
        steal_next: view.is_true("pfind-steal-next"),
        hashing: view.is_true("pfind-parallelize-single-dir-access-using-hashing"),
    }
}

/// Whether a setting switches off a single phase of mdworkbench, which only run together.
fn is_unread_run(setting: &Setting) -> bool {
    let of_phase = setting.section.strip_prefix("mdworkbench-").is_some();
    of_phase && setting.option == "run" && setting.value.as_deref() == Some("FALSE")
}

fn phase_config(phase: PhaseId, settings: &[Setting], apis: &Apis) -> PhaseConfig {
    let says = |section: &str, option: &str, word: &str| {
        let wanted = |setting: &&Setting| setting.section == section && setting.option == option;
        settings.iter().find(wanted).is_some_and(|setting| setting.value.as_deref() == Some(word))
    };
    let own_or_parent = |option, word| {
        says(phase.name(), option, word) || parent(phase).is_some_and(|parent| says(parent, option, word))
    };
    let (api, api_origin) = apis.of(phase);
    let run = match parent(phase) {
        // by a quirk of the C suite the phases of mdworkbench have a `run` that nothing reads
        Some(parent) if phase.family() == Family::Mdworkbench => !says(parent, "run", "FALSE"),
        _ => !own_or_parent("run", "FALSE"),
    };
    PhaseConfig {
        run,
        api,
        api_origin,
        // The phase's own word beats the parent's.
        collective: own_or_parent("collective", "TRUE") && !says(phase.name(), "collective", "FALSE"),
    }
}
