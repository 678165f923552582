//! Groups within one process: `Solo` and threads against the sequential model, and what happens when a rank fails.

mod comm_checks;

use io500_phases::comm::threads::{self, GroupFailure};
use io500_phases::comm::{Comm, Placement, ReduceOp, Solo};
use proptest::prelude::*;

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
