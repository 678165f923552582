//! A report as markdown, for tickets and wikis.

use super::diagnosis;
use super::model::Run;
use super::nodes;
use super::overview;
use super::server_tables;
use super::tables::{self, Table};
use super::text;
use std::fmt::Write;

/// The report of these runs.
pub fn render(runs: &[&Run]) -> String {
    let mut out = String::new();
    if runs.len() > 1 {
        section(&mut out, 1, &format!("{} runs", runs.len()), &overview::table(runs));
    }
    for run in runs {
        one(&mut out, run);
    }
    out
}

fn one(out: &mut String, run: &Run) {
    heading(out, 1, &run.label);
    if let Some(warning) = run.warning() {
        let _ = writeln!(out, "**Warning: {}**\n", escape(&warning));
    }
    if let Some(score) = run.score.as_ref().filter(|score| score.means.total <= 0.0) {
        let _ = writeln!(out, "**No score**{}\n", text::halves(&score.means));
    }
    if let Some(score) = run.score.as_ref().filter(|score| score.means.total > 0.0) {
        let _ = writeln!(out, "**Score {}**", text::means(&score.means));
        if let Some((without, what)) = text::other_score(score) {
            let (what, gain) = (text::sentence_case(what), text::gain(&score.means, without));
            let _ = writeln!(out, "\n{what}: {} ({gain})", text::means(without));
        }
        if let Some(extended) = &score.extended {
            let _ = writeln!(out, "\nExtended score: {}", text::extended(extended));
        }
        out.push('\n');
    }
    if let Some(ending) = &run.ending {
        let _ = writeln!(out, "- **Ending: {}**", escape(ending));
    }
    for verdict in &run.verdicts {
        let words = run.verdict_words(verdict).replace("INVALID", "**INVALID**");
        let _ = writeln!(out, "- {}: {words}", text::sentence_case(&verdict.name));
        for reason in &verdict.reasons {
            let _ = writeln!(out, "  - {}", escape(reason));
        }
    }
    let _ = writeln!(out, "- Measured: {}", escape(&text::measured(run)));
    let diagnosis = diagnosis::lines(run);
    if !diagnosis.is_empty() {
        heading(out, 2, "Diagnosis");
        for (about, words) in diagnosis {
            let _ = writeln!(out, "- **{}**: {}", escape(&about), escape(&words));
        }
    }
    section(out, 2, "Phases", &tables::phases(run));
    let roofs = nodes::roofs(run);
    if !roofs.is_empty() {
        out.push('\n');
    }
    for sentence in roofs {
        let _ = writeln!(out, "- {}", escape(&sentence));
    }
    section(out, 2, "Where the time went", &tables::parts(run));
    section(out, 2, "Stonewall and wear-out", &tables::wear_out(run));
    section(out, 2, "Stragglers", &tables::spread(run));
    section(out, 2, "Slowest ranks", &tables::slowest(run));
    section(out, 2, "Nodes", &tables::nodes(run));
    section(out, 2, "Latency", &tables::latencies(run));
    section(out, 2, "Stability", &tables::stability(run));
    section(out, 2, "Servers", &server_tables::servers(run));
    section(out, 2, "Latency on the servers", &server_tables::latencies(run));
    section(out, 2, "Activity on the servers", &server_tables::activity(run));
    section(out, 2, "Clients' metrics", &server_tables::clients(run));
    section(out, 2, "Audit of the nodes", &nodes::findings(run));
    section(out, 2, "Counters of the nodes", &nodes::counters(run));
    section(out, 2, "Storage", &tables::storage(run));
    section(out, 2, "Provenance", &tables::provenance(run));
    section(out, 2, "Configuration", &tables::configuration(run, true));
    if !run.missing.is_empty() {
        heading(out, 2, "Not recorded");
        for sentence in &run.missing {
            let _ = writeln!(out, "- {}", escape(sentence));
        }
    }
}

/// A heading of this level.
pub fn heading(out: &mut String, level: usize, title: &str) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{} {}\n", "#".repeat(level), escape(title));
}

/// A table under a heading; nothing for a table without rows.
pub fn section(out: &mut String, level: usize, title: &str, table: &Table) {
    if !table.rows.is_empty() {
        heading(out, level, title);
        out.push_str(&pipes(table));
    }
}

/// The table in pipes.
pub fn pipes(table: &Table) -> String {
    let mut out = String::new();
    let row = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    out.push_str(&row(&mut table.columns.iter().map(|column| escape(&column.name))));
    out.push_str(&row(&mut table.columns.iter().map(|column| if column.numeric { "--:" } else { ":--" }.to_owned())));
    for cells in &table.rows {
        out.push_str(&row(&mut cells.iter().map(|cell| escape(cell))));
    }
    out
}

/// Text that markdown shows as it is.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' => out.extend(['\\', character]),
            '\n' | '\r' => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cannot_break_the_table() {
        let mut table = Table::new("t", "c", &["A", "#B"]);
        table.rows.push(vec!["a|b\nc*".to_owned(), "1".to_owned()]);
        assert_eq!(pipes(&table), "| A | B |\n| :-- | --: |\n| a\\|b c\\* | 1 |\n");
    }
}
