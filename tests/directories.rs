//! The directories of a run: clean-up, two runs at once, a run that was killed, permissions.

mod common;

use common::{Scene, assert_code, run, small, walk};

#[test]
fn clean_up_removes_what_is_ours_and_nothing_else() {
    let scene = Scene::new();
    assert_code(&small(&scene, &["--phase", "write"]), 0);
    scene.write("data/ior-easy/notes.txt", "mine");
    scene.write("data/mdtest-hard/test-dir.0-0/mdtest_tree.0/mine", "mine");
    let outcome = small(&scene, &["--cleanup"]);
    assert!(matches!(outcome.code, Some(0 | 5)), "{outcome:?}");
    assert_eq!(walk(&scene.path("data")), ["ior-easy/notes.txt", "mdtest-hard/test-dir.0-0/mdtest_tree.0/mine"]);
    // again: what is gone is gone
    let outcome = small(&scene, &["--cleanup"]);
    assert!(matches!(outcome.code, Some(0 | 5)), "{outcome:?}");
    assert_eq!(walk(&scene.path("data")).len(), 2);
}

#[test]
fn clean_up_honours_phase_and_a_write_phase_replaces_what_it_left() {
    let scene = Scene::new();
    assert_code(&small(&scene, &["--phase", "write"]), 0);
    // a run that was interrupted in mdtest-hard-write and is told to go on there
    let outcome = small(&scene, &["--phase", "mdtest-hard-write"]);
    assert_code(&outcome, 0);
    assert!(
        outcome.stderr.contains("12 files that earlier runs left in mdtest-hard are replaced"),
        "{}",
        outcome.stderr
    );
    assert_code(&small(&scene, &["--cleanup", "--phase", "mdtest-hard"]), 0);
    let left = walk(&scene.path("data"));
    assert!(left.iter().any(|path| path.starts_with("mdtest-easy/test-dir.0-0/")), "{left:?}");
    assert!(!left.iter().any(|path| path.starts_with("mdtest-hard")), "{left:?}");
    assert_code(&small(&scene, &["--phase", "ior-easy-read,mdtest-easy-stat"]), 0);
    assert_code(&small(&scene, &["--phase", "mdtest-hard-stat"]), 2);
    let outcome = small(&scene, &["--cleanup", "--phase", "find"]);
    assert_code(&outcome, 2);
    assert!(outcome.stderr.contains("leave no files"), "{}", outcome.stderr);
}

#[test]
fn clean_up_without_a_timestamp_lists_the_runs_that_are_there() {
    let scene = Scene::new();
    let arguments = ["small.ini", "--api", "posix", "--datadir", "data", "--resultdir", "results"];
    scene.write("small.ini", common::SMALL);
    let nothing = run(scene.direct(), [&arguments[..], &["--cleanup"]].concat());
    assert_code(&nothing, 2);
    assert!(nothing.stderr.contains("data holds no run with a timestamp"), "{}", nothing.stderr);
    for timestamp in ["2026.01.02-03.04.05", "2026.01.02-03.04.06"] {
        let part = ["--phase", "ior-easy-write", "--timestamp", timestamp];
        assert_code(&run(scene.direct(), [&arguments[..], &part].concat()), 0);
    }
    let before = walk(&scene.path("data"));
    let outcome = run(scene.direct(), [&arguments[..], &["--cleanup"]].concat());
    assert_code(&outcome, 2);
    assert!(outcome.stderr.contains("data holds the runs 2026.01.02-03.04.05, 2026.01.02-03.04.06"), "{outcome:?}");
    assert_eq!(walk(&scene.path("data")), before);
    // a store that is too small says what fills it, and does not keep the clean-up from emptying it
    let size = ["--set", "ior-easy.blockSize=1000000g", "--set", "ior-easy.transferSize=1000000g"];
    let huge = [&size[..], &["--phase", "ior-easy-write"]].concat();
    let outcome = run(scene.direct(), [&arguments[..], &huge].concat());
    assert_code(&outcome, 2);
    let named = "earlier runs left files in data: 2026.01.02-03.04.05, 2026.01.02-03.04.06; to remove one, run the same command with --cleanup";
    assert!(outcome.stderr.contains(" are free, ") && outcome.stderr.contains(named), "{}", outcome.stderr);
    let removed = ["--cleanup", "--timestamp", "2026.01.02-03.04.05"];
    assert_code(&run(scene.direct(), [&arguments[..], &huge, &removed].concat()), 0);
    assert!(!scene.path("data/2026.01.02-03.04.05").exists());
    assert!(scene.path("data/2026.01.02-03.04.06").exists());
}

#[test]
fn runs_of_the_same_second_do_not_share_a_directory() {
    let stores: &[&[&str]] = &[&["--api", "posix", "--datadir", "data"], &["--api", "dfs"]];
    for store in stores.iter().filter(|store| store[1] == "posix" || common::is_standin()) {
        for several in [false, true] {
            let scene = Scene::new();
            scene.write("small.ini", common::SMALL);
            let runs: Vec<_> = (0..4)
                .map(|number| {
                    let results = if several { format!("results-{number}") } else { "results".to_owned() };
                    let part = ["small.ini", "--phase", "ior-easy,mdtest-easy", "--resultdir", &results];
                    common::start(scene.direct(), &[&part[..], store].concat())
                })
                .collect();
            for child in runs {
                let outcome = common::finish(child);
                assert_code(&outcome, 0);
            }
            let finished: Vec<String> =
                walk(&scene.path("")).into_iter().filter(|path| path.ends_with("/result.json")).collect();
            assert_eq!(finished.len(), 4, "{finished:?}");
            let mut timestamps: Vec<String> = finished
                .iter()
                .map(|path| {
                    let result = scene.result(path.trim_end_matches("/result.json"));
                    assert_eq!(result["state"], "finished");
                    assert!(!result["strict"].to_string().contains("missing"), "{}", result["strict"]);
                    result["provenance"]["timestamp"].as_str().unwrap().to_owned()
                })
                .collect();
            timestamps.sort();
            timestamps.dedup();
            assert_eq!(timestamps.len(), 4, "each has a second of its own: {timestamps:?}");
            assert!(!walk(&scene.path("")).iter().any(|path| path.contains(".claim")), "claims are given up");
        }
    }
}

#[test]
fn a_run_that_goes_on_keeps_others_out_and_a_killed_one_does_not() {
    let scene = Scene::new();
    scene.write("long.ini", "[mdtest-easy]\nn = 1000000000000\n");
    let dated = ["--set", "global.timestamp-datadir=FALSE", "--set", "global.timestamp-resultdir=FALSE"];
    let long = ["long.ini", "--phase", "mdtest-easy-write", "--api", "posix", "--datadir", "data", "--timestamp", "t"];
    let mut child = common::start(scene.direct(), &[&long[..], &dated, &["--resultdir", "results"]].concat());
    common::wait_for(|| scene.path("results/result.json").exists().then_some(())).unwrap();
    for results in ["results", "others"] {
        let outcome = small(&scene, &["--phase", "ior-easy-write", "--resultdir", results]);
        assert_code(&outcome, 2);
        assert!(outcome.stderr.contains("in use by the run t (process "), "{}", outcome.stderr);
    }
    let outcome = small(&scene, &["--cleanup"]);
    assert_code(&outcome, 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let outcome = small(&scene, &["--phase", "ior-easy-write", "--resultdir", "others"]);
    assert_code(&outcome, 0);
    assert!(outcome.stderr.contains("was left by the run t (process "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("which is gone: taken over"), "{}", outcome.stderr);
    assert_code(&small(&scene, &["--cleanup"]), 0);
    assert!(!walk(&scene.path("")).iter().any(|path| path.contains(".claim")), "{:?}", walk(&scene.path("")));
}

#[test]
fn the_data_directory_is_its_owners_alone_and_results_are_as_the_umask_says() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    let command = |scene: &Scene| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "umask 027 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_dfs-bench")]);
        command.current_dir(scene.path(""));
        command
    };
    scene.write("small.ini", common::SMALL);
    let dated = ["--set", "global.timestamp-datadir=FALSE", "--set", "global.timestamp-resultdir=FALSE"];
    let part =
        ["small.ini", "--phase", "ior-easy-write", "--api", "posix", "--datadir", "a/data", "--resultdir", "b/results"];
    assert_code(&run(command(&scene), [&part[..], &dated].concat()), 0);
    let mode = |path: &str| std::fs::metadata(scene.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["a/data", "a/data/ior-easy"].map(mode), [0o700, 0o700]);
    assert_eq!(["b/results", "b/results/result.json"].map(mode), [0o750, 0o640]);
}

#[test]
fn a_whole_run_cleans_up_after_itself() {
    let scene = Scene::new();
    assert_code(&small(&scene, &[]), 0);
    let left = if scene.path("data").exists() { walk(&scene.path("data")) } else { Vec::new() };
    assert_eq!(left, [""; 0]);
    assert_eq!(scene.result("results")["state"], "finished");
}
