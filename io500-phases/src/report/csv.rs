//! `<phase>.csv`: the figures of every rank, in the columns of IOR and mdtest.

use crate::phases::RankTally;
use crate::plan::Step;
use std::fmt::Write as _;

fn seconds(ns: f64) -> f64 {
    ns / 1e9
}

/// A number as C's `%.10e`: a sign and at least two digits of exponent.
fn scientific(value: f64) -> String {
    let text = format!("{value:.10e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn per_second(amount: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { amount / seconds } else { 0.0 }
}

/// IOR's columns; throughput in bytes per second.
pub fn ior_csv(access: &str, tallies: &[RankTally]) -> String {
    let mut text = "access,rank,runtime-with-openclose,runtime,throughput-withopenclose,throughput\n".to_owned();
    for tally in tallies {
        let whole = seconds((tally.end_ns - tally.begin_ns) as f64);
        let own = seconds(tally.loop_ns as f64);
        let bytes = tally.bytes as f64;
        let _ = writeln!(
            text,
            "{access},{},{},{},{},{}",
            tally.rank,
            scientific(whole),
            scientific(own),
            scientific(per_second(bytes, whole)),
            scientific(per_second(bytes, own))
        );
    }
    text
}

const MDTEST_OPERATIONS: [&str; 11] = [
    "Directory creation",
    "Directory stat",
    "Directory read",
    "Directory rename",
    "Directory removal",
    "File creation",
    "File stat",
    "File read",
    "File removal",
    "Tree creation",
    "Tree removal",
];

/// mdtest's columns: a rate and a time for each of its operations, of which a phase fills one, and the making or removing of the tree.
pub fn mdtest_csv(step: Step, tallies: &[RankTally]) -> String {
    let (own, tree) = match step {
        Step::Create => (5, Some(9)),
        Step::Stat => (6, None),
        Step::Read => (7, None),
        Step::Delete => (8, Some(10)),
    };
    let mut text = "rank,items".to_owned();
    for operation in MDTEST_OPERATIONS {
        let _ = write!(text, ",rate-{operation},time-{operation}");
    }
    text.push('\n');
    let row = |text: &mut String, head: String, columns: usize, filled: &[(usize, f64, f64)]| {
        text.push_str(&head);
        for column in 0..columns {
            match filled.iter().find(|(at, ..)| *at == column) {
                Some((_, rate, time)) => {
                    let _ = write!(text, ",{},{}", scientific(*rate), scientific(*time));
                }
                None => text.push_str(",,"),
            }
        }
        text.push('\n');
    };
    let items: u64 = tallies.iter().map(|tally| tally.operations).sum();
    let longest = tallies.iter().map(|tally| tally.end_ns - tally.begin_ns).max().unwrap_or(0);
    let whole = seconds(longest as f64);
    let mut all = vec![(own, per_second(items as f64, whole), whole)];
    if let (Some(column), Some(first)) = (tree, tallies.first()) {
        let time = seconds(first.tree_ns as f64);
        all.push((column, per_second(tallies.len() as f64, time), time));
    }
    let per_rank = tallies.first().map_or(0, |tally| tally.operations);
    row(&mut text, format!("all,{per_rank}"), MDTEST_OPERATIONS.len(), &all);
    for tally in tallies {
        let time = seconds(tally.loop_ns as f64);
        // the rows of the ranks end before the columns of the tree
        let columns = MDTEST_OPERATIONS.len() - 2;
        row(&mut text, format!("{},", tally.rank), columns, &[(own, per_second(tally.operations as f64, time), time)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> RankTally {
        RankTally {
            rank: 0,
            operations: 30,
            bytes: 1 << 20,
            begin_ns: 1_000_000,
            end_ns: 2_555_920,
            loop_ns: 535_011,
            tree_ns: 22_888,
            ..RankTally::default()
        }
    }

    #[test]
    fn numbers_look_like_those_of_c() {
        assert_eq!(scientific(1.5559196472e-3), "1.5559196472e-03");
        assert_eq!(scientific(6.7392683284e8), "6.7392683284e+08");
        assert_eq!(scientific(0.0), "0.0000000000e+00");
        assert_eq!(scientific(1e123), "1.0000000000e+123");
    }

    #[test]
    fn the_columns_are_those_of_ior_and_mdtest() {
        let ior = ior_csv("write", &[tally()]);
        assert_eq!(ior.lines().nth(1).unwrap().split(',').count(), 6);
        assert!(ior.contains("\nwrite,0,1.5559200000e-03,5.3501100000e-04,"));
        let mdtest = mdtest_csv(Step::Delete, &[tally(), RankTally { rank: 1, ..tally() }]);
        let lines: Vec<&str> = mdtest.lines().collect();
        let columns: Vec<usize> = lines.iter().map(|line| line.split(',').count()).collect();
        assert_eq!(columns, [24, 24, 20, 20], "{mdtest}");
        assert!(lines[1].starts_with("all,30,,,,"));
        assert!(lines[1].ends_with(",2.2888000000e-05"));
        assert!(lines[2].starts_with("0,,,") && lines[3].starts_with("1,,,"));
    }
}
