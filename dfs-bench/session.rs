//! What every rank of a run knows: the ranks, the configuration, the timestamp. Rank 0 reads, the others are told.

use crate::args::run::RunArgs;
use crate::crash_record::CrashRecord;
use crate::exit::{Exit, UsageError};
use anyhow::Context as _;
use clap::Parser as _;
use io500_phases::backend::select::{hints, properties};
use io500_phases::comm::{self, Comm};
use io500_phases::config::{Config, ConfigBuilder, ConfigError, Mode, Problem, Warning, select_phases};
use io500_phases::phase_id::PhaseId;
use io500_phases::results::Audit;
use io500_phases::text;
use io500_phases::units::bytes as bytes_of;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// What rank 0 tells the others.
#[derive(Serialize, Deserialize)]
struct JobInputs {
    inputs: ConfigBuilder,
    timestamp: String,
}

/// A run that rank 0 has read from its result directory.
#[derive(Serialize, Deserialize)]
pub struct Recorded {
    /// The words of the command line that stand for it besides its configuration.
    pub arguments: Vec<String>,
    pub inputs: ConfigBuilder,
    pub timestamp: String,
    /// Where its relative paths begin.
    pub base: Option<String>,
    /// Whether its end includes the removal of its files; none: as for any run.
    pub cleans_up: Option<bool>,
    /// The plan that it must have, phases apart.
    pub expected_plan: Option<String>,
    /// A phase that had removed some of its files before it was interrupted.
    pub half_removed: Option<PhaseId>,
}

/// A rank that is ready to run.
pub struct Session {
    pub comm: Box<dyn Comm>,
    pub config: Config,
    /// The phases that run.
    pub phases: Vec<PhaseId>,
    /// The phases that are asked for, those with `run = FALSE` too.
    pub asked_for: Vec<PhaseId>,
    pub timestamp: String,
    /// Whether the files are removed after the last phase; none: after all phases of the mode.
    pub cleans_up: Option<bool>,
    /// The plan that the run must have to be the one that it goes on with.
    pub expected_plan: Option<String>,
    /// A phase whose files may be missing because the run itself had removed them.
    pub half_removed: Option<PhaseId>,
    /// What was found on the nodes before the run; rank 0's.
    pub audit: Audit,
}

impl Session {
    /// Starts the ranks and gives all of them the same configuration. On a mistake rank 0 says what it is, and every rank gets the exit
    /// code; nothing was touched.
    pub fn start(args: &RunArgs) -> anyhow::Result<Result<Session, Exit>> {
        let (comm, job_inputs) = match tell(|ranks| job_inputs(args, ranks))? {
            Ok(told) => told,
            Err(exit) => return Ok(Err(exit)),
        };
        Session::of(comm, args, job_inputs).map(Ok)
    }

    /// Starts the ranks with the run that rank 0 reads; its arguments are those of a run.
    pub fn start_recorded(
        read: impl FnOnce(usize) -> anyhow::Result<Recorded>,
    ) -> anyhow::Result<Result<(RunArgs, Session), Exit>> {
        let read = |ranks: usize| {
            let recorded = read(ranks)?;
            if let Some(base) = &recorded.base {
                std::env::set_current_dir(text::path(base)).with_context(|| format!("cannot go to {base}"))?;
            }
            check(&arguments(&recorded.arguments)?, recorded.inputs.clone(), Some(ranks))?;
            Ok(recorded)
        };
        let (comm, recorded): (_, Recorded) = match tell(read)? {
            Ok(told) => told,
            Err(exit) => return Ok(Err(exit)),
        };
        if let Some(base) = &recorded.base {
            // where that directory is not on another node, the check of the directories says so
            let _ = std::env::set_current_dir(text::path(base));
        }
        let args = arguments(&recorded.arguments)?;
        let session = Session::of(comm, &args, JobInputs { inputs: recorded.inputs, timestamp: recorded.timestamp })?;
        let session = Session {
            cleans_up: recorded.cleans_up,
            expected_plan: recorded.expected_plan,
            half_removed: recorded.half_removed,
            ..session
        };
        Ok(Ok((args, session)))
    }

    fn of(comm: Box<dyn Comm>, args: &RunArgs, told: JobInputs) -> anyhow::Result<Session> {
        let (config, _) = told.inputs.build()?;
        let (phases, asked_for) = (phases(args, &config)?, select(args, &config)?);
        let (cleans_up, expected_plan, half_removed, audit) = (None, None, None, Audit::default());
        let timestamp = told.timestamp;
        Ok(Session { comm, config, phases, asked_for, timestamp, cleans_up, expected_plan, half_removed, audit })
    }

    pub fn is_root(&self) -> bool {
        self.comm.rank() == 0
    }

    /// The record of a run in these directories.
    pub fn crash_record(&self, datadir: &str, resultdir: &str) -> CrashRecord {
        CrashRecord::new(&self.timestamp, &self.phases, self.is_root(), datadir, resultdir)
    }

    /// Takes a later second than another run has. Collective.
    pub fn next_second(&mut self) {
        let mut next = Vec::new();
        if self.is_root() {
            while now() <= self.timestamp {
                std::thread::sleep(Duration::from_millis(20));
            }
            next = now().into_bytes();
        }
        self.comm.broadcast(0, &mut next);
        self.timestamp = String::from_utf8_lossy(&next).into_owned();
    }
}

/// The ranks and what rank 0 collected, or how the command ends.
type Told<T> = Result<(Box<dyn Comm>, T), Exit>;

/// Starts the ranks and gives all of them what rank 0 collects. On a mistake rank 0 says what it is, and every rank gets the exit code.
fn tell<T: Serialize + DeserializeOwned>(collect: impl FnOnce(usize) -> anyhow::Result<T>) -> anyhow::Result<Told<T>> {
    let comm = match comm::start() {
        // every process of that launcher finds it, and they cannot talk to each other: one of them tells
        Err(comm::StartError::Mismatch(mismatch)) if !mismatch.reports() => return Ok(Err(Exit::Usage)),
        started => started.map_err(start_error)?,
    };
    let mut message = Vec::new();
    if comm.rank() == 0 {
        match collect(comm.size()) {
            Ok(collected) => message = serde_json::to_vec(&collected)?,
            Err(error) => crate::exit::report(&error),
        }
    }
    comm.broadcast(0, &mut message);
    if message.is_empty() {
        return Ok(Err(Exit::Usage));
    }
    let told = serde_json::from_slice(&message).context("the inputs of rank 0")?;
    Ok(Ok((comm, told)))
}

/// The arguments of a run that these words stand for.
fn arguments(words: &[String]) -> anyhow::Result<RunArgs> {
    let words = std::iter::once("dfs-bench").chain(words.iter().map(String::as_str));
    Ok(crate::cli::Cli::try_parse_from(words)?.run)
}

/// A timestamp: local time.
fn now() -> String {
    jiff::Zoned::now().strftime("%Y.%m.%d-%H.%M.%S").to_string()
}

fn start_error(error: comm::StartError) -> anyhow::Error {
    match error {
        comm::StartError::Mismatch(mismatch) => {
            let hint = mismatch.hint().to_owned();
            UsageError::new(mismatch.to_string()).hint(hint).into()
        }
        #[allow(unreachable_patterns)] // without MPI there is no other
        other => other.into(),
    }
}

/// The layers of the configuration that the arguments name, not yet looked at.
pub fn inputs(args: &RunArgs) -> anyhow::Result<ConfigBuilder> {
    let mut builder = Config::builder();
    if let Some(path) = args.config_file() {
        let bytes = configuration(path)?;
        builder = builder.file(text::of(path), &bytes);
    }
    builder = builder.env(std::env::vars_os());
    builder = args.set.iter().fold(builder, |builder, set| builder.set(set));
    let flag = |builder: ConfigBuilder, (section, option, value, flag): (&str, &str, OsString, &str)| {
        builder.flag(section, option, value, flag)
    };
    Ok(args.settings().into_iter().fold(builder, flag))
}

/// More than any configuration has; what goes on for longer is something else.
const LARGEST: u64 = 1 << 20;

/// The bytes of a configuration file, as long as it can be one.
fn configuration(path: &Path) -> Result<Vec<u8>, UsageError> {
    let mistake = |what: String| {
        UsageError::new(format!("{}: {what}", text::of(path))).hint("give the path of an IO500 configuration file")
    };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| mistake(error.to_string()))?;
    if bytes.contains(&0) {
        return Err(mistake("not a text file".to_owned()));
    }
    if bytes.len() as u64 > LARGEST {
        return Err(mistake(format!("longer than {}: not a configuration", bytes_of(LARGEST))));
    }
    Ok(bytes)
}

/// Warnings that are told in words; the rest is counted.
const TOLD: usize = 40;

/// Says what is accepted and deserves a word.
pub fn warn(warnings: &[Warning]) {
    warnings.iter().take(TOLD).for_each(|warning| eprintln!("warning: {warning}"));
    match warnings.len().saturating_sub(TOLD) {
        0 => {}
        more => eprintln!("warning: and {more} more"),
    }
}

/// Checks everything that a configuration and the number of ranks, where that is known, can tell; says what deserves a word.
pub fn check(args: &RunArgs, inputs: ConfigBuilder, ranks: Option<usize>) -> anyhow::Result<(Config, Vec<PhaseId>)> {
    let (config, warnings) = inputs.build_to_run(|config, problems| {
        let phases = match select(args, config) {
            Ok(phases) => phases,
            Err(error) => {
                problems.extend(error.problems);
                Vec::new()
            }
        };
        unknown_names(config, &phases, problems);
        // the clean-up walks in its own way
        if let (Some(ranks), false) = (ranks, args.cleanup) {
            problems.extend(config.validate_ranks(&phases, ranks));
        }
        phases
    })?;
    warn(&warnings);
    let phases = phases(args, &config)?;
    Ok((config, phases))
}

/// Reads and checks everything that can be wrong.
fn job_inputs(args: &RunArgs, ranks: usize) -> anyhow::Result<JobInputs> {
    let inputs = inputs(args)?;
    let (config, _) = check(args, inputs.clone(), Some(ranks))?;
    let timestamp = config.bench.timestamp.clone().unwrap_or_else(now);
    Ok(JobInputs { inputs, timestamp })
}

/// Object classes and container properties that there are not, with the place that names them; one word per API string.
fn unknown_names(config: &Config, phases: &[PhaseId], problems: &mut Vec<Problem>) {
    for used in phases.iter().map(|&phase| config.phase(phase)).filter(|used| used.run) {
        if let Err(error) = hints(&used.api) {
            let problem = Problem::new(used.api_origin.place(), error.to_string());
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    if let Err(error) = properties(config) {
        let place = config.setting("dfs-bench", "cont-properties").and_then(|setting| setting.origin.place());
        problems.push(Problem::new(place, error.to_string()));
    }
}

/// The phases that are asked for.
fn select(args: &RunArgs, config: &Config) -> Result<Vec<PhaseId>, ConfigError> {
    select_phases(&args.phase, config.bench.mode == Mode::Extended)
}

/// The phases that are asked for and not switched off.
fn phases(args: &RunArgs, config: &Config) -> anyhow::Result<Vec<PhaseId>> {
    let selected = select(args, config)?;
    let running: Vec<PhaseId> = selected.into_iter().filter(|&phase| config.phase(phase).run).collect();
    if running.is_empty() {
        let asked = &args.phase;
        return Err(UsageError::new(format!("no phase to run: every phase of {asked:?} has run = FALSE")).into());
    }
    Ok(running)
}
