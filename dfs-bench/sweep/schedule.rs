//! What is run next: a pure function of the campaign and of what was run, so that a campaign goes on after a kill as if nothing had
//! happened.
//!
//! Every round runs each cell once, in an order of its own (randomised blocks), with runs of the baseline in between: a machine that
//! drifts then changes all cells alike, and the baseline shows it.

use super::campaign::{Campaign, Design};
use super::design::{self, Cell};
use super::halving::{self, RungResult};
use super::journal::State;
use super::launch::What;
use super::rungs::Rung;
use super::slot::Slot;
use crate::report::compare::stats;
use std::collections::{HashMap, HashSet};

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

/// A run that can be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// What for.
    pub slot: Slot,
    /// Its cell.
    pub cell: Cell,
    /// From 1.
    pub attempt: u32,
}

/// The cells of a campaign and the order of their runs.
pub struct Schedule<'a> {
    pub(super) campaign: &'a Campaign,
    /// The baseline first.
    pub cells: Vec<Cell>,
    ids: Vec<String>,
    index: HashMap<String, usize>,
    /// Of an adaptive campaign.
    pub(super) rungs: Vec<Rung>,
}

/// What the journal says of a slot.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attempts {
    good: bool,
    failed: u32,
    /// It waits in a batch system.
    waiting: bool,
}

impl<'a> Schedule<'a> {
    /// Lays out a campaign.
    pub fn new(campaign: &'a Campaign) -> anyhow::Result<Schedule<'a>> {
        let cells = design::cells(campaign)?;
        let ids: Vec<String> = cells.iter().map(|cell| cell.id(campaign)).collect();
        let index = ids.iter().cloned().enumerate().map(|(index, id)| (id, index)).collect();
        let rungs = match campaign.design {
            Design::Adaptive => campaign.adaptive.rungs(cells.len() - 1, campaign.full_stonewall()),
            _ => Vec::new(),
        };
        Ok(Schedule { campaign, cells, ids, index, rungs })
    }

    /// The index of the cell that a slot runs.
    pub fn index_of(&self, slot: &Slot) -> Option<usize> {
        match slot {
            Slot::Cell { cell, .. } | Slot::Scout { cell, .. } | Slot::Data { cell } => self.index.get(cell).copied(),
            _ => Some(0),
        }
    }

    /// The cell that a slot runs.
    pub fn cell_of(&self, slot: &Slot) -> Option<&Cell> {
        self.index_of(slot).map(|index| &self.cells[index])
    }

    /// Seconds of the stonewall of a slot; none where the configuration says.
    pub fn stonewall(&self, slot: &Slot) -> Option<u32> {
        // a warm-up is no measurement: it may be short
        let rung = slot.rung().or((*slot == Slot::WarmUp).then_some(0));
        let of_rung = rung.and_then(|rung| self.rungs.get(rung as usize)).map(|rung| rung.stonewall);
        let adaptive = (self.campaign.design == Design::Adaptive).then(|| self.campaign.full_stonewall());
        of_rung.or(self.campaign.stonewall).or(adaptive)
    }

    /// What a slot's run is to do.
    pub fn what(&self, slot: &Slot) -> What<'_> {
        let data = match slot {
            Slot::Data { .. } => Some(slot.clone()),
            other => self.data_of(other),
        };
        let timestamp = data.and_then(|data| match data {
            Slot::Data { cell } => Some(format!("data-{cell}")),
            _ => None,
        });
        let phases = match (slot, &self.campaign.data_phases) {
            (Slot::Data { .. }, Some(phases)) => phases,
            _ => &self.campaign.phases,
        };
        What { phases, stonewall: self.stonewall(slot), timestamp }
    }

    /// The slot that writes the data which a slot reads; none where it writes its own.
    pub fn data_of(&self, slot: &Slot) -> Option<Slot> {
        if self.campaign.data_phases.is_none() || matches!(slot, Slot::Data { .. }) {
            return None;
        }
        let levels = &self.cell_of(slot)?.levels;
        let alike = |other: &&Cell| {
            let mut axes = self.campaign.axes.iter().zip(levels.iter().zip(&other.levels));
            axes.all(|(axis, (mine, others))| axis.same_data || mine == others)
        };
        let first = self.cells.iter().position(|cell| alike(&cell))?;
        Some(Slot::Data { cell: self.ids[first].clone() })
    }

    /// With what writes data before the first run that reads them.
    fn with_data(&self, slots: Vec<Slot>) -> Vec<Slot> {
        if self.campaign.data_phases.is_none() {
            return slots;
        }
        let mut written = HashSet::new();
        let mut all = Vec::new();
        for slot in slots {
            all.extend(self.data_of(&slot).filter(|data| written.insert(data.clone())));
            all.push(slot);
        }
        all
    }

    /// What comes next after these runs.
    pub fn next(&self, state: &State) -> Next {
        let (open, over) = self.open(state, 1);
        match (open.into_iter().next(), over) {
            (Some(Open { slot, cell, attempt }), _) => Next::Run { slot, cell, attempt },
            (None, Some(why)) => Next::Budget(why),
            (None, None) => Next::Done,
        }
    }

    /// The runs that can be started now, so many at most, in their order, without those that wait in a batch system; and why there are no
    /// more though runs are left.
    pub fn open(&self, state: &State, most: usize) -> (Vec<Open>, Option<String>) {
        let attempts = self.attempts(state);
        let mut open = Vec::new();
        let mut spent = self.spent(state);
        let pace = self.pace(state);
        let cost = |slot: &Slot, cell: &Cell| {
            let hours = pace.as_ref().map_or(0.0, |pace| pace(self.stonewall(slot)) / 3600.0);
            (hours, hours * f64::from(super::launch::nodes(self.campaign, cell)))
        };
        for run in state.runs.iter().filter(|run| run.outcome.is_none() && run.job.is_some()) {
            let more = self.cell_of(&run.slot).map_or((0.0, 0.0), |cell| cost(&run.slot, cell));
            spent = (spent.0 + more.0, spent.1 + more.1);
        }
        for slot in self.slots(state) {
            if open.len() == most {
                break;
            }
            let so_far = attempts.get(&slot).copied().unwrap_or_default();
            if self.settled(so_far) || so_far.waiting {
                continue;
            }
            let cell = self.cell_of(&slot).expect("slots are made of cells").clone();
            let more = cost(&slot, &cell);
            if let Some(why) = self.over_budget(spent, more) {
                return (open, Some(why));
            }
            spent = (spent.0 + more.0, spent.1 + more.1);
            open.push(Open { slot, cell, attempt: so_far.failed + 1 });
        }
        (open, None)
    }

    pub(super) fn attempts<'s>(&self, state: &'s State) -> HashMap<&'s Slot, Attempts> {
        let mut all: HashMap<&Slot, Attempts> = HashMap::new();
        for run in &state.runs {
            let so_far = all.entry(&run.slot).or_default();
            let Some(outcome) = &run.outcome else {
                so_far.waiting |= run.job.is_some();
                continue;
            };
            so_far.good |= outcome.counts();
            so_far.failed += u32::from(!outcome.counts() && run.number > state.forgiven);
        }
        all
    }

    pub(super) fn settled(&self, attempts: Attempts) -> bool {
        attempts.good || attempts.failed > self.campaign.retries
    }

    /// The runs of the campaign as far as they can be known, without rungs that are over: the rungs of an adaptive campaign, and the runs beyond `repeats`, depend on
    /// what the others bring.
    pub fn slots(&self, state: &State) -> Vec<Slot> {
        let mut slots = Vec::new();
        if self.campaign.warm_up {
            slots.push(Slot::WarmUp);
        }
        let cells = match self.campaign.design {
            Design::Adaptive => {
                let rungs = self.rung_results(state);
                // what is over needs no look any more
                for (rung, result) in (0..).zip(&rungs).filter(|(_, result)| !result.over) {
                    slots.extend(self.scouts(rung, &result.members));
                }
                match self.finalists(&rungs) {
                    Some(finalists) => finalists,
                    None => return self.with_data(slots),
                }
            }
            _ => (0..self.cells.len()).collect(),
        };
        // a final of few cells needs the baseline in between too, or its drift is not seen
        let every = match self.campaign.design {
            Design::Adaptive => self.campaign.baseline_every.min((cells.len() as u32 / 2).max(2)),
            _ => self.campaign.baseline_every,
        };
        for round in 0..self.campaign.most_repeats() {
            let (mut since, mut index) = (0, 0);
            for cell in self.order(u64::from(round), &cells) {
                if round >= self.campaign.repeats && !self.wants_more(state, &self.ids[cell], round) {
                    continue;
                }
                slots.push(Slot::Cell { cell: self.ids[cell].clone(), round });
                since += 1;
                if every > 0 && since == every {
                    slots.push(Slot::Baseline { round, index });
                    (since, index) = (0, index + 1);
                }
            }
        }
        self.with_data(slots)
    }

    /// The rungs that were begun, the last one perhaps not over; none of a campaign that is not adaptive.
    pub fn rung_results(&self, state: &State) -> Vec<RungResult> {
        let Some(first) = self.rungs.first() else { return Vec::new() };
        let objective = self.campaign.objective().expect("the campaign was checked");
        let attempts = self.attempts(state);
        let mut members: Vec<usize> = (1..self.cells.len()).collect();
        if first.cells < members.len() {
            self.rng(u64::MAX).shuffle(&mut members);
            members.truncate(first.cells);
            members.sort_unstable();
        }
        let mut results = Vec::new();
        for (number, rung) in (0u32..).zip(&self.rungs) {
            let mut result = halving::rank(objective, state, (number, *rung), members, &self.index);
            result.over = self.is_over(&attempts, number, &result.members);
            members = result.survivors();
            let over = result.over;
            results.push(result);
            // a rung in which too much failed may have found the finalists already
            if !over || members.len() <= self.campaign.adaptive.finalists as usize {
                break;
            }
        }
        results
    }

    /// Whether all runs of a rung are settled.
    fn is_over(&self, attempts: &HashMap<&Slot, Attempts>, rung: u32, members: &[usize]) -> bool {
        let mut settled = vec![false; self.cells.len()];
        let mut baselines = 0;
        for (slot, _) in attempts.iter().filter(|(_, attempts)| self.settled(**attempts)) {
            match slot {
                Slot::Scout { rung: of, .. } if *of == rung => {
                    self.index_of(slot).into_iter().for_each(|index| settled[index] = true);
                }
                Slot::ScoutBaseline { rung: of, .. } if *of == rung => baselines += 1,
                _ => {}
            }
        }
        baselines >= self.baselines(members.len()) && members.iter().all(|&member| settled[member])
    }

    /// A rung has a run of the baseline after so many others, three at least; 0: none.
    fn every(&self, cells: usize) -> u32 {
        self.campaign.baseline_every.min((cells as u32 / 3).max(1))
    }

    /// Runs of the baseline in a rung of so many cells.
    pub(super) fn baselines(&self, cells: usize) -> usize {
        cells.checked_div(self.every(cells) as usize).unwrap_or(0)
    }

    /// The baseline and the cells that are run in full; none while the last rung is not over.
    pub fn finalists(&self, rungs: &[RungResult]) -> Option<Vec<usize>> {
        let mut finalists = match rungs.last() {
            Some(last) => last.over.then(|| last.survivors())?,
            // so few cells that all are run in full
            None => (1..self.cells.len()).collect(),
        };
        finalists.insert(0, 0);
        Some(finalists)
    }

    /// The runs of a rung: its cells in an order of its own, with the baseline in between, three times at least.
    fn scouts(&self, rung: u32, members: &[usize]) -> Vec<Slot> {
        let every = self.every(members.len());
        let (mut slots, mut index) = (Vec::new(), 0);
        // rounds have the low numbers
        for (place, cell) in (1..).zip(self.order((u64::from(rung) + 1) << 32, members)) {
            slots.push(Slot::Scout { cell: self.ids[cell].clone(), rung });
            if every > 0 && place % every == 0 {
                slots.push(Slot::ScoutBaseline { rung, index });
                index += 1;
            }
        }
        slots
    }

    fn rng(&self, stream: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.campaign.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(stream))
    }

    /// Cells in the order of a round or rung.
    fn order(&self, stream: u64, cells: &[usize]) -> Vec<usize> {
        let mut order = cells.to_vec();
        self.rng(stream).shuffle(&mut order);
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
            before.filter_map(|run| run.outcome.as_ref()?.figures.get(&objective)).map(|figure| figure.ln()).collect();
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
}

#[cfg(test)]
mod tests {
    use super::super::journal::Run;
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
                    Outcome { figures: [("score".into(), score)].into(), seconds: 360.0, ..Outcome::default() }
                }
                None => Outcome::failed("made up", 360.0),
            };
            state.runs.push(Run { number, slot, attempt, started: String::new(), job: None, outcome: Some(outcome) });
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
            job: None,
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
