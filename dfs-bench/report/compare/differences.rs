//! What differed between two groups besides their results: storage options, settings, environment.

use crate::report::figures::significant;
use crate::report::load::RunGroup;
use crate::report::model::{Run, Setting};
use crate::report::tables::UNKNOWN;
use io500_phases::config::{SECTIONS, ValueKind};
use io500_phases::units::parse_size;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Names that differ between any two runs and explain nothing.
const PLACES: [&str; 24] = [
    "config-hash",
    "score hash",
    "result-dir",
    "resultdir",
    "datadir",
    "timestamp",
    "timestamp-datadir",
    "timestamp-resultdir",
    "began",
    "ended",
    "data directory",
    "result directory",
    "command line",
    // the API of the options per phase, once more
    "store: address",
    "time until connected",
    "time until the first phase",
    "resident memory before the first phase",
    "open files before the first phase",
    "job",
    "step",
    "index in the array",
    "wall clock skew",
    "clock uncertainty",
    // each process of a run with --client-metrics has its own
    "environment D_CLIENT_METRICS_DUMP_DIR",
];

/// Settings that the storage options per phase show too, and there as they take effect.
const TOLD_PER_PHASE: [&str; 3] = ["api", "transfersize", "datapackettype"];

/// Something that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// `storage`, `setting`, `environment`, `finding` or `requests`.
    pub kind: &'static str,
    /// What.
    pub name: String,
    /// Where it applies: phases or sections.
    pub scope: String,
    /// The baseline's value.
    pub a: String,
    /// The other's.
    pub b: String,
}

/// What differs between `a` and `b`.
pub fn between(a: &RunGroup, b: &RunGroup) -> Vec<Change> {
    let mut changes = Vec::new();
    // what a phase that only one side ran was done with is no difference between the two
    let ran =
        |group: &RunGroup, phase: &str| group.runs.iter().any(|run| run.phases.iter().any(|p| p.id.name() == phase));
    let storage = [a, b].map(|group| {
        let mut values = values(group, storage);
        values.retain(|(_, phase), _| ran(a, phase) && ran(b, phase));
        values
    });
    changes.extend(merge_scopes(changed("storage", &storage[0], &storage[1], Missing::Counts)));
    let phases = storage[0].keys().chain(storage[1].keys()).map(|(_, phase)| phase).collect::<BTreeSet<_>>().len();
    for change in changes.iter_mut().filter(|change| phases > 1 && change.scope.split(", ").count() == phases) {
        change.scope = "every phase".to_owned();
    }
    let settings = [a, b].map(|group| values(group, settings));
    changes.extend(changed("setting", &settings[0], &settings[1], Missing::Skipped));
    let environment = [a, b].map(|group| values(group, environment));
    // facts of the environment are only comparable where the same program collected them
    let missing = if a.runs[0].source == b.runs[0].source { Missing::Counts } else { Missing::Skipped };
    changes.extend(changed("environment", &environment[0], &environment[1], missing));
    changes.extend(findings(a, b));
    changes.extend(requests(a, b));
    merge_scopes(changes)
}

/// What the audit before the first phase found on one side and not, or otherwise, on the other.
fn findings(a: &RunGroup, b: &RunGroup) -> Vec<Change> {
    const NOT_FOUND: &str = "not found";
    let found = |run: &Run| {
        let findings = run.audit.as_ref()?.findings.iter().flatten();
        // what a hint is about moves by itself, as the load of a node does
        let grave = findings.filter(|finding| finding.severity != "hint");
        Some(listed(grave.map(|finding| ((finding.rule.clone(), finding.device.clone()), finding.found.clone()))))
    };
    // a run that nobody looked at before says nothing of its nodes
    let mut sides = [a, b].map(|group| group.runs.iter().filter_map(found).collect::<Vec<_>>());
    if sides.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    // a run that was looked at says of every finding of the others that it was not there
    let every: BTreeSet<_> = sides.iter().flatten().flat_map(BTreeMap::keys).cloned().collect();
    for run in sides.iter_mut().flatten() {
        for key in &every {
            run.entry(key.clone()).or_insert_with(|| NOT_FOUND.to_owned());
        }
    }
    let [a, b] = sides.map(|runs| joined(runs.into_iter()));
    changed("finding", &a, &b, Missing::Counts)
}

/// A change of the requests per operation that is less is not told: opening and closing weigh more in a short phase.
const REQUESTS_CHANGED: f64 = 0.05;

/// Requests per operation that are not the same on both sides: another version of DAOS, or another way of doing it.
fn requests(a: &RunGroup, b: &RunGroup) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut tell = |name: &str, scope: String, of: &dyn Fn(&Run) -> Option<f64>| {
        let mean = |group: &RunGroup| {
            let known: Vec<f64> = group.runs.iter().filter_map(of).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        let (Some(of_a), Some(of_b)) = (mean(a), mean(b)) else { return };
        if (of_b - of_a).abs() > REQUESTS_CHANGED * of_a.max(of_b) {
            let [a, b] = [of_a, of_b].map(|value| significant(value, 3));
            changes.push(Change { kind: "requests", name: name.to_owned(), scope, a, b });
        }
    };
    for phase in a.runs.iter().flat_map(|run| &run.phases).map(|phase| phase.id).collect::<BTreeSet<_>>() {
        let of = |run: &Run| run.phase(phase)?.servers.as_ref()?.rpcs_per_operation;
        tell("requests per operation, by the servers", phase.name().to_owned(), &of);
    }
    // what ran on one connection is only comparable with the same
    let about = |run: &Run| {
        Some((run.client_metrics.as_ref()?.phase, run.phases.iter().map(|phase| phase.id).collect::<Vec<_>>()))
    };
    if about(&a.runs[0]) == about(&b.runs[0]) {
        let scope = a.runs[0].client_metrics.as_ref().and_then(|metrics| metrics.phase);
        let scope = scope.map_or_else(|| "whole run".to_owned(), |phase| phase.name().to_owned());
        let of = |run: &Run| run.client_metrics.as_ref()?.rpcs_per_operation;
        tell("requests per operation, by libdaos", scope, &of);
    }
    changes
}

/// Whether a value that only one side has is a difference.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    Counts,
    Skipped,
}

/// (name, scope) to value.
type Values = BTreeMap<(String, String), String>;

/// The values of a group; several different ones are joined.
fn values(group: &RunGroup, of: impl Fn(&Run) -> Values) -> Values {
    joined(group.runs.iter().map(of))
}

fn joined(runs: impl Iterator<Item = Values>) -> Values {
    let mut all: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (key, value) in runs.flatten() {
        all.entry(key).or_default().insert(value);
    }
    all.into_iter().map(|(key, values)| (key, values.into_iter().collect::<Vec<_>>().join(" | "))).collect()
}

/// The values of one run; facts of one name, as of several departures or stores, are listed.
fn listed(facts: impl Iterator<Item = ((String, String), String)>) -> Values {
    let mut all: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (key, value) in facts {
        all.entry(key).or_default().insert(value);
    }
    all.into_iter().map(|(key, values)| (key, values.into_iter().collect::<Vec<_>>().join(", "))).collect()
}

fn storage(run: &Run) -> Values {
    let facts = run.phases.iter().flat_map(|phase| phase.storage.iter().map(move |fact| (phase, fact)));
    listed(facts.map(|(phase, fact)| ((fact.name.clone(), phase.id.name().to_owned()), fact.value.clone())))
}

fn settings(run: &Run) -> Values {
    let told = run.phases.iter().any(|phase| !phase.storage.is_empty());
    run.configuration
        .iter()
        .filter(|setting| !(told && TOLD_PER_PHASE.contains(&setting.name.to_lowercase().as_str())))
        .filter(|setting| !PLACES.contains(&setting.name.to_lowercase().as_str()))
        .map(|setting| ((setting.name.to_lowercase(), setting.section.to_lowercase()), plain(setting)))
        .collect()
}

/// A value without the freedom of spelling that its option allows.
fn plain(setting: &Setting) -> String {
    let section = SECTIONS.iter().find(|section| section.name.eq_ignore_ascii_case(&setting.section));
    let value = &setting.value;
    match section.and_then(|section| section.option(&setting.name)).map(|(_, option)| option.kind) {
        Some(ValueKind::Bool) => match value.to_lowercase().as_str() {
            "true" | "1" => "TRUE".to_owned(),
            "false" | "0" => "FALSE".to_owned(),
            _ => value.clone(),
        },
        Some(ValueKind::Size) => parse_size(value).map_or_else(|_| value.clone(), |bytes| bytes.to_string()),
        _ => value.clone(),
    }
}

fn environment(run: &Run) -> Values {
    let told = |name: &str| !PLACES.contains(&name) && !name.ends_with(" free");
    let facts = run.provenance.iter().filter(|fact| told(&fact.name));
    let mut values = listed(facts.map(|fact| ((fact.name.clone(), String::new()), fact.value.clone())));
    let own = [
        ("program", Some(run.source.name().to_owned())),
        ("version", run.version.clone()),
        ("mode", run.mode.clone()),
        ("ranks", run.ranks.map(|ranks| ranks.to_string())),
        ("client nodes", run.nodes.map(|nodes| nodes.to_string())),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some(((name.to_owned(), String::new()), value?)));
    values.extend(own);
    values
}

fn changed(kind: &'static str, a: &Values, b: &Values, missing: Missing) -> Vec<Change> {
    let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let (of_a, of_b) = (a.get(key), b.get(key));
            // stores of different kinds have different facts, which says no more than that they differ
            let optional = missing == Missing::Skipped || key.0.starts_with("store: ");
            let skipped = optional && (of_a.is_none() || of_b.is_none());
            let show = |value: Option<&String>| value.cloned().unwrap_or_else(|| UNKNOWN.to_owned());
            (of_a != of_b && !skipped).then(|| Change {
                kind,
                name: key.0.clone(),
                scope: key.1.clone(),
                a: show(of_a),
                b: show(of_b),
            })
        })
        .collect()
}

/// One line for the same change in several phases or sections.
fn merge_scopes(changes: Vec<Change>) -> Vec<Change> {
    let mut merged: Vec<Change> = Vec::new();
    for change in changes {
        let same = |other: &&mut Change| {
            (other.kind, &other.name, &other.a, &other.b) == (change.kind, &change.name, &change.a, &change.b)
        };
        match merged.iter_mut().find(same) {
            Some(other) => {
                other.scope.push_str(", ");
                other.scope.push_str(&change.scope);
            }
            None => merged.push(change),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::testing::group;
    use crate::report::model::Fact;

    #[test]
    fn object_classes_are_listed_once_for_all_phases() {
        let (mut a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        for (group, class) in [(&mut a, "SX"), (&mut b, "EC_16P1GX")] {
            for (index, phase) in group.runs[0].phases.iter_mut().enumerate() {
                phase.storage.push(Fact::new("object class", if index < 2 { class } else { "S1" }));
            }
        }
        let found = between(&a, &b);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].a.as_str(), found[0].b.as_str()), ("SX", "EC_16P1GX"));
        assert_eq!(found[0].scope, "ior-easy-write, mdtest-easy-write");
    }

    fn setting(section: &str, name: &str, value: &str) -> Setting {
        let [section, name, value] = [section, name, value].map(str::to_owned);
        Setting { section, name, value, origin: "config.ini".to_owned() }
    }

    #[test]
    fn spelling_and_places_are_no_difference() {
        let (mut a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        let a_has = [("global", "scc", "FALSE"), ("global", "datadir", "/a"), ("ior-easy", "blockSize", "1m")];
        let b_has = [("Global", "SCC", "0"), ("global", "datadir", "/b"), ("ior-easy", "blocksize", "1048576")];
        a.runs[0].configuration = a_has.map(|(section, name, value)| setting(section, name, value)).into();
        b.runs[0].configuration = b_has.map(|(section, name, value)| setting(section, name, value)).into();
        assert_eq!(between(&a, &b), []);
    }

    #[test]
    fn a_number_stays_a_number() {
        let (mut a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        a.runs[0].configuration = vec![setting("dfs-bench", "queue-depth", "1"), setting("mdtest-hard", "n", "0")];
        b.runs[0].configuration = vec![setting("dfs-bench", "queue-depth", "8"), setting("mdtest-hard", "n", "5")];
        let found: Vec<_> = between(&a, &b).into_iter().map(|change| (change.name, change.a, change.b)).collect();
        let expected = [("n", "0", "5"), ("queue-depth", "1", "8")];
        assert_eq!(found, expected.map(|(name, a, b)| (name.to_owned(), a.to_owned(), b.to_owned())));
    }

    #[test]
    fn facts_of_one_name_are_all_compared() {
        let (mut a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        let departure = |value: &str| Fact::new("departure from the rules", value);
        a.runs[0].provenance = vec![departure("queue-depth 8"), departure("threads-per-rank 2")];
        b.runs[0].provenance = vec![departure("queue-depth 4"), departure("threads-per-rank 2")];
        let found = between(&a, &b);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].a, "queue-depth 8, threads-per-rank 2");
        assert_eq!(found[0].b, "queue-depth 4, threads-per-rank 2");
    }

    #[test]
    fn phases_that_one_side_did_not_run_are_no_difference_of_storage() {
        let (mut a, b) = (group("a", &[1.0]), group("b", &[2.0]));
        let mut optional = crate::report::model::Phase::new(io500_phases::phase_id::PhaseId::FindEasy);
        optional.storage.push(Fact::new("object class", "SX"));
        a.runs[0].phases.push(optional);
        a.runs[0].provenance.push(Fact::new("store: address", "DFS | POSIX"));
        assert_eq!(between(&a, &b), []);
    }

    #[test]
    fn findings_of_one_side_are_what_changed() {
        use io500_phases::results::{Audit, AuditFinding};
        let (mut a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        let finding = |rule: &str, severity: &str, found: &str| AuditFinding {
            rule: rule.into(),
            severity: severity.into(),
            device: "mlx5_1/1".into(),
            found: found.into(),
            expected: String::new(),
            nodes: 1,
            first_nodes: vec!["node17".into()],
        };
        let audit = |findings: Vec<AuditFinding>| Some(Audit { findings: Some(findings), ..Audit::default() });
        let same = || finding("job.binding", "finding", "loose");
        a.runs[0].audit =
            audit(vec![same(), finding("job.idle-links", "finding", "no rank"), finding("cpu.load", "hint", "9")]);
        b.runs[0].audit = audit(vec![same()]);
        let found: Vec<_> =
            between(&a, &b).into_iter().map(|change| (change.kind, change.name, change.a, change.b)).collect();
        assert_eq!(found, [("finding", "job.idle-links".to_owned(), "no rank".to_owned(), "not found".to_owned())]);
        // a finding of some runs of a side is told as such, and a run that nobody looked at does not count
        for audit in [audit(vec![]), None] {
            let mut more = group("a", &[1.0]).runs.remove(0);
            more.audit = audit;
            a.runs.push(more);
        }
        let found: Vec<_> = between(&a, &b).into_iter().map(|change| (change.name, change.a, change.b)).collect();
        let expected =
            [("job.binding", "loose | not found", "loose"), ("job.idle-links", "no rank | not found", "not found")];
        assert_eq!(found, expected.map(|(name, a, b)| (name.to_owned(), a.to_owned(), b.to_owned())));
        b.runs[0].audit = None;
        assert_eq!(between(&a, &b), [], "nobody looked");
    }

    #[test]
    fn a_change_of_requests_per_operation_is_found() {
        use io500_phases::results::{ClientMetrics, ServersResult};
        let (mut a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        for (group, [easy, other, clients]) in [(&mut a, [2.0, 1.0, 3.0]), (&mut b, [3.0, 1.01, 3.5])] {
            let run = &mut group.runs[0];
            for (phase, rpcs) in run.phases.iter_mut().zip([easy, other]) {
                phase.servers = Some(ServersResult { rpcs_per_operation: Some(rpcs), ..Default::default() });
            }
            run.client_metrics = Some(ClientMetrics { rpcs_per_operation: Some(clients), ..Default::default() });
        }
        let found: Vec<_> =
            between(&a, &b).into_iter().map(|change| (change.kind, change.scope, change.a, change.b)).collect();
        let first = a.runs[0].phases[0].id.name().to_owned();
        let expected = [(first, "2.00", "3.00"), ("whole run".to_owned(), "3.00", "3.50")];
        assert_eq!(found, expected.map(|(scope, a, b)| ("requests", scope, a.to_owned(), b.to_owned())));
        b.runs[0].client_metrics = None;
        b.runs[0].phases[0].servers = None;
        assert_eq!(between(&a, &b), []);
    }
}
