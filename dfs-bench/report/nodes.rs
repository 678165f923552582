//! What a run says of its nodes: the roofs of its phases, what the audit found, what the nodes counted.

use super::figures::{count, seconds};
use super::model::Run;
use super::tables::Table;

/// The most findings that a table shows.
const FINDINGS: usize = 40;

/// How near each phase is to what it could not exceed, a sentence each.
pub fn roofs(run: &Run) -> Vec<String> {
    let words = run.phases.iter().filter_map(|phase| Some(format!("{}.", phase.roof.as_ref()?.words)));
    words.collect()
}

/// The nodes in a sentence, and where the drawing stands for others.
pub fn words(run: &Run) -> Vec<String> {
    let nodes: usize = run.machines.iter().map(|machine| machine.hosts.len()).sum();
    let mut words = Vec::new();
    match run.machines.as_slice() {
        [] => {}
        [_] if nodes == 1 => {}
        [_] => words.push(format!("All {nodes} nodes are alike.")),
        kinds => words.push(format!("{nodes} nodes of {} kinds.", kinds.len())),
    }
    if run.audit.as_ref().and_then(|audit| audit.findings.as_ref()).is_some_and(Vec::is_empty) {
        words.push("The audit before the first phase found nothing.".to_owned());
    }
    words
}

/// What the audit before the first phase found.
pub fn findings(run: &Run) -> Table {
    let columns = ["Rule", "Severity", "Device", "Found", "Expected", "Nodes"];
    let mut table = Table::new(
        "audit",
        "What the audit before the first phase found; `dfs-bench doctor --explain RULE` says more.",
        &columns,
    );
    let findings = run.audit.iter().flat_map(|audit| audit.findings.iter().flatten());
    for finding in findings.take(FINDINGS) {
        let more = if finding.nodes > finding.first_nodes.len() { ", …" } else { "" };
        let nodes = format!("{}: {}{more}", finding.nodes, finding.first_nodes.join(", "));
        let cells = [&finding.rule, &finding.severity, &finding.device, &finding.found, &finding.expected, &nodes];
        table.rows.push(cells.map(String::clone).to_vec());
    }
    table
}

/// What the nodes counted in each phase.
pub fn counters(run: &Run) -> Table {
    let columns = ["Phase", "Counter", "#All nodes", "#Most", "Node"];
    let caption =
        "What the nodes counted between a moment before and a moment after each phase, and the node that counted most.";
    let mut table = Table::new("counters", caption, &columns);
    for (phase, nodes) in run.phases.iter().filter_map(|phase| Some((phase, phase.nodes.as_ref()?))) {
        for counter in &nodes.counters {
            let show = |value: f64| if counter.unit == "s" { format!("{} s", seconds(value)) } else { count(value) };
            let cells = [counter.name.clone(), show(counter.total), show(counter.most), counter.host.clone()];
            table.rows.push(std::iter::once(phase.id.to_string()).chain(cells).collect());
        }
    }
    table
}
