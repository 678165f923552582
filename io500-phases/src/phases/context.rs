//! What every phase needs: the store, the ranks, the clock, the pace.

use super::tally::{RankTally, WindowParts};
use crate::backend::Backend;
use crate::buffer::toggle_poison;
use crate::comm::{ClockSync, Comm, ReduceOp};
use crate::engine::{Control, Failure, OpKind, Progress, Recorder, Stop, Team, Ticker, WindowPart};
use crate::error::{Errno, OpResult, Result};
use crate::pattern::Signature;

/// A rank's view of a running phase.
pub struct PhaseContext<'a, B: Backend> {
    /// The store.
    pub backend: &'a B,
    /// The data directory, open.
    pub root: &'a B::Dir,
    /// The ranks.
    pub team: &'a Team<'a>,
    /// The clock.
    pub ticker: &'a Ticker,
    /// Where this rank shows how far it is.
    pub progress: &'a Progress,
    /// What turns this rank's clock into rank 0's.
    pub clock: &'a ClockSync,
    /// Stonewall, depth and threads.
    pub pace: Pace,
}

/// How fast and how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Seconds after which a write phase stops and wears out; none for phases that do a given number.
    pub stonewall_s: Option<u32>,
    /// Transfers in flight per rank.
    pub queue_depth: usize,
    /// Threads per rank in the mdtest phases.
    pub threads: usize,
}

/// The two readings at an edge of a window.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    monotonic: u64,
    wall: i64,
}

/// A rank's window under way: what it is made of so far. One clock reading per part; a watcher sees which it is.
pub struct Window<'a> {
    ticker: &'a Ticker,
    progress: &'a Progress,
    part: WindowPart,
    since: u64,
    parts: WindowParts,
}

impl Window<'_> {
    /// The part that was under way is over, this one begins.
    pub fn enter(&mut self, part: WindowPart) {
        self.cut(self.ticker.now_ns());
        self.part = part;
        self.progress.enter(part);
    }

    /// Waits for other ranks amid a part.
    pub fn wait<T>(&mut self, waiting: impl FnOnce() -> T) -> T {
        let part = self.part;
        self.enter(WindowPart::Waiting);
        let value = waiting();
        self.enter(part);
        value
    }

    /// The window ends here.
    pub fn end(mut self, end: Edge) -> WindowParts {
        self.cut(end.monotonic);
        self.parts
    }

    fn cut(&mut self, now: u64) {
        *self.parts.of(self.part) += now.saturating_sub(self.since);
        self.since = now;
    }
}

/// Before a read the buffer must not hold what the read is expected to bring, whatever the one before did.
#[inline]
pub fn before_read<B: Backend>(backend: &B, signature: Signature, data: &mut [u8], writer: u32, item: u64) {
    if backend.keeps_data() {
        signature.poison(data, writer, item);
    } else {
        signature.refill(data, writer, item);
        toggle_poison(data);
    }
}

impl<B: Backend> PhaseContext<'_, B> {
    /// The ranks, as messages see them.
    pub fn comm(&self) -> &dyn Comm {
        self.team.comm()
    }

    /// This rank.
    pub fn rank(&self) -> usize {
        self.comm().rank()
    }

    /// The number of ranks.
    pub fn ranks(&self) -> usize {
        self.comm().size()
    }

    /// Reads the clocks at an edge of a window.
    pub fn edge(&self) -> Edge {
        Edge { monotonic: self.ticker.now_ns(), wall: crate::clock::wall_ns() }
    }

    /// The window that begins at this edge with this part.
    pub fn window(&self, begin: Edge, first: WindowPart) -> Window<'_> {
        self.progress.enter(first);
        let (ticker, progress, since) = (self.ticker, self.progress, begin.monotonic);
        Window { ticker, progress, part: first, since, parts: WindowParts::default() }
    }

    /// Stonewall in nanoseconds.
    pub fn stonewall_ns(&self) -> Option<u64> {
        self.pace.stonewall_s.map(|seconds| u64::from(seconds) * 1_000_000_000)
    }

    /// Does one of the operations around a loop, and records how long it took if latencies are recorded. `at` is the time of the loop.
    ///
    /// # Errors
    /// What the operation failed with.
    pub fn recorded<R: Recorder, T>(
        &self,
        recorder: &mut R,
        kind: OpKind,
        at: u64,
        operation: impl FnOnce() -> OpResult<T>,
    ) -> OpResult<T> {
        let begin = self.ticker.ticks();
        let value = operation()?;
        if R::ON {
            recorder.record(kind, self.ticker.nanos(begin, self.ticker.ticks()), at);
        }
        Ok(value)
    }

    /// A tally with the window filled in.
    pub fn tally(&self, begin: Edge, end: Edge) -> RankTally {
        RankTally {
            rank: self.rank(),
            host: self.comm().host().to_owned(),
            begin_ns: self.clock.to_root(begin.monotonic),
            end_ns: self.clock.to_root(end.monotonic),
            wall_ns: (begin.wall, end.wall),
            ..RankTally::default()
        }
    }

    /// The barrier at the stonewall: all ranks learn the maximum that every rank has to reach. The window continues with the wear-out
    /// on ranks that have to catch up.
    ///
    /// # Errors
    /// The same on all ranks: that of the lowest rank that has one.
    pub fn stonewall_barrier<R: Recorder>(
        &self,
        window: &mut Window<'_>,
        control: &mut Control<'_, R>,
        done: u64,
        failure: std::result::Result<(), Failure>,
    ) -> Result<StonewallBarrier> {
        let arrived_ns = control.elapsed_ns();
        window.enter(WindowPart::Waiting);
        self.team.barrier_with_status(failure)?;
        let mut bounds = [done, u64::MAX - done];
        self.comm().all_reduce_u64(ReduceOp::Max, &mut bounds);
        let (most, least) = (bounds[0], u64::MAX - bounds[1]);
        let reached_ns = control.elapsed_ns();
        control.without_stonewall();
        self.progress.wear_out(least, most);
        if done < most {
            window.enter(WindowPart::WearOut);
        }
        Ok(StonewallBarrier { goal: most, reached_ns, waited_ns: reached_ns - arrived_ns })
    }
}

/// What a rank learns at the stonewall.
pub struct StonewallBarrier {
    /// What every rank has to reach: the most that any had done.
    pub goal: u64,
    /// Nanoseconds of this rank's loop until all had reached the barrier.
    pub reached_ns: u64,
    /// Nanoseconds of them that it waited for the others.
    pub waited_ns: u64,
}

/// The failure of a storage call.
pub fn failed(op: &str, path: impl Into<String>) -> impl FnOnce(Errno) -> Failure {
    let (op, path) = (op.to_owned(), path.into());
    move |errno| Failure::Storage { op, path, errno: errno.0 }
}

/// What ended a loop, as the other ranks must hear it.
pub fn outcome(stop: Option<Stop>, path: impl FnOnce() -> String) -> std::result::Result<(), Failure> {
    stop.map_or(Ok(()), |stop| stop.into_failure(path))
}
