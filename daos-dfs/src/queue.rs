//! Transfers in flight: fixed slots, each with its own buffer, list and event, all in one place that never moves.

use crate::error::{Der, DfsErrno, Error, Result};
use crate::file::File;
use crate::handle::{Handle, NotSync};
use crate::mount::Mount;
use daos_sys::{d_iov_t, d_sg_list_t, daos_event_t, daos_handle_t, daos_size_t};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Buffers begin at pages, which spares the network layer a copy.
const ALIGNMENT: usize = 4096;

/// The most completions that are asked for at a time.
const REAP_AT_ONCE: usize = 64;

type OpResult<T> = std::result::Result<T, DfsErrno>;

/// A queue of transfers in flight.
///
/// An event queue is a network context: expensive to make and limited in number. One per thread, for the thread's lifetime.
/// Dropping it waits for what is in flight.
///
/// A slot is the caller's from [`Queue::slot`] to [`Queue::release`], except while it is in flight. When libdaos itself fails to wait, the
/// queue is broken: each transfer in flight fails once with `EIO`, its slot is lost and never given out again, and its memory and
/// the mount stay for as long as the process, since libdaos may still use them.
#[doc(alias = "daos_eq_create")]
pub struct Queue<'m> {
    handle: daos_handle_t,
    mount: &'m Mount,
    slots: Box<[UnsafeCell<Slot<'m>>]>,
    /// Completed and not yet handed out; slot numbers.
    ready: Vec<u32>,
    in_flight: usize,
    /// Where the search for a free slot begins.
    next: usize,
    transfer: usize,
    _one_thread: NotSync,
}

/// What libdaos works on while a transfer is in flight. The event comes first: its address tells the slot.
#[repr(C)]
struct Slot<'m> {
    event: daos_event_t,
    list: d_sg_list_t,
    vector: d_iov_t,
    read: daos_size_t,
    buffer: *mut u8,
    state: State,
    /// Bytes of the transfer.
    length: usize,
    writing: bool,
    /// Keeps the file open while in flight.
    file: Option<Arc<Handle<'m>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its event is not initialised yet.
    New,
    Free,
    Given,
    InFlight,
    /// libdaos has completed it; `reap` has not handed it out yet.
    Completed,
    /// It was in flight when the queue broke: libdaos may still use its buffer.
    Lost,
}

// SAFETY: libdaos's queues and events may be used by another thread than the one that made them, though not by two at once;
// the buffers are the queue's own.
unsafe impl Send for Queue<'_> {}

impl<'m> Queue<'m> {
    /// A queue of `depth` slots with a buffer of `transfer` bytes each, all zero.
    ///
    /// # Errors
    /// [`Error::Invalid`] for sizes that make no queue, or what libdaos says.
    pub fn new(mount: &'m Mount, depth: usize, transfer: usize) -> Result<Queue<'m>> {
        if depth == 0 || transfer == 0 || u32::try_from(depth).is_err() {
            return Err(Error::Invalid(format!("a queue of {depth} transfers of {transfer} bytes")));
        }
        let mut handle = daos_sys::DAOS_HDL_INVAL;
        // SAFETY: the library is initialised, and there is a place for the handle.
        Der::check(unsafe { daos_sys::daos_eq_create(&mut handle) }).map_err(Error::daos("daos_eq_create"))?;
        // From here on, dropping the queue undoes what was done.
        let mut queue = Queue {
            handle,
            mount,
            slots: (0..depth).map(|_| UnsafeCell::new(Slot::new(transfer))).collect(),
            ready: Vec::with_capacity(depth),
            in_flight: 0,
            next: 0,
            transfer,
            _one_thread: NotSync::default(),
        };
        for slot in &mut queue.slots {
            // SAFETY: an event that nobody uses, at the address it keeps, and the queue it belongs to.
            let rc = unsafe { daos_sys::daos_event_init(&mut slot.get_mut().event, handle, std::ptr::null_mut()) };
            Der::check(rc).map_err(Error::daos("daos_event_init"))?;
            slot.get_mut().state = State::Free;
        }
        Ok(queue)
    }

    /// The number of slots.
    pub fn depth(&self) -> usize {
        self.slots.len()
    }

    /// Transfers started and not yet reaped.
    pub fn in_flight(&self) -> usize {
        self.in_flight + self.ready.len()
    }

    /// Takes a free slot, if there is one: its number and its buffer.
    pub fn slot(&mut self) -> Option<(usize, &mut [u8])> {
        let depth = self.slots.len();
        let index =
            (0..depth).map(|i| (self.next + i) % depth).find(|&i| self.slots[i].get_mut().state == State::Free)?;
        self.next = (index + 1) % depth;
        self.slots[index].get_mut().state = State::Given;
        Some((index, self.buffer(index)))
    }

    /// Gives a slot back. Does nothing to one that is in flight or lost.
    pub fn release(&mut self, index: usize) {
        let slot = self.slots[index].get_mut();
        if slot.state == State::Given {
            slot.state = State::Free;
        }
    }

    /// The buffer of a slot that is not in flight; after a read it holds what was read.
    ///
    /// # Panics
    /// When the slot is in flight.
    pub fn buffer(&mut self, index: usize) -> &mut [u8] {
        let slot = self.slots[index].get_mut();
        assert!(!matches!(slot.state, State::InFlight | State::Lost), "slot {index} is in flight");
        // SAFETY: the buffer is that long, libdaos does not use it now, and `self` is borrowed as long as the slice.
        unsafe { std::slice::from_raw_parts_mut(slot.buffer, self.transfer) }
    }

    /// Starts writing a slot's whole buffer. `EBUSY` unless the caller has the slot, `EXDEV` for a file of another mount; after an error
    /// nothing is in flight, and the slot is still the caller's.
    ///
    /// # Errors
    /// `EBUSY` and `EXDEV` as above, or what libdfs says.
    #[doc(alias = "dfs_write")]
    pub fn submit_write(&mut self, index: usize, file: &File<'m>, offset: u64) -> OpResult<()> {
        self.submit_write_part(index, self.transfer, file, offset)
    }

    /// Starts writing the first `length` bytes of a slot's buffer. `EINVAL` for none and for more than it has; otherwise as
    /// [`Queue::submit_write`].
    ///
    /// # Errors
    /// As above.
    pub fn submit_write_part(&mut self, index: usize, length: usize, file: &File<'m>, offset: u64) -> OpResult<()> {
        let mount = self.mount.as_ptr();
        self.submit(index, length, file, true, |slot| {
            // SAFETY: a mount, an open file that the slot keeps open, and list, buffer and event that stay where they are until the
            // event has been polled: the slots are boxed, and `buffer` and `Drop` mind the state.
            unsafe {
                let object = (*slot).file.as_ref().map_or(std::ptr::null_mut(), |file| file.as_ptr());
                daos_sys::dfs_write(mount, object, &raw mut (*slot).list, offset, &raw mut (*slot).event)
            }
        })
    }

    /// Starts reading a slot's whole buffer; fails as [`Queue::submit_write`] does.
    ///
    /// # Errors
    /// As for [`Queue::submit_write`].
    #[doc(alias = "dfs_read")]
    pub fn submit_read(&mut self, index: usize, file: &File<'m>, offset: u64) -> OpResult<()> {
        self.submit_read_part(index, self.transfer, file, offset)
    }

    /// Starts reading into the first `length` bytes of a slot's buffer; fails as [`Queue::submit_write_part`] does.
    ///
    /// # Errors
    /// As for [`Queue::submit_write_part`].
    pub fn submit_read_part(&mut self, index: usize, length: usize, file: &File<'m>, offset: u64) -> OpResult<()> {
        let mount = self.mount.as_ptr();
        self.submit(index, length, file, false, |slot| {
            // SAFETY: as for `submit_write`; the size read is in the slot too.
            unsafe {
                let object = (*slot).file.as_ref().map_or(std::ptr::null_mut(), |file| file.as_ptr());
                let read = &raw mut (*slot).read;
                daos_sys::dfs_read(mount, object, &raw mut (*slot).list, offset, read, &raw mut (*slot).event)
            }
        })
    }

    fn submit(
        &mut self,
        index: usize,
        length: usize,
        file: &File<'m>,
        writing: bool,
        start: impl FnOnce(*mut Slot<'m>) -> std::ffi::c_int,
    ) -> OpResult<()> {
        file.handle().check_mount(self.mount)?;
        let slot = self.slots[index].get_mut();
        if slot.state != State::Given {
            return Err(DfsErrno::from_raw(libc::EBUSY));
        }
        if length == 0 || length > self.transfer {
            return Err(DfsErrno::from_raw(libc::EINVAL));
        }
        slot.length = length;
        slot.vector = daos_sys::d_iov(slot.buffer.cast(), length);
        slot.list = d_sg_list_t { sg_nr: 1, sg_nr_out: 0, sg_iovs: &raw mut slot.vector };
        slot.read = 0;
        slot.writing = writing;
        slot.file = Some(file.handle().clone());
        slot.state = State::InFlight;
        // From the cell, not from the reference: libdaos goes on using it when this borrow has ended.
        let started = DfsErrno::check(start(self.slots[index].get()));
        if started.is_err() {
            self.take_back(index);
        } else {
            self.in_flight += 1;
        }
        started
    }

    /// Gives a slot whose transfer did not start back to the caller. libdaos may still have completed its event, which must not
    /// be taken for the slot's next transfer: the event is made anew, or the slot is not used again.
    fn take_back(&mut self, index: usize) {
        let slot = self.slots[index].get_mut();
        // SAFETY: an event that was initialised; one that is still in use is refused. Then a place for an event, and its queue.
        let renewed = unsafe {
            daos_sys::daos_event_fini(&mut slot.event) == 0
                && daos_sys::daos_event_init(&mut slot.event, self.handle, std::ptr::null_mut()) == 0
        };
        if renewed {
            slot.state = State::Given;
            slot.file = None;
        } else {
            slot.state = State::Lost;
        }
    }

    /// Waits until a transfer is finished: its slot, and the bytes moved or its error. `None` when nothing is in flight.
    ///
    /// The slot is the caller's again, who looks at its buffer, submits it anew, or releases it.
    #[doc(alias = "daos_eq_poll")]
    pub fn reap(&mut self) -> Option<(usize, OpResult<usize>)> {
        self.reap_within(daos_sys::DAOS_EQ_WAIT)
    }

    /// A transfer that is finished already; `None` when there is none.
    pub fn try_reap(&mut self) -> Option<(usize, OpResult<usize>)> {
        self.reap_within(daos_sys::DAOS_EQ_NOWAIT)
    }

    fn reap_within(&mut self, timeout: i64) -> Option<(usize, OpResult<usize>)> {
        while self.ready.is_empty() && self.in_flight > 0 {
            match self.poll(timeout) {
                Ok(0) if timeout == daos_sys::DAOS_EQ_NOWAIT => return None,
                Ok(_) => {}
                // The queue itself is broken: nothing will complete any more. Each transfer fails once, and nobody gets its buffer.
                Err(_) => {
                    let broken = self.slots.iter_mut().position(|slot| slot.get_mut().state == State::InFlight)?;
                    self.slots[broken].get_mut().state = State::Lost;
                    self.in_flight -= 1;
                    return Some((broken, Err(DfsErrno::from_raw(libc::EIO))));
                }
            }
        }
        let index = self.ready.pop()? as usize;
        let slot = self.slots[index].get_mut();
        slot.state = State::Given;
        slot.file = None;
        let moved = if slot.writing { slot.length } else { slot.read as usize };
        Some((index, DfsErrno::check(slot.event.ev_error).map(|()| moved)))
    }

    /// Takes completed events from libdaos to `ready`; how many.
    fn poll(&mut self, timeout: i64) -> std::result::Result<usize, Der> {
        let mut events = [std::ptr::null_mut(); REAP_AT_ONCE];
        // SAFETY: a queue, and places for that many events.
        let count = Der::check(unsafe {
            daos_sys::daos_eq_poll(self.handle, 1, timeout, REAP_AT_ONCE as u32, events.as_mut_ptr())
        })? as usize;
        let base = self.slots.as_ptr() as usize;
        for &event in events[..count].iter().rev() {
            // The event is the first member of its slot, and only slots of this queue have events in it.
            let index = (event as usize - base) / size_of::<Slot<'_>>();
            let slot = self.slots[index].get_mut();
            if slot.state == State::InFlight {
                slot.state = State::Completed;
                self.in_flight -= 1;
                self.ready.push(index as u32);
            }
        }
        Ok(count)
    }
}

impl Slot<'_> {
    fn new(transfer: usize) -> Self {
        let layout = Slot::layout(transfer);
        // SAFETY: the layout has a size: `Queue::new` refuses zero.
        let buffer = unsafe { alloc_zeroed(layout) };
        if buffer.is_null() {
            handle_alloc_error(layout);
        }
        Slot {
            // SAFETY: an event is plain numbers, for which zero is valid; `daos_event_init` does the rest.
            event: unsafe { MaybeUninit::zeroed().assume_init() },
            list: d_sg_list_t { sg_nr: 0, sg_nr_out: 0, sg_iovs: std::ptr::null_mut() },
            vector: daos_sys::d_iov(std::ptr::null_mut(), 0),
            read: 0,
            buffer,
            state: State::New,
            length: 0,
            writing: false,
            file: None,
        }
    }

    fn layout(transfer: usize) -> Layout {
        Layout::from_size_align(transfer, ALIGNMENT).expect("a transfer fits the address space")
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        let mut broken = self.slots.iter_mut().any(|slot| slot.get_mut().state == State::Lost);
        while self.in_flight > 0 && !broken {
            broken = self.poll(daos_sys::DAOS_EQ_WAIT).is_err();
        }
        if broken {
            // libdaos may still write into buffers and events, and use files and mount: better lost than freed.
            self.mount.keep();
            std::mem::forget(std::mem::take(&mut self.slots));
            return;
        }
        for slot in &mut self.slots {
            let slot = slot.get_mut();
            // SAFETY: nothing is in flight any more; a buffer is freed once, with the layout it was made with.
            unsafe {
                if slot.state != State::New {
                    daos_sys::daos_event_fini(&mut slot.event);
                }
                dealloc(slot.buffer, Slot::layout(self.transfer));
            }
        }
        // SAFETY: the queue is ours, and its events are gone.
        unsafe { daos_sys::daos_eq_destroy(self.handle, 0) };
    }
}
