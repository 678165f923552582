//! The runs below a directory with their state, and what lies in their data directories.

use super::recorded::RecordedRun;
use crate::report::figures;
use crate::report::tables::{Table, UNKNOWN};
use io500_phases::backend::select::Selected;
use io500_phases::comm::Solo;
use io500_phases::phase_id::{PhaseId, unmet_need};
use io500_phases::phases::claim::{Owner, owner_of};
use io500_phases::results::RunState;
use io500_phases::suite::{LeftFiles, dated, left_files};
use io500_phases::text;
use io500_phases::units::Bytes;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run in the list.
#[derive(Debug, Serialize)]
pub struct ListedRun {
    /// Its result directory.
    pub directory: PathBuf,
    pub timestamp: String,
    pub began: String,
    /// `finished`, `running`, `killed`, `failed` or `interrupted`.
    pub state: &'static str,
    /// Why it ended early.
    pub failure: Option<String>,
    pub phases_done: usize,
    pub phases_asked_for: usize,
    pub score: Option<f64>,
    /// Its data directory.
    pub datadir: String,
    /// What lies there; none where nothing does, or where it was not looked at.
    pub left: Option<LeftFiles>,
    /// Why it could not be looked at.
    pub unknown: Option<String>,
    /// The command that goes on with it.
    pub resume: Option<String>,
    /// The command that removes what it left.
    pub cleanup: Option<String>,
}

/// Looks at a run; for so long at what it left.
pub fn look(run: &RecordedRun, patience: Duration) -> ListedRun {
    let (done, todo) = run.phases();
    let about = &run.result.provenance;
    // what lies there after a run that cleaned up belongs to another one: repeats share a data directory
    let cleaned = run.result.state == RunState::Finished && run.cleans_up();
    let counted = if patience.is_zero() || cleaned { Ok(None) } else { count(run, patience) };
    let (left, unknown) = match counted {
        Ok(left) => (left.filter(|left| left.files > 0 || !left.complete), None),
        Err(why) => (None, Some(why)),
    };
    // what the phases that are left need was removed
    let is_gone = !patience.is_zero() && left.is_none() && unknown.is_none();
    let lacks = is_gone && unmet_need(&todo, |_, needed| needed == PhaseId::Timestamp).is_some();
    let (resume, cleanup) = run.commands();
    let state = state(run);
    let ended = !matches!(state, "running" | "finished");
    ListedRun {
        directory: run.directory.clone(),
        timestamp: about.timestamp.clone(),
        began: about.began.clone(),
        state,
        failure: run.result.failure.clone(),
        phases_done: run.earlier() + done.len(),
        phases_asked_for: run.earlier() + done.len() + todo.len(),
        score: run.result.score.as_ref().map(|score| score.total).filter(|&score| score > 0.0),
        datadir: dated(&about.datadir, dates_datadir(run), &about.timestamp),
        resume: (ended && !todo.is_empty() && !lacks).then_some(resume),
        cleanup: (state != "running" && (left.is_some() || unknown.is_some())).then_some(cleanup),
        left,
        unknown,
    }
}

fn state(run: &RecordedRun) -> &'static str {
    match run.result.state {
        RunState::Finished => "finished",
        RunState::Failed => "failed",
        RunState::Interrupted => "interrupted",
        // without a claim, or with one of a process that is gone, nobody writes to it any more
        RunState::Running => match owner_of(&run.directory).and_then(|owner| owner.lives(&Owner::this("", None))) {
            Some(true) => "running",
            _ => "killed",
        },
    }
}

fn dates_datadir(run: &RecordedRun) -> bool {
    let dates = |setting: &&io500_phases::results::provenance::SettingOrigin| {
        setting.section == "global" && setting.option == "timestamp-datadir"
    };
    run.result.provenance.settings.iter().find(dates).is_some_and(|setting| setting.value == "TRUE")
}

/// Counts what lies in the data directories of a run, all its stores together.
fn count(run: &RecordedRun, patience: Duration) -> Result<Option<LeftFiles>, String> {
    let base = run.base().map_err(|error| error.to_string())?;
    let (mut config, _) =
        run.inputs().map_err(|error| error.to_string())?.build().map_err(|error| error.to_string())?;
    if let Some(base) = base {
        // relative paths are those of the run, not of this shell
        let global = &config.global;
        if global.api.api == io500_phases::config::Api::Posix && Path::new(&global.datadir).is_relative() {
            let absolute = base.join(text::path(&global.datadir)).into_os_string();
            let inputs = config.inputs().clone().flag("global", "datadir", absolute, "runs");
            config = inputs.build().map_err(|error| error.to_string())?.0;
        }
    }
    let global = &config.global;
    let datadir = dated(&global.datadir, global.timestamp_datadir, &run.result.provenance.timestamp);
    // phases that only read: a container that is gone must not be made again
    let one_of = [PhaseId::IorEasyRead, PhaseId::IorHardRead, PhaseId::MdtestEasyStat, PhaseId::MdtestHardStat];
    let stores = Selected::open(&config, &one_of, &datadir, &Solo::new()).map_err(|error| error.to_string())?;
    let mut seen = Vec::new();
    let mut total: Option<LeftFiles> = None;
    for phase in one_of {
        use io500_phases::backend::select::Stores as _;
        if seen.contains(&stores.index(phase)) {
            continue;
        }
        seen.push(stores.index(phase));
        if let Some(left) = left_files(&stores, phase, patience).map_err(|errno| errno.to_string())? {
            let all = total.get_or_insert(LeftFiles { complete: true, ..LeftFiles::default() });
            all.files += left.files;
            all.bytes += left.bytes;
            all.complete &= left.complete;
        }
    }
    stores.close(&Solo::new()).map_err(|error| error.to_string())?;
    Ok(total)
}

/// The list as a table, and the commands below it.
pub fn text(runs: &[ListedRun], below: &Path) -> String {
    let columns = ["Run", "Began", "State", "#Phases", "#Score", "#Files left", "#Size"];
    let mut table = Table::new("runs", "Runs", &columns);
    for run in runs {
        let shown = text::of(run.directory.strip_prefix(below).unwrap_or(&run.directory));
        let at_least = run.left.is_some_and(|left| !left.complete);
        let sign = if at_least { "\u{2265} " } else { "" };
        let (files, size) = match (&run.left, &run.unknown) {
            (Some(left), _) => {
                (format!("{sign}{}", figures::count(left.files as f64)), format!("{sign}{}", Bytes(left.bytes)))
            }
            (None, Some(_)) => ("unknown".to_owned(), UNKNOWN.to_owned()),
            (None, None) => ("none".to_owned(), UNKNOWN.to_owned()),
        };
        table.rows.push(vec![
            if shown.is_empty() { ".".to_owned() } else { shown },
            run.began.clone(),
            run.state.to_owned(),
            format!("{}/{}", run.phases_done, run.phases_asked_for),
            run.score.map_or_else(|| UNKNOWN.to_owned(), figures::rate),
            files,
            size,
        ]);
    }
    let mut text = crate::report::text::drawn(&table);
    text.push('\n');
    for run in runs {
        let name = &run.timestamp;
        let mut line = |what: &str, value: &str| text.push_str(&format!("\n{name}: {what}: {value}"));
        run.failure.iter().for_each(|why| line("ended", why));
        run.left.iter().for_each(|_| line("its files are in", &run.datadir));
        run.unknown.iter().for_each(|why| line("its data directory could not be looked at", why));
        run.resume.iter().for_each(|command| line("to continue", command));
        run.cleanup.iter().for_each(|command| line("to remove its files", command));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
