//! Transfers in flight on a mounted file system: io_uring, or one at a time where the kernel refuses it.
#![allow(unsafe_code)]

use super::{IoQueue, posix_facts};
use crate::buffer::AlignedBuf;
use crate::error::{Errno, OpResult};
use io_uring::{IoUring, Probe, opcode, types};
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Once;

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
    /// Attempts in a row that the kernel told to come again.
    again: u32,
}

/// So many attempts in a row are made before a transfer fails that the kernel tells to come again.
const ATTEMPTS: u32 = 1000;

impl Transfer {
    fn new(fd: i32, offset: u64, write: bool) -> Self {
        Transfer { fd, offset, done: 0, write, again: 0 }
    }

    /// What an attempt means for a transfer of so many bytes: none when it goes on, as `pread` in a loop would.
    fn outcome(&mut self, whole: usize, result: OpResult<usize>) -> Option<OpResult<usize>> {
        match result {
            Err(errno) if matches!(errno.0, libc::EINTR | libc::EAGAIN) => {
                self.again += 1;
                (self.again >= ATTEMPTS).then_some(Err(errno))
            }
            Err(errno) => Some(Err(errno)),
            Ok(0) if self.write => Some(Err(Errno(libc::EIO))),
            Ok(0) => Some(Ok(self.done)),
            Ok(got) => {
                self.again = 0;
                self.done += got;
                (self.done == whole).then_some(Ok(whole))
            }
        }
    }
}

/// Why transfers cannot overlap in this process; none where they can.
pub(super) fn obstacle() -> Option<String> {
    ring(1).err()
}

/// A ring for so many transfers, or why there is none.
fn ring(depth: usize) -> Result<IoUring, String> {
    // io_uring goes past the C library, and so past what is loaded to intercept its calls
    if let Some(library) = posix_facts::loaded_interception() {
        return Err(format!("io_uring would go past {library}"));
    }
    let refused = |error: std::io::Error| format!("io_uring is not available ({error})");
    let ring = IoUring::new(depth.next_power_of_two() as u32).map_err(refused)?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe).map_err(refused)?;
    let supported = [opcode::Read::CODE, opcode::Write::CODE].into_iter().all(|code| probe.is_supported(code));
    if supported { Ok(ring) } else { Err("the kernel's io_uring has no plain reads and writes".into()) }
}

/// A queue of transfers over io_uring.
pub struct PosixQueue {
    /// `None` where there is an [`obstacle`]: transfers are then done when they are submitted.
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
        static SAID: Once = Once::new();
        let say = |why: &String| SAID.call_once(|| log::warn!("transfers run one at a time: {why}"));
        Ok(Self::over(ring(depth).inspect_err(say).ok(), depth, transfer))
    }

    fn over(ring: Option<IoUring>, depth: usize, transfer: usize) -> Self {
        PosixQueue {
            ring,
            buffers: (0..depth).map(|_| AlignedBuf::new(transfer)).collect(),
            states: vec![State::Free; depth],
            transfers: vec![Transfer::new(-1, 0, false); depth],
            free: (0..depth).rev().collect(),
            finished: VecDeque::with_capacity(depth),
            in_flight: 0,
        }
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
        let Transfer { fd, offset, done, write, .. } = self.transfers[slot];
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

    /// Books a completion, or goes on.
    fn settle(&mut self, slot: usize, result: OpResult<usize>) {
        let whole = self.buffers[slot].len();
        let outcome = match self.transfers[slot].outcome(whole, result) {
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
        self.submit(slot, Transfer::new(file.as_raw_fd(), offset, true))
    }

    fn submit_read(&mut self, slot: usize, file: &OwnedFd, offset: u64) -> OpResult<()> {
        self.submit(slot, Transfer::new(file.as_raw_fd(), offset, false))
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
                    // the kernel is short of something for the moment
                    Err(error) if matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EBUSY)) => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes numbered blocks and reads them back past the end, with more transfers than slots.
    fn round_trip(mut queue: PosixQueue) {
        const BLOCK: usize = 4096;
        const BLOCKS: u64 = 23;
        let file = OwnedFd::from(tempfile::tempfile().unwrap());
        let mut offset_of = vec![0; queue.depth()];
        for writing in [true, false] {
            let last = if writing { BLOCKS } else { BLOCKS + 1 };
            let (mut next, mut moved) = (0, 0);
            loop {
                while next < last
                    && let Some(slot) = queue.slot()
                {
                    let content = if writing { next as u8 + 1 } else { 0 };
                    queue.buffer(slot).fill(content);
                    offset_of[slot] = next;
                    let offset = next * BLOCK as u64;
                    if writing {
                        queue.submit_write(slot, &file, offset)
                    } else {
                        queue.submit_read(slot, &file, offset)
                    }
                    .unwrap();
                    next += 1;
                }
                let Some((slot, result)) = queue.reap() else { break };
                let (block, got) = (offset_of[slot], result.unwrap());
                moved += got;
                assert_eq!(got, if block < BLOCKS { BLOCK } else { 0 });
                assert!(queue.buffer(slot)[..got].iter().all(|&byte| byte == block as u8 + 1), "block {block}");
                queue.release(slot);
            }
            assert_eq!((next, moved as u64), (last, BLOCKS * BLOCK as u64));
        }
        // a file that is not open for it
        let closed = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let slot = queue.slot().unwrap();
        let submitted = queue.submit_write(slot, &closed, 0);
        let result = submitted.and_then(|()| queue.reap().unwrap().1);
        assert_eq!(result, Err(Errno(libc::EBADF)));
    }

    #[test]
    fn transfers_come_back_whole_at_every_depth() {
        for depth in [1, 2, 7, 64] {
            round_trip(PosixQueue::over(None, depth, 4096));
            match ring(depth) {
                Ok(ring) => round_trip(PosixQueue::over(Some(ring), depth, 4096)),
                Err(why) => eprintln!("skipped: {why}"),
            }
        }
    }

    #[test]
    fn come_again_is_not_followed_for_ever() {
        let mut transfer = Transfer::new(0, 0, false);
        let again = || Err(Errno(libc::EAGAIN));
        let attempts = |transfer: &mut Transfer| (1..).find(|_| transfer.outcome(8, again()).is_some());
        assert_eq!(attempts(&mut transfer), Some(ATTEMPTS));
        // progress gives it as many again
        transfer.again = ATTEMPTS - 1;
        assert_eq!(transfer.outcome(8, Ok(3)), None);
        assert_eq!(attempts(&mut transfer), Some(ATTEMPTS));
        assert_eq!(transfer.outcome(8, Ok(5)), Some(Ok(8)));
    }

    #[test]
    fn what_hinders_a_queue_is_what_the_store_tells() {
        assert_eq!(obstacle().is_some(), ring(8).is_err());
        assert_eq!(PosixQueue::new(8, 64).unwrap().ring.is_some(), obstacle().is_none());
    }
}
