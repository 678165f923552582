//! The life of batch jobs: cancelled, out of time, requeued, many in one second, ranks placed unevenly.

use crate::common::{SMALL, run, wait_for};
use crate::support::{Cluster, Launcher};
use serde_json::Value;
use std::time::Duration;

const BIN: &str = env!("CARGO_BIN_EXE_dfs-bench");
/// The second phase goes on until somebody stops it, at 200 creates a second.
const LONG: &str = "--api dfs --phase ior-easy-write,mdtest-easy-write --stonewall 300 --set ior-easy.transferSize=64k \
                    --set ior-easy.blockSize=256k --set global.timestamp-resultdir=FALSE";
const SLOW: &str = "export DAOS_STANDIN_DELAY_US=create:5000 OMPI_MCA_mpi_yield_when_idle=1";

fn long_job(results: &str) -> String {
    format!("#!/bin/sh\n{SLOW}\nexec srun --mpi=pmix --kill-on-bad-exit=1 {BIN} {LONG} --resultdir {results}\n")
}

/// Waits until the second phase of a run goes on.
fn wait_for_second_phase(cluster: &Cluster, results: &str) {
    let begun = wait_for(|| {
        let text = std::fs::read_to_string(cluster.scene.path(&format!("{results}/result.json"))).ok()?;
        let result: Value = serde_json::from_str(&text).expect("the file is whole at any time");
        (result["phases"].as_array().unwrap().len() == 1).then_some(())
    });
    assert!(begun.is_some(), "{results}: {}", cluster.ask(&["squeue"]));
}

#[track_caller]
fn assert_interrupted(cluster: &Cluster, results: &str, said: &str) {
    let result = cluster.scene.result(results);
    let said = cluster.scene.read(said);
    assert_eq!(result["state"], "interrupted", "{result}\n{said}");
    assert_eq!(result["phases"].as_array().unwrap().len(), 1, "{said}");
    for words in ["finished: 1 of ", "to continue: ", " resume ", " cleanup ", "the benchmark's files: "] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
}

#[test]
#[ignore = "make test-cluster"]
fn scancel_leaves_an_interrupted_result_and_says_where_it_lies() {
    let Some(cluster) = Cluster::start() else { return };
    let id = cluster.submit(&["-N2", "-n2", "-o", "out"], &long_job("results"));
    wait_for_second_phase(&cluster, "results");
    cluster.ask(&["scancel", &id]);
    assert!(cluster.wait_for_jobs(Duration::from_secs(20)));
    assert_interrupted(&cluster, "results", "out");
}

#[test]
#[ignore = "make test-cluster"]
fn the_time_limit_leaves_an_interrupted_result_with_and_without_a_warning() {
    let Some(cluster) = Cluster::start() else { return };
    let limit = ["-N1", "-n2", "--time=1"];
    cluster.submit(&[&limit[..], &["-o", "out-1"]].concat(), &long_job("results-1"));
    cluster.submit(&[&limit[..], &["-o", "out-2", "--signal=TERM@30"]].concat(), &long_job("results-2"));
    wait_for_second_phase(&cluster, "results-1");
    assert!(cluster.wait_for_jobs(Duration::from_secs(120)));
    assert_interrupted(&cluster, "results-1", "out-1");
    assert_interrupted(&cluster, "results-2", "out-2");
}

#[test]
#[ignore = "make test-cluster"]
fn a_requeued_job_does_not_wait_for_its_own_claim() {
    let Some(cluster) = Cluster::start() else { return };
    let id = cluster.submit(&["-N2", "-n2", "--requeue", "-o", "out", "--open-mode=append"], &long_job("results"));
    wait_for_second_phase(&cluster, "results");
    let first = cluster.scene.result("results")["provenance"]["timestamp"].clone();
    // nobody gives the claim up, and the next rank 0, on another node, cannot look whether this one still runs
    for (_, pid) in cluster.rank_pids() {
        crate::common::signal(pid, "KILL");
    }
    cluster.ask(&["scontrol", "requeue", &id]);
    // Slurm lets a requeued job wait for two minutes, because nodes that had it refuse it for so long
    let now = wait_for(|| {
        let update = ["scontrol", "update", &format!("JobId={id}"), "StartTime=now", "ExcNodeList=n1,n2"];
        let _ = cluster.on("ctl").args(update).output();
        let text = std::fs::read_to_string(cluster.scene.path("results/result.json")).ok()?;
        let result: Value = serde_json::from_str(&text).expect("the file is whole at any time");
        (result["provenance"]["timestamp"] != first).then_some(())
    });
    assert!(now.is_some(), "{}\n{}", cluster.ask(&["squeue"]), cluster.scene.read("out"));
    wait_for_second_phase(&cluster, "results");
    cluster.ask(&["scancel", &id]);
    assert!(cluster.wait_for_jobs(Duration::from_secs(20)));
}

/// Four jobs of one array, which all begin in the same second.
fn array(store: &str, results: &str) {
    let Some(cluster) = Cluster::start() else { return };
    cluster.scene.write("small.ini", SMALL);
    let script = format!(
        "#!/bin/sh\nexport OMPI_MCA_mpi_yield_when_idle=1\n\
         exec srun --mpi=pmix {BIN} small.ini {store} --set ior-rnd4K-easy-read.run=FALSE --resultdir {results}\n"
    );
    cluster.submit(&["--array=1-4", "-N1", "-n1", "-o", "out-%a"], &script);
    assert!(cluster.wait_for_jobs(Duration::from_secs(60)));
    let said: Vec<String> = (1..5).map(|task| cluster.scene.read(&format!("out-{task}"))).collect();
    let dirs: Vec<String> = said
        .iter()
        .map(|said| {
            let line =
                said.lines().find_map(|line| line.strip_prefix("The result files are stored in the directory: "));
            line.unwrap_or_else(|| panic!("{said}")).to_owned()
        })
        .collect();
    let mut timestamps = Vec::new();
    for (dir, said) in dirs.iter().zip(&said) {
        let result = cluster.scene.result(dir);
        assert_eq!(result["state"], "finished", "{said}");
        for phase in result["phases"].as_array().unwrap() {
            for fault in ["wrong", "short", "missing", "unexpected"] {
                assert!(phase["check"].is_null() || phase["check"][fault] == 0, "{dir}: {phase}");
            }
            if phase["phase"] == "find" {
                assert_eq!(phase["find"]["total"], phase["find"]["expected_total"], "{dir}: {phase}");
            }
        }
        timestamps.push(result["provenance"]["timestamp"].as_str().unwrap().to_owned());
    }
    timestamps.sort();
    timestamps.dedup();
    assert_eq!(timestamps.len(), 4, "each has a data directory of its own: {said:?}");
}

#[test]
#[ignore = "make test-cluster"]
fn four_jobs_of_one_second_keep_apart_on_dfs() {
    array("--api dfs", "results");
    array("--api dfs", "results-$SLURM_ARRAY_TASK_ID");
}

#[test]
#[ignore = "make test-cluster"]
fn four_jobs_of_one_second_keep_apart_on_posix() {
    array("--api posix --datadir data", "results");
    array("--api posix --datadir data", "results-$SLURM_ARRAY_TASK_ID");
}

#[test]
#[ignore = "make test-cluster"]
fn nodes_with_unequal_numbers_of_ranks_get_the_corrected_mapping() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.scene.write("small.ini", SMALL);
    cluster.scene.write("hosts", "n1\nn2\nn2\nn2\nn3\nn3\n");
    let mut command = cluster.on("ctl");
    command.args(["srun", "--mpi=pmix", "-N3", "-n6", "--distribution=arbitrary", BIN]);
    command.env("SLURM_HOSTFILE", "hosts").env("OMPI_MCA_mpi_yield_when_idle", "1");
    let fixed = ["small.ini", "--api", "dfs", "--resultdir", "results", "--set", "global.timestamp-resultdir=FALSE"];
    let outcome = run(command, fixed);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let about = &cluster.scene.result("results")["provenance"];
    assert_eq!((&about["nodes"], &about["ranks_per_node"]), (&3.into(), &1.into()), "{about}");
    assert_eq!(about["own_node_readers"], 0, "{about}");
    assert!(about["read_mapping"].as_str().unwrap().starts_with("corrected"), "{about}");
}

#[test]
#[ignore = "make test-cluster"]
fn srun_with_the_wrong_pmi_is_told_which_one_fits() {
    let Some(cluster) = Cluster::start() else { return };
    for (launcher, wrong, right) in
        [(Launcher::SlurmPmix, "--mpi=pmi2", "--mpi=pmix"), (Launcher::SlurmPmi2, "--mpi=none", "--mpi=pmi2")]
    {
        let Some(program) = launcher.program() else { continue };
        let mut command = cluster.on("ctl");
        command.args(["srun", wrong, "-N2", "-n2"]).arg(program);
        let outcome = run(command, ["--api", "null", "--phase", "ior-easy-write", "--resultdir", "results"]);
        assert_ne!(outcome.code, Some(0), "{outcome:?}");
        let hint = outcome.stderr.lines().find(|line| line.contains("hint:")).unwrap_or_else(|| panic!("{outcome:?}"));
        assert!(hint.contains(right), "{outcome:?}");
        assert!(!cluster.scene.path("results").exists());
    }
}
