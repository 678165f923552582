//! Control charts: a figure run by run with its limits and its changes of level.

use super::found::{Figure, History};
use crate::report::charts::Chart;
use crate::report::figures::tick;
use crate::report::svg::{Axis, Plot, Scale, padded};

/// Rings around runs outside their limits at most: the last ones.
const RINGS: usize = 12;

/// The chart of a figure; none for fewer than three runs.
pub fn chart(history: &History, figure: &Figure) -> Option<Chart> {
    let points = &figure.points;
    if points.len() < 3 {
        return None;
    }
    let (least, most) = padded(points.iter().map(|point| point.value))?;
    // limits of a scattering start must not flatten the picture
    let inside = |value: &f64| *value > least / 1.5 && *value < most * 1.5;
    let ends = points.iter().flat_map(|point| [point.low, point.high]).flatten().filter(inside);
    let (low, high) = padded(ends.chain([least, most]))?;
    let day = |at: f64| {
        let point = points.get(at.round().max(0.0) as usize);
        point.map_or_else(String::new, |point| history.runs[point.run].began.strftime("%m-%d").to_string())
    };
    let show = |value: f64| tick(value);
    let title = if figure.unit.is_empty() { figure.name.clone() } else { format!("{} (not from 0)", figure.unit) };
    let alt = format!(
        "{} of {} runs with the limits of chance; the table has the last run's figures.",
        figure.name,
        points.len()
    );
    let x = Axis {
        low: -0.5,
        high: points.len() as f64 - 0.5,
        scale: Scale::Whole,
        title: "month and day of the run",
        show: &day,
    };
    let y = Axis { low: low.max(0.0), high, scale: Scale::Linear, title: &title, show: &show };
    let mut plot = Plot::new(&alt, 236.0, x, y);
    let line = |of: fn(&super::found::Point) -> Option<f64>| {
        let values = points.iter().map(move |point| of(point).filter(|value| *value >= low && *value <= high));
        values.enumerate().map(|(at, value)| (at as f64, value.unwrap_or(f64::NAN))).collect::<Vec<_>>()
    };
    plot.line("s3", line(|point| point.low).into_iter());
    plot.line("s3", line(|point| point.high).into_iter());
    plot.line("s2", line(|point| point.centre).into_iter());
    let values = || points.iter().enumerate().map(|(at, point)| (at as f64, point.value));
    plot.line("s0", values());
    plot.strokes("s0 wide", values().map(|(x, value)| (x, value, value)));
    let outside: Vec<usize> = (0..points.len()).filter(|&at| points[at].outside != 0).collect();
    for &at in outside.iter().rev().take(RINGS) {
        plot.ring(at as f64, points[at].value, "");
    }
    for level in figure.changes.iter().rev().take(1) {
        plot.moment(level.begins as f64 - 0.5, &format!("since {}", day(level.begins as f64)));
    }
    for level in figure.changes.iter().rev().skip(1) {
        plot.moment(level.begins as f64 - 0.5, "");
    }
    Some(Chart { caption: figure.name.clone(), svg: plot.finish() })
}
