//! `dfs-bench completions` and `dfs-bench man`: what a shell and `man` want to know, on standard output.

use crate::cli::Cli;
use crate::exit::Exit;
use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::io::Write as _;

/// Print a shell's completions of the command line
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

pub fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dfs-bench", &mut text);
    print(&text)
}

/// The manual: the page of the command, then one for each subcommand.
pub fn man() -> anyhow::Result<Exit> {
    let mut command = Cli::command();
    command.build();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        clap_mangen::Man::new(subcommand.clone()).render(&mut text)?;
    }
    print(&text)
}

fn print(text: &[u8]) -> anyhow::Result<Exit> {
    std::io::stdout().write_all(text).context("cannot write to standard output")?;
    Ok(Exit::Finished)
}
