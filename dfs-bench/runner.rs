//! Runs of the suite in one job, as often as asked: checks, stores, the watchdog, and the lines on standard output.

use crate::args::run::RunArgs;
use crate::diagnosis;
use crate::directories;
use crate::exit::Exit;
use crate::job_watchdog;
use crate::live::{LiveView, RunProgress, Settings};
use crate::output;
use crate::preflight;
use crate::report::compare::{render, repeats};
use crate::report::load;
use crate::session::Session;
use crate::signals;
use crate::telemetry::{self, ClientFiles, Servers};
use io500_phases::backend::dfs_connection;
use io500_phases::backend::select::Selected;
use io500_phases::comm::Comm;
use io500_phases::engine::{Progress, Watched};
use io500_phases::error::Error;
use io500_phases::phase_id::{Family, PhaseId};
use io500_phases::phases::cleanup::Removed;
use io500_phases::phases::setup::FAMILIES;
use io500_phases::plan::Plan;
use io500_phases::report::{iterations_warning, phase_line, score_lines, stdout_reasons};
use io500_phases::results::{PhaseResult, Reason, RunResult, RunState, in_short, is_of_duration, short_of_work};
use io500_phases::suite::{self, Observer, Options, Suite, dated};
use io500_phases::text;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whether the timestamp was chosen by this run.
pub fn new_run(session: &Session) -> bool {
    session.config.bench.timestamp.is_none()
}

/// Runs the suite as often as asked; the worst exit code of all.
pub fn runs(
    args: &RunArgs,
    session: &Session,
    plan: &Plan,
    progress: &Arc<Progress>,
    process_start: Instant,
    client_files: Option<&ClientFiles>,
    own_datadir_levels: usize,
) -> Result<Exit, Error> {
    let global = &session.config.global;
    let datadir = dated(&global.datadir, global.timestamp_datadir, &session.timestamp);
    let resultdir = dated(&global.resultdir, global.timestamp_resultdir, &session.timestamp);
    let comm = Watched::new(session.comm.as_ref(), progress.clone());
    let comm: &dyn Comm = &comm;
    let crash_record = Arc::new(session.crash_record(&datadir, &resultdir));
    signals::keep_words_in(&crash_record);
    let _watchdog = job_watchdog::start(session, progress, &datadir, &crash_record);
    if !args.cleanup {
        directories::check(comm, &session.config, &session.phases, &session.timestamp)?;
    }
    let stores = Selected::open(&session.config, &session.phases, &datadir, comm)?;
    if args.cleanup && new_run(session) && global.timestamp_datadir {
        let refusal = which_run(session, comm, plan, &stores);
        stores.give_up(comm)?;
        return Err(refusal);
    }
    // a full store is no reason not to clean up
    if let Err(refusal) = if args.cleanup { Ok(()) } else { preflight::of_run(session, comm, plan, &stores) } {
        stores.give_up(comm)?;
        return Err(refusal);
    }
    let repeat = session.config.bench.repeat.max(1);
    let options = |resultdir: String, run: u32| {
        let mut options = Options::default();
        options.resultdir = Some(text::path(&resultdir));
        options.new_run = new_run(session) && run == 1;
        // a part of the suite leaves its files for the next part
        options.clean_up = session.cleans_up.unwrap_or(args.phase == "all" || repeat > 1);
        options.own_datadir_levels = own_datadir_levels;
        options.process_start = process_start;
        options.progress = progress.clone();
        options.audit = session.audit.clone();
        options.stuck = Arc::new({
            let (crash_record, config, rank) = (crash_record.clone(), session.config.clone(), session.comm.rank());
            move |error| {
                eprintln!("error: {error}");
                diagnosis::explain(error, &config, rank);
                eprintln!("error: the other ranks did not reach the barrier: ending the job");
                crash_record.keep(RunState::Failed, &error.to_string());
                let code = Exit::of(&anyhow::Error::new(error.clone())).code();
                crate::exit_code_file::write(code);
                signal_hook::low_level::exit(code.into());
            }
        });
        options
    };
    if args.cleanup {
        let families = families(args, session)?;
        Suite::new(&session.config, plan, options(resultdir, 0)).clean_up(
            comm,
            &stores,
            &families,
            &mut Stdout::default(),
        )?;
        return Ok(Exit::Finished);
    }
    let every = Duration::from_secs(session.config.bench.report_interval.max(1).into());
    let run_progress = Arc::new(RunProgress::default());
    let settings = || Settings {
        shown: args.progress,
        ranks: session.comm.size(),
        every,
        metrics: args.metrics_file.clone(),
        timestamp: session.timestamp.clone(),
    };
    let _live = session.is_root().then(|| LiveView::start(progress.clone(), run_progress.clone(), settings()));
    let mut observer =
        Stdout { servers: servers(session)?, quick: session.config.bench.quick, progress: run_progress.clone() };
    let mut results = Vec::new();
    let mut worst = Exit::Finished;
    for run in 1..=repeat {
        let resultdir = if repeat > 1 { format!("{resultdir}/run-{run}") } else { resultdir.clone() };
        crash_record.set_result_directory(&resultdir);
        run_progress.begin(&plan.asked_for().collect::<Vec<_>>(), plan.stonewall_s);
        let suite = Suite::new(&session.config, plan, options(resultdir, run));
        let unlike = session.expected_plan.as_ref().is_some_and(|expected| *expected != suite.common_plan());
        if unlike {
            let why = "the plan differs from that of the run: another version of this program, or other nodes";
            stores.give_up(comm)?;
            return Err(Error::Config(why.to_owned()));
        }
        let result = suite.run(comm, &stores, &mut observer)?;
        let exit = verdict(session, result.as_ref())?;
        results.extend(result);
        worst = if exit.code() > worst.code() { exit } else { worst };
    }
    stores.close(comm)?;
    if session.is_root() && repeat > 1 {
        summarise(&resultdir);
    }
    if let Some(files) = client_files {
        telemetry::keep_client_metrics(files, comm, &mut results)?;
    }
    Ok(worst)
}

/// What the repeats say together; a directory that cannot be read back was told of before.
fn summarise(resultdir: &str) {
    match load::groups(&[resultdir.into()]) {
        Ok(groups) => groups.iter().for_each(|group| print!("\n{}", render::repeats_to_text(&repeats::of(group)))),
        Err(error) => eprintln!("warning: the repeats cannot be summed up: {error:#}"),
    }
}

/// The servers whose metrics rank 0 reads, if any. Collective.
fn servers(session: &Session) -> Result<Option<Servers>, Error> {
    let bench = &session.config.bench;
    let Some(list) = &bench.telemetry else { return Ok(None) };
    let group = session.config.global.api.group.as_deref();
    let engines = || dfs_connection::engines(group).map_err(|error| error.to_string());
    let addresses = if session.is_root() { telemetry::addresses(list, engines) } else { Ok(Vec::new()) };
    let mut mistake = addresses.as_ref().err().cloned().unwrap_or_default().into_bytes();
    session.comm.broadcast(0, &mut mistake);
    if !mistake.is_empty() {
        return Err(Error::Config(String::from_utf8_lossy(&mistake).into_owned()));
    }
    let interval = Duration::from_secs(bench.telemetry_interval.into());
    Ok(addresses.ok().filter(|_| session.is_root()).map(|addresses| Servers::start(addresses, interval)))
}

/// The families that `--cleanup` is about: all, or those of `--phase`.
fn families(args: &RunArgs, session: &Session) -> Result<Vec<Family>, Error> {
    if args.phase == "all" {
        return Ok(FAMILIES.to_vec());
    }
    let asked = |family: &Family| session.phases.iter().any(|phase| phase.family() == *family);
    let families: Vec<Family> = FAMILIES.into_iter().filter(asked).collect();
    if families.is_empty() {
        return Err(Error::Config(format!("--cleanup --phase {}: these phases leave no files", args.phase)));
    }
    Ok(families)
}

/// Refuses a clean-up that does not say of which run, and lists the runs that are there.
fn which_run(session: &Session, comm: &dyn Comm, plan: &Plan, stores: &Selected) -> Error {
    let runs = match Suite::new(&session.config, plan, Options::default()).runs(comm, stores) {
        Ok(runs) => runs,
        Err(error) => return error,
    };
    let datadir = &session.config.global.datadir;
    let (message, hint) = match runs.last() {
        Some(last) => (
            format!("--cleanup needs the timestamp of a run; {datadir} holds the runs {}", runs.join(", ")),
            format!("for example --timestamp {last}"),
        ),
        None => (
            format!("--cleanup needs the timestamp of a run, and {datadir} holds no run with a timestamp"),
            "to remove a data directory without a timestamp add --set global.timestamp-datadir=FALSE".to_owned(),
        ),
    };
    Error::NotThere { message, hint, source: None }
}

/// The plan of the session's phases.
pub fn plan(session: &Session) -> Result<Plan, Error> {
    suite::plan(&session.config, session.asked_for.clone(), session.comm.as_ref(), &session.timestamp)
}

/// How a finished run ends, the same on all ranks.
fn verdict(session: &Session, result: Option<&RunResult>) -> Result<Exit, Error> {
    let clean = |phase: &PhaseResult| {
        phase.check.as_ref().is_none_or(|check| {
            // that they are missing stays a strict reason
            let own = if session.half_removed == Some(phase.phase) { check.missing } else { 0 };
            check.faults() == own
        })
    };
    // what an earlier invocation found stands in the verdicts
    let exit = result.map(|result| match result {
        _ if !result.own_phases().all(clean) => Exit::Verification,
        _ if session.config.bench.strict && !result.strict.valid => Exit::Invalid,
        _ => Exit::Finished,
    });
    let mut answer = serde_json::to_vec(&exit).expect("a plain value");
    session.comm.broadcast(0, &mut answer);
    let exit: Option<Exit> = serde_json::from_slice(&answer).unwrap_or_default();
    exit.ok_or_else(|| Error::Comm("rank 0 did not say how the run ended".into()))
}

/// The C suite's lines on standard output, as they come; between the phases it asks the servers.
#[derive(Default)]
struct Stdout {
    servers: Option<Servers>,
    /// A test run: what the rules say about its length is said once, at its end.
    quick: bool,
    progress: Arc<RunProgress>,
}

impl Stdout {
    fn tells(&self, reason: &Reason) -> bool {
        !(self.quick && is_of_duration(reason))
    }
}

impl Observer for Stdout {
    fn started(&mut self, result: &RunResult) {
        let about = &result.provenance;
        for (api, store) in &about.stores {
            eprintln!("dfs-bench: {api}: {}{}", store.provider, if store.real { "" } else { " (not a real store)" });
        }
        for earlier in &result.earlier {
            let phases = result.phases.iter().filter(|phase| phase.invocation == earlier.number);
            let names: Vec<&str> = phases.map(|phase| phase.phase.name()).collect();
            eprintln!("dfs-bench: carried over from the invocation of {}: {}", earlier.began, names.join(", "));
        }
        for question in result.strict.reasons.iter().filter(|reason| !reason.invalidates) {
            eprintln!("warning: {}", question.text);
        }
        for departure in &about.departures {
            eprintln!("dfs-bench: departs from the rules: {departure}");
        }
        // the C suite says what makes the run invalid before its version, and what only warns after it
        let of_run = |invalidates| {
            let reasons = result.official.reasons.iter().filter(|reason| self.tells(reason));
            stdout_reasons(reasons.filter(move |reason| reason.phase.is_none() && reason.invalidates == invalidates))
        };
        println!("{}IO500 version {} ({})", of_run(true), about.program, about.mode);
        print!("{}", of_run(false));
    }

    fn phase_begins(&mut self, phase: PhaseId) {
        self.progress.phase_begins(phase);
        if let (Some(servers), true) = (&mut self.servers, phase != PhaseId::Timestamp) {
            servers.phase_begins();
        }
    }

    fn phase_measured(&mut self, phase: &mut PhaseResult) {
        if let Some(servers) = &mut self.servers {
            servers.phase_over(phase);
        }
    }

    fn phase_over(&mut self, result: &RunResult, phase: PhaseId) {
        let Some(phase) = result.phase(phase) else { return };
        self.progress.phase_over(phase.phase, phase.phase_s);
        let of_phase = |reason: &&Reason| reason.phase == Some(phase.phase) && self.tells(reason);
        let own: Vec<&Reason> = result.official.reasons.iter().filter(of_phase).collect();
        let mut shown = phase.clone();
        shown.valid |= self.quick && own.is_empty();
        print!("{}", stdout_reasons(own.into_iter()));
        if let Some(warning) = iterations_warning(phase) {
            println!("WARNING {warning}");
        }
        print!("{}", phase_line(&shown));
        if !self.quick {
            too_little_work(result, phase).iter().for_each(|words| eprintln!("dfs-bench: {words}"));
        }
    }

    fn cleaned(&mut self, removed: &Removed) {
        let Removed { files, directories, unexpected, examples, .. } = removed;
        let s = if *files == 1 { "" } else { "s" };
        let of = if *directories == 1 { "y" } else { "ies" };
        eprintln!("dfs-bench: removed {files} file{s} and {directories} director{of}");
        if *unexpected > 0 {
            eprintln!(
                "dfs-bench: kept {unexpected} entries that this benchmark did not write: {}",
                examples.join(", ")
            );
        }
    }

    fn finished(&mut self, result: &RunResult) {
        const TEST: &str = "test run, not comparable";
        if let Some(score) = &result.score {
            let lines = score_lines(score, &result.official);
            // no score of a test run stands without these words
            print!(
                "{}",
                if self.quick { lines.replace(" [INVALID]", "").replace('\n', " [TEST RUN]\n") } else { lines }
            );
        }
        // a path is bytes, and scripts take it from here
        output::bytes(&text::bytes(&format!(
            "\nThe result files are stored in the directory: {}\n",
            result.provenance.resultdir
        )));
        let told = result.strict.reasons.iter().filter(|reason| self.tells(reason));
        if self.quick {
            let faults: Vec<&Reason> = told.filter(|reason| reason.phase.is_some() && reason.invalidates).collect();
            eprintln!("dfs-bench: {TEST} (--quick); `dfs-bench report` has the details");
            in_short(faults, result).iter().for_each(|reason| eprintln!("  {reason}"));
        } else if !result.strict.valid {
            eprintln!("dfs-bench: the strict verdict is invalid:");
            in_short(told, result).iter().for_each(|reason| eprintln!("  {reason}"));
        }
    }
}

/// A write phase that had done everything before the stonewall: which option to raise.
fn too_little_work(result: &RunResult, phase: &PhaseResult) -> Option<String> {
    let stonewall = phase.stonewall.as_ref()?;
    let setting = |section: &str, option: &str| {
        let settings = &result.provenance.settings;
        let found = settings.iter().find(|setting| setting.section == section && setting.option == option);
        found.map(|setting| setting.value.clone()).filter(|value| !value.is_empty())
    };
    let found = short_of_work(phase.phase, stonewall.met_s, stonewall.setting_s.into(), setting)?;
    let words = found.words();
    Some(format!("{}: {}: {}", phase.phase, words.trim_end_matches('.'), found.next()))
}
