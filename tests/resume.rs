//! Runs by their result directories: going on, cleaning up, and what lists them.

mod common;

use common::{Outcome, SMALL, Scene, assert_code, finish, run, signal, start, wait_for, walk};
use serde_json::Value;

/// The options of a run that waits before mdtest-hard-write, on relative directories.
fn paused(api: &str) -> Vec<&str> {
    let datadir = if api == "posix" { "--datadir=data" } else { "--datadir=/bench" };
    vec!["small.ini", "--api", api, datadir, "--set", "debug.pause-dir=pause"]
}

/// Starts such a run, interrupts it where it waits, and lets the next one pass. Its result directory, and how it ended.
fn interrupted(scene: &Scene, api: &str) -> (String, Outcome) {
    scene.write("small.ini", SMALL);
    let file = scene.write("pause/mdtest-hard-write", "");
    let child = start(scene.direct(), &[&paused(api)[..], &["--exit-code-file", "code"]].concat());
    let found = wait_for(|| {
        let runs = std::fs::read_dir(scene.path("results")).ok()?;
        runs.flatten().find_map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let text = std::fs::read_to_string(entry.path().join("result.json")).ok()?;
            let result: Value = serde_json::from_str(&text).unwrap();
            let last = result["phases"].as_array().unwrap().last()?["phase"].clone();
            (last == "ior-hard-write").then_some(name)
        })
    });
    let name = found.expect("the run comes to its pause");
    signal(child.id(), "INT");
    let outcome = finish(child);
    std::fs::remove_file(file).unwrap();
    (name, outcome)
}

#[test]
fn an_interrupted_run_says_how_to_go_on_and_does() {
    for api in ["posix", "dfs"] {
        let scene = Scene::new();
        if api == "dfs" && !common::is_standin() {
            return;
        }
        let (name, outcome) = interrupted(&scene, api);
        assert_code(&outcome, 130);
        assert_eq!(scene.read("code"), "130\n");
        let dir = format!("results/{name}");
        for words in [
            "finished: 4 of 14 phases: ior-easy-write, mdtest-easy-write, timestamp, ior-hard-write\n",
            &format!(" resume ./{dir}\n"),
            &format!(" cleanup ./{dir}\n"),
        ] {
            assert!(outcome.stderr.contains(words), "{words:?} is not in {}", outcome.stderr);
        }
        let listed = run(scene.direct(), ["runs", "--format", "json"]);
        assert_code(&listed, 0);
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!((&listed[0]["state"], &listed[0]["phases_done"]), (&"interrupted".into(), &4.into()), "{listed}");
        // ior-easy and ior-hard have a file each, mdtest-easy six
        assert_eq!(
            (&listed[0]["left"]["files"], &listed[0]["left"]["complete"]),
            (&8.into(), &true.into()),
            "{listed}"
        );
        assert!(listed[0]["left"]["bytes"].as_u64().unwrap() >= 256 << 10, "{listed}");
        // the command works from any directory
        let elsewhere = |arguments: &[&str]| {
            let mut command = scene.direct();
            std::fs::create_dir_all(scene.path("elsewhere")).unwrap();
            command.current_dir(scene.path("elsewhere"));
            run(command, arguments)
        };
        let there = format!("../{dir}");
        let dry = elsewhere(&["resume", &there, "--dry-run"]);
        assert_code(&dry, 0);
        assert!(dry.stdout.contains("mdtest-hard-write") && !dry.stdout.contains("ior-hard-write"), "{dry:?}");
        let outcome = elsewhere(&["resume", &there]);
        assert_code(&outcome, 0);
        let result = scene.result(&dir);
        assert_eq!((&result["state"], result["phases"].as_array().unwrap().len()), (&"finished".into(), 14));
        assert_eq!(result["provenance"]["invocation"], 2);
        assert!(result["score"]["total"].as_f64().unwrap() > 0.0, "{}", result["score"]);
        assert!(walk(&scene.path("elsewhere")).iter().all(String::is_empty), "{:?}", walk(&scene.path("elsewhere")));
        // the run was one of all phases: its files go at its end, as they would have
        let listed = run(scene.direct(), ["runs"]);
        let row = listed.stdout.lines().find(|line| line.contains(&name)).unwrap();
        assert!(row.contains("finished") && row.contains("14/14") && row.contains("none"), "{}", listed.stdout);
        let again = run(scene.direct(), ["resume", &dir]);
        assert_code(&again, 2);
        assert!(again.stderr.contains("nothing is left to do"), "{}", again.stderr);
    }
}

#[test]
fn what_an_interrupted_delete_had_removed_replaces_no_figure_and_fails_nothing() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let written = ["small.ini", "--api", "posix", "--datadir", "data", "--phase", "mdtest-easy-write"];
    let fixed = ["--set", "global.timestamp-resultdir=FALSE", "--resultdir", "r"];
    assert_code(&run(scene.direct(), [&written[..], &fixed].concat()), 0);
    // as if the delete phase had been interrupted after two files
    let mut result = scene.result("r");
    result["provenance"]["asked_for"] = serde_json::json!(["mdtest-easy-write", "mdtest-easy-delete"]);
    result["state"] = "interrupted".into();
    scene.write("r/result.json", result.to_string());
    let files: Vec<String> =
        walk(&scene.path("data")).into_iter().filter(|path| path.contains("file.mdtest.")).collect();
    for file in &files[..2] {
        std::fs::remove_file(scene.path("data").join(file)).unwrap();
    }
    let outcome = run(scene.direct(), ["resume", "r"]);
    assert_code(&outcome, 0);
    assert!(outcome.stderr.contains("mdtest-easy-delete may have been interrupted"), "{}", outcome.stderr);
    let after = scene.result("r");
    assert_eq!(after["phases"][0], result["phases"][0], "the write phase keeps its figures");
    assert_eq!(after["phases"][1]["check"]["missing"], 2, "{}", after["phases"][1]);
    assert_eq!(after["strict"]["valid"], false);
    assert!(after["strict"]["reasons"].to_string().contains("2 missing"), "{}", after["strict"]);
    assert!(!walk(&scene.path("data")).iter().any(|path| path.contains("file.mdtest.")));
}

#[test]
fn what_cannot_be_gone_on_with_is_refused_before_anything_is_touched() {
    let scene = Scene::new();
    let (name, _) = interrupted(&scene, "posix");
    let dir = format!("results/{name}");
    let before = scene.entries();
    if let Some(two) = scene.ranks(2) {
        let outcome = run(two, ["resume", &dir]);
        assert_code(&outcome, 2);
        assert!(outcome.stderr.contains("the run has 1 rank") && outcome.stderr.contains(&dir), "{}", outcome.stderr);
    }
    let refused = |directory: &str, words: &str| {
        let outcome = run(scene.direct(), ["resume", directory]);
        assert_code(&outcome, 2);
        assert!(outcome.stderr.contains(words), "{words:?} is not in {}", outcome.stderr);
    };
    refused("pause", "there is no result.json");
    refused("nowhere", "No such file");
    std::fs::rename(scene.path("results"), scene.path("moved")).unwrap();
    refused(&format!("moved/{name}"), "it was moved or copied");
    std::fs::rename(scene.path("moved"), scene.path("results")).unwrap();
    let file = scene.path(&format!("{dir}/config-orig.ini"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("n = 6", "n = 7")).unwrap();
    refused(&dir, "[mdtest-easy] n is 7");
    std::fs::write(&file, text).unwrap();
    assert_eq!(scene.entries(), before);
}

#[test]
fn a_run_is_cleaned_up_by_its_directory_and_its_results_stay() {
    let scene = Scene::new();
    let (name, _) = interrupted(&scene, "posix");
    let dir = format!("results/{name}");
    let kept = scene.read(&format!("{dir}/result.json"));
    let part = run(scene.direct(), ["cleanup", &dir, "--phase", "mdtest-easy"]);
    assert_code(&part, 0);
    assert!(part.stderr.contains("removed 6 files"), "{}", part.stderr);
    assert_code(&run(scene.direct(), ["cleanup", &dir]), 0);
    assert!(!scene.path(&format!("data/{name}")).exists());
    assert_eq!(scene.read(&format!("{dir}/result.json")), kept);
    // again: nothing is there, and nothing is made
    assert_code(&run(scene.direct(), ["cleanup", &dir]), 0);
    assert!(!scene.path(&format!("data/{name}")).exists());
}
