//! The two verdicts: that of the C suite on a phase and a run, and the strict one, which checks more.

use super::page_cache;
use super::reasons::NOT_RUN;
use super::roof;
use super::run::{PhaseResult, Reason, RunResult, Verdict};
use super::step::RateStep;
use super::tunables;
use crate::backend::PoolState;
use crate::phase_id::{Family, Kind, PhaseId};
use std::collections::BTreeSet;

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

/// How the reason begins that says of how many invocations a result was put together.
pub(crate) const SPREAD: &str = "phases come from ";

/// Seconds that mdtest sleeps before it begins, which the C suite counts as time of the phase.
const MDTEST_PAUSE_S: f64 = 1.0;

/// The time of the whole phase as the C suite takes it. Ours has no pause; that of `result` stays as it was measured.
fn official_s(result: &PhaseResult) -> f64 {
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

/// A rank that completes nothing for longer is a reason against a run: an engine was lost, a node hung, a process was stopped.
pub const LONGEST_STALL_S: f64 = 10.0;

/// The strict verdict: everything official, and what the C suite does not check.
pub fn strict(rules: &Rules, result: &RunResult) -> Verdict {
    let mut verdict = official(rules, result);
    for reason in &mut verdict.reasons {
        reason.invalidates = true;
    }
    verdict.valid = verdict.reasons.is_empty();
    let minimum = rules.minimum_s();
    if rules.stonewall_s < minimum {
        verdict.push(
            None,
            format!("the stonewall setting of {} s is below the rules' {minimum} s", rules.stonewall_s),
            true,
        );
    }
    for departure in &rules.departures {
        verdict.push(None, format!("departs from the rules: {departure}"), true);
    }
    for (store, description) in &result.provenance.stores {
        for doubt in &description.doubts {
            verdict.push(None, format!("{store}: {doubt}"), true);
        }
    }
    for (store, description) in &result.provenance.stores {
        for question in &description.questions {
            verdict.push(None, format!("{store}: {question}"), false);
        }
    }
    for question in tunables::questions(&result.provenance) {
        verdict.push(None, question, false);
    }
    for doubt in page_cache::doubts(result) {
        verdict.push(None, doubt, true);
    }
    for (store, text) in pool_doubts(result) {
        verdict.push(None, format!("{store}: {text}"), true);
    }
    for phase in &result.phases {
        // the servers' side explains a figure and proves nothing against it
        for doubt in phase.servers.iter().flat_map(|servers| &servers.doubts) {
            verdict.push(Some(phase.phase), doubt, false);
        }
        if let Some(step) = phase.stability.as_ref().and_then(|stability| stability.step.as_ref()) {
            verdict.push(Some(phase.phase), step_in_words(step, phase.since_connecting_s), false);
        }
        // as little do retransmissions, heat and others on a node: they slow down, and nothing else
        for doubt in phase.nodes.iter().flat_map(|nodes| &nodes.doubts) {
            verdict.push(Some(phase.phase), doubt, false);
        }
        let mut doubt = |text: String| verdict.push(Some(phase.phase), text, true);
        if let Some(text) = phase.check.as_ref().and_then(|check| check.describe()) {
            doubt(text);
        }
        if let Some(find) = &phase.find {
            if let Some(expected) = find.expected_found.filter(|&expected| expected != find.found) {
                doubt(format!("find matched {} entries instead of {expected}", find.found));
            }
            if find.errors > 0 {
                let first = find.first_error.as_deref().unwrap_or("not known");
                doubt(format!("find could not examine {} entries; the first: {first}", find.errors));
            }
            if let Some(expected) = find.expected_total.filter(|&expected| expected != find.total) {
                doubt(format!("find saw {} files instead of {expected}", find.total));
            }
        }
        // the pause of the C suite's mdtest is no time of writing
        if phase.phase.has_stonewall() && phase.phase_s < f64::from(minimum) && official_s(phase) >= f64::from(minimum)
        {
            doubt(format!("lasted {:.4} seconds, the rules require {minimum}", phase.phase_s));
        }
        let stall = phase.stability.as_ref().and_then(|stability| stability.longest_stall.as_ref());
        if let Some(stall) = stall.filter(|stall| stall.length_s > LONGEST_STALL_S) {
            doubt(format!(
                "rank {} ({}) completed no operation for {:.1} s (more than {LONGEST_STALL_S} s)",
                stall.rank, stall.host, stall.length_s
            ));
        }
        let read_less = written_before(result, phase).filter(|written| written.bytes > phase.bytes);
        if let Some(written) = read_less.filter(|_| !phase.switched_off) {
            doubt(format!("read {} bytes of the {} that {} wrote", phase.bytes, written.bytes, written.phase));
        }
    }
    for (phase, doubt) in roof::doubts(result) {
        verdict.push(Some(phase.phase), doubt, true);
    }
    let skew = result.provenance.wall_clock_skew_s;
    if skew > 1.0 {
        verdict.push(None, format!("the wall clocks of the nodes differ by {skew:.3} s"), true);
    }
    let about = &result.provenance;
    if let Some(nodes) = about.job.scheduler_nodes.filter(|&nodes| nodes != about.nodes) {
        let hosts = about.nodes;
        verdict.push(
            None,
            format!("Slurm's names of the nodes ({nodes}) and host names ({hosts}) differ in number: ranks are placed by host name"),
            true,
        );
    }
    if about.unexpected_entries > 0 {
        let (count, first) = (about.unexpected_entries, about.unexpected_examples.join(", "));
        verdict.push(
            None,
            format!("the data directory holds {count} entries that this benchmark did not write: {first}"),
            true,
        );
    }
    spread(result, &mut verdict);
    verdict
}

/// A short phase with a step in it measures a mixture: another length gives another figure.
fn step_in_words(step: &RateStep, since_connecting_s: Option<f64>) -> String {
    let connected =
        since_connecting_s.map(|since| format!(", {:.1} s after connecting", since + step.at_s)).unwrap_or_default();
    format!(
        "the rate changed {:.1} s into the phase{connected}: {:.0} operations/s before, {:.0} after (×{:.2}); its figure is a mixture of both, \
         and depends on how long it runs",
        step.at_s,
        step.before,
        step.after,
        step.ratio()
    )
}

/// That a run was put together from several invocations, and what spoke against the earlier ones.
fn spread(result: &RunResult, verdict: &mut Verdict) {
    let invocations: BTreeSet<u32> = result.phases.iter().map(|phase| phase.invocation).collect();
    if invocations.len() > 1 {
        verdict.push(None, format!("{SPREAD}{} invocations", invocations.len()), true);
    }
    for invocation in &result.earlier {
        let said = |text: &str| verdict.reasons.iter().any(|reason| reason.phase.is_none() && reason.text == text);
        let new: Vec<_> = invocation.strict.iter().filter(|reason| !said(&reason.text)).collect();
        for reason in new {
            let text = format!("invocation {}: {}", invocation.number, reason.text);
            verdict.push(None, text, reason.invalidates);
        }
    }
}

/// What happened to the pools before and during the run.
fn pool_doubts(result: &RunResult) -> Vec<(&str, String)> {
    let mut doubts = Vec::new();
    let before = |name: &str| {
        let store = result.provenance.stores.iter().find(|(store, _)| store == name);
        store.and_then(|(_, store)| store.pool.as_ref())
    };
    for (store, description) in &result.provenance.stores {
        if description.pool.as_ref().is_some_and(PoolState::rebuilds) {
            doubts.push((store.as_str(), "a rebuild was running when the run began".to_owned()));
        }
    }
    for (store, after) in &result.provenance.pools_after {
        let changes = before(store).map(|before| before.changes(after)).unwrap_or_default();
        doubts.extend(changes.into_iter().map(|change| (store.as_str(), change)));
    }
    doubts
}

/// The write phase whose files a read phase reads back whole.
fn written_before<'a>(result: &'a RunResult, phase: &PhaseResult) -> Option<&'a PhaseResult> {
    let write = match (phase.phase.kind(), phase.phase.family()) {
        (Kind::Read, Family::IorEasy) => PhaseId::IorEasyWrite,
        (Kind::Read, Family::IorHard) => PhaseId::IorHardWrite,
        (Kind::Read, Family::MdtestHard) => PhaseId::MdtestHardWrite,
        _ => return None,
    };
    result.phase(write)
}

/// A finished run without phases, for tests.
#[cfg(test)]
pub(super) fn empty_run() -> RunResult {
    RunResult {
        schema_version: super::run::SCHEMA_VERSION.into(),
        state: super::run::RunState::Finished,
        provenance: Default::default(),
        phases: Vec::new(),
        earlier: Vec::new(),
        score: None,
        official: Verdict::default(),
        strict: Verdict::default(),
        failure: None,
        client_metrics: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::run::*;
    use super::super::series::{RankStall, Stability};
    use super::*;
    use crate::phases::Check;

    fn rules() -> Rules {
        Rules {
            stonewall_s: 300,
            scc: false,
            pausing: false,
            files_per_dir: false,
            expected: PhaseId::ALL.into_iter().filter(|phase| phase.in_standard()).collect(),
            departures: Vec::new(),
        }
    }

    fn good(phase: PhaseId) -> PhaseResult {
        PhaseResult {
            rate: 1.0,
            window_s: 301.0,
            phase_s: 302.0,
            operations: 1,
            bytes: 1,
            find: (phase.kind() == Kind::Find).then(|| FindResult {
                found: 1,
                total: 2,
                expected_found: Some(1),
                ..FindResult::default()
            }),
            ..PhaseResult::new(phase)
        }
    }

    fn run() -> RunResult {
        RunResult { phases: rules().expected.into_iter().map(good).collect(), ..empty_run() }
    }

    #[test]
    fn a_run_by_the_rules_is_valid_by_both() {
        assert_eq!(official(&rules(), &run()), Verdict { valid: true, reasons: vec![] });
        assert_eq!(strict(&rules(), &run()), Verdict { valid: true, reasons: vec![] });
    }

    fn changed(change: impl Fn(&mut RunResult, &mut Rules)) -> (Verdict, Verdict) {
        let (mut run, mut rules) = (run(), rules());
        change(&mut run, &mut rules);
        (official(&rules, &run), strict(&rules, &run))
    }

    fn phase(run: &mut RunResult, phase: PhaseId) -> &mut PhaseResult {
        run.phases.iter_mut().find(|result| result.phase == phase).unwrap()
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
    fn another_stonewall_alone_passes_officially_and_not_strictly() {
        let (official, strict) = changed(|_, rules| rules.stonewall_s = 200);
        assert!(official.valid && !official.reasons.is_empty());
        assert!(!strict.valid);
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
    fn what_the_c_suite_lets_pass_is_a_strict_reason() {
        type Change = fn(&mut RunResult, &mut Rules);
        let changes: [(Change, &str); 9] = [
            (
                |run, _| {
                    let stall = RankStall { rank: 3, host: "n7".into(), begin_s: 1.0, length_s: 13.0 };
                    let longest_stall = Some(stall);
                    phase(run, PhaseId::IorEasyRead).stability =
                        Some(Stability { drift: None, variation: None, slowest: None, longest_stall, step: None });
                },
                "rank 3 (n7) completed no operation for 13.0 s",
            ),
            (
                |run, _| phase(run, PhaseId::MdtestHardRead).check = Some(Check { wrong: 2, ..Check::default() }),
                "2 with wrong bytes",
            ),
            (|run, _| phase(run, PhaseId::IorEasyRead).bytes = 0, "read 0 bytes of the 1 that ior-easy-write wrote"),
            (
                |run, _| phase(run, PhaseId::Find).find.as_mut().unwrap().found = 7,
                "find matched 7 entries instead of 1",
            ),
            (
                |run, _| phase(run, PhaseId::Find).find.as_mut().unwrap().errors = 3,
                "find could not examine 3 entries; the first: not known",
            ),
            (|_, rules| rules.departures.push("queue-depth 8".into()), "queue-depth 8"),
            (|run, _| run.provenance.wall_clock_skew_s = 2.5, "differ by 2.500 s"),
            (|run, _| run.provenance.job.scheduler_nodes = Some(4), "Slurm's names of the nodes (4) and host names ("),
            (
                |run, _| {
                    let doubts = vec!["a stand-in".to_owned()];
                    run.provenance
                        .stores
                        .push(("DFS".into(), crate::backend::Description { doubts, ..Default::default() }));
                },
                "DFS: a stand-in",
            ),
        ];
        for (change, words) in changes {
            let (official, strict) = changed(change);
            assert!(official.valid, "{words}");
            assert!(
                !strict.valid && strict.reasons.iter().any(|reason| reason.text.contains(words)),
                "{words}: {strict:?}"
            );
        }
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
    fn a_step_in_the_rate_is_a_doubt_and_no_reason() {
        let (official, strict) = changed(|run, _| {
            let step = Some(RateStep { at_s: 8.0, before: 1000.0, after: 2000.0 });
            let phase = phase(run, PhaseId::MdtestEasyStat);
            phase.since_connecting_s = Some(0.5);
            phase.stability =
                Some(Stability { drift: None, variation: None, slowest: None, longest_stall: None, step });
        });
        assert!(official.valid && strict.valid);
        let [reason] = &strict.reasons[..] else { panic!("{:?}", strict.reasons) };
        assert_eq!((reason.phase, reason.invalidates), (Some(PhaseId::MdtestEasyStat), false));
        let words = "8.0 s into the phase, 8.5 s after connecting: 1000 operations/s before, 2000 after (×2.00)";
        assert!(reason.text.contains(words), "{}", reason.text);
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
    fn a_rebuild_during_the_run_is_a_strict_reason() {
        let (official, strict) = changed(|run, _| {
            let before = PoolState { map_version: 1, rebuild: "idle".into(), ..PoolState::default() };
            let after = PoolState { map_version: 2, ..before.clone() };
            let store = crate::backend::Description { pool: Some(before), ..Default::default() };
            run.provenance.stores.push(("DFS".into(), store));
            run.provenance.pools_after.push(("DFS".into(), after));
        });
        assert!(official.valid && !strict.valid);
        assert!(strict.reasons[0].text.starts_with("DFS: the pool map went from version 1 to 2"), "{strict:?}");
    }

    #[test]
    fn phases_of_two_invocations_are_judged_as_a_whole_and_doubted() {
        let (official, strict) = changed(|run, _| {
            let text = |text: &str| Reason { phase: None, text: text.into(), invalidates: true };
            run.provenance.invocation = 2;
            phase(run, PhaseId::IorEasyRead).invocation = 2;
            run.earlier.push(Invocation {
                number: 1,
                official: vec![text("PAUSING BETWEEN RUNS ACTIVATED")],
                strict: vec![text("PAUSING BETWEEN RUNS ACTIVATED"), text("departs from the rules: queue-depth 8")],
                ..Invocation::default()
            });
        });
        let texts = |verdict: &Verdict| verdict.reasons.iter().map(|reason| reason.text.clone()).collect::<Vec<_>>();
        assert_eq!((official.valid, texts(&official)), (false, vec!["PAUSING BETWEEN RUNS ACTIVATED".into()]));
        assert_eq!(
            texts(&strict),
            [
                "PAUSING BETWEEN RUNS ACTIVATED",
                "phases come from 2 invocations",
                "invocation 1: departs from the rules: queue-depth 8"
            ]
        );
        // run again, the phases of the first invocation are replaced, and what spoke against it is gone with them
        let mut run = run();
        run.provenance.invocation = 2;
        run.earlier.push(Invocation { number: 1, ..Invocation::default() });
        for phase in rules().expected {
            assert!(!run.earlier.is_empty());
            run.enter(PhaseResult { invocation: 2, ..good(phase) });
        }
        assert_eq!((run.earlier.len(), run.phases.len()), (0, 14));
        assert!(run.phases.is_sorted_by_key(|phase| phase.phase));
        assert_eq!(strict_of(&run), Verdict { valid: true, reasons: vec![] });
    }

    fn strict_of(run: &RunResult) -> Verdict {
        super::strict(&rules(), run)
    }

    #[test]
    fn nothing_found_is_invalid() {
        let (official, _) = changed(|run, _| phase(run, PhaseId::Find).find.as_mut().unwrap().found = 0);
        assert!(!official.valid);
    }
}
