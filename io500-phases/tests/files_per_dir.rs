//! `files-per-dir`: every phase of mdtest-hard works on all files of all test directories, find counts them, and nothing is left behind.

mod common;

use io500_phases::backend::fault::{Effect, Faulty, Op};
use io500_phases::backend::null::Null;
use io500_phases::backend::select::Single;
use io500_phases::comm::threads;
use io500_phases::config::{Config, select_phases};
use io500_phases::error::Errno;
use io500_phases::phase_id::{Family, Kind, PhaseId};
use io500_phases::suite::{NoopObserver, Options, Suite};
use std::path::Path;

const TIMESTAMP: &str = "2026.01.02-03.04.05";
const PHASES: &str = "timestamp,mdtest-hard,find";
const RANKS: usize = 3;

fn config(datadir: &Path, more: &[&str]) -> Config {
    let datadir = format!("global.datadir={}", datadir.display());
    let base = [datadir.as_str(), "global.timestamp-datadir=FALSE", "mdtest-hard.n=24", "mdtest-hard.files-per-dir=8"];
    common::config("", &[&base[..], more].concat())
}

#[test]
fn every_phase_works_on_all_directories() {
    for threads in ["1", "2"] {
        let temp = tempfile::tempdir().unwrap();
        let (data, results) = (temp.path().join("data"), temp.path().join("results"));
        let threads = format!("dfs-bench.threads-per-rank={threads}");
        let config = config(&data, &[&threads, "debug.stonewall-time=1"]);
        config.validate(&PhaseId::ALL).unwrap();
        let result = common::run(&config, PHASES, RANKS, TIMESTAMP, Some(&results)).unwrap();
        for phase in result.phases.iter().filter(|phase| !matches!(phase.phase.kind(), Kind::Timestamp | Kind::Find)) {
            assert_eq!(phase.operations, 24 * RANKS as u64, "{}", phase.phase);
            assert!(phase.check.as_ref().unwrap().is_clean(), "{}: {:?}", phase.phase, phase.check);
        }
        let write = result.phase(PhaseId::MdtestHardWrite).unwrap();
        assert!(write.command.contains(" -n 24 -I=8 -t ") && !write.command.contains(" -W "), "{}", write.command);
        assert_eq!(write.stonewall, None);
        let find = result.phase(PhaseId::Find).unwrap().find.as_ref().unwrap();
        assert_eq!((find.total, find.expected_total), (24 * RANKS as u64, None), "the ior files are not there");
        assert_eq!(Some(find.found), find.expected_found);
        assert_eq!(std::fs::read_dir(data.join("mdtest-hard")).unwrap().count(), 0, "the trees are removed");
    }
}

#[test]
fn a_directory_that_is_gone_is_so_many_missing_files_and_the_clean_up_finds_the_others() {
    let temp = tempfile::tempdir().unwrap();
    let (data, results) = (temp.path().join("data"), temp.path().join("results"));
    let config = config(&data, &["global.timestamp-datadir=TRUE"]);
    common::run(&config, "mdtest-hard-write", RANKS, TIMESTAMP, Some(&results)).unwrap();
    for (gone, missing, first) in [
        ("test-dir.0-1/mdtest_tree.0", 8, "test-dir.0-1/mdtest_tree.0/file.mdtest.1.0"),
        ("test-dir.0-1", 8, "test-dir.0-1/mdtest_tree.0/file.mdtest.1.0"),
        ("test-dir.0-0/mdtest_tree.0", 16, "test-dir.0-0/mdtest_tree.0/file.mdtest.1.0"),
    ] {
        std::fs::remove_dir_all(data.join("mdtest-hard").join(gone)).unwrap();
        let result = common::run(&config, "mdtest-hard-stat", RANKS, TIMESTAMP, Some(&results)).unwrap();
        let check = result.phase(PhaseId::MdtestHardStat).unwrap().check.clone().unwrap();
        let expected = (missing * RANKS as u64, (24 - missing) * RANKS as u64);
        assert_eq!((check.missing, check.checked), expected, "{gone}: {check:?}");
        assert!(check.first.as_ref().unwrap().contains(first), "{gone}: {check:?}");
    }

    let phases = select_phases("mdtest-hard-write", false).unwrap();
    threads::run(RANKS, |comm| {
        let plan = common::plan(&config, &phases, comm, TIMESTAMP);
        let stores = Single {
            backend: io500_phases::backend::posix::Posix::new(&data.display().to_string(), false),
            datadir: data.display().to_string(),
        };
        Suite::new(&config, &plan, Options::default())
            .clean_up(comm, &stores, &[Family::MdtestHard], &mut NoopObserver)
            .unwrap();
    });
    assert!(!data.exists(), "only files of the benchmark were there");
}

#[test]
fn the_delete_phase_removes_what_is_left() {
    let temp = tempfile::tempdir().unwrap();
    let (data, results) = (temp.path().join("data"), temp.path().join("results"));
    let config = config(&data, &[]);
    common::run(&config, "mdtest-hard-write", RANKS, TIMESTAMP, Some(&results)).unwrap();
    std::fs::remove_dir_all(data.join("mdtest-hard/test-dir.0-2")).unwrap();
    let result = common::run(&config, "mdtest-hard-delete", RANKS, TIMESTAMP, Some(&results)).unwrap();
    let check = result.phase(PhaseId::MdtestHardDelete).unwrap().check.clone().unwrap();
    assert_eq!((check.missing, check.checked), (8 * RANKS as u64, 16 * RANKS as u64), "{check:?}");
    assert_eq!(std::fs::read_dir(data.join("mdtest-hard")).unwrap().count(), 0);
}

#[test]
fn a_fault_in_a_later_directory_names_its_file() {
    let config = config(Path::new("/data"), &[]);
    let phases = select_phases("mdtest-hard-write", false).unwrap();
    let errors = threads::run(RANKS, |comm| {
        let store = Faulty::new(Null);
        let fault = Effect::Fail(Errno(libc::EIO));
        let backend = if comm.rank() == 1 { store.at(Op::Create, 20, fault) } else { store };
        let stores = Single { backend, datadir: "/data".to_owned() };
        common::run_on(&config, &phases, comm, TIMESTAMP, None, &stores).unwrap_err().to_string()
    });
    for error in errors {
        assert!(error.contains("create mdtest-hard/test-dir.0-2/mdtest_tree.0/file.mdtest.1.3"), "{error}");
    }
}

#[test]
fn a_limit_that_does_not_divide_n_is_refused() {
    let error = config(Path::new("/data"), &["mdtest-hard.files-per-dir=7"]).validate(&PhaseId::ALL).unwrap_err();
    assert!(
        error.to_string().contains("[mdtest-hard] files-per-dir = 7: n must be a multiple of it, and is 24"),
        "{error}"
    );
}
