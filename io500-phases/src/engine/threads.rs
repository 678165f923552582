//! One rank's operations on several threads.
//!
//! The threads take the numbers of operations from one counter. Whatever ends the loop closes the counter, and what was taken by then is
//! finished: the rank's work is always `0..done` without a gap, so that wear-out can go on from there. The rank's own thread works on
//! nothing meanwhile; it looks up for the others, because only it may talk to other ranks.

use super::control::{BEAT_NS, Control, OpError, Seen, Stop, Timing};
use super::recorder::{OpKind, Recorder};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};
use std::time::Duration;

/// A counter that stands here or further on is closed.
const CLOSED: u64 = 1 << 63;

/// One thread of a rank: what it works with, made before the clock starts.
#[derive(Debug)]
pub struct Thread<T, R> {
    /// Whatever an operation needs.
    pub tools: T,
    /// Takes its latencies.
    pub recorder: R,
}

/// The numbers of operations, each given out once.
struct Numbers {
    next: AtomicU64,
    limit: u64,
    /// How many were given out when the counter was closed.
    taken: AtomicU64,
}

impl Numbers {
    fn new(from: u64, limit: u64) -> Self {
        Numbers { next: AtomicU64::new(from), limit: limit.min(CLOSED), taken: AtomicU64::new(from) }
    }

    fn take(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Relaxed);
        (number < self.limit).then_some(number)
    }

    fn close(&self) {
        let next = self.next.swap(CLOSED, Relaxed);
        if next < CLOSED {
            self.taken.store(next.min(self.limit), Relaxed);
        }
    }

    /// How many were given out.
    fn taken(&self) -> u64 {
        match self.next.load(Relaxed) {
            next if next < CLOSED => next.min(self.limit),
            _ => self.taken.load(Relaxed),
        }
    }
}

/// Closes the numbers when a thread leaves early, also by a panic, and wakes the rank's own thread when the last one leaves.
struct Leaves<'s> {
    numbers: &'s Numbers,
    working: &'s AtomicUsize,
    rank: std::thread::Thread,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.numbers.close();
        }
        if self.working.fetch_sub(1, AcqRel) == 1 {
            self.rank.unpark();
        }
    }
}

/// Does operations `from..limit` on these threads, as [`Control::run`] does on one. When an operation fails, the number returned is the
/// lowest one that did; else it is how many are done in all.
///
/// # Errors
/// The failure of the first thread that has one.
pub fn run_threads<T: Send, R: Recorder + Send>(
    control: &mut Control<'_, R>,
    threads: &mut [Thread<T, R>],
    (from, limit): (u64, u64),
    last_part: Option<OpKind>,
    op: &(impl Fn(&mut Control<'_, R>, &mut T, u64) -> Result<(), OpError> + Sync),
) -> (u64, Option<Stop>) {
    let timing = control.timing();
    let numbers = Numbers::new(from, limit);
    let working = AtomicUsize::new(threads.len());
    let in_hand = threads.len() as u64;
    let (seen, stop, ends) = std::thread::scope(|scope| {
        // if this thread panics, the others must not work on to the stonewall
        let _closes = Closes(&numbers);
        let handles: Vec<_> = threads
            .iter_mut()
            .map(|thread| {
                let leaves = Leaves { numbers: &numbers, working: &working, rank: std::thread::current() };
                let numbers = &numbers;
                scope.spawn(move || {
                    let _leaves = leaves;
                    work(timing, thread, numbers, last_part, op)
                })
            })
            .collect();
        let mut seen = Seen::from(from);
        let mut stop = None;
        while working.load(Acquire) > 0 {
            std::thread::park_timeout(Duration::from_nanos(BEAT_NS));
            if stop.is_none() {
                let done = numbers.taken().saturating_sub(in_hand);
                stop = control.oversee(&mut seen, done);
                if stop.is_some() {
                    numbers.close();
                }
            }
        }
        let ends: Vec<_> =
            handles.into_iter().map(|handle| handle.join().unwrap_or_else(|panic| resume_unwind(panic))).collect();
        (seen, stop, ends)
    });
    let done = numbers.taken();
    let failed = ends.iter().flatten().filter(|(_, stop)| matches!(stop, Stop::Failed(_))).min_by_key(|(at, _)| *at);
    if let Some(&(at, stop)) = failed {
        return (at, Some(stop));
    }
    control.finish_threads(seen, done);
    (done, stop.or_else(|| ends.into_iter().flatten().map(|(_, stop)| stop).next()))
}

/// Closes the numbers when dropped.
struct Closes<'s>(&'s Numbers);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// One thread's loop; what ended it early, and at which number.
fn work<T, R: Recorder>(
    timing: Timing<'_>,
    thread: &mut Thread<T, R>,
    numbers: &Numbers,
    last_part: Option<OpKind>,
    op: impl Fn(&mut Control<'_, R>, &mut T, u64) -> Result<(), OpError>,
) -> Option<(u64, Stop)> {
    let mut control = timing.control(&mut thread.recorder);
    while let Some(number) = numbers.take() {
        let stop = match op(&mut control, &mut thread.tools, number) {
            Err(error) => Some(Stop::Failed(error)),
            Ok(()) => control.after(last_part, number + 1),
        };
        if let Some(stop) = stop {
            numbers.close();
            return Some((number, stop));
        }
    }
    None
}
