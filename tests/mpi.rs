//! The whole suite under mpirun: 1 to 5 ranks over the stand-in and on POSIX, and 16 processes on one store.

mod common;

use common::{SMALL, Scene, is_standin, run};

/// Runs the suite on so many ranks, checks what it says of itself, and has the result verified.
fn suite(ranks: usize, more: &[&str]) {
    let scene = Scene::new();
    let Some(command) = scene.ranks(ranks) else { return };
    scene.write("small.ini", SMALL);
    let dated = ["--set", "global.timestamp-datadir=FALSE", "--set", "global.timestamp-resultdir=FALSE"];
    let outcome = run(command, [&["small.ini", "--resultdir", "results"], &dated[..], more].concat());
    assert_eq!(outcome.code, Some(0), "{ranks} {more:?}: {outcome:?}");

    // one voice, whatever the number of ranks
    let scores = outcome.stdout.lines().filter(|line| line.starts_with("[SCORE ]")).count();
    assert_eq!(scores, 1, "{}", outcome.stdout);
    let result = scene.result("results");
    assert_eq!(result["state"], "finished");
    assert_eq!(result["provenance"]["ranks"], ranks);
    let phases = result["phases"].as_array().unwrap();
    assert!(phases.len() >= 13, "{}", phases.len());
    let per_rank = |name: &str| match name {
        "ior-easy-write" | "ior-easy-read" | "ior-hard-write" | "ior-hard-read" => Some(4),
        name if name.starts_with("mdtest-easy") => Some(6),
        name if name.starts_with("mdtest-hard") => Some(12),
        _ => None,
    };
    for phase in phases {
        let name = phase["phase"].as_str().unwrap();
        if let Some(operations) = per_rank(name) {
            assert_eq!(phase["operations"], operations * ranks as u64, "{name}");
            let check = &phase["check"];
            for fault in ["wrong", "short", "missing", "unexpected"] {
                assert_eq!(check[fault], 0, "{name}: {check}");
            }
        }
        if name == "find" {
            let files = ranks as u64 * (6 + 12) + ranks as u64 + 1;
            assert_eq!((&phase["find"]["total"], &phase["find"]["expected_total"]), (&files.into(), &files.into()));
            assert_eq!(phase["find"]["found"], phase["find"]["expected_found"]);
        }
    }
    let csv = scene.read("results/ior-hard-write.csv");
    assert_eq!(csv.lines().count(), 1 + ranks, "{csv}");

    let verified = run(scene.direct(), ["verify", "results"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    for confirmed in ["score           confirmed", "score hash      confirmed", "config hash     confirmed"] {
        assert!(verified.stdout.contains(confirmed), "{}", verified.stdout);
    }
}

/// The random reads last a second each time; once for each store is enough.
const NO_RANDOM: [&str; 2] = ["--set", "ior-rnd4K-easy-read.run=FALSE"];
const DFS: [&str; 2] = ["--api", "dfs"];
const POSIX: [&str; 4] = ["--api", "posix", "--datadir", "data"];

#[test]
fn one_to_five_ranks_over_dfs() {
    if is_standin() {
        suite(3, &DFS);
        [1, 2, 4, 5].into_iter().for_each(|ranks| suite(ranks, &[DFS, NO_RANDOM].concat()));
    }
}

#[test]
fn one_to_five_ranks_on_posix() {
    suite(2, &POSIX);
    [1, 3, 4, 5].into_iter().for_each(|ranks| suite(ranks, &[&POSIX[..], &NO_RANDOM].concat()));
}

#[test]
fn sixteen_processes_on_one_store() {
    if is_standin() {
        suite(16, &DFS);
    }
}

#[test]
fn transfers_in_flight_under_mpirun() {
    if is_standin() {
        suite(3, &[DFS, NO_RANDOM, ["--queue-depth", "7"]].concat());
    }
    suite(2, &[&POSIX[..], &NO_RANDOM, &["--queue-depth", "4"]].concat());
}

#[test]
fn a_mistake_is_said_once_and_every_rank_ends_with_2() {
    let scene = Scene::new();
    let Some(command) = scene.ranks(3) else { return };
    let outcome = run(command, ["--api", "posix", "--phase", "ior-esay-write"]);
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    let errors = outcome.stderr.lines().filter(|line| line.starts_with("error:")).count();
    assert_eq!(errors, 1, "{}", outcome.stderr);
    assert_eq!(scene.entries(), [""; 0]);
}
