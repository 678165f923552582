//! Starts the runs of an A/B comparison, one after the other, each with a result directory and a log of its own. A signal ends the run
//! that is on its way, and the complete pairs are compared.

use super::decision::{Decision, FEWEST, Side, decide, pair, smallest};
use crate::args::ab::AbArgs;
use crate::child::{Ended, wait};
use crate::exit::{Exit, UsageError};
use crate::report::compare::{analyse, render};
use crate::report::figures::{percent, rate};
use crate::report::load::{self, RunGroup};
use crate::signals;
use anyhow::{Context as _, Result};
use io500_phases::phase_id::Kind;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A comparison on its way.
pub struct Runner<'a> {
    args: &'a AbArgs,
    directory: PathBuf,
    launch: Vec<String>,
    only: [Vec<String>; 2],
    stop: Arc<AtomicBool>,
}

impl<'a> Runner<'a> {
    /// Looks at the arguments; starts nothing.
    pub fn new(args: &'a AbArgs) -> Result<Runner<'a>> {
        let split = |what: &str, text: &str| {
            shlex::split(text).ok_or_else(|| UsageError::new(format!("{what} {text:?}: a quote is not closed")))
        };
        let only = [split("--a", &args.a)?, split("--b", &args.b)?];
        if only[0] == only[1] {
            return Err(UsageError::new("A and B are the same").hint("give --a and --b different arguments").into());
        }
        let now = jiff::Zoned::now().strftime("%Y.%m.%d-%H.%M.%S").to_string();
        let directory = args.dir.clone().unwrap_or_else(|| format!("ab-{now}").into());
        if directory.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            let message = format!("{} is not empty", directory.display());
            return Err(UsageError::new(message).hint("every comparison needs a directory of its own").into());
        }
        for own in &only {
            // a typing mistake is told before the first run
            let words = std::iter::once("dfs-bench").chain(args.common.iter().chain(own).map(String::as_str));
            if let Err(error) = <crate::cli::Cli as clap::Parser>::try_parse_from(words) {
                return Err(UsageError::new(error.to_string().trim_end().to_owned()).into());
            }
        }
        Ok(Runner { args, directory, launch: split("--launch", &args.launch)?, only, stop: Arc::default() })
    }

    /// Runs until it is decided or a signal comes, and prints the comparison.
    pub fn run(&self) -> Result<Exit> {
        signals::install(&self.stop).context("signals")?;
        for number in 0..self.args.warm_up {
            for side in pair(number) {
                if !self.one(side, &format!("warm-up-{}", number + 1), &self.directory.join("warm-up"))? {
                    return self.interrupted(0);
                }
            }
        }
        let most = self.args.repeat.unwrap_or(self.args.max).max(1);
        let looks = (most + 1).saturating_sub(FEWEST).max(1);
        let mut decision = Decision::Open;
        for number in 0..most {
            for side in pair(number) {
                if !self.one(side, &run_name(number), &self.directory)? {
                    return self.interrupted(number);
                }
            }
            let (_, a, b) = figures(&self.groups(number + 1)?)?;
            decision = decide(&a, &b, if self.args.repeat.is_some() { 1 } else { looks }, self.args.margin.0);
            if self.args.repeat.is_none() && decision != Decision::Open {
                break;
            }
        }
        self.conclude(decision, &self.groups(most)?)?;
        self.tell_directory();
        Ok(Exit::Finished)
    }

    /// One run; whether it was finished before a signal.
    fn one(&self, side: Side, name: &str, below: &Path) -> Result<bool> {
        if self.stop.load(Relaxed) {
            return Ok(false);
        }
        let resultdir = below.join(side.name()).join(name);
        std::fs::create_dir_all(below.join(side.name())).with_context(|| format!("cannot make {}", below.display()))?;
        let path = resultdir.with_extension("log");
        let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let program = std::env::current_exe().context("the path of this program")?;
        let mut words: Vec<String> = self.launch.clone();
        words.push(program.display().to_string());
        words.extend(self.args.common.iter().cloned());
        words.extend(self.only[side as usize].iter().cloned());
        words.extend(["--resultdir".to_owned(), resultdir.display().to_string()]);
        words.extend(["--set".to_owned(), "global.timestamp-resultdir=FALSE".to_owned()]);
        eprint_line(&format!("{} {name} …", side.name().to_uppercase()));
        // in a process group of its own: a Ctrl-C reaches the comparison only, which passes it on
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", words[0]))?;
        let Ended::Itself(ended) = wait(&mut child, &self.stop, None)? else { return Ok(false) };
        // a launcher makes its own numbers of a signal; an invalid verdict is that of a short run
        if !matches!(ended.code(), Some(0 | 3)) {
            let message = format!("{} {name} failed ({ended}); its words are in {}", side.name(), path.display());
            return Err(UsageError::new(message).hint(shlex::try_join(words.iter().map(String::as_str))?).into());
        }
        let run = load::groups(std::slice::from_ref(&resultdir))?;
        self.clean_up(&program, &resultdir, &run, &path);
        let lead = crate::report::compare::repeats::of(&run[0]);
        let figure = lead.lines.first().map(|line| format!("{} {} {}", line.name, rate(line.mean), line.unit));
        eprint_line(&format!("{} {name}: {}", side.name().to_uppercase(), figure.unwrap_or_default().trim_end()));
        Ok(true)
    }

    /// Removes the files of the families that the run wrote: both sides begin on the same store, and many runs do not fill it. Files that it
    /// only read are another run's.
    fn clean_up(&self, program: &Path, resultdir: &Path, run: &[RunGroup], log: &Path) {
        let phases = run.iter().flat_map(|group| &group.runs).flat_map(|run| &run.phases);
        let written: Vec<&str> =
            phases.filter(|phase| phase.id.kind() == Kind::Write).map(|phase| phase.id.name()).collect();
        if written.is_empty() {
            return;
        }
        let log_of = || File::options().append(true).open(log);
        let (Ok(out), Ok(err)) = (log_of(), log_of()) else { return };
        let mut command = Command::new(program);
        command.arg("cleanup").arg(resultdir).args(["--phase", &written.join(",")]).stdin(Stdio::null());
        if !command.stdout(out).stderr(err).status().is_ok_and(|status| status.success()) {
            eprint_line(&format!("its files could not be removed: {} says why", log.display()));
        }
    }

    /// What a signal leaves: the comparison of the complete pairs.
    fn interrupted(&self, pairs: usize) -> Result<Exit> {
        if pairs > 0 {
            self.conclude(Decision::Open, &self.groups(pairs)?)?;
            println!("Interrupted: only complete pairs of runs are compared, {pairs} of them.");
        } else {
            println!("Interrupted before a pair of runs was complete: there is nothing to compare.");
        }
        self.tell_directory();
        Ok(Exit::Signal(signals::received().unwrap_or(signal_hook::consts::SIGTERM)))
    }

    /// The runs of both sides up to this number of pairs; a run of a pair that is not complete lies beside them.
    fn groups(&self, pairs: usize) -> Result<Vec<RunGroup>> {
        let mut groups = load::groups(&[self.directory.join("a"), self.directory.join("b")])?;
        let complete: Vec<String> = (0..pairs).map(run_name).collect();
        for group in &mut groups {
            group.runs.retain(|run| complete.iter().any(|name| run.path.ends_with(name)));
        }
        Ok(groups)
    }

    fn conclude(&self, decision: Decision, groups: &[RunGroup]) -> Result<()> {
        print!("{}", render::to_text(&analyse::compare(groups), None));
        let (name, a, b) = figures(groups)?;
        let margin = percent(self.args.margin.0);
        let runs = a.len();
        println!("\nA: {}\nB: {}", self.args.a, self.args.b);
        println!(
            "{}",
            match decision {
                Decision::Different => format!("Decided after {runs} runs a side: the {name} differs."),
                Decision::Equal =>
                    format!("Decided after {runs} runs a side: the {name} differs by less than {margin}."),
                Decision::Open => format!("Not decided after {runs} runs a side."),
            }
        );
        match smallest(&a, &b) {
            Some(difference) => println!(
                "The smallest difference of the {name} that these runs would have shown, four times out of five: {}.",
                percent(difference)
            ),
            None => println!("One run a side: no difference can be told from noise."),
        }
        Ok(())
    }

    fn tell_directory(&self) {
        println!("The results are stored in the directory: {}", self.directory.display());
    }
}

/// The directory of a run that counts, below its side's.
fn run_name(number: usize) -> String {
    format!("run-{:02}", number + 1)
}

/// The figure that decides, and its values on both sides: the score, or what comes nearest to it in the phases that ran.
fn figures(groups: &[RunGroup]) -> Result<(String, Vec<f64>, Vec<f64>)> {
    let found = analyse::compare(groups);
    let line = found.versus.first().and_then(|versus| versus.lines.first());
    let line = line.ok_or_else(|| UsageError::new("the runs have no phase with a rate in common"))?;
    Ok((line.name.clone(), line.a.values.clone(), line.b.values.clone()))
}

fn eprint_line(text: &str) {
    eprintln!("dfs-bench: {text}");
}
