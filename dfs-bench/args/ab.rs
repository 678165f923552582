//! The arguments of `dfs-bench ab`.

use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  dfs-bench ab --a '--oclass SX' --b '--oclass S2' --launch 'mpirun -np 16' -- --quick --phase ior-easy
      in turns (A B B A …) until the difference is sure, or it is sure to be small, or --max pairs were run
  dfs-bench ab --a '--api dfs' --b '--api posix --datadir /mnt/dfuse/data' --repeat 5 -- io500.ini
      five runs of each
  dfs-bench compare ab-2026.01.02-03.04.05/a ab-2026.01.02-03.04.05/b
      the comparison again";

/// Run two settings in turns and say whether they differ, and what difference would have shown
///
/// It is not an MPI program: it starts the launcher for each run.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AbArgs {
    /// Arguments of a run that only A has
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    pub a: String,
    /// Arguments of a run that only B has
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    pub b: String,
    /// The launcher and its arguments, for every run
    #[arg(long, value_name = "COMMAND", default_value = "")]
    pub launch: String,
    /// So many pairs of runs, whatever they say
    #[arg(long, value_name = "N", conflicts_with = "max")]
    pub repeat: Option<usize>,
    /// At most so many pairs of runs
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub max: usize,
    /// A difference below this does not matter
    #[arg(long, value_name = "PERCENT", default_value = "2%")]
    pub margin: crate::report::compare::gate::Limit,
    /// Runs of each side before those that count
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub warm_up: usize,
    /// Directory for the results [default: ab-TIMESTAMP]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Arguments of a run that both have
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub common: Vec<String>,
}
