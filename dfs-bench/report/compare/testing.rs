//! Made-up groups for the tests of this module.

use crate::report::load::RunGroup;
use crate::report::model::{Phase, Run, Source, Verdict};
use io500_phases::phase_id::{PhaseId, ScoreGroup};
use std::path::PathBuf;

/// A group with a run per rate; every scored phase has that rate.
pub fn group(label: &str, rates: &[f64]) -> RunGroup {
    let runs = rates.iter().enumerate().map(|(index, rate)| run(&format!("{label}-{index}"), *rate)).collect();
    RunGroup { label: label.to_owned(), path: PathBuf::from(label), runs }
}

fn run(label: &str, rate: f64) -> Run {
    let phases = PhaseId::ALL.into_iter().filter(|id| id.standard_group() != ScoreGroup::None).map(|id| {
        let mut phase = Phase::new(id);
        phase.rate = rate;
        phase
    });
    Run {
        label: label.to_owned(),
        path: PathBuf::from("/nowhere").join(label),
        source: Source::CSuite,
        version: Some("1".to_owned()),
        mode: Some("standard".to_owned()),
        ranks: Some(8),
        nodes: Some(2),
        started: None,
        ended: None,
        ending: None,
        score: None,
        verdicts: vec![Verdict { name: "official".to_owned(), valid: true, reasons: Vec::new() }],
        phases: phases.collect(),
        provenance: Vec::new(),
        configuration: Vec::new(),
        contradictions: Vec::new(),
        diagnosis: Vec::new(),
        missing: Vec::new(),
        client_metrics: None,
        machines: Vec::new(),
        audit: None,
    }
}
