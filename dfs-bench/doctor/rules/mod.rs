//! The rules, one file per subject. A new one is a row in its subject's list, and a case in that file's tests.

mod classes;
mod engine;
mod job;
mod memory;
mod network;
mod placement;
mod pool;
mod processor;
mod storage;
mod system;

use super::rule::Rule;

/// All rules, in the order in which they are listed.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [
        placement::RULES,
        engine::RULES,
        memory::RULES,
        processor::RULES,
        network::RULES,
        storage::RULES,
        job::RULES,
        pool::RULES,
        system::RULES,
        classes::RULES,
    ]
    .into_iter()
    .flatten()
}

/// The rule of this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, Machine};
    use super::*;
    use std::collections::BTreeSet;

    fn cases() -> Vec<Case> {
        let subjects = [
            placement::tests::cases(),
            engine::tests::cases(),
            memory::tests::cases(),
            processor::tests::cases(),
            network::tests::cases(),
            storage::tests::cases(),
            job::tests::cases(),
            pool::tests::cases(),
            system::tests::cases(),
            classes::tests::cases(),
        ];
        subjects.into_iter().flatten().collect()
    }

    #[test]
    fn a_machine_in_order_has_no_findings_and_nothing_unknown() {
        for machine in [Machine::client(), Machine::server(), Machine::with_pool()] {
            let (found, unknown) = machine.audit();
            assert_eq!(found, [""; 0]);
            assert_eq!(unknown, [""; 0]);
        }
    }

    #[test]
    fn every_rule_fires_where_it_must_and_only_there() {
        let mut fired = BTreeSet::new();
        for case in cases() {
            let mut machine = (case.machine)();
            (case.fires)(&mut machine);
            let (found, unknown) = machine.audit();
            let ids: BTreeSet<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
            let mut expected = BTreeSet::from([case.rule]);
            expected.extend(case.with);
            assert_eq!(ids, expected, "{}: {found:#?}", case.rule);
            assert_eq!(unknown, [""; 0], "{}", case.rule);
            let mut machine = (case.machine)();
            (case.silent)(&mut machine);
            let (found, _) = machine.audit();
            assert!(
                found.iter().all(|line| !line.starts_with(&format!("{} ", case.rule))),
                "{}: {found:#?}",
                case.rule
            );
            fired.insert(case.rule);
        }
        let untested: Vec<&str> = all().map(|rule| rule.id).filter(|id| !fired.contains(id)).collect();
        assert_eq!(untested, [""; 0], "rules without a case");
    }

    #[test]
    fn a_fact_that_nobody_knows_is_no_finding() {
        for case in cases() {
            let rule = find(case.rule).unwrap();
            let mut machine = (case.machine)();
            (case.fires)(&mut machine);
            let blind = machine.blind();
            let outcome = blind.view().apply(rule);
            let found = outcome.map(|outcome| outcome.found).unwrap_or_default();
            // what the configuration or the environment alone says needs no fact of the node
            assert!(found.is_empty() || case.needs_no_node, "{}: {found:#?}", case.rule);
        }
    }

    #[test]
    fn nonsense_in_any_file_is_no_panic() {
        for machine in [Machine::client(), Machine::server()] {
            let paths: Vec<String> = machine.tree.files().map(|(path, _)| path.to_owned()).collect();
            for value in ["", "-1", "0", "18446744073709551615", "0 kB", "0-65535", "x: [y", "\u{fffd} \u{0}"] {
                let mut all = machine.clone();
                paths.iter().for_each(|path| all.file(path, value));
                all.audit();
            }
            // each by itself, so that what depends on the others is reached; CPUs are all alike
            for path in paths.iter().filter(|path| !path.contains("/cpu/cpu")) {
                let mut one = machine.clone();
                one.file(path, "18446744073709551615");
                one.audit();
            }
            let mut meminfo = machine.clone();
            meminfo.file("proc/meminfo", "MemTotal: 18446744073709551615 kB\nHugepagesize: 0 kB");
            meminfo.audit();
        }
    }

    #[test]
    fn every_rule_says_why_how_and_who_says_so() {
        let mut ids = BTreeSet::new();
        for rule in all() {
            assert!(ids.insert(rule.id), "{} twice", rule.id);
            assert!(rule.id.split('.').count() == 2 && !rule.id.contains(' '), "{}", rule.id);
            for (what, text) in [("why", rule.why), ("mend", rule.mend), ("source", rule.source)] {
                assert!(text.len() > 20, "{}: {what}: {text:?}", rule.id);
            }
            assert!(!rule.why.ends_with('.'), "{}: one sentence without a full stop", rule.id);
        }
    }
}
