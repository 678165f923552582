//! Damage to what was written – a flipped byte, a missing, a truncated, an extra file – is counted, its first place named, and
//! the strict verdict says why. On POSIX and over libdfs.

mod common;

use io500_phases::backend::select::{Selected, Stores, Visit};
use io500_phases::backend::{Access, Backend};
use io500_phases::comm::threads;
use io500_phases::config::Config;
use io500_phases::phase_id::PhaseId;
use io500_phases::phases::Check;
use io500_phases::results::RunResult;
use std::ffi::CString;

const TIMESTAMP: &str = "2026.01.02-03.04.05";
const RANKS: usize = 3;
const SMALL: &str = "[debug]\nstonewall-time = 1\n[ior-easy]\ntransferSize = 64k\nblockSize = 256k\n[ior-hard]\nsegmentCount = 4\n\
                     [mdtest-easy]\nn = 5\n[mdtest-hard]\nn = 12\n";

/// What happens to one file.
#[derive(Clone, Copy)]
enum Damage {
    /// The byte at this offset has one bit changed.
    Flip(usize),
    /// The file ends here.
    Truncate(usize),
    Remove,
    /// It was not there before and has so many bytes.
    Add(usize),
}

/// Damages a file through the store's own interface.
struct Hurt<'a> {
    datadir: &'a str,
    path: &'a str,
    damage: Damage,
}

impl Visit for Hurt<'_> {
    type Out = ();

    fn visit<B: Backend + Sync>(self, backend: &B)
    where
        B::Dir: Send + Sync,
    {
        let (parent, name) = self.path.rsplit_once('/').unwrap();
        let dir = backend.open_path(&format!("{}/{parent}", self.datadir)).unwrap();
        let name = CString::new(name).unwrap();
        let data = match self.damage {
            Damage::Add(size) => vec![1; size],
            _ => {
                let mut data = vec![0; backend.stat(&dir, &name).unwrap().size as usize];
                let file = backend.open(&dir, &name, Access::Read).unwrap();
                assert_eq!(backend.read_at(&file, 0, &mut data), Ok(data.len()));
                backend.close(file).unwrap();
                data
            }
        };
        let data = match self.damage {
            Damage::Flip(at) => {
                let mut data = data;
                data[at] ^= 0x10;
                Some(data)
            }
            Damage::Truncate(size) => {
                backend.unlink(&dir, &name).unwrap();
                Some(data[..size].to_vec())
            }
            Damage::Remove => {
                backend.unlink(&dir, &name).unwrap();
                None
            }
            Damage::Add(_) => Some(data),
        };
        if let Some(data) = data {
            let file = backend.create(&dir, &name, Default::default()).unwrap();
            backend.write_at(&file, 0, &data).unwrap();
            backend.close(file).unwrap();
        }
    }
}

/// Writes, damages, runs the other phases whose rates count.
fn damaged(store: &str, datadir: &str, damages: &[(&str, Damage)], depth: usize) -> RunResult {
    let phases = "find,ior-easy-read,ior-hard-read,mdtest-easy-stat,mdtest-hard-stat,mdtest-hard-read,delete";
    damaged_then(phases, store, datadir, damages, depth)
}

/// Writes, damages, runs these phases.
fn damaged_then(phases: &str, store: &str, datadir: &str, damages: &[(&str, Damage)], depth: usize) -> RunResult {
    let results = tempfile::tempdir().unwrap();
    let settings = [format!("global.datadir={datadir}"), store.to_owned(), format!("dfs-bench.queue-depth={depth}")];
    let config: Config = common::config(SMALL, &settings.each_ref().map(String::as_str));
    let run = |phases| common::run(&config, phases, RANKS, TIMESTAMP, Some(results.path())).unwrap();
    let written = run("write,timestamp");
    assert!(written.phases.iter().filter_map(|phase| phase.check.as_ref()).all(Check::is_clean));
    for &(path, damage) in damages {
        threads::run(1, |comm| {
            let stores = Selected::open(&config, &[PhaseId::IorEasyRead], datadir, comm).unwrap();
            stores.visit(PhaseId::IorEasyRead, Hurt { datadir, path, damage });
        });
    }
    run(phases)
}

/// On every kind of store there is.
fn on_all(test: impl Fn(&str, &str)) {
    let temp = tempfile::tempdir().unwrap();
    test("global.api=POSIX", temp.path().join("data").to_str().unwrap());
    #[cfg(feature = "dfs")]
    if let Some(container) = common::Container::new() {
        test(&container.setting(), "/bench/data");
    }
}

/// Fails unless a phase reports exactly this, and the strict verdict repeats it.
#[track_caller]
fn assert_report(result: &RunResult, phase: PhaseId, report: &str) {
    let check = result.phase(phase).unwrap().check.as_ref().unwrap();
    assert_eq!(check.describe().as_deref(), Some(report), "{phase}");
    let repeated = |reason: &&io500_phases::results::Reason| reason.phase == Some(phase) && reason.text == report;
    assert!(result.strict.reasons.iter().find(repeated).is_some_and(|reason| reason.invalidates), "{phase}");
    assert!(!result.strict.valid);
}

/// Fails unless these phases, and no others, have something to report.
#[track_caller]
fn assert_only(result: &RunResult, phases: &[PhaseId]) {
    let faulty =
        |phase: &&io500_phases::results::PhaseResult| phase.check.as_ref().is_some_and(|check| !check.is_clean());
    let found: Vec<PhaseId> = result.phases.iter().filter(faulty).map(|phase| phase.phase).collect();
    assert_eq!(found, phases);
}

#[test]
fn without_damage_nothing_is_reported() {
    on_all(|store, datadir| {
        let result = damaged(store, datadir, &[], 1);
        assert_only(&result, &[]);
        assert!(!result.strict.reasons.iter().any(|reason| reason.text.contains("verification")));
        let find = result.phase(PhaseId::Find).unwrap().find.as_ref().unwrap();
        assert_eq!((Some(find.found), Some(find.total)), (find.expected_found, find.expected_total));
        // 3 files of ior-easy, 1 of ior-hard, 5 and 12 of every rank of mdtest
        assert_eq!(find.total, 3 + 1 + 15 + 36);
    });
}

#[test]
fn a_flipped_byte() {
    let easy = "ior-easy/ior_file_easy.00000001";
    let hard = "mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.2.7";
    on_all(|store, datadir| {
        for depth in [1, 4] {
            let flips =
                [(easy, Damage::Flip(70_001)), ("ior-hard/file", Damage::Flip(47_007)), (hard, Damage::Flip(3900))];
            let result = damaged(store, datadir, &flips, depth);
            assert_only(&result, &[PhaseId::IorEasyRead, PhaseId::IorHardRead, PhaseId::MdtestHardRead]);
            for (phase, path, byte) in [
                (PhaseId::IorEasyRead, easy, 70_001),
                (PhaseId::IorHardRead, "ior-hard/file", 47_007),
                (PhaseId::MdtestHardRead, hard, 3900),
            ] {
                let check = result.phase(phase).unwrap().check.as_ref().unwrap();
                assert_eq!((check.wrong, check.wrong_bytes), (1, 1), "{phase}");
                let report = check.describe().unwrap();
                assert!(
                    report.starts_with(&format!("verification: 1 with wrong bytes; first: {path}: byte {byte} is 0x")),
                    "{report}"
                );
                assert_report(&result, phase, &report);
                // mdtest's errors invalidate nothing in the C suite, and IOR counts each twice
                let official = "Errors (2) occured during phase in IOR. This invalidates your run.";
                let told = result
                    .official
                    .reasons
                    .iter()
                    .any(|reason| (reason.phase, &*reason.text) == (Some(phase), official));
                assert_eq!(told, phase != PhaseId::MdtestHardRead, "{phase}");
            }
        }
    });
}

#[test]
fn random_reads_are_not_verified() {
    let easy = "ior-easy/ior_file_easy.00000001";
    on_all(|store, datadir| {
        let flips: Vec<(&str, Damage)> = (0..262_144).step_by(4096).map(|at| (easy, Damage::Flip(at))).collect();
        let result = damaged_then("ior-rnd4K-easy-read,ior-easy-read", store, datadir, &flips, 1);
        assert_only(&result, &[PhaseId::IorEasyRead]);
        assert!(result.phase(PhaseId::IorRnd4kEasyRead).unwrap().rate > 0.0);
    });
}

#[test]
fn a_missing_file() {
    let easy = "mdtest-easy/test-dir.0-0/mdtest_tree.0.0/file.mdtest.2.3";
    let hard = "mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.0.1";
    on_all(|store, datadir| {
        let gone =
            [("ior-easy/ior_file_easy.00000002", Damage::Remove), (easy, Damage::Remove), (hard, Damage::Remove)];
        let result = damaged(store, datadir, &gone, 1);
        let phases = [
            (PhaseId::IorEasyRead, "ior-easy/ior_file_easy.00000002"),
            (PhaseId::MdtestEasyStat, easy),
            (PhaseId::MdtestHardStat, hard),
            (PhaseId::MdtestEasyDelete, easy),
            (PhaseId::MdtestHardRead, hard),
            (PhaseId::MdtestHardDelete, hard),
        ];
        assert_only(&result, &phases.map(|(phase, _)| phase));
        for (phase, path) in phases {
            assert_report(&result, phase, &format!("verification: 1 missing; first: {path}: not there"));
        }
        let counted = "find saw 52 files instead of 55";
        assert!(result.strict.reasons.iter().any(|reason| reason.text == counted), "{:?}", result.strict.reasons);
    });
}

#[test]
fn the_missing_shared_file_of_ior_hard() {
    on_all(|store, datadir| {
        let result = damaged(store, datadir, &[("ior-hard/file", Damage::Remove)], 1);
        assert_only(&result, &[PhaseId::IorHardRead]);
        // no rank finds it
        assert_report(&result, PhaseId::IorHardRead, "verification: 3 missing; first: ior-hard/file: not there");
    });
}

#[test]
fn a_truncated_file() {
    let hard = "mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.1.11";
    on_all(|store, datadir| {
        for depth in [1, 4] {
            // in the middle of the last but one of 12 transfers: the file of ior-hard misses two
            let cut = [("ior-hard/file", Damage::Truncate(10 * 47_008 + 8)), (hard, Damage::Truncate(3899))];
            let result = damaged(store, datadir, &cut, depth);
            let phases = [PhaseId::IorHardRead, PhaseId::MdtestHardStat, PhaseId::MdtestHardRead];
            assert_only(&result, &phases);
            let check = result.phase(PhaseId::IorHardRead).unwrap().check.as_ref().unwrap();
            assert_eq!((check.short, check.wrong, check.missing), (2, 0, 0));
            let text = check.describe().unwrap();
            assert!(text.starts_with("verification: 2 too short; first: ior-hard/file: "), "{text}");
            for phase in &phases[1..] {
                assert_report(
                    &result,
                    *phase,
                    &format!("verification: 1 too short; first: {hard}: 3899 of 3901 bytes at offset 0"),
                );
            }
            let less = format!("read {} bytes of the {} that ior-hard-write wrote", 10 * 47_008 + 8, 12 * 47_008);
            // the write phase was another invocation: its bytes are known from the count alone
            assert!(check.describe().is_some() && !less.is_empty());
        }
    });
}

#[test]
fn an_extra_file() {
    let easy = "mdtest-easy/test-dir.0-0/mdtest_tree.1.0/file.mdtest.0.99";
    let hard = "mdtest-hard/test-dir.0-0/mdtest_tree.0/notes.01";
    on_all(|store, datadir| {
        let (beside, later) = ("ior-easy/ior_file_easy.00000003", "ior-hard/core");
        let found_by = [
            (PhaseId::IorEasyRead, beside),
            (PhaseId::IorHardRead, later),
            (PhaseId::MdtestEasyDelete, easy),
            (PhaseId::MdtestHardDelete, hard),
        ];
        let extra =
            [(easy, Damage::Add(0)), (hard, Damage::Add(3901)), (beside, Damage::Add(9)), (later, Damage::Add(9))];
        let result = damaged(store, datadir, &extra, 1);
        assert_only(&result, &found_by.map(|(phase, _)| phase));
        assert!(!result.official.reasons.iter().any(|reason| reason.text.starts_with("Errors (")));
        for (phase, path) in found_by {
            let report =
                format!("verification: 1 that should not be there; first: {path}: not written by this benchmark");
            assert_report(&result, phase, &report);
        }
        // find sees all four, and one of them matches
        let reasons: Vec<&str> = result.strict.reasons.iter().map(|reason| reason.text.as_str()).collect();
        let find = result.phase(PhaseId::Find).unwrap().find.as_ref().unwrap();
        assert_eq!((Some(find.found - 1), Some(find.total - 4)), (find.expected_found, find.expected_total));
        assert!(reasons.contains(&"find saw 59 files instead of 55"), "{reasons:?}");
        let matched = format!("find matched {} entries instead of {}", find.found, find.found - 1);
        assert!(reasons.contains(&matched.as_str()), "{reasons:?}");
    });
}
