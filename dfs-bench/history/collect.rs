//! Reads all runs under a directory, of this program and of the C suite, and puts them in time order.

use crate::report::load;
use crate::report::model::Run;
use anyhow::Result;
use jiff::civil::DateTime;
use std::path::{Path, PathBuf};

/// Runs in time order, and what was left out.
#[derive(Debug, Default)]
pub struct Runs {
    /// When each began, and the run; the earliest first.
    pub runs: Vec<(DateTime, Run)>,
    /// Directories whose run does not count, with why.
    pub left_out: Vec<(PathBuf, String)>,
}

/// All runs under a directory.
pub fn collect(directory: &Path) -> Result<Runs> {
    let (runs, unreadable) = load::tree(directory)?;
    Ok(sorted(runs, unreadable))
}

fn sorted(runs: Vec<Run>, left_out: Vec<(PathBuf, String)>) -> Runs {
    let mut all = Runs { runs: Vec::new(), left_out };
    for mut run in runs {
        if let Some(why) = run.warning() {
            all.left_out.push((run.path.clone(), why));
            continue;
        }
        match run.started.as_deref().and_then(time) {
            Some(began) => {
                // a history of a year must fit into memory
                for phase in &mut run.phases {
                    phase.series = None;
                    phase.ranks = Vec::new();
                    phase.latency = Vec::new();
                    phase.stragglers = None;
                }
                all.runs.push((began, run));
            }
            None => all.left_out.push((run.path.clone(), "it does not say when it began".into())),
        }
    }
    all.runs.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.path.cmp(&y.path)));
    all
}

/// Both programs write local time like this; a zone behind it is of no use among runs of one machine.
fn time(text: &str) -> Option<DateTime> {
    DateTime::strptime("%Y-%m-%d %H:%M:%S", text.get(..19)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn runs_are_in_time_order_and_what_has_no_time_is_named() {
        let run = |name: &str, started: Option<&str>| {
            let mut run = testing::run(name);
            run.started = started.map(str::to_owned);
            run
        };
        let runs = vec![run("b", Some("2026-02-01 00:00:00")), run("a", Some("2026-01-01 00:00:00")), run("c", None)];
        let sorted = sorted(runs, Vec::new());
        assert_eq!(sorted.runs.iter().map(|(_, run)| run.label.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(sorted.left_out.len(), 1);
    }
}
