//! One phase inside another program: ior-easy-write by this process alone, into a temporary directory.
//!
//! ```text
//! cargo run --release --example embed_one_phase
//! ```

use io500_phases::backend::select::Selected;
use io500_phases::comm::{Comm, Solo};
use io500_phases::config::Config;
use io500_phases::phase_id::PhaseId;
use io500_phases::plan::{Plan, RankLayout};
use io500_phases::suite::{NoopObserver, Options, Suite};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let settings = ["global.api=POSIX", "debug.stonewall-time=1", "ior-easy.blockSize=64m"];
    let settings = settings.into_iter().fold(Config::builder(), |builder, setting| builder.set(setting));
    let (config, _warnings) = settings.set(format!("global.datadir={}", dir.path().join("data").display())).build()?;

    let comm: &dyn Comm = &Solo::new();
    let phases = vec![PhaseId::IorEasyWrite];
    let stores = Selected::open(&config, &phases, &config.global.datadir, comm)?;
    let layout = RankLayout { ranks: comm.size(), mdtest_shift: comm.topology().mdtest_shift() };
    let plan = Plan::new(&config, phases, layout, "2026.01.01-00.00.00", |_| Default::default());
    let result = Suite::new(&config, &plan, Options::default()).run(comm, &stores, &mut NoopObserver)?;

    let result = result.expect("rank 0 has the result");
    let phase = &result.phases[0];
    println!("{} {:.2} {} in {:.2} s", phase.phase, phase.rate, phase.unit, phase.window_s);
    let reasons = result.strict.reasons.iter().filter(|reason| reason.phase.is_none_or(|about| about == phase.phase));
    reasons.for_each(|reason| println!("not a result for the list: {}", reason.text));
    Ok(())
}

#[test]
fn it_runs() {
    main().unwrap();
}
