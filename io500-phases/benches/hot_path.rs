//! What the harness costs: per operation on the null store, per byte filled and compared, per latency recorded.
//!
//! Times are the thread's own processor time, so a busy machine does not count; caches shared with others still do.
mod loops;
mod processor_time;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use io500_phases::buffer::{AlignedBuf, ramp_matches_portable};
use io500_phases::engine::{Latencies, Off, OpKind, Recorder, Series, Ticker};
use io500_phases::pattern::{PacketType, Signature};
use loops::Loop;
use std::hint::black_box;
use std::time::Duration;

/// The thread's own processor time.
struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        processor_time::now()
    }
    fn end(&self, start: Duration) -> Duration {
        processor_time::now() - start
    }
    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }
    fn zero(&self) -> Duration {
        Duration::ZERO
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

type Bench = Criterion<ProcessorTime>;

fn timed<R: Recorder + Send>(which: Loop, operations: u64, ticker: &Ticker, mut recorder: R) -> Duration {
    let begin = processor_time::now();
    which.run(operations, ticker, &mut recorder);
    processor_time::now() - begin
}

/// A loop with the recorders that a run can have; `off` has none, which no run has.
fn operations(bench: &mut Bench) {
    let ticker = Ticker::real();
    for which in Loop::ALL {
        let mut group = bench.benchmark_group(format!("operation/{which:?}"));
        if which.bytes() > 0 {
            group.throughput(Throughput::Bytes(which.bytes()));
        }
        group.bench_function("off", |bench| bench.iter_custom(|count| timed(which, count, &ticker, Off)));
        group.bench_function("series", |bench| bench.iter_custom(|count| timed(which, count, &ticker, Series::new())));
        group.bench_function("latencies", |bench| {
            bench.iter_custom(|count| timed(which, count, &ticker, Latencies::new(OpKind::of(which.phase()))))
        });
    }
    let mut group = bench.benchmark_group("clock");
    group.bench_function("counter", |bench| bench.iter(|| black_box(&ticker).ticks()));
    group.bench_function("clock_gettime", |bench| bench.iter(std::time::Instant::now));
    group.finish();
    bench.bench_function("record", |bench| {
        let mut recorder = Latencies::new(&[OpKind::Stat]);
        let mut at = 0;
        bench.iter(|| {
            at += 100;
            recorder.record(OpKind::Stat, black_box(at & 0xffff), at);
        });
    });
}

const SIZES: [usize; 3] = [2 << 20, 47008, 3901];

/// Data as it is filled and compared, beside what the C library takes to set or compare as many bytes.
fn data(bench: &mut Bench) {
    let kinds = [
        ("timestamp", PacketType::Timestamp),
        ("offset", PacketType::Offset),
        ("incompressible", PacketType::Incompressible),
        ("random", PacketType::Random),
    ];
    for size in SIZES {
        let (mut data, mut other) = (AlignedBuf::new(size), AlignedBuf::new(size));
        let mut group = bench.benchmark_group("verify");
        group.throughput(Throughput::Bytes(size as u64));
        for (name, kind) in kinds {
            let signature = Signature { kind, seed: 0x1234_5678 };
            signature.fill(&mut data, 3, 47008);
            group.bench_function(BenchmarkId::new(name, size), |bench| {
                bench.iter(|| signature.verify(black_box(&data), 3, 47008))
            });
        }
        Signature { kind: PacketType::Timestamp, seed: 7 }.fill(&mut data, 0, 0);
        group.bench_function(BenchmarkId::new("portable", size), |bench| {
            bench.iter(|| ramp_matches_portable(black_box(&data), 7, 7, 1))
        });
        other.copy_from_slice(&data);
        group.bench_function(BenchmarkId::new("memcmp", size), |bench| {
            bench.iter(|| black_box(&data[..]) == black_box(&other[..]))
        });
        group.finish();

        let mut group = bench.benchmark_group("fill");
        group.throughput(Throughput::Bytes(size as u64));
        for (name, kind) in kinds {
            let signature = Signature { kind, seed: 0x1234_5678 };
            group.bench_function(BenchmarkId::new(name, size), |bench| {
                bench.iter(|| signature.fill(black_box(&mut data), 3, 47008))
            });
        }
        group.bench_function(BenchmarkId::new("memset", size), |bench| bench.iter(|| black_box(&mut data).fill(7)));
        group.finish();

        let mut group = bench.benchmark_group("between transfers");
        for (name, kind) in kinds {
            let signature = Signature { kind, seed: 0x1234_5678 };
            signature.fill(&mut data, 3, 0);
            let mut item = 0;
            group.bench_function(BenchmarkId::new(format!("refill {name}"), size), |bench| {
                bench.iter(|| {
                    item += 47008;
                    signature.refill(black_box(&mut data), 3, item);
                })
            });
        }
        for (name, kind) in kinds {
            let signature = Signature { kind, seed: 0x1234_5678 };
            group.bench_function(BenchmarkId::new(format!("poison {name}"), size), |bench| {
                bench.iter(|| signature.poison(black_box(&mut data), 3, 47008))
            });
        }
        group.finish();
    }
}

fn quick() -> Bench {
    Criterion::default()
        .with_measurement(ProcessorTime)
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! { name = hot_path; config = quick(); targets = operations, data }
criterion_main!(hot_path);
