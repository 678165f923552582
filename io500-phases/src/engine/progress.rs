//! The progress of a rank, for a status line or a watchdog. Reading it never touches the loop.

use crate::phase_id::PhaseId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// What the loops publish every 50 ms and the phases at their edges. One per rank, shared with other threads.
#[derive(Debug)]
pub struct Progress {
    phase: AtomicU8,
    done: AtomicU64,
    bytes_each: AtomicU64,
    goal: AtomicU64,
    slowest_at_stonewall: AtomicU64,
    stonewall_ms: AtomicU64,
    started_ms: AtomicU64,
    beats: AtomicU64,
    waiting: AtomicBool,
    part: AtomicU8,
    /// Whether somebody wants to know the 99th percentile of the last seconds, and what it is.
    p99_wanted: AtomicBool,
    p99_ns: AtomicU64,
    /// The slowest rank that heartbeats tell of.
    slowest_rank: AtomicU64,
    slowest_done: AtomicU64,
    stop: Arc<AtomicBool>,
    peers_alive: AtomicBool,
    epoch: Instant,
}

/// A snapshot of [`Progress`]. Its default, before any phase, is there for tests of what shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The phase that runs; none between phases.
    pub phase: Option<PhaseId>,
    /// Seconds since the phase began.
    pub elapsed: f64,
    /// Operations that this rank has done.
    pub done: u64,
    /// Bytes that one operation moves; 0 for metadata.
    pub bytes_each: u64,
    /// The number of operations every rank must reach, once that is known (read phases, wear-out).
    pub goal: Option<u64>,
    /// During wear-out: how many operations the slowest rank had done at the stonewall, and when that was.
    pub wear_out: Option<WearOut>,
    /// Changes whenever the rank made progress; a watchdog compares it.
    pub beats: u64,
    /// Whether the rank waits for other ranks, so that it cannot make progress itself.
    pub waiting: bool,
    /// The part of the phase's window that the rank is in.
    pub part: WindowPart,
    /// The 99th percentile of the latencies of the last seconds, nanoseconds, where somebody asks for it.
    pub p99_ns: Option<u64>,
    /// The slowest rank that this one has heard of and its operations; it may be this one.
    pub slowest: Option<(usize, u64)>,
}

/// The parts of a rank's window, in the order of a write phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum WindowPart {
    /// Opening or creating the file (ior).
    Open,
    /// The operations: until the stonewall, or all of them where there is none.
    #[default]
    Operations,
    /// Catching up with the fastest rank after the stonewall.
    WearOut,
    /// Waiting for other ranks.
    Waiting,
    /// Syncing what was written.
    Sync,
    /// Closing the file (ior).
    Close,
}

impl WindowPart {
    /// All of them.
    const ALL: [WindowPart; 6] = [
        WindowPart::Open,
        WindowPart::Operations,
        WindowPart::WearOut,
        WindowPart::Waiting,
        WindowPart::Sync,
        WindowPart::Close,
    ];
}

/// The state of the slowest rank when the stonewall was hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WearOut {
    /// Its operations.
    pub slowest_done: u64,
    /// Seconds since the phase began.
    pub at: f64,
}

const NO_PHASE: u8 = u8::MAX;
const UNKNOWN: u64 = u64::MAX;

impl Default for Progress {
    fn default() -> Self {
        Progress {
            phase: AtomicU8::new(NO_PHASE),
            done: AtomicU64::new(0),
            bytes_each: AtomicU64::new(0),
            goal: AtomicU64::new(UNKNOWN),
            slowest_at_stonewall: AtomicU64::new(UNKNOWN),
            stonewall_ms: AtomicU64::new(0),
            started_ms: AtomicU64::new(0),
            beats: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            part: AtomicU8::new(WindowPart::default() as u8),
            p99_wanted: AtomicBool::new(false),
            p99_ns: AtomicU64::new(UNKNOWN),
            slowest_rank: AtomicU64::new(UNKNOWN),
            slowest_done: AtomicU64::new(0),
            stop: Arc::default(),
            peers_alive: AtomicBool::new(false),
            epoch: Instant::now(),
        }
    }
}

impl Progress {
    /// A phase begins.
    pub fn begin(&self, phase: PhaseId, bytes_each: u64) {
        self.done.store(0, Relaxed);
        self.goal.store(UNKNOWN, Relaxed);
        self.slowest_at_stonewall.store(UNKNOWN, Relaxed);
        self.bytes_each.store(bytes_each, Relaxed);
        self.p99_ns.store(UNKNOWN, Relaxed);
        self.slowest_rank.store(UNKNOWN, Relaxed);
        self.part.store(WindowPart::default() as u8, Relaxed);
        self.started_ms.store(self.now_ms(), Relaxed);
        let index = PhaseId::ALL.iter().position(|&each| each == phase).expect("every phase is listed");
        self.phase.store(index as u8, Relaxed);
        self.beat();
    }

    /// The ranks that this one exchanges heartbeats with are known to be alive since it was asked to stop.
    pub fn confirm_peers(&self) {
        self.peers_alive.store(true, Relaxed);
    }

    /// Whether [`Progress::confirm_peers`] was called.
    pub fn peers_alive(&self) -> bool {
        self.peers_alive.load(Relaxed)
    }

    /// The phase is over.
    pub fn end(&self) {
        self.phase.store(NO_PHASE, Relaxed);
        self.beat();
    }

    /// Sets the number of operations done.
    #[inline]
    pub fn advance(&self, done: u64) {
        if self.done.swap(done, Relaxed) != done {
            self.beat();
        }
    }

    /// Every rank has to reach `goal` operations.
    pub fn set_goal(&self, goal: u64) {
        self.goal.store(goal, Relaxed);
        self.beat();
    }

    /// The stonewall was hit: all go on to `goal`, the slowest rank stands at `slowest`.
    pub fn wear_out(&self, slowest: u64, goal: u64) {
        self.stonewall_ms.store(self.now_ms(), Relaxed);
        self.slowest_at_stonewall.store(slowest, Relaxed);
        self.set_goal(goal);
    }

    /// The rank comes to another part of its window.
    pub fn enter(&self, part: WindowPart) {
        self.part.store(part as u8, Relaxed);
        self.beat();
    }

    /// Asks for the 99th percentile of the last seconds: the loop answers at its next look, and only then.
    pub fn ask_for_p99(&self) {
        self.p99_wanted.store(true, Relaxed);
    }

    /// Whether somebody has asked since this was last called.
    pub(super) fn p99_is_wanted(&self) -> bool {
        self.p99_wanted.swap(false, Relaxed)
    }

    /// Answers [`ask_for_p99`](Self::ask_for_p99).
    pub(super) fn set_p99(&self, nanos: Option<u64>) {
        self.p99_ns.store(nanos.unwrap_or(UNKNOWN), Relaxed);
    }

    /// The slowest rank that is known of, and its operations.
    pub fn set_slowest(&self, slowest: Option<(usize, u64)>) {
        let (rank, done) = slowest.map_or((UNKNOWN, 0), |(rank, done)| (rank as u64, done));
        self.slowest_done.store(done, Relaxed);
        self.slowest_rank.store(rank, Relaxed);
    }

    /// Progress other than an operation of a loop (a barrier passed, a file synced).
    pub fn beat(&self) {
        self.beats.fetch_add(1, Relaxed);
    }

    /// The rank starts or stops waiting for other ranks.
    pub fn set_waiting(&self, waiting: bool) {
        self.waiting.store(waiting, Relaxed);
        self.beat();
    }

    /// Asks the run to stop at the next look (a signal, an embedding program).
    pub fn request_stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// The flag behind [`request_stop`](Self::request_stop), for a signal handler.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Whether a stop was requested.
    #[inline]
    pub fn stop_requested(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// The current state, for a watcher.
    pub fn snapshot(&self) -> Snapshot {
        let started = self.started_ms.load(Relaxed);
        let since = |ms: u64| ms.saturating_sub(started) as f64 / 1000.0;
        let known = |value: u64| (value != UNKNOWN).then_some(value);
        Snapshot {
            phase: PhaseId::ALL.get(usize::from(self.phase.load(Relaxed))).copied(),
            elapsed: since(self.now_ms()),
            done: self.done.load(Relaxed),
            bytes_each: self.bytes_each.load(Relaxed),
            goal: known(self.goal.load(Relaxed)),
            wear_out: known(self.slowest_at_stonewall.load(Relaxed))
                .map(|slowest_done| WearOut { slowest_done, at: since(self.stonewall_ms.load(Relaxed)) }),
            beats: self.beats.load(Relaxed),
            waiting: self.waiting.load(Relaxed),
            part: WindowPart::ALL[usize::from(self.part.load(Relaxed))],
            p99_ns: known(self.p99_ns.load(Relaxed)),
            slowest: known(self.slowest_rank.load(Relaxed))
                .map(|rank| (rank as usize, self.slowest_done.load(Relaxed))),
        }
    }

    fn now_ms(&self) -> u64 {
        self.epoch.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_shows_the_phase_and_its_wear_out() {
        let progress = Progress::default();
        assert_eq!(progress.snapshot().phase, None);
        progress.begin(PhaseId::IorEasyWrite, 2 << 20);
        progress.advance(7);
        let before = progress.snapshot();
        assert_eq!((before.phase, before.done, before.goal), (Some(PhaseId::IorEasyWrite), 7, None));
        progress.wear_out(5, 9);
        let after = progress.snapshot();
        assert_eq!((after.goal, after.wear_out.unwrap().slowest_done), (Some(9), 5));
        assert_ne!(before.beats, after.beats);
        progress.enter(WindowPart::Sync);
        assert_eq!((after.part, progress.snapshot().part), (WindowPart::Operations, WindowPart::Sync));
        progress.end();
        assert_eq!(progress.snapshot().phase, None);
    }
}
