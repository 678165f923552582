//! What libdaos writes of its own metrics when a process disconnects, and the sum over the ranks.

use io500_phases::results::{ClientCount, ClientMetrics};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// More lines than libdaos writes.
const MOST_LINES: usize = 1 << 17;
/// More kinds than there are.
const MOST_KINDS: usize = 256;

/// What one rank counted, or several.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Ranks with metrics.
    ranks: u64,
    rpcs: u64,
    bulks: u64,
    resends: u64,
    timeouts: u64,
    bytes_fetched: u64,
    bytes_updated: u64,
    /// Object requests by kind: how many, how many have a latency, the sum of these in microseconds.
    requests: BTreeMap<String, (u64, u64, u64)>,
    /// Calls of libdfs by kind.
    calls: BTreeMap<String, u64>,
}

impl Counts {
    /// Reads a file of libdaos: `name,value,min,max,mean,sample_size,sum,std_dev`, the last six only for what has samples; none if it is no
    /// such file.
    pub fn read(text: &str) -> Option<Counts> {
        let mut counts = Counts { ranks: 1, ..Counts::default() };
        let mut lines = text.lines();
        if lines.next()? != "name,value,min,max,mean,sample_size,sum,std_dev" {
            return None;
        }
        for line in lines.take(MOST_LINES) {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok());
            // times are words
            let Some(value) = number(1) else { continue };
            counts.take(
                &fields[0].split('/').collect::<Vec<_>>(),
                value,
                number(5).unwrap_or(0),
                number(6).unwrap_or(0),
            );
        }
        Some(counts)
    }

    /// Takes in a metric by its path, whose first part is the process.
    fn take(&mut self, path: &[&str], value: u64, samples: u64, sum: u64) {
        let kind = |kind: &str| kind.to_owned();
        let add = |to: &mut u64, value: u64| *to = to.saturating_add(value);
        match path {
            [_, "net", _, "hg", "req_sent", _] => add(&mut self.rpcs, value),
            [_, "net", _, "hg", "bulks", _] => add(&mut self.bulks, value),
            [_, "net", _, "req_timeout" | "uri_lookup_timeout", ..] => add(&mut self.timeouts, value),
            [_, "pool", _, "resent" | "retry" | "restarted"] => add(&mut self.resends, value),
            [_, "pool", _, "xferred", "fetch"] => add(&mut self.bytes_fetched, value),
            [_, "pool", _, "xferred", "update"] => add(&mut self.bytes_updated, value),
            [_, "pool", _, "container", _, "dfs", "ops", call] if self.calls.len() < MOST_KINDS => {
                add(self.calls.entry(kind(call)).or_default(), value);
            }
            // each request makes the number of those under way change twice
            [_, _, "io", "ops", request, "active"] if self.requests.len() < MOST_KINDS => {
                add(&mut self.requests.entry(kind(request)).or_default().0, samples / 2);
            }
            [_, _, "io", "ops", request, "latency"] | [_, _, "io", "latency", request, _]
                if self.requests.len() < MOST_KINDS =>
            {
                let entry = self.requests.entry(kind(request)).or_default();
                add(&mut entry.1, samples);
                add(&mut entry.2, sum);
            }
            _ => {}
        }
    }

    /// Adds those of another rank.
    pub fn add(&mut self, other: &Counts) {
        let add = |to: &mut u64, value: u64| *to = to.saturating_add(value);
        add(&mut self.ranks, other.ranks);
        add(&mut self.rpcs, other.rpcs);
        add(&mut self.bulks, other.bulks);
        add(&mut self.resends, other.resends);
        add(&mut self.timeouts, other.timeouts);
        add(&mut self.bytes_fetched, other.bytes_fetched);
        add(&mut self.bytes_updated, other.bytes_updated);
        for (kind, (count, timed, sum)) in &other.requests {
            let entry = self.requests.entry(kind.clone()).or_default();
            add(&mut entry.0, *count);
            add(&mut entry.1, *timed);
            add(&mut entry.2, *sum);
        }
        for (kind, count) in &other.calls {
            add(self.calls.entry(kind.clone()).or_default(), *count);
        }
    }

    /// As it stands in a result: of `ranks` ranks, which did `operations` in all.
    pub fn result(&self, ranks: u64, operations: u64) -> ClientMetrics {
        let requests = self.requests.iter().filter(|(_, (count, ..))| *count > 0);
        let calls = self.calls.iter().filter(|(_, count)| **count > 0);
        ClientMetrics {
            phase: None,
            runs: 1,
            ranks: self.ranks,
            ranks_without: ranks.saturating_sub(self.ranks),
            rpcs: self.rpcs,
            // with ranks missing there is no ratio
            rpcs_per_operation: (operations > 0 && self.ranks == ranks).then(|| self.rpcs as f64 / operations as f64),
            bulks: self.bulks,
            resends: self.resends,
            timeouts: self.timeouts,
            bytes_fetched: self.bytes_fetched,
            bytes_updated: self.bytes_updated,
            requests: requests
                .map(|(kind, &(count, timed, sum))| ClientCount {
                    kind: kind.clone(),
                    count,
                    mean_us: (timed > 0).then(|| sum as f64 / timed as f64),
                })
                .collect(),
            calls: calls.map(|(kind, &count)| ClientCount { kind: kind.clone(), count, mean_us: None }).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::real;
    use super::*;
    use proptest::prelude::*;

    const OWN: &str = "name,value,min,max,mean,sample_size,sum,std_dev\n7/started_at,Wed Nov 25 21:07:40 2026\n\
        7/net/ofi+tcp/hg/req_sent/ctx_0,10\n7/net/ofi+tcp/hg/req_sent/ctx_1,5\n7/net/ofi+tcp/req_timeout/ctx_0,2\n\
        7/99/io/ops/fetch/active,1,0,2,0.5,8,4,0.5\n7/99/io/latency/fetch/4KB,5,1,9,5.0,4,20,1.0\n\
        7/99/io/ops/key_query/active,0\n7/pool/p/resent,1\n7/pool/p/retry,2\n7/pool/p/xferred/fetch,4096\n\
        7/pool/p/container/c/dfs/ops/STAT,3\n7/pool/p/container/c/dfs/ops/OPEN,0\n";

    #[test]
    fn counts_are_read_and_summed() {
        let mut counts = Counts::read(OWN).unwrap();
        counts.add(&Counts::read(OWN).unwrap());
        let found = counts.result(2, 20);
        assert_eq!((found.rpcs, found.rpcs_per_operation, found.ranks, found.ranks_without), (30, Some(1.5), 2, 0));
        assert_eq!((found.resends, found.timeouts, found.bytes_fetched), (6, 4, 8192));
        assert_eq!(found.requests, [ClientCount { kind: "fetch".into(), count: 8, mean_us: Some(5.0) }]);
        assert_eq!(found.calls, [ClientCount { kind: "STAT".into(), count: 6, mean_us: None }]);
        let missing = counts.result(3, 20);
        assert_eq!((missing.ranks_without, missing.rpcs_per_operation), (1, None));
    }

    #[test]
    fn another_file_is_none() {
        assert_eq!(Counts::read(""), None);
        assert_eq!(Counts::read("name,value\n7/x,1\n"), None);
    }

    #[test]
    fn real_files_are_read() {
        let (Some(first), Some(second)) = (real("client-rank0.csv"), real("client-rank1.csv")) else { return };
        let mut counts = Counts::read(&first).unwrap();
        let alone = counts.result(1, 1);
        assert_eq!((alone.rpcs, alone.bytes_fetched), (137_761, 463_616_244));
        let of =
            |list: &[ClientCount], kind: &str| list.iter().find(|count| count.kind == kind).map(|count| count.count);
        assert_eq!((of(&alone.requests, "fetch"), of(&alone.requests, "dkey_enum")), (Some(74_167), Some(33)));
        assert_eq!(of(&alone.calls, "CREATE"), Some(13_446));
        // what the object layer counts is what Mercury sends, but for connecting and the like
        let requests: u64 = alone.requests.iter().map(|request| request.count).sum();
        assert!(alone.rpcs.abs_diff(requests) < 100, "{requests}");
        counts.add(&Counts::read(&second).unwrap());
        assert_eq!(counts.result(2, 1).ranks, 2);
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(lines in prop::collection::vec("[0-9a-z/,._+]{0,40}", 0..20)) {
            let _ = Counts::read(&format!("name,value,min,max,mean,sample_size,sum,std_dev\n{}", lines.join("\n")));
        }
    }
}
