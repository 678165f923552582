//! One phase on one store: runs it, reduces it, and puts its result together on rank 0.

use super::run::Standing;
use crate::backend::Backend;
use crate::backend::select::Visit;
use crate::comm::ReadRule;
use crate::config::Config;
use crate::engine::{Failure, Off, Progress, Recorder, Team, Ticker};
use crate::error::Result;
use crate::phase_id::{Family, Kind, PhaseId};
use crate::phases::{self, Cx, Pace, RankTally};
use crate::plan::{Plan, RandomReads, Step};
use crate::report::{ior_csv, mdtest_csv};
use crate::results::PhaseResult;
use crate::results::aggregate::{Measure, figures, gather, stonewall};

/// Runs one phase on the store it is taken to.
pub(super) struct RunPhase<'a> {
    pub phase: PhaseId,
    pub datadir: &'a str,
    pub config: &'a Config,
    pub plan: &'a Plan,
    pub team: &'a Team<'a>,
    pub ticker: &'a Ticker,
    pub progress: &'a Progress,
    pub state: &'a Standing,
}

/// What a phase leaves behind on a rank.
pub(super) struct Outcome {
    /// Operations that every rank reached, to be kept for later phases.
    pub reached: Option<u64>,
    /// On rank 0: the figures and the per-rank file.
    pub on_root: Option<(PhaseResult, String)>,
}

impl Visit for RunPhase<'_> {
    type Out = Result<Outcome>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        let root = backend.open_path(self.datadir).map_err(|errno| Failure::Storage {
            op: "open".into(),
            path: self.datadir.to_owned(),
            errno: errno.0,
        });
        let root = self.team.agree(root)?;
        let write_or_random = self.phase.has_stonewall() || self.phase == PhaseId::IorRnd4kEasyRead;
        let cx = Cx {
            backend,
            root: &root,
            team: self.team,
            ticker: self.ticker,
            progress: self.progress,
            clock: &self.state.clock,
            pace: Pace {
                stonewall_s: write_or_random.then_some(self.plan.stonewall_s),
                queue_depth: self.config.bench.queue_depth,
            },
        };
        self.run(&cx, &mut Off)
    }
}

impl RunPhase<'_> {
    fn run<B: Backend, R: Recorder>(&self, cx: &Cx<'_, B>, recorder: &mut R) -> Result<Outcome> {
        match self.phase.family() {
            Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy => self.ior(cx, recorder),
            Family::MdtestEasy | Family::MdtestHard => self.mdtest(cx, recorder),
            _ => unreachable!("the suite runs these itself"),
        }
    }

    fn ior<B: Backend, R: Recorder>(&self, cx: &Cx<'_, B>, recorder: &mut R) -> Result<Outcome> {
        let plan = if self.phase.family() == Family::IorHard { &self.plan.ior_hard } else { &self.plan.ior_easy };
        let random = self.phase == PhaseId::IorRnd4kEasyRead;
        let bytes_each = if random { RandomReads::TRANSFER } else { plan.transfer };
        self.progress.begin(self.phase, bytes_each);
        let (tally, reached, access) = match (self.phase.kind(), random) {
            (Kind::Write, _) => {
                let (tally, reached) = phases::ior_write(cx, plan, recorder)?;
                (tally, Some(reached), "write")
            }
            (_, true) => (phases::random_read(cx, plan, self.random_writer(), recorder)?, None, "read"),
            (_, false) => {
                let count = self.state.count(plan.family)?;
                let writer = cx.comm().topology().writer_for(cx.rank(), self.state.read_rule);
                (phases::ior_read(cx, plan, writer, count, recorder)?, None, "read")
            }
        };
        let on_root = gather(cx.comm(), &tally).map(|tallies| {
            let mut result = self.result(Measure::Bandwidth, &tallies, bytes_each, random);
            if let (Kind::Write, Some(stonewall)) = (self.phase.kind(), &result.stonewall) {
                result.pairs.push(("throughput-stonewall".into(), format!("{:.2}", stonewall.rate)));
            }
            (result, ior_csv(access, &tallies))
        });
        Ok(Outcome { reached, on_root })
    }

    /// Whose ior-easy file a rank reads at random: two nodes on, where every rank has a file.
    fn random_writer(&self) -> usize {
        let topology = self.team.comm().topology();
        let rank = self.team.comm().rank();
        if self.plan.ior_easy.file_per_process { (rank + 2 * topology.read_shift()) % topology.ranks() } else { rank }
    }

    fn mdtest<B: Backend, R: Recorder>(&self, cx: &Cx<'_, B>, recorder: &mut R) -> Result<Outcome> {
        let plan =
            if self.phase.family() == Family::MdtestHard { &self.plan.mdtest_hard } else { &self.plan.mdtest_easy };
        self.progress.begin(self.phase, 0);
        let (tally, reached, step) = match self.phase.kind() {
            Kind::Write => {
                let (tally, reached) = phases::mdtest_create(cx, plan, recorder)?;
                (tally, Some(reached), Step::Create)
            }
            Kind::Stat => (phases::mdtest_stat(cx, plan, self.state.count(plan.family)?, recorder)?, None, Step::Stat),
            Kind::Read => (phases::mdtest_read(cx, plan, self.state.count(plan.family)?, recorder)?, None, Step::Read),
            _ => (phases::mdtest_delete(cx, plan, self.state.count(plan.family)?, recorder)?, None, Step::Delete),
        };
        let on_root = gather(cx.comm(), &tally).map(|tallies| {
            let mut result = self.result(Measure::Operations, &tallies, plan.file_size as u64, false);
            if let Some(stonewall) = &result.stonewall {
                result.pairs.push(("rate-stonewall".into(), format!("{:.6}", stonewall.rate)));
            }
            (result, mdtest_csv(step, &tallies))
        });
        Ok(Outcome { reached, on_root })
    }

    fn result(&self, measure: Measure, tallies: &[RankTally], bytes_each: u64, random: bool) -> PhaseResult {
        let figures = figures(measure, tallies);
        let with_stonewall = self.phase.has_stonewall() || random;
        PhaseResult {
            rate: figures.rate,
            rate_wall_clock: (measure == Measure::Bandwidth).then_some(figures.rate_wall_clock),
            window_s: figures.window_s,
            operations: figures.operations,
            bytes: figures.bytes,
            stonewall: with_stonewall.then(|| stonewall(measure, tallies, bytes_each, self.plan.stonewall_s)),
            check: (!random).then_some(figures.check),
            spread: Some(figures.spread),
            ..PhaseResult::new(self.phase)
        }
    }
}

/// The rule by which the ranks of this group read what others wrote.
pub(super) fn read_rule(team: &Team<'_>) -> ReadRule {
    team.comm().topology().read_mapping().rule
}
