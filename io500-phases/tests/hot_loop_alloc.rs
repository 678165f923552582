//! Nothing allocates per operation: ten times the operations make exactly as many allocations.
#![allow(unsafe_code)]

#[path = "../benches/loops/mod.rs"]
mod loops;

use io500_phases::engine::{Latencies, Off, OpKind, Recorder, Series, Ticker};
use loops::Loop;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting per thread.
struct Counting;

// SAFETY: GlobalAlloc's contract is kept by `System`, to which every call goes unchanged; counting touches a thread-local without
// destructor and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<R: Recorder + Send>(which: Loop, operations: u64, ticker: &Ticker, mut recorder: R) -> u64 {
    let before = ALLOCATIONS.get();
    which.run(operations, ticker, &mut recorder);
    ALLOCATIONS.get() - before
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
