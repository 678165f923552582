//! A group of ranks that run one benchmark together.

/// What the phases need of a group of ranks. Object safe: the suite takes `&dyn Comm`.
///
/// Every collective must be called by all ranks in the same order. Costs are in messages along the longest path.
pub trait Comm {
    /// This process's or thread's rank, from 0.
    fn rank(&self) -> usize;
    /// The number of ranks.
    fn size(&self) -> usize;
    /// Host name of every rank, in rank order: gathered once, when the group is made.
    fn hosts(&self) -> &[String];
    /// Returns when all ranks have entered. O(log n).
    fn barrier(&self);
    /// Makes every rank's `data` equal to `root`'s; resizes it. O(log n).
    fn broadcast(&self, root: usize, data: &mut Vec<u8>);
    /// Element-wise reduction of `values` over all ranks, the same result on every rank. O(log n).
    fn all_reduce_u64(&self, op: ReduceOp, values: &mut [u64]);
    /// Element-wise reduction of `values` over all ranks, the same result on every rank. O(log n).
    fn all_reduce_f64(&self, op: ReduceOp, values: &mut [f64]);
    /// Element-wise reduction on rank 0 only; other ranks' `values` are unspecified afterwards. O(log n).
    fn reduce_u64(&self, op: ReduceOp, values: &mut [u64]);
    /// All ranks' `data` on rank 0, in rank order; `None` elsewhere. Lengths may differ.
    fn gather(&self, data: &[u8]) -> Option<Vec<Vec<u8>>>;
    /// Sends a message without waiting for it to be received; order between two ranks is kept.
    fn send(&self, to: usize, message: &[u8]);
    /// The next message for this rank, if one is there: its sender and its bytes.
    fn try_recv(&self) -> Option<(usize, Vec<u8>)>;
    /// Ends the whole job at once with this exit code: the last resort when a rank cannot reach the next collective.
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
