//! The state of a campaign: a file of JSON lines that is only ever appended to, each line on disk before the next step.
//!
//! A campaign that is killed anywhere leaves a journal that says what was done. A last line that was cut off is dropped. A run that
//! was started and has no end was lost with the sweep: it is repeated, and does not count as an attempt.

use super::campaign::Campaign;
use super::outcome::Outcome;
use super::slot::Slot;
use crate::exit::UsageError;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// The journal's name in the campaign's directory.
pub const NAME: &str = "journal.jsonl";
/// The version of its lines.
const FORMAT: u32 = 1;

/// A line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Record {
    /// The campaign begins, or goes on with a changed file.
    Campaign { format: u32, program: String, time: String, campaign: Box<Campaign> },
    /// A run is started.
    Started { run: u64, slot: Slot, attempt: u32, time: String },
    /// It ended.
    Ended { run: u64, time: String, outcome: Outcome },
    /// It waits in a batch system as this job.
    Submitted { run: u64, job: String, time: String },
    /// What failed so far gets its attempts anew.
    Retry { time: String },
}

/// A run that was started.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its number in the order of starts, from 1.
    pub number: u64,
    /// What it was run for.
    pub slot: Slot,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When it was started.
    pub started: String,
    /// How it ended; none while it runs, or when it was lost with the sweep.
    pub outcome: Option<Outcome>,
    /// The batch job that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

impl Run {
    /// Its directory below the campaign's.
    pub fn directory(&self) -> PathBuf {
        PathBuf::from(format!("runs/{:04}-{}", self.number, self.slot.word()))
    }
}

/// What a journal says.
#[derive(Debug, Clone)]
pub struct State {
    /// The campaign, as its file was read last.
    pub campaign: Campaign,
    /// The runs in the order of their starts.
    pub runs: Vec<Run>,
    /// Failures up to this run are no attempts any more.
    pub forgiven: u64,
}

/// An open journal. Whoever has it has the campaign's directory to himself.
pub struct Journal {
    file: File,
    directory: PathBuf,
    pub state: State,
    _lock: File,
}

impl Journal {
    /// Begins a campaign in a directory that has none.
    pub fn create(directory: &Path, campaign: Campaign) -> anyhow::Result<Journal> {
        std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let lock = lock(directory)?;
        let path = directory.join(NAME);
        if path.exists() {
            return Err(UsageError::new(format!("{} holds a campaign already", directory.display()))
                .hint(format!("dfs-bench sweep resume {} goes on with it; --dir names another", directory.display()))
                .into());
        }
        let file =
            OpenOptions::new().create_new(true).append(true).open(&path).with_context(|| path.display().to_string())?;
        // the name of a file is only safe with its directory
        File::open(directory)?.sync_all()?;
        let state = State { campaign: campaign.clone(), runs: Vec::new(), forgiven: 0 };
        let mut journal = Journal { file, directory: directory.to_owned(), state, _lock: lock };
        journal.append(&Record::campaign(campaign))?;
        Ok(journal)
    }

    /// Goes on with the campaign of a directory.
    pub fn open(directory: &Path) -> anyhow::Result<Journal> {
        let lock = lock(directory)?;
        let path = directory.join(NAME);
        let (state, length) = read(&path)?;
        let mut file = OpenOptions::new().write(true).open(&path).with_context(|| path.display().to_string())?;
        file.set_len(length)?;
        file.seek(std::io::SeekFrom::End(0))?;
        Ok(Journal { file, directory: directory.to_owned(), state, _lock: lock })
    }

    /// Takes a changed file in: more cells, more repeats and a larger budget are possible, another way to measure is not.
    pub fn change(&mut self, campaign: Campaign) -> anyhow::Result<()> {
        if let Some(what) = incompatible(&self.state.campaign, &campaign) {
            return Err(UsageError::new(format!("the campaign's {what} changed: its runs would not be comparable"))
                .hint("begin another campaign with another --dir")
                .into());
        }
        self.append(&Record::campaign(campaign.clone()))?;
        self.state.campaign = campaign;
        Ok(())
    }

    /// Gives what failed so far its attempts anew.
    pub fn retry(&mut self) -> anyhow::Result<()> {
        self.append(&Record::Retry { time: now() })?;
        self.state.forgive();
        Ok(())
    }

    /// Notes that a run is started; its directory exists when this returns.
    pub fn started(&mut self, slot: &Slot, attempt: u32) -> anyhow::Result<Run> {
        let number = self.state.runs.last().map_or(1, |run| run.number + 1);
        let run = Run { number, slot: slot.clone(), attempt, started: now(), outcome: None, job: None };
        let directory = self.directory.join(run.directory());
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        self.append(&Record::Started { run: number, slot: slot.clone(), attempt, time: run.started.clone() })?;
        self.state.runs.push(run.clone());
        Ok(run)
    }

    /// Notes the batch job that it is.
    pub fn submitted(&mut self, number: u64, job: &str) -> anyhow::Result<()> {
        self.append(&Record::Submitted { run: number, job: job.to_owned(), time: now() })?;
        self.state.submit(number, job);
        Ok(())
    }

    /// Notes how it ended.
    pub fn ended(&mut self, number: u64, outcome: Outcome) -> anyhow::Result<()> {
        self.append(&Record::Ended { run: number, time: now(), outcome: outcome.clone() })?;
        self.state.end(number, outcome);
        Ok(())
    }

    fn append(&mut self, record: &Record) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(record).context("a line of the journal")?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.with_context(|| format!("cannot write {}", self.directory.join(NAME).display()))
    }
}

impl State {
    /// What the journal of a directory says, while somebody else may be writing it.
    pub fn read(directory: &Path) -> anyhow::Result<State> {
        Ok(read(&directory.join(NAME))?.0)
    }

    fn forgive(&mut self) {
        self.forgiven = self.runs.last().map_or(0, |run| run.number);
    }

    /// Whether jobs of it may be in a queue.
    pub fn has_jobs(&self) -> bool {
        self.runs.iter().any(|run| run.outcome.is_none() && run.job.is_some())
    }

    fn submit(&mut self, number: u64, job: &str) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.number == number) {
            run.job = Some(job.to_owned());
        }
    }

    fn end(&mut self, number: u64, outcome: Outcome) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.number == number) {
            run.outcome = Some(outcome);
        }
    }
}

impl Record {
    fn campaign(campaign: Campaign) -> Record {
        let program = format!("dfs-bench {}", env!("CARGO_PKG_VERSION"));
        Record::Campaign { format: FORMAT, program, time: now(), campaign: Box::new(campaign) }
    }
}

/// The state, and how many bytes of the file hold it: a line that was cut off is not among them.
fn read(path: &Path) -> anyhow::Result<(State, u64)> {
    let text = std::fs::read(path).map_err(|error| {
        UsageError::new(format!("{}: {error}", path.display())).hint("a campaign's directory holds journal.jsonl")
    })?;
    let mut state: Option<State> = None;
    let mut length = 0;
    for (number, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let record: Record = match serde_json::from_slice(line) {
            Ok(record) if line.ends_with(b"\n") => record,
            // nothing follows a line that was cut off
            _ if length + line.len() == text.len() => break,
            Ok(_) => break,
            Err(error) => anyhow::bail!(UsageError::new(format!("{}:{}: {error}", path.display(), number + 1))),
        };
        length += line.len();
        match record {
            Record::Campaign { format, .. } if format > FORMAT => {
                anyhow::bail!(UsageError::new(format!("{}: a newer dfs-bench wrote it", path.display())))
            }
            Record::Campaign { campaign, .. } => match &mut state {
                Some(state) => state.campaign = *campaign,
                None => state = Some(State { campaign: *campaign, runs: Vec::new(), forgiven: 0 }),
            },
            Record::Started { run, slot, attempt, time } => {
                let state = state.as_mut().with_context(|| format!("{}: no campaign", path.display()))?;
                state.runs.push(Run { number: run, slot, attempt, started: time, outcome: None, job: None });
            }
            Record::Submitted { run, job, .. } => {
                state.as_mut().with_context(|| format!("{}: no campaign", path.display()))?.submit(run, &job);
            }
            Record::Retry { .. } => {
                state.as_mut().with_context(|| format!("{}: no campaign", path.display()))?.forgive();
            }
            Record::Ended { run, outcome, .. } => {
                state.as_mut().with_context(|| format!("{}: no campaign", path.display()))?.end(run, outcome);
            }
        }
    }
    let state =
        state.ok_or_else(|| UsageError::new(format!("{} is empty: the campaign never began", path.display())))?;
    Ok((state, length as u64))
}

/// The first difference that makes runs incomparable.
fn incompatible(old: &Campaign, new: &Campaign) -> Option<&'static str> {
    let axis = |campaign: &Campaign| -> Vec<_> {
        // more values are more cells; what an axis changes must stay
        campaign.axes.iter().map(|axis| super::axis::Axis { values: Vec::new(), ..axis.clone() }).collect()
    };
    [
        ("phases", old.phases != new.phases),
        ("data-phases", old.data_phases != new.data_phases),
        ("fresh-container", old.fresh_container != new.fresh_container),
        ("stonewall", old.stonewall != new.stonewall),
        ("config", old.config != new.config),
        ("arguments", old.arguments != new.arguments),
        ("env", old.env != new.env),
        ("launcher", old.launcher != new.launcher),
        ("[adaptive]", old.adaptive != new.adaptive),
        (
            "design",
            (old.design == super::campaign::Design::Adaptive) != (new.design == super::campaign::Design::Adaptive),
        ),
        ("axes", axis(old) != axis(new)),
        (
            "baseline",
            old.axes.iter().any(|a| new.axis(&a.name).is_some_and(|b| old.baseline_of(a) != new.baseline_of(b))),
        ),
    ]
    .into_iter()
    .find_map(|(name, differs)| differs.then_some(name))
}

/// Takes the directory for this process; another sweep is told to go.
fn lock(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join("sweep.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|error| {
        UsageError::new(format!("{}: {error}", path.display())).hint("give the directory of a campaign")
    })?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(UsageError::new(format!("another sweep works in {}", directory.display()))
                .hint("dfs-bench sweep status shows how far it is")
                .into())
        }
        Err(error) => Err(std::io::Error::from(error)).with_context(|| format!("cannot lock {}", path.display())),
    }
}

fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(text: &str) -> Campaign {
        Campaign::parse(&format!("name = \"t\"\n{text}\n[[axis]]\nname = \"a\"\nenv = \"A\"\nvalues = [1, 2]\n"))
            .unwrap()
    }

    fn outcome(score: f64) -> Outcome {
        Outcome { figures: [("score".to_owned(), score)].into(), seconds: 2.0, ..Outcome::default() }
    }

    fn with_two_runs(directory: &Path) {
        let mut journal = Journal::create(directory, campaign("")).unwrap();
        let run = journal.started(&Slot::WarmUp, 1).unwrap();
        assert!(directory.join(run.directory()).is_dir());
        journal.ended(run.number, outcome(3.25)).unwrap();
        journal.started(&Slot::Cell { cell: "ab".into(), round: 0 }, 1).unwrap();
    }

    #[test]
    fn a_journal_cut_anywhere_reads_back_what_was_whole() {
        let directory = tempfile::tempdir().unwrap();
        with_two_runs(directory.path());
        let path = directory.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        let ends: Vec<usize> =
            whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
        for cut in ends[0]..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut journal = Journal::open(directory.path()).unwrap();
            let lines = ends.iter().filter(|&&end| end <= cut).count();
            assert_eq!(journal.state.runs.len(), [0, 0, 1, 1, 2][lines], "{cut}");
            // and it can be gone on with
            let number = journal.started(&Slot::WarmUp, 2).unwrap().number;
            journal.ended(number, outcome(1.0)).unwrap();
            drop(journal);
            let state = State::read(directory.path()).unwrap();
            assert_eq!(state.runs.last().unwrap().outcome, Some(outcome(1.0)));
        }
    }

    #[test]
    fn a_line_that_is_damaged_in_the_middle_is_an_error_with_its_place() {
        let directory = tempfile::tempdir().unwrap();
        with_two_runs(directory.path());
        let path = directory.path().join(NAME);
        let text = std::fs::read_to_string(&path).unwrap().replacen("\"started\"", "\"starte\"", 1);
        std::fs::write(&path, text).unwrap();
        assert!(State::read(directory.path()).unwrap_err().to_string().contains(":2:"));
    }

    #[test]
    fn two_sweeps_do_not_share_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let first = Journal::create(directory.path(), campaign("")).unwrap();
        let error = |result: anyhow::Result<Journal>| result.err().expect("refused").to_string();
        assert!(error(Journal::open(directory.path())).contains("another sweep"));
        drop(first);
        assert!(error(Journal::create(directory.path(), campaign(""))).contains("holds a campaign already"));
        Journal::open(directory.path()).unwrap();
    }

    #[test]
    fn a_changed_file_adds_and_does_not_replace() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(directory.path(), campaign("")).unwrap();
        journal.change(campaign("repeats = 5\n[budget]\nhours = 3")).unwrap();
        let error = journal.change(campaign("stonewall = 9")).unwrap_err().to_string();
        assert!(error.contains("stonewall changed"), "{error}");
        drop(journal);
        assert_eq!(State::read(directory.path()).unwrap().campaign.repeats, 5);
    }
}
