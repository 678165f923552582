//! Storage: who has the NVMe devices, how they are formatted, whether they match the links.

use super::super::rule::{Outcome, Rule, Severity, Side, View};

pub const RULES: &[Rule] = &[
    Rule {
        id: "storage.driver",
        severity: Severity::Finding,
        side: Side::Server,
        why: "the kernel has this device: while it does, the engine cannot use it, and its share of the rate is missing",
        mend: "daos_server nvme prepare --pci-block-allowed-list {device} (a running daos_server does it at its start)",
        source: "DAOS, docs/admin/deployment.md, Storage Discovery and Selection: access by SPDK \"via the VFIO user-space driver\"",
        look: driver,
    },
    Rule {
        id: "storage.iommu",
        severity: Severity::Finding,
        side: Side::Server,
        why: "without an IOMMU there is no vfio: daos_server cannot hand a single NVMe device to an engine unless it runs as root with disable_vfio",
        mend: "IOMMU (VT-d, AMD-Vi) on in the firmware; grubby --update-kernel=ALL --args=intel_iommu=on (AMD: iommu=pt), then reboot",
        source: "DAOS, docs/admin/predeployment_check.md, Enable IOMMU",
        look: iommu,
    },
    Rule {
        id: "storage.block-size",
        severity: Severity::Hint,
        side: Side::Server,
        why: "a device formatted with blocks of 512 bytes does eight times the bookkeeping for 4 KiB; many reach their rated speed with 4 KiB only",
        mend: "nvme format /dev/nvmeXn1 --lbaf=N with the format of 4096 bytes that `nvme id-ns -H` lists; erases {device}",
        source: "DAOS, docs/admin/predeployment_check.md, Optimize NVMe SSD Block Size",
        look: block_size,
    },
    Rule {
        id: "storage.balance",
        severity: Severity::Hint,
        side: Side::Server,
        why: "a link of 200 Gb/s reads from four PCIe 4.0 x4 devices and writes to about eight: with fewer, the devices limit and not the link",
        mend: "daos_server.yml, {device}: more devices in bdev_list, if the server has them; else expect the devices' rate",
        source: "DAOS, docs/admin/hardware.md, Storage Server Design: balance of network and storage",
        look: balance,
    },
    Rule {
        id: "storage.health",
        severity: Severity::Finding,
        side: Side::Server,
        why: "a device that is hot, worn or repairs errors slows down by half and more, and all targets of a wide object wait for the slowest",
        mend: "dmg storage query list-devices --health; cool it or replace it: dmg storage replace nvme",
        source: "DAOS, docs/admin/administration.md, SSD Management, Health Monitoring",
        look: health,
    },
];

/// The devices that the configuration names.
fn named<'a>(view: &View<'a>) -> impl Iterator<Item = &'a str> {
    let engines = view.server.map(|server| server.engines.as_slice()).unwrap_or_default();
    engines.iter().flat_map(super::super::server::Engine::nvme)
}

fn driver(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    named(view).next()?;
    view.beyond_topology("drivers of the NVMe devices", outcome)?;
    for device in named(view).filter_map(|address| view.node.device(address)) {
        if device.driver.as_deref() == Some("nvme") {
            outcome.found(&device.address, "driver nvme", "vfio-pci");
        }
    }
    Some(())
}

fn iommu(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    if view.server?.disable_vfio {
        return None;
    }
    named(view).next()?;
    view.beyond_topology("IOMMU", outcome)?;
    let first = named(view).find_map(|address| view.node.device(address))?;
    let isolated = outcome.known(first.isolated, "/sys/kernel/iommu_groups")?;
    if !isolated {
        outcome.found("IOMMU", "off", "on");
    }
    Some(())
}

fn block_size(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    named(view).next()?;
    view.beyond_topology("block size of the NVMe devices", outcome)?;
    for device in named(view).filter_map(|address| view.node.device(address)) {
        // only the kernel's driver tells it
        if let Some(size) = device.block_size.filter(|&size| size < 4096) {
            outcome.found(&device.address, format!("{size} bytes"), "4096 bytes");
        }
    }
    Some(())
}

fn balance(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    named(view).next()?;
    view.beyond_topology("speed and MTU of the interfaces", outcome)?;
    for (number, engine) in view.server?.engines.iter().enumerate() {
        let devices = engine.data_devices() as u64;
        let interface = engine.fabric_iface.as_ref().and_then(|name| view.node.network.interface(name));
        let Some(gbps) = interface.and_then(|interface| interface.speed_mbps).map(|mbps| mbps / 1000) else { continue };
        let needed = gbps / 50;
        if devices > 0 && devices < needed {
            let found = format!("{devices} devices behind {gbps} Gb/s");
            outcome.found(
                format!("engine {number}"),
                found,
                format!("{needed} devices for reads, {} for writes", 2 * needed),
            );
        }
    }
    Some(())
}

fn health(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (address, device) in view.scan.into_iter().flat_map(|scan| &scan.devices) {
        for warning in &device.warnings {
            outcome.found(address, warning, "no warning");
        }
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::Case;

    pub fn cases() -> Vec<Case> {
        vec![
            Case::server(
                "storage.driver",
                |m| m.file("sys/bus/pci/devices/0000:5e:00.0/uevent", "DRIVER=nvme"),
                |m| m.file("sys/bus/pci/devices/0000:5e:00.0/uevent", "DRIVER=uio_pci_generic"),
            ),
            Case::server(
                "storage.iommu",
                |m| m.no_iommu(),
                |m| {
                    m.no_iommu();
                    m.config().disable_vfio = true;
                },
            ),
            Case::server(
                "storage.block-size",
                |m| m.file("sys/bus/pci/devices/0000:5e:00.0/nvme/nvme0/nvme0n1/queue/logical_block_size", "512"),
                |m| m.file("sys/bus/pci/devices/0000:5e:00.0/nvme/nvme0/nvme0n1/queue/logical_block_size", "4096"),
            ),
            Case::server(
                "storage.balance",
                |m| m.file("sys/class/net/ib0/speed", "200000"),
                |m| m.file("sys/class/net/ib0/speed", "100000"),
            ),
            Case {
                needs_no_node: true,
                ..Case::server("storage.health", |m| m.warn_of("0000:5e:00.0", "3 media errors"), |_| {})
            },
        ]
    }
}
