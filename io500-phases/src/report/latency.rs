//! Latencies as text: the table, and the files that HdrHistogram's own tools read.

use crate::engine::OpKind;
use crate::engine::histograms::LatencyHistogram;
use crate::phase_id::PhaseId;
use crate::results::{LatencyResult, PhaseResult};
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// Nanoseconds in the unit of the tables and of `.hgrm` files, the microsecond.
const NS_PER_US: f64 = 1000.0;
/// How many steps a `.hgrm` file takes to halve the distance to 100 %; what HdrHistogram's tools use.
const STEPS_PER_HALVING: u32 = 5;

/// The latencies of these phases as a table; microseconds. Empty when none were recorded.
pub fn latency_table(phases: &[PhaseResult]) -> String {
    let rows: Vec<_> = phases.iter().flat_map(|phase| phase.latency.iter().map(|row| (phase.phase, row))).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("{:<20} {:<9} {:>12}", "latency [us]", "operation", "count");
    for column in ["min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"] {
        let _ = write!(text, " {column:>10}");
    }
    text.push('\n');
    for (phase, row) in rows {
        let LatencyResult { min_ns, mean_ns, p50_ns, p90_ns, p99_ns, p999_ns, p9999_ns, max_ns, .. } = *row;
        let _ = write!(text, "{phase:<20} {:<9} {:>12}", row.kind.name(), row.operations);
        for nanos in [min_ns as f64, mean_ns]
            .into_iter()
            .chain([p50_ns, p90_ns, p99_ns, p999_ns, p9999_ns, max_ns].map(|ns| ns as f64))
        {
            let _ = write!(text, " {:>10}", microseconds(nanos));
        }
        text.push('\n');
    }
    text
}

/// Three significant digits and no exponent.
fn microseconds(nanos: f64) -> String {
    let value = nanos / NS_PER_US;
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 1.0 {
        2
    } else {
        3
    };
    format!("{value:.digits$}")
}

/// Name of the file that holds [`hgrm`] of one kind of operation of a phase.
pub fn hgrm_name(phase: PhaseId, kind: OpKind) -> String {
    format!("{phase}.{}.hgrm", kind.name())
}

/// The percentile distribution in the layout that HdrHistogram's plotters read; values in microseconds.
pub fn hgrm(histogram: &LatencyHistogram) -> String {
    let histogram = histogram.inner();
    let mut text = format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut seen = 0;
    for step in histogram.iter_quantiles(STEPS_PER_HALVING) {
        seen += step.count_since_last_iteration();
        let (value, quantile) = (step.value_iterated_to() as f64 / NS_PER_US, step.quantile_iterated_to());
        let _ = match quantile {
            1.0.. => writeln!(text, "{value:>12.3} {quantile:>2.12} {seen:>10}"),
            _ => writeln!(text, "{value:>12.3} {quantile:>2.12} {seen:>10} {:>14.2}", 1.0 / (1.0 - quantile)),
        };
    }
    let (mean, deviation) = (histogram.mean() / NS_PER_US, histogram.stdev() / NS_PER_US);
    let max = histogram.max() as f64 / NS_PER_US;
    let sub_buckets = 2 << crate::engine::histograms::PER_OCTAVE_BITS;
    let _ = writeln!(text, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]");
    let _ = writeln!(text, "#[Max     = {max:>12.3}, Total count    = {:>12}]", histogram.len());
    let _ = writeln!(text, "#[Buckets = {:>12}, SubBuckets     = {sub_buckets:>12}]", histogram.buckets());
    text
}

/// One histogram of the log: the latencies of one kind of operation in one phase, nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct LogEntry<'a> {
    /// The phase.
    pub phase: PhaseId,
    /// The kind of operation.
    pub kind: OpKind,
    /// When the phase began.
    pub begin: SystemTime,
    /// How long it took.
    pub length: Duration,
    /// The latencies.
    pub histogram: &'a LatencyHistogram,
}

/// Name of the file that holds [`histogram_log`].
pub const LOG_NAME: &str = "latency.hlog";

/// The V2 histogram log of a run that began at `begin`: an interval for each entry, tagged `<phase>/<kind>`. Its readers show the maximum
/// in milliseconds.
pub fn histogram_log(begin: SystemTime, entries: &[LogEntry<'_>]) -> Vec<u8> {
    const NEVER: &str = "writing to memory does not fail";
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[Latencies in nanoseconds, one interval per phase and kind of operation]")
        .with_start_time(begin)
        .with_base_time(begin)
        .with_max_value_divisor(1e6)
        .begin_log_with(&mut bytes, &mut serializer)
        .expect(NEVER);
    for entry in entries {
        let tag = format!("{}/{}", entry.phase, entry.kind.name());
        let since = entry.begin.duration_since(begin).unwrap_or_default();
        log.write_histogram(entry.histogram.inner(), since, entry.length, Tag::new(&tag)).expect(NEVER);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry as Parsed};

    #[test]
    fn the_log_reads_back() {
        let begin = SystemTime::UNIX_EPOCH + Duration::from_millis(1_760_000_000_125);
        let (create, close) =
            (LatencyHistogram::of((1..5000).map(|i| i * i * 1000)), LatencyHistogram::of([700, 800, 1 << 45]));
        let entry = |kind, histogram, after| LogEntry {
            phase: PhaseId::MdtestEasyWrite,
            kind,
            begin: begin + Duration::from_secs(after),
            length: Duration::from_millis(300_250),
            histogram,
        };
        let log = histogram_log(begin, &[entry(OpKind::Create, &create, 3), entry(OpKind::Close, &close, 3)]);
        assert!(log.starts_with(b"#[Latencies in nanoseconds"), "{}", String::from_utf8_lossy(&log));
        let parsed: Vec<_> = IntervalLogIterator::new(&log).map(Result::unwrap).collect();
        let [Parsed::StartTime(start), Parsed::BaseTime(base), Parsed::Interval(first), Parsed::Interval(second)] =
            &parsed[..]
        else {
            panic!("{parsed:?}")
        };
        assert_eq!((start.as_millis(), base.as_millis()), (1_760_000_000_125, 1_760_000_000_125));
        for (interval, tag, expected) in
            [(first, "mdtest-easy-write/create", &create), (second, "mdtest-easy-write/close", &close)]
        {
            assert_eq!(interval.tag().unwrap().as_str(), tag);
            assert_eq!((interval.start_timestamp().as_millis(), interval.duration().as_millis()), (3000, 300_250));
            let bytes = decode_base64(interval.encoded_histogram());
            let found: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
            assert_eq!(&found, expected.inner());
        }
    }

    fn decode_base64(text: &str) -> Vec<u8> {
        let digit = |c: u8| match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        let mut bytes = Vec::new();
        for four in text.trim_end_matches('=').as_bytes().chunks(4) {
            let bits = four.iter().fold(0u32, |bits, &c| bits << 6 | u32::from(digit(c))) << (6 * (4 - four.len()));
            bytes.extend(&bits.to_be_bytes()[1..four.len()]);
        }
        bytes
    }

    #[test]
    fn the_distribution_has_the_layout_of_the_plotters() {
        let text = hgrm(&LatencyHistogram::of((1..=1000).map(|i| i * 1000)));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!((lines[1], lines[2]), ("", "       1.000 0.000000000000          1           1.00"));
        let half = lines.iter().find(|line| line.contains(" 0.500000000000 ")).unwrap();
        assert_eq!(half.split_whitespace().collect::<Vec<_>>(), ["500.223", "0.500000000000", "500", "2.00"]);
        let footer = lines.iter().position(|line| line.starts_with('#')).unwrap();
        assert_eq!(lines[footer - 1].split_whitespace().skip(1).collect::<Vec<_>>(), ["1.000000000000", "1000"]);
        assert!(
            lines[footer].starts_with("#[Mean    =      500.")
                && lines[footer].contains(", StdDeviation   =      288.")
        );
        assert_eq!(lines[footer + 1], "#[Max     =     1000.447, Total count    =         1000]");
        assert_eq!(lines[footer + 2], "#[Buckets =           36, SubBuckets     =         2048]");
    }

    #[test]
    fn microseconds_have_three_digits() {
        let shown = [0.0, 38.0, 1234.0, 98_765.0, 123_456.0, 98_765_432.1].map(microseconds);
        assert_eq!(shown, ["0.000", "0.038", "1.23", "98.8", "123", "98765"]);
    }
}
