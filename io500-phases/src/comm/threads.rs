//! Ranks as threads of one process, for tests and for embedding.
//!
//! Collectives go along binomial trees: every rank has a mailbox of its own and sleeps on it, so that a thousand ranks
//! on two cores cost context switches, not spinning. A rank that panics or aborts ends the group: every other rank
//! unwinds at its next call into the group, silently, and the first cause is reported once.

use super::tree::{children, parent};
use super::{Comm, MAX_MESSAGE, ReduceOp, Topology, host_id, host_name};
use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Runs `rank_main` on `ranks` threads and returns their results in rank order.
///
/// # Panics
/// Where [`try_run`] returns an error.
pub fn run<T: Send>(ranks: usize, rank_main: impl Fn(&dyn Comm) -> T + Sync) -> Vec<T> {
    try_run(ranks, rank_main).unwrap_or_else(|failure| panic!("{failure}"))
}

/// Runs `rank_main` on `ranks` threads and returns their results in rank order, or why the group ended early.
///
/// # Errors
/// The first panic or abort of a rank, or a thread that could not be started.
pub fn try_run<T: Send>(ranks: usize, rank_main: impl Fn(&dyn Comm) -> T + Sync) -> Result<Vec<T>, GroupFailure> {
    try_run_on(&vec![host_name(); ranks], rank_main)
}

/// Like [`try_run`], with rank `r` claiming to run on `hosts[r]`: a made-up topology.
///
/// # Errors
/// As for [`try_run`].
pub fn try_run_on<T: Send>(
    hosts: &[impl AsRef<str> + Sync],
    rank_main: impl Fn(&dyn Comm) -> T + Sync,
) -> Result<Vec<T>, GroupFailure> {
    try_run_delayed(hosts, Duration::ZERO, rank_main)
}

/// Like [`try_run_on`], with a network: each message of a collective arrives no sooner than `hop` after it was sent.
///
/// # Errors
/// As for [`try_run`].
pub fn try_run_delayed<T: Send>(
    hosts: &[impl AsRef<str> + Sync],
    hop: Duration,
    rank_main: impl Fn(&dyn Comm) -> T + Sync,
) -> Result<Vec<T>, GroupFailure> {
    assert!(!hosts.is_empty(), "a group has at least one rank");
    let ids: Vec<u64> = hosts.iter().map(|host| host_id(host.as_ref())).collect();
    let group = &Group {
        mailboxes: hosts.iter().map(|_| Mailbox::default()).collect(),
        topology: Topology::from_host_ids(&ids),
        hop,
        failed: AtomicBool::new(false),
        cause: Mutex::new(None),
    };
    let rank_main = &rank_main;
    let results: Vec<Option<T>> = std::thread::scope(|scope| {
        let mut threads = Vec::with_capacity(hosts.len());
        for (rank, host) in hosts.iter().enumerate() {
            let body = move || {
                let comm = ThreadRank { rank, host: host.as_ref(), group, step: Cell::new(0) };
                match catch_unwind(AssertUnwindSafe(|| rank_main(&comm))) {
                    Ok(result) => Some(result),
                    Err(payload) => {
                        if !payload.is::<GroupEnded>() {
                            group.fail(GroupFailure::Panicked { rank, message: panic_message(&*payload) });
                        }
                        None
                    }
                }
            };
            match std::thread::Builder::new().name(format!("rank {rank}")).spawn_scoped(scope, body) {
                Ok(thread) => threads.push(thread),
                Err(source) => {
                    group.fail(GroupFailure::Spawn { rank, source });
                    break;
                }
            }
        }
        threads.into_iter().map(|thread| thread.join().unwrap_or(None)).collect()
    });
    match lock(&group.cause).take() {
        Some(failure) => Err(failure),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

/// Why a group of threads ended before its ranks returned.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum GroupFailure {
    #[error("rank {rank} panicked: {message}")]
    Panicked { rank: usize, message: String },
    #[error("rank {rank} aborted the group with exit code {code}")]
    Aborted { rank: usize, code: i32 },
    #[error("cannot start a thread for rank {rank}")]
    Spawn { rank: usize, source: std::io::Error },
}

/// The payload a rank unwinds with because another one ended the group.
struct GroupEnded;

/// What the ranks share.
struct Group {
    mailboxes: Vec<Mailbox>,
    topology: Topology,
    hop: Duration,
    failed: AtomicBool,
    cause: Mutex<Option<GroupFailure>>,
}

#[derive(Default)]
struct Mailbox {
    contents: Mutex<Contents>,
    arrived: Condvar,
}

#[derive(Default)]
struct Contents {
    /// At most about log n: only ranks that are one collective ahead leave something early.
    parts: Vec<Part>,
    messages: VecDeque<(usize, Vec<u8>)>,
}

/// One rank's contribution to one collective of another.
struct Part {
    from: usize,
    step: u64,
    collective: &'static str,
    value: Box<dyn Any + Send>,
    /// When it arrives, with a simulated network.
    due: Option<Instant>,
}

impl Group {
    fn fail(&self, failure: GroupFailure) {
        lock(&self.cause).get_or_insert(failure);
        self.failed.store(true, Ordering::SeqCst);
        for mailbox in &self.mailboxes {
            // Taking the lock makes sure that a rank which saw `failed` unset is asleep by now, and is woken.
            drop(lock(&mailbox.contents));
            mailbox.arrived.notify_all();
        }
    }
}

/// One rank's view of its group.
struct ThreadRank<'a> {
    rank: usize,
    host: &'a str,
    group: &'a Group,
    /// Number of collectives this rank has entered: equal on all ranks, so it identifies the collective.
    step: Cell<u64>,
}

impl ThreadRank<'_> {
    fn leave_if_failed(&self) {
        if self.group.failed.load(Ordering::SeqCst) {
            resume_unwind(Box::new(GroupEnded));
        }
    }

    fn enter(&self) {
        self.leave_if_failed();
        self.step.set(self.step.get() + 1);
    }

    fn post<V: Any + Send>(&self, to: usize, collective: &'static str, value: V) {
        let mailbox = &self.group.mailboxes[to];
        let hop = self.group.hop;
        let due = (!hop.is_zero()).then(|| Instant::now() + hop);
        let part = Part { from: self.rank, step: self.step.get(), collective, value: Box::new(value), due };
        lock(&mailbox.contents).parts.push(part);
        mailbox.arrived.notify_one();
    }

    fn take<V: Any + Send>(&self, from: usize, collective: &'static str) -> V {
        let mailbox = &self.group.mailboxes[self.rank];
        let mut contents = lock(&mailbox.contents);
        let part = loop {
            let wanted = |part: &Part| part.from == from && part.step == self.step.get();
            if let Some(at) = contents.parts.iter().position(wanted) {
                break contents.parts.swap_remove(at);
            }
            if self.group.failed.load(Ordering::SeqCst) {
                drop(contents);
                resume_unwind(Box::new(GroupEnded));
            }
            contents = mailbox.arrived.wait(contents).unwrap_or_else(PoisonError::into_inner);
        };
        drop(contents);
        if let Some(due) = part.due {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        match part.value.downcast() {
            Ok(value) if part.collective == collective => *value,
            _ => panic!("rank {} is in {collective} while rank {from} is in {}", self.rank, part.collective),
        }
    }

    /// Folds every rank's `mine` in rank order along the tree; rank 0 gets the result.
    fn fold<V: Any + Send>(&self, collective: &'static str, mine: V, mut join: impl FnMut(&mut V, V)) -> Option<V> {
        let mut folded = mine;
        for child in children(self.rank, self.size()) {
            join(&mut folded, self.take(child, collective));
        }
        if self.rank == 0 {
            return Some(folded);
        }
        self.post(parent(self.rank), collective, folded);
        None
    }

    /// Broadcasts `root`'s value; the others pass `None`.
    fn spread<V: Any + Send + Clone>(&self, collective: &'static str, root: usize, value: Option<V>) -> V {
        let size = self.size();
        let place = (self.rank + size - root) % size;
        let rank_at = |place: usize| (place + root) % size;
        let value = value.unwrap_or_else(|| self.take(rank_at(parent(place)), collective));
        for child in children(place, size).rev() {
            self.post(rank_at(child), collective, value.clone());
        }
        value
    }

    fn fold_slices<N: Any + Send + Copy>(
        &self,
        collective: &'static str,
        mine: &[N],
        combine: impl Fn(N, N) -> N,
    ) -> Option<Vec<N>> {
        self.fold(collective, mine.to_vec(), |folded, theirs| {
            assert_eq!(folded.len(), theirs.len(), "ranks reduce arrays of different lengths");
            for (left, right) in folded.iter_mut().zip(theirs) {
                *left = combine(*left, right);
            }
        })
    }

    fn all_reduce<N: Any + Send + Sync + Copy>(
        &self,
        collective: &'static str,
        values: &mut [N],
        combine: impl Fn(N, N) -> N,
    ) {
        self.enter();
        let folded = self.fold_slices(collective, values, combine).map(Arc::<[N]>::from);
        values.copy_from_slice(&self.spread(collective, 0, folded));
    }
}

impl Comm for ThreadRank<'_> {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.group.mailboxes.len()
    }

    fn host(&self) -> &str {
        self.host
    }

    fn topology(&self) -> &Topology {
        &self.group.topology
    }

    fn barrier(&self) {
        self.enter();
        let all_in = self.fold("barrier", (), |_, ()| ());
        self.spread("barrier", 0, all_in);
    }

    fn broadcast(&self, root: usize, data: &mut Vec<u8>) {
        assert!(root < self.size(), "broadcast from rank {root} of {}", self.size());
        self.enter();
        if self.rank == root {
            self.spread("broadcast", root, Some(Arc::<[u8]>::from(data.as_slice())));
        } else {
            let theirs = self.spread::<Arc<[u8]>>("broadcast", root, None);
            data.clear();
            data.extend_from_slice(&theirs);
        }
    }

    fn all_reduce_u64(&self, op: ReduceOp, values: &mut [u64]) {
        self.all_reduce("all_reduce_u64", values, op_u64(op));
    }

    fn all_reduce_f64(&self, op: ReduceOp, values: &mut [f64]) {
        let combine: fn(f64, f64) -> f64 = match op {
            ReduceOp::Sum => |left, right| left + right,
            ReduceOp::Min => f64::min,
            ReduceOp::Max => f64::max,
        };
        self.all_reduce("all_reduce_f64", values, combine);
    }

    fn reduce_u64(&self, op: ReduceOp, values: &mut [u64]) {
        self.enter();
        if let Some(folded) = self.fold_slices("reduce_u64", values, op_u64(op)) {
            values.copy_from_slice(&folded);
        }
    }

    fn all_gather_u64(&self, value: u64) -> Vec<u64> {
        self.enter();
        let folded = self.fold("all_gather_u64", vec![value], |folded, theirs| folded.extend(theirs));
        self.spread("all_gather_u64", 0, folded.map(Arc::<[u64]>::from)).to_vec()
    }

    fn gather(&self, data: &[u8]) -> Option<Vec<Vec<u8>>> {
        self.enter();
        self.fold("gather", vec![data.to_vec()], |folded, theirs| folded.extend(theirs))
    }

    fn send(&self, to: usize, message: &[u8]) {
        assert!(to < self.size(), "message to rank {to} of {}", self.size());
        assert!(message.len() <= MAX_MESSAGE, "message of {} bytes", message.len());
        self.leave_if_failed();
        lock(&self.group.mailboxes[to].contents).messages.push_back((self.rank, message.to_vec()));
    }

    fn try_recv(&self) -> Option<(usize, Vec<u8>)> {
        self.leave_if_failed();
        lock(&self.group.mailboxes[self.rank].contents).messages.pop_front()
    }

    /// Ends the group, not the process: the process may hold more than the benchmark.
    fn abort(&self, code: i32) -> ! {
        self.group.fail(GroupFailure::Aborted { rank: self.rank, code });
        resume_unwind(Box::new(GroupEnded))
    }

    fn describe(&self) -> String {
        "threads".to_owned()
    }
}

fn op_u64(op: ReduceOp) -> fn(u64, u64) -> u64 {
    match op {
        ReduceOp::Sum => u64::wrapping_add,
        ReduceOp::Min => Ord::min,
        ReduceOp::Max => Ord::max,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
