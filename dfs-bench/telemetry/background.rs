//! What the servers did besides a phase, as doubts about it.

use io500_phases::results::ServerFigure;
use std::collections::{BTreeMap, BTreeSet};

/// Subjects that are work nobody asked for, and what they are called.
const BACKGROUND: [(&str, &str); 3] = [
    ("aggregation", "aggregation ran on the servers"),
    ("rebuild", "rebuild or reintegration went on in the pool, or it is degraded"),
    ("scrubber", "the scrubber read data on the servers"),
];

/// The doubts that the figures of a phase give, with the engines that were started again and the object requests by pool. Garbage collection is none: it is what deleting costs.
pub(super) fn doubts(
    activity: &[ServerFigure],
    restarted: &BTreeSet<u32>,
    requests: &BTreeMap<String, f64>,
) -> Vec<String> {
    let of = |subject: &str| {
        let figures = activity.iter().filter(|figure| figure.subject == subject);
        figures.map(|figure| format!("{} {}", figure.metric, figure.value)).collect::<Vec<_>>().join(", ")
    };
    let mut doubts: Vec<String> = Vec::new();
    for engine in restarted {
        doubts.push(format!("engine {engine} was started while the phase ran: its counts are left out"));
    }
    for (subject, words) in BACKGROUND {
        let figures = of(subject);
        if !figures.is_empty() {
            doubts.push(format!("{words} while the phase ran ({figures})"));
        }
    }
    let errors =
        [of("error"), of("checksum")].into_iter().filter(|figures| !figures.is_empty()).collect::<Vec<_>>().join(", ");
    if !errors.is_empty() {
        doubts.push(format!("the servers counted errors while the phase ran: {errors}"));
    }
    if activity.iter().any(|figure| figure.metric == "nvme_temp_warn") {
        doubts.push("an NVMe device of the servers was above its warning temperature".to_owned());
    }
    let pools = requests.values().filter(|requests| **requests > 0.0).count();
    if pools > 1 {
        doubts.push(format!("the servers worked for {pools} pools while the phase ran: somebody else uses them"));
    }
    doubts
}
