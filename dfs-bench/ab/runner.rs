//! Starts the runs of an A/B comparison, one after the other, each with a result directory and a log of its own.

use super::decision::{Decision, FEWEST, Side, decide, pair, smallest};
use crate::args::ab::AbArgs;
use crate::exit::{Exit, UsageError};
use crate::report::compare::{analyse, render};
use crate::report::figures::{percent, rate};
use crate::report::load;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A comparison on its way.
pub struct Runner<'a> {
    args: &'a AbArgs,
    directory: PathBuf,
    launch: Vec<String>,
    only: [Vec<String>; 2],
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
        Ok(Runner { args, directory, launch: split("--launch", &args.launch)?, only })
    }

    /// Runs until it is decided, and prints the comparison.
    pub fn run(&self) -> Result<Exit> {
        for number in 0..self.args.warm_up {
            for side in pair(number) {
                self.one(side, &format!("warm-up-{}", number + 1), &self.directory.join("warm-up"))?;
            }
        }
        let most = self.args.repeat.unwrap_or(self.args.max).max(1);
        let looks = (most + 1).saturating_sub(FEWEST).max(1);
        let mut decision = Decision::Open;
        for number in 0..most {
            for side in pair(number) {
                self.one(side, &format!("run-{:02}", number + 1), &self.directory)?;
            }
            let (_, a, b) = self.figures()?;
            decision = decide(&a, &b, if self.args.repeat.is_some() { 1 } else { looks }, self.args.margin.0);
            if self.args.repeat.is_none() && decision != Decision::Open {
                break;
            }
        }
        self.conclude(decision)
    }

    /// One run.
    fn one(&self, side: Side, name: &str, below: &Path) -> Result<()> {
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
        let ended = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .with_context(|| format!("cannot start {}", words[0]))?;
        // a launcher makes its own numbers of a signal; an invalid verdict is that of a short run
        if !matches!(ended.code(), Some(0 | 3)) {
            let message = format!("{} {name} failed ({ended}); its words are in {}", side.name(), path.display());
            return Err(UsageError::new(message).hint(shlex::try_join(words.iter().map(String::as_str))?).into());
        }
        let run = load::groups(&[resultdir])?;
        let lead = crate::report::compare::repeats::of(&run[0]);
        let figure = lead.lines.first().map(|line| format!("{} {} {}", line.name, rate(line.mean), line.unit));
        eprint_line(&format!("{} {name}: {}", side.name().to_uppercase(), figure.unwrap_or_default().trim_end()));
        Ok(())
    }

    /// The figure that decides, and its values on both sides: the score, or what comes nearest to it in the phases that ran.
    fn figures(&self) -> Result<(String, Vec<f64>, Vec<f64>)> {
        let groups = load::groups(&[self.directory.join("a"), self.directory.join("b")])?;
        let found = analyse::compare(&groups);
        let line = found.versus.first().and_then(|versus| versus.lines.first());
        let line = line.ok_or_else(|| UsageError::new("the runs have no phase with a rate in common"))?;
        Ok((line.name.clone(), line.a.values.clone(), line.b.values.clone()))
    }

    fn conclude(&self, decision: Decision) -> Result<Exit> {
        let groups = load::groups(&[self.directory.join("a"), self.directory.join("b")])?;
        let found = analyse::compare(&groups);
        print!("{}", render::to_text(&found, None));
        let (name, a, b) = self.figures()?;
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
        println!("The results are stored in the directory: {}", self.directory.display());
        Ok(Exit::Finished)
    }
}

fn eprint_line(text: &str) {
    eprintln!("dfs-bench: {text}");
}
