//! Under MPI: every node judges itself, rank 0 gets what differs.
//!
//! The ranks of a node tell its lowest rank what they may and have; that rank reads the node and applies the rules. Rank 0 tells the
//! others what it found on its own node, and they send only what they have otherwise.

use super::roof::{Roof, client_links, copy_rate};
use super::rule::{JobFacts, Store, View};
use super::server::ServerConfig;
use super::table::{Delta, Line, Table};
use super::{access_points, audit};
use anyhow::Context as _;
use io500_phases::comm::{ClockSync, Comm, MAX_MESSAGE, ReduceOp};
use io500_phases::facts::{NodeFacts, RankFacts, Root};
use io500_phases::results::{BoundRanks, EnginePlace};
use std::time::{Duration, Instant};

/// How long the first rank of a node waits for the others; they send at once or are gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a job looks like.
pub struct Job {
    /// All nodes; on rank 0.
    pub table: Option<Table>,
    /// What its phases cannot exceed.
    pub roof: Roof,
    /// Rank 0's node, for a drawing; on rank 0.
    pub shown: Option<Shown>,
}

/// A node that is drawn.
pub struct Shown {
    pub facts: NodeFacts,
    pub ranks: Vec<BoundRanks>,
    pub engines: Vec<EnginePlace>,
}

impl Shown {
    pub fn new(view: &View<'_>) -> Shown {
        let bound = |rank: &RankFacts| BoundRanks { cpus: rank.cpus.clone(), ranks: 1 };
        Shown {
            facts: view.node.clone(),
            ranks: view.ranks.iter().map(bound).collect(),
            engines: view
                .server
                .map(|server| server.places(&view.node.topology, |address| view.numa_of(address)))
                .unwrap_or_default(),
        }
    }
}

/// How a job is looked at.
#[derive(Default)]
pub struct Look<'a> {
    /// The engines of this node, where it is a server.
    pub server: Option<&'a ServerConfig>,
    /// The pool and container; rank 0's counts.
    pub store: Option<&'a Store>,
    /// Copy in memory for so long.
    pub measure: Option<Duration>,
    /// Connect to the access points of the agent's configuration, which can take a second where one does not answer.
    pub reach: bool,
}

/// Looks at all nodes, and on rank 0 at the store. Collective.
pub fn job(comm: &dyn Comm, own: RankFacts, look: &Look<'_>) -> anyhow::Result<Job> {
    let skew_s = ClockSync::measure(comm).wall_skew_max_ns as f64 / 1e9;
    let topology = comm.topology();
    let node = topology.node_of(comm.rank());
    let ranks: Vec<usize> = (0..comm.size()).filter(|&rank| topology.node_of(rank) == node).collect();
    let own = RankFacts { rank: comm.rank(), node, ..own };
    let is_first = comm.rank() == ranks[0];
    let (mut lines, mut rate, mut shown) = (Vec::new(), None, None);
    if is_first {
        let ranks = collect(comm, own, ranks.len());
        let read = NodeFacts::read(&Root::live(), comm.host());
        let store = look.store.filter(|_| comm.rank() == 0);
        let points = if look.reach { access_points::of_agent() } else { Ok(Vec::new()) };
        let job = JobFacts {
            unread_agent: points.as_ref().err().cloned(),
            access_points: access_points::reach(&points.unwrap_or_default()),
            clock_skew_s: (comm.rank() == 0).then_some(skew_s),
        };
        let view = View { node: &read, ranks: &ranks, client: true, server: look.server, scan: None, store, job: &job };
        lines = audit::lines(&view);
        rate = client_links(&view);
        shown = (comm.rank() == 0).then(|| Shown::new(&view));
    } else {
        comm.send(ranks[0], &message(own));
    }
    let mut base = if comm.rank() == 0 { serde_json::to_vec(&lines)? } else { Vec::new() };
    comm.broadcast(0, &mut base);
    let base: Vec<Line> = serde_json::from_slice(&base).context("the lines of rank 0")?;
    let delta = match is_first {
        true => serde_json::to_vec(&Delta::new(comm.host(), &base, &lines))?,
        false => Vec::new(),
    };
    let deltas = comm.gather(&delta);
    let roof = roof(comm, is_first, rate, look.measure);
    let Some(deltas) = deltas else { return Ok(Job { table: None, roof, shown: None }) };
    let mut table = Table::new(base);
    for delta in deltas.into_iter().filter(|delta| !delta.is_empty()) {
        table.add(serde_json::from_slice(&delta).context("the lines of a node")?);
    }
    Ok(Job { table: Some(table), roof, shown })
}

/// The nodes' links and memories together; nothing where one node's are unknown. Collective.
fn roof(comm: &dyn Comm, is_first: bool, rate: Option<f64>, measure: Option<Duration>) -> Roof {
    let mut unknown = [u64::from(is_first && rate.is_none())];
    comm.all_reduce_u64(ReduceOp::Sum, &mut unknown);
    let mut links = [rate.unwrap_or(0.0)];
    comm.all_reduce_f64(ReduceOp::Sum, &mut links);
    let client_memory = measure.map(|time| {
        comm.barrier();
        let mut rates = [copy_rate(time)];
        comm.all_reduce_f64(ReduceOp::Sum, &mut rates);
        rates[0]
    });
    Roof { client_links: (unknown == [0]).then_some(links[0]), client_memory, ..Roof::default() }
}

/// A rank's facts as one message; an environment that does not fit is cut.
fn message(mut own: RankFacts) -> Vec<u8> {
    loop {
        let bytes = serde_json::to_vec(&own).expect("plain data");
        if bytes.len() <= MAX_MESSAGE || own.environment.pop().is_none() {
            return bytes;
        }
    }
}

/// The facts of all ranks of this node, by rank.
fn collect(comm: &dyn Comm, own: RankFacts, expected: usize) -> Vec<RankFacts> {
    let begun = Instant::now();
    let mut ranks = vec![own];
    while ranks.len() < expected && begun.elapsed() < PATIENCE {
        match comm.try_recv() {
            Some((_, bytes)) => ranks.extend(serde_json::from_slice::<RankFacts>(&bytes).ok()),
            None => std::thread::yield_now(),
        }
    }
    ranks.sort_by_key(|rank| rank.rank);
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::comm::threads;

    #[test]
    fn ranks_that_are_threads_are_one_node_that_reports_once() {
        let tables = threads::run(3, |comm| {
            let own = RankFacts::own(vec![("D_LOG_MASK".into(), "ERR".into())], format!("libdfs {}", comm.rank() / 2));
            job(comm, own, &Look::default()).unwrap().table
        });
        let table = tables.into_iter().flatten().next().unwrap();
        assert_eq!(table.hosts.len(), 1);
        let found = |id: &str| table.rows.keys().any(|line| matches!(line, Line::Finding { rule, .. } if rule == id));
        assert!(found("env.library-differs"), "{:?}", table.rows.keys());
    }
}
