//! `dfs-bench sweep`: a campaign of runs as one file and one command.

use crate::args::sweep::{Action, Format, SweepArgs};
use crate::exit::{Exit, UsageError};
use crate::report::output;
use crate::signals;
use crate::sweep::{
    Campaign, EXAMPLE, Journal, Runner, Schedule, State, Stopped, analyse, duration, left, render, schema,
};
use anyhow::Context as _;
use std::path::Path;
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
            let dir = dir.clone().unwrap_or_else(|| file.with_extension(""));
            if dir == *file {
                return Err(UsageError::new("where do the results go?").hint("give --dir").into());
            }
            Schedule::new(&campaign)?;
            go_on(Journal::create(&dir, campaign)?, &dir)
        }
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
        Some(Action::Status { dir }) => print(&status(&State::read(dir)?)?),
        Some(Action::Report { dir, format, output: path, force }) => {
            output::check(path, *force)?;
            let state = State::read(dir)?;
            output::write(path, &render(*format, &state, &analyse(&state)?)?)?;
            Ok(Exit::Finished)
        }
    }
}

fn go_on(mut journal: Journal, dir: &Path) -> anyhow::Result<Exit> {
    let stop = Arc::new(AtomicBool::new(false));
    signals::install(&stop).context("signals")?;
    let stopped = Runner::new(&mut journal, dir, stop)?.run()?;
    let state = &journal.state;
    match stopped {
        Stopped::Done => {
            print!("{}", render(Format::Text, state, &analyse(state)?)?);
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
    let possible: usize = campaign.axes.iter().map(|axis| axis.values.len()).product();
    let mut text = format!(
        "{}: {} cells of {possible} combinations, {} runs{}\n",
        campaign.name,
        schedule.cells.len(),
        slots.len(),
        if campaign.precision.is_some() { " at least" } else { "" }
    );
    for (number, slot) in slots.iter().enumerate() {
        let cell = schedule.cell_of(slot).expect("slots are made of cells");
        text.push_str(&format!("{:5}  {:8}  {}\n", number + 1, slot.word(), cell.words(campaign)));
    }
    let launches: Vec<_> = schedule
        .cells
        .iter()
        .map(|cell| crate::sweep::launch(campaign, cell, Path::new("RUN/results"), "r0001"))
        .collect::<anyhow::Result<_>>()?;
    let first = &launches[0];
    let words = shlex::try_join(first.words.iter().map(String::as_str))?;
    text.push_str(&format!("\nThe baseline's command:\n  {words}\n"));
    Ok(text)
}

fn status(state: &State) -> anyhow::Result<String> {
    let schedule = Schedule::new(&state.campaign)?;
    let (left, seconds) = left(&schedule, state);
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
        text.push_str(&format!(
            "run {} ({cell}) was started at {} and has no end: it runs, or was lost\n",
            run.number, run.started
        ));
    }
    Ok(text)
}
