//! A campaign is never lost: killed anywhere it goes on, what fails is named and stops nothing, and its report is that of its runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The suite without a store, small enough for many runs.
const BASE: &str = "name = \"test\"\nphases = \"ior-easy-write,ior-easy-read\"\nobjective = \"ior-easy-write\"\nstonewall = 1\n\
    arguments = [\"--api\", \"null\", \"--set\", \"ior-easy.blockSize=64m\", \"--set\", \"ior-easy.transferSize=1m\"]\n";

fn file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("campaign.toml");
    let program = env!("CARGO_BIN_EXE_dfs-bench");
    fs::write(&path, format!("{BASE}{text}\n[launcher]\ncommand = \"none\"\nprogram = {program:?}\n")).unwrap();
    path
}

fn sweep(words: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dfs-bench"));
    command.arg("sweep").args(&words[..1]).args(paths).args(&words[1..]).stdin(Stdio::null());
    command
}

fn done(mut command: Command) -> (Output, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

/// The journal's lines of this kind.
fn lines(dir: &Path, event: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(dir.join("journal.jsonl")).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    all.filter(|line| line["event"] == event).collect()
}

#[test]
fn a_campaign_killed_twice_goes_on_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let axes = "repeats = 2\nbaseline-every = 3\n[[axis]]\nname = \"depth\"\nargument = \"--queue-depth {value}\"\nvalues = [1, 2]\n\
                [[axis]]\nname = \"size\"\noption = \"ior-easy.transferSize\"\nvalues = [\"1m\", \"2m\"]";
    let (file, out) = (file(dir.path(), axes), dir.path().join("out"));
    for (round, ended) in [2, 5].into_iter().enumerate() {
        let mut command = match round {
            0 => sweep(&["run", "--dir", out.to_str().unwrap()], &[&file]),
            _ => sweep(&["resume"], &[&out]),
        };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let limit = Instant::now() + Duration::from_secs(120);
        while !out.join("journal.jsonl").exists() || lines(&out, "ended").len() < ended {
            assert!(Instant::now() < limit, "the campaign does not go on");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (output, text, errors) = done(sweep(&["resume"], &[&out]));
    assert!(output.status.success(), "{errors}");
    assert!(text.contains("ior-easy-write"), "{text}");
    // warm-up, two rounds of four cells, a baseline after three of each
    let good: Vec<_> = lines(&out, "ended").into_iter().filter(|line| line["outcome"]["failure"].is_null()).collect();
    assert_eq!(good.len(), 1 + 2 * 4 + 2);
    let started = lines(&out, "started");
    let count = |run: &serde_json::Value| started.iter().filter(|line| line["slot"] == run["slot"]).count();
    assert!(started.iter().all(|run| count(run) <= 2), "a finished run was repeated");
    for run in &good {
        let number = run["run"].as_u64().unwrap();
        let name = fs::read_dir(out.join("runs")).unwrap().map(|entry| entry.unwrap().path());
        let dir = name.into_iter().find(|path| path.to_str().unwrap().contains(&format!("/{number:04}-"))).unwrap();
        assert!(dir.join("results/result.json").exists() && dir.join("command.txt").exists(), "{}", dir.display());
    }
    // nothing is left to do, and nothing is done twice
    let before = started.len();
    assert!(done(sweep(&["resume"], &[&out])).0.status.success());
    assert_eq!(lines(&out, "started").len(), before);
    let (_, table, _) = done(sweep(&["report", "--format", "csv"], &[&out]));
    let finished = table.lines().filter(|line| line.contains(",finished,ior-easy-write,")).count();
    assert_eq!(finished, good.len(), "{table}");
}

#[test]
fn scripts_set_and_undo_values_and_a_failure_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let text = format!(
        "repeats = 1\nretries = 1\nwarm-up = false\nbaseline-every = 0\n\
         [[axis]]\nname = \"irq\"\nsetup = \"echo set {{value}} >> {log}\"\nteardown = \"echo unset {{value}} >> {log}\"\nvalues = [\"a\", \"b\"]\n\
         [[axis]]\nname = \"type\"\noption = \"ior-easy.transferSize\"\nvalues = [\"1m\", \"3k\"]",
        log = log.display()
    );
    let (file, out) = (file(dir.path(), &text), dir.path().join("out"));
    let (output, text, errors) = done(sweep(&["run", "--dir", out.to_str().unwrap()], &[&file]));
    assert!(output.status.success(), "{errors}");
    let log = fs::read_to_string(log).unwrap();
    let words: Vec<&str> = log.lines().collect();
    assert!(words.chunks(2).all(|pair| pair[0].replace("set", "unset") == pair[1]), "{words:?}");
    // 3 KiB are no part of 64 MiB: both attempts of both cells fail, and are told
    let failed: Vec<_> =
        lines(&out, "ended").into_iter().filter(|line| !line["outcome"]["failure"].is_null()).collect();
    assert_eq!(failed.len(), 4, "{errors}");
    assert!(text.contains("Failed: run"), "{text}");
}

#[test]
fn a_plan_starts_nothing_and_mistakes_are_told_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let axis = "[[axis]]\nname = \"depth\"\nargument = \"--queue-depth {value}\"\nvalues = [1, 2]";
    let path = file(dir.path(), axis);
    let (output, text, _) = done(sweep(&["plan"], &[&path]));
    assert!(output.status.success());
    assert!(text.starts_with("test: 2 cells of 2 combinations"), "{text}");
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["campaign.toml"]);
    let path = file(dir.path(), &axis.replace("depth", "queue").replace("--queue-queue", "--queue-depht"));
    let (output, _, errors) = done(sweep(&["plan"], &[&path]));
    assert_eq!(output.status.code(), Some(2), "{errors}");
    let (output, _, errors) = done(sweep(&["status"], &[&dir.path().join("nowhere")]));
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains("journal.jsonl"), "{errors}");
}

#[test]
fn a_launcher_that_cannot_start_stops_the_campaign_and_its_words_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let axis = "repeats = 1\nwarm-up = false\nbaseline-every = 0\n[[axis]]\nname = \"depth\"\nargument = \"--queue-depth {value}\"\n\
                values = [1, 2, 3, 4, 5, 6, 7, 8]";
    let path = file(dir.path(), axis);
    let broken =
        fs::read_to_string(&path).unwrap().replace("\"none\"", "\"sh -c 'echo no such partition; exit 7' {ranks}\"");
    fs::write(&path, broken).unwrap();
    let out = dir.path().join("out");
    let (output, _, errors) = done(sweep(&["run", "--dir", out.to_str().unwrap()], &[&path]));
    assert_eq!(output.status.code(), Some(4), "{errors}");
    assert!(errors.contains("exit code 7: no such partition") && errors.contains("--retry-failed"), "{errors}");
    assert_eq!(lines(&out, "ended").len(), 5);
    // asked to, it tries what failed again, and stops for the same reason
    let (output, _, _) = done(sweep(&["resume", "--retry-failed"], &[&out]));
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(lines(&out, "ended").len(), 10);
}
