//! Bad input: one error that says what, where and what instead; exit code 2; nothing made.

mod common;

use common::{Outcome, Scene, assert_code, assert_mistake, foreign_launcher, is_standin, run, small, walk};

#[test]
fn mistakes_end_with_one_error_and_code_2_and_nothing_is_made() {
    let scene = Scene::new();
    let wrong = |arguments: &[&str], says: &[&str]| {
        let api = if arguments.contains(&"--api") { &[][..] } else { &["--api", "posix"] };
        let directories = ["--datadir", "data", "--resultdir", "results"];
        assert_mistake(&scene, scene.direct(), &[api, &directories, arguments].concat(), says);
    };
    scene.write("key.ini", "[global]\n\n[ior-easy]\n  transfersiez = 2m\n");
    wrong(&["key.ini"], &["key.ini:4:3: unknown option \"transfersiez\"", "did you mean transferSize?"]);
    scene.write("section.ini", "[ior-esay]\n");
    wrong(&["section.ini"], &["section.ini:1:", "ior-esay", "ior-easy"]);
    scene.write("value.ini", "[debug]\nstonewall-time = soon\n");
    wrong(&["value.ini"], &["value.ini:2:18", "soon"]);
    wrong(&["none.ini"], &["none.ini", "No such file"]);
    wrong(&["--phase", "ior-esay-write"], &["unknown phase \"ior-esay-write\"", "did you mean ior-easy-write?"]);
    wrong(&["--phase", ""], &["unknown phase \"\""]);
    wrong(
        &["--set", "ior-easy.transferSize=3m"],
        &["blockSize = 9920000m", "must be a multiple of transferSize, which is 3m"],
    );
    scene.write("block.ini", "[ior-easy]\ntransferSize = 2m\nblockSize = 5m\n");
    wrong(&["block.ini"], &["block.ini:3:13: ", "must be a multiple of transferSize, which is 2m"]);
    wrong(&["--set", "nonsense"], &["nonsense"]);
    wrong(&["--set", "ior-easy.transfersize=many"], &["transfersize=many", "many"]);
    wrong(&["--stonewall", "0"], &["stonewall-time = 0", "must be positive"]);
    wrong(&["--api", "MPIIO"], &["the API MPIIO is not supported"]);
    wrong(&["--mode", "long"], &["long", "standard"]);
    wrong(&["--no-such-flag"], &["--no-such-flag"]);
    wrong(&["--phase", "ior-easy-read"], &["ior-easy-read", "run ior-easy-write first"]);
    wrong(&["--phase", "mdtest-hard-stat"], &["mdtest-hard-write"]);
    let mut command = scene.direct();
    command.env("DFS_BENCH_IOR_EASY_TRANSFERSIZE", "lots");
    assert_mistake(&scene, command, &["--api", "posix"], &["DFS_BENCH_IOR_EASY_TRANSFERSIZE", "lots"]);
}

#[test]
fn a_result_directory_that_cannot_be_made_stops_the_run_before_the_store() {
    // below a file: even an administrator cannot make that
    let scene = Scene::new();
    scene.write("plain", "a file");
    let posix = ["--api", "posix", "--datadir", "data", "--phase", "ior-easy-write"];
    let arguments = [&posix[..], &["--resultdir", "plain/results"]].concat();
    assert_mistake(&scene, scene.direct(), &arguments, &["plain/results"]);
}

#[test]
fn a_data_directory_that_is_not_ours_is_left_alone() {
    let scene = Scene::new();
    scene.write("data/notes.txt", "mine");
    let posix = ["--api", "posix", "--resultdir", "results", "--set", "global.timestamp-datadir=FALSE"];
    let arguments = [&posix[..], &["--datadir", "data"]].concat();
    assert_mistake(&scene, scene.direct(), &arguments, &["data", "not empty", "\"notes.txt\""]);
    scene.write("file", "not a directory");
    let arguments = [&posix[..], &["--datadir", "file"]].concat();
    let outcome = run(scene.direct(), &arguments);
    assert!(outcome.code == Some(2) && outcome.stderr.contains("the data directory file"), "{outcome:?}");
    assert_eq!(scene.entries(), ["data/notes.txt", "file"]);
}

#[test]
fn data_directories_that_cannot_be_are_refused_with_their_name() {
    let scene = Scene::new();
    scene.write("plain", "a file");
    let posix = ["--api", "posix", "--resultdir", "results", "--phase", "ior-easy-write"];
    let wrong = |datadir: &str, says: &[&str]| {
        assert_mistake(&scene, scene.direct(), &[&posix[..], &["--datadir", datadir]].concat(), says);
    };
    wrong("plain/data", &["the data directory plain/data", "Not a directory"]);
    // a file system that makes no directories, whoever asks
    wrong(
        "/proc/dfs-bench/data",
        &["the data directory /proc/dfs-bench/data", "cannot be created", "mkdir /proc/dfs-bench: "],
    );
    for root in ["/", "//", "/.", "/x/.."] {
        wrong(root, &[&format!("datadir = {root}: the root of the file system")]);
    }
    for (arguments, says) in [
        (&["--datadir", "/a/../b"][..], "datadir = /a/../b: a path inside a container cannot go up"),
        (&["--prefix", "/mnt/../x"], "prefix /mnt/../x: a path inside a container cannot go up"),
    ] {
        let arguments = [&["--api", "dfs", "--resultdir", "results"], arguments].concat();
        assert_mistake(&scene, scene.direct(), &arguments, &[says]);
    }
}

#[test]
fn empty_flags_and_negative_numbers_are_mistakes() {
    let scene = Scene::new();
    for flag in ["--resultdir", "--datadir", "--timestamp", "--pool", "--cont"] {
        assert_mistake(&scene, scene.direct(), &[flag, ""], &[flag, "cannot be empty"]);
    }
    for flag in ["--stonewall", "--repeat", "--timeout", "--queue-depth", "--threads-per-rank", "--find-threads"] {
        assert_mistake(&scene, scene.direct(), &[flag, "-5"], &[flag, "-5 is not in 0"]);
    }
    assert_mistake(
        &scene,
        scene.direct(),
        &["find", ".", "--size", "-5"],
        &["--size", "\"-5\" is not a number of bytes"],
    );
}

#[test]
fn what_can_be_known_before_the_first_phase_is_told_before_it() {
    let scene = Scene::new();
    let everywhere = |arguments: &[&str], says: &[&str]| {
        let directories: &[&str] = if arguments.contains(&"--resultdir") { &[] } else { &["--resultdir", "results"] };
        let ways: [&[&str]; 3] = [&[], &["config", "check"], &["--dry-run"]];
        for way in ways {
            let api = if arguments.contains(&"--api") { &[][..] } else { &["--api", "posix"] };
            let mut command = scene.direct();
            // a launcher tells `config check` how many ranks there are
            if way.first() == Some(&"config") {
                command.envs([("OMPI_COMM_WORLD_RANK", "0"), ("OMPI_COMM_WORLD_SIZE", "1")]);
            }
            assert_mistake(&scene, command, &[way, api, directories, arguments].concat(), says);
        }
    };
    for (off, says) in [
        (
            "mdtest-easy-write",
            "mdtest-easy-stat needs the files of mdtest-easy-write, which has run = FALSE, and nothing writes them",
        ),
        ("ior-hard", ""),
        ("ior-hard-write", "ior-hard-read needs the files of ior-hard-write"),
    ] {
        let setting = format!("{off}.run=FALSE");
        if says.is_empty() {
            assert_code(&run(scene.direct(), ["config", "check", "--api", "posix", "--set", &setting]), 0);
        } else {
            everywhere(&["--set", &setting], &[says, "or give the --timestamp of the run that wrote them"]);
        }
    }
    everywhere(&["--phase", "find"], &["timestampfile", "run timestamp first"]);
    // of an earlier run a mounted file system shows the directories, and the result directory how much there is
    everywhere(
        &["--phase", "ior-easy-read", "--timestamp", "t"],
        &["ior-easy-read needs the files", "t/ior-easy does not exist"],
    );
    std::fs::create_dir_all(scene.path("data/ior-easy")).unwrap();
    let there = ["--phase", "ior-easy-read", "--set", "global.timestamp-datadir=FALSE", "--datadir", "data"];
    everywhere(&there, &["ior-easy.stonewall", "is not in the result directory"]);
    std::fs::remove_dir_all(scene.path("data")).unwrap();
    everywhere(&["--set", "find.nproc=5"], &["--set find.nproc=5: [find] nproc = 5: the run has one rank"]);
    std::os::unix::fs::symlink("nowhere", scene.path("link")).unwrap();
    everywhere(&["--datadir", "link/data"], &["the data directory link/data", "link is a dangling symbolic link"]);
    everywhere(&["--datadir", "/proc/x"], &["the data directory /proc/x cannot be created"]);
    everywhere(&["--resultdir", "/proc/x"], &["/proc/x"]);
    let says = ["--cont-properties: container property \"rd_fact:1\": known are rd_fac, "];
    everywhere(&["--api", "dfs", "--cont-properties", "rd_fact:1"], &says);
    everywhere(&["--api", "dfs", "--oclass", "SXX"], &["SXX"]);
    everywhere(&["--api", "dfs", "--pool", "$POOL"], &["--pool: pool \"$POOL\": not a DAOS label"]);
    // of a file system that takes such transfers nothing is to be told
    let direct = ["--api", "POSIX --posix.odirect", "--phase", "ior-hard", "--datadir", "data"];
    let outcome = run(scene.direct(), [&["config", "check"], &direct[..]].concat());
    if outcome.code == Some(0) {
        eprintln!("skipped: the file system here takes transfers of any size with O_DIRECT");
        return;
    }
    everywhere(&direct, &["--api: ior-hard-write: POSIX --posix.odirect: the file system of data "]);
    // the write phases that fit go through
    let easy = ["config", "check", "--api", "POSIX --posix.odirect", "--phase", "ior-easy"];
    let outcome = run(scene.direct(), easy);
    assert!(outcome.code == Some(0) || outcome.stderr.contains("cannot open files with these options"), "{outcome:?}");
}

#[test]
fn a_check_says_how_many_ranks_are_needed() {
    let scene = Scene::new();
    scene.write("find.ini", "[global]\napi = POSIX\n[find]\nnproc = 1120\n");
    let outcome = run(scene.direct(), ["config", "check", "find.ini"]);
    assert_code(&outcome, 0);
    assert!(outcome.stdout.contains("needs as many ranks: find.ini:4:9: [find] nproc = 1120\n"), "{outcome:?}");
    assert_eq!(scene.entries(), ["find.ini"]);
    let Some(command) = scene.ranks(2) else { return };
    let outcome = run(command, ["find.ini", "--datadir", "data", "--resultdir", "results"]);
    assert_code(&outcome, 2);
    assert!(outcome.stderr.contains("find.ini:4:9: [find] nproc = 1120: the run has 2 ranks"), "{outcome:?}");
    assert_eq!(scene.entries(), ["find.ini"]);
}

#[test]
fn a_data_directory_that_a_rank_does_not_share_is_refused() {
    // a mount of its own stands for a node with its own disk, or one that may not write
    let script = "#!/bin/sh\nif [ \"${OMPI_COMM_WORLD_RANK:-$PMI_RANK}\" = 1 ]; then\n\
                  exec unshare -m sh -c '$OWN && $THEN && exec \"$@\"' - \"$@\"\nfi\nexec \"$@\"\n";
    let scene = Scene::new();
    scene.write("data/.keep", "");
    std::fs::remove_file(scene.path("data/.keep")).unwrap();
    let may = std::process::Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "none"])
        .arg(scene.path("data"))
        .status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mounts of one's own here");
        return;
    }
    scene.write("own.sh", script);
    for (own, then, says) in [
        ("mount -t tmpfs none data", "true", "data is a different directory here than on rank 0"),
        ("mount --bind data data", "mount -o remount,bind,ro data", "cannot be written to: Read-only file system"),
    ] {
        let Some(command) = scene.ranks(2) else { return };
        let words: Vec<std::ffi::OsString> = command.get_args().map(Into::into).collect();
        let (program, before) = words.split_last().unwrap();
        let mut command = std::process::Command::new("mpirun");
        command.current_dir(scene.path("")).envs([("OWN", own), ("THEN", then)]);
        command.args(before).args(["sh", "own.sh"]).arg(program);
        let arguments = ["--api", "posix", "--datadir", "data", "--resultdir", "results", "--stonewall", "1"];
        let outcome = run(command, arguments);
        assert_code(&outcome, 2);
        assert!(outcome.stderr.contains("rank 1 (") && outcome.stderr.contains(says), "{says}: {outcome:?}");
        assert!(outcome.stderr.contains("the data directory data: "), "{outcome:?}");
        assert_eq!(scene.entries(), ["data", "own.sh"]);
    }
}

#[test]
fn what_is_no_configuration_is_refused_quickly() {
    let scene = Scene::new();
    let noise: Vec<u8> = (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    scene.write("noise", &noise);
    scene.write("text", noise.iter().map(|byte| byte.max(&9)).copied().collect::<Vec<u8>>());
    for file in ["noise", "/dev/zero"] {
        assert_mistake(&scene, scene.direct(), &["config", "check", file], &[file, "not a text file"]);
    }
    let outcome = run(scene.direct(), ["config", "check", "text"]);
    assert_code(&outcome, 2);
    assert!(outcome.stderr.lines().count() < 30 && outcome.stderr.len() < 20_000, "{}", outcome.stderr.len());
    scene.write("long", "# nothing\n".repeat(200_000));
    assert_mistake(&scene, scene.direct(), &["config", "check", "long"], &["long", "not a configuration"]);
}

#[test]
fn all_mistakes_of_a_configuration_are_told_at_once() {
    let scene = Scene::new();
    scene.write(
        "many.ini",
        "[global]\ndatafiles = x\napi = DFS\n[debug]\nstonewall-time = 0\n[ior-easy]\nAPI = DFS --dfs.oclass=SXX\n\
         transferSize = 2m\nblockSize = 5m\n[mdtest-easy]\nn = many\n",
    );
    let says = [
        "many.ini:2:1: unknown option \"datafiles\"",
        "many.ini:5:18: [debug] stonewall-time = 0: must be positive",
        "many.ini:7:7: there is no object class \"SXX\"",
        "many.ini:9:13: [ior-easy] blockSize = 5m",
        "many.ini:11:5: [mdtest-easy] n = \"many\"",
        "--phase: unknown phase \"al\"",
    ];
    assert_mistake(
        &scene,
        scene.direct(),
        &["many.ini", "--phase", "al,ior-easy"],
        &[says[0], says[1], says[4], says[5]],
    );
    assert_mistake(&scene, scene.direct(), &["many.ini"], &says[..5]);
}

#[test]
fn a_pool_that_is_not_there_is_a_mistake_with_a_hint() {
    let scene = Scene::new();
    let missing = ["--api", "dfs", "--pool", "no-such-pool", "--cont", "c", "--resultdir", "results"];
    let says = ["error: pool no-such-pool: ", "DER_NONEXIST", "hint: "];
    let check = |outcome: Outcome| {
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        says.iter().for_each(|text| assert!(outcome.stderr.contains(text), "{outcome:?}"));
        assert_eq!(outcome.stderr.matches("error:").count(), 1, "{outcome:?}");
        assert!(!scene.path("results").exists());
    };
    if is_standin() {
        check(run(scene.direct(), missing));
        if let Some(command) = scene.ranks(3) {
            check(run(command, missing));
        }
        // the examples of the manual have a pool tank: the hint leads there
        let tank =
            ["--api", "dfs", "--pool", "tank", "--cont", "bench", "--resultdir", "results", "--phase", "ior-easy"];
        let small = ["--stonewall", "1", "--set", "ior-easy.blockSize=2m"];
        let outcome = run(scene.direct(), tank);
        assert_code(&outcome, 2);
        assert!(outcome.stderr.contains("has the pool standin-pool: leave out --pool and --cont, or "), "{outcome:?}");
        let (_, make) = outcome.stderr.trim_end().rsplit_once("create a pool of this name: ").unwrap();
        assert!(std::process::Command::new("sh").args(["-c", make]).status().unwrap().success(), "{make}");
        assert_code(&run(scene.direct(), [&tank[..], &small].concat()), 0);
    }
}

#[test]
fn files_of_an_earlier_run_are_not_written_over() {
    let scene = Scene::new();
    assert_code(&small(&scene, &["--phase", "mdtest-easy-write"]), 0);
    let before = walk(&scene.path("data"));
    let outcome = small(&scene, &["--phase", "mdtest-easy-write", "--resultdir", "others"]);
    assert_code(&outcome, 2);
    assert!(outcome.stderr.contains("of an earlier run") && outcome.stderr.contains("--cleanup"), "{outcome:?}");
    assert_eq!(walk(&scene.path("data")), before);
    assert!(!scene.path("others").exists());
}

#[test]
fn unknown_object_classes_list_the_nearest() {
    let scene = Scene::new();
    for (flag, class) in [("--oclass", "SXX"), ("--dir-oclass", "RP_2GXX")] {
        assert_mistake(&scene, scene.direct(), &[flag, class], &[class, if class == "SXX" { "SX" } else { "RP_2GX" }]);
    }
    scene.write("class.ini", "[ior-hard]\nAPI = DFS --dfs.oclass=S1X\n");
    assert_mistake(&scene, scene.direct(), &["class.ini"], &["S1X", "S1"]);
}

#[test]
fn a_real_daos_needs_a_pool() {
    if run(Scene::new().direct(), ["--version"]).stdout.contains("stand-in") {
        eprintln!("skipped: the stand-in has a default pool");
        return;
    }
    let scene = Scene::new();
    assert_mistake(&scene, scene.direct(), &["--phase", "ior-easy-write"], &["no pool", "--pool"]);
}

#[test]
fn a_launcher_of_another_mpi_is_refused() {
    let scene = Scene::new();
    let mut command = scene.direct();
    command.envs(foreign_launcher());
    assert_mistake(&scene, command, &["--api", "posix"], &["process 0 of 4", "would run the whole benchmark alone"]);
    // the other processes of it end the same way, without a word more
    let mut other = scene.direct();
    other.envs(foreign_launcher().map(|(name, value)| (name, if value == "0" { "3" } else { value })));
    let outcome = run(other, ["--api", "posix"]);
    assert_code(&outcome, 2);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    assert_eq!(scene.entries(), [""; 0]);
}
