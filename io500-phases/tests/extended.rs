//! The phases of the extended mode: mdworkbench replaces every object once, verifies what it reads, and leaves nothing behind.

mod common;

use io500_phases::phase_id::PhaseId;
use io500_phases::results::RunResult;
use std::fs;
use std::path::Path;

const TIMESTAMP: &str = "2026.07.07-07.07.07";
const RANKS: usize = 3;
const OBJECTS: u64 = 7;
const SETS: u64 = 10;

fn run(temp: &Path, phases: &str) -> RunResult {
    let text = format!(
        "[global]\napi = POSIX\ndatadir = {}\n[debug]\nstonewall-time = 60\n[mdworkbench]\nprecreatePerSet = {OBJECTS}\nfilesPerProc = {OBJECTS}\n",
        temp.join("data").display()
    );
    let config = common::config(&text, &["dfs-bench.mode=extended"]);
    common::run(&config, phases, RANKS, TIMESTAMP, Some(&temp.join("results"))).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_by_key(|name| name.rsplit(['-', '_']).next().unwrap().parse::<u64>().unwrap());
    names
}

#[test]
fn objects_are_created_replaced_twice_and_removed_over_three_invocations() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("data/mdworkbench");

    let created = run(temp.path(), "mdworkbench-create");
    let create = created.phase(PhaseId::MdworkbenchCreate).unwrap();
    assert_eq!(create.operations, RANKS as u64 * SETS * (OBJECTS + 1));
    assert_eq!(names(&base).len() as u64, RANKS as u64 * SETS);
    assert_eq!(names(&base.join("2_9")), (0..OBJECTS).map(|i| format!("file-{i}")).collect::<Vec<_>>());
    assert_eq!(fs::metadata(base.join("0_0/file-0")).unwrap().len(), 3901);

    let benched = run(temp.path(), "mdworkbench-bench");
    let bench = benched.phase(PhaseId::MdworkbenchBench).unwrap();
    assert_eq!(bench.operations, RANKS as u64 * SETS * OBJECTS * 4);
    let check = bench.check.as_ref().unwrap();
    assert!(check.is_clean(), "{check:?}");
    assert_eq!(check.checked, 2 * RANKS as u64 * SETS * OBJECTS, "both iterations read and compare every object");
    // two iterations have replaced everything twice
    let expected: Vec<String> = (2 * OBJECTS..3 * OBJECTS).map(|i| format!("file-{i}")).collect();
    for set in names(&base) {
        assert_eq!(names(&base.join(&set)), expected, "{set}");
    }
    assert_eq!(
        fs::read_to_string(temp.path().join("results/mdworkbench.status")).unwrap(),
        format!("pos: {}\n", 2 * OBJECTS)
    );
    let pairs: Vec<&str> = bench.pairs.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(pairs, ["filesPerProc", "precreatePerSet", "maxOpTime", "scoreIteration0", "maxOpTime0"]);

    let deleted = run(temp.path(), "mdworkbench-delete");
    let delete = deleted.phase(PhaseId::MdworkbenchDelete).unwrap();
    assert_eq!(delete.operations, RANKS as u64 * SETS * (OBJECTS + 1));
    assert!(delete.check.as_ref().unwrap().is_clean());
    assert_eq!(names(&base), Vec::<String>::new());
}

#[test]
fn a_flipped_byte_and_a_missing_object_are_told() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("data/mdworkbench");
    run(temp.path(), "mdworkbench-create");
    let path = base.join("1_4/file-3");
    let mut data = fs::read(&path).unwrap();
    data[3900] ^= 0x10;
    fs::write(&path, data).unwrap();
    fs::remove_file(base.join("0_0/file-2")).unwrap();
    let result = run(temp.path(), "mdworkbench-bench");
    let check = result.phase(PhaseId::MdworkbenchBench).unwrap().check.clone().unwrap();
    assert_eq!((check.wrong, check.wrong_bytes, check.missing), (1, 1, 2), "{check:?}");
    let reasons: Vec<&str> = result.strict.reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("1 with wrong bytes")), "{reasons:?}");
    let official = "Errors (3) occured during the md-workbench phase. This invalidates your run.";
    assert!(result.official.reasons.iter().any(|reason| reason.text == official), "{:?}", result.official);
    let bench = result.phase(PhaseId::MdworkbenchBench).unwrap();
    assert!(!bench.valid);
    assert_eq!(
        bench.operations,
        (RANKS as u64 * SETS * OBJECTS - 1) * 4,
        "an object that is not there is no operation"
    );
    assert!(!result.score.unwrap().extended.unwrap().valid);
}

#[test]
fn objects_with_wrong_bytes_and_sets_that_are_not_empty_are_no_operations() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("data/mdworkbench");
    run(temp.path(), "mdworkbench-create");
    for set in names(&base) {
        for object in names(&base.join(&set)) {
            let path = base.join(&set).join(object);
            let mut data = fs::read(&path).unwrap();
            data[17] ^= 1;
            fs::write(&path, data).unwrap();
        }
    }
    let result = run(temp.path(), "mdworkbench-bench");
    let bench = result.phase(PhaseId::MdworkbenchBench).unwrap();
    let first = bench.pairs.iter().find(|(key, _)| key == "scoreIteration0").unwrap();
    assert_eq!(first.1, "0.000000", "every object of the first iteration was wrong");
    assert_eq!(bench.operations, RANKS as u64 * SETS * OBJECTS * 4, "the second one read what the first one wrote");
    assert_eq!(bench.check.as_ref().unwrap().wrong, RANKS as u64 * SETS * OBJECTS);

    fs::write(base.join("2_3/file-999"), "of another program").unwrap();
    let result = run(temp.path(), "mdworkbench-delete");
    let delete = result.phase(PhaseId::MdworkbenchDelete).unwrap();
    assert_eq!(delete.operations, RANKS as u64 * SETS * (OBJECTS + 1) - 1);
    assert_eq!(delete.check.as_ref().unwrap().unexpected, 1);
}

#[test]
fn a_find_without_its_directory_is_refused_before_the_first_phase() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    for (find, write) in [("find-easy", "mdtest-easy"), ("find-hard", "mdtest-hard")] {
        let text = format!("[global]\napi = POSIX\ndatadir = {}\n[{write}]\nrun = FALSE\n", data.display());
        let config = common::config(&text, &["dfs-bench.mode=extended"]);
        let phases = format!("timestamp,{find}");
        let error = common::run(&config, &phases, 1, TIMESTAMP, None).unwrap_err().to_string();
        assert!(error.contains(&format!("run {write}-write first")), "{error}");
        assert!(!data.exists(), "nothing was made");
        // a script may look wherever it wants
        let script = temp.path().join("find.sh");
        fs::write(&script, "#!/bin/sh\necho MATCHED 1/1\n").unwrap();
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let config = common::config(
            &format!("{text}[{find}]\nexternal-script = {}\n", script.display()),
            &["dfs-bench.mode=extended"],
        );
        common::run(&config, &phases, 1, TIMESTAMP, None).unwrap();
        fs::remove_dir_all(&data).unwrap();
    }
}
