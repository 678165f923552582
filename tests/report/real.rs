//! Facts about real runs: published DAOS runs with per-rank files, small runs of the C suite, and submissions.

use crate::fixture::{dfs_bench, shared, stdout};
use serde_json::Value;
use std::path::Path;

fn json(arguments: &[&Path]) -> Value {
    let mut all = vec!["report", "-f", "json"];
    all.extend(arguments.iter().map(|path| path.to_str().unwrap()));
    serde_json::from_str(&stdout(Path::new("."), &all)).unwrap()
}

/// What all ranks did, divided by the time, is the rate that the suite printed: the per-rank files are read as they are meant.
#[test]
fn per_rank_figures_add_up_to_the_rates() {
    let directories: Vec<_> = ["full-runs", "reference"].into_iter().filter_map(shared).collect();
    if directories.is_empty() {
        return;
    }
    let report = json(&directories.iter().map(|path| path.as_path()).collect::<Vec<_>>());
    let mut checked = 0;
    for run in report["runs"].as_array().unwrap() {
        for phase in run["phases"].as_array().unwrap() {
            let ranks = phase["ranks"].as_array().unwrap();
            if ranks.is_empty() {
                continue;
            }
            let name = format!("{} {}", run["label"], phase["id"]);
            assert_eq!(ranks.len() as u64, run["ranks"].as_u64().unwrap(), "{name}");
            let sum = |field: &str| ranks.iter().filter_map(|rank| rank[field].as_f64()).sum::<f64>();
            let seconds = phase["seconds"].as_f64().unwrap();
            let computed = match phase["unit"].as_str() {
                Some("GiB/s") => sum("bytes") / (1u64 << 30) as f64 / seconds,
                _ => sum("operations") / seconds / 1000.0,
            };
            let rate = phase["rate"].as_f64().unwrap();
            // tiny runs take the span over all ranks, their files each rank's own; full ones are close
            let tolerance = if seconds > 10.0 { 2e-3 } else { 0.2 };
            assert!((computed / rate - 1.0).abs() < tolerance, "{name}: {computed} is not {rate}");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn the_run_of_1280_ranks() {
    let Some(runs) = shared("full-runs") else { return };
    let directory = runs.join("daos-hpe-dl320-1280-ranks");
    let report = json(&[&directory]);
    let run = &report["runs"][0];
    assert_eq!((run["ranks"].as_u64(), run["nodes"].as_u64()), (Some(1280), Some(10)));
    assert_eq!(run["verdicts"][0]["valid"], true);
    let phase =
        |name: &str| run["phases"].as_array().unwrap().iter().find(|phase| phase["id"] == name).unwrap().clone();
    let hard = phase("ior-hard-write");
    let slowest = &hard["stragglers"]["slowest"][0];
    assert_eq!((slowest["rank"].as_u64(), slowest["host"].as_str()), (Some(982), Some("node 7")));
    assert!((hard["stonewall"]["after_share"].as_f64().unwrap() - 0.1432).abs() < 1e-3);
    // reads are timed after a barrier: nobody must be blamed
    assert_eq!(phase("ior-easy-read")["stragglers"]["tellable"], false);
    assert!(run["score"]["without_wear_out"].is_null(), "the C suite does not tell it from sync and close");
    let without = run["score"]["at_stonewall"]["total"].as_f64().unwrap();
    assert!((without - 383.35).abs() < 0.01, "{without}");
    let said = |of: &Value| {
        let sentences = of["diagnosis"].as_array().unwrap();
        sentences.iter().map(|sentence| sentence["words"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert!(said(run).starts_with("The phases took 2 h 42 min: find 49.9 %, "), "{}", said(run));
    assert!(said(&hard).starts_with("14.3 % of the time came after the stonewall"), "{}", said(&hard));
    assert!(!said(&phase("ior-easy-read")).contains("Rank"), "{}", said(&phase("ior-easy-read")));
    let missing = run["missing"].to_string();
    assert!(missing.contains("latency") && missing.contains("time series"), "{missing}");
    let page = stdout(Path::new("."), &["report", "-o", "-", directory.to_str().unwrap()]);
    assert!(page.len() < 400_000, "the page has {} bytes", page.len());
}

#[test]
fn what_erasure_coding_costs() {
    let Some(runs) = shared("full-runs") else { return };
    let coded = runs.join("daos-lrz-10-nodes-erasure-coded");
    let plain = runs.join("daos-lrz-10-nodes");
    let paths = [coded.to_str().unwrap(), plain.to_str().unwrap()];
    let text = stdout(Path::new("."), &["compare", paths[0], paths[1]]);
    let headline = "Bandwidth \u{d7}1.27, IOPS \u{d7}2.00, score \u{d7}1.59, best phase (mdtest-easy-write) \u{d7}4.66";
    assert!(text.contains(headline), "{text}");
    assert!(text.contains("one run each, so noise cannot be told from change"), "{text}");
    for class in ["EC_16P1GX", "RP_2GX", "transfer size"] {
        assert!(text.contains(class), "{text}");
    }
    let worse = dfs_bench(Path::new("."), &["compare", "--fail-below", "5%", paths[1], paths[0]]);
    assert_eq!(worse.status.code(), Some(6));
    let better = dfs_bench(Path::new("."), &["compare", "--fail-below", "5%", paths[0], paths[1]]);
    assert_eq!(better.status.code(), Some(0));
}

#[test]
fn runs_of_different_size_are_compared_with_a_warning() {
    let Some(runs) = shared("full-runs") else { return };
    let paths = ["daos-lrz-10-nodes", "daos-hpe-dl320-1280-ranks"].map(|name| runs.join(name));
    let text = stdout(Path::new("."), &["compare", paths[0].to_str().unwrap(), paths[1].to_str().unwrap()]);
    assert!(text.contains("- ranks differ: 1120 in daos-lrz-10-nodes, 1280 in daos-hpe-dl320-1280-ranks"), "{text}");
    assert!(text.contains("version differs"), "{text}");
}

#[test]
fn every_submission_can_be_reported() {
    let Some(submissions) = shared("submissions") else { return };
    let report = json(&[&submissions]);
    let runs = report["runs"].as_array().unwrap();
    let directories = std::fs::read_dir(&submissions).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(runs.len(), directories.count());
    for run in runs {
        let phases = run["phases"].as_array().unwrap();
        assert!(phases.iter().filter(|phase| phase["scored"] == true).count() >= 12, "{}", run["label"]);
        assert!(run["missing"].to_string().contains("no per-rank figures"), "{}", run["label"]);
        let diagnosis = phases.iter().chain([run]).map(|of| of["diagnosis"].to_string()).collect::<String>();
        // the submissions have no per-rank figures: nobody can be blamed
        let nonsense = ["NaN", " inf ", "Rank "].into_iter().find(|word| diagnosis.contains(word));
        assert_eq!(nonsense, None, "{}: {diagnosis}", run["label"]);
    }
    let html = stdout(Path::new("."), &["report", "-o", "-", submissions.to_str().unwrap()]);
    assert!(html.ends_with("</html>\n") || html.ends_with("</html>"));
}
