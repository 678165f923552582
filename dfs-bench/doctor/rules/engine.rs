//! Engines: what a server's configuration asks of its cores, devices and ports.

use super::super::rule::{Outcome, Rule, Severity, Side, View};
use super::super::server::Engine;
use super::placement::engines;
use std::collections::{BTreeMap, BTreeSet};

pub const RULES: &[Rule] = &[
    Rule {
        id: "engine.interface-missing",
        severity: Severity::Error,
        side: Side::Server,
        why: "without its interface the engine does not start: 0 of its targets serve",
        mend: "daos_server.yml, {device}: fabric_iface as `daos_server network scan` names it",
        source: "DAOS, docs/admin/deployment.md, Network Scan; utils/config/daos_server.yml on fabric_iface",
        look: interface_missing,
    },
    Rule {
        id: "engine.device-missing",
        severity: Severity::Error,
        side: Side::Server,
        why: "an engine that names a device that is not there does not start: 0 of its targets serve",
        mend: "daos_server.yml: take {device} out of bdev_list, or name the device that `daos_server nvme scan` lists",
        source: "DAOS, docs/admin/deployment.md, Storage Discovery and Selection; utils/config/daos_server.yml on bdev_list",
        look: device_missing,
    },
    Rule {
        id: "engine.device-twice",
        severity: Severity::Error,
        side: Side::Server,
        why: "one process can have a device: the second engine fails to start, or both write over each other's data",
        mend: "daos_server.yml: name {device} in one bdev_list only",
        source: "DAOS, utils/config/daos_server.yml on bdev_list: the list \"should be different across different engine instances\"",
        look: device_twice,
    },
    Rule {
        id: "engine.port-clash",
        severity: Severity::Error,
        side: Side::Server,
        why: "two engines cannot listen at one port of one interface: the second one fails with \"Address already in use\"",
        mend: "daos_server.yml, {device}: another fabric_iface_port, 1000 further for instance",
        source: "DAOS, utils/config/daos_server.yml on fabric_iface_port; docs/admin/troubleshooting.md, Address already in use",
        look: port_clash,
    },
    Rule {
        id: "engine.pinning",
        severity: Severity::Error,
        side: Side::Server,
        why: "pinned_numa_node and first_core exclude each other: daos_server refuses a configuration with both, and none of its engines starts",
        mend: "daos_server.yml, {device}: take first_core out",
        source: "DAOS, utils/config/daos_server.yml: \"set either this option or first_core, but not both\"",
        look: pinned_twice,
    },
    Rule {
        id: "engine.one-per-node",
        severity: Severity::Finding,
        side: Side::Server,
        why: "engines on one NUMA node share its cores, memory channels and interface: two do hardly more than one, while another node's stay idle",
        mend: "daos_server.yml: one engine per NUMA node, each with its own pinned_numa_node",
        source: "DAOS, utils/config/daos_server.yml: \"There will be a one-to-one relationship between engines and sockets\"; docs/admin/hardware.md, CPU Affinity",
        look: one_per_node,
    },
    Rule {
        id: "engine.cores",
        severity: Severity::Finding,
        side: Side::Server,
        why: "every target polls: two on one core get half of it each, and a request waits for the other's turn of some milliseconds",
        mend: "daos_server.yml, {device}: fewer targets or nr_xs_helpers, {expected}",
        source: "DAOS, utils/config/daos_server.yml on targets and nr_xs_helpers: \"sufficiently many physical cores\"; docs/admin/deployment.md, CPU Resources",
        look: cores,
    },
    Rule {
        id: "engine.idle-cores",
        severity: Severity::Hint,
        side: Side::Server,
        why: "more than half of this NUMA node's cores serve no target, and metadata rates grow with targets up to about 16 per engine",
        mend: "daos_server.yml, {device}: more targets, still a multiple of the devices; needs a new format",
        source: "DAOS, docs/admin/deployment.md, CPU Resources: \"around 16 targets usually work well\"",
        look: idle_cores,
    },
    Rule {
        id: "engine.targets",
        severity: Severity::Finding,
        side: Side::Server,
        why: "targets are dealt out to devices: where they do not divide, one device serves one target more than another and sets the pace of all",
        mend: "daos_server.yml, {device}: targets: {expected}; needs a new format",
        source: "DAOS, docs/admin/deployment.md, CPU Resources: \"an integer multiple of the number of NVMe disks\"",
        look: targets,
    },
    Rule {
        id: "engine.helpers",
        severity: Severity::Hint,
        side: Side::Server,
        why: "without helper threads the targets compute checksums and erasure codes themselves, in the time in which they would serve",
        mend: "daos_server.yml, {device}: nr_xs_helpers: {expected}, where checksums or erasure codes are used; needs a new format",
        source: "DAOS, utils/config/daos_server.yml on nr_xs_helpers: \"roughly a 1:4 ratio to the number of target threads\"",
        look: helpers,
    },
    Rule {
        id: "engine.numa-imbalance",
        severity: Severity::Hint,
        side: Side::Server,
        why: "hugepages are spread by the engines' NUMA nodes: with different numbers of engines the server does not start unless it is told that this is meant",
        mend: "daos_server.yml: the same number of engines on each NUMA node, or allow_numa_imbalance: true",
        source: "DAOS, utils/config/daos_server.yml on allow_numa_imbalance",
        look: numa_imbalance,
    },
];

fn interface_missing(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let interfaces = &view.node.network.interfaces;
    outcome.known((!interfaces.is_empty()).then_some(()), "network interfaces")?;
    for (engine, name) in engines(view).filter_map(|(engine, config)| Some((engine, config.fabric_iface.as_ref()?))) {
        if view.node.network.interface(name).is_none() {
            let names: Vec<&str> = interfaces.iter().map(|interface| interface.name.as_str()).collect();
            outcome.found(engine, format!("no interface {name}"), format!("one of {}", names.join(", ")));
        }
    }
    Some(())
}

fn device_missing(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let named: Vec<&str> = view.server?.engines.iter().flat_map(Engine::nvme).collect();
    if named.is_empty() {
        return None;
    }
    // a topology file leaves devices out that another driver has; a scan lists them all
    let listed = match view.scan {
        Some(scan) => Some(scan.devices.keys().map(String::as_str).collect::<BTreeSet<_>>()),
        None => (view.node.origin != io500_phases::facts::Origin::Topology && !view.node.pci.is_empty())
            .then(|| view.node.pci.iter().map(|device| device.address.as_str()).collect()),
    };
    let listed = outcome.known(listed, "NVMe devices: give --storage-scan")?;
    for address in named.into_iter().filter(|address| !listed.contains(address)) {
        outcome.found(address, "not there", "a device of this server");
    }
    Some(())
}

fn device_twice(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let mut seen = BTreeMap::<&str, String>::new();
    for (name, engine) in engines(view) {
        for address in engine.nvme() {
            if let Some(first) = seen.insert(address, name.clone()) {
                outcome.found(address, format!("in {first} and in {name}"), "in one engine");
            }
        }
    }
    Some(())
}

fn port_clash(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let mut seen = BTreeMap::new();
    for (name, engine) in engines(view) {
        let Some(port) = engine.fabric_iface_port else { continue };
        if let Some(first) = seen.insert((engine.fabric_iface.as_deref(), port), name.clone()) {
            outcome.found(name, format!("port {port}, as {first} on the same interface"), "a port of its own");
        }
    }
    Some(())
}

fn pinned_twice(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (name, engine) in engines(view) {
        if let Some((node, core)) = engine.pinned_numa_node.zip(engine.first_core) {
            outcome.found(name, format!("pinned_numa_node: {node} and first_core: {core}"), "one of the two");
        }
    }
    Some(())
}

/// How many engines each NUMA node has, those with a known node.
fn per_node(view: &View<'_>) -> BTreeMap<u32, Vec<String>> {
    let mut nodes = BTreeMap::<u32, Vec<String>>::new();
    for (name, engine) in engines(view) {
        if let Some(node) = engine.numa(&view.node.topology) {
            nodes.entry(node).or_default().push(name);
        }
    }
    nodes
}

fn one_per_node(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (node, names) in per_node(view).into_iter().filter(|(_, names)| names.len() > 1) {
        outcome.found(format!("NUMA node {node}"), names.join(", "), "one engine");
    }
    Some(())
}

fn numa_imbalance(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let counts: Vec<usize> = per_node(view).values().map(Vec::len).collect();
    let (least, most) = (counts.iter().min()?, counts.iter().max()?);
    if least != most && !view.server?.allow_numa_imbalance {
        outcome.found("engines", format!("{least} on one NUMA node, {most} on another"), "the same on each");
    }
    Some(())
}

/// The physical cores that an engine can have: those of its NUMA node, or all.
fn cores_for(view: &View<'_>, engine: &Engine, outcome: &mut Outcome) -> Option<u64> {
    let topology = &view.node.topology;
    let node = engine.numa(&view.node.topology).and_then(|node| topology.node(node));
    let cores = node.map_or(topology.cores.len(), |node| topology.cores_of(&node.cpus));
    outcome.known((cores > 0).then_some(cores as u64), "cores")
}

fn cores(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (name, engine) in engines(view) {
        let cores = cores_for(view, engine, outcome)?;
        if engine.threads() > cores {
            let (targets, helpers) = (engine.targets, engine.nr_xs_helpers);
            let found = format!("{targets} targets + {helpers} helpers + 2 on {cores} cores");
            outcome.found(name, found, format!("together at most {}", cores.saturating_sub(2)));
        }
    }
    Some(())
}

fn idle_cores(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (name, engine) in engines(view) {
        let cores = cores_for(view, engine, outcome)?;
        if engine.targets < 16 && engine.threads() * 2 < cores {
            let found = format!("{} threads on {cores} cores", engine.threads());
            outcome.found(name, found, format!("at least {}", cores.div_ceil(2)));
        }
    }
    Some(())
}

fn targets(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (name, engine) in engines(view) {
        let devices = engine.data_devices() as u64;
        if devices > 0 && engine.targets % devices != 0 {
            let less = engine.targets / devices * devices;
            let expected = if less > 0 { format!("{less} or {}", less + devices) } else { devices.to_string() };
            outcome.found(name, format!("{} targets on {devices} devices", engine.targets), expected);
        }
    }
    Some(())
}

fn helpers(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (name, engine) in engines(view) {
        // a handful of targets is a test, and a third of a quarter is none
        if engine.targets >= 8 && engine.nr_xs_helpers * 8 < engine.targets {
            let found = format!("{} helpers for {} targets", engine.nr_xs_helpers, engine.targets);
            outcome.found(name, found, (engine.targets / 4).to_string());
        }
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::Case;

    pub fn cases() -> Vec<Case> {
        let config = |case: Case| Case { needs_no_node: true, ..case };
        vec![
            Case::server("engine.interface-missing", |m| m.engine(1).fabric_iface = Some("ib7".into()), |_| {}),
            Case {
                with: &["engine.targets"],
                needs_no_node: true, // the scan lists the devices
                ..Case::server(
                    "engine.device-missing",
                    |m| m.devices(0, &["0000:5e:00.0", "0000:5f:00.0", "0000:77:00.0"]),
                    |_| {},
                )
            },
            config(Case {
                with: &["numa.engine-nvme"],
                ..Case::server("engine.device-twice", |m| m.devices(1, &["0000:5e:00.0", "0000:d9:00.0"]), |_| {})
            }),
            config(Case::server(
                "engine.port-clash",
                |m| {
                    m.engine(1).fabric_iface_port = Some(31416);
                    m.engine(1).fabric_iface = Some("ib0".into());
                    m.pin(1, None);
                },
                |m| m.engine(1).fabric_iface_port = Some(31416),
            )),
            config(Case::server("engine.pinning", |m| m.engine(0).first_core = Some(1), |m| m.pin(0, None))),
            config(Case {
                with: &["numa.engine-nic", "numa.engine-nvme", "memory.hugepages"],
                ..Case::server("engine.one-per-node", |m| m.pin(1, Some(0)), |_| {})
            }),
            Case::server("engine.cores", |m| m.engine(0).nr_xs_helpers = 7, |m| m.engine(0).nr_xs_helpers = 6),
            Case::server("engine.idle-cores", |m| m.few_targets(), |m| m.engine(0).nr_xs_helpers = 3),
            config(Case::server("engine.targets", |m| m.engine(0).targets = 15, |m| m.engine(0).targets = 14)),
            config(Case::server(
                "engine.helpers",
                |m| m.engine(0).nr_xs_helpers = 1,
                |m| m.engine(0).nr_xs_helpers = 2,
            )),
            config(Case {
                with: &["engine.one-per-node", "engine.port-clash", "engine.device-twice", "memory.hugepages"],
                ..Case::server(
                    "engine.numa-imbalance",
                    |m| m.third_engine(),
                    |m| {
                        m.third_engine();
                        m.config().allow_numa_imbalance = true;
                    },
                )
            }),
        ]
    }
}
