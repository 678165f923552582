//! Facts of a node in the words of the list's form.

use super::attributes::Form;
use io500_phases::facts::{DeviceKind, NodeFacts, links};
use serde_json::{Value, json};

/// Attributes with their values.
type Values = Vec<(&'static str, Value)>;

/// The form's word for a distribution, by its identifier in `os-release`; another one is its own word, behind "other".
pub fn distribution(id: &str) -> String {
    let word = match id {
        "rhel" => "RedHat",
        "sles" | "sle_hpc" => "SUSE Enterprise",
        "opensuse-leap" | "opensuse-tumbleweed" => "SUSE Community",
        "ubuntu" => "Ubuntu",
        "centos" => "CentOS",
        "rocky" => "RockyLinux",
        "almalinux" => "AlmaLinux",
        other => other,
    };
    word.to_owned()
}

/// The form's word for a mounted file system, by its type; none where the form has none.
pub fn file_system(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "lustre" => "Lustre",
        "gpfs" => "SpectrumScale",
        "beegfs" | "beegfs_nodev" => "BeeGFS",
        "nfs" | "nfs4" | "cifs" | "smb3" => "NAS",
        "wekafs" => "WekaIO",
        "ceph" | "fuse.ceph" | "fuse.ceph-fuse" => "Ceph",
        kind if kind.starts_with("fuse.daos") => "DAOS",
        _ => return None,
    })
}

pub fn processor(node: &NodeFacts) -> Values {
    let mut found = Values::new();
    let cores = &node.topology.cores;
    let packages = node.topology.packages();
    if packages > 0 {
        found.push(("sockets", json!(packages)));
        if cores.len().is_multiple_of(packages) {
            found.push(("cores per socket", json!(cores.len() / packages)));
        }
        let threads = cores[0].cpus.len();
        if cores.iter().all(|core| core.cpus.len() == threads) {
            found.push(("threads per core", json!(threads)));
        }
    }
    let processor = &node.processor;
    if let Some(model) = &processor.model {
        let name = model.replace("(R)", "").replace("(TM)", "").replace("(r)", "").replace("(tm)", "");
        let name = name.split(" @ ").next().unwrap_or_default().to_owned();
        found.push(("model", json!(Form::Model.fitted(&name))));
    }
    let vendor = processor.vendor.as_deref();
    if let Some(architecture) = vendor.and_then(architecture) {
        found.push(("architecture", json!(architecture)));
    }
    let maker = match vendor {
        Some("GenuineIntel") => Some("Intel"),
        Some("AuthenticAMD") => Some("AMD"),
        Some("0x41") => Some("ARM"),
        Some("0x46") => Some("Fujitsu"),
        _ => None,
    };
    if let Some(maker) = maker {
        found.push(("vendor", json!(maker)));
    }
    if let Some(generation) = vendor.zip(processor.generation).and_then(|(vendor, of)| microarchitecture(vendor, of)) {
        found.push(("microarchitecture", json!(generation)));
    }
    if let Some(mhz) = base_mhz(node) {
        found.push(("frequency", json!([mhz, "MHz"])));
    }
    found
}

fn architecture(vendor: &str) -> Option<&'static str> {
    match vendor {
        "GenuineIntel" | "AuthenticAMD" => Some("x86_64"),
        implementer if implementer.starts_with("0x") => Some("ARM64"),
        _ => None,
    }
}

/// The clock that the maker promises: the kernel's, or the one in the processor's name.
fn base_mhz(node: &NodeFacts) -> Option<f64> {
    if let Some(khz) = node.processor.base_khz {
        return Some(khz as f64 / 1000.0);
    }
    let (_, clock) = node.processor.model.as_deref()?.split_once(" @ ")?;
    let ghz: f64 = clock.trim().strip_suffix("GHz")?.trim().parse().ok()?;
    Some((ghz * 1000.0).round())
}

/// The generation by family, model and stepping, as the kernel's headers name them; none for one that is not listed.
fn microarchitecture(vendor: &str, [family, model, stepping]: [u32; 3]) -> Option<&'static str> {
    let word = match (vendor, family, model) {
        ("GenuineIntel", 6, 0xad | 0xae) => "Granite Rapids",
        ("GenuineIntel", 6, 0xcf) => "Emerald Rapids",
        ("GenuineIntel", 6, 0x8f) => "Sapphire Rapids",
        ("GenuineIntel", 6, 0x6a | 0x6c) => "Ice Lake",
        ("GenuineIntel", 6, 0x55) => match stepping {
            0..=4 => "Skylake",
            5..=7 => "Cascade Lake",
            10 | 11 => "Cooper Lake",
            _ => return None,
        },
        ("GenuineIntel", 6, 0x4f | 0x56) => "Broadwell",
        ("GenuineIntel", 6, 0x3f) => "Haswell",
        ("AuthenticAMD", 0x17, 0x00..=0x2f) => "Zen",
        ("AuthenticAMD", 0x17, 0x30..=0xaf) => "Zen2",
        ("AuthenticAMD", 0x19, 0x00..=0x0f | 0x20..=0x5f) => "Zen3",
        ("AuthenticAMD", 0x19, 0x10..=0x1f | 0x60..=0xaf) => "Zen4",
        ("AuthenticAMD", 0x1a, _) => "Zen5",
        _ => return None,
    };
    Some(word)
}

pub fn memory(node: &NodeFacts) -> Values {
    let gib = |bytes: u64| (bytes as f64 / (1_u64 << 30) as f64 * 10.0).round() / 10.0;
    node.memory.total.map(|bytes| vec![("net capacity", json!([gib(bytes), "GiB"]))]).unwrap_or_default()
}

/// The makers of network cards by the kernel's driver.
const DRIVERS: [(&str, &str); 12] = [
    ("mlx5_core", "NVIDIA"),
    ("mlx4_core", "NVIDIA"),
    ("ice", "Intel"),
    ("i40e", "Intel"),
    ("ixgbe", "Intel"),
    ("hfi1", "Cornelis Networks"),
    ("bnxt_en", "Broadcom"),
    ("cxi_ss1", "HPE"),
    ("cxi_core", "HPE"),
    ("qede", "Marvell"),
    ("cxgb4", "Chelsio"),
    ("ena", "Amazon"),
];

/// The speeds that the form offers, in Gbit/s.
const SPEEDS: [(f64, &str); 9] = [
    (1.0, "1 Gbit"),
    (4.0, "4 Gbit"),
    (10.0, "10 Gbit"),
    (25.0, "25 Gbit"),
    (50.0, "50 Gbit"),
    (100.0, "100 Gbit"),
    (200.0, "200 Gbit"),
    (400.0, "400 Gbit"),
    (800.0, "800 Gbit"),
];

/// The links that carry data: active ports of InfiniBand or RoCE, else the fast interfaces.
pub fn interconnect(node: &NodeFacts) -> Values {
    let links = links(node);
    let mut found = Values::new();
    if links.is_empty() {
        return found;
    }
    found.push(("links", json!(links.len())));
    let ports: Vec<_> = node.network.infiniband.iter().filter(|port| port.is_active() == Some(true)).collect();
    let drivers: Vec<&str> = node
        .pci
        .iter()
        .filter(|device| device.kind == DeviceKind::Network)
        .filter_map(|device| device.driver.as_deref())
        .collect();
    let all = |starts: &str| !drivers.is_empty() && drivers.iter().all(|driver| driver.starts_with(starts));
    let layer = |name: &str| !ports.is_empty() && ports.iter().all(|port| port.link_layer.as_deref() == Some(name));
    let kind = match () {
        () if all("cxi") => Some("Slingshot"),
        () if all("hfi1") => Some("Omni-Path"),
        () if layer("InfiniBand") => Some("Infiniband"),
        () if layer("Ethernet") || ports.is_empty() => Some("Ethernet"),
        () => None,
    };
    if let Some(kind) = kind {
        found.push(("type", json!(kind)));
    }
    if !ports.is_empty() || all("cxi") {
        found.push(("features", json!("RDMA")));
    }
    let rates: Option<Vec<f64>> = links.iter().map(|link| link.bytes_per_s).collect();
    if let Some(rates) = rates {
        let sum: f64 = rates.iter().sum();
        found.push(("peak throughput", json!([(sum / (1_u64 << 20) as f64).round(), "MiB/s"])));
        let gbits = rates[0] * 8.0 / 1e9;
        let same = rates.iter().all(|rate| (rate - rates[0]).abs() < 1.0);
        let speed = SPEEDS.iter().find(|(of_form, _)| (of_form - gbits).abs() < of_form * 0.01);
        if let Some((_, word)) = speed.filter(|_| same) {
            found.push(("speed", json!(word)));
        }
    }
    let makers: std::collections::BTreeSet<&str> = drivers
        .iter()
        .map(|driver| DRIVERS.iter().find(|(name, _)| name == driver).map_or("", |(_, maker)| maker))
        .collect();
    if let Some(maker) = makers.iter().next().filter(|maker| makers.len() == 1 && !maker.is_empty()) {
        found.push(("vendor", json!(maker)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::Machine;

    fn value(values: &Values, name: &str) -> Option<Value> {
        values.iter().find(|(found, _)| *found == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn generations_are_those_of_the_kernels_headers() {
        let of = |vendor: &str, numbers| microarchitecture(vendor, numbers);
        assert_eq!(of("GenuineIntel", [6, 0x8f, 8]), Some("Sapphire Rapids"));
        assert_eq!(of("GenuineIntel", [6, 0x55, 4]), Some("Skylake"));
        assert_eq!(of("GenuineIntel", [6, 0x55, 7]), Some("Cascade Lake"));
        assert_eq!(of("AuthenticAMD", [0x19, 0x11, 1]), Some("Zen4"));
        assert_eq!(of("GenuineIntel", [6, 0xfe, 0]), None, "what is not listed is not guessed");
    }

    #[test]
    fn a_machine_with_two_links_is_described() {
        let machine = Machine::client();
        let known = machine.known();
        let node = known.view().node;
        let links = interconnect(node);
        assert_eq!(value(&links, "links"), Some(json!(2)));
        assert_eq!(value(&links, "type"), Some(json!("Infiniband")));
        assert_eq!(value(&links, "speed"), Some(json!("100 Gbit")));
        assert_eq!(value(&links, "features"), Some(json!("RDMA")));
        let cpu = processor(node);
        assert_eq!(value(&cpu, "sockets"), Some(json!(2)));
        assert_eq!(value(&cpu, "threads per core"), Some(json!(1)));
        assert!(value(&memory(node), "net capacity").unwrap().is_array());
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let nothing = NodeFacts::default();
        assert!(processor(&nothing).is_empty() && memory(&nothing).is_empty() && interconnect(&nothing).is_empty());
    }
}
