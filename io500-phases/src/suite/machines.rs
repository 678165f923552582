//! The nodes of a run: gathered before the first phase, once for each kind of node, and asked for their counters around each phase.

use crate::comm::{Comm, ReduceOp};
use crate::facts::{Counters, CpuSet, NodeFacts, RankFacts, RankUse, Root, local_addresses};
use crate::results::{BoundRanks, Machine, NodesActivity, RankActivity, elsewhere};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// The most kinds of nodes that a result holds; a job of more has nothing that is alike.
const MOST: usize = 64;

/// What a rank tells rank 0 of itself and, as the first of its node, of that.
#[derive(Serialize, Deserialize)]
struct Told {
    host: String,
    cpus: Option<CpuSet>,
    /// Whether it is the first of its node.
    first: bool,
    /// That node's facts, where they are not those of rank 0's node.
    facts: Option<Box<NodeFacts>>,
}

/// The kinds of nodes, on rank 0, the one with the most nodes first. Collective: a broadcast of rank 0's node, and a gather of what differs.
pub(super) fn gather(comm: &dyn Comm) -> Option<Vec<Machine>> {
    let own = is_first_of_node(comm).then(|| NodeFacts::read(&Root::live(), comm.host()).lasting());
    let mut base = match &own {
        Some(facts) if comm.rank() == 0 => serde_json::to_vec(facts).expect("plain data"),
        _ => Vec::new(),
    };
    comm.broadcast(0, &mut base);
    let base: NodeFacts = serde_json::from_slice(&base).unwrap_or_default();
    let told = Told {
        host: comm.host().to_owned(),
        cpus: RankFacts::own(Vec::new(), String::new()).cpus,
        first: own.is_some(),
        facts: own.filter(|facts| *facts != base).map(Box::new),
    };
    let told = comm.gather(&serde_json::to_vec(&told).expect("plain data"))?;
    let told = told.iter().map(|bytes| serde_json::from_slice(bytes).ok()).collect();
    Some(kinds(by_node(comm, told), &base))
}

/// Puts nodes together that are alike.
fn kinds(nodes: Vec<Vec<Told>>, base: &NodeFacts) -> Vec<Machine> {
    let mut machines: Vec<Machine> = Vec::new();
    for mut ranks in nodes {
        let Some(first) = ranks.iter_mut().find(|told| told.first) else { continue };
        let (host, facts) = (first.host.clone(), first.facts.take().map_or_else(|| base.clone(), |facts| *facts));
        let mut bound = BTreeMap::<Option<CpuSet>, usize>::new();
        ranks.into_iter().for_each(|told| *bound.entry(told.cpus).or_default() += 1);
        let ranks: Vec<BoundRanks> = bound.into_iter().map(|(cpus, ranks)| BoundRanks { cpus, ranks }).collect();
        match machines.iter_mut().find(|machine| machine.ranks == ranks && machine.facts == facts) {
            Some(machine) => machine.hosts.push(host),
            None => machines.push(Machine { hosts: vec![host], ranks, facts }),
        }
    }
    machines.sort_by_key(|machine| std::cmp::Reverse(machine.hosts.len()));
    machines
}

/// What a result keeps of them.
pub(super) fn kept(mut machines: Vec<Machine>) -> Vec<Machine> {
    machines.truncate(MOST);
    machines
}

/// Whether the engines, whose addresses rank 0 knows, are on other nodes than all ranks. Collective.
pub(super) fn engines_elsewhere(comm: &dyn Comm, engines: &[String]) -> Option<bool> {
    let mut told = serde_json::to_vec(engines).expect("plain data");
    comm.broadcast(0, &mut told);
    let engines: Vec<String> = serde_json::from_slice(&told).unwrap_or_default();
    let own: Option<Option<bool>> = is_first_of_node(comm).then(|| {
        let own = local_addresses()?;
        elsewhere(engines.iter().map(String::as_str), |address| own.contains(address))
    });
    let mut counts = [u64::from(own == Some(None)), u64::from(own == Some(Some(false)))];
    comm.all_reduce_u64(ReduceOp::Sum, &mut counts);
    match counts {
        [0, 0] => Some(true),
        [0, _] => Some(false),
        _ => None,
    }
}

/// Reads the counters of the nodes around the phases.
pub(super) struct Readings {
    is_first: bool,
    before: Option<(Instant, Counters, RankUse)>,
}

impl Readings {
    pub fn new(comm: &dyn Comm) -> Readings {
        Readings { is_first: is_first_of_node(comm), before: None }
    }

    /// Before a phase, outside its window.
    pub fn begin(&mut self) {
        self.before = Some((Instant::now(), self.node(), RankUse::own()));
    }

    fn node(&self) -> Counters {
        if self.is_first { Counters::read(&Root::live()) } else { Counters::default() }
    }

    /// After a phase: what moved, on rank 0. Collective.
    pub fn end(&mut self, comm: &dyn Comm) -> Option<NodesActivity> {
        let (begun, counters, used) = self.before.take()?;
        let own = RankActivity {
            own: RankUse::own().since(used),
            node: self.is_first.then(|| (comm.host().to_owned(), self.node().since(&counters))),
        };
        let span_s = begun.elapsed().as_secs_f64();
        let told = comm.gather(&serde_json::to_vec(&own).expect("plain data"))?;
        let told = told.iter().map(|bytes| serde_json::from_slice(bytes).ok()).collect();
        Some(NodesActivity::new(span_s, &by_node(comm, told)))
    }
}

/// Whether this rank is the lowest of its node.
fn is_first_of_node(comm: &dyn Comm) -> bool {
    let topology = comm.topology();
    let node = topology.node_of(comm.rank());
    (0..comm.rank()).all(|rank| topology.node_of(rank) != node)
}

/// What the ranks told, by node; what could not be read is left out.
fn by_node<T>(comm: &dyn Comm, told: Vec<Option<T>>) -> Vec<Vec<T>> {
    let topology = comm.topology();
    let mut nodes: BTreeMap<usize, Vec<T>> = BTreeMap::new();
    for (rank, told) in told.into_iter().enumerate() {
        nodes.entry(topology.node_of(rank)).or_default().extend(told);
    }
    nodes.into_values().collect()
}

/// The addresses of the engines of these stores, each once.
pub(super) fn engines(stores: &[(String, crate::backend::Description)]) -> Vec<String> {
    let engines = stores.iter().filter_map(|(_, store)| store.attach.as_ref()).flat_map(|attach| &attach.engines);
    engines.map(|engine| engine.uri.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;

    fn told(host: &str, cpus: &str, first: bool, facts: Option<NodeFacts>) -> Told {
        Told { host: host.into(), cpus: CpuSet::parse(cpus), first, facts: facts.map(Box::new) }
    }

    #[test]
    fn nodes_that_are_alike_are_one_kind() {
        let base = NodeFacts { kernel: Some("6.1".into()), ..NodeFacts::default() };
        let other = NodeFacts { kernel: Some("5.14".into()), ..NodeFacts::default() };
        let node = |host: &str, facts: Option<NodeFacts>, second: &str| {
            vec![told(host, "0-1", true, facts), told(host, second, false, None)]
        };
        let nodes = vec![
            node("odd", Some(other), "2-3"),
            node("a", None, "2-3"),
            node("b", None, "2-3"),
            node("bound otherwise", None, "0-1"),
        ];
        let machines = kinds(nodes, &base);
        let hosts: Vec<Vec<String>> = machines.iter().map(|machine| machine.hosts.clone()).collect();
        assert_eq!(hosts, [vec!["a", "b"], vec!["odd"], vec!["bound otherwise"]]);
        assert_eq!(machines[0].ranks.len(), 2);
        assert_eq!(machines[2].ranks, [BoundRanks { cpus: CpuSet::parse("0-1"), ranks: 2 }]);
    }

    #[test]
    fn ranks_of_one_node_are_gathered_and_counted_once() {
        let gathered = threads::run(3, |comm| {
            let machines = gather(comm);
            let mut readings = Readings::new(comm);
            readings.begin();
            let activity = readings.end(comm);
            let here = engines_elsewhere(comm, &["ofi+tcp://127.0.0.1:1".into()]);
            (machines, activity, here, engines_elsewhere(comm, &[]))
        });
        let (machines, activity, ..) = &gathered[0];
        let machines = machines.as_ref().unwrap();
        assert_eq!((machines.len(), machines[0].ranks.iter().map(|bound| bound.ranks).sum::<usize>()), (1, 3));
        assert!(machines[0].facts.host.is_empty() && !machines[0].facts.topology.cores.is_empty());
        assert!(activity.is_some() && gathered[1].0.is_none() && gathered[1].1.is_none());
        for (_, _, here, unknown) in &gathered {
            assert!(matches!(here, Some(false) | None) && unknown.is_none(), "{here:?}");
        }
    }
}
