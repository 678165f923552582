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
        assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
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
    assert!(doubts.contains("the rules require 300") && !doubts.contains("find "), "{doubts}");
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
    let expected = "invalidates a run: [debug] stonewall-time = 5 (--stonewall): the rules require 300 seconds\n";
    assert!(text.starts_with(expected), "{text}");
    let (code, _, error) = dfs_bench(&["config", "check", "--api", "MPIIO"]);
    assert_eq!(code, 2);
    assert!(error.contains("--api: the API MPIIO is not supported"), "{error}");
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
fn the_official_command_lines_have_the_official_answers() {
    let directory = tempfile::tempdir().unwrap();
    let ini = directory.path().join("c.ini");
    std::fs::write(&ini, "[global]\napi = POSIX\n").unwrap();
    let ini = ini.to_str().unwrap();
    let (_, hash, _) = dfs_bench(&["config", "hash", ini]);
    for line in [&[ini, "--config-hash"][..], &["--config-hash", ini], &[ini, "-v", "--config-hash", "--verbose=2"]] {
        let (code, output, _) = dfs_bench(line);
        assert_eq!((code, &output), (0, &hash), "{line:?}");
    }
    let (_, list, _) = dfs_bench(&["config", "list"]);
    for line in [&["--list"][..], &[ini, "--list"], &["-l", ini]] {
        assert_eq!(dfs_bench(line), (0, list.clone(), String::new()), "{line:?}");
    }
    // of several processes of a launcher one speaks
    let mut second = Command::new(env!("CARGO_BIN_EXE_dfs-bench"));
    let outcome = second.envs([("PMI_RANK", "1"), ("PMI_SIZE", "2")]).args([ini, "--config-hash"]).output().unwrap();
    assert_eq!((outcome.status.code(), outcome.stdout.len() + outcome.stderr.len()), (Some(0), 0));
    for run in reference_runs() {
        let (config, result) = (run.join("results/config.ini"), run.join("results/result.txt"));
        let (config, result) = (config.to_str().unwrap(), result.to_str().unwrap());
        let ours = dfs_bench(&["verify", result, config]);
        assert!(ours.1.contains("config hash     confirmed"), "{}", ours.1);
        let spellings: [&[&str]; 4] = [
            &["verify", config, result],
            &["verify", config, result, "2"],
            &[config, "--verify", result],
            &["-v", "--verify", config, "--mode=extended", result],
        ];
        for line in spellings {
            assert_eq!(dfs_bench(line), ours, "{line:?}");
        }
    }
}

#[test]
fn old_results_of_which_only_a_summary_is_left_are_read() {
    // in the form of the suite of scripts; the figures are those of its manual's example
    let scripts = "[Summary] Results files in /beegfs/io500/results\n\
        [RESULT] BW   phase 1            ior_easy_write                8.000 GB/s : time  58.27 seconds\n\
        [RESULT] BW   phase 2            ior_hard_write                0.500 GB/s : time 708.39 seconds\n\
        [RESULT] BW   phase 3             ior_easy_read                2.000 GB/s : time 204.18 seconds\n\
        [RESULT] BW   phase 4             ior_hard_read                2.000 GB/s : time 122.00 seconds\n\
        [RESULT] IOPS phase 1         mdtest_easy_write               16.000 kiops : time 333.32 seconds\n\
        [RESULT] IOPS phase 2         mdtest_hard_write                4.000 kiops : time 330.43 seconds\n\
        [RESULT] IOPS phase 3                      find              256.000 kiops : time  24.64 seconds\n\
        [RESULT] IOPS phase 4          mdtest_easy_stat               64.000 kiops : time  84.90 seconds\n\
        [RESULT] IOPS phase 5          mdtest_hard_stat                4.000 kiops : time 108.18 seconds\n\
        [RESULT] IOPS phase 6        mdtest_easy_delete               16.000 kiops : time 108.18 seconds\n\
        [RESULT] IOPS phase 7          mdtest_hard_read               16.000 kiops : time 108.18 seconds\n\
        [RESULT] IOPS phase 8        mdtest_hard_delete                4.000 kiops : time 108.18 seconds\n\
        [SCORE] Bandwidth 2 GB/s : IOPS 16 kiops : TOTAL 5.65685\n";
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(directory.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(directory.path().join(name), text).unwrap();
        path(name)
    };
    let log = write("slurm-1.out", &scripts.lines().map(|line| format!("0: {line}\n")).collect::<String>());
    let file = write("a/b/c/old/result_summary.txt", scripts);
    for result in [&path("a/b/c/old"), &file, &log] {
        let (code, text, error) = dfs_bench(&["verify", result]);
        assert_eq!(code, 0, "{text}{error}");
        for says in ["score           confirmed", "score hash      absent", "there is only a summary: no hashes"] {
            assert!(text.contains(says), "{says}: {text}");
        }
        let (code, text, error) = dfs_bench(&["report", "--format", "text", result]);
        assert_eq!(code, 0, "{error}");
        for says in ["mdtest-hard-delete", "58.27", "There is only a summary", "script-based suite"] {
            assert!(text.contains(says), "{says}: {text}");
        }
    }
    // as deep as the message of an empty directory says; a link to a run is no second one
    std::os::unix::fs::symlink("a/b/c/old", path("latest")).unwrap();
    let (_, json, _) = dfs_bench(&["report", "--format", "json", &path("")]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), 1);
    assert_eq!(dfs_bench(&["report", "--format", "text", &path("")]).0, 0);
    std::fs::create_dir(path("empty")).unwrap();
    let (code, _, error) = dfs_bench(&["report", &path("empty")]);
    assert!(code == 2 && error.contains("result_summary.txt") && error.contains("down to 4 levels"), "{error}");
    let (code, text, error) = dfs_bench(&["compare", "--force", &file, &log]);
    assert_eq!(code, 0, "{text}{error}");
    let false_score = write("false/result_summary.txt", &scripts.replace("TOTAL 5.65685", "TOTAL 6.65685"));
    let (code, text, _) = dfs_bench(&["verify", &false_score]);
    assert!(code == 5 && text.contains("SCORE is printed as 6.65685"), "{text}");
    let notes = write("notes.txt", "these are my notes\n");
    let (code, _, error) = dfs_bench(&["report", &notes]);
    assert!(code == 2 && error.contains("holds no line [RESULT]"), "{error}");
}

#[test]
fn the_console_output_of_the_c_suite_is_as_good_as_its_summary() {
    for run in reference_runs() {
        let log = run.join("stdout.txt");
        let (code, text, _) = dfs_bench(&["verify", log.to_str().unwrap()]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("score           confirmed") && text.contains("verdict         INVALID"), "{text}");
        let (code, shown, error) = dfs_bench(&["report", "--format", "json", log.to_str().unwrap()]);
        assert_eq!(code, 0, "{error}");
        let (_, whole, _) = dfs_bench(&["report", "--format", "json", run.join("results").to_str().unwrap()]);
        let [shown, whole]: [serde_json::Value; 2] = [shown, whole].map(|text| serde_json::from_str(&text).unwrap());
        let scores = |report: &serde_json::Value| report["runs"][0]["score"]["total"].clone();
        assert!(scores(&shown).is_number() && scores(&shown) == scores(&whole), "{}", run.display());
    }
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
