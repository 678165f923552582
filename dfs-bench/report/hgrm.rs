//! Reads a percentile distribution as HdrHistogram's tools write it: the curve of a latency, far finer than its few figures.

/// The points (percentile 0 to 100, nanoseconds) of a `.hgrm` text, whose values are microseconds; empty when it is none.
pub fn points(text: &str) -> Vec<(f64, u64)> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let mut cells = line.split_whitespace();
        let value: f64 = cells.next()?.parse().ok()?;
        let share: f64 = cells.next()?.parse().ok()?;
        (value >= 0.0 && (0.0..=1.0).contains(&share)).then_some((share * 100.0, (value * 1000.0).round() as u64))
    })
    .collect()
}

/// What stands below the distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Operations.
    pub count: u64,
    /// Nanoseconds.
    pub mean: f64,
    /// Nanoseconds.
    pub max: f64,
}

/// The last lines of a `.hgrm` text; none where one of the figures is missing.
pub fn summary(text: &str) -> Option<Summary> {
    let figure = |name: &str| {
        let (_, rest) = text.lines().rev().take(3).find_map(|line| line.split_once(name))?;
        rest.trim_start().strip_prefix('=')?.split([',', ']']).next()?.trim().parse::<f64>().ok()
    };
    let (mean, max) = (figure("#[Mean")? * 1000.0, figure("#[Max")? * 1000.0);
    Some(Summary { count: figure("Total count")? as u64, mean, max })
}

#[cfg(test)]
mod tests {
    use super::{points, summary};
    use io500_phases::engine::histograms::LatencyHistogram;
    use io500_phases::report::hgrm;

    #[test]
    fn what_the_run_writes_is_read() {
        let histogram = LatencyHistogram::of((1..=1000).map(|i| i * 1000));
        let text = hgrm(&histogram);
        let summary = summary(&text).unwrap();
        assert_eq!((summary.count, summary.max), (1000, histogram.quantile(1.0) as f64));
        assert!((summary.mean / 500_500.0 - 1.0).abs() < 1e-3, "{summary:?}");
        let points = points(&text);
        assert_eq!(points.first(), Some(&(0.0, 1000)));
        assert_eq!(points.last().map(|(percentile, _)| *percentile), Some(100.0));
        assert!(points.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        let (_, median) = points.iter().find(|(percentile, _)| *percentile == 50.0).unwrap();
        assert!((499_000..=501_000).contains(median), "{median}");
    }

    #[test]
    fn other_text_has_no_points() {
        assert_eq!(summary("#[Mean = 1]\n"), None);
        assert!(points("Value Percentile\n\nhello world\n#[Mean = 1]\n").is_empty());
    }
}
