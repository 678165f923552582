//! The watchdog of a run: how patient it is with which store, and what happens when a rank hangs.

use crate::crash_record::CrashRecord;
use crate::diagnosis::Place;
use crate::exit::Exit;
use crate::heartbeat::{End, Heartbeat};
use crate::session::Session;
use crate::signals;
use crate::watchdog::{Watchdog, WatchdogEvent, WatchdogLimits};
use io500_phases::backend::posix::on_dfuse;
use io500_phases::config::Api;
use io500_phases::engine::Progress;
use io500_phases::results::RunState;
use std::sync::Arc;
use std::time::Duration;

/// Seconds of silence of another rank that end the job when nothing else is said: a rank sends heartbeats whatever its store does.
const SILENT: u32 = 300;
/// How long the words of a job that ends may take to be written: the file system may be lost as well.
const GRACE: Duration = Duration::from_secs(5);

/// Seconds without progress on DAOS that end the job when nothing else is said: an engine that fails is excluded and a pool
/// goes on within tens of seconds, so that what takes longer does not come back.
const ON_DAOS: u32 = 300;

/// Watches this rank from now on until the guard is dropped.
pub fn start(session: &Session, progress: &Arc<Progress>, datadir: &str, crash_record: &Arc<CrashRecord>) -> Watchdog {
    let apis = session.phases.iter().map(|&phase| &session.config.phase(phase).api.api);
    let standin = io500_phases::backend::dfs::is_standin();
    let daos = apis.into_iter().any(|api| match api {
        Api::Dfs => !standin,
        Api::Posix => on_dfuse(datadir),
        _ => false,
    });
    let seconds = |default| Some(session.config.bench.timeout.unwrap_or(default)).filter(|&seconds| seconds > 0);
    let length = |seconds: u32| Duration::from_secs(seconds.into());
    let timeout = seconds(if daos { ON_DAOS } else { 0 }).map(length);
    let place = Place { rank: session.comm.rank(), host: session.comm.host().to_owned(), daos };
    let heartbeat = Heartbeat::start(session.comm.as_ref(), seconds(SILENT).map(length));
    let crash_record = crash_record.clone();
    let limits = WatchdogLimits { rank: place.rank, timeout };
    Watchdog::start(progress.clone(), limits, heartbeat, move |event, snapshot, since, heartbeat| {
        let words = place.stalled(snapshot, since);
        match event {
            WatchdogEvent::NoProgress => {
                let then =
                    timeout.map_or_else(String::new, |timeout| format!("; the job ends at {} s", timeout.as_secs()));
                eprintln!("warning: {words}{then}");
            }
            WatchdogEvent::TimedOut => {
                let error = format!("{words}: a call to the store does not return");
                give_up(heartbeat, &crash_record, RunState::Failed, &error, Exit::Storage, || circumstances(&place))
            }
            WatchdogEvent::StopIgnored => {
                let error = format!("{words}: it was asked to stop, and its call to the store does not return");
                let exit = Exit::Signal(signal());
                give_up(heartbeat, &crash_record, RunState::Interrupted, &error, exit, || circumstances(&place))
            }
            WatchdogEvent::StopWhileWaiting => {
                // the launcher is about to kill this rank, which cannot leave the barrier to write it down
                if let Some(lost) = heartbeat.silent_since(std::time::Instant::now() - since) {
                    crash_record.keep(RunState::Failed, &format!("{lost}; ended by signal {}", signal()));
                } else if place.rank == 0 {
                    let error = format!("ended by signal {} while rank 0 waited for other ranks", signal());
                    crash_record.keep(RunState::Interrupted, &error);
                }
            }
            WatchdogEvent::Lost(words) => {
                let hint = || {
                    eprintln!(
                        "hint: its process or node died, was stopped or lost the network; --timeout sets the limits"
                    )
                };
                give_up(heartbeat, &crash_record, RunState::Failed, &words, Exit::Storage, hint)
            }
            WatchdogEvent::Ended(end) => {
                let code = end.code.into();
                if !end.kept {
                    let (sender, kept) = std::sync::mpsc::channel();
                    let crash_record = crash_record.clone();
                    let words = end.words;
                    std::thread::spawn(move || {
                        let _ = sender.send(crash_record.keep(RunState::Failed, &words));
                    });
                    let _ = kept.recv_timeout(GRACE);
                }
                crate::exit_code_file::write(end.code);
                signal_hook::low_level::exit(code)
            }
        }
    })
}

/// Tells the other ranks why the job ends, writes it down, says it, and ends the process.
fn give_up(
    heartbeat: &mut Heartbeat,
    crash_record: &Arc<CrashRecord>,
    state: RunState,
    error: &str,
    exit: Exit,
    more: impl FnOnce(),
) -> ! {
    let end = |kept| End { words: error.to_owned(), code: exit.code(), kept };
    heartbeat.tell(end(false));
    let (sender, kept) = std::sync::mpsc::channel();
    let (words, text) = (crash_record.clone(), error.to_owned());
    std::thread::spawn(move || {
        if words.keep(state, &text) {
            let _ = sender.send(words.where_it_lies());
        }
    });
    let lines = kept.recv_timeout(GRACE).ok();
    if lines.is_some() {
        heartbeat.tell(end(true));
    }
    eprintln!("error: {error}");
    more();
    lines.iter().flatten().for_each(|line| eprintln!("dfs-bench: {line}"));
    crate::exit_code_file::write(exit.code());
    // not `process::exit`: the store's own exit handlers would wait for the store
    signal_hook::low_level::exit(exit.code().into())
}

/// What is known of a store that does not answer.
fn circumstances(place: &Place) {
    for line in place.circumstances() {
        eprintln!("       {line}");
    }
    eprintln!("hint: {}", place.hint());
}

/// The signal that asked for the stop.
fn signal() -> i32 {
    signals::received().unwrap_or(signal_hook::consts::SIGTERM)
}
