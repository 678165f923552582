//! The arguments of `dfs-bench sweep`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  dfs-bench sweep --example > campaign.toml
  dfs-bench sweep plan campaign.toml
      the cells and the order of their runs; starts nothing
  dfs-bench sweep run campaign.toml --dir campaign
      from the shell of an allocation: the sweep itself is not an MPI program, it starts the launcher
  dfs-bench sweep resume campaign
      after a kill, a failed node, the end of an allocation
  dfs-bench sweep submit campaign.toml
      one batch job per run (sbatch or qsub); dfs-bench sweep status campaign takes in what is over
  dfs-bench sweep report campaign --format html";

/// Run a campaign: many settings, repeated, in an order that shows drift, and what brought how much
///
/// A file names what is varied (nodes, ranks, object classes, any option, environment, scripts); every run is a run of the suite with a
/// result directory of its own. What was done is in a journal that survives any kill.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct SweepArgs {
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Print a commented campaign
    #[arg(long)]
    pub example: bool,
    /// Print the JSON schema of a campaign's file, for editors
    #[arg(long, conflicts_with = "example")]
    pub schema: bool,
}

/// What to do with a campaign.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show the cells, the order of the runs and a command; start nothing
    Plan {
        /// The campaign's file
        file: PathBuf,
    },
    /// Begin a campaign
    Run {
        /// The campaign's file
        file: PathBuf,
        /// Where results and journal go [default: the file's name without .toml]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Go on with a campaign
    Resume {
        /// The campaign's directory
        dir: PathBuf,
        /// A changed file: more values, repeats or budget
        file: Option<PathBuf>,
        /// Give what failed its attempts anew
        #[arg(long)]
        retry_failed: bool,
    },
    /// Submit a campaign's runs as batch jobs that wait for each other; again, for what is left by then
    Submit {
        /// The campaign's file, or its directory
        campaign: PathBuf,
        /// Where results and journal go [default: the file's name without .toml]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Give what failed its attempts anew
        #[arg(long)]
        retry_failed: bool,
    },
    /// Show how far a campaign is
    Status {
        /// The campaign's directory
        dir: PathBuf,
    },
    /// Show what a campaign found, finished or not
    Report {
        /// The campaign's directory
        dir: PathBuf,
        /// Format of the report
        #[arg(long, short, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// File to write; `-` is standard output [default: sweep.html for HTML, else standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Overwrite a file
        #[arg(long)]
        force: bool,
    },
}

/// The formats of a campaign's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for a terminal
    Text,
    /// Tables for tickets and wikis
    Markdown,
    /// One page with pictures that needs no network and can be printed
    Html,
    /// Everything, unrounded
    Json,
    /// A row per run and figure, for pandas and R
    Csv,
}
