//! `dfs-bench resume` and `dfs-bench cleanup`: a run by its result directory.

use super::run::run_session;
use crate::args::resume::{CleanupArgs, ResumeArgs};
use crate::args::run::RunArgs;
use crate::exit::{Exit, UsageError};
use crate::runs::recorded::RecordedRun;
use crate::session::{Recorded, Session};
use io500_phases::text;
use std::time::Instant;

/// Goes on with a run.
pub fn resume(args: &ResumeArgs) -> anyhow::Result<Exit> {
    let process_start = Instant::now();
    let read = |ranks: usize| {
        let run = RecordedRun::read(&args.directory)?;
        let (_, left) = run.phases();
        let about = &run.result.provenance;
        if left.is_empty() {
            let message = format!("{}: nothing is left to do: all phases are there", args.directory.display());
            return Err(UsageError::new(message).hint("`dfs-bench report` shows the run").into());
        }
        let program = format!("dfs-bench-{}", env!("CARGO_PKG_VERSION"));
        if about.program != program {
            let message = format!("{} measured the run, and this is {program}", about.program);
            return Err(UsageError::new(message).hint("go on with the program that began").into());
        }
        if about.ranks != ranks {
            let s = if about.ranks == 1 { "" } else { "s" };
            let message = format!("the run has {} rank{s}, and this job has {ranks}", about.ranks);
            return Err(UsageError::new(message).hint(run.commands().0).into());
        }
        let half_removed = run.half_removed();
        if let Some(phase) = half_removed {
            eprintln!(
                "warning: {phase} may have been interrupted: files that it had removed by then count as missing, and its rate is that of the rest"
            );
        }
        let names: Vec<&str> = left.iter().map(|phase| phase.name()).collect();
        eprintln!("dfs-bench: continuing the run {} with {}", about.timestamp, names.join(", "));
        let mut arguments = vec![format!("--phase={}", names.join(","))];
        if args.dry_run {
            arguments.push("--dry-run".to_owned());
        }
        let expected_plan = Some(about.common_plan.clone()).filter(|plan| !plan.is_empty());
        Ok(Recorded { arguments, cleans_up: Some(run.cleans_up()), expected_plan, half_removed, ..recorded(&run)? })
    };
    match Session::start_recorded(read)? {
        Ok((run, session)) => {
            let run = RunArgs { progress: args.progress, ..run };
            run_session(&run, session, process_start, None)
        }
        Err(exit) => Ok(exit),
    }
}

/// Removes what a run left.
pub fn clean_up(args: &CleanupArgs) -> anyhow::Result<Exit> {
    let process_start = Instant::now();
    let read = |_ranks: usize| {
        let run = RecordedRun::read(&args.directory)?;
        let arguments = vec!["--cleanup".to_owned(), format!("--phase={}", args.phase)];
        Ok(Recorded { arguments, ..recorded(&run)? })
    };
    match Session::start_recorded(read)? {
        Ok((args, session)) => run_session(&args, session, process_start, None),
        Err(exit) => Ok(exit),
    }
}

fn recorded(run: &RecordedRun) -> Result<Recorded, UsageError> {
    Ok(Recorded {
        arguments: Vec::new(),
        inputs: run.inputs()?,
        timestamp: run.result.provenance.timestamp.clone(),
        base: run.base()?.map(text::of),
        cleans_up: None,
        expected_plan: None,
        half_removed: None,
    })
}
