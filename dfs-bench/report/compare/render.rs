//! A comparison as text, markdown, JSON and HTML.

use super::charts;
use super::gate::Gate;
use super::model::{Comparison, Versus};
use super::repeats::{self, Repeats};
use crate::report::figures::{percent, rate, times};
use crate::report::html;
use crate::report::markdown;
use crate::report::tables::{Table, UNKNOWN, or_unknown};
use crate::report::text;
use anyhow::Result;
use minijinja::context;
use serde_json::json;
use std::fmt::Write;

/// Raised when a field changes its meaning or goes away; new fields do not raise it.
const VERSION: u32 = 1;

/// For a terminal.
pub fn to_text(found: &Comparison, gate: Option<&Gate>) -> String {
    let mut out = String::new();
    for warning in &found.warnings {
        let _ = writeln!(out, "WARNING: {warning}");
    }
    for versus in &found.versus {
        text::heading(&mut out, &title(found, versus), '=');
        if let Some(headline) = &versus.headline {
            let _ = writeln!(out, "{}", text::sentence_case(&headline.words()));
        }
        for sentence in sides(found, versus) {
            let _ = writeln!(out, "{sentence}");
        }
        list(&mut out, "Caveats", versus.concerns.iter().map(|concern| concern.words.as_str()));
        text::section(&mut out, "Ratios", &ratios(versus));
        list(&mut out, "In words", in_words(versus).iter().map(String::as_str));
        text::section(&mut out, "Other differences", &differences(found, versus));
    }
    list(&mut out, "Outliers", outliers(found).iter().map(String::as_str));
    if let Some(gate) = gate {
        text::heading(&mut out, "Gate", '-');
        let _ = writeln!(out, "{}", gate.words());
        gate.power().iter().for_each(|power| out.push_str(&text::wrapped(&text::sentence_case(power), 0)));
        for (title, sentences) in gate_lists(gate) {
            let _ = writeln!(out, "{title}:");
            sentences.iter().for_each(|sentence| out.push_str(&text::wrapped(&format!("- {sentence}"), 2)));
        }
    }
    out
}

/// What failed and what was tolerated, each under its title.
fn gate_lists(gate: &Gate) -> Vec<(&'static str, &Vec<String>)> {
    let lists = [("Failed", &gate.failures), ("Tolerated, within run-to-run noise", &gate.tolerated)];
    lists.into_iter().filter(|(_, sentences)| !sentences.is_empty()).collect()
}

/// A group of repeats by itself, for a terminal.
pub fn repeats_to_text(repeats: &Repeats) -> String {
    let mut out = String::new();
    text::heading(&mut out, &repeats_title(repeats), '=');
    repeats.words.iter().for_each(|sentence| out.push_str(&text::wrapped(sentence, 0)));
    text::section(&mut out, "Figures", &repeats::table(repeats));
    out
}

/// The same for tickets and wikis.
pub fn repeats_to_markdown(repeats: &Repeats) -> String {
    let mut out = String::new();
    markdown::heading(&mut out, 1, &repeats_title(repeats));
    repeats.words.iter().for_each(|sentence| {
        let _ = writeln!(out, "- {}", markdown::escape(sentence));
    });
    markdown::section(&mut out, 2, "Figures", &repeats::table(repeats));
    out
}

/// The same for machines.
pub fn repeats_to_json(repeats: &Repeats) -> serde_json::Result<String> {
    let summary = json!({ "format": "dfs-bench-repeats", "version": VERSION, "repeats": repeats });
    serde_json::to_string_pretty(&summary).map(|text| text + "\n")
}

/// The same as a page.
pub fn repeats_to_html(repeats: &Repeats) -> Result<String> {
    let title = repeats_title(repeats);
    let part = context! {
        title,
        sides => repeats.runs,
        ratios => repeats::table(repeats),
        words => repeats.words,
        differences => context! {},
    };
    html::fill("compare.html", context! { title, parts => vec![part] })
}

fn repeats_title(repeats: &Repeats) -> String {
    match repeats.runs.len() {
        1 => format!("{}, one run", repeats.label),
        runs => format!("{}, {runs} runs", repeats.label),
    }
}

/// For tickets and wikis.
pub fn to_markdown(found: &Comparison, gate: Option<&Gate>) -> String {
    let mut out = String::new();
    let bullets = |out: &mut String, title: &str, items: Vec<&str>| {
        if !items.is_empty() {
            markdown::heading(out, 2, title);
            for item in items {
                let _ = writeln!(out, "- {}", markdown::escape(item));
            }
        }
    };
    for warning in &found.warnings {
        let _ = writeln!(out, "**Warning: {}**\n", markdown::escape(warning));
    }
    for versus in &found.versus {
        markdown::heading(&mut out, 1, &title(found, versus));
        if let Some(headline) = &versus.headline {
            let _ = writeln!(out, "**{}**\n", text::sentence_case(&headline.words()));
        }
        for sentence in sides(found, versus) {
            let _ = writeln!(out, "- {}", markdown::escape(&sentence));
        }
        bullets(&mut out, "Caveats", versus.concerns.iter().map(|concern| concern.words.as_str()).collect());
        markdown::section(&mut out, 2, "Ratios", &ratios(versus));
        bullets(&mut out, "In words", in_words(versus).iter().map(String::as_str).collect());
        markdown::section(&mut out, 2, "Other differences", &differences(found, versus));
    }
    bullets(&mut out, "Outliers", outliers(found).iter().map(String::as_str).collect());
    if let Some(gate) = gate {
        markdown::heading(&mut out, 2, "Gate");
        let _ = writeln!(out, "{}\n", markdown::escape(&gate.words()));
        gate.power().iter().for_each(|power| {
            let _ = writeln!(out, "{}\n", text::sentence_case(power));
        });
        for (title, sentences) in gate_lists(gate) {
            let _ = writeln!(out, "{title}:\n");
            sentences.iter().for_each(|sentence| {
                let _ = writeln!(out, "- {}", markdown::escape(sentence));
            });
            out.push('\n');
        }
    }
    out
}

/// For machines: everything, unrounded.
pub fn to_json(found: &Comparison, gate: Option<&Gate>) -> serde_json::Result<String> {
    let comparison = json!({ "format": "dfs-bench-comparison", "version": VERSION, "comparison": found, "gate": gate });
    serde_json::to_string_pretty(&comparison).map(|text| text + "\n")
}

/// One page with pictures that needs no network.
pub fn to_html(found: &Comparison, gate: Option<&Gate>) -> Result<String> {
    let parts: Vec<_> = found
        .versus
        .iter()
        .map(|versus| {
            context! {
                title => title(found, versus),
                hero => versus.headline.iter().flat_map(|headline| headline.figures()).map(|figure| {
                    (figure.name, figure.value, if figure.certain { "" } else { "grey" })
                }).collect::<Vec<_>>(),
                sides => sides(found, versus),
                concerns => versus.concerns.iter().map(|concern| concern.words.as_str()).collect::<Vec<_>>(),
                charts => charts::ratios(versus, &found.baseline.label).into_iter().collect::<Vec<_>>(),
                ratios => ratios(versus),
                words => in_words(versus),
                differences => differences(found, versus),
            }
        })
        .collect();
    let gate = gate.map(|gate| {
        context! { passed => gate.passed, words => gate.words(), power => gate.power(), lists => gate_lists(gate) }
    });
    let outliers = outliers(found);
    let title = match found.versus.as_slice() {
        [one] => self::title(found, one),
        several => format!("{} groups against {}", several.len(), found.baseline.label),
    };
    html::fill("compare.html", context! { title, warnings => found.warnings, parts, outliers, gate })
}

fn title(found: &Comparison, versus: &Versus) -> String {
    format!("{} against {}", versus.side.label, found.baseline.label)
}

/// How many runs each side has.
fn sides(found: &Comparison, versus: &Versus) -> Vec<String> {
    let side = |name: &str, label: &str, runs: &[String]| match runs {
        [_] => format!("{name}: {label}, one run"),
        _ => format!("{name}: {label}, {} runs", runs.len()),
    };
    vec![
        side("A (baseline)", &found.baseline.label, &found.baseline.runs),
        side("B", &versus.side.label, &versus.side.runs),
    ]
}

/// The findings in words; one sentence instead of fifteen when nothing was repeated.
fn in_words(versus: &Versus) -> Vec<String> {
    if versus.lines.iter().all(|line| line.interval.is_none()) {
        return match versus.lines.first() {
            None => Vec::new(),
            Some(line) => vec![format!("{}: {}. This holds for every line above.", line.name, line.words)],
        };
    }
    versus.lines.iter().map(|line| format!("{}: {}.", line.name, line.words)).collect()
}

/// The outliers, or that there are none, and what was tested; empty where nothing could be tested.
fn outliers(found: &Comparison) -> Vec<String> {
    let Some(test) = found.outlier_test else { return Vec::new() };
    let none = found.outliers.is_empty().then(|| "No run is an outlier in its group.".to_owned());
    let named = found.outliers.iter().map(|outlier| outlier.words.clone());
    none.into_iter().chain(named).chain([test.to_owned()]).collect()
}

fn ratios(versus: &Versus) -> Table {
    let repeated = versus.lines.iter().any(|line| line.interval.is_some());
    let mut columns = vec!["What", "#A", "#B", "Unit", "#Ratio"];
    if repeated {
        columns.extend(["#95 % from", "#to", "Finding", "#Variation A", "#Variation B"]);
    }
    let caption = "Geometric means of each side and their ratio; above \u{d7}1 the second side is faster.";
    let mut table = Table::new("ratios", caption, &columns);
    for line in &versus.lines {
        let unit = if line.unit.is_empty() { UNKNOWN } else { line.unit };
        let mut row = vec![line.name.clone(), rate(line.a.mean), rate(line.b.mean), unit.to_owned(), times(line.ratio)];
        if repeated {
            row.push(or_unknown(line.interval, |(low, _)| times(low)));
            row.push(or_unknown(line.interval, |(_, high)| times(high)));
            row.push(line.finding.words().to_owned());
            row.push(or_unknown(line.a.variation, percent));
            row.push(or_unknown(line.b.variation, percent));
        }
        table.rows.push(row);
    }
    table
}

fn differences(found: &Comparison, versus: &Versus) -> Table {
    let caption = "Options, settings and environment that differ between the two sides.";
    let mut table = Table::new("differences", caption, &["What", "Kind", "A", "B", "Where"]);
    for change in &versus.differences {
        let scope = if change.scope.is_empty() { UNKNOWN } else { &change.scope };
        table.rows.push([change.name.as_str(), change.kind, &change.a, &change.b, scope].map(str::to_owned).to_vec());
    }
    table.caption.push_str(&format!(" A: {}, B: {}.", found.baseline.label, versus.side.label));
    table
}

fn list<'a>(out: &mut String, title: &str, items: impl Iterator<Item = &'a str>) {
    let items: Vec<&str> = items.collect();
    if !items.is_empty() {
        text::heading(out, title, '-');
        for item in items {
            let _ = writeln!(out, "- {item}");
        }
    }
}
