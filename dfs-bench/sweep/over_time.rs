//! What a long phase of a run did over time: drift, slowest window, longest stall, and where its rate changed its level.

use crate::report::change_points::Finder;
use io500_phases::results::PhaseResult;
use serde::{Deserialize, Serialize};

/// Phases that are shorter say too little about time.
const LONG_S: f64 = 600.0;
/// Windows that a phase is cut into for changes of level: much longer than what goes on within a flush or a checkpoint.
const WINDOWS: usize = 32;
/// The level of the tests for changes, for all phases of a run.
const LEVEL: f64 = 0.01;

/// A long phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverTime {
    /// Which.
    pub phase: String,
    /// How long it was.
    pub seconds: f64,
    /// What it gained from begin to end, as a part.
    pub drift: Option<f64>,
    /// Standard deviation over its intervals, as a part.
    pub variation: Option<f64>,
    /// The slowest interval: begin and end in seconds, and its rate as a part of the mean.
    pub slowest: Option<(f64, f64, f64)>,
    /// The longest time in which a rank finished nothing: begin and length in seconds, and where.
    pub stall: Option<(f64, f64, String)>,
    /// Where the rate changed its level: seconds, and the factor.
    pub changes: Vec<(f64, f64)>,
}

/// The course of a phase; none for a short one and for one without a time series.
pub fn of(phase: &PhaseResult) -> Option<OverTime> {
    let series = phase.series.as_ref().filter(|series| series.end_s >= LONG_S)?;
    let stability = phase.stability.as_ref();
    // only while all ranks were at work
    let end = series.stonewall_s.unwrap_or(series.end_s).min(series.end_s);
    let intervals = ((end / series.interval_s) as usize).min(series.operations.len());
    let (windows, each) = windows(&series.operations[..intervals], series.interval_s);
    let mut changes = Vec::new();
    let places = Finder::default().changes(&windows, LEVEL);
    let ends = places.iter().skip(1).copied().chain([windows.len()]);
    let mut from = 0;
    for (&place, to) in places.iter().zip(ends) {
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        changes.push((place as f64 * each, mean(&windows[place..to]) / mean(&windows[from..place])));
        from = place;
    }
    Some(OverTime {
        phase: phase.phase.name().to_owned(),
        seconds: series.end_s,
        drift: stability.and_then(|stability| stability.drift),
        variation: stability.and_then(|stability| stability.variation),
        slowest: stability
            .and_then(|stability| stability.slowest.as_ref())
            .map(|window| (window.begin_s, window.end_s, window.of_mean)),
        stall: stability
            .and_then(|stability| stability.longest_stall.as_ref())
            .map(|stall| (stall.begin_s, stall.length_s, format!("rank {} on {}", stall.rank, stall.host))),
        changes,
    })
}

/// The operations of equal windows, and how long each is.
fn windows(operations: &[u64], interval_s: f64) -> (Vec<f64>, f64) {
    let of_each = operations.len().div_ceil(WINDOWS).max(1);
    let windows = operations.chunks_exact(of_each).map(|chunk| chunk.iter().sum::<u64>() as f64).collect();
    (windows, of_each as f64 * interval_s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::phase_id::PhaseId;
    use io500_phases::results::SeriesResult;

    fn phase(rate: impl Fn(usize) -> f64) -> PhaseResult {
        let mut rng = fastrand::Rng::with_seed(4);
        let mut phase = PhaseResult::new(PhaseId::IorEasyWrite);
        phase.series = Some(SeriesResult {
            interval_s: 150.0,
            operations: (0..240).map(|at| (rate(at) * (0.98 + 0.04 * rng.f64())) as u64).collect(),
            bytes: Vec::new(),
            latency_of: None,
            p99_ns: Vec::new(),
            stonewall_s: Some(36_000.0),
            wear_out_s: None,
            end_s: 36_000.0,
        });
        phase
    }

    #[test]
    fn a_change_in_the_seventh_hour_is_named_with_its_time() {
        let found = of(&phase(|at| if at < 160 { 1e6 } else { 8e5 })).unwrap();
        assert_eq!(found.changes.len(), 1, "{found:?}");
        assert!((found.changes[0].0 - 24_000.0).abs() < 1300.0 && (found.changes[0].1 - 0.8).abs() < 0.01, "{found:?}");
        assert!(of(&phase(|_| 1e6)).unwrap().changes.is_empty());
    }

    #[test]
    fn a_short_phase_has_no_course() {
        let mut short = phase(|_| 1e6);
        short.series.as_mut().unwrap().end_s = 300.0;
        assert_eq!(of(&short), None);
    }
}
