//! A map of ratios over two things that were varied: the picture of how they act together. Colours come from the style sheet.

use super::figures::times;
use super::svg::{WIDTH, label, open};
use std::fmt::Write as _;

/// Room for the names of the rows, and for those of the columns.
const LEFT: f64 = 112.0;
const TOP: f64 = 26.0;
/// Height of a row.
const ROW: f64 = 28.0;
/// Narrower boxes have no figure in them.
const NARROWEST: f64 = 46.0;

/// A map; `ratio` of row and column, none where nothing was measured. Gains are of one colour and losses of another, the stronger the farther
/// from 1; `more_is_better` says which is which.
pub fn draw(
    alt: &str,
    rows: &[String],
    columns: &[String],
    more_is_better: bool,
    ratio: impl Fn(usize, usize) -> Option<f64>,
) -> String {
    let width = (WIDTH - LEFT - 6.0) / columns.len().max(1) as f64;
    let all = || (0..rows.len()).flat_map(|row| (0..columns.len()).map(move |column| (row, column)));
    let farthest =
        all().filter_map(|(row, column)| ratio(row, column)).map(|ratio| ratio.ln().abs()).fold(1e-9, f64::max);
    let mut svg = open(alt, TOP + ROW * rows.len() as f64 + 4.0);
    for (column, name) in columns.iter().enumerate() {
        let middle = LEFT + width * (column as f64 + 0.5);
        label(&mut svg, middle, TOP - 9.0, "middle", &short(name, (width / 8.4) as usize));
    }
    for (row, name) in rows.iter().enumerate() {
        let top = TOP + ROW * row as f64;
        label(&mut svg, LEFT - 6.0, top + ROW / 2.0 + 4.0, "end", &short(name, 13));
        for column in 0..columns.len() {
            let left = LEFT + width * column as f64;
            let (box_width, box_height) = (width - 2.0, ROW - 2.0);
            let Some(ratio) = ratio(row, column) else {
                label(&mut svg, left + width / 2.0, top + ROW / 2.0 + 4.0, "middle", "\u{2013}");
                continue;
            };
            let class = if (ratio >= 1.0) == more_is_better { "gain" } else { "loss" };
            let strength = 0.04 + 0.46 * ratio.ln().abs() / farthest;
            let _ = write!(
                svg,
                r#"<rect class="heat {class}" x="{left:.1}" y="{top:.1}" width="{box_width:.1}" height="{box_height:.1}" fill-opacity="{strength:.2}"/>"#
            );
            if width >= NARROWEST {
                label(&mut svg, left + width / 2.0 - 1.0, top + ROW / 2.0 + 3.0, "middle", &times(ratio));
            }
        }
    }
    svg.push_str("</svg>");
    svg
}

/// As much of a name as there is room for.
pub fn short(name: &str, most: usize) -> String {
    match name.chars().count() > most.max(2) {
        true => name.chars().take(most.max(2) - 1).chain(['\u{2026}']).collect(),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_and_losses_differ_and_gaps_stay_empty() {
        let names = ["a".to_owned(), "b".to_owned()];
        let ratio = |row: usize, column: usize| [[Some(1.0), Some(2.0)], [Some(0.5), None]][row][column];
        let svg = draw("map", &names, &names, true, ratio);
        assert_eq!((svg.matches("heat gain").count(), svg.matches("heat loss").count()), (2, 1));
        assert!(svg.contains("\u{d7}2.00") && svg.contains("\u{2013}"));
        // of latencies less is the gain
        let svg = draw("map", &names, &names, false, ratio);
        assert_eq!(svg.matches("heat gain").count(), 1);
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("transferSize", 6), "trans\u{2026}");
        assert_eq!(short("4m", 6), "4m");
    }
}
