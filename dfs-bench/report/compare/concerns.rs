//! Caveats of a comparison of two groups; some of them refuse it.

use super::common::common_phases;
use super::model::Concern;
use crate::report::load::RunGroup;
use crate::report::model::{DEPARTURE, Run};
use io500_phases::phase_id::PhaseId;
use io500_phases::text;
use std::collections::BTreeSet;

/// The concerns about comparing `a` with `b`.
pub fn of(a: &RunGroup, b: &RunGroup) -> Vec<Concern> {
    let mut concerns = Vec::new();
    let mut refuse = |words: String| concerns.push(Concern { refuses: true, words });
    if common_phases(a, b).is_empty() {
        refuse(format!("{} and {} have no phase in common", a.label, b.label));
    }
    let canonical = |run: &Run| std::fs::canonicalize(&run.path).unwrap_or_else(|_| run.path.clone());
    let paths: BTreeSet<_> = a.runs.iter().map(canonical).collect();
    for run in b.runs.iter().filter(|run| paths.contains(&canonical(run))) {
        refuse(format!("{} is on both sides", text::of(&run.path)));
    }
    let mut warn = |words: Option<String>| concerns.extend(words.map(|words| Concern { refuses: false, words }));
    warn(differ(a, b, "ranks", |run| run.ranks.map(|ranks| ranks.to_string())));
    warn(differ(a, b, "client nodes", |run| run.nodes.map(|nodes| nodes.to_string())));
    warn(differ(a, b, "the mode", |run| run.mode.clone()));
    warn(differ(a, b, "the program", |run| Some(run.source.name().to_owned())));
    warn(differ(a, b, "the program's version", |run| {
        // two programs have different versions anyway
        let mixed = a.runs.iter().chain(&b.runs).any(|other| other.source != run.source);
        run.version.clone().filter(|_| !mixed)
    }));
    warn(differ(a, b, "the stonewall", stonewall));
    warn(differ(a, b, "the data packets", |run| setting(run, "global", "dataPacketType")));
    warn(differ(a, b, "the store", |run| run.provenance.iter().find(|f| f.name == "store").map(|f| f.value.clone())));
    warn(differ(a, b, "departures from the rules", |run| Some(departures(run))));
    for group in [a, b] {
        warn(invalid(group, "official"));
        warn(invalid(group, "strict"));
        group.runs.iter().for_each(|run| warn(unmeasured(run)));
    }
    warn(only_one_has(a, b));
    warn(only_one_has(b, a));
    concerns
}

/// A sentence when the sides differ in a property, or the runs of one side do; nothing where one side does not say.
fn differ(a: &RunGroup, b: &RunGroup, what: &str, get: impl Fn(&Run) -> Option<String>) -> Option<String> {
    let values = |group: &RunGroup| group.runs.iter().filter_map(&get).collect::<BTreeSet<_>>();
    let (of_a, of_b) = (values(a), values(b));
    let join = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(", ");
    let (known, same) = (!of_a.is_empty() && !of_b.is_empty(), of_a == of_b && of_a.len() == 1);
    (known && !same)
        .then(|| format!("{what} differ: {} in {}, {} in {}", join(&of_a), a.label, join(&of_b), b.label))
        .map(|words| match what.strip_prefix("the ") {
            Some(_) => words.replacen(" differ:", " differs:", 1).replace("packets differs", "packets differ"),
            None => words,
        })
}

/// Queue depth, threads per rank: what the rules do not have, and none is a value too.
fn departures(run: &Run) -> String {
    let named = run.provenance.iter().filter(|fact| fact.name == DEPARTURE).map(|fact| fact.value.as_str());
    let named: Vec<&str> = named.collect();
    if named.is_empty() { "none".to_owned() } else { named.join(" and ") }
}

fn stonewall(run: &Run) -> Option<String> {
    let configured = setting(run, "debug", "stonewall-time");
    let measured = run.phases.iter().find_map(|phase| phase.stonewall.as_ref()?.setting_seconds);
    configured.or_else(|| measured.map(|seconds| seconds.to_string())).map(|seconds| format!("{seconds} s"))
}

fn setting(run: &Run, section: &str, name: &str) -> Option<String> {
    let found = run
        .configuration
        .iter()
        .find(|setting| setting.section.eq_ignore_ascii_case(section) && setting.name.eq_ignore_ascii_case(name))?;
    Some(found.value.clone())
}

fn invalid(group: &RunGroup, name: &str) -> Option<String> {
    let fails = |run: &&Run| run.verdicts.iter().any(|verdict| verdict.name == name && !verdict.valid);
    let failed: Vec<&str> = group.runs.iter().filter(fails).map(|run| run.label.as_str()).collect();
    let who = match (failed.len(), group.runs.len()) {
        (0, _) => return None,
        (1, 1) => format!("{} is", failed[0]),
        (some, all) if some == all => format!("all {all} runs of {} are", group.label),
        (some, all) => format!("{some} of {all} runs of {} ({}) are", group.label, failed.join(", ")),
    };
    Some(format!("{who} INVALID ({name} verdict)"))
}

fn unmeasured(run: &Run) -> Option<String> {
    let failed: Vec<&str> =
        run.phases.iter().filter(|phase| phase.scored && phase.rate <= 0.0).map(|phase| phase.id.name()).collect();
    (!failed.is_empty())
        .then(|| format!("{} has no rate for {}, which is left out of the comparison", run.label, failed.join(", ")))
}

/// Scored phases of every run of `a` that no run of `b` has.
fn only_one_has(a: &RunGroup, b: &RunGroup) -> Option<String> {
    let has = |group: &RunGroup, id: PhaseId| group.runs.iter().any(|run| run.phase(id).is_some());
    let only: Vec<&str> = PhaseId::ALL.into_iter().filter(|&id| has(a, id) && !has(b, id)).map(PhaseId::name).collect();
    (!only.is_empty()).then(|| {
        format!("only {} has {}; score and means are computed from the common phases", a.label, only.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::testing::group;

    fn words(concerns: &[Concern]) -> String {
        concerns.iter().map(|concern| concern.words.clone()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn equal_circumstances_raise_no_concern() {
        assert_eq!(of(&group("a", &[1.0]), &group("b", &[2.0])), []);
    }

    #[test]
    fn ranks_and_verdicts_are_mentioned() {
        let (a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        b.runs[0].ranks = Some(99);
        b.runs[0].verdicts[0].valid = false;
        let found = of(&a, &b);
        assert!(found.iter().all(|concern| !concern.refuses));
        assert_eq!(words(&found), "ranks differ: 8 in a, 99 in b\nb-0 is INVALID (official verdict)");
    }

    #[test]
    fn departures_from_the_rules_are_mentioned() {
        let (a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        for value in ["queue-depth 8", "threads-per-rank 2"] {
            b.runs[0].provenance.push(crate::report::model::Fact::new(DEPARTURE, value));
        }
        let said = "departures from the rules differ: none in a, queue-depth 8 and threads-per-rank 2 in b";
        assert_eq!(words(&of(&a, &b)), said);
        assert_eq!(of(&b, &b).iter().filter(|concern| concern.words.contains("departures")).count(), 0);
    }

    #[test]
    fn nothing_in_common_refuses() {
        let (a, mut b) = (group("a", &[1.0]), group("b", &[2.0]));
        b.runs[0].phases.clear();
        assert!(of(&a, &b).iter().any(|concern| concern.refuses && concern.words.contains("no phase in common")));
    }

    #[test]
    fn the_same_directory_on_both_sides_refuses() {
        let a = group("a", &[1.0]);
        let mut b = group("b", &[2.0]);
        b.runs[0].path.clone_from(&a.runs[0].path);
        assert!(of(&a, &b).iter().any(|concern| concern.refuses && concern.words.contains("on both sides")));
    }
}
