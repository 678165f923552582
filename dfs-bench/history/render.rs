//! A history in the format that is asked for.

use super::found::History;
use super::gate::Gate;
use super::{page, report};
use crate::args::history::HistoryFormat;
use crate::report::{markdown, text};
use anyhow::Context as _;

/// Renders it.
pub fn render(format: HistoryFormat, history: &History, gate: Option<&Gate>) -> anyhow::Result<String> {
    Ok(match format {
        HistoryFormat::Text => report::words(history, gate, "", text::drawn),
        HistoryFormat::Markdown => report::words(history, gate, "## ", markdown::pipes),
        HistoryFormat::Json => {
            let all = serde_json::json!({ "history": history, "gate": gate });
            serde_json::to_string_pretty(&all).context("the history as JSON")? + "\n"
        }
        HistoryFormat::Csv => report::csv(history)?,
        HistoryFormat::Html => page::render(history, gate)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::found::find;
    use super::super::found::tests::slower;
    use super::*;
    use std::path::Path;

    #[test]
    fn every_format_says_what_became_slower_since_when_and_what_differed() {
        let history = find(Path::new("/results"), slower());
        for format in [HistoryFormat::Text, HistoryFormat::Markdown, HistoryFormat::Html] {
            let text = render(format, &history, None).unwrap();
            for words in ["2026-01-31 02:00:00", "night-30", "below the 20 runs before", "libfabric", "1.22.0"] {
                assert!(text.contains(words), "{format:?} does not say {words}");
            }
        }
        let json: serde_json::Value =
            serde_json::from_str(&render(HistoryFormat::Json, &history, None).unwrap()).unwrap();
        assert_eq!(json["history"]["series"][0]["differences"]["30"][0]["name"], "libfabric");
        let csv = render(HistoryFormat::Csv, &history, None).unwrap();
        assert_eq!(csv.lines().filter(|line| line.contains(",bandwidth,")).count(), 36);
        assert!(
            csv.lines()
                .any(|line| line.starts_with("night-30,") && line.contains(",bandwidth,") && line.contains(",-1,"))
        );
    }
}
