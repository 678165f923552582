//! A rank's memory grows neither with the files it works on nor with the number of ranks; only rank 0 keeps a tally of each rank.
#![allow(unsafe_code)]

mod common;

use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm::{Comm, threads};
use io500_phases::config::select_phases;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread has allocated and not freed, and the most there were.
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counting per thread.
struct Counting;

fn count(bytes: i64) {
    let live = LIVE.get() + bytes;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
}

// SAFETY: GlobalAlloc's contract is kept by `System`, to which every call goes unchanged; counting touches thread-locals without
// destructor and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs the suite on the store that keeps nothing; the most bytes that a rank had during the run, by rank.
fn peaks(ranks: usize, files: u64, latency: bool) -> Vec<i64> {
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
        LIVE.set(0);
        PEAK.set(0);
        let result = common::run_on(&config, &phases, comm, "2026.01.02-03.04.05", None, &stores).unwrap();
        let peak = PEAK.get();
        if let Some(result) = result {
            assert_eq!(result.phases.len(), phases.len());
            let written = result.phases.iter().find(|phase| phase.phase.name() == "mdtest-hard-write").unwrap();
            assert_eq!(written.operations, files * ranks as u64);
        }
        peak
    })
}

/// What messages that hold numbers in decimal may differ by.
const SLACK: i64 = 64 * 1024;
/// Histograms and what a rank sends of them have a fixed size at most, and are the smaller the less the latencies spread.
const HISTOGRAMS: i64 = 8 << 20;

/// The most that a rank other than 0 had.
fn most(ranks: usize, files: u64, latency: bool) -> i64 {
    peaks(ranks, files, latency).into_iter().skip(1).max().unwrap()
}

#[test]
fn a_ranks_memory_does_not_grow_with_files_or_ranks() {
    let few = most(4, 1_000, false);
    assert!(few > 47_008, "nothing is counted: {few}");
    let many_files = most(4, 100_000, false);
    assert!((many_files - few).abs() < SLACK, "1,000 files: {few} bytes, 100,000 files: {many_files}");
    let many_ranks = most(32, 1_000, false);
    assert!((many_ranks - few).abs() < SLACK, "4 ranks: {few} bytes, 32 ranks: {many_ranks}");
}

#[test]
fn nor_do_histograms() {
    for (ranks, files) in [(4, 100_000), (32, 1_000)] {
        let peak = most(ranks, files, true);
        assert!(peak < HISTOGRAMS, "{ranks} ranks, {files} files: {peak} bytes");
    }
}
