//! Earlier invocations of the same run: what they found is carried over, and what another run found is moved aside.

use crate::error::Result;
use crate::report::ResultDir;
use crate::results::strict::SPREAD;
use crate::results::{Invocation, PhaseResult, Reason, RunResult, Verdict};
use crate::text;

/// Carries over what the result directory holds of the same run. What it holds of another run is moved aside, with a warning:
/// it must neither be mixed with this one nor be lost.
pub(super) fn carry_over(dir: &ResultDir, result: &mut RunResult) -> Result<()> {
    let found = match dir.read("result.json")? {
        Some(json) => serde_json::from_slice::<RunResult>(&json).map_err(|_| "it cannot be read".to_owned()),
        None if dir.read("result.txt")?.is_some() => Err("another program wrote it".to_owned()),
        None => return Ok(()),
    };
    match found.and_then(|earlier| other_run(&earlier, result).map_or(Ok(earlier), Err)) {
        Ok(earlier) if earlier.phases.is_empty() => Ok(()),
        Ok(earlier) => {
            continue_with(result, earlier);
            Ok(())
        }
        Err(why) => {
            let aside = dir.set_aside()?;
            log::warn!(
                "the result in {} is not of this run ({why}): moved to {}",
                text::of(dir.path()),
                text::of(aside)
            );
            Ok(())
        }
    }
}

/// Why a result is not one of this run.
fn other_run(earlier: &RunResult, result: &RunResult) -> Option<String> {
    let (before, now) = (&earlier.provenance, &result.provenance);
    if before.timestamp != now.timestamp {
        Some(format!("timestamp {} instead of {}", before.timestamp, now.timestamp))
    } else if before.ranks != now.ranks {
        Some(format!("{} ranks instead of {}", before.ranks, now.ranks))
    } else if before.common_plan != now.common_plan {
        Some("another configuration or another version of this program".to_owned())
    } else {
        None
    }
}

fn continue_with(result: &mut RunResult, earlier: RunResult) {
    let RunResult { provenance, phases, earlier: before, official, strict, .. } = earlier;
    result.provenance.invocation = provenance.invocation + 1;
    result.earlier = before;
    result.earlier.push(Invocation {
        number: provenance.invocation,
        command_line: provenance.command_line,
        began: provenance.began,
        ended: provenance.ended,
        official: of_the_whole(official),
        strict: of_the_whole(strict),
    });
    result.phases = phases;
    let ran = |number: u32| move |phase: &PhaseResult| phase.invocation == number;
    result.earlier.retain(|invocation| result.phases.iter().any(ran(invocation.number)));
}

/// The reasons that no phase alone is to blame for.
fn of_the_whole(verdict: Verdict) -> Vec<Reason> {
    let kept = |reason: &Reason| reason.phase.is_none() && !reason.text.starts_with(SPREAD);
    verdict.reasons.into_iter().filter(kept).collect()
}
