//! The universal scalability law: X(N) = λN / (1 + σ(N−1) + κN(N−1)), fitted to logarithms by least squares. Pure.
//!
//! σ is contention (what is done one after the other), κ coherency (what each has to agree on with each other). Neither is allowed to be
//! negative. N. J. Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6.

use nalgebra::{DMatrix, DVector};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, FisherSnedecor, StudentsT};
use std::collections::BTreeMap;

/// Steps of the iteration at most; it takes about five.
const STEPS: usize = 60;

/// A coefficient with its 95 % interval; none without an error to compare with, and for one that was held at 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coefficient {
    /// The estimate.
    pub value: f64,
    /// The lower end.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// A fitted law.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Law {
    /// λ: what one node or rank brings alone.
    pub one: f64,
    /// σ.
    pub contention: Coefficient,
    /// κ.
    pub coherency: Coefficient,
    /// Standard deviation of the residuals, as a part.
    pub residual: f64,
    /// The probability of a bend like this if the figure grew in proportion.
    pub p: Option<f64>,
    /// From where on one more brings less than half of what the first brought.
    pub bends_at: Option<f64>,
    /// Where the figure is largest; more make it smaller.
    pub peak_at: Option<f64>,
}

impl Law {
    /// The figure at `n`.
    pub fn at(&self, n: f64) -> f64 {
        self.one * n / divisor(n, self.contention.value, self.coherency.value)
    }
}

fn divisor(n: f64, contention: f64, coherency: f64) -> f64 {
    1.0 + contention * (n - 1.0) + coherency * n * (n - 1.0)
}

/// Fits the law to points (N, logarithm of the figure); none for fewer than three different N.
pub fn fit(points: &[(f64, f64)]) -> Option<Law> {
    let mut groups: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (n, log) in points {
        groups.entry(n.to_bits()).or_default().push(*log);
    }
    if groups.len() < 3 {
        return None;
    }
    // a coefficient that would be negative is held at 0, the more negative one first
    let mut free = [true, true];
    let mut fitted = solve(points, free)?;
    for _ in 0..2 {
        let lowest = if fitted.values[0] <= fitted.values[1] { 0 } else { 1 };
        let negative = [lowest, 1 - lowest].into_iter().find(|&index| free[index] && fitted.values[index] < 0.0);
        let Some(index) = negative else { break };
        free[index] = false;
        fitted = solve(points, free)?;
    }
    let count = points.len() as f64;
    let parameters = 1 + free.iter().filter(|free| **free).count();
    let (error, freedom) = error(&groups)
        .or_else(|| {
            let freedom = count - parameters as f64;
            (freedom > 0.0).then(|| (fitted.squares / freedom, freedom))
        })
        .map_or((None, 0.0), |(error, freedom)| (Some(error), freedom));
    let student = StudentsT::new(0.0, 1.0, freedom).ok();
    let coefficient = |index: usize| {
        let value = fitted.values[index].max(0.0);
        let column = 1 + free[..index].iter().filter(|free| **free).count();
        let reach = free[index]
            .then(|| Some(student?.inverse_cdf(0.975) * (error? * fitted.inverse[(column, column)]).max(0.0).sqrt()))
            .flatten();
        Coefficient { value, low: reach.map(|reach| (value - reach).max(0.0)), high: reach.map(|reach| value + reach) }
    };
    let plain = solve(points, [false, false])?;
    let p = (|| {
        let terms = parameters as f64 - 1.0;
        if terms == 0.0 {
            return Some(1.0);
        }
        let f = ((plain.squares - fitted.squares).max(0.0) / terms) / error.filter(|error| *error > 0.0)?;
        Some(1.0 - FisherSnedecor::new(terms, freedom).ok()?.cdf(f))
    })();
    let (contention, coherency) = (coefficient(0), coefficient(1));
    Some(Law {
        one: fitted.level.exp(),
        bends_at: bend(contention.value, coherency.value),
        peak_at: (coherency.value > 0.0 && contention.value < 1.0)
            .then(|| ((1.0 - contention.value) / coherency.value).sqrt().max(1.0)),
        contention,
        coherency,
        residual: (fitted.squares / (count - parameters as f64).max(1.0)).sqrt(),
        p,
    })
}

/// The error variance of repeats and its degrees of freedom; none without repeats.
fn error(groups: &BTreeMap<u64, Vec<f64>>) -> Option<(f64, f64)> {
    let (mut squares, mut freedom) = (0.0, 0.0);
    for logs in groups.values() {
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        squares += logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>();
        freedom += logs.len() as f64 - 1.0;
    }
    (freedom > 0.0).then(|| (squares / freedom, freedom))
}

/// From where on one more brings less than half of what the first brought: dX/dN = λ/2.
fn bend(contention: f64, coherency: f64) -> Option<f64> {
    let gain = |n: f64| (1.0 - contention - coherency * n * n) / divisor(n, contention, coherency).powi(2);
    let (mut low, mut high) = (1.0, 1e7);
    if gain(high) > 0.5 {
        return None;
    }
    if gain(low) <= 0.5 {
        return Some(low);
    }
    for _ in 0..100 {
        let middle = (low * high).sqrt();
        if gain(middle) > 0.5 { low = middle } else { high = middle }
    }
    Some(low)
}

struct Solution {
    level: f64,
    /// σ and κ.
    values: [f64; 2],
    inverse: DMatrix<f64>,
    squares: f64,
}

/// Gauss and Newton with shorter steps where a full one makes it worse; σ and κ that are not free are 0.
fn solve(points: &[(f64, f64)], free: [bool; 2]) -> Option<Solution> {
    let least = -1.0 / points.iter().map(|(n, _)| n * n).fold(1.0, f64::max) / 4.0;
    let residuals = |level: f64, values: [f64; 2]| -> Option<Vec<f64>> {
        let one = |(n, log): &(f64, f64)| {
            let divisor = divisor(*n, values[0], values[1]);
            (divisor > 0.0).then(|| log - level - n.ln() + divisor.ln())
        };
        points.iter().map(one).collect()
    };
    let squares = |residuals: &[f64]| residuals.iter().map(|residual| residual * residual).sum::<f64>();
    let mut values = [if free[0] { 1e-3 } else { 0.0 }, 0.0];
    let mut level = points.iter().map(|(n, log)| log - n.ln() + divisor(*n, values[0], 0.0).ln()).sum::<f64>();
    level /= points.len() as f64;
    let mut now = residuals(level, values)?;
    let mut inverse = DMatrix::zeros(1, 1);
    for _ in 0..STEPS {
        let columns = |n: f64| -> Vec<f64> {
            let divisor = divisor(n, values[0], values[1]);
            let slopes = [-(n - 1.0) / divisor, -n * (n - 1.0) / divisor];
            std::iter::once(1.0).chain(slopes.into_iter().zip(free).filter(|(_, free)| *free).map(|(s, _)| s)).collect()
        };
        let rows: Vec<Vec<f64>> = points.iter().map(|(n, _)| columns(*n)).collect();
        let matrix = DMatrix::from_row_iterator(rows.len(), rows[0].len(), rows.into_iter().flatten());
        inverse = (matrix.transpose() * &matrix).try_inverse()?;
        let step = &inverse * matrix.transpose() * DVector::from_vec(now.clone());
        let (before, mut length, mut moved) = (squares(&now), 1.0, false);
        while length > 1e-6 {
            let mut next = values;
            let mut column = 1;
            for index in 0..2 {
                if free[index] {
                    next[index] = (values[index] + length * step[column]).max(least);
                    column += 1;
                }
            }
            let other = residuals(level + length * step[0], next);
            if let Some(other) = other.filter(|other| squares(other) <= before) {
                moved = before - squares(&other) > 1e-14 * before;
                (level, values, now) = (level + length * step[0], next, other);
                break;
            }
            length /= 2.0;
        }
        if !moved {
            break;
        }
    }
    Some(Solution { level, values, inverse, squares: squares(&now) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

    fn made(seed: u64, contention: f64, coherency: f64, noise: f64) -> Vec<(f64, f64)> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut normal = || (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos();
        let log = |n: f64| (5.0 * n / divisor(n, contention, coherency)).ln();
        SIZES.iter().flat_map(|&n| [n; 3]).map(|n| (n, log(n) + noise * normal())).collect()
    }

    #[test]
    fn exact_data_give_the_law_back() {
        let law = fit(&made(1, 0.03, 0.0008, 0.0)).unwrap();
        assert!((law.one - 5.0).abs() < 1e-6 && law.residual < 1e-6, "{law:?}");
        assert!((law.contention.value - 0.03).abs() < 1e-6 && (law.coherency.value - 0.0008).abs() < 1e-7, "{law:?}");
        assert!((law.peak_at.unwrap() - (0.97f64 / 0.0008).sqrt()).abs() < 1e-2);
        // half of the first's gain, by the law itself
        let n = law.bends_at.unwrap();
        assert!((law.at(n + 0.5) - law.at(n - 0.5) - 2.5).abs() < 0.01, "{law:?}");
    }

    #[test]
    fn two_sizes_are_no_law() {
        assert!(fit(&[(1.0, 0.0), (2.0, 0.6), (2.0, 0.7)]).is_none());
    }

    #[test]
    fn intervals_hold_the_planted_coefficients_as_often_as_they_say() {
        const CAMPAIGNS: u64 = 400;
        let (mut contention, mut coherency, mut bends) = (0, 0, 0);
        let truth = fit(&made(1, 0.05, 0.002, 0.0)).unwrap();
        let within = |c: Coefficient, truth: f64| c.low.is_some_and(|low| low <= truth) && c.high.unwrap() >= truth;
        for seed in 0..CAMPAIGNS {
            let law = fit(&made(seed, 0.05, 0.002, 0.03)).unwrap();
            contention += usize::from(within(law.contention, 0.05));
            coherency += usize::from(within(law.coherency, 0.002));
            assert!(law.p.unwrap() < 0.001, "{law:?}");
            bends += usize::from((law.bends_at.unwrap() / truth.bends_at.unwrap() - 1.0).abs() < 0.25);
        }
        for (what, held) in [("contention", contention), ("coherency", coherency)] {
            assert!((0.92..=0.99).contains(&(held as f64 / CAMPAIGNS as f64)), "{what}: {held} of {CAMPAIGNS}");
        }
        assert!(bends >= 380, "the bend was found {bends} times of {CAMPAIGNS}");
    }

    #[test]
    fn where_nothing_bends_a_bend_is_seldom_told() {
        const CAMPAIGNS: u64 = 1000;
        let told = (0..CAMPAIGNS).filter(|seed| fit(&made(*seed, 0.0, 0.0, 0.03)).unwrap().p.unwrap() < 0.05).count();
        // 50 at most are expected, four standard deviations are 28
        assert!(told <= 78, "{told} of {CAMPAIGNS}");
    }
}
