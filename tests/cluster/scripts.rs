//! The job scripts in examples/, run as they are: Slurm's by Slurm, that of PBS with a stand-in for its mpiexec.

use crate::common::{SMALL, Scene, is_open_mpi, is_standin, outcome};
use crate::support::Cluster;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// A search path in which this build is found first, and programs of these texts.
fn path_with(scene: &Scene, programs: &[(&str, &str)]) -> String {
    for (name, text) in programs {
        let path = scene.write(&format!("bin/{name}"), text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_dfs-bench")).parent().unwrap();
    format!("{}:{}:{}", scene.path("bin").display(), bin.display(), std::env::var("PATH").unwrap())
}

#[test]
fn the_job_scripts_are_clean() {
    for name in ["job.slurm", "job.pbs"] {
        let syntax = Command::new("bash").arg("-n").arg(example(name)).output().unwrap();
        assert!(syntax.status.success(), "{syntax:?}");
        match Command::new("shellcheck").arg(example(name)).output() {
            Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout)),
            Err(_) => eprintln!("skipped: shellcheck is not installed"),
        }
    }
}

#[test]
fn the_job_script_of_pbs_runs_both_paths_in_a_data_directory_of_its_own() {
    if is_open_mpi() != Some(true) || !is_standin() {
        return;
    }
    let scene = Scene::new();
    scene.write("examples/daos.ini", SMALL.replace("[debug]", "[global]\napi = DFS\n[debug]"));
    scene.write("nodes", "a\na\n");
    // what comes before the program are options of PALS
    let mpiexec = "#!/bin/sh\necho \"mpiexec $*\" >>log\nranks=$2\nshift 4\ncase $1 in --cpu-bind) shift 4 ;; esac\n\
                   exec mpirun --allow-run-as-root --oversubscribe -np \"$ranks\" \"$@\"\n";
    let path = path_with(
        &scene,
        &[("mpiexec", mpiexec), ("dfuse", "#!/bin/sh\n"), ("fusermount3", "#!/bin/sh\nrm -rf \"$2\"/* \n")],
    );
    let start = |job: &str| {
        let mut command = scene.environment(Command::new("bash"));
        command.arg(example("job.pbs")).env("PATH", &path).env("USER", scene_user(&scene)).env("PPN", "2");
        command.env("PBS_JOBID", format!("{job}.server")).env("PBS_O_WORKDIR", scene.path("."));
        command
            .env("PBS_NODEFILE", scene.path("nodes"))
            .env("DAOS_POOL", "standin-pool")
            .env("DAOS_CONT", "standin-cont");
        outcome(command.output().unwrap())
    };
    let first = start("17");
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.contains("2 ranks"), "the dry run plans all ranks: {first:?}");
    let result = scene.result("results/17.0/dfs");
    assert_eq!((&result["state"], &result["provenance"]["ranks"]), (&"finished".into(), &2.into()));
    assert!(result["provenance"]["datadir"].as_str().unwrap().contains("/io500/job-17.0/"), "{}", result["provenance"]);
    assert_eq!(scene.result("results/17.0/dfuse")["state"], "finished");
    let again = start("17");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stderr.contains("job 17 was requeued: all phases run again"), "{}", again.stderr);
    assert_eq!(scene.result("results/17.1/dfs")["state"], "finished");
}

/// A user for the mount's name, so that tests do not share one.
fn scene_user(scene: &Scene) -> String {
    format!("test-{}", scene.store().parent().unwrap().file_name().unwrap().to_string_lossy())
}

#[test]
#[ignore = "make test-cluster"]
fn the_job_script_of_slurm_finishes_and_reports() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.scene.write("examples/daos.ini", SMALL.replace("[debug]", "[global]\napi = DFS\n[debug]"));
    let submit = |more: &[&str]| {
        let mut command = cluster.on("ctl");
        command.env("PATH", path_with(&cluster.scene, &[])).env("OMPI_MCA_mpi_yield_when_idle", "1");
        command.env("DAOS_POOL", "standin-pool").env("DAOS_CONT", "standin-cont");
        command.args(["sbatch", "--parsable", "-N2", "--ntasks-per-node=1", "--time=3", "-o", "out"]).args(more);
        let answer = outcome(command.arg(example("job.slurm")).output().unwrap());
        assert_eq!(answer.code, Some(0), "{answer:?}");
        answer.stdout.trim().to_owned()
    };
    let id = submit(&[]);
    assert!(cluster.wait_for_jobs(Duration::from_secs(60)), "{}", cluster.scene.read("out"));
    let said = cluster.scene.read("out");
    assert!(said.contains("2 ranks"), "the dry run plans all ranks: {said}");
    let result = cluster.scene.result(&format!("results/{id}.0"));
    assert_eq!((&result["state"], &result["provenance"]["nodes"]), (&"finished".into(), &2.into()), "{said}");
    assert!(result["provenance"]["datadir"].as_str().unwrap().ends_with(&format!("/io500/job-{id}.0")), "{said}");
    assert!(cluster.scene.read(&format!("results/{id}.0/report.html")).contains("<html"));
}
