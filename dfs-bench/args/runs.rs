//! The arguments of `dfs-bench runs`.

use super::config::Format;
use clap::Args;
use std::path::PathBuf;

/// List the runs of a directory: how far each came, what it left in its data directory, and how large that is
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The directory that holds the result directories
    #[arg(value_name = "DIR", default_value = "results")]
    pub directory: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Seconds to spend on counting the files of each run; 0: do not open the stores
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub patience: u64,
}
