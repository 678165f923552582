//! One figure over the runs of a series: limits, changes of level, and how the last run compares with those before. Pure.

use super::limits::{self, Limits, MOST};
use crate::report::change_points::{Finder, cut, median};
use serde::Serialize;

/// The level of the tests for changes, for all figures of a series together.
const LEVEL: f64 = 0.05;

/// What the figure did.
#[derive(Debug, Clone, Default)]
pub struct Trend {
    /// The limits of each run by those before it; none at the beginning.
    pub limits: Vec<Option<Limits>>,
    /// Where a new level begins.
    pub changes: Vec<usize>,
    /// The last run.
    pub last: Option<Last>,
}

/// How the last run compares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Last {
    /// Its figure against the median of the runs that it is compared with.
    pub ratio: f64,
    /// Those runs: from this one …
    pub from: usize,
    /// … up to the one before this, which is the first that is as the last one.
    pub since: usize,
    /// Whether it differs beyond chance; none where too few runs were before to know.
    pub beyond: Option<bool>,
}

/// The trend of these figures, as logarithms; `figures` of them are looked at together.
pub fn of(logs: &[f64], figures: usize, finder: &mut Finder) -> Trend {
    let limits: Vec<Option<Limits>> = (0..logs.len()).map(|at| limits::limits(&logs[..at])).collect();
    let changes = finder.changes(logs, LEVEL / figures.max(1) as f64);
    let last = last(logs, &limits, &changes);
    Trend { limits, changes, last }
}

/// On which side of its limits a run lies.
pub fn side(log: f64, limits: Option<Limits>) -> i8 {
    match limits {
        Some(limits) if log < limits.low => -1,
        Some(limits) if log > limits.high => 1,
        _ => 0,
    }
}

fn last(logs: &[f64], limits: &[Option<Limits>], changes: &[usize]) -> Option<Last> {
    let end = logs.len().checked_sub(1).filter(|end| *end > 0)?;
    let against = |since: usize, beyond: Option<bool>| {
        let from = since.saturating_sub(MOST);
        Some(Last { ratio: (logs[end] - median(&logs[from..since])).exp(), from, since, beyond })
    };
    let outside = side(logs[end], limits[end]);
    if outside != 0 {
        let recent = changes.last().copied().filter(|change| end - change < MOST);
        let since = match recent {
            Some(change) if side_of(logs, change) == outside => change,
            other => step(logs, other.unwrap_or(0).max(end.saturating_sub(MOST)), outside),
        };
        return against(since, Some(true));
    }
    match changes.last() {
        Some(&change) if end - change < MOST => against(change, Some(true)),
        _ => against(end, limits[end].map(|_| false)),
    }
}

/// The first of the runs from here on that are as the last one, which lies outside its limits on this side.
fn step(logs: &[f64], from: usize, outside: i8) -> usize {
    let end = logs.len() - 1;
    let place = cut(&logs[from..], 1).map_or(end, |place| from + place);
    let rise = median(&logs[place..]) - median(&logs[from..place]);
    if rise * f64::from(outside) > 0.0 { place } else { end }
}

/// Whether the level after a change is above or below that before.
fn side_of(logs: &[f64], change: usize) -> i8 {
    let before = median(&logs[change.saturating_sub(MOST)..change]);
    if median(&logs[change..]) < before { -1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normals(seed: u64, count: usize) -> Vec<f64> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut one = || 0.02 * (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos();
        (0..count).map(|_| one()).collect()
    }

    /// A fall by 12 % so many runs ago.
    fn fallen(seed: u64, ago: usize) -> Vec<f64> {
        let row = normals(seed, 50).into_iter().enumerate();
        row.map(|(at, log)| if at + ago >= 50 { log + 0.88f64.ln() } else { log }).collect()
    }

    #[test]
    fn a_fall_is_told_with_its_first_run_whenever_it_was() {
        let mut finder = Finder::default();
        for ago in [1, 2, 3, 5, 8, 12, 16] {
            let (mut told, mut right) = (0, 0);
            for seed in 0..40 {
                let last = of(&fallen(seed, ago), 15, &mut finder).last.unwrap();
                told += usize::from(last.beyond == Some(true) && (last.ratio - 0.88).abs() < 0.07);
                right += usize::from(last.since.abs_diff(50 - ago) <= 1);
            }
            assert!(told >= 34, "{ago} runs ago: told {told} times of 40");
            assert!(right >= 30, "{ago} runs ago: the run was right {right} times of 40");
        }
    }

    #[test]
    fn a_fall_long_ago_is_a_change_but_not_of_today() {
        let trend = of(&fallen(3, 30), 1, &mut Finder::default());
        assert_eq!(trend.changes, [20]);
        assert_eq!(trend.last.unwrap().beyond, Some(false));
    }

    /// 15 figures that do not depend on each other are the worst case.
    #[test]
    fn a_steady_machine_raises_few_alarms() {
        const HISTORIES: u64 = 400;
        let mut finder = Finder::default();
        let (mut today, mut changed) = (0, 0);
        for history in 0..HISTORIES {
            let trends: Vec<Trend> =
                (0..15).map(|figure| of(&normals(history * 15 + figure, 40), 15, &mut finder)).collect();
            changed += usize::from(trends.iter().any(|trend| !trend.changes.is_empty()));
            let outside = |trend: &Trend| trend.changes.is_empty() && trend.last.unwrap().beyond == Some(true);
            today += usize::from(trends.iter().any(outside));
        }
        // 20 of each are expected at most, four standard deviations are 17
        assert!(changed <= 37 && today <= 37, "changes {changed}, today {today} of {HISTORIES}");
    }

    #[test]
    fn the_first_runs_are_not_judged() {
        let trend = of(&normals(1, 5), 15, &mut Finder::default());
        assert_eq!(trend.last.unwrap().beyond, None);
        assert_eq!(of(&[0.5], 1, &mut Finder::default()).last, None);
    }
}
