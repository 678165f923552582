//! What a campaign found, for readers and for other programs.

use super::analysis::{Analysis, CellResult, Factor};
use super::journal::State;
use super::runner::duration;
use crate::args::sweep::Format;
use crate::report::figures;
use crate::report::tables::{Table, UNKNOWN};
use crate::report::{markdown, text};
use anyhow::Context as _;

/// Cells that the tables for readers show at most; the best ones.
const SHOWN: usize = 20;

/// Renders it.
pub fn render(format: Format, state: &State, found: &Analysis) -> anyhow::Result<String> {
    Ok(match format {
        Format::Text => words(state, found, "", text::drawn),
        Format::Markdown => words(state, found, "## ", markdown::pipes),
        Format::Json => serde_json::to_string_pretty(found).context("the analysis as JSON")? + "\n",
        Format::Csv => csv(state)?,
    })
}

fn words(state: &State, found: &Analysis, heading: &str, table: impl Fn(&Table) -> String) -> String {
    let mut out = format!("{heading}{}\n\n", found.name);
    for sentence in sentences(state, found) {
        out.push_str(&sentence);
        out.push('\n');
    }
    for one in tables(found) {
        out.push_str(&format!("\n{}\n\n{}\n", one.caption, table(&one).trim_end()));
    }
    out
}

/// The findings, the most important first; each says how sure it is.
fn sentences(state: &State, found: &Analysis) -> Vec<String> {
    let objective = found.objective;
    let mut said = Vec::new();
    let (good, failed, lost) = found.runs;
    if let Some(best) = &found.best {
        let cell = &found.cells[best.cell];
        let value =
            cell.figures.get(objective).map_or_else(String::new, |value| format!(", {}", figures::rate(*value)));
        said.push(match (&cell.against_baseline, best.beats_baseline) {
            (Some(factor), true) => {
                format!("Best {objective}: {}{value}, {} of the baseline.", cell.words, with_interval(factor))
            }
            (Some(factor), false) => format!(
                "No cell beats the baseline beyond chance; the highest {objective} is that of {}{value} ({} of the baseline).",
                cell.words,
                with_interval(factor)
            ),
            (None, _) => format!("The baseline has the highest {objective}: {}{value}.", cell.words),
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

/// `From the baseline to the best cell: IOPS ×2.1, bandwidth ×1.4, score ×1.7, best phase ior-hard-write ×3.2.`
fn baseline_to_tuned(from: &CellResult, to: &CellResult) -> String {
    let ratio = |name: &str| Some(to.figures.get(name)? / from.figures.get(name)?);
    let mut parts = Vec::new();
    for (name, words) in [("metadata", "IOPS"), ("bandwidth", "bandwidth"), ("score", "score")] {
        parts.extend(ratio(name).map(|ratio| format!("{words} {}", figures::times(ratio))));
    }
    let phases = to.figures.keys().filter(|name| !["score", "bandwidth", "metadata"].contains(&name.as_str()));
    let best = phases.filter_map(|name| Some((name, ratio(name)?))).max_by(|(_, a), (_, b)| a.total_cmp(b));
    parts.extend(best.map(|(name, ratio)| format!("best phase {name} {}", figures::times(ratio))));
    format!("From the baseline to the best cell: {}.", parts.join(", "))
}

fn with_interval(factor: &Factor) -> String {
    match (factor.low, factor.high) {
        (Some(low), Some(high)) => {
            format!("{} ({} to {})", figures::times(factor.ratio), figures::times(low), figures::times(high))
        }
        _ => format!("{} (not repeated: no interval)", figures::times(factor.ratio)),
    }
}

fn tables(found: &Analysis) -> Vec<Table> {
    let mut tables = vec![effects(found)];
    if !found.steps.is_empty() {
        let mut steps = Table::new(
            "steps",
            "From the baseline to the best cell, the largest step first",
            &["Setting", "#Factor", "From"],
        );
        for step in &found.steps {
            let from = if step.measured { "both cells were run" } else { "estimated from the effects" };
            steps.rows.push(vec![format!("{}={}", step.axis, step.value), figures::times(step.ratio), from.into()]);
        }
        tables.push(steps);
    }
    tables.push(cells(found));
    let mut per_figure =
        Table::new("figures", "The best cell for each figure", &["Figure", "#Best", "#Baseline", "#Ratio", "Cell"]);
    for (name, &index) in &found.best_per_figure {
        let (best, base) = (found.cells[index].figures[name], found.cells[0].figures.get(name));
        per_figure.rows.push(vec![
            name.clone(),
            figures::rate(best),
            base.map_or(UNKNOWN.into(), |base| figures::rate(*base)),
            base.map_or(UNKNOWN.into(), |base| figures::times(best / base)),
            found.cells[index].words.clone(),
        ]);
    }
    tables.push(per_figure);
    if found.trade_off.len() > 1 {
        let caption = "No cell beats these in both bandwidth and metadata";
        let mut both = Table::new("trade-off", caption, &["Cell", "#Bandwidth, GiB/s", "#Metadata, kIOPS"]);
        for &index in &found.trade_off {
            let cell = &found.cells[index];
            both.rows.push(vec![
                cell.words.clone(),
                figures::rate(cell.figures["bandwidth"]),
                figures::rate(cell.figures["metadata"]),
            ]);
        }
        tables.push(both);
    }
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn effects(found: &Analysis) -> Table {
    let caption = format!("What each value does to the {}, the other settings being what they are", found.objective);
    let mut table = Table::new("effects", caption, &["Setting", "Against", "#Factor", "95 % interval", "Finding"]);
    for effect in &found.effects {
        for (value, factor) in &effect.values {
            let interval = match (factor.low, factor.high) {
                (Some(low), Some(high)) => format!("{} to {}", figures::times(low), figures::times(high)),
                _ => UNKNOWN.into(),
            };
            let finding = match (factor.p, factor.is_significant()) {
                (None, _) => "not repeated",
                (_, false) => "no difference beyond noise",
                (_, true) if factor.ratio > 1.0 => "better",
                (_, true) => "worse",
            };
            let setting = format!("{}={value}", effect.axis);
            table.rows.push(vec![
                setting,
                effect.baseline.clone(),
                figures::times(factor.ratio),
                interval,
                finding.into(),
            ]);
        }
    }
    table
}

fn cells(found: &Analysis) -> Table {
    let objective = |cell: &CellResult| cell.figures.get(found.objective).copied();
    let mut order: Vec<&CellResult> = found.cells.iter().collect();
    order.sort_by(|a, b| objective(b).unwrap_or(0.0).total_cmp(&objective(a).unwrap_or(0.0)));
    let more = found.cells.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" ({more} further cells: --format csv or json)") } else { String::new() };
    let caption = format!("The cells by {}{rest}", found.objective);
    let mut table = Table::new("cells", caption, &["Cell", "#Mean", "#Runs", "#Failed", "Against the baseline"]);
    for cell in order.into_iter().take(SHOWN) {
        table.rows.push(vec![
            cell.words.clone(),
            objective(cell).map_or(UNKNOWN.into(), figures::rate),
            cell.runs.to_string(),
            cell.failed.to_string(),
            match &cell.against_baseline {
                Some(factor) => with_interval(factor),
                None if cell.runs > 0 => "the baseline".into(),
                None => "not run".into(),
            },
        ]);
    }
    table
}

/// A row per run and figure; failed and lost runs have one row without a figure.
fn csv(state: &State) -> anyhow::Result<String> {
    let schedule = super::Schedule::new(&state.campaign)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let axes = state.campaign.axes.iter().map(|axis| axis.name.clone());
    let fixed = ["run", "started", "for", "round", "attempt", "cell", "seconds", "state", "figure", "value"];
    writer.write_record(fixed.map(str::to_owned).into_iter().chain(axes))?;
    for run in &state.runs {
        let (purpose, round) = match &run.slot {
            super::slot::Slot::WarmUp => ("warm-up", String::new()),
            super::slot::Slot::Baseline { round, .. } => ("baseline", (round + 1).to_string()),
            super::slot::Slot::Cell { round, .. } => ("cell", (round + 1).to_string()),
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
