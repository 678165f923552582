//! Runs of this program, measured here and now: a second per write phase on one rank.

use crate::fixture::{Run, dfs_bench, stdout};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Measures into `name`; phases that write and read, so that every kind of figure is there.
fn measure(directory: &Path, name: &str) {
    let output = dfs_bench(
        directory,
        &[
            "--api=posix",
            "--datadir=data",
            "--set=global.timestamp-datadir=FALSE",
            "--set=global.timestamp-resultdir=FALSE",
            &format!("--resultdir={name}"),
            "--stonewall=1",
            "--set=ior-easy.transferSize=64k",
            "--set=ior-easy.blockSize=1m",
            "--set=mdtest-hard.n=50",
            "--phase=ior-easy,mdtest-hard",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn report(directory: &Path, name: &str) -> Value {
    let json = stdout(directory, &["report", "-f", "json", name]);
    serde_json::from_str::<Value>(&json).unwrap()["runs"][0].clone()
}

#[test]
fn a_run_is_reported_with_everything_it_records() {
    let directory = tempfile::tempdir().unwrap();
    measure(directory.path(), "night");
    let run = report(directory.path(), "night");
    assert_eq!((run["source"].as_str(), run["ranks"].as_u64()), (Some("dfs-bench"), Some(1)));
    let verdicts: Vec<_> = run["verdicts"].as_array().unwrap().iter().map(|verdict| verdict["name"].as_str()).collect();
    assert_eq!(verdicts, [Some("official"), Some("strict")]);
    assert_eq!(run["verdicts"][1]["valid"], false, "a second is no valid stonewall");
    let names: Vec<_> = run["phases"].as_array().unwrap().iter().map(|phase| phase["id"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "ior-easy-write",
            "mdtest-hard-write",
            "ior-easy-read",
            "mdtest-hard-stat",
            "mdtest-hard-read",
            "mdtest-hard-delete"
        ]
    );
    for phase in run["phases"].as_array().unwrap() {
        assert!(phase["rate"].as_f64().unwrap() > 0.0, "{phase}");
        assert_eq!(phase["ranks"].as_array().unwrap().len(), 1, "{phase}");
        assert!(!phase["series"]["rate"].as_array().unwrap().is_empty(), "{phase}");
        let latency = phase["latency"].as_array().unwrap();
        // the curve comes from the .hgrm file, which has more points than the result has figures
        assert!(latency[0]["percentiles"].as_array().unwrap().len() > 7, "{phase}");
    }
    let setting = |name: &str| {
        let settings = run["configuration"].as_array().unwrap();
        settings.iter().find(|setting| setting["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(setting("stonewall-time")["origin"], "--stonewall");
    assert!(setting("blockSize")["origin"].as_str().unwrap().starts_with("--set"), "{}", setting("blockSize"));
    let text = stdout(directory.path(), &["report", "-f", "text", "night"]);
    assert!(text.contains("Strict     INVALID"), "{text}");
}

#[test]
fn our_runs_and_those_of_the_c_suite_are_compared() {
    let directory = tempfile::tempdir().unwrap();
    measure(directory.path(), "ours");
    Run::default().write(&directory.path().join("theirs"));
    let text = stdout(directory.path(), &["compare", "theirs", "ours"]);
    assert!(text.contains("- the program differs: official C suite in theirs, dfs-bench in ours"), "{text}");
    assert!(text.contains("- only theirs has mdtest-easy-write, ior-hard-write"), "{text}");
    assert!(text.contains("API           storage") || text.contains("API "), "{text}");
}

#[test]
fn a_result_of_a_later_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("result.json"), r#"{"schema_version": "9.0"}"#).unwrap();
    let output = dfs_bench(directory.path(), &["report", "-f", "text", "."]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("its format is version 9.0"), "{message}");
}

/// Writes `file` anew with what `change` makes of its text.
fn doctor(file: &Path, change: impl FnOnce(String) -> String) {
    let before = std::fs::read_to_string(file).unwrap();
    let after = change(before.clone());
    assert_ne!(after, before, "{}", file.display());
    std::fs::write(file, after).unwrap();
}

/// `result.json` with one figure changed.
fn doctor_json(run: &Path, change: impl FnOnce(&mut Value)) {
    doctor(&run.join("result.json"), |text| {
        let mut value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        serde_json::to_string_pretty(&value).unwrap()
    });
}

#[test]
fn a_doctored_figure_is_found_and_stands_under_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    measure(directory.path(), "night");
    let verify = |run: &str| {
        let output = dfs_bench(directory.path(), &["verify", run]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (_, text) = verify("night");
    assert!(text.contains("figures         confirmed"), "{text}");
    let half = |value: &mut Value| *value = (value.as_f64().unwrap() / 2.0).into();

    type Change<'a> = &'a dyn Fn(&Path);
    let cheap: [(&str, Change<'_>, &str); 4] = [
        ("rate", &|run| doctor_json(run, |json| half(&mut json["phases"][0]["rate"])), "ior-easy-write: the rate is "),
        (
            "stonewall",
            &|run| doctor_json(run, |json| half(&mut json["phases"][1]["stonewall"]["rate"])),
            "mdtest-hard-write: the rate at the stonewall is ",
        ),
        (
            "series",
            &|run| doctor_json(run, |json| json["phases"][0]["series"]["operations"][0] = 1.into()),
            "ior-easy-write, series: the sum of the operations is 1",
        ),
        (
            "text",
            &|run| {
                doctor(&run.join("result.txt"), |text| text.replacen("t_delta         = ", "t_delta         = 9", 1))
            },
            "result.txt: t_delta of ior-easy-write is 9",
        ),
    ];
    let full: [(&str, Change<'_>, &str); 3] = [
        (
            "ranks",
            &|run| doctor(&run.join("ior-easy-read.csv"), |text| text.replace("read,0,", "read,0,9")),
            "ior-easy-read.csv: ",
        ),
        (
            "histogram",
            &|run| {
                doctor(&run.join("latency/ior-easy-read.transfer.hgrm"), |text| {
                    text.replace("Mean    =", "Mean    = 9, was =")
                })
            },
            "latency/ior-easy-read.transfer.hgrm: the mean is ",
        ),
        (
            "log",
            &|run| doctor(&run.join("ior-easy-read.txt"), |text| text.replacen("operations  ", "operations  9", 1)),
            "ior-easy-read.txt: operations is 9",
        ),
    ];
    for (name, change, sentence) in cheap.iter().chain(&full) {
        copy(&directory.path().join("night"), &directory.path().join(name));
        change(&directory.path().join(name));
        let (code, text) = verify(name);
        assert_eq!(code, Some(5), "{name}: {text}");
        assert!(text.contains("figures         refuted"), "{name}: {text}");
        assert!(text.contains(&format!("\n  {sentence}")), "{name}: {text}");
        let output = dfs_bench(directory.path(), &["verify", "--format", "json", name]).stdout;
        let json: Value = serde_json::from_slice(&output).unwrap();
        assert_eq!(json["figures"]["finding"], "refuted");
    }
    for (name, _, sentence) in cheap {
        let text = stdout(directory.path(), &["report", "-f", "text", name]);
        let third = text.lines().nth(2).unwrap();
        assert!(
            third.starts_with("WARNING    the figures contradict each other") && third.contains(sentence),
            "{text}"
        );
        assert!(text.contains("INVALID, as printed"), "{text}");
        let text = stdout(directory.path(), &["compare", "night", name]);
        assert!(text.starts_with(&format!("WARNING: {name}: the figures contradict each other")), "{text}");
        let page = stdout(directory.path(), &["report", "-f", "html", "-o", "-", name]);
        assert!(page.contains("Warning: <strong>the figures contradict"));
    }
    let text = stdout(directory.path(), &["report", "-f", "text", "night"]);
    assert!(!text.contains("WARNING") && !text.contains("as printed"), "{text}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn a_row_of_csv_is_of_one_kind_of_operation() {
    let directory = tempfile::tempdir().unwrap();
    measure(directory.path(), "night");
    stdout(directory.path(), &["report", "--append", "all.csv", "night"]);
    stdout(directory.path(), &["compare", "--force", "--append", "all.csv", "night", "night"]);
    let text = std::fs::read_to_string(directory.path().join("all.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let at = |name: &str| rows[0].iter().position(|column| *column == name).unwrap();
    let leading: Vec<_> = rows.iter().filter(|row| row[at("leading")] == "true").collect();
    assert_eq!(leading.len(), 3 * 6, "a run of six phases three times");
    let writes = |row: &&Vec<&str>| row[at("phase")] == "mdtest-hard-write" && row[at("group")] == "night";
    let kinds: Vec<_> = rows.iter().filter(writes).map(|row| row[at("operation")]).collect();
    assert_eq!(kinds, ["create", "write", "close"]);
    let refused = dfs_bench(directory.path(), &["report", "-f", "text", "--append", "all.csv", "night"]);
    assert_eq!(refused.status.code(), Some(2));
}

/// The calls of rank 2 of 4 sleep. How slow the others are is up to the load of the machine, so what is held is what a sleep makes sure of, and
/// that whoever was slowest is named first, whether the phase has a stonewall or not.
#[test]
fn the_time_that_a_rank_slept_is_its_own_and_the_slowest_is_named_first() {
    let program = env!("CARGO_BIN_EXE_dfs-bench");
    if Command::new("mpirun").arg("--version").output().is_err() {
        return eprintln!("skipped: no mpirun is installed");
    }
    let version = Command::new(program).arg("--version").output().unwrap();
    if !String::from_utf8_lossy(&version.stdout).contains("stand-in") {
        return eprintln!("skipped: this build has no stand-in, whose writes can be slowed down");
    }
    let directory = tempfile::tempdir().unwrap();
    let arguments = [
        "--resultdir=night",
        "--set=global.timestamp-resultdir=FALSE",
        "--set=mdtest-hard.n=60",
        "--phase=ior-hard,mdtest-hard",
        "--stonewall=1",
    ];
    let slow = ["sh", "-c", "DAOS_STANDIN_DELAY_US=write:3000,read:500,stat:10000 exec \"$0\" \"$@\"", program];
    let output = Command::new("mpirun")
        .args(["-np", "2", program].iter().chain(&arguments))
        .args([":", "-np", "1"].iter().chain(&slow).chain(&arguments))
        .args([":", "-np", "1", program].iter().chain(&arguments))
        .current_dir(directory.path())
        .env("DAOS_STANDIN_ROOT", directory.path().join("store"))
        .env("DAOS_STANDIN_DELAY_US", "write:1000")
        .envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")])
        .envs([("OMPI_MCA_rmaps_base_oversubscribe", "1"), ("OMPI_MCA_mpi_yield_when_idle", "1")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let run = report(directory.path(), "night");
    let number = |entry: &Value, key: &str| entry[key].as_f64().unwrap();
    // all ranks, in the order in which the report names them, and the one that slept
    let ranks = |name: &str| {
        let phase = run["phases"].as_array().unwrap().iter().find(|phase| phase["id"] == name).unwrap();
        let ranks = phase["stragglers"]["slowest"].as_array().unwrap().clone();
        assert_eq!(ranks.len(), 4, "{name}: {ranks:?}");
        let sleeper = ranks.iter().find(|entry| entry["rank"] == 2).unwrap().clone();
        (ranks, sleeper)
    };
    let (writers, sleeper) = ranks("ior-hard-write");
    assert!(writers.is_sorted_by_key(|entry| number(entry, "at_stonewall") as u64), "{writers:?}");
    assert!(number(&sleeper, "at_stonewall") <= 340.0, "no more writes of 3 ms than that go into a second: {sleeper}");
    for (name, least_s) in
        [("mdtest-hard-stat", 60.0 * 0.010), ("ior-hard-read", number(&sleeper, "at_stonewall") * 0.0005)]
    {
        let (ranks, sleeper) = ranks(name);
        assert!(ranks.is_sorted_by(|a, b| number(a, "seconds") >= number(b, "seconds")), "{name}: {ranks:?}");
        assert!(number(&sleeper, "seconds") >= least_s * 0.99, "{name}: {sleeper}");
    }
    let (ranks, _) = ranks("mdtest-hard-stat");
    let text = stdout(directory.path(), &["report", "-f", "text", "night"]);
    // within noise nobody is named, and of four ranks one that takes 0.6 s longer is no noise unless all are slow
    let named = format!("mdtest-hard-stat: Rank {} on ", ranks[0]["rank"]);
    if number(&ranks[0], "over_mean") > 0.2 {
        assert!(text.contains(&named), "{text}");
    }
}

#[test]
fn two_runs_of_one_command_differ_in_no_setting() {
    let temp = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        measure(temp.path(), name);
    }
    let json = stdout(temp.path(), &["compare", "-f", "json", "a", "b"]);
    let found: Value = serde_json::from_str(&json).unwrap();
    let differences =
        found["versus"][0]["differences"].as_array().or(found["comparison"]["versus"][0]["differences"].as_array());
    let differences = differences.unwrap_or_else(|| panic!("{found}"));
    // what the audit finds may change while it is looked
    let told: Vec<&Value> = differences.iter().filter(|change| change["kind"] != "finding").collect();
    assert!(told.is_empty(), "{told:?}");
}
