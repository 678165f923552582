//! Transfers in flight on a mounted file system: io_uring, or one at a time where the kernel refuses it.
#![allow(unsafe_code)]

use super::posix_file::File;
use super::slots::Slots;
use super::{IoQueue, posix_facts};
use crate::buffer::AlignedBuf;
use crate::error::{Errno, OpResult};
use io_uring::{IoUring, Probe, opcode, types};
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Once};

#[derive(Clone)]
struct Transfer {
    /// Keeps the file open while the kernel, or what is left of a short transfer, needs it.
    file: Option<Arc<OwnedFd>>,
    offset: u64,
    done: usize,
    write: bool,
    /// Attempts in a row that the kernel told to come again.
    again: u32,
}

/// So many attempts in a row are made before a transfer fails that the kernel tells to come again.
const ATTEMPTS: u32 = 1000;

impl Transfer {
    fn new(file: Option<Arc<OwnedFd>>, offset: u64, write: bool) -> Self {
        Transfer { file, offset, done: 0, write, again: 0 }
    }

    /// Moves the whole buffer before it returns.
    fn at_once(mut self, fd: RawFd, buffer: &mut [u8]) -> OpResult<usize> {
        loop {
            let result = one_transfer(fd, self.offset + self.done as u64, &mut buffer[self.done..], self.write);
            if let Some(outcome) = self.outcome(buffer.len(), result) {
                return outcome;
            }
        }
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
        return Err(format!("io_uring would bypass {library}"));
    }
    let refused = |error: std::io::Error| format!("io_uring is not available ({error})");
    let ring = IoUring::new(depth.next_power_of_two() as u32).map_err(refused)?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe).map_err(refused)?;
    let supported = [opcode::Read::CODE, opcode::Write::CODE].into_iter().all(|code| probe.is_supported(code));
    if supported { Ok(ring) } else { Err("the kernel's io_uring has no plain reads and writes".into()) }
}

/// Whether the kernel is only short of something for the moment, or was interrupted.
fn is_transient(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EBUSY))
}

/// A queue of transfers over io_uring. Dropping it waits for what the kernel has, and starts nothing.
pub struct PosixQueue {
    /// `None` where there is an [`obstacle`]: transfers are then done when they are submitted.
    ring: Option<IoUring>,
    /// The ring takes nothing any more and tells nothing any more.
    broken: bool,
    buffers: Vec<AlignedBuf>,
    slots: Slots,
    transfers: Vec<Transfer>,
    /// Without a ring: results not yet handed out.
    finished: VecDeque<(usize, OpResult<usize>)>,
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
            broken: false,
            buffers: (0..depth).map(|_| AlignedBuf::new(transfer)).collect(),
            slots: Slots::new(depth),
            transfers: vec![Transfer::new(None, 0, false); depth],
            finished: VecDeque::with_capacity(depth),
        }
    }

    /// A queue for tests whose transfers are done when they are submitted, and one over a ring where there are rings.
    #[cfg(test)]
    pub(super) fn of_both_kinds(depth: usize, transfer: usize) -> Vec<Self> {
        let over_ring = ring(depth).inspect_err(|why| eprintln!("skipped: {why}")).ok();
        let without = Self::over(None, depth, transfer);
        std::iter::once(without).chain(over_ring.map(|ring| Self::over(Some(ring), depth, transfer))).collect()
    }

    fn submit(&mut self, slot: usize, file: &File, offset: u64, write: bool) -> OpResult<()> {
        self.slots.start(slot)?;
        if self.ring.is_none() {
            let outcome = Transfer::new(None, offset, write).at_once(file.as_raw_fd(), &mut self.buffers[slot]);
            self.finished.push_back((slot, outcome));
            return Ok(());
        }
        self.transfers[slot] = Transfer::new(Some(file.shared().clone()), offset, write);
        self.start(slot).inspect_err(|_| self.land(slot))
    }

    /// Starts what is left of the slot's transfer. When that fails, the kernel does not have it.
    fn start(&mut self, slot: usize) -> OpResult<()> {
        let Transfer { file: Some(file), offset, done, write, .. } = &self.transfers[slot] else {
            unreachable!("a transfer in flight has its file")
        };
        let Some(ring) = self.ring.as_mut().filter(|_| !self.broken) else { return Err(Errno(libc::EIO)) };
        let rest = &mut self.buffers[slot][*done..];
        let at = offset + *done as u64;
        let (fd, start, len) = (types::Fd(file.as_raw_fd()), rest.as_mut_ptr(), rest.len() as u32);
        let entry = match write {
            true => opcode::Write::new(fd, start, len).offset(at).build(),
            false => opcode::Read::new(fd, start, len).offset(at).build(),
        };
        // SAFETY: buffer and file belong to this slot. The buffer is not handed out and the file not closed while the slot is in
        // flight, and both outlive the transfer: `drop` waits for what the kernel has, or leaks them where it cannot.
        unsafe { ring.submission().push(&entry.user_data(slot as u64)) }.map_err(|_| Errno(libc::EAGAIN))?;
        match ring.submit() {
            // what is not submitted now, the next call submits
            Err(error) if !is_transient(&error) => {
                // nothing was taken, and a ring that is broken is given nothing again: this entry stays where it is
                self.broken = true;
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// Gives a slot back to the caller; its file may close now.
    fn land(&mut self, slot: usize) {
        self.transfers[slot].file = None;
        self.slots.land(slot);
    }
}

fn one_transfer(fd: RawFd, offset: u64, data: &mut [u8], write: bool) -> OpResult<usize> {
    // SAFETY: pread's and pwrite's contract, an open file and a buffer of `len` bytes; the caller borrows the file.
    let moved = unsafe {
        if write {
            libc::pwrite64(fd, data.as_ptr().cast(), data.len(), offset as i64)
        } else {
            libc::pread64(fd, data.as_mut_ptr().cast(), data.len(), offset as i64)
        }
    };
    usize::try_from(moved).map_err(|_| Errno::last())
}

impl IoQueue<File> for PosixQueue {
    fn depth(&self) -> usize {
        self.buffers.len()
    }

    fn slot(&mut self) -> Option<usize> {
        self.slots.take()
    }

    fn buffer(&mut self, slot: usize) -> &mut [u8] {
        self.slots.check_taken(slot);
        &mut self.buffers[slot]
    }

    fn submit_write(&mut self, slot: usize, file: &File, offset: u64) -> OpResult<()> {
        self.submit(slot, file, offset, true)
    }

    fn submit_read(&mut self, slot: usize, file: &File, offset: u64) -> OpResult<()> {
        self.submit(slot, file, offset, false)
    }

    fn reap(&mut self) -> Option<(usize, OpResult<usize>)> {
        if let Some((slot, outcome)) = self.finished.pop_front() {
            self.slots.land(slot);
            return Some((slot, outcome));
        }
        while self.slots.in_flight() > 0 {
            let ring = self.ring.as_mut()?;
            let completion = ring.completion().next();
            let Some(entry) = completion else {
                if self.broken {
                    // nothing will complete any more: each transfer fails once, and nobody gets its buffer
                    return self.slots.lose().map(|slot| (slot, Err(Errno(libc::EIO))));
                }
                self.broken = ring.submit_and_wait(1).is_err_and(|error| !is_transient(&error));
                continue;
            };
            let slot = entry.user_data() as usize;
            let result = usize::try_from(entry.result()).map_err(|_| Errno(-entry.result()));
            let outcome = match self.transfers[slot].outcome(self.buffers[slot].len(), result) {
                Some(outcome) => outcome,
                None => match self.start(slot) {
                    Ok(()) => continue,
                    Err(errno) => Err(errno),
                },
            };
            self.land(slot);
            return Some((slot, outcome));
        }
        None
    }

    fn release(&mut self, slot: usize) {
        self.slots.release(slot);
    }
}

impl Drop for PosixQueue {
    fn drop(&mut self) {
        let Some(ring) = &mut self.ring else { return };
        // what the kernel has not taken yet it never will; a ring that broke may hold entries whose slots are the caller's again
        let not_taken = if self.broken { 0 } else { ring.submission().len() };
        let mut on_kernel = self.slots.in_flight().saturating_sub(not_taken);
        on_kernel = on_kernel.saturating_sub(ring.completion().count());
        while on_kernel > 0 && !self.broken {
            const GET_EVENTS: u32 = 1;
            // SAFETY: enter's contract; nothing is submitted, and there is no argument.
            let waited = unsafe { ring.submitter().enter::<libc::sigset_t>(0, 1, GET_EVENTS, None) };
            self.broken = waited.is_err_and(|error| !is_transient(&error));
            on_kernel = on_kernel.saturating_sub(ring.completion().count());
        }
        if on_kernel > 0 || self.slots.any_lost() {
            // the kernel may still use buffers and files: better lost than freed
            std::mem::forget(std::mem::take(&mut self.buffers));
            std::mem::forget(std::mem::take(&mut self.transfers));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::FromRawFd;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Writes numbered blocks and reads them back past the end, with more transfers than slots.
    fn round_trip(mut queue: PosixQueue) {
        const BLOCK: usize = 4096;
        const BLOCKS: u64 = 23;
        let file = file(tempfile::tempfile().unwrap());
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
    }

    fn file(file: std::fs::File) -> File {
        File::from(OwnedFd::from(file))
    }

    #[test]
    fn transfers_come_back_whole_at_every_depth() {
        for depth in [1, 2, 7, 64] {
            PosixQueue::of_both_kinds(depth, 4096).into_iter().for_each(round_trip);
        }
    }

    /// A queue of one transfer over a ring; none, with a line that says so, where there are no rings.
    fn over_ring(transfer: usize) -> Option<PosixQueue> {
        PosixQueue::of_both_kinds(1, transfer).into_iter().find(|queue| queue.ring.is_some())
    }

    /// A queue with a read of a pipe in flight, and what is to be written into the pipe.
    fn reading_a_pipe(transfer: usize) -> Option<(PosixQueue, usize, std::io::PipeWriter)> {
        let mut queue = over_ring(transfer)?;
        let (reader, writer) = std::io::pipe().unwrap();
        let slot = queue.slot().unwrap();
        queue.submit_read(slot, &File::from(OwnedFd::from(reader)), 0).unwrap();
        Some((queue, slot, writer))
    }

    /// Makes every further call on the ring fail.
    fn break_ring(queue: &PosixQueue) {
        let ring = queue.ring.as_ref().unwrap().as_raw_fd();
        let other = std::fs::File::open("/dev/null").unwrap();
        // SAFETY: two open descriptors; the ring's number stands for another file from now on, and is closed with the ring.
        assert_eq!(unsafe { libc::dup2(other.as_raw_fd(), ring) }, ring);
    }

    /// The rest of a short transfer must not go to whatever has the number of its file by then.
    #[test]
    fn a_slot_keeps_its_file() {
        let Some(mut queue) = over_ring(4096) else { return };
        let mut hundred = tempfile::tempfile().unwrap();
        hundred.write_all(&[1; 100]).unwrap();
        let mut other = tempfile::tempfile().unwrap();
        other.write_all(&[2; 4096]).unwrap();
        let first = file(hundred);
        let number = first.as_raw_fd();
        let slot = queue.slot().unwrap();
        queue.submit_read(slot, &first, 0).unwrap();
        assert!(first.into_sole().is_none(), "closed under a transfer");
        // SAFETY: fcntl's contract, an open file; the number is the lowest free one from that on.
        let again = unsafe { libc::fcntl(other.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number) };
        assert_ne!(again, number);
        assert_eq!(queue.reap(), Some((slot, Ok(100))));
        assert!(queue.buffer(slot)[..100].iter().all(|&byte| byte == 1) && !queue.buffer(slot).contains(&2));
        // SAFETY: the descriptor was made above and nobody else has it.
        drop(unsafe { OwnedFd::from_raw_fd(again) });
    }

    #[test]
    fn dropping_a_queue_does_not_go_on_with_a_short_transfer() {
        let Some((queue, _, mut writer)) = reading_a_pipe(8) else { return };
        writer.write_all(b"four").unwrap();
        let (done, is_done) = mpsc::channel();
        std::thread::spawn(move || {
            drop(queue);
            let _ = done.send(());
        });
        is_done.recv_timeout(Duration::from_secs(20)).expect("it waits for the four bytes only");
        drop(writer);
    }

    #[test]
    fn a_submit_that_fails_leaves_nothing_in_flight() {
        let Some(mut queue) = over_ring(512) else { return };
        break_ring(&queue);
        let (slot, file) = (queue.slot().unwrap(), file(tempfile::tempfile().unwrap()));
        for _ in 0..2 {
            assert!(queue.submit_write(slot, &file, 0).is_err());
            assert_eq!(queue.reap(), None);
            queue.buffer(slot).fill(1);
        }
        assert!(file.into_sole().is_some(), "nothing keeps it open");
        queue.release(slot);
        assert_eq!(queue.slot(), Some(slot));
    }

    /// The kernel goes on with what it has when the ring breaks: its buffer is neither handed out nor freed.
    #[test]
    fn a_ring_that_breaks_loses_what_is_in_flight() {
        let Some((mut queue, slot, mut writer)) = reading_a_pipe(4) else { return };
        break_ring(&queue);
        let buffer = queue.buffers[slot].as_ptr();
        assert_eq!(queue.reap(), Some((slot, Err(Errno(libc::EIO)))));
        assert_eq!(queue.reap(), None);
        queue.release(slot);
        assert_eq!(queue.slot(), None, "a lost slot is not given out");
        assert!(catch_unwind(AssertUnwindSafe(|| queue.buffer(slot)[0])).is_err());
        drop(queue);
        writer.write_all(b"late").unwrap();
        // the memory is still there, whether the kernel has written to it or has cancelled the read
        // SAFETY: leaked by `drop`, four bytes long.
        let late = unsafe { std::slice::from_raw_parts(buffer, 4) };
        assert!(late == b"late" || late == [0; 4], "{late:?}");
    }

    #[test]
    fn come_again_is_not_followed_for_ever() {
        let mut transfer = Transfer::new(None, 0, false);
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
