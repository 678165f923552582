//! A run in one go: from settings to the result, for programs that embed the benchmark.

use super::observer::{NoopObserver, Observer};
use super::options::Options;
use super::run::{Suite, dated};
use crate::backend::select::{Selected, Stores, hints};
use crate::comm::Comm;
use crate::config::{ApiSpec, Config, ConfigBuilder, Mode, select_phases};
use crate::error::Result;
use crate::phase_id::PhaseId;
use crate::plan::{Plan, RankLayout};
use crate::results::RunResult;
use std::collections::HashMap;
use std::ffi::OsStr;

/// Collects what a run needs and runs it, see [`Suite::builder`].
#[derive(Clone)]
#[must_use = "nothing runs before `run`"]
pub struct SuiteBuilder {
    config: ConfigBuilder,
    phases: String,
    timestamp: Option<String>,
    options: Options,
}

impl Suite<'_> {
    /// Begins a run of all phases over DFS; settings and phases follow, and [`SuiteBuilder::run`] ends it.
    ///
    /// ```
    /// use io500_phases::comm::Solo;
    /// use io500_phases::suite::Suite;
    ///
    /// let result = Suite::builder()
    ///     .set("global.api=null")
    ///     .set("debug.stonewall-time=1")
    ///     .set("ior-easy.blockSize=2m")
    ///     .phases("ior-easy-write")
    ///     .run(&Solo::new())?;
    /// assert_eq!(result.expect("rank 0 has the result").phases.len(), 1);
    /// # Ok::<(), io500_phases::error::Error>(())
    /// ```
    pub fn builder() -> SuiteBuilder {
        SuiteBuilder {
            config: Config::builder(),
            phases: "all".to_owned(),
            timestamp: None,
            options: Options::default(),
        }
    }
}

impl SuiteBuilder {
    /// Begins from this configuration; what was set before is gone.
    pub fn config(mut self, config: ConfigBuilder) -> Self {
        self.config = config;
        self
    }

    /// One `section.option=value`, as `--set` of the command takes it.
    pub fn set(mut self, setting: impl AsRef<OsStr>) -> Self {
        self.config = self.config.set(setting);
        self
    }

    /// The phases to run, as [`select_phases`] takes them; all by default.
    pub fn phases(mut self, list: impl Into<String>) -> Self {
        self.phases = list.into();
        self
    }

    /// The timestamp of an earlier run to go on with; by default a run begins anew.
    pub fn timestamp(mut self, timestamp: impl Into<String>) -> Self {
        self.timestamp = Some(timestamp.into());
        self
    }

    /// Everything else; by default nothing is written but the data.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Runs. Collective: every rank calls it with the same settings. The result is on rank 0.
    ///
    /// # Errors
    /// The same on all ranks: one that [`is_mistake`](crate::error::Error::is_mistake) before anything was touched, any other as
    /// [`Suite::run`] has them.
    pub fn run(self, comm: &dyn Comm) -> Result<Option<RunResult>> {
        self.run_observed(comm, &mut NoopObserver)
    }

    /// Like [`run`](Self::run), and `observer` is told of its steps on rank 0.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn run_observed(self, comm: &dyn Comm, observer: &mut dyn Observer) -> Result<Option<RunResult>> {
        let prepared = self.prepare(comm)?;
        let global = &prepared.config.global;
        let datadir = dated(&global.datadir, global.timestamp_datadir, &prepared.plan.timestamp);
        let stores = Selected::open(&prepared.config, &prepared.plan.phases, &datadir, comm)?;
        let result = prepared.run(comm, &stores, observer)?;
        stores.close(comm)?;
        Ok(result)
    }

    /// Like [`run_observed`](Self::run_observed), on stores of the program's own. The API of the configuration is not opened.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn run_on<S: Stores>(
        self,
        comm: &dyn Comm,
        stores: &S,
        observer: &mut dyn Observer,
    ) -> Result<Option<RunResult>> {
        self.prepare(comm)?.run(comm, stores, observer)
    }

    fn prepare(self, comm: &dyn Comm) -> Result<Prepared> {
        let mut phases = Ok(Vec::new());
        let built = self.config.build_to_run(|config, _| {
            phases = select_phases(&self.phases, config.bench.mode == Mode::Extended);
            phases.iter().flatten().copied().filter(|&phase| config.phase(phase).run).collect()
        });
        let (config, warnings) = built?;
        warnings.iter().filter(|_| comm.rank() == 0).for_each(|warning| log::warn!("{warning}"));
        let given = self.timestamp.or_else(|| config.bench.timestamp.clone());
        let options = Options { new_run: given.is_none(), ..self.options };
        let mut timestamp = given.unwrap_or_else(now).into_bytes();
        comm.broadcast(0, &mut timestamp);
        let plan = plan(&config, phases?, comm, &String::from_utf8_lossy(&timestamp))?;
        Ok(Prepared { config, plan, options })
    }
}

/// What is known before the stores are opened.
struct Prepared {
    config: Config,
    plan: Plan,
    options: Options,
}

impl Prepared {
    fn run<S: Stores>(&self, comm: &dyn Comm, stores: &S, observer: &mut dyn Observer) -> Result<Option<RunResult>> {
        Suite::new(&self.config, &self.plan, self.options.clone()).run(comm, stores, observer)
    }
}

/// The plan of these phases for these ranks, with the placement that the API strings ask for.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) when the API string of a phase that runs names an object class that there is not.
pub fn plan(config: &Config, phases: Vec<PhaseId>, comm: &dyn Comm, timestamp: &str) -> Result<Plan> {
    let topology = comm.topology();
    let layout = RankLayout { ranks: topology.ranks(), mdtest_shift: topology.mdtest_shift() };
    // the mistakes of phases that do not run are not looked at
    let running = phases.iter().map(|&phase| config.phase(phase)).filter(|phase| phase.run).map(|phase| &phase.api);
    let placement = running
        .chain([&config.global.api])
        .map(|api| hints(api).map(|hints| (api, hints)))
        .collect::<Result<HashMap<&ApiSpec, _>>>()?;
    let hints = |api: &ApiSpec| placement.get(api).copied().unwrap_or_default();
    Ok(Plan::new(config, phases, layout, timestamp, hints))
}

/// A timestamp: local time.
fn now() -> String {
    jiff::Zoned::now().strftime("%Y.%m.%d-%H.%M.%S").to_string()
}
