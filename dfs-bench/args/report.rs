//! The arguments of `dfs-bench report`.

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
