//! The parallel walk finds what is there, however many ranks and threads share the work, and ends when it cannot.

mod find_store;

use find_store::{Expected, Manner, Node, Store};
use io500_phases::backend::Backend;
use io500_phases::comm::{ClockSync, Comm, threads};
use io500_phases::engine::{Off, OpKind, Progress, Recorder, Team, Ticker};
use io500_phases::error::{Error, Result};
use io500_phases::phase_id::PhaseId;
use io500_phases::phases::find::{self, Counts, FindOptions, FindTally, Method};
use io500_phases::phases::{Pace, PhaseContext, RankTally};
use io500_phases::plan::{FindPlan, Glob, Predicate};
use io500_phases::results::FindResult;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

fn walk_on<B, R>(
    comm: &dyn Comm,
    backend: &B,
    root: &B::Dir,
    plan: &FindPlan,
    options: &FindOptions,
    recorder: &mut R,
    progress: &Progress,
) -> Result<(RankTally, FindTally)>
where
    B: Backend + Sync,
    B::Dir: Send + Sync,
    R: Recorder + Send,
{
    let team = Team::new(comm, Duration::from_secs(60), Arc::new(|error| panic!("stuck: {error}")));
    team.enter(Some(PhaseId::Find));
    let (ticker, clock) = (Ticker::real(), ClockSync::default());
    let pace = Pace { stonewall_s: None, queue_depth: 1, threads: 1 };
    let context = PhaseContext { backend, root, team: &team, ticker: &ticker, progress, clock: &clock, pace };
    find::run(&context, plan, options, recorder)
}

fn walk(store: &Store, ranks: usize, plan: &FindPlan, options: &FindOptions) -> Vec<Result<(RankTally, FindTally)>> {
    threads::run(ranks, |comm| walk_on(comm, &store, &&store.tree, plan, options, &mut Off, &Progress::default()))
}

fn rules() -> FindPlan {
    let predicate = Predicate { name: Some(Glob::containing("01")), size: Some(3901), not_before: Some(100) };
    FindPlan { below: String::new(), predicate, newer_than_timestamp: true }
}

fn sum(tallies: &[FindTally]) -> Counts {
    let mut sum = Counts::default();
    tallies.iter().for_each(|tally| sum += tally.counts);
    sum
}

fn seen(counts: Counts) -> Expected {
    Expected { found: counts.found, total: counts.total, checked: counts.checked, errors: counts.errors }
}

/// Entries of every sort, half of them plain files that match.
fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        8 => (prop_oneof![Just(3901u64), Just(0)], 98i64..103).prop_map(|(size, ctime)| Node::File { size, ctime }),
        1 => Just(Node::Symlink),
        1 => Just(Node::GoneFile),
        1 => Just(Node::GoneDir),
        1 => Just(Node::Refused),
        1 => Just(Node::Unreadable),
        1 => Just(Node::Broken),
    ]
}

fn named(nodes: Vec<Node>) -> Node {
    // 95 on, so that some contain 01 and most do not
    let name = |(at, node)| (format!("file.{}", at + 95), node);
    Node::Dir(nodes.into_iter().enumerate().map(name).collect())
}

/// Nested directories, down to empty ones.
fn tree() -> impl Strategy<Value = Node> {
    let leaf = prop::collection::vec(node(), 0..30).prop_map(named);
    let bushy = leaf.prop_recursive(5, 200, 12, |inner| {
        (prop::collection::vec(inner, 0..12), prop::collection::vec(node(), 0..8)).prop_map(|(dirs, files)| {
            let mut all = dirs;
            all.extend(files);
            named(all)
        })
    });
    // one directory with many entries, and a chain deeper than parents are kept open
    let wide = prop::collection::vec(node(), 1000..3000).prop_map(named);
    let deep = (prop::collection::vec(node(), 1..4), 30usize..120).prop_map(|(nodes, depth)| {
        let mut bottom = named(nodes);
        for _ in 0..depth {
            bottom = named(vec![Node::File { size: 3901, ctime: 100 }, bottom]);
        }
        bottom
    });
    prop_oneof![6 => bushy, 1 => wide, 1 => deep]
}

fn manner() -> impl Strategy<Value = Manner> {
    (
        1u32..9,
        any::<bool>(),
        prop::bool::weighted(0.3).prop_map(|all| if all { u32::MAX } else { 0 }),
        prop_oneof![Just(1usize), Just(7), Just(1024)],
    )
        .prop_map(|(shards, tells_kinds, filters, batch)| Manner { shards, tells_kinds, filters, batch })
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let glob = prop_oneof![Just("*01*"), Just("file.?01"), Just("*")];
    let name = prop::option::of(glob.prop_map(|glob| Glob::new(glob).unwrap()));
    (name, prop::option::of(Just(3901u64)), prop::option::of(Just(100i64)))
        .prop_map(|(name, size, not_before)| Predicate { name, size, not_before })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn any_number_of_ranks_and_threads_counts_the_same(
        tree in tree(),
        manner in manner(),
        predicate in predicate(),
        threads in 1usize..4,
        queue_length in prop_oneof![Just(1usize), Just(10_000)],
        steal_next: bool,
    ) {
        let store = Store { tree, manner };
        let expected = store.expect(&predicate);
        let sequential = find::walk(&&store, &&store.tree, &predicate).unwrap();
        if manner.filters == 0 {
            prop_assert_eq!(seen(sequential), expected);
        }
        let plan = FindPlan { below: String::new(), predicate, newer_than_timestamp: false };
        for ranks in [1, 2, 3, 5] {
            let options = FindOptions { threads, ranks: None, queue_length, steal_next };
            let (tallies, finds): (Vec<_>, Vec<_>) =
                walk(&store, ranks, &plan, &options).into_iter().map(Result::unwrap).unzip();
            prop_assert_eq!(seen(sum(&finds)), expected, "{} ranks, {:?}", ranks, &finds);
            prop_assert_eq!(tallies.iter().map(|tally| tally.operations).sum::<u64>(), expected.total);
            let moved = |of: fn(&FindTally) -> u64| finds.iter().map(of).sum::<u64>();
            prop_assert_eq!(moved(|find| find.traffic.given), moved(|find| find.traffic.stolen));
        }
    }
}

/// One directory in eight shards is read by all ranks, and one without shards is looked up by all.
#[test]
fn one_huge_directory_is_shared() {
    for (shards, tells_kinds) in [(8, true), (1, false)] {
        let files = (0..20_000).map(|_| Node::File { size: 3901, ctime: 100 }).collect();
        let manner = Manner { shards, tells_kinds, filters: 0, batch: 256 };
        let store = Store { tree: Node::Dir(vec![("a".into(), named(files))]), manner };
        let finds: Vec<_> = walk(&store, 4, &rules(), &FindOptions { threads: 1, ..FindOptions::default() })
            .into_iter()
            .map(|result| result.unwrap().1)
            .collect();
        assert_eq!(seen(sum(&finds)), store.expect(&rules().predicate));
        assert!(sum(&finds).found > 0);
        assert!(finds.iter().map(|find| find.traffic.stolen).sum::<u64>() > 0, "{finds:?}");
    }
}

/// What find(1) would need to be told: a plan for a part of the tree, without size and time.
#[test]
fn a_walk_begins_where_the_plan_says() {
    let files = |count| named((0..count).map(|_| Node::File { size: 0, ctime: 0 }).collect());
    let inner = Node::Dir(vec![("mdtest-easy".into(), files(10)), ("mdtest-hard".into(), files(30))]);
    let manner = Manner { shards: 1, tells_kinds: true, filters: 0, batch: 4 };
    let store = Store { tree: Node::Dir(vec![("data".into(), inner)]), manner };
    let predicate = Predicate { name: Some(Glob::containing("01")), ..Predicate::default() };
    let plan = FindPlan { below: "data/mdtest-easy".into(), predicate, newer_than_timestamp: false };
    let all = |plan: &FindPlan| walk(&store, 3, plan, &FindOptions::default());
    let finds: Vec<_> = all(&plan).into_iter().map(|result| result.unwrap().1).collect();
    assert_eq!(seen(sum(&finds)), Expected { found: 1, total: 10, checked: 10, errors: 0 });

    let nowhere = FindPlan { below: "data/nowhere".into(), ..plan };
    for result in all(&nowhere) {
        let Error::Storage { rank: 0, op, path, .. } = result.unwrap_err() else { panic!("another error") };
        assert_eq!((op.as_str(), path.as_str()), ("open", "data/nowhere"));
    }
}

#[test]
fn ranks_beyond_nproc_take_no_part() {
    let manner = Manner { shards: 3, tells_kinds: false, filters: 0, batch: 16 };
    let files = (0..500).map(|_| Node::File { size: 3901, ctime: 100 }).collect();
    let store = Store { tree: Node::Dir(vec![("a".into(), named(files))]), manner };
    for nproc in [1, 2] {
        let options = FindOptions { ranks: Some(nproc), ..FindOptions::default() };
        let finds: Vec<_> = walk(&store, 5, &rules(), &options).into_iter().map(|result| result.unwrap().1).collect();
        assert_eq!(seen(sum(&finds)), store.expect(&rules().predicate));
        assert_eq!(finds.iter().filter(|find| find.takes_part).count(), nproc);
        assert!(finds.iter().skip(nproc).all(|find| find.counts == Counts::default() && find.traffic.asks == 0));
    }
}

#[test]
fn servers_that_filter_are_used_and_what_they_leave_out_is_counted() {
    let manner = Manner { shards: 2, tells_kinds: false, filters: u32::MAX, batch: 16 };
    let files = (0..500).map(|at| Node::File { size: 3901, ctime: 99 + at % 3 }).collect();
    let store = Store { tree: Node::Dir(vec![("a".into(), named(files))]), manner };
    let finds: Vec<_> =
        walk(&store, 2, &rules(), &FindOptions::default()).into_iter().map(|result| result.unwrap().1).collect();
    assert!(finds.iter().all(|find| find.method == Method::Server));
    assert_eq!(sum(&finds).unknown, 0);
    assert_eq!(seen(sum(&finds)), store.expect(&rules().predicate));
    // a pattern that the servers might read otherwise is compared here
    let predicate = Predicate { name: Some(Glob::new("file.?01").unwrap()), ..rules().predicate };
    let plan = FindPlan { predicate, ..rules() };
    let finds = walk(&store, 2, &plan, &FindOptions::default());
    assert!(finds.into_iter().all(|result| result.unwrap().1.method == Method::NameFirst));
}

/// Servers that filter one part of a directory and refuse the other: that one is listed plainly, and nothing is counted twice or lost.
#[test]
fn what_the_servers_refuse_is_listed_plainly() {
    let files = (0..500).map(|_| Node::File { size: 3901, ctime: 100 }).collect();
    let manner = Manner { shards: 2, tells_kinds: true, filters: 1, batch: 16 };
    let store = Store { tree: Node::Dir(vec![("a".into(), named(files))]), manner };
    let finds: Vec<_> =
        walk(&store, 2, &rules(), &FindOptions::default()).into_iter().map(|result| result.unwrap().1).collect();
    assert_eq!(seen(sum(&finds)), store.expect(&rules().predicate));
    assert_eq!(sum(&finds).unfiltered, 2, "the second half of both directories");
    assert_eq!(FindResult::new(&finds, None, None).method, "mixed");
}

/// A panic in a lookup, on the rank's own thread or on another, ends the phase everywhere with the same error.
#[test]
fn a_rank_that_fails_ends_the_phase_on_all() {
    for (ranks, threads, steps) in [(1, 1, 40), (3, 1, 40), (3, 3, 2000), (5, 2, 500)] {
        let mut nodes: Vec<_> = (0..steps).map(|_| Node::File { size: 3901, ctime: 100 }).collect();
        nodes[steps / 2] = Node::Panics;
        let manner = Manner { shards: 4, tells_kinds: false, filters: 0, batch: 8 };
        let store = Store { tree: Node::Dir(vec![("a".into(), named(nodes))]), manner };
        let results = walk(&store, ranks, &rules(), &FindOptions { threads, ..FindOptions::default() });
        let errors: Vec<String> = results.into_iter().map(|result| result.unwrap_err().to_string()).collect();
        assert!(errors[0].contains("panicked: a lookup that panics"), "{errors:?}");
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    }
}

#[test]
fn a_stop_ends_the_phase_on_all() {
    let files = (0..5000).map(|_| Node::File { size: 3901, ctime: 100 }).collect();
    let manner = Manner { shards: 4, tells_kinds: true, filters: 0, batch: 8 };
    let store = &Store { tree: named(vec![named(files)]), manner };
    let results = threads::run(3, |comm| {
        let progress = Progress::default();
        progress.request_stop();
        walk_on(comm, &store, &&store.tree, &rules(), &FindOptions::default(), &mut Off, &progress)
    });
    assert!(results.into_iter().all(|result| matches!(result, Err(Error::Interrupted))));
}

#[test]
fn a_plan_without_its_time_is_refused() {
    let manner = Manner { shards: 1, tells_kinds: true, filters: 0, batch: 8 };
    let store = Store { tree: named(vec![]), manner };
    let plan = FindPlan { predicate: Predicate { not_before: None, ..rules().predicate }, ..rules() };
    let results = walk(&store, 2, &plan, &FindOptions::default());
    assert!(results.into_iter().all(|result| matches!(result, Err(Error::Config(_)))));
}

#[derive(Default)]
struct Kinds(Vec<OpKind>);

impl Recorder for Kinds {
    const ON: bool = true;
    fn record(&mut self, kind: OpKind, _nanos: u64, _at: u64) {
        self.0.push(kind);
    }
    fn fork(&self) -> Self {
        Kinds::default()
    }
    fn join(&mut self, fork: Self) {
        self.0.extend(fork.0);
    }
}

/// As few lookups as possible: a stat for names that match, a probe of the kind for others, nothing where the listing tells enough.
#[test]
fn only_what_must_be_asked_is_asked() {
    let files: Vec<_> = (0..200).map(|_| Node::File { size: 3901, ctime: 100 }).collect();
    for (tells_kinds, stats, lookups) in [(true, 2, 0), (false, 2, 199)] {
        let manner = Manner { shards: 1, tells_kinds, filters: 0, batch: 64 };
        let store = &Store { tree: Node::Dir(vec![("a".into(), named(Vec::clone(&files)))]), manner };
        let kinds = threads::run(1, |comm| {
            let mut kinds = Kinds::default();
            let options = FindOptions { threads: 2, ..FindOptions::default() };
            walk_on(comm, &store, &&store.tree, &rules(), &options, &mut kinds, &Progress::default()).unwrap();
            kinds.0
        });
        let count = |wanted| kinds[0].iter().filter(|&&kind| kind == wanted).count();
        assert_eq!((count(OpKind::Stat), count(OpKind::Lookup)), (stats, lookups));
        // one batch of the root, four of the directory, and none for ends that are known
        assert_eq!(count(OpKind::Readdir), 5);
    }
}
