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

#[test]
fn an_adaptive_campaign_killed_in_the_middle_of_a_rung_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let axes = "design = \"adaptive\"\nrepeats = 2\nbaseline-every = 3\n[adaptive]\nfinalists = 2\n\
                [[axis]]\nname = \"depth\"\nargument = \"--queue-depth {value}\"\nvalues = [1, 2, 4]\n\
                [[axis]]\nname = \"size\"\noption = \"ior-easy.transferSize\"\nvalues = [\"1m\", \"2m\"]";
    let (file, out) = (file(dir.path(), axes), dir.path().join("out"));
    let (_, text, _) = done(sweep(&["plan"], &[&file]));
    // warm-up; five cells and baselines; three cells and a baseline twice; of six cells twice
    assert!(text.contains("19 runs at least") && text.contains("19 stonewall seconds, 158.3 % of"), "{text}");
    let mut child = sweep(&["run", "--dir", out.to_str().unwrap()], &[&file])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(120);
    while !out.join("journal.jsonl").exists() || lines(&out, "ended").len() < 4 {
        assert!(Instant::now() < limit, "the campaign does not go on");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines(&out, "started").last().unwrap()["slot"]["rung"] == 0, "it was killed in the first rung");
    let (output, text, errors) = done(sweep(&["resume"], &[&out]));
    assert!(output.status.success(), "{errors}");
    assert!(text.contains("Scouted: 5 cells for 1 s"), "{text}");
    let ended = lines(&out, "ended");
    let good = ended.iter().filter(|line| line["outcome"]["failure"].is_null()).count();
    // warm-up; five cells with five baselines; two finalists and the baseline twice, with one more baseline each
    assert_eq!(good, 1 + 5 + 5 + 2 * 3 + 2, "{text}");
}

/// A batch system that keeps jobs in a file: `submitter` prints a number, `lister` what is in the queue.
fn fake_batch(dir: &Path, submitter: &str, lister: &str, listed: &str) {
    let script = |name: &str, text: String| {
        let path = dir.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    let here = dir.display();
    script(
        submitter,
        format!(
            "echo \"$*\" >> {here}/asked\nfor last; do :; done\nn=$(wc -l < {here}/asked)\necho \"$n $last\" >> {here}/queue\necho $n"
        ),
    );
    script(lister, format!("while read n script; do echo {listed}; done < {here}/queue"));
    fs::write(dir.join("queue"), "").unwrap();
}

fn batch_system(submitter: &str, lister: &str, listed: &str, dependency: &str, state: &str) {
    let dir = tempfile::tempdir().unwrap();
    fake_batch(dir.path(), submitter, lister, listed);
    let text = format!(
        "repeats = 2\nretries = 1\nwarm-up = false\nbaseline-every = 0\n[batch]\nsubmit = \"{submitter}\"\njobs = 3\n\
         [[axis]]\nname = \"depth\"\nargument = \"--queue-depth {{value}}\"\nvalues = [1, 2]"
    );
    let (file, out) = (file(dir.path(), &text), dir.path().join("out"));
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let run = |words: &[&str], at: &Path| {
        let mut command = sweep(words, &[at]);
        command.env("PATH", &path);
        done(command)
    };
    let (output, text, errors) = run(&["submit", "--dir", out.to_str().unwrap()], &file);
    assert!(output.status.success(), "{errors}");
    assert!(text.contains("3 jobs submitted, 3 in the queue") && text.contains("1 runs are left"), "{text}");
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    assert!(!asked[0].contains("afterany") && asked[2].contains(&format!("{dependency}2")), "{asked:?}");
    let (_, text, _) = run(&["status"], &out);
    assert!(text.contains(&format!("is job 3: {state}")), "{text}");
    let (output, _, errors) = run(&["resume"], &out);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    // two jobs run, the third is lost with its node
    let jobs = || fs::read_to_string(dir.path().join("queue")).unwrap();
    let execute = |queue: &str, most: usize| {
        for line in queue.lines().take(most) {
            let script = line.split_once(' ').unwrap().1;
            assert!(Command::new("sh").arg(script).output().unwrap().status.success(), "{script}");
        }
        fs::write(dir.path().join("queue"), "").unwrap();
    };
    execute(&jobs(), 2);
    let (_, text, _) = run(&["status"], &out);
    assert!(text.contains("3 runs ended, 1 of them failed; 2 to go"), "{text}");
    // what was lost gets its second attempt, and the last run its first
    let (_, text, _) = run(&["submit"], &out);
    assert!(text.contains("2 jobs submitted, 2 in the queue"), "{text}");
    execute(&jobs(), 2);
    let (output, text, _) = run(&["report"], &out);
    assert!(output.status.success());
    assert!(text.contains("4 runs counted, 1 failed"), "{text}");
    let (_, text, _) = run(&["submit"], &out);
    assert!(text.contains("0 jobs submitted, 0 in the queue") && !text.contains("left"), "{text}");
}

#[test]
fn slurm_runs_a_campaign_in_jobs() {
    batch_system("sbatch", "squeue", "$n PENDING", "--dependency=afterany:", "PENDING");
}

#[test]
fn pbs_runs_a_campaign_in_jobs() {
    batch_system("qsub", "qstat", "$n name me 00:00 Q batch", "-W depend=afterany:", "Q");
}

#[test]
fn a_batch_system_that_refuses_is_told_and_nothing_waits() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[batch]\nsubmit = \"false\"\n[[axis]]\nname = \"depth\"\nargument = \"--queue-depth {value}\"\nvalues = [1, 2]";
    let (file, out) = (file(dir.path(), text), dir.path().join("out"));
    let (output, _, errors) = done(sweep(&["submit", "--dir", out.to_str().unwrap()], &[&file]));
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("false") && errors.contains("[batch]"), "{errors}");
    assert_eq!(lines(&out, "submitted").len(), 0);
}

#[test]
fn runs_that_only_read_share_what_one_run_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "name = \"read\"\ndata-phases = \"ior-easy-write,mdtest-easy-write\"\nphases = \"ior-easy-read,mdtest-easy-stat\"\n\
         objective = \"ior-easy-read\"\nstonewall = 1\nrepeats = 2\nwarm-up = false\nbaseline-every = 0\n\
         arguments = [\"--api\", \"posix\", \"--datadir\", {:?}, \"--set\", \"ior-easy.blockSize=8m\", \"--set\", \"mdtest-easy.n=20\"]\n\
         [launcher]\ncommand = \"none\"\nprogram = {:?}\n\
         [[axis]]\nname = \"depth\"\nargument = \"--queue-depth {{value}}\"\nvalues = [1, 2]\nsame-data = true\n\
         [[axis]]\nname = \"size\"\noption = \"ior-easy.transferSize\"\nvalues = [\"1m\", \"2m\"]\n",
        dir.path().join("data"),
        env!("CARGO_BIN_EXE_dfs-bench")
    );
    let (file, out) = (dir.path().join("campaign.toml"), dir.path().join("out"));
    fs::write(&file, text).unwrap();
    let (output, text, errors) = done(sweep(&["run", "--dir", out.to_str().unwrap()], &[&file]));
    assert!(output.status.success(), "{errors}");
    let failed: Vec<_> =
        lines(&out, "ended").into_iter().filter(|line| !line["outcome"]["failure"].is_null()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(!text.contains("doubted"), "what was read was not what was written: {text}");
    // the data depend on the transfer size only
    let wrote = lines(&out, "started").into_iter().filter(|line| line["slot"]["for"] == "data").count();
    assert_eq!((wrote, lines(&out, "started").len()), (2, 2 + 2 * 4), "{errors}");
}
