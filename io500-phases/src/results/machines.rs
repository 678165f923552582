//! The nodes of a run, once for each kind of node, and what an audit before the run found on them.

use crate::facts::{CpuSet, NodeFacts, host_of, usable_links};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Nodes that are alike: the same facts, and ranks on the same CPUs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Machine {
    /// Their names.
    pub hosts: Vec<String>,
    /// The ranks on each of them, by the CPUs that they may run on.
    pub ranks: Vec<BoundRanks>,
    /// What they are, without what changes by itself and what tells one from another.
    pub facts: NodeFacts,
}

/// Ranks that may run on the same CPUs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct BoundRanks {
    /// The CPUs; none where the kernel did not say.
    pub cpus: Option<CpuSet>,
    /// How many.
    pub ranks: usize,
}

/// What is known of the nodes before a run begins, on rank 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Audit {
    /// What was found, the gravest first; none where nobody looked.
    pub findings: Option<Vec<AuditFinding>>,
    /// What all ranks together copy in memory, bytes per second, where that was measured.
    pub memory_copy: Option<f64>,
    /// The engines that the configuration of a server on rank 0's node names.
    #[serde(default)]
    pub engines: Vec<EnginePlace>,
}

/// An engine and what it is bound to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct EnginePlace {
    /// `engine 0`.
    pub name: String,
    /// Its NUMA node; none where the server chooses it.
    pub numa: Option<u32>,
    /// Its network interface.
    pub interface: Option<String>,
    /// Its NVMe devices, with the NUMA node of each where that is known.
    pub devices: Vec<(String, Option<u32>)>,
    /// How many of its threads want a core each.
    #[serde(default)]
    pub threads: u64,
}

/// One finding of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct AuditFinding {
    /// The rule, `cpu.governor`.
    pub rule: String,
    /// `error`, `finding` or `hint`.
    pub severity: String,
    /// The device, engine or rank.
    pub device: String,
    /// The value found.
    pub found: String,
    /// The value expected.
    pub expected: String,
    /// How many nodes it holds for.
    pub nodes: usize,
    /// The first of them.
    pub first_nodes: Vec<String>,
}

/// What limits the phases of a run from outside the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Limits {
    /// The links that the ranks can use, all nodes together, bytes per second; none where a node's are not known.
    pub client_links: Option<f64>,
    /// Whether all engines are on other nodes than the ranks; none where their addresses do not tell.
    pub engines_elsewhere: Option<bool>,
}

impl Machine {
    /// The rate of the links that the ranks of one of these nodes can use, bytes per second.
    pub fn usable_links(&self) -> Option<f64> {
        let ranks = self.ranks.iter().map(|bound| bound.ranks).sum();
        usable_links(&self.facts, ranks, self.ranks.iter().filter_map(|bound| bound.cpus.as_ref()))
    }
}

impl Limits {
    /// The limits of these nodes.
    pub fn new(machines: &[Machine], engines_elsewhere: Option<bool>) -> Limits {
        let links = machines.iter().map(|machine| Some(machine.usable_links()? * machine.hosts.len() as f64));
        let client_links = if machines.is_empty() { None } else { links.sum() };
        Limits { client_links, engines_elsewhere }
    }
}

/// Whether engines at these addresses are on other nodes than one with the addresses `own`; `None` where that cannot be told.
pub fn elsewhere<'a>(engines: impl Iterator<Item = &'a str>, own: impl Fn(&IpAddr) -> bool) -> Option<bool> {
    let hosts = engines.map(host_of).collect::<Option<Vec<IpAddr>>>().filter(|hosts| !hosts.is_empty())?;
    Some(!hosts.iter().any(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_elsewhere_only_where_every_address_says_so() {
        let own = |address: &IpAddr| *address == IpAddr::from([10, 0, 0, 1]);
        let of = |uris: &[&'static str]| elsewhere(uris.iter().copied(), own);
        assert_eq!(of(&["ofi+tcp://10.0.0.2:1", "ofi+tcp://10.0.0.3:1"]), Some(true));
        assert_eq!(of(&["ofi+tcp://10.0.0.2:1", "ofi+tcp://10.0.0.1:1"]), Some(false));
        assert_eq!(of(&["ofi+tcp://10.0.0.2:1", "ofi+cxi://0x12"]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn an_unknown_link_is_no_link_of_0() {
        let node = |rate: Option<f64>| {
            let mut machine = Machine { hosts: vec!["a".into(), "b".into()], ..Machine::default() };
            machine.ranks = vec![BoundRanks { cpus: None, ranks: 2 }];
            machine.facts.network.infiniband = vec![crate::facts::InfinibandPort {
                device: "mlx5_0".into(),
                state: Some("ACTIVE".into()),
                rate_gbps: rate,
                ..Default::default()
            }];
            machine
        };
        assert_eq!(Limits::new(&[node(Some(100.0))], None).client_links, Some(25e9));
        assert_eq!(Limits::new(&[node(Some(100.0)), node(None)], None).client_links, None);
        assert_eq!(Limits::new(&[], None).client_links, None);
    }
}
