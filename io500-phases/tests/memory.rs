//! A rank's memory grows neither with the files it works on nor with the number of ranks; only rank 0 keeps a tally of each rank.

mod common;

use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm::{Comm, threads};
use io500_phases::config::select_phases;

/// Runs the suite on the store that keeps nothing; the most bytes that a rank had during the run, by rank.
fn peaks(ranks: usize, files: u64, latency: bool) -> Vec<u64> {
    let text = format!(
        "[global]\napi = NULL\n[debug]\nstonewall-time = 300\n[ior-easy]\ntransferSize = 8k\nblockSize = {}\n[ior-hard]\n\
         segmentCount = {}\n[mdtest-easy]\nn = {files}\n[mdtest-hard]\nn = {files}\n",
        8 * 1024 * files / 10,
        files / 50
    );
    let config = common::config(&text, &[&format!("dfs-bench.latency={latency}")]);
    let phases = select_phases("write,ior-easy-read,ior-hard-read,stat,mdtest-hard-read,delete", false).unwrap();
    threads::run(ranks, |comm: &dyn Comm| {
        let stores = Single { backend: Null, datadir: "/data".into() };
        let mut result = None;
        let memory = allocation_counter::measure(|| {
            result = common::run_on(&config, &phases, comm, "2026.01.02-03.04.05", None, &stores).unwrap();
        });
        if let Some(result) = result {
            assert_eq!(result.phases.len(), phases.len());
            let written = result.phases.iter().find(|phase| phase.phase.name() == "mdtest-hard-write").unwrap();
            assert_eq!(written.operations, files * ranks as u64);
        }
        memory.bytes_max
    })
}

/// What messages that hold numbers in decimal may differ by.
const SLACK: u64 = 64 * 1024;
/// Histograms and what a rank sends of them have a fixed size at most, and are the smaller the less the latencies spread.
const HISTOGRAMS: u64 = 8 << 20;

/// The most that a rank other than 0 had.
fn most(ranks: usize, files: u64, latency: bool) -> u64 {
    peaks(ranks, files, latency).into_iter().skip(1).max().unwrap()
}

#[test]
fn a_ranks_memory_does_not_grow_with_files_or_ranks() {
    let few = most(4, 1_000, false);
    assert!(few > 47_008, "nothing is counted: {few}");
    let many_files = most(4, 100_000, false);
    assert!(many_files.abs_diff(few) < SLACK, "1,000 files: {few} bytes, 100,000 files: {many_files}");
    let many_ranks = most(32, 1_000, false);
    assert!(many_ranks.abs_diff(few) < SLACK, "4 ranks: {few} bytes, 32 ranks: {many_ranks}");
}

#[test]
fn nor_do_histograms() {
    for (ranks, files) in [(4, 100_000), (32, 1_000)] {
        let peak = most(ranks, files, true);
        assert!(peak < HISTOGRAMS, "{ranks} ranks, {files} files: {peak} bytes");
    }
}
