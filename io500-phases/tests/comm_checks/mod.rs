//! What every `Comm` must do, checked on one rank of a group against a sequential model.
//!
//! Every rank derives the same sequence of operations and everyone's data from the seed, so each knows what must come
//! out without asking the others.

use io500_phases::comm::{Comm, MAX_MESSAGE, ReduceOp};

/// Runs `steps` operations chosen by `seed`; panics at the first wrong result.
pub fn run(comm: &dyn Comm, seed: u64, steps: u64) {
    let (rank, size) = (comm.rank(), comm.size());
    assert!(rank < size);
    assert_eq!(comm.topology().ranks(), size);
    for step in 0..steps {
        let mut shared = Random(mix(seed, step));
        let of_rank = |rank: usize| Random(mix(mix(seed, step), rank as u64 + 1));
        match shared.below(8) {
            0 => comm.barrier(),
            1 => broadcast(comm, &mut shared),
            2 => reductions(comm, &mut shared, of_rank),
            3 => float_reductions(comm, &mut shared, of_rank),
            4 => {
                let expected: Vec<u64> = (0..size).map(|rank| of_rank(rank).next()).collect();
                assert_eq!(comm.all_gather_u64(of_rank(rank).next()), expected);
            }
            5 => gather(comm, of_rank),
            _ => messages(comm, of_rank),
        }
    }
    comm.barrier();
    assert_eq!(comm.try_recv(), None);
    comm.barrier();
}

fn broadcast(comm: &dyn Comm, shared: &mut Random) {
    let root = shared.below(comm.size());
    let expected = shared.bytes(5000);
    // The others' vectors may be shorter or longer before.
    let mut data = if comm.rank() == root { expected.clone() } else { vec![1; comm.rank() * 1000] };
    comm.broadcast(root, &mut data);
    assert_eq!(data, expected);
    let (value, own) = (shared.next(), comm.rank() as u64);
    assert_eq!(comm.broadcast_u64(root, if comm.rank() == root { value } else { own }), value);
}

fn operation(shared: &mut Random) -> ReduceOp {
    [ReduceOp::Sum, ReduceOp::Min, ReduceOp::Max][shared.below(3)]
}

fn reductions(comm: &dyn Comm, shared: &mut Random, of_rank: impl Fn(usize) -> Random) {
    let (op, length) = (operation(shared), shared.below(300));
    let values = |rank: usize| {
        let mut random = of_rank(rank);
        (0..length).map(|_| random.next()).collect::<Vec<u64>>()
    };
    let mut expected = values(0);
    for rank in 1..comm.size() {
        for (left, right) in expected.iter_mut().zip(values(rank)) {
            *left = match op {
                ReduceOp::Sum => left.wrapping_add(right),
                ReduceOp::Min => right.min(*left),
                ReduceOp::Max => right.max(*left),
            };
        }
    }
    let mut on_all = values(comm.rank());
    comm.all_reduce_u64(op, &mut on_all);
    assert_eq!(on_all, expected, "{op:?}");
    let mut on_first = values(comm.rank());
    comm.reduce_u64(op, &mut on_first);
    if comm.rank() == 0 {
        assert_eq!(on_first, expected, "{op:?}");
    }
}

fn float_reductions(comm: &dyn Comm, shared: &mut Random, of_rank: impl Fn(usize) -> Random) {
    let op = operation(shared);
    // Small whole numbers: their sums are exact in any order.
    let values = |rank: usize| of_rank(rank).below(1000) as f64 - 500.0;
    let all = (0..comm.size()).map(values);
    let expected = match op {
        ReduceOp::Sum => all.sum(),
        ReduceOp::Min => all.fold(f64::INFINITY, f64::min),
        ReduceOp::Max => all.fold(f64::NEG_INFINITY, f64::max),
    };
    let mut mine = [values(comm.rank()), 1.0];
    comm.all_reduce_f64(op, &mut mine);
    assert_eq!(mine, [expected, if op == ReduceOp::Sum { comm.size() as f64 } else { 1.0 }], "{op:?}");
}

fn gather(comm: &dyn Comm, of_rank: impl Fn(usize) -> Random) {
    let row = |rank: usize| of_rank(rank).bytes(200);
    let expected = (comm.rank() == 0).then(|| (0..comm.size()).map(row).collect::<Vec<_>>());
    assert_eq!(comm.gather(&row(comm.rank())), expected);
}

/// Everyone sends a few dozen messages at once, to anyone including itself, and then receives what must come.
fn messages(comm: &dyn Comm, of_rank: impl Fn(usize) -> Random) {
    let size = comm.size();
    let sent_by = |rank: usize| {
        let mut random = of_rank(rank);
        let longest = if random.below(4) == 0 { MAX_MESSAGE } else { 100 };
        (0..random.below(40)).map(|_| (random.below(size), random.bytes(longest))).collect::<Vec<_>>()
    };
    for (to, message) in sent_by(comm.rank()) {
        comm.send(to, &message);
    }
    let mut expected: Vec<std::collections::VecDeque<Vec<u8>>> = vec![Default::default(); size];
    for (from, queue) in expected.iter_mut().enumerate() {
        queue.extend(sent_by(from).into_iter().filter(|(to, _)| *to == comm.rank()).map(|(_, message)| message));
    }
    let mut missing: usize = expected.iter().map(|queue| queue.len()).sum();
    while missing > 0 {
        match comm.try_recv() {
            Some((from, message)) => {
                assert_eq!(Some(message), expected[from].pop_front(), "message from rank {from}");
                missing -= 1;
            }
            None => std::thread::yield_now(),
        }
    }
    // Nobody's further messages may arrive here before everyone has counted.
    comm.barrier();
}

fn mix(seed: u64, with: u64) -> u64 {
    Random(seed ^ with.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, longest: usize) -> Vec<u8> {
        (0..self.below(longest + 1)).map(|_| self.next() as u8).collect()
    }
}
