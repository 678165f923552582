//! Events and event queues: every queue has a thread that does the transfers, so that they really complete later.

use super::arguments::der;
use super::handle::Table;
use super::inject::{self, Call, Plan};
use super::start::is_started;
use super::sys::Result;
use super::transfer::Transfer;
use crate::bindings::*;
use core::ffi::{c_int, c_uint};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

static QUEUES: Table<Queue> = Table::new();

/// What the private part of an event holds.
#[repr(C)]
struct State {
    /// [`READY`], [`RUNNING`] or [`COMPLETED`].
    status: AtomicU32,
    queue: daos_handle_t,
}

const READY: u32 = 0;
const RUNNING: u32 = 1;
const COMPLETED: u32 = 2;

const _: () = assert!(size_of::<State>() <= size_of::<daos_event__bindgen_ty_1>());

/// The private part of an event.
///
/// # Safety
/// The event is valid and was initialised; its status may be used by several threads.
unsafe fn state<'e>(ev: *mut daos_event_t) -> &'e State {
    // SAFETY: by contract; the private part is eight-byte aligned and long enough.
    unsafe { &*(&raw const (*ev).ev_private).cast::<State>() }
}

/// A transfer that waits for its turn, and when and how it is to end.
pub struct Job {
    transfer: Option<Transfer>,
    fault: Option<i32>,
    due: Option<Instant>,
}

// SAFETY: what a transfer points to is the caller's, who leaves it alone until the event completes.
unsafe impl Send for Job {}

impl Job {
    pub fn new(transfer: Option<Transfer>, plan: Plan) -> Job {
        Job { transfer, fault: plan.fault, due: plan.delay.map(|delay| Instant::now() + delay) }
    }

    /// The errno of the transfer.
    fn run(self) -> c_int {
        if let Some(due) = self.due {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        // SAFETY: the caller of dfs_read or dfs_write keeps everything valid until the event completes.
        self.fault.or_else(|| self.transfer.and_then(|transfer| unsafe { transfer.run() }.err())).unwrap_or(0)
    }
}

struct EventPtr(*mut daos_event_t);

// SAFETY: an event may be completed by another thread; that is what it is for.
unsafe impl Send for EventPtr {}

#[derive(Default)]
struct Lists {
    waiting: VecDeque<(EventPtr, Job)>,
    completed: VecDeque<EventPtr>,
    /// Launched and not yet completed.
    running: usize,
    closing: bool,
}

/// An event queue.
#[derive(Default)]
struct Queue {
    lists: Mutex<Lists>,
    work: Condvar,
    progress: Condvar,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    fn start() -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        let of_worker = queue.clone();
        let worker = std::thread::Builder::new().name("standin-eq".into()).spawn(move || of_worker.work());
        *queue.worker.lock().expect("no thread panics while holding it") = worker.ok();
        queue
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn work(&self) {
        let mut lists = self.lists();
        loop {
            match lists.waiting.pop_front() {
                Some((ev, job)) => {
                    drop(lists);
                    let errno = job.run();
                    lists = self.lists();
                    lists.running -= 1;
                    // SAFETY: the event is valid until it has been seen complete, which the lock held here forbids.
                    unsafe {
                        (*ev.0).ev_error = errno;
                        state(ev.0).status.store(COMPLETED, Ordering::Release);
                    }
                    lists.completed.push_back(ev);
                    self.progress.notify_all();
                }
                None if lists.closing => return,
                None => lists = self.work.wait(lists).unwrap_or_else(|e| e.into_inner()),
            }
        }
    }

    /// Waits for `done` to give something, as long as `timeout` in microseconds says.
    fn wait<T>(&self, timeout: i64, mut done: impl FnMut(&mut Lists) -> Option<T>) -> Option<T> {
        let deadline = (timeout >= 0).then(|| Instant::now() + Duration::from_micros(timeout as u64));
        let mut lists = self.lists();
        loop {
            if let Some(result) = done(&mut lists) {
                return Some(result);
            }
            lists = match deadline {
                None => self.progress.wait(lists).unwrap_or_else(|e| e.into_inner()),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.progress.wait_timeout(lists, left).unwrap_or_else(|e| e.into_inner()).0
                }
            };
        }
    }
}

/// Gives a job to the queue of an event.
///
/// # Safety
/// The event is initialised and not in flight, and everything the job points to stays valid until it completes.
pub unsafe fn launch(ev: *mut daos_event_t, job: Job) -> Result<()> {
    // SAFETY: by contract.
    let state = unsafe { state(ev) };
    let queue = QUEUES.get(state.queue).ok_or(libc::EINVAL)?;
    if state.status.swap(RUNNING, Ordering::AcqRel) == RUNNING {
        return Err(libc::EINVAL);
    }
    let mut lists = queue.lists();
    lists.running += 1;
    lists.waiting.push_back((EventPtr(ev), job));
    queue.work.notify_one();
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_eq_create(eqh: *mut daos_handle_t) -> c_int {
    if !is_started() {
        return der(DER_UNINIT);
    }
    if eqh.is_null() {
        return der(DER_INVAL);
    }
    let queue = Queue::start();
    if queue.worker.lock().expect("no thread panics while holding it").is_none() {
        return der(DER_NOMEM);
    }
    // SAFETY: not NULL, and by the contract of the call a place for a handle.
    unsafe { *eqh = QUEUES.insert(queue) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_eq_destroy(eqh: daos_handle_t, flags: c_int) -> c_int {
    let Some(queue) = QUEUES.get(eqh) else { return der(DER_NONEXIST) };
    {
        let mut lists = queue.lists();
        let busy = lists.running > 0 || !lists.completed.is_empty();
        if busy && flags & DAOS_EQ_DESTROY_FORCE as c_int == 0 {
            return der(DER_BUSY);
        }
        lists.closing = true;
    }
    QUEUES.remove(eqh);
    queue.work.notify_all();
    // What is under way still writes to the caller's memory: wait for it.
    let worker = queue.worker.lock().expect("no thread panics while holding it").take();
    worker.map_or(0, |worker| worker.join().map_or(der(DER_IO), |()| 0))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_eq_poll(
    eqh: daos_handle_t,
    wait_running: c_int,
    timeout: i64,
    nevents: c_uint,
    events: *mut *mut daos_event_t,
) -> c_int {
    if nevents == 0 || events.is_null() {
        return der(DER_INVAL);
    }
    let Some(queue) = QUEUES.get(eqh) else { return der(DER_NONEXIST) };
    if inject::before(Call::Poll).is_err() {
        return der(DER_IO);
    }
    let polled = queue.wait(timeout, |lists| {
        let count = lists.completed.len().min(nevents as usize);
        for (i, ev) in lists.completed.drain(..count).enumerate() {
            // SAFETY: room for `nevents` events; each stays valid until it has been polled, that is, until now.
            unsafe {
                state(ev.0).status.store(READY, Ordering::Release);
                *events.add(i) = ev.0;
            }
        }
        (count > 0 || (wait_running != 0 && lists.running == 0)).then_some(count)
    });
    polled.unwrap_or(0) as c_int
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_event_init(
    ev: *mut daos_event_t,
    eqh: daos_handle_t,
    parent: *mut daos_event_t,
) -> c_int {
    if ev.is_null() || !parent.is_null() {
        // Events of events are not bound by anything here.
        return der(if ev.is_null() { DER_INVAL } else { DER_NOSYS });
    }
    // An event without a queue could only be asked by a call that is not bound either.
    if QUEUES.get(eqh).is_none() {
        return der(DER_NONEXIST);
    }
    // SAFETY: by the contract of the call a place for an event, which nobody uses yet.
    unsafe {
        *ev = daos_event_t::default();
        (&raw mut (*ev).ev_private).cast::<State>().write(State { status: AtomicU32::new(READY), queue: eqh });
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn daos_event_fini(ev: *mut daos_event_t) -> c_int {
    // SAFETY: an initialised event.
    let state = unsafe { state(ev) };
    let Some(queue) = QUEUES.get(state.queue) else { return der(DER_NONEXIST) };
    let mut lists = queue.lists();
    if state.status.load(Ordering::Acquire) == RUNNING {
        return der(DER_BUSY);
    }
    lists.completed.retain(|completed| completed.0 != ev);
    0
}
