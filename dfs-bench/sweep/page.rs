//! A campaign's report as one HTML page that needs nothing else and can be printed.

use super::found::Analysis;
use super::{charts, tables};
use crate::report::figures;
use crate::report::html::Hero;
use crate::report::sections::{Section, page};

/// Renders it; `sentences` are the findings in words.
pub fn render(found: &Analysis, sentences: &[String]) -> anyhow::Result<String> {
    let (good, failed, lost) = found.runs;
    let tried = found.cells.iter().filter(|cell| cell.runs > 0).count();
    let subtitle = format!(
        "{tried} cells in full, {good} runs that count, {failed} failed, {lost} lost or running; objective: {}",
        found.objective
    );
    let section = |id: &str, title: &str| Section { id: id.into(), title: title.into(), ..Section::default() };
    let all_cells = tables::cells(found, usize::MAX);
    let parts = vec![
        Section { list: sentences.to_vec(), ..section("findings", "Findings") },
        Section {
            charts: charts::waterfall(found).into_iter().collect(),
            tables: vec![tables::steps(found)],
            ..section("tuned", "From baseline to tuned")
        },
        Section {
            charts: charts::effects(found).into_iter().collect(),
            tables: vec![tables::effects(found)],
            ..section("effects", "What each setting does")
        },
        Section { charts: charts::maps(found), ..section("pairs", "Two settings at once") },
        Section { charts: charts::curves(found), ..section("curves", "Over amounts") },
        Section {
            charts: charts::phases(found),
            tables: vec![tables::per_figure(found), tables::paths(found)],
            ..section("phases", "Phases")
        },
        Section {
            charts: charts::trade_off(found).into_iter().collect(),
            tables: vec![tables::trade_off(found)],
            ..section("trade-off", "Bandwidth against metadata")
        },
        Section {
            charts: charts::scaling(found),
            tables: vec![tables::scaling(found), tables::sizes(found)],
            ..section("scaling", "Scaling")
        },
        Section { tables: found.scouting.iter().map(tables::rungs).collect(), ..section("rungs", "Scouting") },
        Section { tables: vec![tables::over_time(found)], ..section("time", "Over time") },
        Section {
            tables: vec![tables::cells(found, tables::SHOWN)],
            folded: if found.cells.len() > tables::SHOWN { vec![all_cells] } else { Vec::new() },
            ..section("cells", "Cells")
        },
        Section { tables: vec![tables::runs(found)], wordy: true, ..section("runs", "Runs to look at") },
    ];
    page(&found.name, &subtitle, &hero(found), &warnings(found), parts)
}

/// The figures that the story is about.
fn hero(found: &Analysis) -> Vec<Hero> {
    let Some(best) = found.best.as_ref().filter(|best| best.beats_baseline) else { return Vec::new() };
    let (from, to) = (&found.cells[0].figures, &found.cells[best.cell].figures);
    let names =
        [("score", "Score"), ("bandwidth", "Bandwidth"), ("metadata", "IOPS"), (&found.objective, &found.objective)];
    let mut hero: Vec<Hero> = Vec::new();
    for (figure, name) in names {
        let (Some(before), Some(after)) = (from.get(figure), to.get(figure)) else { continue };
        if hero.iter().all(|other| other.name.to_lowercase() != figure) {
            let unit = format!("{} \u{2192} {}", figures::rate(*before), figures::rate(*after));
            hero.push(Hero { name: name.to_owned(), value: figures::times(after / before), unit });
        }
    }
    hero
}

fn warnings(found: &Analysis) -> Vec<String> {
    match &found.best {
        None => vec!["No run in full has brought the objective yet.".into()],
        Some(best) if !best.beats_baseline => vec!["No cell beats the baseline beyond chance.".into()],
        Some(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::analysis::analyse;
    use super::super::journal::{Run, State};
    use super::super::outcome::Outcome;
    use super::super::schedule::{Next, Schedule};
    use super::super::testing::campaign;
    use super::*;
    use crate::report::browser;

    const PHASES: [&str; 12] = [
        "ior-easy-write",
        "mdtest-easy-write",
        "ior-hard-write",
        "mdtest-hard-write",
        "find",
        "ior-easy-read",
        "mdtest-easy-stat",
        "ior-hard-read",
        "mdtest-hard-stat",
        "mdtest-easy-delete",
        "mdtest-hard-read",
        "mdtest-hard-delete",
    ];

    /// A finished campaign with nodes as its first axis.
    fn finished(sizes: &[usize]) -> Analysis {
        let mut plan = campaign("repeats = 3", sizes);
        plan.axes[0].name = "nodes".into();
        plan.axes[0].env = None;
        plan.axes[0].values = (0..sizes[0]).map(|n| super::super::axis::Value::Int(1 << n)).collect();
        let schedule = Schedule::new(&plan).unwrap();
        let mut state = State { campaign: plan.clone(), runs: Vec::new(), forgiven: 0 };
        let mut rng = fastrand::Rng::with_seed(9);
        for slot in schedule.slots(&state) {
            let cell = schedule.cell_of(&slot).unwrap();
            let nodes = f64::from(1u32 << cell.levels[0]);
            let log = (nodes / (1.0 + 0.1 * (nodes - 1.0))).ln() + 0.2 * cell.levels[1] as f64 + 0.03 * rng.f64();
            let names = ["score", "bandwidth", "metadata"].into_iter().chain(PHASES);
            let figures =
                names.enumerate().map(|(at, name)| (name.to_owned(), (log + 0.1 * at as f64).exp())).collect();
            let number = state.runs.len() as u64 + 1;
            let outcome = match number {
                17 => Outcome::failed("exit code 4: a server was <lost>", 9.0),
                _ => Outcome { figures, seconds: 60.0, ..Outcome::default() },
            };
            state.runs.push(Run {
                number,
                slot,
                attempt: 1,
                started: String::new(),
                job: None,
                outcome: Some(outcome),
            });
        }
        assert_eq!(schedule.next(&state), Next::Done);
        analyse(&state).unwrap()
    }

    #[test]
    fn the_page_shows_whole_at_every_width() {
        let found = finished(&[4, 3, 2]);
        let page = render(&found, &["Something was found.".into()]).unwrap();
        assert!(page.contains("a server was &lt;lost&gt;"), "the failed run is named");
        let Some(browser) = browser::chromium() else { return };
        // waterfall, effects, three maps, two curves, 15 figures over nodes, the trade-off, 30 of scaling
        browser::check(&browser, &page, 53, 8);
    }

    #[test]
    fn five_hundred_cells_with_three_repeats_stay_a_page() {
        let found = finished(&[5, 5, 5, 4]);
        assert_eq!(found.cells.len(), 500);
        let page = render(&found, &[]).unwrap();
        assert!(page.len() < 2 << 20, "{} bytes", page.len());
    }
}
