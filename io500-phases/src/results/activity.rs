//! What the nodes' own counters say of a phase: what moved while it ran, and what of that makes its figure doubtful.

use crate::facts::{Counters, RankUse};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// More retransmitted TCP segments than this share of a node's are a doubt: a network that loses one of a thousand slows TCP down.
const RETRANSMITTED: f64 = 0.001;
/// So few retransmissions say nothing, whatever their share.
const FEWEST_RETRANSMITTED: u64 = 10;
/// More CPU time than this share that a hypervisor took from a node is a doubt.
const STOLEN: f64 = 0.01;
/// More of a node's CPU time than this share that others than the ranks used is a doubt, if it is a whole CPU.
const OTHERS: f64 = 0.05;
/// A rank that was put aside more often a second shares its core.
const PREEMPTED_PER_S: f64 = 100.0;
/// Shares of CPU time in less than this are those of a few ticks, and say nothing; seconds.
const SHORTEST_S: f64 = 1.0;
/// Ticks in a second, for programs, whatever the kernel's own are.
const TICKS_PER_S: f64 = 100.0;

/// What the nodes counted during a phase, all nodes together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct NodesActivity {
    /// Seconds between the two readings; the phase's window lies within.
    pub span_s: f64,
    /// The counters that moved.
    pub counters: Vec<CounterMoved>,
    /// What makes the phase's figure doubtful, with node and number.
    pub doubts: Vec<String>,
}

/// One counter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct CounterMoved {
    /// What it counts.
    pub name: String,
    /// `count`, or `s` of CPU time.
    pub unit: String,
    /// All nodes together.
    pub total: f64,
    /// The node that counted most.
    pub host: String,
    /// How much that one did.
    pub most: f64,
}

/// What one rank brings: what it used, and what its node counted if it is the node's first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankActivity {
    /// What it used.
    pub own: RankUse,
    /// What its node counted.
    pub node: Option<(String, Counters)>,
}

impl NodesActivity {
    /// Of what the ranks of each node bring, by node.
    pub fn new(span_s: f64, nodes: &[Vec<RankActivity>]) -> NodesActivity {
        let mut activity = NodesActivity { span_s, ..NodesActivity::default() };
        let mut sums = BTreeMap::<(String, &str), CounterMoved>::new();
        for ranks in nodes {
            let Some((host, counters)) = ranks.iter().find_map(|rank| rank.node.as_ref()) else { continue };
            let mut tell = |name: &str, unit: &'static str, value: f64| {
                if value > 0.0 {
                    let nothing = || CounterMoved {
                        name: name.to_owned(),
                        unit: unit.to_owned(),
                        total: 0.0,
                        host: String::new(),
                        most: 0.0,
                    };
                    let sum = sums.entry((name.to_owned(), unit)).or_insert_with(nothing);
                    sum.total += value;
                    if value > sum.most {
                        (sum.most, sum.host) = (value, host.clone());
                    }
                }
            };
            let mut doubt = |words: String| activity.doubts.push(format!("{host}: {words}"));
            if let Some((sent, again)) = counters.tcp {
                tell("TCP retransmissions", "count", again as f64);
                let share = again as f64 / (sent as f64).max(1.0);
                if again >= FEWEST_RETRANSMITTED && share > RETRANSMITTED {
                    doubt(format!("{again} of {sent} TCP segments were sent again ({:.2} %)", share * 100.0));
                }
            }
            for (error, &count) in &counters.link_errors {
                tell(error.split_once(' ').map_or(error, |(_, kind)| kind), "count", count as f64);
                doubt(format!("{error} grew by {count}"));
            }
            if let Some(count) = counters.throttles.filter(|&count| count > 0) {
                tell("cores slowed down by heat", "count", count as f64);
                doubt(format!("cores were slowed down by heat {count} times"));
            }
            tell("context switches", "count", counters.context_switches.unwrap_or(0) as f64);
            let preempted = ranks.iter().map(|rank| rank.own.preemptions);
            tell("preemptions of ranks", "count", preempted.clone().sum::<u64>() as f64);
            let tells = span_s >= SHORTEST_S;
            if let Some(most) = preempted.max().filter(|&most| tells && most as f64 > PREEMPTED_PER_S * span_s) {
                doubt(format!("a rank was put aside {most} times in {span_s:.1} s: it shares its core"));
            }
            if let Some((total, busy, stolen)) = counters.cpu {
                tell("CPU time stolen", "s", stolen as f64 / TICKS_PER_S);
                let share = stolen as f64 / (total as f64).max(1.0);
                if tells && share > STOLEN {
                    doubt(format!("the hypervisor took {:.1} % of the CPU time", share * 100.0));
                }
                let own: u64 = ranks.iter().map(|rank| rank.own.ticks).sum();
                let others = busy.saturating_sub(own) as f64;
                tell("CPU time of others", "s", others / TICKS_PER_S);
                // a tick is the finest that is counted, for each rank
                let margin = ranks.len() as f64 + 1.0;
                if tells && others - margin > OTHERS * total as f64 && others - margin > span_s * TICKS_PER_S {
                    doubt(format!(
                        "others than the ranks used {:.1} s of CPU time in {span_s:.1} s, {:.0} % of the node's",
                        others / TICKS_PER_S,
                        others / total as f64 * 100.0
                    ));
                }
            }
        }
        activity.counters = sums.into_values().collect();
        activity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: &str, change: impl Fn(&mut Counters)) -> Vec<RankActivity> {
        // ten seconds of four CPUs, of which the two ranks used one each
        let mut counters = Counters {
            tcp: Some((100_000, 20)),
            cpu: Some((4000, 2100, 0)),
            throttles: Some(0),
            context_switches: Some(500),
            ..Counters::default()
        };
        change(&mut counters);
        let own = RankUse { ticks: 1000, preemptions: 3 };
        vec![RankActivity { own, node: Some((host.into(), counters)) }, RankActivity { own, node: None }]
    }

    fn doubts(nodes: &[Vec<RankActivity>]) -> Vec<String> {
        NodesActivity::new(10.0, nodes).doubts
    }

    #[test]
    fn a_quiet_node_raises_no_doubt_and_its_counters_are_told() {
        let nodes = [node("a", |_| {}), node("b", |counters| counters.tcp = Some((100_000, 30)))];
        let activity = NodesActivity::new(10.0, &nodes);
        assert_eq!(activity.doubts, [""; 0]);
        let counter = |name: &str| activity.counters.iter().find(|counter| counter.name == name).unwrap();
        let again = counter("TCP retransmissions");
        assert_eq!((again.total, again.host.as_str(), again.most), (50.0, "b", 30.0));
        assert_eq!(counter("CPU time of others").total, 2.0);
        assert_eq!(counter("preemptions of ranks").total, 12.0);
    }

    #[test]
    fn what_moved_beyond_its_bound_is_a_doubt_with_node_and_number() {
        type Change = fn(&mut Counters);
        let cases: [(Change, Change, &str); 5] = [
            (
                |c| c.tcp = Some((100_000, 101)),
                |c| c.tcp = Some((100_000, 100)),
                "b: 101 of 100000 TCP segments were sent again (0.10 %)",
            ),
            (
                |c| {
                    c.link_errors.insert("mlx5_0/1 symbol_error".into(), 2);
                },
                |_| {},
                "b: mlx5_0/1 symbol_error grew by 2",
            ),
            (|c| c.throttles = Some(4), |c| c.throttles = None, "b: cores were slowed down by heat 4 times"),
            (
                |c| c.cpu = Some((4000, 2100, 41)),
                |c| c.cpu = Some((4000, 2100, 40)),
                "b: the hypervisor took 1.0 % of the CPU time",
            ),
            (
                |c| c.cpu = Some((4000, 3010, 0)),
                |c| c.cpu = Some((4000, 3000, 0)),
                "b: others than the ranks used 10.1 s of CPU time in 10.0 s, 25 % of the node's",
            ),
        ];
        for (fires, silent, words) in cases {
            assert_eq!(doubts(&[node("a", |_| {}), node("b", fires)]), [words]);
            assert_eq!(doubts(&[node("a", |_| {}), node("b", silent)]), [""; 0], "{words}");
        }
        let mut sharing = node("b", |_| {});
        sharing[1].own.preemptions = 1001;
        assert_eq!(NodesActivity::new(0.9, std::slice::from_ref(&sharing)).doubts, [""; 0], "too short to tell");
        assert_eq!(doubts(&[sharing]), ["b: a rank was put aside 1001 times in 10.0 s: it shares its core"]);
    }

    #[test]
    fn ranks_that_are_threads_count_their_process_twice_and_raise_no_doubt() {
        let mut threads = node("a", |_| {});
        threads[1].own.ticks = 100_000;
        assert_eq!(doubts(&[threads]), [""; 0]);
        assert_eq!(NodesActivity::new(1.0, &[vec![RankActivity::default()]]).counters, []);
    }
}
