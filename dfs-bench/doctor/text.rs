//! The report for a terminal.

use super::report::{DIFFER, Difference, Finding, Report, who};
use super::rule::{Rule, Severity};
use super::rules;
use std::fmt::Write as _;

/// The columns of a line.
const WIDTH: usize = 110;

/// The report; `colour` for a terminal that has it.
pub fn render(report: &Report, colour: bool) -> String {
    let mut text = String::new();
    let nodes = if report.nodes == 1 { "1 node".to_owned() } else { format!("{} nodes", report.nodes) };
    let _ = writeln!(text, "{}: {nodes}, {} rules: {}", report.subject, report.rules, report.summary());
    for finding in &report.findings {
        heading(&mut text, finding.severity, &finding.rule, &finding.device, colour);
        if report.nodes > 1 {
            field(&mut text, "nodes", &who(finding.count, &finding.nodes));
        }
        field(&mut text, "found", &finding.found);
        field(&mut text, "expected", &finding.expected);
        field(&mut text, "why", &finding.why);
        field(&mut text, "mend", &finding.mend);
    }
    for difference in &report.differences {
        heading(&mut text, DIFFER.severity, DIFFER.id, &difference.property, colour);
        field(&mut text, "found", &difference.words());
        field(&mut text, "expected", "the same on all nodes");
    }
    if let Some(roof) = &report.roof {
        let _ = write!(text, "\n{}", roof.words());
    }
    if !report.not_looked_at.is_empty() {
        let _ = writeln!(text, "\nCould not be looked at:");
    }
    for unknown in &report.not_looked_at {
        let rules = if unknown.rules.is_empty() { String::new() } else { format!(": {}", unknown.rules.join(", ")) };
        let nodes = if report.nodes > 1 { format!(", {}", who(unknown.count, &unknown.nodes)) } else { String::new() };
        let _ = writeln!(text, "  {}{rules}{nodes}", unknown.what);
    }
    if !report.findings.is_empty() {
        let _ = writeln!(text, "\n`dfs-bench doctor --explain RULE` says more, and who says so.");
    }
    text
}

fn heading(text: &mut String, severity: Severity, rule: &str, device: &str, colour: bool) {
    let code = match severity {
        Severity::Error => "\x1b[1;31m",
        Severity::Finding => "\x1b[33m",
        Severity::Hint => "\x1b[36m",
    };
    let (on, off) = if colour { (code, "\x1b[0m") } else { ("", "") };
    let _ = writeln!(text, "\n{on}{:<8}{off} {rule}  {device}", severity.name());
}

/// A field, folded between words.
fn field(text: &mut String, name: &str, value: &str) {
    let mut line = format!("  {name:<9}");
    let mut is_first = true;
    for word in value.split(' ') {
        if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(11);
            is_first = true;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(word);
        is_first = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// Before a run: a line for each error and finding, and for each property that differs.
pub fn brief(report: &Report) -> Vec<String> {
    let grave = report.findings.iter().filter(|finding| finding.severity < Severity::Hint);
    let finding = |finding: &Finding| {
        let nodes = if report.nodes > 1 { format!("{}: ", who(finding.count, &finding.nodes)) } else { String::new() };
        let Finding { severity, rule, device, found, expected, .. } = finding;
        format!("{} {rule}: {nodes}{device}: {found}; expected: {expected}", severity.name())
    };
    let differences = report.differences.iter();
    let difference = |difference: &Difference| {
        format!("{} {}: {}: {}", DIFFER.severity.name(), DIFFER.id, difference.property, difference.words())
    };
    grave.map(finding).chain(differences.map(difference)).collect()
}

/// `--list`: all rules, with what they are about.
pub fn list() -> String {
    let mut text = String::new();
    for rule in rules::all().chain([&DIFFER]) {
        let _ =
            writeln!(text, "{:<24} {:<8} {:<7} {}", rule.id, rule.severity.name(), side(rule), first_clause(rule.why));
    }
    text
}

fn side(rule: &Rule) -> &'static str {
    match rule.side {
        super::rule::Side::Client => "client",
        super::rule::Side::Server => "server",
        super::rule::Side::Both => "both",
        super::rule::Side::Store => "store",
    }
}

fn first_clause(why: &str) -> &str {
    why.split([':', ',', ';']).next().unwrap_or(why)
}

/// `--explain`: one rule.
pub fn explain(rule: &Rule) -> String {
    let mut text = format!("{}: {}, {}\n", rule.id, rule.severity.name(), side(rule));
    field(&mut text, "why", rule.why);
    field(&mut text, "mend", rule.mend);
    field(&mut text, "source", rule.source);
    for link in links(rule.source) {
        field(&mut text, "", &link);
    }
    text
}

/// Where the documents that a source names can be read: DAOS's as of the version that was looked up, the kernel's as they are.
fn links(source: &str) -> Vec<String> {
    let words = source.split([' ', ';', ',', ':', '(', ')']);
    let link = |path: &str| match path.split_once('/')? {
        ("docs", rest) if rest.starts_with("admin/") || rest.starts_with("user/") => {
            Some(format!("https://github.com/daos-stack/daos/blob/v2.8.0/{path}"))
        }
        ("utils", _) => Some(format!("https://github.com/daos-stack/daos/blob/v2.8.0/{path}")),
        ("Documentation" | "drivers", _) => {
            Some(format!("https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/{path}"))
        }
        ("community.mellanox.com", _) => Some(format!("https://{path}")),
        _ => None,
    };
    let mut links: Vec<String> = words.filter_map(link).collect();
    links.dedup();
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_fields_are_folded_and_short_ones_are_not() {
        let mut text = String::new();
        field(&mut text, "why", "word ".repeat(40).trim());
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("           word")), "{text}");
        assert!(list().lines().count() > 40);
        assert!(explain(&DIFFER).contains("source"));
        let explained = explain(rules::find("numa.engine-nic").unwrap());
        assert!(explained.contains("https://github.com/daos-stack/daos/blob/v2.8.0/utils/config/daos_server.yml"));
    }
}
