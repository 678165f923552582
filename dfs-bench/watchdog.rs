//! Ends the job when this rank hangs in a call of the store, or when another rank is lost: a stopped engine or node must not leave a job
//! that says nothing until its time limit. A rank that waits for others does not hang itself; their heartbeats tell it whether those it
//! waits for are alive.

use crate::heartbeat::{End, Heartbeat};
use io500_phases::engine::{Progress, Snapshot};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);
/// A stall of this length is reported.
const WARN: Duration = Duration::from_secs(20);
/// How long a rank that was asked to stop may stay in one call.
const STOP: Duration = Duration::from_secs(10);
/// A rank that waits while the job is ended has about a second from the launcher's first signal to its last. Rank 0, which writes
/// even when nobody is missed, comes after the witnesses of a lost rank.
const LEAVE: Duration = Duration::from_millis(300);
/// See [`LEAVE`].
const LEAVE_ROOT: Duration = Duration::from_millis(450);
/// Rank 0 speaks first: its words are enough when all ranks hang, and the launcher needs a while to end the others.
const FIRST: Duration = Duration::from_secs(3);

/// What the watchdog has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchdogEvent {
    /// No progress for a while; it may go on.
    NoProgress,
    /// No progress for the whole timeout: the job must end.
    TimedOut,
    /// Somebody asked for a stop, and the rank does not come out of its call.
    StopIgnored,
    /// Somebody asked for a stop, and this rank waits for others that may never come: the launcher will not wait long.
    StopWhileWaiting,
    /// Another rank sends no heartbeat, or all wait for each other; the words say which.
    Lost(String),
    /// Another rank ends the job.
    Ended(End),
}

/// Whom to watch, and how patiently.
#[derive(Debug, Clone, Copy)]
pub struct WatchdogLimits {
    /// The rank.
    pub rank: usize,
    /// Seconds without progress that end the job; none: never.
    pub timeout: Option<Duration>,
}

/// A thread that watches this rank until it is dropped.
pub struct Watchdog {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts watching. `event` is called from another thread and must end the process unless it is [`WatchdogEvent::NoProgress`] or
    /// [`WatchdogEvent::StopWhileWaiting`], which is the time to write down what is to be kept.
    pub fn start(
        progress: Arc<Progress>,
        limits: WatchdogLimits,
        mut heartbeat: Heartbeat,
        event: impl Fn(WatchdogEvent, &Snapshot, Duration, &mut Heartbeat) + Send + 'static,
    ) -> Watchdog {
        let over = Arc::new(AtomicBool::new(false));
        let theirs = over.clone();
        let thread = std::thread::spawn(move || {
            let mut watch = Watch::new(limits, Instant::now());
            while !theirs.load(Relaxed) {
                let (snapshot, stop) = (progress.snapshot(), progress.stop_requested());
                heartbeat.turn(LOOK, &snapshot, stop);
                progress.set_slowest(heartbeat.slowest(&snapshot));
                let now = Instant::now();
                let own = watch.look(&snapshot, stop, now);
                if watch.stopped.is_some_and(|stopped| heartbeat.all_alive_since(stopped)) {
                    progress.confirm_peers();
                }
                if let Some((what, since)) = own.or_else(|| others(&heartbeat, &watch, &snapshot, now)) {
                    event(what, &snapshot, since, &mut heartbeat);
                }
            }
        });
        Watchdog { over, thread: Some(thread) }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the other ranks let this one know.
fn others(
    heartbeat: &Heartbeat,
    watch: &Watch,
    snapshot: &Snapshot,
    now: Instant,
) -> Option<(WatchdogEvent, Duration)> {
    if let Some(end) = heartbeat.told(now) {
        return Some((WatchdogEvent::Ended(end.clone()), Duration::ZERO));
    }
    let asked = watch.stopped.filter(|&stopped| snapshot.waiting && now - stopped >= STOP);
    let lost = asked.and_then(|stopped| heartbeat.silent_since(stopped)).or_else(|| heartbeat.lost(now));
    lost.map(|words| (WatchdogEvent::Lost(words), Duration::ZERO)).or_else(|| {
        let still = heartbeat.standstill(now).filter(|_| snapshot.waiting)?;
        let words = format!("all ranks have waited for each other for {} s: an MPI message was lost", still.as_secs());
        Some((WatchdogEvent::Lost(words), still))
    })
}

/// What the looks have shown so far.
struct Watch {
    limits: WatchdogLimits,
    beats: u64,
    since: Instant,
    warned: bool,
    /// When the rank was first seen to be asked to stop.
    stopped: Option<Instant>,
    /// That it waits for others since then was said.
    left: bool,
}

impl Watch {
    fn new(limits: WatchdogLimits, now: Instant) -> Watch {
        Watch { limits, beats: 0, since: now, warned: false, stopped: None, left: false }
    }

    /// One look: what to say, and for how long the rank has stood still.
    fn look(&mut self, snapshot: &Snapshot, stop: bool, now: Instant) -> Option<(WatchdogEvent, Duration)> {
        if stop {
            self.stopped.get_or_insert(now);
        }
        let asked = self.stopped.map(|stopped| now.duration_since(stopped));
        if snapshot.waiting || snapshot.beats != self.beats {
            (self.beats, self.since, self.warned) = (snapshot.beats, now, false);
            return self.leave(snapshot, asked?);
        }
        let still = now.duration_since(self.since);
        let first = if self.limits.rank == 0 { Duration::ZERO } else { FIRST };
        let event = if asked.is_some_and(|asked| asked.min(still) >= STOP + first) {
            WatchdogEvent::StopIgnored
        } else if self.limits.timeout.is_some_and(|timeout| still >= timeout + first) {
            WatchdogEvent::TimedOut
        } else if self.limits.rank == 0 && still >= WARN && !self.warned {
            self.warned = true;
            WatchdogEvent::NoProgress
        } else {
            return None;
        };
        Some((event, still))
    }

    /// Whether this rank waits for others while the job is being ended; said once.
    fn leave(&mut self, snapshot: &Snapshot, asked: Duration) -> Option<(WatchdogEvent, Duration)> {
        if !snapshot.waiting || self.left {
            return None;
        }
        self.left = asked >= if self.limits.rank == 0 { LEAVE_ROOT } else { LEAVE };
        self.left.then_some((WatchdogEvent::StopWhileWaiting, asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(rank: usize, timeout_s: u64) -> (Watch, Instant) {
        let timeout = (timeout_s > 0).then(|| Duration::from_secs(timeout_s));
        let now = Instant::now();
        (Watch::new(WatchdogLimits { rank, timeout }, now), now)
    }

    fn event(watch: &mut Watch, progress: &Progress, now: Instant, stop: bool) -> Option<WatchdogEvent> {
        watch.look(&progress.snapshot(), stop, now).map(|(event, _)| event)
    }

    #[test]
    fn a_rank_that_stands_still_is_warned_of_once_and_then_given_up() {
        let (mut watch, start) = watch(0, 60);
        let at = |seconds| start + Duration::from_secs(seconds);
        let progress = Progress::default();
        assert_eq!(event(&mut watch, &progress, at(19), false), None);
        assert_eq!(event(&mut watch, &progress, at(20), false), Some(WatchdogEvent::NoProgress));
        assert_eq!(event(&mut watch, &progress, at(40), false), None);
        assert_eq!(event(&mut watch, &progress, at(60), false), Some(WatchdogEvent::TimedOut));
    }

    #[test]
    fn progress_and_waiting_for_others_start_the_time_anew() {
        let (mut watch, start) = watch(0, 30);
        let at = |seconds| start + Duration::from_secs(seconds);
        let progress = Progress::default();
        progress.beat();
        assert_eq!(event(&mut watch, &progress, at(29), false), None);
        assert_eq!(event(&mut watch, &progress, at(48), false), None);
        progress.set_waiting(true);
        assert_eq!(event(&mut watch, &progress, at(1000), false), None);
        progress.set_waiting(false);
        assert_eq!(event(&mut watch, &progress, at(1001), false), None);
        assert_eq!(event(&mut watch, &progress, at(1031), false), Some(WatchdogEvent::TimedOut));
    }

    #[test]
    fn without_a_timeout_only_a_stop_that_is_not_heard_ends_the_job() {
        let (mut watch, start) = watch(3, 0);
        let at = |seconds| start + Duration::from_secs(seconds);
        let progress = Progress::default();
        assert_eq!(event(&mut watch, &progress, at(100_000), false), None);
        assert_eq!(event(&mut watch, &progress, at(100_000), true), None, "it was only just asked");
        assert_eq!(event(&mut watch, &progress, at(100_013), true), Some(WatchdogEvent::StopIgnored));
    }

    #[test]
    fn a_rank_says_once_that_it_is_ended_while_it_waits_and_rank_0_last() {
        let progress = Progress::default();
        progress.set_waiting(true);
        for (rank, first) in [(0, None), (1, Some(WatchdogEvent::StopWhileWaiting))] {
            let (mut watch, start) = watch(rank, 30);
            let at = |ms| start + Duration::from_millis(ms);
            assert_eq!(event(&mut watch, &progress, at(60_000), false), None);
            assert_eq!(event(&mut watch, &progress, at(60_001), true), None);
            let second = first.is_none().then_some(WatchdogEvent::StopWhileWaiting);
            assert_eq!(event(&mut watch, &progress, at(60_400), true), first);
            assert_eq!(event(&mut watch, &progress, at(60_500), true), second);
            assert_eq!(event(&mut watch, &progress, at(61_000), true), None);
        }
    }

    #[test]
    fn other_ranks_let_rank_0_speak_first() {
        let (mut watch, start) = watch(1, 30);
        let progress = Progress::default();
        assert_eq!(event(&mut watch, &progress, start + Duration::from_secs(30), false), None);
        assert_eq!(event(&mut watch, &progress, start + Duration::from_secs(33), false), Some(WatchdogEvent::TimedOut));
    }
}
