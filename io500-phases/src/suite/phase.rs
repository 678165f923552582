//! One phase on one store: runs it, reduces it, and puts its result together on rank 0.

use super::layout;
use super::run_state::SuiteState;
use crate::backend::Backend;
use crate::backend::select::Visit;
use crate::comm::ReadRule;
use crate::config::Config;
use crate::engine::{Failure, Latencies, OpKind, Progress, Recorder, Series, Team, Ticker};
use crate::error::Result;
use crate::phase_id::{Family, Kind, PhaseId};
use crate::phases::find::FindOptions;
use crate::phases::{self, Pace, PhaseContext, RankTally};
use crate::plan::{
    FindPlan, IorPlan, MdtestPlan, MdworkbenchPlan, Plan, RandomReads, Step, numbers_with_mark, one_tree,
};
use crate::report::{find_csv, ior_csv, mdtest_csv};
use crate::results::aggregate::{Measure, figures, gather, stonewall};
use crate::results::{FindResult, KindLatency, PhaseResult, Reduce};

/// Runs one phase on the store it is taken to.
pub(super) struct RunPhase<'a> {
    pub phase: PhaseId,
    pub datadir: &'a str,
    /// The command line of the C suite; for a find phase with an external script, that of the script.
    pub command: &'a str,
    pub config: &'a Config,
    pub plan: &'a Plan,
    pub team: &'a Team<'a>,
    pub ticker: &'a Ticker,
    pub progress: &'a Progress,
    pub state: &'a SuiteState,
    /// A POSIX store of the run shows what is in a DAOS container.
    pub shows_daos: bool,
}

/// What a phase leaves behind on a rank.
pub(super) struct Outcome {
    /// Operations that every rank reached, to be kept for later phases.
    pub reached: Option<u64>,
    /// On rank 0: the figures and the per-rank file.
    pub on_root: Option<(PhaseResult, String)>,
    /// On rank 0: the latencies, with their histograms.
    pub latencies: Vec<KindLatency>,
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
        let root = self.team.barrier_with_status(root)?;
        let write_or_random = self.phase.has_stonewall() || self.phase == PhaseId::IorRnd4kEasyRead;
        let context = PhaseContext {
            backend,
            root: &root,
            team: self.team,
            ticker: self.ticker,
            progress: self.progress,
            clock: &self.state.clock,
            pace: Pace {
                stonewall_s: write_or_random.then_some(self.plan.stonewall_s),
                queue_depth: self.config.bench.queue_depth,
                threads: self.config.bench.threads_per_rank,
            },
        };
        let mut outcome = if self.config.bench.latency {
            self.measured(&context, Latencies::new(OpKind::of(self.phase)))
        } else {
            self.measured(&context, Series::new())
        }?;
        if let (Some((result, _)), Some(path)) = (&mut outcome.on_root, self.first_file()) {
            result.layout = layout::of(backend, &root, &path);
        }
        Ok(outcome)
    }
}

impl RunPhase<'_> {
    fn measured<B, R>(&self, context: &PhaseContext<'_, B>, mut recorder: R) -> Result<Outcome>
    where
        B: Backend + Sync,
        B::Dir: Send + Sync,
        R: Reduce + Send,
    {
        let mut outcome = self.run(context, &mut recorder)?;
        let measured = recorder.reduce(self.team.comm(), self.bytes_each());
        if let (Some(measured), Some((result, _))) = (measured, &mut outcome.on_root) {
            measured.enter(result);
            outcome.latencies = measured.latency;
        }
        Ok(outcome)
    }

    /// Bytes that one operation of the phase moves.
    fn bytes_each(&self) -> u64 {
        match (self.phase.family(), self.phase.kind()) {
            (Family::IorEasy, _) => self.plan.ior_easy.transfer,
            (Family::IorHard, _) => self.plan.ior_hard.transfer,
            (Family::IorRnd4kEasy, _) => RandomReads::TRANSFER,
            (Family::MdtestHard, Kind::Write | Kind::Read) => self.plan.mdtest_hard.file_size as u64,
            _ => 0,
        }
    }

    fn run<B, R>(&self, context: &PhaseContext<'_, B>, recorder: &mut R) -> Result<Outcome>
    where
        B: Backend + Sync,
        B::Dir: Send + Sync,
        R: Recorder + Send,
    {
        match self.phase.family() {
            Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy => self.ior(context, recorder),
            Family::MdtestEasy | Family::MdtestHard => self.mdtest(context, recorder),
            Family::Find | Family::FindEasy | Family::FindHard => self.find(context, recorder),
            Family::Mdworkbench => self.mdworkbench(context, recorder),
            Family::Timestamp => unreachable!("the suite touches the file itself"),
        }
    }

    /// A file that rank 0 writes in this phase, below the data directory.
    fn first_file(&self) -> Option<String> {
        let mdtest = |plan: &MdtestPlan| plan.path(Step::Create, 0, self.plan.ranks, 0);
        match self.phase {
            PhaseId::IorEasyWrite => Some(self.plan.ior_easy.path(0)),
            PhaseId::IorHardWrite => Some(self.plan.ior_hard.path(0)),
            PhaseId::MdtestEasyWrite => Some(mdtest(&self.plan.mdtest_easy)),
            PhaseId::MdtestHardWrite => Some(mdtest(&self.plan.mdtest_hard)),
            _ => None,
        }
    }

    fn mdworkbench<B: Backend, R: Recorder>(&self, context: &PhaseContext<'_, B>, recorder: &mut R) -> Result<Outcome> {
        let plan = &self.plan.mdworkbench;
        let (precreate, replace) = plan.objects(context.ranks(), self.plan.stonewall_s, self.state.mdtest_easy_rate);
        let start = self.state.mdworkbench_start;
        self.progress.begin(self.phase, 0);
        let sized = |own: Vec<RankTally>| {
            let mut result = self.result(Measure::Operations, &own, 0, false);
            let longest = own.iter().map(|tally| tally.longest_op_ns).max().unwrap_or(0) as f64 / 1e9;
            result.stonewall = None;
            result.pairs = MdworkbenchPlan::pairs((precreate, replace));
            (result, format!("{longest:.6}"))
        };
        match self.phase {
            PhaseId::MdworkbenchBench => {
                let mut start = start;
                let mut rounds = Vec::new();
                for _ in 0..MdworkbenchPlan::ITERATIONS {
                    let tally = phases::mdworkbench::bench(context, plan, (start, replace, precreate), recorder)?;
                    start += replace;
                    rounds.extend(gather(context.comm(), &tally).map(sized));
                }
                // the last round is the phase's result, the ones before it stand beside it
                let on_root = rounds.pop().map(|(mut result, longest)| {
                    result.pairs.push(("maxOpTime".into(), longest));
                    for (i, (before, longest)) in rounds.iter().enumerate() {
                        result.pairs.push((format!("scoreIteration{i}"), format!("{:.6}", before.rate)));
                        result.pairs.push((format!("maxOpTime{i}"), longest.clone()));
                        if let (Some(all), Some(earlier)) = (&mut result.check, &before.check) {
                            all.merge(earlier);
                        }
                    }
                    (result, String::new())
                });
                Ok(Outcome { reached: Some(start), on_root, latencies: Vec::new() })
            }
            phase => {
                let tally = if phase == PhaseId::MdworkbenchCreate {
                    phases::mdworkbench::create(context, plan, precreate, recorder)?
                } else {
                    phases::mdworkbench::delete(context, (start, precreate), recorder)?
                };
                let on_root = gather(context.comm(), &tally).map(sized).map(|(mut result, longest)| {
                    result.pairs.push(("maxOpTime".into(), longest));
                    (result, String::new())
                });
                Ok(Outcome {
                    reached: (phase == PhaseId::MdworkbenchCreate).then_some(0),
                    on_root,
                    latencies: Vec::new(),
                })
            }
        }
    }

    fn find<B, R>(&self, context: &PhaseContext<'_, B>, recorder: &mut R) -> Result<Outcome>
    where
        B: Backend + Sync,
        B::Dir: Send + Sync,
        R: Recorder + Send,
    {
        let section = match self.phase {
            PhaseId::FindEasy => &self.config.find_easy,
            PhaseId::FindHard => &self.config.find_hard,
            _ => &self.config.find,
        };
        let mut plan = self.plan.find(self.phase);
        if section.external_script.is_some() {
            return self.find_by_script(&plan, section.nproc, context.ranks());
        }
        let options = FindOptions::new(section, self.config.bench.find_threads, context.ranks())?;
        plan.predicate.not_before = self.state.timestamp_s.filter(|_| plan.newer_than_timestamp);
        self.progress.begin(self.phase, 0);
        let (tally, find) = phases::find::run(context, &plan, &options, recorder)?;
        let tallies = gather(context.comm(), &tally);
        let finds = gather(context.comm(), &find);
        let on_root = tallies.zip(finds).map(|(tallies, finds)| {
            let mut result = self.result(Measure::Operations, &tallies, 0, false);
            let (expected_found, expected_total) = self.expected(&plan, context.ranks());
            let find = FindResult::new(&finds, expected_found, expected_total);
            result.check = None;
            result.pairs = vec![
                ("nproc".into(), find.ranks.to_string()),
                ("found".into(), find.found.to_string()),
                ("total-files".into(), find.total.to_string()),
            ];
            let csv = find_csv(&finds, result.window_s);
            result.find = Some(find);
            (result, csv)
        });
        Ok(Outcome { reached: None, on_root, latencies: Vec::new() })
    }

    /// Rank 0 runs the external script; its time and its counts are the phase's.
    fn find_by_script(&self, plan: &FindPlan, nproc: Option<u32>, ranks: usize) -> Result<Outcome> {
        self.progress.begin(self.phase, 0);
        let script = phases::find::external(self.team, self.progress, self.command)?;
        let on_root = script.map(|script| {
            let (expected_found, expected_total) = self.expected(plan, ranks);
            let find = FindResult::of_script(&script, self.command, expected_found, expected_total);
            let mut pairs: Vec<_> = nproc.map(|nproc| ("nproc".to_owned(), nproc.to_string())).into_iter().collect();
            pairs.push(("last-output".to_owned(), format!("\"{}\"", script.last_line)));
            pairs.extend(script.total.map(|total| ("total-files".to_owned(), total.to_string())));
            pairs.push(("found".into(), find.found.to_string()));
            let result = PhaseResult {
                rate: script.entries() as f64 / script.runtime_s / 1000.0,
                window_s: script.runtime_s,
                operations: script.entries(),
                pairs,
                find: Some(find),
                ..PhaseResult::new(self.phase)
            };
            (result, String::new())
        });
        Ok(Outcome { reached: None, on_root, latencies: Vec::new() })
    }

    /// How many entries a find phase must match and must see, from what the write phases before it reached in the tree that it walks;
    /// none where that is not known.
    fn expected(&self, find: &FindPlan, ranks: usize) -> (Option<u64>, Option<u64>) {
        let in_tree = |write: PhaseId| {
            let api = |phase| &self.config.phase(phase).api;
            one_tree(api(self.phase), api(write), || self.shows_daos)
        };
        let part = |write: PhaseId, of: &dyn Fn(u64) -> u64| match in_tree(write)? {
            true => self.state.count(write.family()).ok().map(of),
            false => Some(0),
        };
        let files = |write| part(write, &|files| files * ranks as u64);
        let marked = |write, plan: &MdtestPlan| part(write, &|files| numbers_with_mark(plan, ranks, files));
        let ior = |write, plan: &IorPlan| part(write, &|_| if plan.file_per_process { ranks as u64 } else { 1 });
        let (easy, hard) = (PhaseId::MdtestEasyWrite, PhaseId::MdtestHardWrite);
        let marked_hard = marked(hard, &self.plan.mdtest_hard);
        match find.below.as_str() {
            "mdtest-easy" => (marked(easy, &self.plan.mdtest_easy), files(easy)),
            "mdtest-hard" => (marked_hard, files(hard)),
            _ => {
                let (ior_easy, ior_hard) = (PhaseId::IorEasyWrite, PhaseId::IorHardWrite);
                let ior = [ior(ior_easy, &self.plan.ior_easy), ior(ior_hard, &self.plan.ior_hard)];
                let total = [files(easy), files(hard)].into_iter().chain(ior).sum::<Option<u64>>();
                // mdworkbench's files have the size too, and some of its names the mark (`file-101`): made in the second of the timestamp they
                // match. How many that are, no plan knows
                let exact = !self.state.mdworkbench_made || in_tree(PhaseId::MdworkbenchCreate) == Some(false);
                (marked_hard.filter(|_| exact), total.filter(|_| exact))
            }
        }
    }

    fn ior<B: Backend, R: Recorder>(&self, context: &PhaseContext<'_, B>, recorder: &mut R) -> Result<Outcome> {
        let plan = if self.phase.family() == Family::IorHard { &self.plan.ior_hard } else { &self.plan.ior_easy };
        let random = self.phase == PhaseId::IorRnd4kEasyRead;
        let bytes_each = self.bytes_each();
        self.progress.begin(self.phase, bytes_each);
        let (tally, reached, access) = match (self.phase.kind(), random) {
            (Kind::Write, _) => {
                let (tally, reached) = phases::ior_write(context, plan, recorder)?;
                (tally, Some(reached), "write")
            }
            (_, true) => (phases::random_read(context, plan, self.random_writer(), recorder)?, None, "read"),
            (_, false) => {
                let count = self.state.count(plan.family)?;
                let writer = context.comm().topology().writer_for(context.rank(), self.state.read_rule);
                (phases::ior_read(context, plan, writer, count, recorder)?, None, "read")
            }
        };
        let on_root = gather(context.comm(), &tally).map(|tallies| {
            let mut result = self.result(Measure::Bandwidth, &tallies, bytes_each, random);
            if let (Kind::Write, Some(stonewall)) = (self.phase.kind(), &result.stonewall) {
                result.pairs.push(("throughput-stonewall".into(), format!("{:.2}", stonewall.rate)));
            }
            (result, ior_csv(access, &tallies))
        });
        Ok(Outcome { reached, on_root, latencies: Vec::new() })
    }

    /// Whose ior-easy file a rank reads at random: two nodes on, where every rank has a file.
    fn random_writer(&self) -> usize {
        let topology = self.team.comm().topology();
        let rank = self.team.comm().rank();
        if self.plan.ior_easy.file_per_process { (rank + 2 * topology.read_shift()) % topology.ranks() } else { rank }
    }

    fn mdtest<B, R>(&self, context: &PhaseContext<'_, B>, recorder: &mut R) -> Result<Outcome>
    where
        B: Backend + Sync,
        B::Dir: Sync,
        R: Recorder + Send,
    {
        let plan =
            if self.phase.family() == Family::MdtestHard { &self.plan.mdtest_hard } else { &self.plan.mdtest_easy };
        self.progress.begin(self.phase, 0);
        let (tally, reached, step) = match self.phase.kind() {
            Kind::Write => {
                let (tally, reached) = phases::mdtest_create(context, plan, recorder)?;
                (tally, Some(reached), Step::Create)
            }
            Kind::Stat => {
                (phases::mdtest_stat(context, plan, self.state.count(plan.family)?, recorder)?, None, Step::Stat)
            }
            Kind::Read => {
                (phases::mdtest_read(context, plan, self.state.count(plan.family)?, recorder)?, None, Step::Read)
            }
            _ => (phases::mdtest_delete(context, plan, self.state.count(plan.family)?, recorder)?, None, Step::Delete),
        };
        let on_root = gather(context.comm(), &tally).map(|tallies| {
            let mut result = self.result(Measure::Operations, &tallies, plan.file_size as u64, false);
            if let Some(stonewall) = &result.stonewall {
                result.pairs.push(("rate-stonewall".into(), format!("{:.6}", stonewall.rate)));
            }
            (result, mdtest_csv(step, &tallies))
        });
        Ok(Outcome { reached, on_root, latencies: Vec::new() })
    }

    fn result(&self, measure: Measure, tallies: &[RankTally], bytes_each: u64, random: bool) -> PhaseResult {
        let figures = figures(measure, tallies);
        let limited = self.phase == PhaseId::MdtestHardWrite && self.plan.mdtest_hard.files_per_dir.is_some();
        let with_stonewall = (self.phase.has_stonewall() && !limited) || random;
        PhaseResult {
            rate: figures.rate,
            rate_wall_clock: (measure == Measure::Bandwidth).then_some(figures.rate_wall_clock),
            window_s: figures.window_s,
            parts: figures.parts,
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
