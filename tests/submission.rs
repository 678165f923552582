//! `dfs-bench submission` as a user meets it: a run of this program, documents that a person edits, archives, mistakes.

mod common;

use common::{Outcome, Scene, assert_code, assert_mistake, run, small};
use serde_json::Value;

/// A small run of this program in `results`, with the files of its job.
fn measured(scene: &Scene) {
    let outcome = small(scene, &["--resultdir", "results", "--timestamp", "2026.01.02-03.04.05"]);
    assert_code(&outcome, 0);
    scene.write("job.sh", "mpirun -np 1 dfs-bench\n");
    scene.write("job.out", "IO500\n");
}

fn submission(scene: &Scene, arguments: &[&str]) -> Outcome {
    run(scene.direct(), ["submission"].iter().chain(arguments))
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

#[test]
fn a_run_of_ours_is_checked_and_never_called_ready() {
    let scene = Scene::new();
    measured(&scene);
    let outcome =
        submission(&scene, &["results", "--job-script", "job.sh", "--job-output", "job.out", "--format", "json"]);
    assert_code(&outcome, 0);
    let told = json(&outcome);
    assert_eq!(told["is_ours"], true);
    assert!(told["lists"].as_array().unwrap().iter().all(|list| list["ready"] == false));
    let check = |id: &str| told["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap().clone();
    for (id, expected) in [
        ("official-binary", "failed"),
        ("minimum-runtime", "failed"),
        ("valid", "failed"),
        ("persistent", "open"),
        ("score", "passed"),
        ("score-hash", "passed"),
        ("config-hash", "passed"),
        ("unedited", "passed"),
        ("timestamp", "passed"),
        ("complete", "passed"),
        ("job-files", "passed"),
        ("one-store", "passed"),
    ] {
        assert_eq!(check(id)["outcome"], expected, "{:#}", check(id));
    }
    let text = submission(&scene, &["results"]).stdout;
    assert!(text.contains("cannot be submitted") && text.contains("not ready: official-binary"), "{text}");
    assert_code(&submission(&scene, &["results", "--strict"]), 3);
}

#[test]
fn an_edited_result_is_named() {
    let scene = Scene::new();
    measured(&scene);
    let text = scene.read("results/result.json");
    let mut result: Value = serde_json::from_str(&text).unwrap();
    let rate = &mut result["phases"][0]["rate"];
    *rate = Value::from(rate.as_f64().unwrap() * 2.0);
    scene.write("results/result.json", result.to_string());
    let told = json(&submission(&scene, &["results", "--format", "json"]));
    let unedited = told["checks"].as_array().unwrap().iter().find(|check| check["id"] == "unedited").unwrap().clone();
    assert_eq!(unedited["outcome"], "failed", "{unedited:#}");
}

#[test]
fn what_a_person_wrote_into_the_documents_stays() {
    let scene = Scene::new();
    measured(&scene);
    let write = || submission(&scene, &["results", "--here", "--documents", "documents"]);
    assert_code(&write(), 0);
    let read = || -> Value { serde_json::from_str(&scene.read("documents/system-information.json")).unwrap() };
    let mut system = read();
    assert_eq!(system["DATA"]["type"], "Site");
    let nodes = &system["DATA"]["childs"][2]["childs"][0];
    assert_eq!((&nodes["type"], &nodes["att"]["count"]), (&"Nodes".into(), &1.into()));
    assert_ne!(nodes["att"]["kernel version"], "");
    system["DATA"]["att"]["institution"] = "Observatory".into();
    system["DATA"]["childs"][2]["childs"][0]["att"]["count"] = 7.into();
    scene.write("documents/system-information.json", system.to_string());
    let edited =
        scene.read("documents/questionnaire.md").replace("[to be answered by you] What is the system for", "Stars.");
    scene.write("documents/questionnaire.md", &edited);
    assert_code(&write(), 0);
    assert_eq!(read()["DATA"]["att"]["institution"], "Observatory");
    assert_eq!(read()["DATA"]["childs"][2]["childs"][0]["att"]["count"], 7);
    assert_eq!(scene.read("documents/questionnaire.md"), edited);
    assert!(scene.read("documents/system-information.md").contains("| Site: institution | Observatory |"));
    let page = scene.read("documents/submission.html");
    assert!(page.contains("Among published results") && page.contains("10 nodes") && !page.contains("<script"));
}

#[test]
fn an_archive_says_how_to_repeat_the_run_and_what_was_changed() {
    let scene = Scene::new();
    measured(&scene);
    let outcome = submission(&scene, &["results", "--here", "--job-script", "job.sh", "--output", "io500.tgz"]);
    assert_code(&outcome, 0);
    let replay = submission(&scene, &["--replay", "io500.tgz"]);
    assert_code(&replay, 0);
    for words in
        ["tar -xzf io500.tgz", "io500/job/job.sh", "2026.01.02-03.04.05", "This node is as that of the run was"]
    {
        assert!(replay.stdout.contains(words), "{words}: {}", replay.stdout);
    }
    let told = json(&submission(&scene, &["--replay", "io500.tgz", "--format", "json"]));
    assert_eq!(told["damaged"], Value::Array(Vec::new()));
    assert_mistake(
        &scene,
        scene.direct(),
        &["submission", "results", "--output", "io500.tgz"],
        &["io500.tgz", "new file"],
    );
}

#[test]
fn mistakes_are_named() {
    let scene = Scene::new();
    measured(&scene);
    scene.write("empty/x", "");
    let result = scene.read("results/result.txt");
    scene.write("two/1/result.txt", &result);
    scene.write("two/2/result.txt", &result);
    scene.write("table.csv", "a,b\n1,2\n");
    scene.write("system.json", "{");
    for (arguments, says) in [
        (vec!["nowhere"], "nowhere"),
        (vec!["empty"], "no run in"),
        (vec!["two"], "holds 2 runs"),
        (vec!["results", "--job-script", "none.sh"], "none.sh is no file"),
        (vec!["results", "--published", "table.csv"], "no table of published results"),
        (vec!["results", "--system-information", "system.json"], "is no JSON"),
        (vec!["results", "--snapshot", "job.sh"], "job.sh"),
        (vec!["--replay", "job.sh"], "job.sh"),
        (vec!["--collect", "empty"], "YEAR/submission-N"),
    ] {
        let arguments: Vec<&str> = ["submission"].into_iter().chain(arguments).collect();
        assert_mistake(&scene, scene.direct(), &arguments, &[says]);
    }
}
