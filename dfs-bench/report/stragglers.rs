//! Who set a phase's time: the spread over ranks and nodes, and the slowest of them by name.

use super::figures;
use super::model::{Phase, RankFigures};
use super::spread::{NodeSpread, SlowRank, Spread, Stragglers};
use std::collections::BTreeMap;

/// How many of the slowest ranks are named.
const NAMED: usize = 8;

/// Below this share of the longest time the differences are those of leaving a barrier, not of the work.
const BARRIER_SKEW: f64 = 1e-4;

/// A rank that is this close to the mean is no straggler: every machine has that much noise.
const NOISE: f64 = 0.02;

/// The stragglers of a phase by the times of all ranks, if these are known.
pub fn find(phase: &Phase) -> Option<Stragglers> {
    let mut order: Vec<(f64, &RankFigures)> = phase.ranks.iter().filter_map(|r| Some((r.seconds?, r))).collect();
    let seconds = spread(order.iter().map(|(seconds, _)| *seconds))?;
    order.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.rank.cmp(&y.rank)));
    let slowest = order.iter().take(NAMED).map(|&(own, rank)| SlowRank {
        rank: rank.rank,
        host: rank.host.clone(),
        seconds: own,
        over_mean: own / seconds.mean - 1.0,
        at_stonewall: None,
        wear_out_seconds: None,
        sync_seconds: None,
    });
    Some(told(phase, seconds, slowest.collect(), nodes(&phase.ranks)))
}

/// The stragglers of a phase whose slowest ranks and nodes are known already.
pub fn told(phase: &Phase, seconds: Spread, slowest: Vec<SlowRank>, nodes: Vec<NodeSpread>) -> Stragglers {
    let tellable = slowest.len() > 1 && seconds.max - seconds.min > seconds.max * BARRIER_SKEW;
    let mean_done = phase.stonewall.as_ref().and_then(|stonewall| stonewall.mean).filter(|mean| *mean > 0.0);
    let far = |slow: &SlowRank| {
        let done = slow.at_stonewall.zip(mean_done).map_or(1.0, |(done, mean)| done / mean);
        slow.over_mean >= NOISE || done <= 1.0 - NOISE
    };
    let stands_out = tellable && slowest.first().is_some_and(far);
    let words = words(&seconds, mean_done, tellable, stands_out, &slowest);
    let without_waiting = false;
    Stragglers {
        seconds,
        tellable,
        stands_out,
        without_waiting,
        slowest: if tellable { slowest } else { Vec::new() },
        nodes,
        words,
    }
}

/// The spread of some values; none for none.
pub fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
    let imbalance = if mean > 0.0 { max / mean - 1.0 } else { 0.0 };
    Some(Spread { min, mean, median: Some(median), max, imbalance })
}

fn nodes(ranks: &[RankFigures]) -> Vec<NodeSpread> {
    let mut by_host: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for rank in ranks {
        let (Some(host), Some(seconds)) = (&rank.host, rank.seconds) else { return Vec::new() };
        by_host.entry(host).or_default().push(seconds);
    }
    if by_host.len() < 2 {
        return Vec::new();
    }
    let mut nodes: Vec<NodeSpread> = by_host
        .into_iter()
        .map(|(host, seconds)| NodeSpread {
            host: host.to_owned(),
            ranks: seconds.len(),
            mean: seconds.iter().sum::<f64>() / seconds.len() as f64,
        })
        .collect();
    nodes.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    nodes
}

fn words(seconds: &Spread, mean_done: Option<f64>, tellable: bool, stands_out: bool, slowest: &[SlowRank]) -> String {
    let Some(slow) = slowest.first().filter(|_| tellable) else {
        return match slowest.len() {
            1 => "1 rank: no other rank to wait for.".to_owned(),
            _ => "All ranks report the same time, taken after a barrier: the slow ones \
                  cannot be identified."
                .to_owned(),
        };
    };
    if !stands_out {
        let mean = figures::span(seconds.mean);
        let within = figures::percent(slow.over_mean.max(0.0));
        return format!("No straggler: the slowest rank is within {within} of the mean of {mean}.");
    }
    let who = format!("Rank {}{}", slow.rank, slow.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default());
    let sync = slow.sync_seconds.filter(|sync| *sync >= slow.seconds * NOISE);
    let time = format!(
        "{} against a mean of {} ({}){}",
        figures::span(slow.seconds),
        figures::span(seconds.mean),
        figures::signed_percent(slow.over_mean),
        sync.map(|sync| format!(", including {} of sync", figures::span(sync))).unwrap_or_default(),
    );
    match slow.at_stonewall.zip(mean_done) {
        Some((done, mean)) if done < mean => format!(
            "{who} held the others up{}: {} done at the stonewall against a mean of {} ({}); its own time was {time}.",
            slow.wear_out_seconds.map(|s| format!(" for {}", figures::span(s))).unwrap_or_default(),
            figures::count(done),
            figures::count(mean),
            figures::signed_percent(done / mean - 1.0),
        ),
        _ => format!("{who} finished last: {time}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::phase_id::PhaseId;

    fn phase(seconds: &[f64]) -> Phase {
        let mut phase = Phase::new(PhaseId::IorEasyWrite);
        phase.ranks = seconds
            .iter()
            .enumerate()
            .map(|(rank, &seconds)| RankFigures {
                rank: rank as u64,
                host: Some(format!("node{}", rank / 2)),
                seconds: Some(seconds),
                ..RankFigures::default()
            })
            .collect();
        phase
    }

    #[test]
    fn the_slow_rank_is_named_first_with_its_host() {
        let found = find(&phase(&[10.0, 10.1, 9.9, 14.0])).unwrap();
        assert_eq!(found.slowest[0].rank, 3);
        assert_eq!(found.slowest[0].host.as_deref(), Some("node1"));
        assert_eq!(found.nodes[0].host, "node1");
        assert!(found.words.starts_with("Rank 3 on node1 finished last: 14.00 s"), "{}", found.words);
        assert!((found.seconds.imbalance - (14.0 / 11.0 - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn noise_accuses_nobody() {
        let found = find(&phase(&[10.0, 10.1, 9.9, 10.05])).unwrap();
        assert!(found.tellable && !found.stands_out);
        assert_eq!(found.words, "No straggler: the slowest rank is within 0.87 % of the mean of 10.01 s.");
        // little done at the stonewall stands out, though the time does not
        let mut late = phase(&[10.0, 10.1, 9.9, 10.05]);
        late.stonewall = Some(crate::report::model::Stonewall { mean: Some(1000.0), ..Default::default() });
        let mut slowest = find(&late).unwrap().slowest;
        slowest[0].at_stonewall = Some(900.0);
        slowest[0].wear_out_seconds = Some(1.5);
        slowest[0].sync_seconds = Some(2.0);
        let found = told(&late, found.seconds, slowest, Vec::new());
        assert!(found.stands_out, "{}", found.words);
        assert!(found.words.contains("held the others up for 1.50 s: 900 done"), "{}", found.words);
        assert!(found.words.ends_with(", including 2.00 s of sync."), "{}", found.words);
    }

    #[test]
    fn times_taken_after_a_barrier_name_nobody() {
        let found = find(&phase(&[400.0, 400.001, 400.002, 399.9995])).unwrap();
        assert!(!found.tellable);
        assert!(found.slowest.is_empty());
        assert!(found.words.contains("cannot be identified"));
    }

    #[test]
    fn no_ranks_no_stragglers() {
        assert!(find(&phase(&[])).is_none());
    }
}
