//! Running the suite: the default action.

use super::{doctor, paths};
use crate::args::run::RunArgs;
use crate::diagnosis;
use crate::directories;
use crate::dry_run;
use crate::exit::{Exit, UsageError};
use crate::exit_code_file;
use crate::preflight;
use crate::quick;
use crate::runner::{new_run, plan, runs};
use crate::session::Session;
use crate::signals;
use crate::telemetry::ClientFiles;
use io500_phases::comm::ReduceOp;
use io500_phases::engine::Progress;
use io500_phases::error::Error;
use io500_phases::plan;
use io500_phases::suite::dated;
use io500_phases::text;
use std::sync::Arc;
use std::time::Instant;

/// So many runs may begin in the same second.
const SECONDS: usize = 100;

/// Runs what the arguments ask for.
pub fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let process_start = Instant::now();
    let client_files = args.client_metrics.then(ClientFiles::begin).transpose()?;
    match Session::start(args)? {
        Ok(session) => run_session(args, session, process_start, client_files),
        Err(exit) => Ok(exit),
    }
}

/// Runs what the arguments ask for with the configuration of a session.
pub fn run_session(
    args: &RunArgs,
    mut session: Session,
    process_start: Instant,
    client_files: Option<ClientFiles>,
) -> anyhow::Result<Exit> {
    if args.client_metrics && session.config.bench.connection_per_phase {
        // libdaos counts from start to shutdown and writes one file a process: only the last phase would be left in it
        let error = UsageError::new(
            "--client-metrics is about one connection, and --connection phase makes one for each phase",
        )
        .hint("run one phase alone (--phase mdtest-easy-stat), or take the servers' counts: --telemetry auto");
        return Ok(tell(&session, &error.into()));
    }
    if session.config.bench.quick && !args.cleanup {
        quick::fit(&mut session)?;
    }
    let mut planned = match plan(&session) {
        Ok(plan) => plan,
        Err(error) => return Ok(tell(&session, &error.into())),
    };
    if args.dry_run {
        let comm = session.comm.as_ref();
        if let Err(error) = directories::check(comm, &session.config, &session.phases, &session.timestamp) {
            return Ok(tell(&session, &error.into()));
        }
        if args.check
            && let Err(error) = preflight::ask(&session, &planned)
        {
            return Ok(tell(&session, &error.into()));
        }
        let roof = doctor::roof(comm, &session.config, &session.phases, args.measure)?;
        let stores = dry_run::stores(&session);
        if session.is_root() {
            print!("{}{stores}{roof}", plan::describe(&planned));
        }
        session.comm.barrier();
        return Ok(Exit::Finished);
    }
    let progress = Arc::new(Progress::default());
    signals::install(&progress.stop_flag())?;
    if (args.doctor == "on" || args.measure) && !args.cleanup {
        session.audit = doctor::before_run(session.comm.as_ref(), args.doctor == "on", args.measure)?;
    }
    if let Some(list) = &args.paths {
        return Ok(paths::run(args, list, &mut session, &progress, process_start)
            .unwrap_or_else(|error| tell(&session, &error)));
    }
    for _ in 0..SECONDS {
        match runs(args, &session, &planned, &progress, process_start, client_files.as_ref(), 0) {
            // of several runs that begin in one second, each takes a second of its own
            Err(Error::InUse { path, by }) if new_run(&session) && path.contains(&session.timestamp) => {
                if session.is_root() {
                    eprintln!("dfs-bench: {path} is in use by {by}: this run takes the timestamp of the next second");
                }
                session.next_second();
                planned = plan(&session)?;
            }
            Ok(exit) => return Ok(exit),
            Err(error) => return Ok(tell(&session, &error.into())),
        }
    }
    Ok(tell(&session, &Error::Config(format!("other runs use the timestamps of the last {SECONDS} seconds")).into()))
}

/// All ranks have the same error; rank 0 says it.
fn tell(session: &Session, error: &anyhow::Error) -> Exit {
    if session.is_root() {
        crate::exit::report(error);
        if let Some(error) = error.downcast_ref() {
            diagnosis::explain(error, &session.config, session.comm.rank());
        }
        if Exit::of(error) != Exit::Usage {
            let global = &session.config.global;
            let datadir = dated(&global.datadir, global.timestamp_datadir, &session.timestamp);
            let resultdir = dated(&global.resultdir, global.timestamp_resultdir, &session.timestamp);
            // of several repeats the last one that began
            let of_repeat = |run: &u32| {
                let repeat = format!("{resultdir}/run-{run}");
                text::path(&repeat).exists().then_some(repeat)
            };
            let last = (2..=session.config.bench.repeat).rev().chain([1]).find_map(|run| of_repeat(&run));
            let resultdir = last.unwrap_or(resultdir);
            let lines = session.crash_record(&datadir, &resultdir).where_it_lies();
            lines.iter().for_each(|line| eprintln!("dfs-bench: {line}"));
        }
        // a launcher that was asked to stop kills its ranks soon
        if let (Some(Error::Interrupted), Some(signal)) = (error.downcast_ref(), signals::received()) {
            exit_code_file::write(Exit::Signal(signal).code());
        }
    }
    if let Some(Error::Interrupted) = error.downcast_ref() {
        // the signal may have come to one rank only, and all end with its code
        let mut signal = [signals::received().unwrap_or(0) as u64];
        session.comm.all_reduce_u64(ReduceOp::Max, &mut signal);
        if signal != [0] {
            return Exit::Signal(signal[0] as i32);
        }
    }
    Exit::of(error)
}
