//! A history for readers and for other programs.

use super::found::{Entry, Figure, History, Series};
use super::gate::Gate;
use crate::report::change_points::FEWEST;
use crate::report::figures::{self, signed_percent};
use crate::report::tables::{Table, UNKNOWN};
use anyhow::Context as _;

/// Changes of the setting and of the environment that a sentence lists at most; the rest is in the JSON.
const LISTED: usize = 8;

/// The history in words and tables, for a terminal or for Markdown.
pub fn words(history: &History, gate: Option<&Gate>, heading: &str, table: impl Fn(&Table) -> String) -> String {
    let mut out = format!("{heading}{}\n\n", title(history));
    if let Some(gate) = gate {
        out.push_str(&format!("Gate {}\n", gate.words()));
        gate.tolerated.iter().for_each(|words| out.push_str(&format!("Tolerated: {words}\n")));
    }
    for series in history.series.iter().filter(|series| is_long(series)) {
        out.push_str(&format!("\n{heading}{}\n\n", name(history, series)));
        sentences(history, series).iter().for_each(|sentence| out.push_str(&format!("{sentence}\n")));
        for one in [last_runs(series), changes(history, series)].iter().filter(|table| !table.rows.is_empty()) {
            out.push_str(&format!("\n{}\n\n{}\n", one.caption, table(one).trim_end()));
        }
    }
    for one in [short(history), left_out(history)].iter().filter(|table| !table.rows.is_empty()) {
        out.push_str(&format!("\n{}\n\n{}\n", one.caption, table(one).trim_end()));
    }
    out
}

/// Whether a series has something to compare; the others are listed.
pub fn is_long(series: &Series) -> bool {
    series.runs.len() >= FEWEST
}

/// Series that are too short to say anything.
pub fn short(history: &History) -> Table {
    let mut table = Table::new("short", "Settings that were run once or twice", &["Setting"]);
    table.rows = history.series.iter().filter(|series| !is_long(series)).map(|s| vec![name(history, s)]).collect();
    table
}

/// `History of results: 36 runs, 2026-01-01 02:00:00 to 2026-02-05 02:00:00`.
pub fn title(history: &History) -> String {
    let span = match (history.runs.first(), history.runs.last()) {
        (Some(first), Some(last)) => format!(", {} to {}", when(first), when(last)),
        _ => String::new(),
    };
    format!("History of {}: {} runs{span}", history.directory.display(), history.runs.len())
}

/// When a run began.
pub fn when(run: &Entry) -> String {
    run.began.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `64 ranks on 4 nodes, DFS, stonewall 300 s: 36 runs`.
pub fn name(history: &History, series: &Series) -> String {
    let key = &series.key;
    let mut parts = Vec::new();
    let plural = |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match (key.ranks, key.nodes) {
        (Some(ranks), Some(nodes)) => parts.push(format!("{} on {}", plural(ranks, "rank"), plural(nodes, "node"))),
        (Some(ranks), None) => parts.push(plural(ranks, "rank")),
        _ => parts.push("an unknown number of ranks".into()),
    }
    parts.push(key.api.clone());
    parts.extend(key.stonewall.map(|seconds| format!("stonewall {seconds} s")));
    let newest =
        series.runs.last().map_or_else(String::new, |&run| format!(", the newest of {}", when(&history.runs[run])));
    format!("{}: {}{newest}", parts.join(", "), plural(series.runs.len() as u64, "run"))
}

/// What the last run says, and since when: the answer to why it is slower.
pub fn sentences(history: &History, series: &Series) -> Vec<String> {
    let mut said = Vec::new();
    // figures that changed with the same run are one story
    let mut since: Vec<(usize, Vec<&Figure>)> = Vec::new();
    for figure in &series.figures {
        let Some(last) = figure.last.filter(|last| last.beyond == Some(true)) else { continue };
        let run = figure.points[last.since].run;
        match since.iter_mut().find(|(other, _)| *other == run) {
            Some((_, figures)) => figures.push(figure),
            None => since.push((run, vec![figure])),
        }
    }
    for (run, changed) in since {
        let figure = |figure: &&Figure| {
            let last = figure.last.expect("it was filtered by it");
            let side = if last.ratio < 1.0 { "below" } else { "above" };
            let far = figures::percent((last.ratio - 1.0).abs());
            format!("{} is {far} {side} the {} runs before", figure.name, last.since - last.from)
        };
        let words: Vec<String> = changed.iter().map(figure).collect();
        let entry = &history.runs[run];
        said.push(format!("Since the run of {} ({}): {}.", when(entry), entry.label, words.join("; ")));
        said.push(match series.differences.get(&run).map(Vec::as_slice) {
            None | Some([]) => {
                "  Nothing that the results record changed with it: look at the machine (dfs-bench doctor).".to_owned()
            }
            Some(changes) => {
                let one = |change: &crate::report::compare::differences::Change| {
                    let scope =
                        Some(&change.scope).filter(|scope| !scope.is_empty()).map(|scope| format!(" ({scope})"));
                    let kind = if change.kind == "finding" { "doctor's " } else { "" };
                    format!("{kind}{}{}: {} \u{2192} {}", change.name, scope.unwrap_or_default(), change.a, change.b)
                };
                let listed: Vec<String> = changes.iter().take(LISTED).map(one).collect();
                let more = match changes.len().saturating_sub(LISTED) {
                    0 => String::new(),
                    more => format!("; and {more} more"),
                };
                format!("  What differed from then on: {}{more}.", listed.join("; "))
            }
        });
    }
    if said.is_empty() {
        let judged = series.figures.iter().any(|figure| figure.last.is_some_and(|last| last.beyond.is_some()));
        said.push(match judged {
            true => "The last run is as those before it.".into(),
            false => "Too few runs to know what chance does: the limits need eight before a run.".into(),
        });
    }
    for &run in &series.runs {
        if let Some(ending) = &history.runs[run].ending {
            said.push(format!(
                "{} ({}): {ending}; what it measured counts.",
                when(&history.runs[run]),
                history.runs[run].label
            ));
        }
    }
    said
}

/// The last run's figures against those before.
pub fn last_runs(series: &Series) -> Table {
    let columns = ["Figure", "#Last", "Unit", "#Runs before", "#Difference", "#Lower limit", "#Upper limit", "Finding"];
    let mut table = Table::new("last", "The last run against the runs before it", &columns);
    for figure in &series.figures {
        let (Some(point), Some(last)) = (figure.points.last(), figure.last) else { continue };
        let limit = |limit: Option<f64>| limit.map_or(UNKNOWN.into(), figures::rate);
        let finding = match (last.beyond, last.ratio < 1.0) {
            (None, _) => "too few runs before",
            (Some(false), _) => "within the limits",
            (Some(true), true) => "lower",
            (Some(true), false) => "higher",
        };
        table.rows.push(vec![
            figure.name.clone(),
            figures::rate(point.value),
            figure.unit.to_owned(),
            (last.since - last.from).to_string(),
            signed_percent(last.ratio - 1.0),
            limit(point.low),
            limit(point.high),
            finding.to_owned(),
        ]);
    }
    table
}

/// All changes of level, the latest first.
pub fn changes(history: &History, series: &Series) -> Table {
    let columns = ["Since", "Run", "Figure", "#Factor", "What differed"];
    let mut table = Table::new("changes", "Changes of level", &columns);
    let mut rows = Vec::new();
    for figure in &series.figures {
        for level in &figure.changes {
            let run = figure.points[level.begins].run;
            let changed = series.differences.get(&run).map_or(0, Vec::len);
            let differed = match changed {
                0 => "nothing that is recorded".to_owned(),
                _ => {
                    let names = series.differences[&run].iter().take(LISTED).map(|change| change.name.as_str());
                    names.collect::<Vec<_>>().join(", ")
                }
            };
            let entry = &history.runs[run];
            let row =
                vec![when(entry), entry.label.clone(), figure.name.clone(), figures::times(level.ratio), differed];
            rows.push((run, row));
        }
    }
    rows.sort_by_key(|(run, _)| std::cmp::Reverse(*run));
    table.rows = rows.into_iter().map(|(_, row)| row).collect();
    table
}

/// What was left out.
pub fn left_out(history: &History) -> Table {
    let mut table = Table::new("left-out", "Left out", &["Directory", "Why"]);
    table.rows = history.left_out.iter().map(|(path, why)| vec![path.display().to_string(), why.clone()]).collect();
    table
}

/// A row per run and figure.
pub fn csv(history: &History) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "run",
        "path",
        "began",
        "source",
        "ranks",
        "nodes",
        "api",
        "stonewall",
        "figure",
        "unit",
        "value",
        "centre",
        "low",
        "high",
        "outside",
        "new_level",
    ])?;
    for series in &history.series {
        for figure in &series.figures {
            for (place, point) in figure.points.iter().enumerate() {
                let run = &history.runs[point.run];
                let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
                let count = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
                writer.write_record([
                    run.label.clone(),
                    run.path.display().to_string(),
                    when(run),
                    run.source.to_owned(),
                    count(series.key.ranks),
                    count(series.key.nodes),
                    series.key.api.clone(),
                    count(series.key.stonewall),
                    figure.name.clone(),
                    figure.unit.to_owned(),
                    point.value.to_string(),
                    number(point.centre),
                    number(point.low),
                    number(point.high),
                    point.outside.to_string(),
                    figure.changes.iter().any(|level| level.begins == place).to_string(),
                ])?;
            }
        }
    }
    String::from_utf8(writer.into_inner().context("the history as CSV")?).context("the history as CSV")
}
