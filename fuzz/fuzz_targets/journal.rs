//! Journals of campaigns, cut off anywhere.
#![no_main]

use dfs_bench_fuzz::sweep::journal::State;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("journal.jsonl"), bytes).expect("written");
    let _ = State::read(directory.path());
});
