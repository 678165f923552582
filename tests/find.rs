//! find as a user sees it: the command, the phase, and a script in its place.

use assert_cmd::Command;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Runs the program with a stand-in store below `root`; exit code, standard output, standard error.
fn dfs_bench(root: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dfs-bench"));
    command.env_remove("DFS_BENCH_CONFIG").env("DAOS_STANDIN_ROOT", root.join("standin")).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort();
    lines
}

#[test]
fn the_command_finds_what_find_finds() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    std::fs::write(root.path().join("newer"), "").unwrap();
    for dir in ["a", "a/b", "01"] {
        std::fs::create_dir_all(data.join(dir)).unwrap();
        for number in 95..205 {
            let file = std::fs::File::create(data.join(dir).join(format!("file.{number}"))).unwrap();
            file.set_len(if number == 201 { 1 } else { 3901 }).unwrap();
        }
    }
    let (dir, newer) = (data.to_str().unwrap(), root.path().join("newer"));
    let options = [dir, "-newer", newer.to_str().unwrap(), "-size", "3901c", "-name", "*01*"];
    let theirs = std::process::Command::new("find").args(options).output().unwrap();
    let theirs = String::from_utf8(theirs.stdout).unwrap();
    let (code, ours, told) = dfs_bench(root.path(), &[&["find"], &options[..]].concat());
    assert_eq!(code, 0, "{told}");
    // their second is finer than ours, and the tree may be made within the tick that dated the file
    let expected: Vec<String> = ["01", "a/b", "a"].iter().map(|at| format!("{dir}/{at}/file.101")).collect();
    assert_eq!(sorted(&ours), expected);
    assert!(sorted(&theirs).iter().all(|path| sorted(&ours).contains(path)));
    assert!(told.contains("3 of 330 entries match"), "{told}");

    let (code, count, _) = dfs_bench(root.path(), &["find", "--count", "--threads", "3", "--name", "*1?", dir]);
    assert_eq!((code, count.as_str()), (0, "MATCHED 30/330\n"));
    let (code, _, error) = dfs_bench(root.path(), &["find", "/nowhere/at/all"]);
    assert_eq!(code, 4);
    assert!(error.contains("open /nowhere/at/all: No such file or directory"), "{error}");
}

#[test]
fn a_start_that_is_no_directory_is_looked_at_itself() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file.101");
    std::fs::write(&file, [0; 3901]).unwrap();
    std::fs::create_dir(root.path().join("dir")).unwrap();
    std::fs::write(root.path().join("dir/x"), "").unwrap();
    std::os::unix::fs::symlink("dir", root.path().join("link")).unwrap();
    let path = file.to_str().unwrap();
    let slash = format!("{path}/");
    for (options, printed) in [
        (&["-name", "*01*", "-size", "3901c"][..], format!("{path}\n")),
        (&["-name", "*02*"][..], String::new()),
        (&["-size", "3900c"][..], String::new()),
    ] {
        let options = [&[path], options].concat();
        let theirs = std::process::Command::new("find").args(&options).output().unwrap();
        assert_eq!(String::from_utf8(theirs.stdout).unwrap(), printed);
        let (code, ours, told) = dfs_bench(root.path(), &[&["find"], &options[..]].concat());
        assert_eq!((code, ours), (0, printed), "{told}");
    }
    let (code, count, _) = dfs_bench(root.path(), &["find", "--count", path]);
    assert_eq!((code, count.as_str()), (0, "MATCHED 1/1\n"));
    let (code, _, told) = dfs_bench(root.path(), &["find", &slash]);
    assert!(code == 4 && told.contains("Not a directory"), "{told}");
    let link = root.path().join("link");
    let (code, count, _) = dfs_bench(root.path(), &["find", "--count", link.to_str().unwrap()]);
    assert_eq!((code, count.as_str()), (0, "MATCHED 1/1\n"), "a link at the start is followed");
}

#[test]
fn what_cannot_be_read_makes_the_exit_code_after_all_is_printed() {
    let root = tempfile::tempdir().unwrap();
    if !dfs_bench(root.path(), &["--version"]).1.contains("stand-in") {
        return eprintln!("skipped: only the stand-in can be made to fail");
    }
    assert_eq!(run(root.path(), "dfs", &[]).0, 0);
    let data = root.path().join("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dfs-bench"));
    // the start can be listed, and nothing below it
    command.env("DAOS_STANDIN_ROOT", root.path().join("standin")).env("DAOS_STANDIN_FAULT", "readdir:2+:EIO");
    let output = command.args(["find", "--api", "dfs", "--count", data.to_str().unwrap()]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(output.stdout.starts_with(b"MATCHED "), "{told}");
    assert!(told.contains("entries could not be examined; the first: readdir"), "{told}");
}

/// Writes mdtest-hard's files and finds them; returns `result.txt`.
fn run(root: &Path, api: &str, set: &[String]) -> (i32, String, String) {
    let (data, results) = (root.join("data"), root.join("results"));
    let mut arguments = vec!["--api", api, "--stonewall", "1", "--phase", "timestamp,mdtest-hard-write,find"];
    arguments.extend(["--datadir", data.to_str().unwrap(), "--resultdir", results.to_str().unwrap()]);
    arguments.extend(["--set", "global.timestamp-datadir=FALSE", "--set", "global.timestamp-resultdir=FALSE"]);
    arguments.extend(["--set", "mdtest-hard.n=120"]);
    set.iter().for_each(|set| arguments.extend(["--set", set]));
    let (code, _, told) = dfs_bench(root, &arguments);
    (code, std::fs::read_to_string(results.join("result.txt")).unwrap_or_default(), told)
}

#[test]
fn the_phase_finds_what_the_plan_says_on_both_stores() {
    for api in ["posix", "dfs"] {
        let root = tempfile::tempdir().unwrap();
        if api == "dfs" && !dfs_bench(root.path(), &["--version"]).1.contains("stand-in") {
            eprintln!("skipped: this program was built with a real libdfs, which has no store of its own");
            continue;
        }
        let (code, result, told) = run(root.path(), api, &[]);
        assert_eq!(code, 0, "{told}");
        assert!(result.contains("found           = 1\ntotal-files     = 120\n"), "{result}");
        let csv = std::fs::read_to_string(root.path().join("results/find.csv")).unwrap();
        assert_eq!(csv.lines().count(), 3, "{csv}");
    }
}

#[test]
fn a_script_may_stand_in_and_is_checked_before_the_run() {
    let root = tempfile::tempdir().unwrap();
    let script = root.path().join("script");
    let set = [format!("find.external-script={}", script.display()), "find.external-extra-args=extra".to_owned()];
    let (code, _, told) = run(root.path(), "posix", &set);
    assert_eq!(code, 2);
    assert!(told.contains("external-script") && !root.path().join("data").exists(), "{told}");

    let said = root.path().join("arguments");
    std::fs::write(&script, format!("#!/bin/sh\necho \"$@\" >{}\necho MATCHED 7/120\nexit 1\n", said.display()))
        .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, result, told) = run(root.path(), "posix", &set);
    assert_eq!(code, 0, "{told}");
    let arguments = std::fs::read_to_string(said).unwrap();
    let (data, results) = (root.path().join("data"), root.path().join("results"));
    let expected =
        format!("extra {} -newer {}/timestampfile -size 3901c -name *01*\n", data.display(), results.display());
    assert_eq!(arguments, expected);
    assert!(result.contains("last-output     = \"MATCHED 7/120\"\n"), "{result}");
    assert!(result.contains("total-files     = 120\nfound           = 7\n"), "{result}");
    let at = |result: &str, what: &str| result.find(what).unwrap_or_else(|| panic!("{what}: {result}"));
    let failed = "; ERROR INVALID Exit code 256 != 0 from find command";
    assert!(at(&result, failed) < at(&result, "last-output "), "{result}");
    assert!(!result.contains("nproc  "), "{result}");

    // what is set is printed; half a count ends no run, and what follows a count is not looked at
    let set = [&set[..], &["find.nproc=1".to_owned()]].concat();
    for (line, code_of_script, pairs) in [
        ("MATCHED 3/543 files", 1, "total-files     = 543\nfound           = 3\n"),
        ("MATCHED 12", 0, "last-output     = \"MATCHED 12\"\nfound           = 0\n"),
    ] {
        std::fs::write(&script, format!("#!/bin/sh\necho {line}\nexit {code_of_script}\n")).unwrap();
        std::fs::remove_dir_all(root.path().join("data")).unwrap();
        std::fs::remove_dir_all(root.path().join("results")).unwrap();
        let (code, result, told) = run(root.path(), "posix", &set);
        assert_eq!(code, 0, "{told}");
        for pair in pairs.lines() {
            at(&result, pair);
        }
        assert!(at(&result, "exe  ") < at(&result, "nproc           = 1\n"), "{result}");
        if code_of_script == 1 {
            assert!(at(&result, "nproc  ") < at(&result, failed), "{result}");
        } else {
            assert!(at(&result, "; ERROR INVALID Find didn't find anything") > at(&result, "last-output "), "{result}");
            assert!(told.contains("must be MATCHED <found>/<total>"), "{told}");
        }
    }
}
