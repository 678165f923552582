//! A rank that panics or fails in the middle of a real MPI job: every process ends with the same error. This program starts itself
//! under mpirun, and is a rank when it finds itself there.

mod common;

use io500_phases::backend::fault::{Effect, Faulty, Op};
use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm;
use io500_phases::error::{Errno, Error};
use io500_phases::phase_id::PhaseId;
use io500_phases::results::{RunResult, RunState};
use std::path::Path;
use std::process::{Command, ExitCode, Output};

const ROLE: &str = "MPI_FAILURE_TEST_ROLE";
const RESULTS: &str = "MPI_FAILURE_TEST_RESULTS";

fn main() -> ExitCode {
    match std::env::var(ROLE) {
        Ok(role) => rank_main(&role),
        Err(_) => run_jobs(),
    }
}

/// What a process of the job does: a phase that ends at once, and one that would go on for five minutes.
fn rank_main(role: &str) -> ExitCode {
    let comm = comm::start().expect("the ranks come together");
    let effect = if role == "panic" { Effect::Panic } else { Effect::Fail(Errno(libc::ENOSPC)) };
    let failing = match role {
        "panic" | "error" => comm.rank() == 1,
        _ => true,
    };
    let mut backend = Faulty::new(Null);
    if failing {
        backend = backend.at(Op::Create, 500, effect);
    }
    let endless = ["ior-easy.transferSize=4k", "ior-easy.blockSize=40k", "mdtest-easy.n=1000000000000"];
    let config = common::config("", &endless);
    let stores = Single { backend, datadir: "/data".into() };
    let phases = [PhaseId::IorEasyWrite, PhaseId::MdtestEasyWrite];
    let results = std::env::var_os(RESULTS).expect("the job names the directory");
    let run = common::run_on(&config, &phases, &*comm, "2026.01.02-03.04.05", Some(Path::new(&results)), &stores);
    match run {
        Err(Error::Panic { rank: 1, message }) if message == "injected panic: Create 500" => ExitCode::from(70),
        Err(error @ Error::Storage { .. }) if error.to_string().ends_with("No space left on device (os error 28)") => {
            ExitCode::from(4)
        }
        other => panic!("{other:?}"),
    }
}

fn run_jobs() -> ExitCode {
    let Ok(version) = Command::new("mpirun").arg("--version").output() else {
        eprintln!("skipped: failures under MPI (no mpirun found)");
        return ExitCode::SUCCESS;
    };
    let open_mpi = String::from_utf8_lossy(&version.stdout).contains("Open MPI");
    for (role, code) in [("panic", 70), ("error", 4), ("errors", 4)] {
        println!("test {role} on a rank ends the job ...");
        let results = tempfile::tempdir().unwrap();
        let output = mpirun(open_mpi, role, results.path());
        let said = || format!("{role}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        // Hydra mixes in how the other ranks ended
        let ended = output.status.code().is_some_and(|found| if open_mpi { found == code } else { found != 0 });
        assert!(ended, "{}", said());
        let kept = std::fs::read(results.path().join("result.json")).unwrap();
        let kept: RunResult = serde_json::from_slice(&kept).unwrap();
        assert_eq!(kept.state, RunState::Failed, "{}", said());
        assert_eq!(kept.phases.iter().map(|phase| phase.phase).collect::<Vec<_>>(), [PhaseId::IorEasyWrite]);
        let failure = kept.failure.unwrap();
        match role {
            "panic" => assert_eq!(failure, "rank 1 panicked: injected panic: Create 500"),
            "error" => assert!(failure.starts_with("rank 1 (") && failure.contains("file.mdtest.1.498"), "{failure}"),
            _ => assert!(failure.starts_with("rank ") && failure.contains(": mdtest-easy-write: create "), "{failure}"),
        }
    }
    ExitCode::SUCCESS
}

fn mpirun(open_mpi: bool, role: &str, results: &Path) -> Output {
    let mut command = Command::new("mpirun");
    if open_mpi {
        command.args(["--oversubscribe", "--allow-run-as-root", "--mca", "mpi_yield_when_idle", "1"]);
    }
    command.args(["-np", "4"]).arg(std::env::current_exe().expect("the path of this test"));
    command.env(ROLE, role).env(RESULTS, results).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
