//! `dfs-bench report`: shows finished runs.

use crate::exit::Exit;
use crate::report::{csv, html, json, load, markdown, output, text};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  dfs-bench report results/2026.01.02-03.04.05
      writes report.html
  dfs-bench report --format text results/*
      a summary of every run on standard output
  dfs-bench report --format markdown -o ticket.md /data/io500/results
      works for result directories of the official C suite too
  dfs-bench report --append all-runs.csv results/2026.01.02-03.04.05
      a row per phase and kind of operation, below those of earlier runs";

/// Show finished runs: score, phases, stragglers, latency, provenance
///
/// Reads result directories of this program and of the official C suite. The report names what a directory does not record.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// Result directories, or directories that hold several
    #[arg(required = true, value_name = "DIR")]
    pub directories: Vec<PathBuf>,
    /// Format of the report [default: html, or csv with --append]
    #[arg(long, short, value_enum)]
    pub format: Option<ReportFormat>,
    /// File to write; `-` is standard output [default: report.html, or standard output for the other formats]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// CSV file to append the rows to; created if it does not exist
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "force"])]
    pub append: Option<PathBuf>,
    /// Overwrite a file that is not a report
    #[arg(long)]
    pub force: bool,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One page with pictures that needs no network
    Html,
    /// Tables for a terminal
    Text,
    /// Everything, unrounded
    Json,
    /// A row per phase and kind of operation, unrounded
    Csv,
    /// Tables for tickets and wikis
    Markdown,
}

/// Writes the report.
pub fn run(args: &ReportArgs) -> Result<Exit> {
    let default = if args.append.is_some() { ReportFormat::Csv } else { ReportFormat::Html };
    let format = args.format.unwrap_or(default);
    if let Some(path) = &args.append {
        csv::only_csv(format == ReportFormat::Csv)?;
        csv::append(path, &load::groups(&args.directories)?)?;
        return Ok(Exit::Finished);
    }
    let default = if format == ReportFormat::Html { "report.html" } else { "-" };
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(default));
    output::check(&path, args.force)?;
    let groups = load::groups(&args.directories)?;
    let runs: Vec<_> = groups.iter().flat_map(|group| &group.runs).collect();
    let rendered = match format {
        ReportFormat::Html => html::render(&runs)?,
        ReportFormat::Text => text::render(&runs),
        ReportFormat::Json => json::render(&runs).context("cannot write the report as JSON")?,
        ReportFormat::Csv => csv::render(&groups)?,
        ReportFormat::Markdown => markdown::render(&runs),
    };
    output::write(&path, &rendered)?;
    if path.as_os_str() != "-" {
        eprintln!("wrote {}", path.display());
    }
    Ok(Exit::Finished)
}
