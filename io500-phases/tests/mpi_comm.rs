//! `Mpi` on real jobs of 1 to 5 ranks: this program starts itself under mpirun, and is a rank when it finds itself there.

mod comm_checks;

use io500_phases::comm::{self, ClockSync, Comm, Placement, ReadRule, ReduceOp};
use std::process::{Command, ExitCode, Output};

const ROLE: &str = "MPI_COMM_TEST_ROLE";
const OTHER_HOST: &str = "other-node";
const CLOCK_AHEAD_S: i64 = 100_000;

fn main() -> ExitCode {
    match std::env::var(ROLE) {
        Ok(role) => rank_main(&role),
        Err(_) => run_jobs(),
    }
}

/// What a process of the job does.
fn rank_main(role: &str) -> ExitCode {
    let comm = match comm::start() {
        Ok(comm) => comm,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match role {
        "model" => {
            assert_eq!(comm.topology().nodes(), 1);
            for seed in 0..6 {
                comm_checks::run(&*comm, seed, 60);
            }
            large_reductions(&*comm);
        }
        "leftover" => leave_messages_behind(&*comm),
        "panic" => {
            assert_ne!(comm.rank(), 1, "this rank fails");
            comm.barrier();
        }
        "abort" => {
            if comm.rank() == 0 {
                comm.abort(7);
            }
            comm.barrier();
        }
        "nodes" => made_up_nodes(&*comm),
        "describe" => println!("{} of {}: {}", comm.rank(), comm.size(), comm.describe()),
        _ => panic!("unknown role {role}"),
    }
    ExitCode::SUCCESS
}

fn large_reductions(comm: &dyn Comm) {
    let size = comm.size() as u64;
    let mut values: Vec<u64> = (0..100_000).map(|at| at + comm.rank() as u64).collect();
    comm.all_reduce_u64(ReduceOp::Sum, &mut values);
    assert!(values.into_iter().eq((0..100_000).map(|at| at * size + size * (size - 1) / 2)));
}

/// More messages than fit into the window, to everyone, and nobody asks for them: the job still ends.
fn leave_messages_behind(comm: &dyn Comm) {
    for at in 0..10 {
        comm.send((comm.rank() + at) % comm.size(), &[0; 20_000]);
    }
}

/// Ranks 1 and 2 of 4 run in namespaces with another host name and another monotonic clock.
fn made_up_nodes(comm: &dyn Comm) {
    let rank = comm.rank();
    let is_away = rank == 1 || rank == 2;
    assert_eq!(comm.host() == OTHER_HOST, is_away);

    let topology = comm.topology();
    assert_eq!((topology.nodes(), topology.placement()), (2, Placement::Irregular));
    let mapping = topology.read_mapping();
    assert_eq!((mapping.rule, mapping.own_node_official, mapping.own_node), (ReadRule::Corrected, 2, 0));
    assert_ne!(topology.node_of(topology.writer_for(rank, mapping.rule)), topology.node_of(rank));

    let sync = ClockSync::measure(comm);
    println!("rank {rank}: {sync:?}");
    // Each of the two has a namespace to itself.
    assert_eq!(sync.other_clocks, 2);
    let wrong_by = sync.offset_ns + if is_away { CLOCK_AHEAD_S * 1_000_000_000 } else { 0 };
    assert!(wrong_by.unsigned_abs() <= sync.uncertainty_ns, "{wrong_by} {sync:?}");
    assert_eq!(sync.uncertainty_ns > 0, is_away);
}

fn run_jobs() -> ExitCode {
    if Command::new("mpirun").arg("--version").output().is_err() {
        eprintln!("skipped: the tests of the MPI group (no mpirun found)");
        return ExitCode::SUCCESS;
    }
    for ranks in 1..=5 {
        expect(&format!("{ranks} ranks follow the model"), &mpirun(ranks, "model"), |output| output.status.success());
        expect(&format!("{ranks} ranks end with messages left over"), &mpirun(ranks, "leftover"), |output| {
            output.status.success()
        });
    }
    if away_from_here("true").output().is_ok_and(|output| output.status.success()) {
        expect("two nodes with clocks of their own", &run(job_on_two_nodes(), "nodes"), |output| {
            output.status.success()
        });
    } else {
        eprintln!("skipped: two nodes with clocks of their own (no right to make namespaces)");
    }
    expect("a panic ends the job", &mpirun(3, "panic"), |output| {
        output.status.code().is_some_and(|code| code != 0)
            && String::from_utf8_lossy(&output.stderr).contains("this rank fails")
    });
    // Hydra mixes in the signal by which it ends the other ranks.
    expect("an abort ends the job with its code", &mpirun(3, "abort"), |output| {
        output.status.code().is_some_and(|code| if is_open_mpi() { code == 7 } else { code != 0 })
    });
    expect("a direct start is solo", &direct(&[], "describe"), |output| {
        output.status.success() && output.stdout == b"0 of 1: solo\n"
    });
    let foreign = if is_open_mpi() {
        [("PMI_RANK", "1"), ("PMI_SIZE", "2")]
    } else {
        [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "2")]
    };
    expect("a launcher of another flavour is refused", &direct(&foreign, "describe"), |output| {
        output.status.code() == Some(2)
            && output.stdout.is_empty()
            && String::from_utf8_lossy(&output.stderr).contains("would run the whole benchmark alone")
    });
    ExitCode::SUCCESS
}

fn is_open_mpi() -> bool {
    comm::mpi_library().is_some_and(|library| library.starts_with("Open MPI"))
}

fn mpirun(ranks: usize, role: &str) -> Output {
    let mut command = launch();
    command.args(["-np", &ranks.to_string()]).arg(this_program());
    run(command, role)
}

fn launch() -> Command {
    let mut command = Command::new("mpirun");
    if is_open_mpi() {
        command.args(["--oversubscribe", "--allow-run-as-root"]);
    }
    command
}

/// `program` under another host name and with a monotonic clock that is ahead.
fn away_from_here(program: &str) -> Command {
    let mut command = Command::new("unshare");
    let rename = format!("echo {OTHER_HOST} > /proc/sys/kernel/hostname && exec \"$0\"");
    command.args(["--uts", "--time", "--monotonic", &CLOCK_AHEAD_S.to_string(), "sh", "-c", &rename, program]);
    command
}

fn job_on_two_nodes() -> Command {
    let program = this_program();
    let away = away_from_here(program.to_str().expect("a path in UTF-8"));
    let mut command = launch();
    command.args(["-np", "1"]).arg(&program);
    command.args([":", "-np", "2"]).arg(away.get_program()).args(away.get_args());
    command.args([":", "-np", "1"]).arg(&program);
    command
}

fn direct(environment: &[(&str, &str)], role: &str) -> Output {
    let mut command = Command::new(this_program());
    command.envs(environment.iter().copied());
    run(command, role)
}

fn this_program() -> std::path::PathBuf {
    std::env::current_exe().expect("the path of this test")
}

fn run(mut command: Command, role: &str) -> Output {
    command.env(ROLE, role).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn expect(what: &str, output: &Output, is_right: impl Fn(&Output) -> bool) {
    println!("test {what} ...");
    assert!(
        is_right(output),
        "{what}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
