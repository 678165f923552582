//! `dfs-bench report`: shows finished runs.

use crate::args::report::{ReportArgs, ReportFormat};
use crate::exit::Exit;
use crate::report::{csv, html, json, load, markdown, output, text};
use anyhow::{Context, Result};
use std::path::PathBuf;

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
