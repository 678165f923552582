//! What groups of runs have in common: the phases that count in a comparison, and the means over them.

use crate::report::load::RunGroup;
use crate::report::model::Run;
use io500_phases::phase_id::PhaseId;
use io500_phases::results::score::{Means, means};

/// The phases that every run of both groups has with a rate.
pub fn common_phases(a: &RunGroup, b: &RunGroup) -> Vec<PhaseId> {
    PhaseId::ALL.into_iter().filter(|&id| all_rated(a, id) && all_rated(b, id)).collect()
}

/// Whether every run of the group has a rate for the phase.
pub fn all_rated(group: &RunGroup, id: PhaseId) -> bool {
    group.runs.iter().all(|run| run.phase(id).is_some_and(|phase| phase.rate > 0.0))
}

/// The means of a run over these phases.
pub fn means_of(run: &Run, phases: &[PhaseId], extended: bool) -> Means {
    let rates: Vec<_> = phases.iter().filter_map(|&id| Some((id, run.phase(id)?.rate))).collect();
    means(&rates, extended)
}
