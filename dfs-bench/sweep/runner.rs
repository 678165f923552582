//! Runs a campaign: the one place that starts processes. A run, its scripts and its time limit; the journal after each step.

use super::campaign::{Campaign, Objective};
use super::data;
use super::design::Cell;
use super::journal::{Journal, Run};
use super::launch::{Launch, Script, What, launch};
use super::outcome::Outcome;
use super::schedule::{Next, Schedule};
use super::slot::Slot;
use crate::child::{Ended, GRACE, LOOK, wait};
use crate::report::figures;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// In a run's directory: the launcher's process and when it was started.
const PID: &str = "pid";

/// Runs that fail one after the other before the campaign stops: the next ones would fail too, and lose their attempts.
const FAILURES: usize = 5;

/// Why a campaign stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum Stopped {
    /// Every cell has its runs.
    Done,
    /// The budget is used, in words.
    Budget(String),
    /// Nothing but failures of late, with the last reason.
    Failing(String),
    /// Somebody asked for it.
    Interrupted,
}

/// A campaign on its way.
pub struct Runner<'a> {
    journal: &'a mut Journal,
    directory: PathBuf,
    stop: Arc<AtomicBool>,
    /// What scripts have set: axis → script.
    set: BTreeMap<String, Script>,
}

impl<'a> Runner<'a> {
    /// Goes on with what the journal says, until `stop` is raised.
    pub fn new(journal: &'a mut Journal, directory: &Path, stop: Arc<AtomicBool>) -> anyhow::Result<Runner<'a>> {
        let directory = std::path::absolute(directory).context("the campaign's directory")?;
        for run in journal.state.runs.iter().filter(|run| run.outcome.is_none()) {
            end_lost(&directory.join(run.directory()))?;
        }
        Ok(Runner { journal, directory, stop, set: BTreeMap::new() })
    }

    /// Runs what is left.
    pub fn run(mut self) -> anyhow::Result<Stopped> {
        let campaign = self.journal.state.campaign.clone();
        let stopped = self.runs(&campaign);
        // scripts are undone however the campaign ends
        let left: Vec<String> = self.set.keys().cloned().collect();
        let undone = left.iter().try_for_each(|axis| self.unset(axis));
        let stopped = stopped?;
        undone.map_err(anyhow::Error::msg)?;
        Ok(stopped)
    }

    fn runs(&mut self, campaign: &Campaign) -> anyhow::Result<Stopped> {
        let schedule = Schedule::new(campaign)?;
        // what cannot be started at all is told before anything is started
        for cell in &schedule.cells {
            launch(campaign, cell, &What::of(campaign), &self.directory, "check")?;
        }
        let (mut first, mut failures) = (true, Vec::new());
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(Stopped::Interrupted);
            }
            let (slot, cell, attempt) = match schedule.next(&self.journal.state) {
                Next::Run { slot, cell, attempt } => (slot, cell, attempt),
                Next::Done => return Ok(Stopped::Done),
                Next::Budget(why) => return Ok(Stopped::Budget(why)),
            };
            if !first {
                self.sleep(Duration::from_secs(campaign.pause.into()));
            }
            first = false;
            let run = self.journal.started(&slot, attempt)?;
            self.announce(campaign, &schedule, &run, &cell);
            let Some(outcome) = self.one(&schedule, campaign, &run, &cell)? else { return Ok(Stopped::Interrupted) };
            tell(campaign, &outcome);
            match &outcome.failure {
                Some(why) => failures.push((slot, why.clone())),
                None => failures.clear(),
            }
            self.journal.ended(run.number, outcome)?;
            // one setting that cannot work is no reason to stop
            let settings = failures.iter().map(|(slot, _)| slot).collect::<std::collections::BTreeSet<_>>();
            if let (Some((_, why)), true) = (failures.last(), failures.len() >= FAILURES && settings.len() >= FAILURES)
            {
                return Ok(Stopped::Failing(why.clone()));
            }
        }
    }

    /// One run; none when it was interrupted, which is no outcome: it is repeated by the next `resume`.
    fn one(
        &mut self,
        schedule: &Schedule<'_>,
        campaign: &Campaign,
        run: &Run,
        cell: &Cell,
    ) -> anyhow::Result<Option<Outcome>> {
        let directory = self.directory.join(run.directory());
        let name = format!("r{:04}", run.number);
        let launch = launch(campaign, cell, &schedule.what(&run.slot), &directory.join("results"), &name)?;
        let state = &self.journal.state;
        if let Err(why) = data::bring(schedule, state, &self.directory, &run.slot, &directory.join("results")) {
            return Ok(Some(Outcome::failed(why, 0.0)));
        }
        if let Err(why) = self.prepare(&launch.scripts) {
            return Ok(Some(Outcome::failed(why, 0.0)));
        }
        let began = Instant::now();
        let mut child = match start(&launch, &directory) {
            Ok(child) => child,
            Err(error) => return Ok(Some(Outcome::failed(format!("{}: {error}", launch.words[0]), 0.0))),
        };
        let deadline = campaign.run_timeout.and_then(|seconds| began.checked_add(Duration::from_secs(seconds)));
        let ended = wait(&mut child, &self.stop, deadline)?;
        let seconds = began.elapsed().as_secs_f64();
        Ok(match ended {
            Ended::Itself(status) => Some(Outcome::read(&directory, status.code(), seconds)),
            Ended::Late => {
                Some(Outcome::failed(format!("it took more than {} s", campaign.run_timeout.unwrap_or(0)), seconds))
            }
            Ended::Stopped => None,
        })
    }

    /// Sets what scripts set, where it is not set already.
    fn prepare(&mut self, wanted: &BTreeMap<String, Script>) -> Result<(), String> {
        for (axis, script) in wanted {
            if self.set.get(axis) == Some(script) {
                continue;
            }
            self.unset(axis)?;
            shell(&script.setup).map_err(|why| format!("setup of {axis}: {why}"))?;
            self.set.insert(axis.clone(), script.clone());
        }
        Ok(())
    }

    fn unset(&mut self, axis: &str) -> Result<(), String> {
        match self.set.remove(axis).and_then(|script| script.teardown) {
            Some(teardown) => shell(&teardown).map_err(|why| format!("teardown of {axis}: {why}")),
            None => Ok(()),
        }
    }

    fn sleep(&self, pause: Duration) {
        let began = Instant::now();
        while began.elapsed() < pause && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK.min(pause));
        }
    }

    /// `run 12, 31 to go at most: oclass=SX transfer=1m (round 2); best so far 12.3 (oclass=S1 transfer=4m); about 1 h 20 min left`.
    fn announce(&self, campaign: &Campaign, schedule: &Schedule<'_>, run: &Run, cell: &Cell) {
        let state = &self.journal.state;
        let (left, seconds) = schedule.left(state);
        let what = match &run.slot {
            Slot::WarmUp => "warm-up, ".to_owned(),
            Slot::Data { .. } => "data, ".to_owned(),
            Slot::Baseline { .. } => "baseline, ".to_owned(),
            Slot::Cell { round, .. } => format!("round {}, ", round + 1),
            Slot::Scout { rung, .. } => format!("rung {}, ", rung + 1),
            Slot::ScoutBaseline { rung, .. } => format!("rung {}, baseline, ", rung + 1),
        };
        let again = if run.attempt > 1 { format!(", attempt {}", run.attempt) } else { String::new() };
        let objective = campaign.objective().expect("the campaign was checked");
        let best = best(state, objective, &run.slot).and_then(|(value, slot)| {
            Some(format!(
                "; best {} so far {} ({})",
                objective.name(),
                figures::rate(value),
                schedule.cell_of(slot)?.words(campaign)
            ))
        });
        let time = seconds.map(|seconds| format!("; about {} left", duration(seconds)));
        eprintln!(
            "run {}, {left} to go: {what}{}{again}{}{}",
            run.number,
            cell.words(campaign),
            best.unwrap_or_default(),
            time.unwrap_or_default()
        );
    }
}

/// The best figure so far of runs that are as long as this one.
fn best<'s>(state: &'s super::State, objective: Objective, like: &Slot) -> Option<(f64, &'s Slot)> {
    let figures = state.runs.iter().filter(|run| run.slot.rung() == like.rung() && run.slot != Slot::WarmUp);
    figures
        .filter_map(|run| Some((*run.outcome.as_ref()?.figures.get(&objective.name())?, &run.slot)))
        .max_by(|(a, _), (b, _)| (objective.sign() * a).total_cmp(&(objective.sign() * b)))
}

/// `45 s`, `12 min`, `3 h 20 min`.
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        0 | 1 => format!("{seconds:.0} s"),
        2..120 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

fn tell(campaign: &Campaign, outcome: &Outcome) {
    let objective = campaign.objective().expect("the campaign was checked").name();
    let took = duration(outcome.seconds);
    match (&outcome.failure, outcome.figures.get(&objective)) {
        (Some(why), _) => eprintln!("  failed after {took}: {why}"),
        (None, Some(value)) => eprintln!("  {objective} {} in {took}", figures::rate(*value)),
        (None, None) => eprintln!("  finished in {took} without {objective}"),
    }
    for doubt in &outcome.doubts {
        eprintln!("  doubt: {doubt}");
    }
}

/// Starts the launcher with its output in the run's directory, in a process group of its own: a Ctrl-C reaches the sweep only, which
/// passes it on.
fn start(launch: &Launch, directory: &Path) -> std::io::Result<Child> {
    let quoted = shlex::try_join(launch.words.iter().map(String::as_str)).unwrap_or_else(|_| launch.words.join(" "));
    std::fs::write(directory.join("command.txt"), format!("{quoted}\n"))?;
    let output = File::create(directory.join("output.txt"))?;
    let child = Command::new(&launch.words[0])
        .args(&launch.words[1..])
        .envs(&launch.env)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()?;
    std::fs::write(directory.join(PID), format!("{} {}", child.id(), born(child.id()).unwrap_or_default()))?;
    Ok(child)
}

/// When a process was started, in ticks since boot; none where there is no such process, or only what is left of it until its parent
/// has looked.
fn born(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    fields.nth(18).filter(|_| !ended)?.parse().ok()
}

/// Ends a run that goes on although its sweep was killed: its figures would be of two runs at once.
fn end_lost(directory: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(directory.join(PID)).unwrap_or_default();
    let mut words = text.split(' ').map(|word| word.parse::<u64>().ok());
    let (Some(Some(pid)), Some(Some(since))) = (words.next(), words.next()) else { return Ok(()) };
    let goes_on = || born(pid as u32) == Some(since);
    let Some(group) = rustix::process::Pid::from_raw(pid as i32).filter(|_| goes_on()) else { return Ok(()) };
    eprintln!("ending the run in {}, which goes on without its sweep", directory.display());
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
    let asked = Instant::now();
    while goes_on() && asked.elapsed() < GRACE {
        std::thread::sleep(LOOK);
    }
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    Ok(())
}

fn shell(command: &str) -> Result<(), String> {
    let output = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{command:?}: {}: {}", output.status, said.lines().last().unwrap_or("no message")))
        }
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
