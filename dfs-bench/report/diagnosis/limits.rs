//! Rules about what limits a phase: its roof, the latency, a slow rank or node, too little work, a cache.

use super::rule::{Diagnosed, PhaseRule};
use super::time::beside_the_calls;
use crate::report::figures::{self, latency, percent, rate};
use crate::report::model::{Phase, Run};
use crate::report::spread::{NodeSpread, Stragglers};
use io500_phases::phase_id::{Family, Kind, PhaseId};
use io500_phases::results::{Limit, short_of_work};

/// A rank or node that costs less is not what limits a phase.
const COSTS: f64 = 0.05;
/// Uneven ranks without a single slow one are worth a word from here on, and from so many ranks on.
const UNEVEN: f64 = 0.15;
const FEW: usize = 4;
/// So many times as far from the others as these are from each other: beyond noise.
const BEYOND: f64 = 3.0;
/// From this share of its roof on a phase is at it, and below the other one the roof is no limit.
const AT_ROOF: f64 = 0.8;
const FAR_BELOW: f64 = 0.5;
/// A mean that is so many times the median is made by the slow operations.
const TAIL: f64 = 2.0;
/// Reads that are so many times as fast as the writes before them.
const CACHED: f64 = 3.0;

pub(super) static RULES: [PhaseRule; 7] = [
    PhaseRule { id: "limit.short-of-work", look: too_little_work },
    PhaseRule { id: "limit.roof", look: roof },
    PhaseRule { id: "limit.slow-node", look: slow_node },
    PhaseRule { id: "limit.slow-rank", look: slow_rank },
    PhaseRule { id: "limit.tail", look: tail },
    PhaseRule { id: "limit.latency", look: round_trips },
    PhaseRule { id: "limit.cache", look: cache },
];

/// A write phase whose ranks had done everything before the stonewall.
fn too_little_work(run: &Run, phase: &Phase) -> Option<Diagnosed> {
    let stonewall = phase.stonewall.as_ref()?;
    let (setting, reached) = (stonewall.setting_seconds?, stonewall.seconds?);
    let setting_of = |section: &str, option: &str| run.setting(section, option);
    let advice = short_of_work(phase.id, reached, setting, setting_of)?;
    Some(Diagnosed::new(advice.words()).next(advice.next()))
}

/// How near the phase came to what it cannot exceed.
fn roof(_: &Run, phase: &Phase) -> Option<Diagnosed> {
    let roof = phase.roof.as_ref().filter(|roof| roof.share.is_finite() && roof.rate > 0.0)?;
    let by = roof.by.words();
    let top = format!("{} {}", rate(roof.rate), phase.unit);
    if roof.share >= AT_ROOF {
        let words = format!("It is at {} of its roof of {top}, which {by} set.", percent(roof.share));
        let next = match roof.by {
            Limit::ClientLinks => "more client nodes or links: the store is not what limits",
            Limit::RoundTrips => "more ranks: each waits for one round trip after the other",
            Limit::ClientMemory => "more client nodes",
        };
        return Some(Diagnosed::new(words).next(next));
    }
    let words = format!("It reaches {} of its roof of {top} ({by}): that is not the limit.", percent(roof.share));
    (roof.share < FAR_BELOW).then(|| Diagnosed::new(words))
}

/// What waiting for the slow ones cost, as a share of the mean window.
fn cost(phase: &Phase, found: &Stragglers) -> f64 {
    match &phase.parts {
        Some(parts) => {
            let whole: f64 = parts.named().iter().map(|(_, seconds)| seconds).sum();
            if whole > 0.0 { (parts.wear_out_s + parts.waiting_s) / whole } else { 0.0 }
        }
        None => found.seconds.imbalance / (1.0 + found.seconds.imbalance),
    }
}

/// A node that is far from the others, which are near each other. Two nodes tell nobody which of them is the slow one.
fn outlying_node(found: &Stragglers) -> Option<(&NodeSpread, f64)> {
    let (slow, others) = found.nodes.split_first().filter(|(_, others)| found.tellable && others.len() >= 2)?;
    let mean = others.iter().map(|node| node.mean).sum::<f64>() / others.len() as f64;
    let variance = others.iter().map(|node| (node.mean - mean).powi(2)).sum::<f64>() / (others.len() - 1) as f64;
    let excess = slow.mean / mean - 1.0;
    (excess >= COSTS && slow.mean - mean >= BEYOND * variance.sqrt()).then_some((slow, excess))
}

fn slow_node(_: &Run, phase: &Phase) -> Option<Diagnosed> {
    let found = phase.stragglers.as_ref()?;
    let (slow, excess) = outlying_node(found)?;
    let (host, cost) = (&slow.host, cost(phase, found));
    (cost >= COSTS).then(|| {
        let words = format!(
            "The ranks of {host} took {} longer than those of the other nodes; waiting for them cost about {}.",
            percent(excess),
            percent(cost)
        );
        Diagnosed::new(words).next(format!("`dfs-bench doctor` on {host} and another node, and compare"))
    })
}

/// One rank that is far from all others, and not with its whole node.
fn slow_rank(_: &Run, phase: &Phase) -> Option<Diagnosed> {
    let found = phase.stragglers.as_ref().filter(|found| found.tellable && found.stands_out)?;
    let cost = cost(phase, found);
    if cost < COSTS || outlying_node(found).is_some() {
        return None;
    }
    let (first, rest) = found.slowest.split_first()?;
    // its lead over the next one, against the distances among those behind it
    let next = rest.first()?;
    let behind = rest.last()?;
    let (lead, among) = (first.seconds - next.seconds, next.seconds - behind.seconds);
    let single = rest.len() >= 2 && lead >= COSTS * found.seconds.mean && lead >= BEYOND * among;
    if !single {
        let words = format!(
            "The ranks were uneven and no single one is to blame: waiting for the slowest cost about {}.",
            percent(cost)
        );
        // of two or three nobody knows which is the usual one
        return (cost >= UNEVEN && found.slowest.len() >= FEW).then(|| Diagnosed::new(words));
    }
    let place = first.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default();
    let words = format!(
        "Rank {}{place} took {} longer than the mean, and no other rank did; waiting for it cost about {}.",
        first.rank,
        percent(first.over_mean),
        percent(cost)
    );
    Some(
        Diagnosed::new(words)
            .next(format!("what else runs on the core of rank {}{place}: binding, another process", first.rank)),
    )
}

/// A few slow operations that make the mean.
fn tail(_: &Run, phase: &Phase) -> Option<Diagnosed> {
    let kind = phase.latency.first().filter(|kind| kind.count >= 1000 && kind.p50 > 0)?;
    if kind.mean < TAIL * kind.p50 as f64 {
        return None;
    }
    // where one in a hundred is no slow one, fewer make the mean
    let (share, slow) =
        [("one in a hundred", kind.p99), ("one in a thousand", kind.p999), ("one in ten thousand", kind.p9999)]
            .into_iter()
            .find(|(_, slow)| *slow as f64 > kind.mean)
            .unwrap_or(("the slowest", kind.max));
    let takes = if share == "the slowest" { "took" } else { "takes longer than" };
    Some(
        Diagnosed::new(format!(
            "A few slow operations set the rate: the mean {} takes {} and the median {}, {share} {takes} {}.",
            kind.operation,
            latency(kind.mean),
            latency(kind.p50 as f64),
            latency(slow as f64)
        ))
        .next("the latency over time and per node in the report: whether it is always, in bursts, or one node"),
    )
}

/// Ranks that do nothing but wait for one call after the other.
fn round_trips(run: &Run, phase: &Phase) -> Option<Diagnosed> {
    let at_roof = phase.roof.as_ref().is_some_and(|roof| roof.share >= AT_ROOF);
    let (parts, kind) = (phase.parts.as_ref()?, phase.latency.first()?);
    let loops = parts.operations_s + parts.wear_out_s;
    let own = beside_the_calls(run, phase)?;
    if at_roof || tail(run, phase).is_some() || loops <= 0.0 || own / loops > 0.1 {
        return None;
    }
    let ranks = run.ranks.filter(|&ranks| ranks > 0)?;
    let who = if ranks == 1 {
        "The rank waits".to_owned()
    } else {
        format!("Each of {} ranks waits", figures::count(ranks as f64))
    };
    let words = format!(
        "{who} for one call after the other: a {} takes {} (p99 {}).",
        kind.operation,
        latency(kind.mean),
        latency(kind.p99 as f64)
    );
    let next = match phase.id.family() {
        Family::IorEasy | Family::IorHard => {
            "more ranks; --queue-depth 4, beyond the rules, shows whether the store could do more"
        }
        Family::MdtestEasy | Family::MdtestHard => {
            "more ranks; --threads-per-rank 4, beyond the rules, shows whether the store could do more"
        }
        _ => "more ranks",
    };
    Some(Diagnosed::new(words).next(next))
}

/// Reads that are much faster than the writes, where the page cache can answer them.
fn cache(run: &Run, phase: &Phase) -> Option<Diagnosed> {
    let write = match (phase.id.family(), phase.id.kind()) {
        (Family::IorEasy, Kind::Read) => PhaseId::IorEasyWrite,
        (Family::IorHard, Kind::Read) => PhaseId::IorHardWrite,
        _ => return None,
    };
    let written = run.phase(write).filter(|write| write.rate > 0.0)?.rate;
    let storage = |name: &str| phase.storage.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
    let of_c_suite = run.nodes == Some(1) && storage("API").is_some_and(|api| api.eq_ignore_ascii_case("POSIX"));
    let doubted = run.verdicts.iter().flat_map(|verdict| &verdict.reasons).any(|reason| reason.contains("page cache"));
    ((doubted || of_c_suite) && phase.rate >= CACHED * written).then(|| {
        Diagnosed::new(format!(
            "{} {} after writing {} is likely the page cache of the node, not the store.",
            rate(phase.rate),
            phase.unit,
            rate(written)
        ))
        .next("--api 'POSIX --posix.odirect', --set global.drop-caches=TRUE, or more than one node")
    })
}
