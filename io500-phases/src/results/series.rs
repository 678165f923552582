//! A phase over time, all ranks together, and how steady it was.
//!
//! Time is that of each rank's loop; loops begin together, right after a barrier. The ranks reduce the longest interval that any
//! of them needs and the ranges to add up, and then add them up: O(log n), at most 1.2 MB.

use super::step::{self, RateStep};
use crate::comm::{Comm, ReduceOp};
use crate::engine::OpKind;
use crate::engine::histograms::greatest_at;
use crate::engine::series::{CLASS_BITS, CLASSES, Series};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A phase over time, all ranks. Times are seconds since the loops began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct SeriesResult {
    /// Length of an interval, seconds: 0.1 s doubled until at most 256 intervals cover the phase.
    pub interval_s: f64,
    /// Operations by interval. Counted twenty times a second on every rank, so an interval's edge is at most 50 ms off.
    pub operations: Vec<u64>,
    /// Bytes by interval; empty where operations move none.
    pub bytes: Vec<u64>,
    /// The kind of operation that `p99_ns` is about; none when latencies were not recorded.
    pub latency_of: Option<OpKind>,
    /// By interval, the latency that 99 of 100 operations did not exceed, nanoseconds, to within 1/16 of an octave; null where none ended.
    /// Empty when latencies were not recorded.
    pub p99_ns: Vec<Option<u64>>,
    /// When the first rank stopped for the stonewall (or because it had done everything), in phases with a stonewall.
    pub stonewall_s: Option<f64>,
    /// When all ranks had reached the stonewall: wear-out lasts from here to the end.
    pub wear_out_s: Option<f64>,
    /// When the last rank's loop ended.
    pub end_s: f64,
}

/// How steady a phase was. Rates are compared over the whole intervals in which every rank was at work: before the stonewall, and before the
/// first rank was done. Absent figures had fewer than four such intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Stability {
    /// What a straight line through the rates gains from the first of these intervals to the last, as a part of their mean:
    /// -0.1 has lost a tenth.
    pub drift: Option<f64>,
    /// Standard deviation of the rates as a part of their mean.
    pub variation: Option<f64>,
    /// The interval with the lowest rate.
    pub slowest: Option<Window>,
    /// The longest time in which a rank finished nothing, waiting at the stonewall left out. Where it follows other operations closely it is at
    /// least so long and at most 50 ms longer.
    pub longest_stall: Option<RankStall>,
    /// The moment from which the rate was another one, where there is one that noise and drift do not explain.
    #[serde(default)]
    pub step: Option<RateStep>,
}

/// A part of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Window {
    /// Its begin, seconds since the loops began.
    pub begin_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Operations per second of all ranks.
    pub rate: f64,
    /// That rate as a part of the mean.
    pub of_mean: f64,
}

/// A rank that completed nothing for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct RankStall {
    /// Which rank.
    pub rank: usize,
    /// Where it ran.
    pub host: String,
    /// When the stall began, seconds since its loop began.
    pub begin_s: f64,
    /// For how long, seconds.
    pub length_s: f64,
}

/// Fewer intervals say nothing about steadiness.
const LEAST_INTERVALS: usize = 4;
/// Bits of a word that name a rank beside the length of its stall in microseconds.
const RANK_BITS: u32 = 20;

/// Merges the rows of all ranks. Collective; the result is on rank 0, the others get nothing. `leading` is the kind whose latencies are in
/// the row, `bytes_each` what an operation moves.
pub fn merge(
    comm: &dyn Comm,
    mut own: Series,
    leading: Option<OpKind>,
    bytes_each: u64,
) -> Option<(SeriesResult, Stability)> {
    let agreed = Agreed::on(comm, &own);
    own.coarsen_to(agreed.interval_ns);

    let rows = (agreed.end / agreed.interval_ns) as usize + 1;
    let mut sums: Vec<u64> = own.operations()[..rows].to_vec();
    if !own.classes().is_empty() {
        let classes = own.classes().chunks_exact(CLASSES).take(rows);
        sums.extend(classes.flat_map(|row| &row[agreed.classes.clone()]).map(|&count| u64::from(count)));
    }
    comm.reduce_u64(ReduceOp::Sum, &mut sums);
    let stall = agreed.stall(comm, &own);
    if comm.rank() != 0 {
        return None;
    }

    let (operations, counts) = sums.split_at(rows);
    let p99_ns = match agreed.classes.len() {
        0 => Vec::new(),
        classes => counts.chunks_exact(classes).map(|row| p99(row, agreed.classes.start)).collect(),
    };
    let result = SeriesResult {
        interval_s: seconds(agreed.interval_ns),
        operations: operations.to_vec(),
        bytes: if bytes_each > 0 { operations.iter().map(|count| count * bytes_each).collect() } else { Vec::new() },
        latency_of: leading.filter(|_| !p99_ns.is_empty()),
        p99_ns,
        stonewall_s: agreed.left.map(seconds),
        wear_out_s: agreed.met.map(seconds),
        end_s: seconds(agreed.end),
    };
    let all_at_work = agreed.left.unwrap_or(agreed.first_end).min(agreed.first_end);
    let steady = (all_at_work / agreed.interval_ns) as usize;
    let stability = stability(&operations[..steady.min(rows)], seconds(agreed.interval_ns), stall);
    Some((result, stability))
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// What the ranks have to know of each other before they add up.
struct Agreed {
    interval_ns: u64,
    /// When the last and the first rank's loop ended.
    end: u64,
    first_end: u64,
    /// When the first rank stopped for the stonewall, and when all had reached it.
    left: Option<u64>,
    met: Option<u64>,
    /// Classes that any rank has counts in.
    classes: std::ops::Range<usize>,
    /// The longest stall in microseconds, and whose it is.
    stall_us: u64,
    stalled: usize,
}

impl Agreed {
    fn on(comm: &dyn Comm, own: &Series) -> Self {
        let used = |class: &usize| own.classes().iter().skip(*class).step_by(CLASSES).any(|&count| count > 0);
        let classes = if own.classes().is_empty() { 0..0 } else { 0..CLASSES };
        let first = classes.clone().find(used).unwrap_or(CLASSES);
        let last = classes.rev().find(used).map_or(0, |class| class + 1);
        let marks = own.marks();
        let stall = (own.stall().length / 1000) << RANK_BITS | comm.rank() as u64;
        // one maximum finds minima too, as those of the complements
        let mut bounds = [
            own.interval_ns(),
            own.end(),
            !own.end(),
            marks.map_or(0, |marks| !marks.left),
            marks.map_or(0, |marks| marks.met),
            !(first as u64),
            last as u64,
            stall,
        ];
        comm.all_reduce_u64(ReduceOp::Max, &mut bounds);
        let [interval_ns, end, first_end, left, met, first, last, stall] = bounds;
        let last = last as usize;
        Agreed {
            interval_ns,
            end,
            first_end: !first_end,
            left: (left > 0).then_some(!left),
            met: (met > 0).then_some(met),
            classes: (!first as usize).min(last)..last,
            stall_us: stall >> RANK_BITS,
            stalled: (stall & ((1 << RANK_BITS) - 1)) as usize,
        }
    }

    /// The rank with the longest stall tells when and where.
    fn stall(&self, comm: &dyn Comm, own: &Series) -> Option<RankStall> {
        if self.stall_us == 0 {
            return None;
        }
        let mut told = own.stall().begin.to_le_bytes().to_vec();
        told.extend(comm.host().as_bytes());
        comm.broadcast(self.stalled, &mut told);
        let (begin, host) = told.split_first_chunk()?;
        Some(RankStall {
            rank: self.stalled,
            host: String::from_utf8_lossy(host).into_owned(),
            begin_s: seconds(u64::from_le_bytes(*begin)),
            length_s: self.stall_us as f64 / 1e6,
        })
    }
}

fn p99(counts: &[u64], first_class: usize) -> Option<u64> {
    let total: u64 = counts.iter().sum();
    let wanted = (total * 99).div_ceil(100);
    let mut seen = 0;
    let class = counts.iter().position(|count| {
        seen += count;
        seen >= wanted
    });
    class.filter(|_| total > 0).map(|class| greatest_at(((first_class + class + 1) << CLASS_BITS) - 1))
}

fn stability(operations: &[u64], interval_s: f64, longest_stall: Option<RankStall>) -> Stability {
    let rates: Vec<f64> = operations.iter().map(|&count| count as f64 / interval_s).collect();
    let count = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / count;
    if rates.len() < LEAST_INTERVALS || mean <= 0.0 {
        return Stability { drift: None, variation: None, slowest: None, longest_stall, step: None };
    }
    let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // least squares over the interval's number, counted from the middle
    let middle = (count - 1.0) / 2.0;
    let from_middle = || (0..rates.len()).map(|at| at as f64 - middle);
    let slope =
        from_middle().zip(&rates).map(|(x, rate)| x * rate).sum::<f64>() / from_middle().map(|x| x * x).sum::<f64>();
    let (slowest, &least) =
        rates.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).expect("there are at least four");
    Stability {
        drift: Some(slope * (count - 1.0) / mean),
        variation: Some(variance.sqrt() / mean),
        slowest: Some(Window {
            begin_s: slowest as f64 * interval_s,
            end_s: (slowest + 1) as f64 * interval_s,
            rate: least,
            of_mean: least / mean,
        }),
        longest_stall,
        step: step::find(&rates, interval_s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;
    use crate::engine::histograms::place;
    use crate::engine::{Latencies, Recorder};

    const SECOND: u64 = 1_000_000_000;
    const KINDS: &[OpKind] = &[OpKind::Create, OpKind::Close];

    /// A rank that creates a file every `every` ns from `from` to `to`, looked at every time.
    fn work(recorder: &mut Latencies, done: &mut u64, every: u64, (from, to): (u64, u64)) {
        let mut now = from;
        while now + every <= to {
            now += every;
            *done += 1;
            recorder.record(OpKind::Create, every, now);
            recorder.look(*done, now, now);
        }
    }

    #[test]
    fn ranks_add_up_on_the_longest_interval() {
        let merged = threads::run(3, |comm| {
            let (mut recorder, mut done) = (Latencies::new(KINDS), 0);
            // rank 2 takes longest, and must coarsen its row
            let end = [20 * SECOND, 20 * SECOND, 30 * SECOND][comm.rank()];
            work(&mut recorder, &mut done, SECOND / 10, (0, end));
            merge(comm, recorder.into_series(), Some(OpKind::Create), 3901)
        });
        assert!(merged[1].is_none() && merged[2].is_none());
        let (series, stability) = merged[0].as_ref().unwrap();
        assert_eq!((series.interval_s, series.operations.len(), series.end_s), (0.2, 151, 30.0));
        assert!(series.operations[1..100].iter().all(|&count| count == 6), "{:?}", series.operations);
        assert!(series.operations[101..150].iter().all(|&count| count == 2), "{:?}", series.operations);
        assert_eq!(series.operations.iter().sum::<u64>(), 700);
        assert!(series.bytes.iter().zip(&series.operations).all(|(bytes, count)| *bytes == count * 3901));
        assert_eq!(series.latency_of, Some(OpKind::Create));
        let class = greatest_at((place(SECOND / 10) >> CLASS_BITS << CLASS_BITS) + (1 << CLASS_BITS) - 1);
        assert!(series.p99_ns.iter().all(|&p99| p99 == Some(class)));
        assert!((SECOND / 10..SECOND / 10 * 17 / 16).contains(&class));
        assert_eq!((series.stonewall_s, series.wear_out_s), (None, None));
        // only the time with all three at work is compared, so their ends are no drift
        assert!(stability.drift.unwrap().abs() < 0.05 && stability.variation.unwrap() < 0.1, "{stability:?}");
    }

    #[test]
    fn stonewall_wear_out_and_the_stalled_rank_are_marked() {
        let hosts = ["a", "a", "b"];
        let merged = threads::try_run_on(&hosts, |comm| {
            let (mut recorder, mut done) = (Latencies::new(KINDS), 0);
            let stalls = comm.rank() == 2;
            work(&mut recorder, &mut done, SECOND / 100, (0, 4 * SECOND));
            let resumes = if stalls { 6 * SECOND } else { 4 * SECOND };
            if stalls {
                done += 1;
                recorder.look(done, 4 * SECOND, resumes);
            }
            work(&mut recorder, &mut done, SECOND / 100, (resumes, 10 * SECOND));
            recorder.stonewall_barrier(11 * SECOND);
            work(&mut recorder, &mut done, SECOND / 100, (11 * SECOND, if stalls { 13 } else { 11 } * SECOND));
            merge(comm, recorder.into_series(), Some(OpKind::Create), 0)
        });
        let merged = merged.unwrap();
        let (series, stability) = merged[0].as_ref().unwrap();
        assert_eq!((series.stonewall_s, series.wear_out_s, series.end_s), (Some(10.0), Some(11.0), 13.0));
        assert!(series.bytes.is_empty() && series.p99_ns[105].is_none() && series.p99_ns[115].is_some());
        let stall = RankStall { rank: 2, host: "b".into(), begin_s: 4.0, length_s: 2.0 };
        assert_eq!(stability.longest_stall, Some(stall));
        let slowest = stability.slowest.as_ref().unwrap();
        assert!(
            (4.0..6.0).contains(&slowest.begin_s) && slowest.rate == 200.0 && slowest.of_mean < 0.75,
            "{slowest:?}"
        );
    }

    #[test]
    fn drift_and_variation_are_those_of_a_line() {
        let falling: Vec<u64> = (0..11).map(|at| 110 - at * 2).collect(); // 110 … 90
        let found = stability(&falling, 1.0, None);
        assert!((found.drift.unwrap() + 0.2).abs() < 1e-12);
        assert!((found.variation.unwrap() - 44.0f64.sqrt() / 100.0).abs() < 1e-12);
        assert_eq!(found.slowest, Some(Window { begin_s: 10.0, end_s: 11.0, rate: 90.0, of_mean: 0.9 }));
        assert_eq!(stability(&[5, 5, 5], 1.0, None).drift, None);
        assert_eq!(stability(&[0; 9], 1.0, None).variation, None);
    }

    #[test]
    fn without_latencies_operations_are_counted_all_the_same() {
        let merged = threads::run(2, |comm| {
            let mut series = Series::new();
            series.look(1000, SECOND, SECOND);
            merge(comm, series, None, 0)
        });
        let (series, _) = merged[0].as_ref().unwrap();
        assert_eq!((series.operations.iter().sum::<u64>(), series.latency_of), (2000, None));
        assert!(series.p99_ns.is_empty());
    }
}
