//! The parallel walk against `find … | wc -l` and against the plain walk, on one directory with a million files and on 200 with 5,000 each.
//!
//! `cargo bench -p io500-phases --bench find -- [directory [rounds [files]]]`; the directory is `/dev/shm` by default, and the trees are removed at the
//! end. Every round measures everything once, in turn, so that other load hits all alike; medians are shown.

use io500_phases::backend::Backend as _;
use io500_phases::backend::posix::Posix;
use io500_phases::comm::{ClockSync, Comm, threads};
use io500_phases::engine::{Off, Progress, Team, Ticker};
use io500_phases::phases::find::{self, Counts, FindOptions};
use io500_phases::phases::{Pace, PhaseContext};
use io500_phases::plan::{FindPlan, Glob, Predicate};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FILE_SIZE: u64 = 3901;

fn main() {
    let mut args = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).skip(1);
    // `cargo test --benches` builds and calls it too, and has no time for this
    if args.next_back().as_deref() != Some("--bench") {
        return;
    }
    let args: Vec<String> = args.collect();
    let arg = |at: usize| args.get(at).filter(|arg| !arg.starts_with('-'));
    let base =
        PathBuf::from(arg(0).map_or("/dev/shm", String::as_str)).join(format!("find-bench-{}", std::process::id()));
    let rounds: usize = arg(1).map_or(5, |text| text.parse().expect("a number of rounds"));
    let files: usize = arg(2).map_or(1_000_000, |text| text.parse().expect("a number of files"));
    for (name, directories) in [("one directory", 1), ("200 directories", 200)] {
        let data = base.join("data");
        make_tree(&base, directories, files / directories);
        println!("\n{name}, {} files in all; medians of {rounds} rounds", files / directories * directories);
        measure(&base, &data, rounds);
        std::fs::remove_dir_all(&base).expect("the tree is removed");
    }
}

/// Files as mdtest-hard makes them, without their blocks.
fn make_tree(base: &Path, directories: usize, files: usize) {
    std::fs::create_dir_all(base.join("data")).expect("the tree's top");
    std::fs::write(base.join("timestampfile"), "").expect("the timestamp file");
    // find wants a later time, and file systems date by the kernel's ticks
    std::thread::sleep(Duration::from_millis(50));
    for directory in 0..directories {
        let path = base.join(format!("data/mdtest_tree.{directory}.0"));
        std::fs::create_dir(&path).expect("a directory");
        for number in 0..files {
            let file = std::fs::File::create(path.join(format!("file.mdtest.{directory}.{number}"))).expect("a file");
            file.set_len(FILE_SIZE).expect("a size");
        }
    }
}

type Way<'a> = (&'a str, Box<dyn Fn() -> (u64, u64) + 'a>);

/// Runs every way of finding; all must find the same.
fn measure(base: &Path, data: &Path, rounds: usize) {
    let timestamp = base.join("timestampfile");
    let not_before = std::fs::metadata(&timestamp).expect("the timestamp file").ctime();
    let predicate =
        Predicate { name: Some(Glob::containing("01")), size: Some(FILE_SIZE), not_before: Some(not_before) };
    let plan = FindPlan { below: String::new(), predicate, newer_than_timestamp: true };
    let backend = Posix::new(&data.display().to_string(), false);
    let plain = || {
        let start = backend.open_path(&data.display().to_string()).expect("the start");
        let counts = find::walk(&backend, &start, &plan.predicate).expect("a walk");
        (counts.found, counts.total)
    };
    let parallel = |ranks: usize, threads: usize| {
        let counts = walk(&backend, data, &plan, ranks, threads);
        (counts.found, counts.total)
    };
    let ways: Vec<Way<'_>> = vec![
        ("find | wc -l", Box::new(|| (shell_find(data, &timestamp), 0))),
        ("plain walk", Box::new(plain)),
        ("1 rank × 1 thread", Box::new(|| parallel(1, 1))),
        ("1 rank × 2 threads", Box::new(|| parallel(1, 2))),
        ("2 ranks × 1 thread", Box::new(|| parallel(2, 1))),
    ];
    // the first call in a process calibrates the clock, which takes longer than some walks
    Ticker::real();
    let mut times = vec![Vec::new(); ways.len()];
    let expected = ways[1].1();
    for _ in 0..rounds {
        for ((name, way), times) in ways.iter().zip(&mut times) {
            let begin = Instant::now();
            let (found, total) = way();
            times.push(begin.elapsed().as_secs_f64());
            assert_eq!(found, expected.0, "{name}");
            assert!(total == 0 || total == expected.1, "{name}: {total} of {}", expected.1);
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    println!("{:<20} {:>9} {:>12} {:>9} {:>9}", "", "s", "entries/s", "× find", "× plain");
    for ((name, _), median) in ways.iter().zip(&medians) {
        println!(
            "{name:<20} {median:>9.4} {:>12.0} {:>9.2} {:>9.2}",
            expected.1 as f64 / median,
            medians[0] / median,
            medians[1] / median
        );
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn shell_find(data: &Path, timestamp: &Path) -> u64 {
    // every file of the tree was made after the timestamp file, so find's -newer and the rules' seconds are equal
    let command =
        format!("find {} -newer {} -size {FILE_SIZE}c -name '*01*' | wc -l", data.display(), timestamp.display());
    let output = Command::new("sh").arg("-c").arg(command).output().expect("find runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a count")
}

fn walk(backend: &Posix, data: &Path, plan: &FindPlan, ranks: usize, threads: usize) -> Counts {
    let counts = threads::run(ranks, |comm: &dyn Comm| {
        let team = Team::new(comm, Duration::from_secs(60), Arc::new(|error| panic!("stuck: {error}")));
        let root = backend.open_path(&data.display().to_string()).expect("the start");
        let (ticker, clock, progress) = (Ticker::real(), ClockSync::default(), Progress::default());
        let pace = Pace { stonewall_s: None, queue_depth: 1, threads: 1 };
        let context = PhaseContext {
            backend,
            root: &root,
            team: &team,
            ticker: &ticker,
            progress: &progress,
            clock: &clock,
            pace,
        };
        let options = FindOptions { threads, ..FindOptions::default() };
        find::run(&context, plan, &options, &mut Off).expect("a walk").1.counts
    });
    let mut sum = Counts::default();
    counts.into_iter().for_each(|each| sum += each);
    sum
}
