//! Processors: clock rates, sleep, isolation, clocks, and who else is there.

use super::super::rule::{Outcome, Rule, Severity, Side, View};
use io500_phases::facts::{CpuSet, Origin};
use std::collections::BTreeMap;

pub const RULES: &[Rule] = &[
    Rule {
        id: "cpu.governor",
        severity: Severity::Hint,
        side: Side::Both,
        why: "a CPU that saves power begins each burst slowly and takes 10 ms and more to reach its rate; small operations are over by then",
        mend: "cpupower frequency-set -g performance; for good: tuned-adm profile latency-performance",
        source: "Linux, Documentation/admin-guide/pm/cpufreq.rst, Generic Scaling Governors; tuned, profiles/latency-performance/tuned.conf: governor=performance",
        look: governor,
    },
    Rule {
        id: "cpu.energy-preference",
        severity: Severity::Hint,
        side: Side::Both,
        why: "the processor itself chooses its rate by this preference: below performance it waits some milliseconds before it goes up",
        mend: "cpupower set --epp performance (or x86_energy_perf_policy performance); for good: tuned-adm profile latency-performance",
        source: "Linux, Documentation/admin-guide/pm/intel_pstate.rst, Energy vs Performance Hints",
        look: energy_preference,
    },
    Rule {
        id: "cpu.idle-states",
        severity: Severity::Hint,
        side: Side::Both,
        why: "a wake-up from a deep sleep costs tens of microseconds, about as much as a metadata operation over RDMA",
        mend: "cpupower idle-set -D 20; for good: tuned-adm profile latency-performance, or processor.max_cstate=1 intel_idle.max_cstate=1 on the kernel's command line",
        source: "Linux, Documentation/admin-guide/pm/cpuidle.rst, on exit latency; tuned, profiles/latency-performance/tuned.conf: force_latency of 3 µs",
        look: idle_states,
    },
    Rule {
        id: "cpu.isolated",
        severity: Severity::Finding,
        side: Side::Client,
        why: "the scheduler never moves a task from an isolated CPU to another: ranks that are put there by accident share one while the others are idle",
        mend: "bind the ranks to other CPUs (mpirun --cpu-set, srun --cpu-bind=map_cpu:…), or take {device} out of isolcpus= on the kernel's command line",
        source: "Linux, Documentation/admin-guide/kernel-parameters.txt, isolcpus: the only way to move a process onto or off an isolated CPU is by its affinity",
        look: isolated,
    },
    Rule {
        id: "cpu.clock-source",
        severity: Severity::Finding,
        side: Side::Both,
        why: "this clock is read by a device access of about a microsecond instead of 20 ns, and every operation is timed",
        mend: "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource; for good: tsc=reliable on the kernel's command line, if the kernel's log does not say that the TSC is unstable",
        source: "Linux, Documentation/timers/timekeeping.rst, Clock sources; the tuning notes of this project",
        look: clock_source,
    },
    Rule {
        id: "cpu.steal",
        severity: Severity::Finding,
        side: Side::Both,
        why: "the hypervisor gives this share of the CPU time to other machines: every rate contains their work",
        mend: "dedicated hosts or pinned virtual CPUs, by whoever runs the hypervisor; then measure again",
        source: "Linux, Documentation/filesystems/proc.rst, /proc/stat, steal",
        look: steal,
    },
    Rule {
        id: "cpu.load",
        severity: Severity::Hint,
        side: Side::Client,
        why: "other work runs on this node: it takes its share of cores and links for as long as it runs",
        mend: "top -o %CPU shows who; srun --exclusive, or wait until the node is free",
        source: "Linux, Documentation/filesystems/proc.rst, /proc/loadavg; the rules of IO500 want dedicated clients",
        look: load,
    },
    Rule {
        id: "cpu.quota",
        severity: Severity::Finding,
        side: Side::Client,
        why: "a control group that has used its share is halted for the rest of the period, up to 100 ms at a time, all its ranks at once",
        mend: "start the container or service without a CPU limit (docker --cpus, Kubernetes limits.cpu, systemd CPUQuota=)",
        source: "Linux, Documentation/admin-guide/cgroup-v2.rst, cpu.max",
        look: quota,
    },
];

/// The CPUs that have another value than the wanted one.
fn others<'a>(values: &'a BTreeMap<String, CpuSet>, wanted: &str) -> impl Iterator<Item = (&'a String, &'a CpuSet)> {
    values.iter().filter(move |(value, _)| *value != wanted)
}

fn governor(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let governors = &view.node.processor.governors;
    outcome.known((!governors.is_empty()).then_some(()), "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")?;
    for (value, cpus) in others(governors, "performance") {
        outcome.found(format!("CPUs {cpus}"), value, "performance");
    }
    Some(())
}

fn energy_preference(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    // only processors that choose for themselves have it; where it is missing there is nothing to set
    for (value, cpus) in others(&view.node.processor.energy_preferences, "performance") {
        outcome.found(format!("CPUs {cpus}"), value, "performance");
    }
    Some(())
}

fn idle_states(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let states = &view.node.processor.idle_states;
    outcome.known((!states.is_empty()).then_some(()), "/sys/devices/system/cpu/cpu0/cpuidle")?;
    let deep = states.iter().filter(|state| !state.disabled && state.latency_us >= 20);
    if let Some(deepest) = deep.max_by_key(|state| state.latency_us) {
        let found = format!("{} of {} µs is allowed", deepest.name, deepest.latency_us);
        outcome.found("CPUs", found, "no state of 20 µs and more");
    }
    Some(())
}

fn isolated(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    if view.ranks.is_empty() {
        return None;
    }
    let isolated = outcome.known(view.node.processor.isolated.as_ref(), "/sys/devices/system/cpu/isolated")?;
    let cpus: Vec<&CpuSet> = view.ranks.iter().filter_map(|rank| rank.cpus.as_ref()).collect();
    let on = cpus.iter().filter(|cpus| cpus.meets(isolated)).count();
    if on > 0 {
        let found = format!("{on} of {} ranks may run there", view.ranks.len());
        outcome.found(format!("isolated CPUs {isolated}"), found, "no rank on an isolated CPU");
    }
    Some(())
}

fn clock_source(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let source = view.node.processor.clock_source.as_ref();
    let source = outcome.known(source, "/sys/devices/system/clocksource/clocksource0/current_clocksource")?;
    if ["hpet", "acpi_pm", "jiffies"].contains(&source.as_str()) {
        outcome.found("clock source", source, "tsc");
    }
    Some(())
}

fn steal(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let load = outcome.known(view.node.processor.load, "/proc/stat")?;
    if load.stolen > 0.01 {
        outcome.found("CPU time", format!("{:.1} % stolen since the node started", load.stolen * 100.0), "below 1 %");
    }
    Some(())
}

fn load(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    // a snapshot was taken at another time
    if view.node.origin != Origin::Live {
        return None;
    }
    let load = outcome.known(view.node.processor.load, "/proc/loadavg")?;
    // the ranks themselves are part of it, and a node is never quite idle
    let expected = view.ranks.len() as f64 + (view.node.topology.cores.len() as f64 * 0.05).max(1.0);
    if load.last_minute > expected {
        outcome.found("load", format!("{:.0}", load.last_minute), format!("at most {expected:.0}"));
    }
    Some(())
}

fn quota(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let (quota, period) = view.node.processor.quota?;
    let (allowed, cpus) = (quota as f64 / period as f64, view.node.topology.cpus().len());
    if allowed < cpus as f64 {
        outcome.found("control group", format!("{allowed:.1} of {cpus} CPUs"), "no limit");
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::Case;

    pub fn cases() -> Vec<Case> {
        vec![
            Case::client(
                "cpu.governor",
                |m| m.file("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave"),
                |_| {},
            ),
            Case::client(
                "cpu.energy-preference",
                |m| m.file("sys/devices/system/cpu/cpu3/cpufreq/energy_performance_preference", "balance_performance"),
                |m| m.file("sys/devices/system/cpu/cpu3/cpufreq/energy_performance_preference", "performance"),
            ),
            Case::client("cpu.idle-states", |m| m.idle_state("C6", 133, false), |m| m.idle_state("C6", 133, true)),
            Case::client(
                "cpu.isolated",
                |m| m.file("sys/devices/system/cpu/isolated", "24-31"),
                |m| m.file("sys/devices/system/cpu/isolated", "40-47"),
            ),
            Case::client(
                "cpu.clock-source",
                |m| m.file("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet"),
                |_| {},
            ),
            Case::client(
                "cpu.steal",
                |m| m.file("proc/stat", "cpu 100 0 100 700 0 0 0 100 0 0"),
                |m| m.file("proc/stat", "cpu 100 0 100 700 0 0 0 1 0 0"),
            ),
            Case::client(
                "cpu.load",
                |m| {
                    m.live = true;
                    m.file("proc/loadavg", "30.00 8.00 2.00 9/800 4711");
                },
                |m| m.file("proc/loadavg", "30.00 8.00 2.00 9/800 4711"),
            ),
            Case::client(
                "cpu.quota",
                |m| m.file("sys/fs/cgroup/job/cpu.max", "400000 100000"),
                |m| m.file("sys/fs/cgroup/job/cpu.max", "max 100000"),
            ),
        ]
    }
}
