//! A history as one HTML page that needs nothing else and can be printed.

use super::charts;
use super::found::History;
use super::gate::Gate;
use super::report;
use crate::report::sections::{Section, page};

/// Series whose charts are shown; of the others the tables are.
const CHARTED: usize = 6;

/// Renders it.
pub fn render(history: &History, gate: Option<&Gate>) -> anyhow::Result<String> {
    let mut parts = Vec::new();
    for (number, series) in history.series.iter().filter(|series| report::is_long(series)).enumerate() {
        let charts = series.figures.iter().filter(|_| number < CHARTED);
        let mut list = report::sentences(history, series);
        if number == 0 {
            list.extend(gate.iter().flat_map(|gate| &gate.tolerated).map(|words| format!("Tolerated: {words}")));
        }
        parts.push(Section {
            id: format!("series-{}", number + 1),
            title: report::name(history, series),
            list,
            charts: charts.filter_map(|figure| charts::chart(history, figure)).collect(),
            tables: vec![report::last_runs(series), report::changes(history, series)],
            ..Section::default()
        });
    }
    parts.push(Section {
        id: "others".into(),
        title: "Other runs".into(),
        tables: vec![report::short(history), report::left_out(history)],
        wordy: true,
        ..Section::default()
    });
    let subtitle = "Blue: the runs; green: the median of the twenty before each; grey: the limits of chance around it, beyond which a steady \
                    machine comes in 3 of 1,000 runs; rings: runs beyond; dashed: a new level.";
    let warnings: Vec<String> = gate.filter(|gate| !gate.passed).map(Gate::words).into_iter().collect();
    page(&report::title(history), subtitle, &[], &warnings, parts)
}

#[cfg(test)]
mod tests {
    use super::super::found::find;
    use super::super::found::tests::slower;
    use super::*;
    use crate::report::browser;
    use std::path::Path;

    #[test]
    fn the_page_shows_whole_at_every_width() {
        let mut history = find(Path::new("/results"), slower());
        history.left_out.push(("/results/broken".into(), "it is not JSON".into()));
        let page = render(&history, None).unwrap();
        let Some(browser) = browser::chromium() else { return };
        // score, means and thirteen phases
        browser::check(&browser, &page, 16, 3);
    }
}
