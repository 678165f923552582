//! Placement: engines, their interfaces and devices, ranks and their links, each on its NUMA node.

use super::super::rule::{Outcome, Rule, Severity, Side, View};
use super::super::server::Engine;
use std::collections::{BTreeMap, BTreeSet};

pub const RULES: &[Rule] = &[
    Rule {
        id: "numa.engine-nic",
        severity: Severity::Finding,
        side: Side::Server,
        why: "every message of this engine crosses the link between the sockets, which costs about as much time again as the memory access and shares that link's rate with everything else",
        mend: "daos_server.yml, {device}: fabric_iface on the engine's NUMA node, or pinned_numa_node: {expected}; then restart daos_server",
        source: "DAOS, utils/config/daos_server.yml on pinned_numa_node: \"it is necessary that the fabric_iface of this engine resides on the same NUMA node\"; docs/admin/hardware.md, CPU Affinity",
        look: engine_nic,
    },
    Rule {
        id: "numa.engine-nvme",
        severity: Severity::Finding,
        side: Side::Server,
        why: "every block of this device crosses the link between the sockets, twice where it then leaves by an interface on the other side",
        mend: "daos_server.yml: move {device} to the bdev_list of the engine on NUMA node {expected}; devices of a formatted system move with a new format only",
        source: "DAOS, docs/admin/deployment.md, Selection: \"Devices with the same NUMA rating/node/socket should be colocated on a single\" engine; docs/admin/hardware.md, CPU Affinity",
        look: engine_nvme,
    },
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
    Rule {
        id: "job.binding",
        severity: Severity::Finding,
        side: Side::Client,
        why: "a process takes its link once, from the NUMA node that it happens to be on, and keeps it: when it moves to another socket, every transfer crosses the link between them",
        mend: "mpirun --map-by numa --bind-to core (Open MPI), mpiexec -map-by numa -bind-to core (MPICH), srun --cpu-bind=cores --distribution=block:cyclic",
        source: "DAOS, docs/admin/deployment.md, Defining fabric interfaces manually: the agent selects an interface \"based on the NUMA node\" of the process",
        look: binding,
    },
    Rule {
        id: "job.idle-links",
        severity: Severity::Finding,
        side: Side::Client,
        why: "a process uses one link for its whole life: a link on a NUMA node without ranks carries nothing, and with two links that is half of the node's rate",
        mend: "mpirun --map-by numa --bind-to core, srun --distribution=block:cyclic: ranks on the NUMA node of {device} too",
        source: "DAOS, docs/admin/deployment.md, Defining fabric interfaces manually: the agent selects an interface \"based on the NUMA node\" of the process",
        look: idle_links,
    },
    Rule {
        id: "job.shared-cores",
        severity: Severity::Finding,
        side: Side::Client,
        why: "ranks wait by polling: two on one core take it from each other for some milliseconds at a time, the length of hundreds of operations; and one that sleeps though it has a core of its own is woken late",
        mend: "as many ranks as cores, each bound to its own; where ranks must share cores: export D_POLL_TIMEOUT=1000; else unset it",
        source: "this project, docs/DAOS.md on D_POLL_TIMEOUT and docs/TROUBLESHOOTING.md on pollers and cores",
        look: shared_cores,
    },
];

fn engines<'a>(view: &View<'a>) -> impl Iterator<Item = (String, &'a Engine)> {
    let engines = view.server.map(|server| server.engines.as_slice()).unwrap_or_default();
    engines.iter().enumerate().map(|(number, engine)| (format!("engine {number}"), engine))
}

/// The NUMA node that an engine is bound to; `None` where the server chooses it, which it does by the interface.
pub fn node_of(view: &View<'_>, engine: &Engine) -> Option<u32> {
    let by_core = || {
        let core = view.node.topology.cores.get(engine.first_core? as usize)?;
        view.node.topology.nodes_of(&core.cpus).first().copied()
    };
    engine.pinned_numa_node.or_else(by_core)
}

/// The NUMA node of a device, from the node's own facts or from the storage scan.
fn node_of_device(view: &View<'_>, address: &str) -> Option<u32> {
    let scanned = || view.scan?.devices.get(address)?.numa;
    view.node.device(address).and_then(|device| device.numa).or_else(scanned)
}

/// Whether there is more than one NUMA node to be on.
fn has_choice(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let known = !view.node.topology.numa.is_empty();
    outcome.known(known.then_some(()), "NUMA nodes")?;
    (view.node.topology.numa.len() > 1).then_some(())
}

fn engine_nic(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    has_choice(view, outcome)?;
    for (name, engine) in engines(view) {
        let interface = engine.fabric_iface.as_ref().and_then(|name| view.node.network.interface(name));
        let Some((interface, own)) = interface.zip(node_of(view, engine)) else { continue };
        let Some(theirs) = outcome.known(interface.numa, format!("NUMA node of {}", interface.name)) else { continue };
        if own != theirs {
            let found = format!("engine on NUMA node {own}, {} on {theirs}", interface.name);
            outcome.found(name, found, theirs.to_string());
        }
    }
    Some(())
}

fn engine_nvme(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    has_choice(view, outcome)?;
    for (name, engine) in engines(view) {
        let Some(own) = node_of(view, engine) else { continue };
        for address in engine.nvme() {
            // a device that the scan does not list is another rule's finding
            if view.scan.is_some_and(|scan| !scan.devices.contains_key(address)) {
                continue;
            }
            let numa = node_of_device(view, address);
            let Some(theirs) = outcome.known(numa, format!("NUMA node of {address}")) else { continue };
            if own != theirs {
                outcome.found(address, format!("{name} on NUMA node {own}, device on {theirs}"), theirs.to_string());
            }
        }
    }
    Some(())
}

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
        if let Some(node) = node_of(view, engine) {
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
    let node = node_of(view, engine).and_then(|node| topology.node(node));
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

fn binding(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    if view.ranks.is_empty() {
        return None;
    }
    has_choice(view, outcome)?;
    let mut loose = 0;
    for rank in view.ranks {
        let cpus = outcome.known(rank.cpus.as_ref(), "/proc/self/status")?;
        loose += usize::from(view.node.topology.nodes_of(cpus).len() > 1);
    }
    if loose > 0 {
        let found = format!("{loose} of {} ranks may run on several NUMA nodes", view.ranks.len());
        outcome.found("ranks", found, "each rank on one NUMA node");
    }
    Some(())
}

/// A link that data can take.
pub struct Link {
    pub name: String,
    pub numa: Option<u32>,
    pub bytes_per_s: Option<f64>,
}

/// The links that data can take: active InfiniBand ports, else interfaces of 10 Gb/s and more that are up.
pub fn links(view: &View<'_>) -> Vec<Link> {
    let network = &view.node.network;
    let ports = network.infiniband.iter().filter(|port| port.is_active() == Some(true));
    let of_port = |port: &io500_phases::facts::InfinibandPort| Link {
        name: port.name(),
        numa: port.numa,
        bytes_per_s: port.rate_gbps.map(|gbps| gbps * 1e9 / 8.0),
    };
    let ports: Vec<Link> = ports.map(of_port).collect();
    if !ports.is_empty() {
        return ports;
    }
    let fast = |interface: &&io500_phases::facts::Interface| {
        let is_up = interface.physical && interface.state.as_deref() == Some("up");
        is_up && interface.speed_mbps.is_some_and(|mbps| mbps >= 10_000)
    };
    let of_interface = |interface: &io500_phases::facts::Interface| Link {
        name: interface.name.clone(),
        numa: interface.numa,
        bytes_per_s: interface.speed_mbps.map(|mbps| mbps as f64 * 1e6 / 8.0),
    };
    network.interfaces.iter().filter(fast).map(of_interface).collect()
}

fn idle_links(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let links = links(view);
    if view.ranks.is_empty() || links.len() < 2 {
        return None;
    }
    has_choice(view, outcome)?;
    let mut used = BTreeSet::new();
    for rank in view.ranks {
        used.extend(view.node.topology.nodes_of(outcome.known(rank.cpus.as_ref(), "/proc/self/status")?));
    }
    for Link { name, numa, .. } in links {
        let numa = outcome.known(numa, format!("NUMA node of {name}"))?;
        // one rank cannot use two links wherever it is
        if !used.contains(&numa) && view.ranks.len() > 1 {
            outcome.found(name, format!("on NUMA node {numa}, which no rank runs on"), "ranks on its NUMA node");
        }
    }
    Some(())
}

fn shared_cores(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    if view.ranks.is_empty() {
        return None;
    }
    outcome.known((!view.node.topology.cores.is_empty()).then_some(()), "cores")?;
    let mut per_set = BTreeMap::new();
    for rank in view.ranks {
        *per_set.entry(outcome.known(rank.cpus.clone(), "/proc/self/status")?).or_insert(0_usize) += 1;
    }
    let shared = per_set.iter().find(|(cpus, ranks)| **ranks > view.node.topology.cores_of(cpus));
    let polls = view.ranks.iter().find_map(|rank| rank.variable("D_POLL_TIMEOUT"));
    match (shared, polls) {
        (Some((cpus, ranks)), None) => {
            let cores = view.node.topology.cores_of(cpus);
            let found = format!("{ranks} ranks on {cores} cores, D_POLL_TIMEOUT is not set");
            outcome.found(format!("CPUs {cpus}"), found, "a core for each rank, or D_POLL_TIMEOUT=1000");
        }
        (None, Some(value)) => {
            outcome.found("ranks", format!("D_POLL_TIMEOUT={value}, and no rank shares a core"), "not set");
        }
        _ => {}
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::{Case, Machine};

    fn server(rule: &'static str, fires: fn(&mut Machine), silent: fn(&mut Machine)) -> Case {
        Case { rule, machine: Machine::server, fires, silent, with: &[], needs_no_node: false }
    }

    fn client(rule: &'static str, fires: fn(&mut Machine), silent: fn(&mut Machine)) -> Case {
        Case { machine: Machine::client, ..server(rule, fires, silent) }
    }

    pub fn cases() -> Vec<Case> {
        let config = |case: Case| Case { needs_no_node: true, ..case };
        vec![
            server("numa.engine-nic", |m| m.engine(0).fabric_iface = Some("ib1".into()), |m| m.pin(0, None)),
            server("numa.engine-nvme", |m| m.swap_devices(), |_| {}),
            server("engine.interface-missing", |m| m.engine(1).fabric_iface = Some("ib7".into()), |_| {}),
            Case {
                with: &["engine.targets"],
                needs_no_node: true, // the scan lists the devices
                ..server(
                    "engine.device-missing",
                    |m| m.devices(0, &["0000:5e:00.0", "0000:5f:00.0", "0000:77:00.0"]),
                    |_| {},
                )
            },
            config(Case {
                with: &["numa.engine-nvme"],
                ..server("engine.device-twice", |m| m.devices(1, &["0000:5e:00.0", "0000:d9:00.0"]), |_| {})
            }),
            config(server(
                "engine.port-clash",
                |m| {
                    m.engine(1).fabric_iface_port = Some(31416);
                    m.engine(1).fabric_iface = Some("ib0".into());
                    m.pin(1, None);
                },
                |m| m.engine(1).fabric_iface_port = Some(31416),
            )),
            config(server("engine.pinning", |m| m.engine(0).first_core = Some(1), |m| m.pin(0, None))),
            config(Case {
                with: &["numa.engine-nic", "numa.engine-nvme", "memory.hugepages"],
                ..server("engine.one-per-node", |m| m.pin(1, Some(0)), |_| {})
            }),
            server("engine.cores", |m| m.engine(0).nr_xs_helpers = 7, |m| m.engine(0).nr_xs_helpers = 6),
            server("engine.idle-cores", |m| m.few_targets(), |m| m.engine(0).nr_xs_helpers = 3),
            config(server("engine.targets", |m| m.engine(0).targets = 15, |m| m.engine(0).targets = 14)),
            config(server("engine.helpers", |m| m.engine(0).nr_xs_helpers = 1, |m| m.engine(0).nr_xs_helpers = 2)),
            config(Case {
                with: &["engine.one-per-node", "engine.port-clash", "engine.device-twice", "memory.hugepages"],
                ..server(
                    "engine.numa-imbalance",
                    |m| m.third_engine(),
                    |m| {
                        m.third_engine();
                        m.config().allow_numa_imbalance = true;
                    },
                )
            }),
            client("job.binding", |m| m.bind(&["0-47", "24-47"]), |m| m.bind(&["0-23", "24-47"])),
            client("job.idle-links", |m| m.bind(&["0", "1"]), |m| m.bind(&["0"])),
            Case {
                with: &["job.idle-links"],
                ..client(
                    "job.shared-cores",
                    |m| m.bind(&["0", "0"]),
                    |m| {
                        m.bind(&["0", "0", "24"]);
                        m.variable("D_POLL_TIMEOUT", "1000");
                    },
                )
            },
            client("job.shared-cores", |m| m.variable("D_POLL_TIMEOUT", "1000"), |_| {}),
        ]
    }
}
