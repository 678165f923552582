//! The whole suite with threads as ranks, on the store that keeps nothing: what remains is the harness's own cost.
//!
//! ```text
//! cargo run --release --example threads_as_ranks -- 8
//! ```

use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm::threads;
use io500_phases::report::phase_line;
use io500_phases::suite::{NoopObserver, Suite};

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
    let suite = settings.into_iter().fold(Suite::builder(), |suite, setting| suite.set(setting));

    let stores = Single { backend: Null, datadir: "/".to_owned() };
    let mut results = threads::try_run(ranks, |comm| suite.clone().run_on(comm, &stores, &mut NoopObserver))?;
    let result = results.swap_remove(0)?.expect("rank 0 has the result");
    for phase in &result.phases {
        print!("{}", phase_line(phase));
        if let Some(spread) = &phase.spread {
            println!("    slowest rank {:.3} s, fastest {:.3} s", spread.max_s, spread.min_s);
        }
    }
    Ok(())
}
