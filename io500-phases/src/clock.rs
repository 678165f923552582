//! Clocks: the monotonic one that windows are read from, the wall clock, and what aligns them across ranks.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds of the monotonic clock since the first call in this process.
pub fn now_ns() -> u64 {
    static BASE: OnceLock<Instant> = OnceLock::new();
    BASE.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Nanoseconds of the wall clock since 1970.
pub fn wall_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}

/// What turns this rank's monotonic clock into rank 0's.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ClockSync {
    /// To be added to this rank's reading.
    pub offset_ns: i64,
}

impl ClockSync {
    /// A reading of this rank's clock on rank 0's.
    pub fn to_root(&self, local_ns: u64) -> i64 {
        local_ns as i64 + self.offset_ns
    }
}
