//! Files of campaigns.
#![no_main]

use dfs_bench_fuzz::sweep::campaign::Campaign;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Campaign::parse(text);
});
