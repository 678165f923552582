//! The clocks of this host: the monotonic one that windows are read from, and the wall clock.
//!
//! The standard library hides the reading of the monotonic clock and gives differences only. Here its absolute reading
//! is needed: all processes of a host then share one time scale exactly, and only hosts need to be aligned.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// This host's monotonic clock in nanoseconds (CLOCK_MONOTONIC): never set, no system call, some 20 ns a reading.
#[inline]
pub fn now_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic)) as u64
}

/// The wall clock (CLOCK_REALTIME) in nanoseconds since 1970: may be set at any time.
pub fn wall_ns() -> i64 {
    nanoseconds(clock_gettime(ClockId::Realtime))
}

/// How far [`wall_ns`] is ahead of [`now_ns`] at this moment.
pub fn wall_ahead_ns() -> i64 {
    // The tightest pair of readings around one of the wall clock: a preemption in between does not count.
    let sample = || {
        let before = now_ns() as i64;
        let wall = wall_ns();
        let width = now_ns() as i64 - before;
        (width, wall - (before + width / 2))
    };
    let mut best = sample();
    for _ in 0..8 {
        best = best.min(sample());
    }
    best.1
}

/// Names the monotonic clock: equal for processes that share one, whatever their host name, namespaces or containers.
/// `None` where the system does not tell.
pub fn clock_id() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // A time namespace shifts the clock; kernels without them have no such link.
    let shift = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    Some(format!("{} {}", boot.trim(), shift.display()))
}

fn nanoseconds(time: Timespec) -> i64 {
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_never_go_back_and_count_nanoseconds() {
        let (before, start) = (now_ns(), std::time::Instant::now());
        let pause = std::time::Duration::from_millis(2);
        std::thread::sleep(pause);
        let elapsed = start.elapsed().as_nanos() as u64;
        let between = now_ns() - before;
        assert!(between >= elapsed && elapsed >= pause.as_nanos() as u64, "{between} {elapsed}");
    }

    #[test]
    fn the_wall_clock_is_the_system_time() {
        let earliest = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as i64;
        let wall = now_ns() as i64 + wall_ahead_ns();
        // Only a clock that is set meanwhile could be a minute off.
        assert!((wall - earliest).abs() < 60_000_000_000, "{wall} {earliest}");
    }

    #[test]
    fn the_clock_keeps_its_name() {
        assert!(clock_id().is_some());
        assert_eq!(clock_id(), clock_id());
    }
}
