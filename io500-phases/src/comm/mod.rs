//! A group of ranks that run one benchmark together.

mod clock_sync;
mod launcher;
#[cfg(feature = "mpi")]
mod mpi;
mod pmi;
mod solo;
pub mod threads;
mod topology;
pub(crate) mod tree;

#[cfg(feature = "mpi")]
pub use self::mpi::{Mpi, MpiUnavailable};
pub use clock_sync::ClockSync;
pub use launcher::{Flavour, Launcher, LauncherMismatch, StartError, mpi_library, start};
pub use solo::Solo;
pub use topology::{Placement, ReadMapping, ReadRule, Topology, host_id, host_name};

/// The longest message [`Comm::send`] takes, in bytes.
pub const MAX_MESSAGE: usize = 32 * 1024;

/// What the phases need of a group of ranks. Object safe: the suite takes `&dyn Comm`.
///
/// Every collective must be called by all ranks in the same order. Costs are in messages along the longest path.
/// A message must have been received before its receiver enters the next collective.
pub trait Comm {
    /// This process's or thread's rank, from 0.
    fn rank(&self) -> usize;
    /// The number of ranks.
    fn size(&self) -> usize;
    /// Name of the host this rank runs on. Gather it where all names are wanted.
    fn host(&self) -> &str;
    /// How the ranks lie on nodes: found once, when the group is made.
    fn topology(&self) -> &Topology;
    /// Returns when all ranks have entered. O(log n).
    fn barrier(&self);
    /// Makes every rank's `data` equal to `root`'s; resizes it. O(log n).
    fn broadcast(&self, root: usize, data: &mut Vec<u8>);
    /// `root`'s value on every rank, in one broadcast. O(log n).
    fn broadcast_u64(&self, root: usize, value: u64) -> u64 {
        let mut bytes = value.to_le_bytes().to_vec();
        self.broadcast(root, &mut bytes);
        u64::from_le_bytes(bytes.try_into().expect("eight bytes were sent"))
    }
    /// Element-wise reduction of `values` over all ranks, the same result on every rank; sums wrap. O(log n).
    fn all_reduce_u64(&self, op: ReduceOp, values: &mut [u64]);
    /// Element-wise reduction of `values` over all ranks, the same result on every rank. O(log n).
    fn all_reduce_f64(&self, op: ReduceOp, values: &mut [f64]);
    /// Element-wise reduction on rank 0 only; other ranks' `values` are unspecified afterwards; sums wrap. O(log n).
    fn reduce_u64(&self, op: ReduceOp, values: &mut [u64]);
    /// Every rank's `value` in rank order, on every rank: 8 bytes per rank of the group. O(log n).
    fn all_gather_u64(&self, value: u64) -> Vec<u64>;
    /// All ranks' `data` on rank 0, in rank order; `None` elsewhere. Lengths may differ.
    fn gather(&self, data: &[u8]) -> Option<Vec<Vec<u8>>>;
    /// The error of the first rank that has one, on all ranks, with that rank's number and host. Collective.
    fn first_error(&self, own: Option<String>) -> Option<String> {
        let own = own.map(|text| format!("rank {} ({}): {text}", self.rank(), self.host()));
        let all = self.gather(own.unwrap_or_default().as_bytes()).unwrap_or_default();
        let mut first = all.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        self.broadcast(0, &mut first);
        (!first.is_empty()).then(|| String::from_utf8_lossy(&first).into_owned())
    }
    /// Sends a message of at most [`MAX_MESSAGE`] bytes without waiting for it to be received; order between two ranks
    /// is kept. A message may leave only with this rank's next call of any method here.
    fn send(&self, to: usize, message: &[u8]);
    /// The next message for this rank, if one is there: its sender and its bytes. Never waits for one.
    fn try_recv(&self) -> Option<(usize, Vec<u8>)>;
    /// Ends the whole job immediately with this exit code: the last resort when a rank cannot reach the next collective.
    fn abort(&self, code: i32) -> !;
    /// How the ranks were made, for provenance: `solo`, `threads`, or the MPI library's version line.
    fn describe(&self) -> String;
}

/// The operation of a reduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReduceOp {
    Sum,
    Min,
    Max,
}
