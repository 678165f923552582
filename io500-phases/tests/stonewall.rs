//! Stonewall and wear-out against a model: ranks of different speed on virtual clocks must end with exactly the model's count.
//!
//! A rank whose operations take `c` has done `n` of them at `n·c`; it stops at the first `n` with `n·c > T`. Every rank then goes on to the
//! maximum over all ranks, the status file holds that, and the phases that read work on exactly so many.

mod common;

use io500_phases::backend::fault::{Effect, Faulty, Op};
use io500_phases::backend::null::Null;
use io500_phases::backend::posix::Posix;
use io500_phases::backend::select::Single;
use io500_phases::backend::{Backend, DirBatch};
use io500_phases::comm::threads;
use io500_phases::config::{Config, select_phases};
use io500_phases::engine::Ticker;
use io500_phases::phase_id::{Family, PhaseId};
use io500_phases::plan::RandomReads;
use io500_phases::results::RunResult;
use io500_phases::suite::{NoopObserver, Options, Suite};
use proptest::prelude::*;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

const MS: u64 = 1_000_000;
const TIMESTAMP: &str = "2026.01.02-03.04.05";

/// What the calls of one rank take, and one call that takes longer than the others.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Speed {
    create: u64,
    write: u64,
    read: u64,
    close: u64,
    /// The number of a write from the beginning of the run, and how much longer it takes.
    stall: Option<(u64, u64)>,
}

impl Speed {
    fn even(cost: u64) -> Speed {
        Speed { create: cost, write: cost, read: cost, close: cost, stall: None }
    }

    fn apply<B>(self, store: B) -> Faulty<B> {
        let store = Faulty::new(store)
            .each(Op::Create, Effect::Delay(self.create))
            .each(Op::Write, Effect::Delay(self.write))
            .each(Op::Read, Effect::Delay(self.read))
            .each(Op::Close, Effect::Delay(self.close));
        match self.stall {
            Some((nth, longer)) => store.at(Op::Write, nth, Effect::Delay(longer)),
            None => store,
        }
    }

    /// What one operation of a phase with a stonewall takes.
    fn cost(self, phase: PhaseId) -> u64 {
        match phase {
            PhaseId::IorEasyWrite | PhaseId::IorHardWrite => self.write,
            PhaseId::MdtestEasyWrite => self.create + self.close,
            PhaseId::MdtestHardWrite => self.create + self.write + self.close,
            PhaseId::IorRnd4kEasyRead => self.read,
            _ => unreachable!("{phase} has no stonewall"),
        }
    }
}

/// The operations of one rank at the stonewall when `in_flight` of them run side by side, and `before` writes came earlier in the run.
fn at_stonewall(speed: Speed, phase: PhaseId, before: u64, stonewall_ns: u64, in_flight: u64) -> u64 {
    let cost = speed.cost(phase);
    let writes = !matches!(phase, PhaseId::MdtestEasyWrite | PhaseId::IorRnd4kEasyRead);
    let stall = |rounds: u64| match speed.stall {
        Some((nth, longer)) if writes && nth > before && before + rounds >= nth => longer,
        _ => 0,
    };
    let rounds = (1..).find(|&rounds| rounds * cost + stall(rounds) > stonewall_ns).expect("time passes");
    rounds * in_flight
}

/// What the model says of a phase with a stonewall.
#[derive(Debug, Clone, Copy)]
struct Expected {
    most: u64,
    least: u64,
    total: u64,
    /// Nanoseconds that the slowest rank needs to catch up; not modelled where a call stalls.
    wear_out: Option<u64>,
}

/// The model of a whole run, in the official order.
fn model(speeds: &[Speed], stonewall_ns: u64, limit: impl Fn(Family) -> u64) -> HashMap<PhaseId, Expected> {
    let mut writes_before = 0;
    let phases = PhaseId::ALL
        .into_iter()
        .filter(|phase| phase.in_standard() && (phase.has_stonewall() || *phase == PhaseId::IorRnd4kEasyRead));
    phases
        .map(|phase| {
            let one = |&speed| at_stonewall(speed, phase, writes_before, stonewall_ns, 1).min(limit(phase.family()));
            let ranks: Vec<u64> = speeds.iter().map(one).collect();
            let most = *ranks.iter().max().expect("there are ranks");
            if phase != PhaseId::MdtestEasyWrite {
                writes_before += most;
            }
            let least = *ranks.iter().min().expect("there are ranks");
            let behind = speeds.iter().zip(&ranks).map(|(speed, done)| speed.cost(phase) * (most - done));
            let wear_out = behind.max().filter(|_| speeds.iter().all(|speed| speed.stall.is_none()));
            (phase, Expected { most, least, total: ranks.iter().sum(), wear_out })
        })
        .collect()
}

struct Run {
    result: RunResult,
    /// Per rank: creates, writes, reads, stats, unlinks.
    calls: Vec<[u64; 5]>,
}

/// Runs these phases with a rank for each speed; `store` is every rank's view of the store.
fn run<B: Backend + Sync>(
    config: &Config,
    phases: &str,
    speeds: &[Speed],
    datadir: &str,
    resultdir: &Path,
    store: impl Fn() -> B + Sync,
) -> Run
where
    B::Dir: Send + Sync,
{
    let phases = select_phases(phases, false).unwrap();
    let ranks = threads::run(speeds.len(), |comm| {
        let backend = speeds[comm.rank()].apply(store());
        let mut options = Options::default();
        options.resultdir = Some(resultdir.to_owned());
        options.ticker = Ticker::Virtual(backend.time());
        let stores = Single { backend, datadir: datadir.to_owned() };
        let plan = common::plan(config, &phases, comm, TIMESTAMP);
        let result = Suite::new(config, &plan, options).run(comm, &stores, &mut NoopObserver).unwrap();
        let calls = [Op::Create, Op::Write, Op::Read, Op::Stat, Op::Unlink].map(|op| stores.backend.calls(op));
        (result, calls)
    });
    let (results, calls): (Vec<_>, Vec<_>) = ranks.into_iter().unzip();
    Run { result: results.into_iter().next().flatten().expect("rank 0 has the result"), calls }
}

/// Every phase of a run against the model.
fn check(run: &Run, speeds: &[Speed], stonewall_ns: u64, limit: impl Fn(Family) -> u64, resultdir: &Path) {
    let model = model(speeds, stonewall_ns, limit);
    for result in &run.result.phases {
        let phase = result.phase;
        let in_model = |write: &PhaseId| *write == phase || (write.family() == phase.family() && write.has_stonewall());
        let expected = model[model.keys().find(|write| in_model(write)).unwrap()];
        assert_eq!(result.operations, expected.most * speeds.len() as u64, "{phase}");
        if let Some(found) = &result.stonewall {
            let Expected { most, least, total, wear_out } = expected;
            assert_eq!((found.most, found.least, found.total), (most, least, total), "{phase}");
            if let Some(wear_out) = wear_out {
                assert_eq!(found.wear_out_s, wear_out as f64 / 1e9, "{phase}");
            }
        }
        if let Some(check) = &result.check {
            assert!(check.is_clean(), "{phase}: {check:?}");
        }
        if phase.has_stonewall() {
            let file = resultdir.join(format!("{}.stonewall", phase.family().name()));
            assert_eq!(fs::read_to_string(file).unwrap().trim(), expected.most.to_string(), "{phase}");
        }
        // waiting takes no virtual time, so the parts of a rank are what it did itself; a stat takes none at all
        let Some(parts) = result.parts else { continue };
        let sum: f64 = parts.named().iter().map(|(_, seconds)| seconds).sum();
        let own = result.spread.as_ref().unwrap().mean_s;
        assert!((sum - parts.open_s - parts.close_s - own).abs() < 1e-6, "{phase}: {parts:?} and {own}");
        assert!(sum <= result.window_s + 1e-6, "{phase}: {parts:?} in {}", result.window_s);
    }
}

/// A configuration with a stonewall of some seconds whose phases end by it and not by their limits.
fn config(seconds: u64, more: &[&str]) -> Config {
    let stonewall = format!("debug.stonewall-time={seconds}");
    let settings = ["ior-easy.transferSize=64", "ior-easy.blockSize=64m", &stonewall];
    common::config("", &[&settings[..], more].concat())
}

const MODEL_PHASES: &str = "ior-easy,ior-hard,mdtest,ior-rnd4K-easy";

fn limits(config: &Config) -> impl Fn(Family) -> u64 {
    let (easy, hard) = (config.ior_easy.block_size / config.ior_easy.transfer_size, config.ior_hard.segment_count);
    let (mdtest_easy, mdtest_hard) = (config.mdtest_easy.n, config.mdtest_hard.n);
    move |family| match family {
        Family::IorEasy => easy,
        Family::IorHard => hard,
        Family::MdtestEasy => mdtest_easy,
        Family::MdtestHard => mdtest_hard,
        _ => RandomReads::COUNT,
    }
}

/// The whole model on the null backend: all phases, and how often each rank called the store.
fn on_null(config: &Config, speeds: &[Speed], seconds: u64) {
    let results = tempfile::tempdir().unwrap();
    let run = run(config, MODEL_PHASES, speeds, "/data", results.path(), || Null);
    let stonewall_ns = seconds * 1_000_000_000;
    check(&run, speeds, stonewall_ns, limits(config), results.path());
    let ranks = speeds.len() as u64;
    let of = |phase| run.result.phase(phase).unwrap().operations / ranks;
    let [easy, hard] = [of(PhaseId::IorEasyWrite), of(PhaseId::IorHardWrite)];
    let [mdtest_easy, mdtest_hard] = [of(PhaseId::MdtestEasyWrite), of(PhaseId::MdtestHardWrite)];
    for (rank, &[creates, writes, reads, stats, unlinks]) in run.calls.iter().enumerate() {
        assert_eq!(writes, easy + hard + mdtest_hard, "rank {rank}");
        assert_eq!(reads, easy + hard + mdtest_hard + of(PhaseId::IorRnd4kEasyRead), "rank {rank}");
        let creators = |plan_shared: bool| u64::from(!plan_shared || rank == 0);
        let ior_creates = creators(!config.ior_easy.file_per_proc) + creators(true);
        assert_eq!(creates, mdtest_easy + mdtest_hard + ior_creates, "rank {rank}");
        // one more for the size of the file that is read at random
        assert_eq!(stats, mdtest_easy + mdtest_hard + 1, "rank {rank}");
        // the old ior files are removed by whoever creates them
        assert_eq!(unlinks, mdtest_easy + mdtest_hard + ior_creates, "rank {rank}");
    }
}

#[test]
fn the_fastest_rank_sets_the_count() {
    let speeds = [30, 7, 110].map(|ms| Speed::even(ms * MS));
    on_null(&config(1, &[]), &speeds, 1);
    // a shared file for ior-easy, and a longer stonewall
    on_null(&config(3, &["ior-easy.filePerProc=FALSE"]), &speeds, 3);
}

#[test]
fn collective_writers_end_where_rank_0_does() {
    let speeds = [30, 7, 110].map(|ms| Speed::even(ms * MS));
    for (limit, expected) in [(1_000_000, 34), (20, 20)] {
        let limit = format!("ior-hard.segmentCount={limit}");
        let config = config(1, &["ior-hard.collective=TRUE", &limit]);
        let results = tempfile::tempdir().unwrap();
        let run = run(&config, "ior-hard", &speeds, "/data", results.path(), || Null);
        let write = run.result.phase(PhaseId::IorHardWrite).unwrap();
        assert_eq!(write.operations, 3 * expected);
        let stonewall = write.stonewall.as_ref().unwrap();
        assert_eq!((stonewall.most, stonewall.least), (expected, expected));
        assert!(write.command.contains(" -w -c -D 1 "), "{}", write.command);
        let read = run.result.phase(PhaseId::IorHardRead).unwrap();
        assert_eq!(read.operations, 3 * expected);
        assert!(read.command.contains(" -r -R -c -a "), "{}", read.command);
    }
}

#[test]
fn the_edge_of_the_stonewall_is_more_than() {
    // 10 · 100 ms is the stonewall, not more than it: the 11th operation counts
    assert_eq!(at_stonewall(Speed::even(100 * MS), PhaseId::IorHardWrite, 0, 1_000_000_000, 1), 11);
    on_null(&config(1, &[]), &[Speed::even(100 * MS), Speed::even(100 * MS + 1)], 1);
    // an operation longer than the stonewall is still done
    on_null(&config(1, &[]), &[Speed::even(5_000 * MS), Speed::even(2_000 * MS)], 1);
}

#[test]
fn the_limit_of_the_plan_ends_a_phase_before_the_stonewall() {
    let limited = ["ior-easy.blockSize=640", "ior-hard.segmentCount=7", "mdtest-easy.n=5", "mdtest-hard.n=4"];
    let speeds = [Speed::even(20 * MS), Speed::even(400 * MS)];
    let limited = config(1, &limited);
    let results = tempfile::tempdir().unwrap();
    let run = run(&limited, "ior-easy,ior-hard,mdtest", &speeds, "/data", results.path(), || Null);
    check(&run, &speeds, 1_000_000_000, limits(&limited), results.path());
    let easy = run.result.phase(PhaseId::IorEasyWrite).unwrap();
    assert_eq!((easy.operations, easy.stonewall.as_ref().unwrap().least), (20, 3));
}

#[test]
fn a_rank_that_stalls_is_waited_for() {
    let stalled = Speed { stall: Some((4, 900 * MS)), ..Speed::even(10 * MS) };
    on_null(&config(1, &[]), &[Speed::even(25 * MS), stalled], 1);
}

#[test]
fn transfers_in_flight_follow_the_model() {
    for depth in [2, 7, 64] {
        let config = config(1, &[&format!("dfs-bench.queue-depth={depth}")]);
        let speeds = [300, 70, 1100].map(|ms| Speed::even(ms * MS));
        let results = tempfile::tempdir().unwrap();
        let run = run(&config, "ior-easy,ior-hard", &speeds, "/data", results.path(), || Null);
        for result in &run.result.phases {
            let most = at_stonewall(speeds[1], PhaseId::IorEasyWrite, 0, 1_000_000_000, depth);
            assert_eq!(result.operations, most * 3, "{} at depth {depth}", result.phase);
            assert!(result.check.as_ref().unwrap().is_clean(), "{} at depth {depth}", result.phase);
        }
        let each = run.result.phases[0].operations / 3;
        for [_, writes, reads, ..] in run.calls {
            assert_eq!((writes, reads), (2 * each, 2 * each), "depth {depth}");
        }
    }
}

#[test]
fn what_is_written_by_then_is_what_verification_finds() {
    for (depth, shared) in [(1, "FALSE"), (1, "TRUE"), (2, "TRUE"), (7, "FALSE"), (64, "TRUE")] {
        let temp = tempfile::tempdir().unwrap();
        let data = temp.path().join("data").display().to_string();
        let settings = [format!("dfs-bench.queue-depth={depth}"), format!("ior-easy.filePerProc={shared}")];
        let config = config(1, &[&settings[0], &settings[1], "ior-easy.transferSize=4k"]);
        let speeds = [400, 250, 900].map(|ms| Speed::even(ms * MS));
        let results = temp.path().join("results");
        let run = run(&config, "ior-easy,ior-hard,mdtest", &speeds, &data, &results, || Posix::new(&data, false));
        if depth == 1 {
            check(&run, &speeds, 1_000_000_000, limits(&config), &results);
        }
        for result in &run.result.phases {
            let written = fs::read_to_string(results.join(format!("{}.stonewall", result.phase.family().name())));
            assert_eq!(result.operations, 3 * written.unwrap().trim().parse::<u64>().unwrap(), "{}", result.phase);
            assert!(result.check.as_ref().unwrap().is_clean(), "{}: {:?}", result.phase, result.check);
        }
        let most = run.result.phase(PhaseId::IorHardWrite).unwrap().operations;
        let size = fs::metadata(Path::new(&data).join("ior-hard/file")).unwrap().len();
        assert_eq!(size, most * 47008, "depth {depth}");
    }
}

/// Any speed that is slow enough to stay quick on a real processor.
fn speed() -> impl Strategy<Value = Speed> {
    let cost = || (5 * MS)..(1500 * MS);
    let stall = proptest::option::of((1_u64..40, 0..(3000 * MS)));
    (cost(), cost(), cost(), cost(), stall).prop_map(|(create, write, read, close, stall)| Speed {
        create,
        write,
        read,
        close,
        stall,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_speeds_follow_the_model(speeds in proptest::collection::vec(speed(), 1..6), seconds in 1_u64..3, shared: bool) {
        let shared = format!("ior-easy.filePerProc={}", if shared { "FALSE" } else { "TRUE" });
        on_null(&config(seconds, &[&shared]), &speeds, seconds);
    }
}

#[test]
fn the_injection_counts_what_goes_through_it() {
    let store = Faulty::new(Null).at(Op::ReadDir, 1, Effect::Delay(5));
    store.read_dir(&mut (), &mut DirBatch::default()).unwrap();
    store.read_dir(&mut (), &mut DirBatch::default()).unwrap();
    assert_eq!((store.calls(Op::ReadDir), store.calls(Op::Read)), (2, 0));
    assert_eq!(store.time().load(std::sync::atomic::Ordering::Relaxed), 5);
}

/// On a virtual clock a window is exactly the sum of what lies in it.
#[test]
fn what_surrounds_a_phase_is_in_no_window() {
    let settings =
        ["debug.stonewall-time=60", "ior-easy.transferSize=64", "ior-easy.blockSize=640", "mdtest-easy.n=10"];
    let config = common::config("", &settings);
    let phases = select_phases("ior-easy-write,mdtest-easy-write,mdtest-easy-delete", false).unwrap();
    let outside = [(Op::OpenPath, 100_000), (Op::Mkdir, 200_000), (Op::Rmdir, 300_000), (Op::OpenDir, 400_000)];
    let inside = [(Op::Create, 1), (Op::Write, 10), (Op::Unlink, 1000), (Op::Sync, 5000)];
    let result = threads::run(1, |comm| {
        let delays = outside.into_iter().chain(inside);
        let backend = delays.fold(Faulty::new(Null), |store, (op, ms)| store.each(op, Effect::Delay(ms * MS)));
        let mut options = Options::default();
        options.ticker = Ticker::Virtual(backend.time());
        let stores = Single { backend, datadir: "/data".to_owned() };
        let plan = common::plan(&config, &phases, comm, TIMESTAMP);
        Suite::new(&config, &plan, options).run(comm, &stores, &mut NoopObserver).unwrap().unwrap()
    });
    for (phase, milliseconds) in [
        (PhaseId::IorEasyWrite, 1 + 10 * 10 + 5000),
        (PhaseId::MdtestEasyWrite, 10 + 5000),
        (PhaseId::MdtestEasyDelete, 10 * 1000),
    ] {
        let window_s = result[0].phase(phase).unwrap().window_s;
        assert!((window_s - f64::from(milliseconds) / 1000.0).abs() < 1e-6, "{phase}: {window_s}");
    }
}
