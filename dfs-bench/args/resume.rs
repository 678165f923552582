//! The arguments of `dfs-bench resume` and `dfs-bench cleanup`.

use crate::live::Shown;
use clap::Args;
use std::path::PathBuf;

const RESUME: &str = "\
Examples:
  mpirun -np 1280 dfs-bench resume results/2026.01.02-03.04.05
      with as many ranks as the run had; what it does is checked before anything is touched

A write phase that was interrupted is run again from its beginning and replaces its own files.";

/// Go on with a run that was interrupted or failed: its configuration, its timestamp, the phases that are left
#[derive(Debug, Args)]
#[command(after_help = RESUME)]
pub struct ResumeArgs {
    /// The result directory of the run
    #[arg(value_name = "RESULT-DIR")]
    pub directory: PathBuf,
    /// Check the run, print the plan of the phases that are left, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The live view, as for a run
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW")]
    pub progress: Shown,
    /// Write the exit code as a number into this file: launchers may report another one
    #[arg(long, value_name = "FILE")]
    pub exit_code_file: Option<PathBuf>,
    /// More messages on standard error
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

const CLEANUP: &str = "\
Examples:
  dfs-bench cleanup results/2026.01.02-03.04.05
  mpirun -np 16 dfs-bench cleanup results/2026.01.02-03.04.05
      any number of ranks: they share the work

The results stay; see `dfs-bench runs` for what runs left.";

/// Remove the files that a run left in its data directory; its results stay
#[derive(Debug, Args)]
#[command(after_help = CLEANUP)]
pub struct CleanupArgs {
    /// The result directory of the run
    #[arg(value_name = "RESULT-DIR")]
    pub directory: PathBuf,
    /// Only the files of these phases
    #[arg(short, long, value_name = "LIST", default_value = "all")]
    pub phase: String,
    /// More messages on standard error
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}
