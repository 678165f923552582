//! What is told: findings by severity with their nodes, what differs between nodes, what could not be looked at.

use super::roof::Roof;
use super::rule::{self, Outcome, Rule, Severity, Side, View};
use super::rules;
use super::table::{Line, NodeSet, Table};
use io500_phases::results::AuditFinding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the JSON: the first number changes when a reader must change.
pub const SCHEMA: &str = "1.0";

/// The rule behind the comparison of nodes, which looks at all of them at once.
pub const DIFFER: Rule = Rule {
    id: "nodes.differ",
    severity: Severity::Finding,
    side: Side::Both,
    why: "all ranks wait for the slowest node in every phase: one that is set up otherwise sets the pace of all",
    mend: "set it as on the other nodes, from one place: the image, the configuration management, the job script",
    source: "the rules of IO500: a phase lasts as long as its slowest rank; this project, docs/METHODOLOGY.md",
    look: |_: &View<'_>, _: &mut Outcome| None,
};

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this format.
    pub schema_version: String,
    /// The program and its version.
    pub program: String,
    /// What was looked at: this node, a job, a snapshot, a topology file.
    pub subject: String,
    /// How many nodes.
    pub nodes: usize,
    /// Findings, the gravest first.
    pub findings: Vec<Finding>,
    /// Properties that are not the same on all nodes.
    pub differences: Vec<Difference>,
    /// Facts that nobody knows, and the rules that wanted them.
    pub not_looked_at: Vec<NotLookedAt>,
    /// How many rules were applied.
    pub rules: usize,
    /// What phases cannot exceed, where links are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roof: Option<Roof>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// The device, engine or rank.
    pub device: String,
    /// The value found.
    pub found: String,
    /// The value expected.
    pub expected: String,
    /// Why it matters.
    pub why: String,
    /// What mends it.
    pub mend: String,
    /// Who says so.
    pub source: String,
    /// How many nodes it holds for.
    pub count: usize,
    /// Their names; none where it holds for all of several nodes.
    pub nodes: Vec<String>,
}

/// A property that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The property.
    pub property: String,
    /// Its values, the most frequent first; `null` for nodes that do not have it.
    pub values: Vec<ValueOnNodes>,
}

/// A value and where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValueOnNodes {
    /// The value.
    pub value: Option<String>,
    /// How many nodes have it.
    pub count: usize,
    /// Their names; of the most frequent value none, they are the rest.
    pub nodes: Vec<String>,
}

/// A fact that nobody knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotLookedAt {
    /// The fact, most often a file.
    pub what: String,
    /// The rules that wanted it; none for a file that was there and was not read.
    pub rules: Vec<String>,
    /// How many nodes.
    pub count: usize,
    /// Their names; none where it is all of several nodes.
    pub nodes: Vec<String>,
}

impl Report {
    /// The report of a table. `applied` is the number of rules that were applied.
    pub fn new(subject: &str, table: &Table, applied: usize) -> Report {
        // a thousand nodes that are alike are no thousand names in every line
        let all = |nodes: &NodeSet| table.hosts.len() > 1 && nodes.len() == table.hosts.len();
        let names = |nodes: &NodeSet| match all(nodes) {
            true => Vec::new(),
            false => table.names(nodes).map(str::to_owned).collect::<Vec<_>>(),
        };
        let (mut findings, mut properties) = (Vec::new(), BTreeMap::<&str, Vec<(&str, &NodeSet)>>::new());
        let mut unknown = BTreeMap::<(&str, usize, Vec<String>), Vec<String>>::new();
        for (line, nodes) in &table.rows {
            match line {
                Line::Finding { rule, found } => {
                    // a node of another version may know rules that this one does not
                    let Some(rule) = rules::find(rule) else { continue };
                    findings.push(Finding {
                        rule: rule.id.into(),
                        severity: rule.severity,
                        device: found.device.clone(),
                        found: found.found.clone(),
                        expected: found.expected.clone(),
                        why: rule.why.into(),
                        mend: rule::mend(rule, found),
                        source: rule.source.into(),
                        count: nodes.len(),
                        nodes: names(nodes),
                    });
                }
                Line::Unknown { what, rule } => {
                    let rules = unknown.entry((what, nodes.len(), names(nodes))).or_default();
                    rules.extend((!rule.is_empty()).then(|| rule.clone()));
                }
                Line::Property { name, value } => properties.entry(name).or_default().push((value, nodes)),
            }
        }
        findings.sort_by_key(|finding| finding.severity);
        let differences = properties.into_iter().filter_map(|(property, values)| difference(table, property, &values));
        let not_looked_at = unknown.into_iter().map(|((what, count, nodes), rules)| NotLookedAt {
            what: what.into(),
            rules,
            count,
            nodes,
        });
        Report {
            schema_version: SCHEMA.into(),
            program: concat!("dfs-bench ", env!("CARGO_PKG_VERSION")).into(),
            subject: subject.into(),
            nodes: table.hosts.len(),
            findings,
            differences: differences.collect(),
            not_looked_at: not_looked_at.collect(),
            rules: applied,
            roof: None,
        }
    }

    /// The same with a roof, where one is known.
    pub fn under(self, roof: Roof) -> Report {
        Report { roof: roof.of_bandwidth().is_some().then_some(roof), ..self }
    }

    /// What a run keeps of it: findings and differences, without what the rules always say.
    pub fn kept(&self) -> Vec<AuditFinding> {
        const NODES: usize = 4;
        let finding = |finding: &Finding| AuditFinding {
            rule: finding.rule.clone(),
            severity: finding.severity.name().into(),
            device: finding.device.clone(),
            found: finding.found.clone(),
            expected: finding.expected.clone(),
            nodes: finding.count,
            first_nodes: finding.nodes.iter().take(NODES).cloned().collect(),
        };
        let difference = |difference: &Difference| {
            let others = difference.values.iter().skip(1);
            let names = others.clone().flat_map(|group| &group.nodes);
            AuditFinding {
                rule: DIFFER.id.into(),
                severity: DIFFER.severity.name().into(),
                device: difference.property.clone(),
                found: difference.words(),
                expected: "the same on all nodes".into(),
                nodes: others.map(|group| group.count).sum(),
                first_nodes: names.take(NODES).cloned().collect(),
            }
        };
        self.findings.iter().map(finding).chain(self.differences.iter().map(difference)).collect()
    }

    /// How many findings of this severity; nodes that differ are findings.
    pub fn count(&self, severity: Severity) -> usize {
        let differences = if severity == DIFFER.severity { self.differences.len() } else { 0 };
        self.findings.iter().filter(|finding| finding.severity == severity).count() + differences
    }

    /// `1 error, 2 findings, 1 hint`.
    pub fn summary(&self) -> String {
        let counted =
            [Severity::Error, Severity::Finding, Severity::Hint].map(|severity| (self.count(severity), severity));
        let words = counted.iter().filter(|(count, _)| *count > 0).map(|(count, severity)| {
            let plural = if *count == 1 { "" } else { "s" };
            format!("{count} {}{plural}", severity.name())
        });
        let words = words.collect::<Vec<_>>().join(", ");
        if words.is_empty() { "nothing found".into() } else { words }
    }
}

fn difference(table: &Table, property: &str, values: &[(&str, &NodeSet)]) -> Option<Difference> {
    let having: usize = values.iter().map(|(_, nodes)| nodes.len()).sum();
    // a property with several values on one node (ranks that differ) is another rule's
    let lacking = table.hosts.len().saturating_sub(having);
    if values.len() + usize::from(lacking > 0) < 2 || having > table.hosts.len() {
        return None;
    }
    let mut groups: Vec<ValueOnNodes> = Vec::new();
    for (value, nodes) in values {
        let nodes: Vec<String> = table.names(nodes).map(str::to_owned).collect();
        groups.push(ValueOnNodes { value: Some((*value).to_owned()), count: nodes.len(), nodes });
    }
    if lacking > 0 {
        let have: std::collections::BTreeSet<u32> = values.iter().flat_map(|(_, nodes)| nodes.iter()).collect();
        let rest = (0..).zip(&table.hosts).filter(|(node, _)| !have.contains(node));
        let nodes = rest.map(|(_, host)| host.clone()).collect();
        groups.push(ValueOnNodes { value: None, count: lacking, nodes });
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups[0].nodes.clear();
    Some(Difference { property: property.to_owned(), values: groups })
}

impl Difference {
    /// `63 nodes performance, node17 powersave`; what has many values is shortened.
    pub fn words(&self) -> String {
        let group = |group: &ValueOnNodes| {
            let value = group
                .value
                .as_deref()
                .map_or("does not have it", |value| if value.is_empty() { "empty" } else { value });
            format!("{} {value}", who(group.count, &group.nodes))
        };
        let mut words: Vec<String> = self.values.iter().take(6).map(group).collect();
        let rest: usize = self.values.iter().skip(6).map(|group| group.count).sum();
        if rest > 0 {
            words.push(format!("{rest} nodes {} other values", self.values.len() - 6));
        }
        words.join(", ")
    }
}

/// Nodes in words: their names, as long as they are few.
pub fn who(count: usize, names: &[String]) -> String {
    match names {
        [] => format!("{count} node{}", if count == 1 { "" } else { "s" }),
        names if names.len() <= 4 => names.join(", "),
        names => format!("{} nodes ({}, …)", count, names[..3].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Delta;
    use super::super::{audit, testing::Machine};
    use super::*;

    /// `docs/doctor.schema.json` is what the types say; `UPDATE_SCHEMA=1 cargo test --bin dfs-bench schema` writes it anew.
    #[test]
    fn the_published_schema_is_what_the_types_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/doctor.schema.json");
        let text = serde_json::to_string_pretty(&schemars::schema_for!(Report)).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(published == text, "docs/doctor.schema.json is not what the types say");
    }

    /// A job of nodes, each a machine with its name.
    fn job(machines: &[(&str, Machine)]) -> Report {
        let lines: Vec<Vec<Line>> = machines.iter().map(|(_, machine)| audit::lines(&machine.known().view())).collect();
        let mut table = Table::new(lines[0].clone());
        for ((host, _), own) in machines.iter().zip(&lines) {
            table.add(Delta::new(host, &lines[0], own));
        }
        Report::new("a job", &table, 1)
    }

    #[test]
    fn the_node_that_is_different_is_named() {
        let equal = Machine::client();
        let mut other = Machine::client();
        other.file("sys/class/net/ib0/mtu", "2044");
        other.file("proc/sys/kernel/osrelease", "5.14.0");
        let names: Vec<String> = (0..64).map(|node| format!("node{node}")).collect();
        let machines: Vec<(&str, Machine)> = names
            .iter()
            .map(|name| (name.as_str(), if name == "node17" { other.clone() } else { equal.clone() }))
            .collect();
        let report = job(&machines);
        let words: Vec<String> = report
            .differences
            .iter()
            .map(|difference| format!("{}: {}", difference.property, difference.words()))
            .collect();
        assert_eq!(words, ["ib0 MTU: 63 nodes 4092, node17 2044", "kernel: 63 nodes 6.1.0, node17 5.14.0"]);
        assert_eq!((report.nodes, report.count(Severity::Finding), report.findings.len()), (64, 2, 0));
        // a node that lacks a property, and the first node as the one that differs
        let mut lacking = Machine::client();
        lacking.tree.remove("proc/sys/kernel/osrelease");
        let report = job(&[("a", lacking), ("b", equal.clone()), ("c", equal)]);
        assert_eq!(report.differences[0].words(), "2 nodes 6.1.0, a does not have it");
        assert_eq!(report.differences.len(), 1);
    }

    #[test]
    fn a_thousand_nodes_are_a_short_report() {
        let mut base = Machine::client();
        base.file("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave");
        let mut other = base.clone();
        other.file("sys/class/net/ib0/mtu", "2044");
        let (base, other) = (audit::lines(&base.known().view()), audit::lines(&other.known().view()));
        let mut table = Table::new(base.clone());
        for node in 0..1000 {
            let own = if node == 17 { &other } else { &base };
            table.add(Delta::new(&format!("a-node-with-a-long-name-{node:04}"), &base, own));
        }
        let report = Report::new("a job", &table, 1);
        assert_eq!((report.nodes, report.findings[0].count, report.findings[0].nodes.len()), (1000, 1000, 0));
        let text = crate::doctor::text::render(&report, false);
        assert!(
            text.contains("nodes    1000 nodes") && text.contains("999 nodes 4092, a-node-with-a-long-name-0017 2044"),
            "{text}"
        );
        let json = serde_json::to_string(&report).unwrap();
        assert!(text.lines().count() < 25 && json.len() < 4096, "{} lines, {} bytes", text.lines().count(), json.len());
    }

    #[test]
    fn findings_of_many_nodes_are_one() {
        let mut governor = Machine::client();
        governor.file("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave");
        let report = job(&[("a", governor.clone()), ("b", Machine::client()), ("c", governor)]);
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].nodes, ["a", "c"]);
        assert!(report.findings[0].mend.contains("cpupower"));
        assert_eq!(report.summary(), "1 finding, 1 hint", "the governor differs, and it is not performance");
    }
}
