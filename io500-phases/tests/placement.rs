//! Object classes and chunk sizes: every phase makes its files and directories as its API string says, and shared files are opened once.
#![cfg(feature = "dfs")]

mod common;

use daos_dfs::{Mount, MountOptions, System};
use io500_phases::backend::dfs_connection::Connection;
use io500_phases::backend::fault::{Effect, Faulty, Op};
use io500_phases::backend::select::{Selected, Single};
use io500_phases::comm::threads;
use io500_phases::config::{Config, select_phases};
use io500_phases::error::Errno;
use io500_phases::phase_id::PhaseId;
use io500_phases::results::RunResult;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::path::Path;

const TIMESTAMP: &str = "2026.01.02-03.04.05";
const RANKS: usize = 2;
const SMALL: [&str; 8] = [
    "debug.stonewall-time=1",
    "ior-easy.transferSize=4k",
    "ior-easy.blockSize=16k",
    "ior-hard.segmentCount=3",
    "mdtest-easy.n=3",
    "mdtest-hard.n=3",
    "mdworkbench.precreatePerSet=2",
    "mdworkbench.filesPerProc=2",
];

/// `pool` and `cont` of the container's setting.
fn connection(setting: &str) -> String {
    setting.strip_prefix("global.api=DFS ").unwrap().to_owned()
}

fn mount(setting: &str) -> Mount {
    let system = System::start().unwrap();
    let connection = connection(setting);
    let mut words = connection.split(' ').map(|word| word.split_once('=').unwrap().1);
    Mount::connect(&system, &MountOptions::new(words.next().unwrap(), words.next().unwrap())).unwrap()
}

/// Class of every directory, class and chunk size of every file, by path.
fn placement(mount: &Mount) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![("/data".to_owned(), mount.open_path("/data").unwrap())];
    while let Some((path, dir)) = open.pop() {
        let mut cursor = dir.cursor(64).unwrap();
        loop {
            let names: Vec<CString> = cursor.next_batch().unwrap().map(|name| name.to_owned()).collect();
            if names.is_empty() {
                break;
            }
            for name in names {
                let below = format!("{path}/{}", name.to_str().unwrap());
                if dir.kind(&name).unwrap() == daos_dfs::EntryKind::Directory {
                    open.push((below, dir.open_dir(&name).unwrap()));
                } else {
                    let info = dir.open(&name, daos_dfs::AccessMode::Read).unwrap().info().unwrap();
                    found.insert(below, format!("{} {}", info.class.name(), info.chunk_size));
                }
            }
        }
        found.insert(path, dir.id().unwrap().class().name());
    }
    found
}

fn assert_placed(mount: &Mount, below: &str, dir: &str, file: &str) {
    let found = placement(mount);
    let mut seen = (0, 0);
    for (path, what) in found.iter().filter(|(path, _)| path.starts_with(&format!("/data/{below}"))) {
        let is_dir = !what.contains(' ');
        if is_dir {
            seen.0 += 1
        } else {
            seen.1 += 1
        }
        assert_eq!(what, if is_dir { dir } else { file }, "{path}");
    }
    assert!(seen.0 > 0 && seen.1 > 0, "{below}: {found:?}");
}

#[test]
fn every_phase_keeps_class_and_chunk_size_of_its_api_string() {
    let Some(container) = common::Container::new() else { return };
    let setting = container.setting();
    let mount = mount(&setting);
    // a pool with one target has one class, as which SX is read back too: there chunk sizes alone tell phases apart
    let roomy = mount.pool_info().unwrap().targets >= 8;
    let fit = |class: &'static str| if roomy { class } else { "S1" };
    let file = |class: &'static str, chunk: u64| format!("{} {chunk}", fit(class));
    let api = |section: &str, files: &'static str, dirs: &'static str, chunk: &str| {
        let (files, dirs) = (fit(files), fit(dirs));
        let option = if section == "global" { "api" } else { "API" };
        format!(
            "{section}.{option}=DFS {} --dfs.oclass={files} --dfs.dir_oclass={dirs} --dfs.chunk_size={chunk}",
            connection(&setting)
        )
    };
    let apis = [
        api("global", "S1", "S2", "1m"),
        api("ior-easy", "S4", "S8", "64k"),
        api("ior-hard", "S8", "S4", "128k"),
        api("mdtest-easy", "S2", "S4", "256k"),
        api("mdtest-hard", "S4", "S1", "512k"),
        api("mdworkbench", "S8", "S2", "32k"),
    ];
    let mut settings: Vec<&str> = SMALL.into_iter().chain(apis.iter().map(String::as_str)).collect();
    settings.extend(["global.datadir=/data", "global.timestamp-datadir=FALSE", "dfs-bench.mode=extended"]);
    let config = common::config("", &settings);
    let results = tempfile::tempdir().unwrap();
    let run = |phase: PhaseId| {
        let phases = [phase];
        threads::run(RANKS, |comm| {
            let stores = Selected::open(&config, &phases, "/data", comm).unwrap();
            common::run_on(&config, &phases, comm, TIMESTAMP, Some(results.path()), &stores).unwrap();
        });
    };
    let deletes = |phase: &PhaseId| phase.name().ends_with("delete");
    for phase in PhaseId::ALL.into_iter().filter(|phase| !deletes(phase)) {
        run(phase);
        let (made, found) = (PhaseId::ALL.into_iter().take_while(|done| *done <= phase), placement(&mount));
        assert_eq!(found["/data"], fit("S2"), "the data directory is the suite's own: {phase}");
        for write in made {
            // what the suite makes itself is placed as the global API says, what a workload makes as its own says
            match write {
                PhaseId::IorEasyWrite => {
                    assert_eq!(found["/data/ior-easy"], fit("S2"), "{phase}");
                    assert_eq!(found["/data/ior-easy/ior_file_easy.00000001"], file("S4", 65536), "{phase}");
                }
                PhaseId::IorHardWrite => {
                    assert_eq!(found["/data/ior-hard"], fit("S2"), "{phase}");
                    assert_eq!(found["/data/ior-hard/file"], file("S8", 131_072), "{phase}");
                }
                PhaseId::MdtestEasyWrite => assert_placed(&mount, "mdtest-easy", fit("S4"), &file("S2", 262_144)),
                PhaseId::MdtestHardWrite => assert_placed(&mount, "mdtest-hard", fit("S1"), &file("S4", 524_288)),
                PhaseId::MdworkbenchCreate | PhaseId::MdworkbenchBench => {
                    assert_placed(&mount, "mdworkbench", fit("S2"), &file("S8", 32768));
                }
                _ => {}
            }
        }
    }
    PhaseId::ALL.into_iter().filter(deletes).for_each(run);
}

/// Runs these phases of shared files with a store on which only rank 0 can create or open a file by its name.
fn with_handed_files(config: &Config, phases: &str, results: &Path) -> RunResult {
    let phases = select_phases(phases, false).unwrap();
    let mut ranks = threads::run(RANKS, |comm| {
        let connection = Connection::open(&config.phase(phases[0]).api, config, false, comm).unwrap();
        let store = Faulty::new(connection.backend());
        let refused = Effect::Fail(Errno(libc::EACCES));
        let backend = match comm.rank() {
            0 => store,
            _ => store.each(Op::Create, refused).each(Op::Open, refused),
        };
        let stores = Single { backend, datadir: "/data".to_owned() };
        common::run_on(config, &phases, comm, TIMESTAMP, Some(results), &stores).unwrap()
    });
    ranks.swap_remove(0).unwrap()
}

#[test]
fn a_shared_file_is_opened_by_rank_0_and_handed_to_the_others() {
    let Some(container) = common::Container::new() else { return };
    let setting = container.setting();
    let own =
        [setting.as_str(), "global.datadir=/data", "global.timestamp-datadir=FALSE", "ior-easy.filePerProc=FALSE"];
    let settings = [&SMALL[..], &own].concat();
    let config = common::config("", &settings);
    let results = tempfile::tempdir().unwrap();
    let result = with_handed_files(&config, "ior-easy,ior-hard,ior-rnd4K-easy", results.path());
    assert_eq!(result.phases.len(), 5);
    for phase in &result.phases {
        assert!(phase.operations > 0 && phase.check.as_ref().is_none_or(|check| check.is_clean()), "{phase:?}");
    }
    // one that is gone is missing on every rank, and nobody waits for another
    mount(&setting).open_path("/data/ior-hard").unwrap().remove(c"file").unwrap();
    let result = with_handed_files(&config, "ior-hard-read", results.path());
    let check = result.phase(PhaseId::IorHardRead).unwrap().check.as_ref().unwrap();
    assert_eq!(check.missing, RANKS as u64, "{check:?}");
}
