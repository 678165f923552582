//! What is run next: a pure function of the campaign and of what was run, so that a campaign goes on after a kill as if nothing had
//! happened.
//!
//! Every round runs each cell once, in an order of its own (randomised blocks), with runs of the baseline in between: a machine that
//! drifts then changes all cells alike, and the baseline shows it.

use super::campaign::Campaign;
use super::design::{self, Cell};
use super::journal::{Run, State};
use super::slot::Slot;
use crate::report::compare::stats;

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// This run.
    Run {
        slot: Slot,
        cell: Cell,
        /// From 1.
        attempt: u32,
    },
    /// Nothing: every cell has its runs.
    Done,
    /// Nothing: the next run would exceed the budget.
    Budget(String),
}

/// The cells of a campaign and the order of their runs.
pub struct Schedule<'a> {
    campaign: &'a Campaign,
    /// The baseline first.
    pub cells: Vec<Cell>,
    ids: Vec<String>,
}

impl<'a> Schedule<'a> {
    /// Lays out a campaign.
    pub fn new(campaign: &'a Campaign) -> anyhow::Result<Schedule<'a>> {
        let cells = design::cells(campaign)?;
        let ids = cells.iter().map(|cell| cell.id(campaign)).collect();
        Ok(Schedule { campaign, cells, ids })
    }

    /// The cell of an id.
    pub fn cell(&self, id: &str) -> Option<&Cell> {
        self.ids.iter().position(|other| other == id).map(|index| &self.cells[index])
    }

    /// The cell that a slot runs.
    pub fn cell_of(&self, slot: &Slot) -> Option<&Cell> {
        match slot {
            Slot::Cell { cell, .. } => self.cell(cell),
            _ => self.cells.first(),
        }
    }

    /// What comes next after these runs.
    pub fn next(&self, state: &State) -> Next {
        for slot in self.slots(state) {
            let attempts: Vec<&Run> = state.runs.iter().filter(|run| run.slot == slot).collect();
            let failed = |run: &&&Run| run.number > state.forgiven && run.outcome.as_ref().is_some_and(|o| !o.counts());
            let failed = attempts.iter().filter(failed).count() as u32;
            let good = attempts.iter().any(|run| run.outcome.as_ref().is_some_and(|outcome| outcome.counts()));
            if good || failed > self.campaign.retries {
                continue;
            }
            let cell = self.cell_of(&slot).expect("slots are made of cells").clone();
            if let Some(why) = self.over_budget(state, &cell) {
                return Next::Budget(why);
            }
            return Next::Run { slot, cell, attempt: failed + 1 };
        }
        Next::Done
    }

    /// The runs of the campaign as far as they can be known: those beyond `repeats` depend on what the others bring.
    pub fn slots(&self, state: &State) -> Vec<Slot> {
        let mut slots = Vec::new();
        if self.campaign.warm_up {
            slots.push(Slot::WarmUp);
        }
        for round in 0..self.campaign.most_repeats() {
            let (mut since, mut index) = (0, 0);
            for cell in self.order(round) {
                if round >= self.campaign.repeats && !self.wants_more(state, &self.ids[cell], round) {
                    continue;
                }
                slots.push(Slot::Cell { cell: self.ids[cell].clone(), round });
                since += 1;
                if self.campaign.baseline_every > 0 && since == self.campaign.baseline_every {
                    slots.push(Slot::Baseline { round, index });
                    (since, index) = (0, index + 1);
                }
            }
        }
        slots
    }

    /// The cells of a round in its order.
    fn order(&self, round: u32) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.cells.len()).collect();
        let seed = self.campaign.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(round));
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        order
    }

    /// Whether a cell's interval after the rounds before this one is still too wide.
    fn wants_more(&self, state: &State, cell: &str, round: u32) -> bool {
        let Some(percent) = self.campaign.precision else { return false };
        let objective = self.campaign.objective().expect("the campaign was checked").name();
        let before = state.runs.iter().filter(
            |run| matches!(&run.slot, Slot::Cell { cell: other, round: earlier } if other == cell && *earlier < round),
        );
        let logs: Vec<f64> =
            before.filter_map(|run| run.outcome.as_ref()?.figures.get(objective)).map(|figure| figure.ln()).collect();
        let Some(summary) = stats::summary(&logs) else { return false };
        if logs.len() < self.campaign.repeats.min(2) as usize {
            return false;
        }
        if logs.len() < 2 {
            return true;
        }
        let n = summary.count as f64;
        let reach = stats::t_quantile(0.5 + stats::CONFIDENCE / 2.0, n - 1.0) * (summary.variance / n).sqrt();
        reach.exp() - 1.0 > percent / 100.0
    }

    /// Why a run of this cell would cost too much.
    fn over_budget(&self, state: &State, cell: &Cell) -> Option<String> {
        let (hours, node_hours) = self.spent(state);
        let ended: Vec<f64> = state.runs.iter().filter_map(|run| Some(run.outcome.as_ref()?.seconds)).collect();
        let next = if ended.is_empty() { 0.0 } else { ended.iter().sum::<f64>() / ended.len() as f64 / 3600.0 };
        let nodes = f64::from(super::launch::nodes(self.campaign, cell));
        let beyond = |what: &str, spent: f64, more: f64, limit: Option<f64>| {
            let limit = limit?;
            (spent + more > limit).then(|| {
                format!("{spent:.2} {what} are used, the next run takes about {more:.2}, the budget is {limit}")
            })
        };
        beyond("hours", hours, next, self.campaign.budget.hours)
            .or_else(|| beyond("node-hours", node_hours, next * nodes, self.campaign.budget.node_hours))
    }

    /// Hours, and hours times nodes, that the runs have taken.
    pub fn spent(&self, state: &State) -> (f64, f64) {
        state.runs.iter().filter_map(|run| Some((run, run.outcome.as_ref()?))).fold(
            (0.0, 0.0),
            |(hours, by_nodes), (run, outcome)| {
                let taken = outcome.seconds / 3600.0;
                let nodes = self.cell_of(&run.slot).map_or(1, |cell| super::launch::nodes(self.campaign, cell));
                (hours + taken, by_nodes + taken * f64::from(nodes))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Outcome;
    use super::*;

    fn campaign(extra: &str) -> Campaign {
        Campaign::parse(&format!(
            "name = \"t\"\n{extra}\n[[axis]]\nname = \"a\"\nenv = \"A\"\nvalues = [1, 2, 3]\n[[axis]]\nname = \"b\"\nenv = \"B\"\nvalues = [1, 2]\n"
        ))
        .unwrap()
    }

    /// Runs a campaign with made-up scores; every state on the way.
    fn simulate(campaign: &Campaign, score: impl Fn(&Slot, u32) -> Option<f64>) -> (State, Next) {
        let schedule = Schedule::new(campaign).unwrap();
        let mut state = State { campaign: campaign.clone(), runs: Vec::new(), forgiven: 0 };
        for number in 1..1000 {
            let Next::Run { slot, attempt, .. } = schedule.next(&state) else { break };
            let outcome = match score(&slot, attempt) {
                Some(score) => {
                    Outcome { figures: [("score".into(), score)].into(), seconds: 360.0, failure: None, doubts: vec![] }
                }
                None => Outcome::failed("made up", 360.0),
            };
            state.runs.push(Run { number, slot, attempt, started: String::new(), outcome: Some(outcome) });
        }
        let next = schedule.next(&state);
        (state, next)
    }

    fn of_cells(state: &State) -> Vec<(String, u32)> {
        let cell = |run: &Run| match &run.slot {
            Slot::Cell { cell, round } => Some((cell.clone(), *round)),
            _ => None,
        };
        state.runs.iter().filter_map(cell).collect()
    }

    #[test]
    fn each_round_runs_every_cell_once_with_baselines_between() {
        let campaign = campaign("repeats = 2\nbaseline-every = 3");
        let (state, next) = simulate(&campaign, |_, _| Some(1.0));
        assert_eq!(next, Next::Done);
        assert_eq!(state.runs[0].slot, Slot::WarmUp);
        assert_eq!(state.runs.iter().filter(|run| matches!(run.slot, Slot::Baseline { .. })).count(), 4);
        let mut cells = of_cells(&state);
        assert_eq!(cells.len(), 12);
        assert!(cells[..6].iter().all(|(_, round)| *round == 0));
        assert_ne!(
            cells[..6].iter().map(|(cell, _)| cell).collect::<Vec<_>>(),
            cells[6..].iter().map(|(cell, _)| cell).collect::<Vec<_>>(),
            "both rounds have one order"
        );
        cells.sort();
        cells.dedup();
        assert_eq!(cells.len(), 12);
    }

    #[test]
    fn a_run_that_was_lost_is_repeated_and_no_attempt() {
        let campaign = campaign("warm-up = false");
        let schedule = Schedule::new(&campaign).unwrap();
        let mut state = State { campaign: campaign.clone(), runs: Vec::new(), forgiven: 0 };
        let first = schedule.next(&state);
        let Next::Run { slot, attempt, .. } = &first else { panic!("{first:?}") };
        state.runs.push(Run {
            number: 1,
            slot: slot.clone(),
            attempt: *attempt,
            started: String::new(),
            outcome: None,
        });
        assert_eq!(schedule.next(&state), first);
    }

    #[test]
    fn a_cell_that_fails_is_tried_again_and_stops_nothing() {
        let campaign = campaign("repeats = 1\nretries = 2\nwarm-up = false\nbaseline-every = 0");
        let bad = Schedule::new(&campaign).unwrap().ids[3].clone();
        let (state, next) = simulate(&campaign, |slot, _| (slot.word() != bad).then_some(1.0));
        assert_eq!(next, Next::Done);
        let attempts: Vec<u32> =
            state.runs.iter().filter(|run| run.slot.word() == bad).map(|run| run.attempt).collect();
        assert_eq!(attempts, [1, 2, 3]);
        assert_eq!(state.runs.len(), 5 + 3);
        // asked to, it gets its attempts anew
        let forgiven = State { forgiven: state.runs.len() as u64, ..state };
        let next = Schedule::new(&campaign).unwrap().next(&forgiven);
        assert!(matches!(next, Next::Run { slot, attempt: 1, .. } if slot.word() == bad));
    }

    #[test]
    fn only_cells_that_scatter_are_repeated_further() {
        let campaign = campaign("repeats = 2\nprecision = 3\nmax-repeats = 5\nwarm-up = false\nbaseline-every = 0");
        let noisy = Schedule::new(&campaign).unwrap().ids[1].clone();
        let (state, _) = simulate(&campaign, |slot, _| match slot {
            Slot::Cell { cell, round } if *cell == noisy => Some(1.0 + f64::from(round % 2)),
            _ => Some(1.0),
        });
        let count = |id: &str| state.runs.iter().filter(|run| run.slot.word() == id).count();
        assert_eq!(count(&noisy), 5);
        assert_eq!(state.runs.len(), 5 + 5 * 2);
    }

    #[test]
    fn the_budget_stops_before_it_is_exceeded() {
        // six minutes a run
        let campaign = campaign("warm-up = false\n[budget]\nhours = 0.35");
        let (state, next) = simulate(&campaign, |_, _| Some(1.0));
        assert_eq!(state.runs.len(), 3);
        assert!(matches!(next, Next::Budget(why) if why.contains("hours")), "not the budget");
    }
}
