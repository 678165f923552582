//! Ranks as processes of an MPI job, through rsmpi; works with Open MPI and with MPICH and its relatives.
//!
//! `barrier` is MPI_Barrier. MPI libraries wait by polling: with more ranks than cores a waiting rank takes time from
//! the ones it waits for, so such runs are for tests only, never for figures.
//!
//! `send` must neither wait for the receiver nor borrow the caller's bytes, and rsmpi has no owned immediate send.
//! It is a buffered send, and each message is followed by a synchronous one of a static byte, a *receipt*:
//! when that has completed, the message is known to have been received. So at most [`WINDOW`] messages ever lie in
//! MPI's attached buffer, which is sized for the worst fragmentation; further ones wait in a queue of our own.

use super::{Comm, MAX_MESSAGE, ReduceOp, Topology, host_id, host_name};
use ::mpi::collective::SystemOperation;
use ::mpi::datatype::PartitionMut;
use ::mpi::environment::{Threading, Universe, initialize_with_threading, library_version};
use ::mpi::request::{Request, StaticScope};
use ::mpi::topology::SimpleCommunicator;
use ::mpi::traits::*;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::marker::PhantomData;

/// Messages in flight per rank before further ones queue.
const WINDOW: usize = 16;
/// More than any MPI library's MPI_BSEND_OVERHEAD (about 100 bytes).
const OVERHEAD: usize = 512;
/// Space for one more message however the buffer is fragmented: `WINDOW` blocks leave at most one gap more, each too small.
const ATTACHED: usize = (2 * WINDOW + 1) * (MAX_MESSAGE + OVERHEAD);

const MESSAGE: i32 = 1;
const RECEIPT: i32 = 2;
static SOMEWHERE: [u8; 1] = [0];

/// The ranks of an MPI job. Ends MPI when dropped; dropped by a panic, it aborts the job, because the other ranks
/// would wait forever.
///
/// Belongs to the thread that made it: MPI runs at thread level `Funneled`.
pub struct Mpi {
    outbox: RefCell<Outbox>,
    host: String,
    topology: Topology,
    /// A duplicate of the world communicator: an embedding program's own messages never mix with ours.
    ranks: SimpleCommunicator,
    /// Last, because dropping it ends MPI.
    _universe: Universe,
    _one_thread: PhantomData<*const ()>,
}

/// Why MPI cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum MpiUnavailable {
    #[error("MPI was already started in this process")]
    AlreadyStarted,
    #[error("the MPI library does not allow threads beside the one that calls it (thread level {provided})")]
    NoThreads { provided: String },
}

#[derive(Default)]
struct Outbox {
    waiting: VecDeque<(i32, Vec<u8>)>,
    receipts: Vec<Request<'static, [u8; 1]>>,
}

impl Mpi {
    /// Starts MPI, at thread level `Funneled`, and ends it when dropped. Messages go over a communicator of their own, and the buffer
    /// attached for buffered sends is this one's: a program that embeds the benchmark may use MPI beside it as long as this value lives.
    /// Collective over the job.
    ///
    /// # Errors
    /// MPI was initialised already, or does not allow what is needed.
    pub fn init() -> Result<Mpi, MpiUnavailable> {
        let (universe, provided) =
            initialize_with_threading(Threading::Funneled).ok_or(MpiUnavailable::AlreadyStarted)?;
        if provided < Threading::Funneled {
            return Err(MpiUnavailable::NoThreads { provided: format!("{provided:?}") });
        }
        Ok(Mpi::new(universe))
    }

    fn new(mut universe: Universe) -> Mpi {
        universe.set_buffer_size(ATTACHED);
        let ranks = universe.world().duplicate();
        let host = host_name();
        let mut ids = vec![0; ranks.size() as usize];
        ranks.all_gather_into(&host_id(&host), &mut ids[..]);
        Mpi {
            outbox: RefCell::default(),
            host,
            topology: Topology::from_host_ids(&ids),
            ranks,
            _universe: universe,
            _one_thread: PhantomData,
        }
    }

    /// Passes waiting messages on as receipts come back.
    fn progress(&self) {
        let outbox = &mut *self.outbox.borrow_mut();
        outbox.receipts = outbox.receipts.drain(..).filter_map(|receipt| receipt.test().err()).collect();
        while outbox.receipts.len() < WINDOW
            && let Some((to, message)) = outbox.waiting.pop_front()
        {
            let receiver = self.ranks.process_at_rank(to);
            receiver.buffered_send_with_tag(&message[..], MESSAGE);
            outbox.receipts.push(receiver.immediate_synchronous_send_with_tag(StaticScope, &SOMEWHERE, RECEIPT));
        }
    }

    /// Before a collective, in which this rank would no longer pass anything on.
    fn settle(&self) {
        while !self.outbox.borrow().waiting.is_empty() {
            self.progress();
        }
    }

    fn all_reduce<N: Equivalence + Copy>(&self, op: ReduceOp, values: &mut [N]) {
        self.settle();
        let mine = values.to_vec();
        self.ranks.all_reduce_into(&mine[..], values, operation(op));
    }

    fn reduce<N: Equivalence + Copy>(&self, op: ReduceOp, values: &mut [N]) {
        self.settle();
        let root = self.ranks.process_at_rank(0);
        if self.ranks.rank() == 0 {
            let mine = values.to_vec();
            root.reduce_into_root(&mine[..], values, operation(op));
        } else {
            root.reduce_into(values, operation(op));
        }
    }

    /// Receives and drops what is still under way, until no rank has anything under way: MPI cannot end before that.
    fn drain(&self) {
        let mut all_done = None;
        loop {
            while self.try_recv().is_some() {}
            all_done = match all_done.map(Request::test) {
                Some(Ok(_)) => return,
                Some(Err(barrier)) => Some(barrier),
                None if self.outbox.borrow().is_empty() => Some(self.ranks.immediate_barrier()),
                None => None,
            };
        }
    }
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.receipts.is_empty()
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // EX_SOFTWARE of sysexits: the code of a panic.
            self.ranks.abort(70);
        }
        self.drain();
    }
}

impl Comm for Mpi {
    fn rank(&self) -> usize {
        self.ranks.rank() as usize
    }

    fn size(&self) -> usize {
        self.topology.ranks()
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn topology(&self) -> &Topology {
        &self.topology
    }

    fn barrier(&self) {
        self.settle();
        self.ranks.barrier();
    }

    fn broadcast(&self, root: usize, data: &mut Vec<u8>) {
        self.settle();
        let root = self.ranks.process_at_rank(rank_number(root));
        let mut length = data.len() as u64;
        root.broadcast_into(&mut length);
        data.resize(length as usize, 0);
        if length > 0 {
            root.broadcast_into(&mut data[..]);
        }
    }

    fn broadcast_u64(&self, root: usize, mut value: u64) -> u64 {
        self.settle();
        self.ranks.process_at_rank(rank_number(root)).broadcast_into(&mut value);
        value
    }

    fn all_reduce_u64(&self, op: ReduceOp, values: &mut [u64]) {
        match op {
            ReduceOp::Sum => self.all_reduce(op, values),
            ReduceOp::Min | ReduceOp::Max => through_signed(values, |signed| self.all_reduce(op, signed)),
        }
    }

    fn all_reduce_f64(&self, op: ReduceOp, values: &mut [f64]) {
        self.all_reduce(op, values);
    }

    fn reduce_u64(&self, op: ReduceOp, values: &mut [u64]) {
        match op {
            ReduceOp::Sum => self.reduce(op, values),
            ReduceOp::Min | ReduceOp::Max => through_signed(values, |signed| self.reduce(op, signed)),
        }
    }

    fn all_gather_u64(&self, value: u64) -> Vec<u64> {
        self.settle();
        let mut all = vec![0; self.size()];
        self.ranks.all_gather_into(&value, &mut all[..]);
        all
    }

    fn gather(&self, data: &[u8]) -> Option<Vec<Vec<u8>>> {
        self.settle();
        let root = self.ranks.process_at_rank(0);
        let length = count(data.len());
        // An empty slice may point anywhere, even to 1, which is Open MPI's MPI_IN_PLACE.
        let data = if data.is_empty() { &SOMEWHERE[..0] } else { data };
        if self.ranks.rank() != 0 {
            root.gather_into(&length);
            root.gather_varcount_into(data);
            return None;
        }
        let mut lengths = vec![0; self.size()];
        root.gather_into_root(&length, &mut lengths[..]);
        let mut total = 0;
        let mut offsets = Vec::with_capacity(lengths.len());
        for &length in &lengths {
            offsets.push(count(total));
            total += length as usize;
        }
        let mut all = vec![0_u8; total.max(1)];
        root.gather_varcount_into_root(data, &mut PartitionMut::new(&mut all[..], &lengths[..], &offsets[..]));
        let mut rest = &all[..total];
        let rows = lengths.iter().map(|&length| {
            let (row, after) = rest.split_at(length as usize);
            rest = after;
            row.to_vec()
        });
        Some(rows.collect())
    }

    fn send(&self, to: usize, message: &[u8]) {
        assert!(message.len() <= MAX_MESSAGE, "message of {} bytes", message.len());
        self.outbox.borrow_mut().waiting.push_back((rank_number(to), message.to_vec()));
        self.progress();
    }

    fn try_recv(&self) -> Option<(usize, Vec<u8>)> {
        self.progress();
        let probed = self.ranks.any_process().immediate_matched_probe_with_tag(MESSAGE)?;
        let (message, status) = probed.matched_receive_vec::<u8>();
        // Its sender posted the receipt right behind it.
        let sender = status.source_rank();
        self.ranks.process_at_rank(sender).receive_into_with_tag(&mut [0_u8; 1], RECEIPT);
        Some((sender as usize, message))
    }

    fn abort(&self, code: i32) -> ! {
        self.ranks.abort(code)
    }

    fn describe(&self) -> String {
        library_line()
    }
}

/// The first line of the MPI library's version text; callable whether or not MPI runs.
pub(super) fn library_line() -> String {
    let version = library_version().unwrap_or_default();
    let line = version.trim_end_matches('\0').lines().next().unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn operation(op: ReduceOp) -> SystemOperation {
    match op {
        ReduceOp::Sum => SystemOperation::sum(),
        ReduceOp::Min => SystemOperation::min(),
        ReduceOp::Max => SystemOperation::max(),
    }
}

/// MPICH 4.0 compares unsigned 64-bit numbers as if they were signed: so they are compared as signed ones, with the
/// order kept.
fn through_signed(values: &mut [u64], reduce: impl FnOnce(&mut [i64])) {
    const FLIP: u64 = 1 << 63;
    let mut signed: Vec<i64> = values.iter().map(|&value| (value ^ FLIP) as i64).collect();
    reduce(&mut signed);
    for (value, signed) in values.iter_mut().zip(signed) {
        *value = signed as u64 ^ FLIP;
    }
}

fn rank_number(rank: usize) -> i32 {
    i32::try_from(rank).unwrap_or_else(|_| panic!("rank {rank} is beyond MPI's range"))
}

fn count(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or_else(|_| panic!("gathering {bytes} bytes: MPI counts to 2 GiB"))
}
