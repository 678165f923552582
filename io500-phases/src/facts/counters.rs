//! What a node counts while it runs: retransmissions, errors of links, time that a hypervisor or others took, throttling. Read before and
//! after a phase, the difference says what happened meanwhile.

use super::root::Root;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Errors that a port of InfiniBand or RoCE counts: below `counters`, and below `hw_counters` of the drivers that have them.
const PORT_ERRORS: [&str; 8] = [
    "counters/symbol_error",
    "counters/link_error_recovery",
    "counters/link_downed",
    "counters/port_rcv_errors",
    "counters/local_link_integrity_errors",
    "counters/excessive_buffer_overrun_errors",
    "hw_counters/local_ack_timeout_err",
    "hw_counters/packet_seq_err",
];
/// Errors that an interface counts.
const INTERFACE_ERRORS: [&str; 2] = ["statistics/rx_errors", "statistics/tx_errors"];
/// The most ports, interfaces and CPUs that are looked at.
const MOST: usize = 1024;

/// The counters of a node. What the kernel does not have is `None` or not there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// TCP segments sent, and sent once more.
    pub tcp: Option<(u64, u64)>,
    /// Errors of links, by link and kind: `mlx5_0/1 symbol_error`.
    pub link_errors: BTreeMap<String, u64>,
    /// Ticks of all CPUs: in all, in programs and the kernel on their behalf, and taken by a hypervisor.
    pub cpu: Option<(u64, u64, u64)>,
    /// How often a core was slowed down because it was too hot.
    pub throttles: Option<u64>,
    /// Switches from one task to another.
    pub context_switches: Option<u64>,
}

/// What one rank used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankUse {
    /// Ticks of CPU time, all its threads.
    pub ticks: u64,
    /// How often its main thread was put aside though it had more to do.
    pub preemptions: u64,
}

impl Counters {
    /// Reads them: some dozens of small files, and one for each CPU where the kernel counts throttling.
    pub fn read(root: &Root) -> Counters {
        let (cpu, context_switches) = stat(root).unwrap_or_default();
        Counters { tcp: tcp(root), link_errors: link_errors(root), cpu, throttles: throttles(root), context_switches }
    }

    /// What was counted since `before`. A counter that is smaller was set back, and counts from there.
    pub fn since(&self, before: &Counters) -> Counters {
        let less = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
        let one = |now: Option<u64>, then: Option<u64>| now.zip(then).map(|(now, then)| less(now, then));
        let errors = self.link_errors.iter().filter_map(|(name, &now)| {
            let moved = less(now, *before.link_errors.get(name)?);
            (moved > 0).then(|| (name.clone(), moved))
        });
        Counters {
            tcp: self.tcp.zip(before.tcp).map(|(now, then)| (less(now.0, then.0), less(now.1, then.1))),
            link_errors: errors.collect(),
            cpu: self
                .cpu
                .zip(before.cpu)
                .map(|(now, then)| (less(now.0, then.0), less(now.1, then.1), less(now.2, then.2))),
            throttles: one(self.throttles, before.throttles),
            context_switches: one(self.context_switches, before.context_switches),
        }
    }
}

impl RankUse {
    /// The calling process.
    pub fn own() -> RankUse {
        let root = Root::live();
        let status = root.read("/proc/self/status").unwrap_or_default();
        let preemptions = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
        RankUse {
            ticks: root.read("/proc/self/stat").as_deref().and_then(ticks).unwrap_or(0),
            preemptions: preemptions.and_then(|count| count.trim().parse().ok()).unwrap_or(0),
        }
    }

    /// What was used since `before`.
    pub fn since(self, before: RankUse) -> RankUse {
        RankUse {
            ticks: self.ticks.saturating_sub(before.ticks),
            preemptions: self.preemptions.saturating_sub(before.preemptions),
        }
    }
}

/// User and system time of `/proc/PID/stat`, whose second field may hold anything, spaces too.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()?.saturating_add(fields.next()?.parse().ok()?))
}

/// TCP segments sent, and sent once more.
pub(super) fn tcp(root: &Root) -> Option<(u64, u64)> {
    // what the other protocols count is nobody's business
    let text = root.read_only("/proc/net/snmp", |text| {
        text.lines().filter(|line| line.starts_with("Tcp: ")).collect::<Vec<_>>().join("\n")
    })?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |wanted: &str| {
        let mut pairs = names.split(' ').zip(values.split(' '));
        pairs.find(|(name, _)| *name == wanted)?.1.parse().ok()
    };
    Some((value("OutSegs")?, value("RetransSegs")?))
}

fn link_errors(root: &Root) -> BTreeMap<String, u64> {
    let mut errors = BTreeMap::new();
    let mut take = |link: &str, dir: &str, files: &[&str]| {
        for file in files {
            if let Some(count) = root.number(&format!("{dir}/{file}")) {
                errors.insert(format!("{link} {}", file.rsplit('/').next().unwrap_or(file)), count);
            }
        }
    };
    for device in root.names("/sys/class/infiniband").iter().take(MOST) {
        for port in root.names(&format!("/sys/class/infiniband/{device}/ports")).iter().take(MOST) {
            take(&format!("{device}/{port}"), &format!("/sys/class/infiniband/{device}/ports/{port}"), &PORT_ERRORS);
        }
    }
    for name in root.names("/sys/class/net").iter().take(MOST) {
        let dir = format!("/sys/class/net/{name}");
        if !root.names(&format!("{dir}/device")).is_empty() {
            take(name, &dir, &INTERFACE_ERRORS);
        }
    }
    errors
}

/// The CPUs' ticks, and the context switches.
#[allow(clippy::type_complexity)]
fn stat(root: &Root) -> Option<(Option<(u64, u64, u64)>, Option<u64>)> {
    let text = root.read("/proc/stat")?;
    let cpu = text.lines().next().and_then(|line| {
        let ticks = line.strip_prefix("cpu ")?.split_whitespace().map(|ticks| ticks.parse::<u64>().ok());
        let ticks = ticks.collect::<Option<Vec<u64>>>()?;
        // user nice system idle iowait irq softirq steal; what guests use is in user
        let [user, nice, system, .., steal] = *ticks.get(..8)? else { return None };
        let sum = |of: &[u64]| of.iter().fold(0_u64, |sum, ticks| sum.saturating_add(*ticks));
        Some((sum(&ticks[..8]), sum(&[user, nice, system]), steal))
    });
    let switches = text.lines().find_map(|line| line.strip_prefix("ctxt "));
    Some((cpu, switches.and_then(|count| count.trim().parse().ok())))
}

fn throttles(root: &Root) -> Option<u64> {
    let dir = "/sys/devices/system/cpu";
    let names = root.names(dir);
    let cpus = names.iter().filter(|name| name.strip_prefix("cpu").is_some_and(|n| n.parse::<u32>().is_ok()));
    let counts =
        cpus.take(MOST).map_while(|cpu| root.number(&format!("{dir}/{cpu}/thermal_throttle/core_throttle_count")));
    counts.fold(None, |sum: Option<u64>, count: u64| Some(sum.unwrap_or(0).saturating_add(count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Tree;

    fn read(change: impl Fn(&mut Tree)) -> Counters {
        let mut tree = Tree::default();
        for (path, text) in [
            (
                "proc/net/snmp",
                "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm InSegs OutSegs RetransSegs\nTcp: 1 900 1000 3",
            ),
            ("proc/stat", "cpu  100 10 50 800 5 1 4 30 0 0\ncpu0 1 2 3\nctxt 5000\nbtime 1"),
            ("sys/class/infiniband/mlx5_0/ports/1/counters/symbol_error", "7"),
            ("sys/class/infiniband/mlx5_0/ports/1/hw_counters/packet_seq_err", "2"),
            ("sys/class/net/eth0/device/uevent", "DRIVER=mlx5_core"),
            ("sys/class/net/eth0/statistics/rx_errors", "1"),
            ("sys/class/net/lo/statistics/rx_errors", "1"),
            ("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "4"),
            ("sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "5"),
        ] {
            tree.file(path, text);
        }
        change(&mut tree);
        Counters::read(&Root::tree(tree))
    }

    #[test]
    fn counters_are_read_and_what_moved_is_told() {
        let before = read(|_| {});
        assert_eq!((before.tcp, before.throttles, before.context_switches), (Some((1000, 3)), Some(9), Some(5000)));
        assert_eq!(before.cpu, Some((1000, 160, 30)));
        let names: Vec<&str> = before.link_errors.keys().map(String::as_str).collect();
        assert_eq!(names, ["eth0 rx_errors", "mlx5_0/1 packet_seq_err", "mlx5_0/1 symbol_error"]);
        let after = read(|tree| {
            tree.file("sys/class/infiniband/mlx5_0/ports/1/counters/symbol_error", "9");
            tree.file("sys/class/net/eth0/statistics/rx_errors", "0");
            tree.file("proc/stat", "cpu  200 10 50 1700 5 1 4 130 0 0\nctxt 6000");
        });
        let moved = after.since(&before);
        assert_eq!(moved.link_errors, BTreeMap::from([("mlx5_0/1 symbol_error".to_owned(), 2)]));
        assert_eq!((moved.cpu, moved.context_switches, moved.tcp), (Some((1100, 100, 100)), Some(1000), Some((0, 0))));
        assert_eq!(before.since(&before), Counters { link_errors: BTreeMap::new(), ..before.since(&before) });
    }

    #[test]
    fn what_the_kernel_does_not_count_is_not_known() {
        let none = Counters::read(&Root::tree(Tree::default()));
        assert_eq!(none, Counters::default());
        assert_eq!(none.since(&read(|_| {})), Counters::default());
        let odd = read(|tree| {
            tree.file("proc/stat", "cpu x");
            tree.file("proc/net/snmp", "Tcp: a\n");
        });
        assert_eq!((odd.cpu, odd.tcp), (None, None));
    }

    #[test]
    fn a_rank_knows_what_it_used() {
        assert_eq!(ticks("4711 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0"), Some(300));
        assert_eq!(ticks("nonsense"), None);
        let begun = std::time::Instant::now();
        let before = RankUse::own();
        while begun.elapsed().as_millis() < 60 {
            std::hint::black_box(begun);
        }
        assert!(RankUse::own().since(before).ticks >= 1);
    }
}
