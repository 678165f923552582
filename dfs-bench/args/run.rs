//! The arguments of a run, and which store they name.

use crate::live::Shown;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Which container of DAOS.
#[derive(Debug, Args)]
pub struct ContainerArgs {
    /// DAOS pool, label or UUID
    #[arg(long, value_name = "POOL", help_heading = "Store")]
    pub pool: Option<OsString>,
    /// DAOS container, label or UUID; a run that writes creates it if it does not exist
    #[arg(long, value_name = "CONT", help_heading = "Store")]
    pub cont: Option<OsString>,
    /// DAOS system name
    #[arg(long, value_name = "NAME", help_heading = "Store")]
    pub group: Option<OsString>,
    /// Mount point of the container, removed from the front of directories
    #[arg(long, value_name = "PATH", help_heading = "Store")]
    pub prefix: Option<OsString>,
}

impl ContainerArgs {
    /// As options of the configuration: section, option, value, flag.
    pub fn settings(&self) -> [(&'static str, &'static str, Option<OsString>, &'static str); 4] {
        [
            ("dfs-bench", "pool", self.pool.clone(), "--pool"),
            ("dfs-bench", "cont", self.cont.clone(), "--cont"),
            ("dfs-bench", "group", self.group.clone(), "--group"),
            ("dfs-bench", "prefix", self.prefix.clone(), "--prefix"),
        ]
    }
}

/// Whole seconds, with or without a unit: `300`, `300s`, `5min`.
fn seconds(text: &str) -> Result<u32, String> {
    if text.parse::<i64>().is_ok_and(|number| number < 0) {
        return Err(format!("{text} is not in 0..={}", u32::MAX));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "s" | "sec" | "seconds" => Some(1),
        "m" | "min" | "minutes" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    let number = number.parse::<u32>().ok();
    let seconds = number.zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    seconds.ok_or_else(|| "not a number of whole seconds, such as 300, 300s or 5min".to_owned())
}

/// The options of a run. Values that become options of the configuration are bytes, as paths are.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Configuration file in IO500's ini dialect
    #[arg(value_name = "INI", env = "DFS_BENCH_CONFIG")]
    pub config: Option<PathBuf>,
    /// Configuration file, as a flag
    #[arg(short, long = "config", value_name = "INI", conflicts_with = "config")]
    pub config_flag: Option<PathBuf>,
    /// Phases to run: all, names, families (ior, mdtest-hard), kinds (write, read, stat, delete), separated by commas; timestamp
    /// belongs to write
    #[arg(short, long, value_name = "LIST", default_value = "all", env = "DFS_BENCH_PHASE")]
    pub phase: String,
    /// Set an option of the configuration; may be repeated
    #[arg(long, value_name = "SECTION.OPTION=VALUE")]
    pub set: Vec<OsString>,

    /// Interface to the store: dfs, posix or null, with options in IOR's spelling
    #[arg(long, value_name = "API", help_heading = "Store")]
    pub api: Option<OsString>,
    #[command(flatten)]
    pub container: ContainerArgs,
    /// Object class of files, for phases whose section names none
    #[arg(long, value_name = "CLASS", help_heading = "Store")]
    pub oclass: Option<OsString>,
    /// Object class of directories, for phases whose section names none
    #[arg(long, value_name = "CLASS", help_heading = "Store")]
    pub dir_oclass: Option<OsString>,
    /// Chunk size of files, for phases whose section names none
    #[arg(long, value_name = "BYTES", help_heading = "Store")]
    pub chunk_size: Option<OsString>,
    /// Properties of a container that the run creates, as `daos container create` takes them: rd_fac:1,ec_cell_sz:128KiB
    #[arg(long, value_name = "LIST", help_heading = "Store")]
    pub cont_properties: Option<OsString>,
    /// Remove the container after the run, if this run created it
    #[arg(long, help_heading = "Store")]
    pub destroy: bool,
    /// Data directory inside the store
    #[arg(short, long, value_name = "DIR", help_heading = "Store")]
    pub datadir: Option<OsString>,

    /// Run over each of these paths to the same container, and compare: dfs,dfuse=/mnt/dfuse
    #[arg(long, value_name = "LIST", help_heading = "Run")]
    pub paths: Option<OsString>,
    /// Result directory
    #[arg(short, long, value_name = "DIR", help_heading = "Run")]
    pub resultdir: Option<OsString>,
    /// Minimum duration of a write phase in seconds; the rules require 300
    #[arg(long, value_name = "SECONDS", help_heading = "Run", allow_negative_numbers = true, value_parser = seconds)]
    pub stonewall: Option<u32>,
    /// Test run: a stonewall of 2 s unless --stonewall is given, and sizes that fit the free space; not comparable
    #[arg(long, help_heading = "Run")]
    pub quick: bool,
    /// standard, or extended with the optional phases
    #[arg(long, value_name = "MODE", help_heading = "Run")]
    pub mode: Option<OsString>,
    /// Timestamp of the run, which seeds the data: read phases need that of their write phases
    #[arg(long, value_name = "YYYY.MM.DD-HH.MM.SS", help_heading = "Run")]
    pub timestamp: Option<OsString>,
    /// Exit with code 3 if the strict verdict is invalid
    #[arg(long, help_heading = "Run")]
    pub strict: bool,
    /// Check the run, print its plan with sizes, counts and space, and leave nothing behind
    #[arg(long, help_heading = "Run")]
    pub dry_run: bool,
    /// With --dry-run, ask the store too: pool, space, object classes
    #[arg(long, requires = "dry_run", help_heading = "Run")]
    pub check: bool,
    /// Remove the files that a run left in the data directory, with --phase only those of its phases; without --timestamp, list
    /// the runs
    #[arg(long, help_heading = "Run")]
    pub cleanup: bool,
    /// Say before the first phase what is wrong with the nodes, as `dfs-bench doctor` does: on or off
    #[arg(long, value_name = "on|off", default_value = "on", value_parser = ["on", "off"], help_heading = "Run")]
    pub doctor: String,
    /// Copy in memory for 2 s with all ranks before the first phase, to know what the clients' memory allows
    #[arg(long, help_heading = "Run")]
    pub measure: bool,
    /// Run the suite N times, into run-1, run-2 … of one result directory, for compare
    #[arg(long, value_name = "N", help_heading = "Run", allow_negative_numbers = true)]
    pub repeat: Option<u32>,
    /// More messages on standard error, as with DFS_BENCH_LOG=info; given twice, as with debug
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Run")]
    pub verbose: u8,
    /// End the job when a rank makes no progress or sends no heartbeat for so many seconds; 0: never [default: 300; for progress
    /// on stores other than DAOS, never]
    #[arg(long, value_name = "SECONDS", help_heading = "Run", allow_negative_numbers = true, value_parser = seconds)]
    pub timeout: Option<u32>,
    /// The live view: in place on a terminal (auto, bar), a line now and then (plain), an object a second (json)
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW", help_heading = "Run")]
    pub progress: Shown,
    /// Keep the live view in this file as OpenMetrics text, for a node exporter
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub metrics_file: Option<PathBuf>,
    /// Write the exit code as a number into this file: launchers may report another one
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub exit_code_file: Option<PathBuf>,
    /// Metrics of the servers around and in every phase: http://server:9191/metrics,… or @file with one a line; auto or auto:PORT: the
    /// servers of all engines that libdaos names
    #[arg(long, value_name = "LIST|@FILE|auto", help_heading = "Run")]
    pub telemetry: Option<OsString>,
    /// How long a connection to DAOS lives: run (one for all phases) or phase (a new one for each, as in the C suite)
    #[arg(long, value_name = "run|phase", help_heading = "Run")]
    pub connection: Option<OsString>,
    /// Let libdaos count requests, bulk transfers and resends on every rank
    #[arg(long, help_heading = "Run", conflicts_with_all = ["paths", "dry_run", "cleanup"])]
    pub client_metrics: bool,

    /// Transfers in flight per rank in the ior phases; the rules require 1
    #[arg(long, value_name = "N", help_heading = "Beyond the rules", allow_negative_numbers = true)]
    pub queue_depth: Option<u32>,
    /// Threads per rank in the mdtest phases; the rules require 1
    #[arg(long, value_name = "N", help_heading = "Beyond the rules", allow_negative_numbers = true)]
    pub threads_per_rank: Option<u32>,
    /// Lookups in flight per rank in find; 0 chooses from the cores
    #[arg(long, value_name = "N", help_heading = "Beyond the rules", allow_negative_numbers = true)]
    pub find_threads: Option<u32>,
    /// Latency histograms of every operation: on or off
    #[arg(long, value_name = "on|off", help_heading = "Beyond the rules", value_parser = ["on", "off"])]
    pub latency: Option<String>,
}

impl RunArgs {
    /// The configuration file, however it was given.
    pub fn config_file(&self) -> Option<&PathBuf> {
        self.config_flag.as_ref().or(self.config.as_ref())
    }

    /// The flags that are options of the configuration: section, option, value, flag.
    pub fn settings(&self) -> Vec<(&'static str, &'static str, OsString, &'static str)> {
        let text = |value: &Option<OsString>| value.clone();
        let word = |word: &str| Some(OsString::from(word));
        let number = |value: &Option<u32>| value.map(|number| number.to_string().into());
        let latency = self.latency.as_deref().and_then(|on| word(if on == "on" { "TRUE" } else { "FALSE" }));
        let own = "dfs-bench";
        [
            ("global", "api", text(&self.api), "--api"),
            ("global", "datadir", text(&self.datadir), "--datadir"),
            ("global", "resultdir", text(&self.resultdir), "--resultdir"),
            ("debug", "stonewall-time", number(&self.stonewall), "--stonewall"),
            (own, "oclass", text(&self.oclass), "--oclass"),
            (own, "dir-oclass", text(&self.dir_oclass), "--dir-oclass"),
            (own, "chunk-size", text(&self.chunk_size), "--chunk-size"),
            (own, "cont-properties", text(&self.cont_properties), "--cont-properties"),
            (own, "destroy", word("TRUE").filter(|_| self.destroy), "--destroy"),
            (own, "mode", text(&self.mode), "--mode"),
            (own, "timestamp", text(&self.timestamp), "--timestamp"),
            (own, "quick", word("TRUE").filter(|_| self.quick), "--quick"),
            (own, "strict", word("TRUE").filter(|_| self.strict), "--strict"),
            (own, "repeat", number(&self.repeat), "--repeat"),
            (own, "timeout", number(&self.timeout), "--timeout"),
            (own, "connection", text(&self.connection), "--connection"),
            (own, "telemetry", text(&self.telemetry), "--telemetry"),
            (own, "queue-depth", number(&self.queue_depth), "--queue-depth"),
            (own, "threads-per-rank", number(&self.threads_per_rank), "--threads-per-rank"),
            (own, "find-threads", number(&self.find_threads), "--find-threads"),
            (own, "latency", latency, "--latency"),
        ]
        .into_iter()
        .chain(self.container.settings())
        .filter_map(|(section, option, value, flag)| Some((section, option, value?, flag)))
        .collect()
    }
}
