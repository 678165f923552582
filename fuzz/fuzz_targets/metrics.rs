//! The text that telemetry ports answer.
#![no_main]

use dfs_bench_fuzz::exposition;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for line in text.lines() {
        if let Ok(Some(sample)) = exposition::sample(line) {
            let _ = sample.label("rank");
        }
    }
});
