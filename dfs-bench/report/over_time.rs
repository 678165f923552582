//! Latencies and time series of a run of this program, as reports see them.

use super::figures::{percent, signed_percent, significant, span, tick};
use super::model::{Fact, Latency, NodeLatency, Series};
use io500_phases::results::{self, LatencyResult, PhaseResult, SeriesResult, Stability};

/// Bytes in a GiB, the unit of bandwidth.
const GIB: f64 = (1u64 << 30) as f64;

/// The latency of one kind of operation; its curve is filled in by the caller.
pub fn latency(from: &LatencyResult) -> Latency {
    let node = |node: &results::NodeLatency| NodeLatency {
        host: node.host.clone(),
        count: node.operations,
        p50: node.p50_ns,
        p99: node.p99_ns,
        max: node.max_ns,
    };
    Latency {
        operation: from.kind.name().to_owned(),
        count: from.operations,
        min: from.min_ns,
        mean: from.mean_ns,
        p50: from.p50_ns,
        p90: from.p90_ns,
        p99: from.p99_ns,
        p999: from.p999_ns,
        p9999: from.p9999_ns,
        max: from.max_ns,
        percentiles: Vec::new(),
        nodes: from.nodes.iter().map(node).collect(),
    }
}

/// The curve as far as its figures tell, for a result whose `.hgrm` files are not beside it.
pub fn figures_as_points(kind: &Latency) -> Vec<(f64, u64)> {
    let Latency { min, p50, p90, p99, p999, p9999, max, .. } = *kind;
    vec![(0.0, min), (50.0, p50), (90.0, p90), (99.0, p99), (99.9, p999), (99.99, p9999), (100.0, max)]
}

/// A phase over time.
pub fn series(phase: &PhaseResult, from: &SeriesResult) -> Series {
    let amounts: Vec<f64> = match phase.phase.unit() {
        "GiB/s" => from.bytes.iter().map(|bytes| *bytes as f64 / GIB).collect(),
        _ => from.operations.iter().map(|operations| *operations as f64 / 1000.0).collect(),
    };
    let rate = amounts.iter().enumerate().map(|(index, amount)| {
        // the last interval is as long as the phase still ran
        let begin = index as f64 * from.interval_s;
        let length = (from.end_s - begin).min(from.interval_s);
        (length > from.interval_s / 20.0).then(|| amount / length)
    });
    Series {
        interval_seconds: from.interval_s,
        rate: rate.collect(),
        p99: from.p99_ns.clone(),
        stonewall_seconds: from.stonewall_s,
        wear_out_seconds: from.wear_out_s,
        end_seconds: from.end_s,
        stability: phase.stability.as_ref().map(stability).unwrap_or_default(),
    }
}

fn stability(from: &Stability) -> Vec<Fact> {
    let mut facts = Vec::new();
    facts.extend(from.drift.map(|drift| Fact::new("drift", signed_percent(drift))));
    facts.extend(from.variation.map(|variation| Fact::new("variation", percent(variation))));
    facts.extend(from.slowest.as_ref().map(|window| {
        let span = format!("{} to {} s", tick(window.begin_s), tick(window.end_s));
        Fact::new("slowest interval", format!("{} of the mean, {span}", percent(window.of_mean)))
    }));
    facts.extend(from.step.as_ref().map(|step| {
        Fact::new("step", format!("×{} at {} s", significant(step.ratio(), 3), significant(step.at_s, 3)))
    }));
    facts.extend(from.longest_stall.as_ref().map(|stall| {
        let who = format!("rank {} on {}", stall.rank, stall.host);
        Fact::new("longest stall", format!("{}, {who}, at {}", span(stall.length_s), span(stall.begin_s)))
    }));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::phase_id::PhaseId;

    fn seconds_of(phase: PhaseId, end_s: f64) -> Series {
        let from = SeriesResult {
            interval_s: 1.0,
            operations: vec![4000, 2000, 1000],
            bytes: vec![4 << 30, 2 << 30, 1 << 30],
            latency_of: None,
            p99_ns: Vec::new(),
            stonewall_s: Some(2.0),
            wear_out_s: None,
            end_s,
        };
        series(&PhaseResult::new(phase), &from)
    }

    #[test]
    fn rates_have_the_unit_of_their_phase() {
        assert_eq!(seconds_of(PhaseId::IorEasyWrite, 3.0).rate, [4.0, 2.0, 1.0].map(Some));
        assert_eq!(seconds_of(PhaseId::Find, 3.0).rate, [4.0, 2.0, 1.0].map(Some));
    }

    #[test]
    fn the_last_interval_is_as_long_as_the_phase_ran() {
        assert_eq!(seconds_of(PhaseId::MdtestEasyWrite, 2.5).rate, [4.0, 2.0, 2.0].map(Some));
        // a sliver of an interval gives no rate
        assert_eq!(seconds_of(PhaseId::MdtestEasyWrite, 2.01).rate[2], None);
    }
}
