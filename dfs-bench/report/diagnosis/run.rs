//! Rules about a run as a whole: its time, what stragglers cost the score, who is slow again and again.

use super::rule::{Diagnosed, RunRule};
use crate::report::figures::{duration, percent, rate, signed_percent};
use crate::report::model::{Phase, Run};
use io500_phases::phase_id::Kind;
use std::collections::BTreeMap;

/// A gain of the score that is worth a sentence.
const WORTH: f64 = 0.03;
/// So many phases name the same rank or node before the run does.
const OFTEN: usize = 3;

pub(super) static RULES: [RunRule; 3] = [
    RunRule { id: "run.time", look: time },
    RunRule { id: "run.wear-out", look: wear_out },
    RunRule { id: "run.slow", look: slow },
];

/// Which phases the time went into.
fn time(run: &Run) -> Option<Diagnosed> {
    let timed: Vec<(&Phase, f64)> =
        run.phases.iter().filter_map(|phase| Some((phase, phase.wall_seconds.or(phase.seconds)?))).collect();
    let total: f64 = timed.iter().map(|(_, seconds)| seconds).sum();
    if timed.len() < 2 || total <= 0.0 {
        return None;
    }
    let of = |wanted: &[Kind]| {
        let chosen = timed.iter().filter(|(phase, _)| wanted.contains(&phase.id.kind()));
        chosen.map(|(_, seconds)| seconds).sum::<f64>() / total
    };
    let shares = [
        ("writing", of(&[Kind::Write])),
        ("reading", of(&[Kind::Read])),
        ("stat", of(&[Kind::Stat])),
        ("removing", of(&[Kind::Delete])),
        ("find", of(&[Kind::Find])),
    ];
    let mut told: Vec<_> = shares.into_iter().filter(|(_, share)| *share >= 0.01).collect();
    told.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let told: Vec<String> = told.into_iter().map(|(name, share)| format!("{name} {}", percent(share))).collect();
    let (longest, seconds) = timed.iter().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let words = format!(
        "The phases took {}: {}. The longest was {} with {}.",
        duration(total),
        told.join(", "),
        longest.id,
        duration(*seconds)
    );
    Some(Diagnosed::new(words))
}

/// What the score would gain without the wear-out, where the result knows it.
fn wear_out(run: &Run) -> Option<Diagnosed> {
    let score = run.score.as_ref().filter(|score| score.means.total > 0.0)?;
    let without = score.without_wear_out.as_ref()?;
    let gain = without.total / score.means.total - 1.0;
    (gain >= WORTH).then(|| {
        let words = format!(
            "Catching up after the stonewall cost score: without it the run would have {} ({}).",
            rate(without.total),
            signed_percent(gain)
        );
        Diagnosed::new(words)
    })
}

/// A rank or node that limits phase after phase. One that does so once may have had bad luck.
fn slow(run: &Run) -> Option<Diagnosed> {
    let named = |rule: &str, name: fn(&Phase) -> Option<String>| {
        let mut often: BTreeMap<String, usize> = BTreeMap::new();
        let told =
            |phase: &&Phase| phase.diagnosis.iter().any(|sentence| sentence.rule == rule && sentence.next.is_some());
        for who in run.phases.iter().filter(told).filter_map(name) {
            *often.entry(who).or_default() += 1;
        }
        let most = often.into_iter().max_by_key(|(_, times)| *times)?;
        (most.1 >= OFTEN).then_some(most)
    };
    let node = |phase: &Phase| Some(phase.stragglers.as_ref()?.nodes.first()?.host.clone());
    let rank = |phase: &Phase| {
        let slow = phase.stragglers.as_ref()?.slowest.first()?;
        Some(format!("rank {}{}", slow.rank, slow.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default()))
    };
    let (who, times) = named("limit.slow-node", node).or_else(|| named("limit.slow-rank", rank))?;
    let measured = run.phases.iter().filter(|phase| phase.stragglers.as_ref().is_some_and(|found| found.tellable));
    let words = format!("{who} was the slow one in {times} of {} phases: it is no coincidence.", measured.count());
    let words = words[..1].to_uppercase() + &words[1..];
    Some(Diagnosed::new(words))
}
