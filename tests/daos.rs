//! What a run does with its store besides the phases: containers made and removed, several paths compared, a store that hangs.
//!
//! On the stand-in these run everywhere; on a real DAOS where `DFS_TEST_POOL` names a pool.

mod common;

use common::{SMALL, Scene, is_standin, run};
use serde_json::Value;

/// The arguments that name the pool; none, with a line that says so, where a real DAOS has none to test in.
fn pool() -> Option<Vec<String>> {
    match std::env::var("DFS_TEST_POOL") {
        Ok(pool) => Some(vec!["--pool".into(), pool]),
        Err(_) if is_standin() => Some(Vec::new()),
        Err(_) => {
            eprintln!("skipped: a real DAOS needs a pool, named by DFS_TEST_POOL");
            None
        }
    }
}

/// A container name that no other test uses.
fn label(test: &str) -> String {
    format!("dfs-bench-test-{test}-{}", std::process::id())
}

fn fact<'a>(result: &'a Value, name: &str) -> Option<&'a str> {
    let facts = result["provenance"]["stores"][0][1]["facts"].as_array()?;
    facts.iter().find(|fact| fact[0] == name).and_then(|fact| fact[1].as_str())
}

#[test]
fn a_container_is_made_for_a_run_and_removed_after_it() {
    let (scene, Some(pool)) = (Scene::new(), pool()) else { return };
    let Some(ranks) = scene.ranks(2) else { return };
    scene.write("small.ini", SMALL);
    let (label, text) = (label("made"), |text: &str| text.to_owned());
    let store = [pool, vec![text("--api"), text("dfs"), text("--cont"), label]].concat();
    let made = ["small.ini", "--destroy", "--cont-properties", "rd_fac:0", "--oclass", "S1", "--chunk-size", "2m"];
    let more = ["--resultdir", "results", "--set", "global.timestamp-resultdir=FALSE"];
    let outcome = run(ranks, [&made.map(text)[..], &more.map(text), &store].concat());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let result = scene.result("results");
    assert_eq!(fact(&result, "container made by this run"), Some("yes"));
    let phases = result["phases"].as_array().unwrap();
    let phase = |name: &str| phases.iter().find(|phase| phase["phase"] == name).unwrap();
    for name in ["ior-easy-write", "ior-hard-write", "mdtest-easy-write", "mdtest-hard-write"] {
        let layout = &phase(name)["layout"];
        assert_eq!(
            (layout["object_class"].as_str(), layout["chunk_size"].as_u64()),
            (Some("S1"), Some(2 << 20)),
            "{name}"
        );
    }
    assert_eq!(phase("find")["find"]["found"], phase("find")["find"]["expected_found"]);
    assert_eq!(result["provenance"]["pools_after"].as_array().unwrap().len(), 1);

    // gone, and a run that only reads does not make it again
    let reading = [text("small.ini"), text("--phase"), text("find")];
    let outcome = run(scene.direct(), [&reading[..], &more.map(text), &store].concat());
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("container dfs-bench-test-made-"), "{}", outcome.stderr);
}

#[test]
fn a_refused_plan_leaves_no_container_behind() {
    let (scene, Some(pool)) = (Scene::new(), pool()) else { return };
    scene.write("small.ini", SMALL);
    let text = |text: &str| text.to_owned();
    let store = [pool, vec![text("--api"), text("dfs"), text("--cont"), label("refused")]].concat();
    // no pool that tests run in has so many engines
    let impossible = ["small.ini", "--oclass", "EC_16P3G1", "--resultdir", "r"].map(text);
    let mut command = scene.direct();
    command.env("DAOS_STANDIN_ENGINES", "4");
    let outcome = run(command, [&impossible[..], &store].concat());
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("object class EC_16P3G1 needs 19 engines"), "{}", outcome.stderr);
    scene.write("earlier/timestampfile", "");
    let fixed = "global.timestamp-resultdir=FALSE";
    let reading = ["small.ini", "--phase", "find", "--resultdir", "earlier", "--set", fixed].map(text);
    let outcome = run(scene.direct(), [&reading[..], &store].concat());
    assert!(outcome.code == Some(2) && outcome.stderr.contains("a run that writes creates it"), "{outcome:?}");
    assert!(!scene.path("r").exists());
}

#[test]
fn several_paths_are_run_and_compared() {
    let (scene, Some(pool)) = (Scene::new(), pool()) else { return };
    scene.write("small.ini", SMALL);
    let mounted = format!("dfs,mounted={}", scene.path("fs").display());
    let label = label("paths");
    let arguments =
        ["small.ini", "--api", "dfs", "--cont", &label, "--destroy", "--paths", &mounted, "--resultdir", "r"];
    let fixed = ["--set", "global.timestamp-resultdir=FALSE"];
    let all = [&arguments[..], &fixed].concat().into_iter().map(str::to_owned).chain(pool);
    let outcome = run(scene.direct(), all);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("mounted against dfs"), "{}", outcome.stdout);
    let comparison: Value = serde_json::from_str(&scene.read("r/comparison.json")).unwrap();
    let lines = comparison["comparison"]["versus"][0]["lines"].as_array().unwrap();
    for name in ["score", "ior-easy-write", "find", "mdtest-hard-delete"] {
        let line = lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("no {name}"));
        let values = ["a", "b"].map(|side| line[side]["mean"].as_f64().unwrap());
        assert!((line["ratio"].as_f64().unwrap() / (values[1] / values[0]) - 1.0).abs() < 1e-9, "{line}");
    }
    assert_eq!(scene.result("r/dfs")["provenance"]["stores"][0][1]["api"], "DFS");
    assert_eq!(scene.result("r/mounted")["provenance"]["stores"][0][1]["api"], "POSIX");
    assert!(scene.read("r/comparison.txt").contains("it is unknown whether mounted leads to the container of dfs"));
    // below the mount nothing is left of the run, neither the path's directory nor the timestamp's above it
    assert_eq!(common::walk(&scene.path("fs")), ["datafiles"]);
}

#[test]
fn each_phase_connects_anew_where_that_is_asked_for() {
    let (scene, Some(pool)) = (Scene::new(), pool()) else { return };
    let Some(ranks) = scene.ranks(2) else { return };
    scene.write("small.ini", SMALL);
    let text = |text: &str| text.to_owned();
    let store =
        [pool, vec![text("--api"), text("dfs"), text("--cont"), label("connection"), text("--destroy")]].concat();
    let run_with = |command, connection: &str| {
        let arguments = ["small.ini", "--connection", connection, "--resultdir", connection];
        let fixed = ["--set", "global.timestamp-resultdir=FALSE"];
        run(command, [&arguments.map(text)[..], &fixed.map(text), &store].concat())
    };
    let outcome = run_with(ranks, "phase");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(run_with(scene.direct(), "run").code, Some(0));
    let since = |results: &str| -> Vec<f64> {
        let result = scene.result(results);
        let phases = result["phases"].as_array().unwrap().iter().filter(|phase| phase["phase"] != "timestamp");
        phases.map(|phase| phase["since_connecting_s"].as_f64().unwrap()).collect()
    };
    // one connection gets older and older, a new one is always young
    assert!(since("run").is_sorted());
    let (oldest, last) = (since("run")[12], *since("phase").last().unwrap());
    assert!(last < oldest || oldest < 0.05, "{:?} {:?}", since("run"), since("phase"));
    let settings = scene.result("phase")["provenance"]["settings"].clone();
    let recorded = settings.as_array().unwrap().iter().find(|setting| setting["option"] == "connection").unwrap();
    assert_eq!(recorded["value"], "phase");
    // the container is removed after the run, although the run that made it has connected anew since
    let reading = [&["small.ini", "--phase", "find", "--resultdir", "x"].map(text)[..], &store].concat();
    assert_eq!(run(scene.direct(), reading).code, Some(2));
    if is_standin() {
        // a connection that fails later ends the run with its finished phases
        let mut command = scene.direct();
        command.env("DAOS_STANDIN_FAULT", "connect:9:EIO");
        let outcome = run_with(command, "phase");
        assert_eq!(outcome.code, Some(4), "{outcome:?}");
        let result = scene.result("phase");
        assert_eq!(result["state"], "failed");
        assert!(!result["phases"].as_array().unwrap().is_empty(), "{result}");
    }
}

#[test]
fn a_pool_that_one_may_not_use_is_a_mistake_of_the_command() {
    let scene = Scene::new();
    if !is_standin() {
        eprintln!("skipped: only the stand-in refuses on demand");
        return;
    }
    scene.write("small.ini", SMALL);
    let mut command = scene.direct();
    command.env("DAOS_STANDIN_FAULT", "connect:1:EPERM");
    let outcome = run(command, ["small.ini", "--api", "dfs", "--resultdir", "r"]);
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("DER_NO_PERM") && outcome.stderr.contains("get-acl"), "{}", outcome.stderr);
}

#[test]
fn a_clean_up_does_not_ask_for_the_space_of_a_plan() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let huge =
        ["small.ini", "--api", "posix", "--set", "ior-easy.blockSize=9000000g", "--set", "debug.stonewall-time=300"];
    let outcome = run(scene.direct(), [&huge[..], &["--cleanup", "--timestamp", "2026.01.01-00.00.00"]].concat());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!outcome.stderr.contains("are free"), "{}", outcome.stderr);
    // a run with this plan is told
    let outcome = run(scene.direct(), [&huge[..], &["--dry-run", "--check"]].concat());
    assert!(outcome.stderr.contains("are free"), "{outcome:?}");
}

#[test]
fn a_dry_run_asks_the_pool_where_that_is_asked_for() {
    let (scene, Some(pool)) = (Scene::new(), pool()) else { return };
    scene.write("small.ini", SMALL);
    let text = |text: &str| text.to_owned();
    let store = [pool, vec![text("--api"), text("dfs"), text("--cont"), label("dry")]].concat();
    let dry = |more: &[&str]| {
        let options = ["small.ini", "--dry-run", "--resultdir", "r"].iter().chain(more).map(|option| text(option));
        run(scene.direct(), options.chain(store.clone()))
    };
    let outcome = dry(&["--check"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("a run that writes creates it"), "{}", outcome.stderr);
    // it did not make the container
    assert_eq!(dry(&["--check", "--phase", "find"]).code, Some(2));
    if is_standin() {
        let known = |more: &[&str]| run(scene.direct(), [&["small.ini", "--api", "dfs", "--dry-run"], more].concat());
        let outcome = known(&["--check"]);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.stderr.contains("pool targets: 32"), "{}", outcome.stderr);
        let outcome = known(&["--check", "--oclass", "EC_16P3G1", "--pool", "nowhere"]);
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert_eq!(known(&["--pool", "nowhere"]).code, Some(0), "without --check nothing is asked");
    }
    assert_eq!(run(scene.direct(), ["--check"]).code, Some(2));
}

#[test]
fn a_call_that_does_not_return_ends_the_job_with_words() {
    let scene = Scene::new();
    if !is_standin() {
        eprintln!("skipped: only the stand-in can be made to hang");
        return;
    }
    scene.write("small.ini", SMALL);
    let mut command = scene.direct();
    // the third write would come back in ten minutes
    command.env("DAOS_STANDIN_DELAY_US", "write:600000000:3");
    let arguments = ["small.ini", "--api", "dfs", "--timeout", "1", "--resultdir", "r"];
    let outcome = run(command, [&arguments[..], &["--set", "global.timestamp-resultdir=FALSE"]].concat());
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    let words = "ior-easy-write: no progress for 1 s: a call to the store does not return";
    assert!(outcome.stderr.contains(words) && outcome.stderr.contains("hint: "), "{}", outcome.stderr);
    let result = scene.result("r");
    assert_eq!(result["state"], "failed");
    assert!(result["failure"].as_str().unwrap().contains(words));
}

/// `examples/bench-daos.sh` with these variables.
fn side_by_side(scene: &Scene, variables: &[(&str, &str)]) -> common::Outcome {
    let mut command = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bench-daos.sh"));
    command.current_dir(scene.path("")).env("DFS_BENCH", env!("CARGO_BIN_EXE_dfs-bench")).env("MPIRUN", "");
    command.env("DAOS_STANDIN_ROOT", scene.store());
    for name in ["IO500", "POOL", "MOUNT", "INI", "PAIRS", "OUT"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    run(command, [""; 0])
}

#[test]
fn the_side_by_side_script_says_what_it_needs() {
    let scene = Scene::new();
    scene.write("global.ini", "[global]\napi = POSIX\n");
    let mut variables: Vec<(&str, &str)> = Vec::new();
    for (missing, next) in [
        ("IO500 is not set", ("IO500", "/nonexistent/io500")),
        ("IO500=/nonexistent/io500 is no program", ("IO500", "/bin/true")),
        ("POOL is not set", ("POOL", "tank")),
        ("MOUNT is not set", ("MOUNT", "/nonexistent")),
        ("MOUNT=/nonexistent is no directory", ("MOUNT", "/tmp")),
    ] {
        let outcome = side_by_side(&scene, &variables);
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(missing), "{missing}: {}", outcome.stderr);
        variables.push(next);
    }
    for (wrong, message) in [(("PAIRS", "0"), "PAIRS=0"), (("INI", "global.ini"), "has a section [global]")] {
        let outcome = side_by_side(&scene, &[&variables[..], &[wrong]].concat());
        assert!(outcome.code == Some(2) && outcome.stderr.contains(message), "{outcome:?}");
    }
}

#[test]
fn two_suites_are_run_in_pairs_and_compared() {
    let scene = Scene::new();
    if !is_standin() {
        eprintln!("skipped: on a DAOS this is `make bench-daos`");
        return;
    }
    // this program stands in for the C suite: it takes the same file
    let suite = scene.write("io500", "#!/bin/sh\nexec \"$DFS_BENCH\" \"$1\" --doctor off\n");
    std::fs::set_permissions(&suite, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    scene.write("small.ini", SMALL);
    let suite = suite.to_str().unwrap();
    let variables = [("IO500", suite), ("POOL", "standin-pool"), ("MOUNT", "."), ("INI", "small.ini"), ("PAIRS", "3")];
    let outcome = side_by_side(&scene, &variables);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(
        outcome.stdout.contains("dfs-bench against c-suite") && outcome.stdout.contains("mdtest-hard-delete"),
        "{}",
        outcome.stdout
    );
    assert_eq!(scene.read("bench-daos/comparison.txt"), outcome.stdout);
    assert!(outcome.stderr.contains("pair 3 of 3"), "{}", outcome.stderr);
    // a suite that fails is named, and nothing is compared
    let variables = [("IO500", "/bin/false"), ("OUT", "failed")].into_iter().chain(variables[1..].iter().copied());
    let outcome = side_by_side(&scene, &variables.collect::<Vec<_>>());
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(
        outcome.stderr.contains("c-suite, run 1 failed") && outcome.stderr.contains("too few"),
        "{}",
        outcome.stderr
    );
}
