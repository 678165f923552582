//! A made-up run with everything that a report can show, for tests.

use super::model::*;
use crate::report::derive::derive;
use io500_phases::facts::{CpuSet, NodeFacts, Root, Tree};
use io500_phases::phase_id::{Kind, PhaseId, ScoreGroup};
use io500_phases::results::{Audit, AuditFinding, BoundRanks, EnginePlace, Limit, Machine, PhaseRoof, score};
use std::path::PathBuf;

/// A run of 64 ranks on 4 nodes with latencies and time series, in which rank 42 is slow.
pub fn run(label: &str) -> Run {
    let mut phases: Vec<Phase> = PhaseId::ALL
        .into_iter()
        .filter(|id| id.in_standard() && id.kind() != Kind::Timestamp)
        .enumerate()
        .map(|(index, id)| phase(id, index))
        .collect();
    phases[2].valid = false;
    phases[2].reasons.push("Runtime of phase <0.5> is below stonewall time & more".to_owned());
    let rates: Vec<_> = phases.iter().map(|phase| (phase.id, phase.rate)).collect();
    let means = score::means(&rates, false);
    let mut run = Run {
        label: label.to_owned(),
        path: PathBuf::from("/results").join(label),
        source: Source::DfsBench,
        version: Some("0.1.0".to_owned()),
        mode: Some("standard".to_owned()),
        ranks: Some(64),
        nodes: Some(4),
        started: Some("2026-01-02 03:04:05".to_owned()),
        ended: Some("2026-01-02 04:04:05".to_owned()),
        ending: None,
        score: Some(Score {
            means,
            hash: Some("ABCD".to_owned()),
            extended: None,
            without_wear_out: None,
            at_stonewall: None,
        }),
        verdicts: vec![
            Verdict { name: "official".to_owned(), valid: true, reasons: Vec::new() },
            Verdict {
                name: "strict".to_owned(),
                valid: false,
                reasons: vec!["the store is a stand-in".to_owned(), "<script>alert(1)</script>".to_owned()],
            },
        ],
        phases,
        provenance: vec![Fact::new("store", "DFS: libdfs 2.6"), Fact::new("environment D_LOG_MASK", "ERR")],
        configuration: vec![
            Setting {
                section: "global".to_owned(),
                name: "api".to_owned(),
                value: "DFS --dfs.pool=tank --dfs.cont=bench --dfs.oclass=SX --dfs.dir_oclass=S1 --dfs.chunk_size=4MiB"
                    .to_owned(),
                origin: "io500.ini:3".to_owned(),
            },
            Setting {
                section: "debug".to_owned(),
                name: "stonewall-time".to_owned(),
                value: "300".to_owned(),
                origin: "default".to_owned(),
            },
        ],
        contradictions: Vec::new(),
        diagnosis: Vec::new(),
        missing: vec!["Nothing about the servers.".to_owned()],
        client_metrics: None,
        machines: vec![machine()],
        audit: Some(audit()),
    };
    derive(&mut run);
    run
}

/// A node of two sockets whose ranks leave one link idle.
fn machine() -> Machine {
    let mut tree = Tree::default();
    for cpu in 0..48 {
        let dir = format!("sys/devices/system/cpu/cpu{cpu}/topology");
        tree.file(&format!("{dir}/physical_package_id"), (cpu / 24).to_string());
        tree.file(&format!("{dir}/thread_siblings_list"), cpu.to_string());
    }
    for (node, cpus) in ["0-23", "24-47"].into_iter().enumerate() {
        let memory = format!("Node {node} MemTotal: 100663296 kB");
        tree.file(&format!("sys/devices/system/node/node{node}/cpulist"), cpus);
        tree.file(&format!("sys/devices/system/node/node{node}/meminfo"), memory);
        let port = format!("sys/class/infiniband/mlx5_{node}");
        tree.file(&format!("{port}/device/numa_node"), node.to_string());
        tree.file(&format!("{port}/ports/1/state"), "4: ACTIVE");
        tree.file(&format!("{port}/ports/1/rate"), "200 Gb/sec (4X HDR)");
    }
    for (device, node) in [("0000:5e:00.0", "0"), ("0000:d8:00.0", "1"), ("0000:d9:00.0", "-1")] {
        tree.file(&format!("sys/bus/pci/devices/{device}/class"), "0x010802");
        tree.file(&format!("sys/bus/pci/devices/{device}/numa_node"), node);
    }
    let facts = NodeFacts::read(&Root::tree(tree), "client00");
    let bound = |list: &str, ranks| BoundRanks { cpus: CpuSet::parse(list), ranks };
    let json =
        serde_json::json!({ "hosts": ["client00", "client01", "client02", "client03"], "ranks": [], "facts": facts });
    let mut machine: Machine = serde_json::from_value(json).unwrap();
    machine.ranks = vec![bound("0-11", 12), bound("12-15", 4)];
    machine
}

fn audit() -> Audit {
    let finding = |rule: &str, device: &str, found: &str| AuditFinding {
        rule: rule.to_owned(),
        severity: "finding".to_owned(),
        device: device.to_owned(),
        found: found.to_owned(),
        expected: "ranks on its NUMA node".to_owned(),
        nodes: 4,
        first_nodes: vec!["client00".to_owned(), "client01".to_owned()],
    };
    let findings = vec![
        finding("job.idle-links", "mlx5_1/1", "on NUMA node 1, which no rank runs on"),
        finding("numa.engine-nvme", "0000:d9:00.0", "engine 1 on NUMA node 0, device on 1"),
    ];
    let engine = |number: u32| EnginePlace {
        name: format!("engine {number}"),
        numa: Some(number),
        interface: Some(format!("ib{number}")),
        devices: Vec::new(),
        threads: 0,
    };
    Audit { findings: Some(findings), engines: vec![engine(0), engine(1)], ..Audit::default() }
}

fn phase(id: PhaseId, index: usize) -> Phase {
    let mut phase = Phase::new(id);
    let base = 300.0 + 10.0 * index as f64;
    phase.rate = if id.standard_group() == ScoreGroup::Bandwidth { 20.0 } else { 900.0 } * (1.0 + index as f64 / 3.0);
    phase.seconds = Some(base * 1.1);
    phase.wall_seconds = Some(base * 1.12);
    phase.offset_seconds = Some(400.0 * index as f64);
    phase.storage = vec![Fact::new("API", "DFS"), Fact::new("object class", "SX")];
    if id.has_stonewall() {
        phase.stonewall = Some(Stonewall {
            setting_seconds: Some(290.0),
            seconds: Some(300.1),
            rate: Some(phase.rate * 1.08),
            min: Some(9000.0),
            mean: Some(9900.0),
            max: Some(10000.0),
            ..Stonewall::default()
        });
    }
    if id.kind() != Kind::Find {
        phase.ranks = (0..64)
            .map(|rank| RankFigures {
                rank,
                host: Some(format!("client{:02}", rank / 16)),
                seconds: Some(base + (rank * 7 % 13) as f64 / 10.0 + if rank == 42 { base * 0.1 } else { 0.0 }),
                ..RankFigures::default()
            })
            .collect();
    }
    phase.latency = vec![latency("write", 150_000), latency("open", 40_000)];
    if id.kind() != Kind::Find {
        let roof = phase.rate / 0.93;
        phase.roof = Some(PhaseRoof {
            rate: roof,
            by: Limit::ClientLinks,
            share: 0.93,
            limits: vec![(Limit::ClientLinks, roof)],
            words: format!("{id} is at 93 % of the clients' links: no storage setting will raise it"),
        });
    }
    let counters = serde_json::json!({
        "span_s": 300.0,
        "counters": [{ "name": "context switches", "unit": "count", "total": 81234, "host": "client02", "most": 30123 }],
        "doubts": [],
    });
    phase.nodes = serde_json::from_value(counters).unwrap();
    phase.series = Some(Series {
        interval_seconds: 2.0,
        rate: (0..150).map(|second| Some(phase.rate * (1.0 + (second as f64 / 9.0).sin() / 6.0))).collect(),
        p99: (0..150).map(|second| (second % 40 != 7).then_some(400_000 + 9_000 * (second % 17))).collect(),
        stonewall_seconds: id.has_stonewall().then_some(290.0),
        wear_out_seconds: id.has_stonewall().then_some(291.0),
        end_seconds: 299.0,
        stability: vec![Fact::new("variation", "4.2 %"), Fact::new("longest stall (s)", "0.8")],
    });
    phase
}

fn latency(operation: &str, median: u64) -> Latency {
    let tail = |factor: f64| (median as f64 * factor) as u64;
    let points = [(0.0, 0.4), (50.0, 1.0), (90.0, 1.7), (99.0, 4.0), (99.9, 11.0), (99.99, 60.0), (99.999, 61.0)];
    Latency {
        operation: operation.to_owned(),
        count: 1_234_567,
        min: tail(0.4),
        mean: median as f64 * 1.2,
        p50: median,
        p90: tail(1.7),
        p99: tail(4.0),
        p999: tail(11.0),
        p9999: tail(60.0),
        max: tail(61.0),
        percentiles: points.into_iter().map(|(percentile, factor)| (percentile, tail(factor))).collect(),
        nodes: (0..4)
            .map(|node| NodeLatency {
                host: format!("client{:02}", 3 - node),
                count: 300_000,
                p50: median,
                p99: tail(5.0 - node as f64 / 2.0),
                max: tail(60.0),
            })
            .collect(),
    }
}
