//! A report as plain text for a terminal.

use super::diagnosis;
use super::figures;
use super::model::{ExtendedScore, Run, Score};
use super::nodes;
use super::overview;
use super::server_tables;
use super::tables::{self, Table};
use comfy_table::{CellAlignment, ContentArrangement, presets};
use io500_phases::results::score::Means;
use std::fmt::Write;
use std::io::IsTerminal as _;
use std::sync::OnceLock;

/// The report of these runs.
pub fn render(runs: &[&Run]) -> String {
    let mut out = String::new();
    if runs.len() > 1 {
        let _ = writeln!(out, "{} runs\n{}\n", runs.len(), drawn(&overview::table(runs)));
    }
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
        out.push_str(&wrapped(&line, 13));
    }
    let diagnosis = diagnosis::lines(run);
    if !diagnosis.is_empty() {
        heading(out, "Diagnosis", '-');
        for (about, words) in diagnosis {
            out.push_str(&wrapped(&format!("{about}: {words}"), 4));
        }
    }
    section(out, "Phases", &tables::phases(run));
    for sentence in nodes::roofs(run) {
        let _ = writeln!(out, "{sentence}");
    }
    section(out, "Where the time went", &tables::parts(run));
    section(out, "Stonewall and wear-out", &tables::wear_out(run));
    section(out, "Stragglers", &tables::spread(run));
    for phase in &run.phases {
        if let Some(found) = phase.stragglers.as_ref().filter(|found| found.tellable) {
            out.push_str(&wrapped(&format!("{}: {}", phase.id, found.words), 4));
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
    section(out, "Audit of the nodes", &nodes::findings(run));
    section(out, "Counters of the nodes", &nodes::counters(run));
    section(out, "Storage", &tables::storage(run));
    section(out, "Provenance", &tables::provenance(run));
    section(out, "Configuration", &tables::configuration(run, true));
    if !run.missing.is_empty() {
        heading(out, "Not recorded", '-');
        for sentence in &run.missing {
            out.push_str(&wrapped(&format!("- {sentence}"), 2));
        }
    }
}

/// The lines every format starts with: score, verdicts, who and when.
pub fn summary(run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    match &run.score {
        // a run of one kind of phases has no score, and 0 is none
        Some(score) if score.means.total <= 0.0 => lines.push(format!("Score      none{}", halves(&score.means))),
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

/// The means of a run without a score.
pub fn halves(means: &Means) -> String {
    let known = [("bandwidth", means.bandwidth, "GiB/s"), ("metadata", means.metadata, "kIOPS")];
    let told = known.into_iter().filter(|(_, mean, _)| *mean > 0.0);
    told.map(|(name, mean, unit)| format!("; {name} {} {unit}", figures::rate(mean))).collect()
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

/// Columns that lines of text may have: those of the terminal, else as many as people read without trouble.
pub fn columns() -> usize {
    const MOST: usize = 120;
    const LEAST: usize = 60;
    static COLUMNS: OnceLock<usize> = OnceLock::new();
    *COLUMNS.get_or_init(|| {
        let size = std::io::stdout().is_terminal().then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok());
        let terminal = size.flatten().map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0);
        terminal.map_or(MOST, |columns| columns.clamp(LEAST, MOST.max(columns)))
    })
}

/// A line, broken between words where it is too long; all but the first are indented. A word is never broken: it may be a path.
pub fn wrapped(line: &str, indent: usize) -> String {
    const UNITS: [&str; 8] = ["%", "s", "ms", "\u{b5}s", "ns", "min", "GiB/s", "kIOPS"];
    // a figure and its unit stay together
    let mut words: Vec<String> = Vec::new();
    for word in line.split_inclusive(' ') {
        let bare = word.trim_end().trim_end_matches([',', '.', ')', ';', ':']);
        let figure = |last: &String| last.trim_end().ends_with(|c: char| c.is_ascii_digit());
        match words.last_mut().filter(|last| UNITS.contains(&bare) && figure(last)) {
            Some(last) => last.push_str(word),
            None => words.push(word.to_owned()),
        }
    }
    let mut out = String::new();
    let mut width = 0;
    for word in words {
        let length = word.trim_end().chars().count();
        if width > indent && width + length > columns() {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            width = indent;
        }
        out.push_str(&word);
        width += word.chars().count();
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// A table under a heading; nothing for a table without rows.
pub fn section(out: &mut String, title: &str, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    heading(out, title, '-');
    let _ = writeln!(out, "{}", drawn(table));
}

/// The table, drawn in characters. One of figures that is too wide goes on below, one of words has its cells broken into lines.
pub fn drawn(table: &Table) -> String {
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|index| {
            let cells = table.rows.iter().map(|row| row[index].chars().count());
            cells.chain([table.columns[index].name.chars().count()]).max().unwrap_or(0) + 2
        })
        .collect();
    let figures = table.columns.iter().filter(|column| column.numeric).count() * 2 > table.columns.len();
    if widths.iter().sum::<usize>() <= columns() || !figures {
        return characters(table);
    }
    // the first column says what a row is about: it comes again
    let mut blocks: Vec<Vec<usize>> = vec![vec![0]];
    let mut width = widths[0];
    for (index, own) in widths.iter().enumerate().skip(1) {
        if width + own > columns() && blocks.last().is_some_and(|block| block.len() > 1) {
            blocks.push(vec![0]);
            width = widths[0];
        }
        width += own;
        blocks.last_mut().expect("there is one").push(index);
    }
    let part = |block: Vec<usize>| {
        let row = |row: &Vec<String>| block.iter().map(|&index| row[index].clone()).collect();
        let columns = block.iter().map(|&index| table.columns[index].clone()).collect();
        characters(&Table { columns, rows: table.rows.iter().map(row).collect(), ..table.clone() })
    };
    blocks.into_iter().map(part).collect::<Vec<_>>().join("\n\n")
}

fn characters(table: &Table) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_preset(presets::NOTHING);
    drawn.set_content_arrangement(ContentArrangement::Dynamic);
    drawn.set_width(columns() as u16);
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
