//! `dfs-bench compare`: finished runs against each other.

use crate::exit::{Exit, UsageError};
use crate::report::compare::analyse::{self, Comparison};
use crate::report::compare::gate::{self, Limit};
use crate::report::compare::render;
use crate::report::{csv, load, output};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  dfs-bench compare results/before results/after
  dfs-bench compare --format html baseline/ candidate/
      each directory holds several repeated runs: the ratios come with confidence intervals
  dfs-bench compare --fail-below 5% baseline/ nightly/
      exit code 6 when a scored phase or the score fell by more than 5 %, a phase lost its rate, a verdict was lost,
      or data were wrong";

/// Compare runs, or groups of repeated runs, with the first one given
///
/// A directory that holds several result directories is a group of repeats. Results of this program and of the official C
/// suite may be mixed. Caveats are printed with the comparison; what forbids one needs --force.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompareArgs {
    /// Result directories or groups of them; the first is the baseline
    #[arg(required = true, num_args = 2.., value_name = "DIR")]
    pub directories: Vec<PathBuf>,
    /// Format of the comparison [default: text, or csv with --append]
    #[arg(long, short, value_enum)]
    pub format: Option<CompareFormat>,
    /// File to write; `-` is standard output [default: compare.html for HTML, else standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// CSV file to append the rows to; created if it does not exist
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub append: Option<PathBuf>,
    /// Exit with code 6 when a scored figure fell by more than this, unless three or more repeats show that it may be noise
    #[arg(long, value_name = "PERCENT")]
    pub fail_below: Option<Limit>,
    /// Compare in spite of what forbids it, and overwrite a file that is not a report
    #[arg(long)]
    pub force: bool,
}

/// The formats of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// Tables for a terminal
    Text,
    /// Everything, unrounded
    Json,
    /// Tables for tickets and wikis
    Markdown,
    /// One page with pictures that needs no network
    Html,
    /// The runs of all groups as `report --format csv` has them
    Csv,
}

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
