//! Before the first phase: whether the plan can fit into the store, and whether the store is in a state to be measured.

use crate::session::Session;
use io500_phases::backend::Description;
use io500_phases::backend::dfs_connection::MADE_BY_RUNS;
use io500_phases::backend::select::{Selected, Stores as _};
use io500_phases::comm::Comm;
use io500_phases::config::{ApiSpec, Config};
use io500_phases::error::Error;
use io500_phases::phase_id::{Kind, PhaseId};
use io500_phases::plan::Plan;
use io500_phases::suite::{Options, Suite, dated};
use io500_phases::units::bytes;

/// What a target of a pool can be expected to take at most, bytes a second: only to tell whether a warning is worth while.
const PER_TARGET: u64 = 1 << 30;

/// Rank 0 checks whether the stores fit the plan, and prints warnings.
pub fn of_run(session: &Session, comm: &dyn Comm, plan: &Plan, stores: &Selected) -> Result<(), Error> {
    let mut refusal = Vec::new();
    if session.is_root() {
        match check(&session.config, plan, &stores.describe()) {
            Ok(warnings) => warnings.iter().for_each(|warning| eprintln!("warning: {warning}")),
            Err(error) => {
                let full = matches!(error, Error::Unavailable { .. });
                refusal = serde_json::to_vec(&(full, error.to_string())).expect("plain values");
            }
        }
    }
    comm.broadcast(0, &mut refusal);
    let Ok((full, mut text)) = serde_json::from_slice::<(bool, String)>(&refusal) else { return Ok(()) };
    if full && session.config.global.timestamp_datadir {
        let runs = Suite::new(&session.config, plan, Options::default()).runs(comm, stores)?;
        if !runs.is_empty() {
            let datadir = &session.config.global.datadir;
            text += &format!(
                "; earlier runs left files in {datadir}: {}; to remove one, run the same command with --cleanup --timestamp T",
                runs.join(", ")
            );
        }
    }
    Err(Error::Config(text))
}

/// For a dry run: connects and checks as before a run, and leaves nothing behind. Collective.
pub fn ask(session: &Session, plan: &Plan) -> Result<(), Error> {
    let comm = session.comm.as_ref();
    let global = &session.config.global;
    let datadir = dated(&global.datadir, global.timestamp_datadir, &session.timestamp);
    let writes = session.phases.iter().any(|phase| phase.kind() == Kind::Write || *phase == PhaseId::MdworkbenchCreate);
    let stores = match Selected::look(&session.config, &session.phases, &datadir, comm) {
        // a container that the run would make is no mistake
        Err(error) if writes && error.to_string().contains(MADE_BY_RUNS) => {
            if session.is_root() {
                eprintln!("dfs-bench: {error}");
            }
            return Ok(());
        }
        opened => opened?,
    };
    if session.is_root() {
        for (name, store) in stores.describe() {
            eprintln!("dfs-bench: {name}: {}{}", store.provider, if store.real { "" } else { " (not a real store)" });
            for (fact, value) in store.facts.iter().filter(|(fact, _)| fact.starts_with("pool ")) {
                eprintln!("  {fact}: {value}");
            }
        }
    }
    of_run(session, comm, plan, &stores)
}

/// What was found, all of it worth a line; or why the run cannot be.
pub fn check(config: &Config, plan: &Plan, stores: &[(String, Description)]) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    for (name, store) in stores {
        if let Some(pool) = &store.pool {
            if pool.rebuilds() {
                warnings.push(format!("{name}: a rebuild is running and takes bandwidth: expect lower figures"));
            }
            if pool.disabled_targets > 0 {
                warnings.push(format!("{name}: {} of {} targets are disabled", pool.disabled_targets, pool.targets));
            }
            for &phase in &plan.phases {
                let api = &config.phase(phase).api;
                if matches(name, api) {
                    classes(phase.name(), [&api.oclass, &api.dir_oclass], pool.engines)?;
                }
            }
            let global = &config.global.api;
            if matches(name, global) {
                classes("the data directory", [&global.dir_oclass, &None], pool.engines)?;
            }
        }
        if let Some(space) = store.space {
            let targets = store.pool.as_ref().map(|pool| pool.targets);
            let warning = space_warning(plan, space.free, targets).map_err(|why| {
                Error::unavailable(format!("{name}: the data directory {}: {why}", config.global.datadir))
            })?;
            warnings.extend(warning.map(|text| format!("{name}: {text}")));
        }
    }
    Ok(warnings)
}

/// Whether a phase's API string leads to the store of this name, which has no placement in it.
fn matches(store: &str, api: &ApiSpec) -> bool {
    let bare = ApiSpec { chunk_size: None, oclass: None, dir_oclass: None, destroy: false, ..api.clone() };
    bare.to_string() == store
}

/// Object classes that need more engines than there are.
fn classes(what: &str, classes: [&Option<String>; 2], engines: u32) -> Result<(), Error> {
    for class in classes.into_iter().flatten() {
        let needed = engines_needed(class);
        if needed > engines {
            return Err(Error::Config(format!(
                "{what}: object class {class} needs {needed} engines, and the pool has {engines}"
            )));
        }
    }
    Ok(())
}

/// How many engines a class spreads one group of data over: replicas, or data and parity cells.
fn engines_needed(class: &str) -> u32 {
    let class = class.to_ascii_uppercase();
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().ok();
    if let Some(replicas) = class.strip_prefix("RP_") {
        return number(replicas).unwrap_or(1);
    }
    let cells = class.strip_prefix("EC_").and_then(|rest| {
        let (data, parity) = rest.split_once('P')?;
        Some(number(data)? + number(parity)?)
    });
    cells.unwrap_or(1)
}

/// Whether the plan fits: an error when not even its least does, a sentence when it may not.
fn space_warning(plan: &Plan, free: u64, targets: Option<u32>) -> Result<Option<String>, String> {
    let most = plan.need().bytes_at_most;
    let writes = |phase: PhaseId| plan.phases.contains(&phase);
    let ranks = plan.ranks as u64;
    // every rank does one transfer at least; without a stonewall it does all of them
    let least = match plan.stonewall_s {
        0 => most,
        _ => {
            let one = |phase, transfer: u64| if writes(phase) { transfer * ranks } else { 0 };
            one(PhaseId::IorEasyWrite, plan.ior_easy.transfer) + one(PhaseId::IorHardWrite, plan.ior_hard.transfer)
        }
    };
    if least > free {
        return Err(format!("{} are free, and these phases write at least {}", bytes(free), bytes(least)));
    }
    let ior = [PhaseId::IorEasyWrite, PhaseId::IorHardWrite].into_iter().filter(|&phase| writes(phase)).count() as u64;
    if most <= free || ior == 0 || plan.stonewall_s == 0 {
        return Ok(None);
    }
    let seconds = ior * u64::from(plan.stonewall_s);
    let fills_at = free / seconds.max(1);
    if targets.is_some_and(|targets| fills_at > u64::from(targets) * PER_TARGET) {
        return Ok(None);
    }
    Ok(Some(format!(
        "{} are free, and the plan writes up to {}: the store fills up before the end if it takes more than {}/s over {ior} × {} s \
         of stonewall and the wear-out after it",
        bytes(free),
        bytes(most),
        bytes(fills_at),
        plan.stonewall_s
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::backend::{PoolState, Space};
    use io500_phases::plan::RankLayout;

    fn plan(settings: &[&str]) -> (Config, Plan) {
        let builder = settings.iter().fold(Config::builder(), |builder, set| builder.set(*set));
        let config = builder.build().unwrap().0;
        let layout = RankLayout { ranks: 4, mdtest_shift: 1 };
        let phases = vec![PhaseId::IorEasyWrite, PhaseId::IorHardWrite];
        let plan = Plan::new(&config, phases, layout, "x", |_| Default::default());
        (config, plan)
    }

    fn store(free: u64, pool: PoolState) -> Vec<(String, Description)> {
        let space = Some(Space { total: 1 << 40, free });
        let mut store = Description::new("DFS", "");
        (store.pool, store.space) = (Some(pool), space);
        vec![("DFS --dfs.pool=p --dfs.cont=c".into(), store)]
    }

    fn healthy() -> PoolState {
        let mut pool = PoolState::default();
        (pool.engines, pool.targets, pool.rebuild) = (2, 2, "idle".into());
        pool
    }

    const CONNECT: [&str; 2] = ["dfs-bench.pool=p", "dfs-bench.cont=c"];

    #[test]
    fn classes_say_how_many_engines_they_need() {
        for (class, engines) in
            [("S1", 1), ("SX", 1), ("RP_2G1", 2), ("rp_3gx", 3), ("EC_16P2GX", 18), ("EC_2P1G1", 3), ("nonsense", 1)]
        {
            assert_eq!(engines_needed(class), engines, "{class}");
        }
    }

    #[test]
    fn a_class_that_the_pool_cannot_hold_is_an_error() {
        let (config, plan) = plan(&[CONNECT[0], CONNECT[1], "dfs-bench.oclass=RP_3G1"]);
        let error = check(&config, &plan, &store(1 << 40, healthy())).unwrap_err().to_string();
        assert_eq!(error, "ior-easy-write: object class RP_3G1 needs 3 engines, and the pool has 2");
    }

    #[test]
    fn too_little_space_is_a_warning_with_figures_and_none_at_all_an_error() {
        let (config, plan) = plan(&[CONNECT[0], CONNECT[1], "debug.stonewall-time=10"]);
        assert_eq!(check(&config, &plan, &store(1 << 60, healthy())).unwrap(), Vec::<String>::new());
        let warnings = check(&config, &plan, &store(20 << 30, healthy())).unwrap();
        assert!(warnings[0].contains("20 GiB are free") && warnings[0].contains("more than 1 GiB/s"), "{warnings:?}");
        let error = check(&config, &plan, &store(1 << 20, healthy())).unwrap_err().to_string();
        assert!(error.contains("1 MiB are free") && error.contains("write at least"), "{error}");
    }

    #[test]
    fn a_rebuild_and_lost_targets_are_warned_of() {
        let (config, plan) = plan(&CONNECT);
        let mut pool = healthy();
        (pool.rebuild, pool.disabled_targets) = ("busy".into(), 1);
        let warnings = check(&config, &plan, &store(1 << 60, pool)).unwrap();
        assert!(warnings[0].contains("rebuild") && warnings[1].contains("1 of 2 targets"), "{warnings:?}");
    }
}
