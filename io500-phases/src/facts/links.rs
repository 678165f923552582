//! The links that a node's data can take, and how much of them its ranks can use.

use super::cpus::CpuSet;
use super::network::{InfinibandPort, Interface};
use super::node::NodeFacts;
use std::collections::BTreeSet;

/// A link that data can take.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// `mlx5_0/1` or `eth0`.
    pub name: String,
    /// Its NUMA node.
    pub numa: Option<u32>,
    /// Its rate; `None` where the kernel does not say, or says that of one port of several.
    pub bytes_per_s: Option<f64>,
}

/// The slowest interface that is taken for a fabric, megabits per second: a slower one is there for administration.
const SLOWEST_MBPS: u64 = 10_000;

/// The links that data can take: active InfiniBand ports, else interfaces of 10 Gb/s and more that are up.
pub fn links(node: &NodeFacts) -> Vec<Link> {
    let network = &node.network;
    let ports = network.infiniband.iter().filter(|port| port.is_active() == Some(true));
    let of_port = |port: &InfinibandPort| Link {
        name: port.name(),
        numa: port.numa,
        // a device that bonds two ports says the rate of one
        bytes_per_s: port.rate_gbps.filter(|_| !port.device.contains("bond")).map(|gbps| gbps * 1e9 / 8.0),
    };
    let ports: Vec<Link> = ports.map(of_port).collect();
    if !ports.is_empty() {
        return ports;
    }
    let is_up = |interface: &&Interface| interface.state.as_deref() == Some("up");
    // one process can use all interfaces of a bond at once
    let bonded = network.interfaces.iter().filter(is_up).any(Interface::is_bond);
    let fast =
        |interface: &&Interface| interface.physical && interface.speed_mbps.is_some_and(|mbps| mbps >= SLOWEST_MBPS);
    let of_interface = |interface: &Interface| Link {
        name: interface.name.clone(),
        numa: interface.numa,
        bytes_per_s: interface.speed_mbps.filter(|_| !bonded).map(|mbps| mbps as f64 * 1e6 / 8.0),
    };
    network.interfaces.iter().filter(is_up).filter(fast).map(of_interface).collect()
}

/// The rate of the links that a node's ranks can use, bytes per second: a rank uses one, of its own NUMA node where there is one. `None`
/// where no link is known, or one without its rate. Without ranks, all links.
pub fn usable_links<'a>(node: &NodeFacts, ranks: usize, cpus: impl Iterator<Item = &'a CpuSet>) -> Option<f64> {
    let links = links(node);
    let nodes: BTreeSet<u32> = cpus.flat_map(|cpus| node.topology.nodes_of(cpus)).collect();
    let local = |numa: Option<u32>| nodes.is_empty() || numa.is_none_or(|numa| nodes.contains(&numa));
    // where no link is near, ranks use one that is far
    let any_local = links.iter().any(|link| local(link.numa));
    let used = links.iter().filter(|link| !any_local || local(link.numa));
    let mut rates = used.map(|link| link.bytes_per_s).collect::<Option<Vec<f64>>>()?;
    rates.sort_by(|a, b| b.total_cmp(a));
    let most = if ranks == 0 { rates.len() } else { ranks };
    (!rates.is_empty()).then(|| rates.iter().take(most).sum())
}
