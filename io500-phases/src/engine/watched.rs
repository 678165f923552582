//! A group of ranks that says when this rank waits for the others, so that a watchdog blames the rank that hangs and not those
//! that wait for it.

use super::progress::Progress;
use crate::comm::{Comm, ReduceOp, Topology};
use std::sync::Arc;

/// Passes every call on, and marks the waiting ones in [`Progress`].
pub struct Watched<'a> {
    comm: &'a dyn Comm,
    progress: Arc<Progress>,
}

impl<'a> Watched<'a> {
    /// The same ranks.
    pub fn new(comm: &'a dyn Comm, progress: Arc<Progress>) -> Self {
        Watched { comm, progress }
    }

    fn waiting<T>(&self, call: impl FnOnce(&dyn Comm) -> T) -> T {
        self.progress.set_waiting(true);
        let result = call(self.comm);
        self.progress.set_waiting(false);
        result
    }
}

impl Comm for Watched<'_> {
    fn rank(&self) -> usize {
        self.comm.rank()
    }
    fn size(&self) -> usize {
        self.comm.size()
    }
    fn host(&self) -> &str {
        self.comm.host()
    }
    fn topology(&self) -> &Topology {
        self.comm.topology()
    }
    fn barrier(&self) {
        self.waiting(|comm| comm.barrier());
    }
    fn broadcast(&self, root: usize, data: &mut Vec<u8>) {
        self.waiting(|comm| comm.broadcast(root, data));
    }
    fn broadcast_u64(&self, root: usize, value: u64) -> u64 {
        self.waiting(|comm| comm.broadcast_u64(root, value))
    }
    fn all_reduce_u64(&self, op: ReduceOp, values: &mut [u64]) {
        self.waiting(|comm| comm.all_reduce_u64(op, values));
    }
    fn all_reduce_f64(&self, op: ReduceOp, values: &mut [f64]) {
        self.waiting(|comm| comm.all_reduce_f64(op, values));
    }
    fn reduce_u64(&self, op: ReduceOp, values: &mut [u64]) {
        self.waiting(|comm| comm.reduce_u64(op, values));
    }
    fn all_gather_u64(&self, value: u64) -> Vec<u64> {
        self.waiting(|comm| comm.all_gather_u64(value))
    }
    fn gather(&self, data: &[u8]) -> Option<Vec<Vec<u8>>> {
        self.waiting(|comm| comm.gather(data))
    }
    fn send(&self, to: usize, message: &[u8]) {
        self.comm.send(to, message);
    }
    fn try_recv(&self) -> Option<(usize, Vec<u8>)> {
        self.comm.try_recv()
    }
    fn abort(&self, code: i32) -> ! {
        self.comm.abort(code)
    }
    fn describe(&self) -> String {
        self.comm.describe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;

    #[test]
    fn a_rank_in_a_barrier_is_waiting_and_one_after_it_is_not() {
        let progress = Arc::new(Progress::default());
        threads::run(2, |comm| {
            if comm.rank() == 0 {
                Watched::new(comm, progress.clone()).barrier();
            } else {
                while !progress.snapshot().waiting {
                    std::thread::yield_now();
                }
                comm.barrier();
            }
        });
        assert!(!progress.snapshot().waiting);
    }
}
