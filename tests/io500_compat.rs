//! The result directory and standard output are the C suite's: the same files, sections, keys, order and number formats as in its
//! reference runs. What differs, and why, stands in the lists below and nowhere else.

mod common;

use common::{Outcome, Scene, run, shared, walk};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Reference run, ranks, timestamp: one for each layout, and one for another packet type.
const RUNS: [(&str, usize, &str); 5] = [
    ("offset-np3", 3, "2026.01.02-03.04.05"),
    ("timestamp-np1", 1, "2026.02.03-04.05.06"),
    ("shared-file-np4", 4, "2026.05.05-05.05.05"),
    ("unique-dir-np3", 3, "2026.06.06-06.06.06"),
    ("extended-np2", 2, "2026.07.07-07.07.07"),
];

/// The C suite's `-D` and `-W` of the reference runs; here the stonewall is a second, because the random reads last as long.
const STONEWALL: &str = "60";

/// Runs what a reference run did.
fn again(scene: &Scene, reference: &Path, ranks: usize, timestamp: &str) -> Option<Outcome> {
    let command = scene.ranks(ranks)?;
    scene.write("orig.ini", fs::read(reference.join("results/config-orig.ini")).unwrap());
    let mode = if reference.ends_with("extended-np2") { "extended" } else { "standard" };
    let arguments = ["orig.ini", "--api", "POSIX", "--stonewall", "1", "--timestamp", timestamp, "--mode", mode];
    let outcome = run(command, arguments);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    Some(outcome)
}

/// A text with its numbers replaced by how they are written: `N`, `N.6`, `N.10e`; a number right-aligned in a column keeps its width.
fn shape(text: &str) -> String {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (mut shape, mut at) = (String::new(), 0);
    while at < bytes.len() {
        let blanks = bytes[at..].iter().take_while(|&&byte| byte == b' ').count();
        let begin = at + blanks;
        let whole = digits(begin);
        let in_word = blanks == 0 && at > 0 && bytes[at - 1].is_ascii_alphabetic();
        if whole == 0 || in_word {
            let length = (blanks + whole).max(1);
            shape.push_str(&text[at..at + length]);
            at += length;
            continue;
        }
        let mut end = begin + whole;
        let mut form = String::from("N");
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            let decimals = digits(end + 1);
            form += &format!(".{decimals}");
            end += 1 + decimals;
            if bytes.get(end) == Some(&b'e') {
                let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
                let exponent = digits(end + 1 + sign);
                form += &format!("e{sign}{exponent}");
                end += 1 + sign + exponent;
            }
        }
        match blanks {
            0 => {}
            1 => shape.push(' '),
            _ => form += &format!("<{}>", end - at),
        }
        shape += &form;
        at = end;
    }
    shape
}

#[test]
fn shapes_keep_what_matters() {
    assert_eq!(shape("score           = 1.994481"), "score           = N.6");
    assert_eq!(
        shape("[RESULT]       ior-easy-write        1.994481 GiB/s"),
        "[RESULT]       ior-easy-writeN.6<16> GiB/s"
    );
    assert_eq!(shape("write,0,1.4410018921e-03,5.2e+00"), "write,N,N.10e12,N.1e12");
    assert_eq!(shape("mdtest_tree.0 rnd4K"), "mdtest_tree.N rnd4K");
}

fn is_reason(line: &str) -> bool {
    line.starts_with("; ERROR INVALID") || line.starts_with("ERROR INVALID")
}

/// `result.txt` without what two runs cannot share.
fn result_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let (key, value) = line.split_once('=').map_or(("", ""), |(key, value)| (key.trim(), value.trim()));
        lines.push(match key {
            // the program's own name
            "version" => shape("version         = "),
            "exe" => format!("exe             = {value}"),
            "hash" | "config-hash" => {
                let hex = |c: char| c.is_ascii_digit() || ('A'..='F').contains(&c);
                assert!(
                    !value.is_empty() && value.len() <= 8 && value.chars().all(hex) && !value.starts_with('0'),
                    "{line}"
                );
                format!("{key:<15} = HEX")
            }
            _ => shape(line),
        });
    }
    lines
}

/// Their text without the reasons for being short of those phases that were not short here, on a busy machine.
fn without_other_times(theirs: &str, ours: &str) -> String {
    let of_time = |line: &str| line.contains("Write phase needed ") || line.contains("is below stonewall time");
    let not_short = |section: &str| {
        let own = ours.split("\n[").find(|own| own.starts_with(section));
        let delta = own.and_then(|own| own.lines().find_map(|line| line.strip_prefix("t_delta         = ")));
        // the C suite counts the second that mdtest sleeps, and so does the official verdict here
        let pause = if section.starts_with("mdtest-") { 1.0 } else { 0.0 };
        delta.is_some_and(|seconds| seconds.parse::<f64>().unwrap() + pause >= 1.0)
    };
    let sections = theirs.split("\n[").map(|section| {
        let leave_out = not_short(section.lines().next().unwrap());
        let lines = section.split('\n').filter(|line| !(leave_out && of_time(line)));
        lines.collect::<Vec<_>>().join("\n")
    });
    sections.collect::<Vec<_>>().join("\n[")
}

/// The command lines of the reference with our stonewall.
fn with_our_stonewall(line: &str) -> String {
    if !line.starts_with("exe ") {
        return line.to_owned();
    }
    let words: Vec<&str> = line.split(' ').collect();
    let replaced = words.iter().enumerate().map(|(i, &word)| match word {
        STONEWALL if i > 0 && matches!(words[i - 1], "-D" | "-W") => "1",
        word => word,
    });
    replaced.collect::<Vec<_>>().join(" ")
}

/// Whether md-workbench's iterations differ by two depends on the machine.
fn is_of_speed(line: &str) -> bool {
    line.trim_start_matches("; ").starts_with("WARNING The results of both md-workbench")
}

#[track_caller]
fn assert_same_lines(what: &str, ours: &[String], theirs: &[String]) {
    for (i, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(ours, theirs, "{what}: line {}", i + 1);
    }
    assert_eq!(
        ours.len(),
        theirs.len(),
        "{what}: {:?}",
        ours.iter().skip(theirs.len()).chain(theirs.iter().skip(ours.len())).next()
    );
}

#[test]
fn result_txt_has_the_same_sections_keys_and_formats() {
    each_run(|name, reference, scene, _| {
        let theirs = fs::read_to_string(reference.join("results/result.txt")).unwrap();
        let ours = scene.read("results/result.txt");
        let kept = |text: &str| text.lines().filter(|line| !is_of_speed(line)).collect::<Vec<_>>().join("\n");
        let (ours, theirs) = (kept(&ours), kept(&theirs));
        let theirs = without_other_times(&theirs, &ours);
        let theirs: Vec<String> = result_lines(&theirs).iter().map(|line| with_our_stonewall(line)).collect();
        assert_same_lines(name, &result_lines(&ours), &theirs);
        assert!(theirs.iter().filter(|line| is_reason(line)).count() >= 7, "{name}: {theirs:?}");
    });
}

#[test]
fn the_summary_and_standard_output_have_the_same_lines() {
    each_run(|name, reference, scene, outcome| {
        let lines = |text: &str, invalid: bool| -> Vec<String> {
            // IOR warns of an old file that it did not find
            let left_out = |line: &&str| is_reason(line) || line.starts_with("WARNING: ") || is_of_speed(line);
            let kept = text.lines().filter(|line| !left_out(line));
            // the first line names the program; whether a phase is invalid depends on how long it took
            let mark = |line: &str| if invalid { line.to_owned() } else { line.replace(" [INVALID]", "") };
            kept.map(|line| shape(&mark(line.split(" version ").next().unwrap()))).collect()
        };
        let theirs = fs::read_to_string(reference.join("results/result_summary.txt")).unwrap();
        assert_same_lines(name, &lines(&scene.read("results/result_summary.txt"), false), &lines(&theirs, false));
        let theirs = fs::read_to_string(reference.join("stdout.txt")).unwrap();
        assert_same_lines(name, &lines(&outcome.stdout, false), &lines(&theirs, false));
        // both are invalid as a whole
        let score = |text: &str| lines(text, true).into_iter().find(|line| line.starts_with("[SCORE ]"));
        assert_eq!(score(&outcome.stdout), score(&theirs));
    });
}

#[test]
fn config_ini_is_the_same_but_for_the_stonewall() {
    each_run(|name, reference, scene, _| {
        let kept = |text: String| -> Vec<String> {
            // our own settings follow as comments, so that the C suite can read the file
            let theirs = text.split("# Settings that the C suite does not know").next().unwrap().trim_end();
            theirs.lines().filter(|line| !line.starts_with("stonewall-time")).map(str::to_owned).collect()
        };
        let theirs = kept(fs::read_to_string(reference.join("results/config.ini")).unwrap());
        assert_same_lines(name, &kept(scene.read("results/config.ini")), &theirs);
        assert_eq!(scene.read("results/config-orig.ini"), scene.read("orig.ini"), "{name}");
    });
}

/// In our result directory only: what the C suite does not have, or takes away at its end.
fn is_ours(file: &str) -> bool {
    let latencies = file.ends_with(".hgrm") || file.ends_with(".hlog");
    // the C suite removes these in its clean-up; later phases of another invocation need them
    let stonewall = file.ends_with(".stonewall");
    // IOR and mdtest write such a text each; these phases have none in the C suite
    let text = matches!(file, "find.txt" | "find-easy.txt" | "find-hard.txt" | "timestamp.txt");
    // what a later invocation needs to know of mdtest's rate
    let size = file == "mdworkbench-size";
    file == "result.json" || size || latencies || stonewall || text
}

#[test]
fn the_result_directory_has_the_same_files() {
    each_run(|name, reference, scene, _| {
        let ours: BTreeSet<String> = walk(&scene.path("results")).into_iter().filter(|file| !is_ours(file)).collect();
        let theirs: BTreeSet<String> = walk(&reference.join("results")).into_iter().collect();
        assert_eq!(ours, theirs, "{name}");
    });
}

#[test]
fn the_tables_of_the_ranks_have_the_same_columns_and_formats() {
    each_run(|name, reference, scene, _| {
        let tables = walk(&reference.join("results")).into_iter().filter(|file| file.ends_with(".csv"));
        let mut seen = 0;
        for file in tables {
            let theirs = fs::read_to_string(reference.join("results").join(&file)).unwrap();
            let ours = scene.read(&format!("results/{file}"));
            let lines = |text: &str| text.lines().map(shape).collect::<Vec<_>>();
            assert_same_lines(&format!("{name} {file}"), &lines(&ours), &lines(&theirs));
            seen += 1;
        }
        assert!(seen >= 12, "{name}: {seen} tables");
    });
}

#[test]
fn the_reasons_are_in_the_words_of_the_c_suite() {
    each_run(|name, reference, scene, _| {
        let shapes =
            |text: String| -> BTreeSet<String> { text.lines().filter(|line| is_reason(line)).map(shape).collect() };
        let theirs = shapes(fs::read_to_string(reference.join("results/result.txt")).unwrap());
        let ours = shapes(scene.read("results/result.txt"));
        assert!(ours.is_subset(&theirs), "{name}: {:?}", ours.difference(&theirs).collect::<Vec<_>>());
        for always in ["; ERROR INVALID PAUSING BETWEEN RUNS ACTIVATED", "; ERROR INVALID stonewall-time Ns != Ns"] {
            assert!(ours.contains(always), "{name}: {ours:?}");
        }
    });
}

#[test]
fn our_results_are_confirmed_and_nobody_doubts_what_find_counted() {
    each_run(|name, _, scene, _| {
        let outcome = run(scene.direct(), ["verify", "results"]);
        assert_eq!(outcome.code, Some(0), "{name}: {outcome:?}");
        let counts = ["find saw", "find found", "find matched"];
        let doubts =
            outcome.stdout.lines().map(str::trim).filter(|line| counts.iter().any(|count| line.starts_with(count)));
        assert_eq!(doubts.collect::<Vec<_>>(), ["find found nothing"], "{name}: the tree has no name with the mark");
    });
}

/// What a phase with `run = FALSE` leaves in the C suite: `find` has no command line, md-workbench its sizes.
#[test]
fn phases_that_are_switched_off_are_there_with_a_score_of_zero() {
    let scene = Scene::new();
    scene.write("small.ini", common::SMALL);
    let off = ["ior-easy-read", "mdtest-hard-stat", "find-easy", "mdworkbench", "ior-rnd4K-easy-read"];
    let off: Vec<String> = off.into_iter().flat_map(|name| ["--set".into(), format!("{name}.run=FALSE")]).collect();
    let ignored = ["--set", "mdworkbench-create.run=FALSE"].map(str::to_owned);
    let usual = ["small.ini", "--api", "posix", "--datadir", "data", "--resultdir", "results", "--mode", "extended"];
    let dated = ["--set", "global.timestamp-datadir=FALSE", "--set", "global.timestamp-resultdir=FALSE"];
    let arguments = usual.into_iter().chain(dated).map(str::to_owned).chain(off).chain(ignored);
    let outcome = run(scene.direct(), arguments);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let text = scene.read("results/result.txt");
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')).collect();
    let phases = io500_phases::phase_id::PhaseId::ALL.map(|phase| phase.name());
    assert_eq!(names, [&["run"], &phases[..], &["SCORE", "SCOREX"]].concat());
    let section = |name: &str| {
        let section = text.split("\n[").find(|section| section.starts_with(&format!("{name}]"))).unwrap();
        section.lines().skip(1).filter(|line| !line.is_empty()).map(|line| line.split(" = ").next().unwrap().trim_end())
    };
    let zero = "; ERROR INVALID Resulting score shouldn't be 0.0";
    let keys = |name: &str| section(name).collect::<Vec<_>>();
    assert_eq!(keys("ior-easy-read"), ["t_start", "exe", zero, "score", "t_delta", "t_end"]);
    assert_eq!(keys("find-easy"), ["t_start", zero, "score", "t_delta", "t_end"]);
    let sizes = ["t_start", "filesPerProc", "precreatePerSet", "exe", zero, "score", "t_delta", "t_end"];
    assert_eq!(keys("mdworkbench-bench"), sizes);
    for line in [
        "[RESULT]        ior-easy-read        0.000000 GiB/s : time 0.000 seconds [INVALID]",
        "[RESULT]            find-easy        0.000000 kIOPS : time 0.000 seconds [INVALID]",
        "[      ]   mdworkbench-create        0.000000 kIOPS : time 0.000 seconds [INVALID]",
        "[      ]  ior-rnd4K-easy-read        0.000000 GiB/s : time 0.000 seconds [INVALID]",
    ] {
        assert!(outcome.stdout.lines().any(|other| other == line), "{line}\n{}", outcome.stdout);
    }
    assert!(!scene.path("results/ior-easy-read.txt").exists(), "IOR did not run");
    // the zeros have their terms in the hashes
    let verified = run(scene.direct(), ["verify", "results"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    for confirmed in ["score hash      confirmed", "extended score  confirmed", "extended hash   confirmed"] {
        assert!(verified.stdout.contains(confirmed), "{}", verified.stdout);
    }
    for doubt in ["ior-easy-read has no score", "ior-rnd4K-easy-read has no score", "find-easy has no score"] {
        assert!(verified.stdout.contains(doubt), "{doubt}: {}", verified.stdout);
    }
}

/// One run of each kind serves all tests of this file.
fn each_run(test: impl Fn(&str, &Path, &Scene, &Outcome)) {
    type Done = Vec<(&'static str, std::path::PathBuf, Scene, Outcome)>;
    static DONE: std::sync::LazyLock<Done> = std::sync::LazyLock::new(|| {
        let Some(reference) = shared("reference") else { return Vec::new() };
        let run = |(name, ranks, timestamp)| {
            let (scene, reference) = (Scene::new(), reference.join(name));
            let outcome = again(&scene, &reference, ranks, timestamp)?;
            Some((name, reference, scene, outcome))
        };
        RUNS.into_iter().filter_map(run).collect()
    });
    for (name, reference, scene, outcome) in DONE.iter() {
        test(name, reference, scene, outcome);
    }
}
