//! The command `dfs-bench`: a native IO500 for DAOS.
#![forbid(unsafe_code)]

#[macro_use] // first: what comes after it prints with its macros
mod output;

mod ab;
mod args;
mod child;
mod cli;
mod commands;
mod compat;
mod crash_record;
mod diagnosis;
mod directories;
mod doctor;
mod dry_run;
mod exit;
mod exit_code_file;
mod heartbeat;
mod history;
mod job_watchdog;
mod live;
mod next_commands;
mod preflight;
mod quick;
mod report;
mod runner;
mod runs;
mod session;
mod signals;
mod submission;
mod sweep;
mod telemetry;
mod watchdog;

use clap::Parser as _;
use cli::Command;
use exit::Exit;

fn main() -> std::process::ExitCode {
    let cli = match cli::Cli::try_parse_from(compat::translate(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let level = ["warn", "info", "debug"][usize::from(cli.run.verbose.min(2))];
    let mut log = env_logger::Builder::from_env(env_logger::Env::new().filter_or("DFS_BENCH_LOG", level));
    log.format_target(false).init();
    signals::ignore_file_limit();
    let code_file = match &cli.command {
        None => cli.run.exit_code_file.as_deref(),
        Some(Command::Resume(args)) => args.exit_code_file.as_deref(),
        Some(_) => None,
    };
    if let Some(Err(error)) = code_file.map(exit_code_file::keep_in) {
        if exit::speaks() {
            exit::report(&exit::UsageError::new(error).into());
        }
        return Exit::Usage.into();
    }
    let prints = cli.command.is_some();
    // a panic outside the phases, which catch their own; the message is out by then, and an MPI job is ended
    let Ok(done) = std::panic::catch_unwind(|| match cli.command {
        // under a launcher each process would say the same
        Some(command) if !command.is_collective() && !exit::speaks() => Ok(Exit::Finished),
        Some(command) => run(command),
        None => commands::run::run(&cli.run),
    }) else {
        exit_code_file::write(Exit::Internal.code());
        return Exit::Internal.into();
    };
    let exit = done.unwrap_or_else(|error| {
        exit::report(&error);
        Exit::of(&error)
    });
    let exit = match output::lost() {
        // who reads may have read enough
        Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe && prints => exit,
        Some(error) => {
            eprintln!("warning: some output could not be written: {error}");
            if prints && exit == Exit::Finished { Exit::Usage } else { exit }
        }
        None => exit,
    };
    if exit::speaks() {
        exit_code_file::write(exit.code());
    }
    exit.into()
}

fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Config(args) => commands::config::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Ab(args) => commands::ab::run(&args),
        Command::Find(args) => commands::find::run(&args),
        Command::History(args) => commands::history::run(&args),
        Command::Resume(args) => commands::resume::resume(&args),
        Command::Cleanup(args) => commands::resume::clean_up(&args),
        Command::Runs(args) => commands::runs::run(&args),
        Command::Sweep(args) => commands::sweep::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Submission(args) => commands::submission::run(&args),
        Command::Completions(args) => commands::shell::completions(&args),
        Command::Man => commands::shell::man(),
    }
}
