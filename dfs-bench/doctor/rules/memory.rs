//! Memory: hugepages where the engines are, limits, and the kernel's habits.

use super::super::rule::{Outcome, Rule, Severity, Side, View};
use std::collections::BTreeMap;

pub const RULES: &[Rule] = &[
    Rule {
        id: "memory.hugepages",
        severity: Severity::Finding,
        side: Side::Server,
        why: "each target with NVMe takes 1 GiB of hugepages for its transfers: with fewer, or with those of another NUMA node, transfers wait for buffers",
        mend: "without nr_hugepages in daos_server.yml the server takes {expected} when it is started; if it runs already, or nr_hugepages is there, take it out and restart; if memory is too fragmented: hugepages= on the kernel's command line, then reboot",
        source: "DAOS, utils/config/daos_server.yml on nr_hugepages: \"each target requires 1 GiB of hugepage space\"; docs/admin/predeployment_check.md, Hugepage allocation and memory fragmentation",
        look: hugepages,
    },
    Rule {
        id: "memory.nr-hugepages",
        severity: Severity::Finding,
        side: Side::Server,
        why: "nr_hugepages overrides what the server computes: with less than 1 GiB for each target, transfers wait for buffers or the engine does not start",
        mend: "daos_server.yml: take nr_hugepages out, or nr_hugepages: {expected}",
        source: "DAOS, utils/config/daos_server.yml on nr_hugepages",
        look: nr_hugepages,
    },
    Rule {
        id: "memory.thp",
        severity: Severity::Finding,
        side: Side::Server,
        why: "transparent hugepages take the pages that the engine reserves, 1 GiB a target: allocations fail under load, and daos_server refuses to start unless allow_thp is set",
        mend: "echo never > /sys/kernel/mm/transparent_hugepage/enabled; for good: transparent_hugepage=never on the kernel's command line (grubby --update-kernel=ALL --args=transparent_hugepage=never)",
        source: "DAOS, docs/admin/deployment.md, Transparent HugePage (THP) support; docs/admin/predeployment_check.md",
        look: thp_server,
    },
    Rule {
        id: "memory.thp-client",
        severity: Severity::Hint,
        side: Side::Client,
        why: "the kernel joins 2 MiB of pages at a time while ranks run, which stops them for up to milliseconds",
        mend: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled; for good: transparent_hugepage=madvise on the kernel's command line",
        source: "Linux, Documentation/admin-guide/mm/transhuge.rst, on defrag: a program stalls for reclaim and compaction; worth a look only, DAOS asks it of servers",
        look: thp_client,
    },
    Rule {
        id: "memory.max-map-count",
        severity: Severity::Finding,
        side: Side::Server,
        why: "every stack of the engine's user-level threads is a mapped area: the kernel's default of 65530 ends under load in failed requests",
        mend: "sysctl -w vm.max_map_count=1000000; for good: echo vm.max_map_count=1000000 > /etc/sysctl.d/95-daos.conf",
        source: "DAOS, docs/admin/predeployment_check.md, Memory mapped areas",
        look: max_map_count,
    },
    Rule {
        id: "memory.memlock",
        severity: Severity::Finding,
        side: Side::Client,
        why: "an RDMA fabric pins the memory of every transfer in flight: below the limit of a few MiB connections fail as soon as there are many",
        mend: "ulimit -l unlimited before the launch; for good: `* - memlock unlimited` in /etc/security/limits.d/daos.conf, LimitMEMLOCK=infinity for the launcher's service",
        source: "DAOS, docs/admin/predeployment_check.md, Memory Lock Limits: \"On both DAOS servers and DAOS clients, the fabric stack\" needs locked memory",
        look: memlock,
    },
    Rule {
        id: "memory.zone-reclaim",
        severity: Severity::Hint,
        side: Side::Both,
        why: "a NUMA node that is full drops its caches before it takes memory of the next node: allocations stop for milliseconds",
        mend: "sysctl -w vm.zone_reclaim_mode=0; for good: the same line in /etc/sysctl.d/95-daos.conf",
        source: "Linux, Documentation/admin-guide/sysctl/vm.rst, zone_reclaim_mode: to be left disabled where data is cached",
        look: zone_reclaim,
    },
    Rule {
        id: "memory.swap",
        severity: Severity::Hint,
        side: Side::Both,
        why: "a page that is read back from a disk costs some hundred microseconds up to milliseconds, thousands of times what memory costs",
        mend: "find what took the memory, then swapoff -a && swapon -a; for good: no swap in /etc/fstab of a node that benchmarks",
        source: "Linux, Documentation/admin-guide/sysctl/vm.rst, swappiness",
        look: swap,
    },
    Rule {
        id: "memory.numa-balancing",
        severity: Severity::Hint,
        side: Side::Client,
        why: "the kernel unmaps pages of bound ranks to see who uses them: faults of a microsecond each, for nothing, as bound ranks do not move",
        mend: "sysctl -w kernel.numa_balancing=0; for good: the same line in /etc/sysctl.d/95-daos.conf",
        source: "Linux, Documentation/admin-guide/sysctl/kernel.rst, numa_balancing: not where the workload is bound already",
        look: numa_balancing,
    },
    Rule {
        id: "memory.scm-ratio",
        severity: Severity::Hint,
        side: Side::Server,
        why: "metadata and small values live in the first tier: below 6 % of the NVMe capacity it is full before the devices are",
        mend: "daos_server.yml, {device}: scm_size: {expected}, or metadata on SSD (bdev_roles); needs a new format",
        source: "DAOS, docs/admin/hardware.md, Storage Requirements: \"A minimum 6% ratio of SCM to SSD capacity\"",
        look: scm_ratio,
    },
];

const GIB: u64 = 1 << 30;

fn hugepages(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let server = view.server.filter(|server| !server.disable_hugepages)?;
    let mut needs = BTreeMap::<Option<u32>, u64>::new();
    for engine in server.engines.iter().filter(|engine| engine.nvme().next().is_some()) {
        *needs.entry(engine.numa(&view.node.topology)).or_default() += engine.targets * GIB;
    }
    for (node, needed) in needs {
        let numa = &view.node.topology.numa;
        let of: Vec<_> = numa.iter().filter(|numa| node.is_none_or(|node| numa.id == node)).collect();
        let size = view.node.memory.hugepage_size.map_or(2048, |bytes| bytes >> 10);
        let counts: Vec<u64> = of.iter().filter_map(|numa| numa.hugepages.get(&size).copied()).collect();
        let name = node.map_or("all NUMA nodes".to_owned(), |node| format!("NUMA node {node}"));
        let known = (!counts.is_empty() && counts.len() == of.len()).then_some(());
        if outcome.known(known, format!("hugepages of {name}")).is_none() {
            continue;
        }
        let (have, need) =
            (counts.iter().fold(0, |sum: u64, &pages| sum.saturating_add(pages)), needed.div_ceil(size << 10));
        if have < need {
            outcome.found(name, format!("{have} hugepages of {} MiB", size >> 10), format!("{need} hugepages"));
        }
    }
    Some(())
}

fn nr_hugepages(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let server = view.server?;
    let with_nvme = server.engines.iter().filter(|engine| engine.nvme().next().is_some());
    let size = view.node.memory.hugepage_size.unwrap_or(2 << 20);
    let needed = with_nvme.map(|engine| engine.targets).sum::<u64>() * GIB / size;
    if server.nr_hugepages > 0 && server.nr_hugepages < needed {
        outcome.found("nr_hugepages", server.nr_hugepages.to_string(), needed.to_string());
    }
    Some(())
}

fn thp(view: &View<'_>, outcome: &mut Outcome) -> Option<String> {
    let chosen = view.node.memory.transparent_hugepages.clone();
    outcome.known(chosen, "/sys/kernel/mm/transparent_hugepage/enabled")
}

fn thp_server(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let chosen = thp(view, outcome)?;
    if chosen != "never" && !view.server?.allow_thp {
        outcome.found("transparent hugepages", chosen, "never");
    }
    Some(())
}

fn thp_client(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let chosen = thp(view, outcome)?;
    if chosen == "always" {
        outcome.found("transparent hugepages", chosen, "madvise or never");
    }
    Some(())
}

fn max_map_count(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let value = view.sysctl("vm.max_map_count", outcome)?;
    if value < 1_000_000 {
        outcome.found("vm.max_map_count", value.to_string(), "1000000");
    }
    Some(())
}

fn memlock(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    if !view.has_rdma() {
        return None;
    }
    let mut least = u64::MAX;
    for rank in view.ranks {
        least = least.min(outcome.known(rank.memlock, "/proc/self/limits")?);
    }
    if least < u64::MAX {
        outcome.found("memlock", format!("{} KiB", least >> 10), "unlimited");
    }
    Some(())
}

fn zone_reclaim(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let value = view.sysctl("vm.zone_reclaim_mode", outcome)?;
    if value != 0 {
        outcome.found("vm.zone_reclaim_mode", value.to_string(), "0");
    }
    Some(())
}

fn swap(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let used = outcome.known(view.node.memory.swap_used, "swap in /proc/meminfo")?;
    if used > 64 << 20 {
        outcome.found("swap", format!("{} MiB in use", used >> 20), "none in use");
    }
    Some(())
}

fn numa_balancing(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let topology = &view.node.topology;
    let bound = |cpus| topology.nodes_of(cpus).len() == 1;
    if topology.numa.len() < 2 || !view.ranks.iter().any(|rank| rank.cpus.as_ref().is_some_and(bound)) {
        return None;
    }
    let value = view.sysctl("kernel.numa_balancing", outcome)?;
    if value != 0 {
        outcome.found("kernel.numa_balancing", value.to_string(), "0");
    }
    Some(())
}

fn scm_ratio(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (number, engine) in view.server?.engines.iter().enumerate() {
        let scm = engine.storage.iter().find_map(|tier| tier.scm_size.filter(|_| tier.class == "ram"));
        let with_roles = engine.storage.iter().any(|tier| !tier.bdev_roles.is_empty());
        let Some(scm) = scm.filter(|_| !with_roles && engine.nvme().next().is_some()) else { continue };
        let mut sizes =
            engine.nvme().map(|address| Some(view.scan?.devices.get(address)?.bytes).filter(|&bytes| bytes > 0));
        let nvme = sizes.try_fold(0_u64, |sum, bytes| Some(sum.saturating_add(bytes?)));
        let nvme = outcome.known(nvme, "capacity of the NVMe devices: give --storage-scan")?;
        let needed = (nvme as f64 * 0.06 / GIB as f64).ceil() as u64;
        if scm < needed {
            outcome.found(
                format!("engine {number}"),
                format!("{scm} GiB for {} GiB of NVMe", nvme / GIB),
                needed.to_string(),
            );
        }
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::Case;

    pub fn cases() -> Vec<Case> {
        vec![
            Case::server("memory.hugepages", |m| m.hugepages(1, 8191), |m| m.hugepages(1, 8192)),
            Case {
                needs_no_node: true,
                ..Case::server(
                    "memory.nr-hugepages",
                    |m| m.config().nr_hugepages = 16000,
                    |m| m.config().nr_hugepages = 16384,
                )
            },
            Case::server(
                "memory.thp",
                |m| m.file("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never"),
                |m| {
                    m.file("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
                    m.config().allow_thp = true;
                },
            ),
            Case::client(
                "memory.thp-client",
                |m| m.file("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never"),
                |m| m.file("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never"),
            ),
            Case::server(
                "memory.max-map-count",
                |m| m.file("proc/sys/vm/max_map_count", "65530"),
                |m| m.file("proc/sys/vm/max_map_count", "1048576"),
            ),
            Case::client(
                "memory.memlock",
                |m| m.ranks[1].memlock = Some(8 << 20),
                |m| {
                    m.ranks[1].memlock = Some(8 << 20);
                    m.tree.remove("sys/class/infiniband");
                },
            ),
            Case::client("memory.zone-reclaim", |m| m.file("proc/sys/vm/zone_reclaim_mode", "1"), |_| {}),
            Case::server("memory.swap", |m| m.meminfo(4 << 20, 3 << 20), |m| m.meminfo(4 << 20, 4 << 20)),
            Case::client(
                "memory.numa-balancing",
                |m| m.file("proc/sys/kernel/numa_balancing", "1"),
                |m| {
                    m.file("proc/sys/kernel/numa_balancing", "1");
                    m.bind(&["0-47", "0-47"]);
                },
            ),
            Case { needs_no_node: true, ..Case::server("memory.scm-ratio", |m| m.scm(100), |m| m.scm(180)) },
        ]
    }
}
