//! Placement: interfaces, devices, ranks and links, each on the NUMA node of who uses it.

use super::super::rule::{Outcome, Rule, Severity, Side, View};
use super::super::server::Engine;
use io500_phases::facts::{Link, links};
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

pub fn engines<'a>(view: &View<'a>) -> impl Iterator<Item = (String, &'a Engine)> {
    let engines = view.server.map(|server| server.engines.as_slice()).unwrap_or_default();
    engines.iter().enumerate().map(|(number, engine)| (format!("engine {number}"), engine))
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
        let Some((interface, own)) = interface.zip(engine.numa(&view.node.topology)) else { continue };
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
        let Some(own) = engine.numa(&view.node.topology) else { continue };
        for address in engine.nvme() {
            // a device that the scan does not list is another rule's finding
            if view.scan.is_some_and(|scan| !scan.devices.contains_key(address)) {
                continue;
            }
            let numa = view.numa_of(address);
            let Some(theirs) = outcome.known(numa, format!("NUMA node of {address}")) else { continue };
            if own != theirs {
                outcome.found(address, format!("{name} on NUMA node {own}, device on {theirs}"), theirs.to_string());
            }
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

fn idle_links(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let links = links(view.node);
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
    use super::super::super::testing::Case;

    pub fn cases() -> Vec<Case> {
        vec![
            Case::server("numa.engine-nic", |m| m.engine(0).fabric_iface = Some("ib1".into()), |m| m.pin(0, None)),
            Case::server("numa.engine-nvme", |m| m.swap_devices(), |_| {}),
            Case::client("job.binding", |m| m.bind(&["0-47", "24-47"]), |m| m.bind(&["0-23", "24-47"])),
            Case::client("job.idle-links", |m| m.bind(&["0", "1"]), |m| m.bind(&["0"])),
            Case {
                with: &["job.idle-links"],
                ..Case::client(
                    "job.shared-cores",
                    |m| m.bind(&["0", "0"]),
                    |m| {
                        m.bind(&["0", "0", "24"]);
                        m.variable("D_POLL_TIMEOUT", "1000");
                    },
                )
            },
            Case::client("job.shared-cores", |m| m.variable("D_POLL_TIMEOUT", "1000"), |_| {}),
        ]
    }
}
