//! Runs as tidy CSV: a row per phase and kind of operation, unrounded; what is not known is empty.
//!
//! Whatever lists runs has these columns, and the rows of any number of calls fit into one file.

use super::load::RunGroup;
use super::model::{Latency, Phase, Run};
use crate::exit::UsageError;
use anyhow::{Context, Result};
use io500_phases::results::PartsResult;
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

/// One row; the fields' names are the columns. Figures of the run and of the phase stand in each of their rows.
#[derive(Debug, Default, Serialize)]
struct Row<'a> {
    group: &'a str,
    run: &'a str,
    source: &'a str,
    version: Option<&'a str>,
    mode: Option<&'a str>,
    started: Option<&'a str>,
    ranks: Option<u64>,
    nodes: Option<u64>,
    score: Option<f64>,
    /// The verdicts, as the run has them.
    official_valid: Option<bool>,
    strict_valid: Option<bool>,
    /// False where the figures contradict each other.
    consistent: bool,
    /// Every option that was given, `section.option=value`, separated by semicolons.
    settings: &'a str,
    phase: &'a str,
    phase_started: Option<&'a str>,
    unit: &'a str,
    rate: f64,
    scored: bool,
    valid: bool,
    seconds: Option<f64>,
    wall_seconds: Option<f64>,
    open_seconds: Option<f64>,
    operations_seconds: Option<f64>,
    wear_out_seconds: Option<f64>,
    waiting_seconds: Option<f64>,
    sync_seconds: Option<f64>,
    close_seconds: Option<f64>,
    stonewall_seconds: Option<f64>,
    stonewall_rate: Option<f64>,
    rate_without_wear_out: Option<f64>,
    after_stonewall_seconds: Option<f64>,
    rank_seconds_min: Option<f64>,
    rank_seconds_mean: Option<f64>,
    rank_seconds_max: Option<f64>,
    slowest_rank: Option<u64>,
    slowest_host: Option<&'a str>,
    /// The kind of operation; empty when latencies were not recorded.
    operation: Option<&'a str>,
    /// Whether the phase is about this kind: one row of a phase is.
    leading: bool,
    latency_count: Option<u64>,
    latency_min_ns: Option<u64>,
    latency_mean_ns: Option<f64>,
    latency_p50_ns: Option<u64>,
    latency_p90_ns: Option<u64>,
    latency_p99_ns: Option<u64>,
    latency_p999_ns: Option<u64>,
    latency_p9999_ns: Option<u64>,
    latency_max_ns: Option<u64>,
}

/// The runs of these groups, under a line with the columns' names.
pub fn render(groups: &[RunGroup]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for group in groups {
        for run in &group.runs {
            let settings = settings(run);
            for phase in &run.phases {
                let row = |kind, leading| row(&group.label, run, &settings, phase, kind, leading);
                if phase.latency.is_empty() {
                    writer.serialize(row(None, true))?;
                }
                for (index, kind) in phase.latency.iter().enumerate() {
                    // the kind that the phase is about comes first
                    writer.serialize(row(Some(kind), index == 0))?;
                }
            }
        }
    }
    let bytes = writer.into_inner().context("cannot finish the rows")?;
    String::from_utf8(bytes).context("the rows are no text")
}

/// Adds the rows to a file: with the line of names to a new one, without it to one that has the same columns.
pub fn append(path: &Path, groups: &[RunGroup]) -> Result<()> {
    let text = render(groups)?;
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let mut found = String::new();
    BufReader::new(&file).read_line(&mut found).with_context(|| format!("cannot read {}", path.display()))?;
    let (names, rows) = text.split_once('\n').unwrap_or((&text, ""));
    let rows = match found.trim_end() {
        "" => text.as_str(),
        same if same == names => rows,
        _ => {
            let message = format!("{} has other columns", path.display());
            return Err(UsageError::new(message).hint("--append to a file that this version began").into());
        }
    };
    file.write_all(rows.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// Fails unless the format that rows are to be added in is this one.
pub fn only_csv(is_csv: bool) -> Result<()> {
    if is_csv { Ok(()) } else { Err(UsageError::new("--append adds rows of CSV, to no other format").into()) }
}

fn settings(run: &Run) -> String {
    let given = run.configuration.iter().filter(|setting| setting.origin != "default");
    let words = given.map(|setting| format!("{}.{}={}", setting.section, setting.name, setting.value));
    words.collect::<Vec<_>>().join("; ")
}

fn row<'a>(
    group: &'a str,
    run: &'a Run,
    settings: &'a str,
    phase: &'a Phase,
    kind: Option<&'a Latency>,
    leading: bool,
) -> Row<'a> {
    let verdict = |name: &str| run.verdicts.iter().find(|verdict| verdict.name == name).map(|verdict| verdict.valid);
    let stonewall = phase.stonewall.as_ref();
    let part = |part: fn(&PartsResult) -> f64| phase.parts.as_ref().map(part);
    let found = phase.stragglers.as_ref();
    let slowest = found.and_then(|found| found.slowest.first());
    Row {
        group,
        run: &run.label,
        source: run.source.name(),
        version: run.version.as_deref(),
        mode: run.mode.as_deref(),
        started: run.started.as_deref(),
        ranks: run.ranks,
        nodes: run.nodes,
        score: run.score.as_ref().map(|score| score.means.total),
        official_valid: verdict("official"),
        strict_valid: verdict("strict"),
        consistent: run.contradictions.is_empty(),
        settings,
        phase: phase.id.name(),
        phase_started: phase.started.as_deref(),
        unit: phase.unit,
        rate: phase.rate,
        scored: phase.scored,
        valid: phase.valid,
        seconds: phase.seconds,
        wall_seconds: phase.wall_seconds,
        open_seconds: part(|parts| parts.open_s),
        operations_seconds: part(|parts| parts.operations_s),
        wear_out_seconds: part(|parts| parts.wear_out_s),
        waiting_seconds: part(|parts| parts.waiting_s),
        sync_seconds: part(|parts| parts.sync_s),
        close_seconds: part(|parts| parts.close_s),
        stonewall_seconds: stonewall.and_then(|stonewall| stonewall.seconds),
        stonewall_rate: stonewall.and_then(|stonewall| stonewall.rate),
        rate_without_wear_out: stonewall.and_then(|stonewall| stonewall.rate_without_wear_out),
        after_stonewall_seconds: stonewall.and_then(|stonewall| stonewall.after_seconds),
        rank_seconds_min: found.map(|found| found.seconds.min),
        rank_seconds_mean: found.map(|found| found.seconds.mean),
        rank_seconds_max: found.map(|found| found.seconds.max),
        slowest_rank: slowest.map(|slow| slow.rank),
        slowest_host: slowest.and_then(|slow| slow.host.as_deref()),
        operation: kind.map(|kind| kind.operation.as_str()),
        leading,
        latency_count: kind.map(|kind| kind.count),
        latency_min_ns: kind.map(|kind| kind.min),
        latency_mean_ns: kind.map(|kind| kind.mean),
        latency_p50_ns: kind.map(|kind| kind.p50),
        latency_p90_ns: kind.map(|kind| kind.p90),
        latency_p99_ns: kind.map(|kind| kind.p99),
        latency_p999_ns: kind.map(|kind| kind.p999),
        latency_p9999_ns: kind.map(|kind| kind.p9999),
        latency_max_ns: kind.map(|kind| kind.max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    fn groups() -> Vec<RunGroup> {
        let run = testing::run("night, \"late\"");
        vec![RunGroup { label: "group".into(), path: run.path.clone(), runs: vec![run] }]
    }

    #[test]
    fn every_kind_of_operation_has_a_row_with_its_percentiles() {
        let groups = groups();
        let text = render(&groups).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().unwrap().clone();
        let at = |name: &str| names.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}"));
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let run = &groups[0].runs[0];
        assert_eq!(rows.len(), run.phases.iter().map(|phase| phase.latency.len()).sum::<usize>());
        let phase = &run.phases[0];
        for (row, kind) in rows.iter().zip(&phase.latency) {
            assert_eq!((&row[at("run")], &row[at("group")]), ("night, \"late\"", "group"));
            assert_eq!((&row[at("phase")], &row[at("operation")]), (phase.id.name(), kind.operation.as_str()));
            assert_eq!(row[at("latency_p99_ns")], kind.p99.to_string());
            assert_eq!(row[at("latency_p9999_ns")], kind.p9999.to_string());
        }
        assert_eq!((&rows[0][at("leading")], &rows[1][at("leading")]), ("true", "false"));
    }

    #[test]
    fn rows_are_added_below_one_line_of_names() {
        let directory = tempfile::tempdir().unwrap();
        let (path, groups) = (directory.path().join("all.csv"), groups());
        append(&path, &groups).unwrap();
        append(&path, &groups).unwrap();
        let once = render(&groups).unwrap();
        let rows = once.split_once('\n').unwrap().1;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{once}{rows}"));
        std::fs::write(&path, "run,rate\n").unwrap();
        assert!(append(&path, &groups).unwrap_err().to_string().ends_with("has other columns"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "run,rate\n");
    }
}
