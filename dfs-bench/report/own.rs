//! Reads a run of this program: `result.json`, and the per-rank files beside it.

use super::c_suite::{exe, rank_csv};
use super::figures;
use super::model::{DEPARTURE, ExtendedScore, Fact, Phase, Run, Score, Setting, Source, Stonewall, Verdict};
use super::spread::{NodeSpread, SlowRank, Spread, Stragglers};
use super::stragglers;
use super::{consistency, hgrm, over_time};
use crate::exit::UsageError;
use crate::report::derive::derive;
use anyhow::{Context, Result};
use io500_phases::phase_id::Kind;
use io500_phases::results::provenance::Provenance;
use io500_phases::results::score::Means;
use io500_phases::results::{
    self, Invocation, PhaseResult, RunResult, RunState, SCHEMA_VERSION, in_short, is_of_duration,
};
use io500_phases::text;
use io500_phases::units::Bytes;
use jiff::civil::DateTime;
use std::path::Path;

/// Reads `directory`, which has a `result.json`.
pub fn load(directory: &Path) -> Result<Run> {
    let path = directory.join("result.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let result = parse(&text).with_context(|| format!("cannot read {}", path.display()))?;
    let mut run = from_result(&result);
    run.contradictions = consistency::of_figures(&result);
    run.contradictions.extend(consistency::with_result_txt(directory, &result));
    run.path = directory.to_owned();
    for phase in &mut run.phases {
        match std::fs::read(directory.join(format!("{}.csv", phase.id))) {
            Ok(bytes) => add_ranks(phase, &text::escape(&bytes), &mut run.missing),
            Err(_) if phase.stragglers.is_none() => {}
            Err(_) => {
                run.missing.push(format!("{}.csv is not there: of {0} only the slowest ranks are known.", phase.id))
            }
        }
    }
    for phase in &mut run.phases {
        for kind in &mut phase.latency {
            let name = format!("latency/{}.{}.hgrm", phase.id, kind.operation);
            let points = std::fs::read_to_string(directory.join(name)).map(|text| hgrm::points(&text));
            kind.percentiles =
                points.ok().filter(|points| points.len() > 1).unwrap_or_else(|| over_time::figures_as_points(kind));
        }
    }
    derive(&mut run);
    Ok(run)
}

/// Reads the text, after a look at its version: a later major version would be misread.
fn parse(text: &str) -> Result<RunResult> {
    let wrong = |what: String| Err(UsageError::new(what).into());
    let value: serde_json::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return wrong(format!("it is not JSON: {error}")),
    };
    let version = value["schema_version"].as_str().unwrap_or_default();
    let major = |version: &str| version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match (major(version), major(SCHEMA_VERSION)) {
        (Some(found), known) if Some(found) == known => {}
        (Some(_), _) => {
            return wrong(format!("its format is version {version}, and this program reads version {SCHEMA_VERSION}"));
        }
        (None, _) => return wrong("it is not a result of dfs-bench: it has no schema_version".to_owned()),
    }
    serde_json::from_value(value).or_else(|error| wrong(format!("it is not in the format of a result: {error}")))
}

/// The run that a result describes, without what stands in files beside it.
pub fn from_result(result: &RunResult) -> Run {
    let provenance = &result.provenance;
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let begun = result.phases.iter().filter_map(|phase| time(&phase.begin)).min();
    let mut missing = Vec::new();
    if result.phases.iter().all(|phase| phase.spread.is_none()) {
        missing.push("No figures per rank were recorded: no stragglers.".to_owned());
    }
    if result.phases.iter().all(|phase| phase.latency.is_empty()) {
        missing.push("Latencies were not recorded.".to_owned());
    }
    if result.phases.iter().all(|phase| phase.series.is_none()) {
        missing.push("No time series were recorded.".to_owned());
    }
    Run {
        label: String::new(),
        path: text::path(&provenance.resultdir),
        source: Source::DfsBench,
        version: some(provenance.program.trim_start_matches("dfs-bench").trim_start_matches(['-', ' '])),
        mode: some(&provenance.mode),
        ranks: Some(provenance.ranks as u64),
        nodes: Some(provenance.nodes as u64),
        started: some(&provenance.began),
        ended: some(&provenance.ended),
        score: result.score.as_ref().map(score),
        ending: ending(result),
        verdicts: verdicts(result),
        phases: result
            .phases
            .iter()
            .filter(|phase| phase.phase.kind() != Kind::Timestamp)
            .map(|phase| self::phase(result, phase, begun))
            .collect(),
        provenance: self::provenance(provenance).into_iter().chain(result.earlier.iter().map(carried_over)).collect(),
        configuration: provenance
            .settings
            .iter()
            .filter(|setting| !setting.value.is_empty())
            .map(|setting| Setting {
                section: setting.section.clone(),
                name: setting.option.clone(),
                value: setting.value.clone(),
                origin: setting.origin.clone(),
            })
            .collect(),
        contradictions: Vec::new(),
        diagnosis: Vec::new(),
        missing,
        client_metrics: result.client_metrics.clone(),
        machines: provenance.machines.clone(),
        audit: provenance.audit.findings.is_some().then(|| provenance.audit.clone()),
    }
}

fn carried_over(invocation: &Invocation) -> Fact {
    let command = invocation.command_line.join(" ");
    Fact::new(format!("invocation {}, carried over", invocation.number), format!("{}: {command}", invocation.began))
}

fn ending(result: &RunResult) -> Option<String> {
    let why = result.failure.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default();
    match result.state {
        RunState::Finished => None,
        RunState::Running => Some("the run was still running, or was killed, when this was written".to_owned()),
        RunState::Failed => Some(format!("the run failed{why}")),
        RunState::Interrupted => Some(format!("the run was interrupted{why}")),
    }
}

fn score(score: &results::ScoreResult) -> Score {
    let means = Means { bandwidth: score.bandwidth, metadata: score.metadata, total: score.total };
    let extended = score.extended.as_ref().map(|extended| ExtendedScore {
        means: Means { bandwidth: extended.bandwidth, metadata: extended.metadata, total: extended.total },
        hash: Some(extended.hash.clone()),
        valid: extended.valid,
    });
    Score { means, hash: Some(score.hash.clone()), extended, without_wear_out: None, at_stonewall: None }
}

/// Both verdicts; the strict one does not repeat what the official one says. Of a test run nobody wants to know how short it was.
fn verdicts(result: &RunResult) -> Vec<Verdict> {
    let quick = is_quick(result);
    let verdict = |name: &str, verdict: &results::Verdict| {
        let told = verdict.reasons.iter().filter(|reason| !(quick && is_of_duration(reason)));
        let mut reasons = in_short(told, result);
        if quick && verdict.reasons.iter().any(is_of_duration) {
            reasons.insert(0, "test run (--quick), not comparable".to_owned());
        }
        Verdict { name: name.to_owned(), valid: verdict.valid, reasons }
    };
    let official = verdict("official", &result.official);
    let mut strict = verdict("strict", &result.strict);
    let of_official = |reason: &results::Reason| {
        result.official.reasons.iter().any(|other| (other.phase, &other.text) == (reason.phase, &reason.text))
    };
    let (repeated, own): (Vec<_>, Vec<_>) = result.strict.reasons.iter().partition(|reason| of_official(reason));
    strict.reasons = in_short(own.into_iter().filter(|reason| !(quick && is_of_duration(reason))), result);
    if !repeated.is_empty() {
        let count = if repeated.len() == 1 { "one reason".to_owned() } else { format!("{} reasons", repeated.len()) };
        strict.reasons.insert(0, format!("{count} of the official verdict"));
    }
    vec![official, strict]
}

fn is_quick(result: &RunResult) -> bool {
    let quick = |setting: &results::provenance::SettingOrigin| setting.option == "quick" && setting.value == "TRUE";
    result.provenance.settings.iter().any(quick)
}

fn phase(run: &RunResult, result: &PhaseResult, begun: Option<DateTime>) -> Phase {
    let mut phase = Phase::new(result.phase);
    phase.rate = result.rate;
    phase.seconds = Some(result.window_s);
    phase.wall_seconds = Some(result.phase_s);
    phase.started = Some(result.begin.clone());
    phase.offset_seconds = time(&result.begin).zip(begun).map(|(at, begun)| at.duration_since(begun).as_secs_f64());
    phase.valid = result.valid;
    for reason in run.official.reasons.iter().chain(&run.strict.reasons) {
        if reason.phase == Some(result.phase) && !phase.reasons.contains(&reason.text) {
            phase.reasons.push(reason.text.clone());
        }
    }
    phase.stonewall = result.stonewall.as_ref().map(|stonewall| Stonewall {
        setting_seconds: Some(f64::from(stonewall.setting_s)),
        seconds: Some(stonewall.met_s),
        rate: Some(stonewall.rate),
        min: Some(stonewall.least as f64),
        mean: Some(stonewall.total as f64 / run.provenance.ranks.max(1) as f64),
        max: Some(stonewall.most as f64),
        // without the parts it is a result of a version that counted the sync in
        wear_out_seconds: result.parts.map(|_| stonewall.wear_out_s),
        rate_without_wear_out: stonewall.rate_without_wear_out,
        ..Stonewall::default()
    });
    phase.parts = result.parts;
    phase.storage = exe::storage(&result.command);
    if let Some(layout) = &result.layout {
        phase.storage.push(Fact::new("real object class", &layout.object_class));
        phase.storage.push(Fact::new("real chunk size", Bytes(layout.chunk_size).to_string()));
    }
    phase.stragglers = result.spread.as_ref().filter(|spread| !spread.slowest.is_empty()).map(|s| spread(&phase, s));
    phase.latency = result.latency.iter().map(over_time::latency).collect();
    phase.series = result.series.as_ref().map(|series| over_time::series(result, series));
    phase.facts = facts(result);
    let over_dfs = run.provenance.stores.iter().any(|(_, store)| store.api == "DFS");
    phase.facts.extend(result.find.as_ref().filter(|_| over_dfs).and_then(with_help_of_the_servers));
    phase.servers = result.servers.clone();
    phase.roof = result.roof.clone();
    phase.nodes = result.nodes.clone();
    phase.fault = fault(result);
    phase
}

/// The spread as the run itself found it: its slowest ranks are those that the others waited for at the stonewall.
fn spread(phase: &Phase, spread: &results::Spread) -> Stragglers {
    let seconds = Spread {
        min: spread.min_s,
        mean: spread.mean_s,
        median: None,
        max: spread.max_s,
        imbalance: if spread.mean_s > 0.0 { spread.max_s / spread.mean_s - 1.0 } else { 0.0 },
    };
    let slowest = spread.slowest.iter().map(|rank| SlowRank {
        rank: rank.rank as u64,
        host: Some(rank.host.clone()),
        seconds: rank.own_s,
        over_mean: rank.own_s / spread.mean_s - 1.0,
        at_stonewall: rank.at_stonewall.map(|operations| operations as f64),
        wear_out_seconds: rank.wear_out_s,
        sync_seconds: rank.sync_s,
    });
    let nodes =
        spread.nodes.iter().map(|node| NodeSpread { host: node.host.clone(), ranks: node.ranks, mean: node.mean_s });
    let nodes = if spread.nodes.len() > 1 { nodes.collect() } else { Vec::new() };
    Stragglers { without_waiting: true, ..stragglers::told(phase, seconds, slowest.collect(), nodes) }
}

/// What is wrong with the data: bytes, files, or the number of them that find saw.
fn fault(result: &PhaseResult) -> Option<String> {
    let of_data = result.check.as_ref().filter(|check| !check.is_clean()).and_then(|check| check.describe());
    let of_find = || {
        let find = result.find.as_ref()?;
        let expected = find.expected_found.filter(|&expected| expected != find.found)?;
        Some(format!("find matched {} entries instead of {expected}", find.found))
    };
    of_data.or_else(of_find)
}

/// What find could do where the servers filter.
fn with_help_of_the_servers(find: &results::FindResult) -> Option<Fact> {
    find.method.starts_with("name-first").then(|| {
        let told =
            "engines and ranks with DAOS_PIPELINE=1 (DAOS 2.8) filter the names themselves: no round trip per entry";
        Fact::new("help of the servers", told)
    })
}

fn facts(result: &PhaseResult) -> Vec<Fact> {
    let mut facts = vec![Fact::new("operations", figures::count(result.operations as f64))];
    if result.bytes > 0 {
        facts.push(Fact::new("bytes", Bytes(result.bytes).to_string()));
    }
    if let Some(rate) = result.rate_wall_clock {
        let unit = result.phase.unit();
        facts.push(Fact::new("rate by unsynchronised wall clocks", format!("{} {unit}", figures::rate(rate))));
    }
    if let Some(check) = result.check.as_ref().filter(|check| check.checked > 0 || !check.is_clean()) {
        let found = check.describe().unwrap_or_else(|| "no fault".to_owned());
        facts.push(Fact::new("verification", format!("{} checked, {found}", figures::count(check.checked as f64))));
    }
    if let Some(find) = &result.find {
        let of = |expected: Option<u64>| expected.map(|expected| format!(" of {expected}")).unwrap_or_default();
        facts.push(Fact::new("found", format!("{}{}", find.found, of(find.expected_found))));
        facts.push(Fact::new("entries seen", format!("{}{}", find.total, of(find.expected_total))));
        let count = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let method =
            format!("{}, {} with {} in flight", find.method, count(find.ranks, "rank"), count(find.threads, "lookup"));
        facts.push(Fact::new("method", method));
    }
    facts
}

fn provenance(from: &Provenance) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("rules", &from.rules),
        Fact::new("command line", from.command_line.join(" ")),
        Fact::new("timestamp", &from.timestamp),
        Fact::new("ranks per node", from.ranks_per_node.to_string()),
        Fact::new("placement", &from.placement),
        Fact::new("read mapping", &from.read_mapping),
        Fact::new("launcher", &from.launcher),
        Fact::new("host of rank 0", &from.host),
        Fact::new("config-hash", &from.config_hash),
        Fact::new("data directory", &from.datadir),
        Fact::new("result directory", &from.resultdir),
        Fact::new("wall clock skew", figures::span(from.wall_clock_skew_s)),
        Fact::new("clock uncertainty", figures::span(from.clock_uncertainty_s)),
        Fact::new("time until connected", figures::span(from.start.connected_s)),
        Fact::new("time until the first phase", figures::span(from.start.first_phase_s)),
        Fact::new(
            "resident memory before the first phase",
            format!("mean {}, largest rank {}", Bytes(from.start.resident_mean), Bytes(from.start.resident_max)),
        ),
    ];
    if from.start.descriptors_max > 0 {
        let (most, limit) = (from.start.descriptors_max, from.start.descriptors_limit);
        facts.push(Fact::new(
            "open files before the first phase",
            format!("largest rank {most}, smallest limit {limit}"),
        ));
    }
    let job = &from.job;
    let text = |name: &str, value: &Option<String>| value.as_ref().map(|value| Fact::new(name, value));
    facts.extend(text("started by", &job.launcher));
    facts.extend(text("scheduler", &job.scheduler));
    facts.extend(text("job", &job.id));
    facts.extend(text("step", &job.step));
    facts.extend(text("index in the array", &job.array_index));
    facts.extend(text("nodes of the job", &job.node_list));
    if job.restarts > 0 {
        facts.push(Fact::new("starts of the job before", job.restarts.to_string()));
    }
    facts.extend(
        job.environment.iter().map(|(name, value)| Fact::new(format!("environment of the job: {name}"), value)),
    );
    let departures = from.departures.iter().map(|departure| Fact::new(DEPARTURE, departure));
    facts.extend(departures);
    for (name, store) in &from.stores {
        let real = if store.real { "" } else { " (not a real store)" };
        facts.push(Fact::new("store", format!("{}: {}{real}", store.api, store.provider)));
        facts.push(Fact::new("store: address", name));
        facts.extend(store.facts.iter().map(|(name, value)| Fact::new(format!("store: {name}"), value)));
        facts.extend(store.doubts.iter().map(|doubt| Fact::new("store: doubt", doubt)));
    }
    if let Some(machine) = from.machines.first() {
        let (count, nodes) = (from.machines.len(), machine.hosts.len());
        facts.push(Fact::new(
            "nodes",
            match count {
                1 => format!("{nodes}, all alike"),
                _ => format!("{count} kinds; {nodes} are as follows"),
            },
        ));
        facts.extend(
            machine.facts.properties().into_iter().map(|(name, value)| Fact::new(format!("node: {name}"), value)),
        );
    }
    if let Some(links) = from.limits.client_links {
        facts.push(Fact::new(
            "clients' links",
            format!("{} GiB/s", figures::significant(links / (1_u64 << 30) as f64, 3)),
        ));
    }
    if let Some(elsewhere) = from.limits.engines_elsewhere {
        facts.push(Fact::new(
            "engines",
            if elsewhere { "on other nodes than the ranks" } else { "on a node of the ranks" },
        ));
    }
    facts.extend(from.system.iter().map(|(name, value)| Fact::new(name, value)));
    facts.extend(from.environment.iter().map(|(name, value)| Fact::new(format!("environment {name}"), value)));
    facts.retain(|fact| !fact.value.is_empty());
    facts
}

/// Takes every rank's figures from the phase's per-rank file.
fn add_ranks(phase: &mut Phase, text: &str, missing: &mut Vec<String>) {
    match rank_csv::parse(phase.id, text) {
        Ok(table) => phase.ranks = table.ranks.iter().map(rank_csv::Row::figures).collect(),
        Err(error) => missing.push(format!("{}.csv cannot be read: {error}.", phase.id)),
    }
}

fn time(text: &str) -> Option<DateTime> {
    DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::phase_id::PhaseId;
    use io500_phases::phases::Check;
    use io500_phases::results::FindResult;

    #[test]
    fn a_find_by_names_says_what_the_servers_could_do() {
        let find = |method: &str| FindResult { method: method.to_owned(), ..FindResult::default() };
        assert!(with_help_of_the_servers(&find("name-first")).unwrap().value.contains("DAOS_PIPELINE=1"));
        assert!(
            with_help_of_the_servers(&find("server")).is_none()
                && with_help_of_the_servers(&find("external-script")).is_none()
        );
    }

    #[test]
    fn wrong_data_and_wrong_counts_are_faults() {
        let mut write = PhaseResult::new(PhaseId::IorEasyRead);
        assert_eq!(fault(&write), None);
        write.check = Some(Check { checked: 9, missing: 2, ..Check::default() });
        assert!(fault(&write).unwrap().contains('2'));
        let mut find = PhaseResult::new(PhaseId::Find);
        find.find = Some(FindResult { found: 3, expected_found: Some(3), ..FindResult::default() });
        assert_eq!(fault(&find), None);
        find.find.as_mut().unwrap().found = 4;
        assert_eq!(fault(&find).as_deref(), Some("find matched 4 entries instead of 3"));
    }
}
