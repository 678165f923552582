//! Reads a whole result directory of the C suite: `result.txt` carries the run, every other file adds what it has.

use super::phase_text::{self, PhaseText};
use super::rank_csv;
use super::{exe, settings};
use crate::exit::UsageError;
use crate::report::derive::derive;
use crate::report::figures;
use crate::report::model::{ExtendedScore, Fact, Phase, Run, Score, Source, Stonewall, Verdict};
use crate::report::stragglers::spread;
use anyhow::{Context, Result};
use io500_phases::phase_id::{Kind, PhaseId};
use io500_phases::results::official::{OfficialPhase, OfficialResult, OfficialScore};
use io500_phases::results::score::Means;
use io500_phases::text;
use jiff::civil::DateTime;
use std::path::Path;

/// Reads `directory`, which has a `result.txt`.
pub fn load(directory: &Path) -> Result<Run> {
    let path = directory.join("result.txt");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", text::of(&path)))?;
    let result = OfficialResult::parse(&text::escape(&bytes));
    let at = |key: &str, phase: Option<&OfficialPhase>| phase.and_then(|phase| phase.pairs.get(key)).cloned();
    let started = at("t_start", result.phases.first());
    let mut reader = Reader {
        directory,
        begun: started.as_deref().and_then(time),
        missing: Vec::new(),
        nodes: None,
        hosts: Vec::new(),
    };
    let mut run = Run {
        label: String::new(),
        path: directory.to_owned(),
        source: Source::CSuite,
        version: result.version().filter(|version| !version.is_empty()).map(str::to_owned),
        mode: result.run.get("mode").cloned(),
        ranks: result.procs(),
        nodes: None,
        ended: at("t_end", result.phases.last()),
        started,
        ending: result.score.is_none().then(|| "result.txt has no score: the run did not finish".to_owned()),
        score: result.score.as_ref().map(|standard| score(standard, result.extended.as_ref())),
        verdicts: Vec::new(),
        phases: Vec::new(),
        provenance: Vec::new(),
        configuration: settings::merge(reader.text("config.ini").as_deref(), reader.text("config-orig.ini").as_deref()),
        contradictions: super::refuted::refuted_claims(directory),
        missing: Vec::new(),
        client_metrics: None,
        diagnosis: Vec::new(),
        machines: Vec::new(),
        audit: None,
    };
    for section in &result.phases {
        match section.phase {
            Some(id) if id.kind() != Kind::Timestamp => run.phases.push(reader.phase(id, section, run.ranks)),
            Some(_) => {}
            None => reader.missing.push(format!("{} is a phase of another version and is not shown.", section.name)),
        }
    }
    if run.phases.is_empty() {
        return Err(UsageError::new(format!("{} holds no phase of an IO500 run", text::of(&path))).into());
    }
    run.nodes = reader.nodes;
    // ranks stay where they are: the map that mdtest prints holds for IOR's phases too
    for rank in run.phases.iter_mut().flat_map(|phase| &mut phase.ranks) {
        rank.host = reader.hosts.get(rank.rank as usize).cloned();
    }
    run.verdicts = vec![verdict(&result, &run)];
    run.provenance = provenance(&mut reader, &result);
    run.missing = missing(reader.missing, &run);
    derive(&mut run);
    Ok(run)
}

struct Reader<'a> {
    directory: &'a Path,
    begun: Option<DateTime>,
    missing: Vec<String>,
    nodes: Option<u64>,
    /// The node of each rank, from the first phase that shows it.
    hosts: Vec<String>,
}

impl Reader<'_> {
    /// The text of a file, none if it is not there.
    fn text(&self, name: &str) -> Option<String> {
        std::fs::read(self.directory.join(name)).ok().map(|bytes| text::escape(&bytes))
    }

    fn phase(&mut self, id: PhaseId, section: &OfficialPhase, ranks: Option<u64>) -> Phase {
        let mut phase = Phase::new(id);
        let command = section.pairs.get("exe").map(String::as_str).unwrap_or_default();
        let output = self.text(&format!("{id}.txt")).map(|text| phase_text::parse(&text)).unwrap_or_default();
        phase.rate = section.score().filter(|rate| rate.is_finite()).unwrap_or(0.0);
        phase.wall_seconds = section.number("t_delta");
        phase.started = section.pairs.get("t_start").cloned();
        phase.offset_seconds = phase.started.as_deref().and_then(time).zip(self.begun).map(|(at, begun)| {
            // the C suite writes local time; a run across the change to or from summer time shifts by the hour, as it prints
            at.duration_since(begun).as_secs_f64()
        });
        phase.reasons = section.reasons.clone();
        phase.valid = phase.reasons.is_empty();
        phase.storage = exe::storage(command);
        phase.seconds = output.total_seconds;
        self.ranks(&mut phase);
        if id.has_stonewall() {
            phase.stonewall = Some(stonewall(section, command, &output, &phase, ranks));
        }
        phase.facts.extend(facts(section, &output));
        self.nodes = self.nodes.or(output.nodes);
        if self.hosts.is_empty() {
            self.hosts = hosts(&output);
        }
        phase
    }

    /// Fills in the per-rank figures and the time of the phase they give.
    fn ranks(&mut self, phase: &mut Phase) {
        let name = format!("{}.csv", phase.id);
        let Some(text) = self.text(&name) else {
            if !phase.id.name().starts_with("mdworkbench") {
                self.missing.push(format!("{name} is missing: no per-rank figures of {}.", phase.id));
            }
            return;
        };
        let table = match rank_csv::parse(phase.id, &text) {
            Ok(table) => table,
            Err(error) => return self.missing.push(format!("{name} cannot be read: {error}.")),
        };
        let longest = table.ranks.iter().filter_map(|row| row.seconds_with_open_close).fold(0.0, f64::max);
        phase.seconds = table.seconds.or(Some(longest).filter(|longest| *longest > 0.0)).or(phase.seconds);
        phase.ranks = table.ranks.iter().map(rank_csv::Row::figures).collect();
        if phase.id.kind() == Kind::Find
            && let Some(seen) = spread(table.ranks.iter().filter_map(|row| row.operations))
        {
            let [min, mean, max] = [seen.min, seen.mean, seen.max].map(figures::count);
            phase.facts.push(Fact::new("entries a rank saw", format!("{min} to {max}, mean {mean}")));
        }
        if let Some(slowest) = table.ranks.iter().filter_map(|row| row.stealing_seconds).reduce(f64::max) {
            let figure = figures::seconds(slowest);
            phase.facts.push(Fact::new("longest time a rank spent stealing work", format!("{figure} s")));
        }
    }
}

/// The node of each rank where the map shows whole blocks: the first `k` ranks on the first node, nobody else. Empty when it
/// does not, or there is none.
fn hosts(output: &PhaseText) -> Vec<String> {
    let (Some(nodes), map) = (output.nodes, &output.on_first_node) else { return Vec::new() };
    let per_node = map.iter().take_while(|first| **first).count();
    let blocks = per_node > 0 && per_node * nodes as usize == map.len() && !map[per_node..].contains(&true);
    if !blocks {
        return Vec::new();
    }
    (0..map.len()).map(|rank| format!("node {}", rank / per_node)).collect()
}

fn stonewall(
    section: &OfficialPhase,
    command: &str,
    output: &PhaseText,
    phase: &Phase,
    ranks: Option<u64>,
) -> Stonewall {
    let rate = section.number("throughput-stonewall").or_else(|| section.number("rate-stonewall"));
    let ranks = ranks.unwrap_or(phase.ranks.len() as u64) as f64;
    // mdtest prints no time: the rate at the stonewall and the files done then give it
    let from_rate = output.stonewall_mean.zip(rate).map(|(mean, rate)| mean * ranks / (rate * 1000.0));
    Stonewall {
        setting_seconds: exe::stonewall_seconds(command),
        seconds: output.stonewall_seconds.or(from_rate).filter(|seconds| *seconds > 0.0),
        rate,
        min: output.stonewall_min,
        mean: output.stonewall_mean,
        max: output.stonewall_max,
        ..Stonewall::default()
    }
}

fn facts(section: &OfficialPhase, output: &PhaseText) -> Vec<Fact> {
    let known = ["t_start", "t_end", "t_delta", "t_pause", "exe", "score", "throughput-stonewall", "rate-stonewall"];
    let mut facts: Vec<Fact> = section
        .pairs
        .iter()
        .filter(|(key, _)| !known.contains(&key.as_str()))
        .map(|(key, value)| Fact::new(key, value))
        .collect();
    let timed = [("open", output.open_seconds), ("transfer", output.transfer_seconds), ("close", output.close_seconds)];
    for (name, seconds) in timed {
        if let Some(seconds) = seconds {
            facts.push(Fact::new(format!("longest {name}"), figures::span(seconds)));
        }
    }
    if let Some(file_system) = &output.file_system {
        facts.push(Fact::new("file system at the start", file_system));
    }
    facts
}

pub(super) fn score(score: &OfficialScore, extended: Option<&OfficialScore>) -> Score {
    let extended = extended.map(|extended| ExtendedScore {
        means: means(extended),
        hash: extended.hash.clone(),
        valid: !extended.invalid,
    });
    Score { means: means(score), hash: score.hash.clone(), extended, without_wear_out: None, at_stonewall: None }
}

fn means(score: &OfficialScore) -> Means {
    let number = |text: &str| text.parse().ok().filter(|value: &f64| value.is_finite()).unwrap_or(0.0);
    Means { bandwidth: number(&score.bw), metadata: number(&score.md), total: number(&score.total) }
}

fn verdict(result: &OfficialResult, run: &Run) -> Verdict {
    let mut reasons = result.reasons.clone();
    let phases = run.phases.iter().filter(|phase| phase.scored || run.mode.as_deref() == Some("extended"));
    reasons.extend(phases.flat_map(|phase| phase.reasons.iter().map(|reason| format!("{}: {reason}", phase.id))));
    let valid = result.score.as_ref().is_some_and(|score| !score.invalid);
    if !valid && reasons.is_empty() {
        let marked = "the score is marked INVALID, and no reason is given";
        reasons.push(if result.score.is_some() { marked } else { "the run has no score" }.to_owned());
    }
    Verdict { name: "official".to_owned(), valid, reasons }
}

fn provenance(reader: &mut Reader<'_>, result: &OfficialResult) -> Vec<Fact> {
    let shown = |key: &str| !["procs", "version", "mode"].contains(&key);
    let pairs = result.run.iter().filter(|(key, value)| shown(key) && !value.is_empty());
    let mut facts: Vec<Fact> = pairs.map(|(key, value)| Fact::new(key, value)).collect();
    facts.extend(result.score.iter().filter_map(|score| Some(Fact::new("score hash", score.hash.clone()?))));
    if let Some(host) = reader.text("ior-easy-write.txt").and_then(|text| phase_text::parse(&text).first_host) {
        facts.push(Fact::new("host of rank 0", host));
    }
    match reader.text("system-information.txt") {
        Some(text) => facts.extend(text.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix("io500_info_")?.split_once('=')?;
            Some(Fact::new(name.replace('_', " "), value.trim().trim_matches('"')))
        })),
        None => reader.missing.push("system-information.txt is missing: nothing about servers and network.".to_owned()),
    }
    facts
}

/// What a directory of the C suite never has, and what this one lacks.
fn missing(mut missing: Vec<String>, run: &Run) -> Vec<String> {
    let lacking = missing.len();
    if lacking > 3 && run.phases.iter().all(|phase| phase.ranks.is_empty()) {
        missing.retain(|sentence| !sentence.contains("no per-rank figures"));
        missing.insert(0, "No <phase>.csv exists: no per-rank figures of any phase, so no stragglers.".to_owned());
    }
    if run.configuration.is_empty() {
        missing.push("Neither config.ini nor config-orig.ini exists: no configuration.".to_owned());
    }
    if run.nodes.is_none() {
        missing.push("No <phase>.txt names the number of nodes.".to_owned());
    }
    missing.push("The C suite does not measure the latency of single operations.".to_owned());
    missing.push("The C suite records no time series.".to_owned());
    let placed = run.phases.iter().flat_map(|phase| &phase.ranks).any(|rank| rank.host.is_some());
    let nodes = if placed { "; nodes are numbered from mdtest's node map" } else { "" };
    missing.push(format!("The C suite names no host but rank 0's{nodes}."));
    missing.push(
        "The C suite gives the official verdict only; the strict one needs figures that it does not record.".to_owned(),
    );
    missing
}

fn time(text: &str) -> Option<DateTime> {
    DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()
}
