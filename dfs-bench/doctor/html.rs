//! The report as a page: the node drawn, findings, what differs, and why each rule is one.

use super::gather::Shown;
use super::report::{DIFFER, Report, who};
use super::rule::Severity;
use crate::report::html::fill;
use crate::report::node_drawing::{Node, chart};
use crate::report::tables::Table;
use minijinja::context;
use std::collections::BTreeSet;

/// The page.
pub fn render(report: &Report, shown: &Shown) -> anyhow::Result<String> {
    // no names: it holds for all
    let here = |nodes: &[String]| report.nodes == 1 || nodes.is_empty() || nodes.contains(&shown.facts.host);
    let grave = report.findings.iter().filter(|finding| finding.severity < Severity::Hint && here(&finding.nodes));
    let wrong: BTreeSet<&str> = grave.map(|finding| finding.device.as_str()).collect();
    let node = Node { facts: &shown.facts, ranks: &shown.ranks, engines: &shown.engines, wrong: &wrong };
    let name = if shown.facts.host.is_empty() { &report.subject } else { &shown.facts.host };
    let drawings: Vec<_> = chart(name, &node).into_iter().collect();
    let columns = ["Rule", "Severity", "Device", "Found", "Expected", "Nodes"];
    let mut findings = Table::new("findings", "Findings, the gravest first.", &columns);
    for finding in &report.findings {
        let nodes = who(finding.count, &finding.nodes);
        let cells =
            [&finding.rule, finding.severity.name(), &finding.device, &finding.found, &finding.expected, &nodes];
        findings.rows.push(cells.map(str::to_owned).to_vec());
    }
    let caption = format!("Different between nodes ({}): {}.", DIFFER.id, DIFFER.why);
    let mut differences = Table::new("differences", caption, &["Property", "Values"]);
    let rows = report.differences.iter().map(|difference| vec![difference.property.clone(), difference.words()]);
    differences.rows.extend(rows);
    let mut unknown = Table::new("unknown", "Could not be looked at.", &["What", "Rules that wanted it", "Nodes"]);
    for fact in &report.not_looked_at {
        unknown.rows.push(vec![fact.what.clone(), fact.rules.join(", "), who(fact.count, &fact.nodes)]);
    }
    let tables: Vec<Table> =
        [findings, differences, unknown].into_iter().filter(|table| !table.rows.is_empty()).collect();
    let mut told = BTreeSet::new();
    let explained = report.findings.iter().filter(|finding| told.insert((&finding.rule, &finding.mend)));
    let nodes = if report.nodes == 1 { "1 node".to_owned() } else { format!("{} nodes", report.nodes) };
    fill(
        "doctor.html",
        context! {
            title => format!("dfs-bench doctor: {}", report.subject),
            summary => format!("{nodes}, {} rules: {}", report.rules, report.summary()),
            drawings,
            tables,
            explained => explained.collect::<Vec<_>>(),
        },
    )
}
