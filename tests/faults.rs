//! What goes wrong in the middle: a store that fails on one rank, signals, a rank that is killed. The job ends, says why, and leaves
//! what it had.

mod common;

use common::{Outcome, Scene, finish, is_open_mpi, is_standin, rank_pids, run, signal, start, wait_for};
use serde_json::Value;

/// Phases that end at once, but for mdtest-easy-write: that goes on for five minutes if nothing stops it.
const LONG: &str = "[ior-easy]\ntransferSize = 64k\nblockSize = 256k\n[ior-hard]\nsegmentCount = 4\n";
const ARGUMENTS: [&str; 9] = [
    "long.ini",
    "--phase",
    "ior-easy-write,mdtest-easy-write",
    "--resultdir",
    "results",
    "--set",
    "global.timestamp-resultdir=FALSE",
    "--stonewall",
    "300",
];

/// Runs three ranks over the stand-in with a fault in it.
fn with_fault(fault: &str, more: &[&str]) -> Option<(Outcome, Value)> {
    let scene = Scene::new();
    let mut command = scene.ranks(3).filter(|_| is_standin())?;
    scene.write("long.ini", LONG);
    command.env("DAOS_STANDIN_FAULT", fault);
    let outcome = run(command, [&ARGUMENTS[..], &["--api", "dfs"], more].concat());
    let result = scene.result("results");
    Some((outcome, result))
}

#[track_caller]
fn assert_failed((outcome, result): (Outcome, Value), code: i32, error: &str, finished: &[&str]) {
    assert_eq!(outcome.code, Some(code), "{outcome:?}");
    let errors: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(errors.len(), 1, "{}", outcome.stderr);
    let text = errors[0];
    let parts: Vec<&str> = error.split("HOST").collect();
    assert!(text.starts_with(parts[0]) && text.ends_with(parts[1]), "{text}");
    assert_eq!(result["state"], "failed");
    assert!(text.ends_with(result["failure"].as_str().unwrap()), "{text} {}", result["failure"]);
    assert_eq!(phases(&result), finished);
}

fn phases(result: &Value) -> Vec<&str> {
    result["phases"].as_array().unwrap().iter().map(|phase| phase["phase"].as_str().unwrap()).collect()
}

#[test]
fn an_error_on_one_rank_ends_the_job_with_4_and_says_where() {
    // of 4 writes of a rank the third
    let Some(failed) = with_fault("write:3:EIO:1", &[]) else { return };
    let error =
        "error: rank 1 (HOST): ior-easy-write: write ior-easy/ior_file_easy.00000001: Input/output error (os error 5)";
    assert_failed(failed, 4, error, &[]);
}

#[test]
fn a_full_store_in_the_second_phase_leaves_the_first_one() {
    // a rank's file of ior-easy is its first create
    let Some(failed) = with_fault("create:101:ENOSPC:2", &[]) else { return };
    let error = "error: rank 2 (HOST): mdtest-easy-write: create mdtest-easy/test-dir.0-0/mdtest_tree.0.0/file.mdtest.2.99: \
                 No space left on device (os error 28)";
    assert!(failed.0.stderr.contains("hint: DER_NOSPACE: "), "{}", failed.0.stderr);
    assert_failed(failed, 4, error, &["ior-easy-write"]);
}

#[test]
fn of_all_ranks_that_fail_at_once_one_is_told() {
    let Some((outcome, result)) = with_fault("write:3+:EIO", &["--queue-depth", "2"]) else { return };
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert_eq!(outcome.stderr.matches("error: rank ").count(), 1, "{}", outcome.stderr);
    assert_eq!(result["state"], "failed");
}

#[test]
fn a_store_that_cannot_be_reached_is_4_and_nothing_is_made() {
    if !is_standin() {
        return;
    }
    let scene = Scene::new();
    let mut command = scene.direct();
    command.env("DAOS_STANDIN_FAULT", "connect:1:EHOSTUNREACH");
    let outcome = run(command, ["--api", "dfs", "--phase", "ior-easy-write", "--resultdir", "results"]);
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert_eq!(outcome.stderr.matches("error: ").count(), 1, "{}", outcome.stderr);
    assert!(!scene.path("results").exists());
}

/// Arguments of a run on the null backend whose second phase goes on for five minutes.
fn endless() -> Vec<&'static str> {
    [&ARGUMENTS[..], &["--api", "null", "--set", "mdtest-easy.n=1000000000000"]].concat()
}

/// Waits until the first phase is in `result.json` and the second one runs.
fn wait_for_second_phase(scene: &Scene) {
    let seen = wait_for(|| {
        let text = std::fs::read_to_string(scene.path("results/result.json")).ok()?;
        let result: Value = serde_json::from_str(&text).expect("the file is whole at any time");
        (phases(&result) == ["ior-easy-write"]).then_some(())
    });
    seen.expect("the first phase ends");
}

#[track_caller]
fn assert_interrupted(scene: &Scene, outcome: &Outcome, code: i32) {
    assert_eq!(outcome.code, Some(code), "{outcome:?}");
    let result = scene.result("results");
    assert_eq!(result["state"], "interrupted");
    assert_eq!(phases(&result), ["ior-easy-write"]);
    assert!(outcome.stderr.contains("interrupted"), "{}", outcome.stderr);
}

#[test]
fn signals_end_a_run_with_130_and_143() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let scene = Scene::new();
        scene.write("long.ini", LONG);
        let child = start(scene.direct(), &endless());
        wait_for_second_phase(&scene);
        signal(child.id(), name);
        assert_interrupted(&scene, &finish(child), code);
    }
}

#[test]
fn a_signal_to_one_rank_ends_all_with_its_code() {
    for (name, code, rank) in [("TERM", 143, 1), ("INT", 130, 0)] {
        let scene = Scene::new();
        let Some(command) = scene.ranks(3) else { return };
        scene.write("long.ini", LONG);
        let child = start(command, &endless());
        wait_for_second_phase(&scene);
        signal(rank_pids(child.id())[rank], name);
        let outcome = finish(child);
        // Hydra mixes in how the other ranks ended
        let code = if is_open_mpi() == Some(true) { code } else { outcome.code.filter(|&code| code != 0).unwrap() };
        assert_interrupted(&scene, &outcome, code);
    }
}

#[test]
fn a_signal_to_mpirun_leaves_an_interrupted_result() {
    for name in ["INT", "TERM"] {
        let scene = Scene::new();
        let Some(command) = scene.ranks(3) else { return };
        scene.write("long.ini", LONG);
        let child = start(command, &endless());
        wait_for_second_phase(&scene);
        signal(child.id(), name);
        let outcome = finish(child);
        assert_ne!(outcome.code, Some(0), "{outcome:?}");
        let result = scene.result("results");
        assert_eq!(phases(&result), ["ior-easy-write"]);
        assert_eq!(result["state"], "interrupted", "{outcome:?}");
    }
}

#[test]
fn a_killed_rank_ends_the_job_and_leaves_what_was_finished() {
    let scene = Scene::new();
    let Some(command) = scene.ranks(3) else { return };
    scene.write("long.ini", LONG);
    let child = start(command, &endless());
    wait_for_second_phase(&scene);
    std::thread::sleep(std::time::Duration::from_secs(2));
    signal(rank_pids(child.id())[2], "KILL");
    let outcome = finish(child);
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    let result = scene.result("results");
    assert_eq!(phases(&result), ["ior-easy-write"]);
    if is_open_mpi() == Some(true) {
        // which asks the other ranks to stop a second before it kills them
        assert_lost(&result, 2);
    }
    assert_ne!(result["state"], "finished");
    assert_eq!(scene.read("results/ior-easy.stonewall").trim(), "4");
    assert!(scene.read("results/result.txt").contains("[ior-easy-write]"));
}

#[test]
fn a_rank_that_hangs_in_the_store_does_not_keep_the_job() {
    let scene = Scene::new();
    let Some(mut command) = scene.ranks(1).filter(|_| is_standin()) else { return };
    scene.write("long.ini", LONG);
    command.env("DAOS_STANDIN_FAULT", "write:3:EIO:0");
    // rank 1 would come back from its third write in ten minutes
    let slow = ["env", "DAOS_STANDIN_DELAY_US=write:600000000:3", env!("CARGO_BIN_EXE_dfs-bench")];
    let dfs = [&ARGUMENTS[..], &["--api", "dfs"]].concat();
    let outcome = run(command, [&dfs[..], &[":", "-np", "1"], &slow, &dfs].concat());
    assert!(outcome.code.is_some_and(|code| code == 4 || (code != 0 && is_open_mpi() == Some(false))), "{outcome:?}");
    let error = "): ior-easy-write: write ior-easy/ior_file_easy.00000000: Input/output error (os error 5)";
    assert!(outcome.stderr.contains("error: rank 0 (") && outcome.stderr.contains(error), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("did not reach the barrier"), "{}", outcome.stderr);
    let result = scene.result("results");
    assert_eq!(result["state"], "failed");
    assert!(result["failure"].as_str().unwrap().ends_with(error), "{}", result["failure"]);
}

#[test]
fn the_result_tells_of_a_rank_that_hangs_and_is_not_rank_0() {
    let scene = Scene::new();
    let Some(mut command) = scene.ranks(1).filter(|_| is_standin()) else { return };
    scene.write("long.ini", LONG);
    // rank 1 would come back from its hundredth create in ten minutes, and rank 0 waits for it at the stonewall
    let slow = ["env", "DAOS_STANDIN_DELAY_US=create:600000000:100", env!("CARGO_BIN_EXE_dfs-bench")];
    let dfs = [&ARGUMENTS[..8], &["1", "--api", "dfs", "--timeout", "2"]].concat();
    command.args(&dfs).args([":", "-np", "1"]).args(slow);
    let outcome = run(command, dfs);
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    let result = scene.result("results");
    assert_eq!(result["state"], "failed", "{outcome:?}");
    let failure = result["failure"].as_str().unwrap();
    assert!(failure.starts_with("rank 1 (") && failure.contains("mdtest-easy-write: no progress for"), "{failure}");
    assert!(outcome.stderr.contains(failure), "{}", outcome.stderr);
    assert_eq!(phases(&result), ["ior-easy-write"]);
}

/// That a rank is named as lost, with its node, its phase and what it did last.
#[track_caller]
fn assert_lost(result: &Value, rank: usize) {
    assert_eq!(result["state"], "failed", "{result}");
    let failure = result["failure"].as_str().unwrap();
    let start = format!("rank {rank} (");
    assert!(failure.starts_with(&start) && failure.contains("): mdtest-easy-write: no heartbeat for "), "{failure}");
    assert!(failure.contains("; last state: ") && failure.contains("after create "), "{failure}");
    assert_eq!(phases(result), ["ior-easy-write"]);
}

#[test]
fn a_killed_rank_0_is_named_by_those_that_are_left() {
    let scene = Scene::new();
    let Some(command) = scene.ranks(3).filter(|_| is_open_mpi() == Some(true)) else { return };
    scene.write("long.ini", LONG);
    let child = start(command, &endless());
    wait_for_second_phase(&scene);
    std::thread::sleep(std::time::Duration::from_secs(2));
    signal(rank_pids(child.id())[0], "KILL");
    let outcome = finish(child);
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    assert_lost(&scene.result("results"), 0);
}

#[test]
fn survivors_end_by_themselves_where_the_launcher_does_not_notice() {
    for killed in [2, 0] {
        let scene = Scene::new();
        let Some(mut command) = scene.ranks(3).filter(|_| is_open_mpi() == Some(true)) else { return };
        // with this mpirun leaves the other ranks alone when one dies, as Slurm does
        command.env("OMPI_MCA_orte_enable_recovery", "1");
        scene.write("long.ini", LONG);
        let child = start(command, &[&endless()[..], &["--timeout", "4"]].concat());
        wait_for_second_phase(&scene);
        std::thread::sleep(std::time::Duration::from_secs(2));
        let begin = std::time::Instant::now();
        signal(rank_pids(child.id())[killed], "KILL");
        let outcome = finish(child);
        let seconds = begin.elapsed().as_secs_f64();
        assert!((2.0..20.0).contains(&seconds), "after {seconds} s: {outcome:?}");
        assert_lost(&scene.result("results"), killed);
        let failure = scene.result("results")["failure"].as_str().unwrap().to_owned();
        assert!(!failure.contains("signal"), "nobody asked them to stop: {failure}");
    }
}

#[test]
fn a_frozen_rank_ends_the_job_after_the_timeout_by_name() {
    for frozen in [2, 0] {
        let scene = Scene::new();
        let Some(command) = scene.ranks(3) else { return };
        scene.write("long.ini", LONG);
        let child = start(command, &[&endless()[..], &["--timeout", "4"]].concat());
        wait_for_second_phase(&scene);
        std::thread::sleep(std::time::Duration::from_secs(2));
        let pids = rank_pids(child.id());
        let begin = std::time::Instant::now();
        signal(pids[frozen], "STOP");
        // the launcher may wait for the frozen process, the others do not
        let ended = wait_for(|| {
            let lost = scene.path("results/result.json");
            let result: Value = serde_json::from_str(&std::fs::read_to_string(lost).ok()?).unwrap();
            (result["state"] == "failed").then_some(())
        });
        let seconds = begin.elapsed().as_secs_f64();
        signal(pids[frozen], "CONT");
        let outcome = finish(child);
        assert!(ended.is_some() && seconds < 15.0, "after {seconds} s: {outcome:?}");
        assert_ne!(outcome.code, Some(0), "{outcome:?}");
        assert_lost(&scene.result("results"), frozen);
        assert!(outcome.stderr.contains("no heartbeat"), "{}", outcome.stderr);
    }
}

#[test]
fn a_signal_that_is_repeated_at_once_is_the_same_request() {
    let scene = Scene::new();
    scene.write("long.ini", LONG);
    let child = start(scene.direct(), &endless());
    wait_for_second_phase(&scene);
    for _ in 0..3 {
        signal(child.id(), "TERM");
    }
    let outcome = finish(child);
    assert_interrupted(&scene, &outcome, 143);
    for words in [" resume results\n", " cleanup results\n", "finished: 1 of ", "the benchmark's files: "] {
        assert!(outcome.stderr.contains(words), "{words:?} is not in {}", outcome.stderr);
    }
}

#[test]
fn a_second_signal_after_seconds_ends_the_process_at_once_with_its_words() {
    let scene = Scene::new();
    // a script that nothing interrupts: the first request is not heard
    let script = scene.write("sleep.sh", "#!/bin/sh\ntrap '' TERM INT\nsleep 20 >/dev/null 2>&1\n");
    scene.write("long.ini", LONG);
    let command = format!("global.drop-caches-cmd=sh {}", script.display());
    let drop = ["--set", "global.drop-caches=TRUE", "--set", &command];
    let child = start(scene.direct(), &[&endless()[..], &drop].concat());
    wait_for(|| scene.path("results/result.json").exists().then_some(())).unwrap();
    let begin = std::time::Instant::now();
    signal(child.id(), "TERM");
    std::thread::sleep(std::time::Duration::from_millis(5500));
    signal(child.id(), "TERM");
    let outcome = finish(child);
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    let result = scene.result("results");
    assert_eq!(result["state"], "interrupted");
    assert_eq!(result["failure"], "ended at once by a second signal 15");
    assert!(outcome.stderr.contains("to continue: "), "{}", outcome.stderr);
}

#[test]
fn output_that_is_lost_does_not_lose_the_run() {
    let scene = Scene::new();
    scene.write("small.ini", common::SMALL);
    let arguments =
        ["small.ini", "--api", "null", "--resultdir", "results", "--set", "global.timestamp-resultdir=FALSE"];
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let full: &dyn Fn() -> std::process::Stdio = &|| full().into();
    let gone: &dyn Fn() -> std::process::Stdio = &|| closed().into();
    for (lost, stderr_too) in [(full, false), (full, true), (gone, false), (gone, true)] {
        let mut command = scene.direct();
        let stderr = if stderr_too { lost() } else { std::process::Stdio::piped() };
        let child = command.args(arguments).stdout(lost()).stderr(stderr).spawn().unwrap();
        let outcome = common::outcome(child.wait_with_output().unwrap());
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert_eq!(scene.result("results")["state"], "finished");
        let told = outcome.stderr.matches("some output could not be written").count();
        assert_eq!(told, usize::from(!stderr_too), "{}", outcome.stderr);
        std::fs::remove_dir_all(scene.path("results")).unwrap();
    }
    let mut list = scene.direct();
    list.args(["config", "list"]).stdout(closed()).stderr(std::process::Stdio::piped());
    let outcome = common::outcome(list.spawn().unwrap().wait_with_output().unwrap());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_result_file_that_may_not_grow_is_told_and_the_run_goes_on() {
    let scene = Scene::new();
    scene.write("small.ini", common::SMALL);
    // 48 blocks of 512 bytes: result.json grows beyond that, and SIGXFSZ would end the process
    let mut command = std::process::Command::new("sh");
    let script = "ulimit -f 48 && exec \"$0\" \"$@\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_dfs-bench")]).current_dir(scene.path(""));
    let dated = ["--resultdir", "results", "--set", "global.timestamp-resultdir=FALSE", "--timestamp", "t"];
    let outcome = run(command, [&["small.ini", "--api", "null"], &dated[..]].concat());
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert!(outcome.stdout.contains("[SCORE ]"), "{outcome:?}");
    let (when, end) = ("the run continues", "these files of the finished run are missing or outdated: ");
    assert!(outcome.stderr.contains(when) && outcome.stderr.contains(end), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("result.json"), "{}", outcome.stderr);
}
