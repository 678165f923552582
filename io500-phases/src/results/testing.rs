//! A run by the rules, for the tests of both verdicts.

use super::run::*;
use super::strict::strict;
use super::validity::{Rules, official};
use crate::phase_id::{Kind, PhaseId};

pub fn rules() -> Rules {
    Rules {
        stonewall_s: 300,
        scc: false,
        pausing: false,
        files_per_dir: false,
        expected: PhaseId::ALL.into_iter().filter(|phase| phase.in_standard()).collect(),
        departures: Vec::new(),
    }
}

pub fn good(phase: PhaseId) -> PhaseResult {
    PhaseResult {
        rate: 1.0,
        window_s: 301.0,
        phase_s: 302.0,
        operations: 1,
        bytes: 1,
        find: (phase.kind() == Kind::Find).then(|| FindResult {
            found: 1,
            total: 2,
            expected_found: Some(1),
            ..FindResult::default()
        }),
        ..PhaseResult::new(phase)
    }
}

/// A finished run without phases.
pub fn empty_run() -> RunResult {
    RunResult {
        schema_version: SCHEMA_VERSION.into(),
        state: RunState::Finished,
        provenance: Default::default(),
        phases: Vec::new(),
        earlier: Vec::new(),
        score: None,
        official: Verdict::default(),
        strict: Verdict::default(),
        failure: None,
        client_metrics: None,
    }
}

pub fn run() -> RunResult {
    RunResult { phases: rules().expected.into_iter().map(good).collect(), ..empty_run() }
}

pub fn changed(change: impl Fn(&mut RunResult, &mut Rules)) -> (Verdict, Verdict) {
    let (mut run, mut rules) = (run(), rules());
    change(&mut run, &mut rules);
    (official(&rules, &run), strict(&rules, &run))
}

pub fn phase(run: &mut RunResult, phase: PhaseId) -> &mut PhaseResult {
    run.phases.iter_mut().find(|result| result.phase == phase).unwrap()
}
