//! `docs/result.schema.json` is what the types say, and every kind of result satisfies it.
//!
//! After a change of the types: `UPDATE_SCHEMA=1 cargo test -p io500-phases --test schema`, and a new `SCHEMA_VERSION`.

mod common;

use io500_phases::backend::fault::{Effect, Faulty, Op};
use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm::threads;
use io500_phases::engine::Progress;
use io500_phases::error::Errno;
use io500_phases::phase_id::PhaseId;
use io500_phases::results::{RunResult, RunState, SCHEMA_VERSION};
use io500_phases::suite::{Options, Suite};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

fn schema() -> Value {
    serde_json::to_value(schemars::schema_for!(RunResult)).unwrap()
}

fn satisfies(value: &Value) -> Result<(), String> {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/result.schema.json");
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap();
    assert!(published == text, "docs/result.schema.json is not what the types say: see the head of this file");
}

/// What a run left in its result directory satisfies the schema, and reads back as it is.
#[track_caller]
fn check(name: &str, results: &Path) -> RunResult {
    let written = std::fs::read(results.join("result.json")).unwrap();
    let value: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(value["schema_version"], SCHEMA_VERSION);
    satisfies(&value).unwrap_or_else(|faults| panic!("{name}:\n{faults}"));
    let read: RunResult = serde_json::from_slice(&written).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), value, "{name}");
    read
}

fn text(datadir: &Path) -> String {
    let datadir = datadir.display();
    format!(
        "[global]\napi = POSIX\ndatadir = {datadir}\n[debug]\nstonewall-time = 1\n[ior-easy]\ntransferSize = 64k\nblockSize = 1m\n\
         [ior-hard]\nsegmentCount = 20\n[mdtest-easy]\nn = 30\n[mdtest-hard]\nn = 120\n[mdworkbench]\nprecreatePerSet = 3\n\
         filesPerProc = 3\n"
    )
}

#[test]
fn results_of_every_kind_satisfy_it_and_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let text = text(&temp.path().join("data"));
    let script = temp.path().join("find.sh");
    std::fs::write(&script, "#!/bin/sh\necho MATCHED 7/120\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let script = format!("find.external-script={}", script.display());
    for (name, settings, phases) in [
        ("standard", &[][..], "all"),
        ("latency-off", &["dfs-bench.latency=FALSE"][..], "mdtest"),
        ("extended", &["dfs-bench.mode=extended"][..], "all,find-easy,find-hard,mdworkbench"),
        ("null", &["global.api=NULL"][..], "all"),
        ("departures", &["dfs-bench.queue-depth=4", "dfs-bench.threads-per-rank=2"][..], "all"),
        ("script", &[script.as_str()][..], "timestamp,mdtest-hard-write,find"),
    ] {
        let config = common::config(&text, settings);
        let results = temp.path().join(name);
        common::run(&config, phases, 2, "2026.01.01-00.00.00", Some(&results)).unwrap();
        let result = check(name, &results);
        let find = result.phase(PhaseId::Find).and_then(|phase| phase.find.as_ref());
        match name {
            "departures" => assert_eq!(result.provenance.departures, ["queue-depth 4", "threads-per-rank 2"]),
            "extended" => {
                // mdworkbench's files may match too: nobody knows how many
                let find = find.unwrap();
                assert_eq!((find.expected_found, find.expected_total), (None, None));
            }
            "script" => assert_eq!(find.unwrap().found, 7),
            "standard" => {
                let find = find.unwrap();
                assert_eq!(find.expected_found, Some(find.found));
                assert_eq!(find.per_rank.iter().map(|rank| rank.rank).collect::<Vec<_>>(), [0, 1]);
                assert_eq!(find.per_rank.iter().map(|rank| rank.total).sum::<u64>(), find.total);
            }
            _ => {}
        }
        let _ = std::fs::remove_dir_all(temp.path().join("data"));
    }
}

#[cfg(feature = "dfs")]
#[test]
fn a_result_over_dfs_satisfies_it() {
    let temp = tempfile::tempdir().unwrap();
    let Some(container) = common::Container::new() else { return };
    let config = common::config(&text(Path::new("/data")), &[&container.setting()]);
    common::run(&config, "all", 2, "2026.01.01-00.00.00", Some(temp.path())).unwrap();
    let result = check("DFS", temp.path());
    assert!(result.phase(PhaseId::IorEasyWrite).unwrap().layout.is_some());
}

#[test]
fn results_of_runs_that_ended_early_satisfy_it() {
    let config = common::config(&text(Path::new("/data")), &["global.api=NULL", "ior-easy.blockSize=1t"]);
    let phases = [PhaseId::Timestamp, PhaseId::IorEasyWrite];
    for (name, state) in [("failed", RunState::Failed), ("interrupted", RunState::Interrupted)] {
        let results = tempfile::tempdir().unwrap();
        threads::run(2, |comm| {
            let progress = Arc::new(Progress::default());
            let mut options = Options::default();
            options.resultdir = Some(results.path().to_owned());
            options.progress = progress.clone();
            let plan = common::plan(&config, &phases, comm, "2026.01.02-03.04.05");
            let backend = Faulty::new(Null);
            let backend = match state {
                RunState::Failed => backend.at(Op::Write, 3, Effect::Fail(Errno(libc::EIO))),
                _ => backend,
            };
            let stop = if state == RunState::Interrupted { PhaseId::IorEasyWrite } else { PhaseId::Find };
            let stores = Single { backend, datadir: "/data".into() };
            Suite::new(&config, &plan, options).run(comm, &stores, &mut common::StopAt(stop, progress)).unwrap_err()
        });
        let result = check(name, results.path());
        assert_eq!(result.state, state);
        assert!(result.failure.is_some(), "{name}");
    }
}

#[test]
fn a_result_that_is_none_does_not_satisfy_it() {
    assert!(satisfies(&serde_json::json!({"schema_version": "1.0"})).is_err());
    assert!(satisfies(&serde_json::json!([])).is_err());
}
