//! Ends the job when this rank hangs in a call of the store: a stopped engine must not leave a job that says nothing until its
//! time is up. A rank that waits for others does not hang; the one it waits for does.

use io500_phases::engine::{Progress, Snapshot};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(250);
/// Standing still for so long is worth a line.
const WARN: Duration = Duration::from_secs(20);
/// How long a rank that was asked to stop may stay in one call.
const STOP: Duration = Duration::from_secs(10);
/// A rank that waits while the job is ended has about a second from the launcher's first signal to its last.
const LEAVE: Duration = Duration::from_millis(400);
/// Rank 0 speaks first: its words are enough when all ranks hang, and the launcher needs a while to end the others.
const FIRST: Duration = Duration::from_secs(3);

/// What the watchdog has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bark {
    /// No progress for a while; it may go on.
    Still,
    /// No progress for the whole timeout: the job must end.
    Stuck,
    /// Somebody asked for a stop, and the rank does not come out of its call.
    Deaf,
    /// Somebody asked for a stop, and rank 0 waits for others that may never come: the launcher will not wait long.
    Left,
}

/// Whom to watch, and how patiently.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The rank.
    pub rank: usize,
    /// Seconds without progress that end the job; none: never.
    pub timeout: Option<Duration>,
}

/// A thread that watches this rank until it is dropped.
pub struct Watchdog {
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts watching. `bark` is called from another thread and must end the process when it is [`Bark::Stuck`] or
    /// [`Bark::Deaf`]; [`Bark::Left`] is the time to write down what is to be kept.
    pub fn start(
        progress: Arc<Progress>,
        patience: Patience,
        bark: impl Fn(Bark, &Snapshot, Duration) + Send + 'static,
    ) -> Watchdog {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = over.clone();
        let thread = std::thread::spawn(move || {
            let (over, woken) = &*theirs;
            let mut watch = Watch::new(patience, Instant::now());
            let mut guard = over.lock().expect("nobody panics with this lock");
            while !*guard {
                let snapshot = progress.snapshot();
                if let Some((what, since)) = watch.look(&snapshot, progress.stop_requested(), Instant::now()) {
                    bark(what, &snapshot, since);
                }
                guard = woken.wait_timeout(guard, LOOK).expect("nobody panics with this lock").0;
            }
        });
        Watchdog { over, thread: Some(thread) }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.over.0.lock().expect("nobody panics with this lock") = true;
        self.over.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the looks have shown so far.
struct Watch {
    patience: Patience,
    beats: u64,
    since: Instant,
    warned: bool,
    /// When the rank was first seen to be asked to stop.
    stopped: Option<Instant>,
    /// That it waits for others since then was said.
    left: bool,
}

impl Watch {
    fn new(patience: Patience, now: Instant) -> Watch {
        Watch { patience, beats: 0, since: now, warned: false, stopped: None, left: false }
    }

    /// One look: what to say, and for how long the rank has stood still.
    fn look(&mut self, snapshot: &Snapshot, stop: bool, now: Instant) -> Option<(Bark, Duration)> {
        if stop {
            self.stopped.get_or_insert(now);
        }
        let asked = self.stopped.map(|stopped| now.duration_since(stopped));
        if snapshot.waiting || snapshot.beats != self.beats {
            (self.beats, self.since, self.warned) = (snapshot.beats, now, false);
            return self.leave(snapshot, asked?);
        }
        let still = now.duration_since(self.since);
        let first = if self.patience.rank == 0 { Duration::ZERO } else { FIRST };
        let bark = if asked.is_some_and(|asked| asked.min(still) >= STOP + first) {
            Bark::Deaf
        } else if self.patience.timeout.is_some_and(|timeout| still >= timeout + first) {
            Bark::Stuck
        } else if self.patience.rank == 0 && still >= WARN && !self.warned {
            self.warned = true;
            Bark::Still
        } else {
            return None;
        };
        Some((bark, still))
    }

    /// Whether rank 0 waits for others while the job is being ended; said once.
    fn leave(&mut self, snapshot: &Snapshot, asked: Duration) -> Option<(Bark, Duration)> {
        if self.patience.rank != 0 || !snapshot.waiting || self.left {
            return None;
        }
        self.left = asked >= LEAVE;
        self.left.then_some((Bark::Left, asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(rank: usize, timeout_s: u64) -> (Watch, Instant) {
        let timeout = (timeout_s > 0).then(|| Duration::from_secs(timeout_s));
        let now = Instant::now();
        (Watch::new(Patience { rank, timeout }, now), now)
    }

    fn bark(watch: &mut Watch, progress: &Progress, now: Instant, stop: bool) -> Option<Bark> {
        watch.look(&progress.snapshot(), stop, now).map(|(bark, _)| bark)
    }

    #[test]
    fn a_rank_that_stands_still_is_warned_of_once_and_then_given_up() {
        let (mut watch, start) = watch(0, 60);
        let at = |seconds| start + Duration::from_secs(seconds);
        let progress = Progress::default();
        assert_eq!(bark(&mut watch, &progress, at(19), false), None);
        assert_eq!(bark(&mut watch, &progress, at(20), false), Some(Bark::Still));
        assert_eq!(bark(&mut watch, &progress, at(40), false), None);
        assert_eq!(bark(&mut watch, &progress, at(60), false), Some(Bark::Stuck));
    }

    #[test]
    fn progress_and_waiting_for_others_start_the_time_anew() {
        let (mut watch, start) = watch(0, 30);
        let at = |seconds| start + Duration::from_secs(seconds);
        let progress = Progress::default();
        progress.beat();
        assert_eq!(bark(&mut watch, &progress, at(29), false), None);
        assert_eq!(bark(&mut watch, &progress, at(48), false), None);
        progress.set_waiting(true);
        assert_eq!(bark(&mut watch, &progress, at(1000), false), None);
        progress.set_waiting(false);
        assert_eq!(bark(&mut watch, &progress, at(1001), false), None);
        assert_eq!(bark(&mut watch, &progress, at(1031), false), Some(Bark::Stuck));
    }

    #[test]
    fn without_a_timeout_only_a_stop_that_is_not_heard_ends_the_job() {
        let (mut watch, start) = watch(3, 0);
        let at = |seconds| start + Duration::from_secs(seconds);
        let progress = Progress::default();
        assert_eq!(bark(&mut watch, &progress, at(100_000), false), None);
        assert_eq!(bark(&mut watch, &progress, at(100_000), true), None, "it was only just asked");
        assert_eq!(bark(&mut watch, &progress, at(100_013), true), Some(Bark::Deaf));
    }

    #[test]
    fn rank_0_says_once_that_it_is_ended_while_it_waits() {
        let progress = Progress::default();
        progress.set_waiting(true);
        for (rank, expected) in [(0, Some(Bark::Left)), (1, None)] {
            let (mut watch, start) = watch(rank, 30);
            let at = |ms| start + Duration::from_millis(ms);
            assert_eq!(bark(&mut watch, &progress, at(60_000), false), None);
            assert_eq!(bark(&mut watch, &progress, at(60_001), true), None);
            assert_eq!(bark(&mut watch, &progress, at(60_500), true), expected);
            assert_eq!(bark(&mut watch, &progress, at(61_000), true), None);
        }
    }

    #[test]
    fn other_ranks_let_rank_0_speak_first() {
        let (mut watch, start) = watch(1, 30);
        let progress = Progress::default();
        assert_eq!(bark(&mut watch, &progress, start + Duration::from_secs(30), false), None);
        assert_eq!(bark(&mut watch, &progress, start + Duration::from_secs(33), false), Some(Bark::Stuck));
    }
}
