//! Nothing allocates per operation: ten times the operations make exactly as many allocations.

#[path = "../benches/loops/mod.rs"]
mod loops;

use io500_phases::engine::{Latencies, Off, OpKind, Recorder, Series, Ticker};
use loops::Loop;

fn allocations<R: Recorder + Send>(which: Loop, operations: u64, ticker: &Ticker, mut recorder: R) -> u64 {
    allocation_counter::measure(|| which.run(operations, ticker, &mut recorder)).count_total
}

#[test]
fn allocations_do_not_grow_with_operations() {
    let ticker = Ticker::real();
    assert_ne!(allocations(Loop::Stat, 1, &ticker, Off), 0, "nothing is counted");
    for which in Loop::ALL {
        let operations = if which.bytes() > 100_000 { 5 } else { 2_000 };
        let kinds = OpKind::of(which.phase());
        let each = |operations| {
            [
                allocations(which, operations, &ticker, Off),
                allocations(which, operations, &ticker, Series::new()),
                allocations(which, operations, &ticker, Latencies::new(kinds)),
            ]
        };
        assert_eq!(each(operations), each(10 * operations), "{which:?}");
    }
}
