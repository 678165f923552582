//! The official verdict: what the C suite says of a phase and of a run.

use super::reasons::NOT_RUN;
use super::run::{PhaseResult, Reason, RunResult, Verdict};
use crate::phase_id::{Family, Kind, PhaseId};

/// What the rules ask of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The configured stonewall, seconds.
    pub stonewall_s: u32,
    /// `scc`: 30 s are enough.
    pub scc: bool,
    /// The run stops between phases when asked to.
    pub pausing: bool,
    /// `files-per-dir` is set.
    pub files_per_dir: bool,
    /// Phases that belong to the run's mode.
    pub expected: Vec<PhaseId>,
    /// Settings beyond the rules (queue depth, threads).
    pub departures: Vec<String>,
}

impl Rules {
    /// Minimum duration of a write phase in seconds, whatever the stonewall.
    pub fn minimum_s(&self) -> u32 {
        if self.scc { 30 } else { 300 }
    }
}

/// Seconds that mdtest sleeps before it begins, which the C suite counts as time of the phase.
const MDTEST_PAUSE_S: f64 = 1.0;

/// The time of the whole phase as the C suite takes it. Ours has no pause; that of `result` stays as it was measured.
pub(super) fn official_s(result: &PhaseResult) -> f64 {
    let pauses = matches!(result.phase.family(), Family::MdtestEasy | Family::MdtestHard) && !result.switched_off;
    result.phase_s + if pauses { MDTEST_PAUSE_S } else { 0.0 }
}

/// The reasons of the C suite that belong to one phase, in its order: those of the workload, then those of every phase.
pub fn official_of_phase(rules: &Rules, result: &PhaseResult) -> Verdict {
    let mut verdict = Verdict { valid: true, reasons: Vec::new() };
    let phase = result.phase;
    let mut reason = |text: String| verdict.push(Some(phase), text, true);
    // the C suite does not look for files that should not be there
    let errors = result.check.as_ref().map_or(0, |check| check.faults() - check.unexpected);
    let stonewall = f64::from(rules.stonewall_s);
    match phase.family() {
        Family::IorEasy | Family::IorHard => {
            if errors > 0 {
                // IOR adds the errors to its total twice
                reason(format!("Errors ({}) occured during phase in IOR. This invalidates your run.", 2 * errors));
            }
            if phase.has_stonewall() && !result.switched_off && result.window_s < stonewall {
                let hit = result.stonewall.as_ref().map_or(0.0, |stonewall| stonewall.met_s);
                reason(format!(
                    "Write phase needed {:.6}s instead of stonewall {}s. Stonewall was hit at {hit:.1}s",
                    result.window_s, rules.stonewall_s
                ));
            }
        }
        // when it removes, md-workbench counts no errors
        Family::Mdworkbench if errors > 0 && phase.kind() != Kind::Delete => {
            reason(format!("Errors ({errors}) occured during the md-workbench phase. This invalidates your run."))
        }
        _ => {}
    }
    if let Some(find) = &result.find {
        find.failure.iter().for_each(|failure| reason(failure.clone()));
        if find.found == 0 {
            reason("Find didn't find anything, this is likely invalid.".into());
        }
    }
    let seconds = official_s(result);
    if phase.has_stonewall() && seconds < stonewall {
        reason(format!("Runtime of phase ({seconds:.6}) is below stonewall time. This shouldn't happen!"));
    } else if result.rate <= 0.0 && phase.kind() != Kind::Timestamp {
        reason("Resulting score shouldn't be 0.0".into());
    }
    if phase.has_stonewall() && seconds < f64::from(rules.minimum_s()) {
        reason("Runtime is smaller than expected minimum runtime".into());
    }
    verdict
}

/// The C suite's reasons that belong to the run as a whole and stand before the first phase.
pub fn official_of_run(rules: &Rules) -> Verdict {
    let mut verdict = Verdict { valid: true, reasons: Vec::new() };
    if rules.pausing {
        verdict.push(None, "PAUSING BETWEEN RUNS ACTIVATED", true);
    }
    let wanted = rules.minimum_s();
    if rules.stonewall_s != wanted {
        // by a quirk of the C suite these two are errors that do not count
        verdict.push(None, format!("stonewall-time {}s != {wanted}s", rules.stonewall_s), false);
    }
    if rules.files_per_dir {
        verdict.push(None, "files-per-dir is set", false);
    }
    verdict
}

/// The whole official verdict: of the run, of its phases, and for phases that are missing.
pub fn official(rules: &Rules, result: &RunResult) -> Verdict {
    let mut verdict = official_of_run(rules);
    for reason in result.earlier.iter().flat_map(|invocation| &invocation.official) {
        if !verdict.reasons.contains(reason) {
            verdict.push(None, reason.text.clone(), reason.invalidates);
        }
    }
    for phase in &result.phases {
        verdict.reasons.extend(official_of_phase(rules, phase).reasons);
    }
    let missing = |phase: &PhaseId| phase.kind() != Kind::Timestamp && result.phase(*phase).is_none();
    for phase in rules.expected.iter().copied().filter(missing) {
        verdict.push(Some(phase), NOT_RUN, true);
    }
    // an optional phase invalidates the extended score only
    let of_the_run = |reason: &&Reason| reason.phase.is_none_or(PhaseId::in_standard);
    verdict.valid = !verdict.reasons.iter().filter(of_the_run).any(|reason| reason.invalidates);
    verdict
}

/// Whether the extended score is valid by this official verdict: every phase counts, the optional ones too, and nothing else. A pause
/// invalidates the run only.
pub fn extended_valid(official: &Verdict) -> bool {
    !official.reasons.iter().any(|reason| reason.phase.is_some() && reason.invalidates)
}

#[cfg(test)]
mod tests {
    use super::super::run::*;
    use super::super::strict::strict;
    use super::super::testing::{changed, good, phase, rules, run};
    use super::*;
    use crate::phases::Check;

    #[test]
    fn a_run_by_the_rules_is_valid_by_both() {
        assert_eq!(official(&rules(), &run()), Verdict { valid: true, reasons: vec![] });
        assert_eq!(strict(&rules(), &run()), Verdict { valid: true, reasons: vec![] });
    }

    #[test]
    fn short_write_phases_are_invalid_with_the_words_of_the_c_suite() {
        let (official, _) = changed(|run, rules| {
            rules.stonewall_s = 60;
            let write = phase(run, PhaseId::IorEasyWrite);
            (write.window_s, write.phase_s) = (0.001469, 0.003119);
        });
        let texts: Vec<&str> = official.reasons.iter().map(|reason| reason.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "stonewall-time 60s != 300s",
                "Write phase needed 0.001469s instead of stonewall 60s. Stonewall was hit at 0.0s",
                "Runtime of phase (0.003119) is below stonewall time. This shouldn't happen!",
                "Runtime is smaller than expected minimum runtime",
            ]
        );
        assert!(!official.valid);
    }

    #[test]
    fn the_student_cluster_rules_want_30_seconds() {
        let (official, _) = changed(|run, rules| {
            (rules.scc, rules.stonewall_s) = (true, 30);
            for write in
                [PhaseId::IorEasyWrite, PhaseId::IorHardWrite, PhaseId::MdtestEasyWrite, PhaseId::MdtestHardWrite]
            {
                let write = phase(run, write);
                (write.window_s, write.phase_s) = (30.5, 31.0);
            }
        });
        assert!(official.valid);
    }

    #[test]
    fn wrong_data_in_ior_is_an_official_reason() {
        let (official, strict) =
            changed(|run, _| phase(run, PhaseId::IorHardRead).check = Some(Check { wrong: 1, ..Check::default() }));
        assert!(!official.valid && !strict.valid);
        let text = &official.reasons[0].text;
        assert_eq!(text, "Errors (2) occured during phase in IOR. This invalidates your run.");
    }

    #[test]
    fn one_missing_standard_phase_makes_the_run_invalid() {
        let (official, _) = changed(|run, _| run.phases.retain(|result| result.phase != PhaseId::IorHardRead));
        assert!(!official.valid);
        let (official, _) = changed(|run, _| run.phases.retain(|result| result.phase != PhaseId::IorRnd4kEasyRead));
        assert!(!official.valid, "it has no score, and is judged all the same");
        let (official, _) = changed(|run, _| run.phases.retain(|result| result.phase != PhaseId::Timestamp));
        assert!(official.valid);
    }

    #[test]
    fn every_phase_of_the_mode_must_have_a_score_but_timestamp() {
        for &judged in &rules().expected {
            let (official, strict) = changed(|run, _| phase(run, judged).rate = 0.0);
            assert_eq!(official.valid, judged == PhaseId::Timestamp, "{judged}");
            assert_eq!(official.valid, strict.valid, "{judged}");
            if !official.valid {
                assert_eq!(official.reasons[0].text, "Resulting score shouldn't be 0.0");
            }
        }
    }

    /// A run in extended mode, changed.
    fn extended(change: impl Fn(&mut RunResult, &mut Rules)) -> (Verdict, bool) {
        let (official, _) = changed(|run, rules| {
            rules.expected = PhaseId::ALL.to_vec();
            run.phases = PhaseId::ALL.into_iter().map(good).collect();
            change(run, rules);
        });
        let valid = extended_valid(&official);
        (official, valid)
    }

    #[test]
    fn optional_phases_are_judged_for_the_extended_score_only() {
        let (official, valid) = extended(|_, _| {});
        assert!(official.valid && valid);
        for optional in PhaseId::ALL.into_iter().filter(|phase| !phase.in_standard()) {
            let (official, valid) = extended(|run, _| run.phases.retain(|result| result.phase != optional));
            assert_eq!((official.valid, valid, official.reasons.len()), (true, false, 1), "{optional}");
            let (official, valid) = extended(|run, _| phase(run, optional).rate = 0.0);
            assert_eq!((official.valid, valid), (true, false), "{optional}");
        }
        let (official, valid) = extended(|run, _| phase(run, PhaseId::IorRnd4kEasyRead).rate = 0.0);
        assert_eq!((official.valid, valid), (false, false), "a standard phase counts in both");
        let (official, valid) = extended(|_, rules| rules.pausing = true);
        assert_eq!((official.valid, valid), (false, true), "a pause invalidates the run only");
        let (official, valid) = extended(|_, rules| (rules.stonewall_s, rules.files_per_dir) = (200, true));
        assert_eq!((official.valid, valid, official.reasons.len()), (true, true, 2), "the two quirks");
        assert!(official.reasons.iter().all(|reason| reason.phase.is_none()), "both are told before the first phase");
    }

    #[test]
    fn errors_of_mdworkbench_invalidate_its_phase_and_the_extended_score() {
        let check = || Some(Check { wrong: 1, missing: 2, unexpected: 4, ..Check::default() });
        let (official, valid) = extended(|run, _| phase(run, PhaseId::MdworkbenchBench).check = check());
        assert_eq!((official.valid, valid), (true, false));
        let text = &official.reasons[0].text;
        assert_eq!(text, "Errors (3) occured during the md-workbench phase. This invalidates your run.");
        let mut bench = PhaseResult { check: check(), ..good(PhaseId::MdworkbenchBench) };
        assert!(!official_of_phase(&rules(), &bench).valid);
        bench.phase = PhaseId::MdworkbenchDelete;
        assert!(official_of_phase(&rules(), &bench).valid, "md-workbench counts no errors when it removes");
    }

    #[test]
    fn the_pause_of_mdtest_counts_in_the_official_time_and_not_in_ours() {
        let (official, strict) = changed(|run, _| phase(run, PhaseId::MdtestHardWrite).phase_s = 299.25);
        assert!(official.valid && official.reasons.is_empty());
        assert_eq!(strict.reasons[0].text, "lasted 299.2500 seconds, the rules require 300");
        let (official, _) = changed(|run, _| phase(run, PhaseId::MdtestHardWrite).phase_s = 298.5);
        let texts: Vec<&str> = official.reasons.iter().map(|reason| reason.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Runtime of phase (299.500000) is below stonewall time. This shouldn't happen!",
                "Runtime is smaller than expected minimum runtime"
            ]
        );
        let (official, _) = changed(|run, _| phase(run, PhaseId::IorHardWrite).phase_s = 299.25);
        assert!(!official.valid, "IOR has no pause");
    }

    #[test]
    fn a_phase_that_is_switched_off_is_judged_as_one_without_a_score() {
        let off = |of: PhaseId| {
            let (official, strict) = changed(|run, _| {
                *phase(run, of) = PhaseResult { switched_off: true, ..PhaseResult::new(of) };
            });
            assert!(!official.valid && !strict.valid, "{of}");
            assert_eq!(official.reasons.len(), strict.reasons.len(), "{of}: {strict:?}");
            official.reasons.into_iter().map(|reason| reason.text).collect::<Vec<_>>()
        };
        let write = [
            "Runtime of phase (0.000000) is below stonewall time. This shouldn't happen!",
            "Runtime is smaller than expected minimum runtime",
        ];
        assert_eq!(off(PhaseId::IorEasyWrite), write);
        assert_eq!(off(PhaseId::MdtestHardWrite), write, "mdtest does not sleep when it does not run");
        for other in [PhaseId::Find, PhaseId::IorHardRead, PhaseId::MdtestEasyDelete, PhaseId::IorRnd4kEasyRead] {
            assert_eq!(off(other), ["Resulting score shouldn't be 0.0"], "{other}");
        }
    }

    #[test]
    fn a_script_that_fails_is_invalid() {
        let (official, _) = changed(|run, _| {
            phase(run, PhaseId::Find).find.as_mut().unwrap().failure = Some("Exit code 256 != 0".into());
        });
        assert!(!official.valid);
    }

    #[test]
    fn nothing_found_is_invalid() {
        let (official, _) = changed(|run, _| phase(run, PhaseId::Find).find.as_mut().unwrap().found = 0);
        assert!(!official.valid);
    }
}
