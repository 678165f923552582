//! Test runs, partial runs and the live view, as a user sees them.

mod common;

use common::{POSIX, SMALL, Scene, assert_code, finish, run, signal, small, start, wait_for};
use serde_json::Value;

/// Two files of a phase each and a second of stonewall.
const PART: &str = "ior-hard-write,mdtest-easy";

#[test]
fn a_quick_run_fits_and_says_once_what_it_is() {
    let scene = Scene::new();
    let dated = ["--set", "global.timestamp-resultdir=FALSE", "--resultdir", "results"];
    let arguments = ["--quick", "--stonewall", "1s", "--api", "posix", "--datadir", "data", "--phase", PART];
    let outcome = run(scene.direct(), [&arguments[..], &dated].concat());
    assert_code(&outcome, 0);
    assert!(!outcome.stdout.contains("INVALID"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("[TEST RUN]"), "{}", outcome.stdout);
    assert_eq!(outcome.stderr.matches("test run, not comparable").count(), 1, "{}", outcome.stderr);
    let result = scene.result("results");
    let setting = |option: &str| {
        let settings = result["provenance"]["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["option"] == option).unwrap().clone()
    };
    assert_eq!((&setting("stonewall-time")["value"], &setting("quick")["value"]), (&"1".into(), &"TRUE".into()));
    // the defaults are larger than any disk of a test machine
    let block = setting("blockSize");
    assert_eq!(block["origin"], "--quick", "{block}");
    assert!(block["value"].as_str().unwrap().parse::<u64>().unwrap().is_multiple_of(2 << 20), "{block}");
    assert_eq!(result["official"]["valid"], false, "the verdicts are what they are");
    let report = run(scene.direct(), ["report", "-f", "text", "results"]).stdout;
    assert!(report.contains("- test run (--quick), not comparable"), "{report}");
    assert!(!report.contains("smaller than expected minimum"), "{report}");
    assert!(report.contains("Diagnosis\n---------\nRun: The phases took "), "{report}");
}

#[test]
fn reasons_that_say_the_same_are_one_and_too_little_work_says_what_to_raise() {
    let scene = Scene::new();
    let outcome = small(&scene, &["--phase", "ior-hard", "--stonewall", "1s"]);
    assert_code(&outcome, 0);
    let once = "  Partial run (--phase ior-hard): 10 scored phases not run\n";
    assert_eq!(outcome.stderr.matches(once).count(), 1, "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("The phase did not run"), "{}", outcome.stderr);
    let raise =
        "ior-hard-write: It ran out of work after 0.00 s of the stonewall's 1 s: raise [ior-hard] segmentCount from 4";
    assert!(outcome.stderr.contains(&raise[..40]) && outcome.stderr.contains(&raise[66..]), "{}", outcome.stderr);
    let refused = small(&scene, &["--stonewall", "a while"]);
    assert_code(&refused, 2);
    assert!(refused.stderr.contains("such as 300, 300s or 5min"), "{}", refused.stderr);
}

#[test]
fn the_live_view_is_what_was_asked_for() {
    let scene = Scene::new();
    let told = |how: &[&str]| {
        let phases = ["--phase", "ior-easy-write,ior-rnd4K-easy-read", "--stonewall", "3"];
        let outcome = small(&scene, &[&phases[..], how].concat());
        assert_code(&outcome, 0);
        outcome.stderr
    };
    let objects = told(&["--progress", "json", "--metrics-file", "live.prom"]);
    let objects: Vec<Value> =
        objects.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    let read = objects.iter().rfind(|object| object["phase"] == "ior-rnd4K-easy-read").expect("an object a second");
    assert_eq!((&read["index"], &read["phases"], &read["unit"]), (&2.into(), &2.into(), &"GiB/s".into()));
    assert!(read["rate_average"].as_f64().unwrap() > 0.0 && read["p99_ns"].as_u64().unwrap() > 0, "{read}");
    assert!(scene.read("live.prom").starts_with("# TYPE dfs_bench_running gauge\n"));
    assert!(scene.read("live.prom").contains("dfs_bench_running{run=\"t\"} 0\n"), "the run is over");
    let plain = told(&["--progress", "plain"]);
    let lines: Vec<&str> = plain.lines().filter(|line| line.contains("GiB/s")).collect();
    assert!(lines.iter().any(|line| line.starts_with("[2/2] ior-rnd4K-easy-read 1/3 s, ~")), "{plain}");
    assert!(!told(&["--progress", "off"]).contains("GiB/s"));
    let bar = told(&["--progress", "bar"]);
    assert!(bar.contains("\r\u{1b}[2K[2/2] ior-rnd4K-easy-read "), "{bar:?}");
}

#[test]
fn a_dry_run_says_which_store_each_phase_uses_and_why() {
    let scene = Scene::new();
    scene.write("small.ini", format!("{SMALL}[ior-hard]\nAPI = POSIX --posix.odirect\n"));
    let outcome = run(scene.direct(), [&POSIX[..], &["--dry-run"]].concat());
    assert_code(&outcome, 0);
    let beats = "POSIX (by --api, which beats [ior-hard] API of small.ini:";
    assert!(outcome.stdout.contains(beats), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("POSIX (by --api)\n    directory data/"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains(" free\n"), "{}", outcome.stdout);
    assert_eq!(scene.entries(), ["small.ini"]);
}

#[test]
fn two_settings_are_run_in_turns_and_compared() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let common = ["small.ini", "--api", "posix", "--datadir", "data", "--phase", "ior-hard-write,mdtest-easy-write"];
    let ab = |a: &str, b: &str, more: &[&str]| {
        run(scene.direct(), [&["ab", "--a", a, "--b", b][..], more, &["--"], &common].concat())
    };
    let outcome =
        ab("--set ior-hard.segmentCount=4", "--set ior-hard.segmentCount=8", &["--repeat", "2", "--dir", "ab"]);
    assert_code(&outcome, 0);
    let order: Vec<&str> = outcome.stderr.lines().filter(|line| line.ends_with('…')).map(|line| &line[11..]).collect();
    let runs = ["A warm-up-1 …", "B warm-up-1 …", "A run-01 …", "B run-01 …", "B run-02 …", "A run-02 …"];
    assert_eq!(order, runs, "{}", outcome.stderr);
    for words in ["b against a", "Not decided after 2 runs a side.", "would have shown, four times out of five: "] {
        assert!(outcome.stdout.contains(words), "{words:?} is not in {}", outcome.stdout);
    }
    let left: Vec<_> = std::fs::read_dir(scene.path("data")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|run| !run.join("ior-hard").exists() && !run.join("mdtest-easy").exists()), "{left:?}");
    assert_code(&run(scene.direct(), ["compare", "ab/a", "ab/b"]), 0);
    let refused = |outcome: common::Outcome, words: &str| {
        assert_code(&outcome, 2);
        assert!(outcome.stderr.contains(words), "{words:?} is not in {}", outcome.stderr);
    };
    refused(ab("--quick", "--stonewall 1", &["--dir", "ab"]), "ab is not empty");
    refused(ab("--quick", "--quick", &["--dir", "other"]), "A and B are the same");
    refused(ab("--quick", "--quik", &["--dir", "other"]), "--quik");
    refused(ab("--quick", "'", &["--dir", "other"]), "a quote is not closed");
    let failing = ab("--timestamp t", "--set nonsense.option=1", &["--dir", "other", "--warm-up", "0"]);
    refused(failing, "its words are in other/b/run-01.log");
}

#[test]
fn a_signal_ends_a_comparison_with_what_its_complete_pairs_say() {
    let part = ["--api", "null", "--phase", "ior-easy-write,mdtest-easy-write", "--stonewall", "60"];
    for (name, code, warm_up, before, words) in [
        ("INT", 130, "1", "b/run-02", "Interrupted: only complete pairs of runs are compared, 1 of them."),
        ("TERM", 143, "0", "a/run-01", "Interrupted before a pair of runs was complete"),
    ] {
        let scene = Scene::new();
        scene.write("small.ini", SMALL);
        // a launcher that makes one run an endless one
        let launcher = scene.write(
            "launch.sh",
            format!(
                "case \"$*\" in *{before}*) exec \"$@\" --set mdtest-easy.n=1000000000000 ;; *) exec \"$@\" ;; esac\n"
            ),
        );
        let launch = format!("sh {}", launcher.display());
        let of_ab =
            ["ab", "--a", "--set ior-hard.segmentCount=4", "--b", "--set ior-hard.segmentCount=8", "--repeat", "3"];
        let more = ["--dir", "ab", "--warm-up", warm_up, "--launch", &launch, "--", "small.ini"];
        let child = start(scene.direct(), &[&of_ab[..], &more, &part].concat());
        let result = format!("ab/{before}/result.json");
        let first_phase = || {
            let text = std::fs::read_to_string(scene.path(&result)).ok()?;
            let result: Value = serde_json::from_str(&text).unwrap();
            (!result["phases"].as_array()?.is_empty()).then_some(())
        };
        wait_for(first_phase).expect("the first phase of the endless run ends");
        signal(child.id(), name);
        let outcome = finish(child);
        assert_code(&outcome, code);
        assert!(outcome.stdout.contains(words), "{words:?} is not in {}", outcome.stdout);
        let compared = outcome.stdout.contains("Not decided after 1 runs a side.");
        assert_eq!(compared, code == 130, "{}", outcome.stdout);
        assert_eq!(scene.result(&format!("ab/{before}"))["state"], "interrupted", "the run was asked to end");
    }
}

#[test]
fn an_interrupted_repeat_says_where_it_lies_and_takes_no_files_of_another() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let part = ["--api", "posix", "--datadir", "data", "--phase", "ior-easy-write,mdtest-easy-write", "--repeat", "2"];
    // the second phase has work for longer than its stonewall
    let long = ["small.ini", "--stonewall", "2", "--set", "mdtest-easy.n=1000000"];
    let fixed = ["--set", "global.timestamp-resultdir=FALSE", "--resultdir", "r"];
    let child = start(scene.direct(), &[&long[..], &part, &fixed].concat());
    let begun = || {
        let text = std::fs::read_to_string(scene.path("r/run-2/result.json")).ok()?;
        (!serde_json::from_str::<Value>(&text).ok()?["phases"].as_array()?.is_empty()).then_some(())
    };
    let second = wait_for(begun);
    signal(child.id(), "INT");
    let outcome = finish(child);
    second.expect("the second repeat has a phase");
    assert_code(&outcome, 130);
    assert!(outcome.stderr.contains(" resume r/run-2\n"), "{}", outcome.stderr);
    let listed = run(scene.direct(), ["runs", "r", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let of = |name: &str| {
        let runs = listed.as_array().unwrap();
        runs.iter().find(|run| run["directory"].as_str().unwrap().ends_with(name)).unwrap_or_else(|| panic!("{listed}"))
    };
    assert!(of("run-1")["cleanup"].is_null() && of("run-2")["cleanup"].is_string(), "{listed}");
}

#[test]
fn repeats_are_summed_up() {
    let scene = Scene::new();
    let outcome = small(&scene, &["--phase", "ior-hard-write,mdtest-easy-write", "--repeat", "2"]);
    assert_code(&outcome, 0);
    assert!(outcome.stdout.contains("results, 2 runs\n====="), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("Two such groups would show a difference of the score from "),
        "{}",
        outcome.stdout
    );
}
