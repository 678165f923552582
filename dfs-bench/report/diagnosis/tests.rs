//! Each rule fires where it must, and only there.

use super::derive::{derive, lines};
use super::rule::Diagnosed;
use super::{limits, pairs, run, time};
use crate::report::model::{Fact, Latency, Phase, Run, Score, Setting, Source, Stonewall, Verdict};
use crate::report::spread::{NodeSpread, SlowRank, Spread, Stragglers};
use io500_phases::phase_id::PhaseId;
use io500_phases::results::score::Means;
use io500_phases::results::{Limit, PartsResult, PhaseRoof};

const PARTS: PartsResult =
    PartsResult { open_s: 0.0, operations_s: 100.0, wear_out_s: 0.0, waiting_s: 0.0, sync_s: 0.0, close_s: 0.0 };

/// A steady phase about which nothing stands out: its calls leave no time, and no rank is late.
fn phase(id: PhaseId) -> Phase {
    let mut phase = Phase::new(id);
    phase.rate = 10.0;
    phase.seconds = Some(100.0);
    phase.wall_seconds = Some(101.0);
    phase.parts = Some(PARTS);
    phase
}

fn roof(share: f64) -> PhaseRoof {
    let (by, limits, words) = (Limit::ClientLinks, vec![(Limit::ClientLinks, 11.0)], String::new());
    PhaseRoof { rate: 11.0, by, share, limits, words }
}

fn calls(phase: &mut Phase, operation: &str, mean_ns: f64, p50: u64, p99: u64) {
    // so many that four ranks spend all of their 100 s in them
    let count = (100e9 / mean_ns * 4.0) as u64;
    let points = Vec::new();
    let (min, p90, p999, p9999, max) = (p50, p50, p99, p99, p99);
    let nodes = Vec::new();
    let operation = operation.to_owned();
    phase.latency = vec![Latency {
        operation,
        count,
        min,
        mean: mean_ns,
        p50,
        p90,
        p99,
        p999,
        p9999,
        max,
        percentiles: points,
        nodes,
    }];
}

fn a_run(phases: Vec<Phase>) -> Run {
    let means = Means { bandwidth: 1.0, metadata: 1.0, total: 1.0 };
    Run {
        label: "r".to_owned(),
        path: "/results/r".into(),
        source: Source::DfsBench,
        version: None,
        mode: None,
        ranks: Some(4),
        nodes: Some(1),
        started: None,
        ended: None,
        ending: None,
        score: Some(Score { means, hash: None, extended: None, without_wear_out: None, at_stonewall: None }),
        verdicts: Vec::new(),
        phases,
        provenance: Vec::new(),
        configuration: Vec::new(),
        contradictions: Vec::new(),
        diagnosis: Vec::new(),
        missing: Vec::new(),
        client_metrics: None,
        machines: Vec::new(),
        audit: None,
    }
}

fn stragglers(seconds: &[f64], nodes: &[f64]) -> Stragglers {
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    let max = seconds[0];
    let slow = |(index, &own): (usize, &f64)| SlowRank {
        rank: 40 + index as u64,
        host: Some(format!("n{index}")),
        seconds: own,
        over_mean: own / mean - 1.0,
        at_stonewall: None,
        wear_out_seconds: None,
        sync_seconds: None,
    };
    let node = |(index, &mean): (usize, &f64)| NodeSpread { host: format!("n{index}"), ranks: 8, mean };
    Stragglers {
        seconds: Spread { min: seconds[seconds.len() - 1], mean, median: None, max, imbalance: max / mean - 1.0 },
        tellable: true,
        stands_out: max / mean - 1.0 >= 0.02,
        without_waiting: true,
        slowest: seconds.iter().enumerate().map(slow).collect(),
        nodes: nodes.iter().enumerate().map(node).collect(),
        words: String::new(),
    }
}

/// A run in which a rule about phases fires on the last one, or about the run, with words that it must say; and one in which it is silent.
struct Case {
    rule: &'static str,
    fires: Run,
    says: &'static str,
    silent: Run,
}

fn case(rule: &'static str, fires: Run, says: &'static str, silent: Run) -> Case {
    Case { rule, fires, says, silent }
}

fn phase_case(
    rule: &'static str,
    id: PhaseId,
    says: &'static str,
    fires: impl Fn(&mut Phase),
    silent: impl Fn(&mut Phase),
) -> Case {
    let with = |change: &dyn Fn(&mut Phase)| {
        let mut one = phase(id);
        change(&mut one);
        a_run(vec![one])
    };
    case(rule, with(&fires), says, with(&silent))
}

fn write_phase_cases() -> Vec<Case> {
    let id = PhaseId::IorEasyWrite;
    let late = |wear_out_s: f64| PartsResult { operations_s: 100.0 - wear_out_s, wear_out_s, ..PARTS };
    vec![
        phase_case(
            "time.parts",
            id,
            "The time went into transfers 90.0 %, catching up with the fastest rank 6.00 %, sync 4.00 %.",
            |phase| phase.parts = Some(PartsResult { operations_s: 90.0, wear_out_s: 6.0, sync_s: 4.0, ..PARTS }),
            |phase| phase.parts = None,
        ),
        phase_case(
            "time.after-stonewall",
            id,
            "12.0 % of the time came after the stonewall",
            |phase| {
                phase.parts = None;
                phase.stonewall = Some(Stonewall { after_share: Some(0.12), ..Stonewall::default() });
            },
            // the parts say it better
            |phase| phase.stonewall = Some(Stonewall { after_share: Some(0.12), ..Stonewall::default() }),
        ),
        phase_case(
            "time.sync",
            id,
            "only in the sync",
            |phase| phase.parts = Some(PartsResult { operations_s: 70.0, sync_s: 30.0, ..PARTS }),
            |phase| phase.parts = Some(PartsResult { operations_s: 90.0, sync_s: 10.0, ..PARTS }),
        ),
        phase_case(
            "limit.roof",
            id,
            "at 91.0 % of its roof of 11.000 GiB/s, which the clients' links set",
            |phase| phase.roof = Some(roof(0.91)),
            |phase| phase.roof = Some(roof(0.7)),
        ),
        phase_case(
            "limit.slow-node",
            id,
            "The ranks of n0 took 20.0 % longer than those of the other nodes; waiting for them cost about 15.0 %",
            |phase| {
                phase.parts = Some(late(15.0));
                phase.stragglers = Some(stragglers(&[120.0, 119.0, 100.0], &[120.0, 100.5, 100.0, 99.5]));
            },
            // as far from each other as from the rest: noise
            |phase| {
                phase.parts = Some(late(15.0));
                phase.stragglers = Some(stragglers(&[120.0, 119.0, 100.0], &[110.0, 105.0, 100.0, 95.0]));
            },
        ),
        phase_case(
            "limit.slow-rank",
            id,
            "Rank 40 on n0 took 27.8 % longer than the mean, and no other rank did",
            |phase| {
                phase.parts = Some(late(15.0));
                phase.stragglers = Some(stragglers(&[130.0, 92.5, 92.3, 92.2], &[]));
            },
            // it costs nothing
            |phase| phase.stragglers = Some(stragglers(&[130.0, 92.5, 92.3, 92.2], &[])),
        ),
        phase_case(
            "limit.tail",
            id,
            "A few slow operations set the rate: the mean transfer takes 3.00 ms and the median 1.00 ms",
            |phase| calls(phase, "transfer", 3e6, 1_000_000, 40_000_000),
            |phase| calls(phase, "transfer", 1.1e6, 1_000_000, 40_000_000),
        ),
        phase_case(
            "limit.latency",
            id,
            "Each of 4 ranks waits for one call after the other: a transfer takes 1.00 ms",
            |phase| calls(phase, "transfer", 1e6, 1_000_000, 1_200_000),
            // half of the time no call ran
            |phase| {
                calls(phase, "transfer", 1e6, 1_000_000, 1_200_000);
                phase.latency[0].count /= 2;
            },
        ),
        {
            let setting = |section: &str, name: &str, value: &str| Setting {
                section: section.into(),
                name: name.into(),
                value: value.into(),
                origin: "default".into(),
            };
            let with = |seconds: f64| {
                let mut one = phase(id);
                let setting_seconds = Some(300.0);
                one.stonewall = Some(Stonewall { setting_seconds, seconds: Some(seconds), ..Stonewall::default() });
                let mut run = a_run(vec![one]);
                run.configuration =
                    vec![setting("ior-easy", "blockSize", "1g"), setting("ior-easy", "transferSize", "2m")];
                run
            };
            case("limit.short-of-work", with(60.0), "ran out of work after 60 s of the stonewall's 300 s", with(300.1))
        },
    ]
}

fn other_cases() -> Vec<Case> {
    let pair = |hard: PhaseId, easy: PhaseId, share: f64| {
        let (mut one, other) = (phase(hard), phase(easy));
        one.rate = other.rate * share;
        one.storage = vec![Fact::new("API", "DFS")];
        a_run(vec![other, one])
    };
    let cached = |reason: &str| {
        let (mut write, mut read) = (phase(PhaseId::IorEasyWrite), phase(PhaseId::IorEasyRead));
        (write.rate, read.rate) = (0.037, 5.4);
        let mut run = a_run(vec![write, read]);
        run.verdicts = vec![Verdict { name: "strict".into(), valid: false, reasons: vec![reason.into()] }];
        run
    };
    let scored = |without: f64| {
        let mut run = a_run(vec![phase(PhaseId::IorEasyWrite)]);
        let means = |total| Means { bandwidth: total, metadata: total, total };
        let score = run.score.as_mut().unwrap();
        (score.means, score.without_wear_out) = (means(10.0), Some(means(without)));
        run
    };
    let slow_in = |times: usize| {
        let ids = [PhaseId::IorEasyWrite, PhaseId::MdtestEasyWrite, PhaseId::IorHardWrite, PhaseId::MdtestHardWrite];
        let one = |(index, id)| {
            let mut one = phase(id);
            one.parts = Some(PartsResult { operations_s: 85.0, wear_out_s: 15.0, ..PARTS });
            let late = if index < times { 130.0 } else { 93.0 };
            one.stragglers = Some(stragglers(&[late, 92.5, 92.3, 92.2], &[]));
            one
        };
        a_run(ids.into_iter().enumerate().map(one).collect())
    };
    vec![
        case(
            "limit.cache",
            cached("POSIX: reads may come from the page cache: the one rank reads what it wrote"),
            "5.4000 GiB/s after writing 0.037000 is likely the page cache",
            cached("something else"),
        ),
        case(
            "pairs.bandwidth",
            pair(PhaseId::IorHardWrite, PhaseId::IorEasyWrite, 0.04),
            "(ior-hard) against large ones (ior-easy): writing 4.00 %",
            pair(PhaseId::IorHardWrite, PhaseId::IorEasyWrite, 0.6),
        ),
        case(
            "pairs.metadata",
            pair(PhaseId::MdtestHardStat, PhaseId::MdtestEasyStat, 0.3),
            "against empty ones in own directories (mdtest-easy): stat 30.0 %",
            pair(PhaseId::MdtestHardStat, PhaseId::MdtestEasyStat, 1.3),
        ),
        case(
            "run.time",
            a_run(vec![phase(PhaseId::IorEasyWrite), phase(PhaseId::IorEasyRead)]),
            "The phases took 3 min 22 s: writing 50.0 %, reading 50.0 %. The longest was ior-easy-read with 1 min 41 s.",
            a_run(vec![phase(PhaseId::IorEasyWrite)]),
        ),
        case("run.wear-out", scored(10.6), "without it the run would have 10.600 (+6.00 %)", scored(10.1)),
        case("run.slow", slow_in(3), "Rank 40 on n0 was the slow one in 3 of 4 phases", slow_in(2)),
    ]
}

fn found(rule: &str, mut run: Run) -> Option<Diagnosed> {
    derive(&mut run);
    let of_phases = run.phases.last().map(|phase| phase.diagnosis.clone()).unwrap_or_default();
    let all = run.diagnosis.clone().into_iter().chain(of_phases);
    all.into_iter().find(|sentence| sentence.rule == rule).map(|s| Diagnosed { words: s.words, next: s.next })
}

#[test]
fn every_rule_fires_where_it_must_and_only_there() {
    let cases: Vec<Case> = write_phase_cases().into_iter().chain(other_cases()).collect();
    let mut rules: Vec<&str> = time::RULES.iter().chain(limits::RULES.iter()).map(|rule| rule.id).collect();
    rules.extend(run::RULES.iter().chain(pairs::RULES.iter()).map(|rule| rule.id));
    for rule in &rules {
        assert!(cases.iter().any(|case| case.rule == *rule), "no case for {rule}");
    }
    for case in cases {
        assert!(rules.contains(&case.rule), "no rule {}", case.rule);
        let said = found(case.rule, case.fires).unwrap_or_else(|| panic!("{} is silent", case.rule));
        assert!(said.words.contains(case.says), "{}: {}", case.rule, said.words);
        let silent = found(case.rule, case.silent);
        assert!(silent.is_none(), "{}: {silent:?}", case.rule);
    }
}

#[test]
fn the_lines_name_the_run_then_the_phases_then_what_to_try() {
    let mut one = phase(PhaseId::IorEasyWrite);
    calls(&mut one, "transfer", 1e6, 1_000_000, 1_200_000);
    let other = phase(PhaseId::MdtestEasyWrite);
    let mut run = a_run(vec![one.clone(), other, Phase { id: PhaseId::IorHardWrite, ..one }]);
    derive(&mut run);
    let lines = lines(&run);
    let about: Vec<&str> = lines.iter().map(|(about, _)| about.as_str()).collect();
    // what holds for several phases is said once
    assert_eq!(about, ["Run", "ior-easy-write, ior-hard-write", "mdtest-easy-write", "Next"]);
    assert!(lines[3].1.ends_with("(ior-easy-write, ior-hard-write)"), "{}", lines[3].1);
}

#[test]
fn nothing_is_said_of_a_phase_without_a_rate() {
    let mut one = phase(PhaseId::IorEasyWrite);
    one.rate = 0.0;
    let mut run = a_run(vec![one]);
    derive(&mut run);
    assert_eq!(run.phases[0].diagnosis, []);
}
