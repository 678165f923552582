//! Results of 10,240 ranks on 640 nodes: a report and a comparison in seconds and within 1 GiB.

use crate::fixture::Run;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

const RANKS: usize = 10_240;
const NODES: usize = 640;
/// Of an optimised build; one for debugging, beside other tests, may take longer.
const LIMIT: Duration = Duration::from_secs(if cfg!(debug_assertions) { 120 } else { 5 });
const KIB: usize = 1 << 20;

/// A result of the C suite whose per-rank files have as many rows.
fn write(directory: &Path, speed: f64) {
    Run { speed, ..Run::default() }.write(directory);
    let text = std::fs::read_to_string(directory.join("result.txt")).unwrap();
    std::fs::write(directory.join("result.txt"), text.replace("procs           = 4", &format!("procs = {RANKS}")))
        .unwrap();
    for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        let text = std::fs::read_to_string(&entry).unwrap();
        let own = |line: &&str| line.split(',').position(|cell| cell == "0");
        let Some((line, at)) = text.lines().find_map(|line| Some((line, own(&line)?))) else { continue };
        let mut long: String =
            text.lines().take_while(|other| *other != line).fold(String::new(), |text, line| text + line + "\n");
        for rank in 0..RANKS {
            let cells = line.split(',').enumerate().map(|(index, cell)| {
                match cell.parse::<f64>() {
                    _ if index == at => rank.to_string(),
                    // times of the ranks differ
                    Ok(seconds) if index == 3 && cell.contains('e') => {
                        format!("{:.10e}", seconds * (1.0 + (rank * 7919 % 1000) as f64 / 1e5))
                    }
                    _ => cell.to_owned(),
                }
            });
            let _ = writeln!(long, "{}", cells.collect::<Vec<_>>().join(","));
        }
        std::fs::write(entry, long).unwrap();
    }
    let map: String = (0..RANKS).map(|rank| if rank < RANKS / NODES { '1' } else { '0' }).collect();
    let said = format!("mdtest-4 was launched with {RANKS} total task(s) on {NODES} node(s)\nNodemap: {map}\n");
    std::fs::write(directory.join("mdtest-easy-write.txt"), said).unwrap();
}

/// Runs the command with 1 GiB of address space; how long it took.
fn within_a_gib(directory: &Path, arguments: &str) -> Duration {
    let begin = Instant::now();
    let script = format!("ulimit -v {KIB}; exec {} {arguments}", env!("CARGO_BIN_EXE_dfs-bench"));
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(directory).output().unwrap();
    let took = begin.elapsed();
    assert_eq!(output.status.code(), Some(0), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    eprintln!("{arguments}: {took:.2?}");
    took
}

#[test]
fn ten_thousand_ranks_are_reported_and_compared_in_seconds() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory.path().join("a"), 1.0);
    write(&directory.path().join("b"), 1.1);
    for arguments in [
        "report -f text -o a.txt a",
        "report -f json -o a.json a",
        "report -o a.html a",
        "compare -f html -o ab.html a b",
    ] {
        let took = within_a_gib(directory.path(), arguments);
        assert!(took < LIMIT, "{arguments}: {took:?}");
    }
    let text = std::fs::read_to_string(directory.path().join("a.txt")).unwrap();
    assert!(text.contains("10240 ranks"), "{text}");
    let page = std::fs::metadata(directory.path().join("a.html")).unwrap().len();
    assert!(page < 2 << 20, "a page of {page} bytes");
}
