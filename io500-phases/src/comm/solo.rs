//! One rank without a launcher: collectives are identities, MPI is never started.

use super::{Comm, MAX_MESSAGE, ReduceOp, Topology, host_id, host_name};
use std::cell::RefCell;
use std::collections::VecDeque;

/// A group of one rank: this process.
pub struct Solo {
    host: String,
    topology: Topology,
    to_self: RefCell<VecDeque<Vec<u8>>>,
}

impl Solo {
    /// A group of this process only.
    pub fn new() -> Solo {
        let host = host_name();
        let topology = Topology::from_host_ids(&[host_id(&host)]);
        Solo { host, topology, to_self: RefCell::default() }
    }
}

impl Default for Solo {
    fn default() -> Solo {
        Solo::new()
    }
}

impl Comm for Solo {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn topology(&self) -> &Topology {
        &self.topology
    }

    fn barrier(&self) {}

    fn broadcast(&self, root: usize, _data: &mut Vec<u8>) {
        assert_eq!(root, 0, "broadcast from rank {root} of 1");
    }

    fn all_reduce_u64(&self, _op: ReduceOp, _values: &mut [u64]) {}

    fn all_reduce_f64(&self, _op: ReduceOp, _values: &mut [f64]) {}

    fn reduce_u64(&self, _op: ReduceOp, _values: &mut [u64]) {}

    fn all_gather_u64(&self, value: u64) -> Vec<u64> {
        vec![value]
    }

    fn gather(&self, data: &[u8]) -> Option<Vec<Vec<u8>>> {
        Some(vec![data.to_vec()])
    }

    fn send(&self, to: usize, message: &[u8]) {
        assert_eq!(to, 0, "message to rank {to} of 1");
        assert!(message.len() <= MAX_MESSAGE, "message of {} bytes", message.len());
        self.to_self.borrow_mut().push_back(message.to_vec());
    }

    fn try_recv(&self) -> Option<(usize, Vec<u8>)> {
        Some((0, self.to_self.borrow_mut().pop_front()?))
    }

    fn abort(&self, code: i32) -> ! {
        std::process::exit(code)
    }

    fn describe(&self) -> String {
        "solo".to_owned()
    }
}
