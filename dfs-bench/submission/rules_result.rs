//! The rules that ask for the result: who measured, whether its files are whole and agree, what ran and for how long.

use super::check::Found;
use super::rules_production as production;
use super::subject::Subject;
use crate::report::model::Phase;
use io500_phases::phase_id::{Kind, PhaseId, ScoreGroup};
use io500_phases::results::{Claim, Finding, PhaseRoof};
use jiff::civil::DateTime;
use std::collections::BTreeSet;

/// The newest version of the suite whose rules this program follows.
const NEWEST: &str = "io500-isc26";
/// Seconds that a write phase has to last.
const MINIMUM: f64 = 300.0;
/// Minutes between two phases after which somebody asks what was done in between.
const GAP_MINUTES: f64 = 10.0;
/// The roof is measured, and links are not slower than they say by more than this share.
const ROOF_TOLERANCE: f64 = 1.02;

/// The files of a whole result directory, besides those of each phase.
const FILES: [&str; 5] = ["result.txt", "result_summary.txt", "config.ini", "config-orig.ini", "timestampfile"];

/// A claim of the verification: one that cannot be confirmed is as good as wrong.
pub fn claim(claim: &Claim) -> Found {
    match claim.finding {
        Finding::Confirmed => Found::passed(claim.detail.clone()),
        Finding::Refuted => Found::failed(claim.detail.clone()),
        Finding::Absent => Found::failed(format!("cannot be confirmed: {}", claim.detail)),
    }
}

pub fn official_binary(subject: &Subject) -> Found {
    match subject.is_ours() {
        true => Found::failed("dfs-bench measured this: the list takes results of the official program only"),
        false => Found::passed("result.txt is that of the official suite, as far as its files tell"),
    }
}

pub fn version(subject: &Subject) -> Found {
    match subject.version() {
        "" => Found::failed("result.txt names no version"),
        version if subject.is_ours() => Found::open(format!("{version} follows the rules of {NEWEST}")),
        version if version.starts_with(NEWEST) => Found::passed(version),
        version => Found::failed(format!("{version} measured; the newest release that this program knows is {NEWEST}")),
    }
}

pub fn complete(subject: &Subject) -> Found {
    let is_there = |name: &str| subject.directory.join(name).is_file();
    let mut missing: Vec<String> =
        FILES.iter().filter(|name| !is_there(name)).map(|name| format!("{name} is missing")).collect();
    let measured = subject.run.phases.iter().filter(|phase| phase.id.kind() != Kind::Timestamp);
    let names = measured.flat_map(|phase| ["txt", "csv"].map(|ending| format!("{}.{ending}", phase.id)));
    // find has one file: the C suite keeps no log of it
    let absent: Vec<String> = names.filter(|name| name != "find.txt" && !is_there(name)).collect();
    match absent.len() {
        0 => {}
        1..=3 => missing.push(format!("{} is missing", absent.join(", "))),
        many => missing.push(format!("{many} files of phases are missing: {} and others", absent[0])),
    }
    if subject.material.only_summary {
        missing.insert(0, "there is only a summary".to_owned());
    }
    Found::unless(missing, || "every file of a run is there".to_owned())
}

pub fn one_result(subject: &Subject) -> Found {
    let mut found = Vec::new();
    super::archive::walk(&subject.directory, &mut |path, _| {
        if path.ends_with("result_summary.txt") {
            found.push(path.display().to_string());
        }
    });
    match found.len() {
        0 => Found::failed("there is no result_summary.txt"),
        1 => Found::passed("one result_summary.txt"),
        count => Found::failed(format!("{count} files are called result_summary.txt: {}", found.join(", "))),
    }
}

pub fn unedited(subject: &Subject) -> Found {
    let verification = &subject.verification;
    let mut against = subject.contradictions.clone();
    let of_files = verification.doubts.iter().filter(|doubt| doubt.starts_with("result_summary.txt gives"));
    against.extend(of_files.cloned());
    for claim in [&verification.score, &verification.score_hash, &verification.config_hash] {
        if claim.finding == Finding::Refuted && !against.iter().any(|reason| reason.ends_with(&claim.detail)) {
            against.push(claim.detail.clone());
        }
    }
    Found::unless(against, || "the figures of all files agree".to_owned())
}

pub fn timestamp(subject: &Subject) -> Found {
    let found = subject.timestamps();
    let different: BTreeSet<&str> = found.iter().map(|(_, stamp)| stamp.as_str()).collect();
    // a directory may have been given another name: what the files say counts
    let of_files: BTreeSet<&str> = found
        .iter()
        .filter(|(place, _)| place != "the name of the directory")
        .map(|(_, stamp)| stamp.as_str())
        .collect();
    match (of_files.len(), different.len()) {
        (0, _) => Found::open("no file names the run's timestamp"),
        (1, 1) => Found::passed(format!("{} in {} places", different.into_iter().collect::<String>(), found.len())),
        (1, _) => Found::open(format!("the directory's name has another timestamp: {different:?}")),
        _ => {
            let first = &found[0];
            let other = found.iter().find(|(_, stamp)| *stamp != first.1).unwrap_or(first);
            Found::failed(format!("{} has {}, {} has {}", first.0, first.1, other.0, other.1))
        }
    }
}

pub fn phases(subject: &Subject) -> Found {
    let rate = |phase: PhaseId| subject.official.phase(phase).and_then(|phase| phase.score());
    let missing = PhaseId::ALL.into_iter().filter(|phase| phase.standard_group() != ScoreGroup::None);
    let missing = missing.filter(|&phase| rate(phase).is_none_or(|rate| rate <= 0.0));
    let missing: Vec<String> = missing.map(|phase| format!("{phase} has no rate")).collect();
    Found::unless(missing, || "all scored phases have a rate".to_owned())
}

pub fn valid(subject: &Subject) -> Found {
    let mut against: Vec<String> = Vec::new();
    for invalid in &subject.verification.invalid {
        let what = invalid.phase.as_deref().unwrap_or("run");
        against.extend(invalid.reasons.iter().map(|reason| format!("{what}: {reason}")));
    }
    match subject.verification.valid {
        None => against.insert(0, "the run has no score".to_owned()),
        Some(false) if against.is_empty() => against.push("the score is marked INVALID".to_owned()),
        Some(_) => {}
    }
    if subject.setting("global", "scc").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        against.push("it ran by the rules of the student cluster competition (scc)".to_owned());
    }
    Found::unless(against, || "the official verdict is valid".to_owned())
}

pub fn minimum_runtime(subject: &Subject) -> Found {
    let writes: Vec<PhaseId> =
        PhaseId::ALL.into_iter().filter(|phase| phase.in_standard() && phase.has_stonewall()).collect();
    let writes = || writes.iter().copied().filter(|phase| phase.standard_group() != ScoreGroup::None);
    let mut against = Vec::new();
    let mut shortest = f64::INFINITY;
    for phase in writes() {
        match subject.seconds(phase) {
            Some(seconds) if seconds < MINIMUM => {
                against.push(format!("{phase} lasted {seconds:.1} s; the rules ask for {MINIMUM} s"));
            }
            Some(seconds) => shortest = shortest.min(seconds),
            None => against.push(format!("nothing says how long {phase} lasted")),
        }
        let wall = subject.run.phases.iter().find(|result| result.id == phase).and_then(|p| p.stonewall.as_ref());
        if let Some(setting) = wall.and_then(|wall| wall.setting_seconds).filter(|&setting| setting < MINIMUM) {
            against.push(format!("the stonewall of {phase} was {setting} s"));
        }
    }
    if let Some(setting) = subject.setting("debug", "stonewall-time").filter(|setting| *setting != "300") {
        against.push(format!("stonewall-time = {setting}"));
    }
    Found::unless(against, || format!("the shortest write phase lasted {shortest:.1} s"))
}

pub fn uninterrupted(subject: &Subject) -> Found {
    let mut against = Vec::new();
    if let Some(dir) = subject.setting("debug", "pause-dir") {
        against.push(format!("the run could be paused: pause-dir = {dir}"));
    }
    if let Some(result) = subject.json.as_ref().filter(|result| !result.earlier.is_empty()) {
        against.push(format!("phases of {} earlier invocations were carried over", result.earlier.len()));
    }
    if let Some(ending) = &subject.run.ending {
        against.push(ending.clone());
    }
    if !against.is_empty() {
        return Found::unless(against, String::new);
    }
    let time = |text: &str| DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok();
    let at = |index: usize, key: &str| time(subject.official.phases.get(index)?.pairs.get(key)?);
    let mut gaps = Vec::new();
    for index in 1..subject.official.phases.len() {
        let Some((end, begin)) = at(index - 1, "t_end").zip(at(index, "t_start")) else { continue };
        let minutes = begin.duration_since(end).as_secs_f64() / 60.0;
        if !(-1.0..=GAP_MINUTES).contains(&minutes) {
            let (one, next) = (&subject.official.phases[index - 1].name, &subject.official.phases[index].name);
            gaps.push(format!("{next} began {minutes:.0} minutes after {one} ended"));
        }
    }
    match gaps.is_empty() {
        true => Found::passed(format!("no gap between phases is longer than {GAP_MINUTES} minutes")),
        false => Found { reasons: gaps, ..Found::open("") },
    }
}

pub fn one_store(subject: &Subject) -> Found {
    let distinct = |name: &str| -> BTreeSet<&str> {
        let facts = subject.run.phases.iter().flat_map(|phase| &phase.storage);
        facts.filter(|fact| fact.name == name).map(|fact| fact.value.as_str()).collect()
    };
    let several = ["pool", "container"].into_iter().filter_map(|name| {
        let names = distinct(name);
        (names.len() > 1).then(|| format!("phases use {} {name}s: {names:?}", names.len()))
    });
    Found::unless(several.collect(), || match distinct("API").len() {
        0 | 1 => "all phases name one store".to_owned(),
        _ => format!("all phases name one store, by the interfaces {:?}", distinct("API")),
    })
}

pub fn find(subject: &Subject) -> Found {
    let section = subject.official.phase(PhaseId::Find);
    let number = |key: &str| section.and_then(|phase| phase.number(key));
    let of_find = subject.verification.doubts.iter().filter(|doubt| doubt.contains("find "));
    let mut against: Vec<String> = of_find.cloned().collect();
    if number("found") == Some(0.0) && against.is_empty() {
        against.push("find matched nothing".to_owned());
    }
    if !against.is_empty() {
        return Found::unless(against, String::new);
    }
    if let Some(script) = subject.setting("find", "external-script") {
        return Found::open(format!("another find was used, {script}: its source belongs into the submission"));
    }
    match number("found").zip(number("total-files")) {
        Some((found, total)) => Found::passed(format!("{found} of {total} entries matched")),
        None => Found::open("the files do not tell what find counted"),
    }
}

pub fn doubts(subject: &Subject) -> Found {
    let told = |doubt: &&String| {
        let elsewhere = ["find ", "the rules require", "the stonewall was set", "result_summary.txt gives"];
        !elsewhere.iter().any(|words| doubt.contains(words))
    };
    let doubts: Vec<String> = subject.verification.doubts.iter().filter(told).cloned().collect();
    match doubts.is_empty() {
        true => Found::passed("nothing that the official verdict does not see"),
        false => Found { reasons: doubts, ..Found::open("") },
    }
}

pub fn plausible(subject: &Subject) -> Found {
    let own: Vec<(&Phase, &PhaseRoof)> =
        subject.run.phases.iter().filter_map(|phase| Some((phase, phase.roof.as_ref()?))).collect();
    if !own.is_empty() {
        let above = own.iter().filter(|(phase, roof)| roof.by.is_hard() && phase.rate > roof.rate * ROOF_TOLERANCE);
        let above: Vec<String> = above.map(|(phase, roof)| format!("{}: {}", phase.id, roof.words)).collect();
        return match above.is_empty() {
            true => {
                Found::passed(format!("all rates are below the roofs of their phases, which {} phases have", own.len()))
            }
            false => Found::failed(above.join("; ")),
        };
    }
    let Some(roof) = production::roof(subject) else {
        return Found::open("no roof is known: neither result.json nor a snapshot of a client tells of the links");
    };
    let gib = |rate: f64| rate * (1_u64 << 30) as f64;
    let phases = subject.run.phases.iter().filter(|phase| phase.unit == "GiB/s");
    let above = phases.filter(|phase| gib(phase.rate) > roof.rate * ROOF_TOLERANCE);
    let above = above.map(|phase| format!("{} measured {:.1} GiB/s", phase.id, phase.rate)).collect::<Vec<_>>();
    let limit = format!("{:.1} GiB/s by {}", roof.rate / (1_u64 << 30) as f64, roof.by);
    match above.is_empty() {
        true => Found::passed(format!("all rates of ior are below {limit}")),
        false => Found::failed(format!("{}; the roof is {limit}", above.join(", "))),
    }
}

pub fn repeats(subject: &Subject) -> Found {
    let Some(score) = subject.run.score.as_ref().map(|score| score.means.total).filter(|score| *score > 0.0) else {
        return Found::open("the run has no score to compare");
    };
    if subject.repeats.is_empty() {
        return Found::open("no other run of the same measurement was given");
    }
    let off = |other: f64| (other / score - 1.0).abs();
    let widest = subject.repeats.iter().map(|(_, other)| off(*other)).fold(0.0, f64::max);
    let words = format!("{} other runs, the farthest {:.1} % away", subject.repeats.len(), widest * 100.0);
    if widest > 0.1 { Found::open(words) } else { Found::passed(words) }
}

pub fn job_files(subject: &Subject) -> Found {
    let given = [("job script", &subject.given.job_script), ("job output", &subject.given.job_output)];
    let missing = given.iter().filter(|(_, path)| path.is_none()).map(|(name, _)| format!("no {name} was given"));
    Found::unless(missing.collect(), || "job script and job output are given".to_owned())
}

pub fn awards(subject: &Subject) -> Found {
    match subject.run.nodes {
        Some(nodes) if nodes >= 10 => Found::passed(format!("{nodes} client nodes")),
        Some(nodes) => Found::failed(format!("{nodes} client nodes: listed, but not eligible for an award")),
        None => Found::open("the files do not tell the number of client nodes"),
    }
}

pub fn ten_nodes(subject: &Subject) -> Found {
    match (subject.run.nodes, subject.run.ranks) {
        (Some(10), Some(ranks)) if ranks < 10 => Found::failed(format!("{ranks} ranks cannot be on ten nodes")),
        (Some(10), _) => Found::passed("ten client nodes"),
        (Some(nodes), _) => Found::failed(format!("{nodes} client nodes instead of ten")),
        (None, Some(ranks)) if ranks < 10 => Found::failed(format!("{ranks} ranks cannot be on ten nodes")),
        (None, _) => Found::open("the files do not tell the number of client nodes"),
    }
}
