//! The questionnaire on reproducibility: what the data can answer is filled in, the rest is marked.
//!
//! Origin: the questions of `templates/element/reproducibility-questionnaire.php` of the repository `IO500/submission-system`, May 2026,
//! in words of ours; the keys are the names of the form's fields.

use super::check::{Check, Outcome};
use super::rules_production::survives;
use super::subject::Subject;
use crate::report::model::Setting;
use io500_phases::config::SECTIONS;
use io500_phases::phase_id::PhaseId;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Marks what no file tells.
pub const OPEN: &str = "[to be answered by you]";

/// A question with what is known.
pub struct Question {
    /// The name of the form's field.
    pub key: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What is asked, in our words.
    pub asks: &'static str,
    /// What the data answers.
    pub known: Vec<String>,
    /// What is left to the submitter.
    pub open: Vec<&'static str>,
}

impl Question {
    /// The answer as it can be pasted into the form.
    pub fn answer(&self) -> String {
        let open = self.open.iter().map(|question| format!("{OPEN} {question}"));
        self.known.iter().cloned().chain(open).collect::<Vec<_>>().join("\n\n") + "\n"
    }
}

/// All questions of a submission.
pub fn questions(subject: &Subject, checks: &[Check]) -> Vec<Question> {
    let question = |key, title, asks, known: Vec<String>, open: &[&'static str]| Question {
        key,
        title,
        asks,
        known,
        open: open.to_vec(),
    };
    vec![
        question(
            "system_purpose",
            "System purpose",
            "What the system is for, which applications it serves, what becomes of their data.",
            Vec::new(),
            &["What is the system for, and what kinds of applications use it?"],
        ),
        question(
            "availability",
            "Availability",
            "Since when and for how long it is deployed; who uses it.",
            Vec::new(),
            &["Since when is it in service, and for how long?", "Who are its regular users?"],
        ),
        question(
            "storage_system_software",
            "Storage system software",
            "How the software can be had, where, and what is special about this deployment.",
            software(subject),
            &[
                "Where can the exact software be had, by whom?",
                "What hardware do the servers have, and what file system is on it?",
            ],
        ),
        question(
            "runtime_environment",
            "Runtime environment",
            "Everything that somebody needs to build the environment: scripts, tuning, striping or classes.",
            environment(subject),
            &["How are the servers configured, and what was tuned?"],
        ),
        question(
            "fault_tolerance_mechanisms",
            "Fault tolerance",
            "Which single failures the storage survives: power, network, server, device.",
            fault_tolerance(subject),
            &[
                "Power: what happens when a supply, a node or a rack fails?",
                "Network: what happens when a card, a cable or a switch fails?",
            ],
        ),
        question(
            "execution",
            "Execution",
            "How the benchmark was started, and whether the system was busy with other things.",
            execution(subject),
            &["Did other jobs use the cluster or the storage at the time?"],
        ),
        question(
            "caching",
            "Caching",
            "Every cache of clients and servers that took part.",
            caching(subject),
            &["Which caches do the servers, their controllers and their devices have?"],
        ),
        question(
            "data_source",
            "Data source",
            "Whether this is the primary storage or a layer before another one.",
            Vec::new(),
            &["Is it the place where data stays, or a layer in front of one?"],
        ),
        question(
            "trust",
            "Trust",
            "Repeats, physical limits, persistence: why the figures can be believed.",
            trust(checks),
            &["How do you know that data is on persistent media when a file is closed?"],
        ),
        question(
            "reproducibility_score_id",
            "Reproducibility",
            "The level that you expect: undefined, limited, proprietary, fully reproducible.",
            Vec::new(),
            &[
                "Which level do you expect? The highest needs all system information, detailed answers, and software that anybody can get.",
            ],
        ),
        question(
            "feedback",
            "Feedback",
            "What you think of the questionnaire.",
            Vec::new(),
            &["What was hard to answer?"],
        ),
    ]
}

fn software(subject: &Subject) -> Vec<String> {
    let mut known = Vec::new();
    if !subject.version().is_empty() {
        known.push(format!("Benchmark: {}.", subject.version()));
    }
    let stores: BTreeSet<&str> = subject.stores().map(|store| store.provider.as_str()).collect();
    if !stores.is_empty() {
        known.push(format!("Storage software on the clients: {}.", stores.into_iter().collect::<Vec<_>>().join(", ")));
    } else if subject.is_dfs() {
        known.push("Storage software: DAOS, which is open source (https://github.com/daos-stack/daos).".to_owned());
    }
    known
}

fn environment(subject: &Subject) -> Vec<String> {
    let mut known = Vec::new();
    let given: Vec<String> = subject
        .run
        .configuration
        .iter()
        .filter(|setting| setting.origin != "default" && !is_default(setting))
        .map(|setting| format!("[{}] {} = {}", setting.section, setting.name, setting.value))
        .collect();
    if !given.is_empty() {
        known.push(format!("Settings that differ from the defaults of the suite:\n{}", given.join("\n")));
    }
    let mut classes: Vec<String> = Vec::new();
    for phase in [PhaseId::IorEasyWrite, PhaseId::IorHardWrite, PhaseId::MdtestEasyWrite, PhaseId::MdtestHardWrite] {
        let of = |name: &str| subject.storage(phase, name).map(|value| format!("{name} {value}"));
        let parts: Vec<String> =
            ["object class", "directory object class", "chunk size"].into_iter().filter_map(of).collect();
        if !parts.is_empty() {
            classes.push(format!("{phase}: {}", parts.join(", ")));
        }
    }
    if !classes.is_empty() {
        known.push(format!("Classes and chunks, which the options of the configuration set:\n{}", classes.join("\n")));
    }
    if let Some(result) = subject.json.as_ref().filter(|result| !result.provenance.environment.is_empty()) {
        let variables = result.provenance.environment.iter().map(|(name, value)| format!("{name}={value}"));
        known.push(format!("Environment of the ranks:\n{}", variables.collect::<Vec<_>>().join("\n")));
    }
    if subject.given.job_script.is_some() {
        known.push("The job script, the configuration and checksums of all files are in the archive.".to_owned());
    }
    known
}

/// Whether an option has the value that the suite gives it itself.
fn is_default(setting: &Setting) -> bool {
    let section = SECTIONS.iter().find(|section| section.name.eq_ignore_ascii_case(&setting.section));
    let mut options = section.into_iter().flat_map(|section| section.options);
    let default =
        options.find(|option| option.name.eq_ignore_ascii_case(&setting.name)).and_then(|option| option.default);
    default.is_some_and(|default| default.eq_ignore_ascii_case(&setting.value))
}

fn fault_tolerance(subject: &Subject) -> Vec<String> {
    let mut known = Vec::new();
    if let Some(factor) = subject.store_fact("container redundancy factor") {
        known.push(format!("The container's redundancy factor is {factor}: so many failures leave its data readable."));
    }
    let classes: BTreeSet<&str> = subject
        .run
        .phases
        .iter()
        .flat_map(|phase| &phase.storage)
        .filter(|fact| fact.name.ends_with("object class"))
        .map(|fact| fact.value.as_str())
        .collect();
    for class in classes {
        if let Some(losses) = survives(class) {
            let how = match class {
                class if class.starts_with("RP_") => "replicas",
                class if class.starts_with("EC_") => "erasure code",
                _ => "no redundancy",
            };
            known.push(match losses {
                0 => format!("Object class {class} ({how}): the loss of one target loses data."),
                1 => format!("Object class {class} ({how}): survives the loss of one target or server."),
                _ => format!("Object class {class} ({how}): survives the loss of {losses} targets or servers."),
            });
        }
    }
    known
}

fn execution(subject: &Subject) -> Vec<String> {
    let mut known = Vec::new();
    if let Some(ranks) = subject.run.ranks {
        let nodes = subject.run.nodes.map(|nodes| format!(" on {nodes} client nodes")).unwrap_or_default();
        let began = subject.run.started.as_ref().map(|began| format!(", from {began}")).unwrap_or_default();
        let ended = subject.run.ended.as_ref().map(|ended| format!(" to {ended}")).unwrap_or_default();
        known.push(format!(
            "One job of {ranks} ranks{nodes}{began}{ended}; all phases ran in it in the official order."
        ));
    }
    if let Some(result) = &subject.json {
        let provenance = &result.provenance;
        known.push(format!("Started by {}: {}", provenance.launcher, provenance.command_line.join(" ")));
        known.push(format!("Ranks lie on nodes in {}.", provenance.placement));
    }
    if let Some(script) = subject.given.job_script.as_ref().and_then(|path| path.file_name()) {
        known.push(format!("The job script is {}.", script.to_string_lossy()));
    }
    known
}

fn caching(subject: &Subject) -> Vec<String> {
    let mut known = Vec::new();
    if subject.is_dfs() {
        known.push(
            "The clients call libdfs, which caches neither data nor metadata; the kernel's page cache takes no part."
                .to_owned(),
        );
    }
    for (name, words) in [
        ("mount options", "Mount options of the data directory"),
        ("caching", "Caching of dfuse"),
        ("O_DIRECT", "O_DIRECT"),
    ] {
        if let Some(value) = subject.store_fact(name) {
            known.push(format!("{words}: {value}."));
        }
    }
    if let Some(command) = subject
        .setting("global", "drop-caches-cmd")
        .filter(|_| subject.setting("global", "drop-caches").is_some_and(|value| value.eq_ignore_ascii_case("true")))
    {
        known.push(format!("Before each phase every rank ran: {command}"));
    }
    known
}

fn trust(checks: &[Check]) -> Vec<String> {
    let wanted = [
        ("repeats", "Repeats"),
        ("plausible", "Physical limits"),
        ("score-hash", "Score hash"),
        ("find", "Files found"),
        ("unedited", "Files"),
    ];
    let told = wanted.into_iter().filter_map(|(id, name)| {
        let check = checks.iter().find(|check| check.id == id && check.outcome == Outcome::Passed)?;
        Some(format!("{name}: {}.", check.reasons.join("; ")))
    });
    told.collect()
}

/// The whole questionnaire.
pub fn markdown(questions: &[Question]) -> String {
    let mut text = String::from(
        "# Reproducibility questionnaire\n\nThe form takes no answer with fewer than ten words. What no file tells is marked \
         `[to be answered by you]`.\n",
    );
    for question in questions {
        let _ = write!(text, "\n## {}\n\n*{}*\n\n{}", question.title, question.asks, question.answer());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::checks;
    use super::super::subject::Given;
    use super::*;
    use std::path::Path;

    #[test]
    fn a_published_run_answers_what_it_can_and_no_more() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/full-runs/daos-lrz-10-nodes-erasure-coded");
        if !path.is_dir() {
            assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
            eprintln!("skipped: {} is not there", path.display());
            return;
        }
        let subject = Subject::load(&path, &[], Given::default()).unwrap();
        let questions = questions(&subject, &checks::all(&subject));
        assert_eq!(questions.len(), 11);
        let answer = |key: &str| questions.iter().find(|question| question.key == key).unwrap().answer();
        assert!(
            answer("fault_tolerance_mechanisms").contains("erasure code"),
            "{}",
            answer("fault_tolerance_mechanisms")
        );
        assert!(answer("execution").contains("10 client nodes"));
        assert!(answer("caching").contains("libdfs"));
        assert!(answer("trust").contains("Score hash"));
        assert!(answer("system_purpose").starts_with(OPEN));
        let page = markdown(&questions);
        assert_eq!(page.matches("\n## ").count(), 11);
    }
}
