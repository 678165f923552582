//! Comparisons of made-up runs and groups.

use crate::fixture::{Run, dfs_bench, stdout};
use std::path::Path;

fn group(directory: &Path, name: &str, speeds: &[f64], object_class: &str) {
    for (index, speed) in speeds.iter().enumerate() {
        let run = Run { speed: *speed, object_class, ..Run::default() };
        run.write(&directory.join(name).join(format!("{index}")));
    }
}

#[test]
fn groups_give_intervals_words_and_differences() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "before", &[1.0, 1.02, 0.98], "RP_2GX");
    group(directory.path(), "after", &[1.5, 1.52, 1.49], "SX");
    insta::assert_snapshot!(stdout(directory.path(), &["compare", "before", "after"]));
}

#[test]
fn markdown_of_single_runs() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "before", &[1.0], "RP_2GX");
    group(directory.path(), "after", &[1.5], "SX");
    insta::assert_snapshot!(stdout(directory.path(), &["compare", "-f", "markdown", "before", "after"]));
}

#[test]
fn the_gate_fails_beyond_chance_only() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "before", &[1.0, 1.01, 0.99], "SX");
    group(directory.path(), "slower", &[0.9, 0.91, 0.89], "SX");
    group(directory.path(), "noisy-before", &[1.0, 1.3, 0.8], "SX");
    group(directory.path(), "noisy", &[0.9, 1.2, 0.75], "SX");
    let gate = |limit: &str, a: &str, b: &str| {
        let output = dfs_bench(directory.path(), &["compare", "--fail-below", limit, a, b]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = gate("5%", "before", "slower");
    assert_eq!(code, Some(6));
    assert!(text.contains("FAILED for 15 reasons with a limit of 5.00 %"), "{text}");
    assert!(text.contains("- slower: score \u{2212}10.0 % (significant)"), "{text}");
    assert_eq!(gate("15%", "before", "slower").0, Some(0));
    assert_eq!(gate("5%", "slower", "before").0, Some(0));
    let (code, text) = gate("5%", "noisy-before", "noisy");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("passed: what fell by more than 5.00 % is within run-to-run noise"), "{text}");
    assert!(text.contains("within run-to-run noise"), "{text}");
}

#[test]
fn two_repeats_cannot_excuse_a_fall() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "before", &[1.0, 1.1], "SX");
    group(directory.path(), "after", &[0.3, 0.48], "SX");
    let output = dfs_bench(directory.path(), &["compare", "--fail-below", "5%", "before", "after"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(text.contains("2 and 2 runs are too few"), "{text}");
}

#[test]
fn a_run_that_became_invalid_fails_the_gate_though_it_is_faster() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "before", &[1.0], "SX");
    group(directory.path(), "after", &[1.5], "SX");
    let file = directory.path().join("after/0/result.txt");
    let text = std::fs::read_to_string(&file).unwrap().replace("\nhash = ", " [INVALID]\nhash = ");
    std::fs::write(&file, text).unwrap();
    let gate = |a: &str, b: &str| dfs_bench(directory.path(), &["compare", "--fail-below", "5%", a, b]);
    let output = gate("before", "after");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(text.contains("- after: after is INVALID (official verdict) and before is valid"), "{text}");
    group(directory.path(), "equal", &[1.5], "SX");
    assert_eq!(gate("after", "equal").status.code(), Some(0));
}

#[test]
fn the_extended_score_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    Run { extended: true, ..Run::default() }.write(&directory.path().join("a"));
    Run { extended: true, speed: 2.0, ..Run::default() }.write(&directory.path().join("b"));
    let text = stdout(directory.path(), &["report", "-f", "text", "a"]);
    assert!(text.contains("Extended   55.500  bandwidth 5.0000 GiB/s, metadata 866.41 kIOPS [INVALID]"), "{text}");
    let page = stdout(directory.path(), &["report", "-o", "-", "a"]);
    assert!(page.contains("<dt>Extended score</dt><dd>55.500 <small>INVALID</small>"), "{page}");
    let text = stdout(directory.path(), &["compare", "a", "b"]);
    let line = text.lines().find(|line| line.starts_with("extended score")).unwrap();
    assert!(line.ends_with("\u{d7}2.00"), "{line}");
}

#[test]
fn an_outlier_run_is_named() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "before", &[1.0, 1.01, 0.99, 1.0], "SX");
    group(directory.path(), "after", &[1.0, 1.01, 0.99], "SX");
    let odd = Run { phase: Some(("ior-hard-read", 0.6)), ..Run::default() };
    odd.write(&directory.path().join("after/odd"));
    let text = stdout(directory.path(), &["compare", "before", "after"]);
    assert!(
        text.contains("odd is an outlier in ior-hard-read: \u{2212}40.0 % against the other 3 runs of after."),
        "{text}"
    );
}

#[test]
fn what_forbids_a_comparison_needs_force() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "a", &[1.0], "SX");
    let output = dfs_bench(directory.path(), &["compare", "a", "a/0"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("not comparable: a/0 is on both sides"), "{message}");
    assert!(message.contains("hint: --force"), "{message}");
    stdout(directory.path(), &["compare", "--force", "a", "a/0"]);
}

#[test]
fn json_says_everything() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "a", &[1.0, 1.1], "SX");
    group(directory.path(), "b", &[2.0, 2.2], "SX");
    let json = stdout(directory.path(), &["compare", "-f", "json", "--fail-below", "5%", "a", "b"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["format"].as_str(), json["version"].as_u64()), (Some("dfs-bench-comparison"), Some(1)));
    let versus = &json["comparison"]["versus"][0];
    assert!((versus["headline"]["score"].as_f64().unwrap() - 2.0).abs() < 1e-6);
    assert_eq!(versus["lines"].as_array().unwrap().len(), 16);
    assert_eq!(json["gate"]["passed"], true);
    for (object, fields) in [
        (&json["comparison"], vec!["warnings", "baseline", "versus", "outliers", "outlier_test"]),
        (versus, vec!["side", "headline", "lines", "lost", "newly_invalid", "faults", "concerns", "differences"]),
        (&versus["headline"], vec!["bandwidth", "metadata", "score", "best", "worst", "within_noise"]),
        (
            &versus["lines"][0],
            vec![
                "name",
                "phase",
                "unit",
                "scored",
                "a",
                "b",
                "ratio",
                "interval",
                "p",
                "p_adjusted",
                "basis",
                "finding",
                "words",
            ],
        ),
        (&versus["lines"][0]["a"], vec!["mean", "variation", "values"]),
        (&json["gate"], vec!["limit", "passed", "failures", "tolerated", "cases", "detectable"]),
    ] {
        let mut found: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
        let mut documented = fields.clone();
        found.sort();
        documented.sort();
        assert_eq!(found, documented);
        let table = include_str!("../../docs/RESULTS.md");
        for field in fields {
            assert!(table.contains(&format!("{field}`")), "docs/RESULTS.md does not describe {field}");
        }
    }
}

#[test]
fn one_directory_is_not_enough() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(dfs_bench(directory.path(), &["compare", "a"]).status.code(), Some(2));
}

#[test]
fn one_group_is_summed_up_in_every_format() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "repeats", &[1.0, 1.02, 0.98, 1.01], "SX");
    let text = stdout(directory.path(), &["compare", "repeats"]);
    assert!(text.starts_with("repeats, 4 runs\n===============\n4 runs: score "), "{text}");
    assert!(text.contains("four times out of five"), "{text}");
    let markdown = stdout(directory.path(), &["compare", "-f", "markdown", "repeats"]);
    assert!(markdown.contains("| What | Mean | Unit |"), "{markdown}");
    let json: serde_json::Value =
        serde_json::from_str(&stdout(directory.path(), &["compare", "-f", "json", "repeats"])).unwrap();
    assert_eq!((&json["format"], &json["repeats"]["lines"][0]["name"]), (&"dfs-bench-repeats".into(), &"score".into()));
    let page = stdout(directory.path(), &["compare", "-f", "html", "-o", "-", "repeats"]);
    assert!(page.contains("<h3>Figures</h3>"), "{page}");
    let refused = dfs_bench(directory.path(), &["compare", "--fail-below", "5%", "repeats"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn the_last_night_is_judged_by_those_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let night = |number: usize, speed: f64| {
        let path = directory.path().join(format!("nights/2026.01.{number:02}-02.30.00"));
        Run { speed, ..Run::default() }.write(&path);
        let text = std::fs::read_to_string(path.join("result.txt")).unwrap();
        std::fs::write(path.join("result.txt"), text.replace("2026-01-02", &format!("2026-01-{number:02}"))).unwrap();
    };
    let gate = || {
        let arguments = ["compare", "--rolling", "5", "--fail-below", "5%", "--junit", "gate.xml", "--force", "nights"];
        let output = dfs_bench(directory.path(), &arguments);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    night(1, 0.5);
    assert_eq!(gate().0, Some(0), "the first night has nothing to be compared with");
    for (number, speed) in (2..).zip([1.0, 1.01, 0.99, 1.005, 0.995, 1.002]) {
        night(number, speed);
    }
    let (code, text) = gate();
    assert_eq!(code, Some(0), "{text}");
    // the slow first night is not among the five before the last one
    assert!(text.contains("A (baseline): the 5 runs before, 5 runs"), "{text}");
    assert!(text.contains("A drop of the score from "), "{text}");
    night(8, 0.8);
    let (code, text) = gate();
    assert_eq!(code, Some(6), "{text}");
    assert!(text.contains("Failed:\n- 2026.01.08-02.30.00: score \u{2212}2"), "{text}");
    let junit = std::fs::read_to_string(directory.path().join("gate.xml")).unwrap();
    assert!(junit.contains("<failure message=\"\u{2212}2"), "{junit}");
}

#[test]
fn a_headline_within_noise_is_grey() {
    let directory = tempfile::tempdir().unwrap();
    group(directory.path(), "before", &[1.0, 1.3, 0.8], "SX");
    group(directory.path(), "after", &[1.05, 1.2, 0.85], "SX");
    let page = stdout(directory.path(), &["compare", "-f", "html", "-o", "-", "before", "after"]);
    assert!(page.contains("<div class=\"grey\"><dt>Score</dt>"), "{page}");
    let text = stdout(directory.path(), &["compare", "before", "after"]);
    assert!(text.contains("(bandwidth \u{d7}"), "{text}");
    group(directory.path(), "faster", &[2.0, 2.01, 1.99], "SX");
    group(directory.path(), "slower", &[1.0, 1.01, 0.99], "SX");
    let page = stdout(directory.path(), &["compare", "-f", "html", "-o", "-", "slower", "faster"]);
    assert!(!page.contains("class=\"grey\""), "{page}");
}
