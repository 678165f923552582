//! How a find phase runs: the C suite's options, honoured or refused, and the number of threads.

use crate::config;
use crate::error::{Error, Result};
use std::sync::OnceLock;

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
}

impl Default for FindOptions {
    fn default() -> Self {
        FindOptions { threads: 0, ranks: None, queue_length: 10_000, steal_next: false }
    }
}

impl FindOptions {
    /// The options of a configuration, with so many threads, for a run of `ranks` ranks.
    ///
    /// `pfind-parallelize-single-dir-access-using-hashing` needs nothing here: where the store can split a directory, that is always
    /// done, and where it cannot, `Config::accepted` has said so.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for values that cannot be honoured.
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
        Ok(FindOptions { threads, ranks: nproc, queue_length, steal_next: section.steal_next })
    }

    /// Lookups in flight on a rank of a node with so many ranks.
    pub fn threads_on(&self, ranks_on_node: usize) -> usize {
        if self.threads > 0 {
            return self.threads;
        }
        let Processors { usable, online } = *processors();
        usable.min(online / ranks_on_node.max(1)).clamp(1, MOST_THREADS)
    }
}

/// The processors that there are for this rank.
#[derive(Debug)]
struct Processors {
    /// What this process may use (affinity, control group); other ranks may use the same.
    usable: usize,
    /// What the node has.
    online: usize,
}

/// Found out once: the files behind it are read in every phase otherwise, by every rank of a node at the same moment.
fn processors() -> &'static Processors {
    static FOUND: OnceLock<Processors> = OnceLock::new();
    FOUND.get_or_init(|| {
        let usable = std::thread::available_parallelism().map_or(1, usize::from);
        Processors { usable, online: online().unwrap_or(usable) }
    })
}

fn online() -> Option<usize> {
    let ranges = std::fs::read_to_string("/sys/devices/system/cpu/online").ok()?;
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<usize>().ok()? - first.parse::<usize>().ok()? + 1)
    };
    ranges.trim().split(',').map(count).sum()
}

/// Enough to hide a round trip; more only queue in the client's network context.
const MOST_THREADS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn section() -> config::Find {
        config::Config::builder().build().unwrap().0.find.clone()
    }

    #[test]
    fn the_options_of_the_c_suite_are_honoured_or_refused() {
        let plain = FindOptions::new(&section(), 0, 4).unwrap();
        assert_eq!(plain, FindOptions::default());
        let some = config::Find { nproc: Some(3), queue_length: 7, steal_next: true, hashing: true, ..section() };
        let honoured = FindOptions { threads: 2, ranks: Some(3), queue_length: 7, steal_next: true };
        assert_eq!(FindOptions::new(&some, 2, 4).unwrap(), honoured);
        let refused = |change: fn(&mut config::Find)| {
            let mut section = section();
            change(&mut section);
            FindOptions::new(&section, 0, 4).unwrap_err().to_string()
        };
        assert!(refused(|section| section.nproc = Some(5)).contains("1 to 4 ranks"));
        assert!(refused(|section| section.nproc = Some(0)).contains("1 to 4 ranks"));
        assert!(refused(|section| section.queue_length = 0).contains("at least 1"));
    }

    #[test]
    fn threads_follow_the_processors() {
        let options = FindOptions::default();
        assert!((1..=MOST_THREADS).contains(&options.threads_on(1)));
        assert_eq!(options.threads_on(1_000_000), 1);
        assert!(std::ptr::eq(processors(), processors()), "found out once");
        assert_eq!(FindOptions { threads: 40, ..options }.threads_on(1), 40);
    }
}
