//! The roof before a run: what no phase that moves data can exceed, from the links, devices and memory of nodes. What a run itself adds
//! (round trips, where the engines are) is in `io500_phases::results`.

use super::rule::View;
use io500_phases::facts::{PciLink, usable_links};
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
    /// The PCI Express links of the server's devices that hold data together, bytes per second.
    #[serde(default)]
    pub server_devices: Option<f64>,
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
            (self.client_links, "the clients' links, where the engines are on other nodes"),
            (self.server_links, "the server's links"),
            (self.client_memory, "the clients' memory"),
            (self.server_devices, "the PCI Express links of the server's devices"),
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
            (self.server_devices, "server's devices"),
        ] {
            if let Some(rate) = rate {
                words += &format!("  {name:<16} {}\n", gib(rate));
            }
        }
        words
    }
}

/// The rate of the links that a node's ranks can use, bytes per second.
pub fn client_links(view: &View<'_>) -> Option<f64> {
    usable_links(view.node, view.ranks.len(), view.ranks.iter().filter_map(|rank| rank.cpus.as_ref()))
}

/// The rate of the links of a server's engines, bytes per second.
pub fn server_links(view: &View<'_>) -> Option<f64> {
    let engines = &view.server?.engines;
    let names: std::collections::BTreeSet<&str> =
        engines.iter().filter_map(|engine| engine.fabric_iface.as_deref()).collect();
    let rates = names.iter().map(|name| Some(view.node.network.interface(name)?.speed_mbps? as f64 * 1e6 / 8.0));
    rates.sum::<Option<f64>>().filter(|rate| *rate > 0.0)
}

/// The PCI Express links of the devices that hold the data of a server's engines, bytes per second: no device is faster than its link.
pub fn server_devices(view: &View<'_>) -> Option<f64> {
    let devices = view.server?.engines.iter().flat_map(|engine| engine.data_addresses());
    let link = |address: &str| view.node.device(address)?.link.map(bytes_per_s);
    let mut sum = None;
    for address in devices {
        sum = Some(sum.unwrap_or(0.0) + link(address)?);
    }
    sum.filter(|rate| *rate > 0.0)
}

/// What a link of PCI Express carries, without what its encoding takes: 8 of 10 bits up to the second generation, 128 of 130 since.
fn bytes_per_s(link: PciLink) -> f64 {
    let encoding = if link.gigatransfers > 5.0 { 128.0 / 130.0 } else { 8.0 / 10.0 };
    link.gigatransfers * 1e9 * f64::from(link.width) * encoding / 8.0
}

/// What the mdtest phases can reach, in words: the time of a round trip is not known before a run.
pub fn of_metadata(in_flight: usize) -> String {
    // of RDMA at its best, and of TCP
    let kiops = |micros: f64| format!("{:.0} kIOPS at {micros:.0} µs", in_flight as f64 / micros * 1e3);
    format!(
        "Roof of the mdtest phases: {in_flight} operations in flight, {} each, {}; the run itself measures its fastest operations\n",
        kiops(10.0),
        kiops(100.0)
    )
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
        let roof = Roof { client_links: Some(100e9), server_links: Some(50e9), ..Roof::default() };
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
        assert_eq!(server_devices(&Machine::client().known().view()), None);
        let four = (4.0_f64 * 16e9 * 16.0 * 128.0 / 130.0 / 8.0).round();
        let found = server_devices(&Machine::server().known().view()).map(f64::round);
        assert_eq!(found, Some(four), "four devices at 16 GT/s x16");
        let mut unknown = Machine::server();
        unknown.tree.remove("sys/bus/pci/devices/0000:5e:00.0/current_link_width");
        assert_eq!(server_devices(&unknown.known().view()), None, "an unknown device is no device of 0");
        assert!(of_metadata(64).contains("64 operations in flight, 6400 kIOPS at 10 µs each, 640 kIOPS at 100 µs"));
        assert!(copy_rate(Duration::from_millis(1)) > 1e6);
    }
}
