//! The strict verdict: the official one, and what the C suite does not check.

use super::page_cache;
use super::roof;
use super::run::{PhaseResult, RunResult, Verdict};
use super::step::RateStep;
use super::tunables;
use super::validity::{Rules, official, official_s};
use crate::backend::PoolState;
use crate::phase_id::{Family, Kind, PhaseId};
use std::collections::BTreeSet;

/// How the reason begins that says of how many invocations a result was put together.
pub(crate) const SPREAD: &str = "phases come from ";

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

#[cfg(test)]
mod tests {
    use super::super::run::*;
    use super::super::series::{RankStall, Stability};
    use super::super::testing::{changed, good, phase, rules, run};
    use super::*;
    use crate::phases::Check;

    #[test]
    fn another_stonewall_alone_passes_officially_and_not_strictly() {
        let (official, strict) = changed(|_, rules| rules.stonewall_s = 200);
        assert!(official.valid && !official.reasons.is_empty());
        assert!(!strict.valid);
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
}
