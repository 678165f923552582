//! A store that keeps nothing: every operation succeeds at once. What a run costs on it is the harness's own cost.
//!
//! It does not list, and its files have whatever content the reader already holds (see [`Backend::keeps_data`]).

use super::slots::Slots;
use super::{Access, Backend, Description, DirBatch, FileKind, FileLayout, IoQueue, Stat};
use crate::buffer::{AlignedBuf, toggle_poison};
use crate::error::OpResult;
use crate::plan::Hints;
use std::ffi::CStr;

/// The store that keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Null;

impl Backend for Null {
    type Dir = ();
    type File = ();
    type Cursor = ();
    type Queue = NullQueue;

    fn open_path(&self, _path: &str) -> OpResult<()> {
        Ok(())
    }
    fn mkdir(&self, _parent: &(), _name: &CStr, _hints: Hints) -> OpResult<()> {
        Ok(())
    }
    fn open_dir(&self, _parent: &(), _name: &CStr) -> OpResult<()> {
        Ok(())
    }
    #[inline]
    fn create(&self, _dir: &(), _name: &CStr, _hints: Hints) -> OpResult<()> {
        Ok(())
    }
    #[inline]
    fn open(&self, _dir: &(), _name: &CStr, _access: Access) -> OpResult<()> {
        Ok(())
    }
    #[inline]
    fn stat(&self, _dir: &(), _name: &CStr) -> OpResult<Stat> {
        Ok(Stat { kind: FileKind::File, size: 0, ctime: 0, mtime: 0 })
    }
    #[inline]
    fn unlink(&self, _dir: &(), _name: &CStr) -> OpResult<()> {
        Ok(())
    }
    fn rmdir(&self, _dir: &(), _name: &CStr) -> OpResult<()> {
        Ok(())
    }
    fn shards(&self, _dir: &()) -> OpResult<u32> {
        Ok(1)
    }
    fn cursor(&self, _dir: &(), _index: u32, _of: u32) -> OpResult<()> {
        Ok(())
    }
    fn read_dir(&self, _cursor: &mut (), batch: &mut DirBatch) -> OpResult<()> {
        batch.clear();
        Ok(())
    }
    #[inline]
    fn write_at(&self, _file: &(), _offset: u64, _data: &[u8]) -> OpResult<()> {
        Ok(())
    }
    /// Gives the buffer back its content from before it was poisoned.
    #[inline]
    fn read_at(&self, _file: &(), _offset: u64, data: &mut [u8]) -> OpResult<usize> {
        toggle_poison(data);
        Ok(data.len())
    }
    fn sync(&self, _file: &()) -> OpResult<()> {
        Ok(())
    }
    fn sync_all(&self, _dir: &()) -> OpResult<()> {
        Ok(())
    }
    #[inline]
    fn close(&self, _file: ()) -> OpResult<()> {
        Ok(())
    }
    fn queue(&self, depth: usize, transfer: usize) -> OpResult<NullQueue> {
        Ok(NullQueue::new(depth, transfer))
    }
    fn export(&self, _file: &()) -> OpResult<Option<Vec<u8>>> {
        Ok(Some(Vec::new()))
    }
    fn import(&self, _bytes: &[u8]) -> OpResult<()> {
        Ok(())
    }
    fn layout(&self, _file: &()) -> OpResult<Option<FileLayout>> {
        Ok(None)
    }
    fn keeps_data(&self) -> bool {
        false
    }
    fn describe(&self) -> Description {
        Description {
            api: "null".into(),
            provider: "null (keeps nothing)".into(),
            real: false,
            facts: Vec::new(),
            doubts: vec!["the store is the null backend: nothing was stored".into()],
            ..Description::default()
        }
    }
}

/// Transfers that are finished when they are reaped, in the order they were submitted.
pub struct NullQueue {
    buffers: Vec<AlignedBuf>,
    slots: Slots,
    in_flight: std::collections::VecDeque<usize>,
}

impl NullQueue {
    pub(super) fn new(depth: usize, transfer: usize) -> Self {
        NullQueue {
            buffers: (0..depth).map(|_| AlignedBuf::new(transfer)).collect(),
            slots: Slots::new(depth),
            in_flight: std::collections::VecDeque::with_capacity(depth),
        }
    }
}

impl IoQueue<()> for NullQueue {
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
    fn submit_write(&mut self, slot: usize, _file: &(), _offset: u64) -> OpResult<()> {
        self.slots.start(slot)?;
        self.in_flight.push_back(slot);
        Ok(())
    }
    fn submit_read(&mut self, slot: usize, _file: &(), _offset: u64) -> OpResult<()> {
        self.slots.start(slot)?;
        toggle_poison(&mut self.buffers[slot]);
        self.in_flight.push_back(slot);
        Ok(())
    }
    fn reap(&mut self) -> Option<(usize, OpResult<usize>)> {
        let slot = self.in_flight.pop_front()?;
        self.slots.land(slot);
        Some((slot, Ok(self.buffers[slot].len())))
    }
    fn release(&mut self, slot: usize) {
        self.slots.release(slot);
    }
}
