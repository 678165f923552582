//! The per-rank CSV files that IOR, mdtest and pfind write for the C suite.
//!
//! IOR: `access,rank,runtime-with-openclose,runtime,throughput-withopenclose,throughput`, a row per rank. mdtest: a header of
//! `rate-X,time-X` pairs, a row `all` with the items per rank, then a row per rank with only the pair of this phase filled.
//! pfind: a line with time and rate, a header, a row per rank.

use crate::report::model::RankFigures;
use io500_phases::phase_id::{Kind, PhaseId};

/// The rows of a phase.
#[derive(Debug, Default, PartialEq)]
pub struct RankTable {
    /// One per rank, in rank order. `host` is left empty.
    pub ranks: Vec<Row>,
    /// The phase's time as the file has it: mdtest's and pfind's; IOR's file has none.
    pub seconds: Option<f64>,
    /// Files every rank worked on, in mdtest's.
    pub items_per_rank: Option<f64>,
}

/// One rank.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Its number.
    pub rank: u64,
    /// The time of its own work.
    pub seconds: Option<f64>,
    /// The time from before the open to after the close, barriers included (IOR).
    pub seconds_with_open_close: Option<f64>,
    /// Operations (mdtest: items, pfind: entries seen).
    pub operations: Option<f64>,
    /// Bytes moved (IOR).
    pub bytes: Option<f64>,
    /// Time lost in work stealing (pfind).
    pub stealing_seconds: Option<f64>,
}

impl Row {
    /// As a report shows it.
    pub fn figures(&self) -> RankFigures {
        RankFigures {
            rank: self.rank,
            seconds: self.seconds,
            operations: self.operations,
            bytes: self.bytes,
            ..RankFigures::default()
        }
    }
}

/// Why a file could not be read as such a table.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum CsvError {
    /// Its header is not the one expected.
    #[error("the header is not that of a per-rank file: {0:?}")]
    Header(String),
    /// A row cannot be read.
    #[error("line {line}: {what}")]
    Row {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// Reads the file of a phase.
pub fn parse(phase: PhaseId, text: &str) -> Result<RankTable, CsvError> {
    let mut table = match phase.name() {
        name if name.starts_with("ior-") => parse_ior(text),
        name if name.starts_with("mdtest-") => parse_mdtest(phase.kind(), text),
        _ => parse_find(text),
    }?;
    table.ranks.sort_by_key(|row| row.rank);
    Ok(table)
}

fn parse_ior(text: &str) -> Result<RankTable, CsvError> {
    let mut lines = numbered(text);
    let (_, header) = lines.next().unwrap_or((0, ""));
    if !header.starts_with("access,rank,runtime-with-openclose,runtime,") {
        return Err(CsvError::Header(header.to_owned()));
    }
    let ranks = lines
        .map(|(line, row)| {
            let cells: Vec<&str> = row.split(',').collect();
            let total = number(line, &cells, 2)?;
            // the figures are rounded in the file; bytes are whole
            let bytes = (number(line, &cells, 4)? * total).round();
            Ok(Row {
                rank: number(line, &cells, 1)? as u64,
                seconds: Some(number(line, &cells, 3)?),
                seconds_with_open_close: Some(total),
                bytes: Some(bytes),
                ..Row::default()
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(RankTable { ranks, ..RankTable::default() })
}

fn parse_mdtest(kind: Kind, text: &str) -> Result<RankTable, CsvError> {
    let column = match kind {
        Kind::Write => "time-File creation",
        Kind::Stat => "time-File stat",
        Kind::Read => "time-File read",
        _ => "time-File removal",
    };
    let mut lines = numbered(text);
    let (_, header) = lines.next().unwrap_or((0, ""));
    let Some(column) = header.split(',').position(|name| name == column) else {
        return Err(CsvError::Header(header.to_owned()));
    };
    let mut table = RankTable::default();
    for (line, row) in lines {
        let cells: Vec<&str> = row.split(',').collect();
        let seconds = number(line, &cells, column)?;
        if cells[0] == "all" {
            table.seconds = Some(seconds);
            table.items_per_rank = Some(number(line, &cells, 1)?);
        } else {
            table.ranks.push(Row {
                rank: number(line, &cells, 0)? as u64,
                seconds: Some(seconds),
                operations: table.items_per_rank,
                ..Row::default()
            });
        }
    }
    Ok(table)
}

fn parse_find(text: &str) -> Result<RankTable, CsvError> {
    let mut lines = numbered(text);
    let (_, first) = lines.next().unwrap_or((0, ""));
    let seconds = first.strip_prefix("runtime: ").and_then(|rest| rest.split(' ').next()).and_then(|s| s.parse().ok());
    let (_, header) = lines.next().unwrap_or((0, ""));
    let names: Vec<&str> = header.split(", ").collect();
    let position = |start: &str| names.iter().position(|name| name.starts_with(start));
    let (Some(_), Some(total)) = (seconds, position("total")) else {
        return Err(CsvError::Header(format!("{first}\n{header}")));
    };
    let stealing = position("time spend in job stealing");
    let ranks = lines
        .map(|(line, row)| {
            let cells: Vec<&str> = row.split(", ").collect();
            let stealing = stealing.and_then(|index| cells.get(index)?.trim_end_matches('s').parse().ok());
            Ok(Row {
                rank: number(line, &cells, 0)? as u64,
                operations: Some(number(line, &cells, total)?),
                stealing_seconds: stealing,
                ..Row::default()
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(RankTable { ranks, seconds, items_per_rank: None })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end())).filter(|(_, line)| !line.is_empty())
}

fn number(line: usize, cells: &[&str], index: usize) -> Result<f64, CsvError> {
    let what = |what: String| CsvError::Row { line, what };
    let cell = cells.get(index).ok_or_else(|| what(format!("column {} is missing", index + 1)))?;
    let value: f64 =
        cell.trim().parse().map_err(|_| what(format!("{cell:?} in column {} is not a number", index + 1)))?;
    if value.is_finite() { Ok(value) } else { Err(what(format!("{cell:?} in column {} is not finite", index + 1))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ior_rows_give_time_and_bytes() {
        let text = "access,rank,runtime-with-openclose,runtime,throughput-withopenclose,throughput\n\
                    write,1,2.0e+00,1.5e+00,5.0e+02,6.66e+02\nwrite,0,2.0e+00,1.0e+00,5.0e+02,1.0e+03\n";
        let table = parse(PhaseId::IorEasyWrite, text).unwrap();
        assert_eq!(table.ranks.iter().map(|row| row.rank).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(table.ranks[1].seconds, Some(1.5));
        assert_eq!(table.ranks[1].bytes, Some(1000.0));
    }

    #[test]
    fn mdtest_rows_take_the_column_of_the_phase() {
        let text = "rank,items,rate-File creation,time-File creation,rate-File stat,time-File stat\n\
                    all,30,922.4,9.75e-02,,\n0,,587.1,5.1e-04,,\n1,,806.0,3.7e-04,,\n";
        let table = parse(PhaseId::MdtestEasyWrite, text).unwrap();
        assert_eq!(table.seconds, Some(9.75e-2));
        assert_eq!(table.items_per_rank, Some(30.0));
        assert_eq!(table.ranks[1].seconds, Some(3.7e-4));
        assert_eq!(table.ranks[1].operations, Some(30.0));
        // the stat columns are empty in a creation file: an error, not zeros
        assert!(matches!(parse(PhaseId::MdtestEasyStat, text), Err(CsvError::Row { line: 2, .. })));
    }

    #[test]
    fn find_rows_count_entries() {
        let text = "runtime: 4.5 rate: 100.0\nrank, errors, unknown, found, total, checked, time spend in job stealing in s\n\
                    0, 0, 10, 2, 12, 12, 1.25s\n1, 0, 10, 0, 8, 8, 0.5s\n";
        let table = parse(PhaseId::Find, text).unwrap();
        assert_eq!(table.seconds, Some(4.5));
        assert_eq!(table.ranks[0].operations, Some(12.0));
        assert_eq!(table.ranks[1].stealing_seconds, Some(0.5));
    }

    #[test]
    fn other_files_are_refused() {
        assert!(matches!(parse(PhaseId::IorEasyRead, "a,b\n1,2\n"), Err(CsvError::Header(_))));
        assert!(matches!(parse(PhaseId::MdtestHardRead, ""), Err(CsvError::Header(_))));
        assert!(matches!(parse(PhaseId::Find, "runtime: x\n"), Err(CsvError::Header(_))));
    }
}
