//! `dfs-bench completions` and `dfs-bench man`: what a shell and `man` want to know, on standard output.

use crate::args::shell::CompletionsArgs;
use crate::cli::Cli;
use crate::exit::Exit;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

pub fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dfs-bench", &mut text);
    show(&text)
}

/// The manual: the page of the command, then one for each subcommand, and for those below it.
pub fn man() -> anyhow::Result<Exit> {
    let mut command = Cli::command();
    command.build();
    let mut text = Vec::new();
    pages(&mut command, &mut text)?;
    show(&text)
}

fn pages(command: &mut Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    // the version of the command has several lines, and a title has one
    let man = Man::new(command.clone()).source(concat!("dfs-bench ", env!("CARGO_PKG_VERSION")));
    man.render_title(text)?;
    man.render_name_section(text)?;
    // the library's own synopsis leaves out what options and subcommands take
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]);
    for line in command.render_usage().to_string().trim_start_matches("Usage:").lines() {
        synopsis.text([roman(line.trim())]);
        synopsis.control("br", []);
    }
    synopsis.to_writer(text)?;
    man.render_description_section(text)?;
    man.render_options_section(text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(text)?;
    }
    if command.get_after_help().is_some() {
        man.render_extra_section(text)?;
    }
    command.get_subcommands_mut().filter(|below| below.get_name() != "help").try_for_each(|below| pages(below, text))
}

fn show(text: &[u8]) -> anyhow::Result<Exit> {
    print!("{}", String::from_utf8_lossy(text));
    Ok(Exit::Finished)
}
