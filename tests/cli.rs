//! The command as a user sees it: help, layers of the configuration, phases, exit codes, output.

mod common;

use common::{
    Outcome, POSIX, SMALL, Scene, assert_code, assert_mistake, carried, finish, foreign_launcher, is_standin, run,
    small, start, wait_for, walk,
};

/// The phases that have a line on standard output.
fn phases_of(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.stdout.lines().filter(|line| line.starts_with("[RESULT]") || line.starts_with("[      ]"));
    lines.map(|line| line.split_whitespace().find(|word| word.contains(char::is_lowercase)).unwrap()).collect()
}

#[test]
fn help_and_version_start_neither_mpi_nor_daos() {
    // a launcher of another MPI and a store that cannot be created: starting either would be an error
    for flag in ["-h", "--help", "-V", "--version"] {
        let scene = Scene::new();
        let mut command = scene.direct();
        command.env("DAOS_STANDIN_ROOT", "/dev/null/store");
        for (name, value) in foreign_launcher() {
            command.env(name, value);
        }
        let outcome = run(command, [flag]);
        assert_code(&outcome, 0);
        assert_eq!(outcome.stderr, "", "{flag}");
        assert_eq!(scene.entries(), [""; 0]);
        if flag.contains("el") || flag == "-h" {
            assert!(outcome.stdout.contains("Usage: dfs-bench"), "{outcome:?}");
        } else {
            let lines: Vec<&str> = outcome.stdout.lines().collect();
            assert!(lines[0].starts_with("dfs-bench "), "{lines:?}");
            let provider = lines.iter().find_map(|line| line.strip_prefix("libdfs: ")).unwrap();
            assert!(provider.contains("stand-in") || provider.contains(|c: char| c.is_ascii_digit()), "{provider}");
            assert!(lines.iter().any(|line| line.starts_with("MPI: ")), "{lines:?}");
        }
    }
    // of several processes only one speaks
    let scene = Scene::new();
    let mut second = scene.direct();
    second.env("OMPI_COMM_WORLD_RANK", "1").env("OMPI_COMM_WORLD_SIZE", "2");
    assert_eq!(run(second, ["--help"]).stdout, "");
}

#[test]
fn the_manual_and_the_completions_know_every_flag() {
    let scene = Scene::new();
    for arguments in [&["man"][..], &["completions", "bash"], &["completions", "zsh"], &["completions", "fish"]] {
        let outcome = run(scene.direct(), arguments);
        assert_code(&outcome, 0);
        for word in ["threads", "stonewall", "newer", "fail", "verify"] {
            assert!(outcome.stdout.contains(word), "{arguments:?} without {word}");
        }
    }
    let manual = run(scene.direct(), ["man"]).stdout;
    assert!(manual.starts_with(".ie"), "no manual page");
    let titles: Vec<_> = manual.lines().filter(|line| line.starts_with(".TH ")).collect();
    let title = |name: &str| format!(".TH {name} 1  \"dfs-bench {}\" ", env!("CARGO_PKG_VERSION"));
    for name in ["dfs-bench", "dfs-bench-verify", "dfs-bench-config", "dfs-bench-config-show"] {
        assert!(titles.contains(&title(name).as_str()), "{name}: {titles:?}");
    }
    assert!(manual.contains("dfs\\-bench verify [OPTIONS] <RESULT> [INI]"), "a synopsis without arguments");
    assert!(manual.contains("\\fB\\-\\-fail\\-below\\fR \\fI<PERCENT>\\fR"), "an option without its argument");
    assert_mistake(&scene, scene.direct(), &["completions", "cmd"], &["cmd", "bash"]);
}

#[test]
fn flags_beat_set_that_beats_the_environment_that_beats_the_file_that_beats_the_defaults() {
    let scene = Scene::new();
    let file = scene.write("my.ini", "[debug]\nstonewall-time = 11\n");
    let shown = |with_file: bool, env: bool, set: bool, flag: bool| {
        let mut command = scene.direct();
        command.args(["config", "show"]);
        if env {
            command.env("DFS_BENCH_DEBUG_STONEWALL_TIME", "12");
        }
        if set {
            command.args(["--set", "debug.stonewall-time=13"]);
        }
        if flag {
            command.args(["--stonewall", "14"]);
        }
        if with_file {
            command.arg(&file);
        }
        let outcome = run(command, [""; 0]);
        assert_code(&outcome, 0);
        let line = outcome.stdout.lines().find(|line| line.starts_with("stonewall-time = ")).unwrap().to_owned();
        let (value, origin) = line["stonewall-time = ".len()..].split_once('#').unwrap();
        (value.trim().to_owned(), origin.trim().to_owned())
    };
    assert_eq!(shown(true, true, true, true), ("14".into(), "--stonewall".into()));
    assert_eq!(shown(true, true, true, false).0, "13");
    assert!(shown(true, true, true, false).1.starts_with("--set"));
    assert_eq!(shown(true, true, false, false), ("12".into(), "DFS_BENCH_DEBUG_STONEWALL_TIME".into()));
    let (value, origin) = shown(true, false, false, false);
    assert_eq!(value, "11");
    assert!(origin.contains("my.ini") && origin.contains('2'), "{origin}");
    assert_eq!(shown(false, false, false, false).0, "300");
    // the strongest wins whatever lies between
    assert_eq!(shown(false, true, false, true).0, "14");
}

#[test]
fn phases_run_in_the_official_order_whatever_order_is_given() {
    let scene = Scene::new();
    let outcome = small(
        &scene,
        &["--phase", "mdtest-easy-delete,stat,ior-easy-read,mdtest-hard-write,mdtest-easy,ior-easy-write"],
    );
    assert_code(&outcome, 0);
    let order = ["ior-easy-write", "mdtest-easy-write", "mdtest-hard-write", "ior-easy-read", "mdtest-easy-stat"];
    assert_eq!(phases_of(&outcome), [&order[..], &["mdtest-hard-stat", "mdtest-easy-delete"]].concat());
}

#[test]
fn find_needs_the_timestamp_file_and_write_makes_it() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let arguments = [&POSIX[..], &["--resultdir", "results", "--phase", "find"]].concat();
    assert_mistake(&scene, scene.direct(), &arguments, &["timestampfile", "run timestamp first"]);
    let outcome = small(&scene, &["--phase", "write"]);
    assert_code(&outcome, 0);
    let order = ["ior-easy-write", "mdtest-easy-write", "timestamp", "ior-hard-write", "mdtest-hard-write"];
    assert_eq!(phases_of(&outcome), order);
    assert_code(&small(&scene, &["--phase", "find"]), 0);
    let find = &scene.result("results")["phases"][5]["find"];
    assert_eq!((&find["found"], &find["total"]), (&find["expected_found"], &find["expected_total"]));
    assert!(run(scene.direct(), ["--help"]).stdout.contains("timestamp belongs to write"));
}

#[test]
fn a_dry_run_prints_the_plan_and_touches_nothing() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let outcome = run(scene.direct(), [&POSIX[..], &["--dry-run", "--set", "find.run=FALSE"]].concat());
    assert_code(&outcome, 0);
    for text in ["ior-easy-write", "mdtest-hard-delete", "256", "find  nothing: it has run = FALSE"] {
        assert!(outcome.stdout.contains(text), "{}", outcome.stdout);
    }
    assert_eq!(scene.entries(), ["small.ini"]);
    // over DFS neither: not even the stand-in's store is made
    assert_code(&run(scene.direct(), ["small.ini", "--api", "dfs", "--dry-run"]), 0);
    assert_eq!(scene.entries(), ["small.ini"]);
}

#[test]
fn strict_turns_an_invalid_verdict_into_3() {
    let scene = Scene::new();
    let outcome = small(&scene, &["--phase", "ior-easy", "--strict"]);
    assert_code(&outcome, 3);
    assert!(outcome.stderr.contains("below the rules' 300 s"), "{}", outcome.stderr);
    assert_eq!(scene.result("results")["state"], "finished");
}

#[test]
fn data_that_is_wrong_is_5_and_more_than_strict() {
    let scene = Scene::new();
    assert_code(&small(&scene, &["--phase", "ior-easy-write"]), 0);
    let file = scene.path("data/ior-easy/ior_file_easy.00000000");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    for more in [&[][..], &["--strict"]] {
        let outcome = small(&scene, &[&["--phase", "ior-easy-read"], more].concat());
        assert_code(&outcome, 5);
        let report = "ior-easy-read: verification: 1 with wrong bytes; first: ior-easy/ior_file_easy.00000000: byte 100000 is 0x";
        assert!(outcome.stderr.contains(report), "{}", outcome.stderr);
    }
    std::fs::remove_file(&file).unwrap();
    let outcome = small(&scene, &["--phase", "ior-easy-read"]);
    assert_code(&outcome, 5);
    assert!(outcome.stderr.contains("verification: 1 missing; first: ior-easy/ior_file_easy.00000000: not there"));
}

#[test]
fn a_pause_file_stops_the_run_before_its_phase_and_unexpected_entries_are_named() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    scene.write("pause/mdtest-easy-delete", "");
    let dated = ["--set", "global.timestamp-datadir=FALSE", "--set", "global.timestamp-resultdir=FALSE"];
    let pausing =
        ["--resultdir", "results", "--set", "debug.pause-dir=pause", "--set", "ior-rnd4K-easy-read.run=FALSE"];
    let mut child = start(scene.direct(), &[&POSIX[..], &dated, &pausing].concat());
    let names = || {
        let text = std::fs::read_to_string(scene.path("results/result.json")).ok()?;
        Some(carried(&serde_json::from_str(&text).ok()?))
    };
    let before = wait_for(|| names().filter(|names| names.len() == 10)).expect("ten phases come before the pause");
    assert_eq!(before.last().unwrap().0, "mdtest-hard-stat");
    // whoever does not stop here is done in a moment
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it did not stop");
    assert_eq!(names().unwrap(), before);
    let unexpected =
        ["ior-easy/core", "ior-hard/notes.txt", "mdtest-easy/test-dir.0-0/mdtest_tree.0.0/mine", "mdtest-hard/mine"];
    unexpected.iter().for_each(|entry| drop(scene.write(&format!("data/{entry}"), "mine")));
    std::fs::remove_file(scene.path("pause/mdtest-easy-delete")).unwrap();
    let outcome = finish(child);
    assert_code(&outcome, 5);
    let result = scene.result("results");
    let pause = &result["phases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|phase| phase["phase"] == "mdtest-easy-delete")
        .unwrap()["pause"];
    assert_eq!(pause[0], "pause/mdtest-easy-delete");
    assert!(outcome.stdout.starts_with("ERROR INVALID (run) PAUSING BETWEEN RUNS ACTIVATED\n"), "{}", outcome.stdout);
    let left = "the data directory holds 4 entries that this benchmark did not write: ";
    let line = outcome.stderr.lines().find(|line| line.contains(left)).unwrap_or_else(|| panic!("{}", outcome.stderr));
    unexpected.iter().for_each(|entry| assert!(line.contains(entry), "{line}"));
    let mdtest = "mdtest-easy-delete: verification: 1 that should not be there; first: mdtest-easy/test-dir.0-0/mdtest_tree.0.0/mine";
    assert!(outcome.stderr.contains(mdtest), "{}", outcome.stderr);
    assert_eq!(walk(&scene.path("data")), unexpected);
}

#[test]
fn caches_are_dropped_on_every_rank_before_every_phase() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let caches = ["--set", "global.drop-caches=TRUE", "--set", "global.drop-caches-cmd=echo dropped >> marker"];
    assert_code(&small(&scene, &[&["--phase", "ior-easy"][..], &caches].concat()), 0);
    assert_eq!(scene.read("marker"), "dropped\n".repeat(2));
    // `timestamp` reads and writes no data
    assert_code(&small(&scene, &[&["--phase", "timestamp"][..], &caches].concat()), 0);
    assert_eq!(scene.read("marker"), "dropped\n".repeat(2));
    let Some(command) = scene.ranks(3) else { return };
    let phases = ["--phase", "mdtest-easy", "--resultdir", "results-3", "--set", "global.drop-caches=TRUE"];
    let outcome = run(command, [&POSIX[..], &phases, &caches[2..]].concat());
    assert_code(&outcome, 0);
    assert_eq!(scene.read("marker"), "dropped\n".repeat(2 + 3 * 3));
}

#[test]
fn caches_that_cannot_be_dropped_are_a_warning_for_each_phase() {
    let scene = Scene::new();
    let caches = ["--set", "global.drop-caches=TRUE", "--set", "global.drop-caches-cmd=echo not allowed >&2 && exit 3"];
    let outcome = small(&scene, &[&["--phase", "ior-easy"][..], &caches].concat());
    assert_code(&outcome, 0);
    for phase in ["ior-easy-write", "ior-easy-read"] {
        let told = outcome
            .stderr
            .lines()
            .filter(|line| line.contains(&format!("the caches could not be dropped before {phase}: ")))
            .count();
        assert_eq!(told, 1, "{}", outcome.stderr);
    }
    assert!(outcome.stderr.contains("exit status: 3 not allowed"), "{}", outcome.stderr);
}

#[test]
fn verbosity_takes_times_away_and_adds_pairs() {
    let scene = Scene::new();
    let phases = ["--phase", "timestamp,ior-hard-write,mdtest-hard-write,mdtest-hard-stat", "--set"];
    let mut results = [0, 1, 2].map(|level| {
        let level = format!("global.verbosity={level}");
        let results = format!("results-{level}");
        let options = [&phases[..], &[&level, "--resultdir", &results]].concat();
        assert_code(&small(&scene, &options), 0);
        std::fs::remove_dir_all(scene.path("data")).unwrap();
        scene.read(&format!("{results}/result.txt"))
    });
    let times = ["; START", "; END", "t_start  ", "t_delta  ", "t_end  "];
    let has = |text: &str, what: &str| text.lines().any(|line| line.starts_with(what));
    for time in times {
        assert_eq!(results.each_ref().map(|text| has(text, time)), [false, true, true], "{time}");
    }
    let pairs = [
        "result-file     = results-global.verbosity=2/mdtest-hard-stat.txt",
        "accessed-pairs  = 4",
        "time   ",
        "timestamp-file  = results-global.verbosity=2/timestampfile",
    ];
    for pair in pairs {
        assert_eq!(results.each_ref().map(|text| has(text, pair)), [false, false, true], "{pair}: {}", results[2]);
    }
    let keys = |text: &str, section: &str| -> Vec<String> {
        let lines =
            text.lines().skip_while(|line| *line != format!("[{section}]")).skip(1).take_while(|line| !line.is_empty());
        lines.filter_map(|line| Some(line.split_once('=')?.0.trim().to_owned())).collect()
    };
    let last = results[2].split_off(0);
    assert_eq!(
        keys(&last, "ior-hard-write"),
        ["t_start", "exe", "result-file", "accessed-pairs", "throughput-stonewall", "score", "t_delta", "t_end"]
    );
    assert_eq!(
        keys(&last, "mdtest-hard-write"),
        ["t_start", "exe", "result-file", "time", "rate-stonewall", "score", "t_delta", "t_end"]
    );
    // the verbosity of a workload is the C suite's, and only its command line shows it
    let told = ["--phase", "ior-hard-write", "--set", "ior-hard.verbosity=2", "--resultdir", "results-v"];
    let outcome = small(&scene, &told);
    assert_code(&outcome, 0);
    assert!(scene.read("results-v/result.txt").contains("./ior --dataPacketType=timestamp -v -v -C "));
    assert!(outcome.stderr.contains("[ior-hard] verbosity = 2: only exe"), "{}", outcome.stderr);
}

#[test]
fn latencies_and_lines_of_progress_are_as_the_options_say() {
    let scene = Scene::new();
    let told = |results: &str, latency: &str, interval: &str| {
        let phases = ["--phase", "ior-easy-write,ior-rnd4K-easy-read", "--stonewall", "2", "--resultdir", results];
        let latency = format!("dfs-bench.latency={latency}");
        let outcome = small(
            &scene,
            &[&phases[..], &["--set", &format!("dfs-bench.report-interval={interval}"), "--set", &latency]].concat(),
        );
        assert_code(&outcome, 0);
        let result = scene.result(results);
        let latencies =
            result["phases"].as_array().unwrap().iter().map(|phase| phase["latency"].as_array().unwrap().len());
        (
            latencies.sum::<usize>() > 0,
            outcome.stderr.lines().any(|line| line.contains("ior-rnd4K-easy-read") && line.contains("GiB/s")),
        )
    };
    assert_eq!(told("often", "TRUE", "1"), (true, true));
    assert_eq!(told("seldom", "FALSE", "600"), (false, false));
}

#[test]
fn the_student_cluster_competition_has_its_own_minimum() {
    let scene = Scene::new();
    let outcome = small(&scene, &["--phase", "ior-easy-write", "--set", "global.scc=TRUE"]);
    assert_code(&outcome, 0);
    assert!(outcome.stdout.contains("ERROR INVALID (run) stonewall-time 1s != 30s"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("below the rules' 30 s"), "{}", outcome.stderr);
    assert!(scene.read("results/config.ini").contains("scc = TRUE"));
}

#[test]
fn verify_says_when_a_file_is_no_result() {
    let scene = Scene::new();
    scene.write("notes.txt", "these are\nmy notes = none\n");
    assert_mistake(&scene, scene.direct(), &["verify", "notes.txt"], &["notes.txt: not a result.txt"]);
    scene.write("empty/result.txt", "");
    assert_mistake(&scene, scene.direct(), &["verify", "empty"], &["empty/result.txt: not a result.txt"]);
    assert_mistake(&scene, scene.direct(), &["verify", "nowhere"], &["nowhere"]);
}

#[test]
fn every_phase_is_on_standard_output_and_in_the_files() {
    if !is_standin() {
        return;
    }
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let outcome = run(scene.direct(), ["small.ini", "--api", "dfs", "--resultdir", "results", "--timestamp", "t"]);
    assert_code(&outcome, 0);
    assert_eq!(phases_of(&outcome).len(), 14);
    assert!(outcome.stdout.contains("\n[SCORE ] Bandwidth "), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("not a real store"), "{}", outcome.stderr);
    let result = scene.result("results/t");
    assert_eq!(result["phases"].as_array().unwrap().len(), 14);
    assert_eq!(scene.read("results/t/ior-easy.stonewall").trim(), "4");
}

#[test]
fn repeats_are_a_group_of_results() {
    let scene = Scene::new();
    assert_code(&small(&scene, &["--repeat", "2", "--phase", "mdtest"]), 0);
    for run in ["results/run-1", "results/run-2"] {
        assert_eq!(scene.result(run)["state"], "finished", "{run}");
    }
}

/// A server with one engine of one target, whose counts grow by one update with each answer.
fn metrics_server() -> String {
    use std::io::{BufRead as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/metrics", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().take(1000).enumerate() {
            let mut stream = stream.unwrap();
            let request = std::io::BufReader::new(&stream).lines().map_while(Result::ok);
            request.take_while(|line| !line.is_empty()).for_each(drop);
            let of_target = "pool=\"p\",rank=\"0\",target=\"0\"";
            let body = format!(
                "engine_started_at{{rank=\"0\"}} 1\nengine_net_hg_req_recv{{rank=\"0\"}} {n}\nengine_pool_ops_update{{{of_target}}} {n}\n\
                 engine_pool_vos_aggregation_merged_recs{{{of_target}}} {n}\n"
            );
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}

#[test]
fn servers_are_found_by_the_engines_of_the_system() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let server = metrics_server();
    let port = server.trim_start_matches("http://127.0.0.1:").trim_end_matches("/metrics");
    let auto = format!("auto:{port}");
    let phase = ["small.ini", "--api", "dfs", "--phase", "ior-easy-write", "--resultdir", "r", "--telemetry"];
    let told =
        |list: &str| run(scene.direct(), [&phase[..], &[list, "--set", "global.timestamp-resultdir=FALSE"]].concat());
    if is_standin() {
        // every engine of the stand-in is said to be on this node
        assert_code(&told(&auto), 0);
        let servers = &scene.result("r")["phases"][0]["servers"];
        assert_eq!(servers["engines"].as_array().unwrap().len(), 1, "{servers}");
        assert_eq!(servers["silent"].as_array().unwrap().len(), 0, "{servers}");
    }
    let outcome = told("auto:x");
    assert_code(&outcome, 2);
    assert!(outcome.stderr.contains("is not like auto or auto:9191"), "{}", outcome.stderr);
}

#[test]
fn the_servers_side_stands_in_result_and_report() {
    let scene = Scene::new();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let list = format!("{},http://{gone}/metrics", metrics_server());
    let told = |results: &str, interval: &str| {
        let interval = format!("dfs-bench.telemetry-interval={interval}");
        let phases = [
            "--phase",
            "ior-easy-write,ior-rnd4K-easy-read",
            "--stonewall",
            "3",
            "--resultdir",
            results,
            "--telemetry",
            &list,
        ];
        let outcome = small(&scene, &[&phases[..], &["--set", &interval]].concat());
        assert_code(&outcome, 0);
        assert!(outcome.stderr.contains(&format!("telemetry: http://{gone}/metrics: ")), "{}", outcome.stderr);
        scene.result(results)
    };
    let result = told("often", "1");
    let servers = &result["phases"][1]["servers"];
    let samples = servers["samples"].as_u64().unwrap();
    assert!(samples >= 1, "{servers}");
    // each look is one more answer
    assert_eq!(servers["targets"][0]["updates"], samples + 1);
    assert_eq!(servers["silent"].as_array().unwrap().len(), 1);
    assert!(servers["doubts"][0].as_str().unwrap().contains("aggregation"), "{servers}");
    let reasons = result["strict"]["reasons"].as_array().unwrap();
    assert!(reasons.iter().any(|reason| reason["text"] == servers["doubts"][0] && reason["invalidates"] == false));
    assert_eq!(told("seldom", "3600")["phases"][1]["servers"]["samples"], 0);
    let report = run(scene.direct(), ["report", "often", "--format", "text"]);
    assert_code(&report, 0);
    assert!(report.stdout.contains("Activity on the servers"), "{}", report.stdout);
    let html = run(scene.direct(), ["report", "often", "--format", "html", "-o", "-"]);
    assert!(html.stdout.contains("pool_vos_aggregation_merged_recs"), "{}", html.stderr);
}

#[test]
fn a_list_of_servers_that_is_none_is_refused() {
    let scene = Scene::new();
    let outcome = small(&scene, &["--phase", "ior-easy-write", "--telemetry", "server:9191"]);
    assert_code(&outcome, 2);
    assert!(outcome.stderr.contains("is not like http://server:9191/metrics"), "{}", outcome.stderr);
    assert!(!scene.path("results/result.json").exists());
}

/// The process starts anew with libdaos's variables set, and says so where libdaos wrote nothing.
#[test]
fn client_metrics_are_asked_for_on_every_rank() {
    let scene = Scene::new();
    let temp = scene.path("temp");
    std::fs::create_dir(&temp).unwrap();
    let mut command = scene.direct();
    command.env("TMPDIR", &temp);
    scene.write("small.ini", SMALL);
    let directories = ["--resultdir", "results", "--set", "global.timestamp-resultdir=FALSE"];
    let outcome = run(command, [&POSIX[..], &directories, &["--phase", "ior-easy-write", "--client-metrics"]].concat());
    assert_code(&outcome, 0);
    assert!(outcome.stderr.contains("libdaos wrote no metrics on 1 of 1 ranks"), "{}", outcome.stderr);
    let metrics = &scene.result("results")["client_metrics"];
    assert_eq!((metrics["ranks_without"].as_u64(), metrics["phase"].as_str()), (Some(1), Some("ior-easy-write")));
    assert!(metrics["rpcs_per_operation"].is_null());
    assert_eq!(std::fs::read_dir(&temp).unwrap().count(), 0, "the directory for the metrics is removed");
    assert_code(&run(scene.direct(), [&POSIX[..], &["--client-metrics", "--dry-run"]].concat()), 2);
    let outcome = run(scene.direct(), [&POSIX[..], &["--client-metrics", "--connection", "phase"]].concat());
    assert_code(&outcome, 2);
    assert!(outcome.stderr.contains("--client-metrics is about one connection"), "{}", outcome.stderr);
}
