//! Rules about where the time of a phase went.

use super::rule::{Diagnosed, PhaseRule};
use crate::report::figures::percent;
use crate::report::model::{DEPARTURE, Phase, Run};
use io500_phases::phase_id::{Family, Kind};

/// A part that is smaller is not worth a word.
const WORTH: f64 = 0.01;
/// From here on time after the stonewall, or a sync, is what a reader should know first.
const MUCH: f64 = 0.2;

pub(super) static RULES: [PhaseRule; 3] = [
    PhaseRule { id: "time.parts", look: parts },
    PhaseRule { id: "time.after-stonewall", look: after_stonewall },
    PhaseRule { id: "time.sync", look: sync },
];

/// What the window was made of, the longest part first.
fn parts(run: &Run, phase: &Phase) -> Option<Diagnosed> {
    let parts = phase.parts.as_ref()?;
    let whole: f64 = parts.named().iter().map(|(_, seconds)| seconds).sum();
    if whole <= 0.0 {
        return None;
    }
    let own = beside_the_calls(run, phase).filter(|own| *own / whole >= WORTH).unwrap_or(0.0);
    let own_name =
        if reads_back(phase) { "verification and the benchmark's own work" } else { "the benchmark's own work" };
    let mut shares = [
        ("opening", parts.open_s),
        (work(phase), parts.operations_s - own.min(parts.operations_s)),
        (own_name, own.min(parts.operations_s)),
        ("catching up with the fastest rank", parts.wear_out_s),
        ("waiting for other ranks", parts.waiting_s),
        ("sync", parts.sync_s),
        ("closing", parts.close_s),
    ];
    shares.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let told: Vec<String> = shares
        .iter()
        .filter(|(_, seconds)| seconds / whole >= WORTH)
        .map(|(name, seconds)| format!("{name} {}", percent(seconds / whole)))
        .collect();
    Some(Diagnosed::new(format!("The time went into {}.", told.join(", "))))
}

/// The operations of a phase in a word.
fn work(phase: &Phase) -> &'static str {
    match (phase.id.family(), phase.id.kind()) {
        (Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy, _) => "transfers",
        (_, Kind::Write) => "creates",
        (_, Kind::Stat) => "stats",
        (_, Kind::Read) => "reads",
        (_, Kind::Delete) => "removes",
        (_, Kind::Find) => "the walk",
        _ => "operations",
    }
}

/// Whether the phase compares what it reads.
fn reads_back(phase: &Phase) -> bool {
    phase.id.kind() == Kind::Read && phase.id.family() != Family::IorRnd4kEasy
}

/// Mean seconds of a rank in which no call of the store ran; none where the calls were not all measured one after the other.
pub(super) fn beside_the_calls(run: &Run, phase: &Phase) -> Option<f64> {
    let (parts, ranks) = (phase.parts.as_ref()?, run.ranks.filter(|&ranks| ranks > 0)? as f64);
    // calls that overlap take more time together than passes
    if run.provenance.iter().any(|fact| fact.name == DEPARTURE) || phase.id.kind() == Kind::Find {
        return None;
    }
    let ior = matches!(phase.id.family(), Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy);
    // opening, sync and close of an ior file have parts of their own
    let in_loop = |operation: &str| !ior || operation == "transfer";
    let calls: f64 = phase
        .latency
        .iter()
        .filter(|kind| in_loop(&kind.operation))
        .map(|kind| kind.count as f64 * kind.mean / 1e9 / ranks)
        .sum();
    let loops = parts.operations_s + parts.wear_out_s;
    (calls > 0.0 && loops > 0.0).then(|| (loops - calls).max(0.0))
}

/// Where the parts are not known but the stonewall is: results of the C suite.
fn after_stonewall(_: &Run, phase: &Phase) -> Option<Diagnosed> {
    let share = phase.stonewall.as_ref()?.after_share.filter(|share| *share >= 0.05 && phase.parts.is_none())?;
    let much = if share >= MUCH {
        " That is the first thing to look at: which ranks are late, or how long the sync is."
    } else {
        ""
    };
    Some(Diagnosed::new(format!(
        "{} of the time came after the stonewall: catching up, sync and close, which the result does not tell apart.{much}",
        percent(share)
    )))
}

/// A long sync means that much of the data was written by it.
fn sync(_: &Run, phase: &Phase) -> Option<Diagnosed> {
    let parts = phase.parts.as_ref()?;
    let whole: f64 = parts.named().iter().map(|(_, seconds)| seconds).sum();
    let share = parts.sync_s / whole;
    (whole > 0.0 && share >= MUCH).then(|| {
        Diagnosed::new(
            "Much of the data reached the store only in the sync: the transfers before it went into a cache.",
        )
    })
}
