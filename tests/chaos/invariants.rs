//! Runs a case and checks what must hold.

use crate::case::{Case, Fault};
use crate::common::{Outcome, Scene, finish, rank_pids, run, start, wait_for, walk};
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TIMESTAMP: &str = "2026.01.02-03.04.05";
/// Seconds of silence of a rank that is stopped.
const TIMEOUT: &str = "3";
/// No case takes longer, resumed and cleaned up or not; most take seconds, but machines are busy.
const LONGEST: Duration = Duration::from_secs(180);

/// How a case ended.
pub struct End {
    pub kind: String,
    code: Option<i32>,
    failure: String,
    seconds: f64,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, code {:?}, {:.1} s {}", self.kind, self.code, self.seconds, self.failure)
    }
}

/// Runs it, resumes it, cleans up. Panics where something does not hold.
pub fn hold(case: &Case) -> End {
    let begin = Instant::now();
    let scene = Scene::new();
    scene.write("chaos.ini", &case.config);
    // what is not the run's stays
    scene.write("data/another/file", "mine");
    scene.write("beside", "mine");
    let (writes, others) = case.parts();
    let (outcome, fired) = if case.fault.is_between() {
        let written = run(command(&scene, case, true), arguments(case, &writes));
        assert_eq!(written.code, Some(0), "{written:?}");
        change_a_file(&scene, case);
        (run(command(&scene, case, true), arguments(case, &others)), true)
    } else {
        faulty(&scene, case)
    };
    let result = scene.path("results/result.json").exists().then(|| scene.result("results"));
    let context = format!("{outcome:?}\n{}", result.as_ref().map_or(Value::Null, |result| result["failure"].clone()));
    assert!(!outcome.stderr.contains("panicked"), "{context}");
    let state = result.as_ref().map_or("nothing", |result| result["state"].as_str().unwrap()).to_owned();
    assert_eq!(outcome.code == Some(0) && state == "finished", outcome.code == Some(0), "{context}");
    cause_is_named(case, fired, &outcome, result.as_ref(), &context);
    let done = result.as_ref().map(phases).unwrap_or_default();
    assert!(done.iter().all(|phase| case.phases.contains(&phase.as_str())), "{done:?}");
    if state == "finished" {
        assert_eq!(done, case.phases, "{context}");
    }
    untouched(&scene, case);
    let mut left: Vec<&str> =
        case.phases.iter().copied().filter(|phase| !done.iter().any(|done| done == phase)).collect();
    // what an interrupted phase has deleted is written again, as the words say where there are some
    if let Some(family) = left.first().and_then(|phase| phase.strip_suffix("-delete")) {
        let write = case.phases.iter().find(|phase| phase.strip_suffix("-write") == Some(family));
        left.insert(0, write.expect("what is deleted was written"));
    }
    if let Some((_, words)) = outcome.stderr.split_once("to continue: ") {
        assert!(words.lines().next().unwrap().contains(" resume ") && !left.is_empty(), "{context}");
    }
    if !left.is_empty() {
        let resumed = run(command(&scene, case, false), arguments(case, &left));
        let words = format!("resumed after {context}\n{resumed:?}");
        assert_eq!(resumed.code, Some(0), "{words}");
        let result = scene.result("results");
        assert_eq!(
            (&result["state"], phases(&result)),
            (&"finished".into(), case.phases.iter().map(|&p| p.to_owned()).collect()),
            "{words}"
        );
    }
    let cleaned =
        run(command(&scene, case, false), [&arguments(case, &["all"])[..], &["--cleanup".to_owned()]].concat());
    assert_eq!(cleaned.code, Some(0), "{cleaned:?}");
    let names = ["ior_file", "mdtest_tree", "test-dir", "file.mdtest", TIMESTAMP];
    for place in [scene.path("data"), scene.store()].iter().filter(|place| place.exists()) {
        let left = walk(place);
        assert!(!left.iter().any(|path| names.iter().any(|name| path.contains(name))), "{left:?}");
    }
    untouched(&scene, case);
    let seconds = begin.elapsed().as_secs_f64();
    assert!(begin.elapsed() < LONGEST, "{seconds} s: {context}");
    let failure = result.as_ref().and_then(|result| result["failure"].as_str()).unwrap_or_default().to_owned();
    End { kind: state, code: outcome.code, failure, seconds }
}

fn phases(result: &Value) -> Vec<String> {
    result["phases"].as_array().unwrap().iter().map(|phase| phase["phase"].as_str().unwrap().to_owned()).collect()
}

fn command(scene: &Scene, case: &Case, with_fault: bool) -> Command {
    let mut command = match case.launched {
        true => scene.ranks(case.ranks).expect("mpirun was there before"),
        false => scene.direct(),
    };
    let (call, nth) = case.call;
    match case.fault {
        Fault::Error(errno) if with_fault => {
            command.env("DAOS_STANDIN_FAULT", format!("{call}:{nth}:{errno}:{}", case.victim));
        }
        Fault::Delay if with_fault => {
            command.env("DAOS_STANDIN_DELAY_US", format!("{call}:{}:{nth}", 1000 * (case.choice % 1500)));
        }
        Fault::FullResults if with_fault => {
            let mut limited = scene.environment(Command::new("sh"));
            limited.args(["-c", &format!("ulimit -f {} && exec \"$0\" \"$@\"", 8 + case.choice % 80)]);
            limited.arg(command.get_program()).args(command.get_args());
            command = limited;
        }
        _ => {}
    }
    command
}

fn arguments(case: &Case, phases: &[&str]) -> Vec<String> {
    let (depth, threads) = (case.depth.to_string(), format!("dfs-bench.threads-per-rank={}", case.threads));
    let timeout = if case.fault == Fault::Stop { TIMEOUT } else { "20" };
    let (phases, datadir) = (phases.join(","), if case.api == "posix" { "data" } else { "/data" });
    let fixed =
        ["chaos.ini", "--doctor", "off", "--resultdir", "results", "--timestamp", TIMESTAMP, "--timeout", timeout];
    let own = ["--api", case.api, "--datadir", datadir, "--phase", &phases, "--queue-depth", &depth, "--set", &threads];
    fixed.iter().chain(&own).map(|&argument| argument.to_owned()).collect()
}

/// Runs all phases and lets the fault happen; whether it met the run.
fn faulty(scene: &Scene, case: &Case) -> (Outcome, bool) {
    let mut command = command(scene, case, true);
    if case.fault == Fault::ClosedOutput {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.args(arguments(case, &case.phases)).stdout(writer).stderr(Stdio::piped());
        return (finish(command.spawn().unwrap()), true);
    }
    let arguments = arguments(case, &case.phases);
    let mut child = start(command, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    if !matches!(case.fault, Fault::Kill | Fault::Stop | Fault::TermTwice | Fault::Interrupt) {
        return (finish(child), true);
    }
    let ranks = wait_for(|| {
        let ranks = if case.launched { rank_pids(child.id()) } else { vec![child.id()] };
        (ranks.len() == case.ranks || child.try_wait().unwrap().is_some()).then_some(ranks)
    });
    let ranks = ranks.expect("the ranks start");
    std::thread::sleep(Duration::from_millis(case.moment_ms));
    let Some(&victim) = ranks.get(case.victim).filter(|_| ranks.len() == case.ranks) else {
        return (finish(child), false);
    };
    let send = |pid: u32, name: &str| {
        Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).output().unwrap().status.success()
    };
    let sent = match case.fault {
        Fault::Kill => send(victim, "KILL"),
        Fault::Stop => send(victim, "STOP"),
        Fault::Interrupt => send(child.id(), "INT"),
        // the first one ends a process that is only starting
        _ => [send(victim, "TERM"), send(victim, "TERM")][0],
    };
    if case.fault == Fault::Stop {
        // nobody but the others can end a job with a stopped rank; when they have, it may go
        wait_for(|| {
            let living = |pid: &&u32| std::path::Path::new(&format!("/proc/{pid}/exe")).read_link().is_ok();
            let others = ranks.iter().filter(|&&pid| pid != victim).filter(living).count();
            (others == 0).then_some(())
        })
        .expect("the ranks that are left end");
        if ranks.len() == 1 {
            std::thread::sleep(Duration::from_millis(500));
        }
        send(victim, "CONT");
    }
    (finish(child), sent)
}

/// The exit code and the words that belong to a fault.
fn cause_is_named(case: &Case, fired: bool, outcome: &Outcome, result: Option<&Value>, context: &str) {
    let failure = result.and_then(|result| result["failure"].as_str()).unwrap_or_default();
    let state = result.map_or("nothing", |result| result["state"].as_str().unwrap());
    if outcome.code == Some(0) {
        // the fault may come too late, or meet nothing
        assert!(!case.fault.is_between(), "a changed file was not found: {context}");
        assert!(failure.is_empty(), "{context}");
        return;
    }
    match case.fault {
        Fault::Nothing | Fault::Delay | Fault::ClosedOutput => panic!("nothing was wrong: {context}"),
        Fault::Kill | Fault::Stop | Fault::TermTwice | Fault::Interrupt if !fired => {
            panic!("nothing was wrong: {context}")
        }
        // nothing was left to do but to end
        Fault::Kill | Fault::Stop | Fault::TermTwice | Fault::Interrupt if state == "finished" => {}
        Fault::Kill if case.ranks == 1 => {
            assert!(["running", "nothing", "failed", "interrupted"].contains(&state), "{context}")
        }
        Fault::Kill | Fault::Stop => {
            // before the phases begin nobody can tell
            let named = failure.contains(&format!("rank {} (", case.victim));
            assert!(state == "nothing" || (state == "failed" && named), "{context}");
        }
        Fault::TermTwice | Fault::Interrupt => {
            assert!(["interrupted", "nothing"].contains(&state), "{context}");
            assert!(
                state == "nothing"
                    || outcome.stderr.contains("interrupted")
                    || outcome.stderr.contains("ended by signal")
                    || !failure.is_empty(),
                "{context}"
            );
        }
        Fault::Error(errno) => {
            let words = if errno == "EIO" { "Input/output error" } else { "No space left on device" };
            assert_eq!(outcome.code, Some(4), "{context}");
            assert!(outcome.stderr.contains(words), "{context}");
        }
        Fault::Flip | Fault::Shorten | Fault::Unlink => {
            assert!(matches!(outcome.code, Some(4 | 5)), "{context}");
        }
        Fault::FullResults => {
            assert_eq!(outcome.code, Some(4), "{context}");
            assert!(
                outcome.stderr.contains("File too large") || outcome.stderr.contains("missing or outdated"),
                "{context}"
            );
        }
    }
}

/// Changes, shortens or removes one of the files that hold data.
fn change_a_file(scene: &Scene, case: &Case) {
    let root = scene.path("data").join(TIMESTAMP);
    let files: Vec<PathBuf> = walk(&root).into_iter().map(|path| root.join(path)).collect();
    let files: Vec<&PathBuf> =
        files.iter().filter(|path| path.is_file() && path.metadata().unwrap().len() > 0).collect();
    let file = files[case.choice % files.len()];
    let length = file.metadata().unwrap().len();
    match case.fault {
        Fault::Flip => {
            let mut bytes = std::fs::read(file).unwrap();
            let at = case.choice % bytes.len();
            bytes[at] ^= 0x40;
            std::fs::write(file, bytes).unwrap();
        }
        Fault::Shorten => std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(length - 1).unwrap(),
        _ => std::fs::remove_file(file).unwrap(),
    }
}

/// Nothing but the run's directories was touched.
fn untouched(scene: &Scene, case: &Case) {
    for file in ["data/another/file", "beside"] {
        assert_eq!(scene.read(file), "mine", "{file}");
    }
    let own = |path: &String| {
        let data = [format!("data/{TIMESTAMP}"), format!("data/.{TIMESTAMP}.claim")];
        let known = ["results/", "chaos.ini", "beside", "data/another"];
        known.iter().any(|name| path.starts_with(name))
            || (case.api == "posix" && data.iter().any(|dir| path.starts_with(dir)))
    };
    let unexpected: Vec<String> = walk(&scene.path("")).into_iter().filter(|path| !own(path)).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}
