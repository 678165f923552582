//! The watchdog of a run: how patient it is with which store, and what happens when a rank hangs.

use crate::diagnosis::Place;
use crate::exit::Exit;
use crate::last_words::LastWords;
use crate::session::Session;
use crate::signals;
use crate::watchdog::{Bark, Patience, Watchdog};
use io500_phases::backend::posix::on_dfuse;
use io500_phases::config::Api;
use io500_phases::engine::Progress;
use io500_phases::results::RunState;
use std::sync::Arc;
use std::time::Duration;

/// Seconds without progress on DAOS that end the job when nothing else is said: an engine that fails is excluded and a pool
/// goes on within tens of seconds, so that what takes longer does not come back.
const ON_DAOS: u32 = 300;

/// Watches this rank from now on until the guard is dropped.
pub fn start(session: &Session, progress: &Arc<Progress>, datadir: &str, last_words: &Arc<LastWords>) -> Watchdog {
    let apis = session.phases.iter().map(|&phase| &session.config.phase(phase).api.api);
    let standin = io500_phases::backend::dfs::is_standin();
    let daos = apis.into_iter().any(|api| match api {
        Api::Dfs => !standin,
        Api::Posix => on_dfuse(datadir),
        _ => false,
    });
    let seconds = session.config.bench.timeout.unwrap_or(if daos { ON_DAOS } else { 0 });
    let timeout = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    let place = Place { rank: session.comm.rank(), host: session.comm.host().to_owned(), daos };
    let last_words = last_words.clone();
    Watchdog::start(progress.clone(), Patience { rank: place.rank, timeout }, move |bark, snapshot, since| {
        let words = place.standing_still(snapshot, since);
        match bark {
            Bark::Still => {
                let then =
                    timeout.map_or_else(String::new, |timeout| format!("; the job ends at {} s", timeout.as_secs()));
                eprintln!("warning: {words}{then}");
            }
            Bark::Stuck => {
                let error = format!("{words}: a call of the store does not return");
                last_words.keep(RunState::Failed, &error);
                give_up(&place, &error, Exit::Storage)
            }
            Bark::Deaf => {
                let error = format!("{words}: it was asked to stop and does not come out of its call");
                last_words.keep(RunState::Interrupted, &error);
                give_up(&place, &error, Exit::Signal(signal()));
            }
            Bark::Left => {
                // the launcher is about to kill this rank, which cannot leave the meeting to write it down
                let error = format!("ended by signal {} while rank {} waited for other ranks", signal(), place.rank);
                last_words.keep(RunState::Interrupted, &error);
            }
        }
    })
}

/// Says why and ends the process; the launcher then ends the others.
fn give_up(place: &Place, error: &str, exit: Exit) -> ! {
    eprintln!("error: {error}");
    for line in place.circumstances() {
        eprintln!("       {line}");
    }
    eprintln!("hint: {}", place.hint());
    // not `process::exit`: the store's own exit handlers would wait for the store
    signal_hook::low_level::exit(exit.code().into())
}

/// The signal that asked for the stop.
fn signal() -> i32 {
    signals::received().unwrap_or(signal_hook::consts::SIGTERM)
}
