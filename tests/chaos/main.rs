//! Random short suites with one random fault each, and what must hold whatever happens: `make chaos`.
//!
//! `CHAOS_RUNS` says how many (10), `CHAOS_SEED` with which seed to begin (1); the seed of a run makes the same run again, but for the
//! moment at which the fault meets it.

#[path = "../common/mod.rs"]
mod common;

mod case;
mod invariants;

use case::Case;
use std::collections::BTreeMap;
use std::panic::catch_unwind;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}: no number")))
}

#[test]
#[ignore = "make chaos"]
fn whatever_happens_the_invariants_hold() {
    if !common::is_standin() || common::is_open_mpi() != Some(true) {
        return;
    }
    let first = number("CHAOS_SEED", 1);
    let mut broken = Vec::new();
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    for seed in first..first + number("CHAOS_RUNS", 10) {
        let case = Case::new(seed);
        let text = case.to_string();
        match catch_unwind(move || invariants::hold(&case)) {
            Ok(end) => {
                println!("seed {seed}: {text}: {end}");
                *ends.entry(end.kind).or_default() += 1;
            }
            Err(_) => {
                println!("seed {seed}: {text}: BROKEN");
                broken.push(seed);
            }
        }
    }
    println!("{ends:?}, broken: {broken:?}");
    assert!(broken.is_empty(), "CHAOS_SEED={} CHAOS_RUNS=1 repeats the first of {broken:?}", broken[0]);
}
