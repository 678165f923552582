//! The watchdog of a run: how patient it is with which store, and what happens when a rank hangs.

use crate::diagnosis::Place;
use crate::exit::Exit;
use crate::session::Session;
use crate::signals;
use crate::watchdog::{Bark, Patience, Watchdog};
use io500_phases::backend::posix::on_dfuse;
use io500_phases::config::Api;
use io500_phases::engine::Progress;
use io500_phases::report::ResultDir;
use io500_phases::results::{RunResult, RunState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Seconds without progress on DAOS that end the job when nothing else is said: an engine that fails is excluded and a pool
/// goes on within tens of seconds, so that what takes longer does not come back.
const ON_DAOS: u32 = 300;

/// Watches this rank from now on until the guard is dropped.
pub fn start(session: &Session, progress: &Arc<Progress>, datadir: &str, resultdir: &str) -> Watchdog {
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
    let resultdir = resultdir.to_owned();
    Watchdog::start(progress.clone(), Patience { rank: place.rank, timeout }, move |bark, snapshot, since| {
        let words = place.standing_still(snapshot, since);
        match bark {
            Bark::Still => {
                let then =
                    timeout.map_or_else(String::new, |timeout| format!("; the job ends at {} s", timeout.as_secs()));
                eprintln!("warning: {words}{then}");
            }
            Bark::Stuck => {
                give_up(&place, &format!("{words}: a call of the store does not return"), &resultdir, Exit::Storage)
            }
            Bark::Deaf => {
                let signal = signals::received().unwrap_or(signal_hook::consts::SIGTERM);
                give_up(&place, &format!("{words} since it was asked to stop"), &resultdir, Exit::Signal(signal));
            }
        }
    })
}

/// Says why, keeps it in the result directory, and ends the process; the launcher then ends the others.
fn give_up(place: &Place, error: &str, resultdir: &str, exit: Exit) -> ! {
    eprintln!("error: {error}");
    for line in place.circumstances() {
        eprintln!("       {line}");
    }
    eprintln!("hint: {}", place.hint());
    if place.rank == 0 {
        note(Path::new(resultdir), error);
    }
    // not `process::exit`: the store's own exit handlers would wait for the store
    signal_hook::low_level::exit(exit.code().into())
}

/// Marks the unfinished run as failed, where it got as far as a result file.
fn note(resultdir: &Path, error: &str) {
    let Ok(text) = std::fs::read(resultdir.join("result.json")) else { return };
    let Ok(mut result) = serde_json::from_slice::<RunResult>(&text) else { return };
    if result.state == RunState::Running {
        (result.state, result.failure) = (RunState::Failed, Some(error.to_owned()));
        let json = serde_json::to_vec_pretty(&result).expect("a result has string keys only");
        let _ = ResultDir::at(resultdir).write("result.json", &json);
    }
}
