//! A run from the first look at the data directory to the score.

use super::collective::{as_failure, from_root};
use super::machines::Readings;
use super::observer::Observer;
use super::options::Options;
use super::phase::{Outcome, RunPhase, read_rule};
use super::result_writer::{ResultWriter, now};
use super::run_state::SuiteState;
use crate::backend::Description;
use crate::backend::select::Stores;
use crate::comm::{ClockSync, Comm, ReduceOp};
use crate::config::Config;
use crate::engine::{Failure, Team, catch};
use crate::error::{Error, Result};
use crate::phase_id::{Family, Kind, PhaseId};
use crate::phases::claim::Respect;
use crate::phases::setup::FAMILIES;
use crate::plan::{MdworkbenchPlan, Plan};
use crate::report::equivalent_command;
use crate::results::{PhaseResult, PhaseRoof, RunResult, roof_of};
use crate::text;
use std::time::{Duration, Instant, SystemTime};

/// How long the ranks wait for each other once one has failed.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// How often a pause file is looked for.
const PAUSE: Duration = Duration::from_millis(500);

/// A directory with the run's timestamp below it, where the configuration wants that.
pub fn dated(directory: &str, dated: bool, timestamp: &str) -> String {
    if dated { format!("{}/{timestamp}", directory.trim_end_matches('/')) } else { directory.to_owned() }
}

/// A configured run.
#[must_use = "nothing runs before `run`"]
pub struct Suite<'a> {
    pub(super) config: &'a Config,
    pub(super) plan: &'a Plan,
    pub(super) options: Options,
}

impl<'a> Suite<'a> {
    /// A run of this plan.
    pub fn new(config: &'a Config, plan: &'a Plan, options: Options) -> Self {
        Suite { config, plan, options }
    }

    /// Runs the phases of the plan. Collective: every rank calls it with the same configuration and plan. The result is on
    /// rank 0; a failure is the same on all ranks, and the finished phases are in the result directory by then.
    ///
    /// # Errors
    /// The same on all ranks, see [`Error`].
    pub fn run<S: Stores>(
        &self,
        comm: &dyn Comm,
        stores: &S,
        observer: &mut dyn Observer,
    ) -> Result<Option<RunResult>> {
        let team = Team::new(comm, GRACE, self.options.stuck.clone());
        self.require_same_plan(comm)?;
        let connected_s = self.options.process_start.elapsed().as_secs_f64();
        let mut state = SuiteState::new(ClockSync::measure(comm), read_rule(&team));
        self.look(&team, stores)?;
        state.recall(&team, self.options.resultdir.as_deref(), self.plan)?;
        let claims = self.claim(&team, stores, Respect::All)?;
        let done = self.run_claimed(&team, stores, state, connected_s, observer);
        claims.release(stores);
        if done.is_ok() && self.options.clean_up {
            self.remove_parents(comm, stores);
        }
        done
    }

    /// Runs in directories that no other run uses.
    fn run_claimed<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        mut state: SuiteState,
        connected_s: f64,
        observer: &mut dyn Observer,
    ) -> Result<Option<RunResult>> {
        let comm = team.comm();
        // what was there before the claim may have changed since
        self.look(team, stores)?;
        self.replace_left_over(team, stores)?;
        let dir = self.make(team, stores)?;
        let rules = self.rules(comm, stores);
        let provenance = self.provenance(team, stores, &state, connected_s, &rules);
        let mut writer = provenance.map(|provenance| ResultWriter::open(provenance, rules, dir, observer));
        let begun = writer.as_mut().map_or(Ok(()), |writer| writer.begin(self.config));
        team.barrier_with_status(begun.map_err(as_failure))?;
        let run = self.phases(team, stores, &mut state, &mut writer);
        self.options.progress.end();
        match run {
            Ok(()) => self.finish(team, stores, writer),
            Err(error) => {
                if let Some(mut writer) = writer {
                    writer.fail(&error);
                }
                Err(error)
            }
        }
    }

    /// Different plans on different ranks (a file changed meanwhile, another binary on one node) must not reach storage.
    fn require_same_plan(&self, comm: &dyn Comm) -> Result<()> {
        let digest = self.plan.digest();
        let mut bounds = [digest, u64::MAX - digest];
        comm.all_reduce_u64(ReduceOp::Max, &mut bounds);
        if bounds[0] == u64::MAX - bounds[1] {
            Ok(())
        } else {
            Err(Error::Comm("the ranks have different plans: is it the same program on every node?".into()))
        }
    }

    fn phases<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        state: &mut SuiteState,
        writer: &mut Option<ResultWriter<'_>>,
    ) -> Result<()> {
        let mut readings = Readings::new(team.comm());
        for phase in self.plan.asked_for() {
            team.enter(Some(phase));
            let pause = self.before(team, phase)?;
            if self.plan.switched_off.contains(&phase) {
                self.switched_off(team, phase, state, writer, pause)?;
                continue;
            }
            if self.config.bench.connection_per_phase && phase.kind() != Kind::Timestamp {
                stores.reconnect(phase, team.comm())?;
            }
            readings.begin();
            // clocks drift: an hour later an old offset is worse than its uncertainty
            state.clock = ClockSync::measure(team.comm());
            if let Some(writer) = writer {
                if writer.result.own_phases().all(|phase| phase.switched_off) {
                    writer.result.provenance.start.first_phase_s = self.options.process_start.elapsed().as_secs_f64();
                }
                writer.observer.phase_begins(phase);
            }
            // the local time needs a time zone's file, which is rank 0's to read
            let begin = if writer.is_some() { now() } else { String::new() };
            let (clock, since) = (Instant::now(), SystemTime::now());
            let connected = (phase.kind() != Kind::Timestamp).then(|| stores.connected(phase)).flatten();
            let outcome = self.phase(team, stores, phase, state, writer)?;
            let phase_s = clock.elapsed().as_secs_f64();
            self.options.progress.end();
            let activity = readings.end(team.comm());
            match outcome.reached {
                Some(start) if phase.family() == Family::Mdworkbench => {
                    (state.mdworkbench_start, state.mdworkbench_made) = (start, true);
                }
                Some(reached) => drop(state.reached.insert(phase.family(), reached)),
                None => {}
            }
            if phase == PhaseId::MdtestEasyWrite {
                let rate = outcome.on_root.as_ref().map_or(0.0, |(result, _)| result.rate);
                state.mdtest_easy_rate = Some(from_root(team.comm(), rate));
            }
            if let (Some(writer), Some((mut result, csv))) = (writer.as_mut(), outcome.on_root) {
                (result.begin, result.end, result.phase_s, result.pause) = (begin, now(), phase_s, pause);
                result.since_connecting_s = connected.map(|connected| (clock - connected).as_secs_f64());
                result.nodes = activity.filter(|_| phase.kind() != Kind::Timestamp);
                result.roof = self.roof(stores, &result, &writer.result);
                writer.observer.phase_measured(&mut result);
                writer.keep_latencies(phase, since, outcome.latencies);
                writer.phase_over(result, &csv, outcome.reached);
            }
            team.barrier()?;
        }
        team.enter(None);
        Ok(())
    }

    /// What the phase could not exceed.
    fn roof<S: Stores>(&self, stores: &S, phase: &PhaseResult, run: &RunResult) -> Option<PhaseRoof> {
        if phase.phase.kind() == Kind::Timestamp {
            return None;
        }
        let about = &run.provenance;
        let is_daos =
            about.stores.get(stores.index(phase.phase)).is_some_and(|(_, store)| store.real && store.api == "DFS");
        let bench = &self.config.bench;
        let each = match phase.phase.family() {
            Family::MdtestEasy | Family::MdtestHard => bench.threads_per_rank,
            _ => bench.queue_depth,
        };
        roof_of(phase, is_daos, &about.limits, &about.audit, about.ranks * each.max(1))
    }

    /// A phase with `run = FALSE`: it is in the result with a score of 0.
    fn switched_off(
        &self,
        team: &Team<'_>,
        phase: PhaseId,
        state: &SuiteState,
        writer: &mut Option<ResultWriter<'_>>,
        pause: Option<(String, String)>,
    ) -> Result<()> {
        if let Some(writer) = writer {
            let (plan, datadir) = (self.plan, self.mounted_datadir());
            let objects = plan.mdworkbench.objects(plan.ranks, plan.stonewall_s, state.mdtest_easy_rate);
            let command = match phase.kind() {
                Kind::Find => String::new(),
                _ => equivalent_command(self.config, plan, phase, &datadir, &self.resultdir(), objects),
            };
            let pairs = match phase.family() {
                Family::Mdworkbench => MdworkbenchPlan::pairs(objects),
                _ => Vec::new(),
            };
            let (begin, end) = (now(), now());
            let nothing =
                PhaseResult { switched_off: true, command, pairs, begin, end, pause, ..PhaseResult::new(phase) };
            writer.switched_off(nothing);
        }
        team.barrier()
    }

    /// The data directory where a file system shows it, whatever the API.
    fn mounted_datadir(&self) -> String {
        dated(&self.config.global.datadir, self.config.global.timestamp_datadir, &self.plan.timestamp)
    }

    /// Before a phase: caches, and a pause while its pause file is there.
    fn before(&self, team: &Team<'_>, phase: PhaseId) -> Result<Option<(String, String)>> {
        if self.config.global.drop_caches && phase.kind() != Kind::Timestamp {
            let failed = drop_caches(&self.config.global.drop_caches_cmd).err();
            let first = team.comm().first_error(failed);
            if let Some(first) = first.filter(|_| team.comm().rank() == 0) {
                log::warn!("the caches could not be dropped before {phase}: {first}");
            }
        }
        team.barrier()?;
        let Some(dir) = &self.config.debug.pause_dir else { return Ok(None) };
        let file = format!("{dir}/{phase}");
        let mut since = String::new();
        if team.comm().rank() == 0 {
            since = now();
            while text::path(&file).exists() && !self.options.progress.stop_requested() {
                std::thread::sleep(PAUSE);
                self.options.progress.beat();
            }
        }
        // who asks for a stop during a pause does not want the phase after it
        let stop = team.comm().rank() == 0 && self.options.progress.stop_requested();
        team.barrier_with_status(if stop { Err(Failure::Interrupted) } else { Ok(()) })?;
        Ok(Some((file, since)))
    }

    fn phase<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        phase: PhaseId,
        state: &mut SuiteState,
        writer: &Option<ResultWriter<'_>>,
    ) -> Result<Outcome> {
        if phase == PhaseId::Timestamp {
            return self.timestamp(team, state, writer);
        }
        let resultdir = self.resultdir();
        // a script looks where the file system is mounted
        let datadir = match phase.kind() {
            Kind::Find => self.mounted_datadir(),
            _ => stores.datadir(phase).to_owned(),
        };
        let plan = self.plan;
        let objects = plan.mdworkbench.objects(plan.ranks, plan.stonewall_s, state.mdtest_easy_rate);
        let command = equivalent_command(self.config, plan, phase, &datadir, &resultdir, objects);
        let run = RunPhase {
            phase,
            datadir: stores.datadir(phase),
            command: &command,
            config: self.config,
            plan: self.plan,
            team,
            ticker: &self.options.ticker,
            progress: &self.options.progress,
            state,
            shows_daos: writer
                .as_ref()
                .is_some_and(|writer| writer.result.provenance.stores.iter().any(|(_, store)| store.shows_daos())),
        };
        // A panic must not leave the others waiting: it becomes this rank's failure at the barrier they are about to enter.
        match catch(|| Ok(stores.visit(phase, run))) {
            Ok(outcome) => {
                let mut outcome = outcome?;
                if let Some((result, _)) = &mut outcome.on_root {
                    result.command = command;
                }
                Ok(outcome)
            }
            Err(panic) => Err(team.barrier_with_status::<()>(Err(panic)).expect_err("a panic is a failure")),
        }
    }

    fn timestamp(&self, team: &Team<'_>, state: &mut SuiteState, writer: &Option<ResultWriter<'_>>) -> Result<Outcome> {
        let touched = match writer.as_ref().and_then(|writer| writer.dir.as_ref()) {
            Some(dir) => dir.touch_timestamp().and_then(|()| dir.timestamp_seconds()),
            None if writer.is_some() => Ok(Some(crate::clock::wall_ns() / 1_000_000_000)),
            None => Ok(None),
        };
        let seconds = team.barrier_with_status(touched.map_err(as_failure))?;
        state.timestamp_s = from_root(team.comm(), seconds);
        let result = writer.is_some().then(|| (PhaseResult::new(PhaseId::Timestamp), String::new()));
        Ok(Outcome { reached: None, on_root: result, latencies: Vec::new() })
    }

    fn finish<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        writer: Option<ResultWriter<'_>>,
    ) -> Result<Option<RunResult>> {
        let mut writer = writer;
        if self.options.clean_up {
            for (lead, _) in self.by_store(stores) {
                // a directory that carries the timestamp was made by this run
                let removed = self.remove_files(team, stores, lead, &FAMILIES, self.own_levels() > 0)?;
                if let Some(writer) = &mut writer {
                    let about = &mut writer.result.provenance;
                    about.unexpected_entries += removed.unexpected;
                    about.unexpected_examples.extend(removed.examples.iter().cloned());
                    writer.observer.cleaned(&removed);
                }
            }
        }
        if let Some(writer) = &mut writer {
            // the pools once more: what changed while the run went on stands in the verdict
            let pool = |(name, store): (String, Description)| Some((name, store.pool?));
            writer.result.provenance.pools_after = stores.describe().into_iter().filter_map(pool).collect();
        }
        let written = writer.as_mut().map_or(Ok(()), |writer| writer.finish());
        team.barrier_with_status(written.map_err(as_failure))?;
        Ok(writer.map(|writer| writer.result))
    }

    pub(super) fn resultdir(&self) -> String {
        self.options.resultdir.as_ref().map_or_else(String::new, text::of)
    }
}

fn drop_caches(command: &str) -> std::result::Result<(), String> {
    let failed = |message: String| format!("drop-caches-cmd {command:?}: {message}");
    let output = std::process::Command::new("sh").arg("-c").arg(text::os(command)).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failed(format!("{} {}", output.status, text::escape(&output.stderr).trim()))),
        Err(error) => Err(failed(error.to_string())),
    }
}
