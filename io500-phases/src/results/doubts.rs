//! Doubts that the files of a result raise although the C suite accepts it.

use super::eras::judges_random_read;
use super::material::Material;
use super::official::{OfficialPhase, OfficialResult, Summary};
use super::run::RunResult;
use crate::config::Config;
use crate::phase_id::{Kind, PhaseId, ScoreGroup};
use crate::plan::{numbers_containing_mark, one_tree};
use jiff::civil::DateTime;

/// All doubts, in the order of the run.
pub(super) fn doubts(result: &OfficialResult, summary: Option<&Summary>, material: &Material) -> Vec<String> {
    let config = material.configs.first().and_then(|(name, text)| {
        // A file that does not load is verified by its hash; there is nothing more to learn from it.
        Config::builder().file(name, text.as_bytes()).build().ok().map(|(config, _)| config)
    });
    let mut doubts = Vec::new();
    if result.score.as_ref().is_some_and(|score| !score.invalid) && (!result.reasons.is_empty()) {
        doubts.push("the run is not marked as invalid although the file holds a reason against it".to_owned());
    }
    if let Some(config) = &config {
        settings(config, &mut doubts);
    }
    phases(result, config.as_ref(), &mut doubts);
    if let Some(summary) = summary {
        compare_summary(result, summary, &mut doubts);
    }
    find(result, config.as_ref(), material, &mut doubts);
    logs(material, &mut doubts);
    own_verdict(result, material, &mut doubts);
    doubts
}

fn settings(config: &Config, doubts: &mut Vec<String>) {
    let required = config.required_stonewall();
    if i64::from(config.debug.stonewall) < i64::from(required) {
        doubts.push(format!("the stonewall was set to {} seconds instead of {required}", config.debug.stonewall));
    }
    if config.global.scc {
        doubts.push("the run was made by the rules of the student cluster competition".to_owned());
    }
    if let Some(dir) = &config.debug.pause_dir {
        doubts.push(format!("the run could be paused between its phases (pause-dir = {dir})"));
    }
    if let Some(limit) = config.mdtest_hard.files_per_dir {
        doubts.push(format!("mdtest-hard put at most {limit} files into a directory"));
    }
}

fn phases(result: &OfficialResult, config: Option<&Config>, doubts: &mut Vec<String>) {
    let required = config.map_or(300, Config::required_stonewall);
    let extended = result.run.get("mode").is_some_and(|mode| mode == "extended");
    let judged = |phase: &PhaseId| match phase {
        PhaseId::Timestamp => false,
        PhaseId::IorRnd4kEasyRead => judges_random_read(result.version()),
        phase => extended || phase.in_standard(),
    };
    for phase in PhaseId::ALL.into_iter().filter(judged) {
        let Some(section) = result.phase(phase) else {
            doubts.push(format!("{phase} is missing"));
            continue;
        };
        match section.score() {
            Some(score) if score > 0.0 => {}
            Some(_) => doubts.push(format!("{phase} has no score")),
            None => doubts.push(format!("{phase} did not finish")),
        }
        let seconds = section.number("t_delta");
        if let Some(seconds) = seconds.filter(|&seconds| phase.has_stonewall() && seconds < f64::from(required)) {
            doubts.push(format!("{phase} lasted {seconds} seconds, the rules require {required}"));
        }
        let time =
            |key: &str| section.pairs.get(key).and_then(|text| DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok());
        if let (Some(begin), Some(end), Some(seconds)) = (time("t_start"), time("t_end"), seconds) {
            let between = begin.duration_until(end).as_secs_f64();
            // Both times are cut to whole seconds, and two clocks may drift apart a little; an hour more or less is the change
            // to or from summer time.
            let tolerance = 2.0 + seconds / 200.0;
            if [0.0, 3600.0, -3600.0].into_iter().all(|hour| (between + hour - seconds).abs() > tolerance) {
                doubts.push(format!("{phase} began and ended {between} seconds apart, but lasted {seconds}"));
            }
        }
    }
}

fn compare_summary(result: &OfficialResult, summary: &Summary, doubts: &mut Vec<String>) {
    for (name, (text, _)) in &summary.phases {
        let section = result.phases.iter().find(|phase| phase.name == *name);
        let other = section.and_then(|section| section.score_text());
        if let Some(other) = other.filter(|other| other != text) {
            doubts.push(format!("result_summary.txt gives {name} {text}, result.txt {other}"));
        }
    }
    if let (Some(total), Some(score)) = (&summary.total, &result.score)
        && *total != score.total
    {
        doubts.push(format!("result_summary.txt gives the score {total}, result.txt {}", score.total));
    }
}

/// What find counted against what the stonewall files say there was.
fn find(result: &OfficialResult, config: Option<&Config>, material: &Material, doubts: &mut Vec<String>) {
    let Some(section) = result.phase(PhaseId::Find) else { return };
    let count = |key: &str| section.pairs.get(key).and_then(|text| text.parse::<u64>().ok());
    if count("found") == Some(0) {
        doubts.push("find found nothing".to_owned());
    }
    let Some(ranks) = result.procs() else { return };
    // the files of a phase in the tree that find walks; none where that cannot be told
    let ran = |phase| result.phase(phase).and_then(OfficialPhase::score).is_some_and(|score| score > 0.0);
    let in_tree = |write: PhaseId| {
        config.map_or(Some(true), |config| {
            let api = |phase| &config.phase(phase).api;
            one_tree(api(PhaseId::Find), api(write), || true)
        })
    };
    let part = |write: PhaseId, of: &dyn Fn() -> Option<u64>| match in_tree(write)? {
        true if ran(write) => of(),
        true => None,
        false => Some(0),
    };
    let per_rank = |write: PhaseId| material.stonewalls.get(write.family().name()).copied();
    let files = |write| part(write, &|| Some(ranks.saturating_mul(per_rank(write)?)));
    let parts = [
        files(PhaseId::MdtestEasyWrite),
        files(PhaseId::MdtestHardWrite),
        part(PhaseId::IorEasyWrite, &|| Some(if config?.ior_easy.file_per_proc { ranks } else { 1 })),
        part(PhaseId::IorHardWrite, &|| Some(1)),
    ];
    let total = parts.into_iter().try_fold(0u64, |sum, part| Some(sum.saturating_add(part?)));
    let marked = part(PhaseId::MdtestHardWrite, &|| {
        let count = per_rank(PhaseId::MdtestHardWrite)?;
        let marked_ranks = numbers_containing_mark(ranks);
        let in_others = (ranks - marked_ranks).saturating_mul(numbers_containing_mark(count));
        Some(marked_ranks.saturating_mul(count).saturating_add(in_others))
    });
    // mdworkbench's files are seen too, and those of the timestamp's second match where their number has the mark
    let more = ran(PhaseId::MdworkbenchCreate) && in_tree(PhaseId::MdworkbenchCreate) != Some(false);
    let wrong = |counted: u64, expected: u64| if more { counted < expected } else { counted != expected };
    let least = if more { "at least " } else { "" };
    if let (Some(seen), Some(total)) = (count("total-files"), total)
        && wrong(seen, total)
    {
        doubts.push(format!("find saw {seen} files, {ranks} ranks wrote {least}{total}"));
    }
    if let (Some(found), Some(marked)) = (count("found"), marked)
        && wrong(found, marked)
    {
        doubts.push(format!("find found {found} files, {least}{marked} of mdtest-hard's match"));
    }
}

/// Errors in the logs of IOR and mdtest, and reads that moved less than the writes.
fn logs(material: &Material, doubts: &mut Vec<String>) {
    let moved = |phase: &str| -> Option<u64> {
        let log = material.logs.get(phase)?;
        let line = log.lines().find_map(|line| line.strip_prefix("WARNING: Using actual aggregate bytes moved ="))?;
        line.trim().parse().ok()
    };
    for phase in PhaseId::ALL {
        let Some(log) = material.logs.get(phase.name()) else { continue };
        let errors: Vec<&str> = log.lines().filter(|line| line.trim_start().starts_with("ERROR")).collect();
        if let Some(first) = errors.first() {
            doubts.push(format!("{phase}.txt holds {} errors, the first: {}", errors.len(), first.trim()));
        }
        if phase.kind() == Kind::Read && phase.standard_group() == ScoreGroup::Bandwidth {
            let write = format!("{}-write", phase.family().name());
            if let (Some(written), Some(read)) = (moved(&write), moved(phase.name()))
                && read < written
            {
                doubts.push(format!("{phase} read {read} bytes, {write} wrote {written}"));
            }
        }
    }
}

/// What dfs-bench itself said when it made the result.
fn own_verdict(result: &OfficialResult, material: &Material, doubts: &mut Vec<String>) {
    let Some(json) = &material.json else { return };
    let run: RunResult = match serde_json::from_str(json) {
        Ok(run) => run,
        Err(error) => return doubts.push(format!("result.json cannot be read: {error}")),
    };
    let hash = result.score.as_ref().and_then(|score| score.hash.as_deref());
    if let Some(score) = run.score.as_ref().filter(|score| Some(score.hash.as_str()) != hash) {
        doubts.push(format!("result.json has the score hash {}, result.txt {}", score.hash, hash.unwrap_or("none")));
    }
    // What stands in result.txt as a reason is not told twice.
    let official = |phase: Option<PhaseId>| match phase.and_then(|phase| result.phase(phase)) {
        Some(section) => &section.reasons,
        None => &result.reasons,
    };
    let new =
        run.strict.reasons.iter().filter(|reason| reason.invalidates && !official(reason.phase).contains(&reason.text));
    for reason in new {
        let text = match reason.phase {
            Some(phase) => format!("{phase}: {}", reason.text),
            None => reason.text.clone(),
        };
        if !doubts.contains(&text) {
            doubts.push(text);
        }
    }
}
