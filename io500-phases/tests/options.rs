//! Every option of `dfs-bench config list` does something: it changes what is run or told, or it is warned of, or refused.

mod common;

use io500_phases::comm::{Comm as _, Solo};
use io500_phases::config::{Config, Mode, SECTIONS, ValueKind, select_phases};
use io500_phases::phase_id::PhaseId;
use io500_phases::phases::find::FindOptions;
use io500_phases::report::equivalent_command;
use io500_phases::suite::dated;
use std::path::Path;

/// What a test holds of an option whose effect no plan and no command line shows.
const HELD: [(&str, &str, &str, &str); 16] = [
    ("global", "drop-caches", "tests/cli.rs", "caches_are_dropped_on_every_rank_before_every_phase"),
    ("global", "drop-caches-cmd", "tests/cli.rs", "caches_that_cannot_be_dropped_are_a_warning_for_each_phase"),
    ("global", "verbosity", "tests/cli.rs", "verbosity_takes_times_away_and_adds_pairs"),
    ("dfs-bench", "cont-properties", "tests/daos.rs", "a_container_is_made_for_a_run_and_removed_after_it"),
    ("dfs-bench", "destroy", "tests/daos.rs", "a_container_is_made_for_a_run_and_removed_after_it"),
    ("dfs-bench", "strict", "tests/cli.rs", "strict_turns_an_invalid_verdict_into_3"),
    ("dfs-bench", "repeat", "tests/cli.rs", "repeats_are_a_group_of_results"),
    ("dfs-bench", "latency", "tests/cli.rs", "latencies_and_lines_of_progress_are_as_the_options_say"),
    ("dfs-bench", "queue-depth", "io500-phases/tests/depth.rs", "departures_from_the_rules_are_named"),
    ("dfs-bench", "threads-per-rank", "io500-phases/tests/depth.rs", "departures_from_the_rules_are_named"),
    ("dfs-bench", "timeout", "tests/daos.rs", "a_call_that_does_not_return_ends_the_job_with_words"),
    ("dfs-bench", "report-interval", "tests/cli.rs", "latencies_and_lines_of_progress_are_as_the_options_say"),
    ("dfs-bench", "connection", "tests/daos.rs", "each_phase_connects_anew_where_that_is_asked_for"),
    ("dfs-bench", "telemetry", "tests/cli.rs", "the_servers_side_stands_in_result_and_report"),
    ("dfs-bench", "quick", "tests/quick.rs", "a_quick_run_fits_and_says_once_what_it_is"),
    ("dfs-bench", "telemetry-interval", "tests/cli.rs", "the_servers_side_stands_in_result_and_report"),
];

/// Everything that a run takes from its configuration: phases, plan, stores, command lines, ways of find, directories, rules. An error for what
/// is refused.
fn derived(settings: &[String]) -> Result<(String, usize), String> {
    let builder = settings.iter().fold(Config::builder(), |builder, setting| builder.set(setting));
    let (config, warnings) = builder.build().map_err(|error| error.to_string())?;
    let phases = select_phases("all", config.bench.mode == Mode::Extended).unwrap();
    config.validate(&phases).map_err(|error| error.to_string())?;
    let running: Vec<PhaseId> = phases.into_iter().filter(|&phase| config.phase(phase).run).collect();
    let timestamp = config.bench.timestamp.as_deref().unwrap_or("t");
    let plan = common::plan(&config, &running, &Solo::new(), timestamp);
    let global = &config.global;
    let directories = [
        dated(&global.datadir, global.timestamp_datadir, timestamp),
        dated(&global.resultdir, global.timestamp_resultdir, timestamp),
    ];
    let commands = PhaseId::ALL.map(|phase| {
        let objects = plan.mdworkbench.objects(1, 1, None);
        equivalent_command(&config, &plan, phase, &directories[0], &directories[1], objects)
    });
    let finds = [&config.find, &config.find_easy, &config.find_hard]
        .map(|find| FindOptions::new(find, config.bench.find_threads, 4).map_err(|error| error.to_string()));
    let stores = PhaseId::ALL.map(|phase| config.phase(phase).api.to_string());
    let rules = (config.invalidating(), config.required_stonewall());
    Ok((format!("{plan:?} {commands:?} {finds:?} {stores:?} {directories:?} {rules:?}"), warnings.len()))
}

/// Another value than the default one, and what has to be set with it.
fn other_value(section: &str, option: &str, kind: ValueKind, default: Option<&str>) -> (String, Vec<String>) {
    let with = |more: &[&str]| more.iter().map(|setting| setting.to_string()).collect();
    match (section, option) {
        ("mdtest-hard", "files-per-dir") => return ("500".into(), vec![]),
        ("mdworkbench", "filesPerProc") => return ("5".into(), with(&["mdworkbench.precreatePerSet=7"])),
        ("mdworkbench", "precreatePerSet") => return ("5".into(), with(&["mdworkbench.filesPerProc=7"])),
        ("ior-easy", "uniqueDir") => return ("TRUE".into(), with(&["ior-easy.filePerProc=TRUE"])),
        (_, "external-script") => return ("/bin/true".into(), vec![]),
        (_, "oclass" | "dir-oclass") => return ("S2".into(), vec![]),
        _ => {}
    }
    let value = match kind {
        ValueKind::Text => "other".to_owned(),
        ValueKind::Integer { min, .. } => (min.max(1) + 1).to_string(),
        ValueKind::Float => "0.5".into(),
        ValueKind::Bool => if default == Some("TRUE") { "FALSE" } else { "TRUE" }.into(),
        ValueKind::Size => "4m".into(),
        ValueKind::Api => "POSIX --posix.odirect".into(),
        ValueKind::Choice(words) | ValueKind::Initial(words) => {
            words.iter().find(|word| Some(**word) != default).unwrap().to_string()
        }
    };
    (value, vec![])
}

/// Whether there is such a test.
fn is_there(file: &str, test: &str) -> bool {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap();
    text.contains(&format!("#[test]\nfn {test}("))
}

#[test]
fn every_option_has_an_effect_a_warning_or_a_refusal() {
    let comm = Solo::new();
    assert_eq!(comm.size(), 1);
    let mut silent = Vec::new();
    let (mut effects, mut words) = (0, 0);
    for section in &SECTIONS {
        for option in section.options {
            let (value, mut with) = other_value(section.name, option.name, option.kind, option.default);
            if section.extended {
                with.push("dfs-bench.mode=extended".to_owned());
            }
            let set = format!("{}.{}={value}", section.name, option.name);
            // what was there before is the same but for this option; where it needs another one it has another value before
            let before = derived(&with.iter().map(String::clone).chain(partner(&set)).collect::<Vec<_>>());
            let after = derived(&[with, vec![set.clone()]].concat());
            let held = HELD.iter().find(|(section_, name, ..)| (*section_, *name) == (section.name, option.name));
            match (before, after, held) {
                (_, Err(error), _) => {
                    assert_eq!(set, "global.io-buffers-on-gpu=TRUE", "{error}");
                    words += 1;
                }
                (Ok((_, before)), Ok((_, after)), _) if after > before => words += 1,
                (Ok((before, _)), Ok((after, _)), _) if before != after => effects += 1,
                (_, _, Some((_, _, file, test))) => assert!(is_there(file, test), "{set}: no test {test} in {file}"),
                _ => silent.push(set),
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new(), "accepted without a word and without effect");
    assert!(effects > 60 && words > 5, "{effects} effects, {words} words");
}

/// mdworkbench's two numbers come together: the same with another value.
fn partner(set: &str) -> Option<String> {
    let (name, _) = set.split_once('=')?;
    ["mdworkbench.filesPerProc", "mdworkbench.precreatePerSet"].contains(&name).then(|| format!("{name}=6"))
}

#[test]
fn what_has_no_effect_on_this_run_is_told() {
    let warned = |settings: &[&str]| {
        let builder = settings.iter().fold(Config::builder(), |builder, setting| builder.set(*setting));
        let warnings = builder.build().unwrap().1;
        warnings.into_iter().map(|warning| warning.to_string()).collect::<Vec<_>>()
    };
    let script = "find.external-script=/bin/true";
    for (settings, begins) in [
        (&["ior-easy.filePerProc=FALSE", "ior-easy.uniqueDir=TRUE"][..], "[ior-easy] uniqueDir = TRUE: a shared file"),
        (&["ior-easy.verbosity=3"], "[ior-easy] verbosity = 3: only exe"),
        (&["mdworkbench.verbosity=1"], "[mdworkbench] verbosity = 1: only exe"),
        (&["global.verbosity=10"], "[global] verbosity = 10: result.txt says no more than with 2"),
        (&["find-hard.external-mpi-args=mpirun"], "[find-hard] external-mpi-args = mpirun: no effect without"),
        (&[script, "find.pfind-steal-next=TRUE"], "[find] pfind-steal-next = TRUE: no effect on"),
        (&[script, "find.nproc=7"], "[find] nproc = 7: an external script is started once"),
        (&["ior-hard.API=DFS --dfs.pool=p --dfs.svcl=0"], "[ior-hard] API = DFS --dfs.pool=p --dfs.svcl=0: --dfs.svcl"),
    ] {
        let warnings = warned(settings);
        let told = warnings.iter().filter(|warning| warning.contains(begins)).count();
        assert_eq!((told, warnings.len()), (1, 1), "{begins}: {warnings:?}");
    }
    // a file that spells the defaults out says nothing
    let unused =
        ["find.external-mpi-args=", "find.pfind-queue-length=10000", script, "find.nproc=1", "global.verbosity=1"];
    assert_eq!(warned(&unused), Vec::<String>::new());
    assert_eq!(warned(&["ior-easy.verbosity=0", "ior-easy.uniqueDir=TRUE"]), Vec::<String>::new());
}
