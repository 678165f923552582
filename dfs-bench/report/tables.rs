//! The tables of a report, as cells of text: text, markdown and HTML show the same ones.

use super::figures::{self, count, latency, percent, rate, signed_percent, span};
use super::model::{Phase, Run};
use io500_phases::text;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many nodes the node table shows at most.
const NODES_SHOWN: usize = 16;

/// What a cell shows when the source does not say.
pub const UNKNOWN: &str = "\u{2013}";

/// A table.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// Its name, short; the id in HTML.
    pub id: &'static str,
    /// What it shows, one sentence.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; the first cell of each is its header.
    pub rows: Vec<Vec<String>>,
}

/// A column.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// Its header.
    pub name: String,
    /// Whether it holds figures, which are aligned to the right.
    pub numeric: bool,
}

impl Table {
    /// An empty table; a column whose name starts with `#` is numeric.
    pub fn new(id: &'static str, caption: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns
            .iter()
            .map(|name| match name.strip_prefix('#') {
                Some(name) => Column { name: name.to_owned(), numeric: true },
                None => Column { name: (*name).to_owned(), numeric: false },
            })
            .collect();
        Table { id, caption: caption.into(), columns, rows: Vec::new() }
    }

    /// Drops the columns that say nothing in any row.
    pub fn without_empty_columns(mut self) -> Self {
        for index in (0..self.columns.len()).rev() {
            if self.rows.iter().all(|row| row[index] == UNKNOWN) {
                self.columns.remove(index);
                self.rows.iter_mut().for_each(|row| drop(row.remove(index)));
            }
        }
        self
    }
}

/// A value, or a dash.
pub fn or_unknown<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), show)
}

/// The phases with rate, time, verdict and imbalance.
pub fn phases(run: &Run) -> Table {
    let columns = [
        "Phase",
        "#Rate",
        "Unit",
        "#Time",
        "Scored",
        "Valid",
        "#At stonewall",
        "#Slowest rank",
        "#Imbalance",
        "#Of its roof",
        "Roof set by",
    ];
    let mut table = Table::new("phases", "The phases in the order of the run.", &columns);
    for phase in &run.phases {
        let told = phase.stragglers.as_ref().filter(|stragglers| stragglers.tellable);
        table.rows.push(vec![
            phase.id.to_string(),
            rate(phase.rate),
            phase.unit.to_owned(),
            or_unknown(phase.seconds.or(phase.wall_seconds), span),
            if phase.scored { "yes" } else { "no" }.to_owned(),
            if phase.valid { "yes" } else { "NO" }.to_owned(),
            or_unknown(phase.stonewall.as_ref().and_then(|stonewall| stonewall.rate), rate),
            or_unknown(told.filter(|t| t.stands_out).and_then(|t| t.slowest.first()), |slow| slow.rank.to_string()),
            or_unknown(told, |told| signed_percent(told.seconds.imbalance)),
            or_unknown(phase.roof.as_ref(), |roof| percent(roof.share)),
            or_unknown(phase.roof.as_ref(), |roof| roof.by.words().to_owned()),
        ]);
    }
    table.without_empty_columns()
}

/// What the phases' time was made of.
pub fn parts(run: &Run) -> Table {
    let caption = "Where the time went: means over the ranks. \u{201c}Operations\u{201d} goes to the stonewall where there \
                   is one, \u{201c}wear-out\u{201d} is catching up with the fastest rank after it.";
    let columns = ["Phase", "#Open", "#Operations", "#Wear-out", "#Waiting", "#Sync", "#Close"];
    let mut table = Table::new("parts", caption, &columns);
    for phase in &run.phases {
        let Some(parts) = &phase.parts else { continue };
        let cells = parts.named().map(|(_, part)| if part > 0.0 { span(part) } else { UNKNOWN.to_owned() });
        table.rows.push(std::iter::once(phase.id.to_string()).chain(cells).collect());
    }
    table.without_empty_columns()
}

/// What the wear-out cost, per write phase.
pub fn wear_out(run: &Run) -> Table {
    let mut table = Table::new(
        "wear-out",
        "After the stonewall every rank goes on until it has done as much as the fastest: the wear-out, here of the slowest \
         rank. \u{201c}After\u{201d} is all the time from the stonewall to the end: wear-out, sync and close.",
        &[
            "Phase",
            "#Stonewall",
            "#Least done",
            "#Mean",
            "#Most done",
            "#Wear-out",
            "#After",
            "#Share of time",
            "#Rate at stonewall",
            "#Final rate",
            "#Rate lost",
        ],
    );
    for phase in &run.phases {
        let Some(stonewall) = &phase.stonewall else { continue };
        table.rows.push(vec![
            phase.id.to_string(),
            or_unknown(stonewall.seconds, span),
            or_unknown(stonewall.min, count),
            or_unknown(stonewall.mean, count),
            or_unknown(stonewall.max, count),
            or_unknown(stonewall.wear_out_seconds, span),
            or_unknown(stonewall.after_seconds, span),
            or_unknown(stonewall.after_share, percent),
            or_unknown(stonewall.rate, rate),
            rate(phase.rate),
            or_unknown(stonewall.rate_lost, percent),
        ]);
    }
    table.without_empty_columns()
}

/// The spread of the ranks' times.
pub fn spread(run: &Run) -> Table {
    let columns = ["Phase", "#Fastest", "#Median", "#Mean", "#Slowest", "#Imbalance", "Slowest ranks"];
    let mut table = Table::new(
        "spread",
        "The ranks' own times per phase. Imbalance: by how much the slowest exceeds the mean.",
        &columns,
    );
    for phase in &run.phases {
        let Some(found) = &phase.stragglers else { continue };
        let names: Vec<String> = found.slowest.iter().take(3).map(|slow| slow.rank.to_string()).collect();
        table.rows.push(vec![
            phase.id.to_string(),
            span(found.seconds.min),
            or_unknown(found.seconds.median, span),
            span(found.seconds.mean),
            span(found.seconds.max),
            if found.tellable { signed_percent(found.seconds.imbalance) } else { UNKNOWN.to_owned() },
            if found.tellable { names.join(", ") } else { "unknown".to_owned() },
        ]);
    }
    table.without_empty_columns()
}

/// The slowest ranks of each phase by name.
pub fn slowest(run: &Run) -> Table {
    let columns = ["Phase", "#Rank", "Host", "#Time", "#Over the mean", "#Done at stonewall"];
    let mut table = Table::new("slowest", "The slowest ranks of each phase.", &columns);
    for phase in &run.phases {
        for slow in phase.stragglers.iter().flat_map(|found| found.slowest.iter().take(5)) {
            table.rows.push(vec![
                phase.id.to_string(),
                slow.rank.to_string(),
                or_unknown(slow.host.clone(), |host| host),
                span(slow.seconds),
                signed_percent(slow.over_mean),
                or_unknown(slow.at_stonewall, count),
            ]);
        }
    }
    table.without_empty_columns()
}

/// Mean time of each node's ranks against the mean of all, in every phase that tells.
pub fn nodes(run: &Run) -> Table {
    let told: Vec<(&Phase, f64, BTreeMap<&str, f64>)> = run
        .phases
        .iter()
        .filter_map(|phase| {
            let found = phase.stragglers.as_ref().filter(|found| found.tellable && !found.nodes.is_empty())?;
            let means = found.nodes.iter().map(|node| (node.host.as_str(), node.mean)).collect();
            Some((phase, found.seconds.mean, means))
        })
        .collect();
    let columns: Vec<String> = told.iter().map(|(phase, ..)| format!("#{}", phase.id)).collect();
    let mut names = vec!["Node"];
    names.extend(columns.iter().map(String::as_str));
    names.push("#Mean of phases");
    let mut table = Table::new(
        "nodes",
        "How much longer (+) or shorter (\u{2212}) a node's ranks took than the mean of all ranks; the slowest nodes first.",
        &names,
    );
    let Some((_, _, first)) = told.first() else { return table };
    let mut rows: Vec<(f64, Vec<String>)> = first
        .keys()
        .map(|host| {
            let over: Vec<Option<f64>> =
                told.iter().map(|(_, mean, nodes)| Some(nodes.get(host)? / mean - 1.0)).collect();
            let known: Vec<f64> = over.iter().copied().flatten().collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let mut cells = vec![(*host).to_owned()];
            cells.extend(over.into_iter().map(|over| or_unknown(over, signed_percent)));
            cells.push(signed_percent(mean));
            (mean, cells)
        })
        .collect();
    rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    if rows.len() > NODES_SHOWN {
        table.caption.push_str(&format!(" The first {NODES_SHOWN} of {}.", rows.len()));
    }
    table.rows = rows.into_iter().take(NODES_SHOWN).map(|(_, cells)| cells).collect();
    table
}

/// Latency per phase and kind of operation.
pub fn latencies(run: &Run) -> Table {
    let columns =
        ["Phase", "Operation", "#Count", "#Min", "#Mean", "#p50", "#p90", "#p99", "#p99.9", "#p99.99", "#Max"];
    let mut table = Table::new("latency", "Latency of single operations.", &columns);
    for phase in &run.phases {
        for kind in &phase.latency {
            let mut row = vec![phase.id.to_string(), kind.operation.clone(), count(kind.count as f64)];
            row.push(latency(kind.min as f64));
            row.push(latency(kind.mean));
            row.extend([kind.p50, kind.p90, kind.p99, kind.p999, kind.p9999, kind.max].map(|ns| latency(ns as f64)));
            table.rows.push(row);
        }
    }
    table
}

/// Latency per node and kind of operation.
pub fn node_latencies(run: &Run) -> Table {
    let columns = ["Phase", "Operation", "Node", "#Count", "#p50", "#p99", "#Max"];
    let caption = "Latency per node, the longest 99th percentile first.";
    let mut table = Table::new("node-latency", caption, &columns);
    for phase in &run.phases {
        for kind in phase.latency.iter().filter(|kind| kind.nodes.len() > 1) {
            for node in kind.nodes.iter().take(NODES_SHOWN) {
                let mut row = vec![phase.id.to_string(), kind.operation.clone(), node.host.clone()];
                row.push(count(node.count as f64));
                row.extend([node.p50, node.p99, node.max].map(|ns| latency(ns as f64)));
                table.rows.push(row);
            }
        }
    }
    table
}

/// Stability over time.
pub fn stability(run: &Run) -> Table {
    let names: Vec<String> = run.phases.iter().filter_map(|p| p.series.as_ref()).flat_map(|s| &s.stability).fold(
        Vec::new(),
        |mut names, fact| {
            if !names.contains(&fact.name) {
                names.push(fact.name.clone());
            }
            names
        },
    );
    let headers: Vec<String> = names.iter().map(|name| format!("#{name}")).collect();
    let mut columns = vec!["Phase", "#Interval"];
    columns.extend(headers.iter().map(String::as_str));
    let mut table = Table::new("stability", "How steady the phases were.", &columns);
    for phase in &run.phases {
        let Some(series) = &phase.series else { continue };
        let mut row = vec![phase.id.to_string(), figures::span(series.interval_seconds)];
        row.extend(names.iter().map(|name| {
            or_unknown(series.stability.iter().find(|fact| fact.name == *name), |fact| fact.value.clone())
        }));
        table.rows.push(row);
    }
    table
}

/// Storage options in force per phase.
pub fn storage(run: &Run) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for fact in run.phases.iter().flat_map(|phase| &phase.storage) {
        if !names.contains(&fact.name.as_str()) {
            names.push(&fact.name);
        }
    }
    let mut columns = vec!["Phase"];
    columns.extend(&names);
    let mut table = Table::new("storage", "Storage options in force, per phase.", &columns);
    for phase in run.phases.iter().filter(|phase| !phase.storage.is_empty()) {
        let mut row = vec![phase.id.to_string()];
        row.extend(
            names.iter().map(|name| {
                or_unknown(phase.storage.iter().find(|fact| fact.name == *name), |fact| fact.value.clone())
            }),
        );
        table.rows.push(row);
    }
    table
}

/// Everything else the source tells of the phases.
pub fn facts(run: &Run) -> Table {
    let mut table = Table::new("facts", "Other recorded facts.", &["Phase", "What", "Value"]);
    for phase in &run.phases {
        for fact in &phase.facts {
            table.rows.push(vec![phase.id.to_string(), fact.name.clone(), fact.value.clone()]);
        }
    }
    table
}

/// What the figures were measured with and on.
pub fn provenance(run: &Run) -> Table {
    let mut table = Table::new("provenance", "The program, the machine and the store.", &["What", "Value"]);
    table.rows.push(vec!["measured by".to_owned(), run.source.name().to_owned()]);
    let known = [
        ("version", run.version.clone()),
        ("mode", run.mode.clone()),
        ("ranks", run.ranks.map(|ranks| ranks.to_string())),
        ("nodes", run.nodes.map(|nodes| nodes.to_string())),
        ("started", run.started.clone()),
        ("ended", run.ended.clone()),
    ];
    table.rows.extend(known.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])));
    table.rows.extend(run.provenance.iter().map(|fact| vec![fact.name.clone(), fact.value.clone()]));
    table.rows.push(vec!["read from".to_owned(), text::of(&run.path)]);
    table
}

/// The configuration; only what was given, or only the defaults.
pub fn configuration(run: &Run, given: bool) -> Table {
    let (id, caption) = match given {
        true => ("given", "Options that were set, and where."),
        false => ("defaults", "Options left at their defaults."),
    };
    let columns: &[&str] =
        if given { &["Section", "Option", "Value", "Origin"] } else { &["Section", "Option", "Value"] };
    let mut table = Table::new(id, caption, columns);
    for setting in run.configuration.iter().filter(|setting| (setting.origin != "default") == given) {
        let mut row = vec![setting.section.clone(), setting.name.clone(), setting.value.clone()];
        if given {
            row.push(setting.origin.clone());
        }
        table.rows.push(row);
    }
    table
}
