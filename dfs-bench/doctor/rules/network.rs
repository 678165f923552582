//! Network: links and their slots, interrupts, interfaces in one network, buffers, what the fabric speaks.

use super::super::rule::{Outcome, Rule, Severity, Side, View};
use io500_phases::facts::{CpuSet, DeviceKind, Interface, PciDevice};
use std::collections::BTreeMap;

pub const RULES: &[Rule] = &[
    Rule {
        id: "net.port-inactive",
        severity: Severity::Finding,
        side: Side::Both,
        why: "the cable is in and no data passes: nobody has given the port an address, and its whole rate is missing",
        mend: "ibstat {device}: start the subnet manager (systemctl enable --now opensm), or look at the switch's port",
        source: "Linux, Documentation/ABI/stable/sysfs-class-infiniband, ports/*/state: DOWN, INIT, ARMED, ACTIVE",
        look: port_inactive,
    },
    Rule {
        id: "net.engine-link",
        severity: Severity::Error,
        side: Side::Server,
        why: "the engine's interface is down: nobody reaches its targets",
        mend: "ip link set {device} up; for good: nmcli connection modify {device} connection.autoconnect yes",
        source: "DAOS, docs/admin/predeployment_check.md, HPC Fabric setup",
        look: engine_link,
    },
    Rule {
        id: "net.pci-link",
        severity: Severity::Finding,
        side: Side::Both,
        why: "the device sits behind a slower or narrower PCI Express link than it can use: half the lanes or one generation less is half the rate",
        mend: "lspci -vv -s {device}: reseat it, move it to a slot of its width, and set the slot's speed to auto in the firmware",
        source: "Linux, drivers/pci/pci-sysfs.c: current_link_speed, max_link_speed and the like; the tuning notes of this project",
        look: pci_link,
    },
    Rule {
        id: "net.irq-node",
        severity: Severity::Finding,
        side: Side::Both,
        why: "interrupts of this device are served on another NUMA node: what arrives is in the wrong cache, and each message crosses the link between the sockets",
        mend: "set_irq_affinity_bynode.sh for {device} (or echo CPUS > /proc/irq/N/smp_affinity_list); for good: systemctl disable --now irqbalance and a unit that sets it",
        source: "NVIDIA (Mellanox), community.mellanox.com/docs/DOC-2123, What is IRQ Affinity?; MLNX_EN for Linux User Manual, Tuning for NUMA Architecture; Linux, Documentation/core-api/irq/irq-affinity.rst",
        look: irq_node,
    },
    Rule {
        id: "net.irq-one-core",
        severity: Severity::Finding,
        side: Side::Client,
        why: "one core serves all interrupts of this device and runs a rank too: that rank is late in every barrier",
        mend: "set_irq_affinity.sh for {device}: one CPU of its NUMA node per interrupt; for good: a unit that sets it, and irqbalance off",
        source: "NVIDIA (Mellanox), community.mellanox.com/docs/DOC-2123, What is IRQ Affinity?: to distribute interrupts between the cores",
        look: irq_one_core,
    },
    Rule {
        id: "net.one-subnet",
        severity: Severity::Finding,
        side: Side::Both,
        why: "several interfaces in one network answer for each other's addresses unless told not to: connections go over the wrong link, or not at all",
        mend: "sysctl -w net.ipv4.conf.all.accept_local=1 net.ipv4.conf.all.arp_ignore=2 net.ipv4.conf.{device}.rp_filter=2; for good: the same lines in /etc/sysctl.d/95-daos-net.conf",
        source: "DAOS, docs/admin/predeployment_check.md, Multi-rail/NIC Setup, Interface Settings",
        look: one_subnet,
    },
    Rule {
        id: "net.rmem",
        severity: Severity::Finding,
        side: Side::Server,
        why: "the engine's listener for NVMe hot-plug sets a receive buffer of 1 MiB: with less it fails when the engine starts",
        mend: "sysctl -w {device}=1048576; for good: cp utils/rpms/10-daos_server.conf /etc/sysctl.d/",
        source: "DAOS, docs/admin/predeployment_check.md, Socket receive buffer size: \">= 1MB\"",
        look: rmem,
    },
    Rule {
        id: "net.provider-tcp",
        severity: Severity::Finding,
        side: Side::Both,
        why: "messages go through the kernel although a device is there that needs none: 20 µs and a core's work for what RDMA does in 2 µs",
        mend: "daos_server.yml on all servers: provider: ofi+verbs;ofi_rxm (InfiniBand, RoCE; ucx+dc_x with UCX), then restart servers and agents",
        source: "DAOS, docs/admin/fabrics.md, Provider selection and configuration; utils/config/daos_server.yml on provider",
        look: provider_tcp,
    },
    Rule {
        id: "net.congestion",
        severity: Severity::Finding,
        side: Side::Both,
        why: "a congestion control that paces packets waits between small messages: a millisecond for each where 20 µs would do, on the loopback too",
        mend: "sysctl -w net.ipv4.tcp_congestion_control=cubic, or for these routes only: ip route change … congctl cubic; for good: the same line in /etc/sysctl.d/95-daos-net.conf",
        source: "this project, docs/TROUBLESHOOTING.md; Linux, Documentation/networking/ip-sysctl.rst, tcp_congestion_control",
        look: congestion,
    },
    Rule {
        id: "net.retransmits",
        severity: Severity::Finding,
        side: Side::Both,
        why: "a TCP segment that is lost is sent again after 200 ms at the latest, the time of thousands of messages; one of a thousand is felt in every rate",
        mend: "ethtool -S shows the drops of each interface, nstat -az TcpRetransSegs whether they go on: a bad cable, a full switch (flow control, ECN), or rings too short (ethtool -G); then look at the counters of a run",
        source: "RFC 4022, tcpRetransSegs; the bound is that of this project, docs/METHODOLOGY.md on counters of the nodes",
        look: retransmits,
    },
    Rule {
        id: "net.mtu",
        severity: Severity::Hint,
        side: Side::Both,
        why: "a fast Ethernet link with packets of 1500 bytes has six times as many of them to handle as with 9000",
        mend: "ip link set {device} mtu 9000, and the same on every switch port and node; for good: nmcli connection modify {device} 802-3-ethernet.mtu 9000",
        source: "the tuning notes of this project: jumbo frames on Ethernet fabrics; worth a look only",
        look: mtu,
    },
];

fn port_inactive(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for port in &view.node.network.infiniband {
        let (Some(state), Some(physical)) = (&port.state, &port.physical_state) else {
            outcome.known(None::<()>, format!("state of {}", port.name()));
            continue;
        };
        // a port without a cable is nobody's mistake
        if physical == "LinkUp" && state != "ACTIVE" {
            outcome.found(port.name(), state, "ACTIVE");
        }
    }
    Some(())
}

/// The interfaces of the engines, with the names.
fn engine_interfaces<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Interface> {
    let engines = view.server.map(|server| server.engines.as_slice()).unwrap_or_default();
    let node = view.node;
    engines.iter().filter_map(move |engine| node.network.interface(engine.fabric_iface.as_ref()?))
}

fn engine_link(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for interface in engine_interfaces(view) {
        let name = &interface.name;
        let state = outcome.known(interface.state.as_ref(), format!("/sys/class/net/{name}/operstate"))?;
        if state == "down" {
            outcome.found(name, state, "up");
        }
    }
    Some(())
}

fn pci_link(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    view.beyond_topology("PCI links", outcome)?;
    for device in &view.node.pci {
        // virtual machines and devices on the chip have no link
        let Some((link, max)) = device.link.zip(device.link_max) else { continue };
        if link.width > 0 && (link.width < max.width || link.gigatransfers < max.gigatransfers) {
            let words = |link: io500_phases::facts::PciLink| format!("{} GT/s x{}", link.gigatransfers, link.width);
            outcome.found(&device.address, words(link), words(max));
        }
    }
    Some(())
}

/// Network devices that are in use and have a NUMA node, with that node's CPUs.
fn placed<'a>(view: &View<'a>) -> impl Iterator<Item = (&'a PciDevice, u32, &'a CpuSet)> {
    let node = view.node;
    let in_use = move |device: &&PciDevice| {
        let interfaces = node.network.interfaces.iter();
        device.kind == DeviceKind::Network
            && interfaces.into_iter().any(|interface| {
                interface.pci.as_ref() == Some(&device.address) && interface.state.as_deref() == Some("up")
            })
    };
    node.pci.iter().filter(in_use).filter_map(move |device| {
        let numa = device.numa?;
        Some((device, numa, &node.topology.node(numa)?.cpus))
    })
}

fn irq_node(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    view.beyond_topology("interrupts", outcome)?;
    for (device, numa, local) in placed(view) {
        let away = device.interrupts.iter().filter(|interrupt| !interrupt.cpus.meets(local)).count();
        if away > 0 {
            let found = format!("{away} of {} interrupts on other NUMA nodes", device.interrupts.len());
            outcome.found(&device.address, found, format!("on NUMA node {numa}, CPUs {local}"));
        }
    }
    Some(())
}

fn irq_one_core(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    view.beyond_topology("interrupts", outcome)?;
    for (device, _, local) in placed(view) {
        let interrupts = &device.interrupts;
        let Some(first) = interrupts.first().filter(|_| interrupts.len() > 1) else { continue };
        let all_there = first.cpus.len() == 1 && interrupts.iter().all(|interrupt| interrupt.cpus == first.cpus);
        let is_bound = |cpus: &CpuSet| cpus.meets(&first.cpus) && cpus.len() < local.len();
        if all_there && view.ranks.iter().filter_map(|rank| rank.cpus.as_ref()).any(is_bound) {
            let found = format!("all {} interrupts on CPU {}, where a rank runs", interrupts.len(), first.cpus);
            outcome.found(&device.address, found, format!("spread over CPUs {local}"));
        }
    }
    Some(())
}

fn one_subnet(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    view.beyond_topology("networks of the interfaces", outcome)?;
    let mut networks = BTreeMap::<&str, Vec<&Interface>>::new();
    for interface in view.node.network.interfaces.iter().filter(|interface| interface.physical) {
        for network in &interface.networks {
            networks.entry(network).or_default().push(interface);
        }
    }
    for interface in networks.into_values().filter(|interfaces| interfaces.len() > 1).flatten() {
        let name = &interface.name;
        let value = |outcome: &mut Outcome, key: &str| {
            let file = format!("/proc/sys/net/ipv4/conf/{name}/{key}");
            outcome.known(interface.settings.get(key).copied(), file)
        };
        let (local, ignore) = (value(outcome, "accept_local")?, value(outcome, "arp_ignore")?);
        let filter = value(outcome, "rp_filter")?;
        if local != 1 || !matches!(ignore, 1 | 2) || filter == 1 {
            let found = format!("accept_local {local}, arp_ignore {ignore}, rp_filter {filter}");
            outcome.found(name, found, "accept_local 1, arp_ignore 1 or 2, rp_filter 0 or 2");
        }
    }
    Some(())
}

fn rmem(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    view.server?.engines.iter().find(|engine| engine.nvme().next().is_some())?;
    for name in ["net.core.rmem_default", "net.core.rmem_max"] {
        let value = view.sysctl(name, outcome)?;
        if value < 1 << 20 {
            outcome.found(name, value.to_string(), "1048576");
        }
    }
    Some(())
}

fn provider_tcp(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let provider = view.provider()?;
    let ports = view.node.network.infiniband.iter().filter(|port| port.is_active() == Some(true));
    let names: Vec<String> = ports.map(|port| port.name()).collect();
    if provider.contains("tcp") && !names.is_empty() {
        outcome.found(names.join(", "), format!("provider {provider}"), "ofi+verbs or ucx");
    }
    Some(())
}

fn congestion(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    // what RDMA carries never sees it
    if view.provider().map_or(view.has_rdma(), |provider| !provider.contains("tcp")) {
        return None;
    }
    let name = "net.ipv4.tcp_congestion_control";
    let value = outcome.known(view.node.sysctl.get(name), "/proc/sys/net/ipv4/tcp_congestion_control")?;
    if value.starts_with("bbr") {
        outcome.found(name, value, "cubic");
    }
    Some(())
}

fn retransmits(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    // what RDMA carries never sees it
    if view.provider().map_or(view.has_rdma(), |provider| !provider.contains("tcp")) {
        return None;
    }
    view.beyond_topology("/proc/net/snmp", outcome)?;
    let (sent, again) = outcome.known(view.node.network.tcp, "/proc/net/snmp")?;
    // a node that was just started, or that hardly speaks, says little
    if sent >= 1_000_000 && again as f64 > sent as f64 * 0.001 {
        let found = format!("{:.2} % of {sent} since the node was started", again as f64 / sent as f64 * 100.0);
        outcome.found("TCP segments sent again", found, "at most 0.1 %");
    }
    Some(())
}

fn mtu(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    view.beyond_topology("speed and MTU of the interfaces", outcome)?;
    for interface in view.node.network.interfaces.iter().filter(|interface| interface.physical) {
        let fast = interface.state.as_deref() == Some("up") && interface.speed_mbps.is_some_and(|mbps| mbps >= 25_000);
        let small = interface.mtu.filter(|&mtu| mtu == 1500);
        if let Some(mtu) = small.filter(|_| fast) {
            outcome.found(&interface.name, mtu.to_string(), "9000");
        }
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::Case;

    pub fn cases() -> Vec<Case> {
        vec![
            Case::client(
                "net.port-inactive",
                |m| m.port("mlx5_1", "2: INIT", "5: LinkUp"),
                |m| m.port("mlx5_1", "1: DOWN", "2: Polling"),
            ),
            Case::server("net.engine-link", |m| m.file("sys/class/net/ib1/operstate", "down"), |_| {}),
            Case::client(
                "net.pci-link",
                |m| m.file("sys/bus/pci/devices/0000:18:00.0/current_link_width", "8"),
                |m| m.tree.remove("sys/bus/pci/devices/0000:18:00.0/max_link_width"),
            ),
            Case::client(
                "net.irq-node",
                |m| m.interrupts("0000:18:00.0", &["30", "31"]),
                |m| m.interrupts("0000:18:00.0", &["10", "11"]),
            ),
            Case::client(
                "net.irq-one-core",
                |m| m.interrupts("0000:18:00.0", &["0", "0"]),
                |m| m.interrupts("0000:18:00.0", &["0", "1"]),
            ),
            Case::client(
                "net.one-subnet",
                |m| {
                    m.file("proc/net/route", "Iface Destination Gateway\nib0 0000000A 00000000 0001 0 0 0 0000FFFF\nib1 0000000A 00000000 0001 0 0 0 0000FFFF")
                },
                |m| {
                    m.file("proc/net/route", "Iface Destination Gateway\nib0 0000000A 00000000 0001 0 0 0 0000FFFF\nib1 0000000A 00000000 0001 0 0 0 0000FFFF");
                    m.file("proc/sys/net/ipv4/conf/all/accept_local", "1");
                    m.file("proc/sys/net/ipv4/conf/all/arp_ignore", "2");
                    m.file("proc/sys/net/ipv4/conf/all/rp_filter", "2");
                },
            ),
            Case::server("net.rmem", |m| m.file("proc/sys/net/core/rmem_max", "212992"), |_| {}),
            Case::server(
                "net.provider-tcp",
                |m| m.config().provider = Some("ofi+tcp".into()),
                |m| {
                    m.config().provider = Some("ofi+tcp".into());
                    m.tree.remove("sys/class/infiniband");
                },
            ),
            Case::client(
                "net.congestion",
                |m| {
                    m.tree.remove("sys/class/infiniband");
                    m.file("proc/sys/net/ipv4/tcp_congestion_control", "bbr");
                },
                |m| m.file("proc/sys/net/ipv4/tcp_congestion_control", "bbr"),
            ),
            Case::client(
                "net.retransmits",
                |m| {
                    m.tree.remove("sys/class/infiniband");
                    m.file("proc/net/snmp", "Tcp: OutSegs RetransSegs\nTcp: 2000000 3000");
                },
                |m| {
                    m.tree.remove("sys/class/infiniband");
                    m.file("proc/net/snmp", "Tcp: OutSegs RetransSegs\nTcp: 2000000 2000");
                },
            ),
            Case::client(
                "net.mtu",
                |m| m.file("sys/class/net/ib0/mtu", "1500"),
                |m| m.file("sys/class/net/ib0/mtu", "9000"),
            ),
        ]
    }
}
