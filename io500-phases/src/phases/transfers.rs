//! The transfer loop of the ior phases: one at a time, or several in flight.

use super::context::{PhaseContext, before_read, outcome};
use super::tally::Check;
use crate::backend::{Backend, IoQueue};
use crate::buffer::AlignedBuf;
use crate::engine::{Control, During, Failure, OpError, OpKind, Recorder, Stop};
use crate::error::Errno;
use crate::pattern::Signature;

/// What happens to the bytes of a transfer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Direction {
    /// Written, as this writer's data.
    Write {
        /// Whose data it is.
        writer: u32,
    },
    /// Read, and compared with what this writer wrote.
    Verify {
        /// Whose data it is.
        writer: u32,
    },
    /// Read and not looked at.
    Read,
}

/// One rank's transfers on one file.
pub struct Transfers<'a, B: Backend, O> {
    /// The file; none when it is missing: every transfer is then skipped.
    pub file: &'a B::File,
    /// Its path, for messages.
    pub path: String,
    /// What is written.
    pub signature: Signature,
    /// What to do.
    pub direction: Direction,
    /// The next offset.
    pub offsets: O,
}

enum Buffers<B: Backend> {
    Single(AlignedBuf),
    Queue(B::Queue, Vec<InFlight>),
}

#[derive(Clone, Copy, Default)]
struct InFlight {
    offset: u64,
    submitted: u64,
}

/// Buffers, made before the clock starts.
pub struct IoBuffers<B: Backend>(Buffers<B>);

impl<B: Backend> IoBuffers<B> {
    /// Depth 1 is the blocking call, the only rule-identical setting; more is a queue.
    pub fn new(
        context: &PhaseContext<'_, B>,
        size: usize,
        signature: Signature,
        direction: Direction,
    ) -> Result<Self, Errno> {
        let prefill = |buffer: &mut [u8]| match direction {
            Direction::Write { writer } => signature.fill(buffer, writer, 0),
            // a store that keeps no data returns what the reader brings
            Direction::Verify { writer } if !context.backend.keeps_data() => signature.fill(buffer, writer, 0),
            _ => {}
        };
        if context.pace.queue_depth <= 1 {
            let mut buffer = AlignedBuf::new(size);
            prefill(&mut buffer);
            return Ok(IoBuffers(Buffers::Single(buffer)));
        }
        let mut queue = context.backend.queue(context.pace.queue_depth, size)?;
        let slots: Vec<usize> = std::iter::from_fn(|| queue.slot()).collect();
        for &slot in &slots {
            prefill(queue.buffer(slot));
        }
        // the last one taken is the first one given out again
        slots.iter().rev().for_each(|&slot| queue.release(slot));
        let depth = queue.depth();
        Ok(IoBuffers(Buffers::Queue(queue, vec![InFlight::default(); depth])))
    }
}

impl<'a, B: Backend, O: FnMut() -> u64> Transfers<'a, B, O> {
    /// Does transfers `from..limit`; how many are done in all, the bytes moved by these, and what ended the loop early.
    pub fn run<R: Recorder>(
        &mut self,
        context: &PhaseContext<'_, B>,
        buffers: &mut IoBuffers<B>,
        control: &mut Control<'_, R>,
        check: &mut Check,
        (from, limit): (u64, u64),
    ) -> (u64, u64, Option<Stop>) {
        match &mut buffers.0 {
            Buffers::Single(buffer) => self.one_at_a_time(context, buffer, control, check, (from, limit)),
            Buffers::Queue(queue, in_flight) => {
                self.in_flight(context, queue, in_flight, control, check, (from, limit))
            }
        }
    }

    /// Does up to `limit` transfers that end together (`collective`): after each of them rank 0 tells the others whether the stonewall is hit.
    /// A rank that has failed takes part in that until rank 0 has heard of it.
    pub fn run_together<R: Recorder>(
        &mut self,
        context: &PhaseContext<'_, B>,
        buffers: &mut IoBuffers<B>,
        control: &mut Control<'_, R>,
        check: &mut Check,
        limit: u64,
    ) -> (u64, u64, Option<Stop>) {
        let root = context.rank() == 0;
        let (mut done, mut bytes, mut failed) = (0, 0, None);
        for _ in 0..limit {
            let mut stop = failed;
            if failed.is_none() {
                let more;
                (done, more, stop) = self.run(context, buffers, control, check, (done, done + 1));
                bytes += more;
                if !matches!(stop, None | Some(Stop::Stonewall)) {
                    failed = stop;
                    context.team.spread();
                }
            }
            if context.comm().broadcast_u64(0, u64::from(root && stop.is_some())) == 1 {
                return (done, bytes, failed.or(Some(Stop::Stonewall)));
            }
            // waiting for rank 0 is no transfer
            control.unrecorded();
        }
        (done, bytes, failed)
    }

    fn one_at_a_time<R: Recorder>(
        &mut self,
        context: &PhaseContext<'_, B>,
        buffer: &mut [u8],
        control: &mut Control<'_, R>,
        check: &mut Check,
        (from, limit): (u64, u64),
    ) -> (u64, u64, Option<Stop>) {
        let backend = context.backend;
        let mut bytes = 0;
        // making the data is not the store's time; where nothing is made, the reading is saved
        let refills = self.signature.depends_on_item();
        // one loop for each direction, so that nothing is decided per transfer
        let (done, stop) = match self.direction {
            Direction::Write { writer } => control.run(from, limit, Some(OpKind::Transfer), |control, _| {
                let offset = (self.offsets)();
                self.signature.refill(buffer, writer, offset);
                if refills {
                    control.unrecorded();
                }
                backend.write_at(self.file, offset, buffer).during("write")?;
                bytes += buffer.len() as u64;
                Ok(())
            }),
            Direction::Verify { writer } => control.run(from, limit, None, |control, _| {
                let offset = (self.offsets)();
                before_read(backend, self.signature, buffer, writer, offset);
                control.unrecorded();
                let got = backend.read_at(self.file, offset, buffer).during("read")?;
                control.part(OpKind::Transfer);
                bytes += got as u64;
                verify(check, self.signature, writer, buffer, got, offset, &self.path);
                Ok(())
            }),
            Direction::Read => control.run(from, limit, Some(OpKind::Transfer), |_, _| {
                let offset = (self.offsets)();
                bytes += backend.read_at(self.file, offset, buffer).during("read")? as u64;
                Ok(())
            }),
        };
        (done, bytes, stop)
    }

    fn in_flight<R: Recorder>(
        &mut self,
        context: &PhaseContext<'_, B>,
        queue: &mut B::Queue,
        slots: &mut [InFlight],
        control: &mut Control<'_, R>,
        check: &mut Check,
        (from, limit): (u64, u64),
    ) -> (u64, u64, Option<Stop>) {
        let (mut submitted, mut done, mut bytes) = (from, from, 0);
        let mut stop = None;
        loop {
            // once something stops the loop, what is in flight is brought home and counted
            while stop.is_none() && submitted < limit {
                let Some(slot) = queue.slot() else { break };
                let offset = (self.offsets)();
                self.make_ready(context.backend, queue, slot, offset);
                slots[slot] = InFlight { offset, submitted: if R::ON { control.ticks() } else { 0 } };
                if let Err(error) = self.submit(queue, slot, offset) {
                    queue.release(slot);
                    stop = Some(Stop::Failed(error));
                    break;
                }
                submitted += 1;
            }
            let Some((slot, result)) = queue.reap() else { break };
            let InFlight { offset, submitted: since } = slots[slot];
            let op = if matches!(self.direction, Direction::Write { .. }) { "write" } else { "read" };
            match result.during(op) {
                Err(error) => {
                    stop.get_or_insert(Stop::Failed(error));
                }
                Ok(got) => {
                    if R::ON {
                        control.record_since(OpKind::Transfer, since);
                    }
                    done += 1;
                    bytes += got as u64;
                    if let Direction::Verify { writer } = self.direction {
                        verify(check, self.signature, writer, queue.buffer(slot), got, offset, &self.path);
                    }
                    let looked = control.after(None, done);
                    if stop.is_none() {
                        stop = looked;
                    }
                }
            }
            queue.release(slot);
        }
        control.finish(done);
        (done, bytes, stop)
    }

    #[inline]
    fn make_ready(&self, backend: &B, queue: &mut B::Queue, slot: usize, offset: u64) {
        match self.direction {
            Direction::Write { writer } => self.signature.refill(queue.buffer(slot), writer, offset),
            Direction::Verify { writer } => before_read(backend, self.signature, queue.buffer(slot), writer, offset),
            Direction::Read => {}
        }
    }

    #[inline]
    fn submit(&self, queue: &mut B::Queue, slot: usize, offset: u64) -> Result<(), OpError> {
        match self.direction {
            Direction::Write { .. } => queue.submit_write(slot, self.file, offset).during("write"),
            Direction::Verify { .. } | Direction::Read => queue.submit_read(slot, self.file, offset).during("read"),
        }
    }

    /// What ended the loop, as the other ranks must hear it.
    pub fn outcome(&self, stop: Option<Stop>) -> Result<(), Failure> {
        outcome(stop, || self.path.clone())
    }
}

/// Compares what was read with what was written. Everything but the comparison is off the fast path.
#[inline]
pub fn verify(check: &mut Check, signature: Signature, writer: u32, data: &[u8], got: usize, item: u64, path: &str) {
    check.checked += 1;
    if got != data.len() {
        check.count_short(data.len() as u64, got as u64, item, || path.to_owned());
    } else if let Err(mismatch) = signature.verify(data, writer, item) {
        check.count_wrong(mismatch, item, || path.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::fault::{Effect, Faulty, Op};
    use crate::backend::null::Null;
    use crate::comm::{ClockSync, threads};
    use crate::engine::{Progress, Team, Ticker};
    use crate::pattern::PacketType;
    use crate::phases::Pace;
    use std::sync::Arc;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    #[derive(Default)]
    struct Kept(Vec<u64>);

    impl Recorder for Kept {
        const ON: bool = true;
        fn record(&mut self, kind: OpKind, nanos: u64, _at: u64) {
            assert_eq!(kind, OpKind::Transfer);
            self.0.push(nanos);
        }
        fn fork(&self) -> Self {
            Kept::default()
        }
        fn join(&mut self, fork: Self) {
            self.0.extend(fork.0);
        }
    }

    /// Transfers of which each takes the store 7 ns, and the rank 1000 ns before.
    fn latencies(depth: usize, direction: Direction, count: u64) -> Vec<u64> {
        let mut ranks = threads::run(1, |comm| {
            let team = Team::new(comm, Duration::from_secs(60), Arc::new(|error| panic!("stuck: {error}")));
            let delay = Effect::Delay(7);
            let backend = Faulty::new(Null).each(Op::Write, delay).each(Op::Read, delay);
            let time = backend.time();
            let (ticker, progress, clock) = (Ticker::Virtual(time.clone()), Progress::default(), ClockSync::default());
            let pace = Pace { stonewall_s: None, queue_depth: depth, threads: 1 };
            let context = PhaseContext {
                backend: &backend,
                root: &(),
                team: &team,
                ticker: &ticker,
                progress: &progress,
                clock: &clock,
                pace,
            };
            let signature = Signature { kind: PacketType::Random, seed: 1 };
            let mut buffers = IoBuffers::new(&context, 4096, signature, direction).unwrap();
            let (mut recorder, mut check) = (Kept::default(), Check::default());
            let mut control = Control::begin(&ticker, &progress, &team, &mut recorder, None);
            let offsets = || {
                time.fetch_add(1000, Relaxed);
                0
            };
            let mut transfers = Transfers { file: &(), path: String::new(), signature, direction, offsets };
            let (done, _, stop) = transfers.run(&context, &mut buffers, &mut control, &mut check, (0, count));
            assert_eq!((done, stop), (count, None));
            assert!(check.is_clean());
            recorder.0
        });
        ranks.remove(0)
    }

    #[test]
    fn what_the_rank_does_before_a_transfer_is_not_in_its_latency() {
        for direction in [Direction::Write { writer: 3 }, Direction::Verify { writer: 3 }] {
            assert_eq!(latencies(1, direction, 3), [7; 3], "{direction:?}");
            let queued = latencies(2, direction, 1);
            assert!(queued.len() == 1 && queued[0] <= 7, "{direction:?}: {queued:?}");
        }
    }
}
