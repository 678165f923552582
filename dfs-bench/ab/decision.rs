//! The order of the runs of an A/B comparison, and when it is decided. Pure.

use crate::report::compare::stats::{self, CONFIDENCE, Summary};

/// Fewer runs a side tell nothing about noise.
pub const FEWEST: usize = 3;

/// A side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    A,
    B,
}

impl Side {
    /// Its letter, which is its directory too.
    pub fn name(self) -> &'static str {
        match self {
            Side::A => "a",
            Side::B => "b",
        }
    }
}

/// The sides of a pair of runs: ABBA, so that a drift of the machine weighs on both alike.
pub fn pair(number: usize) -> [Side; 2] {
    if number.is_multiple_of(2) { [Side::A, Side::B] } else { [Side::B, Side::A] }
}

/// What the runs so far say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision {
    /// More runs may tell.
    Open,
    /// B differs from A.
    Different,
    /// The difference, if there is one, is smaller than what was asked for.
    Equal,
}

/// Looks at the figures so far. Every look is another chance to find what is not there, so with `looks` in all each of them has to be that
/// much surer. A difference smaller than `margin`, a share, does not matter.
pub fn decide(a: &[f64], b: &[f64], looks: usize, margin: f64) -> Decision {
    let logs = |values: &[f64]| stats::summary(&values.iter().map(|value| value.ln()).collect::<Vec<_>>());
    let (Some(a), Some(b)) = (logs(a), logs(b)) else { return Decision::Open };
    if a.count < FEWEST || b.count < FEWEST {
        return Decision::Open;
    }
    let Some(found) = stats::difference(a, b).uncertainty else { return Decision::Open };
    if found.p * (looks.max(1) as f64) < 1.0 - CONFIDENCE {
        Decision::Different
    } else if found.low > (1.0 - margin).ln() && found.high < (1.0 + margin).ln() {
        Decision::Equal
    } else {
        Decision::Open
    }
}

/// The smallest difference, as a share, that so many runs with this noise show four times out of five.
pub fn smallest(a: &[f64], b: &[f64]) -> Option<f64> {
    let logs = |values: &[f64]| stats::summary(&values.iter().map(|value| value.ln()).collect::<Vec<_>>());
    let (a, b): (Summary, Summary) = (logs(a)?, logs(b)?);
    stats::detectable(a, b).map(|difference| difference.exp() - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_abba() {
        let order: String = (0..4).flat_map(pair).map(Side::name).collect();
        assert_eq!(order, "abbaabba");
    }

    #[test]
    fn it_ends_when_a_difference_or_its_absence_is_sure() {
        let (slow, fast) = ([100.0, 101.0, 99.0], [120.0, 121.0, 119.0]);
        assert_eq!(decide(&slow, &fast, 8, 0.02), Decision::Different);
        assert_eq!(decide(&slow[..2], &fast[..2], 8, 0.02), Decision::Open, "too few");
        let same = [100.0, 100.1, 99.9, 100.0, 100.1];
        assert_eq!(decide(&same, &same, 8, 0.02), Decision::Equal);
        let noisy = [100.0, 130.0, 80.0];
        assert_eq!(decide(&noisy, &[95.0, 120.0, 88.0], 8, 0.02), Decision::Open);
        // what one look would call a difference is not one where there are many
        let near = [103.0, 104.2, 101.9];
        let [one, many] = [1, 100].map(|looks| decide(&slow, &near, looks, 0.001));
        assert_eq!((one, many), (Decision::Different, Decision::Open));
    }

    /// Without a difference, at most one comparison in twenty may claim one, however often it looks.
    #[test]
    fn looking_often_does_not_find_what_is_not_there() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut draw = || 100.0 * (1.0 + 0.05 * (0..12).map(|_| random.f64() - 0.5).sum::<f64>());
        let looks = 8;
        let claims = (0..1000).filter(|_| {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            (0..looks + FEWEST - 1).any(|_| {
                a.push(draw());
                b.push(draw());
                decide(&a, &b, looks, 0.0) == Decision::Different
            })
        });
        let claims = claims.count();
        assert!(claims <= 50, "{claims} of 1000");
    }
}
