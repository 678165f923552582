//! The latencies of all ranks as one: histograms are added up, and every node keeps a coarse one of its own.
//!
//! The counts of a phase are merged by a sum over ranks, of which only the range that any rank used is sent: a first reduction finds it.
//! For the nodes every rank sends rank 0 its counts sixty-four places at a time, without the empty ones: some hundred numbers,
//! from which quantiles come out to within 1/16 of an octave.

use crate::comm::{Comm, ReduceOp};
use crate::engine::histograms::{Counts, LatencyHistogram, greatest_at, histogram, place};
use crate::engine::series::CLASS_BITS;
use crate::engine::{Latencies, OpKind};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The latencies of one kind of operation in one phase, all ranks. Nanoseconds; quantiles to three significant digits, as the upper
/// end of their histogram's class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct LatencyResult {
    /// The kind of operation.
    pub kind: OpKind,
    /// How many there were.
    pub operations: u64,
    /// The shortest, exact.
    pub min_ns: u64,
    /// The mean, exact.
    pub mean_ns: f64,
    /// The median.
    pub p50_ns: u64,
    /// 90 of 100 are not longer.
    pub p90_ns: u64,
    /// 99 of 100.
    pub p99_ns: u64,
    /// 999 of 1,000.
    pub p999_ns: u64,
    /// 9,999 of 10,000.
    pub p9999_ns: u64,
    /// The longest, exact.
    pub max_ns: u64,
    /// The nodes with the longest 99th percentile, longest first; at most sixty-four.
    pub nodes: Vec<NodeLatency>,
}

/// The latencies of one kind of operation on one node. Nanoseconds; quantiles to within 1/16 of an octave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct NodeLatency {
    /// Its name.
    pub host: String,
    /// Its ranks.
    pub ranks: usize,
    /// Operations of its ranks.
    pub operations: u64,
    /// The median.
    pub p50_ns: u64,
    /// 99 of 100 are not longer.
    pub p99_ns: u64,
    /// The longest, exact.
    pub max_ns: u64,
}

/// How many nodes are named.
const NODES: usize = 64;

/// The merged latencies of one kind: what `result.json` shows, and the whole histogram for the log files.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KindLatency {
    /// The figures.
    pub result: LatencyResult,
    /// The histogram, nanoseconds.
    pub histogram: LatencyHistogram,
}

/// Merges the latencies of all ranks. Collective; rank 0 gets the kinds that occurred, in the phase's order, the others nothing.
/// O(log n) but for the nodes' part, which gathers about a kilobyte per rank and kind.
pub fn merge(comm: &dyn Comm, own: &Latencies) -> Option<Vec<KindLatency>> {
    let kinds: Vec<(OpKind, &Counts)> = own.kinds().collect();
    let extremes = reduce_extremes(comm, &kinds);
    // from here on the ranks know in which places any of them has counts
    let ranges: Vec<_> =
        extremes.iter().map(|&(min, max)| if min <= max { place(min)..place(max) + 1 } else { 0..0 }).collect();
    let mut sums: Vec<u64> = kinds.iter().map(|(_, counts)| counts.sum()).collect();
    kinds.iter().zip(&ranges).for_each(|((_, counts), range)| sums.extend(&counts.counts()[range.clone()]));
    comm.reduce_u64(ReduceOp::Sum, &mut sums);
    let mut nodes = gather_nodes(comm, &kinds)?;

    let (totals, mut counts) = sums.split_at(kinds.len());
    let mut merged = Vec::new();
    for (at, (kind, _)) in kinds.iter().enumerate() {
        let (here, rest) = counts.split_at(ranges[at].len());
        counts = rest;
        let operations: u64 = here.iter().sum();
        if operations == 0 {
            continue;
        }
        let (min, max) = extremes[at];
        let histogram = histogram(ranges[at].start, here);
        let quantile = |q| histogram.quantile(q).min(max);
        let result = LatencyResult {
            kind: *kind,
            operations,
            min_ns: min,
            mean_ns: totals[at] as f64 / operations as f64,
            p50_ns: quantile(0.5),
            p90_ns: quantile(0.9),
            p99_ns: quantile(0.99),
            p999_ns: quantile(0.999),
            p9999_ns: quantile(0.9999),
            max_ns: max,
            nodes: std::mem::take(&mut nodes[at]),
        };
        merged.push(KindLatency { result, histogram });
    }
    Some(merged)
}

/// The shortest and the longest latency of each kind on any rank; shortest above longest where no rank has one.
fn reduce_extremes(comm: &dyn Comm, kinds: &[(OpKind, &Counts)]) -> Vec<(u64, u64)> {
    // one maximum finds both: the shortest as the greatest complement
    let mut bounds: Vec<u64> =
        kinds.iter().flat_map(|(_, counts)| counts.extremes().map_or([0, 0], |(min, max)| [!min, max])).collect();
    comm.all_reduce_u64(ReduceOp::Max, &mut bounds);
    bounds.chunks_exact(2).map(|pair| (!pair[0], pair[1])).collect()
}

/// A node's share of one kind.
#[derive(Default, Clone)]
struct Node {
    max: u64,
    /// Counts by class.
    classes: BTreeMap<u64, u64>,
}

/// Every kind's nodes on rank 0; none elsewhere.
fn gather_nodes(comm: &dyn Comm, kinds: &[(OpKind, &Counts)]) -> Option<Vec<Vec<NodeLatency>>> {
    let mut words = Vec::new();
    for (_, counts) in kinds {
        let classes = counts.counts().chunks(1 << CLASS_BITS).map(|class| class.iter().sum::<u64>());
        let used: Vec<_> =
            (0..).zip(classes).filter(|&(_, count)| count > 0).flat_map(|(class, count)| [class, count]).collect();
        words.extend([counts.extremes().map_or(0, |(_, max)| max), used.len() as u64]);
        words.extend(used);
    }
    let mut message = words.iter().flat_map(|word: &u64| word.to_le_bytes()).collect::<Vec<u8>>();
    message.extend(comm.host().as_bytes());
    let all = comm.gather(&message)?;

    let topology = comm.topology();
    let mut hosts = vec![(String::new(), 0); topology.nodes()];
    let mut nodes = vec![vec![Node::default(); topology.nodes()]; kinds.len()];
    for (rank, message) in all.iter().enumerate() {
        let mut rest = message.as_slice();
        let mut word = || {
            let (word, after) = rest.split_first_chunk().expect("every rank runs the same program");
            rest = after;
            u64::from_le_bytes(*word)
        };
        let at = topology.node_of(rank);
        for kind in &mut nodes {
            kind[at].max = kind[at].max.max(word());
            for _ in 0..word() / 2 {
                let class = word();
                *kind[at].classes.entry(class).or_default() += word();
            }
        }
        let (host, ranks) = &mut hosts[at];
        *ranks += 1;
        if host.is_empty() {
            *host = String::from_utf8_lossy(rest).into_owned();
        }
    }
    Some(nodes.into_iter().map(|nodes| slowest_nodes(&hosts, nodes)).collect())
}

fn slowest_nodes(hosts: &[(String, usize)], nodes: Vec<Node>) -> Vec<NodeLatency> {
    let mut found: Vec<NodeLatency> = hosts
        .iter()
        .zip(nodes)
        .filter(|(_, node)| !node.classes.is_empty())
        .map(|((host, ranks), node)| NodeLatency {
            host: host.clone(),
            ranks: *ranks,
            operations: node.classes.values().sum(),
            p50_ns: node.quantile(0.5),
            p99_ns: node.quantile(0.99),
            max_ns: node.max,
        })
        .collect();
    found.sort_by(|a, b| (b.p99_ns, b.max_ns).cmp(&(a.p99_ns, a.max_ns)).then_with(|| a.host.cmp(&b.host)));
    found.truncate(NODES);
    found
}

impl Node {
    fn quantile(&self, quantile: f64) -> u64 {
        let total: u64 = self.classes.values().sum();
        let wanted = (total as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (class, count) in &self.classes {
            seen += count;
            if seen >= wanted {
                return greatest_at(((class + 1) << CLASS_BITS) as usize - 1).min(self.max);
            }
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;
    use crate::engine::Recorder;
    use proptest::prelude::*;

    const KINDS: &[OpKind] = &[OpKind::Create, OpKind::Close];

    /// The latencies of a rank; a rank may have none, and closing takes ten times as long.
    fn record(latencies: &[u64]) -> Latencies {
        let mut own = Latencies::new(KINDS);
        latencies.iter().for_each(|&nanos| own.record(OpKind::Create, nanos, 0));
        latencies.iter().for_each(|&nanos| own.record(OpKind::Close, nanos * 10, 0));
        own
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn merging_ranks_is_recording_everything_on_one(ranks in prop::collection::vec(prop::collection::vec(0u64..1 << 40, 0..50), 1..8)) {
            let merged = threads::run(ranks.len(), |comm| merge(comm, &record(&ranks[comm.rank()])));
            prop_assert!(merged[1..].iter().all(Option::is_none));
            let merged = merged[0].as_ref().unwrap();
            let all = ranks.concat();
            prop_assert_eq!(merged.len(), if all.is_empty() { 0 } else { 2 });
            let alone = record(&all);
            for (found, (kind, expected)) in merged.iter().zip(alone.kinds()) {
                prop_assert_eq!(&found.histogram, &histogram(0, expected.counts()));
                let result = &found.result;
                prop_assert_eq!((result.kind, Some((result.min_ns, result.max_ns))), (kind, expected.extremes()));
                prop_assert_eq!(result.operations, all.len() as u64);
                prop_assert_eq!(result.mean_ns, expected.sum() as f64 / all.len() as f64);
                // one host: its classes are the whole histogram's, sixty-four at a time
                let node = &result.nodes[0];
                prop_assert_eq!((result.nodes.len(), node.ranks, node.operations, node.max_ns), (1, ranks.len(), result.operations, result.max_ns));
                let ratio = (node.p99_ns + 64) as f64 / (result.p99_ns + 64) as f64;
                prop_assert!((1.0 - 1e-3..2.0f64.powf(1.0 / 11.0)).contains(&ratio), "{} {}", node.p99_ns, result.p99_ns);
            }
        }
    }

    #[test]
    fn the_slow_node_comes_first() {
        let hosts = ["fast", "slow", "fast", "slow"];
        let merged = threads::try_run_on(&hosts, |comm| {
            let slow = if comm.host() == "slow" { 1_000_000 } else { 1000 };
            merge(comm, &record(&(0..100).map(|i| slow + i).collect::<Vec<_>>()))
        });
        let merged = merged.unwrap();
        let create = &merged[0].as_ref().unwrap()[0].result;
        assert_eq!((create.kind, create.min_ns, create.max_ns), (OpKind::Create, 1000, 1_000_099));
        let nodes: Vec<_> = create.nodes.iter().map(|node| (node.host.as_str(), node.ranks, node.operations)).collect();
        assert_eq!(nodes, [("slow", 2, 200), ("fast", 2, 200)]);
        assert_eq!((create.nodes[0].max_ns, create.nodes[1].max_ns), (1_000_099, 1099));
        assert!(create.nodes[0].p50_ns >= 1_000_000 && create.nodes[1].p99_ns <= 1099);
    }

    #[test]
    fn quantiles_are_those_of_known_latencies() {
        let merged = threads::run(4, |comm| {
            let own: Vec<u64> = (1..=100_000).filter(|i| i % 4 == comm.rank() as u64).collect();
            merge(comm, &record(&own))
        });
        let create = &merged[0].as_ref().unwrap()[0].result;
        let within = |found: u64, exact: u64| found >= exact && found as f64 <= exact as f64 * 1.001;
        assert!(within(create.p50_ns, 50_000) && within(create.p90_ns, 90_000), "{create:?}");
        assert!(within(create.p99_ns, 99_000) && within(create.p999_ns, 99_900) && within(create.p9999_ns, 99_990));
        assert_eq!((create.min_ns, create.max_ns, create.mean_ns), (1, 100_000, 50_000.5));
    }
}
