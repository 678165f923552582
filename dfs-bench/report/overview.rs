//! Several runs at a glance: one table and one picture, before the reports of each.

use super::charts::Chart;
use super::figures::{self, duration, rate};
use super::model::Run;
use super::svg::{Axis, Rows, Scale};
use super::tables::{Table, UNKNOWN, or_unknown};

/// More runs than this are a table only: a picture of them says nothing.
const PICTURED: usize = 60;
/// Letters of a label that fit.
const IN_A_TABLE: usize = 44;
const BESIDE_A_BAR: usize = 17;

/// A row for each run.
pub fn table(runs: &[&Run]) -> Table {
    let columns = ["Run", "Started", "#Ranks", "#Nodes", "#Score", "#GiB/s", "#kIOPS", "Valid", "#Phases", "#Time"];
    let mut table = Table::new("overview", "The runs at a glance.", &columns);
    for run in runs {
        let mean = |pick: fn(&super::model::Score) -> f64| {
            or_unknown(run.score.as_ref().map(pick).filter(|mean| *mean > 0.0), rate)
        };
        let seconds: f64 = run.phases.iter().filter_map(|phase| phase.wall_seconds.or(phase.seconds)).sum();
        table.rows.push(vec![
            end(&run.label, IN_A_TABLE),
            or_unknown(run.started.clone(), |started| started),
            or_unknown(run.ranks, |ranks| ranks.to_string()),
            or_unknown(run.nodes, |nodes| nodes.to_string()),
            mean(|score| score.means.total),
            mean(|score| score.means.bandwidth),
            mean(|score| score.means.metadata),
            validity(run),
            run.phases.iter().filter(|phase| phase.rate > 0.0).count().to_string(),
            if seconds > 0.0 { duration(seconds) } else { UNKNOWN.to_owned() },
        ]);
    }
    table.without_empty_columns()
}

/// `yes`, `NO`, or which verdict says no.
fn validity(run: &Run) -> String {
    if run.ending.is_some() {
        return "not finished".to_owned();
    }
    let against: Vec<&str> = run.verdicts.iter().filter(|v| !v.valid).map(|v| v.name.as_str()).collect();
    match (against[..].len(), run.verdicts.len()) {
        (0, 0) => UNKNOWN.to_owned(),
        (0, _) => "yes".to_owned(),
        (some, all) if some == all => "NO".to_owned(),
        _ => format!("not {}", against.join(", ")),
    }
}

/// The scores as bars; the bandwidths or rates where there are no scores. None where there is nothing to compare.
pub fn chart(runs: &[&Run]) -> Option<Chart> {
    type Pick = fn(&super::model::Score) -> f64;
    let picks: [(&str, &str, Pick); 3] = [
        ("Scores", "score", |score| score.means.total),
        ("Bandwidths", "GiB/s", |score| score.means.bandwidth),
        ("Metadata rates", "kIOPS", |score| score.means.metadata),
    ];
    let values = |pick: Pick| {
        let scored =
            runs.iter().filter_map(|run| Some((*run, run.score.as_ref().map(pick).filter(|mean| *mean > 0.0)?)));
        scored.map(|(run, value)| (end(&run.label, BESIDE_A_BAR), value)).collect::<Vec<(String, f64)>>()
    };
    let (what, unit, bars) =
        picks.into_iter().map(|(what, unit, pick)| (what, unit, values(pick))).find(|(.., bars)| bars.len() > 1)?;
    if bars.len() > PICTURED {
        return None;
    }
    let high = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let show = |value: f64| figures::tick(value);
    let alt = format!("{what} of {} runs; the table has the figures.", bars.len());
    let axis = Axis { low: 0.0, high, scale: Scale::Linear, title: unit, show: &show };
    let mut rows = Rows::new(&alt, bars.len(), 66.0, axis);
    for (label, value) in &bars {
        rows.row(label);
        rows.bar("s0", 0.0, *value);
        rows.text_at(*value, &rate(*value));
    }
    Some(Chart { caption: format!("{what} of the runs"), svg: rows.finish() })
}

/// The end of a label, which tells runs apart, in so many letters.
fn end(label: &str, letters: usize) -> String {
    match label.char_indices().rev().nth(letters - 1) {
        Some((from, _)) if from > 0 => format!("\u{2026}{}", &label[from..]),
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn runs_are_rows_with_a_picture_of_their_scores() {
        let (one, mut two) = (testing::run("one"), testing::run("two"));
        two.score.as_mut().unwrap().means.total = 0.0;
        let runs = [&one, &two];
        let table = table(&runs);
        let score = table.columns.iter().position(|column| column.name == "Score").unwrap();
        assert_eq!(table.rows[1][score], UNKNOWN, "0 is no score");
        assert_eq!(table.rows[0][7], "not strict");
        // one score is a number, but both have bandwidths
        assert_eq!(chart(&runs).unwrap().caption, "Bandwidths of the runs");
        assert!(chart(&[&one]).is_none());
        assert_eq!(end("a/long/path/2026.01.02-03.04.05", 19), "\u{2026}2026.01.02-03.04.05");
        assert_eq!(end("short", 5), "short");
    }
}
