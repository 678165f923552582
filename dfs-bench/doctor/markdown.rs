//! The report for tickets and wikis.

use super::report::{DIFFER, Report, who};
use std::fmt::Write as _;

/// The report in Markdown.
pub fn render(report: &Report) -> String {
    let mut text = format!(
        "## dfs-bench doctor: {}\n\n{}; {} nodes, {} rules.\n",
        cell(&report.subject),
        report.summary(),
        report.nodes,
        report.rules
    );
    if !report.findings.is_empty() {
        text.push_str("\n| severity | rule | device | found | expected | nodes |\n|---|---|---|---|---|---|\n");
    }
    for finding in &report.findings {
        let nodes = who(finding.count, &finding.nodes);
        let cells =
            [finding.severity.name(), &finding.rule, &finding.device, &finding.found, &finding.expected, &nodes];
        let _ = writeln!(text, "| {} |", cells.map(cell).join(" | "));
    }
    let mut told = std::collections::BTreeSet::new();
    for finding in report.findings.iter().filter(|finding| told.insert((&finding.rule, &finding.mend))) {
        let _ = writeln!(text, "\n**{}**: {}.\nMend: {}", finding.rule, cell(&finding.why), cell(&finding.mend));
    }
    if !report.differences.is_empty() {
        let _ = writeln!(
            text,
            "\nDifferent between nodes ({}): {}.\n\n| property | values |\n|---|---|",
            DIFFER.id, DIFFER.why
        );
    }
    for difference in &report.differences {
        let _ = writeln!(text, "| {} | {} |", cell(&difference.property), cell(&difference.words()));
    }
    if let Some(roof) = &report.roof {
        let _ = write!(text, "\n```text\n{}```\n", roof.words());
    }
    if !report.not_looked_at.is_empty() {
        text.push_str("\nCould not be looked at:\n\n");
    }
    for unknown in &report.not_looked_at {
        let rules = if unknown.rules.is_empty() { String::new() } else { format!(": {}", unknown.rules.join(", ")) };
        let _ = writeln!(text, "- {}{rules}", cell(&unknown.what));
    }
    text
}

/// Text that ends no cell and begins no markup of its own: it may come from another machine.
fn cell(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '\n' | '\r' => vec![' '],
            '|' | '<' | '>' | '`' | '[' | ']' | '*' | '\\' => vec!['\\', c],
            c => vec![c],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_machine_says_is_no_markup() {
        assert_eq!(cell("a|b\n<img> [x](y)"), "a\\|b \\<img\\> \\[x\\](y)");
    }
}
