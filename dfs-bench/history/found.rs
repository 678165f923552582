//! The history of a machine: its runs divided into series of what can be compared, and what each figure did in them.

use super::collect::Runs;
use super::limits::Limits;
use super::trend::{self, Last, side};
use crate::report::change_points::{Finder, median};
use crate::report::compare::differences::{self, Change};
use crate::report::load::RunGroup;
use crate::report::model::Run;
use jiff::civil::DateTime;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A history.
#[derive(Debug, Serialize)]
pub struct History {
    /// The directory.
    pub directory: PathBuf,
    /// All runs that count, the earliest first.
    pub runs: Vec<Entry>,
    /// What was left out, with why.
    pub left_out: Vec<(PathBuf, String)>,
    /// The series, the one with the newest run first.
    pub series: Vec<Series>,
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its name.
    pub label: String,
    /// Its directory.
    pub path: PathBuf,
    /// When it began.
    #[serde(serialize_with = "as_text")]
    pub began: DateTime,
    /// Who measured.
    pub source: &'static str,
    /// Why it ended early.
    pub ending: Option<String>,
}

fn as_text<S: serde::Serializer>(began: &DateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(began)
}

/// What runs must have in common to be compared; what else differs between them is what may explain a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// MPI ranks.
    pub ranks: Option<u64>,
    /// Client nodes.
    pub nodes: Option<u64>,
    /// The interface to the store.
    pub api: String,
    /// Seconds of the stonewall.
    pub stonewall: Option<u64>,
}

/// Runs that can be compared.
#[derive(Debug, Serialize)]
pub struct Series {
    /// What they have in common.
    pub key: Key,
    /// The runs by their index in the history.
    pub runs: Vec<usize>,
    /// Score, means and phases.
    pub figures: Vec<Figure>,
    /// What differed between the runs before a change and those from it on: index of the change's run in the history.
    pub differences: BTreeMap<usize, Vec<Change>>,
}

/// A figure over a series.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// `score`, `bandwidth`, `metadata` or a phase.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// Whether it counts in the score.
    pub scored: bool,
    /// The runs that have it.
    pub points: Vec<Point>,
    /// Where a new level begins, by index into `points`.
    pub changes: Vec<Level>,
    /// How the last run compares with those before, by index into `points`.
    pub last: Option<Last>,
}

/// A run's figure.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Point {
    /// The run by its index in the history.
    pub run: usize,
    /// The figure.
    pub value: f64,
    /// The median of the runs before, and the limits of chance around it; none at the beginning.
    pub centre: Option<f64>,
    /// See `centre`.
    pub low: Option<f64>,
    /// See `centre`.
    pub high: Option<f64>,
    /// -1 below the limits, 1 above, 0 within.
    pub outside: i8,
}

/// A new level.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Level {
    /// Its first run, by index into the figure's points.
    pub begins: usize,
    /// Its median against that of the level before.
    pub ratio: f64,
}

/// Finds what the runs of a directory tell.
pub fn find(directory: &Path, all: Runs) -> History {
    let mut members: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (index, (_, run)) in all.runs.iter().enumerate() {
        members.entry(key(run)).or_default().push(index);
    }
    let mut finder = Finder::default();
    let mut series: Vec<Series> =
        members.into_iter().map(|(key, runs)| self::series(key, runs, &all.runs, &mut finder)).collect();
    series.sort_by_key(|series| std::cmp::Reverse(series.runs.last().copied()));
    let entry = |(began, run): &(DateTime, Run)| Entry {
        label: run.label.clone(),
        path: run.path.clone(),
        began: *began,
        source: run.source.name(),
        ending: run.ending.clone(),
    };
    History {
        directory: directory.to_owned(),
        runs: all.runs.iter().map(entry).collect(),
        left_out: all.left_out,
        series,
    }
}

fn key(run: &Run) -> Key {
    let api = run.phases.iter().flat_map(|phase| &phase.storage).find(|fact| fact.name == "API");
    let stonewall = run.phases.iter().find_map(|phase| phase.stonewall.as_ref()?.setting_seconds);
    Key {
        ranks: run.ranks,
        nodes: run.nodes,
        api: api.map_or_else(|| "an unknown API".into(), |fact| fact.value.clone()),
        stonewall: stonewall.map(|seconds| seconds as u64),
    }
}

/// A figure's name and unit, whether it is scored, and its value by run.
type Row = (String, &'static str, bool, Vec<(usize, f64)>);

fn series(key: Key, runs: Vec<usize>, all: &[(DateTime, Run)], finder: &mut Finder) -> Series {
    let mut values: Vec<Row> = Vec::new();
    for &index in &runs {
        let run = &all[index].1;
        let score = run.score.iter().flat_map(|score| {
            let means = &score.means;
            [("score", "", means.total), ("bandwidth", "GiB/s", means.bandwidth), ("metadata", "kIOPS", means.metadata)]
        });
        let phases = run.phases.iter().map(|phase| (phase.id.name(), phase.unit, phase.rate, phase.scored));
        for (name, unit, value, scored) in score.map(|(name, unit, value)| (name, unit, value, true)).chain(phases) {
            if !(value > 0.0 && value.is_finite()) {
                continue;
            }
            match values.iter_mut().find(|(other, ..)| other == name) {
                Some((.., row)) => row.push((index, value)),
                None => values.push((name.to_owned(), unit, scored, vec![(index, value)])),
            }
        }
    }
    let count = values.len();
    let figures: Vec<Figure> =
        values.into_iter().map(|(name, unit, scored, row)| figure(name, unit, scored, &row, count, finder)).collect();
    let mut differences = BTreeMap::new();
    for figure in &figures {
        let changes = figure.changes.iter().map(|level| level.begins);
        for begins in changes.chain(figure.last.filter(|last| last.beyond == Some(true)).map(|last| last.since)) {
            let first = figure.points[begins].run;
            differences.entry(first).or_insert_with(|| differed(&runs, first, all));
        }
    }
    Series { key, runs, figures, differences }
}

fn figure(
    name: String,
    unit: &'static str,
    scored: bool,
    row: &[(usize, f64)],
    count: usize,
    finder: &mut Finder,
) -> Figure {
    let logs: Vec<f64> = row.iter().map(|(_, value)| value.ln()).collect();
    let found = trend::of(&logs, count, finder);
    let point = |((run, value), limits): (&(usize, f64), &Option<Limits>)| Point {
        run: *run,
        value: *value,
        centre: limits.map(|limits| limits.centre.exp()),
        low: limits.map(|limits| limits.low.exp()),
        high: limits.map(|limits| limits.high.exp()),
        outside: side(value.ln(), *limits),
    };
    let ends = found.changes.iter().skip(1).copied().chain([logs.len()]);
    let mut from = 0;
    let mut changes = Vec::new();
    for (&begins, to) in found.changes.iter().zip(ends) {
        changes.push(Level { begins, ratio: (median(&logs[begins..to]) - median(&logs[from..begins])).exp() });
        from = begins;
    }
    let points = row.iter().zip(&found.limits).map(point).collect();
    Figure { name, unit, scored, points, changes, last: found.last }
}

/// What the runs from this one on have in common that none of the twenty before it had.
fn differed(runs: &[usize], first: usize, all: &[(DateTime, Run)]) -> Vec<Change> {
    let place = runs.partition_point(|&run| run < first);
    let before = &runs[place.saturating_sub(super::limits::MOST)..place];
    let group = |runs: &[usize]| RunGroup {
        label: String::new(),
        path: PathBuf::new(),
        runs: runs.iter().map(|&run| all[run].1.clone()).collect(),
    };
    // what happened later is a story of its own
    let after = &runs[place..runs.len().min(place + super::limits::MOST)];
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    let mut changes = differences::between(&group(before), &group(after));
    // what a run before had too explains nothing
    changes.retain(|change| {
        let values = |text: &str| text.split(" | ").map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        values(&change.a).is_disjoint(&values(&change.b))
    });
    changes
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::report::model::Fact;
    use crate::report::testing;

    /// Nightly runs with 2 % scatter; `change` says what each night does to its run.
    pub fn nights(count: usize, seed: u64, change: impl Fn(usize, &mut Run)) -> Runs {
        let mut rng = fastrand::Rng::with_seed(seed);
        let first: DateTime = "2026-01-01T02:00:00".parse().unwrap();
        let mut runs = Vec::new();
        for night in 0..count {
            let mut run = testing::run(&format!("night-{night:02}"));
            let began = first + jiff::Span::new().days(night as i64);
            run.started = Some(began.strftime("%Y-%m-%d %H:%M:%S").to_string());
            for phase in &mut run.phases {
                phase.rate *= 1.0 + 0.02 * (rng.f64() + rng.f64() - 1.0);
            }
            change(night, &mut run);
            let rates: Vec<_> = run.phases.iter().map(|phase| (phase.id, phase.rate)).collect();
            run.score.as_mut().unwrap().means = io500_phases::results::score::means(&rates, false);
            runs.push((began, run));
        }
        Runs { runs, left_out: Vec::new() }
    }

    /// From the 31st night on bandwidth is 12 % lower, and libfabric another.
    pub fn slower() -> Runs {
        nights(36, 5, |night, run| {
            let version = if night < 30 { "1.18.1" } else { "1.22.0" };
            run.provenance.push(Fact::new("libfabric", version));
            run.provenance.push(Fact::new("host of rank 0", format!("client{}", night % 3)));
            if night >= 30 {
                run.phases.iter_mut().filter(|phase| phase.unit == "GiB/s").for_each(|phase| phase.rate *= 0.88);
            }
        })
    }

    #[test]
    fn a_slower_bandwidth_is_told_since_its_night_and_with_what_differed() {
        let history = find(Path::new("/results"), slower());
        assert_eq!(history.series.len(), 1);
        let series = &history.series[0];
        let bandwidth = series.figures.iter().find(|figure| figure.name == "bandwidth").unwrap();
        let last = bandwidth.last.unwrap();
        assert_eq!((last.beyond, last.since), (Some(true), 30), "{last:?}");
        assert!((last.ratio - 0.88).abs() < 0.02);
        let told: Vec<_> =
            series.differences[&30].iter().map(|c| (c.name.as_str(), c.a.as_str(), c.b.as_str())).collect();
        // the host changed every night: it is no difference
        assert_eq!(told, [("libfabric", "1.18.1", "1.22.0")]);
        let metadata = series.figures.iter().find(|figure| figure.name == "metadata").unwrap();
        assert_eq!(metadata.last.unwrap().beyond, Some(false), "{:?}", metadata.last);
    }

    #[test]
    fn runs_that_cannot_be_compared_are_series_of_their_own() {
        let runs = nights(12, 1, |night, run| run.nodes = Some(if night % 2 == 0 { 4 } else { 8 }));
        let history = find(Path::new("/results"), runs);
        assert_eq!(history.series.iter().map(|series| series.runs.len()).collect::<Vec<_>>(), [6, 6]);
        assert_eq!(history.series[0].key.nodes, Some(8), "the newest run's series is the first");
    }
}
