//! Devices on the PCI bus that carry data: network and NVMe, with their links, drivers and interrupts.

use super::cpus::CpuSet;
use super::root::Root;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network or storage device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct PciDevice {
    /// `0000:18:00.0`.
    pub address: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Its NUMA node; `None` where nobody says.
    pub numa: Option<u32>,
    /// The driver that has it, `None` for none.
    pub driver: Option<String>,
    /// Its link as it is.
    pub link: Option<PciLink>,
    /// And as the device could have it.
    pub link_max: Option<PciLink>,
    /// Whether an IOMMU isolates it; `None` where the root does not say.
    pub isolated: Option<bool>,
    /// Logical block size of its first namespace, where the kernel's driver has it.
    pub block_size: Option<u64>,
    /// Its interrupts.
    pub interrupts: Vec<Interrupt>,
}

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// Ethernet, InfiniBand, another fabric.
    Network,
    /// NVMe.
    Nvme,
}

/// A PCI Express link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct PciLink {
    /// Transfers per second and lane, 10^9.
    pub gigatransfers: f64,
    /// How many lanes the link has.
    pub width: u32,
}

/// An interrupt of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Interrupt {
    /// Its number.
    pub number: u32,
    /// The CPUs that may serve it, as narrowly as the kernel says.
    pub cpus: CpuSet,
}

/// One for each set of devices that an IOMMU isolates; empty where it is off.
const GROUPS: &str = "/sys/kernel/iommu_groups";
/// The most devices and interrupts of one that are looked at.
const MOST: usize = 1024;

impl DeviceKind {
    /// Of the first two bytes of a PCI class.
    pub(super) fn of_class(class: u32) -> Option<DeviceKind> {
        match class {
            0x0108 => Some(DeviceKind::Nvme),
            0x0200..=0x02ff | 0x0c06 => Some(DeviceKind::Network),
            _ => None,
        }
    }
}

/// The network and NVMe devices, by address.
pub(super) fn read(root: &Root) -> Vec<PciDevice> {
    let addresses = root.names("/sys/bus/pci/devices");
    // once, however many devices there are
    let isolated = (root.is_live() || root.has_dir(GROUPS)).then(|| !root.names(GROUPS).is_empty());
    addresses.iter().take(4 * MOST).filter_map(|address| device(root, address, isolated)).take(MOST).collect()
}

fn device(root: &Root, address: &str, isolated: Option<bool>) -> Option<PciDevice> {
    let dir = format!("/sys/bus/pci/devices/{address}");
    let class = root.read(&format!("{dir}/class"))?;
    let class = u32::from_str_radix(class.strip_prefix("0x")?, 16).ok()?;
    let kind = DeviceKind::of_class(class >> 8)?;
    let uevent = root.read_only(&format!("{dir}/uevent"), |text| {
        text.lines().find(|line| line.starts_with("DRIVER=")).unwrap_or_default().to_owned()
    });
    let link = |which: &str| {
        let speed = root.read(&format!("{dir}/{which}_link_speed"))?;
        let width = root.number(&format!("{dir}/{which}_link_width"))?;
        Some(PciLink { gigatransfers: speed.split_whitespace().next()?.parse().ok()?, width })
    };
    Some(PciDevice {
        address: address.to_owned(),
        kind,
        numa: numa_of(root, &dir),
        driver: uevent.and_then(|line| line.strip_prefix("DRIVER=").map(str::to_owned)),
        link: link("current"),
        link_max: link("max"),
        isolated,
        block_size: (kind == DeviceKind::Nvme).then(|| block_size(root, &dir)).flatten(),
        interrupts: if kind == DeviceKind::Network { interrupts(root, &dir) } else { Vec::new() },
    })
}

/// The NUMA node that a device says; -1 is what a machine with one node, or a firmware that does not know, says.
pub(super) fn numa_of(root: &Root, dir: &str) -> Option<u32> {
    root.number::<i64>(&format!("{dir}/numa_node")).and_then(|node| u32::try_from(node).ok())
}

fn block_size(root: &Root, dir: &str) -> Option<u64> {
    let controllers = root.names(&format!("{dir}/nvme"));
    let controller = format!("{dir}/nvme/{}", controllers.first()?);
    let namespace = root.names(&controller).into_iter().find(|name| name.starts_with("nvme") && name.contains('n'))?;
    root.number(&format!("{controller}/{namespace}/queue/logical_block_size"))
}

fn interrupts(root: &Root, dir: &str) -> Vec<Interrupt> {
    let numbers = root.names(&format!("{dir}/msi_irqs"));
    let numbers = numbers.iter().filter_map(|number| number.parse().ok()).take(MOST);
    let cpus = |number: u32| {
        let lists = ["effective_affinity_list", "smp_affinity_list"].into_iter();
        let mut lists = lists.filter_map(|list| root.read(&format!("/proc/irq/{number}/{list}")));
        lists.find(|list| !list.is_empty()).and_then(|list| CpuSet::parse(&list))
    };
    numbers.filter_map(|number| Some(Interrupt { number, cpus: cpus(number)? })).collect()
}
