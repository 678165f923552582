//! Network interfaces, InfiniBand ports, and the networks that they are in.

use super::pci::numa_of;
use super::root::Root;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A node's links.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Network {
    /// Interfaces, by name.
    pub interfaces: Vec<Interface>,
    /// Ports of InfiniBand and RoCE devices.
    pub infiniband: Vec<InfinibandPort>,
    /// TCP segments sent since the node was started, and sent once more.
    #[serde(default)]
    pub tcp: Option<(u64, u64)>,
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Interface {
    /// `ib0`, `eth0`.
    pub name: String,
    /// Whether a device is behind it; bridges, tunnels, bonds and the loopback have none.
    pub physical: bool,
    /// `up`, `down`, `unknown`.
    pub state: Option<String>,
    /// Megabits per second.
    pub speed_mbps: Option<u64>,
    /// Largest packet, bytes.
    pub mtu: Option<u64>,
    /// The PCI device behind it.
    pub pci: Option<String>,
    /// Its NUMA node.
    pub numa: Option<u32>,
    /// The networks that it is in, as address and mask in the kernel's hexadecimal.
    pub networks: Vec<String>,
    /// `accept_local`, `arp_ignore`, `rp_filter`: what holds for this interface, the larger of its own and of `all`.
    pub settings: BTreeMap<String, u32>,
}

/// A port of an InfiniBand or RoCE device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct InfinibandPort {
    /// The device, `mlx5_0`.
    pub device: String,
    /// The port.
    pub port: u32,
    /// `ACTIVE`, `DOWN`, `INIT`.
    pub state: Option<String>,
    /// `LinkUp`, `Polling`, `Disabled`.
    pub physical_state: Option<String>,
    /// Gigabits per second.
    pub rate_gbps: Option<f64>,
    /// `InfiniBand` or `Ethernet`.
    pub link_layer: Option<String>,
    /// Its NUMA node.
    pub numa: Option<u32>,
}

impl InfinibandPort {
    /// `mlx5_0/1`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.device, self.port)
    }

    /// Whether data can pass; `None` where the root does not say.
    pub fn is_active(&self) -> Option<bool> {
        self.state.as_ref().map(|state| state == "ACTIVE")
    }
}

impl Interface {
    /// Whether it makes one of several links, by its name.
    pub fn is_bond(&self) -> bool {
        !self.physical && ["bond", "team"].iter().any(|start| self.name.starts_with(start))
    }
}

/// The most interfaces and ports.
const MOST: usize = 1024;

/// Settings of interfaces that matter where a node has several in one network.
const SETTINGS: [&str; 3] = ["accept_local", "arp_ignore", "rp_filter"];

impl Network {
    pub(super) fn read(root: &Root) -> Network {
        let networks = networks(root);
        let names = root.names("/sys/class/net");
        let interfaces = names.iter().take(MOST).map(|name| interface(root, name, &networks)).collect();
        let devices = root.names("/sys/class/infiniband");
        let ports = devices.iter().take(MOST).flat_map(|device| ports(root, device));
        Network { interfaces, infiniband: ports.collect(), tcp: super::counters::tcp(root) }
    }

    /// The interface of this name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }
}

fn interface(root: &Root, name: &str, networks: &BTreeMap<String, Vec<String>>) -> Interface {
    let dir = format!("/sys/class/net/{name}");
    let physical = !root.names(&format!("{dir}/device")).is_empty();
    let slot = root.read_only(&format!("{dir}/device/uevent"), |text| {
        text.lines().find(|line| line.starts_with("PCI_SLOT_NAME=")).unwrap_or_default().to_owned()
    });
    let setting = |name: &&str, of: &str| root.number::<u32>(&format!("/proc/sys/net/ipv4/conf/{of}/{name}"));
    let settings = SETTINGS.iter().filter_map(|key| {
        let value = setting(key, name).into_iter().chain(setting(key, "all")).max()?;
        Some(((*key).to_owned(), value))
    });
    Interface {
        name: name.to_owned(),
        physical,
        state: root.read(&format!("{dir}/operstate")),
        // a link that is down says -1, or nothing
        speed_mbps: root.number(&format!("{dir}/speed")),
        mtu: root.number(&format!("{dir}/mtu")),
        pci: slot.and_then(|line| line.strip_prefix("PCI_SLOT_NAME=").map(str::to_owned)),
        numa: numa_of(root, &format!("{dir}/device")),
        networks: networks.get(name).cloned().unwrap_or_default(),
        settings: settings.collect(),
    }
}

/// The networks that each interface is directly in: routes without a gateway.
fn networks(root: &Root) -> BTreeMap<String, Vec<String>> {
    let mut networks = BTreeMap::<String, Vec<String>>::new();
    for line in root.read("/proc/net/route").unwrap_or_default().lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, destination, gateway, _, _, _, _, mask, ..] = fields.as_slice() else { continue };
        if *gateway == "00000000" && *destination != "00000000" {
            networks.entry((*name).to_owned()).or_default().push(format!("{destination}/{mask}"));
        }
    }
    networks
}

fn ports(root: &Root, device: &str) -> Vec<InfinibandPort> {
    let dir = format!("/sys/class/infiniband/{device}");
    let numa = numa_of(root, &format!("{dir}/device"));
    let port = |number: &String| {
        let file = |name: &str| root.read(&format!("{dir}/ports/{number}/{name}"));
        // `4: ACTIVE`, `5: LinkUp`
        let word = |text: String| text.rsplit_once(": ").map_or(text.clone(), |(_, word)| word.to_owned());
        Some(InfinibandPort {
            device: device.to_owned(),
            port: number.parse().ok()?,
            state: file("state").map(word),
            physical_state: file("phys_state").map(word),
            rate_gbps: file("rate").and_then(|rate| rate.split_whitespace().next()?.parse().ok()),
            link_layer: file("link_layer"),
            numa,
        })
    };
    root.names(&format!("{dir}/ports")).iter().take(MOST).filter_map(port).collect()
}
