//! What a node has that should be the same on all nodes of a job, and what of its facts lasts as long as a run.

use super::cpus::CpuSet;
use super::node::NodeFacts;
use super::pci::PciLink;
use std::collections::BTreeMap;

/// What sizes of memory are rounded to: equal nodes differ by some megabytes.
const ROUND: u64 = 1 << 30;

impl NodeFacts {
    /// What should be the same on all nodes of a job, by name. What changes by itself (load, free memory) is none of it.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let mut properties = BTreeMap::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                properties.insert(name.to_owned(), value);
            }
        };
        let topology = &self.topology;
        put("kernel", self.kernel.clone());
        put("machine", self.product.clone());
        put("firmware", self.firmware.clone());
        put("processor", self.processor.model.clone());
        put("packages", Some(topology.packages().to_string()));
        put("cores", Some(topology.cores.len().to_string()));
        put("hyperthreads", Some(if topology.has_hyperthreads() { "on" } else { "off" }.to_owned()));
        put("NUMA nodes", Some(topology.numa.len().to_string()));
        put("memory", self.memory.total.map(|bytes| format!("{} GiB", rounded(bytes) / ROUND)));
        put("hugepages", self.memory.hugepages.map(|pages| pages.to_string()));
        put("transparent hugepages", self.memory.transparent_hugepages.clone());
        let words = |values: &BTreeMap<String, CpuSet>| {
            let words: Vec<&str> = values.keys().map(String::as_str).collect();
            (!words.is_empty()).then(|| words.join(", "))
        };
        put("frequency governor", words(&self.processor.governors));
        put("energy preference", words(&self.processor.energy_preferences));
        put("clock source", self.processor.clock_source.clone());
        put("isolated CPUs", self.processor.isolated.as_ref().map(ToString::to_string));
        put("kernel command line", self.processor.boot.as_ref().map(|words| words.join(" ")));
        put("time daemon", self.time_daemon.clone());
        for (name, value) in &self.sysctl {
            put(name, Some(value.clone()));
        }
        for interface in self.network.interfaces.iter().filter(|interface| interface.physical) {
            let name = &interface.name;
            put(&format!("{name} state"), interface.state.clone());
            put(&format!("{name} MTU"), interface.mtu.map(|mtu| mtu.to_string()));
            put(&format!("{name} speed"), interface.speed_mbps.map(|mbps| format!("{mbps} Mb/s")));
        }
        for port in &self.network.infiniband {
            put(&format!("{} state", port.name()), port.state.clone());
            put(&format!("{} rate", port.name()), port.rate_gbps.map(|rate| format!("{rate} Gb/s")));
        }
        for device in &self.pci {
            let words = |link: PciLink| format!("{} GT/s x{}", link.gigatransfers, link.width);
            put(&format!("PCI link of {}", device.address), device.link.map(words));
        }
        properties
    }

    /// The facts without the node's name and what changes by itself, so that nodes that are alike have the same.
    pub fn lasting(mut self) -> NodeFacts {
        self.host.clear();
        self.processor.load = None;
        self.network.tcp = None;
        self.memory.available = None;
        self.memory.swap_used = None;
        self.memory.total = self.memory.total.map(rounded);
        for numa in &mut self.topology.numa {
            numa.memory = numa.memory.map(rounded);
        }
        for device in &mut self.pci {
            // irqbalance moves them
            device.interrupts.clear();
        }
        self.mounts.retain(|(_, kind)| kind == "fuse.daos");
        // addresses of networks are a site's own affair
        self.network.interfaces.iter_mut().for_each(|interface| interface.networks.clear());
        self.network.interfaces.retain(|interface| interface.physical || interface.is_bond());
        self
    }
}

fn rounded(bytes: u64) -> u64 {
    bytes.saturating_add(ROUND / 2) / ROUND * ROUND
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Root, Tree};

    fn node(name: &str, total: u64, load: &str, governor: &str) -> NodeFacts {
        let mut tree = Tree::default();
        tree.file("proc/sys/kernel/hostname", name);
        tree.file(
            "proc/meminfo",
            format!("MemTotal: {total} kB\nMemAvailable: {total} kB\nSwapTotal: 8 kB\nSwapFree: 4 kB"),
        );
        tree.file("proc/loadavg", load);
        tree.file("proc/stat", "cpu 1 2 3 4 5 6 7 8");
        tree.file("sys/devices/system/cpu/cpu0/topology/physical_package_id", "0");
        tree.file("sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0");
        tree.file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor);
        NodeFacts::read(&Root::tree(tree), "")
    }

    #[test]
    fn nodes_that_are_alike_have_the_same_lasting_facts() {
        let first = node("a", 201_326_592, "0.1 0.1 0.1", "performance");
        let second = node("b", 201_322_000, "9.1 0.1 0.1", "performance");
        assert_ne!(first, second);
        assert_eq!(first.properties(), second.properties());
        assert_eq!(first.lasting(), second.clone().lasting());
        let other = node("c", 201_326_592, "0.1 0.1 0.1", "powersave");
        assert_ne!(other.lasting(), second.lasting());
    }
}
