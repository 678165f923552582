//! A rank that fails in the middle of a phase ends the run on all ranks, at once, with its rank, phase, path and error; what was finished
//! by then is in `result.json`.

mod common;

use io500_phases::backend::Backend;
use io500_phases::backend::fault::{Effect, Faulty, Op};
use io500_phases::backend::null::Null;
use io500_phases::backend::posix::Posix;
use io500_phases::backend::select::Single;
use io500_phases::comm::threads;
use io500_phases::config::{Config, select_phases};
use io500_phases::engine::Progress;
use io500_phases::error::{Errno, Error};
use io500_phases::phase_id::PhaseId;
use io500_phases::results::{RunResult, RunState};
use io500_phases::suite::{Options, Suite};
use std::path::Path;
use std::sync::Arc;

const EIO: Effect = Effect::Fail(Errno(libc::EIO));
const ENOSPC: Effect = Effect::Fail(Errno(libc::ENOSPC));
const RANKS: usize = 4;

/// The next call of a kind on one rank, counted from the beginning of the run.
#[derive(Clone, Copy)]
struct Fault {
    rank: usize,
    op: Op,
    nth: u64,
    effect: Effect,
}

fn faulty<B>(store: B, rank: usize, faults: &[Fault]) -> Faulty<B> {
    let own = faults.iter().filter(|fault| fault.rank == rank);
    own.fold(Faulty::new(store), |store, fault| store.at(fault.op, fault.nth, fault.effect))
}

/// Runs the suite with these faults; every rank's error, and what `result.json` holds.
fn run<B: Backend + Sync>(
    config: &Config,
    phases: &str,
    datadir: &str,
    store: impl Fn() -> B + Sync,
    faults: &[Fault],
) -> (Vec<Error>, RunResult)
where
    B::Dir: Send + Sync,
{
    let results = tempfile::tempdir().unwrap();
    let phases = select_phases(phases, false).unwrap();
    let errors = threads::run(RANKS, |comm| {
        let stores = Single { backend: faulty(store(), comm.rank(), faults), datadir: datadir.to_owned() };
        common::run_on(config, &phases, comm, "2026.01.02-03.04.05", Some(results.path()), &stores).unwrap_err()
    });
    (errors, kept(results.path()))
}

fn kept(results: &Path) -> RunResult {
    serde_json::from_slice(&std::fs::read(results.join("result.json")).unwrap()).unwrap()
}

/// Phases that would go on for five minutes if the others did not hear of the failure.
fn long() -> Config {
    let endless = ["ior-easy.transferSize=4k", "ior-easy.blockSize=1t", "ior-hard.segmentCount=1000000000"];
    common::config("", &[&endless[..], &["mdtest-easy.n=1000000000", "mdtest-hard.n=1000000000"]].concat())
}

/// A second at most.
fn short() -> Config {
    let small =
        ["debug.stonewall-time=1", "ior-easy.transferSize=4k", "ior-easy.blockSize=40k", "ior-hard.segmentCount=10"];
    common::config("", &[&small[..], &["mdtest-easy.n=10", "mdtest-hard.n=10"]].concat())
}

#[track_caller]
fn assert_failed(outcome: &(Vec<Error>, RunResult), text: &str, finished: &[PhaseId]) {
    let (errors, kept) = outcome;
    assert_eq!(errors.len(), RANKS);
    for error in errors {
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(kept.state, RunState::Failed);
    assert_eq!(kept.failure.as_deref(), Some(text));
    assert_eq!(kept.phases.iter().map(|phase| phase.phase).collect::<Vec<_>>(), finished);
    assert!(!kept.official.valid && !kept.strict.valid && kept.score.is_none());
}

fn host() -> String {
    io500_phases::comm::host_name()
}

#[test]
fn an_error_in_every_kind_of_phase_names_rank_phase_path_and_cause() {
    use PhaseId::*;
    let all = [IorEasyWrite, MdtestEasyWrite, Timestamp, IorHardWrite, MdtestHardWrite, IorEasyRead, MdtestEasyStat];
    let all = [&all[..], &[IorHardRead, MdtestHardStat, MdtestEasyDelete, MdtestHardRead, MdtestHardDelete]].concat();
    let phases = "ior-easy,ior-hard,mdtest,timestamp";
    let config = short();
    // writes of a rank: 10 of ior-easy, 10 of ior-hard, 10 of mdtest-hard; creates: its file, 10, 10 (the shared file is rank 0's)
    let cases = [
        (Op::Write, 7, IorEasyWrite, "write ior-easy/ior_file_easy.00000002"),
        (Op::Create, 5, MdtestEasyWrite, "create mdtest-easy/test-dir.0-0/mdtest_tree.3.0/file.mdtest.2.3"),
        (Op::Write, 12, IorHardWrite, "write ior-hard/file"),
        (Op::Write, 29, MdtestHardWrite, "write mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.2.8"),
        (Op::Read, 10, IorEasyRead, "read ior-easy/ior_file_easy.00000002"),
        (Op::Stat, 4, MdtestEasyStat, "stat mdtest-easy/test-dir.0-0/mdtest_tree.0.0/file.mdtest.3.3"),
        (Op::Read, 11, IorHardRead, "read ior-hard/file"),
        (Op::Stat, 20, MdtestHardStat, "stat mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.3.9"),
        (Op::Unlink, 2, MdtestEasyDelete, "remove mdtest-easy/test-dir.0-0/mdtest_tree.2.0/file.mdtest.1.0"),
        (Op::Read, 23, MdtestHardRead, "read mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.0.2"),
        (Op::Unlink, 20, MdtestHardDelete, "remove mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.1.8"),
    ];
    for (op, nth, phase, what) in cases {
        let fault = Fault { rank: 2, op, nth, effect: EIO };
        let outcome = run(&config, phases, "/data", || Null, &[fault]);
        let text = format!("rank 2 ({}): {phase}: {what}: Input/output error (os error 5)", host());
        let finished = all.iter().copied().take_while(|&each| each != phase).collect::<Vec<_>>();
        assert_failed(&outcome, &text, &finished);
    }
}

#[test]
fn the_others_do_not_work_on_to_the_stonewall() {
    // the stonewall is five minutes away, and the ranks that did not fail learn of it in the middle of their loops
    for (op, nth, phases, what) in [
        (Op::Write, 1000, "ior-easy-write", "ior-easy-write: write ior-easy/ior_file_easy.00000001"),
        (Op::Write, 1000, "ior-hard-write", "ior-hard-write: write ior-hard/file"),
        (
            Op::Create,
            1001,
            "mdtest-easy-write",
            "mdtest-easy-write: create mdtest-easy/test-dir.0-0/mdtest_tree.2.0/file.mdtest.1.1000",
        ),
    ] {
        let fault = Fault { rank: 1, op, nth, effect: ENOSPC };
        let outcome = run(&long(), phases, "/data", || Null, &[fault]);
        let text = format!("rank 1 ({}): {what}: No space left on device (os error 28)", host());
        assert_failed(&outcome, &text, &[]);
    }
}

#[test]
fn a_collective_writer_that_fails_ends_the_others() {
    for rank in [0, 2] {
        let text = format!("rank {rank} ({}): ior-hard-write: write ior-hard/file: No space left on device", host());
        let fault = Fault { rank, op: Op::Write, nth: 100, effect: ENOSPC };
        let config = long().inputs().clone().set("ior-hard.collective=TRUE").build().unwrap().0;
        let (errors, _) = run(&config, "ior-hard", "/data", || Null, &[fault]);
        errors.iter().for_each(|error| assert!(error.to_string().starts_with(&text), "{error}"));
    }
}

#[test]
fn a_panic_of_one_rank_is_told_by_all() {
    let fault = Fault { rank: 3, op: Op::Write, nth: 5, effect: Effect::Panic };
    let outcome = run(&long(), "ior-easy-write", "/data", || Null, &[fault]);
    assert_failed(&outcome, "rank 3 panicked: injected panic: Write 5", &[]);
    assert!(outcome.0.iter().all(|error| matches!(error, Error::Panic { rank: 3, .. })));

    // after two phases
    let fault = Fault { rank: 0, op: Op::Stat, nth: 3, effect: Effect::Panic };
    let outcome = run(&short(), "mdtest", "/data", || Null, &[fault]);
    let finished = [PhaseId::MdtestEasyWrite, PhaseId::MdtestHardWrite];
    assert_failed(&outcome, "rank 0 panicked: injected panic: Stat 3", &finished);
}

#[test]
fn of_several_that_fail_at_once_the_lowest_rank_is_told() {
    let fault = |rank, effect| Fault { rank, op: Op::Write, nth: 3, effect };
    let faults = [fault(3, EIO), fault(1, ENOSPC), fault(2, Effect::Panic)];
    for _ in 0..10 {
        let (errors, kept) = run(&long(), "ior-easy-write", "/data", || Null, &faults);
        // the one that comes first may keep the others from getting so far, but all tell the same
        assert!(errors.iter().all(|error| error.to_string() == errors[0].to_string()), "{errors:?}");
        assert_eq!(kept.failure, Some(errors[0].to_string()));
    }
    let everyone: Vec<Fault> = (0..RANKS).map(|rank| fault(rank, EIO)).collect();
    let outcome = run(&long(), "ior-easy-write", "/data", || Null, &everyone);
    let what = "ior-easy-write: write ior-easy/ior_file_easy.00000000: Input/output error (os error 5)";
    assert_failed(&outcome, &format!("rank 0 ({}): {what}", host()), &[]);
}

#[test]
fn a_failure_before_the_first_phase_and_at_its_edges() {
    let config = short();
    for (rank, op, nth, what) in [
        (0, Op::Mkdir, 1, "setup: mkdir /data/ior-easy"),
        (2, Op::Create, 1, "ior-easy-write: create ior-easy/ior_file_easy.00000002"),
        (2, Op::Sync, 1, "ior-easy-write: sync ior-easy/ior_file_easy.00000002"),
        (2, Op::Close, 1, "ior-easy-write: close ior-easy/ior_file_easy.00000002"),
    ] {
        let results = tempfile::tempdir().unwrap();
        let errors = threads::run(RANKS, |comm| {
            let backend = faulty(Null, comm.rank(), &[Fault { rank, op, nth, effect: EIO }]);
            let stores = Single { backend, datadir: "/data".into() };
            let phases = [PhaseId::IorEasyWrite];
            common::run_on(&config, &phases, comm, "2026.01.02-03.04.05", Some(results.path()), &stores).unwrap_err()
        });
        for error in errors {
            assert_eq!(error.to_string(), format!("rank {rank} ({}): {what}: Input/output error (os error 5)", host()));
        }
    }
}

#[test]
fn the_sync_of_mdtest_is_part_of_its_write_phases() {
    let config = short();
    for (phase, path) in [
        (PhaseId::MdtestEasyWrite, "mdtest-easy/test-dir.0-0/mdtest_tree."),
        (PhaseId::MdtestHardWrite, "mdtest-hard/test-dir.0-0/mdtest_tree.0"),
    ] {
        let errors = threads::run(RANKS, |comm| {
            let fault = Fault { rank: 1, op: Op::Sync, nth: 1, effect: EIO };
            let backend = faulty(Null, comm.rank(), &[fault]);
            let stores = Single { backend, datadir: "/data".into() };
            common::run_on(&config, &[phase], comm, "2026.01.02-03.04.05", None, &stores).unwrap_err()
        });
        let begin = format!("rank 1 ({}): {phase}: sync {path}", host());
        assert!(errors.iter().all(|error| error.to_string().starts_with(&begin)), "{errors:?}");
    }
}

#[test]
fn transfers_in_flight_fail_like_others() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data").display().to_string();
    let small =
        "[debug]\nstonewall-time = 1\n[ior-easy]\ntransferSize = 4k\nblockSize = 400k\n[dfs-bench]\nqueue-depth = 8\n";
    let fault = Fault { rank: 1, op: Op::Write, nth: 50, effect: ENOSPC };
    let outcome = run(&common::config(small, &[]), "ior-easy-write", &data, || Posix::new(&data, false), &[fault]);
    let what = "ior-easy-write: write ior-easy/ior_file_easy.00000001: No space left on device (os error 28)";
    assert_failed(&outcome, &format!("rank 1 ({}): {what}", host()), &[]);
}

#[test]
fn a_stop_that_was_asked_for_is_an_interruption() {
    let results = tempfile::tempdir().unwrap();
    let config = long();
    let phases = [PhaseId::Timestamp, PhaseId::IorEasyWrite];
    let errors = threads::run(RANKS, |comm| {
        let progress = Arc::new(Progress::default());
        let mut options = Options::default();
        options.resultdir = Some(results.path().to_owned());
        options.progress = progress.clone();
        let plan = common::plan(&config, &phases, comm, "2026.01.02-03.04.05");
        let stores = Single { backend: Null, datadir: "/data".into() };
        let mut observer = common::StopAt(PhaseId::IorEasyWrite, progress);
        Suite::new(&config, &plan, options).run(comm, &stores, &mut observer).unwrap_err()
    });
    assert!(errors.iter().all(|error| matches!(error, Error::Interrupted)), "{errors:?}");
    let kept = kept(results.path());
    assert_eq!(kept.state, RunState::Interrupted);
    assert_eq!(kept.failure.as_deref(), Some("interrupted"));
}

#[test]
fn sixty_four_ranks_finish_the_suite() {
    let config = short();
    let phases = select_phases("all", false).unwrap();
    let results = tempfile::tempdir().unwrap();
    let all = threads::run(64, |comm| {
        let stores = Single { backend: Null, datadir: "/data".into() };
        common::run_on(&config, &phases, comm, "2026.01.02-03.04.05", Some(results.path()), &stores).unwrap()
    });
    let result = all[0].as_ref().unwrap();
    assert!(all[1..].iter().all(Option::is_none));
    assert_eq!(result.state, RunState::Finished);
    assert_eq!(result.phases.iter().map(|phase| phase.phase).collect::<Vec<_>>(), phases);
    for phase in &result.phases {
        assert!(phase.check.as_ref().is_none_or(|check| check.is_clean()), "{}", phase.phase);
        if phase.phase.has_stonewall() {
            assert_eq!(phase.operations, 640, "{}", phase.phase);
        }
    }
    assert_eq!(kept(results.path()), *result);
}
