//! The work of one rank, shared by its threads.
//!
//! A worker calls once per piece of work (a batch of a listing, some dozens of lookups), delivers the outcome of the last one and
//! gets the next, under one lock.

use super::tally::Counts;
use super::work::{Task, Work};
use crate::engine::{Failure, OpKind, Recorder};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Names in one piece of lookup work.
pub const CHUNK: usize = 64;

/// What a worker does next.
#[derive(Debug)]
pub enum Next<'a, D> {
    /// Read on in the listing that it holds.
    ReadOn,
    /// This.
    Work(Work<'a, D>),
    /// Nothing for the moment.
    Nothing,
}

/// The outcome of a piece of work.
#[derive(Debug)]
pub struct Outcome<'a, D> {
    /// Entries.
    pub counts: Counts,
    /// The first entry that could not be examined.
    pub error: Option<String>,
    /// Directories found.
    pub dirs: Vec<Work<'a, D>>,
    /// Lookups to be made.
    pub names: Vec<Work<'a, D>>,
    /// Latencies: kind, duration, end.
    pub samples: Vec<(OpKind, u64, u64)>,
}

impl<D> Default for Outcome<'_, D> {
    fn default() -> Self {
        let counts = Counts::default();
        Outcome { counts, error: None, dirs: Vec::new(), names: Vec::new(), samples: Vec::new() }
    }
}

/// A worker's status with the pool.
#[derive(Debug, Default)]
pub struct WorkerStatus {
    /// It has something to do, as far as the pool knows.
    busy: bool,
    /// It is in the middle of a listing.
    pub listing: bool,
}

/// How the rank stands after an exchange.
#[derive(Debug, Clone, Copy)]
pub struct PoolSnapshot {
    /// Entries seen so far that are not directories.
    pub total: u64,
    /// No worker has anything to do, and nothing waits.
    pub idle: bool,
}

/// The work of one rank.
pub struct Pool<'a, D, R> {
    state: Mutex<State<'a, D>>,
    changed: Condvar,
    recorder: Mutex<&'a mut R>,
    /// Names that may wait before listings pause.
    queue_length: usize,
}

struct State<'a, D> {
    dirs: VecDeque<Work<'a, D>>,
    names: Vec<Work<'a, D>>,
    /// Oldest directories first: to spread out before work is dealt to the ranks. Else newest first, which keeps few open.
    breadth_first: bool,
    waiting_names: usize,
    busy: usize,
    sleeping: usize,
    /// Other ranks that have no work.
    idle_ranks: usize,
    over: bool,
    counts: Counts,
    first_error: Option<String>,
    failure: Option<Failure>,
}

impl<'a, D, R: Recorder> Pool<'a, D, R> {
    /// An empty pool that takes the newest work first.
    pub fn new(queue_length: usize, recorder: &'a mut R) -> Self {
        let state = State {
            dirs: VecDeque::new(),
            names: Vec::new(),
            breadth_first: false,
            waiting_names: 0,
            busy: 0,
            sleeping: 0,
            idle_ranks: 0,
            over: false,
            counts: Counts::default(),
            first_error: None,
            failure: None,
        };
        Pool { state: Mutex::new(state), changed: Condvar::new(), recorder: Mutex::new(recorder), queue_length }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a, D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds work that came from elsewhere.
    pub fn add(&self, works: impl IntoIterator<Item = Work<'a, D>>) {
        let mut state = self.lock();
        works.into_iter().for_each(|work| state.put(work));
        drop(state);
        self.changed.notify_all();
    }

    /// Delivers an outcome, which is empty afterwards, and gets the next piece of work.
    pub fn exchange(&self, outcome: &mut Outcome<'a, D>, status: &mut WorkerStatus) -> (Next<'a, D>, PoolSnapshot) {
        self.record(outcome);
        let mut state = self.lock();
        let next = self.exchange_locked(&mut state, outcome, status);
        (next, PoolSnapshot { total: state.counts.total, idle: state.is_idle() })
    }

    /// Like [`Pool::exchange`], but sleeps until there is something to do; none when the walk is over.
    pub fn exchange_or_sleep(&self, outcome: &mut Outcome<'a, D>, status: &mut WorkerStatus) -> Option<Next<'a, D>> {
        self.record(outcome);
        let mut state = self.lock();
        loop {
            let next = self.exchange_locked(&mut state, outcome, status);
            if state.over {
                return None;
            }
            if !matches!(next, Next::Nothing) {
                return Some(next);
            }
            state.sleeping += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping -= 1;
        }
    }

    fn record(&self, outcome: &mut Outcome<'a, D>) {
        if R::ON && !outcome.samples.is_empty() {
            let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
            outcome.samples.drain(..).for_each(|(kind, nanos, at)| recorder.record(kind, nanos, at));
        }
    }

    /// Tells the recorder how many entries have been seen by a time of the walk, nanoseconds.
    pub fn look(&self, total: u64, at: u64) {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner).look(total, at, at);
    }

    /// Delivers an outcome without asking for work.
    pub fn hand_in(&self, outcome: &mut Outcome<'a, D>) {
        self.record(outcome);
        self.lock().book(outcome);
    }

    fn exchange_locked(
        &self,
        state: &mut State<'a, D>,
        outcome: &mut Outcome<'a, D>,
        status: &mut WorkerStatus,
    ) -> Next<'a, D> {
        let added = state.book(outcome);
        let next = state.next(status.listing, self.queue_length);
        let busy = !matches!(next, Next::Nothing);
        state.busy = state.busy + usize::from(busy) - usize::from(status.busy);
        let became_idle = status.busy && state.is_idle();
        status.busy = busy;
        if (added && state.sleeping > 0) || became_idle {
            self.changed.notify_all();
        }
        next
    }

    /// Waits until something changes, at most so long.
    pub fn wait(&self, most: Duration) {
        let state = self.lock();
        if state.dirs.is_empty() && state.names.is_empty() && state.failure.is_none() {
            // woken early or late, the caller looks at everything again
            drop(self.changed.wait_timeout(state, most));
        }
    }

    /// Tells how many other ranks wait for work.
    pub fn set_idle_ranks(&self, idle_ranks: usize) {
        self.lock().idle_ranks = idle_ranks;
    }

    /// Takes out about half of the work, oldest first, of at most so many encoded bytes. The last piece stays if nobody here has
    /// anything else to do; `status` is the caller's.
    pub fn share(&self, status: &WorkerStatus, bytes: usize) -> Vec<Work<'a, D>> {
        let mut state = self.lock();
        // the caller is about to come back for more, unless it is in the middle of a listing
        let others = state.busy - usize::from(status.busy) + usize::from(status.listing);
        state.share(others > 0, bytes)
    }

    /// How many ranks the waiting work can keep busy.
    pub fn units(&self) -> usize {
        let state = self.lock();
        state.names.len() + state.dirs.iter().map(|work| work.units() as usize).sum::<usize>()
    }

    /// Takes the oldest work first, or the newest again.
    pub fn set_breadth_first(&self, breadth_first: bool) {
        self.lock().breadth_first = breadth_first;
    }

    /// Takes out everything that waits.
    pub fn drain(&self) -> Vec<Work<'a, D>> {
        let state = &mut *self.lock();
        state.waiting_names = 0;
        state.dirs.drain(..).chain(state.names.drain(..)).collect()
    }

    /// The walk is over, here at least: wakes the workers.
    pub fn end(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }

    /// The walk cannot go on.
    pub fn fail(&self, failure: Failure) {
        self.lock().failure.get_or_insert(failure);
        self.changed.notify_all();
    }

    /// Why the walk cannot go on.
    pub fn failure(&self) -> Option<Failure> {
        self.lock().failure.clone()
    }

    /// What was counted, and the first entry that could not be examined.
    pub fn counted(&self) -> (Counts, Option<String>) {
        let state = self.lock();
        (state.counts, state.first_error.clone())
    }
}

impl<'a, D> State<'a, D> {
    fn is_idle(&self) -> bool {
        self.busy == 0 && self.dirs.is_empty() && self.names.is_empty()
    }

    /// Whether the outcome brought work.
    fn book(&mut self, outcome: &mut Outcome<'a, D>) -> bool {
        self.counts += std::mem::take(&mut outcome.counts);
        if let Some(error) = outcome.error.take() {
            self.first_error.get_or_insert(error);
        }
        let before = self.names.len() + self.dirs.len();
        outcome.names.drain(..).for_each(|work| self.put(work));
        outcome.dirs.drain(..).for_each(|work| self.put(work));
        self.names.len() + self.dirs.len() > before
    }

    fn put(&mut self, work: Work<'a, D>) {
        match &work.task {
            Task::Names(names) => {
                self.waiting_names += names.entries.len();
                self.names.push(work);
            }
            Task::List | Task::Shards(..) => self.dirs.push_back(work),
        }
    }

    /// Lookups come before new directories, so that few names wait; a listing goes on early when somebody has nothing to do.
    fn next(&mut self, listing: bool, queue_length: usize) -> Next<'a, D> {
        let appetite = 2 * CHUNK * (self.sleeping + self.idle_ranks);
        if listing && (self.names.is_empty() || self.waiting_names < appetite.min(queue_length)) {
            return Next::ReadOn;
        }
        if let Some(work) = self.names.pop() {
            if let Task::Names(names) = &work.task {
                self.waiting_names -= names.entries.len();
            }
            return Next::Work(work);
        }
        let work = if self.breadth_first { self.dirs.pop_front() } else { self.dirs.pop_back() };
        work.map_or(Next::Nothing, Next::Work)
    }

    fn share(&mut self, all_but_none: bool, bytes: usize) -> Vec<Work<'a, D>> {
        let half = |count: usize| if all_but_none { count.div_ceil(2) } else { count / 2 };
        let mut shared = Vec::new();
        let mut room = bytes;
        let mut units = half(self.dirs.iter().map(|work| work.units() as usize).sum());
        while units > 0
            && let Some(first) = self.dirs.front_mut()
        {
            let length = first.encoded_len();
            if length > room {
                break;
            }
            room -= length;
            if first.units() as usize > units {
                shared.extend(first.split_off(units as u32));
                break;
            }
            units -= first.units() as usize;
            shared.extend(self.dirs.pop_front());
        }
        if shared.is_empty() {
            let keep = self.names.len() - half(self.names.len());
            while self.names.len() > keep
                && let Some(last) = self.names.last()
                && last.encoded_len() <= room
            {
                room -= last.encoded_len();
                if let Task::Names(names) = &last.task {
                    self.waiting_names -= names.entries.len();
                }
                shared.extend(self.names.pop());
            }
        }
        shared
    }
}

/// Ends the pool when dropped, also by a panic: workers never sleep on.
pub struct EndsPool<'p, 'a, D, R: Recorder>(pub &'p Pool<'a, D, R>);

impl<D, R: Recorder> Drop for EndsPool<'_, '_, D, R> {
    fn drop(&mut self) {
        self.0.end();
    }
}
