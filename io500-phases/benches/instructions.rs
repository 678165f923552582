//! Runs one loop so that callgrind can count its instructions; `benches/instructions.sh` does that for all of them.

mod loops;

use io500_phases::engine::{Latencies, OpKind, Series, Ticker};
use loops::Loop;

/// What callgrind looks at: everything below this function.
#[inline(never)]
fn measured_loop(which: Loop, operations: u64, ticker: &Ticker, latencies: bool) {
    if latencies {
        which.run(operations, ticker, &mut Latencies::new(OpKind::of(which.phase())));
    } else {
        which.run(operations, ticker, &mut Series::new());
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [name, operations, recorder @ ("series" | "latencies")] => {
            let which = Loop::ALL.into_iter().find(|each| format!("{each:?}") == name);
            let (Some(which), Ok(operations)) = (which, operations.parse()) else {
                panic!("{name} {operations}: no such loop, or no number")
            };
            measured_loop(which, operations, &Ticker::real(), recorder == "latencies");
        }
        // `cargo bench` runs every bench without arguments
        _ => println!("loops: {:?}; usage: <loop> <operations> series|latencies, under callgrind", Loop::ALL),
    }
}
