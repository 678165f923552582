//! What a campaign found, for readers and for other programs.

use super::campaign::more_is_better;
use super::found::{Analysis, CellResult};
use super::journal::State;
use super::page;
use super::runner::duration;
use super::scouting::Scouting;
use super::tables::{self, SHOWN, with_interval};
use crate::args::sweep::Format;
use crate::report::figures;
use crate::report::tables::Table;
use crate::report::{markdown, text};
use anyhow::Context as _;

/// Renders it.
pub fn render(format: Format, state: &State, found: &Analysis) -> anyhow::Result<String> {
    Ok(match format {
        Format::Text => words(state, found, "", text::drawn),
        Format::Markdown => words(state, found, "## ", markdown::pipes),
        Format::Json => serde_json::to_string_pretty(found).context("the analysis as JSON")? + "\n",
        Format::Csv => csv(state, found)?,
        Format::Html => page::render(found, &sentences(state, found))?,
    })
}

fn words(state: &State, found: &Analysis, heading: &str, table: impl Fn(&Table) -> String) -> String {
    let mut out = format!("{heading}{}\n\n", found.name);
    for sentence in sentences(state, found) {
        out.push_str(&sentence);
        out.push('\n');
    }
    for one in tables::all(found) {
        out.push_str(&format!("\n{}\n\n{}\n", one.caption, table(&one).trim_end()));
    }
    out
}

/// The findings, the most important first; each says how sure it is.
fn sentences(state: &State, found: &Analysis) -> Vec<String> {
    let objective = found.objective.as_str();
    let mut said = Vec::new();
    let (good, failed, lost) = found.runs;
    if let Some(best) = &found.best {
        let cell = &found.cells[best.cell];
        let value =
            cell.figures.get(objective).map_or_else(String::new, |value| format!(", {}", figures::rate(*value)));
        said.push(match (&best.factor, best.beats_baseline) {
            (Some(factor), true) => {
                format!("Best {objective}: {}{value}, {} of the baseline.", cell.words, with_interval(factor))
            }
            (Some(factor), false) => format!(
                "No cell beats the baseline beyond chance; the best {objective} is that of {}{value} ({} of the baseline).",
                cell.words,
                with_interval(factor)
            ),
            (None, _) => format!("The baseline has the best {objective}: {}{value}.", cell.words),
        });
        if !best.as_good.is_empty() {
            said.push(format!(
                "{} of the other cells cannot be told from the best one with these repeats.",
                best.as_good.len()
            ));
        }
        if best.beats_baseline {
            said.push(baseline_to_tuned(&found.cells[0], cell));
        }
    } else {
        said.push(format!("No run has brought the {objective} yet."));
    }
    said.extend(found.scouting.iter().flat_map(scouted));
    for interaction in &found.interactions {
        let ((a, b), (x, y)) = (&interaction.axes, &interaction.values);
        said.push(format!(
            "{a} and {b} depend on each other: {a}={x} with {b}={y} brings {} of the product of what each brings.",
            figures::times(interaction.ratio)
        ));
    }
    match &found.drift {
        Some(drift) if drift.removed => said.push(format!(
            "The machine drifted: the baseline changed {} in ten runs ({} runs of it, p {}); the {objective} of all runs is corrected for it.",
            figures::times(drift.over_ten_runs),
            drift.runs,
            figures::significant(drift.p, 2)
        )),
        Some(drift) => said.push(format!("No drift is seen in {} runs of the baseline.", drift.runs)),
        None => said.push("Whether the machine drifted is not known: fewer than four runs of the baseline.".into()),
    }
    for outlier in &found.outliers {
        said.push(format!(
            "Run {} ({}) stands apart: {} of the other runs of its cell. It is counted.",
            outlier.run,
            outlier.cell,
            figures::times(outlier.ratio)
        ));
    }
    let taken: f64 = state.runs.iter().filter_map(|run| Some(run.outcome.as_ref()?.seconds)).sum();
    let lost = if lost > 0 { format!(", {lost} lost or still running") } else { String::new() };
    said.push(format!("{good} runs counted, {failed} failed{lost}; they took {}.", duration(taken)));
    if found.not_tried > 0 {
        said.push(format!("{} combinations of values were not tried.", found.not_tried));
    }
    // what failed alike is told once
    let mut reasons: std::collections::BTreeMap<&str, Vec<&(u64, String, String)>> = Default::default();
    for failure in &found.failures {
        reasons.entry(&failure.2).or_default().push(failure);
    }
    for (why, runs) in reasons.iter().take(SHOWN) {
        let (run, cell, _) = runs[0];
        let more = if runs.len() > 1 { format!(" and {} more", runs.len() - 1) } else { String::new() };
        said.push(format!("Failed: run {run} ({cell}){more}: {why}"));
    }
    for (run, cell, what) in found.doubts.iter().take(SHOWN) {
        said.push(format!("Doubt: run {run} ({cell}): {what}"));
    }
    said
}

/// What an adaptive campaign did, how sure it is, and on which condition.
fn scouted(scouting: &Scouting) -> Vec<String> {
    let mut said = Vec::new();
    let first = &scouting.rungs[0];
    let way: Vec<String> = (0..)
        .zip(&scouting.rungs)
        .map(|(rung, one)| format!("{}{} for {} s", one.cells, if rung == 0 { " cells" } else { "" }, one.stonewall))
        .collect();
    let over = if scouting.over { "" } else { "; the scouting is not over" };
    said.push(format!(
        "Scouted: {}{over}; {:.0} stonewall seconds, {} of what the full design takes.",
        way.join(", then "),
        scouting.stonewall_seconds,
        figures::percent(scouting.stonewall_seconds / scouting.full_seconds)
    ));
    if first.measured < first.cells && scouting.over {
        said.push(format!(
            "{} cells brought no figure in the first rung and were left behind.",
            first.cells - first.measured
        ));
    }
    match scouting.missed.filter(|_| scouting.over) {
        Some(missed) => said.push(format!(
            "A cell as good as the best one was left behind with a probability of at most about {}, if short runs rank cells as long ones do.",
            figures::percent(missed)
        )),
        None if scouting.over => {
            said.push("How likely a better cell was left behind is not known: the baseline was not run often enough.".into());
        }
        None => {}
    }
    said
}

/// `From the baseline to the best cell: IOPS ×2.1, bandwidth ×1.4, score ×1.7, best phase ior-hard-write ×3.2.`
fn baseline_to_tuned(from: &CellResult, to: &CellResult) -> String {
    let ratio = |name: &str| Some(to.figures.get(name)? / from.figures.get(name)?);
    let mut parts = Vec::new();
    for (name, words) in [("metadata", "IOPS"), ("bandwidth", "bandwidth"), ("score", "score")] {
        parts.extend(ratio(name).map(|ratio| format!("{words} {}", figures::times(ratio))));
    }
    let phase = |name: &&String| !["score", "bandwidth", "metadata"].contains(&name.as_str()) && more_is_better(name);
    let phases = to.figures.keys().filter(phase);
    let best = phases.filter_map(|name| Some((name, ratio(name)?))).max_by(|(_, a), (_, b)| a.total_cmp(b));
    parts.extend(best.map(|(name, ratio)| format!("best phase {name} {}", figures::times(ratio))));
    format!("From the baseline to the best cell: {}.", parts.join(", "))
}

/// A row per run and figure; failed and lost runs have one row without a figure.
fn csv(state: &State, found: &Analysis) -> anyhow::Result<String> {
    let schedule = super::Schedule::new(&state.campaign)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let axes = state.campaign.axes.iter().map(|axis| axis.name.clone());
    let fixed = ["run", "started", "for", "round", "attempt", "cell", "seconds", "state", "remark", "figure", "value"];
    writer.write_record(fixed.map(str::to_owned).into_iter().chain(axes))?;
    for run in &state.runs {
        let (purpose, round) = match &run.slot {
            super::slot::Slot::WarmUp => ("warm-up", String::new()),
            super::slot::Slot::Data { .. } => ("data", String::new()),
            super::slot::Slot::Baseline { round, .. } => ("baseline", (round + 1).to_string()),
            super::slot::Slot::Cell { round, .. } => ("cell", (round + 1).to_string()),
            super::slot::Slot::Scout { rung, .. } => ("scout", (rung + 1).to_string()),
            super::slot::Slot::ScoutBaseline { rung, .. } => ("scout-baseline", (rung + 1).to_string()),
        };
        let cell = schedule.cell_of(&run.slot);
        let values: Vec<String> = match cell {
            Some(cell) => cell.values(&state.campaign).iter().map(|(_, value)| value.to_string()).collect(),
            None => vec![String::new(); state.campaign.axes.len()],
        };
        let id = cell.map_or_else(|| run.slot.word(), |cell| cell.id(&state.campaign));
        let outcome = run.outcome.as_ref();
        let ended = match outcome {
            None => "lost",
            Some(outcome) if outcome.counts() => "finished",
            Some(_) => "failed",
        };
        let seconds = outcome.map_or_else(String::new, |outcome| outcome.seconds.to_string());
        let outlier = found.outliers.iter().find(|outlier| outlier.run == run.number);
        let remark: Vec<String> = outcome
            .into_iter()
            .flat_map(|outcome| outcome.failure.iter().chain(&outcome.doubts).cloned())
            .chain(outlier.map(|outlier| format!("stands apart: {} of the others", figures::times(outlier.ratio))))
            .collect();
        let mut row = |figure: &str, value: String| {
            let fixed = [
                run.number.to_string(),
                run.started.clone(),
                purpose.into(),
                round.clone(),
                run.attempt.to_string(),
                id.clone(),
                seconds.clone(),
                ended.into(),
                figure.into(),
                value,
                remark.join("; "),
            ];
            writer.write_record(fixed.into_iter().chain(values.iter().cloned()))
        };
        let figures = outcome.map(|outcome| &outcome.figures).into_iter().flatten();
        let mut any = false;
        for (name, value) in figures {
            row(name, value.to_string())?;
            any = true;
        }
        if !any {
            row("", String::new())?;
        }
    }
    String::from_utf8(writer.into_inner().context("the table as CSV")?).context("the table as CSV")
}
