//! One node: its view held against all rules, and its properties for the comparison with others.

use super::rule::View;
use super::rules;
use super::table::Line;
use io500_phases::facts::NodeFacts;
use std::collections::BTreeMap;

/// What the rules find on a node, what they could not look at, and what is compared with other nodes.
pub fn lines(view: &View<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for rule in rules::all() {
        let Some(outcome) = view.apply(rule) else { continue };
        lines.extend(outcome.found.into_iter().map(|found| Line::Finding { rule: rule.id.to_owned(), found }));
        lines.extend(outcome.unknown.into_iter().map(|what| Line::Unknown { what, rule: rule.id.to_owned() }));
    }
    for unread in &view.node.unread {
        lines.push(Line::Unknown { what: format!("{} ({})", unread.path, unread.reason), rule: String::new() });
    }
    lines.extend(properties(view).into_iter().map(|(name, value)| Line::Property { name, value }));
    lines.sort();
    lines.dedup();
    lines
}

/// What should be the same on all nodes of a job. What changes by itself (load, free memory) is none of it.
fn properties(view: &View<'_>) -> BTreeMap<String, String> {
    let mut properties = of_node(view.node);
    for rank in view.ranks {
        properties.insert("libdfs".into(), rank.libdfs.clone());
        for (name, value) in &rank.environment {
            // a path may hold the name of its node, a port or a rank is meant to differ
            if ["D_INTERFACE", "D_DOMAIN", "D_PORT", "D_LOG_FILE", "DFS_BENCH_LOG"].contains(&name.as_str()) {
                continue;
            }
            properties.insert(format!("environment {name}"), value.clone());
        }
    }
    if let Some(memlock) = view.ranks.iter().filter_map(|rank| rank.memlock).min() {
        let words = if memlock == u64::MAX { "unlimited".to_owned() } else { format!("{} KiB", memlock >> 10) };
        properties.insert("memlock".into(), words);
    }
    if !view.ranks.is_empty() {
        properties.insert("ranks".into(), view.ranks.len().to_string());
    }
    properties
}

fn of_node(node: &NodeFacts) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            properties.insert(name.to_owned(), value);
        }
    };
    let topology = &node.topology;
    put("kernel", node.kernel.clone());
    put("machine", node.product.clone());
    put("firmware", node.firmware.clone());
    put("processor", node.processor.model.clone());
    put("packages", Some(topology.packages().to_string()));
    put("cores", Some(topology.cores.len().to_string()));
    put("hyperthreads", Some(if topology.has_hyperthreads() { "on" } else { "off" }.to_owned()));
    put("NUMA nodes", Some(topology.numa.len().to_string()));
    put("memory", node.memory.total.map(|bytes| format!("{} GiB", bytes.saturating_add(1 << 29) >> 30)));
    put("hugepages", node.memory.hugepages.map(|pages| pages.to_string()));
    put("transparent hugepages", node.memory.transparent_hugepages.clone());
    let words = |values: &BTreeMap<String, io500_phases::facts::CpuSet>| {
        let words: Vec<&str> = values.keys().map(String::as_str).collect();
        (!words.is_empty()).then(|| words.join(", "))
    };
    put("frequency governor", words(&node.processor.governors));
    put("energy preference", words(&node.processor.energy_preferences));
    put("clock source", node.processor.clock_source.clone());
    put("isolated CPUs", node.processor.isolated.as_ref().map(ToString::to_string));
    put("kernel command line", node.processor.boot.as_ref().map(|words| words.join(" ")));
    for (name, value) in &node.sysctl {
        put(name, Some(value.clone()));
    }
    for interface in node.network.interfaces.iter().filter(|interface| interface.physical) {
        let name = &interface.name;
        put(&format!("{name} state"), interface.state.clone());
        put(&format!("{name} MTU"), interface.mtu.map(|mtu| mtu.to_string()));
        put(&format!("{name} speed"), interface.speed_mbps.map(|mbps| format!("{mbps} Mb/s")));
    }
    for port in &node.network.infiniband {
        put(&format!("{} state", port.name()), port.state.clone());
        put(&format!("{} rate", port.name()), port.rate_gbps.map(|rate| format!("{rate} Gb/s")));
    }
    for device in &node.pci {
        let words = |link: io500_phases::facts::PciLink| format!("{} GT/s x{}", link.gigatransfers, link.width);
        put(&format!("PCI link of {}", device.address), device.link.map(words));
    }
    properties
}
