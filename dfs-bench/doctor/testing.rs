//! Machines for tests: a small `sys` and `proc` in memory, in order until a test changes one thing.

use super::audit;
use super::rule::{JobFacts, PhaseClasses, Store, View};
use super::server::{Engine, ScannedDevice, ServerConfig, StorageScan, Tier};
use super::table::Line;
use io500_phases::backend::{AttachState, Description, EngineAddress, PoolState, Space};
use io500_phases::facts::{CpuSet, NodeFacts, Origin, RankFacts, Root, Tree};

/// A rule with a machine where it fires and one where it is silent.
pub struct Case {
    pub rule: &'static str,
    pub machine: fn() -> Machine,
    pub fires: fn(&mut Machine),
    pub silent: fn(&mut Machine),
    /// Other rules that the same mistake breaks.
    pub with: &'static [&'static str],
    /// It fires by the configuration or the environment alone.
    pub needs_no_node: bool,
}

type Change = fn(&mut Machine);

impl Case {
    /// A rule about a client's node.
    pub fn client(rule: &'static str, fires: Change, silent: Change) -> Case {
        Case { rule, machine: Machine::client, fires, silent, with: &[], needs_no_node: false }
    }

    /// A rule about what the ranks of a client's node have in their environment, or what the job finds out.
    pub fn job(rule: &'static str, fires: Change, silent: Change) -> Case {
        Case { needs_no_node: true, ..Case::client(rule, fires, silent) }
    }

    /// A rule about a server.
    pub fn server(rule: &'static str, fires: Change, silent: Change) -> Case {
        Case { machine: Machine::server, ..Case::client(rule, fires, silent) }
    }

    /// A rule about a pool and its container.
    pub fn store(rule: &'static str, fires: Change, silent: Change) -> Case {
        Case { machine: Machine::with_pool, ..Case::job(rule, fires, silent) }
    }
}

/// A machine with two sockets of 24 cores, a link and two NVMe devices at each.
#[derive(Clone)]
pub struct Machine {
    pub tree: Tree,
    pub ranks: Vec<RankFacts>,
    pub server: Option<ServerConfig>,
    pub scan: Option<StorageScan>,
    pub client: bool,
    pub store: Option<Store>,
    pub job: JobFacts,
    pub live: bool,
}

/// A machine whose facts have been read.
pub struct Known {
    pub node: NodeFacts,
    machine: Machine,
}

impl Known {
    pub fn view(&self) -> View<'_> {
        let Machine { ranks, server, scan, client, store, job, .. } = &self.machine;
        View {
            node: &self.node,
            ranks,
            client: *client,
            server: server.as_ref(),
            scan: scan.as_ref(),
            store: store.as_ref(),
            job,
        }
    }
}

impl Machine {
    fn new() -> Machine {
        let mut machine = Machine {
            tree: Tree::default(),
            ranks: Vec::new(),
            server: None,
            scan: None,
            client: false,
            store: None,
            job: JobFacts::default(),
            live: false,
        };
        let m = &mut machine;
        for cpu in 0..48 {
            let dir = format!("sys/devices/system/cpu/cpu{cpu}");
            m.file(&format!("{dir}/topology/physical_package_id"), &(cpu / 24).to_string());
            m.file(&format!("{dir}/topology/thread_siblings_list"), &cpu.to_string());
            m.file(&format!("{dir}/cpufreq/scaling_governor"), "performance");
        }
        for (node, cpus) in [(0, "0-23"), (1, "24-47")] {
            m.file(&format!("sys/devices/system/node/node{node}/cpulist"), cpus);
            m.file(
                &format!("sys/devices/system/node/node{node}/meminfo"),
                &format!("Node {node} MemTotal: 100663296 kB"),
            );
            m.hugepages(node, 8192);
            let (slot, ib, mlx) = (["0000:18:00.0", "0000:af:00.0"][node], format!("ib{node}"), format!("mlx5_{node}"));
            m.device(slot, "0x020700", node, "mlx5_core");
            m.interrupts(slot, &[["2", "3"], ["26", "27"]][node]);
            for (file, value) in [("operstate", "up"), ("speed", "100000"), ("mtu", "4092")] {
                m.file(&format!("sys/class/net/{ib}/{file}"), value);
            }
            m.file(&format!("sys/class/net/{ib}/device/uevent"), &format!("DRIVER=mlx5_core\nPCI_SLOT_NAME={slot}"));
            m.file(&format!("sys/class/net/{ib}/device/numa_node"), &node.to_string());
            m.port(&mlx, "4: ACTIVE", "5: LinkUp");
            m.file(&format!("sys/class/infiniband/{mlx}/device/numa_node"), &node.to_string());
            for device in [["0000:5e:00.0", "0000:5f:00.0"], ["0000:d8:00.0", "0000:d9:00.0"]][node] {
                m.device(device, "0x010802", node, "vfio-pci");
            }
        }
        m.idle_state("POLL", 0, false);
        m.idle_state("C1", 2, false);
        m.meminfo(0, 0);
        m.tree.dir("sys/kernel/iommu_groups/7");
        for (path, text) in [
            ("sys/devices/system/cpu/isolated", ""),
            ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc"),
            ("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]"),
            ("sys/fs/cgroup/job/cpu.max", "max 100000"),
            ("proc/self/cgroup", "0::/job"),
            ("proc/loadavg", "0.50 0.40 0.30 1/800 4711"),
            ("proc/stat", "cpu 100 0 100 9800 0 0 0 0 0 0\ncpu0 2 0 2 200 0 0 0 0 0 0"),
            ("proc/mounts", "/dev/sda1 / ext4 rw 0 0"),
            ("proc/net/snmp", "Tcp: OutSegs RetransSegs\nTcp: 2000000 10"),
            (
                "proc/net/route",
                "Iface Destination Gateway\nib0 0001000A 00000000 0001 0 0 0 00FFFFFF\nib1 0002000A 00000000 0001 0 0 0 00FFFFFF",
            ),
            ("proc/sys/kernel/hostname", "node1"),
            ("proc/sys/kernel/osrelease", "6.1.0"),
            ("proc/sys/kernel/numa_balancing", "0"),
            ("proc/sys/net/core/rmem_default", "1048576"),
            ("proc/sys/net/core/rmem_max", "1048576"),
            ("proc/sys/net/ipv4/tcp_congestion_control", "cubic"),
            ("proc/sys/net/ipv4/conf/ib0/accept_local", "0"),
            ("proc/sys/net/ipv4/conf/ib0/arp_ignore", "0"),
            ("proc/sys/net/ipv4/conf/ib0/rp_filter", "0"),
            ("proc/sys/net/ipv4/conf/ib1/accept_local", "0"),
            ("proc/sys/net/ipv4/conf/ib1/arp_ignore", "0"),
            ("proc/sys/net/ipv4/conf/ib1/rp_filter", "0"),
            ("proc/sys/vm/max_map_count", "1000000"),
            ("proc/sys/vm/zone_reclaim_mode", "0"),
        ] {
            m.file(path, text);
        }
        machine
    }

    /// A client with a rank on each socket.
    pub fn client() -> Machine {
        let mut machine = Machine { client: true, ..Machine::new() };
        machine.bind(&["0-1", "24-25"]);
        machine
    }

    /// A client that is told of its pool: 32 targets of 2 engines, half of its space free.
    pub fn with_pool() -> Machine {
        let mut pool = PoolState::default();
        (pool.engines, pool.targets, pool.rebuild) = (2, 32, "idle".into());
        let space = Space { total: 1 << 40, free: 1 << 39 };
        let facts = [("pool", "tank"), ("container", "bench"), ("container redundancy factor", "0")];
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let engines =
            (0..2).map(|rank| EngineAddress { rank, uri: format!("ofi+verbs;ofi_rxm://10.0.0.{rank}:31416") });
        let attach = AttachState {
            system: "daos_server".into(),
            provider: "ofi+verbs;ofi_rxm".into(),
            engines: engines.collect(),
            management: vec![0],
        };
        let mut described = Description::new("DFS", "");
        (described.pool, described.space, described.facts) = (Some(pool), Some(space), facts);
        described.attach = Some(attach);
        let mut machine = Machine { store: Some(Store { described, asked: Vec::new() }), ..Machine::client() };
        machine.variable("DAOS_PIPELINE", "1");
        machine
    }

    pub fn described(&mut self) -> &mut Description {
        &mut self.store.as_mut().unwrap().described
    }

    pub fn pool(&mut self) -> &mut PoolState {
        self.described().pool.as_mut().unwrap()
    }

    pub fn space(&mut self) -> &mut Space {
        self.described().space.as_mut().unwrap()
    }

    /// A phase that asks for these classes of files and directories.
    pub fn asks(&mut self, phase: &'static str, file: &str, dir: &str) {
        let named = |class: &str| Some(class.to_owned()).filter(|class| !class.is_empty());
        let asked = PhaseClasses { phase, file: named(file), dir: named(dir), ..PhaseClasses::default() };
        self.store.as_mut().unwrap().asked.push(asked);
    }

    /// A server with an engine on each socket.
    pub fn server() -> Machine {
        let engine = |node: u32, devices: [&str; 2]| Engine {
            targets: 16,
            nr_xs_helpers: 4,
            pinned_numa_node: Some(node),
            fabric_iface: Some(format!("ib{node}")),
            fabric_iface_port: Some(31416 + 1000 * u64::from(node)),
            storage: vec![
                Tier { class: "ram".into(), ..Tier::default() },
                Tier { class: "nvme".into(), bdev_list: devices.map(str::to_owned).to_vec(), ..Tier::default() },
            ],
            ..Engine::default()
        };
        let engines = vec![engine(0, ["0000:5e:00.0", "0000:5f:00.0"]), engine(1, ["0000:d8:00.0", "0000:d9:00.0"])];
        let device = |numa, address: &str| {
            (address.to_owned(), ScannedDevice { numa: Some(numa), bytes: 1_600_000_000_000, warnings: Vec::new() })
        };
        let nodes = engines.iter().zip(0..);
        let devices = nodes
            .flat_map(|(engine, numa)| engine.nvme().map(move |address| device(numa, address)).collect::<Vec<_>>());
        let scan = StorageScan { devices: devices.collect() };
        let server = ServerConfig { provider: Some("ofi+verbs;ofi_rxm".into()), engines, ..ServerConfig::default() };
        Machine { server: Some(server), scan: Some(scan), ..Machine::new() }
    }

    pub fn known(&self) -> Known {
        let mut node = NodeFacts::read(&Root::tree(self.tree.clone()), "node1");
        if self.live {
            node.origin = Origin::Live;
        }
        Known { node, machine: self.clone() }
    }

    /// The same, of whose node nothing is known.
    pub fn blind(&self) -> Known {
        Known { node: NodeFacts::default(), machine: self.clone() }
    }

    /// What all rules find, and what they could not look at.
    pub fn audit(&self) -> (Vec<String>, Vec<String>) {
        let known = self.known();
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for line in audit::lines(&known.view()) {
            match line {
                Line::Finding { rule, found: one } => {
                    found.push(format!("{rule} {}: {}, not {}", one.device, one.found, one.expected));
                }
                Line::Unknown { what, rule } => unknown.push(format!("{rule}: {what}")),
                Line::Property { .. } => {}
            }
        }
        (found, unknown)
    }

    pub fn file(&mut self, path: &str, text: &str) {
        self.tree.file(path, format!("{text}\n"));
    }

    pub fn hugepages(&mut self, node: usize, pages: u64) {
        self.file(
            &format!("sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages"),
            &pages.to_string(),
        );
    }

    pub fn meminfo(&mut self, swap_total: u64, swap_free: u64) {
        let text = format!(
            "MemTotal: 201326592 kB\nMemAvailable: 190000000 kB\nSwapTotal: {swap_total} kB\nSwapFree: {swap_free} kB\nHugePages_Total: 16384\nHugepagesize: 2048 kB"
        );
        self.file("proc/meminfo", &text);
    }

    fn device(&mut self, address: &str, class: &str, numa: usize, driver: &str) {
        let dir = format!("sys/bus/pci/devices/{address}");
        for (file, value) in [
            ("class", class),
            ("numa_node", &numa.to_string()),
            ("uevent", &format!("DRIVER={driver}")),
            ("current_link_speed", "16.0 GT/s PCIe"),
            ("max_link_speed", "16.0 GT/s PCIe"),
            ("current_link_width", "16"),
            ("max_link_width", "16"),
        ] {
            self.file(&format!("{dir}/{file}"), value);
        }
    }

    pub fn interrupts(&mut self, address: &str, cpus: &[&str]) {
        for (number, cpus) in cpus.iter().enumerate() {
            let number = 100 + number + 100 * usize::from(address.contains("af"));
            self.file(&format!("sys/bus/pci/devices/{address}/msi_irqs/{number}"), "msix");
            self.file(&format!("proc/irq/{number}/effective_affinity_list"), cpus);
        }
    }

    pub fn port(&mut self, device: &str, state: &str, physical: &str) {
        let dir = format!("sys/class/infiniband/{device}/ports/1");
        for (file, value) in
            [("state", state), ("phys_state", physical), ("rate", "100 Gb/sec (4X EDR)"), ("link_layer", "InfiniBand")]
        {
            self.file(&format!("{dir}/{file}"), value);
        }
    }

    pub fn idle_state(&mut self, name: &str, latency_us: u64, disabled: bool) {
        let number = ["POLL", "C1", "C6"].iter().position(|known| *known == name).unwrap();
        let dir = format!("sys/devices/system/cpu/cpu0/cpuidle/state{number}");
        for (file, value) in
            [("name", name), ("latency", &latency_us.to_string()), ("disable", if disabled { "1" } else { "0" })]
        {
            self.file(&format!("{dir}/{file}"), value);
        }
    }

    pub fn no_iommu(&mut self) {
        self.tree.remove("sys/kernel/iommu_groups/7");
    }

    /// One rank for each list of CPUs.
    pub fn bind(&mut self, lists: &[&str]) {
        let rank = |(rank, list): (usize, &&str)| RankFacts {
            rank,
            cpus: CpuSet::parse(list),
            memlock: Some(u64::MAX),
            libdfs: "2.8.0".into(),
            ..RankFacts::default()
        };
        self.ranks = lists.iter().enumerate().map(rank).collect();
    }

    /// A variable in the environment of all ranks.
    pub fn variable(&mut self, name: &str, value: &str) {
        for rank in &mut self.ranks {
            rank.environment.push((name.into(), value.into()));
        }
    }

    pub fn config(&mut self) -> &mut ServerConfig {
        self.server.as_mut().unwrap()
    }

    pub fn engine(&mut self, number: usize) -> &mut Engine {
        &mut self.config().engines[number]
    }

    pub fn pin(&mut self, engine: usize, node: Option<u32>) {
        self.engine(engine).pinned_numa_node = node;
    }

    pub fn devices(&mut self, engine: usize, devices: &[&str]) {
        self.engine(engine).storage[1].bdev_list = devices.iter().map(|device| (*device).to_owned()).collect();
    }

    pub fn swap_devices(&mut self) {
        self.devices(0, &["0000:5e:00.0", "0000:d8:00.0"]);
        self.devices(1, &["0000:5f:00.0", "0000:d9:00.0"]);
    }

    pub fn few_targets(&mut self) {
        self.engine(0).targets = 6;
        self.engine(0).nr_xs_helpers = 2;
    }

    pub fn third_engine(&mut self) {
        let first = self.engine(0).clone();
        self.config().engines.push(first);
    }

    pub fn scm(&mut self, gib: u64) {
        self.engine(0).storage[0].scm_size = Some(gib);
    }

    pub fn warn_of(&mut self, device: &str, warning: &str) {
        self.scan.as_mut().unwrap().devices.get_mut(device).unwrap().warnings.push(warning.into());
    }
}
