//! Groups within one process: `Solo` and threads against the sequential model, and what happens when a rank fails.

mod comm_checks;
mod common;

use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm::threads::{self, GroupFailure};
use io500_phases::comm::{ClockSync, Comm, Placement, ReduceOp, Solo, Topology};
use io500_phases::phase_id::PhaseId;
use proptest::prelude::*;
use std::cell::Cell;

#[test]
fn solo_follows_the_model() {
    comm_checks::run(&Solo::new(), 1, 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn threads_follow_the_model(ranks in 1_usize..10, seed: u64) {
        threads::run(ranks, |comm| comm_checks::run(comm, seed, 20));
    }
}

#[test]
fn sixty_four_threads_follow_the_model() {
    threads::run(64, |comm| comm_checks::run(comm, 64, 20));
}

#[test]
fn a_group_of_1280_threads_works() {
    let sums = threads::run(1280, |comm| {
        let mut values = vec![comm.rank() as u64; 100];
        for _ in 0..3 {
            comm.barrier();
        }
        comm.all_reduce_u64(ReduceOp::Sum, &mut values);
        assert_eq!(values, vec![1279 * 1280 / 2; 100]);
        assert!(comm.all_gather_u64(comm.rank() as u64).into_iter().eq(0..1280));
        values[0]
    });
    assert_eq!(sums, vec![1279 * 1280 / 2; 1280]);
}

#[test]
fn a_barrier_on_a_slow_network_takes_twice_the_depth_of_the_tree() {
    let hop = std::time::Duration::from_millis(50);
    let times = threads::try_run_delayed(&["node"; 16], hop, |comm| {
        comm.barrier();
        let begin = std::time::Instant::now();
        comm.barrier();
        begin.elapsed()
    });
    // four hops up and four down to the last rank; a chain would have fifteen
    let longest = times.unwrap().into_iter().max().unwrap();
    assert!((7 * hop..14 * hop).contains(&longest), "{longest:?}");
}

#[test]
fn results_are_in_rank_order_and_hosts_may_be_made_up() {
    let hosts = ["a", "b", "a", "b"];
    let found = threads::try_run_on(&hosts, |comm| {
        assert_eq!(comm.topology().placement(), Placement::RoundRobin);
        (comm.rank(), comm.size(), comm.host().to_owned(), comm.topology().node_of(comm.rank()))
    });
    let expected: Vec<_> =
        hosts.iter().enumerate().map(|(rank, host)| (rank, 4, (*host).to_owned(), rank % 2)).collect();
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn a_panic_of_one_rank_ends_the_group() {
    // Whatever the others wait for: a collective, or a message in a loop.
    let waits: [fn(&dyn Comm); 4] = [
        |comm| comm.barrier(),
        |comm| drop(comm.gather(&[1])),
        |comm| comm.all_reduce_u64(ReduceOp::Max, &mut [1]),
        |comm| while comm.try_recv().is_none() {},
    ];
    for wait in waits {
        let failure = threads::try_run(33, |comm| {
            comm.barrier();
            assert_ne!(comm.rank(), 17, "this rank fails");
            wait(comm);
        });
        let Err(GroupFailure::Panicked { rank: 17, message }) = failure else { panic!("{failure:?}") };
        assert!(message.contains("this rank fails"), "{message}");
    }
}

#[test]
fn an_abort_ends_the_group_with_its_code() {
    let failure = threads::try_run(5, |comm| {
        if comm.rank() == 4 {
            comm.abort(9);
        }
        comm.barrier();
    });
    assert!(matches!(failure, Err(GroupFailure::Aborted { rank: 4, code: 9 })), "{failure:?}");
}

#[test]
fn different_collectives_at_the_same_step_are_named() {
    let failure = threads::try_run(2, |comm| {
        if comm.rank() == 0 {
            comm.barrier();
        } else {
            comm.gather(&[]);
        }
    });
    let Err(GroupFailure::Panicked { rank: 0, message }) = failure else { panic!("{failure:?}") };
    assert_eq!(message, "rank 0 is in barrier while rank 1 is in gather");
}

#[test]
#[should_panic(expected = "rank 1 panicked: out of range")]
fn run_panics_with_the_first_cause() {
    threads::run(3, |comm| {
        assert!(comm.rank() != 1, "out of range");
        comm.barrier();
    });
}

/// Counts how often the ranks gather numbers, which is how clocks are compared.
struct Counted<'a>(&'a dyn Comm, &'a Cell<usize>);

impl Comm for Counted<'_> {
    fn all_gather_u64(&self, value: u64) -> Vec<u64> {
        self.1.set(self.1.get() + 1);
        self.0.all_gather_u64(value)
    }
    fn rank(&self) -> usize {
        self.0.rank()
    }
    fn size(&self) -> usize {
        self.0.size()
    }
    fn host(&self) -> &str {
        self.0.host()
    }
    fn topology(&self) -> &Topology {
        self.0.topology()
    }
    fn barrier(&self) {
        self.0.barrier();
    }
    fn broadcast(&self, root: usize, data: &mut Vec<u8>) {
        self.0.broadcast(root, data);
    }
    fn all_reduce_u64(&self, op: ReduceOp, values: &mut [u64]) {
        self.0.all_reduce_u64(op, values);
    }
    fn all_reduce_f64(&self, op: ReduceOp, values: &mut [f64]) {
        self.0.all_reduce_f64(op, values);
    }
    fn reduce_u64(&self, op: ReduceOp, values: &mut [u64]) {
        self.0.reduce_u64(op, values);
    }
    fn gather(&self, data: &[u8]) -> Option<Vec<Vec<u8>>> {
        self.0.gather(data)
    }
    fn send(&self, to: usize, message: &[u8]) {
        self.0.send(to, message);
    }
    fn try_recv(&self) -> Option<(usize, Vec<u8>)> {
        self.0.try_recv()
    }
    fn abort(&self, code: i32) -> ! {
        self.0.abort(code)
    }
    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[test]
fn a_run_measures_the_clocks_before_every_phase() {
    let config = common::config("", &["debug.stonewall-time=1", "mdtest-easy.n=10"]);
    let gathered = |phases: &[PhaseId]| {
        let count = Cell::new(0);
        let stores = Single { backend: Null, datadir: "/data".into() };
        let (solo, timestamp) = (Solo::new(), "2026.01.02-03.04.05");
        common::run_on(&config, phases, &Counted(&solo, &count), timestamp, None, &stores).unwrap();
        count.into_inner()
    };
    let once = {
        let count = Cell::new(0);
        ClockSync::measure(&Counted(&Solo::new(), &count));
        count.into_inner()
    };
    assert!(once > 0);
    // at the start, and before each; what else a run gathers does not depend on its phases
    let one = gathered(&[PhaseId::MdtestEasyWrite]);
    assert!(one >= 2 * once, "{one}");
    assert_eq!(gathered(&[PhaseId::MdtestEasyWrite, PhaseId::Timestamp, PhaseId::MdtestEasyStat]), one + 2 * once);
}
