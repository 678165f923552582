//! The commands `config` and `verify` as a user sees them, over the C suite's reference runs.

use assert_cmd::Command;
use std::path::{Path, PathBuf};

fn dfs_bench(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dfs-bench"));
    let output = command.env_remove("DFS_BENCH_CONFIG").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The C suite's runs, if they are there.
fn reference_runs() -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return Vec::new();
    }
    let runs: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!runs.is_empty());
    runs
}

#[test]
fn hashes_of_configurations_are_those_that_the_c_suite_printed() {
    for run in reference_runs() {
        let result = std::fs::read_to_string(run.join("results/result.txt")).unwrap();
        let (code, hash, _) = dfs_bench(&["config", "hash", run.join("config.ini").to_str().unwrap()]);
        assert_eq!(code, 0);
        assert!(result.contains(&format!("config-hash     = {hash}")), "{}: {hash}", run.display());
    }
}

#[test]
fn results_verify_and_edited_ones_do_not() {
    for run in reference_runs() {
        let results = run.join("results");
        let (code, text, _) = dfs_bench(&["verify", results.to_str().unwrap()]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("score           confirmed"), "{text}");
        assert!(text.contains("score hash      confirmed"), "{text}");
        assert!(text.contains("config hash     confirmed"), "{text}");
        assert!(text.contains("verdict         INVALID"), "{text}");
        let (strict, ..) = dfs_bench(&["verify", "--strict", results.to_str().unwrap()]);
        assert_eq!(strict, 3);

        let edited = tempfile::tempdir().unwrap();
        let result = std::fs::read_to_string(results.join("result.txt")).unwrap();
        std::fs::write(edited.path().join("result.txt"), result.replace("MD              = ", "MD              = 1"))
            .unwrap();
        let config = results.join("config.ini");
        let path = edited.path().join("result.txt");
        let arguments = ["verify", "--format", "json", path.to_str().unwrap(), config.to_str().unwrap()];
        let (code, json, _) = dfs_bench(&arguments);
        assert_eq!(code, 5);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["score"]["finding"], "refuted");
        assert_eq!(json["score_hash"]["finding"], "refuted");
        assert_eq!(json["config_hash"]["finding"], "confirmed");
    }
}

#[test]
fn a_result_of_our_own_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let below = |name: &str| directory.path().join(name).display().to_string();
    let (data, results) = (below("data"), below("results"));
    let (code, _, error) = dfs_bench(&[
        "--api",
        "posix",
        "--datadir",
        &data,
        "--resultdir",
        &results,
        "--set",
        "global.timestamp-resultdir=FALSE",
        "--stonewall",
        "1",
        "--set",
        "ior-easy.blockSize=4m",
        "--set",
        "ior-hard.segmentCount=10",
        "--set",
        "mdtest-easy.n=20",
        "--set",
        "mdtest-hard.n=120",
    ]);
    assert_eq!(code, 0, "{error}");
    let (code, json, _) = dfs_bench(&["verify", "--format", "json", &results]);
    assert_eq!(code, 0, "{json}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for claim in ["score", "score_hash", "config_hash"] {
        assert_eq!(json[claim]["finding"], "confirmed", "{claim}: {json}");
    }
    // Short, but what was counted is what was written.
    let doubts = json["doubts"].to_string();
    assert!(doubts.contains("the rules demand 300") && !doubts.contains("find "), "{doubts}");
}

#[test]
fn a_mistake_ends_with_its_place_and_code_2() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("my.ini");
    std::fs::write(&path, "[ior-easy]\ntransfersiez = 2m\n").unwrap();
    for action in ["check", "show", "hash"] {
        let (code, output, error) = dfs_bench(&["config", action, path.to_str().unwrap()]);
        assert_eq!((code, output.as_str()), (2, ""));
        assert!(error.contains("my.ini:2:1: unknown option \"transfersiez\" in [ior-easy]"), "{error}");
        assert!(error.contains("did you mean transferSize?"), "{error}");
    }
    let (code, _, error) = dfs_bench(&["verify", directory.path().to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(error.contains("result.txt") && error.contains("hint: "), "{error}");
}

#[test]
fn check_says_what_would_make_the_run_invalid() {
    let (code, text, _) = dfs_bench(&["config", "check", "--api", "posix", "--stonewall", "5"]);
    assert_eq!(code, 0);
    let expected = "invalidates a run: [debug] stonewall-time = 5 (--stonewall): the rules demand 300 seconds\n";
    assert!(text.starts_with(expected), "{text}");
    let (code, _, error) = dfs_bench(&["config", "check", "--api", "MPIIO"]);
    assert_eq!(code, 2);
    assert!(error.contains("--api: the API MPIIO cannot be run here"), "{error}");
}

#[test]
fn show_tells_where_values_come_from() {
    let (_, text, _) =
        dfs_bench(&["config", "show", "--changed", "--set", "ior-easy.transferSize=4m", "--pool", "tank"]);
    assert!(text.contains("transferSize = 4m                        # --set\n"), "{text}");
    assert!(text.contains("pool = tank                              # --pool\n"), "{text}");
    assert!(text.contains("# ior-easy-write       DFS --dfs.pool=tank, from default\n"), "{text}");
}

#[test]
fn the_list_names_every_option_once() {
    let (_, text, _) = dfs_bench(&["config", "list"]);
    let (_, json, _) = dfs_bench(&["config", "list", "--format", "json"]);
    let options: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let assignments = text.lines().filter(|line| !line.starts_with('#') && line.contains(" = ")).count();
    assert_eq!(options.len(), assignments);
    assert!(options.iter().all(|option| option["help"].as_str().is_some_and(|help| help.ends_with('.'))));
}
