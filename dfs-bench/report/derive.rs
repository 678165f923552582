//! What follows from the figures of a run: stragglers, wear-out, the score without it.

use super::model::{Phase, Run, Stonewall};
use super::{diagnosis, stragglers};
use io500_phases::results::score::{self, Means};

/// Derives what follows from the figures read: stragglers, wear-out, the score without it. Loaders call it last.
pub fn derive(run: &mut Run) {
    let mut end = 0.0f64;
    for phase in &mut run.phases {
        derive_after(phase);
        phase.stragglers = phase.stragglers.take().or_else(|| stragglers::find(phase));
        // starts are recorded in whole seconds, which put short phases on top of each other
        if let (Some(offset), Some(length)) = (&mut phase.offset_seconds, phase.wall_seconds) {
            *offset = offset.max(end);
            end = *offset + length;
        }
    }
    let at_stonewall = score_with(run, |stonewall| stonewall.rate);
    let all_tell = |phase: &Phase| {
        let stonewall = phase.stonewall.as_ref().filter(|_| phase.scored);
        stonewall.is_none_or(|stonewall| stonewall.rate_without_wear_out.is_some())
    };
    let without = run.phases.iter().all(all_tell).then(|| score_with(run, |s| s.rate_without_wear_out)).flatten();
    if let Some(score) = &mut run.score {
        score.at_stonewall = at_stonewall;
        score.without_wear_out = without;
    }
    diagnosis::derive(run);
}

/// The score with other rates of the write phases; none where no scored phase has such a rate.
fn score_with(run: &Run, other: impl Fn(&Stonewall) -> Option<f64>) -> Option<Means> {
    let rate = |phase: &Phase| phase.stonewall.as_ref().and_then(&other);
    let known = run.phases.iter().any(|phase| phase.scored && rate(phase).is_some());
    let rates: Vec<_> = run.phases.iter().map(|phase| (phase.id, rate(phase).unwrap_or(phase.rate))).collect();
    known.then(|| score::means(&rates, false))
}

/// What followed the stonewall of a phase.
fn derive_after(phase: &mut Phase) {
    let (rate, seconds) = (phase.rate, phase.seconds);
    let Some(stonewall) = &mut phase.stonewall else { return };
    if let (Some(total), Some(at)) = (seconds, stonewall.seconds)
        && total > 0.0
        && at > 0.0
    {
        let after = *stonewall.after_seconds.get_or_insert((total - at).max(0.0));
        stonewall.after_share = Some(after / total);
    }
    if let Some(at) = stonewall.rate.filter(|at| *at > 0.0) {
        stonewall.rate_lost = Some(1.0 - rate / at);
    }
}
