//! The analysis on simulated campaigns: what was planted is found, and where nothing was planted little is.

use super::analysis::analyse;
use super::campaign::Campaign;
use super::journal::{Run, State};
use super::outcome::Outcome;
use super::schedule::{Next, Schedule};
use super::testing::campaign;

/// A store with known effects: the campaign is run against it by the real schedule.
struct Store {
    rng: fastrand::Rng,
    noise: f64,
    drift_per_run: f64,
    effect: fn(&[usize]) -> f64,
    liar: Option<u64>,
}

impl Store {
    fn new(seed: u64, noise: f64, effect: fn(&[usize]) -> f64) -> Store {
        Store { rng: fastrand::Rng::with_seed(seed), noise, drift_per_run: 0.0, effect, liar: None }
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * self.rng.f64()).cos()
    }

    fn run(&mut self, campaign: &Campaign) -> State {
        let schedule = Schedule::new(campaign).unwrap();
        let mut state = State { campaign: campaign.clone(), runs: Vec::new(), forgiven: 0 };
        for number in 1.. {
            let Next::Run { slot, cell, attempt } = schedule.next(&state) else { break };
            let mut log = (self.effect)(&cell.levels) + self.noise * self.normal() + self.drift_per_run * number as f64;
            if self.liar == Some(number) {
                log -= 1.0;
            }
            let figures =
                [("score".to_owned(), log.exp()), ("bandwidth".to_owned(), log.exp()), ("metadata".to_owned(), 1.0)];
            let outcome = Outcome { figures: figures.into(), seconds: 1.0, ..Outcome::default() };
            state.runs.push(Run { number, slot, attempt, started: String::new(), job: None, outcome: Some(outcome) });
        }
        state
    }
}

#[test]
fn planted_effects_and_their_interaction_are_found() {
    let effect = |l: &[usize]| 0.4 * l[0] as f64 - 0.1 * l[1] as f64 + if l[0] == 1 && l[2] == 2 { 0.3 } else { 0.0 };
    let state = Store::new(7, 0.03, effect).run(&campaign("repeats = 4", &[2, 2, 3]));
    let found = analyse(&state).unwrap();
    let factor = |axis: usize, value: &str| found.effects[axis].values.iter().find(|(v, _)| v == value).unwrap().1;
    // a third of the cells of a0 = 1 have 0.3 more
    assert!((factor(0, "1").ratio.ln() - 0.5).abs() < 0.04 && factor(0, "1").is_significant());
    assert!((factor(1, "1").ratio.ln() + 0.1).abs() < 0.04 && factor(1, "1").is_significant());
    assert!(!factor(2, "1").is_significant(), "{:?}", factor(2, "1"));
    assert_eq!(found.interactions.len(), 1, "{:?}", found.interactions);
    assert_eq!(found.interactions[0].axes, ("a0".into(), "a2".into()));
    let best = found.best.unwrap();
    assert_eq!(found.cells[best.cell].levels, [1, 0, 2]);
    assert!(best.beats_baseline);
    let product: f64 = found.steps.iter().map(|step| step.ratio).product();
    let whole = found.cells[best.cell].figures["score"] / found.cells[0].figures["score"];
    assert!((product / whole - 1.0).abs() < 1e-9, "the steps do not multiply to the whole: {product} {whole}");
}

#[test]
fn a_drift_is_seen_and_taken_out() {
    let mut store = Store::new(3, 0.02, |l| 0.2 * l[0] as f64);
    store.drift_per_run = -0.01;
    let found = analyse(&store.run(&campaign("repeats = 4\nbaseline-every = 3", &[2, 3]))).unwrap();
    let drift = found.drift.unwrap();
    assert!(drift.removed && (drift.over_ten_runs.ln() + 0.1).abs() < 0.03, "{drift:?}");
    assert!((found.effects[0].values[0].1.ratio.ln() - 0.2).abs() < 0.03, "{:?}", found.effects);
}

#[test]
fn a_run_on_a_lying_node_is_named() {
    let mut store = Store::new(11, 0.03, |_| 0.0);
    store.liar = Some(9);
    let found = analyse(&store.run(&campaign("repeats = 4\nbaseline-every = 0", &[2, 2]))).unwrap();
    assert_eq!(found.outliers.iter().map(|outlier| outlier.run).collect::<Vec<_>>(), [9]);
    assert!((found.outliers[0].ratio.ln() + 1.0).abs() < 0.2);
}

/// The good runs beside a bad one stand apart from each other's mean, which holds the bad one; they are not the outliers.
#[test]
fn of_three_runs_only_the_wild_one_is_named() {
    let mut store = Store::new(11, 0.02, |_| 0.0);
    store.liar = Some(5);
    let found = analyse(&store.run(&campaign("repeats = 3\nbaseline-every = 0\nwarm-up = false", &[3, 4]))).unwrap();
    assert_eq!(found.outliers.iter().map(|outlier| outlier.run).collect::<Vec<_>>(), [5]);
}

#[test]
fn where_nothing_is_planted_little_is_found() {
    const CAMPAIGNS: u64 = 1000;
    let plan = campaign("repeats = 3", &[2, 3]);
    let (mut effects, mut interactions, mut winners, mut outliers, mut drifts) = (0, 0, 0, 0, 0);
    for seed in 0..CAMPAIGNS {
        let found = analyse(&Store::new(seed, 0.05, |_| 0.0).run(&plan)).unwrap();
        effects += usize::from(found.effects.iter().any(|e| e.values.iter().any(|(_, f)| f.is_significant())));
        interactions += usize::from(!found.interactions.is_empty());
        winners += usize::from(found.best.is_some_and(|best| best.beats_baseline));
        outliers += usize::from(!found.outliers.is_empty());
        drifts += usize::from(found.drift.is_some_and(|drift| drift.removed));
    }
    // one campaign in twenty may be wrong in each respect: 50 expected, four standard deviations are 28
    for (what, count) in [
        ("effects", effects),
        ("interactions", interactions),
        ("winners", winners),
        ("outliers", outliers),
        ("drifts", drifts),
    ] {
        assert!(count <= 78, "{what}: {count} of {CAMPAIGNS}");
    }
}

#[test]
fn a_few_cells_of_pairs_tell_the_effects_too() {
    let state = Store::new(5, 0.02, |l| 0.3 * f64::from(u8::from(l[3] == 1)))
        .run(&campaign("design = \"pairs\"", &[3, 3, 3, 2]));
    let found = analyse(&state).unwrap();
    assert!(found.not_tried > 30, "{}", found.not_tried);
    assert!((found.effects[3].values[0].1.ratio.ln() - 0.3).abs() < 0.04);
    assert!(found.effects[..3].iter().flat_map(|e| &e.values).all(|(_, factor)| !factor.is_significant()));
}
