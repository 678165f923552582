//! A report as one HTML page that needs nothing else: style, pictures and figures are inside, and there is no script.

use super::charts::{self, Chart};
use super::diagnosis;
use super::figures;
use super::model::{Run, Verdict};
use super::output::GENERATOR;
use super::overview;
use super::server_tables;
use super::tables::{self, Table};
use super::text;
use super::{node_drawing, nodes};
use anyhow::{Context, Result};
use minijinja::{Environment, context};
use serde::Serialize;

/// A run, cut into what the template shows.
#[derive(Serialize)]
struct Page<'a> {
    label: &'a str,
    measured: String,
    ending: &'a Option<String>,
    warning: Option<String>,
    hero: Vec<Hero>,
    verdicts: &'a [Verdict],
    diagnosis: Vec<(String, String)>,
    parts: Vec<Part>,
}

/// A figure shown large.
#[derive(Debug, Serialize)]
pub struct Hero {
    /// What it is.
    pub name: String,
    /// The figure.
    pub value: String,
    /// Its unit, or a remark.
    pub unit: String,
}

/// A section of a run's report.
#[derive(Serialize, Default)]
struct Part {
    id: &'static str,
    title: &'static str,
    words: Vec<String>,
    charts: Vec<Chart>,
    tables: Vec<Table>,
    /// Whether the tables hold words, which may break, rather than figures.
    wordy: bool,
    folded: Vec<Table>,
    list: Vec<String>,
}

/// The report of these runs.
pub fn render(runs: &[&Run]) -> Result<String> {
    let pages: Vec<Page<'_>> = runs.iter().map(|run| page(run)).collect();
    let title = match runs {
        [run] => format!("IO500 run {}", run.label),
        _ => format!("{} IO500 runs", runs.len()),
    };
    let (overview, pictures) = match runs {
        [_] => (None, Vec::new()),
        _ => (Some(overview::table(runs)), overview::chart(runs).into_iter().collect()),
    };
    fill("report.html", context! { title, runs => pages, overview, pictures })
}

/// Renders a template of this directory with what every page needs.
pub fn fill(template: &str, context: minijinja::Value) -> Result<String> {
    let mut environment = Environment::new();
    for (name, source) in [
        ("macros.html", include_str!("templates/macros.html")),
        ("page.html", include_str!("templates/page.html")),
        ("report.html", include_str!("templates/report.html")),
        ("compare.html", include_str!("templates/compare.html")),
        ("submission.html", include_str!("templates/submission.html")),
        ("sections.html", include_str!("templates/sections.html")),
        ("doctor.html", include_str!("templates/doctor.html")),
    ] {
        environment.add_template(name, source).context("a built-in template does not parse")?;
    }
    let common = context! {
        generator => GENERATOR,
        version => env!("CARGO_PKG_VERSION"),
        style => include_str!("templates/style.css"),
    };
    let page = environment.get_template(template).context("no such template")?;
    page.render(context! { ..context, ..common }).context("cannot render the page")
}

fn page(run: &Run) -> Page<'_> {
    let parts = [phases(run), wear_out(run), stragglers(run), latency(run), series(run), servers(run), clients(run)];
    let parts = parts.into_iter().chain([nodes(run), storage(run), provenance(run)]);
    let mut parts: Vec<Part> = parts.flatten().collect();
    parts.extend(configuration(run));
    if !run.missing.is_empty() {
        parts.push(Part { id: "missing", title: "Not recorded", list: run.missing.clone(), ..Part::default() });
    }
    Page {
        label: &run.label,
        measured: text::measured(run),
        ending: &run.ending,
        warning: run.warning(),
        hero: hero(run),
        verdicts: &run.verdicts,
        // a figure and its unit stay on one line
        diagnosis: diagnosis::lines(run)
            .into_iter()
            .map(|(about, words)| (about, words.replace(" %", "\u{a0}%")))
            .collect(),
        parts,
    }
}

fn hero(run: &Run) -> Vec<Hero> {
    let Some(score) = &run.score else { return Vec::new() };
    let item = |name: &str, value: f64, unit: &str| Hero {
        name: name.to_owned(),
        value: figures::rate(value),
        unit: unit.to_owned(),
    };
    let known = [
        ("Score", score.means.total, ""),
        ("Bandwidth", score.means.bandwidth, "GiB/s"),
        ("Metadata", score.means.metadata, "kIOPS"),
    ];
    // 0 is no figure: the phases that it is made of did not run
    let mut items: Vec<Hero> =
        known.into_iter().filter(|(_, mean, _)| *mean > 0.0).map(|(name, mean, unit)| item(name, mean, unit)).collect();
    if score.means.total <= 0.0 {
        return items;
    }
    if let Some(extended) = &score.extended {
        items.push(item("Extended score", extended.means.total, if extended.valid { "" } else { "INVALID" }));
    }
    if let Some((without, what)) = text::other_score(score) {
        items.push(item(&format!("Score {what}"), without.total, &text::gain(&score.means, without)));
    }
    items
}

fn phases(run: &Run) -> Option<Part> {
    let charts = ["GiB/s", "kIOPS"].iter().filter_map(|unit| charts::rates(run, unit)).chain(charts::timeline(run));
    let facts = tables::facts(run);
    Some(Part {
        id: "phases",
        title: "Phases",
        charts: charts.collect(),
        words: nodes::roofs(run),
        tables: vec![tables::phases(run), tables::parts(run)],
        folded: if facts.rows.is_empty() { Vec::new() } else { vec![facts] },
        ..Part::default()
    })
}

fn wear_out(run: &Run) -> Option<Part> {
    let table = tables::wear_out(run);
    let words = run.score.as_ref().and_then(|score| {
        let (without, what) = text::other_score(score)?;
        Some(format!(
            "{}, the score would have been {} instead of {} ({}).",
            text::sentence_case(what),
            figures::rate(without.total),
            figures::rate(score.means.total),
            text::gain(&score.means, without),
        ))
    });
    let words = words.into_iter().collect();
    (!table.rows.is_empty()).then(|| Part {
        id: "wear-out",
        title: "Stonewall and wear-out",
        words,
        tables: vec![table],
        ..Part::default()
    })
}

fn stragglers(run: &Run) -> Option<Part> {
    let spread = tables::spread(run);
    if spread.rows.is_empty() {
        return None;
    }
    let charts: Vec<Chart> = run.phases.iter().filter_map(charts::ranks).collect();
    let slowest = Some(tables::slowest(run)).filter(|table| !table.rows.is_empty());
    // without pictures the table is what shows the ranks
    let (shown, folded) = if charts.is_empty() { (slowest, None) } else { (None, slowest) };
    let tables = [spread, tables::nodes(run)].into_iter().chain(shown).collect();
    let folded = folded.into_iter().collect();
    Some(Part { id: "stragglers", title: "Stragglers", charts, tables, folded, ..Part::default() })
}

fn latency(run: &Run) -> Option<Part> {
    let table = tables::latencies(run);
    if table.rows.is_empty() {
        return None;
    }
    let charts = run.phases.iter().filter_map(charts::latencies).collect();
    let nodes = tables::node_latencies(run);
    let folded = if nodes.rows.is_empty() { Vec::new() } else { vec![nodes] };
    Some(Part { id: "latency", title: "Latency", charts, tables: vec![table], folded, ..Part::default() })
}

fn series(run: &Run) -> Option<Part> {
    let charts: Vec<Chart> =
        run.phases.iter().flat_map(|phase| [charts::series(phase), charts::series_p99(phase)]).flatten().collect();
    let tables = vec![tables::stability(run)];
    (!charts.is_empty()).then(|| Part { id: "time", title: "Over time", charts, tables, ..Part::default() })
}

fn servers(run: &Run) -> Option<Part> {
    let table = server_tables::servers(run);
    (!table.rows.is_empty()).then(|| Part {
        id: "servers",
        title: "Servers",
        words: server_tables::words(run),
        tables: filled([table, server_tables::latencies(run)]),
        folded: filled([server_tables::engines(run), server_tables::targets(run), server_tables::activity(run)]),
        ..Part::default()
    })
}

fn filled<const N: usize>(tables: [Table; N]) -> Vec<Table> {
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn clients(run: &Run) -> Option<Part> {
    let tables = vec![server_tables::clients(run)];
    let told = run.client_metrics.is_some();
    told.then(|| Part { id: "clients", title: "Clients' metrics", tables, ..Part::default() })
}

fn nodes(run: &Run) -> Option<Part> {
    let charts: Vec<Chart> = node_drawing::of_run(run);
    let (findings, counters) = (nodes::findings(run), nodes::counters(run));
    (!charts.is_empty() || !findings.rows.is_empty() || !counters.rows.is_empty()).then(|| Part {
        id: "nodes",
        title: "Nodes",
        words: nodes::words(run),
        charts,
        tables: filled([findings]),
        wordy: true,
        folded: filled([counters]),
        ..Part::default()
    })
}

fn storage(run: &Run) -> Option<Part> {
    let table = tables::storage(run);
    (!table.rows.is_empty()).then(|| Part {
        id: "storage",
        title: "Storage options",
        tables: vec![table],
        wordy: true,
        ..Part::default()
    })
}

fn provenance(run: &Run) -> Option<Part> {
    let tables = vec![tables::provenance(run)];
    Some(Part { id: "provenance", title: "Provenance", tables, wordy: true, ..Part::default() })
}

fn configuration(run: &Run) -> Option<Part> {
    let (given, defaults) = (tables::configuration(run, true), tables::configuration(run, false));
    (!run.configuration.is_empty()).then(|| Part {
        id: "configuration",
        title: "Configuration",
        tables: vec![given],
        wordy: true,
        folded: if defaults.rows.is_empty() { Vec::new() } else { vec![defaults] },
        ..Part::default()
    })
}
