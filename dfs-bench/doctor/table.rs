//! What nodes found and have, put together: one row for each distinct line, with the nodes that it holds for.
//!
//! A thousand equal nodes are one set of rows: a set of nodes is a list of ranges, and a node sends only what it has otherwise than the
//! first one.

use super::rule::Found;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One thing about a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Line {
    /// A rule found something.
    Finding { rule: String, found: Found },
    /// A fact is not known; the rule that wanted it, or none for a file that was refused.
    Unknown { what: String, rule: String },
    /// A property that should be the same on all nodes.
    Property { name: String, value: String },
}

/// What a node has otherwise than the first.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    host: String,
    /// Places of the first node's lines that this one lacks.
    lacks: Vec<u32>,
    /// Lines that only this one has.
    more: Vec<Line>,
}

impl Delta {
    /// The difference of a node's sorted lines from the first node's.
    pub fn new(host: &str, base: &[Line], own: &[Line]) -> Delta {
        let mine: BTreeSet<&Line> = own.iter().collect();
        let theirs: BTreeSet<&Line> = base.iter().collect();
        let lacks = base.iter().zip(0..).filter(|(line, _)| !mine.contains(line)).map(|(_, place)| place);
        let more = own.iter().filter(|line| !theirs.contains(line)).cloned();
        Delta { host: host.to_owned(), lacks: lacks.collect(), more: more.collect() }
    }
}

/// A set of nodes, as ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSet(Vec<(u32, u32)>);

impl NodeSet {
    /// Adds a node; nodes come in ascending order.
    fn push(&mut self, node: u32) {
        match self.0.last_mut() {
            Some((_, last)) if *last + 1 == node => *last = node,
            Some((_, last)) if *last >= node => {}
            _ => self.0.push((node, node)),
        }
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|(first, last)| (last - first + 1) as usize).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|&(first, last)| first..=last)
    }
}

/// All nodes.
#[derive(Debug, Default)]
pub struct Table {
    pub hosts: Vec<String>,
    base: Vec<Line>,
    pub rows: BTreeMap<Line, NodeSet>,
}

impl Table {
    /// An empty table whose first node will have these lines.
    pub fn new(base: Vec<Line>) -> Table {
        Table { base, ..Table::default() }
    }

    /// Adds the next node.
    pub fn add(&mut self, delta: Delta) {
        let node = self.hosts.len() as u32;
        self.hosts.push(delta.host);
        let mut lacks = delta.lacks.into_iter().peekable();
        for (line, place) in self.base.iter().zip(0..) {
            if lacks.next_if_eq(&place).is_none() {
                match self.rows.get_mut(line) {
                    Some(nodes) => nodes.push(node),
                    None => self.rows.entry(line.clone()).or_default().push(node),
                }
            }
        }
        for line in delta.more {
            self.rows.entry(line).or_default().push(node);
        }
    }

    /// The names of nodes.
    pub fn names<'a>(&'a self, nodes: &'a NodeSet) -> impl Iterator<Item = &'a str> {
        nodes.iter().map(|node| self.hosts[node as usize].as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str, value: &str) -> Line {
        Line::Property { name: name.into(), value: value.into() }
    }

    fn node(number: u32) -> Vec<Line> {
        let mut lines: Vec<Line> =
            (0..60).map(|line| property(&format!("property {line:02}"), "a value of some length")).collect();
        if number == 17 {
            lines[3] = property("property 03", "another");
            lines.remove(40);
        }
        lines.sort();
        lines
    }

    #[test]
    fn a_thousand_nodes_take_the_memory_of_their_distinct_lines() {
        let base = node(0);
        let mut table = Table::new(base.clone());
        let mut sent = 0;
        for number in 0..1000 {
            let delta = Delta::new(&format!("node{number}"), &base, &node(number));
            sent += serde_json::to_vec(&delta).unwrap().len();
            table.add(delta);
        }
        assert!(sent < 64 * 1000, "a node that is as the first sends its name: {sent}");
        assert_eq!(table.rows.len(), 61);
        let ranges: usize = table.rows.values().map(|nodes| nodes.0.len()).sum();
        assert_eq!(ranges, 58 + 2 + 2 + 1, "two rows have a gap, one has one node");
        assert_eq!(table.rows[&property("property 03", "another")].len(), 1);
        let names: Vec<&str> = table.names(&table.rows[&property("property 03", "another")]).collect();
        assert_eq!(names, ["node17"]);
        assert_eq!(table.rows[&property("property 40", "a value of some length")].len(), 999);
    }
}
