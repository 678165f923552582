//! The live view in one line.

use super::view::View;
use crate::report::figures;
use io500_phases::units::count;

/// A rank that is this far behind rank 0 is named.
const BEHIND: f64 = 0.05;

/// `[3/14] ior-hard-write 12/300 s, ~1.9 GiB/s now, ~1.8 on average, p99 4.1 ms; wear-out: …; ETA 38 min`.
pub fn line(view: &View) -> String {
    let mut text = match view.phases {
        0 => String::new(),
        phases => format!("[{}/{phases}] ", view.index),
    };
    text += &format!("{} {:.0}", view.phase, view.elapsed_s);
    if let Some(target) = view.target_s.filter(|target| *target >= view.elapsed_s.max(1.0)) {
        text += &format!("/{target:.0}");
    }
    text += " s";
    match (view.rate_now, view.rate_average) {
        (Some(now), Some(average)) => {
            text += &format!(", ~{now:.3} {} now, ~{average:.3} on average", view.unit);
        }
        (None, Some(average)) => text += &format!(", ~{average:.3} {}", view.unit),
        _ => {}
    }
    text.extend(view.p99_ns.map(|ns| format!(", p99 {}", figures::latency(ns as f64))));
    let behind = view.slowest_rank.filter(|(_, done)| (*done as f64) < view.done as f64 * (1.0 - BEHIND));
    if let Some((rank, done)) = behind {
        text += &format!(", slowest rank {rank} at {:.0} % of rank 0", 100.0 * done as f64 / view.done as f64);
    }
    text += &match (view.part, view.goal, view.wear_out_left) {
        ("sync", ..) => "; syncing".to_owned(),
        ("close", ..) => "; closing".to_owned(),
        (_, Some(goal), Some(left)) if left > 0 => {
            format!("; wear-out: the slowest rank has ~{} of {} operations to go", count(left), count(goal))
        }
        ("waiting" | "wear-out", Some(_), _) => "; waiting for the slowest rank".to_owned(),
        (_, Some(goal), None) => {
            format!("; rank 0 has {} of {} operations to go", count(goal.saturating_sub(view.done)), count(goal))
        }
        _ => String::new(),
    };
    text.extend(view.eta_s.map(|eta| format!("; ETA ~{}", whole(eta))));
    text
}

/// Whole seconds, minutes from the first one on.
fn whole(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds:.0} s") } else { figures::duration(seconds.round()) }
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::{run, snapshot, snapshot_with};
    use super::super::view::{Tracker, View};
    use super::*;
    use io500_phases::engine::{Snapshot, WearOut, WindowPart};
    use std::time::Instant;

    fn view(snapshot: &Snapshot, ranks: usize) -> View {
        Tracker::new(ranks).look(snapshot, &run(), Instant::now()).unwrap()
    }

    #[test]
    fn a_line_says_phase_time_and_rate() {
        let text = line(&view(&snapshot(), 12));
        assert_eq!(text, "[1/2] ior-easy-write 12/300 s, ~0.977 GiB/s; ETA ~9 min 48 s");
        let files = line(&view(&snapshot_with(|s| s.bytes_each = 0), 12));
        assert!(files.starts_with("[1/2] ior-easy-write 12/300 s, ~1.000 kIOPS; "), "{files}");
    }

    #[test]
    fn the_slowest_rank_and_the_tail_are_named() {
        let text = line(&view(&snapshot_with(|s| (s.slowest, s.p99_ns) = (Some((7, 800)), Some(4_100_000))), 12));
        assert!(text.contains(", p99 4.10 ms, slowest rank 7 at 80 % of rank 0; "), "{text}");
        let text = line(&view(&snapshot_with(|s| s.slowest = Some((7, 995))), 12));
        assert!(!text.contains("slowest"), "{text}");
    }

    #[test]
    fn during_wear_out_it_says_how_far_the_slowest_rank_has_to_go() {
        let wear_out = Some(WearOut { slowest_done: 500, at: 10.0 });
        let text = line(&view(&snapshot_with(|s| (s.goal, s.wear_out) = (Some(1000), wear_out)), 1));
        assert!(text.contains("; wear-out: the slowest rank has ~400 of 1,000 operations to go; "), "{text}");
    }

    /// The sync after the stonewall is no wear-out, with one rank least of all.
    #[test]
    fn a_sync_is_called_one() {
        let wear_out = Some(WearOut { slowest_done: 1000, at: 10.0 });
        let at = |part| line(&view(&snapshot_with(|s| (s.goal, s.wear_out, s.part) = (Some(1000), wear_out, part)), 1));
        assert!(at(WindowPart::Sync).contains("; syncing; "), "{}", at(WindowPart::Sync));
        assert!(at(WindowPart::Close).contains("; closing; "));
        assert!(at(WindowPart::Waiting).contains("; waiting for the slowest rank; "));
    }
}
