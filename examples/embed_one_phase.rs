//! One phase inside another program: ior-easy-write by this process alone, into a temporary directory.
//!
//! ```text
//! cargo run --release --example embed_one_phase
//! ```

use io500_phases::comm::Solo;
use io500_phases::suite::Suite;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let result = Suite::builder()
        .set("global.api=POSIX")
        .set(format!("global.datadir={}", dir.path().join("data").display()))
        .set("debug.stonewall-time=1")
        .set("ior-easy.blockSize=64m")
        .phases("ior-easy-write")
        .run(&Solo::new())?
        .expect("rank 0 has the result");
    let phase = &result.phases[0];
    println!("{} {:.2} {} in {:.2} s", phase.phase, phase.rate, phase.unit, phase.window_s);
    Ok(())
}

#[test]
fn it_runs() {
    main().unwrap();
}
