//! Everything that is known of one node.

use super::memory::Memory;
use super::network::Network;
use super::pci::{self, PciDevice};
use super::processor::Processor;
use super::root::{Root, Unread};
use super::topology::Topology;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the facts of a node come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The running machine.
    #[default]
    Live,
    /// A snapshot of its `sys` and `proc`.
    Snapshot,
    /// A topology file, which knows processors and devices only.
    Topology,
}

/// What is known of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct NodeFacts {
    /// Its name.
    pub host: String,
    /// Where this comes from.
    pub origin: Origin,
    /// Version of the kernel.
    pub kernel: Option<String>,
    /// The distribution: its identifier and version of `os-release`, such as `rocky` and `9.4`.
    #[serde(default)]
    pub distribution: Option<(String, String)>,
    /// Maker and name of the machine.
    pub product: Option<String>,
    /// Version of its firmware.
    pub firmware: Option<String>,
    /// Cores and NUMA nodes.
    pub topology: Topology,
    /// How they are run.
    pub processor: Processor,
    /// Memory.
    pub memory: Memory,
    /// Links.
    pub network: Network,
    /// Network and NVMe devices.
    pub pci: Vec<PciDevice>,
    /// Settings of the kernel: `vm.max_map_count` and such, to their values.
    pub sysctl: BTreeMap<String, String>,
    /// Mounted file systems that a log or a store may lie on: place and type.
    pub mounts: Vec<(String, String)>,
    /// The program that keeps its clock right, where one is known to run.
    #[serde(default)]
    pub time_daemon: Option<String>,
    /// What was there and was not read.
    pub unread: Vec<Unread>,
}

/// Programs that keep a clock right, with the directory that each has while it runs.
const TIME_DAEMONS: [(&str, &str); 3] =
    [("chronyd", "/run/chrony"), ("systemd-timesyncd", "/run/systemd/timesync"), ("ntpd", "/run/ntpd")];

/// The settings that are read.
const SYSCTLS: [&str; 7] = [
    "kernel.numa_balancing",
    "net.core.default_qdisc",
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.ipv4.tcp_congestion_control",
    "vm.max_map_count",
    "vm.zone_reclaim_mode",
];

/// The most mounts that are kept.
const MOUNTS: usize = 1024;

impl NodeFacts {
    /// Reads everything under a root.
    pub fn read(root: &Root, host: &str) -> NodeFacts {
        let topology = Topology::read(root);
        let hostname = root.read("/proc/sys/kernel/hostname");
        let dmi = |name: &str| root.read(&format!("/sys/class/dmi/id/{name}")).filter(|word| !word.is_empty());
        let sysctl = SYSCTLS.iter().filter_map(|name| {
            let value = root.read(&format!("/proc/sys/{}", name.replace('.', "/")))?;
            Some(((*name).to_owned(), value))
        });
        let mut facts = NodeFacts {
            host: hostname.unwrap_or_else(|| host.to_owned()),
            origin: if root.is_live() { Origin::Live } else { Origin::Snapshot },
            kernel: root.read("/proc/sys/kernel/osrelease"),
            distribution: distribution(root),
            product: match (dmi("sys_vendor"), dmi("product_name")) {
                (Some(maker), Some(name)) => Some(format!("{maker} {name}")),
                (one, other) => one.or(other),
            },
            firmware: dmi("bios_version"),
            processor: Processor::read(root, &topology),
            memory: Memory::read(root),
            network: Network::read(root),
            pci: pci::read(root),
            sysctl: sysctl.collect(),
            mounts: mounts(root),
            time_daemon: TIME_DAEMONS
                .iter()
                .find(|(_, dir)| !root.names(dir).is_empty())
                .map(|(name, _)| (*name).to_owned()),
            topology,
            unread: Vec::new(),
        };
        facts.unread = root.unread();
        facts
    }

    /// The device at this PCI address.
    pub fn device(&self, address: &str) -> Option<&PciDevice> {
        self.pci.iter().find(|device| device.address == address)
    }
}

/// The two lines of `os-release` that name a distribution.
fn distribution(root: &Root) -> Option<(String, String)> {
    let lines = root.read_only("/etc/os-release", |text| {
        let kept = text.lines().filter(|line| line.starts_with("ID=") || line.starts_with("VERSION_ID="));
        kept.collect::<Vec<_>>().join("\n")
    })?;
    let value = |name: &str| {
        let line = lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    Some((value("ID")?, value("VERSION_ID")?))
}

/// Place and type of mounts; options and sources stay where they are.
fn mounts(root: &Root) -> Vec<(String, String)> {
    let lines = root.read_only("/proc/mounts", |text| {
        let keep = |line: &str| {
            let mut fields = line.split(' ').skip(1);
            Some(format!("- {} {}", fields.next()?, fields.next()?))
        };
        text.lines().filter_map(keep).take(MOUNTS).collect::<Vec<_>>().join("\n")
    });
    let pair = |line: &str| {
        let (place, kind) = line.strip_prefix("- ")?.split_once(' ')?;
        Some((place.to_owned(), kind.to_owned()))
    };
    lines.unwrap_or_default().lines().filter_map(pair).collect()
}
