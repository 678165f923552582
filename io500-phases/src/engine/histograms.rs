//! One rank's latency histograms: counts in HdrHistogram's geometry, which a sum over ranks merges.
//!
//! The crate `hdrhistogram` keeps its counts to itself, and the ranks need them as rows of numbers to add up. So the loop counts here, at
//! the places where that crate counts, and what leaves the loop is a [`LatencyHistogram`].

use hdrhistogram::Histogram;

/// Significant decimal digits of a latency.
pub const DIGITS: u8 = 3;
/// Counts per octave, as a power of two: 1,024 are needed for three digits.
pub const PER_OCTAVE_BITS: u32 = 10;
/// Values below this have a count of their own.
const LINEAR: u64 = 2 << PER_OCTAVE_BITS;
/// Octaves above the linear part. The longest latency told apart is 2^46 - 1 ns, more than the 36,000 s of a long run.
const OCTAVES: u32 = 35;
/// The longest latency, nanoseconds; longer ones are counted as this.
pub const LONGEST_NS: u64 = (LINEAR << OCTAVES) - 1;
/// Counts of one histogram: 296 KiB.
pub const COUNTS: usize = (OCTAVES as usize + 2) << PER_OCTAVE_BITS;

/// The place of a latency among the counts.
#[inline]
pub fn place(nanos: u64) -> usize {
    let nanos = nanos.min(LONGEST_NS);
    let octave = (u64::BITS - 1 - PER_OCTAVE_BITS) - (nanos | (LINEAR - 1)).leading_zeros();
    ((octave as usize) << PER_OCTAVE_BITS) + (nanos >> octave) as usize
}

/// The least latency that is counted at a place.
pub fn least_at(place: usize) -> u64 {
    let octave = (place >> PER_OCTAVE_BITS).saturating_sub(1);
    ((place - (octave << PER_OCTAVE_BITS)) as u64) << octave
}

/// The greatest latency that is counted at a place.
pub fn greatest_at(place: usize) -> u64 {
    least_at(place + 1) - 1
}

/// The latencies of one kind of operation.
#[derive(Debug, Clone)]
pub struct Counts {
    counts: Vec<u64>,
    sum: u64,
    min: u64,
    max: u64,
}

impl Counts {
    /// No latencies yet. The memory is really there: the first operations do not pay for page faults.
    pub fn new() -> Self {
        let mut counts = vec![0; COUNTS];
        std::hint::black_box(&mut counts).fill(0);
        Counts { counts, sum: 0, min: u64::MAX, max: 0 }
    }

    /// Counts one latency; returns its place.
    #[inline]
    pub fn add(&mut self, nanos: u64) -> usize {
        let place = place(nanos);
        self.counts[place] += 1;
        self.sum += nanos;
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
        place
    }

    /// Adds the latencies that were counted elsewhere.
    pub fn merge(&mut self, other: &Counts) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The counts, by place.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Nanoseconds of all latencies together.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The shortest and the longest latency, nanoseconds; none when there is none.
    pub fn extremes(&self) -> Option<(u64, u64)> {
        (self.min <= self.max).then_some((self.min, self.max))
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self::new()
    }
}

/// The latencies of one kind of operation, in nanoseconds, in HdrHistogram's geometry.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyHistogram(Histogram<u64>);

impl LatencyHistogram {
    /// Of these latencies, in nanoseconds.
    pub fn of(latencies: impl IntoIterator<Item = u64>) -> Self {
        let mut counts = Counts::new();
        for nanos in latencies {
            counts.add(nanos);
        }
        histogram(0, counts.counts())
    }

    /// How many latencies there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this part of all, from 0 to 1, does not exceed: nanoseconds, as exact as the geometry is.
    pub fn quantile(&self, part: f64) -> u64 {
        self.0.value_at_quantile(part)
    }

    /// As the crate that writes the files has it.
    pub(crate) fn inner(&self) -> &Histogram<u64> {
        &self.0
    }
}

/// The histogram with these counts, the first of which belongs to the place `from`.
pub fn histogram(from: usize, counts: &[u64]) -> LatencyHistogram {
    let mut histogram = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).expect("the bounds are within the crate's");
    for (place, &count) in (from..).zip(counts) {
        if count > 0 {
            histogram.record_n(least_at(place), count).expect("the place is within the bounds");
        }
    }
    LatencyHistogram(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn latencies() -> impl Strategy<Value = Vec<u64>> {
        // every octave is as likely as every other
        prop::collection::vec((0u32..47, any::<u64>()).prop_map(|(bits, value)| value & ((1 << bits) - 1)), 0..300)
    }

    fn counted(values: &[u64]) -> Counts {
        let mut counts = Counts::new();
        for &value in values {
            counts.add(value);
        }
        counts
    }

    fn by_the_crate(values: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).unwrap();
        values.iter().for_each(|&value| histogram.record(value).unwrap());
        histogram
    }

    #[test]
    fn the_places_are_those_of_hdrhistogram() {
        let empty = by_the_crate(&[]);
        assert_eq!(empty.distinct_values(), COUNTS);
        for (at, step) in empty.iter_all().enumerate() {
            assert_eq!(greatest_at(at), step.value_iterated_to());
            assert_eq!((place(least_at(at)), place(greatest_at(at))), (at, at));
        }
        assert_eq!(greatest_at(COUNTS - 1), LONGEST_NS);
        assert_eq!(place(u64::MAX), COUNTS - 1);
    }

    proptest! {
        #[test]
        fn counting_here_is_recording_there(values in latencies()) {
            let counts = counted(&values);
            prop_assert_eq!(histogram(0, counts.counts()).0, by_the_crate(&values));
            let extremes = values.iter().min().copied().zip(values.iter().max().copied());
            prop_assert_eq!(counts.extremes(), extremes);
            prop_assert_eq!(counts.sum(), values.iter().sum::<u64>());
        }

        #[test]
        fn adding_counts_is_adding_histograms(ranks in prop::collection::vec(latencies(), 1..6)) {
            let mut sum = vec![0; COUNTS];
            let mut expected = by_the_crate(&[]);
            for values in &ranks {
                sum.iter_mut().zip(counted(values).counts()).for_each(|(sum, count)| *sum += count);
                expected.add(by_the_crate(values)).unwrap();
            }
            prop_assert_eq!(histogram(0, &sum).0, expected);
            let mut merged = Counts::new();
            ranks.iter().for_each(|values| merged.merge(&counted(values)));
            let all = counted(&ranks.concat());
            prop_assert_eq!(merged.counts(), all.counts());
            prop_assert_eq!((merged.sum(), merged.extremes()), (all.sum(), all.extremes()));
        }
    }
}
