//! A page of sections with sentences, pictures and tables, for what is more than one run: campaigns, histories.

use super::charts::Chart;
use super::html::{Hero, fill};
use super::tables::Table;
use anyhow::Result;
use minijinja::context;
use serde::Serialize;

/// A section.
#[derive(Debug, Serialize, Default)]
pub struct Section {
    /// Its anchor.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Sentences.
    pub list: Vec<String>,
    /// Pictures.
    pub charts: Vec<Chart>,
    /// Tables that are shown.
    pub tables: Vec<Table>,
    /// Whether the tables hold words, which may break, rather than figures.
    pub wordy: bool,
    /// Tables that are folded away.
    pub folded: Vec<Table>,
}

impl Section {
    /// A section that is shown only if it has something.
    pub fn filled(mut self) -> Option<Section> {
        self.tables.retain(|table| !table.rows.is_empty());
        self.folded.retain(|table| !table.rows.is_empty());
        let empty = self.list.is_empty() && self.charts.is_empty() && self.tables.is_empty() && self.folded.is_empty();
        (!empty).then_some(self)
    }
}

/// A page; like all of them it needs no network and holds no script.
pub fn page(title: &str, subtitle: &str, hero: &[Hero], warnings: &[String], parts: Vec<Section>) -> Result<String> {
    let parts: Vec<Section> = parts.into_iter().filter_map(Section::filled).collect();
    fill("sections.html", context! { title, subtitle, hero, warnings, parts })
}
