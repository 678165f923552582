//! How ranks share work and find out together that none is left.
//!
//! A rank without work asks a few others at random, one at a time. If none has any, it registers with its *lifelines*, the ranks whose number
//! differs from its own in one bit, and is silent: a lifeline that gets work passes half of it on. So work spreads in a logarithmic
//! number of steps, and idle ranks send nothing, however long the others work.
//!
//! The walk is over when every rank is silent and every message has been received. Ranks report that up a binary tree in waves: a rank
//! answers when it is silent and its children have answered, with the number of messages that the ranks below it have sent and received. When
//! two waves in a row bring the same numbers, and as many sent as received, nothing moved between them (Mattern's four counters),
//! and the root says so down the tree. Each rank hears that last, so that no rank leaves with messages under way.

use super::pool::{Pool, WorkerStatus};
use super::tally::Traffic;
use super::work::Work;
use crate::comm::tree::{children, parent};
use crate::comm::{Comm, MAX_MESSAGE};
use crate::engine::{FAILED, Recorder};
use std::collections::VecDeque;

const STEAL_REQUEST: u8 = 1;
const STEAL_REFUSED: u8 = 2;
const STEAL_DONE: u8 = 3;
const LIFELINE_REQUEST: u8 = 4;
const LIFELINE_DONE: u8 = 5;
const TERMINATION_PROBE: u8 = 6;
const TERMINATION_REPLY: u8 = 7;
const TERMINATED: u8 = 8;

/// Ranks asked at random before the lifelines.
const TRIES: usize = 2;

/// Where the walk stands for this rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkStatus {
    /// It goes on.
    On,
    /// No rank has any work.
    Over,
    /// Another rank said that it failed.
    Failed,
}

/// One rank's side of it.
pub struct Balance<'c> {
    comm: &'c dyn Comm,
    /// Ranks that take part in the walk are those below.
    peers: usize,
    steal_next: bool,
    random: u64,
    tries: usize,
    /// An answer is on its way.
    waits: bool,
    /// The lifelines, and whether this rank is registered with each.
    lifelines: Vec<(usize, bool)>,
    /// Ranks that are registered with this one.
    idle_ranks: VecDeque<usize>,
    sent: u64,
    received: u64,
    probe: TerminationProbe,
    traffic: Traffic,
}

/// The probe that is under way.
#[derive(Debug, Default)]
struct TerminationProbe {
    number: u64,
    answered: bool,
    /// Children that have answered.
    answers: usize,
    sent: u64,
    received: u64,
    /// The numbers of the last wave, on the root.
    last: Option<(u64, u64)>,
}

impl<'c> Balance<'c> {
    /// A rank that has not asked anybody; of all ranks, the first `peers` take part in the walk.
    pub fn new(comm: &'c dyn Comm, peers: usize, steal_next: bool) -> Self {
        let rank = comm.rank();
        let bits = usize::BITS - peers.leading_zeros();
        let lifelines = (0..bits).map(|bit| rank ^ (1 << bit)).filter(|&line| rank < peers && line < peers);
        Balance {
            comm,
            peers,
            steal_next,
            random: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(rank as u64 + 1),
            tries: 0,
            waits: false,
            lifelines: lifelines.map(|line| (line, false)).collect(),
            idle_ranks: VecDeque::new(),
            sent: 0,
            received: 0,
            probe: TerminationProbe::default(),
            traffic: Traffic::default(),
        }
    }

    /// What was counted.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Whether this rank has reported that it is silent, so that the others may already be leaving.
    pub fn has_answered(&self) -> bool {
        self.probe.answered
    }

    /// Reads a message.
    pub fn receive<D, R: Recorder>(
        &mut self,
        from: usize,
        message: &[u8],
        pool: &Pool<'_, D, R>,
        status: &WorkerStatus,
    ) -> WalkStatus {
        let (&kind, body) = message.split_first().expect("messages have a kind");
        self.received +=
            u64::from(matches!(kind, STEAL_REQUEST | STEAL_REFUSED | STEAL_DONE | LIFELINE_REQUEST | LIFELINE_DONE));
        match kind {
            FAILED => return WalkStatus::Failed,
            STEAL_REQUEST => {
                self.traffic.asked += 1;
                if !self.give(from, STEAL_DONE, pool, status) {
                    self.send(from, &[STEAL_REFUSED]);
                }
            }
            STEAL_REFUSED => self.waits = false,
            STEAL_DONE => {
                self.waits = false;
                self.take(body, pool);
            }
            LIFELINE_REQUEST => {
                self.traffic.asked += 1;
                self.idle_ranks.push_back(from);
                pool.set_idle_ranks(self.idle_ranks.len());
            }
            LIFELINE_DONE => {
                let line = self.lifelines.iter_mut().find(|(line, _)| *line == from);
                line.expect("only lifelines feed").1 = false;
                self.take(body, pool);
            }
            TERMINATION_PROBE => {
                let [number] = numbers(body);
                self.probe = TerminationProbe { number, ..TerminationProbe::default() };
                self.tell_children(message);
            }
            TERMINATION_REPLY => {
                let [number, sent, received] = numbers(body);
                assert_eq!(number, self.probe.number, "rank {from} answers another probe");
                self.probe.answers += 1;
                self.probe.sent += sent;
                self.probe.received += received;
            }
            TERMINATED => {
                self.tell_children(message);
                return WalkStatus::Over;
            }
            other => panic!("rank {from} sent a message of unknown kind {other}"),
        }
        WalkStatus::On
    }

    /// Passes work on to ranks that are registered here.
    pub fn feed<D, R: Recorder>(&mut self, pool: &Pool<'_, D, R>, status: &WorkerStatus) {
        let before = self.idle_ranks.len();
        while let Some(&first) = self.idle_ranks.front()
            && self.give(first, LIFELINE_DONE, pool, status)
        {
            self.idle_ranks.pop_front();
        }
        if self.idle_ranks.len() != before {
            pool.set_idle_ranks(self.idle_ranks.len());
        }
    }

    /// This rank has no work: asks for some, or falls silent and reports that.
    pub fn idle(&mut self) -> WalkStatus {
        if self.waits {
            return WalkStatus::On;
        }
        if self.comm.rank() < self.peers && self.peers > 1 {
            if self.tries < TRIES.min(self.peers - 1) {
                self.tries += 1;
                self.waits = true;
                let victim = self.victim();
                self.ask(victim, STEAL_REQUEST);
                return WalkStatus::On;
            }
            for at in 0..self.lifelines.len() {
                let (line, registered) = self.lifelines[at];
                if !registered {
                    self.lifelines[at].1 = true;
                    self.ask(line, LIFELINE_REQUEST);
                }
            }
        }
        self.answer()
    }

    fn victim(&mut self) -> usize {
        let rank = self.comm.rank();
        if self.steal_next && self.tries % 2 == 1 {
            return (rank + self.peers - 1) % self.peers;
        }
        // xorshift: the same choices in every run
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (rank + 1 + (self.random % (self.peers as u64 - 1)) as usize) % self.peers
    }

    fn ask(&mut self, rank: usize, kind: u8) {
        self.traffic.asks += 1;
        self.send(rank, &[kind]);
    }

    fn send(&mut self, to: usize, message: &[u8]) {
        self.sent += 1;
        self.comm.send(to, message);
    }

    fn give<D, R: Recorder>(&mut self, to: usize, kind: u8, pool: &Pool<'_, D, R>, status: &WorkerStatus) -> bool {
        let works = pool.share(status, MAX_MESSAGE - 1);
        if works.is_empty() {
            return false;
        }
        let mut message = vec![kind];
        works.iter().for_each(|work| work.encode(&mut message));
        self.traffic.given += works.len() as u64;
        self.send(to, &message);
        true
    }

    fn take<D, R: Recorder>(&mut self, body: &[u8], pool: &Pool<'_, D, R>) {
        let works = Work::decode_all(body);
        self.traffic.stolen += works.len() as u64;
        self.tries = 0;
        pool.add(works);
    }

    fn tell_children(&mut self, message: &[u8]) {
        for child in children(self.comm.rank(), self.comm.size()) {
            self.traffic.tokens += 1;
            self.comm.send(child, message);
        }
    }

    /// Answers the probe if it is time.
    fn answer(&mut self) -> WalkStatus {
        let (rank, size) = (self.comm.rank(), self.comm.size());
        if self.probe.answered || self.probe.answers < children(rank, size).count() {
            return WalkStatus::On;
        }
        let sent = self.probe.sent + self.sent;
        let received = self.probe.received + self.received;
        if rank > 0 {
            self.probe.answered = true;
            self.traffic.tokens += 1;
            self.comm.send(parent(rank), &message(TERMINATION_REPLY, &[self.probe.number, sent, received]));
            return WalkStatus::On;
        }
        if sent == received && self.probe.last == Some((sent, received)) {
            self.tell_children(&[TERMINATED]);
            return WalkStatus::Over;
        }
        let number = self.probe.number + 1;
        self.probe = TerminationProbe { number, last: Some((sent, received)), ..TerminationProbe::default() };
        self.tell_children(&message(TERMINATION_PROBE, &[number]));
        WalkStatus::On
    }
}

fn message(kind: u8, numbers: &[u64]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    message
}

fn numbers<const N: usize>(body: &[u8]) -> [u64; N] {
    let (words, rest) = body.as_chunks::<8>();
    assert!(words.len() == N && rest.is_empty(), "a message of {} bytes about a probe", body.len());
    std::array::from_fn(|at| u64::from_le_bytes(words[at]))
}
