//! A report as plain text for a terminal.

use super::figures;
use super::model::{ExtendedScore, Run, Score};
use super::server_tables;
use super::tables::{self, Table};
use comfy_table::{CellAlignment, ContentArrangement, presets};
use io500_phases::results::score::Means;
use std::fmt::Write;

/// The report of these runs.
pub fn render(runs: &[&Run]) -> String {
    let mut out = String::new();
    for (index, run) in runs.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        one(&mut out, run);
    }
    out
}

fn one(out: &mut String, run: &Run) {
    heading(out, &run.label, '=');
    if let Some(warning) = run.warning() {
        let _ = writeln!(out, "WARNING    {warning}");
    }
    for line in summary(run) {
        let _ = writeln!(out, "{line}");
    }
    section(out, "Phases", &tables::phases(run));
    section(out, "Where the time went", &tables::parts(run));
    section(out, "Stonewall and wear-out", &tables::wear_out(run));
    section(out, "Stragglers", &tables::spread(run));
    for phase in &run.phases {
        if let Some(found) = phase.stragglers.as_ref().filter(|found| found.tellable) {
            let _ = writeln!(out, "{}: {}", phase.id, found.words);
        }
    }
    section(out, "Nodes", &tables::nodes(run));
    section(out, "Latency", &tables::latencies(run));
    section(out, "Stability", &tables::stability(run));
    section(out, "Servers", &server_tables::servers(run));
    section(out, "Latency on the servers", &server_tables::latencies(run));
    for sentence in server_tables::words(run) {
        let _ = writeln!(out, "{sentence}");
    }
    section(out, "Activity on the servers", &server_tables::activity(run));
    section(out, "Clients' metrics", &server_tables::clients(run));
    section(out, "Storage", &tables::storage(run));
    section(out, "Provenance", &tables::provenance(run));
    section(out, "Configuration", &tables::configuration(run, true));
    if !run.missing.is_empty() {
        heading(out, "Not recorded", '-');
        for sentence in &run.missing {
            let _ = writeln!(out, "- {sentence}");
        }
    }
}

/// The lines every format starts with: score, verdicts, who and when.
pub fn summary(run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    match &run.score {
        Some(score) => {
            lines.push(format!("Score      {}", means(&score.means)));
            if let Some((without, what)) = other_score(score) {
                lines.push(format!("           {} {what} ({})", means(without), gain(&score.means, without)));
            }
            if let Some(extended) = &score.extended {
                lines.push(format!("Extended   {}", self::extended(extended)));
            }
        }
        None => lines.push("Score      none".to_owned()),
    }
    lines.extend(run.ending.iter().map(|ending| format!("Ending     {ending}")));
    for verdict in &run.verdicts {
        lines.push(format!("{:<10} {}", sentence_case(&verdict.name), run.verdict_words(verdict)));
        lines.extend(verdict.reasons.iter().map(|reason| format!("           - {reason}")));
    }
    lines.push(format!("Measured   {}", measured(run)));
    lines
}

/// Who measured where and when, in one line.
pub fn measured(run: &Run) -> String {
    let mut parts = vec![match &run.version {
        Some(version) => format!("{} {version}", run.source.name()),
        None => run.source.name().to_owned(),
    }];
    let plural = |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    parts.extend(run.ranks.map(|ranks| plural(ranks, "rank")));
    parts.extend(run.nodes.map(|nodes| plural(nodes, "node")));
    parts.extend(run.started.as_ref().map(|started| format!("started {started}")));
    parts.join(", ")
}

/// A score in one line.
pub fn means(means: &Means) -> String {
    let [total, bandwidth, metadata] = [means.total, means.bandwidth, means.metadata].map(figures::rate);
    format!("{total}  bandwidth {bandwidth} GiB/s, metadata {metadata} kIOPS")
}

/// The score of the extended mode in one line.
pub fn extended(score: &ExtendedScore) -> String {
    format!("{}{}", means(&score.means), if score.valid { "" } else { " [INVALID]" })
}

/// The score without what stragglers cost, as closely as the source tells, and what it is.
pub fn other_score(score: &Score) -> Option<(&Means, &'static str)> {
    let at_stonewall =
        score.at_stonewall.as_ref().map(|means| (means, "at the stonewall, before wear-out, sync and close"));
    score.without_wear_out.as_ref().map(|means| (means, "without wear-out")).or(at_stonewall)
}

/// What the score would gain.
pub fn gain(real: &Means, other: &Means) -> String {
    if real.total > 0.0 { figures::signed_percent(other.total / real.total - 1.0) } else { tables::UNKNOWN.to_owned() }
}

/// The word with a capital.
pub fn sentence_case(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A heading with a line below.
pub fn heading(out: &mut String, title: &str, line: char) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{title}\n{}", line.to_string().repeat(title.chars().count()));
}

/// A table under a heading; nothing for a table without rows.
pub fn section(out: &mut String, title: &str, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    heading(out, title, '-');
    let _ = writeln!(out, "{}", drawn(table));
}

/// The table, drawn in characters, never wrapped: a terminal scrolls or `less -S` does.
pub fn drawn(table: &Table) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_preset(presets::NOTHING);
    drawn.set_content_arrangement(ContentArrangement::Disabled);
    drawn.set_header(table.columns.iter().map(|column| &column.name));
    drawn.add_rows(&table.rows);
    for (column, definition) in drawn.column_iter_mut().zip(&table.columns) {
        if definition.numeric {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, 2));
    }
    drawn.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
