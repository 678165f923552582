//! Heartbeats between ranks, so that the others notice and name a rank that is frozen, killed or disconnected.
//!
//! MPI cannot do this: only the main thread may call it, and that one waits in a collective for the lost rank. Each rank has one UDP
//! socket, used by its watchdog's thread alone, and exchanges a small datagram a second with the ranks 1, 2, 4, 8 … before and after it.
//! That is O(log n) traffic per rank. Every rank, rank 0 included, is watched from other nodes too, and what these notice reaches all
//! survivors in O(log n) hops.

mod message;
mod network;

pub use message::End;

use io500_phases::comm::Comm;
use io500_phases::engine::{OpKind, Snapshot};
use io500_phases::phase_id::PhaseId;
use io500_phases::units::count;
use message::{Datagram, Message, Sign, Slowest};
use network::{Card, own_addresses, partners, reach};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// The longest datagram, within one Ethernet frame.
const LONGEST: usize = 1400;
/// How often a rank that was asked to stop shows that it lives: a launcher leaves a second until it kills.
const HURRY: Duration = Duration::from_millis(50);
/// How long a rank hurries after another one asked.
const HURRY_LASTS: Duration = Duration::from_secs(1);
/// A rank that hears no other node leaves the others so much time to report first: they know better which node is lost.
const ISOLATED: Duration = Duration::from_secs(3);
/// Time for the first rank that reports to write its message before others try.
const FIRST_TRIES: Duration = Duration::from_millis(500);

/// What was heard of a rank counts for so long: it goes on meanwhile.
const FRESH: Duration = Duration::from_secs(5);

/// A rank that this one exchanges signs with.
#[derive(Debug)]
struct Peer {
    rank: usize,
    host: String,
    addresses: Vec<SocketAddr>,
    /// The last sign and when it came; none yet where the network may not let signs through.
    heard: Option<(Instant, Sign)>,
}

/// This rank's end of the exchange.
pub struct Heartbeat {
    rank: usize,
    host: String,
    ranks: usize,
    job: u64,
    socket: Option<UdpSocket>,
    peers: Vec<Peer>,
    timeout: Option<Duration>,
    /// When a sign is sent next, and when the thread last knew that it was not suspended.
    next: Instant,
    here: Instant,
    /// When any rank was last known to do something else than wait.
    moved: Instant,
    /// Until when others want to know soon whether this rank lives.
    asked_until: Instant,
    end: Option<(End, Instant)>,
}

impl Heartbeat {
    /// Finds out where the other ranks are. Collective. Silence for `timeout` ends the job; none: never.
    pub fn start(comm: &dyn Comm, timeout: Option<Duration>) -> Heartbeat {
        let (rank, ranks) = (comm.rank(), comm.size());
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok().filter(|_| ranks > 1);
        let port = socket.as_ref().and_then(|socket| socket.local_addr().ok()).map_or(0, |address| address.port());
        let addresses = own_addresses(&std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default());
        let own = Card { host: comm.host().to_owned(), addresses, port };
        let mut job = RandomState::new().build_hasher().finish().to_le_bytes().to_vec();
        comm.broadcast(0, &mut job);
        // cards go to partners only: with all of them on every rank, memory would grow with the job
        let mut peers: Vec<Peer> = Vec::new();
        let partners = partners(rank, ranks);
        let card = serde_json::to_vec(&own).expect("plain values");
        partners.iter().for_each(|&partner| comm.send(partner, &card));
        while peers.len() < partners.len() {
            match comm.try_recv().map(|(from, bytes)| (from, serde_json::from_slice::<Card>(&bytes))) {
                Some((rank, Ok(card))) => {
                    let addresses = reach(&own, &card);
                    peers.push(Peer { rank, host: card.host, addresses, heard: None });
                }
                _ => std::thread::yield_now(),
            }
        }
        // the nearest first
        peers.sort_by_key(|peer| partners.iter().position(|&partner| partner == peer.rank));
        let now = Instant::now();
        Heartbeat {
            rank,
            host: own.host,
            ranks,
            job: job.try_into().map_or(0, u64::from_le_bytes),
            socket,
            peers,
            timeout,
            next: now,
            here: now,
            moved: now,
            asked_until: now,
            end: None,
        }
    }

    /// The slowest rank that works on the phase, and its operations by now if it goes on as it did.
    pub fn slowest(&self, snapshot: &Snapshot) -> Option<(usize, u64)> {
        let slowest = self.slowest_sign(snapshot, Instant::now())?;
        Some((slowest.rank, slowest.by_now(snapshot)? as u64))
    }

    /// The slowest rank of this one and those that it has heard of lately, itself or through others.
    fn slowest_sign(&self, snapshot: &Snapshot, now: Instant) -> Option<Slowest> {
        let own = Slowest { rank: self.rank, done: snapshot.done, age_ms: 0 };
        let working = snapshot.phase.is_some() && !snapshot.waiting;
        let heard = self.peers.iter().filter_map(|peer| {
            let (at, sign) = peer.heard.filter(|(_, sign)| sign.phase == snapshot.phase && sign.phase.is_some())?;
            let age_ms = now.saturating_duration_since(at).as_millis() as u64;
            let itself = Slowest { rank: peer.rank, done: sign.done, age_ms };
            let told = sign.slowest.map(|slowest| Slowest { age_ms: slowest.age_ms + age_ms, ..slowest });
            Some([Some(itself).filter(|_| !sign.waiting), told])
        });
        let fresh = |slowest: &Slowest| Duration::from_millis(slowest.age_ms) < FRESH && slowest.rank != self.rank;
        let all = heard.flatten().flatten().filter(fresh).chain(working.then_some(own));
        let known = all.filter_map(|slowest| Some((slowest, slowest.by_now(snapshot)?)));
        known.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(slowest, _)| slowest)
    }

    /// How often a sign is due.
    fn period(&self, stop: bool) -> Duration {
        let usual = self.timeout.map_or(Duration::from_secs(1), |timeout| timeout / 8);
        if stop { HURRY } else { usual.clamp(2 * HURRY, Duration::from_secs(1)) }
    }

    /// Sends what is due and listens for so long.
    pub fn turn(&mut self, look: Duration, snapshot: &Snapshot, stop: bool) {
        let now = Instant::now();
        self.after_pause(now);
        if !snapshot.waiting {
            self.moved = now;
        }
        let asks = stop;
        let stop = stop || now < self.asked_until;
        if now >= self.next || stop {
            let idle_ms = (now - self.moved).as_millis() as u64;
            let (phase, done, waiting) = (snapshot.phase, snapshot.done, snapshot.waiting);
            let slowest = self.slowest_sign(snapshot, now);
            self.send(&Message::Alive(Sign { phase, done, waiting, idle_ms, slowest, asks }));
            self.next = now + self.period(stop);
        }
        let look = if stop { look.min(HURRY) } else { look };
        self.listen(now + look);
        self.after_pause(Instant::now());
    }

    /// A rank that was suspended itself (with the whole job, as a scheduler does) must not blame the others for it.
    fn after_pause(&mut self, now: Instant) {
        let away = now - self.here;
        if away > 2 * self.period(false) + Duration::from_secs(1) {
            self.peers.iter_mut().filter_map(|peer| peer.heard.as_mut()).for_each(|(heard, _)| *heard += away);
            self.moved += away;
        }
        self.here = now;
    }

    fn listen(&mut self, until: Instant) {
        let mut bytes = [0; LONGEST];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let Some(socket) = &self.socket else {
                std::thread::sleep(left);
                return;
            };
            // an error is a timeout, or the answer to a datagram that no process received
            let _ = socket.set_read_timeout(Some(left));
            if let Ok((length, _)) = socket.recv_from(&mut bytes)
                && let Ok(datagram) = serde_json::from_slice::<Datagram>(&bytes[..length])
                && datagram.job == self.job
            {
                self.take(datagram.from, datagram.message, Instant::now());
            }
        }
    }

    fn take(&mut self, from: usize, message: Message, now: Instant) {
        match message {
            Message::Alive(sign) => {
                if let Some(peer) = self.peers.iter_mut().find(|peer| peer.rank == from) {
                    peer.heard = Some((now, sign));
                    if sign.asks {
                        self.asked_until = now + HURRY_LASTS;
                    }
                    let moved = now.checked_sub(Duration::from_millis(sign.idle_ms));
                    self.moved = moved.map_or(self.moved, |moved| moved.max(self.moved));
                }
            }
            Message::Leaves => self.peers.retain(|peer| peer.rank != from),
            Message::End(end) => {
                let first = self.end.is_none();
                let kept = end.kept && self.end.as_ref().is_some_and(|(end, _)| !end.kept);
                if first || kept {
                    let since = self.end.as_ref().map_or(now, |(_, since)| *since);
                    self.send(&Message::End(end.clone()));
                    self.end = Some((end, since));
                }
            }
        }
    }

    /// Tells all ranks why the job ends.
    pub fn tell(&mut self, end: End) {
        self.send(&Message::End(end));
    }

    /// That another rank ends the job: at once when its message is written, else a moment later, for this rank to try.
    pub fn told(&self, now: Instant) -> Option<&End> {
        let (end, since) = self.end.as_ref()?;
        (end.kept || now - *since >= FIRST_TRIES).then_some(end)
    }

    /// The ranks that have been silent for `--timeout`, as a message. The nearest rank reports first, so that one reports and not log n.
    pub fn lost(&self, now: Instant) -> Option<String> {
        let timeout = self.timeout?;
        let limit = |peer: &Peer| {
            let distance = (self.ranks + peer.rank - self.rank) % self.ranks;
            let turn = distance.min(self.ranks - distance).ilog2() * 2 + u32::from(2 * distance > self.ranks);
            timeout + turn * 6 * HURRY
        };
        let silent = |peer: &Peer| silence(peer, now).is_some_and(|silence| 2 * silence >= timeout);
        let isolated = self.is_isolated(silent);
        let later = if isolated { ISOLATED } else { Duration::ZERO };
        let due = |peer: &&Peer| silence(peer, now).is_some_and(|silent| silent >= limit(peer) + later);
        let first = self.peers.iter().find(due)?;
        let rest = self.peers.iter().filter(|peer| peer.rank != first.rank && silent(peer));
        Some(if isolated { self.isolated_words(first, now) } else { words(first, rest, now) })
    }

    /// Whether no other node is heard of any more, of two at least: then the link of this node is the likely fault.
    fn is_isolated(&self, silent: impl Fn(&Peer) -> bool) -> bool {
        let elsewhere = || self.peers.iter().filter(|peer| peer.host != self.host && peer.heard.is_some());
        let several = elsewhere().next().is_some_and(|first| elsewhere().any(|peer| peer.host != first.host));
        several && elsewhere().all(silent)
    }

    fn isolated_words(&self, first: &Peer, now: Instant) -> String {
        let phase = first.heard.and_then(|(_, sign)| sign.phase).map_or("outside the phases", PhaseId::name);
        let seconds = silence(first, now).unwrap_or_default().as_secs_f64();
        format!(
            "rank {} ({}): {phase}: no heartbeat from any other node for {seconds:.1} s: its node lost the network, or all others are lost",
            self.rank, self.host
        )
    }

    /// The ranks that sent no heartbeat since the job was asked to stop, as a message.
    pub fn silent_since(&self, stop: Instant) -> Option<String> {
        let silent = |peer: &&Peer| peer.heard.is_some_and(|(heard, _)| heard < stop);
        if self.is_isolated(|peer| silent(&peer)) {
            return None;
        }
        let first = self.peers.iter().find(silent)?;
        let rest = self.peers.iter().filter(|peer| peer.rank != first.rank).filter(silent);
        Some(words(first, rest, Instant::now()))
    }

    /// Whether all ranks that this one hears of have been heard since the job was asked to stop.
    pub fn all_alive_since(&self, stop: Instant) -> bool {
        self.peers.iter().all(|peer| peer.heard.is_none_or(|(heard, _)| heard >= stop))
    }

    /// Since when all ranks have only waited for each other, if that is longer than a rank may stall.
    pub fn standstill(&self, now: Instant) -> Option<Duration> {
        let still = now - self.moved;
        // word of a rank that works takes its time to come here
        let hops = self.ranks.next_power_of_two().ilog2() + 2;
        let patience = self.timeout? + 2 * hops * self.period(false);
        let heard = self.peers.iter().any(|peer| peer.heard.is_some());
        (heard && still >= patience).then_some(still)
    }

    fn send(&self, message: &Message) {
        let Some(socket) = &self.socket else { return };
        let mut message = message.clone();
        if let Message::End(end) = &mut message {
            let cut = (0..=end.words.len().min(LONGEST / 2)).rev().find(|&at| end.words.is_char_boundary(at));
            end.words.truncate(cut.unwrap_or(0));
        }
        let bytes =
            serde_json::to_vec(&Datagram { job: self.job, from: self.rank, message }).expect("a datagram has no maps");
        for address in self.peers.iter().flat_map(|peer| &peer.addresses) {
            let _ = socket.send_to(&bytes, address);
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.send(&Message::Leaves);
    }
}

fn silence(peer: &Peer, now: Instant) -> Option<Duration> {
    peer.heard.map(|(heard, _)| now.saturating_duration_since(heard))
}

/// `rank 2 (node7): mdtest-easy-write: no heartbeat for 60 s; the last one: waiting for other ranks after create 1,234; …`
fn words<'p>(first: &Peer, rest: impl Iterator<Item = &'p Peer>, now: Instant) -> String {
    let Peer { rank, host, .. } = first;
    let (_, sign) = first.heard.unwrap_or((now, Sign::default()));
    let phase = sign.phase.map_or("outside the phases", PhaseId::name);
    let seconds = silence(first, now).unwrap_or_default().as_secs_f64();
    let mut text = format!("rank {rank} ({host}): {phase}: no heartbeat for {seconds:.1} s; last state: ");
    let operation = sign.phase.and_then(|phase| OpKind::of(phase).first()).map_or("operation", |kind| kind.name());
    text += match (sign.waiting, sign.done) {
        (true, 0) => "waiting for other ranks".to_owned(),
        (true, done) => format!("waiting for other ranks after {operation} {}", count(done)),
        (false, 0) => "working, no operation done".to_owned(),
        (false, done) => format!("working after {operation} {}", count(done)),
    }
    .as_str();
    let rest: Vec<String> = rest.map(|peer| format!("rank {} ({})", peer.rank, peer.host)).collect();
    if !rest.is_empty() {
        text += &format!("; also silent: {}", rest.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::comm::threads;
    use io500_phases::engine::Progress;

    /// Rank 0 of so many, which has heard of all the others at `start`.
    fn heartbeat(ranks: usize, start: Instant) -> Heartbeat {
        let sign = Sign { phase: Some(PhaseId::MdtestEasyWrite), done: 1234, waiting: true, ..Sign::default() };
        let peer = |rank| Peer { rank, host: format!("n{rank}"), addresses: vec![], heard: Some((start, sign)) };
        let peers = partners(0, ranks).into_iter().map(peer).collect();
        let timeout = Some(Duration::from_secs(60));
        let (next, here, moved, asked_until) = (start, start, start, start);
        let host = "n0".to_owned();
        Heartbeat {
            rank: 0,
            host,
            ranks,
            job: 1,
            socket: None,
            peers,
            timeout,
            next,
            here,
            moved,
            asked_until,
            end: None,
        }
    }

    #[test]
    fn the_slowest_rank_is_that_of_all_that_were_heard_of() {
        let start = Instant::now();
        let mut beat = heartbeat(8, start);
        let progress = Progress::default();
        progress.begin(PhaseId::MdtestEasyWrite, 0);
        let mut snapshot = progress.snapshot();
        (snapshot.elapsed, snapshot.done) = (10.0, 1000);
        assert_eq!(beat.slowest(&snapshot), Some((0, 1000)), "ranks that wait have done everything");
        let works = Sign { phase: Some(PhaseId::MdtestEasyWrite), done: 900, waiting: false, ..Sign::default() };
        // a partner tells of a rank that is no partner: 2 s ago it had done 400, so by now it has 500
        let slowest = Some(Slowest { rank: 3, done: 400, age_ms: 2000 });
        beat.take(1, Message::Alive(Sign { slowest, ..works }), Instant::now());
        let (rank, done) = beat.slowest(&snapshot).unwrap();
        assert!(rank == 3 && (495..=505).contains(&done), "{rank} {done}");
        // what is old does not count
        let slowest = Some(Slowest { rank: 3, done: 400, age_ms: 6000 });
        beat.take(1, Message::Alive(Sign { slowest, ..works }), Instant::now());
        assert_eq!(beat.slowest(&snapshot).unwrap().0, 1);
        snapshot.phase = None;
        assert_eq!(beat.slowest(&snapshot), None);
    }

    #[test]
    fn who_is_silent_for_the_timeout_is_named_with_phase_and_last_operation() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut heartbeat = heartbeat(3, start);
        heartbeat.take(1, Message::Alive(Sign::default()), at(59));
        assert_eq!(heartbeat.lost(at(59)), None);
        assert_eq!(
            heartbeat.lost(at(61)).unwrap(),
            "rank 2 (n2): mdtest-easy-write: no heartbeat for 61.0 s; last state: waiting for other ranks after create 1,234"
        );
        heartbeat.take(2, Message::Leaves, at(61));
        assert_eq!(heartbeat.lost(at(70)), None, "who left in good order is not lost");
        assert!(
            heartbeat.lost(at(120)).unwrap().starts_with("rank 1 (n1)"),
            "with one node left nobody can tell which is cut off"
        );
    }

    #[test]
    fn a_rank_that_hears_no_other_node_blames_its_own_and_lets_the_others_speak_first() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut heartbeat = heartbeat(8, start);
        assert_eq!(heartbeat.lost(at(62)), None);
        assert_eq!(heartbeat.silent_since(at(1)), None);
        assert_eq!(
            heartbeat.lost(at(64)).unwrap(),
            "rank 0 (n0): mdtest-easy-write: no heartbeat from any other node for 64.0 s: its node lost the network, or all others are lost"
        );
        heartbeat.take(4, Message::Alive(Sign::default()), at(61));
        assert!(heartbeat.lost(at(64)).unwrap().starts_with("rank 1 (n1)"));
        heartbeat.host = "n1".into();
        heartbeat.peers.iter_mut().for_each(|peer| peer.host = "n1".into());
        assert!(heartbeat.lost(at(64)).is_some(), "on one node there is no network to lose");
    }

    #[test]
    fn a_rank_that_was_never_heard_of_is_not_missed() {
        let start = Instant::now();
        let mut heartbeat = heartbeat(3, start);
        heartbeat.peers.iter_mut().for_each(|peer| peer.heard = None);
        let later = start + Duration::from_secs(1000);
        assert_eq!((heartbeat.lost(later), heartbeat.standstill(later)), (None, None));
    }

    #[test]
    fn a_job_that_was_suspended_as_a_whole_blames_nobody() {
        let start = Instant::now();
        let mut heartbeat = heartbeat(3, start);
        heartbeat.here = start + Duration::from_secs(1);
        let woken = start + Duration::from_secs(3601);
        heartbeat.after_pause(woken);
        assert_eq!((heartbeat.lost(woken), heartbeat.standstill(woken)), (None, None));
    }

    #[test]
    fn waiting_is_no_progress_and_word_of_a_rank_that_works_is() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut heartbeat = heartbeat(4, start);
        let waits = |idle_ms| Message::Alive(Sign { waiting: true, idle_ms, ..Sign::default() });
        heartbeat.take(1, waits(1000), at(60));
        assert_eq!(heartbeat.standstill(at(100)), None, "a rank worked at 59 s");
        heartbeat.take(1, waits(41_000), at(100));
        assert_eq!(heartbeat.standstill(at(140)), Some(Duration::from_secs(81)));
    }

    #[test]
    fn word_of_the_end_reaches_all_ranks() {
        let told = threads::run(5, |comm| {
            let mut heartbeat = Heartbeat::start(comm, None);
            let snapshot = Progress::default().snapshot();
            let end = End { words: "rank 9 is lost".into(), code: 4, kept: true };
            let begin = Instant::now();
            while heartbeat.told(Instant::now()).is_none() && begin.elapsed() < Duration::from_secs(20) {
                heartbeat.turn(Duration::from_millis(10), &snapshot, true);
                if comm.rank() == 0 {
                    heartbeat.tell(end.clone());
                    heartbeat.take(0, Message::End(end.clone()), Instant::now());
                }
            }
            let told = heartbeat.told(Instant::now()).cloned();
            comm.barrier();
            told == Some(end)
        });
        assert_eq!(told, [true; 5]);
    }
}
