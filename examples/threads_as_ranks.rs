//! The whole suite with threads as ranks, on the store that keeps nothing: what remains is the harness's own cost.
//!
//! ```text
//! cargo run --release --example threads_as_ranks -- 8
//! ```

use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm::{Comm, threads};
use io500_phases::config::{Config, select_phases};
use io500_phases::error::Error;
use io500_phases::plan::{Plan, RankLayout};
use io500_phases::report::phase_line;
use io500_phases::results::RunResult;
use io500_phases::suite::{NoopObserver, Options, Suite};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ranks = std::env::args_os().nth(1).map_or(Ok(4), |text| text.to_string_lossy().parse())?;
    let settings = [
        "global.api=null",
        "debug.stonewall-time=1",
        "ior-easy.blockSize=4g",
        "ior-hard.segmentCount=50000",
        // a store that keeps nothing lists nothing, and reads blocks of no file
        "find.run=FALSE",
        "ior-rnd4K-easy-read.run=FALSE",
    ];
    let (config, _) = settings.into_iter().fold(Config::builder(), |builder, setting| builder.set(setting)).build()?;

    let mut results = threads::try_run(ranks, |comm| run(&config, comm))?;
    let result = results.swap_remove(0)?.expect("rank 0 has the result");
    for phase in &result.phases {
        print!("{}", phase_line(phase));
        if let Some(spread) = &phase.spread {
            println!("    slowest rank {:.3} s, fastest {:.3} s", spread.max_s, spread.min_s);
        }
    }
    Ok(())
}

/// What every rank does.
fn run(config: &Config, comm: &dyn Comm) -> Result<Option<RunResult>, Error> {
    let phases = select_phases("all", false).map_err(|error| Error::Config(error.to_string()))?;
    let layout = RankLayout { ranks: comm.size(), mdtest_shift: comm.topology().mdtest_shift() };
    let plan = Plan::new(config, phases, layout, "2026.01.01-00.00.00", |_| Default::default());
    let stores = Single { backend: Null, datadir: "/".to_owned() };
    Suite::new(config, &plan, Options::default()).run(comm, &stores, &mut NoopObserver)
}
