//! What a run brought: its figures, or why there are none.

use super::campaign::TAIL;
use super::over_time::{self, OverTime};
use io500_phases::phase_id::Kind;
use io500_phases::results::{RunResult, RunState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The figures by name: `score`, `bandwidth`, `metadata`, the rate of each phase, and in microseconds the 99th percentile of its
    /// latency (`find.p99`). Empty for a failed run.
    pub figures: BTreeMap<String, f64>,
    /// Seconds that the run took, its launch included.
    pub seconds: f64,
    /// Why it counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What the strict verdict says against its figures, without what a short stonewall makes of every run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// What each phase could not exceed on this job, where the result says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roofs: BTreeMap<String, f64>,
    /// What long phases did over time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over_time: Vec<OverTime>,
}

impl Outcome {
    /// A run that has no figures.
    pub fn failed(why: impl Into<String>, seconds: f64) -> Outcome {
        Outcome { seconds, failure: Some(why.into()), ..Outcome::default() }
    }

    /// Whether its figures count.
    pub fn counts(&self) -> bool {
        self.failure.is_none()
    }

    /// Reads what a run left below its directory that ended with this exit code (none: a signal).
    pub fn read(directory: &Path, code: Option<i32>, seconds: f64) -> Outcome {
        let ended = code.map_or("it was killed".to_owned(), |code| format!("exit code {code}"));
        let text = match std::fs::read(directory.join("results/result.json")) {
            Ok(text) => text,
            // the launcher or dfs-bench said why, and had no result directory yet
            Err(_) => return Outcome::failed(format!("{ended}: {}", said(&directory.join("output.txt"))), seconds),
        };
        let result: RunResult = match serde_json::from_slice(&text) {
            Ok(result) => result,
            Err(error) => return Outcome::failed(format!("{ended}, and result.json is damaged: {error}"), seconds),
        };
        if result.state != RunState::Finished || code != Some(0) {
            let why = result.failure.clone().unwrap_or_else(|| format!("the run did not finish: {ended}"));
            return Outcome::failed(why, seconds);
        }
        Outcome {
            figures: figures(&result),
            seconds,
            failure: None,
            doubts: doubts(&result),
            roofs: roofs(&text),
            over_time: result.phases.iter().filter_map(over_time::of).collect(),
        }
    }
}

/// The first error of an output, or its last line.
fn said(output: &Path) -> String {
    let text = std::fs::read(output).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines = || text.lines().map(str::trim).filter(|line| line.chars().any(char::is_alphanumeric));
    let line = lines().find(|line| line.starts_with("error: ")).or_else(|| lines().next_back());
    line.map_or_else(|| "it said nothing".to_owned(), |line| line.chars().take(200).collect())
}

fn figures(result: &RunResult) -> BTreeMap<String, f64> {
    let phases = result.phases.iter().filter(|phase| phase.phase.kind() != Kind::Timestamp);
    let mut figures: BTreeMap<String, f64> = phases.map(|phase| (phase.phase.name().to_owned(), phase.rate)).collect();
    if let Some(score) = &result.score {
        for (name, value) in [("score", score.total), ("bandwidth", score.bandwidth), ("metadata", score.metadata)] {
            figures.insert(name.to_owned(), value);
        }
    }
    for phase in &result.phases {
        // the first kind of operation is the one the phase is about; microseconds
        if let Some(latency) = phase.latency.first() {
            figures.insert(format!("{}{TAIL}", phase.phase), latency.p99_ns as f64 / 1000.0);
        }
    }
    // what has no rate is no figure
    figures.retain(|_, value| *value > 0.0 && value.is_finite());
    figures
}

/// The roofs that a result carries; it may be of a version that does not know any.
fn roofs(text: &[u8]) -> BTreeMap<String, f64> {
    let result: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
    let phases = result["phases"].as_array().into_iter().flatten();
    phases.filter_map(|phase| Some((phase["phase"].as_str()?.to_owned(), phase["roof"]["rate"].as_f64()?))).collect()
}

/// Wrong data and wrong counts: what makes a figure false rather than short.
fn doubts(result: &RunResult) -> Vec<String> {
    let mut doubts = Vec::new();
    for phase in &result.phases {
        if let Some(found) = phase.check.as_ref().and_then(|check| check.describe()) {
            doubts.push(format!("{}: {found}", phase.phase));
        }
        if let Some(find) = &phase.find
            && let Some(expected) = find.expected_found.filter(|&expected| expected != find.found)
        {
            doubts.push(format!("{}: {} matched, {expected} expected", phase.phase, find.found));
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roofs_are_read_where_a_result_has_them() {
        let with =
            br#"{"phases": [{"phase": "find"}, {"phase": "ior-easy-write", "roof": {"by": "links", "rate": 25.0}}]}"#;
        assert_eq!(roofs(with), BTreeMap::from([("ior-easy-write".to_owned(), 25.0)]));
        assert!(roofs(b"{}").is_empty() && roofs(b"not JSON").is_empty());
    }
}
