//! The limits of a control chart for single runs: the median of the runs before, and how far from it chance carries a run.
//!
//! The scatter is the mean difference between neighbours without the largest ones, which neither an outlier nor a step in the past disturbs. How many of
//! those the limits lie away depends on how many runs there were before. It was drawn so that a run of a steady machine lies outside as often
//! as beyond the three standard deviations that charts have by custom: 0.27 % (W. A. Shewhart).

use crate::report::change_points::median;

/// Runs before that count, at most and at least.
pub const MOST: usize = 20;
pub const LEAST: usize = 8;
/// The scatter is not taken to be less than this, of logarithms: a tenth of a percent.
const LEAST_SCATTER: f64 = 0.001;

/// Limits of a run, as logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The median of the runs before.
    pub centre: f64,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
}

/// How many scatters away from the centre of 8, 9, … 20 runs the limits lie: drawn from 60,000 samples of normal numbers each.
const FACTORS: [f64; MOST - LEAST + 1] = [6.52, 7.67, 6.75, 6.09, 5.54, 6.42, 5.85, 5.64, 5.33, 5.75, 5.47, 5.21, 4.92];

/// The limits of the run that follows these, of which the last [`MOST`] count; none for too few.
pub fn limits(before: &[f64]) -> Option<Limits> {
    let before = &before[before.len().saturating_sub(MOST)..];
    let factor = FACTORS.get(before.len().checked_sub(LEAST)?)?;
    let (centre, reach) = (median(before), factor * scatter(before).max(LEAST_SCATTER));
    Some(Limits { centre, low: centre - reach, high: centre + reach })
}

/// The mean difference between neighbours without the largest quarter: there an outlier or a step would be.
fn scatter(values: &[f64]) -> f64 {
    let mut differences: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    differences.sort_by(f64::total_cmp);
    let kept = &differences[..differences.len() - differences.len() / 4];
    kept.iter().sum::<f64>() / kept.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_machine_is_outside_as_seldom_as_said() {
        for count in LEAST..=MOST {
            let mut rng = fastrand::Rng::with_seed(77 + count as u64);
            let mut normal =
                || 0.03 * (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos();
            let outside = (0..5_000)
                .filter(|_| {
                    let row: Vec<f64> = (0..=count).map(|_| normal()).collect();
                    let found = limits(&row[..count]).unwrap();
                    row[count] < found.low || row[count] > found.high
                })
                .count();
            // 13.5 are expected, the factors were drawn to within a tenth; four standard deviations are 15
            assert!((1..=30).contains(&outside), "{outside} of 5000 with {count} runs before");
        }
    }

    #[test]
    fn neither_an_outlier_nor_a_step_widens_the_limits_much() {
        let steady: Vec<f64> = (0..20).map(|at| 0.01 * f64::from([0, 2, -1, 1, -2][at % 5])).collect();
        let width = |row: &[f64]| limits(row).map(|l| l.high - l.low).unwrap();
        let plain = width(&steady);
        let mut wild = steady.clone();
        wild[9] = -2.0;
        let step: Vec<f64> = steady.iter().enumerate().map(|(at, x)| x + if at < 4 { 1.0 } else { 0.0 }).collect();
        assert!(width(&wild) < 1.5 * plain);
        assert!(width(&step) < 1.5 * plain);
        assert_eq!(limits(&steady[..LEAST - 1]), None);
    }
}
