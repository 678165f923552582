//! One run over several invocations: what later ones keep, and what they move aside.

mod common;

use common::{Scene, assert_code, carried, run, small, walk};

#[test]
fn phases_can_be_spread_over_several_invocations() {
    let scene = Scene::new();
    let parts = [
        "write",
        "find,ior-easy-read,mdtest-easy-stat",
        "ior-hard-read,mdtest-hard-stat",
        "mdtest-hard-read",
        "delete",
    ];
    for phases in parts {
        let outcome = small(&scene, &["--phase", phases]);
        assert_code(&outcome, 0);
        assert!(!outcome.stderr.contains("verification"), "{phases}: {}", outcome.stderr);
    }
    let left = walk(&scene.path("data"));
    assert_eq!(left, ["ior-easy/ior_file_easy.00000000", "ior-hard/file", "mdtest-easy", "mdtest-hard"]);
    // with another timestamp the data is another one
    assert_code(&small(&scene, &["--phase", "ior-easy-read", "--timestamp", "u"]), 5);
}

#[test]
fn a_later_invocation_keeps_what_earlier_ones_found() {
    let scene = Scene::new();
    assert_code(&small(&scene, &["--phase", "write", "--queue-depth", "2"]), 0);
    let first = scene.result("results");
    assert_code(&small(&scene, &["--phase", "find,ior-easy-read"]), 0);
    let outcome = small(&scene, &["--phase", "read,stat,delete", "--set", "ior-rnd4K-easy-read.run=FALSE"]);
    assert_code(&outcome, 0);
    assert!(outcome.stderr.contains("carried over from the invocation of"), "{}", outcome.stderr);
    let result = scene.result("results");
    let expected = [
        ("ior-easy-write", 1),
        ("mdtest-easy-write", 1),
        ("timestamp", 1),
        ("ior-hard-write", 1),
        ("mdtest-hard-write", 1),
        ("find", 2),
        ("ior-easy-read", 3),
        ("mdtest-easy-stat", 3),
        ("ior-hard-read", 3),
        ("mdtest-hard-stat", 3),
        ("mdtest-easy-delete", 3),
        ("mdtest-hard-read", 3),
        ("mdtest-hard-delete", 3),
        ("ior-rnd4K-easy-read", 3),
    ];
    assert_eq!(carried(&result), expected.map(|(name, number)| (name.to_owned(), number)));
    assert_eq!(result["provenance"]["invocation"], 3);
    assert_eq!(result["phases"][0]["begin"], first["phases"][0]["begin"]);
    assert_eq!(result["earlier"][0]["began"], first["provenance"]["began"]);
    let reasons: Vec<&str> =
        result["strict"]["reasons"].as_array().unwrap().iter().map(|reason| reason["text"].as_str().unwrap()).collect();
    assert!(reasons.contains(&"phases come from 3 invocations"), "{reasons:?}");
    assert!(reasons.contains(&"invocation 1: departs from the rules: queue-depth 2"), "{reasons:?}");
    // the whole is judged: no phase is missing, and the score has all of them
    assert!(!reasons.contains(&"The phase did not run"), "{reasons:?}");
    assert!(result["score"]["total"].as_f64().unwrap() > 0.0);
    let text = scene.read("results/result.txt");
    let sections: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(sections.len(), 1 + 14 + 1, "{sections:?}");
    assert_eq!(scene.read("results/result_summary.txt").lines().count(), 1 + 14 + 1);
    for file in ["ior-easy-write.csv", "find.csv", "latency/latency.hlog", "latency/latency-3.hlog"] {
        assert!(scene.path("results").join(file).exists(), "{file}");
    }
    let verified = run(scene.direct(), ["verify", "results"]);
    assert!(verified.stdout.contains("score hash      confirmed"), "{}", verified.stdout);
}

#[test]
fn a_failure_before_the_first_phase_leaves_what_earlier_invocations_found() {
    let scene = Scene::new();
    assert_code(&small(&scene, &["--phase", "ior-easy-write,ior-hard-write"]), 0);
    let before: Vec<String> = ["json", "txt"].map(|kind| scene.read(&format!("results/result.{kind}"))).into();
    // the data directory holds files of that run
    assert_code(&small(&scene, &["--phase", "mdtest-easy-stat"]), 2);
    assert_eq!(["json", "txt"].map(|kind| scene.read(&format!("results/result.{kind}"))).to_vec(), before);
    // fails when the phases have begun, but before one is over
    let caches = ["--set", "global.drop-caches=TRUE", "--set", "global.drop-caches-cmd=mv data gone"];
    let outcome = small(&scene, &[&["--phase", "ior-easy"][..], &caches].concat());
    assert!(outcome.code != Some(0) && outcome.stderr.contains("No such file"), "{outcome:?}");
    let result = scene.result("results");
    assert_eq!(result["state"], "failed");
    assert_eq!(carried(&result), [("ior-easy-write".into(), 1), ("ior-hard-write".into(), 1)]);
}

#[test]
fn the_result_of_another_run_is_moved_aside() {
    let scene = Scene::new();
    assert_code(&small(&scene, &["--phase", "ior-easy-write"]), 0);
    let before = scene.read("results/result.json");
    let outcome = small(&scene, &["--phase", "ior-easy-write", "--timestamp", "u"]);
    assert_code(&outcome, 0);
    assert!(outcome.stderr.contains("timestamp t instead of u"), "{}", outcome.stderr);
    assert_eq!(scene.read("results/earlier-1/result.json"), before);
    assert!(scene.path("results/earlier-1/ior-easy-write.csv").exists());
    assert_eq!(carried(&scene.result("results")), [("ior-easy-write".into(), 1)]);
    let outcome =
        small(&scene, &["--phase", "ior-easy-read", "--timestamp", "u", "--set", "ior-easy.transferSize=128k"]);
    assert!(outcome.stderr.contains("another configuration"), "{}", outcome.stderr);
    assert_eq!(carried(&scene.result("results")), [("ior-easy-read".into(), 1)]);
    assert!(scene.path("results/earlier-2/result.json").exists());
}
