//! Runs one rank's operations: the stonewall, the latencies, the polling for messages. One comparison per operation.

use super::progress::Progress;
use super::recorder::{OpKind, Recorder};
use super::team::{Failure, Team};
use super::ticker::Ticker;
use crate::error::Errno;

/// How often a loop checks whether it should stop early, and publishes its progress.
pub const BEAT_NS: u64 = 50_000_000;

/// Why a loop ended before its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The stonewall was hit.
    Stonewall,
    /// Another rank failed; all ranks learn the error at the next barrier.
    Elsewhere,
    /// A stop was asked for.
    Interrupted,
    /// An operation of this rank failed.
    Failed(OpError),
}

/// An operation that failed: which call, and why. The loop's counter says on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpError {
    /// The call, in libdfs's words without prefix.
    pub op: &'static str,
    /// The error.
    pub errno: Errno,
}

/// Names the call of a failed operation.
pub trait During<T> {
    /// Adds the call's name to the errno.
    ///
    /// # Errors
    /// The error itself, with the operation's name.
    fn during(self, op: &'static str) -> Result<T, OpError>;
}

impl<T> During<T> for Result<T, Errno> {
    #[inline]
    fn during(self, op: &'static str) -> Result<T, OpError> {
        self.map_err(|errno| OpError { op, errno })
    }
}

/// A loop under control.
pub struct Control<'a, R> {
    ticker: &'a Ticker,
    progress: &'a Progress,
    /// The ranks; none for a thread of a rank, which checks the stonewall only: everything else is done by the rank's own thread.
    team: Option<&'a Team<'a>>,
    recorder: &'a mut R,
    /// Reading when the loop began.
    start: u64,
    /// Reading after which the stonewall is hit.
    deadline: Option<u64>,
    /// Reading at which the loop polls next.
    next_look: u64,
    /// Reading at the end of the last recorded part.
    last: u64,
    beat: u64,
}

/// What a rank gives its threads: its clock and its stonewall.
#[derive(Clone, Copy)]
pub(super) struct Timing<'a> {
    ticker: &'a Ticker,
    progress: &'a Progress,
    start: u64,
    deadline: Option<u64>,
    beat: u64,
}

/// What a rank has seen of its threads' work.
pub(super) struct Seen {
    /// Operations done.
    done: u64,
    /// The last look, when nothing was done since the one before.
    quiet_until: Option<u64>,
}

impl Seen {
    /// Operations done before this loop.
    pub(super) fn from(done: u64) -> Self {
        Seen { done, quiet_until: None }
    }
}

impl<'a> Timing<'a> {
    /// A thread's part of the rank's loop.
    pub(super) fn control<R: Recorder>(self, recorder: &'a mut R) -> Control<'a, R> {
        let Timing { ticker, progress, start, deadline, beat } = self;
        let last = ticker.ticks();
        let mut control = Control { ticker, progress, team: None, recorder, start, deadline, next_look: 0, last, beat };
        control.plan_next_look(last);
        control
    }
}

impl<'a, R: Recorder> Control<'a, R> {
    /// A loop that begins now; with a stonewall it ends after so many nanoseconds.
    pub fn begin(
        ticker: &'a Ticker,
        progress: &'a Progress,
        team: &'a Team<'a>,
        recorder: &'a mut R,
        stonewall_ns: Option<u64>,
    ) -> Self {
        let start = ticker.ticks();
        let beat = ticker.ticks_in(BEAT_NS);
        let deadline = stonewall_ns.map(|ns| start + ticker.ticks_in(ns));
        recorder.begin();
        let mut control =
            Control { ticker, progress, team: Some(team), recorder, start, deadline, next_look: 0, last: start, beat };
        control.plan_next_look(start);
        control
    }

    /// What this rank gives its threads.
    pub(super) fn timing(&self) -> Timing<'a> {
        let Control { ticker, progress, start, deadline, beat, .. } = *self;
        Timing { ticker, progress, start, deadline, beat }
    }

    /// Polls on behalf of the rank's threads.
    pub(super) fn oversee(&mut self, seen: &mut Seen, done: u64) -> Option<Stop> {
        let now = self.ticker.ticks();
        self.account(seen, now, done);
        self.judge(now)
    }

    /// The rank's threads have come to their limit, or to what they stopped at.
    pub(super) fn finish_threads(&mut self, mut seen: Seen, done: u64) {
        self.account(&mut seen, self.ticker.ticks(), done);
    }

    fn account(&mut self, seen: &mut Seen, now: u64, done: u64) {
        if done <= seen.done {
            seen.quiet_until = Some(now);
            return;
        }
        if let Some(quiet_until) = seen.quiet_until.take() {
            // nothing had ended by then: a stall
            let at = self.ticker.nanos(self.start, quiet_until);
            self.recorder.look(seen.done + 1, at, at);
        }
        self.publish(now, done);
        seen.done = done;
    }

    fn plan_next_look(&mut self, now: u64) {
        self.next_look = (now + self.beat).min(self.deadline.unwrap_or(u64::MAX));
    }

    /// The stonewall does not end the loop any more: wear-out. The ranks have just passed the barrier; the waiting was no operation.
    pub fn without_stonewall(&mut self) {
        let now = self.ticker.ticks();
        self.deadline = None;
        self.last = now;
        self.plan_next_look(now);
        self.recorder.stonewall_barrier(self.ticker.nanos(self.start, now));
    }

    /// Nanoseconds since the loop began.
    pub fn elapsed_ns(&self) -> u64 {
        self.ticker.nanos(self.start, self.ticker.ticks())
    }

    /// A part of an operation is done. Costs a clock reading when latencies are recorded and nothing otherwise.
    #[inline]
    pub fn part(&mut self, kind: OpKind) {
        if R::ON {
            self.part_at(kind, self.ticker.ticks());
        }
    }

    /// The clock's reading, for transfers that overlap.
    #[inline]
    pub fn ticks(&self) -> u64 {
        self.ticker.ticks()
    }

    /// Nanoseconds since a reading.
    #[inline]
    pub fn nanos_since(&self, since: u64) -> u64 {
        self.ticker.nanos(since, self.ticker.ticks())
    }

    /// An operation that overlaps others is done; it began at the reading `since`.
    #[inline]
    pub fn record_since(&mut self, kind: OpKind, since: u64) {
        let now = self.ticker.ticks();
        self.recorder.record(kind, self.ticker.nanos(since, now), self.ticker.nanos(self.start, now));
    }

    /// What happened since the last part is not worth recording (verification).
    #[inline]
    pub fn unrecorded(&mut self) {
        if R::ON {
            self.last = self.ticker.ticks();
        }
    }

    #[inline]
    fn part_at(&mut self, kind: OpKind, now: u64) {
        self.recorder.record(kind, self.ticker.nanos(self.last, now), self.ticker.nanos(self.start, now));
        self.last = now;
    }

    /// An operation is done, `done` in all; its last part was of this kind. The one clock reading of an operation: it ends the latency
    /// and it is what the stonewall is checked against.
    #[inline]
    pub fn after(&mut self, kind: Option<OpKind>, done: u64) -> Option<Stop> {
        let now = self.ticker.ticks();
        if R::ON {
            match kind {
                Some(kind) => self.part_at(kind, now),
                None => self.last = now,
            }
        }
        if now <= self.next_look { None } else { self.look(now, done) }
    }

    #[cold]
    fn look(&mut self, now: u64, done: u64) -> Option<Stop> {
        if self.team.is_some() {
            self.publish(now, done);
        }
        self.judge(now)
    }

    /// Whether the loop must end.
    fn judge(&mut self, now: u64) -> Option<Stop> {
        if let Some(team) = self.team {
            if self.progress.stop_requested() {
                return Some(Stop::Interrupted);
            }
            if team.heard_of_failure() {
                return Some(Stop::Elsewhere);
            }
        }
        if self.deadline.is_some_and(|deadline| now > deadline) {
            return Some(Stop::Stonewall);
        }
        self.plan_next_look(now);
        None
    }

    fn publish(&mut self, now: u64, done: u64) {
        self.progress.advance(done);
        // what ended after the look was due would have been looked at
        let before = self.next_look.min(now);
        let at = self.ticker.nanos(self.start, now);
        self.recorder.look(done, self.ticker.nanos(self.start, before), at);
        if R::ON && self.progress.p99_is_wanted() {
            self.progress.set_p99(self.recorder.recent_p99(at));
        }
    }

    /// The loop has come to its limit.
    pub fn finish(&mut self, done: u64) {
        self.publish(self.ticker.ticks(), done);
    }

    /// Does operations `from..limit`, one after the other; `op` gets the number of each. Returns how many are done in all, and
    /// why it stopped before the limit.
    ///
    /// # Errors
    /// What the operation failed with.
    #[inline]
    pub fn run(
        &mut self,
        from: u64,
        limit: u64,
        last_part: Option<OpKind>,
        mut op: impl FnMut(&mut Self, u64) -> Result<(), OpError>,
    ) -> (u64, Option<Stop>) {
        let mut done = from;
        while done < limit {
            if let Err(error) = op(self, done) {
                return (done, Some(Stop::Failed(error)));
            }
            done += 1;
            if let Some(stop) = self.after(last_part, done) {
                return (done, Some(stop));
            }
        }
        self.finish(done);
        (done, None)
    }
}

impl Stop {
    /// The failure to report to the other ranks, if this stop is one. `path` tells what the loop was working on.
    ///
    /// # Errors
    /// What ended the loop, unless it was the stonewall.
    pub fn into_failure(self, path: impl FnOnce() -> String) -> Result<(), Failure> {
        match self {
            Stop::Stonewall => Ok(()),
            Stop::Elsewhere => Err(Failure::Elsewhere),
            Stop::Interrupted => Err(Failure::Interrupted),
            Stop::Failed(OpError { op, errno }) => {
                Err(Failure::Storage { op: op.to_owned(), path: path(), errno: errno.0 })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::Solo;
    use crate::engine::Latencies;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::Duration;

    /// Runs a loop with a clock that only the operations advance.
    fn under_virtual_time<R: Recorder>(
        recorder: &mut R,
        stonewall_ns: u64,
        work: impl FnOnce(&mut Control<'_, R>, &AtomicU64),
    ) {
        let now = Arc::new(AtomicU64::new(1_000));
        let (ticker, progress, comm) = (Ticker::Virtual(now.clone()), Progress::default(), Solo::new());
        let team = Team::new(&comm, Duration::from_secs(1), Arc::new(|_| {}));
        work(&mut Control::begin(&ticker, &progress, &team, recorder, Some(stonewall_ns)), &now);
    }

    #[test]
    fn waiting_at_the_stonewall_is_in_no_latency() {
        let mut recorder = Latencies::new(&[OpKind::Create, OpKind::Close]);
        under_virtual_time(&mut recorder, 995, |control, now| {
            let mut operation = |control: &mut Control<'_, Latencies>, _| {
                now.fetch_add(70, Relaxed);
                control.part(OpKind::Create);
                now.fetch_add(30, Relaxed);
                Ok(())
            };
            let at_stonewall = control.run(0, u64::MAX, Some(OpKind::Close), &mut operation);
            assert_eq!(at_stonewall, (10, Some(Stop::Stonewall)));
            now.fetch_add(1_000_000, Relaxed); // the others are slow
            control.without_stonewall();
            assert_eq!(control.run(10, 15, Some(OpKind::Close), &mut operation), (15, None));
        });
        let found: Vec<_> = recorder.kinds().map(|(kind, counts)| (kind, counts.extremes(), counts.sum())).collect();
        assert_eq!(found, [(OpKind::Create, Some((70, 70)), 15 * 70), (OpKind::Close, Some((30, 30)), 15 * 30)]);
    }
}
