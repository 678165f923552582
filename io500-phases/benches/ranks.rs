//! How starting, the barrier at the stonewall and reducing grow with the number of ranks, and how much memory a rank takes. Ranks are threads
//! of one process on the null store.
//!
//! Threads share a few cores, so elapsed time grows with their number whatever the algorithm. What does not depend on the cores is
//! each rank's own processor time: the busiest rank's is the length of the longest path, the mean is what a rank costs.
//!
//! ```text
//! cargo bench -p io500-phases --bench ranks -- 8 64 512 1280
//! ```
mod processor_time;

use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm::{ClockSync, Comm, threads};
use io500_phases::config::Config;
use io500_phases::engine::{Control, Latencies, OpKind, Progress, Recorder, Team, Ticker};
use io500_phases::phase_id::PhaseId;
use io500_phases::phases::{Pace, PhaseContext};
use io500_phases::plan::{Plan, RankLayout};
use io500_phases::results::Reduce;
use io500_phases::suite::{NoopObserver, Options, Suite};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A slow network: long enough that the cores of one machine do not hide how often its time is waited for.
const HOP: Duration = Duration::from_millis(2);
/// Repeats of what is short.
const ROUNDS: u32 = 50;

fn main() {
    let counts: Vec<usize> =
        std::env::args_os().skip(1).filter_map(|argument| argument.to_str()?.parse().ok()).collect();
    let counts = if counts.is_empty() { vec![8, 64, 512, 1280] } else { counts };
    println!(
        "{:>6}  {:<28} {:>12} {:>14} {:>14} {:>14}",
        "ranks", "", "elapsed [us]", "busiest [us]", "rank 0 [us]", "mean [us]"
    );
    for ranks in counts {
        let ticker = Ticker::real();
        let row = |what: &str, elapsed: Duration, own: &[Duration]| {
            let us = |time: Duration| time.as_secs_f64() * 1e6;
            let (busiest, mean) = (own.iter().max(), own.iter().sum::<Duration>() / ranks as u32);
            println!(
                "{ranks:>6}  {what:<28} {:>12.1} {:>14.1} {:>14.1} {:>14.1}",
                us(elapsed),
                us(*busiest.expect("a rank")),
                us(own[0]),
                us(mean)
            );
        };
        let timed = |what: &str, rounds: u32, work: &(dyn Fn(&dyn Comm) + Sync)| {
            let times = threads::run(ranks, |comm| {
                comm.barrier();
                let (begin, own) = (Instant::now(), processor_time::now());
                for _ in 0..rounds {
                    work(comm);
                }
                let own = (processor_time::now() - own) / rounds;
                comm.barrier();
                (begin.elapsed() / rounds, own)
            });
            let own: Vec<Duration> = times.iter().map(|(_, own)| *own).collect();
            row(what, times[0].0, &own);
        };

        let begin = Instant::now();
        let started = threads::run(ranks, |comm| {
            comm.barrier();
            begin.elapsed()
        });
        row("start of the group", started[0], &vec![Duration::ZERO; ranks]);
        timed("clocks compared", 1, &|comm| {
            ClockSync::measure(comm);
        });
        timed("whole run of one transfer", 1, &|comm| whole_run(comm, &ticker));
        timed("barrier without a failure", ROUNDS, &|comm| team(comm).barrier().expect("nobody fails"));
        row("  with 2 ms for each hop", delayed(ranks, HOP), &vec![Duration::ZERO; ranks]);
        timed("agreement at the stonewall", ROUNDS, &|comm| stonewall(comm, &ticker));
        timed("reduction of latencies", 1, &|comm| drop(recorded(comm.rank()).reduce(comm, 0)));
        timed("  of which recording", 1, &|comm| drop(recorded(comm.rank())));
        memory(ranks);
    }
}

/// A barrier on a simulated network; the time of rank 0.
fn delayed(ranks: usize, hop: Duration) -> Duration {
    let times = threads::try_run_delayed(&vec!["node"; ranks], hop, |comm| {
        comm.barrier();
        let begin = Instant::now();
        for _ in 0..ROUNDS / 10 {
            comm.barrier();
        }
        begin.elapsed() / (ROUNDS / 10)
    });
    times.expect("nobody fails")[0]
}

fn team(comm: &dyn Comm) -> Team<'_> {
    Team::new(comm, Duration::from_secs(60), Arc::new(|_| {}))
}

fn stonewall(comm: &dyn Comm, ticker: &Ticker) {
    let (team, progress) = (team(comm), Progress::default());
    let clock = ClockSync::default();
    let pace = Pace { stonewall_s: None, queue_depth: 1, threads: 1 };
    let context =
        PhaseContext { backend: &Null, root: &(), team: &team, ticker, progress: &progress, clock: &clock, pace };
    let mut recorder = io500_phases::engine::Off;
    let mut control = Control::begin(ticker, &progress, &team, &mut recorder, None);
    let mut window = context.window(context.edge(), io500_phases::engine::WindowPart::Operations);
    let met = context.stonewall_barrier(&mut window, &mut control, comm.rank() as u64, Ok(())).expect("nobody fails");
    assert_eq!(met.goal, comm.size() as u64 - 1);
}

/// Ten thousand creates between 10 and some 100 microseconds, and as many closes.
fn recorded(rank: usize) -> Latencies {
    let mut recorder = Latencies::new(OpKind::of(PhaseId::MdtestEasyWrite));
    let (mut state, mut at) = (rank as u64 + 1, 0);
    for done in 1..=10_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let nanos = 10_000 + (1 << (state >> 60)) + (state >> 50);
        at += nanos;
        recorder.record(OpKind::Create, nanos, at);
        recorder.record(OpKind::Close, nanos / 8, at);
        if done % 500 == 0 {
            recorder.look(done, at, at);
        }
    }
    recorder
}

/// From the plan to the score with a single transfer per rank: everything that a run does once.
fn whole_run(comm: &dyn Comm, ticker: &Ticker) {
    let settings = ["global.api=null", "debug.stonewall-time=1", "ior-easy.blockSize=2m"];
    let config = settings.into_iter().fold(Config::builder(), |builder, setting| builder.set(setting)).build();
    let (config, _) = config.expect("a good configuration");
    let layout = RankLayout { ranks: comm.size(), mdtest_shift: comm.topology().mdtest_shift() };
    let phases = vec![PhaseId::IorEasyWrite];
    let plan = Plan::new(&config, phases, layout, "2026.01.01-00.00.00", |_| Default::default());
    let stores = Single { backend: Null, datadir: "/".to_owned() };
    let mut options = Options::default();
    options.ticker = ticker.clone();
    Suite::new(&config, &plan, options).run(comm, &stores, &mut NoopObserver).expect("the null store refuses nothing");
}

/// Resident memory per rank: of a rank that exists, and with the recorder of a phase.
fn memory(ranks: usize) {
    let before = resident();
    let found = threads::run(ranks, |comm| {
        comm.barrier();
        let exists = resident();
        comm.barrier();
        let recorder = Latencies::new(OpKind::of(PhaseId::MdtestHardWrite));
        comm.barrier();
        let records = resident();
        comm.barrier();
        drop(recorder);
        (exists, records)
    });
    let per_rank = |bytes: u64| bytes.saturating_sub(before) / 1024 / ranks as u64;
    let (exists, records) = found[0];
    println!(
        "{ranks:>6}  KiB per rank: {} as a thread, {} with a recorder of three kinds",
        per_rank(exists),
        per_rank(records)
    );
}

/// Resident memory of the process, bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
