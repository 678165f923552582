//! `dfs-bench runs`: which runs are there, how far they came, and what they left.

use crate::args::config::Format;
use crate::args::runs::RunsArgs;
use crate::exit::{Exit, UsageError};
use crate::report::load;
use crate::runs::listing;
use crate::runs::recorded::RecordedRun;
use anyhow::{Context as _, Result};
use std::time::Duration;

/// Lists the runs; directories of other programs are named as such.
pub fn run(args: &RunsArgs) -> Result<Exit> {
    let directories = load::run_directories(&args.directory)?;
    let (ours, others): (Vec<_>, Vec<_>) = directories.into_iter().partition(|path| path.join("result.json").exists());
    if ours.is_empty() {
        let message = format!("no run of dfs-bench in {}", args.directory.display());
        return Err(UsageError::new(message).hint("give the directory that holds the result directories").into());
    }
    let mut runs = Vec::new();
    for directory in ours {
        match RecordedRun::read(&directory) {
            Ok(run) => runs.push(listing::look(&run, Duration::from_secs(args.patience))),
            Err(error) => eprintln!("warning: {error}"),
        }
    }
    runs.sort_by(|a, b| (&a.began, &a.directory).cmp(&(&b.began, &b.directory)));
    match args.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&runs).context("the list as JSON")?),
        Format::Text => {
            let below = args.directory.canonicalize().unwrap_or_else(|_| args.directory.clone());
            print!("{}", listing::text(&runs, &below));
            if !others.is_empty() {
                println!("and {} of other programs", others.len());
            }
        }
    }
    Ok(Exit::Finished)
}
