//! Transfers in flight on a mounted file system: io_uring, or one at a time where the kernel refuses it.
#![allow(unsafe_code)]

use super::IoQueue;
use crate::buffer::AlignedBuf;
use crate::error::{Errno, OpResult};
use io_uring::{IoUring, opcode, types};
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd};

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Free,
    Taken,
    InFlight,
    Done,
}

#[derive(Clone, Copy)]
struct Transfer {
    fd: i32,
    offset: u64,
    done: usize,
    write: bool,
}

/// A queue of transfers over io_uring.
pub struct PosixQueue {
    /// `None` where the kernel has no io_uring or a policy forbids it: transfers are then done when they are submitted.
    ring: Option<IoUring>,
    buffers: Vec<AlignedBuf>,
    states: Vec<State>,
    transfers: Vec<Transfer>,
    free: Vec<usize>,
    /// Results not yet handed out.
    finished: VecDeque<(usize, OpResult<usize>)>,
    in_flight: usize,
}

impl PosixQueue {
    pub(super) fn new(depth: usize, transfer: usize) -> OpResult<Self> {
        let ring = IoUring::new(depth.next_power_of_two() as u32)
            .inspect_err(|error| log::warn!("io_uring is not available ({error}): transfers run one at a time"))
            .ok();
        Ok(PosixQueue {
            ring,
            buffers: (0..depth).map(|_| AlignedBuf::new(transfer)).collect(),
            states: vec![State::Free; depth],
            transfers: vec![Transfer { fd: -1, offset: 0, done: 0, write: false }; depth],
            free: (0..depth).rev().collect(),
            finished: VecDeque::with_capacity(depth),
            in_flight: 0,
        })
    }

    /// Whether transfers really overlap.
    pub fn is_asynchronous(&self) -> bool {
        self.ring.is_some()
    }

    fn submit(&mut self, slot: usize, transfer: Transfer) -> OpResult<()> {
        assert_eq!(self.states[slot], State::Taken, "slot {slot} is submitted without being taken");
        self.states[slot] = State::InFlight;
        self.in_flight += 1;
        self.transfers[slot] = transfer;
        self.start(slot)
    }

    /// Starts what is left of the slot's transfer.
    fn start(&mut self, slot: usize) -> OpResult<()> {
        let Transfer { fd, offset, done, write } = self.transfers[slot];
        let rest = &mut self.buffers[slot][done..];
        let at = offset + done as u64;
        let Some(ring) = &mut self.ring else {
            let result = one_transfer(fd, at, rest, write);
            self.settle(slot, result);
            return Ok(());
        };
        let (start, len) = (rest.as_mut_ptr(), rest.len() as u32);
        let entry = if write {
            opcode::Write::new(types::Fd(fd), start, len).offset(at).build()
        } else {
            opcode::Read::new(types::Fd(fd), start, len).offset(at).build()
        };
        // SAFETY: the buffer belongs to this queue, is not handed out while the slot is in flight, and outlives the transfer:
        // `drop` waits for every one. The kernel holds the open file from submission on.
        unsafe { ring.submission().push(&entry.user_data(slot as u64)) }.map_err(|_| Errno(libc::EAGAIN))?;
        ring.submit()?;
        Ok(())
    }

    /// Books a completion; a short transfer goes on, as `pread` in a loop would.
    fn settle(&mut self, slot: usize, result: OpResult<usize>) {
        let transfer = &mut self.transfers[slot];
        let whole = self.buffers[slot].len();
        let outcome = match result {
            Err(errno) if errno.0 == libc::EINTR || errno.0 == libc::EAGAIN => None,
            Err(errno) => Some(Err(errno)),
            Ok(0) if transfer.write => Some(Err(Errno(libc::EIO))),
            Ok(0) => Some(Ok(transfer.done)),
            Ok(got) => {
                transfer.done += got;
                (transfer.done == whole).then_some(Ok(whole))
            }
        };
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => match self.start(slot) {
                Ok(()) => return,
                Err(errno) => Err(errno),
            },
        };
        self.states[slot] = State::Done;
        self.in_flight -= 1;
        self.finished.push_back((slot, outcome));
    }
}

fn one_transfer(fd: i32, offset: u64, data: &mut [u8], write: bool) -> OpResult<usize> {
    // SAFETY: pread's and pwrite's contract, an open file and a buffer of `len` bytes; the caller holds the file open.
    let moved = unsafe {
        if write {
            libc::pwrite64(fd, data.as_ptr().cast(), data.len(), offset as i64)
        } else {
            libc::pread64(fd, data.as_mut_ptr().cast(), data.len(), offset as i64)
        }
    };
    usize::try_from(moved).map_err(|_| Errno::last())
}

impl IoQueue<OwnedFd> for PosixQueue {
    fn depth(&self) -> usize {
        self.buffers.len()
    }

    fn slot(&mut self) -> Option<usize> {
        let slot = self.free.pop()?;
        self.states[slot] = State::Taken;
        Some(slot)
    }

    fn buffer(&mut self, slot: usize) -> &mut [u8] {
        assert!(matches!(self.states[slot], State::Taken | State::Done), "slot {slot} is in flight or free");
        &mut self.buffers[slot]
    }

    fn submit_write(&mut self, slot: usize, file: &OwnedFd, offset: u64) -> OpResult<()> {
        self.submit(slot, Transfer { fd: file.as_raw_fd(), offset, done: 0, write: true })
    }

    fn submit_read(&mut self, slot: usize, file: &OwnedFd, offset: u64) -> OpResult<()> {
        self.submit(slot, Transfer { fd: file.as_raw_fd(), offset, done: 0, write: false })
    }

    fn reap(&mut self) -> Option<(usize, OpResult<usize>)> {
        while self.finished.is_empty() && self.in_flight > 0 {
            let ring = self.ring.as_mut().expect("without a ring a transfer is finished when it is submitted");
            let completion = ring.completion().next();
            match completion {
                Some(entry) => {
                    let result = usize::try_from(entry.result()).map_err(|_| Errno(-entry.result()));
                    self.settle(entry.user_data() as usize, result);
                }
                None => match ring.submit_and_wait(1) {
                    Ok(_) => {}
                    Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                    Err(error) => panic!("waiting for io_uring: {error}"),
                },
            }
        }
        self.finished.pop_front()
    }

    fn release(&mut self, slot: usize) {
        assert!(matches!(self.states[slot], State::Taken | State::Done), "slot {slot} is in flight or free");
        self.states[slot] = State::Free;
        self.free.push(slot);
    }
}

impl Drop for PosixQueue {
    fn drop(&mut self) {
        while self.reap().is_some() {}
    }
}
