//! `dfs-bench ab`: two settings in turns.

use crate::ab::runner::Runner;
use crate::args::ab::AbArgs;
use crate::exit::Exit;
use anyhow::Result;

/// Runs the comparison.
pub fn run(args: &AbArgs) -> Result<Exit> {
    Runner::new(args)?.run()
}
