//! `dfs-bench history` over result directories as they lie on a disk: time order, what is left out, the gate for cron.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn dfs_bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dfs-bench")).args(words).stdin(Stdio::null()).output().unwrap()
}

/// A real result of this program, whose figures are then changed.
fn template(dir: &Path) -> Value {
    let results = dir.join("template");
    let output = dfs_bench(&[
        "--api",
        "null",
        "--phase",
        "ior-easy-write",
        "--stonewall",
        "1",
        "--set",
        "ior-easy.blockSize=64m",
        "--set",
        "global.timestamp-resultdir=FALSE",
        "--resultdir",
        results.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read(results.join("result.json")).unwrap();
    fs::remove_dir_all(&results).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Nightly runs: the rate of each, in a directory of its own.
fn nights(dir: &Path, template: &Value, factors: &[f64]) {
    for (night, factor) in factors.iter().enumerate() {
        let mut result = template.clone();
        let day = format!("2026-{:02}-{:02} 02:00:00", 1 + night / 28, 1 + night % 28);
        result["provenance"]["began"] = json!(day);
        result["score"] = Value::Null;
        let phase = &mut result["phases"][0];
        // the rate is the bytes over the window, and what else follows from both is left out
        for derived in ["stonewall", "parts", "spread", "series", "stability"] {
            phase[derived] = Value::Null;
        }
        let seconds = phase["window_s"].as_f64().unwrap() / factor;
        phase["window_s"] = json!(seconds);
        phase["rate"] = json!(phase["bytes"].as_f64().unwrap() / f64::from(1 << 30) / seconds);
        let at = dir.join(format!("2026/night-{night:02}/results"));
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("result.json"), serde_json::to_vec(&result).unwrap()).unwrap();
    }
}

/// One to two percent of scatter, the same every time.
fn scatter(night: usize) -> f64 {
    1.0 + 0.01 * ([3, 7, 1, 9, 4, 6, 0, 8, 2, 5][night * 7 % 10] as f64 - 4.5) / 4.5
}

#[test]
fn a_slower_night_fails_the_gate_and_a_steady_one_passes() {
    let dir = tempfile::tempdir().unwrap();
    let template = template(dir.path());
    let steady: Vec<f64> = (0..24).map(scatter).collect();
    nights(dir.path(), &template, &steady);
    let path = dir.path().to_str().unwrap();
    let output = dfs_bench(&["history", path, "--fail-below", "5"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("24 runs, 2026-01-01 02:00:00 to 2026-01-24 02:00:00"), "{text}");
    assert!(text.contains("The last run is as those before it."), "{text}");

    let mut slower = steady;
    slower.extend((24..27).map(|night| 0.88 * scatter(night)));
    nights(dir.path(), &template, &slower);
    let output = dfs_bench(&["history", path, "--fail-below", "5"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(
        text.contains("Since the run of 2026-01-25 02:00:00") && text.contains("below the 20 runs before"),
        "{text}"
    );
    let output = dfs_bench(&["history", path, "--fail-below", "20"]);
    assert!(output.status.success());
}

#[test]
fn findings_of_the_audit_that_came_with_a_slower_night_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let template = template(dir.path());
    let figures: Vec<f64> =
        (0..27).map(|night| if night < 24 { scatter(night) } else { 0.88 * scatter(night) }).collect();
    nights(dir.path(), &template, &figures);
    let finding = |rule: &str, severity: &str, found: &str| {
        json!({"rule": rule, "severity": severity, "device": "mlx5_0", "found": found, "expected": "another",
               "nodes": 1, "first_nodes": ["node17"]})
    };
    for night in 0..27 {
        let path = dir.path().join(format!("2026/night-{night:02}/results/result.json"));
        let mut result: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        // every night has one finding, a night before had the other one too, and one night of old was not looked at
        let mut findings = vec![finding("job.binding", "finding", "loose")];
        if night >= 24 {
            findings.push(finding("fabric.speed", "error", "100 Gbit/s"));
            findings.push(finding("cpu.load", "hint", "9"));
        }
        if night == 10 || night == 25 {
            findings.push(finding("memory.huge-pages", "finding", "none"));
        }
        result["provenance"]["audit"]["findings"] = if night == 12 { Value::Null } else { json!(findings) };
        fs::write(&path, serde_json::to_vec(&result).unwrap()).unwrap();
    }
    let output = dfs_bench(&["history", dir.path().to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = "What differed from then on: doctor's fabric.speed (mlx5_0): not found \u{2192} 100 Gbit/s.";
    assert!(text.contains(told), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_cannot_be_read_is_named_and_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let template = template(dir.path());
    nights(dir.path(), &template, &[1.0, 1.01, 0.99]);
    let broken = dir.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("result.json"), "{").unwrap();
    let output = dfs_bench(&["history", dir.path().to_str().unwrap(), "--format", "markdown"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("3 runs") && text.contains("Left out"), "{text}");
    let empty = tempfile::tempdir().unwrap();
    let output = dfs_bench(&["history", empty.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no run below"));
}

#[test]
fn published_runs_of_the_c_suite_have_a_history() {
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/submissions");
    if !runs.is_dir() {
        return eprintln!("skipped: {} is not there", runs.display());
    }
    let output = dfs_bench(&["history", runs.to_str().unwrap(), "--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let history: Value = serde_json::from_slice(&output.stdout).unwrap();
    let began: Vec<&str> =
        history["history"]["runs"].as_array().unwrap().iter().map(|run| run["began"].as_str().unwrap()).collect();
    assert!(began.len() > 50 && began.is_sorted(), "{} runs", began.len());
}
