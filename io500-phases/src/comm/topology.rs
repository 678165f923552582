//! How ranks lie on nodes, and which rank reads what another one wrote so that no node reads its own cache.
//!
//! The C suite shifts: rank r works on what rank (r + shift) mod n wrote. That leaves the node whenever nodes hold
//! equally many ranks in blocks or in turn; with uneven nodes or odd mappings some ranks read data of their own node. For those
//! layouts a corrected mapping is offered, and named, besides the official one.

use crate::text;
use std::sync::Arc;

/// Where the ranks of a group run. Small unless ranks are placed irregularly (then 4 bytes per rank).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    ranks: usize,
    nodes: usize,
    ppn_first: usize,
    ppn_max: usize,
    official_blocks: bool,
    placement: Placement,
    node_map: NodeMap,
    read_mapping: ReadMapping,
}

/// The order in which ranks were dealt out to nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Every node's ranks are consecutive.
    Blocks,
    /// Rank r is on node r mod nodes, with more than one rank on some node.
    RoundRobin,
    /// Anything else.
    Irregular,
}

/// By which rule readers are matched with writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReadRule {
    /// The C suite's shift.
    Official,
    /// Ranks ordered by node, shifted by the largest node: as few ranks as possible read their own node's data.
    Corrected,
}

/// Which rank reads whose data, summed up for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadMapping {
    /// The rule by which the fewest ranks read data of their own node; the official one if it is as good as any.
    pub rule: ReadRule,
    /// The official shift in ranks, whether it is the rule or not.
    pub shift: usize,
    /// Ranks that would read their own node's data by the official rule.
    pub own_node_official: usize,
    /// Ranks that read their own node's data by `rule`: more than 0 only on one node, or when one node holds more than
    /// half of the ranks.
    pub own_node: usize,
}

/// Node numbers by rank, by order of first appearance; a table only where no formula gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NodeMap {
    Blocks { ppn: usize },
    RoundRobin,
    Table(Arc<[u32]>),
}

impl Topology {
    /// From every rank's host id ([`host_id`]), in rank order: equal ids are one node.
    ///
    /// # Panics
    /// If there is no rank.
    pub fn from_host_ids(ids: &[u64]) -> Topology {
        assert!(!ids.is_empty(), "a topology has at least one rank");
        let ranks = ids.len();
        let table = number_nodes(ids);
        let nodes = table.iter().max().map_or(0, |&last| last as usize + 1);
        let mut per_node = vec![0; nodes];
        for &node in &table {
            per_node[node as usize] += 1;
        }
        let (ppn_first, ppn_max) = (per_node[0], per_node.iter().copied().max().unwrap_or(0));

        let in_blocks = table.is_sorted();
        let in_turn = table.iter().enumerate().all(|(rank, &node)| node as usize == rank % nodes);
        let placement = match (in_blocks, in_turn) {
            (true, _) => Placement::Blocks,
            (_, true) => Placement::RoundRobin,
            _ => Placement::Irregular,
        };
        // The C suite looks no further than at the second rank.
        let official_blocks = ranks > 1 && table[1] == table[0];
        let shift = if official_blocks { ppn_first } else { 1 };

        let own_node_official = (0..ranks).filter(|&rank| table[rank] == table[(rank + shift) % ranks]).count();
        // Even the best mapping leaves a rank on its own node's data for each rank that the largest node has above half.
        let own_node_best = (2 * ppn_max).saturating_sub(ranks);
        let rule = if own_node_official > own_node_best { ReadRule::Corrected } else { ReadRule::Official };

        let even_blocks = table.iter().enumerate().all(|(rank, &node)| node as usize == rank / ppn_first);
        let node_map = match (even_blocks, in_turn) {
            (true, _) => NodeMap::Blocks { ppn: ppn_first },
            (_, true) => NodeMap::RoundRobin,
            _ => NodeMap::Table(table.into()),
        };
        let own_node = own_node_official.min(own_node_best);
        let read_mapping = ReadMapping { rule, shift, own_node_official, own_node };
        Topology { ranks, nodes, ppn_first, ppn_max, official_blocks, placement, node_map, read_mapping }
    }

    /// The number of ranks.
    pub fn ranks(&self) -> usize {
        self.ranks
    }

    /// The number of nodes.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Ranks on the first node, rank 0's.
    pub fn ppn_first(&self) -> usize {
        self.ppn_first
    }

    /// Ranks on the fullest node.
    pub fn ppn_max(&self) -> usize {
        self.ppn_max
    }

    /// How ranks were dealt out to nodes.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// The node of a rank; nodes are numbered from 0 in the order of their first ranks.
    pub fn node_of(&self, rank: usize) -> usize {
        assert!(rank < self.ranks, "rank {rank} of {}", self.ranks);
        match &self.node_map {
            NodeMap::Blocks { ppn } => rank / ppn,
            NodeMap::RoundRobin => rank % self.nodes,
            NodeMap::Table(table) => table[rank] as usize,
        }
    }

    /// The shift between reader and writer in the IOR phases, in ranks, as the C suite computes it: the ranks of the
    /// first node when rank 1 shares it, else 1. To be taken modulo the number of ranks: on a single node it is 0.
    pub fn read_shift(&self) -> usize {
        self.read_mapping.shift
    }

    /// The shift between the steps of the mdtest phases, in ranks, as the C suite computes it.
    pub fn mdtest_shift(&self) -> usize {
        if self.nodes > 1 && self.official_blocks { self.ppn_first } else { 1 }
    }

    /// What the official shift does on this layout, and whether there is a better mapping.
    pub fn read_mapping(&self) -> ReadMapping {
        self.read_mapping
    }

    /// The rank whose data `rank` reads by `rule`. O(n) for [`ReadRule::Corrected`]: ask once.
    pub fn writer_for(&self, rank: usize, rule: ReadRule) -> usize {
        match rule {
            ReadRule::Official => (rank + self.read_shift()) % self.ranks,
            ReadRule::Corrected => {
                let order = self.ranks_by_node();
                let place = order.iter().position(|&at| at as usize == rank);
                let place = place.unwrap_or_else(|| panic!("rank {rank} of {}", self.ranks));
                order[(place + self.ppn_max) % self.ranks] as usize
            }
        }
    }

    /// All ranks, those of one node next to each other.
    fn ranks_by_node(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.ranks as u32).collect();
        order.sort_by_key(|&rank| self.node_of(rank as usize));
        order
    }
}

/// Node numbers from 0 in the order in which the ids appear first.
fn number_nodes(ids: &[u64]) -> Vec<u32> {
    let mut numbers = std::collections::HashMap::new();
    ids.iter()
        .map(|id| {
            let next = numbers.len() as u32;
            *numbers.entry(*id).or_insert(next)
        })
        .collect()
}

/// A 64-bit id of a host name, the same in every process: 8 bytes instead of a string for each of 100,000 ranks.
pub fn host_id(name: &str) -> u64 {
    // FNV-1a, then a finaliser, because host names of one machine differ in their last digits only.
    let fnv = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The name of this host, as `gethostname` gives it.
pub fn host_name() -> String {
    printable(std::fs::read("/proc/sys/kernel/hostname").unwrap_or_default().trim_ascii())
}

/// A name as text, and different ones as different texts: a host name is bytes.
fn printable(name: &[u8]) -> String {
    if name.is_empty() { "localhost".to_owned() } else { text::escape(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn host_names_that_are_not_utf8_stay_apart() {
        assert_eq!(printable(b"caf\xe9-1"), "caf\\xe9-1");
        assert_ne!(printable(b"caf\xe9"), printable(b"caf\xe8"));
        assert_eq!((printable("né".as_bytes()), printable(b"")), ("né".to_owned(), "localhost".to_owned()));
    }

    fn topology(nodes: &[u64]) -> Topology {
        Topology::from_host_ids(nodes)
    }

    #[test]
    fn one_rank_and_one_node_follow_the_c_suite() {
        let solo = topology(&[7]);
        assert_eq!((solo.nodes(), solo.ppn_first(), solo.read_shift(), solo.mdtest_shift()), (1, 1, 1, 1));
        assert_eq!(solo.writer_for(0, ReadRule::Official), 0);

        let one_node = topology(&[7; 4]);
        assert_eq!((one_node.read_shift(), one_node.mdtest_shift()), (4, 1));
        assert_eq!(one_node.placement(), Placement::Blocks);
        assert_eq!(one_node.writer_for(1, ReadRule::Official), 1);
        assert_eq!(
            one_node.read_mapping(),
            ReadMapping { rule: ReadRule::Official, shift: 4, own_node_official: 4, own_node: 4 }
        );
    }

    #[test]
    fn even_blocks_shift_by_the_ranks_of_the_first_node() {
        let blocks = topology(&[5, 5, 5, 9, 9, 9, 1, 1, 1]);
        assert_eq!(blocks.placement(), Placement::Blocks);
        assert_eq!((blocks.nodes(), blocks.ppn_first(), blocks.read_shift(), blocks.mdtest_shift()), (3, 3, 3, 3));
        assert_eq!(blocks.read_mapping().rule, ReadRule::Official);
        assert_eq!(blocks.read_mapping().own_node_official, 0);
        assert_eq!(blocks.node_map, NodeMap::Blocks { ppn: 3 });
        assert_eq!(blocks.writer_for(7, ReadRule::Official), 1);
    }

    #[test]
    fn ranks_in_turn_shift_by_one() {
        let in_turn = topology(&[5, 9, 1, 5, 9, 1]);
        assert_eq!(in_turn.placement(), Placement::RoundRobin);
        assert_eq!((in_turn.read_shift(), in_turn.mdtest_shift(), in_turn.ppn_first()), (1, 1, 2));
        assert_eq!(in_turn.read_mapping().rule, ReadRule::Official);
        assert_eq!(in_turn.node_map, NodeMap::RoundRobin);
    }

    #[test]
    fn a_rank_per_node_is_in_blocks_but_shifts_by_one() {
        let spread = topology(&[5, 9, 1]);
        assert_eq!((spread.placement(), spread.read_shift(), spread.ppn_max()), (Placement::Blocks, 1, 1));
        assert_eq!(spread.read_mapping().own_node_official, 0);
    }

    #[test]
    fn uneven_blocks_need_the_corrected_mapping() {
        // Shift 1 is too short for the second node: rank 1 would read rank 2's data next to it.
        let uneven = topology(&[5, 5, 9, 9, 9, 9, 1, 1]);
        assert_eq!(uneven.read_shift(), 2);
        let mapping = uneven.read_mapping();
        assert_eq!((mapping.rule, mapping.own_node_official, mapping.own_node), (ReadRule::Corrected, 2, 0));
        for rank in 0..8 {
            let writer = uneven.writer_for(rank, ReadRule::Corrected);
            assert_ne!(uneven.node_of(rank), uneven.node_of(writer), "rank {rank} reads rank {writer}");
        }
    }

    #[test]
    fn a_node_with_more_than_half_of_the_ranks_keeps_some_at_home() {
        let lopsided = topology(&[5, 9, 5, 5, 5]);
        assert_eq!(lopsided.placement(), Placement::Irregular);
        let mapping = lopsided.read_mapping();
        assert_eq!((mapping.own_node_official, mapping.own_node), (3, 3));
        assert_eq!(mapping.rule, ReadRule::Official);
    }

    #[test]
    fn host_ids_of_a_large_machine_differ() {
        let ids: std::collections::HashSet<u64> = (0..200_000).map(|n| host_id(&format!("x{n:06}c0s0b0n0"))).collect();
        assert_eq!(ids.len(), 200_000);
    }

    proptest! {
        #[test]
        fn the_chosen_mapping_is_a_permutation_with_the_fewest_readers_at_home(
            nodes in proptest::collection::vec(0_u64..6, 1..60)
        ) {
            let topology = topology(&nodes);
            for (rank, id) in nodes.iter().enumerate() {
                let first = nodes.iter().position(|other| other == id).unwrap();
                prop_assert_eq!(topology.node_of(rank), topology.node_of(first));
            }
            let mapping = topology.read_mapping();
            let readers_at_home = |rule| {
                let writers: Vec<usize> = (0..nodes.len()).map(|rank| topology.writer_for(rank, rule)).collect();
                let mut sorted = writers.clone();
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..nodes.len()), "{writers:?} is no permutation");
                (0..nodes.len()).filter(|&rank| nodes[rank] == nodes[writers[rank]]).count()
            };
            let (official, corrected) = (readers_at_home(ReadRule::Official), readers_at_home(ReadRule::Corrected));
            prop_assert_eq!(official, mapping.own_node_official);
            prop_assert_eq!(readers_at_home(mapping.rule), mapping.own_node);
            prop_assert_eq!(corrected, mapping.own_node);
            prop_assert_eq!(mapping.rule == ReadRule::Official, official <= corrected);
            if topology.ppn_max() * 2 <= nodes.len() {
                prop_assert_eq!(mapping.own_node, 0);
            }
        }

        #[test]
        fn formulas_and_table_number_nodes_alike(ppn in 1_usize..9, nodes in 1_usize..9, in_turn: bool) {
            let ids: Vec<u64> =
                (0..ppn * nodes).map(|rank| (if in_turn { rank % nodes } else { rank / ppn }) as u64 + 100).collect();
            let topology = topology(&ids);
            prop_assert!(!matches!(topology.node_map, NodeMap::Table(_)));
            prop_assert_eq!((topology.nodes(), topology.ppn_max()), (nodes, ppn));
            for (rank, id) in ids.iter().enumerate() {
                prop_assert_eq!(topology.node_of(rank) as u64 + 100, *id);
            }
            if nodes > 1 {
                prop_assert_eq!(topology.read_mapping().own_node_official, 0);
            }
        }
    }
}
