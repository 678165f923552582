//! Processors as the kernel runs them: clock rates, sleep, isolation, load.

use super::cpus::CpuSet;
use super::root::Root;
use super::topology::Topology;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a node's CPUs are run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Processor {
    /// Its name.
    pub model: Option<String>,
    /// Who made it, as the processor itself says: `GenuineIntel`, `AuthenticAMD`; on ARM the implementer's number.
    #[serde(default)]
    pub vendor: Option<String>,
    /// Family, model and stepping, which tell the generation.
    #[serde(default)]
    pub generation: Option<[u32; 3]>,
    /// The clock that the maker promises, kHz.
    #[serde(default)]
    pub base_khz: Option<u64>,
    /// Frequency governors, with the CPUs that have them; empty where the kernel has no say.
    pub governors: BTreeMap<String, CpuSet>,
    /// Energy preferences, likewise.
    pub energy_preferences: BTreeMap<String, CpuSet>,
    /// What the first CPU may do when it has nothing to do.
    pub idle_states: Vec<IdleState>,
    /// CPUs that the scheduler leaves alone.
    pub isolated: Option<CpuSet>,
    /// CPUs without the scheduler's clock.
    pub nohz_full: Option<CpuSet>,
    /// The clock that `clock_gettime` reads.
    pub clock_source: Option<String>,
    /// The clocks that it could.
    pub clock_sources: Option<String>,
    /// Words of the kernel's command line that change how processors, memory and devices are run.
    pub boot: Option<Vec<String>>,
    /// How busy the node is.
    pub load: Option<Load>,
    /// CPU time that the control group may use: microseconds of a period of microseconds.
    pub quota: Option<(u64, u64)>,
}

/// A state of sleep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct IdleState {
    /// Its name.
    pub name: String,
    /// Microseconds until the CPU works again.
    pub latency_us: u64,
    /// Whether it is switched off.
    pub disabled: bool,
}

/// How busy a node is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Load {
    /// Tasks that ran or wanted to, mean of the last minute.
    pub last_minute: f64,
    /// Share of CPU time that a hypervisor gave to others, since the node started.
    pub stolen: f64,
}

/// The first parts of words on the kernel's command line that are worth knowing; all else stays where it is.
const BOOT: [&str; 14] = [
    "amd_iommu",
    "default_hugepagesz",
    "hugepages",
    "intel_idle",
    "intel_iommu",
    "intel_pstate",
    "iommu",
    "isolcpus",
    "mitigations",
    "nohz_full",
    "nosmt",
    "processor.max_cstate",
    "rcu_nocbs",
    "transparent_hugepage",
];

/// The lines of `/proc/cpuinfo` that are kept, of the first CPU.
const CPUINFO: [&str; 7] = ["model name", "cpu", "vendor_id", "CPU implementer", "cpu family", "model", "stepping"];

impl Processor {
    pub(super) fn read(root: &Root, topology: &Topology) -> Processor {
        let cpu = "/sys/devices/system/cpu";
        let per_cpu = |file: &str| {
            let mut values = BTreeMap::<String, CpuSet>::new();
            for number in topology.cpus().iter() {
                if let Some(value) = root.read(&format!("{cpu}/cpu{number}/{file}")) {
                    values.entry(value).or_default().extend(&CpuSet::from_iter([number]));
                }
            }
            values
        };
        let set = |name: &str| root.read(&format!("{cpu}/{name}")).and_then(|list| CpuSet::parse(&list));
        let clock = |name: &str| root.read(&format!("/sys/devices/system/clocksource/clocksource0/{name}"));
        let cpuinfo = root.read_only("/proc/cpuinfo", |text| {
            let first =
                |name: &&str| text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == *name));
            CPUINFO.iter().filter_map(first).collect::<Vec<_>>().join("\n")
        });
        let of_cpuinfo = |name: &str| {
            let lines = cpuinfo.as_deref().unwrap_or_default().lines();
            let mut pairs = lines.filter_map(|line| line.split_once(':'));
            pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
        };
        let number = |name: &str| of_cpuinfo(name).and_then(|value| value.parse().ok());
        let boot = root.read_only("/proc/cmdline", |text| {
            let known = |word: &&str| BOOT.iter().any(|start| word.split(['=', '.']).next() == start.split('.').next());
            text.split_whitespace().filter(known).collect::<Vec<_>>().join(" ")
        });
        Processor {
            model: of_cpuinfo("model name").or_else(|| of_cpuinfo("cpu")),
            vendor: of_cpuinfo("vendor_id").or_else(|| of_cpuinfo("CPU implementer")),
            generation: (|| Some([number("cpu family")?, number("model")?, number("stepping")?]))(),
            base_khz: root.number(&format!("{cpu}/cpu0/cpufreq/base_frequency")),
            governors: per_cpu("cpufreq/scaling_governor"),
            energy_preferences: per_cpu("cpufreq/energy_performance_preference"),
            idle_states: idle_states(root, &format!("{cpu}/cpu0/cpuidle")),
            isolated: set("isolated"),
            nohz_full: set("nohz_full"),
            clock_source: clock("current_clocksource"),
            clock_sources: clock("available_clocksource"),
            boot: boot.map(|words| words.split_whitespace().map(str::to_owned).collect()),
            load: load(root),
            quota: quota(root),
        }
    }
}

fn idle_states(root: &Root, dir: &str) -> Vec<IdleState> {
    let state = |name: &String| {
        let file = |file: &str| root.read(&format!("{dir}/{name}/{file}"));
        let latency_us = file("latency")?.parse().ok()?;
        Some(IdleState { name: file("name")?, latency_us, disabled: file("disable").is_some_and(|word| word != "0") })
    };
    root.names(dir).iter().filter(|name| name.starts_with("state")).filter_map(state).collect()
}

fn load(root: &Root) -> Option<Load> {
    let last_minute = root.read("/proc/loadavg")?.split_whitespace().next()?.parse().ok()?;
    // the rest of the file is long and tells when the node was started
    let line = root.read_only("/proc/stat", |text| text.lines().next().unwrap_or_default().to_owned())?;
    let times: Vec<f64> = line.strip_prefix("cpu ")?.split_whitespace().filter_map(|time| time.parse().ok()).collect();
    let total: f64 = times.iter().take(8).sum();
    Some(Load { last_minute, stolen: times.get(7).filter(|_| total > 0.0).map_or(0.0, |stolen| stolen / total) })
}

/// What the control group of this process may use, the tightest on the way up.
fn quota(root: &Root) -> Option<(u64, u64)> {
    let groups = root.read("/proc/self/cgroup")?;
    let mut path = groups.lines().find_map(|line| line.strip_prefix("0::"))?.trim_end_matches('/').to_owned();
    let mut tightest: Option<(u64, u64)> = None;
    loop {
        let limit = root.read(&format!("/sys/fs/cgroup{path}/cpu.max")).and_then(|limit| {
            let (quota, period) = limit.split_once(' ')?;
            Some((quota.parse::<u64>().ok()?, period.parse::<u64>().ok().filter(|&period| period > 0)?))
        });
        let share = |&(quota, period): &(u64, u64)| quota as f64 / period as f64;
        tightest = tightest.into_iter().chain(limit).min_by(|a, b| share(a).total_cmp(&share(b)));
        let Some((above, _)) = path.rsplit_once('/') else { return tightest };
        path = above.to_owned();
    }
}
