//! The same data for several runs: a run that writes them, and what of its results the reading runs need.

use super::journal::State;
use super::schedule::Schedule;
use super::slot::Slot;
use std::path::Path;

/// Brings what a reading run needs into its result directory: what the writing phases noted for the phases after them. Does nothing for
/// campaigns whose runs write their own data.
pub fn bring(
    schedule: &Schedule<'_>,
    state: &State,
    directory: &Path,
    slot: &Slot,
    results: &Path,
) -> Result<(), String> {
    let Some(data) = schedule.data_of(slot) else { return Ok(()) };
    let wrote = |run: &&super::journal::Run| run.slot == data && run.outcome.as_ref().is_some_and(|o| o.counts());
    let run = state.runs.iter().rev().find(wrote).ok_or("no run has written the data that it reads")?;
    let from = directory.join(run.directory()).join("results");
    let copied = std::fs::create_dir_all(results).and_then(|()| {
        for entry in std::fs::read_dir(&from)? {
            let entry = entry?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if text.ends_with(".stonewall") || text == "timestampfile" {
                // the time of the timestamp file is what find compares with
                let time = entry.metadata()?.modified()?;
                std::fs::copy(entry.path(), results.join(&name))?;
                std::fs::File::options().write(true).open(results.join(&name))?.set_modified(time)?;
            }
        }
        Ok(())
    });
    copied.map_err(|error: std::io::Error| format!("{}: {error}", from.display()))
}
