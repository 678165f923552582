//! One rank's phase over time, in memory that does not grow: a row of intervals that double in length when the row is full.
//!
//! Operations are counted from the looks that the loop takes anyway, twenty times a second, so counting costs the operations nothing. Where
//! latencies are recorded, every interval also has a coarse histogram of those of the operation that the phase is about.

use super::histograms::{COUNTS, greatest_at};
use super::recorder::{OpKind, Recorder};

/// Intervals of a row. A phase of 300 s has 188 of 1.6 s, one of 36,000 s has 176 of 204.8 s.
pub const INTERVALS: usize = 256;
/// Length of the first intervals, nanoseconds.
pub const SHORTEST_NS: u64 = 100_000_000;
/// Places of a histogram that make a class of a coarse one, as a power of two: sixteen classes per octave.
pub const CLASS_BITS: u32 = 6;
/// What counts as the last seconds.
const RECENT_NS: u64 = 5_000_000_000;
/// Classes of a coarse histogram.
pub const CLASSES: usize = COUNTS >> CLASS_BITS;

/// One rank's phase over time. As a recorder it takes no latencies.
#[derive(Debug, Clone)]
pub struct Series {
    interval_ns: u64,
    operations: Vec<u64>,
    /// Counts by interval and class; empty without latencies.
    classes: Vec<u32>,
    /// Where the coarse histogram of the current interval begins, when that interval begins and how long it is.
    base: usize,
    since: u64,
    span: u64,
    /// When the current loop began: the loops of a phase follow each other without a gap.
    origin: u64,
    /// What the last look saw of the loop, and when it was.
    done: u64,
    reached: u64,
    marks: Option<Marks>,
    stall: Stall,
}

/// When a rank stopped for the stonewall, and when all had reached it; nanoseconds of the phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// The rank hit the stonewall or had done everything.
    pub left: u64,
    /// Wear-out began.
    pub met: u64,
}

/// A time in which a rank finished nothing; nanoseconds of the phase. Where other operations ended between two looks it is at least so
/// long, and at most a look's distance longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stall {
    /// When it began.
    pub begin: u64,
    /// How long it was.
    pub length: u64,
}

impl Series {
    /// An empty row without latencies.
    pub fn new() -> Self {
        Series {
            interval_ns: SHORTEST_NS,
            operations: vec![0; INTERVALS],
            classes: Vec::new(),
            base: 0,
            since: 0,
            span: SHORTEST_NS,
            origin: 0,
            done: 0,
            reached: 0,
            marks: None,
            stall: Stall::default(),
        }
    }

    /// An empty row with 592 KiB of coarse histograms. The memory is really there.
    pub fn with_latencies() -> Self {
        let mut classes = vec![0; INTERVALS * CLASSES];
        std::hint::black_box(&mut classes).fill(0);
        Series { classes, ..Self::new() }
    }

    /// Length of the intervals, nanoseconds.
    pub fn interval_ns(&self) -> u64 {
        self.interval_ns
    }

    /// Operations by interval.
    pub fn operations(&self) -> &[u64] {
        &self.operations
    }

    /// Latencies by interval and class, [`CLASSES`] for each interval; empty where none are recorded.
    pub fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// When the loop ended, nanoseconds of the phase.
    pub fn end(&self) -> u64 {
        self.reached
    }

    /// The stonewall, in phases that have one.
    pub fn marks(&self) -> Option<Marks> {
        self.marks
    }

    /// The longest time in which the rank finished nothing.
    pub fn stall(&self) -> Stall {
        self.stall
    }

    /// The 99th percentile of the latencies of the last seconds before `now`, nanoseconds of the loop. Reads at most fifty intervals.
    pub fn recent_p99(&self, now: u64) -> Option<u64> {
        if self.classes.is_empty() {
            return None;
        }
        let at = self.origin + now;
        let last = ((at / self.interval_ns) as usize).min(INTERVALS - 1);
        let first = (at.saturating_sub(RECENT_NS) / self.interval_ns) as usize;
        let rows = &self.classes[first.min(last) * CLASSES..(last + 1) * CLASSES];
        let total: u64 = rows.iter().map(|&count| u64::from(count)).sum();
        // from the longest down: few classes hold the last hundredth
        let mut beyond = 0;
        let class = (0..CLASSES).rev().find(|class| {
            beyond += rows.iter().skip(*class).step_by(CLASSES).map(|&count| u64::from(count)).sum::<u64>();
            beyond > total / 100
        });
        class.filter(|_| total > 0).map(|class| greatest_at(((class + 1) << CLASS_BITS) - 1))
    }

    /// Adds the latencies that another thread of the rank has counted in a row of its own.
    pub fn merge_latencies(&mut self, mut other: Series) {
        other.coarsen_to(self.interval_ns);
        self.coarsen_to(other.interval_ns);
        for (sum, count) in self.classes.iter_mut().zip(&other.classes) {
            *sum = sum.saturating_add(*count);
        }
    }

    /// Makes the intervals `interval_ns` long, a power of two times what they are.
    pub fn coarsen_to(&mut self, interval_ns: u64) {
        while self.interval_ns < interval_ns {
            self.coarsen();
        }
    }

    #[cold]
    fn coarsen(&mut self) {
        self.interval_ns *= 2;
        for at in 0..INTERVALS / 2 {
            self.operations[at] = self.operations[2 * at] + self.operations[2 * at + 1];
        }
        self.operations[INTERVALS / 2..].fill(0);
        if self.classes.is_empty() {
            return;
        }
        for at in 0..INTERVALS / 2 {
            for class in 0..CLASSES {
                let (left, right) = (2 * at * CLASSES + class, (2 * at + 1) * CLASSES + class);
                self.classes[at * CLASSES + class] = self.classes[left].saturating_add(self.classes[right]);
            }
        }
        self.classes[INTERVALS / 2 * CLASSES..].fill(0);
        self.span = 0; // the current interval is another one now
    }

    /// The interval of a time; makes room for it.
    fn interval_of(&mut self, at: u64) -> usize {
        while at / self.interval_ns >= INTERVALS as u64 {
            self.coarsen();
        }
        (at / self.interval_ns) as usize
    }

    /// Counts a latency at a place of the fine histogram, for an operation that ended at `at` nanoseconds of the loop.
    #[inline]
    pub fn add(&mut self, place: usize, at: u64) {
        let at = self.origin + at;
        // one comparison for both sides: threads hand in what they have measured a little later
        if at.wrapping_sub(self.since) >= self.span {
            self.turn(at);
        }
        let count = &mut self.classes[self.base + (place >> CLASS_BITS)];
        *count = count.saturating_add(1);
    }

    #[cold]
    fn turn(&mut self, at: u64) {
        let interval = self.interval_of(at);
        self.base = interval * CLASSES;
        self.since = interval as u64 * self.interval_ns;
        self.span = self.interval_ns;
    }

    /// Counts operations that ended evenly spread over a time.
    fn spread(&mut self, mut count: u64, mut from: u64, to: u64) {
        let last = self.interval_of(to);
        while count > 0 {
            let interval = self.interval_of(from);
            if interval >= last {
                self.operations[last] += count;
                return;
            }
            let edge = (interval as u64 + 1) * self.interval_ns;
            let here = (u128::from(count) * u128::from(edge - from) / u128::from(to - from)) as u64;
            self.operations[interval] += here;
            count -= here;
            from = edge;
        }
    }
}

impl Default for Series {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder for Series {
    const ON: bool = false;

    #[inline]
    fn record(&mut self, _kind: OpKind, _nanos: u64, _at: u64) {}

    fn fork(&self) -> Self {
        Series::new()
    }

    /// The looks that operations are counted from are the rank's.
    fn join(&mut self, _fork: Self) {}

    fn begin(&mut self) {
        self.origin = self.reached;
        self.done = 0;
    }

    fn look(&mut self, done: u64, before: u64, now: u64) {
        let (before, now) = (self.origin + before, self.origin + now);
        let new = done - self.done;
        if new > 0 {
            // alone since the last look, an operation took all the time since; else it began before the look was due
            let before = if new == 1 { self.reached } else { before.clamp(self.reached, now) };
            self.spread(new - 1, self.reached, before);
            let interval = self.interval_of(now);
            self.operations[interval] += 1;
            if now - before > self.stall.length {
                self.stall = Stall { begin: before, length: now - before };
            }
        }
        self.done = done;
        self.reached = now.max(self.reached);
    }

    fn stonewall_barrier(&mut self, now: u64) {
        let now = self.origin + now;
        self.marks = Some(Marks { left: self.reached, met: now });
        self.reached = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEAT: u64 = 50_000_000;

    /// Runs operations of these lengths under looks as the loop takes them; the exact ends.
    fn run(series: &mut Series, lengths: &[u64]) -> Vec<u64> {
        let (mut now, mut next_look, mut done, mut ends) = (0, BEAT, 0, Vec::new());
        for &length in lengths {
            now += length;
            done += 1;
            ends.push(now);
            if !series.classes.is_empty() {
                series.add(crate::engine::histograms::place(length), now);
            }
            if now > next_look {
                series.look(done, next_look, now);
                next_look = now + BEAT;
            }
        }
        series.look(done, next_look.min(now), now);
        ends
    }

    #[test]
    fn the_recent_tail_is_that_of_the_last_seconds() {
        let mut series = Series::with_latencies();
        assert_eq!(Series::new().recent_p99(0), None);
        assert_eq!(series.recent_p99(0), None);
        // ten seconds of 1 ms, then ten of 8 ms
        run(&mut series, &[vec![1_000_000; 10_000], vec![8_000_000; 1250]].concat());
        let near = |found: Option<u64>, wanted: f64| (found.unwrap() as f64 / wanted - 1.0).abs() < 0.1;
        assert!(near(series.recent_p99(10_000_000_000), 1e6), "{:?}", series.recent_p99(10_000_000_000));
        assert!(near(series.recent_p99(20_000_000_000), 8e6), "{:?}", series.recent_p99(20_000_000_000));
    }

    proptest! {
        #[test]
        fn no_operation_is_lost_or_counted_a_beat_off(parts in prop::collection::vec((1u64..2_000_000_000, 1usize..200), 1..40)) {
            // alternately slow and fast
            let lengths: Vec<u64> = parts.iter().flat_map(|&(ns, count)| std::iter::once(ns).chain(std::iter::repeat_n(ns / 1000 + 1, count))).collect();
            let mut series = Series::with_latencies();
            let ends = run(&mut series, &lengths);
            let by = |at: u64| ends.partition_point(|&end| end < at) as u64;
            let (mut counted, mut recorded) = (0, 0);
            for (at, &count) in series.operations().iter().enumerate() {
                counted += count;
                let edge = (at as u64 + 1) * series.interval_ns();
                prop_assert!((by(edge.saturating_sub(BEAT + 1))..=by(edge + BEAT)).contains(&counted), "{counted} at {edge}");
                recorded += series.classes()[at * CLASSES..(at + 1) * CLASSES].iter().map(|&count| u64::from(count)).sum::<u64>();
                prop_assert_eq!(recorded, by(edge));
            }
            prop_assert_eq!(counted, ends.len() as u64);
            let longest = *lengths.iter().max().unwrap();
            let found = series.stall().length;
            prop_assert!(found <= longest.max(BEAT + longest) && found + BEAT >= longest, "{found} {longest}");
        }

        #[test]
        fn coarsening_first_or_last_is_the_same(lengths in prop::collection::vec(1u64..300_000_000, 1..100), doublings in 0u32..6) {
            let (mut first, mut last) = (Series::with_latencies(), Series::with_latencies());
            last.coarsen_to(SHORTEST_NS << doublings);
            run(&mut first, &lengths);
            run(&mut last, &lengths);
            first.coarsen_to(last.interval_ns());
            last.coarsen_to(first.interval_ns());
            prop_assert_eq!(first.classes(), last.classes());
            prop_assert_eq!(first.operations().iter().sum::<u64>(), last.operations().iter().sum::<u64>());
        }
    }

    #[test]
    fn ten_hours_fit_in_the_row() {
        let mut series = Series::with_latencies();
        let memory = (series.operations.capacity(), series.classes.capacity());
        run(&mut series, &vec![1_000_000_000; 36_000]);
        assert_eq!(series.interval_ns(), 204_800_000_000);
        assert_eq!((series.operations.capacity(), series.classes.capacity()), memory);
        assert_eq!(series.operations().iter().sum::<u64>(), 36_000);
        let full = 36_000 * 1_000_000_000 / series.interval_ns() as usize;
        assert!(series.operations()[..full].iter().all(|&count| (203..=206).contains(&count)));
        assert_eq!(series.stall(), Stall { begin: 0, length: 1_000_000_000 });
    }

    #[test]
    fn a_second_loop_goes_on_where_the_first_ended() {
        let mut series = Series::with_latencies();
        for _ in 0..2 {
            series.begin();
            run(&mut series, &[40_000_000; 10]);
        }
        assert_eq!(series.end(), 800_000_000);
        assert_eq!(series.operations().iter().sum::<u64>(), 20);
        assert!(
            series.operations()[1..8].iter().all(|&count| (1..=4).contains(&count)),
            "{:?}",
            &series.operations()[..9]
        );
    }

    #[test]
    fn waiting_for_the_others_is_no_stall() {
        let mut series = Series::new();
        run(&mut series, &[10_000_000; 30]);
        series.stonewall_barrier(9_000_000_000);
        series.look(31, 9_000_000_000, 9_010_000_000);
        assert_eq!(series.marks(), Some(Marks { left: 300_000_000, met: 9_000_000_000 }));
        assert_eq!(series.stall().length, 10_000_000);
        assert_eq!((series.operations()[..4].iter().sum::<u64>(), series.operations()[90]), (30, 1));
    }
}
