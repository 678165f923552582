//! A step in a phase's rate, found by the change point that explains most of the variance.
//!
//! Background: after connecting, DAOS may be slower for some seconds, until a thread of its system stops polling. A short phase that begins
//! soon after connecting then measures a mixture of two rates.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The moment from which a phase was faster or slower than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct RateStep {
    /// When, seconds since the loops began.
    pub at_s: f64,
    /// Mean rate before it, operations per second of all ranks.
    pub before: f64,
    /// And after it.
    pub after: f64,
}

impl RateStep {
    /// How many times as fast it went on.
    pub fn ratio(&self) -> f64 {
        self.after / self.before
    }
}

/// Fewer intervals hold no step that could be told from noise.
const LEAST_INTERVALS: usize = 20;
/// A step has at least a tenth of the intervals on either side: a few slow ones at an end are none, and in a long phase it does not matter.
const SIDE: usize = 10;
/// The difference of the means, in standard errors of what the step leaves unexplained. The best of all places exceeds 3.3 once in twenty where there is
/// no step and intervals are independent; those of a real store are not quite.
const LEAST_T: f64 = 6.0;
/// Smaller steps are noise to whoever compares runs.
const LEAST_RATIO: f64 = 1.25;

/// The step in these rates, if there is one and it explains them better than a straight line.
pub(super) fn find(rates: &[f64], interval_s: f64) -> Option<RateStep> {
    let count = rates.len();
    if count < LEAST_INTERVALS {
        return None;
    }
    let n = count as f64;
    let total: f64 = rates.iter().sum();
    let mean = total / n;
    let all: f64 = rates.iter().map(|rate| (rate - mean).powi(2)).sum();
    let side = count.div_ceil(SIDE).max(4);
    let mut sum: f64 = rates[..side - 1].iter().sum();
    let (mut best, mut explained) = (None, 0.0);
    for at in side..=count - side {
        sum += rates[at - 1];
        let (left, right) = (at as f64, n - at as f64);
        let (before, after) = (sum / left, (total - sum) / right);
        let gain = left * right / n * (after - before).powi(2);
        if gain > explained {
            (best, explained) = (Some(RateStep { at_s: left * interval_s, before, after }), gain);
        }
    }
    let step = best.filter(|step| step.before > 0.0)?;
    let unexplained = (all - explained).max(0.0);
    let large = !(1.0 / LEAST_RATIO..LEAST_RATIO).contains(&step.ratio());
    let clear = explained > LEAST_T.powi(2) * unexplained / (n - 2.0);
    (large && clear && explained > of_line(rates, mean)).then_some(step)
}

/// What a straight line explains of the variance.
fn of_line(rates: &[f64], mean: f64) -> f64 {
    let middle = (rates.len() as f64 - 1.0) / 2.0;
    let (mut with, mut squares) = (0.0, 0.0);
    for (at, rate) in rates.iter().enumerate() {
        let x = at as f64 - middle;
        with += x * (rate - mean);
        squares += x * x;
    }
    with * with / squares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise from -1 to 1 that is the same in every run.
    fn noise(seed: u64, count: usize) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn rates(seed: u64, count: usize, noisy: f64, of: impl Fn(usize) -> f64) -> Vec<f64> {
        noise(seed, count).iter().enumerate().map(|(at, noise)| of(at) * (1.0 + noisy * noise)).collect()
    }

    #[test]
    fn a_planted_step_is_found_where_it_is() {
        for seed in 1..50 {
            for (place, factor) in [(80, 2.0), (30, 1.5), (100, 0.6)] {
                let rates = rates(seed, 150, 0.3, |at| if at < place { 1000.0 } else { 1000.0 * factor });
                let step = find(&rates, 0.1).unwrap_or_else(|| panic!("{seed} {place} {factor}"));
                assert!((step.at_s - place as f64 / 10.0).abs() <= 1.0, "{step:?}");
                assert!((step.ratio() / factor - 1.0).abs() < 0.2, "{step:?}");
            }
        }
    }

    #[test]
    fn without_a_step_none_is_found() {
        for seed in 1..500 {
            for count in [20, 40, 256] {
                assert_eq!(find(&rates(seed, count, 0.5, |_| 1000.0), 0.1), None, "{seed} {count}");
            }
        }
    }

    #[test]
    fn a_drift_a_dip_and_a_slow_end_are_no_steps() {
        let drift = rates(1, 100, 0.02, |at| 1000.0 + 20.0 * at as f64);
        let dip = rates(2, 100, 0.1, |at| if (40..50).contains(&at) { 300.0 } else { 1000.0 });
        let end = rates(3, 100, 0.1, |at| if at >= 96 { 500.0 } else { 1000.0 });
        for rates in [drift, dip, end, vec![1000.0; 100], vec![0.0; 100], vec![1.0, 2.0]] {
            assert_eq!(find(&rates, 0.1), None);
        }
    }

    #[test]
    fn small_steps_are_not_told() {
        assert_eq!(find(&rates(4, 100, 0.02, |at| if at < 50 { 1000.0 } else { 1100.0 }), 0.1), None);
    }
}
