//! Ranks and nodes that are lost: who is named, after what time, and when the others end. Prints a row of the table in
//! docs/ARCHITECTURE.md for each case.

use crate::common::{signal, start, wait_for};
use crate::support::{Cluster, Launcher};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Seconds of silence that end the job.
const TIMEOUT: f64 = 4.0;
/// What may come on top: ranks let each other speak first, write, and end; this machine may be busy.
const GRACE: f64 = 8.0;
/// So long a launcher is waited for when no rank is left.
const LAUNCHER: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill(usize),
    Stop(usize),
    Link(usize),
    Node(usize),
}

impl Fault {
    fn rank(self) -> usize {
        let (Fault::Kill(rank) | Fault::Stop(rank) | Fault::Link(rank) | Fault::Node(rank)) = self;
        rank
    }

    fn name(self) -> String {
        match self {
            Fault::Kill(rank) => format!("`kill -9` of rank {rank}"),
            Fault::Stop(rank) => format!("SIGSTOP of rank {rank}"),
            Fault::Link(rank) => format!("link of rank {rank}'s node down"),
            Fault::Node(rank) => format!("node of rank {rank} lost"),
        }
    }
}

const INI: &str = "[ior-easy]\ntransferSize = 64k\nblockSize = 256k\n";
const ARGUMENTS: [&str; 13] = [
    "long.ini",
    "--api",
    "dfs",
    "--phase",
    "ior-easy-write,mdtest-easy-write",
    "--resultdir",
    "results",
    "--set",
    "global.timestamp-resultdir=FALSE",
    "--stonewall",
    "300",
    "--timeout",
    "4",
];

/// Three ranks on three nodes, of which one gets lost in the second phase.
fn case(launcher: Launcher, fault: Fault) {
    if launcher.program().is_none() {
        return;
    }
    let Some(mut cluster) = Cluster::start() else { return };
    let Some(mut command) = cluster.ranks(launcher, 3, 3) else { return };
    cluster.scene.write("long.ini", INI);
    // ranks that rest more than they work leave the processors to the daemons
    command.env("DAOS_STANDIN_DELAY_US", "create:5000");
    let mut child = start(command, &ARGUMENTS);
    let result = || -> Option<Value> {
        let text = std::fs::read_to_string(cluster.scene.path("results/result.json")).ok()?;
        Some(serde_json::from_str(&text).expect("the file is whole at any time"))
    };
    let second = wait_for(|| {
        let ended = child.try_wait().unwrap().is_some();
        let begun = result().is_some_and(|result| result["phases"].as_array().unwrap().len() == 1);
        (ended || begun).then_some(begun)
    });
    if second != Some(true) {
        cluster.stop();
        panic!("{launcher:?} {fault:?}: {:?}", child.wait_with_output());
    }
    std::thread::sleep(Duration::from_secs(2));
    let ranks = cluster.rank_pids();
    assert_eq!(ranks.iter().map(|(rank, _)| *rank).collect::<Vec<_>>(), [0, 1, 2], "{ranks:?}");
    let pid = ranks[fault.rank()].1;
    let node = format!("n{}", fault.rank() + 1);
    let begin = Instant::now();
    match fault {
        Fault::Kill(_) => signal(pid, "KILL"),
        Fault::Stop(_) => signal(pid, "STOP"),
        Fault::Link(_) => cluster.cut(&node),
        Fault::Node(_) => cluster.lose(&node),
    }
    let named = wait_for(|| (result()?["state"] != "running").then(|| begin.elapsed()));
    let stopped = |rank: usize| matches!(fault, Fault::Stop(_)) && rank == fault.rank();
    let gone = wait_for(|| {
        let left = cluster.rank_pids().into_iter().filter(|(rank, _)| !stopped(*rank)).count();
        (left == 0).then(|| begin.elapsed())
    });
    let waits = Instant::now();
    let mut ended = None;
    while ended.is_none() && waits.elapsed() < LAUNCHER {
        ended = child.try_wait().unwrap().map(|_| begin.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    // a launcher that waits for a node goes with the cluster
    cluster.stop();
    let outcome = child.wait_with_output().unwrap();
    let seconds =
        |time: Option<Duration>| time.map_or("never".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
    let result = cluster.scene.result("results");
    let words = result["failure"].as_str().unwrap_or("-").to_owned();
    let launched = ended.map_or("waits".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
    println!("| {} | {launcher:?} | {} | {} | {launched} | {words} |", fault.name(), seconds(named), seconds(gone));
    let context = format!("{launcher:?} {fault:?}: {result}\n{}", String::from_utf8_lossy(&outcome.stderr));
    assert_eq!(result["state"], "failed", "{context}");
    let who = format!("rank {} ({node}): mdtest-easy-write: ", fault.rank());
    assert!(words.starts_with(&who), "{context}");
    assert!(named.is_some_and(|time| time.as_secs_f64() < TIMEOUT + GRACE), "{context}");
    assert!(gone.is_some_and(|time| time.as_secs_f64() < TIMEOUT + GRACE), "{context}");
    assert_eq!(result["phases"].as_array().unwrap().len(), 1, "{context}");
}

/// Every way to lose a rank that is not rank 0, and two ways to lose rank 0.
fn every_case(launcher: Launcher) {
    for fault in
        [Fault::Kill(2), Fault::Stop(2), Fault::Link(2), Fault::Node(2), Fault::Kill(0), Fault::Stop(0), Fault::Node(0)]
    {
        case(launcher, fault);
    }
}

#[test]
#[ignore = "make test-cluster"]
fn lost_ranks_under_slurm_with_open_mpi() {
    every_case(Launcher::SlurmPmix);
}

#[test]
#[ignore = "make test-cluster"]
fn lost_ranks_under_slurm_with_mpich() {
    every_case(Launcher::SlurmPmi2);
}

#[test]
#[ignore = "make test-cluster"]
fn lost_ranks_under_mpirun() {
    every_case(Launcher::Mpirun);
}

#[test]
#[ignore = "make test-cluster"]
fn lost_ranks_under_hydra() {
    every_case(Launcher::Hydra);
}
