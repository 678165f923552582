//! Where a result would stand among published ones: percentiles by nodes, year, file system and phase.

use super::published::{Published, Row, scored};
use crate::report::figures;
use crate::report::model::Run;
use crate::report::tables::Table;
use io500_phases::phase_id::PhaseId;
use serde::Serialize;
use std::collections::BTreeSet;

/// The fewest results that a percentile is told of.
const FEWEST: usize = 5;

/// A score or rate among those of a set of results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rank {
    /// The set: `all`, `2024`, `10 nodes`, `DAOS`.
    pub among: String,
    /// How many results it has.
    pub results: usize,
    /// The share of them that are below, in percent; those that are equal count half.
    pub percentile: f64,
    /// The middle one.
    pub median: f64,
    /// The best one.
    pub best: f64,
}

/// One phase, or a mean.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseRank {
    /// Its name.
    pub phase: String,
    /// GiB/s or kIOPS.
    pub unit: &'static str,
    /// The rate.
    pub rate: f64,
    /// Among all results, those of the same class of nodes, those of the same file system; none where there are too few.
    pub ranks: [Option<Rank>; 3],
}

/// The whole comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranking {
    /// Where the published figures come from, and of when they are.
    pub origin: String,
    /// The score by sets of results.
    pub score: Vec<Rank>,
    /// The phases.
    pub phases: Vec<PhaseRank>,
}

/// Classes of client nodes: published results differ by them more than by anything else.
const CLASSES: [(u64, u64, &str); 4] =
    [(1, 9, "1 to 9 nodes"), (10, 10, "10 nodes"), (11, 99, "11 to 99 nodes"), (100, u64::MAX, "100 nodes or more")];

fn class(nodes: Option<u64>) -> Option<&'static str> {
    let nodes = nodes?;
    CLASSES.iter().find(|(first, last, _)| (*first..=*last).contains(&nodes)).map(|(.., name)| *name)
}

/// Holds a run against a table; none for a run without a score.
pub fn rank(run: &Run, file_system: Option<&str>, table: &Published) -> Option<Ranking> {
    let means = run.score.as_ref().map(|score| &score.means).filter(|means| means.total > 0.0)?;
    let (score, bandwidth, metadata) = (means.total, means.bandwidth, means.metadata);
    let rows: Vec<&Row> = table.valid().collect();
    let ours = class(run.nodes);
    let same_class = |row: &Row| ours.is_some() && class(row.nodes) == ours;
    let same_store = |row: &Row| file_system == Some(row.file_system.as_str());
    let mut scores = vec![among("all", score, rows.iter().map(|row| row.score))];
    for (.., name) in CLASSES {
        scores.push(among(name, score, rows.iter().filter(|row| class(row.nodes) == Some(name)).map(|row| row.score)));
    }
    let years: BTreeSet<u16> = rows.iter().map(|row| row.year).collect();
    for year in years.into_iter().rev() {
        scores.push(among(&year.to_string(), score, rows.iter().filter(|row| row.year == year).map(|row| row.score)));
    }
    let stores: BTreeSet<&str> = rows.iter().map(|row| row.file_system.as_str()).collect();
    for store in stores {
        scores.push(among(store, score, rows.iter().filter(|row| row.file_system == store).map(|row| row.score)));
    }
    let figure = |name: &str, unit: &'static str, rate: f64, of: &dyn Fn(&Row) -> Option<f64>| {
        let (class, store) = (ours.unwrap_or("same class of nodes"), file_system.unwrap_or("same file system"));
        PhaseRank {
            phase: name.to_owned(),
            unit,
            rate,
            ranks: [
                among("all", rate, rows.iter().filter_map(|row| of(row))),
                among(class, rate, rows.iter().filter(|row| same_class(row)).filter_map(|row| of(row))),
                among(store, rate, rows.iter().filter(|row| same_store(row)).filter_map(|row| of(row))),
            ],
        }
    };
    let mut phases = vec![
        figure("bandwidth", "GiB/s", bandwidth, &|row| Some(row.bandwidth)),
        figure("metadata", "kIOPS", metadata, &|row| Some(row.metadata)),
    ];
    let rate = |phase: PhaseId| run.phases.iter().find(|result| result.id == phase).map(|result| result.rate);
    for phase in scored() {
        if let Some(rate) = rate(phase).filter(|rate| *rate > 0.0) {
            phases.push(figure(phase.name(), phase.unit(), rate, &|row| row.phases.get(&phase).copied()));
        }
    }
    Some(Ranking { origin: table.origin.clone(), score: scores.into_iter().flatten().collect(), phases })
}

/// A figure among others; none for a set that is too small to tell.
fn among(name: &str, value: f64, others: impl Iterator<Item = f64>) -> Option<Rank> {
    let mut others: Vec<f64> = others.filter(|other| *other > 0.0).collect();
    if others.len() < FEWEST {
        return None;
    }
    others.sort_by(f64::total_cmp);
    let below = others.iter().filter(|other| **other < value).count() as f64;
    let equal = others.iter().filter(|other| **other == value).count() as f64;
    Some(Rank {
        among: name.to_owned(),
        results: others.len(),
        percentile: 100.0 * (below + equal / 2.0) / others.len() as f64,
        median: (others[(others.len() - 1) / 2] + others[others.len() / 2]) / 2.0,
        best: others[others.len() - 1],
    })
}

impl Ranking {
    /// The two tables of a page.
    pub fn tables(&self) -> [Table; 2] {
        let mut score = Table::new(
            "ranking-score",
            "The score among valid published results: the share of them that is below",
            &["Among", "#Results", "#Percentile", "#Median score", "#Best score"],
        );
        for rank in &self.score {
            score.rows.push(vec![
                rank.among.clone(),
                rank.results.to_string(),
                format!("{:.0}", rank.percentile),
                figures::rate(rank.median),
                figures::rate(rank.best),
            ]);
        }
        let names = |index: usize| {
            let ranks = self.phases.iter().filter_map(|phase| phase.ranks[index].as_ref());
            ranks.map(|rank| format!("#{}", rank.among)).next()
        };
        let columns: Vec<String> = (0..3)
            .map(|index| names(index).unwrap_or_else(|| ["#all", "#nodes", "#file system"][index].to_owned()))
            .collect();
        let mut header = vec!["Figure", "#Rate", "Unit"];
        header.extend(columns.iter().map(String::as_str));
        let mut phases = Table::new("ranking-phases", "Percentiles of means and phases", &header);
        for phase in &self.phases {
            let mut row = vec![phase.phase.clone(), figures::rate(phase.rate), phase.unit.to_owned()];
            let cells = phase.ranks.iter().map(|rank| match rank {
                Some(rank) => format!("{:.0} of {}", rank.percentile, rank.results),
                None => "\u{2013}".to_owned(),
            });
            row.extend(cells);
            phases.rows.push(row);
        }
        [score, phases]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::run;

    #[test]
    fn percentiles_count_those_below_and_half_of_the_equal() {
        let rank = among("all", 3.0, [1.0, 2.0, 3.0, 4.0, 5.0].into_iter()).unwrap();
        assert_eq!((rank.percentile, rank.median, rank.best), (50.0, 3.0, 5.0));
        assert_eq!(among("all", 9.0, [1.0, 2.0, 3.0, 4.0].into_iter()), None, "too few to tell");
        assert_eq!(among("all", 9.0, [1.0; 8].into_iter()).unwrap().percentile, 100.0);
    }

    #[test]
    fn a_run_is_held_against_its_like() {
        let mut table = Published { origin: "made up".into(), rows: Vec::new() };
        for index in 0..20 {
            let phases = scored().map(|phase| (phase, f64::from(index + 1))).collect();
            table.rows.push(Row {
                submission: index,
                year: 2024 + (index % 2) as u16,
                file_system: if index < 10 { "DAOS" } else { "Lustre" }.into(),
                nodes: Some(if index < 12 { 10 } else { 4 }),
                valid: index != 19,
                score: f64::from(index + 1),
                bandwidth: 1.0,
                metadata: 1.0,
                phases,
                ..Row::default()
            });
        }
        let run = run("one");
        let ranking = rank(&run, Some("DAOS"), &table).unwrap();
        let names: Vec<&str> = ranking.score.iter().map(|rank| rank.among.as_str()).collect();
        assert_eq!(names, ["all", "1 to 9 nodes", "10 nodes", "2025", "2024", "DAOS", "Lustre"]);
        assert_eq!(ranking.score[0].results, 19, "the invalid one does not count");
        assert_eq!(ranking.score[0].percentile, 100.0);
        assert_eq!(ranking.phases.len(), 14);
        let write = &ranking.phases[2];
        assert_eq!(write.ranks[1].as_ref().unwrap().among, "1 to 9 nodes", "the run has four nodes");
        assert_eq!(write.ranks[2].as_ref().unwrap().results, 10);
        assert_eq!(ranking.tables()[1].rows.len(), 14);
        let mut without = run;
        without.score = None;
        assert_eq!(rank(&without, None, &table), None);
    }
}
