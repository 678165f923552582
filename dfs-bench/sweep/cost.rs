//! What a campaign has cost and will: hours, node-hours, the runs that are left and the time that they take at the pace so far. Pure.

use super::journal::State;
use super::schedule::Schedule;
use super::slot::Slot;
use std::collections::HashMap;

impl Schedule<'_> {
    /// Runs that are left as far as it can be known, and the seconds that they take at the pace so far.
    pub fn left(&self, state: &State) -> (usize, Option<f64>) {
        let stonewalls = self.stonewalls_left(state);
        let seconds = self.pace(state).map(|pace| stonewalls.iter().map(|stonewall| pace(*stonewall)).sum());
        (stonewalls.len(), seconds)
    }

    /// The stonewalls of the runs that are left; none where the configuration says.
    pub fn stonewalls_left(&self, state: &State) -> Vec<Option<u32>> {
        let attempts = self.attempts(state);
        let settled = |slot: &Slot| attempts.get(slot).is_some_and(|attempts| self.settled(*attempts));
        let mut stonewalls: Vec<Option<u32>> =
            self.slots(state).iter().filter(|slot| !settled(slot)).map(|slot| self.stonewall(slot)).collect();
        // the rungs that are still to come, and the final
        let begun = self.rung_results(state);
        if self.finalists(&begun).is_none() {
            for rung in self.rungs.iter().skip(begun.len()) {
                let baselines = self.baselines(rung.cells);
                stonewalls.extend(std::iter::repeat_n(Some(rung.stonewall), rung.cells + baselines));
            }
            let cells = self.campaign.adaptive.finalists + 1;
            let baselines = cells.checked_div(self.campaign.baseline_every.min((cells / 2).max(2))).unwrap_or(0);
            let runs = (cells + baselines) * self.campaign.repeats;
            stonewalls.extend(std::iter::repeat_n(Some(self.campaign.full_stonewall()), runs as usize));
        }
        stonewalls
    }

    /// What a run takes with a stonewall: as long as those with the same one, else in proportion to it.
    pub(super) fn pace(&self, state: &State) -> Option<impl Fn(Option<u32>) -> f64> {
        let mut same: HashMap<Option<u32>, (f64, f64)> = HashMap::new();
        let (mut seconds, mut stonewalls) = (0.0, 0.0);
        for run in &state.runs {
            let Some(outcome) = &run.outcome else { continue };
            let stonewall = self.stonewall(&run.slot);
            let entry = same.entry(stonewall).or_default();
            *entry = (entry.0 + outcome.seconds, entry.1 + 1.0);
            seconds += outcome.seconds;
            stonewalls += f64::from(stonewall.unwrap_or(1));
        }
        (stonewalls > 0.0).then_some(move |stonewall: Option<u32>| match same.get(&stonewall) {
            Some((seconds, count)) => seconds / count,
            None => seconds / stonewalls * f64::from(stonewall.unwrap_or(1)),
        })
    }

    /// Why a run would cost too much: hours and node-hours that are spent, and what it takes.
    pub(super) fn over_budget(&self, spent: (f64, f64), more: (f64, f64)) -> Option<String> {
        let beyond = |what: &str, spent: f64, more: f64, limit: Option<f64>| {
            let limit = limit?;
            (spent + more > limit).then(|| {
                format!("{spent:.2} {what} are used, the next run takes about {more:.2}, the budget is {limit}")
            })
        };
        beyond("hours", spent.0, more.0, self.campaign.budget.hours)
            .or_else(|| beyond("node-hours", spent.1, more.1, self.campaign.budget.node_hours))
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
