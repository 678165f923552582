//! The statistics of a comparison: ratios of geometric means with intervals from the repeats, after Student and Welch.
//!
//! Rates are compared by their logarithms: a ratio is what people ask for, and the spread of a rate grows with the rate.
//! Nothing here draws random numbers: the same runs always give the same answer.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// The confidence of intervals, and one minus the level of the tests.
pub const CONFIDENCE: f64 = 0.95;

/// A sample of logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their variance; 0 for fewer than two.
    pub variance: f64,
}

/// Sums up some values; none for none.
pub fn summary(values: &[f64]) -> Option<Summary> {
    if values.is_empty() {
        return None;
    }
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let variance = if count > 1 { squares / (count - 1) as f64 } else { 0.0 };
    Some(Summary { count, mean, variance })
}

/// Which sides were repeated, and with that how the uncertainty of a difference was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Both sides were repeated: Welch's test.
    Both,
    /// One side was repeated, and the other is assumed to be as noisy.
    One,
    /// Nothing was repeated: no uncertainty is known.
    Neither,
}

/// The difference of two means with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Mean of the second minus mean of the first.
    pub value: f64,
    /// The interval that holds the true difference with [`CONFIDENCE`], and the probability of a difference at least as
    /// large if there were none; none when nothing was repeated.
    pub uncertainty: Option<Uncertainty>,
    /// Where the uncertainty comes from.
    pub basis: Basis,
}

/// See [`Difference`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncertainty {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The probability.
    pub p: f64,
}

/// The difference from `a` to `b`.
pub fn difference(a: Summary, b: Summary) -> Difference {
    let value = b.mean - a.mean;
    let (na, nb) = (a.count as f64, b.count as f64);
    let (basis, error, freedom) = match (a.count, b.count) {
        (1, 1) => return Difference { value, uncertainty: None, basis: Basis::Neither },
        (1, _) | (_, 1) => {
            let (repeated, count) = if a.count > 1 { (a, na) } else { (b, nb) };
            (Basis::One, (repeated.variance * (1.0 / na + 1.0 / nb)).sqrt(), count - 1.0)
        }
        _ => {
            let (va, vb) = (a.variance / na, b.variance / nb);
            let freedom = (va + vb).powi(2) / (va.powi(2) / (na - 1.0) + vb.powi(2) / (nb - 1.0));
            (Basis::Both, (va + vb).sqrt(), freedom)
        }
    };
    if error == 0.0 || !freedom.is_finite() {
        // repeats that are equal to the last digit leave no doubt
        let p = if value == 0.0 { 1.0 } else { 0.0 };
        return Difference { value, uncertainty: Some(Uncertainty { low: value, high: value, p }), basis };
    }
    let reach = t_quantile(0.5 + CONFIDENCE / 2.0, freedom) * error;
    let p = 2.0 * t_tail((value / error).abs(), freedom);
    Difference { value, uncertainty: Some(Uncertainty { low: value - reach, high: value + reach, p }), basis }
}

/// How often a difference that is there has to show to be called detectable.
const POWER: f64 = 0.8;

/// The smallest difference of two means that samples with this noise show at [`CONFIDENCE`] four times out of five; none where nothing was
/// repeated.
pub fn detectable(a: Summary, b: Summary) -> Option<f64> {
    let (na, nb) = (a.count as f64, b.count as f64);
    let (error, freedom) = match (a.count, b.count) {
        (1, 1) => return None,
        (1, _) => ((b.variance * (1.0 / na + 1.0 / nb)).sqrt(), nb - 1.0),
        (_, 1) => ((a.variance * (1.0 / na + 1.0 / nb)).sqrt(), na - 1.0),
        _ => ((a.variance / na + b.variance / nb).sqrt(), na + nb - 2.0),
    };
    Some((t_quantile(0.5 + CONFIDENCE / 2.0, freedom) + t_quantile(POWER, freedom)) * error)
}

/// Holm's adjustment of several probabilities: what each is worth when all were looked at.
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut adjusted = vec![0.0; probabilities.len()];
    let mut floor = 0.0f64;
    for (place, &index) in order.iter().enumerate() {
        floor = floor.max(probabilities[index] * (probabilities.len() - place) as f64).min(1.0);
        adjusted[index] = floor;
    }
    adjusted
}

/// The value that Grubbs's test calls an outlier at 5 %, by its index; none for fewer than three values.
pub fn outlier(values: &[f64]) -> Option<usize> {
    let all = summary(values).filter(|all| all.count >= 3 && all.variance > 0.0)?;
    let distance = |value: f64| (value - all.mean).abs() / all.variance.sqrt();
    let (index, farthest) =
        values.iter().map(|value| distance(*value)).enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let n = all.count as f64;
    let t = t_quantile(1.0 - 0.05 / (2.0 * n), n - 2.0);
    let limit = (n - 1.0) / n.sqrt() * (t * t / (n - 2.0 + t * t)).sqrt();
    (farthest > limit).then_some(index)
}

/// The probability that Student's t with so many degrees of freedom exceeds `t` ≥ 0.
pub fn t_tail(t: f64, freedom: f64) -> f64 {
    student(freedom).sf(t)
}

/// The value that Student's t stays below with probability `p` ≥ 0.5.
///
/// By halving: the library's own inverse is wrong from the fifth digit on where there are many degrees of freedom.
pub fn t_quantile(p: f64, freedom: f64) -> f64 {
    let (student, tail) = (student(freedom), 1.0 - p);
    let (mut low, mut high) = (0.0, 1.0);
    while student.sf(high) > tail && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if student.sf(middle) > tail { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

fn student(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("repeats leave degrees of freedom")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not {b}");
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // two-sided 95 %, from any table of Student's t
        for (freedom, t) in
            [(1.0, 12.7062), (2.0, 4.3027), (4.0, 2.7764), (10.0, 2.2281), (30.0, 2.0423), (120.0, 1.9799)]
        {
            close(t_quantile(0.975, freedom), t, 5e-5);
        }
        close(t_quantile(0.995, 5.0), 4.0321, 5e-5);
        // a million degrees of freedom are the normal distribution
        close(t_quantile(0.975, 1e6), 1.959_966, 1e-5);
    }

    #[test]
    fn one_degree_of_freedom_is_cauchy() {
        for t in [0.1, 1.0, 7.0, 300.0] {
            close(t_tail(t, 1.0), 0.5 - f64::atan(t) / std::f64::consts::PI, 1e-12);
        }
    }

    #[test]
    fn welch_by_hand() {
        // variances 2.5 and 10 over five each: error sqrt(2.5), freedom 6.25 / (0.25 / 4 + 4 / 4)
        let a = summary(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let b = summary(&[2.0, 4.0, 6.0, 8.0, 10.0]).unwrap();
        let found = difference(a, b);
        assert_eq!((found.value, found.basis), (3.0, Basis::Both));
        let uncertainty = found.uncertainty.unwrap();
        close(uncertainty.p, 2.0 * t_tail(3.0 / 2.5f64.sqrt(), 6.25 / 1.0625), 1e-12);
        close(uncertainty.p, 0.107_531, 1e-6);
        close(uncertainty.high - 3.0, 3.0 - uncertainty.low, 1e-12);
    }

    #[test]
    fn a_single_run_borrows_the_scatter_of_the_repeated_side() {
        let a = summary(&[1.0, 1.2, 0.8]).unwrap();
        let b = summary(&[1.5]).unwrap();
        let found = difference(a, b);
        assert_eq!(found.basis, Basis::One);
        let reach = 4.3027 * 0.2 * (4.0f64 / 3.0).sqrt();
        close(found.uncertainty.unwrap().high, 0.5 + reach, 1e-4);
        assert!(difference(b, summary(&[2.0]).unwrap()).uncertainty.is_none());
    }

    #[test]
    fn what_is_detectable_shows_four_times_out_of_five() {
        let draws = normals(16 * 2000);
        let (mut shown, mut total) = (0, 0);
        for chunk in draws.chunks(16) {
            let a = summary(&chunk[..8]).unwrap();
            // the noise is known here: the detectable difference is that of the true variance
            let truth = Summary { variance: 1.0, ..a };
            let difference = detectable(truth, truth).unwrap();
            let b: Vec<f64> = chunk[8..].iter().map(|value| value + difference).collect();
            let found = self::difference(a, summary(&b).unwrap()).uncertainty.unwrap();
            shown += usize::from(found.p < 1.0 - CONFIDENCE);
            total += 1;
        }
        let share = shown as f64 / total as f64;
        assert!((0.77..=0.86).contains(&share), "{share}");
        let one = summary(&[1.0]).unwrap();
        assert_eq!(detectable(one, one), None);
    }

    #[test]
    fn the_run_that_stands_apart_is_found() {
        assert_eq!(outlier(&[1.0, 1.01, 0.99, 1.02, 0.6]), Some(4));
        assert_eq!(outlier(&[1.0, 1.1, 0.9, 1.05, 0.95]), None);
        assert_eq!(outlier(&[1.0, 2.0]), None);
        assert_eq!(outlier(&[1.0, 1.0, 1.0]), None);
    }

    #[test]
    fn holm_keeps_the_order_and_multiplies() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.5]);
        close(adjusted[0], 0.04, 1e-12);
        close(adjusted[2], 0.09, 1e-12);
        close(adjusted[1], 0.09, 1e-12);
        close(adjusted[3], 0.5, 1e-12);
    }

    /// Deterministic normal numbers for the coverage test.
    fn normals(count: usize) -> Vec<f64> {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        };
        (0..count).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect()
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let draws = normals(8 * 4000);
        let holds = draws.chunks(8).filter(|chunk| {
            let b: Vec<f64> = chunk[4..].iter().map(|value| 0.3 + 2.0 * value).collect();
            let found = difference(summary(&chunk[..4]).unwrap(), summary(&b).unwrap()).uncertainty.unwrap();
            found.low <= 0.3 && 0.3 <= found.high
        });
        let share = holds.count() as f64 / 4000.0;
        assert!((0.935..=0.965).contains(&share), "{share}");
    }

    proptest! {
        #[test]
        fn quantile_and_tail_invert_each_other(p in 0.51..0.9999f64, freedom in 1.0..200.0f64) {
            let t = t_quantile(p, freedom);
            prop_assert!((t_tail(t, freedom) - (1.0 - p)).abs() < 1e-9);
        }

        #[test]
        fn the_tail_falls(t in 0.0..50.0f64, step in 0.001..5.0f64, freedom in 1.0..100.0f64) {
            prop_assert!(t_tail(t + step, freedom) <= t_tail(t, freedom));
            prop_assert!((0.0..=0.5 + 1e-12).contains(&t_tail(t, freedom)));
        }

        #[test]
        fn swapping_the_sides_turns_the_sign(a in prop::collection::vec(0.1..10.0f64, 1..6), b in prop::collection::vec(0.1..10.0f64, 1..6)) {
            let (a, b) = (summary(&a).unwrap(), summary(&b).unwrap());
            let (there, back) = (difference(a, b), difference(b, a));
            prop_assert!((there.value + back.value).abs() < 1e-12);
            if let (Some(x), Some(y)) = (there.uncertainty, back.uncertainty) {
                prop_assert!((x.low + y.high).abs() < 1e-9 * (1.0 + x.low.abs()));
                prop_assert!((x.p - y.p).abs() < 1e-9);
                prop_assert!(x.low <= there.value && there.value <= x.high);
            }
        }

        #[test]
        fn significance_and_interval_agree(a in prop::collection::vec(0.1..10.0f64, 2..6), b in prop::collection::vec(0.1..10.0f64, 2..6)) {
            let found = difference(summary(&a).unwrap(), summary(&b).unwrap()).uncertainty.unwrap();
            let excludes_zero = found.low > 0.0 || found.high < 0.0;
            prop_assert_eq!(excludes_zero, found.p < 1.0 - CONFIDENCE);
        }
    }
}
