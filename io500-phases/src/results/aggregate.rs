//! From the tallies of all ranks to the figures of a phase: the only place that reduces.

use super::run::{NodeTime, PartsResult, RankTime, Spread, StonewallResult};
use crate::comm::Comm;
use crate::phases::{Check, RankTally, WindowParts};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes in a GiB, the unit of bandwidth.
const GIB: f64 = (1u64 << 30) as f64;
/// How many ranks and nodes are named.
const NAMED: usize = 10;

/// All ranks' tallies on rank 0, in rank order; none elsewhere. This is the one thing that grows with the number of ranks, and only there.
pub fn gather<T: Serialize + DeserializeOwned>(comm: &dyn Comm, own: &T) -> Option<Vec<T>> {
    let own = serde_json::to_vec(own).expect("a tally has no maps");
    let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).expect("every rank runs the same program");
    comm.gather(&own).map(|all| all.into_iter().map(parse).collect())
}

/// What a rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// GiB/s, over the time from the first begin to the last end (ior).
    Bandwidth,
    /// kIOPS, over the longest window of a rank (mdtest).
    Operations,
}

/// The figures of a phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// In the measure's unit.
    pub rate: f64,
    /// By the C suite's formula on unsynchronised wall clocks.
    pub rate_wall_clock: f64,
    /// Seconds.
    pub window_s: f64,
    /// Of all ranks.
    pub operations: u64,
    /// Of all ranks.
    pub bytes: u64,
    /// Of all ranks.
    pub check: Check,
    /// Slow ranks and nodes.
    pub spread: Spread,
    /// The parts of the windows; none for phases that are not split.
    pub parts: Option<PartsResult>,
}

/// Seconds from nanoseconds.
fn seconds(ns: f64) -> f64 {
    ns / 1e9
}

fn rate(measure: Measure, operations: u64, bytes: u64, window_s: f64) -> f64 {
    match measure {
        _ if window_s <= 0.0 => 0.0,
        Measure::Bandwidth => bytes as f64 / GIB / window_s,
        Measure::Operations => operations as f64 / window_s / 1000.0,
    }
}

/// Reduces the tallies.
pub fn figures(measure: Measure, tallies: &[RankTally]) -> Figures {
    let operations = tallies.iter().map(|tally| tally.operations).sum();
    let bytes = tallies.iter().map(|tally| tally.bytes).sum();
    let mut check = Check::default();
    tallies.iter().for_each(|tally| check.merge(&tally.check));
    let window_s = window(measure, tallies, aligned);
    let wall_s = window(measure, tallies, |tally| tally.wall_ns);
    Figures {
        rate: rate(measure, operations, bytes, window_s),
        rate_wall_clock: rate(measure, operations, bytes, wall_s),
        window_s,
        operations,
        bytes,
        check,
        spread: spread(tallies),
        parts: parts(tallies),
    }
}

/// The edges of a rank's window by the aligned clocks.
fn aligned(tally: &RankTally) -> (i64, i64) {
    (tally.begin_ns, tally.end_ns)
}

/// The time that a rate is computed with, seconds.
fn window(measure: Measure, tallies: &[RankTally], edges: impl Fn(&RankTally) -> (i64, i64) + Copy) -> f64 {
    let edges = tallies.iter().map(edges);
    let ns = match measure {
        Measure::Bandwidth => {
            let begin = edges.clone().map(|(begin, _)| begin).min().unwrap_or(0);
            edges.map(|(_, end)| end).max().unwrap_or(0) - begin
        }
        Measure::Operations => edges.map(|(begin, end)| end - begin).max().unwrap_or(0),
    };
    seconds(ns as f64)
}

/// Means over the ranks.
fn parts(tallies: &[RankTally]) -> Option<PartsResult> {
    let mean = |part: fn(&WindowParts) -> u64| {
        let sum: u64 = tallies.iter().map(|tally| part(&tally.parts)).sum();
        seconds(sum as f64) / tallies.len().max(1) as f64
    };
    let split = tallies.iter().any(|tally| tally.parts != WindowParts::default());
    split.then(|| PartsResult {
        open_s: mean(|parts| parts.open_ns),
        operations_s: mean(|parts| parts.operations_ns),
        wear_out_s: mean(|parts| parts.wear_out_ns),
        waiting_s: mean(|parts| parts.waiting_ns),
        sync_s: mean(|parts| parts.sync_ns),
        close_s: mean(|parts| parts.close_ns),
    })
}

/// What happened at the stonewall. `bytes_each` is what one operation moves.
pub fn stonewall(measure: Measure, tallies: &[RankTally], bytes_each: u64, setting_s: u32) -> StonewallResult {
    let at = |tally: &RankTally| tally.at_stonewall;
    let total = tallies.iter().map(at).sum();
    // rank 0's clock, as the C suite does; all ranks pass the barrier at that moment
    let reached_ns = tallies.first().map_or(0, |tally| tally.stonewall_ns);
    let met_s = seconds(reached_ns as f64);
    let wear_out_ns = tallies.iter().map(|tally| tally.parts.wear_out_ns).max().unwrap_or(0);
    let wear_out_s = seconds(wear_out_ns as f64);
    let without = window(measure, tallies, aligned) - wear_out_s;
    StonewallResult {
        setting_s,
        met_s,
        least: tallies.iter().map(at).min().unwrap_or(0),
        most: tallies.iter().map(at).max().unwrap_or(0),
        total,
        rate: rate(measure, total, total * bytes_each, met_s),
        wear_out_s,
        rate_without_wear_out: Some(rate(measure, total, total * bytes_each, without)),
    }
}

fn spread(tallies: &[RankTally]) -> Spread {
    let own_ns = |tally: &RankTally| match tally.parts {
        // a phase that is not split
        parts if parts == WindowParts::default() => tally.loop_ns.saturating_sub(tally.waited_ns),
        WindowParts { operations_ns, wear_out_ns, sync_ns, .. } => operations_ns + wear_out_ns + sync_ns,
    };
    let own = |tally: &RankTally| seconds(own_ns(tally) as f64);
    let mut by_time: Vec<&RankTally> = tallies.iter().collect();
    // a rank that had done least at the stonewall is the one the others waited for, whatever its total time
    by_time.sort_by(|a, b| (a.at_stonewall, own_ns(b), a.rank).cmp(&(b.at_stonewall, own_ns(a), b.rank)));
    let mut nodes: Vec<NodeTime> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for tally in tallies {
        let at = *index.entry(tally.host.as_str()).or_insert_with(|| {
            nodes.push(NodeTime { host: tally.host.clone(), ranks: 0, mean_s: 0.0, operations: 0 });
            nodes.len() - 1
        });
        let node = &mut nodes[at];
        node.ranks += 1;
        node.mean_s += own(tally);
        node.operations += if tally.stonewall_ns > 0 { tally.at_stonewall } else { tally.operations };
    }
    nodes.iter_mut().for_each(|node| node.mean_s /= node.ranks as f64);
    nodes.sort_by(|a, b| {
        let load = |node: &NodeTime| node.operations as f64 / node.ranks as f64;
        load(a).total_cmp(&load(b)).then(b.mean_s.total_cmp(&a.mean_s))
    });
    nodes.truncate(NAMED);
    let times = tallies.iter().map(own);
    Spread {
        min_s: times.clone().fold(f64::INFINITY, f64::min),
        mean_s: times.clone().sum::<f64>() / tallies.len().max(1) as f64,
        max_s: times.fold(0.0, f64::max),
        slowest: by_time
            .into_iter()
            .take(NAMED)
            .map(|tally| RankTime {
                rank: tally.rank,
                host: tally.host.clone(),
                own_s: own(tally),
                at_stonewall: (tally.stonewall_ns > 0).then_some(tally.at_stonewall),
                operations: tally.operations,
                wear_out_s: (tally.stonewall_ns > 0).then_some(seconds(tally.parts.wear_out_ns as f64)),
                sync_s: (tally.parts.sync_ns > 0).then_some(seconds(tally.parts.sync_ns as f64)),
            })
            .collect(),
        nodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rank: usize, begin_s: i64, end_s: i64, at_stonewall: u64) -> RankTally {
        RankTally {
            rank,
            host: format!("node{}", rank / 2),
            operations: 10,
            bytes: 10 << 30,
            begin_ns: begin_s * 1_000_000_000,
            end_ns: end_s * 1_000_000_000,
            wall_ns: (begin_s * 1_000_000_000, (end_s + 5) * 1_000_000_000),
            loop_ns: (end_s - begin_s) as u64 * 900_000_000,
            at_stonewall,
            stonewall_ns: 2_000_000_000,
            parts: WindowParts {
                operations_ns: 2_000_000_000,
                wear_out_ns: ((end_s - begin_s) as u64 * 900_000_000).saturating_sub(2_000_000_000),
                ..WindowParts::default()
            },
            ..RankTally::default()
        }
    }

    #[test]
    fn bandwidth_spans_first_begin_to_last_end_and_rates_take_the_longest_window() {
        let tallies = [tally(0, 0, 4, 10), tally(1, 1, 5, 6)];
        let bandwidth = figures(Measure::Bandwidth, &tallies);
        assert_eq!((bandwidth.window_s, bandwidth.rate), (5.0, 4.0));
        assert_eq!(bandwidth.rate_wall_clock, 2.0);
        let operations = figures(Measure::Operations, &tallies);
        assert_eq!((operations.window_s, operations.rate), (4.0, 0.005));
    }

    #[test]
    fn the_stonewall_counts_what_was_done_by_then() {
        let at = stonewall(Measure::Bandwidth, &[tally(0, 0, 4, 10), tally(1, 1, 5, 6)], 1 << 30, 2);
        assert_eq!((at.least, at.most, at.total, at.met_s, at.rate), (6, 10, 16, 2.0, 8.0));
        assert!((at.wear_out_s - 1.6).abs() < 1e-9);
    }

    #[test]
    fn the_rank_that_the_others_waited_for_is_named_first() {
        let tallies = [tally(0, 0, 4, 10), tally(1, 0, 4, 9), tally(2, 0, 4, 3), tally(3, 0, 4, 10)];
        let spread = figures(Measure::Bandwidth, &tallies).spread;
        assert_eq!(spread.slowest[0].rank, 2);
        assert_eq!(spread.nodes[0].host, "node1");
        assert_eq!(spread.slowest[0].at_stonewall, Some(3));
    }

    #[test]
    fn waiting_at_the_stonewall_is_no_work_of_ones_own() {
        let parts = WindowParts {
            operations_ns: 400_000_000,
            wear_out_ns: 1_600_000_000,
            waiting_ns: 1_600_000_000,
            ..WindowParts::default()
        };
        let waited = RankTally { parts, ..tally(1, 0, 4, 10) };
        let spread = figures(Measure::Operations, &[tally(0, 0, 4, 10), waited]).spread;
        assert_eq!((spread.min_s, spread.max_s), (2.0, 3.6));
        assert_eq!(spread.slowest.iter().map(|rank| (rank.rank, rank.own_s)).collect::<Vec<_>>(), [(0, 3.6), (1, 2.0)]);
    }

    /// A single rank has no other rank to catch up with: what follows the stonewall is its sync, and the score loses nothing to the wear-out.
    #[test]
    fn the_sync_of_one_rank_is_no_wear_out() {
        let parts =
            WindowParts { operations_ns: 2_000_000_000, sync_ns: 1_600_000_000, close_ns: 9, ..WindowParts::default() };
        let alone = [RankTally { parts, ..tally(0, 0, 4, 10) }];
        let (figures, at) = (figures(Measure::Bandwidth, &alone), stonewall(Measure::Bandwidth, &alone, 1 << 30, 2));
        assert_eq!((at.wear_out_s, at.rate_without_wear_out), (0.0, Some(figures.rate)));
        let parts = figures.parts.unwrap();
        assert_eq!((parts.operations_s, parts.wear_out_s, parts.sync_s, parts.close_s), (2.0, 0.0, 1.6, 9e-9));
        assert_eq!(figures.spread.slowest[0].sync_s, Some(1.6));
    }

    #[test]
    fn without_the_wear_out_less_is_done_in_less_time() {
        let at = stonewall(Measure::Bandwidth, &[tally(0, 0, 4, 10), tally(1, 1, 5, 6)], 1 << 30, 2);
        assert_eq!(at.rate_without_wear_out, Some(16.0 / (5.0 - at.wear_out_s)));
    }

    #[test]
    fn no_time_is_no_rate() {
        assert_eq!(figures(Measure::Operations, &[tally(0, 3, 3, 0)]).rate, 0.0);
        assert_eq!(figures(Measure::Operations, &[]).rate, 0.0);
    }
}
