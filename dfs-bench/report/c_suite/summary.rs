//! Reads a run of which there is nothing but its summary: a `result_summary.txt`, as the suite of scripts left it up to 2019, or
//! what a console showed.

use super::directory::score;
use crate::exit::UsageError;
use crate::report::derive::derive;
use crate::report::model::{Phase, Run, Source, Verdict};
use anyhow::{Context, Result};
use io500_phases::phase_id::{Kind, PhaseId};
use io500_phases::results::official::Summary;
use io500_phases::text;
use std::io::Read as _;
use std::path::Path;

/// Bytes that are looked at: the output of a run is far below, and whatever goes on for longer is none.
const LARGEST: u64 = 64 << 20;

/// Reads the summary in `file`.
pub fn load(file: &Path) -> Result<Run> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file).and_then(|opened| opened.take(LARGEST).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read {}", text::of(file)))?;
    let summary = Summary::parse(&text::escape(&bytes));
    let phases: Vec<Phase> = PhaseId::ALL.into_iter().filter_map(|id| phase(id, &summary)).collect();
    if phases.is_empty() {
        let message = format!("{} holds no line [RESULT] of an IO500 run", text::of(file));
        return Err(UsageError::new(message).into());
    }
    let valid = summary.score.as_ref().is_some_and(|score| !score.invalid);
    let reason = match &summary.score {
        Some(_) => "the score is marked INVALID; a summary gives no reasons",
        None => "the run has no score",
    };
    let scripts = "It has no version: the script-based suite wrote it, whose rules were different.";
    let unknown = summary.phases.keys().filter(|name| name.parse::<PhaseId>().is_err());
    let missing = unknown
        .map(|name| format!("{name} is a phase of another version and is not shown."))
        .chain(summary.version.is_none().then(|| scripts.to_owned()))
        .chain(["There is only a summary: no hashes, reasons, ranks, nodes, configuration, per-rank figures, latencies or time \
                 series."
            .to_owned()]);
    let mut run = Run {
        label: String::new(),
        path: file.to_owned(),
        source: Source::CSuite,
        version: summary.version.clone(),
        mode: summary.mode.clone(),
        ranks: None,
        nodes: None,
        started: None,
        ended: None,
        ending: summary.score.is_none().then(|| "the summary has no score: the run did not finish".to_owned()),
        score: summary.score.as_ref().map(|standard| score(standard, summary.extended.as_ref())),
        verdicts: vec![Verdict {
            name: "official".to_owned(),
            valid,
            reasons: if valid { Vec::new() } else { vec![reason.to_owned()] },
        }],
        phases,
        provenance: Vec::new(),
        configuration: Vec::new(),
        missing: missing.collect(),
        client_metrics: None,
        diagnosis: Vec::new(),
        machines: Vec::new(),
        audit: None,
        contradictions: super::refuted::refuted_claims(file),
    };
    derive(&mut run);
    Ok(run)
}

fn phase(id: PhaseId, summary: &Summary) -> Option<Phase> {
    let (rate, invalid) = summary.phases.get(id.name()).filter(|_| id.kind() != Kind::Timestamp)?;
    let mut phase = Phase::new(id);
    phase.rate = rate.parse().ok().filter(|rate: &f64| rate.is_finite()).unwrap_or(0.0);
    phase.seconds = summary.seconds.get(id.name()).copied().filter(|seconds| *seconds > 0.0);
    phase.valid = !invalid;
    if *invalid {
        phase.reasons.push("marked INVALID; a summary gives no reasons".to_owned());
    }
    Some(phase)
}
