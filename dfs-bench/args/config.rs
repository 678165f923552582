//! The arguments of `dfs-bench config`.

use super::run::RunArgs;
use clap::{Args, Subcommand, ValueEnum};

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List every option with its default, its meaning, and when it invalidates a run, as a configuration file
    List {
        /// Leave out the sections of the extended mode
        #[arg(long)]
        mandatory: bool,
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show the effective value of every option and where it came from
    Show {
        /// Leave out options at their defaults
        #[arg(long)]
        changed: bool,
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        #[command(flatten)]
        run: Box<RunArgs>,
    },
    /// Check a configuration as a run would, and name what would make the run invalid
    Check {
        #[command(flatten)]
        run: Box<RunArgs>,
    },
    /// Print the configuration hash as the C suite computes it
    Hash {
        #[command(flatten)]
        run: Box<RunArgs>,
    },
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}
