//! `dfs-bench compare`: finished runs against each other.

use crate::args::compare::{CompareArgs, CompareFormat};
use crate::exit::{Exit, UsageError};
use crate::report::compare::model::Comparison;
use crate::report::compare::{analyse, gate, junit, render, repeats};
use crate::report::model::Run;
use crate::report::{csv, load, output};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Writes the comparison; the exit code says whether the gate let it pass.
pub fn run(args: &CompareArgs) -> Result<Exit> {
    let default = if args.append.is_some() { CompareFormat::Csv } else { CompareFormat::Text };
    let format = args.format.unwrap_or(default);
    csv::only_csv(args.append.is_none() || format == CompareFormat::Csv)?;
    let default = if format == CompareFormat::Html { "compare.html" } else { "-" };
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(default));
    output::check(&path, args.force)?;
    let groups = match args.rolling {
        Some(count) => match rolling(&args.directories, count)? {
            Some(groups) => groups,
            None => {
                eprintln!("dfs-bench: one run only: there is nothing to compare it with yet");
                return Ok(Exit::Finished);
            }
        },
        None => load::groups(&args.directories)?,
    };
    if let [group] = groups.as_slice() {
        return alone(args, group, format, &path);
    }
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
    if let (Some(file), Some(gate)) = (&args.junit, &gate) {
        output::write(file, &junit::render(gate))?;
    }
    Ok(if gate.is_some_and(|gate| !gate.passed) { Exit::Below } else { Exit::Finished })
}

/// One group is summed up.
fn alone(args: &CompareArgs, group: &load::RunGroup, format: CompareFormat, path: &Path) -> Result<Exit> {
    if args.fail_below.is_some() {
        return Err(UsageError::new("--fail-below needs something to compare with")
            .hint("give a baseline first")
            .into());
    }
    let found = repeats::of(group);
    let groups = std::slice::from_ref(group);
    let rendered = match format {
        CompareFormat::Text => render::repeats_to_text(&found),
        CompareFormat::Json => render::repeats_to_json(&found).context("cannot write the summary as JSON")?,
        CompareFormat::Markdown => render::repeats_to_markdown(&found),
        CompareFormat::Html => render::repeats_to_html(&found)?,
        CompareFormat::Csv => csv::render(groups)?,
    };
    match &args.append {
        Some(path) => csv::append(path, groups)?,
        None => output::write(path, &rendered)?,
    }
    Ok(Exit::Finished)
}

/// The last run below the directories, and the `count` finished ones before it as its baseline; none where there are none before it.
fn rolling(directories: &[PathBuf], count: usize) -> Result<Option<Vec<load::RunGroup>>> {
    let mut runs: Vec<_> = load::groups(directories)?.into_iter().flat_map(|group| group.runs).collect();
    // the times of the result files sort as text; a run that did not finish is no baseline
    runs.sort_by(|a, b| (&a.started, &a.label).cmp(&(&b.started, &b.label)));
    let last = runs.pop();
    runs.retain(|run| run.ending.is_none());
    let Some(last) = last.filter(|_| !runs.is_empty()) else { return Ok(None) };
    let before = runs.split_off(runs.len().saturating_sub(count.max(1)));
    let group = |label: String, runs: Vec<Run>| load::RunGroup { label, path: runs[0].path.clone(), runs };
    let words =
        if before.len() == 1 { "the run before".to_owned() } else { format!("the {} runs before", before.len()) };
    Ok(Some(vec![group(words, before), group(last.label.clone(), vec![last])]))
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
