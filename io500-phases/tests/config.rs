//! Configurations as a user of the library sees them: layers, origins, mistakes, and real files.

use io500_phases::config::{Api, Config, ConfigBuilder, ConfigError, Origin, Warning, seed};
use io500_phases::pattern::PacketType;
use io500_phases::phase_id::PhaseId;
use io500_phases::text;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// The directory of material that is not part of the repository, if it is there.
fn shared(part: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(part);
    if !path.is_dir() {
        assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn subdirectories(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.is_dir());
    all.sort();
    all
}

fn load(text: &str) -> Result<(Config, Vec<Warning>), ConfigError> {
    Config::builder().file("t.ini", text.as_bytes()).build()
}

fn error(text: &str) -> String {
    load(text).unwrap_err().to_string()
}

fn invalid(text: &str) -> String {
    let (config, _) = load(&format!("{text}\n[global]\napi = POSIX\n")).unwrap();
    config.validate(&PhaseId::ALL).unwrap_err().to_string()
}

#[test]
fn reference_runs_give_their_config_ini_and_their_hash() {
    let Some(reference) = shared("reference") else { return };
    let runs = subdirectories(&reference);
    assert!(!runs.is_empty());
    for run in runs {
        let text = std::fs::read(run.join("config.ini")).unwrap();
        let (config, warnings) = Config::builder().file("config.ini", &text).build().unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let expected = std::fs::read_to_string(run.join("results/config.ini")).unwrap();
        assert_eq!(config.to_ini(), expected, "{}", run.display());
        let result = std::fs::read_to_string(run.join("results/result.txt")).unwrap();
        assert!(result.contains(&format!("config-hash     = {}\n", config.hash())), "{}", run.display());
        // What the C suite printed gives the same again, now without a word.
        let (again, warnings) = load(&expected).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!((again.to_ini(), again.hash()), (expected, config.hash()));
        config.validate(&PhaseId::ALL).unwrap();
    }
}

#[test]
fn every_published_configuration_loads() {
    let mut files = 0;
    for part in ["submissions", "full-runs"] {
        let Some(part) = shared(part) else { return };
        for run in subdirectories(&part) {
            for name in ["config.ini", "config-orig.ini"] {
                let path = run.join(name);
                let (config, warnings) = Config::builder()
                    .file(path.display().to_string(), &std::fs::read(&path).unwrap())
                    .build()
                    .unwrap_or_else(|error| panic!("{error}"));
                let sections = warnings.iter().filter(|warning| warning.message.ends_with(": ignored")).count();
                assert!(sections <= 9, "more than one word per old section: {warnings:?}");
                let (again, _) = load(&config.to_ini()).unwrap();
                assert_eq!(again.to_ini(), config.to_ini());
                // what stops it is what is not here: another API, the script of another machine
                for problem in config.validate(&PhaseId::ALL).err().map_or_else(Vec::new, |error| error.problems) {
                    let ours = ["is not supported", "external-script = "];
                    assert!(ours.iter().any(|text| problem.message.contains(text)), "{problem}");
                }
                files += 1;
            }
        }
    }
    assert!(files >= 200, "only {files} files");
}

#[test]
fn old_sections_get_one_warning_each() {
    let text =
        "[global]\napi=POSIX\n[ior-rnd4K]\nrun=TRUE\n[ior-rnd1MB-write]\nAPI=\n[IOR-RND4K]\nx = y\n[find]\nnoRun =\n";
    let (_, warnings) = load(text).unwrap();
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "t.ini:3:2: [ior-rnd4K] belongs to an older version of the suite: ignored",
            "t.ini:5:2: [ior-rnd1MB-write] belongs to an older version of the suite: ignored",
            "t.ini:10:1: noRun belongs to an older version of the suite: ignored",
        ]
    );
}

#[test]
fn an_old_option_that_asked_for_something_says_what_to_write_today() {
    let (_, warnings) = load("[global]\napi=POSIX\n[ior-easy]\nposix.odirect = TRUE\n").unwrap();
    assert!(warnings[0].to_string().ends_with("ignored; write API = POSIX --posix.odirect"));
}

#[test]
fn mistakes_name_file_line_column_and_the_nearest_name() {
    assert_eq!(error("[globl]\n"), "t.ini:1:2: unknown section [globl] (did you mean [global]?)");
    assert_eq!(
        error("[ior-easy]\n\n  transfersiez = 2m\n"),
        "t.ini:3:3: unknown option \"transfersiez\" in [ior-easy] (did you mean transferSize?)"
    );
    assert!(error("[ior-easy]\ntransferSize = 2x").starts_with("t.ini:2:16: [ior-easy] transferSize = \"2x\": "));
    assert_eq!(error("[find]\nrun = yes"), "t.ini:2:7: [find] run = \"yes\": expected TRUE or FALSE");
    assert_eq!(error("[mdtest-easy]\nn = 0"), "t.ini:2:5: [mdtest-easy] n = \"0\": expected a whole number from 1");
    assert!(error("[ior-hard]\nsegmentCount = -1").ends_with("expected a whole number from 1"));
    assert_eq!(
        error("[global]\ndataPacketType = incompresible"),
        "t.ini:2:18: [global] dataPacketType = \"incompresible\": expected one of timestamp, offset, incompressible, \
         random (did you mean incompressible?)"
    );
    assert_eq!(
        error("[ior-hard]\nAPI = DFS --dfs.pool=p --dfs.oclas=SX"),
        "t.ini:2:24: [ior-hard] API: unknown option \"--dfs.oclas=SX\" of DFS (did you mean --dfs.oclass?)"
    );
    // All at once.
    assert_eq!(error("[globl]\n[find]\nrun = yes\nhello\n").lines().count(), 3);
}

#[test]
fn what_does_not_fit_together_is_found_before_the_run() {
    let block = invalid("[ior-easy]\ntransferSize = 3m\nblockSize=10m");
    assert_eq!(block, "t.ini:3:11: [ior-easy] blockSize = 10m: must be a multiple of transferSize, which is 3m");
    assert!(invalid("[ior-easy]\nblockSize = 0").contains("must be a multiple of transferSize, which is 2m"));
    assert!(invalid("[debug]\nstonewall-time = 0").starts_with("t.ini:2:18: "));
    assert!(invalid("[mdworkbench]\nfilesPerProc = 5").contains("needs precreatePerSet too"));
    assert!(invalid("[find]\nnproc = 0").contains("at least one rank"));
    assert!(invalid("[global]\nio-buffers-on-gpu = TRUE").contains("GPU"));
    assert!(invalid("[dfs-bench]\ntimestamp = a/b").contains("slash"));
    let api = invalid("[ior-hard]\nAPI = MPIIO");
    assert!(api.starts_with("t.ini:2:7: the API MPIIO is not supported"), "{api}");
    assert_eq!(api.lines().count(), 1);
    // Phases that do not run are not looked at.
    let (config, _) = load("[ior-hard]\nAPI = MPIIO\nrun = FALSE").unwrap();
    config.validate(&PhaseId::ALL).unwrap();
}

#[test]
fn the_phases_of_mdworkbench_run_together() {
    let (config, warnings) = load("[mdworkbench-create]\nrun = FALSE\n[find-easy]\nrun = FALSE").unwrap();
    assert!(config.phase(PhaseId::MdworkbenchCreate).run && !config.phase(PhaseId::FindEasy).run);
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let warning =
        "t.ini:2:7: [mdworkbench-create] run = FALSE has no effect, as in the C suite: write it in [mdworkbench]";
    assert!(warnings.iter().any(|text| text == warning), "{warnings:?}");
    let (config, _) = load("[mdworkbench]\nrun = FALSE").unwrap();
    let off = [PhaseId::MdworkbenchCreate, PhaseId::MdworkbenchBench, PhaseId::MdworkbenchDelete];
    assert!(off.into_iter().all(|phase| !config.phase(phase).run));
}

#[test]
fn what_switches_off_a_judged_phase_invalidates_a_run() {
    let invalidating = |text: &str, mode: &str| {
        let (config, _) = Config::builder().file("t.ini", text.as_bytes()).set(mode).build().unwrap();
        config.invalidating().into_iter().map(|(setting, _)| setting.section.clone()).collect::<Vec<_>>()
    };
    let (standard, extended) = ("dfs-bench.mode=standard", "dfs-bench.mode=extended");
    let random = "[ior-rnd4K-easy-read]\nrun = FALSE";
    assert_eq!(invalidating(random, standard), ["ior-rnd4K-easy-read"]);
    let optional = "[mdworkbench]\nrun = FALSE\n[find-hard]\nrun = FALSE\n[mdworkbench-bench]\nrun = FALSE";
    assert_eq!(invalidating(optional, standard), [""; 0]);
    let mut sections = invalidating(optional, extended);
    sections.sort();
    assert_eq!(sections, ["find-hard", "mdworkbench"]);
}

#[test]
fn what_the_c_suite_takes_is_taken_here_with_a_word_where_it_deserves_one() {
    let accepted = |text: &str| {
        let (config, warnings) =
            load(&format!("[global]\napi = POSIX\n{text}")).unwrap_or_else(|error| panic!("{error}"));
        config.validate(&PhaseId::ALL).unwrap_or_else(|error| panic!("{error}"));
        let all = warnings.into_iter().chain(config.accepted(&PhaseId::ALL));
        (config, all.map(|warning| warning.to_string()).collect::<Vec<_>>().join("\n"))
    };
    let hashing = "[find]\npfind-parallelize-single-dir-access-using-hashing = TRUE\n";
    let (_, words) = accepted(hashing);
    assert!(words.starts_with("t.ini:4:53: [find] pfind-parallelize-") && words.contains("has no effect"), "{words}");
    let (_, words) = accepted(&format!("{hashing}external-script = /bin/true\n"));
    assert!(words.ends_with("= TRUE: no effect on an external script") && words.lines().count() == 1, "{words}");
    assert!(accepted("[find]\npfind-queue-length = 9").1.contains("does not run with less than 10"));
    assert_eq!(accepted("[find]\npfind-queue-length = 10").1, "");
    let (config, words) = accepted("[ior-easy]\nblockSize = 16 m\n");
    assert_eq!((config.ior_easy.block_size, words.as_str()), (16 << 20, ""));
    assert!(config.to_ini().contains("blockSize = 16 m\n"), "it enters the hash as written");
    for (text, packet) in [("r", PacketType::Random), ("Off", PacketType::Offset), ("i", PacketType::Incompressible)] {
        assert_eq!(accepted(&format!("dataPacketType = {text}")).0.global.packet, packet);
    }
}

#[test]
fn traps_are_named() {
    let words = |text: &str| {
        let (config, warnings) = load(&format!("[global]\napi = POSIX\n{text}")).unwrap();
        let all = warnings.into_iter().chain(config.accepted(&PhaseId::ALL));
        all.map(|warning| warning.to_string()).collect::<Vec<_>>().join("\n")
    };
    let twice = words("[mdtest-easy]\nn = 1000000\n[find]\n[MDTEST-easy]\nN = 10\n");
    assert_eq!(twice, "t.ini:7:5: [mdtest-easy] n = 10 overrides 1000000 in line 4");
    assert_eq!(words("[mdtest-easy]\nn = 7\nn = 7\nn =\n"), "");
    for (path, says) in [("$SCRATCH/x", "variable"), ("~/x", "~ is not expanded"), ("\"/a b\"", "quotation marks")] {
        for option in ["datadir", "resultdir"] {
            let told = words(&format!("{option} = {path}\n"));
            assert!(told.contains(&format!("[global] {option} = {path}: ")) && told.contains(says), "{told}");
        }
    }
    assert!(words("[ior-hard]\nhintsFileName = f\n").contains("--mpiio.hintsFileName="));
    assert_eq!(
        error("[find]\nnoRun = TRUE\n"),
        "t.ini:2:1: noRun = TRUE belongs to an older version of the suite (write run = FALSE)"
    );
    assert!(error("[find]\nexternal-args = x\n").ends_with("(did you mean external-extra-args?)"));
    for (api, says) in [
        ("DFS --dfs.pool=$DAOS_POOL --dfs.cont=c", "pool \"$DAOS_POOL\": not a DAOS label (variables are not expanded"),
        ("DFS --dfs.pool=p --dfs.cont=\"my cont\"", "cont \"my cont\": not a DAOS label (a label has"),
    ] {
        let (config, _) = load(&format!("[global]\napi = {api}\n")).unwrap();
        let error = config.validate(&PhaseId::ALL).unwrap_err().to_string();
        assert!(error.contains(says) && error.lines().count() == 1, "{error}");
    }
    let (config, _) =
        load("[global]\napi = DFS --dfs.pool=12345678-9abc-def0-1234-56789abcdef0 --dfs.cont=a.b_c:d-e\n").unwrap();
    config.validate(&PhaseId::ALL).unwrap();
}

#[test]
fn more_ranks_than_there_are_cannot_find() {
    let (config, _) = load("[global]\napi = POSIX\n[find]\nnproc = 1120\n[find-hard]\nnproc = 4\n").unwrap();
    let problems = |ranks| {
        let problems = config.validate_ranks(&PhaseId::ALL, ranks);
        problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(problems(1120), [""; 0]);
    assert_eq!(problems(4), ["t.ini:4:9: [find] nproc = 1120: the run has 4 ranks"]);
    assert_eq!(problems(1).len(), 2);
    assert!(config.validate_ranks(&[PhaseId::IorEasyWrite], 1).is_empty());
}

#[test]
fn what_is_no_configuration_is_told_in_few_words() {
    let noise = "some line of a log \u{e9}\n".repeat(10_000);
    let error = error(&noise);
    assert_eq!(error.lines().count(), 21);
    assert!(error.ends_with("and 9980 more"), "{error}");
    let long = self::error(&format!("[global]\n{}", "x".repeat(100_000)));
    assert!(long.len() < 300, "{} bytes", long.len());
    let unknown = self::error(&format!("[find]\n{}", "abc = 1\n".repeat(30_000)));
    assert_eq!(unknown.lines().count(), 21);
}

#[test]
fn empty_values_leave_an_option_as_it_is_and_later_sections_win() {
    let text = "[GLOBAL]\nAPI=POSIX\n[ior-easy]\nTRANSFERSIZE=1m\n[ior-easy]\ntransferSize =\nblockSize=8M\n\
                [ior-easy]\nblockSize=4m";
    let (config, _) = load(text).unwrap();
    assert_eq!((config.ior_easy.transfer_size, config.ior_easy.block_size), (1 << 20, 4 << 20));
}

#[test]
fn a_stronger_layer_wins_and_the_origin_tells() {
    let file = || Config::builder().file("t.ini", b"[global]\napi=POSIX\n[ior-easy]\ntransferSize = 1m\n");
    let env = || [("DFS_BENCH_IOR_EASY_TRANSFERSIZE".to_owned(), "4m".to_owned())];
    let check = |builder: ConfigBuilder, value: &str, origin: &str| {
        let (config, warnings) = builder.build().unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let setting = config.setting("ior-easy", "TransferSize").unwrap();
        assert_eq!((setting.value.as_deref(), setting.origin.to_string().as_str()), (Some(value), origin));
    };
    check(Config::builder(), "2m", "default");
    check(file(), "1m", "t.ini:4");
    check(file().env(env()), "4m", "DFS_BENCH_IOR_EASY_TRANSFERSIZE");
    let set = || file().set("ior-easy.transferSize=8m").env(env());
    check(set(), "8m", "--set");
    check(set().flag("ior-easy", "transferSize", "16m", "--transfer-size"), "16m", "--transfer-size");
    check(file().set("ior-easy.transferSize="), "2m", "default");
}

#[test]
fn other_layers_report_their_mistakes_too() {
    let error = |builder: ConfigBuilder| builder.build().unwrap_err().to_string();
    assert_eq!(
        error(Config::builder().set("ior-easy.blocksiz=3")),
        "--set ior-easy.blocksiz=3: unknown option \"blocksiz\" in [ior-easy] (did you mean blockSize?)"
    );
    assert!(error(Config::builder().set("x")).starts_with("--set x: not of the form section.option=value"));
    assert!(error(Config::builder().set("global.datadir=/a#b")).contains("cannot hold this value"));
    let flag = Config::builder().flag("debug", "stonewall-time", "5s", "--stonewall");
    assert!(error(flag).starts_with("--stonewall: [debug]"));
    let variables = [("DFS_BENCH_POOLS".to_owned(), "x".to_owned()), ("PATH".to_owned(), "y".to_owned())];
    let (_, warnings) = Config::builder().env(variables).build().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().ends_with("did you mean DFS_BENCH_POOL?"));
}

#[test]
fn without_a_file_the_api_is_dfs_and_a_file_without_api_means_posix() {
    let (config, warnings) = Config::builder().build().unwrap();
    assert_eq!(config.phase(PhaseId::Find).api.api, Api::Dfs);
    assert!(warnings.is_empty());
    let (config, warnings) = load("[debug]\nstonewall-time = 1\n").unwrap();
    assert_eq!(config.global.api.api, Api::Posix);
    assert!(warnings[0].to_string().contains("POSIX"));
    let flag = Config::builder().file("t.ini", b"").flag("dfs-bench", "pool", "tank", "--pool");
    let (config, warnings) = flag.build().unwrap();
    assert_eq!((&config.global.api.api, config.global.api.pool.as_deref()), (&Api::Dfs, Some("tank")));
    assert!(warnings.is_empty());
}

#[test]
fn a_phase_takes_its_own_api_then_its_parents_then_the_global_one() {
    let (config, _) = load(
        "[global]\napi = DFS --dfs.pool=p --dfs.cont=c --dfs.oclass=S2\n[ior-easy]\nAPI = DFS --dfs.dir_oclass=S1\n\
         [ior-easy-read]\nAPI = POSIX --posix.odirect\n[mdtest-hard]\nrun = FALSE\n[ior-hard]\ncollective = TRUE\n",
    )
    .unwrap();
    let api = |phase| config.phase(phase).api.to_string();
    assert_eq!(api(PhaseId::MdtestEasyStat), "DFS --dfs.pool=p --dfs.cont=c --dfs.oclass=S2");
    // The connection is inherited, the global placement is not.
    assert_eq!(api(PhaseId::IorEasyWrite), "DFS --dfs.pool=p --dfs.cont=c --dfs.dir_oclass=S1");
    assert_eq!(api(PhaseId::IorRnd4kEasyRead), "DFS --dfs.pool=p --dfs.cont=c --dfs.dir_oclass=S1");
    assert_eq!(api(PhaseId::IorEasyRead), "POSIX --posix.odirect");
    assert!(!config.phase(PhaseId::MdtestHardStat).run);
    assert!(config.phase(PhaseId::MdtestEasyStat).run);
    assert!(config.phase(PhaseId::IorHardRead).collective);
}

#[test]
fn connection_flags_beat_the_api_strings_and_placement_flags_fill_their_gaps() {
    let text = "[global]\napi = DFS --dfs.pool=p --dfs.cont=c\n[ior-easy]\nAPI = DFS --dfs.pool=q --dfs.oclass=S1\n";
    let (config, warnings) = Config::builder()
        .file("t.ini", text.as_bytes())
        .flag("dfs-bench", "pool", "tank", "--pool")
        .flag("dfs-bench", "oclass", "SX", "--oclass")
        .build()
        .unwrap();
    let api = |phase| config.phase(phase).api.to_string();
    assert_eq!(api(PhaseId::IorEasyWrite), "DFS --dfs.pool=tank --dfs.cont=c --dfs.oclass=S1");
    assert_eq!(api(PhaseId::IorHardWrite), "DFS --dfs.pool=tank --dfs.cont=c --dfs.oclass=SX");
    let expected = "--oclass: oclass has no effect on [ior-easy]: its API string (t.ini:4) names its own";
    assert_eq!(warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    // In the file itself, the API strings are the more specific word.
    let (config, _) = load(&format!("{text}[dfs-bench]\npool = tank\n")).unwrap();
    assert_eq!(config.phase(PhaseId::IorEasyWrite).api.pool.as_deref(), Some("q"));
}

#[test]
fn an_api_flag_replaces_the_api_strings_of_the_file() {
    let text = b"[ior-easy]\nAPI = DFS --dfs.oclass=S1\n[ior-easy-write]\nAPI = DFS\n";
    let (config, _) = Config::builder().file("t.ini", text).flag("global", "api", "posix", "--api").build().unwrap();
    for phase in PhaseId::ALL {
        assert_eq!(config.phase(phase).api.api, Api::Posix, "{phase}");
        assert_eq!(config.phase(phase).api_origin, Origin::Flag("--api".to_owned()));
    }
}

#[test]
fn our_own_settings_enter_neither_the_hash_nor_the_official_part() {
    let (plain, _) = load("[global]\napi=POSIX").unwrap();
    let (ours, _) = load("[global]\napi=POSIX\n[dfs-bench]\nqueue-depth = 8\nmode = extended\n").unwrap();
    assert_eq!(plain.hash(), ours.hash());
    assert_eq!(ours.bench.queue_depth, 8);
    let tail = ours.to_ini().strip_prefix(&plain.to_ini()).unwrap().to_owned();
    assert!(tail.contains("# [dfs-bench] queue-depth = 8\n"));
    assert!(tail.lines().all(|line| line.starts_with('#')));
}

#[test]
fn the_inputs_make_the_same_configuration_on_another_rank() {
    let builder = Config::builder()
        .file("t.ini", b"[global]\napi = DFS\n")
        .env([("DFS_BENCH_POOL".to_owned(), "tank".to_owned())])
        .set("ior-easy.run=FALSE")
        .flag("dfs-bench", "cont", "c", "--cont");
    let (config, _) = builder.build().unwrap();
    let broadcast = serde_json::to_vec(config.inputs()).unwrap();
    let inputs: ConfigBuilder = serde_json::from_slice(&broadcast).unwrap();
    assert_eq!(inputs.build().unwrap().0, config);
}

#[test]
fn seeds_are_in_the_reference_runs() {
    let Some(reference) = shared("reference") else { return };
    for (run, timestamp) in [("shared-file-np4", "2026.05.05-05.05.05"), ("timestamp-np1", "2026.02.03-04.05.06")] {
        let text = std::fs::read_to_string(reference.join(run).join("results/result.txt")).unwrap();
        assert!(text.contains(&format!(" -G {} ", seed("ior-easy", timestamp))));
        assert!(text.contains(&format!(" -G={} ", seed("mdtest-hard", timestamp))));
    }
}

/// Real text with a few bytes changed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let original = load("[global]\napi = DFS --dfs.pool=p\n").unwrap().0.to_ini().into_bytes();
    let length = original.len();
    proptest::collection::vec((0..length, any::<u8>(), 0..3u8), 0..8).prop_map(move |changes| {
        let mut text = original.clone();
        for (at, byte, what) in changes {
            let at = at.min(text.len() - 1);
            match what {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.remove(at)),
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Config::builder().file("t.ini", &bytes).build();
    }

    #[test]
    fn mutated_configurations_never_panic_and_what_loads_comes_back(bytes in mutated()) {
        if let Ok((config, _)) = Config::builder().file("t.ini", &bytes).build() {
            // the file holds bytes, not their escapes
            let emitted = text::bytes(&config.to_ini()).into_owned();
            let (again, _) = Config::builder().file("t.ini", &emitted).build().unwrap();
            prop_assert_eq!(again.to_ini(), config.to_ini());
            prop_assert_eq!(again.hash(), config.hash());
        }
    }

    #[test]
    fn what_is_set_is_emitted_and_parses_back(
        datadir in "[^\\p{Cc}#;\u{fffd}]{1,30}",
        transfer in 1u64..1 << 30,
        n in 1u64..,
        stonewall: i32,
        run: bool,
        waiting in 0f64..10.0,
        api in "(DFS|POSIX|NULL)",
        nproc in proptest::option::of(any::<u32>()),
    ) {
        let mut builder = Config::builder()
            .set(format!("global.datadir={datadir}"))
            .set(format!("ior-easy.transferSize={transfer}"))
            .set(format!("mdtest-hard.n={n}"))
            .set(format!("debug.stonewall-time={stonewall}"))
            .set(format!("find.run={run}"))
            .set(format!("mdworkbench.waitingTime={waiting}"))
            .set(format!("global.api={api}"));
        if let Some(nproc) = nproc {
            builder = builder.set(format!("find.nproc={nproc}"));
        }
        match builder.build() {
            Ok((config, _)) => {
                let (again, warnings) = load(&config.to_ini()).unwrap();
                prop_assert!(warnings.is_empty());
                prop_assert_eq!(again.to_ini(), config.to_ini());
                prop_assert_eq!(&again.global.datadir, &config.global.datadir);
                prop_assert_eq!(&again.ior_easy, &config.ior_easy);
            }
            // The schema's numbers are signed.
            Err(error) => prop_assert!(n > i64::MAX as u64, "{error}"),
        }
    }
}
