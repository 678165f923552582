//! One time scale for all ranks: rank 0's monotonic clock, reached by measured offsets.
//!
//! Ranks whose processes share a clock need no measurement. One rank for each further clock exchanges messages with
//! its parent in a binomial tree: the parent's reading lies between the child's own two readings around the exchange,
//! so the offset is known to half the shortest round trip, whatever the scheduler did. Offsets and their uncertainties
//! add up along the tree. It takes milliseconds; repeat it where clocks may have drifted (microseconds a second).

use super::tree::{children, parent};
use super::{Comm, ReduceOp, host_id};
use crate::clock;
use std::collections::HashMap;

/// Exchanges per pair of clocks; the shortest one counts.
const ROUNDS: usize = 24;

/// How this rank's clocks relate to rank 0's, and how much the group's clocks disagree. The default is that of a
/// group with a single clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockSync {
    /// To be added to this rank's monotonic reading for rank 0's at the same moment.
    pub offset_ns: i64,
    /// `offset_ns` is right to this many nanoseconds, 0 where the clock is rank 0's own.
    pub uncertainty_ns: u64,
    /// The largest `uncertainty_ns` of all ranks.
    pub uncertainty_max_ns: u64,
    /// How far this rank's wall clock is ahead of rank 0's; known about as well as the offset.
    pub wall_skew_ns: i64,
    /// The largest absolute `wall_skew_ns` of all ranks.
    pub wall_skew_max_ns: u64,
    /// The number of monotonic clocks in the group besides rank 0's.
    pub other_clocks: usize,
}

impl ClockSync {
    /// Measures. Collective over the group.
    pub fn measure(comm: &dyn Comm) -> ClockSync {
        // A clock without a name is taken for one that no other rank has.
        let id = clock::clock_id().unwrap_or_else(|| format!("rank {}", comm.rank()));
        measure(comm, host_id(&id), clock::now_ns, clock::wall_ahead_ns())
    }

    /// A reading of [`clock::now_ns`] on this rank as rank 0's clock has it.
    pub fn to_root(&self, local_ns: u64) -> i64 {
        local_ns as i64 + self.offset_ns
    }
}

fn measure(comm: &dyn Comm, clock_id: u64, now_ns: impl Fn() -> u64, wall_ahead_ns: i64) -> ClockSync {
    // Also keeps the exchange apart from whatever messages came before.
    let ids = comm.all_gather_u64(clock_id);
    let mut first_ranks = Vec::new();
    let mut numbers = HashMap::new();
    for (rank, id) in ids.into_iter().enumerate() {
        numbers.entry(id).or_insert_with(|| {
            first_ranks.push(rank);
            first_ranks.len() - 1
        });
    }
    let number = numbers[&clock_id];
    let first_rank = first_ranks[number];

    let mut offset = Offset::default();
    if first_rank == comm.rank() {
        let mut letters = Letters { comm, early: Vec::new() };
        if number > 0 {
            offset = letters.ask(first_ranks[parent(number)], &now_ns);
        }
        for child in children(number, first_ranks.len()).rev() {
            letters.answer(first_ranks[child], &now_ns, offset);
        }
    }

    // Everyone looks up what the first rank with its clock found; nothing more is under way when this returns.
    let offsets = comm.all_gather_u64(offset.ns as u64);
    let uncertainties = comm.all_gather_u64(offset.uncertainty_ns);
    let walls = comm.all_gather_u64(wall_ahead_ns as u64);
    let (offset_ns, uncertainty_ns) = (offsets[first_rank] as i64, uncertainties[first_rank]);
    let wall_skew_ns = walls[first_rank] as i64 - offset_ns - walls[0] as i64;
    let mut largest = [uncertainty_ns, wall_skew_ns.unsigned_abs()];
    comm.all_reduce_u64(ReduceOp::Max, &mut largest);
    let [uncertainty_max_ns, wall_skew_max_ns] = largest;
    let other_clocks = first_ranks.len() - 1;
    ClockSync { offset_ns, uncertainty_ns, uncertainty_max_ns, wall_skew_ns, wall_skew_max_ns, other_clocks }
}

/// What is to be added to a clock for rank 0's, give or take.
#[derive(Debug, Clone, Copy, Default)]
struct Offset {
    ns: i64,
    uncertainty_ns: u64,
}

/// The exchange of readings. Children may write before it is their turn: what comes early is kept.
struct Letters<'a> {
    comm: &'a dyn Comm,
    early: Vec<(usize, Vec<u8>)>,
}

impl Letters<'_> {
    /// The child's side: readings of the parent's clock between two of ours, and then the parent's own offset.
    fn ask(&mut self, parent: usize, now_ns: impl Fn() -> u64) -> Offset {
        let mut shortest = None;
        for _ in 0..ROUNDS {
            let asked = now_ns();
            self.comm.send(parent, &[]);
            let theirs = self.receive(parent);
            let round_trip = now_ns() - asked;
            let offset = parse::<1>(&theirs)[0] as i64 - (asked + round_trip / 2) as i64;
            shortest = [shortest, Some((round_trip, offset))].into_iter().flatten().min();
        }
        let (round_trip, offset) = shortest.expect("ROUNDS is not 0");
        let [parent_ns, parent_uncertainty] = parse(&self.receive(parent));
        Offset { ns: offset + parent_ns as i64, uncertainty_ns: round_trip.div_ceil(2) + parent_uncertainty }
    }

    /// The parent's side.
    fn answer(&mut self, child: usize, now_ns: impl Fn() -> u64, mine: Offset) {
        for _ in 0..ROUNDS {
            self.receive(child);
            self.comm.send(child, &now_ns().to_le_bytes());
        }
        self.comm.send(child, &[(mine.ns as u64).to_le_bytes(), mine.uncertainty_ns.to_le_bytes()].concat());
    }

    fn receive(&mut self, from: usize) -> Vec<u8> {
        if let Some(at) = self.early.iter().position(|(sender, _)| *sender == from) {
            return self.early.remove(at).1;
        }
        loop {
            match self.comm.try_recv() {
                Some((sender, letter)) if sender == from => return letter,
                Some(other) => self.early.push(other),
                None => std::thread::yield_now(),
            }
        }
    }
}

fn parse<const N: usize>(letter: &[u8]) -> [u64; N] {
    assert_eq!(letter.len(), N * 8, "a clock message of {} bytes", letter.len());
    std::array::from_fn(|at| u64::from_le_bytes(std::array::from_fn(|byte| letter[at * 8 + byte])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{Solo, threads};
    use proptest::prelude::*;

    #[test]
    fn one_rank_is_aligned_with_itself() {
        assert_eq!(ClockSync::measure(&Solo::new()), ClockSync::default());
    }

    #[test]
    fn ranks_of_one_process_share_their_clock() {
        for sync in threads::run(5, |comm| ClockSync::measure(comm)) {
            assert_eq!((sync.other_clocks, sync.offset_ns, sync.uncertainty_max_ns), (0, 0, 0));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn made_up_clocks_are_found_to_their_uncertainty(
            clocks in proptest::collection::vec((0_u64..1 << 50, -1_000_000_000_i64..1_000_000_000), 1..9),
            ranks in 1_usize..20,
            stride in 1_usize..4,
        ) {
            // Clock c is `ahead` of the host's, and its wall clock is wrong by `error`.
            let clock_of = |rank: usize| (rank / stride) % clocks.len();
            let syncs = threads::run(ranks, |comm| {
                let (ahead, error) = clocks[clock_of(comm.rank())];
                measure(comm, clock_of(comm.rank()) as u64, || clock::now_ns() + ahead, error - ahead as i64)
            });
            let (ahead_0, error_0) = clocks[0];
            let mut largest_skew = 0;
            for (rank, sync) in syncs.iter().enumerate() {
                let (ahead, error) = clocks[clock_of(rank)];
                let wrong_by = sync.offset_ns - (ahead_0 as i64 - ahead as i64);
                prop_assert!(wrong_by.unsigned_abs() <= sync.uncertainty_ns, "{wrong_by} {sync:?}");
                let wrong_by = sync.wall_skew_ns - (error - error_0);
                prop_assert!(wrong_by.unsigned_abs() <= sync.uncertainty_ns, "{wrong_by} {sync:?}");
                prop_assert_eq!(sync.uncertainty_ns == 0, clock_of(rank) == 0);
                prop_assert!(sync.uncertainty_ns <= sync.uncertainty_max_ns);
                prop_assert_eq!(sync.other_clocks, clocks.len().min(ranks.div_ceil(stride)) - 1);
                largest_skew = largest_skew.max(sync.wall_skew_ns.unsigned_abs());
                prop_assert_eq!(sync.to_root(5), 5 + sync.offset_ns);
            }
            prop_assert!(syncs.iter().all(|sync| sync.wall_skew_max_ns == largest_skew));
        }
    }
}
