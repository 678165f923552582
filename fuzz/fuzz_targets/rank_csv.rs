//! The per-rank files of all phases.
#![no_main]

use dfs_bench_fuzz::report::c_suite::rank_csv;
use io500_phases::phase_id::PhaseId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, String)| {
    let phases = PhaseId::ALL;
    let phase = phases[usize::from(input.0) % phases.len()];
    if let Ok(table) = rank_csv::parse(phase, &input.1) {
        table.ranks.iter().for_each(|row| drop(row.figures()));
    }
});
