//! Reasons of a verdict as people read them: what several phases share is said once.

use super::run::{Reason, RunResult};
use crate::phase_id::{PhaseId, ScoreGroup};

/// How the C suite says that a phase is missing.
pub(super) const NOT_RUN: &str = "The phase did not run";
/// More names than this are counted.
const NAMED: usize = 4;

/// Whether a reason says that a run or phase was shorter than the rules require, and nothing else.
pub fn is_of_duration(reason: &Reason) -> bool {
    const BEGINNINGS: [&str; 6] = [
        "Runtime of phase (",
        "Runtime is smaller than expected minimum runtime",
        "Write phase needed ",
        "stonewall-time ",
        "the stonewall setting of ",
        "lasted ",
    ];
    BEGINNINGS.iter().any(|beginning| reason.text.starts_with(beginning))
}

/// The reasons of a run, each once.
pub fn in_short<'r>(reasons: impl IntoIterator<Item = &'r Reason>, result: &RunResult) -> Vec<String> {
    let mut groups: Vec<(&Reason, Vec<PhaseId>)> = Vec::new();
    for reason in reasons {
        let same = |(first, _): &&mut (&Reason, Vec<PhaseId>)| {
            (&first.text, first.invalidates) == (&reason.text, reason.invalidates)
                && first.phase.is_some() == reason.phase.is_some()
        };
        match groups.iter_mut().find(same) {
            Some((_, phases)) => phases.extend(reason.phase),
            None => groups.push((reason, reason.phase.into_iter().collect())),
        }
    }
    groups.into_iter().map(|(reason, phases)| sentence(reason, &phases, result)).collect()
}

fn sentence(reason: &Reason, phases: &[PhaseId], result: &RunResult) -> String {
    if reason.text == NOT_RUN {
        return not_run(phases, result);
    }
    let weight = if reason.invalidates { "" } else { " (warning only)" };
    let names: Vec<&str> = phases.iter().map(|phase| phase.name()).collect();
    let place = match names.len() {
        0 => String::new(),
        few if few <= NAMED => format!("{}: ", names.join(", ")),
        many => format!("{many} phases, {} to {}: ", names[0], names[many - 1]),
    };
    format!("{place}{}{weight}", reason.text)
}

/// `Partial run (--phase ior-hard): 10 scored phases not run`.
fn not_run(phases: &[PhaseId], result: &RunResult) -> String {
    let asked_for = phase_argument(&result.provenance.command_line);
    let partial = asked_for.map(|list| format!("Partial run (--phase {list}): ")).unwrap_or_default();
    let scored = phases.iter().filter(|phase| phase.standard_group() != ScoreGroup::None).count();
    let others = phases.len() - scored;
    let count = |count: usize, what: &str| format!("{count} {what} phase{} not run", if count == 1 { "" } else { "s" });
    match (phases, scored, others) {
        ([one], ..) => format!("{partial}{one} not run"),
        (_, 0, _) => format!("{partial}{}", count(others, "unscored")),
        _ => format!("{partial}{}", count(scored, "scored")),
    }
}

/// The value of `--phase` in a command line.
pub fn phase_argument(words: &[String]) -> Option<&str> {
    let at = words.iter().position(|word| word == "--phase" || word == "-p" || word.starts_with("--phase="))?;
    words[at].strip_prefix("--phase=").or_else(|| words.get(at + 1).map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::super::PhaseResult;
    use super::super::provenance::Provenance;
    use super::super::strict::strict;
    use super::super::testing::empty_run;
    use super::super::validity::{Rules, official};
    use super::*;

    fn rules() -> Rules {
        Rules {
            stonewall_s: 1,
            scc: false,
            pausing: false,
            files_per_dir: false,
            expected: PhaseId::ALL.into_iter().filter(|phase| phase.in_standard()).collect(),
            departures: Vec::new(),
        }
    }

    fn run(phases: &[PhaseId], command: &str) -> RunResult {
        let measured = |&phase: &PhaseId| PhaseResult { rate: 1.0, phase_s: 0.5, ..PhaseResult::new(phase) };
        RunResult {
            provenance: Provenance {
                command_line: command.split(' ').map(str::to_owned).collect(),
                ..Provenance::default()
            },
            phases: phases.iter().map(measured).collect(),
            ..empty_run()
        }
    }

    #[test]
    fn phases_that_did_not_run_are_one_reason() {
        let result = run(&[PhaseId::IorHardWrite, PhaseId::IorHardRead], "dfs-bench --phase ior-hard");
        let said = in_short(&official(&rules(), &result).reasons, &result);
        assert_eq!(said.last().unwrap(), "Partial run (--phase ior-hard): 10 scored phases not run");
        assert_eq!(said.iter().filter(|said| said.contains("not run")).count(), 1, "{said:?}");
        let all = PhaseId::ALL.into_iter().filter(|phase| phase.in_standard() && *phase != PhaseId::Find);
        let result = run(&all.collect::<Vec<_>>(), "dfs-bench");
        assert_eq!(in_short(&official(&rules(), &result).reasons, &result).last().unwrap(), "find not run");
    }

    #[test]
    fn what_phases_share_is_said_once() {
        let writes = [PhaseId::IorEasyWrite, PhaseId::MdtestEasyWrite, PhaseId::MdtestHardWrite];
        let result = run(&writes, "dfs-bench -p write");
        let said = in_short(&official(&rules(), &result).reasons, &result);
        let minimum =
            "ior-easy-write, mdtest-easy-write, mdtest-hard-write: Runtime is smaller than expected minimum runtime";
        assert_eq!(said.iter().filter(|said| *said == minimum).count(), 1, "{said:?}");
    }

    /// What the verdicts say of a short run, apart from phases that are missing, is of its duration: their words and ours go together.
    #[test]
    fn a_short_run_is_nothing_but_short() {
        let all: Vec<PhaseId> = PhaseId::ALL.into_iter().filter(|phase| phase.in_standard()).collect();
        let mut result = run(&all, "dfs-bench");
        for phase in &mut result.phases {
            phase.bytes = 1;
            if phase.phase == PhaseId::Find {
                phase.find = Some(super::super::FindResult { found: 1, ..Default::default() });
            }
        }
        for verdict in [official(&rules(), &result), strict(&rules(), &result)] {
            assert!(!verdict.reasons.is_empty());
            assert!(verdict.reasons.iter().all(is_of_duration), "{:?}", verdict.reasons);
        }
        let wrong = Reason { phase: None, text: "find saw 3 files instead of 4".into(), invalidates: true };
        assert!(!is_of_duration(&wrong));
    }
}
