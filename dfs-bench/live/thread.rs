//! The thread that shows the live view. It only reads what the loops publish anyway; the ranks' loops know nothing of it.

use super::run_progress::RunProgress;
use super::view::{Tracker, View};
use super::{json, line, metrics, place};
use crate::output;
use io500_phases::engine::Progress;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(250);
/// How often objects and metrics are written.
const SECOND: Duration = Duration::from_secs(1);
/// Who wants lines more seldom than this does not want one at the begin of each phase.
const SELDOM: Duration = Duration::from_secs(30);

/// How the view is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shown {
    /// In place on a terminal, also through a launcher; else lines
    Auto,
    /// One line in place
    Bar,
    /// A line now and then
    Plain,
    /// One JSON object a second
    Json,
    /// Nothing
    Off,
}

/// Shows how far the run is until it is dropped.
pub struct LiveView {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What is shown, and where.
pub struct Settings {
    pub shown: Shown,
    pub ranks: usize,
    /// Between two plain lines.
    pub every: Duration,
    pub metrics: Option<PathBuf>,
    pub timestamp: String,
}

impl LiveView {
    /// Starts showing.
    pub fn start(progress: Arc<Progress>, run: Arc<RunProgress>, settings: Settings) -> LiveView {
        let over = Arc::new(AtomicBool::new(false));
        let theirs = over.clone();
        let thread = std::thread::spawn(move || show(&progress, &run, &settings, &theirs));
        LiveView { over, thread: Some(thread) }
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn show(progress: &Progress, run: &RunProgress, settings: &Settings, over: &AtomicBool) {
    let columns = place::columns();
    let shown = match settings.shown {
        Shown::Auto if columns.is_some() => Shown::Bar,
        Shown::Auto => Shown::Plain,
        other => other,
    };
    let mut tracker = Tracker::new(settings.ranks);
    let mut plain = PlainLines { every: settings.every, last: Instant::now(), phase: None };
    let (mut second, mut unwritable) = (Instant::now(), false);
    while !over.load(Relaxed) {
        progress.ask_for_p99();
        let now = Instant::now();
        let view = tracker.look(&progress.snapshot(), run, now);
        match shown {
            Shown::Bar => {
                output::bar(view.as_ref().map(|view| cut(line::line(view), columns.unwrap_or(80))).as_deref())
            }
            Shown::Plain => {
                if let Some(view) = view.as_ref().filter(|view| plain.is_due(view, now)) {
                    eprintln!("{}", line::line(view));
                }
            }
            _ => {}
        }
        if now - second >= SECOND {
            second = now;
            if shown == Shown::Json {
                eprintln!("{}", json::object(view.as_ref(), settings.ranks));
            }
            if let Some(path) = settings.metrics.as_ref().filter(|_| !unwritable)
                && let Err(error) = metrics::write(path, view.as_ref(), &settings.timestamp, true)
            {
                unwritable = true;
                eprintln!("warning: --metrics-file {}: {error}", path.display());
            }
        }
        std::thread::sleep(LOOK);
    }
    output::bar(None);
    if let Some(path) = settings.metrics.as_ref().filter(|_| !unwritable) {
        let _ = metrics::write(path, None, &settings.timestamp, false);
    }
}

/// A line in so many columns. What gives way is the middle: how long the run takes stands at the end.
fn cut(line: String, columns: usize) -> String {
    let most = columns.saturating_sub(1);
    if line.chars().count() <= most {
        return line;
    }
    let (head, tail) = line
        .rsplit_once("; ETA")
        .map_or((line.as_str(), String::new()), |(head, eta)| (head, format!("\u{2026}; ETA{eta}")));
    let room = most.saturating_sub(tail.chars().count());
    head.chars().take(room).chain(tail.chars()).take(most).collect()
}

/// When a plain line is due: in the first second of a phase, and so often after it.
struct PlainLines {
    every: Duration,
    last: Instant,
    phase: Option<io500_phases::phase_id::PhaseId>,
}

impl PlainLines {
    fn is_due(&mut self, view: &View, now: Instant) -> bool {
        let first = self.phase != Some(view.phase) && view.elapsed_s >= 1.0 && self.every <= SELDOM;
        let due = first || now - self.last >= self.every;
        if due {
            (self.last, self.phase) = (now, Some(view.phase));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::{run, snapshot_with};
    use super::*;

    #[test]
    fn a_line_that_is_too_long_keeps_its_end() {
        let line = "[1/2] find 12 s, ~1.000 kIOPS now, ~1.000 on average; ETA ~9 min 48 s".to_owned();
        assert_eq!(cut(line.clone(), 200), line);
        let short = cut(line.clone(), 41);
        assert_eq!((short.as_str(), short.chars().count()), ("[1/2] find 12 s, ~1.00\u{2026}; ETA ~9 min 48 s", 40));
        assert_eq!(cut(line, 5).chars().count(), 4);
    }

    #[test]
    fn a_log_names_a_phase_when_it_begins_and_every_ten_seconds() {
        let (run, start) = (run(), Instant::now());
        let mut tracker = Tracker::new(1);
        let mut due = |every: u64| {
            let mut plain = PlainLines { every: Duration::from_secs(every), last: start, phase: None };
            let lines = (1..=30u64).filter(|&second| {
                let now = start + Duration::from_secs(second);
                let snapshot = snapshot_with(|s| s.elapsed = second as f64);
                plain.is_due(&tracker.look(&snapshot, &run, now).unwrap(), now)
            });
            lines.collect::<Vec<_>>()
        };
        assert_eq!(due(10), [1, 11, 21]);
        assert_eq!(due(600), [0; 0]);
    }
}
