//! A parallel find: the walk of the benchmark's find phases as a tool, on DFS and on mounted file systems.

use crate::args::find::FindArgs;
use crate::exit::{Exit, report};
use crate::output;
use io500_phases::backend::Backend;
use io500_phases::backend::select::{Selected, Stores as _, Visit};
use io500_phases::comm::{self, ClockSync, Comm, ReduceOp};
use io500_phases::config::Config;
use io500_phases::engine::{Failure, Off, Progress, Team, Ticker};
use io500_phases::error::{Errno, Result};
use io500_phases::phase_id::PhaseId;
use io500_phases::phases::find::{FindOptions, OnMatch, run_reporting};
use io500_phases::phases::{Pace, PhaseContext};
use io500_phases::plan::{FindPlan, Predicate};
use io500_phases::results::FindResult;
use io500_phases::results::aggregate::{Measure, figures, gather};
use io500_phases::text;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

/// Seconds that the ranks wait for each other once one has failed.
const GRACE: Duration = Duration::from_secs(30);

/// Walks, prints, and returns the exit code, which is the same on all ranks.
pub fn run(args: &FindArgs) -> anyhow::Result<Exit> {
    let comm = comm::start()?;
    let comm = comm.as_ref();
    let done = config(args).map_err(anyhow::Error::from).and_then(|config| Ok(walk(args, comm, &config)?));
    Ok(done.unwrap_or_else(|error| {
        if comm.rank() == 0 {
            report(&error);
        }
        Exit::of(&error)
    }))
}

fn config(args: &FindArgs) -> std::result::Result<Config, io500_phases::config::ConfigError> {
    let on_dfs = args.container.pool.is_some() || args.container.cont.is_some();
    let api = args.api.clone().unwrap_or_else(|| if on_dfs { "dfs" } else { "posix" }.into());
    let flags = [("global", "api", Some(api), "--api")].into_iter().chain(args.container.settings());
    let builder = flags.fold(Config::builder(), |builder, (section, option, value, flag)| match value {
        Some(value) => builder.flag(section, option, value, flag),
        None => builder,
    });
    builder.build().map(|(config, _)| config)
}

fn walk(args: &FindArgs, comm: &dyn Comm, config: &Config) -> Result<Exit> {
    let stuck = |error: &io500_phases::error::Error| {
        eprintln!("error: {error}");
        signal_hook::low_level::exit(Exit::of(&anyhow::Error::new(error.clone())).code().into());
    };
    let team = Team::new(comm, GRACE, Arc::new(stuck));
    let progress = Progress::default();
    let signals = crate::signals::install(&progress.stop_flag());
    team.barrier_with_status(signals.map_err(|error| Failure::Config(format!("cannot catch signals: {error}"))))?;
    let stores = Selected::open(config, &[PhaseId::Find], &text::of(&args.dir), comm)?;
    stores.visit(PhaseId::Find, Walk { args, team: &team, progress: &progress, dir: stores.datadir(PhaseId::Find) })
}

struct Walk<'a> {
    args: &'a FindArgs,
    team: &'a Team<'a>,
    progress: &'a Progress,
    dir: &'a str,
}

impl Visit for Walk<'_> {
    type Out = Result<Exit>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Result<Exit>
    where
        B::Dir: Send + Sync,
    {
        let Walk { args, team, progress, dir } = self;
        let not_before = change_second(args, team)?;
        let predicate = Predicate { name: args.name.clone(), size: args.size, not_before };
        let root = backend.open_path(dir);
        // the ranks go one way together
        let no_directory = |errno: &Errno| io::Error::from_raw_os_error(errno.0).kind() == io::ErrorKind::NotADirectory;
        let mut is_file = [u64::from(root.as_ref().is_err_and(no_directory))];
        team.comm().all_reduce_u64(ReduceOp::Min, &mut is_file);
        // a slash behind its name says that it is meant to be a directory
        if is_file == [1] && !dir.ends_with('/') {
            return one_file(args, team, backend, dir, &predicate);
        }
        let root = team.barrier_with_status(root.map_err(|errno| cannot("open", dir, errno)))?;
        let plan = FindPlan { below: String::new(), predicate, newer_than_timestamp: false };
        let options = FindOptions { threads: args.threads, ..FindOptions::default() };
        let (ticker, clock) = (Ticker::real(), ClockSync::default());
        let pace = Pace { stonewall_s: None, queue_depth: 1, threads: 1 };
        let context = PhaseContext { backend, root: &root, team, ticker: &ticker, progress, clock: &clock, pace };
        let mut begin = args.dir.as_bytes();
        while let Some(shorter) = begin.strip_suffix(b"/") {
            begin = shorter;
        }
        let print = |path: &[u8]| {
            let line = [begin, b"/", path, b"\n"].concat();
            // who reads the paths may have heard enough
            let _ = std::io::stdout().write_all(&line);
        };
        let on_match: Option<OnMatch<'_>> = if args.count { None } else { Some(&print) };
        let (tally, find) = run_reporting(&context, &plan, &options, &mut Off, on_match)?;
        let mut errors = [find.counts.errors];
        team.comm().all_reduce_u64(ReduceOp::Sum, &mut errors);
        // as of find(1): what was found is printed, and the exit code tells that it may not be all
        let exit = if errors == [0] { Exit::Finished } else { Exit::Storage };
        let tallies = gather(team.comm(), &tally);
        let Some((tallies, finds)) = tallies.zip(gather(team.comm(), &find)) else { return Ok(exit) };
        let found = FindResult::new(&finds, None, None);
        let figures = figures(Measure::Operations, &tallies);
        let many = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        eprintln!(
            "dfs-bench: {} of {} entries match; {:.3} s, {:.3} kIOPS, {} × {}, {}",
            found.found,
            found.total,
            figures.window_s,
            figures.rate,
            many(found.ranks, "rank"),
            many(found.threads, "thread"),
            found.method
        );
        if let Some(first) = &found.first_error {
            eprintln!("error: {} entries could not be examined; the first: {first}", found.errors);
        }
        if args.count {
            println!("MATCHED {}/{}", found.found, found.total);
        }
        Ok(exit)
    }
}

/// A start that is no directory is the one entry: it is printed if it matches.
fn one_file<B: Backend>(
    args: &FindArgs,
    team: &Team<'_>,
    backend: &B,
    file: &str,
    predicate: &Predicate,
) -> Result<Exit> {
    let (parent, name) = match file.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", file),
    };
    let look = || {
        let leaf = text::c_string(name).expect("it was opened by this name");
        let stat = backend.stat(&backend.open_path(parent)?, &leaf)?;
        let named = predicate.name.as_ref().is_none_or(|glob| glob.matcher().matches(leaf.to_bytes()));
        Ok(named && predicate.matches(stat.size, stat.ctime))
    };
    let matches = if team.comm().rank() == 0 { look() } else { Ok(false) };
    let matches = team.barrier_with_status(matches.map_err(|errno| cannot("open", file, errno)))?;
    if team.comm().rank() == 0 {
        eprintln!("dfs-bench: {} of 1 entries match", u8::from(matches));
        if args.count {
            println!("MATCHED {}/1", u8::from(matches));
        } else if matches {
            output::bytes(&[args.dir.as_bytes(), b"\n"].concat());
        }
    }
    Ok(Exit::Finished)
}

fn cannot(op: &str, path: &str, errno: Errno) -> Failure {
    Failure::Storage { op: op.into(), path: path.to_owned(), errno: errno.0 }
}

/// The second in which the file of --newer was changed, as rank 0 sees it.
fn change_second(args: &FindArgs, team: &Team<'_>) -> Result<Option<i64>> {
    let Some(file) = &args.newer else { return Ok(None) };
    let seconds = if team.comm().rank() == 0 {
        let about = std::fs::symlink_metadata(file);
        about
            .map(|about| about.ctime())
            .map_err(|error| Failure::ResultFile { path: text::of(file), message: error.to_string() })
    } else {
        Ok(0)
    };
    let mut bytes = team.barrier_with_status(seconds)?.to_le_bytes().to_vec();
    team.comm().broadcast(0, &mut bytes);
    Ok(Some(i64::from_le_bytes(bytes.try_into().expect("eight bytes were sent"))))
}
