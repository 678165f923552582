//! Whether a group can be trusted at all: verdicts that it lost against the baseline, and wrong data.

use crate::report::load::RunGroup;
use crate::report::model::Run;

/// The verdicts that all runs of `a` passed and some run of `b` did not.
pub fn newly_invalid(a: &RunGroup, b: &RunGroup) -> Vec<String> {
    let passed = |name: &str| {
        let says = |run: &Run| run.verdicts.iter().any(|verdict| verdict.name == name && verdict.valid);
        a.runs.iter().all(says)
    };
    let of_run = |run: &Run| {
        let failed = run.verdicts.iter().filter(|verdict| !verdict.valid && passed(&verdict.name));
        let words = failed.map(|verdict| {
            let why = verdict.reasons.first().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{} is INVALID ({} verdict) and {} is valid{why}", run.label, verdict.name, a.label)
        });
        words.collect::<Vec<_>>()
    };
    b.runs.iter().flat_map(of_run).collect()
}

/// What verification found wrong in the data of the group's runs.
pub fn faults(group: &RunGroup) -> Vec<String> {
    let of_run = |run: &Run| {
        let faulty = run.phases.iter().filter_map(|phase| Some((phase.id, phase.fault.clone()?)));
        faulty.map(|(id, fault)| format!("{}: {id}: {fault}", run.label)).collect::<Vec<_>>()
    };
    group.runs.iter().flat_map(of_run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::testing::group;

    #[test]
    fn only_a_verdict_that_the_baseline_passed_can_be_lost() {
        let (mut a, mut b) = (group("a", &[1.0, 1.0]), group("b", &[1.0]));
        b.runs[0].verdicts[0].valid = false;
        b.runs[0].verdicts[0].reasons.push("too short".to_owned());
        assert_eq!(newly_invalid(&a, &b), ["b-0 is INVALID (official verdict) and a is valid: too short"]);
        a.runs[1].verdicts[0].valid = false;
        assert!(newly_invalid(&a, &b).is_empty());
        a.runs[1].verdicts.clear();
        assert!(newly_invalid(&a, &b).is_empty(), "no verdict is no valid one");
    }

    #[test]
    fn wrong_data_is_named() {
        let mut b = group("b", &[1.0]);
        assert!(faults(&b).is_empty());
        b.runs[0].phases[4].fault = Some("3 of 4 wrong".to_owned());
        assert_eq!(faults(&b), ["b-0: find: 3 of 4 wrong"]);
    }
}
