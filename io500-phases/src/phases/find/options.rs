//! How a find phase runs: the C suite's options, honoured or refused, and the number of threads.

use crate::config;
use crate::error::{Error, Result};

/// How the ranks share the work of a find phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindOptions {
    /// Lookups in flight per rank; 0: one for each processor that the rank has to itself.
    pub threads: usize,
    /// Ranks that take part, from rank 0 on (`nproc`). All when unset.
    pub ranks: Option<usize>,
    /// A rank reads on in a directory only while fewer names wait for their lookup (`pfind-queue-length`).
    pub queue_length: usize,
    /// Every second attempt to steal asks the rank before (`pfind-steal-next`).
    pub steal_next: bool,
    /// Refuse a store that cannot let several ranks list one directory
    /// (`pfind-parallelize-single-dir-access-using-hashing`). Where it can, they always do.
    pub must_split: bool,
}

impl Default for FindOptions {
    fn default() -> Self {
        FindOptions { threads: 0, ranks: None, queue_length: 10_000, steal_next: false, must_split: false }
    }
}

impl FindOptions {
    /// The options of a configuration for a run of `ranks` ranks.
    pub fn new(section: &config::Find, threads: usize, ranks: usize) -> Result<Self> {
        let refuse = |text: String| Err(Error::Config(text));
        let nproc = section.nproc.map(|nproc| nproc as usize);
        if let Some(nproc) = nproc.filter(|nproc| !(1..=ranks).contains(nproc)) {
            return refuse(format!("nproc = {nproc}: find can run on 1 to {ranks} ranks"));
        }
        let queue_length = match usize::try_from(section.queue_length) {
            Ok(length @ 1..) => length,
            _ => return refuse(format!("pfind-queue-length = {}: must be at least 1", section.queue_length)),
        };
        let (steal_next, must_split) = (section.steal_next, section.hashing);
        Ok(FindOptions { threads, ranks: nproc, queue_length, steal_next, must_split })
    }

    /// Lookups in flight on a rank of a node with so many ranks.
    pub fn threads_on(&self, ranks_on_node: usize) -> usize {
        if self.threads > 0 {
            return self.threads;
        }
        // the affinity mask and the control group's quota count, so a rank that its launcher bound sees its own cores
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        (processors / ranks_on_node.max(1)).clamp(1, MOST_THREADS)
    }
}

/// Enough to hide a round trip; more only queue in the client's network context.
const MOST_THREADS: usize = 16;
