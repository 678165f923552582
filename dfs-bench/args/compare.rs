//! The arguments of `dfs-bench compare`.

use crate::report::compare::gate::Limit;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  dfs-bench compare results/before results/after
  dfs-bench compare --format html baseline/ candidate/
      each directory holds several repeated runs: the ratios come with confidence intervals
  dfs-bench compare --fail-below 5% baseline/ nightly/
  dfs-bench compare results/repeats
      a group by itself: means, how much they vary, and what difference they would show
  dfs-bench compare --rolling 10 --fail-below 5% --junit gate.xml nightly/
      the last run against the ten before it
  with --fail-below:
      exit code 6 when a scored phase or the score fell by more than 5 %, a phase lost its rate, a verdict was lost,
      or data were wrong";

/// Compare runs, or groups of repeated runs, with the first one given
///
/// A directory that holds several result directories is a group of repeats. Results of this program and of the official C
/// suite may be mixed. Caveats are printed with the comparison; what forbids one needs --force.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompareArgs {
    /// Result directories or groups of them; the first is the baseline. A single group is summed up
    #[arg(required = true, num_args = 1.., value_name = "DIR")]
    pub directories: Vec<PathBuf>,
    /// Format of the comparison [default: text, or csv with --append]
    #[arg(long, short, value_enum)]
    pub format: Option<CompareFormat>,
    /// File to write; `-` is standard output [default: compare.html for HTML, else standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// CSV file to append the rows to; created if it does not exist
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub append: Option<PathBuf>,
    /// Exit with code 6 when a scored figure fell by more than this, unless three or more repeats show that it may be noise
    #[arg(long, value_name = "PERCENT")]
    pub fail_below: Option<Limit>,
    /// Compare the last run below the directories with the N runs before it
    #[arg(long, value_name = "N")]
    pub rolling: Option<usize>,
    /// Write what the gate found as a JUnit file
    #[arg(long, value_name = "FILE", requires = "fail_below")]
    pub junit: Option<PathBuf>,
    /// Compare in spite of what forbids it, and overwrite a file that is not a report
    #[arg(long)]
    pub force: bool,
}

/// The formats of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// Tables for a terminal
    Text,
    /// Everything, unrounded
    Json,
    /// Tables for tickets and wikis
    Markdown,
    /// One page with pictures that needs no network
    Html,
    /// The runs of all groups as `report --format csv` has them
    Csv,
}
