//! What a queue of transfers in flight is.

use crate::error::OpResult;

/// Transfers in flight: fixed slots, each with its own page-aligned buffer. A slot goes `slot` → fill the `buffer` →
/// `submit_*` → `reap` → look at the `buffer` → `release`; between submit and reap nothing may touch its buffer.
///
/// The slot is the caller's from `slot` to `release`, except between submit and reap. A file may be closed while its transfers are in
/// flight. Dropping a queue waits for what is in flight. When a queue breaks and can wait no more, each transfer in flight fails
/// once with `EIO` and its slot is lost: `buffer` panics, `release` does nothing, and its memory is never freed.
#[allow(clippy::missing_errors_doc)] // said where it happens
pub trait IoQueue<F> {
    /// The number of slots.
    fn depth(&self) -> usize;
    /// Takes a free slot, if there is one.
    fn slot(&mut self) -> Option<usize>;
    /// The buffer of a slot that is taken and not in flight.
    ///
    /// # Panics
    /// Unless the caller has the slot.
    fn buffer(&mut self, slot: usize) -> &mut [u8];
    /// Starts writing the slot's whole buffer. `EBUSY` unless the caller has the slot. When it fails nothing is in flight, and the slot
    /// is still the caller's.
    fn submit_write(&mut self, slot: usize, file: &F, offset: u64) -> OpResult<()>;
    /// Starts reading into the slot's whole buffer; fails as `submit_write` does.
    fn submit_read(&mut self, slot: usize, file: &F, offset: u64) -> OpResult<()>;
    /// Waits for a transfer to finish: its slot, and the bytes moved or its error. `None` when nothing is in flight.
    fn reap(&mut self) -> Option<(usize, OpResult<usize>)>;
    /// Makes a taken slot free again.
    fn release(&mut self, slot: usize);
}

/// The queue of a store that has none: see [`Backend::queue`](super::Backend::queue).
#[derive(Debug)]
pub enum NoQueue {}

impl<F> IoQueue<F> for NoQueue {
    fn depth(&self) -> usize {
        match *self {}
    }
    fn slot(&mut self) -> Option<usize> {
        match *self {}
    }
    fn buffer(&mut self, _slot: usize) -> &mut [u8] {
        match *self {}
    }
    fn submit_write(&mut self, _slot: usize, _file: &F, _offset: u64) -> OpResult<()> {
        match *self {}
    }
    fn submit_read(&mut self, _slot: usize, _file: &F, _offset: u64) -> OpResult<()> {
        match *self {}
    }
    fn reap(&mut self) -> Option<(usize, OpResult<usize>)> {
        match *self {}
    }
    fn release(&mut self, _slot: usize) {
        match *self {}
    }
}
