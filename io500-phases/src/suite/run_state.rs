//! What a rank knows between phases, and what the result directory tells of earlier invocations.

use super::collective::{as_failure, from_root};
use crate::comm::{ClockSync, ReadRule};
use crate::engine::Team;
use crate::error::Result;
use crate::phase_id::{Family, PhaseId, unmet_need};
use crate::plan::Plan;
use crate::report::{ResultDir, needs_stonewall, no_stonewall, no_timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// What the result directory tells of earlier invocations.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    reached: Vec<Option<u64>>,
    timestamp_s: Option<i64>,
    mdtest_easy_rate: Option<f64>,
    mdworkbench_start: Option<u64>,
}

/// What a rank knows between phases.
pub(super) struct SuiteState {
    pub clock: ClockSync,
    pub read_rule: ReadRule,
    /// Operations that every rank reached in a write phase.
    pub reached: HashMap<Family, u64>,
    /// Seconds of the timestamp file.
    pub timestamp_s: Option<i64>,
    /// kIOPS of mdtest-easy-write, which sizes mdworkbench.
    pub mdtest_easy_rate: Option<f64>,
    /// The first object of every set that mdworkbench has not replaced yet.
    pub mdworkbench_start: u64,
    /// mdworkbench has made its objects, in this invocation or an earlier one.
    pub mdworkbench_made: bool,
}

impl SuiteState {
    /// What a rank knows before the first phase.
    pub fn new(clock: ClockSync, read_rule: ReadRule) -> Self {
        SuiteState {
            clock,
            read_rule,
            reached: HashMap::new(),
            timestamp_s: None,
            mdtest_easy_rate: None,
            mdworkbench_start: 0,
            mdworkbench_made: false,
        }
    }

    /// The number of operations that the phases after a write phase work on.
    pub fn count(&self, family: Family) -> Result<u64> {
        self.reached.get(&family).copied().ok_or_else(|| no_stonewall(family))
    }

    /// What earlier invocations left in the result directory: how far write phases came, and the timestamp file.
    /// A phase that cannot know how far its write phase came is refused.
    pub fn recall(&mut self, team: &Team<'_>, resultdir: Option<&Path>, plan: &Plan) -> Result<()> {
        const KEPT: [Family; 4] = [Family::IorEasy, Family::IorHard, Family::MdtestEasy, Family::MdtestHard];
        let read = || -> Result<Kept> {
            let path = resultdir.filter(|_| team.comm().rank() == 0);
            let Some(dir) = path.map(ResultDir::at) else { return Ok(Kept::default()) };
            let mut kept = Kept { timestamp_s: dir.timestamp_seconds()?, ..Kept::default() };
            for family in KEPT {
                kept.reached.push(dir.stonewall(family)?);
            }
            kept.mdtest_easy_rate = dir.mdworkbench_rate()?;
            kept.mdworkbench_start = dir.mdworkbench_start()?;
            Ok(kept)
        };
        let kept = from_root(team.comm(), team.barrier_with_status(read().map_err(as_failure))?);
        let reached = KEPT.into_iter().zip(kept.reached).filter_map(|(family, count)| Some((family, count?)));
        self.reached.extend(reached);
        self.timestamp_s = kept.timestamp_s;
        self.mdtest_easy_rate = kept.mdtest_easy_rate;
        self.mdworkbench_start = kept.mdworkbench_start.unwrap_or(0);
        self.mdworkbench_made = kept.mdworkbench_start.is_some();
        let has_run = |_, needed| needed != PhaseId::Timestamp || self.timestamp_s.is_some();
        if let Some((find, _)) = unmet_need(&plan.phases, has_run) {
            return Err(no_timestamp(find));
        }
        plan.phases
            .iter()
            .filter_map(|&phase| needs_stonewall(phase))
            .filter(|write| !plan.phases.contains(write))
            .try_for_each(|write| self.count(write.family()).map(|_| ()))
    }
}
