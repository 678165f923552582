//! From snapshots of rank 0 to what a live view shows.

use super::run_progress::RunProgress;
use io500_phases::engine::{Snapshot, WindowPart};
use io500_phases::phase_id::PhaseId;
use serde::Serialize;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The rate now is that of so long.
const NOW: Duration = Duration::from_secs(5);
const GIB: f64 = (1_u64 << 30) as f64;

/// What is shown of a phase that runs. Rates are rank 0's times the number of ranks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    pub phase: PhaseId,
    /// Its place in the run, from 1, and the number of phases.
    pub index: usize,
    pub phases: usize,
    pub elapsed_s: f64,
    /// When the stonewall comes or the work is done, as far as that is known.
    pub target_s: Option<f64>,
    pub unit: &'static str,
    /// Of the last seconds.
    pub rate_now: Option<f64>,
    /// Since the phase began.
    pub rate_average: Option<f64>,
    /// 99th percentile of rank 0's latencies in the last seconds, nanoseconds.
    pub p99_ns: Option<u64>,
    /// The part of the window that rank 0 is in.
    pub part: &'static str,
    /// Operations of rank 0, and what every rank must reach.
    pub done: u64,
    pub goal: Option<u64>,
    /// Operations that the slowest rank has to go in the wear-out, estimated.
    pub wear_out_left: Option<u64>,
    /// The slowest rank that heartbeats tell of, and its operations.
    pub slowest_rank: Option<(usize, u64)>,
    /// Seconds until the run is over, estimated.
    pub eta_s: Option<f64>,
}

/// Follows the snapshots.
pub struct Tracker {
    ranks: usize,
    /// Time and operations of the last seconds of this phase.
    recent: VecDeque<(Instant, u64)>,
    phase: Option<PhaseId>,
}

impl Tracker {
    pub fn new(ranks: usize) -> Tracker {
        Tracker { ranks, recent: VecDeque::new(), phase: None }
    }

    /// What to show; none between phases.
    pub fn look(&mut self, snapshot: &Snapshot, run: &RunProgress, now: Instant) -> Option<View> {
        if snapshot.phase != self.phase {
            self.recent.clear();
            self.phase = snapshot.phase;
        }
        let phase = snapshot.phase?;
        self.recent.push_back((now, snapshot.done));
        while self.recent.len() > 2 && self.recent.front().is_some_and(|(at, _)| now - *at > NOW) {
            self.recent.pop_front();
        }
        let rate = |operations: f64, seconds: f64| {
            let per_second = operations * self.ranks as f64 / seconds;
            let (bytes, each) = (snapshot.bytes_each as f64, snapshot.bytes_each > 0);
            (seconds > 0.0 && operations > 0.0)
                .then(|| if each { per_second * bytes / GIB } else { per_second / 1000.0 })
        };
        let (since, before) = *self.recent.front()?;
        let rate_now = rate(snapshot.done.saturating_sub(before) as f64, (now - since).as_secs_f64());
        let target_s = target(snapshot, run);
        let left = target_s.map_or_else(
            || (run.guess(phase) - snapshot.elapsed).max(0.0),
            |target| (target - snapshot.elapsed).max(0.0),
        );
        let (index, phases) = run.place();
        Some(View {
            phase,
            index,
            phases,
            elapsed_s: snapshot.elapsed,
            target_s,
            unit: if snapshot.bytes_each > 0 { "GiB/s" } else { "kIOPS" },
            rate_now,
            rate_average: rate(snapshot.done as f64, snapshot.elapsed),
            p99_ns: snapshot.p99_ns,
            part: part(snapshot.part),
            done: snapshot.done,
            goal: snapshot.goal,
            wear_out_left: wear_out_left(snapshot),
            slowest_rank: snapshot.slowest.filter(|(rank, done)| *rank != 0 && *done < snapshot.done),
            eta_s: (phases > 0).then(|| left + run.left_s()),
        })
    }
}

/// When the phase should be over, in seconds since it began: its stonewall, or at the speed so far.
fn target(snapshot: &Snapshot, run: &RunProgress) -> Option<f64> {
    let phase = snapshot.phase?;
    match snapshot.goal {
        Some(goal) if snapshot.done > 0 && snapshot.elapsed > 0.0 => {
            Some(snapshot.elapsed.max(snapshot.elapsed * goal as f64 / snapshot.done as f64))
        }
        None if phase.has_stonewall() || phase == PhaseId::IorRnd4kEasyRead => Some(run.stonewall_s()),
        _ => None,
    }
}

fn part(part: WindowPart) -> &'static str {
    match part {
        WindowPart::Open => "open",
        WindowPart::Operations => "operations",
        WindowPart::WearOut => "wear-out",
        WindowPart::Waiting => "waiting",
        WindowPart::Sync => "sync",
        WindowPart::Close => "close",
    }
}

/// The slowest rank is expected to go on as it did before the stonewall.
fn wear_out_left(snapshot: &Snapshot) -> Option<u64> {
    let (goal, wear_out) = (snapshot.goal?, snapshot.wear_out?);
    let speed = if wear_out.at > 0.0 { wear_out.slowest_done as f64 / wear_out.at } else { 0.0 };
    let done = wear_out.slowest_done as f64 + speed * (snapshot.elapsed - wear_out.at);
    let left = (goal as f64 - done).max(0.0) as u64;
    (wear_out.slowest_done < goal).then_some(left)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use io500_phases::engine::WearOut;

    pub fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.phase = Some(PhaseId::IorEasyWrite);
        snapshot.elapsed = 12.0;
        snapshot.done = 1000;
        snapshot.bytes_each = 1 << 20;
        snapshot.beats = 1;
        snapshot
    }

    /// The same, changed.
    pub fn snapshot_with(change: impl FnOnce(&mut Snapshot)) -> Snapshot {
        let mut snapshot = snapshot();
        change(&mut snapshot);
        snapshot
    }

    pub fn run() -> RunProgress {
        let run = RunProgress::default();
        run.begin(&[PhaseId::IorEasyWrite, PhaseId::IorEasyRead], 300);
        run.phase_begins(PhaseId::IorEasyWrite);
        run
    }

    #[test]
    fn the_rate_now_is_that_of_the_last_seconds() {
        let (run, start) = (run(), Instant::now());
        let mut tracker = Tracker::new(4);
        let mut look = |second: u64, done: u64| {
            let snapshot = snapshot_with(|s| (s.elapsed, s.done) = (second as f64, done));
            tracker.look(&snapshot, &run, start + Duration::from_secs(second)).unwrap()
        };
        assert_eq!(look(0, 0).rate_now, None);
        for second in 1..=10 {
            look(second, 256 * second);
        }
        // then twice as fast
        let view = (11..=20).map(|second| look(second, 2560 + 512 * (second - 10))).last().unwrap();
        assert_eq!((view.rate_now, view.rate_average), (Some(2.0), Some(1.5)));
        assert_eq!((view.index, view.phases, view.target_s), (1, 2, Some(300.0)));
        assert_eq!(view.eta_s, Some(280.0 + 300.0));
    }

    #[test]
    fn a_new_phase_begins_anew() {
        let (run, start) = (run(), Instant::now());
        let mut tracker = Tracker::new(1);
        tracker.look(&snapshot(), &run, start);
        let mut read =
            snapshot_with(|s| (s.phase, s.done, s.elapsed, s.goal) = (Some(PhaseId::IorEasyRead), 3, 1.0, Some(12)));
        let view = tracker.look(&read, &run, start + Duration::from_secs(1)).unwrap();
        assert_eq!((view.rate_now, view.target_s), (None, Some(4.0)));
        read.phase = None;
        assert_eq!(tracker.look(&read, &run, start), None);
    }

    #[test]
    fn during_wear_out_it_knows_how_far_the_slowest_rank_has_to_go() {
        let wear_out = Some(WearOut { slowest_done: 500, at: 10.0 });
        let mut snapshot = snapshot_with(|s| (s.goal, s.wear_out) = (Some(1000), wear_out));
        assert_eq!(wear_out_left(&snapshot), Some(400));
        snapshot.wear_out = Some(WearOut { slowest_done: 1000, at: 10.0 });
        assert_eq!(wear_out_left(&snapshot), None);
    }
}
