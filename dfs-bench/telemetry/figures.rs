//! From the answers around a phase to its figures.

use super::background;
use super::metrics::{How, METRICS, SIZES, Subject, index};
use super::snapshot::{Key, Snapshot};
use io500_phases::results::{
    EngineResult, Hottest, PhaseResult, ServerFigure, ServerLatency, ServerWork, ServersResult, TargetResult,
};
use std::collections::{BTreeMap, BTreeSet};

/// So many targets stand in a result.
const MOST_TARGETS: usize = 1024;

/// The answers of one round, by server; a reason where there is none.
pub type Answers = [Result<Snapshot, String>];

/// What is known around one phase.
pub struct Around<'a> {
    /// The servers by address.
    pub servers: &'a [String],
    /// Their answers before the phase.
    pub before: &'a Answers,
    /// And after it.
    pub after: &'a Answers,
    /// Seconds between them.
    pub span_s: f64,
    /// The highest levels of the answers in between.
    pub levels: &'a Snapshot,
    /// The number of those answers.
    pub samples: u64,
}

/// The differences of one phase, over all servers that answered before and after it.
#[derive(Default)]
struct Changes {
    /// How much counts grew.
    pub counts: BTreeMap<Key, f64>,
    /// The highest levels.
    pub levels: BTreeMap<Key, f64>,
    /// The server of each engine.
    pub engines: BTreeMap<u32, String>,
    /// Engines that were started again in between.
    pub restarted: BTreeSet<u32>,
    /// Object requests by pool.
    pub pools: BTreeMap<String, f64>,
}

impl Changes {
    fn of(around: &Around<'_>) -> Changes {
        let mut changes = Changes::default();
        for ((server, before), after) in around.servers.iter().zip(around.before).zip(around.after) {
            let (Ok(before), Ok(after)) = (before, after) else { continue };
            let started = Key { metric: known("started_at"), engine: 0, place: -1, size: 0 };
            for engine in after.engines() {
                let at = |answer: &Snapshot| answer.values.get(&Key { engine, ..started }).copied();
                // an engine that was not there before has no beginning
                if !before.engines().contains(&engine) || at(before) != at(after) {
                    changes.restarted.insert(engine);
                }
                changes.engines.insert(engine, server.clone());
            }
            changes.take(before, after);
            for (pool, count) in &after.pools {
                *changes.pools.entry(pool.clone()).or_default() +=
                    (count - before.pools.get(pool).unwrap_or(&0.0)).max(0.0);
            }
        }
        let seen = around.levels.values.iter().filter(|(key, _)| changes.engines.contains_key(&key.engine));
        for (key, value) in seen.map(|(key, value)| (*key, *value)).collect::<Vec<_>>() {
            let level = changes.levels.entry(key).or_insert(value);
            *level = level.max(value);
        }
        changes
    }

    fn take(&mut self, before: &Snapshot, after: &Snapshot) {
        let how = |key: &Key| METRICS[usize::from(key.metric)].how;
        for (key, value) in &after.values {
            match how(key) {
                How::Level => {
                    self.levels.insert(*key, value.max(*before.values.get(key).unwrap_or(&f64::NEG_INFINITY)));
                }
                How::Count | How::BySize if !self.restarted.contains(&key.engine) => {
                    // the counts of a pool begin and end with it
                    let grown = value - before.values.get(key).unwrap_or(&0.0);
                    self.counts.insert(*key, grown.max(0.0));
                }
                _ => {}
            }
        }
    }

    /// How much a count grew, where `of` says.
    fn count(&self, name: &str, of: impl Fn(&Key) -> bool) -> f64 {
        self.counts.range(all_of(name)).filter(|(key, _)| of(key)).map(|(_, value)| value).sum()
    }

    /// The highest value of a level, where `of` says.
    fn level(&self, name: &str, of: impl Fn(&Key) -> bool) -> f64 {
        let values = self.levels.range(all_of(name)).filter(|(key, _)| of(key)).map(|(_, value)| *value);
        values.fold(0.0, f64::max)
    }
}

/// The position of a metric that is in the list.
fn known(name: &str) -> u16 {
    index(name).expect("a metric of the list") as u16
}

/// Every key of a metric.
fn all_of(name: &str) -> std::ops::RangeInclusive<Key> {
    let metric = known(name);
    let first = Key { metric, engine: 0, place: i32::MIN, size: 0 };
    first..=Key { engine: u32::MAX, place: i32::MAX, size: u8::MAX, ..first }
}

/// The figures of a phase; `phase` has its own ones already.
pub fn figures(around: &Around<'_>, phase: &PhaseResult) -> ServersResult {
    let changes = Changes::of(around);
    let work = work(&changes);
    let mut targets: Vec<TargetResult> = work
        .iter()
        .filter(|((_, place), _)| *place >= 0)
        .map(|(&(engine, place), &work)| {
            let here = |key: &Key| (key.engine, key.place) == (engine, place);
            let active = changes.level("io_ops_update_active", here) + changes.level("io_ops_fetch_active", here);
            TargetResult { engine, target: place as u32, work, active_max: active as u64 }
        })
        .collect();
    let engines: Vec<EngineResult> =
        changes.engines.iter().map(|(&rank, server)| engine(&changes, &work, rank, server)).collect();
    let by_bytes = phase.bytes > 0 && phase.unit == "GiB/s";
    let weight = |work: &ServerWork| if by_bytes { work.bytes_updated + work.bytes_fetched } else { work.operations };
    let hottest_target =
        hottest(by_bytes, targets.iter().map(|each| (each.engine, Some(each.target), weight(&each.work))));
    let hottest_engine = hottest(by_bytes, engines.iter().map(|each| (each.engine, None, weight(&each.work))));
    let targets_in_all = targets.len() as u64;
    if targets.len() > MOST_TARGETS {
        targets.sort_by_key(|each| std::cmp::Reverse(weight(&each.work)));
        targets.truncate(MOST_TARGETS);
        targets.sort_by_key(|each| (each.engine, each.target));
    }
    let rpcs = engines.iter().map(|engine| engine.rpcs).sum::<u64>();
    let requests = engines.iter().map(|engine| engine.work.operations).sum::<u64>();
    let activity = activity(&changes);
    ServersResult {
        span_s: around.span_s,
        samples: around.samples,
        silent: silent(around),
        unread_lines: around.after.iter().flatten().map(|answer| answer.unread_lines).sum(),
        targets,
        targets_in_all,
        latency: latency(&changes),
        hottest_engine,
        hottest_target,
        rpcs,
        rpcs_per_operation: (phase.operations > 0 && requests > 0).then(|| requests as f64 / phase.operations as f64),
        doubts: background::doubts(&activity, &changes.restarted, &changes.pools),
        activity,
        engines,
    }
}

fn silent(around: &Around<'_>) -> Vec<String> {
    let pairs = around.servers.iter().zip(around.before.iter().zip(around.after));
    pairs
        .filter_map(|(server, (before, after))| {
            let why = before.as_ref().err().or(after.as_ref().err())?;
            Some(format!("{server}: {why}"))
        })
        .collect()
}

/// What each target did; what an engine counts as a whole has the place -1.
fn work(changes: &Changes) -> BTreeMap<(u32, i32), ServerWork> {
    let mut work: BTreeMap<(u32, i32), ServerWork> = BTreeMap::new();
    let [update, fetch] = ["pool_ops_update", "pool_ops_fetch"].map(known);
    let [updated, fetched] = ["pool_xferred_update", "pool_xferred_fetch"].map(known);
    for (key, &value) in &changes.counts {
        let operation = METRICS[usize::from(key.metric)].subject == Subject::Operation;
        if !operation && key.metric != updated && key.metric != fetched {
            continue;
        }
        let work = work.entry((key.engine, key.place)).or_default();
        let value = value as u64;
        match key.metric {
            metric if metric == updated => work.bytes_updated += value,
            metric if metric == fetched => work.bytes_fetched += value,
            metric if metric == update => work.updates += value,
            metric if metric == fetch => work.fetches += value,
            _ => {}
        }
        work.operations += if operation { value } else { 0 };
    }
    work
}

fn engine(changes: &Changes, work: &BTreeMap<(u32, i32), ServerWork>, rank: u32, server: &str) -> EngineResult {
    let own = |key: &Key| key.engine == rank;
    let queued = ["net_waitq_depth", "sched_wait_queue", "dmabuff_queued_reqs"].map(|name| changes.level(name, own));
    let all = work.iter().filter(|((engine, _), _)| *engine == rank).fold(ServerWork::default(), |all, (_, part)| {
        ServerWork {
            operations: all.operations + part.operations,
            updates: all.updates + part.updates,
            fetches: all.fetches + part.fetches,
            bytes_updated: all.bytes_updated + part.bytes_updated,
            bytes_fetched: all.bytes_fetched + part.bytes_fetched,
        }
    });
    EngineResult {
        engine: rank,
        server: server.to_owned(),
        work: all,
        rpcs: changes.count("net_hg_req_recv", own) as u64,
        bulks: changes.count("net_hg_bulks", own) as u64,
        busy: busy(changes, rank),
        queued_max: queued.into_iter().fold(0.0, f64::max) as u64,
    }
}

/// The share of its time that the busiest execution stream did not idle.
fn busy(changes: &Changes, rank: u32) -> Option<f64> {
    let (total, relax) = (known("sched_total_time"), known("sched_relax_time"));
    let streams = changes.counts.iter().filter(|(key, time)| (key.metric, key.engine) == (total, rank) && **time > 0.0);
    let shares = streams.map(|(key, time)| {
        let idle = changes.counts.get(&Key { metric: relax, ..*key }).copied().unwrap_or(0.0);
        (1.0 - idle / time).clamp(0.0, 1.0)
    });
    shares.reduce(f64::max)
}

fn hottest(by_bytes: bool, all: impl Iterator<Item = (u32, Option<u32>, u64)>) -> Option<Hottest> {
    let all: Vec<_> = all.collect();
    let &(engine, target, value) = all.iter().max_by_key(|(engine, target, value)| {
        // of equal ones the first
        (*value, std::cmp::Reverse((*engine, *target)))
    })?;
    let mean = all.iter().map(|(_, _, value)| *value as f64).sum::<f64>() / all.len() as f64;
    let by = if by_bytes { "bytes" } else { "operations" }.to_owned();
    (all.len() > 1 && mean > 0.0).then(|| Hottest { by, engine, target, value, over_mean: value as f64 / mean })
}

/// Latencies by operation and size, over all targets.
fn latency(changes: &Changes) -> Vec<ServerLatency> {
    let mut all = Vec::new();
    for operation in ["fetch", "update", "tgt_update"] {
        for (size, name) in SIZES.iter().enumerate() {
            let of_size = |key: &Key| usize::from(key.size) == size;
            let sum = |part: &str, what: &str| {
                let metric = format!("io_latency_{part}{operation}_{what}");
                index(&metric).map(|_| changes.count(&metric, of_size))
            };
            let count = sum("", "samples").unwrap_or(0.0);
            if count <= 0.0 {
                continue;
            }
            // small data comes with the request: then there is no bulk transfer
            let part =
                |part: &str| sum(part, "samples").filter(|&n| n > 0.0).and_then(|_| Some(sum(part, "sum")? / count));
            all.push(ServerLatency {
                operation: operation.to_owned(),
                size: (*name).to_owned(),
                count: count as u64,
                mean_us: sum("", "sum").unwrap_or(0.0) / count,
                vos_us: part("vos_"),
                bio_us: part("bio_"),
                bulk_us: part("bulk_"),
            });
        }
    }
    all
}

/// Every other metric that changed or stands above 0.
fn activity(changes: &Changes) -> Vec<ServerFigure> {
    let other = |metric: &super::metrics::Metric| !matches!(metric.subject, Subject::Figure | Subject::Operation);
    let figure = |metric: &super::metrics::Metric| {
        let level = metric.how == How::Level;
        let value = if level { changes.level(metric.name, |_| true) } else { changes.count(metric.name, |_| true) };
        let (subject, name) = (metric.subject.word().to_owned(), metric.name.to_owned());
        (value > 0.0).then_some(ServerFigure { subject, metric: name, value, level })
    };
    METRICS.iter().filter(|metric| other(metric)).filter_map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, real};
    use super::*;
    use io500_phases::phase_id::PhaseId;

    fn read(text: &str) -> Result<Snapshot, String> {
        Snapshot::read(text.as_bytes()).map_err(|error| error.to_string())
    }

    fn of(
        before: &[Result<Snapshot, String>],
        after: &[Result<Snapshot, String>],
        phase: &PhaseResult,
    ) -> ServersResult {
        let servers: Vec<String> = (0..before.len()).map(|i| format!("http://server{i}:9191/metrics")).collect();
        let levels = Snapshot::default();
        figures(&Around { servers: &servers, before, after, span_s: 10.0, levels: &levels, samples: 2 }, phase)
    }

    fn phase(operations: u64) -> PhaseResult {
        let mut phase = PhaseResult::new(PhaseId::IorEasyWrite);
        (phase.operations, phase.bytes) = (operations, operations << 20);
        phase
    }

    /// An engine brings what its network layer counts up to date every few seconds only: in a short phase nothing of it may have changed.
    #[test]
    fn requests_per_operation_do_not_wait_for_the_network_layer() {
        let stale = |n: u64| {
            read(&answer(0, n).replace(&format!("\"ofi+tcp\",rank=\"0\"}} {}\n", 5 * n), "\"ofi+tcp\",rank=\"0\"} 7\n"))
        };
        let found = of(&[stale(100)], &[stale(110)], &phase(20));
        assert_eq!((found.rpcs, found.rpcs_per_operation), (0, Some(2.0)));
    }

    #[test]
    fn differences_are_told_by_engine_and_target() {
        let before = [read(&answer(0, 100)), read(&answer(1, 100))];
        let after = [read(&answer(0, 110)), read(&answer(1, 130))];
        let found = of(&before, &after, &phase(160));
        assert_eq!(
            found.engines.iter().map(|engine| (engine.engine, engine.work.updates)).collect::<Vec<_>>(),
            [(0, 40), (1, 120)]
        );
        assert_eq!(
            (found.engines[1].server.as_str(), found.engines[1].busy),
            ("http://server1:9191/metrics", Some(0.75))
        );
        assert_eq!(found.engines[1].queued_max, 130);
        let hottest = found.hottest_target.unwrap();
        assert_eq!((hottest.by.as_str(), hottest.engine, hottest.target), ("bytes", 1, Some(1)));
        assert_eq!((hottest.value, hottest.over_mean), (90 << 20, 90.0 / 40.0));
        assert_eq!(found.hottest_engine.unwrap().over_mean, 1.5);
        assert_eq!((found.rpcs, found.rpcs_per_operation), (200, Some(1.0)));
        let [latency] = &found.latency[..] else { panic!("{:?}", found.latency) };
        assert_eq!((latency.operation.as_str(), latency.size.as_str(), latency.count), ("update", "1MB", 160));
        assert_eq!(
            (latency.mean_us, latency.vos_us, latency.bio_us, latency.bulk_us),
            (100.0, Some(10.0), Some(20.0), Some(50.0))
        );
        assert_eq!(found.doubts, Vec::<String>::new());
    }

    #[test]
    fn silent_servers_are_named_and_the_others_told_of() {
        let before = [Err("connection refused".to_owned()), read(&answer(1, 1))];
        let after = [read(&answer(0, 5)), read(&answer(1, 2))];
        let found = of(&before, &after, &phase(4));
        assert_eq!(found.silent, ["http://server0:9191/metrics: connection refused"]);
        assert_eq!(found.engines.iter().map(|engine| engine.engine).collect::<Vec<_>>(), [1]);
        assert_eq!(found.hottest_engine, None);
    }

    #[test]
    fn counts_of_an_engine_that_was_started_again_are_no_differences() {
        let again = answer(0, 1).replace("1.7e+09", "1.8e+09");
        let found = of(&[read(&answer(0, 100))], &[read(&again)], &phase(1));
        assert_eq!((found.engines[0].work, found.rpcs), (ServerWork::default(), 0));
        assert!(found.doubts[0].contains("engine 0 was started"), "{:?}", found.doubts);
    }

    #[test]
    fn background_work_errors_and_other_pools_are_doubts() {
        let more = |text: String, value: u64, pool: u64| {
            let labels = format!("pool=\"p{pool}\",rank=\"0\",target=\"0\"");
            text + &format!(
                "engine_pool_vos_aggregation_merged_recs{{{labels}}} {value}\nengine_pool_scrubber_csums_total{{{labels}}} {value}\n\
                 engine_pool_ops_migrate{{{labels}}} {value}\nengine_net_req_timeout{{rank=\"0\"}} {value}\n\
                 engine_pool_ops_fetch{{pool=\"p{pool}\",rank=\"0\",target=\"0\"}} {}\n",
                value * 10
            )
        };
        let found = of(&[read(&more(answer(0, 1), 0, 1))], &[read(&more(answer(0, 20), 7, 1))], &phase(1));
        for word in ["aggregation", "scrubber", "rebuild", "net_req_timeout 7", "2 pools"] {
            assert!(found.doubts.iter().any(|doubt| doubt.contains(word)), "{word}: {:?}", found.doubts);
        }
    }

    #[test]
    fn a_real_phase_has_the_figures_that_its_answers_tell() {
        let (Some(before), Some(after)) = (real("daos-2.8.0-before.prom"), real("daos-2.8.0-after.prom")) else {
            return;
        };
        let found = of(&[read(&before)], &[read(&after)], &phase(100_000));
        assert_eq!((found.engines.len(), found.targets.len(), found.silent.len()), (1, 1, 0));
        assert_eq!(
            found.targets[0].work.updates,
            found.latency.iter().filter(|l| l.operation == "update").map(|l| l.count).sum::<u64>()
        );
        let large =
            found.latency.iter().find(|l| (l.operation.as_str(), l.size.as_str()) == ("fetch", "64KB")).unwrap();
        assert!(large.bulk_us.unwrap() > 0.5 * large.mean_us && large.vos_us.unwrap() < large.mean_us, "{large:?}");
        // nothing but the run was going on
        assert_eq!((found.activity, found.doubts), (Vec::new(), Vec::new()));
        assert!(found.rpcs_per_operation.unwrap() > 2.0);
    }
}
