//! The whole suite over several nodes, and what the result tells of them.

use crate::common::{SMALL, run};
use crate::support::{Cluster, Launcher};

/// Runs the suite and returns its result.
fn suite(cluster: &Cluster, launcher: Launcher, nodes: usize, ranks: usize, api: &[&str]) -> Option<serde_json::Value> {
    let command = cluster.ranks(launcher, nodes, ranks)?;
    cluster.scene.write("small.ini", SMALL);
    let fixed = ["--resultdir", "results", "--set", "global.timestamp-resultdir=FALSE"];
    let outcome = run(command, [&["small.ini"], api, &fixed].concat());
    assert_eq!(outcome.code, Some(0), "{launcher:?}: {outcome:?}");
    assert_eq!(outcome.stdout.matches("[SCORE ]").count(), 1, "{}", outcome.stdout);
    let result = cluster.scene.result("results");
    std::fs::remove_dir_all(cluster.scene.path("results")).unwrap();
    assert_eq!(result["state"], "finished");
    for phase in result["phases"].as_array().unwrap() {
        for fault in ["wrong", "short", "missing", "unexpected"] {
            assert!(phase["check"].is_null() || phase["check"][fault] == 0, "{phase}");
        }
    }
    let about = &result["provenance"];
    assert_eq!((&about["ranks"], &about["nodes"]), (&ranks.into(), &nodes.into()), "{about}");
    assert_eq!(about["own_node_readers"], 0, "{about}");
    Some(result)
}

#[test]
#[ignore = "make test-cluster"]
fn the_suite_over_four_nodes_of_slurm() {
    let Some(cluster) = Cluster::start() else { return };
    let posix = ["--api", "posix", "--datadir", "data"];
    for api in [&["--api", "dfs"][..], &posix] {
        let Some(result) = suite(&cluster, Launcher::SlurmPmix, 4, 8, api) else { return };
        let about = &result["provenance"];
        assert_eq!(about["placement"], "blocks");
        let job = &about["job"];
        let told = ["launcher", "scheduler", "step", "node_list"].map(|name| job[name].as_str().unwrap_or_default());
        assert_eq!(told, ["srun --mpi=pmix", "slurm", "0", "n[1-4]"], "{job}");
        assert_eq!(job["scheduler_nodes"], 4, "{job}");
        assert!(about["start"]["descriptors_max"].as_u64().unwrap() > 3, "{}", about["start"]);
    }
}

#[test]
#[ignore = "make test-cluster"]
fn mpich_over_two_nodes_of_slurm_and_under_hydra() {
    for launcher in [Launcher::SlurmPmi2, Launcher::Hydra] {
        if launcher.program().is_none() {
            return;
        }
        let Some(cluster) = Cluster::start() else { return };
        let Some(result) = suite(&cluster, launcher, 2, 2, &["--api", "dfs"]) else { return };
        let name = if launcher == Launcher::Hydra { "mpiexec (Hydra)" } else { "srun --mpi=pmi2" };
        assert_eq!(result["provenance"]["job"]["launcher"], name);
    }
}

#[test]
#[ignore = "make test-cluster"]
fn three_hosts_that_mpirun_reaches_by_its_agent() {
    let Some(cluster) = Cluster::start() else { return };
    let Some(result) = suite(&cluster, Launcher::Mpirun, 3, 3, &["--api", "dfs"]) else { return };
    assert_eq!(result["provenance"]["job"]["launcher"], "mpirun (Open MPI)");
}
