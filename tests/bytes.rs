//! Names that are not UTF-8 are data, wherever they come from: arguments, variables, configuration files, directories.

mod common;

use common::{Outcome, Scene, assert_code, run};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `café` in Latin-1 behind some other bytes.
fn cafe(before: impl AsRef<OsStr>) -> OsString {
    let mut name = before.as_ref().to_owned();
    name.push(OsStr::from_bytes(b"caf\xe9"));
    name
}

#[test]
fn bytes_that_are_not_utf8_are_data() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("").join(cafe(""))).unwrap();
    let command = || {
        let mut command = scene.direct();
        command.env("JOB", cafe("")).env("D_JOB", cafe("")).env(cafe("NAME_"), "x").env("TZ", cafe(""));
        command.env("DFS_BENCH_LOG", cafe("")).current_dir(scene.path("").join(cafe("")));
        command
    };
    std::fs::write(scene.path("").join(cafe("")).join(cafe("c.ini")), common::SMALL).unwrap();
    let ini = cafe("c.ini");
    let arguments =
        ["--api", "posix", "--datadir", "data", "--resultdir", "../results", "--timestamp", "t", "--phase", "ior-easy"];
    let outcome = run(command(), arguments.iter().map(OsString::from).chain([ini.clone()]));
    assert_code(&outcome, 0);
    let result = scene.result("results/t");
    assert_eq!(result["state"], "finished");
    assert!(result["provenance"].to_string().contains("D_JOB"), "{}", result["provenance"]);
    for subcommand in ["show", "check", "hash"] {
        let words = ["config".into(), subcommand.into(), ini.clone()];
        assert_code(&layered(&mut command(), &words, &[]), 0);
    }
    for report in ["report", "verify"] {
        let outcome = run(command(), [report.into(), cafe("no-such-")]);
        assert!(outcome.code == Some(2) && outcome.stderr.contains("no-such-caf"), "{outcome:?}");
    }
    std::fs::rename(scene.path("results/t"), scene.path("results").join(cafe(""))).unwrap();
    for report in ["report", "verify"] {
        let format = ["--format".into(), "text".into(), cafe("../results/")];
        let outcome = run(command(), [report.into()].into_iter().chain(format));
        assert!(matches!(outcome.code, Some(0 | 5)), "{outcome:?}");
    }
    // a list of phases is words
    let outcome = run(command(), ["--phase".into(), cafe("")]);
    assert!(outcome.code == Some(2) && outcome.stderr.contains("caf"), "{outcome:?}");
    // and so is a pool: the message shows the byte
    let outcome = run(command(), ["--api".into(), "dfs".into(), "--pool".into(), cafe("")]);
    assert!(outcome.code == Some(2) && outcome.stderr.contains(r"caf\\xe9"), "{outcome:?}");
}

/// Runs with variables; what it says is no UTF-8.
fn layered(command: &mut Command, arguments: &[OsString], variables: &[(&str, OsString)]) -> Outcome {
    let output = command.envs(variables.iter().cloned()).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_run_lives_in_directories_whose_names_are_not_utf8() {
    for api in ["posix", "dfs"] {
        let scene = Scene::new();
        let home = scene.path("").join(cafe(""));
        std::fs::create_dir(&home).unwrap();
        let data = if api == "posix" { home.join(cafe("data-")) } else { PathBuf::from(cafe("/data-")) };
        let results = home.join("results");
        let with = |before: &str, path: &Path| {
            let mut word = OsString::from(before);
            word.push(path);
            word
        };
        let script = home.join("drop.sh");
        std::fs::write(&script, ": > \"$(dirname \"$0\")/dropped\"\n").unwrap();
        let mut ini = common::SMALL.as_bytes().to_vec();
        for (before, path) in
            [("[global]\ndrop-caches = TRUE\ndrop-caches-cmd = sh '", &script), ("'\ndatadir = ", &data)]
        {
            ini.extend_from_slice(before.as_bytes());
            ini.extend_from_slice(path.as_os_str().as_bytes());
        }
        ini.extend_from_slice(b"\n");
        let file = home.join(cafe("c.ini"));
        std::fs::write(&file, &ini).unwrap();
        let common: Vec<OsString> = ["--api", api, "--timestamp", "t", "--phase"].map(OsString::from).to_vec();
        let go = |phases: &str, ranks: usize, layers: (&[(&str, OsString)], &[OsString])| {
            let mut command =
                if ranks == 1 { scene.direct() } else { scene.ranks(ranks).unwrap_or_else(|| scene.direct()) };
            let arguments = [&[file.clone().into()], &common[..], &[phases.into()], layers.1].concat();
            layered(&mut command, &arguments, layers.0)
        };
        // the data directory of the file, and the result directory of the environment, on two ranks
        let outcome = go("write", 2, (&[("DFS_BENCH_RESULTDIR", results.clone().into())], &[]));
        assert_code(&outcome, 0);
        assert!(home.join("dropped").exists(), "{outcome:?}");
        if api == "posix" {
            assert!(data.join("t/ior-easy").is_dir(), "{:?}", std::fs::read_dir(&home).unwrap().collect::<Vec<_>>());
        }
        let json = std::fs::read_to_string(results.join("t/result.json")).unwrap();
        let result: serde_json::Value = serde_json::from_str(&json).unwrap();
        let about = &result["provenance"];
        assert!(about["datadir"].as_str().unwrap().ends_with(r"data-caf\xe9"), "{about}");
        assert!(about["resultdir"].as_str().unwrap().ends_with(r"/caf\xe9/results/t"), "{about}");
        // the files that the C suite has too hold the bytes
        assert_eq!(std::fs::read(results.join("t/config-orig.ini")).unwrap(), ini);
        for name in ["config.ini", "result.txt"] {
            let bytes = std::fs::read(results.join("t").join(name)).unwrap();
            assert!(
                bytes.windows(10).any(|window| window == b"data-caf\xe9/" || window == b"data-caf\xe9\n"),
                "{name}"
            );
        }
        // another invocation finds it again, by `--set` and by flags
        let set = with("global.resultdir=", &results);
        let outcome =
            go("ior-easy-read,find", 2, (&[], &["--set".into(), set, "--datadir".into(), data.clone().into()]));
        assert_code(&outcome, 0);
        assert!(outcome.stdout.contains("ior-easy-read") && !outcome.stderr.contains("not of this run"), "{outcome:?}");
        let kept: OsString = results.clone().into();
        let outcome = go("all", 1, (&[], &["--cleanup".into(), "--resultdir".into(), kept]));
        assert_code(&outcome, 0);
        assert!(!data.join("t").exists() && outcome.stderr.contains("removed"), "{outcome:?}");
        // the configuration that the run left behind is that of the run
        let hash =
            |file: &Path| run(scene.direct(), [OsStr::new("config"), OsStr::new("hash"), file.as_os_str()]).stdout;
        assert_eq!(hash(&results.join("t/config.ini")).trim(), about["config_hash"].as_str().unwrap());
    }
}

#[test]
fn results_in_such_directories_are_told_apart_and_confirmed() {
    let scene = Scene::new();
    let results = [&b"caf\xe9"[..], b"caf\xe8"].map(|name| scene.path("").join(OsStr::from_bytes(name)));
    for directory in &results {
        let arguments =
            ["--api", "posix", "--timestamp", "t", "--set", "global.timestamp-resultdir=FALSE", "--datadir"];
        let mut words: Vec<OsString> = arguments.map(OsString::from).to_vec();
        words.extend([scene.path("").join(cafe("data-")).into(), "--resultdir".into(), directory.into()]);
        words.push(scene.write("c.ini", common::SMALL).into());
        let outcome = layered(&mut scene.direct(), &words, &[]);
        assert_code(&outcome, 0);
        let outcome = run(scene.direct(), [OsStr::new("verify"), directory.as_os_str()]);
        assert_code(&outcome, 0);
        assert!(outcome.stdout.contains("config"), "{outcome:?}");
    }
    let tell = |command: &str, format: &str| {
        let words = [command, "--format", format, "--output", "-"].map(OsString::from);
        let outcome = run(scene.direct(), words.into_iter().chain(results.iter().map(OsString::from)));
        assert_code(&outcome, 0);
        outcome.stdout
    };
    for (command, formats) in [("report", &["text", "json", "csv", "html"][..]), ("compare", &["text", "json", "csv"])]
    {
        for format in formats {
            let told = tell(command, format);
            let shown = if *format == "json" { [r"caf\\xe9", r"caf\\xe8"] } else { [r"caf\xe9", r"caf\xe8"] };
            assert!(shown.iter().all(|name| told.contains(name)), "{command} {format}: {told}");
            assert!(!told.contains("doctored") && !told.contains("gives"), "{command} {format}: {told}");
        }
    }
}

#[test]
fn find_takes_and_prints_bytes() {
    let scene = Scene::new();
    let directory = scene.path("").join(cafe(""));
    std::fs::create_dir(&directory).unwrap();
    for name in [cafe("a-"), OsStr::from_bytes(b"a-caf\xe8").to_owned()] {
        std::fs::write(directory.join(name), "x").unwrap();
    }
    let words = ["find".into(), directory.clone().into_os_string(), "-name".into(), cafe("*")];
    let output = scene.direct().args(words).output().unwrap();
    let expected = directory.join(cafe("a-"));
    assert_eq!(output.stdout, [expected.as_os_str().as_bytes(), b"\n"].concat(), "{output:?}");
}

#[test]
fn such_a_run_is_gone_on_with_and_cleaned_up_by_its_result_directory() {
    let scene = Scene::new();
    let home = scene.path("").join(cafe("it's "));
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join(cafe("c.ini")), common::SMALL).unwrap();
    let start = |arguments: &[OsString]| layered(scene.direct().current_dir(&home), arguments, &[]);
    let words =
        ["--api", "posix", "--phase", "ior-easy,timestamp", "--timestamp", "t", "--datadir"].map(OsString::from);
    let more = [cafe("data-"), "--resultdir".into(), cafe("results-"), cafe("c.ini")];
    assert_code(&start(&[&words[..], &more].concat()), 0);
    let results = home.join(cafe("results-")).join("t");
    // as if it had been interrupted after its first phase
    let mut result: serde_json::Value =
        serde_json::from_slice(&std::fs::read(results.join("result.json")).unwrap()).unwrap();
    result["phases"].as_array_mut().unwrap().truncate(1);
    result["state"] = "interrupted".into();
    std::fs::write(results.join("result.json"), result.to_string()).unwrap();
    let outcome = start(&["runs".into(), ".".into()]);
    assert_code(&outcome, 0);
    let printed = |what: &str| {
        let line = outcome.stdout.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{outcome:?}"));
        assert!(line.contains(r"caf\xe9") && line.contains("$'"), "{line}");
        line[line.find(what).unwrap() + 1..].to_owned()
    };
    for (what, gone) in [(" resume ", false), (" cleanup ", true)] {
        // as it is pasted into a shell
        let mut shell = Command::new("bash");
        shell.current_dir(&home).arg("-c").arg(format!("{} {}", env!("CARGO_BIN_EXE_dfs-bench"), printed(what)));
        shell.env_remove("DFS_BENCH_LOG");
        let outcome = layered(&mut shell, &[], &[]);
        assert_code(&outcome, 0);
        assert_eq!(home.join(cafe("data-")).join("t/ior-easy").exists(), !gone, "{outcome:?}");
    }
}
