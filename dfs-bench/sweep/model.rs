//! A linear model of logarithms over the cells: one term for each value of an axis other than the baseline's. Pure.
//!
//! The logarithm makes effects factors: "×1.3", whatever the other settings. The error is that of repeats within a cell where there are
//! repeats, so that interactions do not hide a main effect; else what the model leaves over.

use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ContinuousCDF as _, FisherSnedecor, StudentsT};

/// An axis and one of its values, other than the baseline's.
type Term = (usize, usize);

/// A measured value and the cell that it belongs to.
#[derive(Debug, Clone)]
pub struct Observation<'a> {
    /// The index of each axis's value.
    pub levels: &'a [usize],
    /// The logarithm of the figure.
    pub log: f64,
}

/// The estimate of a term.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The logarithm of the factor.
    pub log: f64,
    /// Its standard error; none without an error to compare with.
    pub error: Option<f64>,
    /// Degrees of freedom of the error.
    pub freedom: f64,
}

impl Estimate {
    /// Half the length of the 95 % interval.
    pub fn reach(&self) -> Option<f64> {
        Some(student(self.freedom)?.inverse_cdf(0.975) * self.error?)
    }

    /// The probability of an estimate at least as far from nothing if there were nothing.
    pub fn p(&self) -> Option<f64> {
        let error = self.error?;
        if error == 0.0 {
            return Some(if self.log == 0.0 { 1.0 } else { 0.0 });
        }
        Some(2.0 * (1.0 - student(self.freedom)?.cdf((self.log / error).abs())))
    }
}

fn student(freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom).ok()
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct Model {
    /// Axis and value of each term; the first coefficient is the baseline's.
    terms: Vec<Term>,
    coefficients: DVector<f64>,
    /// (XᵀX)⁺.
    inverse: DMatrix<f64>,
    /// Squares that the model leaves over.
    left: f64,
    /// The error variance and its degrees of freedom.
    error: Option<(f64, f64)>,
}

/// The error variance of repeats within cells, with its degrees of freedom; none without repeats.
pub fn pure_error(observations: &[Observation<'_>]) -> Option<(f64, f64)> {
    let mut cells: std::collections::BTreeMap<&[usize], Vec<f64>> = Default::default();
    for observation in observations {
        cells.entry(observation.levels).or_default().push(observation.log);
    }
    let (mut squares, mut freedom) = (0.0, 0.0);
    for logs in cells.values() {
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        squares += logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>();
        freedom += logs.len() as f64 - 1.0;
    }
    (freedom > 0.0).then(|| (squares / freedom, freedom))
}

impl Model {
    /// Fits the terms of all axes; `baseline` has none. None for fewer than two observations.
    pub fn fit(observations: &[Observation<'_>], baseline: &[usize]) -> Option<Model> {
        let terms = terms(observations, baseline);
        let columns = |observation: &Observation<'_>| row(observation.levels, &terms, &[]);
        solve(observations, columns, terms.clone())
    }

    /// The factor of a value against the baseline's, as a logarithm; none where the cells cannot tell it.
    pub fn effect(&self, axis: usize, level: usize) -> Option<Estimate> {
        let column = 1 + self.terms.iter().position(|&term| term == (axis, level))?;
        Some(Estimate {
            log: self.coefficients[column],
            error: self.error.map(|(variance, _)| (variance * self.inverse[(column, column)]).max(0.0).sqrt()),
            freedom: self.error.map_or(0.0, |(_, freedom)| freedom),
        })
    }

    /// What the model expects of a cell, as a logarithm.
    pub fn expect(&self, levels: &[usize]) -> f64 {
        DVector::from_vec(row(levels, &self.terms, &[])).dot(&self.coefficients)
    }
}

/// How far two axes depend on each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction {
    /// The axes.
    pub axes: (usize, usize),
    /// The probability of as much if their effects simply multiplied.
    pub p: f64,
    /// The largest factor by which two values together differ from what each brings alone.
    pub most: f64,
    /// The two values.
    pub levels: (usize, usize),
}

/// The interaction of two axes; none where the cells cannot tell it, or without an error to compare with.
pub fn interaction(observations: &[Observation<'_>], baseline: &[usize], axes: (usize, usize)) -> Option<Interaction> {
    let terms = terms(observations, baseline);
    let (a, b) = axes;
    let products: Vec<(Term, Term)> = terms
        .iter()
        .filter(|(axis, _)| *axis == a)
        .flat_map(|&first| terms.iter().filter(|(axis, _)| *axis == b).map(move |&second| (first, second)))
        // a product that no cell has cannot be estimated
        .filter(|(first, second)| observations.iter().any(|o| o.levels[a] == first.1 && o.levels[b] == second.1))
        .collect();
    let without = solve(observations, |o| row(o.levels, &terms, &[]), terms.clone())?;
    let with = solve(observations, |o| row(o.levels, &terms, &products), terms.clone())?;
    let freedom = with.coefficients.len() as f64 - without.coefficients.len() as f64;
    let (variance, error_freedom) = with.error?;
    if freedom < 1.0 || variance <= 0.0 {
        return None;
    }
    let f = ((without.left - with.left) / freedom / variance).max(0.0);
    let p = 1.0 - FisherSnedecor::new(freedom, error_freedom).ok()?.cdf(f);
    let (index, most) = (0..products.len())
        .map(|index| (index, with.coefficients[1 + terms.len() + index]))
        .max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))?;
    let (first, second) = products[index];
    Some(Interaction { axes, p, most, levels: (first.1, second.1) })
}

/// The values other than the baseline's that occur.
fn terms(observations: &[Observation<'_>], baseline: &[usize]) -> Vec<Term> {
    let all = observations.iter().flat_map(|observation| observation.levels.iter().copied().enumerate());
    let others: std::collections::BTreeSet<_> = all.filter(|&(axis, level)| level != baseline[axis]).collect();
    others.into_iter().collect()
}

fn row(levels: &[usize], terms: &[Term], products: &[(Term, Term)]) -> Vec<f64> {
    let has = |&(axis, level): &(usize, usize)| f64::from(u8::from(levels[axis] == level));
    let single = terms.iter().map(has);
    let double = products.iter().map(|(first, second)| has(first) * has(second));
    std::iter::once(1.0).chain(single).chain(double).collect()
}

/// Least squares by the normal equations, which are small; columns that depend on others share what they have.
fn solve(
    observations: &[Observation<'_>],
    columns: impl Fn(&Observation<'_>) -> Vec<f64>,
    terms: Vec<Term>,
) -> Option<Model> {
    if observations.len() < 2 {
        return None;
    }
    let width = columns(&observations[0]).len();
    let mut normal = DMatrix::zeros(width, width);
    let mut right = DVector::zeros(width);
    for observation in observations {
        let x = DVector::from_vec(columns(observation));
        normal.ger(1.0, &x, &x, 1.0);
        right.axpy(observation.log, &x, 1.0);
    }
    let decomposed = normal.svd(true, true);
    let tolerance = decomposed.singular_values.max() * 1e-10;
    let rank = decomposed.rank(tolerance);
    let inverse = decomposed.pseudo_inverse(tolerance).ok()?;
    let coefficients = &inverse * right;
    let left: f64 = observations
        .iter()
        .map(|observation| (observation.log - DVector::from_vec(columns(observation)).dot(&coefficients)).powi(2))
        .sum();
    let freedom = observations.len() as f64 - rank as f64;
    let error = pure_error(observations).or_else(|| (freedom > 0.0).then(|| (left / freedom, freedom)));
    Some(Model { terms, coefficients, inverse, left, error })
}

/// A straight line through points: its slope.
pub fn slope(points: &[(f64, f64)]) -> Option<Estimate> {
    let n = points.len() as f64;
    if points.len() < 3 {
        return None;
    }
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let sxx: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    if sxx == 0.0 {
        return None;
    }
    let log = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / sxx;
    let left: f64 = points.iter().map(|p| (p.1 - my - log * (p.0 - mx)).powi(2)).sum();
    Some(Estimate { log, error: Some((left / (n - 2.0) / sxx).sqrt()), freedom: n - 2.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full design of 2 × 3 with known effects and repeats.
    fn made(noise: impl Fn(usize) -> f64, product: f64) -> Vec<(Vec<usize>, f64)> {
        let mut all = Vec::new();
        for repeat in 0..3 {
            for a in 0..2usize {
                for b in 0..3usize {
                    let both = if a == 1 && b == 2 { product } else { 0.0 };
                    let log = 1.0 + 0.5 * a as f64 + [0.0, 0.1, -0.3][b] + both + noise(all.len() + repeat);
                    all.push((vec![a, b], log));
                }
            }
        }
        all
    }

    fn observations(from: &[(Vec<usize>, f64)]) -> Vec<Observation<'_>> {
        from.iter().map(|(levels, log)| Observation { levels, log: *log }).collect()
    }

    #[test]
    fn exact_effects_are_found_exactly() {
        let data = made(|_| 0.0, 0.0);
        let model = Model::fit(&observations(&data), &[0, 0]).unwrap();
        let close =
            |found: Option<Estimate>, expected: f64| assert!((found.unwrap().log - expected).abs() < 1e-9, "{found:?}");
        close(model.effect(0, 1), 0.5);
        close(model.effect(1, 1), 0.1);
        close(model.effect(1, 2), -0.3);
        assert!(model.effect(0, 0).is_none());
        assert!((model.expect(&[1, 2]) - 1.2).abs() < 1e-9);
    }

    #[test]
    fn a_product_is_an_interaction_and_noise_is_none() {
        let rng = std::cell::RefCell::new(fastrand::Rng::with_seed(1));
        let noise = |_| 0.02 * (rng.borrow_mut().f64() - 0.5);
        let data = made(noise, 0.4);
        let found = interaction(&observations(&data), &[0, 0], (0, 1)).unwrap();
        assert!(found.p < 1e-6 && (found.most - 0.4).abs() < 0.03, "{found:?}");
        assert_eq!(found.levels, (1, 2));
        let data = made(noise, 0.0);
        assert!(interaction(&observations(&data), &[0, 0], (0, 1)).unwrap().p > 0.05);
    }

    #[test]
    fn a_slope_is_that_of_the_line() {
        let found = slope(&[(0.0, 1.0), (1.0, 3.1), (2.0, 4.9), (3.0, 7.0)]).unwrap();
        assert!((found.log - 1.98).abs() < 1e-9, "{found:?}");
        assert!(found.p().unwrap() < 0.01);
        assert!(slope(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]).is_none());
    }
}
