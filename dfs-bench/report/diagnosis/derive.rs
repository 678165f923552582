//! All rules over a run and its phases, and their sentences as every format shows them.

use super::rule::{Diagnosed, PhaseRule, RunRule};
use super::{limits, pairs, run, time};
use crate::report::model::{Run, Sentence};

/// The rules about phases, in the order in which a reader wants the answers.
fn phase_rules() -> impl Iterator<Item = &'static PhaseRule> {
    time::RULES.iter().chain(limits::RULES.iter())
}

/// The rules about the run.
fn run_rules() -> impl Iterator<Item = &'static RunRule> {
    run::RULES.iter().chain(pairs::RULES.iter())
}

/// Diagnoses a run whose other figures are derived.
pub fn derive(run: &mut Run) {
    let sentence = |id: &str, found: Diagnosed| Sentence { rule: id.to_owned(), words: found.words, next: found.next };
    for index in 0..run.phases.len() {
        let phase = &run.phases[index];
        // a phase without a rate has nothing to explain
        if phase.rate <= 0.0 || !phase.rate.is_finite() {
            continue;
        }
        let found = phase_rules().filter_map(|rule| Some(sentence(rule.id, (rule.look)(run, phase)?)));
        run.phases[index].diagnosis = found.collect();
    }
    run.diagnosis = run_rules().filter_map(|rule| Some(sentence(rule.id, (rule.look)(run)?))).collect();
}

/// The diagnosis as every format shows it: the run first, then the phases that have one; what to try next comes last.
pub fn lines(run: &Run) -> Vec<(String, String)> {
    let words = |sentences: &[Sentence]| sentences.iter().map(|each| each.words.as_str()).collect::<Vec<_>>().join(" ");
    let mut lines = Vec::new();
    if !run.diagnosis.is_empty() {
        lines.push(("Run".to_owned(), words(&run.diagnosis)));
    }
    // what holds for several phases is said once
    let mut phases: Vec<(Vec<&str>, String)> = Vec::new();
    for phase in run.phases.iter().filter(|phase| !phase.diagnosis.is_empty()) {
        let words = words(&phase.diagnosis);
        match phases.iter_mut().find(|(_, known)| *known == words) {
            Some((names, _)) => names.push(phase.id.name()),
            None => phases.push((vec![phase.id.name()], words)),
        }
    }
    lines.extend(phases.into_iter().map(|(names, words)| (named(&names), words)));
    lines.extend(next(run).into_iter().map(|next| ("Next".to_owned(), next)));
    lines
}

/// What to try next, each thing once with the phases that it is about.
fn next(run: &Run) -> Vec<String> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    let of_run = run.diagnosis.iter().filter_map(|sentence| Some((sentence.next.as_deref()?, None)));
    let of_phases = run.phases.iter().flat_map(|phase| {
        phase.diagnosis.iter().filter_map(|sentence| Some((sentence.next.as_deref()?, Some(phase.id.name()))))
    });
    for (next, phase) in of_run.chain(of_phases) {
        let at = all.iter().position(|(known, _)| *known == next).unwrap_or_else(|| {
            all.push((next, Vec::new()));
            all.len() - 1
        });
        all[at].1.extend(phase);
    }
    let said = |(next, phases): (&str, Vec<&str>)| match phases[..] {
        [] => next.to_owned(),
        _ => format!("{next} ({})", named(&phases)),
    };
    all.into_iter().map(said).collect()
}

/// Phases by name; many by the first one and their number.
fn named(phases: &[&str]) -> String {
    match phases {
        [first, ..] if phases.len() > 3 => format!("{first} and {} more", phases.len() - 1),
        _ => phases.join(", "),
    }
}
