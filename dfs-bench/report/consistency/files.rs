//! `result.json` with the files beside it: `result.txt`, the summary, and each phase's text, per-rank CSV and histograms.

use super::findings::Findings;
use crate::report::c_suite::rank_csv;
use crate::report::hgrm;
use io500_phases::phase_id::Kind;
use io500_phases::report::{hgrm_name, phase_txt, result_txt, summary};
use io500_phases::results::official::{OfficialResult, OfficialScore, Summary};
use io500_phases::results::{LatencyResult, PhaseResult, RunResult, RunState};
use io500_phases::text;
use std::collections::BTreeMap;
use std::path::Path;

/// CSV files have eleven digits.
const ELEVEN_DIGITS: f64 = 1e-9;
/// Histograms have three digits.
const THREE_DIGITS: f64 = 2e-3;

/// What `result.txt` and `result_summary.txt` say otherwise: the cheap part.
pub fn with_result_txt(directory: &Path, result: &RunResult) -> Vec<String> {
    let mut findings = Findings::default();
    if let Some(text) = read(directory, "result.txt") {
        official(&OfficialResult::parse(&text), result, &mut findings);
    }
    if let Some(text) = read(directory, "result_summary.txt") {
        let (found, ours) = (Summary::parse(&text), Summary::parse(&summary(result)));
        for (name, (rate, _)) in &ours.phases {
            let other = found.phases.get(name).map(|(rate, _)| rate);
            differ("result_summary.txt", name, Some(rate), other, &mut findings);
        }
        differ("result_summary.txt", "TOTAL", ours.total.as_ref(), found.total.as_ref(), &mut findings);
    }
    findings.sentences()
}

/// What the files of the phases say otherwise, where they are there.
pub fn contradictions(directory: &Path, result: &RunResult) -> Vec<String> {
    let mut findings = Findings::default();
    for phase in result.phases.iter().filter(|phase| phase.phase.kind() != Kind::Timestamp) {
        let name = format!("{}.txt", phase.phase);
        if let Some(text) = read(directory, &name) {
            lines(&name, &text, &phase_txt(phase), &mut findings);
        }
        let name = format!("{}.csv", phase.phase);
        if let Some(text) = read(directory, &name) {
            ranks(&name, &text, phase, result.provenance.ranks as u64, &mut findings);
        }
        for kind in &phase.latency {
            let name = format!("latency/{}", hgrm_name(phase.phase, kind.kind));
            if let Some(text) = read(directory, &name) {
                histogram(&name, &text, kind, &mut findings);
            }
        }
    }
    findings.sentences()
}

fn read(directory: &Path, name: &str) -> Option<String> {
    std::fs::read(directory.join(name)).ok().map(|bytes| text::escape(&bytes))
}

/// A value of `result.json`, written as the other file writes it, against that file's.
fn differ(file: &str, what: &str, ours: Option<&String>, found: Option<&String>, findings: &mut Findings) {
    if let (Some(ours), Some(found)) = (ours, found) {
        findings.holds(ours == found, || format!("{file}: {what} is {found}, and result.json gives {ours}"));
    }
}

fn official(found: &OfficialResult, result: &RunResult, findings: &mut Findings) {
    const FILE: &str = "result.txt";
    let ours = OfficialResult::parse(&result_txt(result));
    for (key, value) in &ours.run {
        differ(FILE, key, Some(value), found.run.get(key), findings);
    }
    for phase in &ours.phases {
        let Some(other) = found.phases.iter().find(|other| other.name == phase.name) else {
            // a run that was killed may have written one of the files only
            let known = result.state == RunState::Running;
            findings.holds(known, || format!("{FILE}: {} is not there, and result.json has it", phase.name));
            continue;
        };
        for (key, value) in &phase.pairs {
            differ(FILE, &format!("{} of {}", key, phase.name), Some(value), other.pairs.get(key), findings);
        }
        findings.holds(phase.reasons == other.reasons, || {
            let (of_found, of_ours) = (other.reasons.join("; "), phase.reasons.join("; "));
            format!("{FILE}: the reasons against {} are {of_found:?}, and result.json gives {of_ours:?}", phase.name)
        });
    }
    for (name, ours, found) in [("SCORE", &ours.score, &found.score), ("SCOREX", &ours.extended, &found.extended)] {
        let (Some(ours), Some(found)) = (ours, found) else { continue };
        let values = |score: &OfficialScore| {
            let mark = if score.invalid { " [INVALID]" } else { "" };
            let total = format!("{}{mark}", score.total);
            [("MD", score.md.clone()), ("BW", score.bw.clone()), ("SCORE", total)]
                .into_iter()
                .chain(score.hash.clone().map(|hash| ("hash", hash)))
                .collect::<BTreeMap<_, _>>()
        };
        let found = values(found);
        for (key, value) in values(ours) {
            differ(FILE, &format!("{key} of [{name}]"), Some(&value), found.get(key), findings);
        }
    }
}

/// The lines of a phase's text by what they are about, as far as both texts have them: other versions have others.
fn lines(file: &str, found: &str, ours: &str, findings: &mut Findings) {
    let by_name = |text: &str| {
        let mut lines = BTreeMap::<String, Vec<String>>::new();
        // the table of latencies, which follows an empty line, has its figures from the histograms
        for line in text.lines().skip(2).take_while(|line| !line.is_empty()) {
            if let Some((name, value)) = line.trim_start().split_once("  ") {
                lines.entry(name.to_owned()).or_default().push(value.trim().to_owned());
            }
        }
        lines
    };
    let found = by_name(found);
    for (name, value) in by_name(ours) {
        let (ours, found) = (value.join(", "), found.get(&name).map(|value| value.join(", ")));
        differ(file, &name, Some(&ours), found.as_ref(), findings);
    }
}

/// The per-rank figures of a phase against its sums.
fn ranks(file: &str, text: &str, phase: &PhaseResult, ranks: u64, findings: &mut Findings) {
    let table = match rank_csv::parse(phase.phase, text) {
        Ok(table) => table,
        Err(error) => return findings.holds(false, || format!("{file} cannot be read: {error}")),
    };
    let sum = |of: fn(&rank_csv::Row) -> Option<f64>| table.ranks.iter().map(of).sum::<Option<f64>>();
    let spread = phase.spread.as_ref().filter(|spread| !spread.slowest.is_empty());
    if phase.find.is_none() {
        findings.same(file, "the number of ranks", table.ranks.len() as u64, ranks);
    }
    if let Some(bytes) = sum(|row| row.bytes) {
        findings.equal(file, "the sum of the bytes", bytes, phase.bytes as f64, ELEVEN_DIGITS);
    }
    if let Some(operations) = sum(|row| row.operations) {
        findings.equal(file, "the sum of the operations", operations, phase.operations as f64, ELEVEN_DIGITS);
    }
    if let Some(seconds) = table.seconds {
        // pfind's line has six decimals
        let rounding = if phase.find.is_some() { 1e-6 / phase.window_s.max(1e-6) } else { ELEVEN_DIGITS };
        findings.equal(file, "the time", seconds, phase.window_s, rounding);
    }
    let longest = |of: fn(&rank_csv::Row) -> Option<f64>| table.ranks.iter().filter_map(of).fold(0.0, f64::max);
    let window = longest(|row| row.seconds_with_open_close);
    findings.holds(window <= phase.window_s * (1.0 + ELEVEN_DIGITS) + 1e-9, || {
        format!("{file}: a rank took {window} s, the window {} s", phase.window_s)
    });
    // what the ranks of the file did not take, no rank of the spread can have taken; mdtest's times leave out the sync
    let own = longest(|row| row.seconds);
    if let Some(spread) = spread.filter(|_| own > 0.0 && phase.phase.name().starts_with("ior-")) {
        findings.holds(spread.max_s <= own * 1.001 + 1e-3, || {
            format!("{file}: no rank took longer than {own} s, and result.json has one of {} s", spread.max_s)
        });
    }
}

/// A distribution against its figures.
fn histogram(file: &str, text: &str, kind: &LatencyResult, findings: &mut Findings) {
    let Some(summary) = hgrm::summary(text) else {
        return findings.holds(false, || format!("{file} has no last lines with count, mean and maximum"));
    };
    findings.same(file, "the number of latencies", summary.count, kind.operations);
    // microseconds with three decimals
    findings.equal(file, "the mean", summary.mean, kind.mean_ns, THREE_DIGITS + 1.0 / kind.mean_ns.max(1.0));
    findings.equal(
        file,
        "the longest",
        summary.max,
        kind.max_ns as f64,
        THREE_DIGITS + 1.0 / kind.max_ns.max(1) as f64,
    );
    let points = hgrm::points(text);
    for (percentile, ns) in
        [(50.0, kind.p50_ns), (90.0, kind.p90_ns), (99.0, kind.p99_ns), (99.9, kind.p999_ns), (99.99, kind.p9999_ns)]
    {
        // the point at the percentile itself is a share that was rounded, to either side
        let below = points.iter().rev().find(|(share, _)| *share < percentile - 1e-9).map_or(0, |(_, value)| *value);
        let above = points.iter().find(|(share, _)| *share > percentile + 1e-9).map_or(u64::MAX, |(_, value)| *value);
        let between = below as f64 * (1.0 - THREE_DIGITS) - 1.0 <= ns as f64
            && ns as f64 <= above as f64 * (1.0 + THREE_DIGITS) + 1.0;
        findings.holds(between, || {
            format!(
                "{file}: the {percentile}th percentile lies between {below} and {above} ns, result.json has {ns} ns"
            )
        });
    }
}
