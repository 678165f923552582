//! The arguments of `dfs-bench completions`.

use clap::Args;
use clap_complete::Shell;

/// Print the command line completions for a shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}
