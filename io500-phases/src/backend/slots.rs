//! Which slots of a queue are free, taken by the caller, in flight, or lost.

use crate::error::{Errno, OpResult};

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Free,
    Taken,
    InFlight,
    /// The queue broke while it was in flight: its buffer may still be in use.
    Lost,
}

/// The states of a queue's slots. A slot belongs to the caller from `take` to `release`, except while it is in flight.
pub(super) struct Slots {
    states: Vec<State>,
    free: Vec<usize>,
    in_flight: usize,
}

impl Slots {
    pub fn new(depth: usize) -> Self {
        Slots { states: vec![State::Free; depth], free: (0..depth).rev().collect(), in_flight: 0 }
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn any_lost(&self) -> bool {
        self.states.contains(&State::Lost)
    }

    pub fn take(&mut self) -> Option<usize> {
        let slot = self.free.pop()?;
        self.states[slot] = State::Taken;
        Some(slot)
    }

    /// Puts a slot in flight; `EBUSY` unless the caller has it.
    pub fn start(&mut self, slot: usize) -> OpResult<()> {
        if self.states[slot] != State::Taken {
            return Err(Errno(libc::EBUSY));
        }
        self.states[slot] = State::InFlight;
        self.in_flight += 1;
        Ok(())
    }

    /// Gives a slot that was in flight back to the caller.
    pub fn land(&mut self, slot: usize) {
        debug_assert_eq!(self.states[slot], State::InFlight);
        self.states[slot] = State::Taken;
        self.in_flight -= 1;
    }

    /// Gives up one slot that is in flight, if there is one.
    pub fn lose(&mut self) -> Option<usize> {
        let slot = self.states.iter().position(|&state| state == State::InFlight)?;
        self.states[slot] = State::Lost;
        self.in_flight -= 1;
        Some(slot)
    }

    /// # Panics
    /// Unless the caller has the slot.
    pub fn check_taken(&self, slot: usize) {
        assert_eq!(self.states[slot], State::Taken, "the caller does not have slot {slot}");
    }

    /// Makes a taken slot free; one that is lost stays lost.
    ///
    /// # Panics
    /// If the slot is in flight or free already.
    pub fn release(&mut self, slot: usize) {
        if self.states[slot] == State::Lost {
            return;
        }
        self.check_taken(slot);
        self.states[slot] = State::Free;
        self.free.push(slot);
    }
}
