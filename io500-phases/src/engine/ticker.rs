//! The clock of the hot loop.
//!
//! One reading per operation has to cost less than the operation: the CPU's time-stamp counter (through `quanta`, which falls
//! back to the system's clock where the counter is not steady) takes about a third of `clock_gettime`. It paces the loop and
//! measures latencies; the windows that a rate is computed from are read from the monotonic clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bits of a scale behind the point.
const SCALE_BITS: u32 = 32;

/// A clock for loops. A virtual one makes loops testable against a model.
#[derive(Debug, Clone)]
pub enum Ticker {
    /// The time-stamp counter.
    Counter {
        /// The counter and its calibration.
        clock: quanta::Clock,
        /// Nanoseconds per tick, times 2^32: a multiplication is a third of a division and exact to 10 µs in ten hours.
        scale: u64,
    },
    /// Nanoseconds that somebody else advances: a backend that takes virtual time for its operations.
    Virtual(Arc<AtomicU64>),
}

impl Ticker {
    /// The real clock. The first call in a process calibrates the counter, for up to 200 ms.
    pub fn real() -> Self {
        let clock = quanta::Clock::new();
        const SPAN: u64 = 1 << 40;
        let scale = (u128::from(clock.delta_as_nanos(0, SPAN)) << SCALE_BITS) / u128::from(SPAN);
        Ticker::Counter { clock, scale: scale as u64 }
    }

    /// The reading, in ticks.
    #[inline]
    pub fn ticks(&self) -> u64 {
        match self {
            Ticker::Counter { clock, .. } => clock.raw(),
            Ticker::Virtual(now) => now.load(Relaxed),
        }
    }

    /// Nanoseconds between two readings.
    #[inline]
    pub fn nanos(&self, from: u64, to: u64) -> u64 {
        match self {
            Ticker::Counter { scale, .. } => {
                ((u128::from(to.saturating_sub(from)) * u128::from(*scale)) >> SCALE_BITS) as u64
            }
            Ticker::Virtual(_) => to.saturating_sub(from),
        }
    }

    /// The number of ticks in a time.
    pub fn ticks_in(&self, nanos: u64) -> u64 {
        match self {
            Ticker::Counter { scale, .. } => (u128::from(nanos) << SCALE_BITS).div_ceil(u128::from(*scale)) as u64,
            Ticker::Virtual(_) => nanos,
        }
    }

    /// Nanoseconds of the monotonic clock, for windows.
    pub fn now_ns(&self) -> u64 {
        match self {
            Ticker::Counter { .. } => crate::clock::now_ns(),
            Ticker::Virtual(now) => now.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_counter_goes_as_fast_as_the_monotonic_clock() {
        let ticker = Ticker::real();
        let reading = || (ticker.now_ns(), ticker.ticks(), ticker.now_ns());
        let (before, from, since) = reading();
        std::thread::sleep(Duration::from_millis(50));
        let (until, to, after) = reading();
        let counted = ticker.nanos(from, to);
        // between the inner and the outer readings, give or take a thousandth
        assert!(counted > (until - since) * 999 / 1000 && counted < (after - before) * 1001 / 1000, "{counted}");
        let again = ticker.nanos(0, ticker.ticks_in(1_000_000_000));
        assert!(again.abs_diff(1_000_000_000) <= 10, "{again}");
    }
}
