//! `dfs-bench sweep`: a campaign of runs as one file and one command.

use crate::args::sweep::{Action, Format, SweepArgs};
use crate::exit::{Exit, UsageError};
use crate::report::{figures, output};
use crate::signals;
use crate::sweep::{
    Campaign, Design, EXAMPLE, Journal, Outcome, Runner, Schedule, State, Stopped, Submitted, Waiting, What, analyse,
    duration, render, schema, submit, take_in,
};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Does what is asked for.
pub fn run(args: &SweepArgs) -> anyhow::Result<Exit> {
    let print = |text: &str| output::write(Path::new("-"), text).map(|()| Exit::Finished);
    match &args.action {
        None if args.example => print(EXAMPLE),
        None if args.schema => print(&(serde_json::to_string_pretty(&schema())? + "\n")),
        None => Err(UsageError::new("what is to be done?")
            .hint("dfs-bench sweep run campaign.toml; --example prints one")
            .into()),
        Some(Action::Plan { file }) => print(&plan(&Campaign::read(file)?)?),
        Some(Action::Run { file, dir }) => {
            let campaign = Campaign::read(file)?;
            let dir = results_of(file, dir.as_deref())?;
            Schedule::new(&campaign)?;
            go_on(Journal::create(&dir, campaign)?, &dir)
        }
        Some(Action::Submit { campaign, dir, retry_failed }) => submit_jobs(campaign, dir.as_deref(), *retry_failed),
        Some(Action::Resume { dir, file, retry_failed }) => {
            let mut journal = Journal::open(dir)?;
            if *retry_failed {
                journal.retry()?;
            }
            if let Some(file) = file {
                let before = Schedule::new(&journal.state.campaign)?.cells.len();
                let campaign = Campaign::read(file)?;
                let after = Schedule::new(&campaign)?.cells.len();
                journal.change(campaign)?;
                eprintln!("the campaign has {after} cells now, it had {before}");
            }
            go_on(journal, dir)
        }
        Some(Action::Status { dir }) => {
            let (state, waiting) = up_to_date(dir)?;
            print(&status(&state, &waiting)?)
        }
        Some(Action::Report { dir, format, output: path, force }) => {
            let default = if *format == Format::Html { "sweep.html" } else { "-" };
            let path = path.clone().unwrap_or_else(|| default.into());
            output::check(&path, *force)?;
            let state = up_to_date(dir)?.0;
            output::write(&path, &render(*format, &state, &analyse(&state)?)?)?;
            if path.as_os_str() != "-" {
                eprintln!("wrote {}", path.display());
            }
            Ok(Exit::Finished)
        }
    }
}

/// Where the results of a campaign's file go.
fn results_of(file: &Path, dir: Option<&Path>) -> anyhow::Result<PathBuf> {
    let dir = dir.map_or_else(|| file.with_extension(""), Path::to_owned);
    if dir == file {
        return Err(UsageError::new("where do the results go?").hint("give --dir").into());
    }
    Ok(dir)
}

fn submit_jobs(campaign: &Path, dir: Option<&Path>, retry_failed: bool) -> anyhow::Result<Exit> {
    let (mut journal, dir) = if campaign.is_dir() {
        (Journal::open(campaign)?, campaign.to_owned())
    } else {
        let (file, dir) = (Campaign::read(campaign)?, results_of(campaign, dir)?);
        Schedule::new(&file)?;
        (Journal::create(&dir, file)?, dir)
    };
    take_in(&mut journal, &dir)?;
    if retry_failed {
        journal.retry()?;
    }
    let Submitted { now, waiting, stopped } = submit(&mut journal, &dir)?;
    println!("{now} jobs submitted, {waiting} in the queue");
    let (left, _) = Schedule::new(&journal.state.campaign)?.left(&journal.state);
    match stopped {
        Some(why) => println!("the budget ends the campaign: {why}"),
        None if left > waiting => {
            println!("{} runs are left for later: dfs-bench sweep submit {} again", left - waiting, dir.display());
        }
        None => {}
    }
    Ok(Exit::Finished)
}

/// What a campaign is at, with what its batch jobs have brought by now, and the jobs that are not over.
fn up_to_date(dir: &Path) -> anyhow::Result<(State, Vec<Waiting>)> {
    let state = State::read(dir)?;
    if !state.has_jobs() {
        return Ok((state, Vec::new()));
    }
    let mut journal = Journal::open(dir)?;
    let waiting = take_in(&mut journal, dir)?;
    Ok((journal.state.clone(), waiting))
}

fn go_on(mut journal: Journal, dir: &Path) -> anyhow::Result<Exit> {
    if !take_in(&mut journal, dir)?.is_empty() {
        return Err(UsageError::new("runs of this campaign wait in a batch system")
            .hint(format!("dfs-bench sweep status {} shows them", dir.display()))
            .into());
    }
    let stop = Arc::new(AtomicBool::new(false));
    signals::install(&stop).context("signals")?;
    let stopped = Runner::new(&mut journal, dir, stop)?.run()?;
    let state = &journal.state;
    match stopped {
        Stopped::Done => {
            print!("{}", render(Format::Text, state, &analyse(state)?)?);
            let mut outcomes = state.runs.iter().filter_map(|run| run.outcome.as_ref()).peekable();
            if outcomes.peek().is_some() && !outcomes.any(Outcome::counts) {
                eprintln!("error: no run of the campaign succeeded");
                return Ok(Exit::Storage);
            }
            Ok(Exit::Finished)
        }
        Stopped::Budget(why) => {
            print!("{}", render(Format::Text, state, &analyse(state)?)?);
            eprintln!("the budget ends the campaign: {why}");
            Ok(Exit::Finished)
        }
        Stopped::Failing(why) => {
            eprintln!("error: the last runs all failed: {why}");
            eprintln!("hint: dfs-bench sweep resume {} --retry-failed goes on, failed runs included", dir.display());
            Ok(Exit::Storage)
        }
        Stopped::Interrupted => {
            eprintln!("stopped; dfs-bench sweep resume {} goes on", dir.display());
            Ok(Exit::Signal(signals::received().unwrap_or(signal_hook::consts::SIGTERM)))
        }
    }
}

fn plan(campaign: &Campaign) -> anyhow::Result<String> {
    let schedule = Schedule::new(campaign)?;
    let state = State { campaign: campaign.clone(), runs: Vec::new(), forgiven: 0 };
    let slots = schedule.slots(&state);
    let (left, _) = schedule.left(&state);
    let possible: usize = campaign.axes.iter().map(|axis| axis.values.len()).product();
    let mut text = format!(
        "{}: {} cells of {possible} combinations, {} runs{}\n",
        campaign.name,
        schedule.cells.len(),
        slots.len().max(left),
        if campaign.precision.is_some() || left > slots.len() { " at least" } else { "" }
    );
    if campaign.design == Design::Adaptive {
        let seconds: f64 = schedule.stonewalls_left(&state).into_iter().flatten().map(f64::from).sum();
        let full = schedule.cells.len() as f64 * f64::from(campaign.repeats) * f64::from(campaign.full_stonewall());
        let share = figures::percent(seconds / full);
        text.push_str(&format!(
            "{seconds:.0} stonewall seconds, {share} of the full design with as many repeats; the first rung:\n"
        ));
    }
    for (number, slot) in slots.iter().enumerate() {
        let cell = schedule.cell_of(slot).expect("slots are made of cells");
        text.push_str(&format!("{:5}  {:8}  {}\n", number + 1, slot.word(), cell.words(campaign)));
    }
    let launches: Vec<_> = schedule
        .cells
        .iter()
        .map(|cell| crate::sweep::launch(campaign, cell, &What::of(campaign), Path::new("RUN/results"), "r0001"))
        .collect::<anyhow::Result<_>>()?;
    let first = &launches[0];
    let words = shlex::try_join(first.words.iter().map(String::as_str))?;
    text.push_str(&format!("\nThe baseline's command:\n  {words}\n"));
    Ok(text)
}

fn status(state: &State, waiting: &[Waiting]) -> anyhow::Result<String> {
    let schedule = Schedule::new(&state.campaign)?;
    let (left, seconds) = schedule.left(state);
    let (hours, node_hours) = schedule.spent(state);
    let ended = state.runs.iter().filter(|run| run.outcome.is_some()).count();
    let failed = state.runs.iter().filter_map(|run| run.outcome.as_ref()).filter(|outcome| !outcome.counts()).count();
    let mut text = format!(
        "{}: {ended} runs ended, {failed} of them failed; {left} to go; {hours:.2} hours, {node_hours:.2} node-hours used\n",
        state.campaign.name
    );
    if let Some(seconds) = seconds.filter(|_| left > 0) {
        text.push_str(&format!("about {} left at the pace so far\n", duration(seconds)));
    }
    for run in state.runs.iter().filter(|run| run.outcome.is_none()) {
        let cell = schedule.cell_of(&run.slot).map_or_else(|| run.slot.word(), |cell| cell.words(&state.campaign));
        match waiting.iter().find(|waiting| waiting.run == run.number) {
            Some(Waiting { job, state, .. }) => {
                let state = state.as_deref().unwrap_or("the batch system does not answer");
                text.push_str(&format!("run {} ({cell}) is job {job}: {state}\n", run.number));
            }
            // runs of one machine come one after the other
            None if state.runs.iter().any(|later| later.number > run.number) => {
                text.push_str(&format!("run {} ({cell}) was started at {} and was lost\n", run.number, run.started));
            }
            None => text.push_str(&format!(
                "run {} ({cell}) was started at {} and has no end: it runs, or was lost\n",
                run.number, run.started
            )),
        }
    }
    Ok(text)
}
