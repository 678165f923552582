//! `dfs-bench compare`: finished runs against each other.

use crate::args::compare::{CompareArgs, CompareFormat};
use crate::exit::{Exit, UsageError};
use crate::report::compare::model::Comparison;
use crate::report::compare::{analyse, gate, render};
use crate::report::{csv, load, output};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Writes the comparison; the exit code says whether the gate let it pass.
pub fn run(args: &CompareArgs) -> Result<Exit> {
    let default = if args.append.is_some() { CompareFormat::Csv } else { CompareFormat::Text };
    let format = args.format.unwrap_or(default);
    csv::only_csv(args.append.is_none() || format == CompareFormat::Csv)?;
    let default = if format == CompareFormat::Html { "compare.html" } else { "-" };
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(default));
    output::check(&path, args.force)?;
    let groups = load::groups(&args.directories)?;
    let found = analyse::compare(&groups);
    if !args.force {
        refuse(&found)?;
    }
    let gate = args.fail_below.map(|limit| gate::check(limit, &found.versus));
    let rendered = match format {
        CompareFormat::Text => render::to_text(&found, gate.as_ref()),
        CompareFormat::Json => render::to_json(&found, gate.as_ref()).context("cannot write the comparison as JSON")?,
        CompareFormat::Markdown => render::to_markdown(&found, gate.as_ref()),
        CompareFormat::Html => render::to_html(&found, gate.as_ref())?,
        CompareFormat::Csv => csv::render(&groups)?,
    };
    match &args.append {
        Some(path) => csv::append(path, &groups)?,
        None => output::write(&path, &rendered)?,
    }
    if path.as_os_str() != "-" {
        eprintln!("wrote {}", path.display());
    }
    Ok(if gate.is_some_and(|gate| !gate.passed) { Exit::Below } else { Exit::Finished })
}

/// Stops at what forbids a comparison.
fn refuse(found: &Comparison) -> Result<()> {
    let refusals: Vec<&str> = found
        .versus
        .iter()
        .flat_map(|versus| &versus.concerns)
        .filter(|concern| concern.refuses)
        .map(|concern| concern.words.as_str())
        .collect();
    if !refusals.is_empty() {
        let message = format!("not comparable: {}", refusals.join("; "));
        return Err(UsageError::new(message).hint("--force compares them anyway").into());
    }
    Ok(())
}
