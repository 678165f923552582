//! The live line on a terminal, and plain lines now and then otherwise. On rank 0, from a thread that only reads.

use indicatif::{ProgressBar, ProgressStyle};
use io500_phases::engine::{Progress, Snapshot, WindowPart};
use io500_phases::units::count;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(250);

/// Shows how far rank 0 is until it is dropped.
pub struct Status {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Status {
    /// Starts showing. Rates are rank 0's times the number of ranks: an estimate, and marked as one.
    pub fn start(progress: Arc<Progress>, ranks: usize, every: Duration) -> Status {
        let over = Arc::new(AtomicBool::new(false));
        let theirs = over.clone();
        let thread = std::thread::spawn(move || {
            if std::io::stderr().is_terminal() {
                live(&progress, ranks, &theirs);
            } else {
                plain(&progress, ranks, every, &theirs);
            }
        });
        Status { over, thread: Some(thread) }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn live(progress: &Progress, ranks: usize, over: &AtomicBool) {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {wide_msg}").expect("a template of known keys"));
    while !over.load(Relaxed) {
        let snapshot = progress.snapshot();
        match line(&snapshot, ranks) {
            Some(text) => bar.set_message(text),
            None => bar.set_message(""),
        }
        bar.tick();
        std::thread::sleep(LOOK);
    }
    bar.finish_and_clear();
}

fn plain(progress: &Progress, ranks: usize, every: Duration, over: &AtomicBool) {
    let mut last = Instant::now();
    while !over.load(Relaxed) {
        std::thread::sleep(LOOK);
        if last.elapsed() >= every {
            last = Instant::now();
            let snapshot = progress.snapshot();
            if let Some(text) = line(&snapshot, ranks).filter(|_| is_worth_a_line(&snapshot)) {
                eprintln!("{text}");
            }
        }
    }
}

/// Whether a phase has run long enough for a line that stays: `0 s` and a rate of its first moments tell nothing.
fn is_worth_a_line(snapshot: &Snapshot) -> bool {
    snapshot.elapsed >= 1.0
}

/// `ior-easy-write 12 s, ~1.9 GiB/s; wear-out: the slowest rank has ~40 of 900 operations to go`, later `…; syncing`.
fn line(snapshot: &Snapshot, ranks: usize) -> Option<String> {
    let phase = snapshot.phase?;
    let mut text = format!("{phase} {:.0} s", snapshot.elapsed);
    if snapshot.elapsed > 0.0 && snapshot.done > 0 {
        let per_second = snapshot.done as f64 * ranks as f64 / snapshot.elapsed;
        if snapshot.bytes_each > 0 {
            let gib = per_second * snapshot.bytes_each as f64 / (1u64 << 30) as f64;
            text += &format!(", ~{gib:.3} GiB/s");
        } else {
            text += &format!(", ~{:.3} kIOPS", per_second / 1000.0);
        }
    }
    match (snapshot.goal, snapshot.wear_out) {
        _ if snapshot.part == WindowPart::Sync => text += "; syncing",
        _ if snapshot.part == WindowPart::Close => text += "; closing",
        (Some(goal), Some(wear_out)) => {
            // the slowest rank is expected to go on as it did before the stonewall
            let speed = if wear_out.at > 0.0 { wear_out.slowest_done as f64 / wear_out.at } else { 0.0 };
            let done = wear_out.slowest_done as f64 + speed * (snapshot.elapsed - wear_out.at);
            let left = (goal as f64 - done).max(0.0) as u64;
            if left > 0 && wear_out.slowest_done < goal {
                text +=
                    &format!("; wear-out: the slowest rank has ~{} of {} operations to go", count(left), count(goal));
            } else {
                text += "; waiting for the slowest rank";
            }
        }
        (Some(goal), None) => {
            text += &format!(
                "; rank 0 has {} of {} operations to go",
                count(goal.saturating_sub(snapshot.done)),
                count(goal)
            )
        }
        _ => {}
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::engine::WearOut;
    use io500_phases::phase_id::PhaseId;

    fn snapshot() -> Snapshot {
        Snapshot {
            phase: Some(PhaseId::IorEasyWrite),
            elapsed: 12.0,
            done: 1000,
            bytes_each: 1 << 20,
            goal: None,
            wear_out: None,
            beats: 1,
            waiting: false,
            part: WindowPart::Operations,
        }
    }

    #[test]
    fn a_line_says_phase_time_and_rate() {
        assert_eq!(line(&snapshot(), 12).unwrap(), "ior-easy-write 12 s, ~0.977 GiB/s");
        assert_eq!(line(&Snapshot { bytes_each: 0, ..snapshot() }, 12).unwrap(), "ior-easy-write 12 s, ~1.000 kIOPS");
        assert_eq!(line(&Snapshot { phase: None, ..snapshot() }, 12), None);
    }

    #[test]
    fn phases_under_a_second_have_no_line_that_stays() {
        assert!(!is_worth_a_line(&Snapshot { elapsed: 0.9, ..snapshot() }));
        assert!(is_worth_a_line(&snapshot()));
    }

    #[test]
    fn during_wear_out_it_says_how_far_the_slowest_rank_has_to_go() {
        let wear_out = Some(WearOut { slowest_done: 500, at: 10.0 });
        let text = line(&Snapshot { goal: Some(1000), wear_out, ..snapshot() }, 1).unwrap();
        assert!(text.ends_with("wear-out: the slowest rank has ~400 of 1,000 operations to go"), "{text}");
    }

    /// The sync after the stonewall is no wear-out, with one rank least of all.
    #[test]
    fn a_sync_is_called_one() {
        let wear_out = Some(WearOut { slowest_done: 1000, at: 10.0 });
        let at = |part| line(&Snapshot { goal: Some(1000), wear_out, part, ..snapshot() }, 1).unwrap();
        assert!(at(WindowPart::Sync).ends_with("GiB/s; syncing"), "{}", at(WindowPart::Sync));
        assert!(at(WindowPart::Close).ends_with("GiB/s; closing"));
        assert!(at(WindowPart::Waiting).ends_with("GiB/s; waiting for the slowest rank"));
    }
}
