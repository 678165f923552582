//! What one rank counted in a find phase.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// What a walk, or a part of one, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Entries that match.
    pub found: u64,
    /// Entries that are not directories.
    pub total: u64,
    /// Entries whose name was looked at, directories too, here or by the servers; not the start of the walk.
    pub checked: u64,
    /// Directories and entries that could not be examined, without those that vanished meanwhile.
    pub errors: u64,
    /// Entries whose type the listing did not tell.
    pub unknown: u64,
    /// Directories, or shards of them, that the servers could not filter though they filter others.
    pub unfiltered: u64,
    /// Directories of several shards that were listed as one, because the store would list the shards wrong.
    pub whole: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.found += other.found;
        self.total += other.total;
        self.checked += other.checked;
        self.errors += other.errors;
        self.unknown += other.unknown;
        self.unfiltered += other.unfiltered;
        self.whole += other.whole;
    }
}

/// How matching entries are told from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The servers compare names; only those that match and directories come back.
    Server,
    /// The client compares names and asks only about those that match, or whose kind is unknown.
    #[default]
    NameFirst,
}

impl Method {
    /// The word for results.
    pub fn name(self) -> &'static str {
        match self {
            Method::Server => "server",
            Method::NameFirst => "name-first",
        }
    }
}

/// One rank's part of a find phase, beside its [`RankTally`](crate::phases::RankTally).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindTally {
    /// The rank.
    pub rank: usize,
    /// Whether it took part in the walk (`nproc`).
    pub takes_part: bool,
    /// What it counted.
    pub counts: Counts,
    /// How names were filtered: the same on every rank.
    pub method: Method,
    /// Lookups in flight.
    pub threads: usize,
    /// The messages.
    pub traffic: Traffic,
    /// Time without work, until the walk was over everywhere.
    pub idle_ns: u64,
    /// The first entry that could not be examined.
    pub first_error: Option<String>,
}

/// The messages of one rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Times that another rank asked this one for work.
    pub asked: u64,
    /// Pieces of work given away: directories, ranges of shards, and batches of names.
    pub given: u64,
    /// Times that this rank asked another one.
    pub asks: u64,
    /// Pieces of work got from others, asked for or passed on; what rank 0 dealt out at the beginning is not among them.
    pub stolen: u64,
    /// Messages about the end of the walk.
    pub tokens: u64,
}
