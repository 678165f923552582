//! `--queue-depth` and `--threads-per-rank` change how fast the work is done and nothing else: the same bytes, the same counts, the same
//! verification, the same failures, at every depth and with any number of threads.

mod common;

use io500_phases::backend::fault::{Effect, Faulty, Op};
use io500_phases::backend::null::Null;
use io500_phases::backend::select::{Selected, Single, Stores, Visit};
use io500_phases::backend::{Access, Backend, FileKind, list};
use io500_phases::comm::threads;
use io500_phases::config::{Config, select_phases};
use io500_phases::engine::{OpKind, Ticker};
use io500_phases::error::{Errno, Error};
use io500_phases::phase_id::PhaseId;
use io500_phases::results::RunResult;
use io500_phases::suite::{NoopObserver, Options, Suite};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::path::Path;

const MS: u64 = 1_000_000;
const TIMESTAMP: &str = "2026.01.02-03.04.05";
const DEPTHS: [usize; 4] = [1, 2, 7, 64];
const THREADS: [usize; 3] = [1, 2, 7];

/// Phases that end at these limits and not at the stonewall. No limit is a multiple of a depth or of a number of threads.
const SMALL: &str = "[ior-easy]\ntransferSize = 8k\nblockSize = 808k\n[ior-hard]\nsegmentCount = 71\n[mdtest-easy]\nn = 53\n[mdtest-hard]\nn = 29\n";

fn config(text: &str, depth: usize, threads: usize, more: &[&str]) -> Config {
    let own = [format!("dfs-bench.queue-depth={depth}"), format!("dfs-bench.threads-per-rank={threads}")];
    common::config(text, &[&own.each_ref().map(String::as_str), more].concat())
}

/// Every depth and every number of threads.
fn settings() -> impl Iterator<Item = (usize, usize)> {
    DEPTHS.into_iter().zip(THREADS.into_iter().cycle().skip(1))
}

/// What a store holds below its data directory: directories, and files with their bytes.
type Tree = BTreeMap<String, Option<Vec<u8>>>;

/// Reads a tree through the store's own interface.
struct Read<'a>(&'a str);

impl Visit for Read<'_> {
    type Out = Tree;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Tree
    where
        B::Dir: Send + Sync,
    {
        let mut tree = Tree::new();
        let mut open = vec![(String::new(), backend.open_path(self.0).unwrap())];
        while let Some((path, dir)) = open.pop() {
            let mut names: Vec<CString> = Vec::new();
            list(backend, &dir, |name, _| names.push(name.to_owned())).unwrap();
            for name in names {
                let below = format!("{path}/{}", name.to_str().unwrap());
                let stat = backend.stat(&dir, &name).unwrap();
                if stat.kind == FileKind::Directory {
                    open.push((below.clone(), backend.open_dir(&dir, &name).unwrap()));
                    tree.insert(below, None);
                    continue;
                }
                let mut data = vec![0; stat.size as usize];
                let file = backend.open(&dir, &name, Access::Read).unwrap();
                assert_eq!(backend.read_at(&file, 0, &mut data), Ok(data.len()));
                backend.close(file).unwrap();
                tree.insert(below, Some(data));
            }
        }
        tree
    }
}

/// Changes one bit of a file, or removes the file.
struct Hurt<'a>(&'a str, Option<u64>);

impl Visit for Hurt<'_> {
    type Out = ();

    fn visit<B: Backend + Sync>(self, backend: &B)
    where
        B::Dir: Send + Sync,
    {
        let (parent, name) = self.0.rsplit_once('/').unwrap();
        let (dir, name) = (backend.open_path(parent).unwrap(), CString::new(name).unwrap());
        let Some(at) = self.1 else { return backend.unlink(&dir, &name).unwrap() };
        let file = backend.open(&dir, &name, Access::ReadWrite).unwrap();
        let mut byte = [0];
        assert_eq!(backend.read_at(&file, at, &mut byte), Ok(1));
        backend.write_at(&file, at, &[byte[0] ^ 4]).unwrap();
        backend.close(file).unwrap();
    }
}

fn on_store<V: Visit + Send>(config: &Config, visitor: impl Fn() -> V + Sync) -> V::Out
where
    V::Out: Send,
{
    let phase = PhaseId::IorEasyWrite;
    let mut all = threads::run(1, |comm| {
        let stores = Selected::open(config, &[phase], &config.global.datadir, comm).unwrap();
        stores.visit(phase, visitor())
    });
    all.swap_remove(0)
}

/// On every kind of store there is, with the setting that selects it and the data directory there.
fn on_all(test: impl Fn(&str, &str)) {
    let temp = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    test("global.api=POSIX", temp.path().join("data").to_str().unwrap());
    #[cfg(feature = "dfs")]
    if let Some(container) = common::Container::new() {
        test(&container.setting(), "/bench/data");
    }
}

/// The stonewall files of a result directory.
fn stonewalls(results: &Path) -> [String; 4] {
    ["ior-easy", "ior-hard", "mdtest-easy", "mdtest-hard"]
        .map(|family| fs::read_to_string(results.join(format!("{family}.stonewall"))).unwrap().trim().to_owned())
}

#[test]
fn the_bytes_and_the_counts_are_the_same() {
    for (ranks, shared) in [(1, "FALSE"), (2, "TRUE"), (3, "FALSE")] {
        on_all(|store, datadir| {
            let mut expected: Option<Tree> = None;
            for (depth, threads) in std::iter::once((1, 1)).chain(settings()) {
                let what = format!("{ranks} ranks, {store}, depth {depth}, {threads} threads");
                let results = tempfile::tempdir().unwrap();
                let datadir = format!("global.datadir={datadir}");
                let shared = format!("ior-easy.filePerProc={shared}");
                let config = config(SMALL, depth, threads, &[store, &datadir, &shared]);
                let written = common::run(&config, "write,timestamp", ranks, TIMESTAMP, Some(results.path())).unwrap();
                assert_eq!(stonewalls(results.path()), ["101", "71", "53", "29"], "{what}");

                let tree = on_store(&config, || Read(&config.global.datadir));
                // files: one of ior-hard, one or as many as ranks of ior-easy, those of mdtest
                let files = tree.values().flatten().count();
                assert_eq!(files, 1 + if shared.ends_with("TRUE") { ranks } else { 1 } + ranks * (53 + 29), "{what}");
                match &expected {
                    Some(expected) => {
                        let differs =
                            expected.keys().chain(tree.keys()).find(|path| expected.get(*path) != tree.get(*path));
                        assert_eq!(differs, None, "{what}");
                    }
                    None => expected = Some(tree),
                }

                let rest = "ior-easy-read,ior-hard-read,mdtest-easy-stat,mdtest-hard-stat,mdtest-hard-read,delete";
                let read = common::run(&config, rest, ranks, TIMESTAMP, Some(results.path())).unwrap();
                for result in written.phases.iter().chain(&read.phases) {
                    let Some(check) = &result.check else { continue };
                    let each = match result.phase.family().name() {
                        "ior-easy" => 101,
                        "ior-hard" => 71,
                        "mdtest-easy" => 53,
                        _ => 29,
                    };
                    let operations = each * ranks as u64;
                    assert_eq!(result.operations, operations, "{what}: {}", result.phase);
                    assert!(check.is_clean(), "{what}: {}: {check:?}", result.phase);
                    // nothing is taken twice and nothing is left out: each latency is of one operation
                    for latency in result.latency.iter().filter(|latency| {
                        let once_per_file =
                            matches!(latency.kind, OpKind::Create | OpKind::Open | OpKind::Close | OpKind::Sync);
                        each < 60 || !once_per_file
                    }) {
                        assert_eq!(latency.operations, operations, "{what}: {} {:?}", result.phase, latency.kind);
                    }
                    assert!(!result.latency.is_empty(), "{what}: {}", result.phase);
                }
                let left = on_store(&config, || Read(&config.global.datadir));
                assert!(!left.keys().any(|path| path.contains("file.mdtest")), "{what}");
            }
        });
    }
}

#[test]
fn damage_is_found_and_its_first_place_named() {
    let hard = |file: u64| format!("mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.1.{file}");
    let easy = |file: u64| format!("mdtest-easy/test-dir.0-0/mdtest_tree.2.0/file.mdtest.1.{file}");
    on_all(|store, datadir| {
        let mut expected: Option<Vec<Option<String>>> = None;
        for (depth, threads) in std::iter::once((1, 1)).chain(settings()) {
            let results = tempfile::tempdir().unwrap();
            let config = config(SMALL, depth, threads, &[store, &format!("global.datadir={datadir}")]);
            let run = |phases| common::run(&config, phases, 3, TIMESTAMP, Some(results.path())).unwrap();
            run("write,timestamp");
            let (hard, easy) = ([21, 5, 17].map(hard), [44, 13, 30].map(easy));
            let damages =
                [("ior-easy/ior_file_easy.00000002", Some(8192 * 90 + 5)), ("ior-hard/file", Some(47_008 * 100 + 9))];
            let files = hard.iter().map(|path| (path.as_str(), Some(3900)));
            for (path, at) in damages.into_iter().chain(files).chain(easy.iter().map(|path| (path.as_str(), None))) {
                let path = format!("{datadir}/{path}");
                on_store(&config, || Hurt(&path, at));
            }
            let read = run("ior-easy-read,ior-hard-read,mdtest-easy-stat,mdtest-hard-read,delete");
            let found: Vec<_> =
                read.phases.iter().map(|phase| phase.check.as_ref().and_then(|check| check.describe())).collect();
            let faults = |phase| read.phase(phase).unwrap().check.as_ref().unwrap().faults();
            assert_eq!(faults(PhaseId::IorEasyRead), 1, "depth {depth}");
            assert_eq!(faults(PhaseId::IorHardRead), 1, "depth {depth}");
            assert_eq!(faults(PhaseId::MdtestEasyStat), 3, "{threads} threads");
            assert_eq!(faults(PhaseId::MdtestHardRead), 3, "{threads} threads");
            // and all of it, the first places too, in the same words
            assert_eq!(*expected.get_or_insert_with(|| found.clone()), found, "depth {depth}, {threads} threads");
            // the ior files are left to the next round, which writes them anew
        }
        let texts = expected.unwrap().into_iter().flatten().collect::<Vec<_>>().join("\n");
        for place in
            ["file.mdtest.1.13: not there", "file.mdtest.1.5: byte 3900", "ior_file_easy.00000002: byte 737285"]
        {
            assert!(texts.contains(place), "{texts}");
        }
    });
}

struct Virtual {
    result: RunResult,
    /// Creates, writes and reads of every rank.
    calls: Vec<[u64; 3]>,
    stonewalls: BTreeMap<PhaseId, u64>,
}

/// Runs on the null backend with ranks whose every call takes so many milliseconds of a clock of their own, and a stonewall of a second.
fn virtual_run(config: &Config, phases: &str, costs: &[u64]) -> Virtual {
    let results = tempfile::tempdir().unwrap();
    let phases = select_phases(phases, false).unwrap();
    let ranks = threads::run(costs.len(), |comm| {
        let cost = Effect::Delay(costs[comm.rank()] * MS);
        let backend =
            [Op::Create, Op::Write, Op::Read].into_iter().fold(Faulty::new(Null), |store, op| store.each(op, cost));
        let mut options = Options::default();
        options.resultdir = Some(results.path().to_owned());
        options.ticker = Ticker::Virtual(backend.time());
        let stores = Single { backend, datadir: "/data".into() };
        let plan = common::plan(config, &phases, comm, TIMESTAMP);
        let result = Suite::new(config, &plan, options).run(comm, &stores, &mut NoopObserver).unwrap();
        (result, [Op::Create, Op::Write, Op::Read].map(|op| stores.backend.calls(op)))
    });
    let (all, calls): (Vec<_>, Vec<_>) = ranks.into_iter().unzip();
    let written = phases.iter().filter(|phase| phase.has_stonewall());
    let stonewalls = written
        .map(|&phase| {
            let text = fs::read_to_string(results.path().join(format!("{}.stonewall", phase.family().name()))).unwrap();
            (phase, text.trim().parse().unwrap())
        })
        .collect();
    Virtual { result: all.into_iter().next().flatten().unwrap(), calls, stonewalls }
}

const ENDLESS: &str = "[debug]\nstonewall-time = 1\n[ior-easy]\ntransferSize = 4k\nblockSize = 1t\n[ior-hard]\nsegmentCount = 1000000000\n\
                       [mdtest-easy]\nn = 1000000000\n[mdtest-hard]\nn = 1000000000\n";

#[test]
fn ranks_of_any_speed_end_with_the_same_count_of_transfers() {
    let costs = [300, 70, 110];
    for depth in DEPTHS {
        let config = config(ENDLESS, depth, 1, &[]);
        let run = virtual_run(&config, "ior-easy,ior-hard,ior-rnd4K-easy", &costs);
        // so many transfers run side by side: the fastest rank does 15 rounds, the last of which ends behind the stonewall
        let most = 15 * depth as u64;
        for result in &run.result.phases {
            assert_eq!(result.operations, 3 * most, "{} at depth {depth}", result.phase);
            if let Some(stonewall) = &result.stonewall {
                assert_eq!(
                    (stonewall.most, stonewall.least),
                    (most, 4 * depth as u64),
                    "{} at depth {depth}",
                    result.phase
                );
            }
        }
        assert!(run.stonewalls.values().all(|&count| count == most) && run.stonewalls.len() == 2, "depth {depth}");
        for [_, writes, reads] in run.calls {
            assert_eq!((writes, reads), (2 * most, 3 * most), "depth {depth}");
        }
    }
}

#[test]
fn ranks_of_any_speed_end_with_the_same_count_of_files() {
    let costs = [30, 7, 110];
    for threads in THREADS {
        let config = config(ENDLESS, 1, threads, &[]);
        let run = virtual_run(&config, "mdtest", &costs);
        let mut creates = 0;
        for (phase, per_file) in [(PhaseId::MdtestEasyWrite, 1), (PhaseId::MdtestHardWrite, 2)] {
            let count = run.stonewalls[&phase];
            creates += count;
            // threads share the rank's clock here; each may have one file open when the stonewall is hit
            let alone = |cost: u64| 1000 / (per_file * cost) + 1;
            let range = |cost| alone(cost)..alone(cost) + threads as u64;
            assert!(range(7).contains(&count), "{phase}: {count} with {threads} threads");
            let result = run.result.phase(phase).unwrap();
            let stonewall = result.stonewall.as_ref().unwrap();
            assert_eq!((result.operations, stonewall.most), (3 * count, count), "{phase} with {threads} threads");
            assert!(range(110).contains(&stonewall.least), "{phase}: {} with {threads} threads", stonewall.least);
        }
        for calls in run.calls {
            let hard = run.stonewalls[&PhaseId::MdtestHardWrite];
            assert_eq!(calls, [creates, hard, hard], "{threads} threads");
        }
        for result in &run.result.phases {
            assert!(result.check.as_ref().unwrap().is_clean(), "{}: {:?}", result.phase, result.check);
        }
    }
}

/// The error of every rank when rank 1 has this fault.
fn failing(config: &Config, phases: &str, fault: impl Fn(Faulty<Null>) -> Faulty<Null> + Sync) -> Vec<Error> {
    let phases = select_phases(phases, false).unwrap();
    let results = tempfile::tempdir().unwrap();
    threads::run(3, |comm| {
        let store = Faulty::new(Null);
        let backend = if comm.rank() == 1 { fault(store) } else { store };
        let stores = Single { backend, datadir: "/data".into() };
        common::run_on(config, &phases, comm, TIMESTAMP, Some(results.path()), &stores).unwrap_err()
    })
}

#[track_caller]
fn assert_all(errors: &[Error], begins: &str, contains: &str) {
    assert_eq!(errors.len(), 3);
    for error in errors.iter().map(Error::to_string) {
        assert!(error.starts_with(begins) && error.contains(contains), "{error}");
    }
}

#[test]
fn an_error_ends_the_phase_everywhere() {
    const EIO: Effect = Effect::Fail(Errno(libc::EIO));
    let rank = format!("rank 1 ({}): ", io500_phases::comm::host_name());
    // without the message about the failure these phases would never end
    let endless = "[ior-easy]\ntransferSize = 4k\nblockSize = 1t\n[mdtest-hard]\nn = 1000000000000\n";
    for depth in DEPTHS {
        let config = config(endless, depth, 1, &[]);
        let errors = failing(&config, "ior-easy-write", |store| store.at(Op::Write, 100, EIO));
        assert_all(&errors, &rank, "ior-easy-write: write ior-easy/ior_file_easy.00000001: Input/output error");
    }
    for threads in THREADS {
        let config = config(endless, 1, threads, &[]);
        let errors = failing(&config, "mdtest-hard-write", |store| store.at(Op::Close, 100, EIO));
        assert_all(&errors, &rank, "mdtest-hard-write: close mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.1.");
        // where all threads fail, the lowest file is told
        let errors = failing(&config, "mdtest-hard-write", |store| store.each(Op::Write, EIO));
        assert_all(&errors, &rank, "write mdtest-hard/test-dir.0-0/mdtest_tree.0/file.mdtest.1.0: Input/output error");
        let errors = failing(&config, "mdtest-hard-write", |store| store.at(Op::Create, 100, Effect::Panic));
        assert_all(&errors, "rank 1 panicked: injected panic: Create 100", "");
    }
}

#[test]
fn departures_from_the_rules_are_named() {
    let small = "[debug]\nstonewall-time = 1\n[ior-easy]\ntransferSize = 4k\nblockSize = 40k\n";
    let departures = |depth, threads, serial: Option<usize>| {
        let config = config(small, depth, threads, &[]);
        let mut all = threads::run(3, |comm| {
            let refuses = serial.is_some_and(|first| comm.rank() >= first);
            let backend = if refuses { Faulty::new(Null).serial("no rings here") } else { Faulty::new(Null) };
            let stores = Single { backend, datadir: "/data".into() };
            common::run_on(&config, &[PhaseId::IorEasyWrite], comm, TIMESTAMP, None, &stores).unwrap()
        });
        let result = all.swap_remove(0).unwrap();
        let start = &result.provenance.start;
        assert!(0.0 < start.connected_s && start.connected_s <= start.first_phase_s, "{start:?}");
        for departure in &result.provenance.departures {
            assert!(result.strict.reasons.iter().any(|reason| reason.text.contains(departure)), "{departure}");
        }
        result.provenance.departures
    };
    assert_eq!(departures(1, 1, None), [""; 0]);
    assert_eq!(departures(1, 1, Some(0)), [""; 0]);
    assert_eq!(departures(8, 2, None), ["queue-depth 8", "threads-per-rank 2"]);
    let serial = "transfers of 2 of 3 ranks run one at a time: no rings here";
    assert_eq!(departures(8, 1, Some(1)), ["queue-depth 8", serial]);
}
