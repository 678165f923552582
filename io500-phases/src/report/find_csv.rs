//! `find.csv`: the figures of every rank, in the columns of pfind.

use crate::phases::find::{FindTally, Traffic};
use std::fmt::Write as _;

/// The rows of the ranks that took part, after the run time in seconds and the entries per second of all of them.
pub fn find_csv(tallies: &[FindTally], runtime_s: f64) -> String {
    let total: u64 = tallies.iter().map(|tally| tally.counts.total).sum();
    let rate = if runtime_s > 0.0 { total as f64 / runtime_s } else { 0.0 };
    let mut text = format!("runtime: {runtime_s:.6} rate: {rate:.6}\n");
    text.push_str("rank, errors, unknown, found, total, checked, job steal msgs received, work items send, ");
    text.push_str("job steal msgs send, work items stolen, time spend in job stealing in s, ");
    text.push_str("number of completion tokens send\n");
    for tally in tallies.iter().filter(|tally| tally.takes_part) {
        let FindTally { rank, counts, idle_ns, .. } = tally;
        let Traffic { asked, given, asks, stolen, tokens } = tally.traffic;
        let _ = writeln!(
            text,
            "{rank}, {}, {}, {}, {}, {}, {asked}, {given}, {asks}, {stolen}, {:.3}s, {tokens}",
            counts.errors,
            counts.unknown,
            counts.found,
            counts.total,
            counts.checked,
            *idle_ns as f64 / 1e9
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phases::find::Counts;
    use std::path::Path;

    fn parse(row: &str) -> FindTally {
        let fields: Vec<&str> = row.split(", ").collect();
        let number = |at: usize| fields[at].parse::<u64>().unwrap();
        let idle: f64 = fields[10].strip_suffix('s').unwrap().parse().unwrap();
        FindTally {
            rank: number(0) as usize,
            takes_part: true,
            counts: Counts {
                errors: number(1),
                unknown: number(2),
                found: number(3),
                total: number(4),
                checked: number(5),
                ..Counts::default()
            },
            traffic: Traffic {
                asked: number(6),
                given: number(7),
                asks: number(8),
                stolen: number(9),
                tokens: number(11),
            },
            idle_ns: (idle * 1e9).round() as u64,
            ..FindTally::default()
        }
    }

    /// What the C suite wrote, read and written again, stays the same to the byte.
    #[test]
    fn files_of_the_c_suite_come_out_as_they_went_in() {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        let mut files: Vec<_> = ["reference", "full-runs"]
            .into_iter()
            .filter_map(|kind| std::fs::read_dir(shared.join(kind)).ok())
            .flatten()
            .flat_map(|run| {
                let run = run.unwrap().path();
                [run.join("results/find.csv"), run.join("find.csv")]
            })
            .filter(|path| path.exists())
            .collect();
        files.sort();
        if files.is_empty() {
            assert_ne!(
                std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(),
                Ok("1"),
                "no find.csv in {}",
                shared.display()
            );
            eprintln!("skipped: {} has no find.csv", shared.display());
            return;
        }
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            let (head, rows) = text.split_once('\n').unwrap();
            let runtime = head.split(' ').nth(1).unwrap();
            let tallies: Vec<_> = rows.lines().skip(1).map(parse).collect();
            let written = find_csv(&tallies, runtime.parse().unwrap());
            // the run time has lost digits on its way through the file, so the rate is compared as a number
            let (own_head, own_rows) = written.split_once('\n').unwrap();
            assert_eq!(own_rows, rows, "{}", path.display());
            let rate = |head: &str| head.split(' ').nth(3).unwrap().parse::<f64>().unwrap();
            assert!((rate(own_head) / rate(head) - 1.0).abs() < 1e-2, "{}", path.display());
            assert!(own_head.starts_with(&format!("runtime: {runtime} rate: ")), "{own_head}");
        }
    }
}
