//! A run from the first look at the data directory to the score.

use super::phase::{Outcome, RunPhase, read_rule};
use crate::backend::select::{Stores, Visit};
use crate::backend::{Backend, Description};
use crate::comm::{ClockSync, Comm, ReadRule, ReduceOp, Topology};
use crate::config::Config;
use crate::engine::{Failure, Progress, Team, Ticker, catch};
use crate::error::{Error, Result};
use crate::phase_id::{Family, Kind, PhaseId};
use crate::phases::{cleanup, setup};
use crate::plan::Plan;
use crate::report::{
    LOG_NAME, LogEntry, ResultDir, equivalent_command, hgrm, hgrm_name, histogram_log, phase_txt, result_txt, summary,
};
use crate::results::provenance::{Provenance, SettingOrigin, StartUp, relevant_environment, system_facts};
use crate::results::validity::{self, Rules};
use crate::results::{KindLatency, PhaseResult, RunResult, RunState, SCHEMA_VERSION, ScoreResult, Verdict, score};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How long the ranks wait for each other once one has failed.
const GRACE: Duration = Duration::from_secs(10);
/// Phases of the standard mode, those without a score included.
const STANDARD_PHASES: usize = 14;
/// How often a pause file is looked for.
const PAUSE: Duration = Duration::from_millis(500);

/// What a run needs besides configuration and plan.
#[derive(Clone)]
pub struct Options {
    /// Where result files go, with the timestamp; none writes nothing (embedding).
    pub resultdir: Option<PathBuf>,
    /// Remove the benchmark's files after the last phase.
    pub clean_up: bool,
    /// For provenance.
    pub command_line: Vec<String>,
    /// When the process began.
    pub process_start: Instant,
    /// Where the rank shows how far it is, and hears that it should stop.
    pub progress: Arc<Progress>,
    /// The clock of the loops.
    pub ticker: Ticker,
    /// Called from another thread when a rank failed and the others do not come to the meeting: must end the process.
    pub stuck: Arc<dyn Fn(&Error) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            resultdir: None,
            clean_up: false,
            command_line: std::env::args().collect(),
            process_start: Instant::now(),
            progress: Arc::default(),
            ticker: Ticker::real(),
            stuck: Arc::new(|error| log::error!("the other ranks do not answer after: {error}")),
        }
    }
}

/// Hears on rank 0 how a run goes on. Never called while a clock runs.
pub trait Observer {
    /// The data directory is ready; the first phase comes next.
    fn started(&mut self, _result: &RunResult) {}
    /// A phase begins.
    fn phase_begins(&mut self, _phase: PhaseId) {}
    /// A phase is over and is the last of `result.phases`.
    fn phase_over(&mut self, _result: &RunResult) {}
    /// The run is over: score and verdicts are there.
    fn finished(&mut self, _result: &RunResult) {}
    /// The clean-up is over.
    fn cleaned(&mut self, _removed: &cleanup::Removed) {}
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {}

/// A directory with the run's timestamp below it, where the configuration wants that.
pub fn dated(directory: &str, dated: bool, timestamp: &str) -> String {
    if dated { format!("{}/{timestamp}", directory.trim_end_matches('/')) } else { directory.to_owned() }
}

/// A configured run.
pub struct Suite<'a> {
    config: &'a Config,
    plan: &'a Plan,
    options: Options,
}

/// What the result directory tells of earlier invocations.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    reached: Vec<Option<u64>>,
    timestamp_s: Option<i64>,
    mdtest_easy_rate: Option<f64>,
    mdworkbench_start: u64,
}

/// What a rank knows between phases.
pub(super) struct Standing {
    pub clock: ClockSync,
    pub read_rule: ReadRule,
    /// Operations that every rank reached in a write phase.
    reached: HashMap<Family, u64>,
    /// Seconds of the timestamp file.
    pub timestamp_s: Option<i64>,
    /// kIOPS of mdtest-easy-write, which sizes mdworkbench.
    pub mdtest_easy_rate: Option<f64>,
    /// The first object of every set that mdworkbench has not replaced yet.
    pub mdworkbench_start: u64,
}

impl Standing {
    /// The number of operations that the phases after a write phase work on.
    pub fn count(&self, family: Family) -> Result<u64> {
        self.reached.get(&family).copied().ok_or_else(|| {
            let family = family.name();
            Error::Config(format!(
                "{family}.stonewall is not in the result directory: it says how much {family}-write left, so run that first, \
                 with the same result directory"
            ))
        })
    }
}

/// Rank 0's books.
struct Books<'o> {
    result: RunResult,
    rules: Rules,
    dir: Option<ResultDir>,
    /// When the run began.
    since: SystemTime,
    /// The latencies of the phases so far, for the histogram log.
    latencies: Vec<(PhaseId, SystemTime, Duration, KindLatency)>,
    observer: &'o mut dyn Observer,
}

impl<'a> Suite<'a> {
    /// A run of this plan.
    pub fn new(config: &'a Config, plan: &'a Plan, options: Options) -> Self {
        Suite { config, plan, options }
    }

    /// Runs the phases of the plan. Collective: every rank calls it with the same configuration and plan. The result is on
    /// rank 0; a failure is the same on all ranks, and the finished phases are in the result directory by then.
    pub fn run<S: Stores>(
        &self,
        comm: &dyn Comm,
        stores: &S,
        observer: &mut dyn Observer,
    ) -> Result<Option<RunResult>> {
        let team = Team::new(comm, GRACE, self.options.stuck.clone());
        self.agree_on_plan(comm)?;
        let connected_s = self.options.process_start.elapsed().as_secs_f64();
        let mut standing = Standing {
            clock: ClockSync::measure(comm),
            read_rule: read_rule(&team),
            reached: HashMap::new(),
            timestamp_s: None,
            mdtest_easy_rate: None,
            mdworkbench_start: 0,
        };
        self.look(&team, stores)?;
        self.recall(&team, &mut standing)?;
        let dir = self.make(&team, stores)?;
        let rules = self.rules(self.serial_transfers(comm, stores));
        let provenance = self.provenance(&team, stores, &standing, connected_s, &rules);
        let mut books = provenance.map(|provenance| Books {
            result: RunResult {
                schema_version: SCHEMA_VERSION.into(),
                state: RunState::Running,
                provenance,
                phases: Vec::new(),
                score: None,
                official: Verdict { valid: true, reasons: Vec::new() },
                strict: Verdict { valid: true, reasons: Vec::new() },
                failure: None,
            },
            rules,
            dir,
            since: SystemTime::now(),
            latencies: Vec::new(),
            observer,
        });
        let begun = books.as_mut().map_or(Ok(()), |books| {
            books.judge();
            books.write(self.config)?;
            books.observer.started(&books.result);
            Ok(())
        });
        team.agree(begun.map_err(as_failure))?;
        let run = self.phases(&team, stores, &mut standing, &mut books);
        self.options.progress.end();
        match run {
            Ok(()) => self.finish(&team, stores, books),
            Err(error) => {
                if let Some(mut books) = books {
                    books.fail(&error, self.config);
                }
                Err(error)
            }
        }
    }

    /// Different plans on different ranks (a file changed meanwhile, another binary on one node) must not meet storage.
    fn agree_on_plan(&self, comm: &dyn Comm) -> Result<()> {
        let digest = self.plan.digest();
        let mut bounds = [digest, u64::MAX - digest];
        comm.all_reduce_u64(ReduceOp::Max, &mut bounds);
        if bounds[0] == u64::MAX - bounds[1] {
            Ok(())
        } else {
            Err(Error::Comm("the ranks have different plans: is it the same program on every node?".into()))
        }
    }

    /// Looks whether the phases can run where they are to run. Changes nothing.
    fn look<S: Stores>(&self, team: &Team<'_>, stores: &S) -> Result<()> {
        let looked = if team.comm().rank() == 0 {
            self.by_store(stores).iter().try_for_each(|(lead, phases)| {
                stores.visit(*lead, Look { datadir: stores.datadir(*lead), plan: self.plan, phases })
            })
        } else {
            Ok(())
        };
        team.agree(looked)
    }

    /// Makes the result directory, the data directory and those of the families. The result directory is rank 0's.
    fn make<S: Stores>(&self, team: &Team<'_>, stores: &S) -> Result<Option<ResultDir>> {
        let root = team.comm().rank() == 0;
        let dir = match &self.options.resultdir {
            Some(path) if root => ResultDir::create(path).map(Some).map_err(|error| Failure::Config(error.to_string())),
            _ => Ok(None),
        };
        let dir = team.agree(dir)?;
        let made = if root {
            self.by_store(stores).iter().try_for_each(|(lead, phases)| {
                let mut families: Vec<Family> =
                    phases.iter().filter(|phase| phase.kind() == Kind::Write).map(|phase| phase.family()).collect();
                families.dedup();
                stores.visit(*lead, Make { datadir: stores.datadir(*lead), plan: self.plan, families: &families })
            })
        } else {
            Ok(())
        };
        team.agree(made)?;
        if self.plan.phases.contains(&PhaseId::IorEasyWrite) && self.plan.ior_easy.unique_dir {
            let datadir = stores.datadir(PhaseId::IorEasyWrite);
            stores.visit(PhaseId::IorEasyWrite, UniqueDirs { datadir, plan: self.plan, team })?;
        }
        Ok(dir)
    }

    /// The phases that need a store, by store, each group with one phase that leads to it.
    fn by_store<S: Stores>(&self, stores: &S) -> Vec<(PhaseId, Vec<PhaseId>)> {
        let mut groups: Vec<(PhaseId, Vec<PhaseId>)> = Vec::new();
        for &phase in self.plan.phases.iter().filter(|phase| phase.kind() != Kind::Timestamp) {
            match groups.iter_mut().find(|(lead, _)| stores.index(*lead) == stores.index(phase)) {
                Some((_, phases)) => phases.push(phase),
                None => groups.push((phase, vec![phase])),
            }
        }
        groups
    }

    /// What earlier invocations left in the result directory: how far write phases came, and the timestamp file.
    /// A phase that cannot know how far its write phase came is refused.
    fn recall(&self, team: &Team<'_>, standing: &mut Standing) -> Result<()> {
        const KEPT: [Family; 4] = [Family::IorEasy, Family::IorHard, Family::MdtestEasy, Family::MdtestHard];
        let read = || -> Result<Kept> {
            let path = self.options.resultdir.as_ref().filter(|_| team.comm().rank() == 0);
            let Some(dir) = path.map(ResultDir::at) else { return Ok(Kept::default()) };
            let mut kept = Kept { timestamp_s: dir.timestamp_seconds()?, ..Kept::default() };
            for family in KEPT {
                kept.reached.push(dir.stonewall(family)?);
            }
            kept.mdtest_easy_rate = dir.mdworkbench_rate()?;
            kept.mdworkbench_start = dir.mdworkbench_start()?.unwrap_or(0);
            Ok(kept)
        };
        let kept = from_root(team.comm(), team.agree(read().map_err(as_failure))?);
        let reached = KEPT.into_iter().zip(kept.reached).filter_map(|(family, count)| Some((family, count?)));
        standing.reached.extend(reached);
        standing.timestamp_s = kept.timestamp_s;
        standing.mdtest_easy_rate = kept.mdtest_easy_rate;
        standing.mdworkbench_start = kept.mdworkbench_start;
        self.plan
            .phases
            .iter()
            .filter(|&&phase| phase != PhaseId::IorRnd4kEasyRead)
            .filter_map(|&phase| setup::made_by(phase))
            .filter(|write| KEPT.contains(&write.family()) && !self.plan.phases.contains(write))
            .try_for_each(|write| standing.count(write.family()).map(|_| ()))
    }

    fn phases<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        standing: &mut Standing,
        books: &mut Option<Books<'_>>,
    ) -> Result<()> {
        for &phase in &self.plan.phases {
            team.enter(Some(phase));
            let pause = self.before(team, phase)?;
            // clocks drift: an hour later an old offset is worse than its uncertainty
            standing.clock = ClockSync::measure(team.comm());
            if let Some(books) = books {
                if books.result.phases.is_empty() {
                    books.result.provenance.start.first_phase_s = self.options.process_start.elapsed().as_secs_f64();
                }
                books.observer.phase_begins(phase);
            }
            // the local time needs a time zone's file, which is rank 0's to read
            let begin = if books.is_some() { now() } else { String::new() };
            let (clock, since) = (Instant::now(), SystemTime::now());
            let outcome = self.phase(team, stores, phase, standing, books)?;
            let phase_s = clock.elapsed().as_secs_f64();
            self.options.progress.end();
            match outcome.reached {
                Some(start) if phase.family() == Family::Mdworkbench => standing.mdworkbench_start = start,
                Some(reached) => drop(standing.reached.insert(phase.family(), reached)),
                None => {}
            }
            if phase == PhaseId::MdtestEasyWrite {
                let rate = outcome.on_root.as_ref().map_or(0.0, |(result, _)| result.rate);
                standing.mdtest_easy_rate = Some(from_root(team.comm(), rate));
            }
            if let (Some(books), Some((mut result, csv))) = (books.as_mut(), outcome.on_root) {
                (result.begin, result.end, result.phase_s, result.pause) = (begin, now(), phase_s, pause);
                let kept = books
                    .keep_latencies(phase, since, outcome.latencies)
                    .and_then(|()| books.phase_over(self.config, result, &csv, outcome.reached));
                team.agree(kept.map_err(as_failure))?;
            } else {
                team.agree(Ok(()))?;
            }
        }
        team.enter(None);
        Ok(())
    }

    /// Before a phase: caches, and a pause while its pause file is there.
    fn before(&self, team: &Team<'_>, phase: PhaseId) -> Result<Option<(String, String)>> {
        let dropped =
            if self.config.global.drop_caches { drop_caches(&self.config.global.drop_caches_cmd) } else { Ok(()) };
        team.agree(dropped)?;
        let Some(dir) = &self.config.debug.pause_dir else { return Ok(None) };
        let file = format!("{dir}/{phase}");
        let mut since = String::new();
        if team.comm().rank() == 0 {
            since = now();
            while std::path::Path::new(&file).exists() && !self.options.progress.stop_requested() {
                std::thread::sleep(PAUSE);
                self.options.progress.beat();
            }
        }
        team.meet()?;
        Ok(Some((file, since)))
    }

    fn phase<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        phase: PhaseId,
        standing: &mut Standing,
        books: &Option<Books<'_>>,
    ) -> Result<Outcome> {
        if phase == PhaseId::Timestamp {
            return self.timestamp(team, standing, books);
        }
        let resultdir = self.resultdir();
        // a script looks where the file system is mounted
        let datadir = match phase.kind() {
            Kind::Find => {
                dated(&self.config.global.datadir, self.config.global.timestamp_datadir, &self.plan.timestamp)
            }
            _ => stores.datadir(phase).to_owned(),
        };
        let command = equivalent_command(self.config, self.plan, phase, &datadir, &resultdir);
        let run = RunPhase {
            phase,
            datadir: stores.datadir(phase),
            command: &command,
            config: self.config,
            plan: self.plan,
            team,
            ticker: &self.options.ticker,
            progress: &self.options.progress,
            state: standing,
        };
        // A panic must not leave the others waiting: it becomes this rank's failure at the meeting they are going to.
        match catch(|| Ok(stores.visit(phase, run))) {
            Ok(outcome) => {
                let mut outcome = outcome?;
                if let Some((result, _)) = &mut outcome.on_root {
                    result.command = command;
                }
                Ok(outcome)
            }
            Err(panic) => Err(team.agree::<()>(Err(panic)).expect_err("a panic is a failure")),
        }
    }

    fn timestamp(&self, team: &Team<'_>, standing: &mut Standing, books: &Option<Books<'_>>) -> Result<Outcome> {
        let touched = match books.as_ref().and_then(|books| books.dir.as_ref()) {
            Some(dir) => dir.touch_timestamp().and_then(|()| dir.timestamp_seconds()),
            None if books.is_some() => Ok(Some(crate::clock::wall_ns() / 1_000_000_000)),
            None => Ok(None),
        };
        let seconds = team.agree(touched.map_err(as_failure))?;
        standing.timestamp_s = from_root(team.comm(), seconds);
        let result = books.is_some().then(|| (PhaseResult::new(PhaseId::Timestamp), String::new()));
        Ok(Outcome { reached: None, on_root: result, latencies: Vec::new() })
    }

    /// Removes what runs have left in the data directories, and the stonewall files that tell of it. Collective; repeatable.
    pub fn clean_up<S: Stores>(&self, comm: &dyn Comm, stores: &S, observer: &mut dyn Observer) -> Result<()> {
        let team = Team::new(comm, GRACE, self.options.stuck.clone());
        for (lead, _) in self.by_store(stores) {
            let datadir = stores.datadir(lead);
            let removed = stores
                .visit(lead, Sweep { datadir, team: &team, config: self.config, progress: &self.options.progress })?;
            if comm.rank() == 0 {
                observer.cleaned(&removed);
            }
        }
        let forgotten = match &self.options.resultdir {
            Some(path) if comm.rank() == 0 => ResultDir::at(path).forget_files(),
            _ => Ok(()),
        };
        team.agree(forgotten.map_err(as_failure))
    }

    fn finish<S: Stores>(&self, team: &Team<'_>, stores: &S, books: Option<Books<'_>>) -> Result<Option<RunResult>> {
        let mut books = books;
        if self.options.clean_up {
            for (lead, _) in self.by_store(stores) {
                let datadir = stores.datadir(lead);
                let removed = stores
                    .visit(lead, Sweep { datadir, team, config: self.config, progress: &self.options.progress })?;
                if let Some(books) = &mut books {
                    books.observer.cleaned(&removed);
                }
            }
        }
        if let Some(books) = &mut books {
            // the pools once more: what changed while the run went on stands in the verdict
            let pool = |(name, store): (String, Description)| Some((name, store.pool?));
            books.result.provenance.pools_after = stores.describe().into_iter().filter_map(pool).collect();
        }
        let written = books.as_mut().map_or(Ok(()), |books| books.finish(self.config));
        team.agree(written.map_err(as_failure))?;
        Ok(books.map(|books| books.result))
    }

    fn resultdir(&self) -> String {
        self.options.resultdir.as_ref().map_or_else(String::new, |path| path.display().to_string())
    }

    fn rules(&self, serial_transfers: Option<String>) -> Rules {
        let bench = &self.config.bench;
        let mut departures = Vec::new();
        if bench.queue_depth > 1 {
            departures.push(format!("queue-depth {}", bench.queue_depth));
            departures.extend(serial_transfers);
        }
        if bench.threads_per_rank > 1 {
            departures.push(format!("threads-per-rank {}", bench.threads_per_rank));
        }
        let extended = bench.mode == crate::config::Mode::Extended;
        Rules {
            stonewall_s: self.plan.stonewall_s,
            scc: self.config.global.scc,
            pausing: self.config.debug.pause_dir.is_some(),
            files_per_dir: self.config.mdtest_hard.files_per_dir.is_some(),
            dry_run: false,
            expected: PhaseId::ALL.into_iter().filter(|phase| extended || phase.in_standard()).collect(),
            departures,
        }
    }

    /// Whether a queue depth is asked for that ranks cannot have: transfers that run one after the other must not pass for overlapping
    /// ones. Collective.
    fn serial_transfers<S: Stores>(&self, comm: &dyn Comm, stores: &S) -> Option<String> {
        if self.config.bench.queue_depth <= 1 {
            return None;
        }
        let ior = |phase: &PhaseId| matches!(phase.family(), Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy);
        let phases = self.plan.phases.iter().filter(|phase| ior(phase));
        let own = phases.copied().find_map(|phase| stores.visit(phase, SerialQueue));
        let mut ranks = [u64::from(own.is_some())];
        comm.all_reduce_u64(ReduceOp::Sum, &mut ranks);
        let mut first = [if own.is_some() { comm.rank() as u64 } else { u64::MAX }];
        comm.all_reduce_u64(ReduceOp::Min, &mut first);
        let root = usize::try_from(first[0]).ok().filter(|&root| root < comm.size())?;
        let mut reason = own.unwrap_or_default().into_bytes();
        comm.broadcast(root, &mut reason);
        let reason = String::from_utf8_lossy(&reason);
        Some(format!("transfers of {} of {} ranks run one at a time: {reason}", ranks[0], comm.size()))
    }

    /// What rank 0 writes down about the run; the other ranks bring their memory.
    fn provenance<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        standing: &Standing,
        connected_s: f64,
        rules: &Rules,
    ) -> Option<Provenance> {
        let comm = team.comm();
        let resident = resident_bytes();
        let mut most = [resident];
        comm.reduce_u64(ReduceOp::Max, &mut most);
        let mut sum = [resident];
        comm.reduce_u64(ReduceOp::Sum, &mut sum);
        if comm.rank() != 0 {
            return None;
        }
        let topology = comm.topology();
        Some(Provenance {
            program: format!("dfs-bench-{}", env!("CARGO_PKG_VERSION")),
            rules: "io500-isc26_v2".into(),
            mode: self.config.bench.mode.name().into(),
            command_line: self.options.command_line.clone(),
            timestamp: self.plan.timestamp.clone(),
            began: now(),
            ended: String::new(),
            ranks: comm.size(),
            nodes: topology.nodes(),
            ranks_per_node: topology.ppn_first(),
            placement: words(topology.placement()),
            read_mapping: mapping(topology),
            launcher: comm.describe(),
            host: comm.host().into(),
            system: system_facts(),
            datadir: self.config.global.datadir.clone(),
            resultdir: self.resultdir(),
            stores: stores.describe(),
            config_hash: self.config.hash().to_string(),
            settings: self
                .config
                .settings()
                .iter()
                .map(|setting| SettingOrigin {
                    section: setting.section.clone(),
                    option: setting.option.clone(),
                    value: setting.value.clone().unwrap_or_default(),
                    origin: setting.origin.to_string(),
                })
                .collect(),
            pools_after: Vec::new(),
            environment: relevant_environment(),
            departures: rules.departures.clone(),
            wall_clock_skew_s: standing.clock.wall_skew_max_ns as f64 / 1e9,
            clock_uncertainty_s: standing.clock.uncertainty_max_ns as f64 / 1e9,
            start: StartUp {
                connected_s,
                first_phase_s: 0.0, // not yet
                resident_max: most[0],
                resident_mean: sum[0] / comm.size() as u64,
            },
        })
    }
}

impl Books<'_> {
    fn judge(&mut self) {
        for phase in &mut self.result.phases {
            phase.valid = validity::official_of_phase(&self.rules, phase).valid;
        }
        let expected = std::mem::take(&mut self.rules.expected);
        // while the run goes on, what has not come yet is no reason
        if self.result.state != RunState::Running {
            self.rules.expected.clone_from(&expected);
        }
        self.result.official = validity::official(&self.rules, &self.result);
        self.result.strict = validity::strict(&self.rules, &self.result);
        self.rules.expected = expected;
    }

    /// Writes the latencies of a phase as `.hgrm` files, and the log of all phases anew.
    fn keep_latencies(&mut self, phase: PhaseId, begin: SystemTime, latencies: Vec<KindLatency>) -> Result<()> {
        let length = begin.elapsed().unwrap_or_default();
        let Some(dir) = self.dir.as_ref().filter(|_| !latencies.is_empty()) else { return Ok(()) };
        for latency in latencies {
            let name = hgrm_name(phase, latency.result.kind);
            dir.write(&format!("latency/{name}"), hgrm(&latency.histogram).as_bytes())?;
            self.latencies.push((phase, begin, length, latency));
        }
        let entries: Vec<LogEntry<'_>> = self
            .latencies
            .iter()
            .map(|(phase, begin, length, latency)| LogEntry {
                phase: *phase,
                kind: latency.result.kind,
                begin: *begin,
                length: *length,
                histogram: &latency.histogram,
            })
            .collect();
        dir.write(&format!("latency/{LOG_NAME}"), &histogram_log(self.since, &entries))
    }

    fn phase_over(&mut self, config: &Config, result: PhaseResult, csv: &str, reached: Option<u64>) -> Result<()> {
        let phase = result.phase;
        self.result.phases.push(result);
        self.judge();
        if let Some(dir) = &self.dir {
            match reached {
                Some(start) if phase.family() == Family::Mdworkbench => dir.set_mdworkbench_start(start)?,
                Some(count) => dir.set_stonewall(phase.family(), count)?,
                None => {}
            }
            if phase == PhaseId::MdtestEasyWrite && self.rules.expected.contains(&PhaseId::MdworkbenchCreate) {
                dir.set_mdworkbench_rate(self.result.phases.last().map_or(0.0, |result| result.rate))?;
            }
            if !csv.is_empty() {
                dir.write(&format!("{phase}.csv"), csv.as_bytes())?;
            }
            if let Some(result) = self.result.phases.last() {
                dir.write(&format!("{phase}.txt"), phase_txt(result).as_bytes())?;
            }
        }
        self.write(config)?;
        self.observer.phase_over(&self.result);
        Ok(())
    }

    fn finish(&mut self, config: &Config) -> Result<()> {
        self.result.state = RunState::Finished;
        self.result.provenance.ended = now();
        self.judge();
        self.result.score = Some(self.score());
        self.write(config)?;
        self.observer.finished(&self.result);
        Ok(())
    }

    fn score(&self) -> ScoreResult {
        let rates: Vec<(PhaseId, f64)> = self.result.phases.iter().map(|phase| (phase.phase, phase.rate)).collect();
        let extended = self.rules.expected.len() > STANDARD_PHASES;
        let all_valid = self.result.official.valid && self.result.phases.iter().all(|phase| phase.valid);
        let version = &self.result.provenance.program;
        let score = score::score(version, &rates, self.result.official.valid, extended.then_some(all_valid));
        // the write phases as they stood at the stonewall, everything else as it is
        let at_stonewall = |phase: &PhaseResult| match &phase.stonewall {
            Some(stonewall) if phase.phase.has_stonewall() => stonewall.rate,
            _ => phase.rate,
        };
        let rates: Vec<(PhaseId, f64)> =
            self.result.phases.iter().map(|phase| (phase.phase, at_stonewall(phase))).collect();
        ScoreResult { without_wear_out: Some(score::means(&rates, false).total), ..score }
    }

    fn fail(&mut self, error: &Error, config: &Config) {
        self.result.state = if matches!(error, Error::Interrupted) { RunState::Interrupted } else { RunState::Failed };
        self.result.failure = Some(error.to_string());
        self.result.provenance.ended = now();
        self.judge();
        if let Err(second) = self.write(config) {
            log::error!("the result directory could not be brought up to date: {second}");
        }
    }

    fn write(&self, config: &Config) -> Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        if self.result.phases.is_empty() {
            dir.write("config.ini", config.to_ini().as_bytes())?;
            dir.write("config-orig.ini", config.inputs().file_text().unwrap_or_default().as_bytes())?;
        }
        dir.write("result_summary.txt", summary(&self.result).as_bytes())?;
        dir.write("result.txt", result_txt(&self.result).as_bytes())?;
        let json = serde_json::to_vec_pretty(&self.result).expect("a result has string keys only");
        dir.write("result.json", &json)
    }
}

/// Looks at the data directory.
struct Look<'a> {
    datadir: &'a str,
    plan: &'a Plan,
    phases: &'a [PhaseId],
}

impl Visit for Look<'_> {
    type Out = std::result::Result<(), Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::inspect(backend, self.datadir, self.plan, self.phases)
    }
}

/// Makes the directories.
struct Make<'a> {
    datadir: &'a str,
    plan: &'a Plan,
    families: &'a [Family],
}

impl Visit for Make<'_> {
    type Out = std::result::Result<(), Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::make(backend, self.datadir, self.plan, self.families).map(|_| ())
    }
}

/// Makes a directory for every rank's file.
struct UniqueDirs<'a> {
    datadir: &'a str,
    plan: &'a Plan,
    team: &'a Team<'a>,
}

impl Visit for UniqueDirs<'_> {
    type Out = Result<()>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::make_unique_dirs(backend, self.team, self.datadir, self.plan)
    }
}

/// Asks why a store does not overlap transfers.
struct SerialQueue;

impl Visit for SerialQueue {
    type Out = Option<String>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        backend.serial_queue()
    }
}

/// Cleans up.
struct Sweep<'a> {
    datadir: &'a str,
    team: &'a Team<'a>,
    config: &'a Config,
    progress: &'a Progress,
}

impl Visit for Sweep<'_> {
    type Out = Result<cleanup::Removed>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        // a directory that carries the timestamp was made by this run
        cleanup::sweep(backend, self.team, self.progress, self.datadir, self.config.global.timestamp_datadir)
    }
}

/// Rank 0's value on every rank.
fn from_root<T: Serialize + DeserializeOwned>(comm: &dyn Comm, value: T) -> T {
    let mut bytes = serde_json::to_vec(&value).expect("plain values");
    comm.broadcast(0, &mut bytes);
    serde_json::from_slice(&bytes).expect("every rank runs the same program")
}

/// An error of the POSIX side as a failure that the ranks can agree on.
fn as_failure(error: Error) -> Failure {
    match error {
        Error::ResultFile { path, message } => Failure::ResultFile { path, message },
        other => Failure::Config(other.to_string()),
    }
}

fn drop_caches(command: &str) -> std::result::Result<(), Failure> {
    let failed = |message: String| Failure::Config(format!("drop-caches-cmd {command:?}: {message}"));
    let output = std::process::Command::new("sh").arg("-c").arg(command).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failed(format!("{} {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Local time as the result files have it.
fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn words<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn mapping(topology: &Topology) -> String {
    let mapping = topology.read_mapping();
    let rule = words(mapping.rule);
    format!(
        "{rule}: official shift {}; ranks that read their own node's data: {} of {} (by the official shift: {})",
        mapping.shift,
        mapping.own_node,
        topology.ranks(),
        mapping.own_node_official
    )
}

/// Resident memory of this process, bytes; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
