//! How far a run is: which phase of how many, and what the phases that are over took.

use io500_phases::phase_id::{Family, Kind, PhaseId};
use std::sync::Mutex;

/// What the observer of a run tells the live view, between phases only.
#[derive(Debug, Default)]
pub struct RunProgress(Mutex<State>);

#[derive(Debug, Default, Clone)]
struct State {
    phases: Vec<PhaseId>,
    stonewall_s: f64,
    /// The phase that runs or ran last, by its place from 1; 0 before the first.
    index: usize,
    over: Vec<(PhaseId, f64)>,
}

impl RunProgress {
    /// A run of these phases begins.
    pub fn begin(&self, phases: &[PhaseId], stonewall_s: u32) {
        let state = State { phases: phases.to_vec(), stonewall_s: stonewall_s.into(), ..State::default() };
        *self.lock() = state;
    }

    /// A phase begins.
    pub fn phase_begins(&self, phase: PhaseId) {
        let mut state = self.lock();
        state.index = state.phases.iter().position(|&each| each == phase).map_or(state.index + 1, |at| at + 1);
    }

    /// A phase is over.
    pub fn phase_over(&self, phase: PhaseId, seconds: f64) {
        self.lock().over.push((phase, seconds));
    }

    /// The place of the phase that runs, from 1, and how many there are.
    pub fn place(&self) -> (usize, usize) {
        let state = self.lock();
        (state.index, state.phases.len())
    }

    /// Seconds of the stonewall.
    pub fn stonewall_s(&self) -> f64 {
        self.lock().stonewall_s
    }

    /// What the phases after the current one may take, seconds: reading phases as long as their writing ones.
    pub fn left_s(&self) -> f64 {
        let state = self.lock();
        state.phases.iter().skip(state.index).map(|&phase| state.guess(phase)).sum()
    }

    /// What a phase may take, seconds.
    pub fn guess(&self, phase: PhaseId) -> f64 {
        self.lock().guess(phase)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no thread panics while holding this lock")
    }
}

impl State {
    fn guess(&self, phase: PhaseId) -> f64 {
        let took = |wanted: PhaseId| self.over.iter().find(|(phase, _)| *phase == wanted).map(|(_, seconds)| *seconds);
        let write = match phase.family() {
            Family::IorEasy => Some(PhaseId::IorEasyWrite),
            Family::IorHard => Some(PhaseId::IorHardWrite),
            Family::MdtestEasy => Some(PhaseId::MdtestEasyWrite),
            Family::MdtestHard => Some(PhaseId::MdtestHardWrite),
            _ => None,
        };
        match phase.kind() {
            Kind::Timestamp => 0.0,
            Kind::Write => self.stonewall_s,
            // a walk sees what both families made, several entries in the time of one create
            Kind::Find => {
                (took(PhaseId::MdtestEasyWrite).unwrap_or(self.stonewall_s)
                    + took(PhaseId::MdtestHardWrite).unwrap_or(self.stonewall_s))
                    / 4.0
            }
            _ => write.and_then(took).unwrap_or(self.stonewall_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_what_was_measured() {
        let run = RunProgress::default();
        run.begin(&[PhaseId::IorEasyWrite, PhaseId::IorHardWrite, PhaseId::IorEasyRead], 300);
        assert_eq!((run.place(), run.left_s()), ((0, 3), 900.0));
        run.phase_begins(PhaseId::IorEasyWrite);
        assert_eq!((run.place(), run.left_s()), ((1, 3), 600.0));
        run.phase_over(PhaseId::IorEasyWrite, 350.0);
        run.phase_begins(PhaseId::IorHardWrite);
        assert_eq!((run.place(), run.left_s()), ((2, 3), 350.0));
    }
}
