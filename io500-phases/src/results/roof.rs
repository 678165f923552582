//! The roof of a phase: what it could not exceed on this job, whatever the store does.
//!
//! Stated only where it is known, and that is on a DAOS: the links of the clients where all engines are on other nodes, and the round
//! trips, by the fastest operation of the phase itself. On a file system nobody knows what a cache answered.

use super::machines::{Audit, Limits};
use super::phase_roof::{Limit, PhaseRoof};
use super::run::{PhaseResult, RunResult};
use crate::engine::OpKind;
use crate::phase_id::Family;

/// From which share of its roof on a phase is at it.
const NEAR: f64 = 0.8;
/// What a rate may be above its roof: windows are measured to within some milliseconds.
const TOLERANCE: f64 = 1.01;

const GIB: f64 = (1_u64 << 30) as f64;

/// The roof of a phase that is over; `real` is a DAOS, `in_flight` the operations of all ranks that can be under way at once.
pub fn of_phase(
    phase: &PhaseResult,
    real: bool,
    limits: &Limits,
    audit: &Audit,
    in_flight: usize,
) -> Option<PhaseRoof> {
    if !real || phase.rate <= 0.0 || phase.switched_off {
        return None;
    }
    let is_bandwidth = phase.unit == "GiB/s";
    let links = limits.client_links.filter(|_| is_bandwidth && limits.engines_elsewhere == Some(true));
    // what a rank sends to an engine of its own node is copied at least once
    let memory = audit.memory_copy.filter(|_| is_bandwidth && limits.engines_elsewhere == Some(false));
    let fastest = fastest_s(phase);
    let trips = fastest.map(|fastest| in_flight as f64 / fastest).map(|per_s| match is_bandwidth {
        true => per_s * phase.bytes as f64 / phase.operations as f64 / GIB,
        false => per_s / 1000.0,
    });
    let known = [
        (Limit::ClientLinks, links.map(|rate| rate / GIB)),
        (Limit::RoundTrips, trips),
        (Limit::ClientMemory, memory.map(|rate| rate / GIB)),
    ];
    let known = known.into_iter().filter_map(|(limit, rate)| Some((limit, rate.filter(|rate| *rate > 0.0)?)));
    let limits: Vec<(Limit, f64)> = known.collect();
    let (by, rate) = limits.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let share = phase.rate / rate;
    let words = words(phase, by, share, in_flight, fastest);
    Some(PhaseRoof { rate, by, share, limits, words })
}

/// Seconds of the fastest operation: the fastest of each part that all operations have, together.
fn fastest_s(phase: &PhaseResult) -> Option<f64> {
    let parts: &[OpKind] = match phase.phase.family() {
        Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy => &[OpKind::Transfer],
        Family::MdtestEasy | Family::MdtestHard => OpKind::of(phase.phase),
        // an entry of a listing is no operation of its own, and mdworkbench's objects differ in what they take
        _ => return None,
    };
    let part = |kind: &OpKind| {
        let latency = phase.latency.iter().find(|latency| latency.kind == *kind)?;
        (latency.operations >= phase.operations).then_some(latency.min_ns)
    };
    let nanos = parts.iter().map(part).sum::<Option<u64>>()?;
    (nanos > 0 && phase.operations > 0).then_some(nanos as f64 / 1e9)
}

fn words(phase: &PhaseResult, by: Limit, share: f64, in_flight: usize, fastest: Option<f64>) -> String {
    let (name, percent) = (phase.phase.name(), share * 100.0);
    let near = share >= NEAR;
    match by {
        Limit::ClientLinks if near => {
            format!("{name} is at {percent:.0} % of the clients' links: no storage setting will raise it")
        }
        Limit::ClientLinks => format!("{name} is at {percent:.0} % of the clients' links: they are not what limits it"),
        Limit::RoundTrips => {
            let micros = fastest.unwrap_or_default() * 1e6;
            let rest = match near {
                true => "only more ranks, more in flight or a shorter way will raise it",
                false => "most operations wait for something else than the way there and back",
            };
            format!(
                "{name} is at {percent:.0} % of what {in_flight} operations in flight reach if each takes the {micros:.0} µs of the \
                 fastest: {rest}"
            )
        }
        Limit::ClientMemory if near => {
            format!(
                "{name} is at {percent:.0} % of what the ranks copy in memory: engines and ranks share a node, and its memory limits"
            )
        }
        Limit::ClientMemory => {
            format!("{name} is at {percent:.0} % of what the ranks copy in memory, which is not what limits it")
        }
    }
}

/// Phases that were faster than can be: a cache answered, or a figure is wrong.
pub(super) fn doubts(result: &RunResult) -> impl Iterator<Item = (&PhaseResult, String)> {
    result.phases.iter().filter_map(|phase| {
        let roof = phase.roof.as_ref()?;
        let hard = roof.limits.iter().filter(|(limit, _)| limit.is_hard());
        let (limit, rate) = hard.copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let share = phase.rate / rate;
        (share > TOLERANCE).then(|| {
            let (limit, unit, percent) = (limit.words(), &phase.unit, share * 100.0);
            let words = format!(
                "{:.3} {unit} is {percent:.0} % of what {limit} allow ({rate:.3} {unit}): a cache answered, or a figure is wrong",
                phase.rate
            );
            (phase, words)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase_id::PhaseId;
    use crate::results::LatencyResult;

    fn phase(id: PhaseId, rate: f64, kinds: &[(OpKind, u64)]) -> PhaseResult {
        let latency = |&(kind, min_ns): &(OpKind, u64)| LatencyResult {
            kind,
            operations: 1000,
            min_ns,
            mean_ns: 0.0,
            p50_ns: 0,
            p90_ns: 0,
            p99_ns: 0,
            p999_ns: 0,
            p9999_ns: 0,
            max_ns: 0,
            nodes: Vec::new(),
        };
        PhaseResult {
            rate,
            operations: 1000,
            bytes: 1000 << 20,
            latency: kinds.iter().map(latency).collect(),
            ..PhaseResult::new(id)
        }
    }

    fn limits(elsewhere: Option<bool>) -> Limits {
        Limits { client_links: Some(25.0 * GIB), engines_elsewhere: elsewhere }
    }

    #[test]
    fn links_limit_where_the_engines_are_on_other_nodes() {
        let easy = phase(PhaseId::IorEasyRead, 23.25, &[(OpKind::Transfer, 100_000)]);
        let roof = of_phase(&easy, true, &limits(Some(true)), &Audit::default(), 64).unwrap();
        assert_eq!((roof.by, roof.rate, roof.share), (Limit::ClientLinks, 25.0, 0.93));
        assert_eq!(roof.words, "ior-easy-read is at 93 % of the clients' links: no storage setting will raise it");
        // 64 transfers of 1 MiB in flight, each in 100 µs
        assert_eq!(roof.limits[1], (Limit::RoundTrips, 625.0));
        for unknown in [None, Some(false)] {
            let roof = of_phase(&easy, true, &limits(unknown), &Audit::default(), 64).unwrap();
            assert_eq!(roof.by, Limit::RoundTrips, "no link is crossed, or nobody knows");
        }
        let memory = Audit { memory_copy: Some(24.0 * GIB), ..Audit::default() };
        let roof = of_phase(&easy, true, &limits(Some(false)), &memory, 64).unwrap();
        assert_eq!((roof.by, roof.limits.len()), (Limit::ClientMemory, 2));
    }

    #[test]
    fn what_is_not_known_has_no_roof() {
        let easy = phase(PhaseId::IorEasyRead, 23.0, &[(OpKind::Transfer, 100_000)]);
        assert_eq!(
            of_phase(&easy, false, &limits(Some(true)), &Audit::default(), 64),
            None,
            "a stand-in, a file system"
        );
        let unrecorded = phase(PhaseId::MdtestEasyStat, 23.0, &[]);
        assert_eq!(of_phase(&unrecorded, true, &limits(Some(true)), &Audit::default(), 64), None, "no latencies");
        let find = phase(PhaseId::Find, 23.0, &[(OpKind::Stat, 1000)]);
        assert_eq!(of_phase(&find, true, &limits(Some(true)), &Audit::default(), 64), None);
        let nothing = phase(PhaseId::IorEasyRead, 0.0, &[(OpKind::Transfer, 1000)]);
        assert_eq!(of_phase(&nothing, true, &limits(Some(true)), &Audit::default(), 64), None);
    }

    #[test]
    fn metadata_is_limited_by_its_fastest_operation_with_all_its_parts() {
        let parts = [(OpKind::Create, 20_000), (OpKind::Write, 25_000), (OpKind::Close, 5_000)];
        let hard = phase(PhaseId::MdtestHardWrite, 160.0, &parts);
        let roof = of_phase(&hard, true, &limits(Some(true)), &Audit::default(), 16).unwrap();
        assert_eq!((roof.by, roof.rate, roof.share), (Limit::RoundTrips, 320.0, 0.5));
        assert!(
            roof.words.contains("50 % of what 16 operations in flight reach if each takes the 50 µs"),
            "{}",
            roof.words
        );
        let missing = phase(PhaseId::MdtestHardWrite, 160.0, &parts[..2]);
        assert_eq!(of_phase(&missing, true, &limits(Some(true)), &Audit::default(), 16), None);
    }

    #[test]
    fn a_rate_above_its_roof_is_doubted_and_one_above_copies_in_memory_is_not() {
        let doubts_of = |rate: f64, elsewhere: bool| {
            let memory = Audit { memory_copy: Some(24.0 * GIB), ..Audit::default() };
            let mut easy = phase(PhaseId::IorEasyRead, rate, &[(OpKind::Transfer, 100_000)]);
            easy.roof = of_phase(&easy, true, &limits(Some(elsewhere)), &memory, 64);
            let mut run = crate::results::testing::empty_run();
            run.phases = vec![easy];
            doubts(&run).map(|(_, words)| words).collect::<Vec<_>>()
        };
        assert_eq!(doubts_of(25.1, true), [""; 0], "within what clocks measure");
        assert_eq!(
            doubts_of(30.0, true),
            [
                "30.000 GiB/s is 120 % of what the clients' links allow (25.000 GiB/s): a cache answered, or a figure is wrong"
            ]
        );
        assert_eq!(doubts_of(30.0, false), [""; 0]);
        assert_eq!(doubts_of(700.0, false).len(), 1, "round trips limit there too");
    }
}
