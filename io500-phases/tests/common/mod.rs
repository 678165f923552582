//! Runs the suite with threads as ranks, for the tests of this folder.
#![allow(dead_code)] // every test file takes what it needs

use io500_phases::backend::select::{Selected, Stores, hints};
use io500_phases::comm::{Comm, threads};
use io500_phases::config::{ApiSpec, Config, select_phases};
use io500_phases::engine::Progress;
use io500_phases::error::Error;
use io500_phases::phase_id::PhaseId;
use io500_phases::plan::{Plan, RankLayout};
use io500_phases::results::RunResult;
use io500_phases::suite::{NoopObserver, Observer, Options, Suite};
use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(feature = "dfs")]
use std::sync::atomic::{AtomicU32, Ordering};

/// `../shared` beside the workspace; none, with a line that says so, where it is absent.
pub fn shared(below: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(below);
    if path.exists() {
        return path.canonicalize().ok();
    }
    assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// A configuration from a file's text and `section.option=value` settings.
pub fn config(text: &str, settings: &[&str]) -> Config {
    let builder = Config::builder().file("test.ini", text.as_bytes());
    settings.iter().fold(builder, |builder, setting| builder.set(*setting)).build().expect("a good configuration").0
}

/// The plan of these phases.
pub fn plan(config: &Config, phases: &[PhaseId], comm: &dyn Comm, timestamp: &str) -> Plan {
    let topology = comm.topology();
    let layout = RankLayout { ranks: topology.ranks(), mdtest_shift: topology.mdtest_shift() };
    let hints = |api: &ApiSpec| hints(api).expect("known object classes");
    Plan::new(config, phases.to_vec(), layout, timestamp, hints)
}

/// Runs these phases with so many ranks on the stores that the configuration names; the result of rank 0.
pub fn run(
    config: &Config,
    phases: &str,
    ranks: usize,
    timestamp: &str,
    resultdir: Option<&Path>,
) -> Result<RunResult, Error> {
    let phases = select_phases(phases, false).expect("known phases");
    let mut all = threads::run(ranks, |comm| {
        let stores = Selected::open(config, &phases, &config.global.datadir, comm)?;
        run_on(config, &phases, comm, timestamp, resultdir, &stores)
    });
    all.swap_remove(0).map(|result| result.expect("rank 0 has the result"))
}

/// Runs these phases as one rank of a group.
pub fn run_on<S: Stores>(
    config: &Config,
    phases: &[PhaseId],
    comm: &dyn Comm,
    timestamp: &str,
    resultdir: Option<&Path>,
    stores: &S,
) -> Result<Option<RunResult>, Error> {
    let plan = plan(config, phases, comm, timestamp);
    let mut options = Options::default();
    options.resultdir = resultdir.map(Path::to_owned);
    Suite::new(config, &plan, options).run(comm, stores, &mut NoopObserver)
}

/// Asks for a stop when a phase begins.
pub struct StopAt(pub PhaseId, pub Arc<Progress>);

impl Observer for StopAt {
    fn phase_begins(&mut self, phase: PhaseId) {
        if phase == self.0 {
            self.1.request_stop();
        }
    }
}

/// A container of its own for a test: on the stand-in, or in the pool that `DFS_TEST_POOL` names. It goes with the value.
#[cfg(feature = "dfs")]
pub struct Container {
    pool: String,
    label: String,
}

#[cfg(feature = "dfs")]
impl Container {
    /// A new container; none, with a line that says so, where there is no pool to make it in.
    pub fn new() -> Option<Container> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let pool = std::env::var("DFS_TEST_POOL").ok();
        let Some(pool) = pool.or_else(|| daos_dfs::default_pool_and_container().map(|(pool, _)| pool.to_owned()))
        else {
            eprintln!("skipped: {} needs a pool, named by DFS_TEST_POOL", daos_dfs::provider());
            return None;
        };
        let label = format!("suite-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let container = Container { pool, label };
        container.connect().create_container(&container.label, &Default::default()).expect("the container is created");
        Some(container)
    }

    /// The setting that makes all phases use it.
    pub fn setting(&self) -> String {
        format!("global.api=DFS --dfs.pool={} --dfs.cont={}", self.pool, self.label)
    }

    fn connect(&self) -> daos_dfs::Pool {
        let system = daos_dfs::System::start().expect("the library starts");
        daos_dfs::Pool::connect(&system, &self.pool, None, daos_dfs::AccessMode::ReadWrite)
            .expect("the pool is connected")
    }
}

#[cfg(feature = "dfs")]
impl Drop for Container {
    fn drop(&mut self) {
        // forced: a test that has failed may still have it open
        if let Err(error) = self.connect().destroy_container(&self.label, true) {
            eprintln!("container {} is left behind: {error}", self.label);
        }
    }
}
