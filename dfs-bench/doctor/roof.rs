//! The roof: what no phase that moves data can exceed, from the links and the memory of its nodes.

use super::rule::View;
use super::rules::links;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The limits that are known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Roof {
    /// The clients' links that ranks can use, together, bytes per second.
    pub client_links: Option<f64>,
    /// The server's links together, bytes per second.
    pub server_links: Option<f64>,
    /// What all ranks together copy in memory, bytes per second; with `--measure`.
    pub client_memory: Option<f64>,
}

/// What limits a phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Bytes per second.
    pub rate: f64,
    /// What it comes from.
    pub by: &'static str,
}

impl Roof {
    /// The most bytes per second of a phase that moves data.
    pub fn of_bandwidth(&self) -> Option<Limit> {
        let limits = [
            (self.client_links, "the clients' links"),
            (self.server_links, "the server's links"),
            (self.client_memory, "the clients' memory"),
        ];
        let known =
            |(rate, by): (Option<f64>, &'static str)| Some(Limit { rate: rate.filter(|rate| *rate > 0.0)?, by });
        limits.into_iter().filter_map(known).min_by(|a, b| a.rate.total_cmp(&b.rate))
    }

    /// The roof in words; none where nothing is known.
    pub fn words(&self) -> String {
        let Some(limit) = self.of_bandwidth() else { return String::new() };
        let gib = |rate: f64| format!("{:.1} GiB/s", rate / (1_u64 << 30) as f64);
        let mut words = format!(
            "Roof of the ior phases: {}, by {}: no setting of the store raises it\n",
            gib(limit.rate),
            limit.by
        );
        for (rate, name) in [
            (self.client_links, "clients' links"),
            (self.server_links, "server's links"),
            (self.client_memory, "clients' memory"),
        ] {
            if let Some(rate) = rate {
                words += &format!("  {name:<16} {}\n", gib(rate));
            }
        }
        words
    }
}

/// The rate of the links that a node's ranks can use, bytes per second: a rank uses one, of its own NUMA node where there is one.
pub fn client_links(view: &View<'_>) -> Option<f64> {
    let links = links(view);
    let topology = &view.node.topology;
    let bound = view.ranks.iter().filter_map(|rank| rank.cpus.as_ref());
    let nodes: std::collections::BTreeSet<u32> = bound.flat_map(|cpus| topology.nodes_of(cpus)).collect();
    let local = |numa: Option<u32>| nodes.is_empty() || numa.is_none_or(|numa| nodes.contains(&numa));
    // where no link is near, ranks use one that is far
    let any_local = links.iter().any(|link| local(link.numa));
    let used = links.iter().filter(|link| !any_local || local(link.numa));
    let mut rates = used.map(|link| link.bytes_per_s).collect::<Option<Vec<f64>>>()?;
    rates.sort_by(|a, b| b.total_cmp(a));
    let most = if view.ranks.is_empty() { rates.len() } else { view.ranks.len() };
    (!rates.is_empty()).then(|| rates.iter().take(most).sum())
}

/// The rate of the links of a server's engines, bytes per second.
pub fn server_links(view: &View<'_>) -> Option<f64> {
    let engines = &view.server?.engines;
    let names: std::collections::BTreeSet<&str> =
        engines.iter().filter_map(|engine| engine.fabric_iface.as_deref()).collect();
    let rates = names.iter().map(|name| Some(view.node.network.interface(name)?.speed_mbps? as f64 * 1e6 / 8.0));
    rates.sum::<Option<f64>>().filter(|rate| *rate > 0.0)
}

/// Copies in memory for a while; bytes per second.
pub fn copy_rate(time: Duration) -> f64 {
    // larger than the caches that a rank can have
    const SIZE: usize = 128 << 20;
    let from = vec![1_u8; SIZE];
    let mut to = from.clone(); // its pages are there before the clock runs
    let (begun, mut copies) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        to.copy_from_slice(std::hint::black_box(&from));
        std::hint::black_box(&mut to);
        copies += 1;
    }
    f64::from(copies) * SIZE as f64 / begun.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::super::testing::Machine;
    use super::*;

    #[test]
    fn the_narrowest_limit_counts_and_unknown_ones_do_not() {
        let roof = Roof { client_links: Some(100e9), server_links: Some(50e9), client_memory: None };
        assert_eq!(roof.of_bandwidth(), Some(Limit { rate: 50e9, by: "the server's links" }));
        assert!(roof.words().starts_with("Roof of the ior phases: 46.6 GiB/s, by the server's links"));
        assert_eq!(Roof::default().words(), "");
        assert_eq!(Roof { client_links: Some(0.0), ..Roof::default() }.of_bandwidth(), None);
    }

    #[test]
    fn links_that_no_rank_can_use_do_not_count() {
        let rate = |lists: &[&str]| {
            let mut machine = Machine::client();
            machine.bind(lists);
            client_links(&machine.known().view())
        };
        assert_eq!(rate(&["0", "24"]), Some(25e9), "two links of 100 Gb/s");
        assert_eq!(rate(&["0", "1", "2"]), Some(12.5e9), "all on one socket");
        assert_eq!(rate(&["0-47"]), Some(12.5e9), "one rank uses one link");
        assert_eq!(client_links(&Machine::client().blind().view()), None);
        assert_eq!(server_links(&Machine::server().known().view()), Some(25e9));
        let mut slow = Machine::server();
        slow.tree.remove("sys/class/net/ib1/speed");
        assert_eq!(server_links(&slow.known().view()), None, "an unknown link is no link of 0");
        assert!(copy_rate(Duration::from_millis(1)) > 1e6);
    }
}
