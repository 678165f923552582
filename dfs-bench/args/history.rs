//! The arguments of `dfs-bench history`.

use crate::report::compare::gate::Limit;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  dfs-bench history /data/io500
      why is the throughput lower today: since which run, and what differed from then on
  dfs-bench history /data/io500 --format html
      the same with a control chart per phase, in history.html
  dfs-bench history /data/io500 --fail-below 5% > /var/log/io500-history || logger -p user.err 'IO500 is slower'
      for cron: exit code 6 when a scored figure of the newest run is more than 5 % below the runs before it and it is no chance, or
      when that run did not finish";

/// Show all runs under a directory in time order: control charts, changes of level, and what differed since
///
/// Reads runs of this program and of the C suite, in any depth. Runs are compared with those of as many ranks and nodes, the same API and
/// the same stonewall; what else differs between them is named where a figure changes its level.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HistoryArgs {
    /// A directory with runs below it
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Format of the report
    #[arg(long, short, value_enum, default_value_t = HistoryFormat::Text)]
    pub format: HistoryFormat,
    /// File to write; `-` is standard output [default: history.html for HTML, else standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit with code 6 when a scored figure of the newest run fell by more than this below the runs before it, unless it may be chance
    #[arg(long, value_name = "PERCENT")]
    pub fail_below: Option<Limit>,
    /// Overwrite a file that is not a report
    #[arg(long)]
    pub force: bool,
}

/// The formats of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// Tables for a terminal
    Text,
    /// Tables for tickets and wikis
    Markdown,
    /// Everything, unrounded
    Json,
    /// A row per run and figure, with limits
    Csv,
    /// One page with control charts that needs no network
    Html,
}
