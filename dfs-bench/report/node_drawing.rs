//! A node as a picture: its NUMA nodes one below the other, each with its cores, those that ranks use filled, and its links, NVMe devices
//! and engines. What an audit found to be wrong is red and has an exclamation mark.

use super::charts::Chart;
use super::model::Run;
use super::svg::{self, WIDTH};
use io500_phases::facts::{Core, CpuSet, DeviceKind, NodeFacts, NumaNode, Origin, links};
use io500_phases::results::{BoundRanks, EnginePlace};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The most kinds of nodes that are drawn.
const KINDS: usize = 4;
/// The most NUMA nodes of one that are drawn.
const PLACES: usize = 16;
/// Cores beside each other.
const PER_LINE: usize = 32;
/// Width and height of a core with the room around it.
const CORE: f64 = 13.6;
/// Height of a line of text or devices.
const LINE: f64 = 24.0;
/// Room at the left and right of a box.
const MARGIN: f64 = 10.0;

/// What a drawing shows.
pub struct Node<'a> {
    pub facts: &'a NodeFacts,
    pub ranks: &'a [BoundRanks],
    pub engines: &'a [EnginePlace],
    /// Names of devices, engines and NUMA nodes that something is wrong with; `ranks` stands for the cores that they use.
    pub wrong: &'a BTreeSet<&'a str>,
}

/// The kinds of nodes of a run.
pub fn of_run(run: &Run) -> Vec<Chart> {
    let audit = run.audit.as_ref();
    let findings = audit.iter().flat_map(|audit| audit.findings.iter().flatten());
    // a hint is worth a look, and no mistake
    let wrong: BTreeSet<&str> =
        findings.filter(|finding| finding.severity != "hint").map(|finding| finding.device.as_str()).collect();
    let draw = |(index, machine): (usize, &io500_phases::results::Machine)| {
        // the engines are those of rank 0's node
        let engines = audit.filter(|_| index == 0).map(|audit| audit.engines.as_slice()).unwrap_or_default();
        let node = Node { facts: &machine.facts, ranks: &machine.ranks, engines, wrong: &wrong };
        let first = machine.hosts.first().map(String::as_str).unwrap_or_default();
        let name = match machine.hosts.len() {
            0 | 1 => first.to_owned(),
            count => format!("{first} and {} like it", count - 1),
        };
        chart(&name, &node)
    };
    run.machines.iter().take(KINDS).enumerate().filter_map(draw).collect()
}

/// A node; nothing where its processors are not known.
pub fn chart(name: &str, node: &Node<'_>) -> Option<Chart> {
    let topology = &node.facts.topology;
    if topology.cores.is_empty() {
        return None;
    }
    let used = cores_used(node);
    let mut drawing = Drawing { svg: String::new(), y: 6.0, node, placed: BTreeSet::new() };
    let without_cores = |numa: &&NumaNode| numa.cpus.is_empty();
    for numa in topology.numa.iter().filter(|numa| !without_cores(numa)).take(PLACES) {
        drawing.place(Some(numa));
    }
    if topology.numa.iter().all(|numa| numa.cpus.is_empty()) {
        drawing.place(None);
    }
    drawing.rest();
    let alt = format!(
        "{name}: {} NUMA nodes, {} cores, {used} in use; {} things are wrong.",
        topology.numa.len(),
        topology.cores.len(),
        node.wrong.len()
    );
    let svg = format!("{}{}</svg>", svg::open(&alt, drawing.y + 2.0), drawing.svg);
    let loose =
        node.ranks.iter().any(|bound| bound.cpus.as_ref().is_some_and(|cpus| topology.nodes_of(cpus).len() > 1));
    let who = match (node.ranks.is_empty(), node.engines.is_empty()) {
        (true, true) => "links and devices at their NUMA nodes",
        (true, false) => "filled are the cores that engines take",
        (false, true) => "filled are the cores that ranks may use",
        (false, false) => "filled are the cores that ranks may use or engines take",
    };
    let mut caption = format!("{name}: {who}");
    if loose {
        caption.push_str(", lighter where they may use those of several NUMA nodes");
    }
    if !node.wrong.is_empty() {
        caption.push_str("; red and marked by ! is what the audit found wrong");
    }
    Some(Chart { caption, svg })
}

fn cores_used(node: &Node<'_>) -> usize {
    let mut cpus = CpuSet::default();
    node.ranks.iter().filter_map(|bound| bound.cpus.as_ref()).for_each(|more| cpus.extend(more));
    node.facts.topology.cores_of(&cpus)
}

struct Drawing<'a> {
    svg: String,
    y: f64,
    node: &'a Node<'a>,
    /// Devices that are drawn already.
    placed: BTreeSet<String>,
}

impl Drawing<'_> {
    /// A NUMA node with what is at it; the whole node where it has none.
    fn place(&mut self, numa: Option<&NumaNode>) {
        let (top, topology) = (self.y, &self.node.facts.topology);
        let cores: Vec<&Core> =
            topology.cores.iter().filter(|core| numa.is_none_or(|numa| numa.cpus.meets(&core.cpus))).collect();
        let title = match numa {
            None => "all cores".to_owned(),
            Some(numa) => {
                let package = cores.first().map(|core| format!(", socket {}", core.package)).unwrap_or_default();
                let memory = numa.memory.map(|bytes| format!(", {} GiB", bytes >> 30)).unwrap_or_default();
                let pages: u64 = numa.hugepages.values().sum();
                let pages = if pages > 0 { format!(", {pages} hugepages") } else { String::new() };
                format!("NUMA node {}{package}{memory}{pages}", numa.id)
            }
        };
        let wrong = numa.is_some_and(|numa| self.node.wrong.contains(format!("NUMA node {}", numa.id).as_str()));
        self.y += LINE - 6.0;
        self.text(MARGIN, self.y, &title, wrong);
        self.y += 8.0;
        let here = self.node.engines.iter().filter(|engine| engine.numa == numa.map(|numa| numa.id));
        self.cores(&cores, here.map(|engine| engine.threads).sum());
        self.devices(numa.map(|numa| numa.id));
        let (width, height) = (WIDTH - 4.0, self.y - top);
        let _ = write!(
            self.svg,
            r#"<rect class="place" x="2" y="{top:.1}" width="{width:.1}" height="{height:.1}" rx="4"/>"#
        );
        self.y += 8.0;
    }

    fn cores(&mut self, cores: &[&Core], threads: u64) {
        let topology = &self.node.facts.topology;
        let bound = |core: &Core, loose: bool| {
            let sets = self.node.ranks.iter().filter_map(|bound| bound.cpus.as_ref());
            sets.filter(|cpus| (topology.nodes_of(cpus).len() > 1) == loose).any(|cpus| cpus.meets(&core.cpus))
        };
        for (index, core) in cores.iter().enumerate() {
            let (x, y) = (MARGIN + CORE * (index % PER_LINE) as f64, self.y + CORE * (index / PER_LINE) as f64);
            // an engine binds its threads to the first cores of its NUMA node
            let of_engine = (index as u64) < threads;
            let class = match (bound(core, false) || of_engine, bound(core, true)) {
                (true, _) => "core used",
                (false, true) if self.node.wrong.contains("ranks") => "core bad",
                (false, true) => "core free",
                _ => "core",
            };
            let size = CORE - 3.0;
            let _ = write!(
                self.svg,
                r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{size:.1}" height="{size:.1}"/>"#
            );
        }
        self.y += CORE * cores.len().div_ceil(PER_LINE) as f64 + 4.0;
    }

    /// The links, NVMe devices and engines of a NUMA node; of `None` those that nobody knows a place of.
    fn devices(&mut self, numa: Option<u32>) {
        let (node, mut chips) = (self.node, Vec::<(String, bool)>::new());
        let wrong = |names: &[&str]| names.iter().any(|name| node.wrong.contains(name));
        for engine in node.engines.iter().filter(|engine| engine.numa == numa) {
            let interface = engine.interface.as_deref().unwrap_or_default();
            chips.push((format!("{} ({interface})", engine.name), wrong(&[&engine.name])));
        }
        for link in links(node.facts).into_iter().filter(|link| link.numa == numa) {
            let rate = link.bytes_per_s.map(|rate| format!(" {:.0} Gb/s", rate * 8.0 / 1e9)).unwrap_or_default();
            let interface = node.facts.network.interface(&link.name);
            let slot = interface.and_then(|interface| interface.pci.as_deref()).unwrap_or_default();
            chips.push((format!("{}{rate}", link.name), wrong(&[&link.name, slot])));
        }
        // a topology file does not say which links are up, and a configuration names some
        let named = |name: &str| node.engines.iter().any(|engine| engine.interface.as_deref() == Some(name));
        let drawn: Vec<String> = links(node.facts).into_iter().map(|link| link.name).collect();
        let told = |name: &str| node.facts.origin == Origin::Topology || named(name);
        let others =
            node.facts.network.interfaces.iter().filter(|interface| interface.physical && interface.numa == numa);
        for interface in others.filter(|interface| told(&interface.name) && !drawn.contains(&interface.name)) {
            let slot = interface.pci.as_deref().unwrap_or_default();
            chips.push((interface.name.clone(), wrong(&[&interface.name, slot])));
        }
        let devices = node.engines.iter().flat_map(|engine| &engine.devices);
        for (address, _) in devices.filter(|(_, at)| *at == numa) {
            chips.push((format!("NVMe {address}"), wrong(&[address])));
        }
        for device in node.facts.pci.iter().filter(|device| device.numa == numa) {
            let bad = wrong(&[&device.address]);
            match device.kind {
                DeviceKind::Nvme => chips.push((format!("NVMe {}", device.address), bad)),
                // a network device without a link in use is drawn where something is wrong with it
                DeviceKind::Network if bad => chips.push((format!("network {}", device.address), bad)),
                DeviceKind::Network => {}
            }
        }
        chips.retain(|(name, _)| self.placed.insert(name.clone()));
        let mut x = MARGIN;
        for (index, (name, bad)) in chips.iter().enumerate() {
            let shown = if *bad { format!("! {name}") } else { name.clone() };
            // on a phone letters grow against the picture, and those of a mistake are bold
            let letter = if *bad { 8.8 } else { 8.0 };
            let width = letter * shown.chars().count() as f64 + 14.0;
            if x + width > WIDTH - MARGIN && x > MARGIN {
                x = MARGIN;
                self.y += LINE;
            } else if index == 0 {
                self.y += 2.0;
            }
            let class = if *bad { "chip bad" } else { "chip" };
            let _ = write!(
                self.svg,
                r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="{width:.1}" height="20" rx="3"/>"#,
                self.y
            );
            self.text(x + 7.0, self.y + 14.5, &shown, *bad);
            x += width + 6.0;
        }
        if !chips.is_empty() {
            self.y += LINE + 2.0;
        }
    }

    /// What no NUMA node has.
    fn rest(&mut self) {
        if self.node.facts.topology.numa.len() > PLACES {
            let more = self.node.facts.topology.numa.len() - PLACES;
            self.y += LINE - 6.0;
            self.text(MARGIN, self.y, &format!("and {more} NUMA nodes more"), false);
            self.y += 6.0;
        }
        let before = self.svg.len();
        let top = self.y;
        self.y += LINE - 6.0;
        let title_at = self.y;
        self.y += 6.0;
        let filled = self.svg.len();
        self.devices(None);
        if self.svg.len() == filled {
            (self.y, self.svg) = (top, self.svg[..before].to_owned());
        } else {
            self.text(MARGIN, title_at, "at a place that is not known", false);
        }
    }

    fn text(&mut self, x: f64, y: f64, text: &str, bad: bool) {
        if bad {
            let text = svg::escape(text);
            let _ = write!(self.svg, r#"<text class="bad" x="{x:.1}" y="{y:.1}">{text}</text>"#);
        } else {
            svg::label(&mut self.svg, x, y, "start", text);
        }
    }
}
