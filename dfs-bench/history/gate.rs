//! The gate for cron: the newest runs against those before them.

use super::found::{Figure, History, Series};
use crate::report::compare::gate::Limit;
use crate::report::figures::{percent, signed_percent};
use serde::Serialize;

/// What the gate found.
#[derive(Debug, Serialize)]
pub struct Gate {
    /// The limit.
    pub limit: Limit,
    /// Whether it lets the newest runs pass.
    pub passed: bool,
    /// What fell too far, and newest runs that did not finish.
    pub failures: Vec<String>,
    /// What fell too far and may be chance.
    pub tolerated: Vec<String>,
}

/// Checks every series whose last run began within a day of the newest one.
pub fn check(limit: Limit, history: &History) -> Gate {
    let (mut failures, mut tolerated) = (Vec::new(), Vec::new());
    let newest = history.runs.last().map(|run| run.began);
    if newest.is_none() {
        failures.push("no run counts".into());
    }
    let recent = |series: &&Series| {
        let last = series.runs.last().map(|&run| history.runs[run].began);
        last.zip(newest).is_some_and(|(last, newest)| newest.duration_since(last).as_hours() < 24)
    };
    for series in history.series.iter().filter(recent) {
        let Some(&last_run) = series.runs.last() else { continue };
        let label = &history.runs[last_run].label;
        if let Some(ending) = &history.runs[last_run].ending {
            failures.push(format!("{label}: {ending}"));
        }
        // what the last run does not have was not measured by it
        let measured =
            |figure: &&Figure| figure.scored && figure.points.last().is_some_and(|point| point.run == last_run);
        let mut of_last = series.figures.iter().filter(measured).peekable();
        if of_last.peek().is_some() && of_last.all(|figure| figure.last.is_none()) {
            let before = series.runs.len() - 1;
            failures.push(format!("{label}: {before} runs of its kind before it are too few to know"));
        }
        for figure in series.figures.iter().filter(measured) {
            let Some(last) = figure.last.filter(|last| last.ratio < 1.0 - limit.0) else { continue };
            let fell = format!("{label}: {} {}", figure.name, signed_percent(last.ratio - 1.0));
            match last.beyond {
                Some(true) => failures.push(fell),
                Some(false) => tolerated.push(format!("{fell}, within what chance does to a single run")),
                None => failures.push(format!("{fell}; too few runs before it to know whether by chance")),
            }
        }
    }
    Gate { limit, passed: failures.is_empty(), failures, tolerated }
}

impl Gate {
    /// The verdict in a sentence.
    pub fn words(&self) -> String {
        match self.passed {
            true => {
                let by_chance = if self.tolerated.is_empty() { "" } else { " beyond chance" };
                let limit = percent(self.limit.0);
                format!("passed: no scored figure is more than {limit} below the runs before{by_chance}")
            }
            false => format!("FAILED: {}", self.failures.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::found::find;
    use super::super::found::tests::{nights, slower};
    use super::*;
    use std::path::Path;

    fn gate(percent: f64, runs: super::super::collect::Runs) -> Gate {
        check(Limit(percent / 100.0), &find(Path::new("/r"), runs))
    }

    #[test]
    fn a_fall_beyond_the_limit_fails_and_a_smaller_one_does_not() {
        assert!(gate(5.0, slower()).failures.iter().any(|words| words.contains("bandwidth")));
        assert!(gate(20.0, slower()).passed);
        assert!(gate(5.0, nights(30, 2, |_, _| {})).passed);
        let alone = gate(5.0, nights(1, 2, |_, _| {}));
        assert!(alone.failures[0].ends_with("0 runs of its kind before it are too few to know"), "{alone:?}");
    }

    #[test]
    fn what_chance_does_is_tolerated_and_a_run_that_did_not_finish_is_not() {
        let noisy = nights(31, 3, |night, run| {
            run.phases.iter_mut().for_each(|phase| phase.rate *= if night % 2 == 0 { 0.7 } else { 1.0 });
        });
        let found = gate(5.0, noisy);
        assert!(found.passed && !found.tolerated.is_empty(), "{found:?}");
        let broken = nights(30, 4, |night, run| {
            if night == 29 {
                run.ending = Some("the run failed: rank 3".into());
            }
        });
        assert!(!gate(5.0, broken).passed);
        assert!(!gate(5.0, nights(0, 1, |_, _| {})).passed, "nothing was checked");
    }
}
