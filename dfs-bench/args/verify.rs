//! The arguments of `dfs-bench verify`.

use super::config::Format;
use clap::Args;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0         nothing is refuted, and the score hash is confirmed
  2         there is no such result
  3         with --strict: the result is invalid, or there is a doubt
  5         the score, a hash or the figures are refuted, or there is no score to confirm";

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct VerifyArgs {
    /// Result directory, a result.txt, or where nothing else exists a result_summary.txt or saved console output
    #[arg(value_name = "RESULT")]
    pub result: PathBuf,
    /// Configuration of the run; otherwise config.ini or config-orig.ini beside the result. May come first, as in io500-verify
    #[arg(value_name = "INI")]
    pub config: Option<PathBuf>,
    /// io500-verify's level of verbosity
    #[arg(hide = true)]
    pub level: Option<u32>,
    /// Exit with code 3 if there is a doubt
    #[arg(long)]
    pub strict: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}
