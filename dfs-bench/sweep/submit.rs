//! Runs as batch jobs: submits them one behind the other, and takes in what those that are over have brought.

use super::batch::{Batch, EXIT, Job, SCRIPT, job_id, state_of};
use super::journal::{Journal, Run};
use super::launch::{What, launch, nodes, ranks_per_node};
use super::outcome::Outcome;
use super::schedule::{Open, Schedule};
use crate::exit::UsageError;
use anyhow::Context as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is in the queue after a submission.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// Jobs that were submitted now.
    pub now: usize,
    /// Jobs that are in the queue or run, those included.
    pub waiting: usize,
    /// Why no more were submitted though runs are left.
    pub stopped: Option<String>,
}

/// Submits what can be run now, up to the campaign's number of jobs.
pub fn submit(journal: &mut Journal, directory: &Path) -> anyhow::Result<Submitted> {
    let directory = std::path::absolute(directory).context("the campaign's directory")?;
    let campaign = journal.state.campaign.clone();
    let schedule = Schedule::new(&campaign)?;
    if campaign.data_phases.is_some() {
        let what = "data-phases: a job cannot bring the data of another one that has not run yet";
        return Err(UsageError::new(what).hint("dfs-bench sweep run, inside one allocation").into());
    }
    for cell in &schedule.cells {
        launch(&campaign, cell, &What::of(&campaign), &directory, "check")?;
    }
    let mut submitted = Submitted { waiting: waiting(journal).count(), ..Submitted::default() };
    let mut last = waiting(journal).filter_map(|run| run.job.clone()).last();
    let (open, over) = schedule.open(&journal.state, campaign.batch.jobs.saturating_sub(submitted.waiting));
    submitted.stopped = over;
    for Open { slot, cell, attempt } in open {
        let run = journal.started(&slot, attempt)?;
        let run_directory = directory.join(run.directory());
        let name = format!("r{:04}", run.number);
        let started = launch(&campaign, &cell, &schedule.what(&slot), &run_directory.join("results"), &name)?;
        let words = shlex::try_join(started.words.iter().map(String::as_str))?;
        std::fs::write(run_directory.join("command.txt"), format!("{words}\n"))?;
        let env: Vec<(&str, &str)> = started.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let setup: Vec<&str> = started.scripts.values().map(|script| script.setup.as_str()).collect();
        let teardown: Vec<&str> = started.scripts.values().filter_map(|script| script.teardown.as_deref()).collect();
        let script = campaign.batch.script(&Job {
            name: &format!("sweep-{name}"),
            directory: &run_directory,
            home: &std::env::current_dir().context("the current directory")?,
            nodes: nodes(&campaign, &cell),
            ranks_per_node: ranks_per_node(&campaign, &cell),
            env: &env,
            setup: &setup,
            teardown: &teardown,
            words: &started.words,
        });
        let path = run_directory.join(SCRIPT);
        std::fs::write(&path, script).with_context(|| path.display().to_string())?;
        match submit_one(&campaign.batch, &path, last.as_deref()) {
            Ok(job) => {
                journal.submitted(run.number, &job)?;
                eprintln!("run {}: job {job}: {}", run.number, cell.words(&campaign));
                last = Some(job);
                submitted.now += 1;
                submitted.waiting += 1;
            }
            // what is wrong with one submission is wrong with the next
            Err(why) => {
                journal.ended(run.number, Outcome::failed(why.clone(), 0.0))?;
                return Err(UsageError::new(why).hint("see [batch] of the campaign's file").into());
            }
        }
    }
    Ok(submitted)
}

fn submit_one(batch: &Batch, script: &Path, after: Option<&str>) -> Result<String, String> {
    let words = batch.submission(script, after);
    let output = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", words[0]))?;
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let failed =
        || format!("{}: {}: {}", words.join(" "), output.status, errors.lines().last().unwrap_or("no message"));
    if !output.status.success() {
        return Err(failed());
    }
    job_id(&said).ok_or_else(|| format!("{} said no job's number: {}", words[0], said.trim()))
}

/// Runs whose jobs are not known to be over.
pub fn waiting(journal: &Journal) -> impl Iterator<Item = &Run> {
    journal.state.runs.iter().filter(|run| run.outcome.is_none() && run.job.is_some())
}

/// A job that is not over.
#[derive(Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its run.
    pub run: u64,
    /// Its number in the batch system.
    pub job: String,
    /// Its state there; none where the batch system does not answer.
    pub state: Option<String>,
}

/// Takes in the outcomes of jobs that are over; what is left, with its state.
pub fn take_in(journal: &mut Journal, directory: &Path) -> anyhow::Result<Vec<Waiting>> {
    let jobs: Vec<Run> = waiting(journal).cloned().collect();
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    // the listing first: a job that is not in it has written its exit before, or never will
    let listing = list(&journal.state.campaign.batch);
    let mut left = Vec::new();
    for run in jobs {
        let at = directory.join(run.directory());
        let job = run.job.unwrap_or_default();
        let state = listing.as_deref().map(|listing| state_of(listing, &job));
        if let Some((code, seconds)) = ended(&at) {
            journal.ended(run.number, Outcome::read(&at, Some(code), seconds))?;
        } else if state == Some(None) {
            let why = format!("job {job} is over and has left no exit code: killed, or its node was lost");
            journal.ended(run.number, Outcome::failed(why, 0.0))?;
        } else {
            left.push(Waiting { run: run.number, job, state: state.flatten() });
        }
    }
    Ok(left)
}

/// The exit code and the seconds of a job that is over.
fn ended(directory: &Path) -> Option<(i32, f64)> {
    let text = std::fs::read_to_string(directory.join(EXIT)).ok()?;
    let (code, seconds) = text.trim().split_once(' ')?;
    Some((code.parse().ok()?, seconds.parse().ok()?))
}

/// The jobs that are not over, as the batch system lists them; none where it does not answer.
fn list(batch: &Batch) -> Option<String> {
    let output = Command::new("sh").arg("-c").arg(batch.listing()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
