//! Packages, cores, CPUs and NUMA nodes.
//!
//! Of a running machine and of a snapshot they are read from sysfs itself, which says all that is asked here: hwloc can be given another
//! root by an environment variable only, which a process that has threads cannot set. Topology files are hwloc's (see `hwloc.rs`), and a
//! test holds the two against each other.

use super::cpus::CpuSet;
use super::root::Root;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most CPUs and NUMA nodes that are believed.
const MOST: usize = 8192;

/// How a node's processors and memory lie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Topology {
    /// Cores, in the order of their first CPU.
    pub cores: Vec<Core>,
    /// NUMA nodes, by number.
    pub numa: Vec<NumaNode>,
}

/// A physical core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Core {
    /// The package (socket) it is in.
    pub package: u32,
    /// Its CPUs: two where hyperthreads are on.
    pub cpus: CpuSet,
}

/// A NUMA node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct NumaNode {
    /// The operating system's number.
    pub id: u32,
    /// Its CPUs; empty for a node that is memory only.
    pub cpus: CpuSet,
    /// Its memory, bytes.
    pub memory: Option<u64>,
    /// Hugepages: size in KiB to how many there are.
    pub hugepages: BTreeMap<u64, u64>,
}

impl Topology {
    pub(super) fn read(root: &Root) -> Topology {
        let numbers = |dir: &str, prefix: &str| {
            let mut numbers: Vec<u32> =
                root.names(dir).iter().filter_map(|name| name.strip_prefix(prefix)?.parse().ok()).collect();
            numbers.sort_unstable();
            numbers.truncate(MOST);
            numbers
        };
        let online = root.read("/sys/devices/system/cpu/online").and_then(|list| CpuSet::parse(&list));
        let mut cores = BTreeMap::new();
        for cpu in numbers("/sys/devices/system/cpu", "cpu") {
            if online.as_ref().is_some_and(|online| !online.contains(cpu)) {
                continue;
            }
            let file = |name: &str| format!("/sys/devices/system/cpu/cpu{cpu}/topology/{name}");
            let package: Option<i64> = root.number(&file("physical_package_id"));
            let siblings = root.read(&file("thread_siblings_list")).and_then(|list| CpuSet::parse(&list));
            let Some((package, siblings)) = package.zip(siblings) else { continue };
            // a machine that has no packages says -1
            let first = siblings.iter().next();
            cores.entry(first).or_insert(Core { package: u32::try_from(package).unwrap_or(0), cpus: siblings });
        }
        let numa = numbers("/sys/devices/system/node", "node").into_iter().map(|id| NumaNode::read(root, id));
        Topology { cores: cores.into_values().collect(), numa: numa.collect() }
    }

    /// All CPUs.
    pub fn cpus(&self) -> CpuSet {
        self.cores.iter().flat_map(|core| core.cpus.iter()).collect()
    }

    /// How many packages there are.
    pub fn packages(&self) -> usize {
        self.cores.iter().map(|core| core.package).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The NUMA node of this number.
    pub fn node(&self, id: u32) -> Option<&NumaNode> {
        self.numa.iter().find(|node| node.id == id)
    }

    /// The NUMA nodes that these CPUs lie in.
    pub fn nodes_of(&self, cpus: &CpuSet) -> Vec<u32> {
        self.numa.iter().filter(|node| node.cpus.meets(cpus)).map(|node| node.id).collect()
    }

    /// The cores that have one of these CPUs.
    pub fn cores_of(&self, cpus: &CpuSet) -> usize {
        self.cores.iter().filter(|core| core.cpus.meets(cpus)).count()
    }

    /// Whether cores have more than one CPU.
    pub fn has_hyperthreads(&self) -> bool {
        self.cores.iter().any(|core| core.cpus.len() > 1)
    }
}

impl NumaNode {
    fn read(root: &Root, id: u32) -> NumaNode {
        let dir = format!("/sys/devices/system/node/node{id}");
        let cpus = root.read(&format!("{dir}/cpulist")).and_then(|list| CpuSet::parse(&list));
        let meminfo = root.read(&format!("{dir}/meminfo")).unwrap_or_default();
        let total = meminfo.lines().find_map(|line| line.split_once("MemTotal:"));
        let memory = total.and_then(|(_, value)| value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        let sizes = root.names(&format!("{dir}/hugepages"));
        let pages = sizes.iter().filter_map(|name| {
            let size = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
            Some((size, root.number(&format!("{dir}/hugepages/{name}/nr_hugepages"))?))
        });
        NumaNode { id, cpus: cpus.unwrap_or_default(), memory: memory.map(|kib| kib << 10), hugepages: pages.collect() }
    }
}
