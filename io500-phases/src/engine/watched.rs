//! A group of ranks that says when this rank waits for the others, so that a watchdog blames the rank that hangs and not those
//! that wait for it.

use super::progress::Progress;
use crate::comm::{Comm, ReduceOp, Topology};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a rank that was asked to stop waits for word that the others are alive: less than a launcher leaves it.
const HESITATION: Duration = Duration::from_millis(600);

/// Passes every call on, and marks the waiting ones in [`Progress`].
///
/// A rank that is asked to stop may be asked because another one died, and MPI may end a process that talks to a dead one. So it first
/// leaves a watchdog the time to find out and write it down.
pub struct Watched<'a> {
    comm: &'a dyn Comm,
    progress: Arc<Progress>,
    hesitated: Cell<bool>,
}

impl<'a> Watched<'a> {
    /// The same ranks.
    pub fn new(comm: &'a dyn Comm, progress: Arc<Progress>) -> Self {
        Watched { comm, progress, hesitated: Cell::new(comm.size() == 1) }
    }

    fn hesitate(&self) {
        if self.hesitated.get() || !self.progress.stop_requested() {
            return;
        }
        self.hesitated.set(true);
        self.progress.set_waiting(true);
        let begin = Instant::now();
        while !self.progress.peers_alive() && begin.elapsed() < HESITATION {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.progress.set_waiting(false);
    }

    fn waiting<T>(&self, call: impl FnOnce(&dyn Comm) -> T) -> T {
        self.hesitate();
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
        self.hesitate();
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
    fn a_rank_that_is_asked_to_stop_talks_to_the_others_when_they_are_known_to_live_or_after_a_moment() {
        for alive in [true, false] {
            let waited = threads::run(2, |comm| {
                let progress = Arc::new(Progress::default());
                progress.stop_flag().store(true, std::sync::atomic::Ordering::Relaxed);
                if alive {
                    progress.confirm_peers();
                }
                let (comm, begin) = (Watched::new(comm, progress), Instant::now());
                comm.barrier();
                let first = begin.elapsed();
                comm.barrier();
                (first >= HESITATION, begin.elapsed() < 2 * HESITATION)
            });
            assert_eq!(waited, [(!alive, true); 2]);
        }
    }

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
