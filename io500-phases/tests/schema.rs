//! `docs/result.schema.json` is what the types say, and every kind of result satisfies it.
//!
//! After a change of the types: `UPDATE_SCHEMA=1 cargo test -p io500-phases --test schema`, and a new `SCHEMA_VERSION`.

mod common;

use io500_phases::results::{RunResult, SCHEMA_VERSION};
use serde_json::Value;
use std::path::Path;

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

#[test]
fn results_of_every_kind_satisfy_it_and_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let text = format!(
        "[global]\napi = POSIX\ndatadir = {}\n[debug]\nstonewall-time = 1\n[ior-easy]\ntransferSize = 64k\nblockSize = 1m\n[ior-hard]\nsegmentCount = 20\n[mdtest-easy]\nn = 30\n[mdtest-hard]\nn = 120\n[mdworkbench]\nprecreatePerSet = 3\nfilesPerProc = 3\n",
        temp.path().join("data").display()
    );
    for (name, settings, phases) in [
        ("standard", &[][..], "all"),
        ("latency-off", &["dfs-bench.latency=FALSE"][..], "mdtest"),
        ("extended", &["dfs-bench.mode=extended"][..], "all,find-easy,find-hard,mdworkbench"),
        ("null", &["global.api=NULL"][..], "all"),
    ] {
        let config = common::config(&text, settings);
        let results = temp.path().join(name);
        common::run(&config, phases, 2, "2026.01.01-00.00.00", Some(&results)).unwrap();
        let written = std::fs::read(results.join("result.json")).unwrap();
        let value: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(value["schema_version"], SCHEMA_VERSION);
        satisfies(&value).unwrap_or_else(|faults| panic!("{name}:\n{faults}"));
        let read: RunResult = serde_json::from_slice(&written).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), value, "{name}");
        let _ = std::fs::remove_dir_all(temp.path().join("data"));
    }
}

#[test]
fn a_result_that_is_none_does_not_satisfy_it() {
    assert!(satisfies(&serde_json::json!({"schema_version": "1.0"})).is_err());
    assert!(satisfies(&serde_json::json!([])).is_err());
}
