//! `result.json` with itself: rates, stonewall, parts, spread, latencies, series, find and score follow from each other.

use super::findings::Findings;
use io500_phases::phase_id::{Family, Kind, PhaseId};
use io500_phases::results::{LatencyResult, PhaseResult, RunResult, ScoreResult, StonewallResult, score};

/// Bytes in a GiB, the unit of bandwidth.
const GIB: f64 = (1u64 << 30) as f64;
/// The figures stand in `result.json` unrounded; sums may be added up in another order.
const EXACT: f64 = 1e-9;
/// Clocks of two kinds, and moments that are some microseconds apart.
const CLOCKS: f64 = 1e-3;

/// The inconsistencies, one sentence each.
pub fn contradictions(result: &RunResult) -> Vec<String> {
    let mut findings = Findings::default();
    for phase in result.phases.iter().filter(|phase| phase.phase.kind() != Kind::Timestamp) {
        rates(phase, result.provenance.ranks as u64, &mut findings);
        times(phase, &mut findings);
        latencies(phase, &mut findings);
        series(phase, &mut findings);
        find(phase, &mut findings);
    }
    if let Some(found) = &result.score {
        scores(result, found, &mut findings);
    }
    findings.sentences()
}

/// The rate of these operations in this time, in the phase's unit.
fn rate(phase: &PhaseResult, operations: f64, seconds: f64) -> f64 {
    match phase.phase.unit() {
        "GiB/s" => operations * phase.bytes as f64 / phase.operations.max(1) as f64 / GIB / seconds,
        _ => operations / 1000.0 / seconds,
    }
}

fn rates(phase: &PhaseResult, ranks: u64, findings: &mut Findings) {
    let id = phase.phase;
    if phase.window_s > 0.0 {
        let derived = rate(phase, phase.operations as f64, phase.window_s);
        findings.equal(id, "the rate", phase.rate, derived, EXACT);
    }
    let Some(at) = phase.stonewall.as_ref().filter(|_| id.has_stonewall()) else { return };
    let StonewallResult { met_s, least, most, total, wear_out_s, .. } = *at;
    if met_s > 0.0 {
        findings.equal(id, "the rate at the stonewall", at.rate, rate(phase, total as f64, met_s), EXACT);
    }
    if let Some(found) = at.rate_without_wear_out.filter(|_| phase.window_s > wear_out_s) {
        let derived = rate(phase, total as f64, phase.window_s - wear_out_s);
        findings.equal(id, "the rate without wear-out", found, derived, EXACT);
    }
    findings.same(id, "the number of operations", phase.operations, most * ranks);
    findings.holds(least <= most && (least * ranks..=most * ranks).contains(&total), || {
        format!("{id}: {total} operations of {ranks} ranks at the stonewall cannot be {least} to {most} of each")
    });
}

fn times(phase: &PhaseResult, findings: &mut Findings) {
    let (id, window) = (phase.phase, phase.window_s);
    let within = |seconds: f64, limit: f64| seconds <= limit * (1.0 + CLOCKS) + CLOCKS;
    findings.holds(within(window, phase.phase_s), || {
        format!("{id}: the window of {window} s is longer than the whole phase of {} s", phase.phase_s)
    });
    if let Some(parts) = &phase.parts {
        let sum: f64 = parts.named().iter().map(|(_, seconds)| seconds).sum();
        findings.holds(within(sum, window), || format!("{id}: the parts of the window are {sum} s of {window} s"));
        let longest = phase.stonewall.as_ref().map_or(0.0, |stonewall| stonewall.wear_out_s);
        findings.holds(within(parts.wear_out_s, longest), || {
            format!("{id}: the mean wear-out of {} s is longer than the longest of {longest} s", parts.wear_out_s)
        });
    }
    if let Some(spread) = phase.spread.as_ref().filter(|spread| !spread.slowest.is_empty()) {
        let (min, mean, max) = (spread.min_s, spread.mean_s, spread.max_s);
        findings.holds(min <= mean * (1.0 + EXACT) && mean <= max * (1.0 + EXACT), || {
            format!("{id}: ranks of {min} to {max} s cannot have a mean of {mean} s")
        });
        findings.holds(within(max, window) || id.family() == Family::Mdworkbench, || {
            format!("{id}: a rank's own time of {max} s is longer than the window of {window} s")
        });
    }
}

/// Whether every operation of the phase is one of its leading kind.
fn is_counted(phase: &PhaseResult) -> bool {
    let clean = phase.check.as_ref().is_none_or(|check| check.is_clean());
    clean && matches!(phase.phase.family(), Family::IorEasy | Family::IorHard | Family::MdtestEasy | Family::MdtestHard)
}

fn latencies(phase: &PhaseResult, findings: &mut Findings) {
    for (index, kind) in phase.latency.iter().enumerate() {
        let place = format!("{}, {}", phase.phase, kind.kind.name());
        let LatencyResult { min_ns, p50_ns, p90_ns, p99_ns, p999_ns, p9999_ns, max_ns, mean_ns, .. } = *kind;
        let rising = [min_ns, p50_ns, p90_ns, p99_ns, p999_ns, p9999_ns, max_ns];
        // a quantile is the upper end of its class and may lie above the longest one
        findings.holds(rising.is_sorted_by(|a, b| *a as f64 <= *b as f64 * (1.0 + CLOCKS)), || {
            format!("{place}: the latencies from the shortest to the longest do not rise: {rising:?}")
        });
        findings.holds((min_ns as f64..=max_ns as f64).contains(&mean_ns), || {
            format!("{place}: a mean latency of {mean_ns} ns does not lie between {min_ns} and {max_ns} ns")
        });
        if index == 0 && is_counted(phase) {
            findings.same(place, "the number of latencies", kind.operations, phase.operations);
        }
    }
}

fn series(phase: &PhaseResult, findings: &mut Findings) {
    let Some(series) = phase.series.as_ref().filter(|_| is_counted(phase)) else { return };
    let place = format!("{}, series", phase.phase);
    findings.same(&place, "the sum of the operations", series.operations.iter().sum(), phase.operations);
    if !series.bytes.is_empty() {
        findings.same(&place, "the sum of the bytes", series.bytes.iter().sum(), phase.bytes);
    }
    findings.holds(series.end_s <= phase.window_s * (1.0 + CLOCKS) + CLOCKS, || {
        format!("{place}: it ends after {} s, the window after {} s", series.end_s, phase.window_s)
    });
}

fn find(phase: &PhaseResult, findings: &mut Findings) {
    let Some(find) = phase.find.as_ref().filter(|find| !find.per_rank.is_empty()) else { return };
    let id = phase.phase;
    findings.same(id, "the number of entries found", find.found, find.per_rank.iter().map(|rank| rank.found).sum());
    findings.same(id, "the number of entries seen", find.total, find.per_rank.iter().map(|rank| rank.total).sum());
    findings.same(id, "the number of operations", phase.operations, find.total);
}

fn scores(result: &RunResult, found: &ScoreResult, findings: &mut Findings) {
    let rates: Vec<(PhaseId, f64)> = result.phases.iter().map(|phase| (phase.phase, phase.rate)).collect();
    let extended = found.extended.as_ref().map(|extended| extended.valid);
    let derived = score::score(&result.provenance.program, &rates, result.official.valid, extended);
    let mut compare = |place: &str, found: [f64; 3], derived: [f64; 3], hashes: [&str; 2]| {
        for (what, (found, derived)) in ["BW", "MD", "SCORE"].into_iter().zip(found.into_iter().zip(derived)) {
            findings.equal(place, what, found, derived, EXACT);
        }
        findings.holds(hashes[0] == hashes[1], || {
            format!("{place}: the hash is {}, and version, phases, means and verdict give {}", hashes[0], hashes[1])
        });
    };
    let means = |score: &ScoreResult| [score.bandwidth, score.metadata, score.total];
    compare("score", means(found), means(&derived), [&found.hash, &derived.hash]);
    if let (Some(found), Some(derived)) = (&found.extended, &derived.extended) {
        let (of_found, of_derived) =
            ([found.bandwidth, found.metadata, found.total], [derived.bandwidth, derived.metadata, derived.total]);
        compare("extended score", of_found, of_derived, [&found.hash, &derived.hash]);
    }
    let without: Option<Vec<_>> =
        result.phases.iter().map(|phase| Some((phase.phase, phase.rate_without_wear_out()?))).collect();
    if let (Some(found), Some(rates)) = (found.without_wear_out, without) {
        findings.equal("score", "SCORE without wear-out", found, score::means(&rates, false).total, EXACT);
    }
}
