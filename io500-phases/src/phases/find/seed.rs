//! The first division of the work: rank 0 lists a little, and every rank takes its share of the directories found.
//!
//! The shares follow from the tree alone, so they are the same in every run. What they do not balance, stealing does.

use super::pool::{Next, Pool};
use super::work::{Path, Work};
use super::worker::Worker;
use crate::backend::Backend;
use crate::engine::Recorder;

/// Pieces of work for each rank that end this listing.
const UNITS_PER_RANK: usize = 4;
/// Batches and lookups that end it: the others are waiting.
const STEPS: usize = 64;
/// Lookups of entry types that end it.
const LOOKUPS: u64 = 256;

/// Widens what is in the pool until there is work for so many ranks, and takes it out.
pub fn spread<'a, B: Backend, R: Recorder>(
    pool: &Pool<'a, B::Dir, R>,
    worker: &mut Worker<'a, '_, B>,
    ranks: usize,
) -> Vec<Work<'a, B::Dir>> {
    pool.set_breadth_first(true);
    for _ in 0..STEPS {
        let (next, _) = pool.exchange(&mut worker.outcome, &mut worker.status);
        if matches!(next, Next::Nothing) {
            break;
        }
        worker.step(next);
        pool.hand_in(&mut worker.outcome);
        if pool.units() >= ranks * UNITS_PER_RANK || pool.counted().0.unknown > LOOKUPS {
            break;
        }
    }
    pool.set_breadth_first(false);
    pool.drain()
}

/// The works in a message.
pub fn encode<D>(works: &[Work<'_, D>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(works.iter().map(Work::encoded_len).sum());
    works.iter().for_each(|work| work.encode(&mut bytes));
    bytes
}

/// The share of a rank: the works in their order, cut into stretches that differ by one unit at most.
pub fn share<'a, D>(works: Vec<Work<'a, D>>, rank: usize, ranks: usize) -> Vec<Work<'a, D>> {
    let units: u64 = works.iter().map(|work| u64::from(work.units())).sum();
    let edge = |rank: usize| units * rank as u64 / ranks as u64;
    let (from, to) = (edge(rank), edge(rank + 1));
    let mut own = Vec::new();
    let mut at = 0;
    for mut work in works {
        let end = at + u64::from(work.units());
        let (first, last) = (at.max(from), end.min(to));
        if first < last {
            // drop what is beyond the share, then what is before it
            if last < end {
                work.split_off((end - last) as u32);
            }
            own.extend(if first > at { work.split_off((last - first) as u32) } else { Some(work) });
        }
        at = end;
    }
    own
}

/// The work of a walk that has not begun.
pub fn start<'a, D>() -> Work<'a, D> {
    Work { path: Path::from([]), handle: super::work::Handle::Far, task: super::work::Task::List }
}

#[cfg(test)]
mod tests {
    use super::super::work::{Handle, Task};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_cover_everything_once(shards in prop::collection::vec(0u32..9, 0..12), ranks in 1usize..8) {
            let works = || -> Vec<Work<'static, ()>> {
                let work = |(at, &count): (usize, &u32)| {
                    let task = if count == 0 { Task::List } else { Task::Shards(0..count, count) };
                    Work { path: at.to_string().into_bytes().into(), handle: Handle::Far, task }
                };
                shards.iter().enumerate().map(work).collect()
            };
            let units = |works: Vec<Work<'_, ()>>| -> Vec<(Path, u32)> {
                let each = |work: Work<'_, ()>| match work.task {
                    Task::Shards(shards, _) => shards.map(|shard| (work.path.clone(), shard)).collect(),
                    _ => vec![(work.path, 0)],
                };
                works.into_iter().flat_map(each).collect()
            };
            let shares: Vec<_> = (0..ranks).map(|rank| units(share(works(), rank, ranks))).collect();
            let sizes: Vec<usize> = shares.iter().map(Vec::len).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            prop_assert_eq!(shares.concat(), units(works()));
        }
    }
}
