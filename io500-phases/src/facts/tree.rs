//! A file tree in memory: what an archive holds, and what a test changes by one thing.

use std::collections::BTreeMap;

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    File(Vec<u8>),
    Dir,
    Link(String),
    /// A FIFO, a device, a socket: there, and never opened.
    Other,
}

/// A file tree in memory. Paths have no leading slash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// Puts a file, and the directories above it.
    pub fn file(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.insert(path, Entry::File(bytes.into()));
    }

    /// Puts a directory.
    pub fn dir(&mut self, path: &str) {
        self.insert(path, Entry::Dir);
    }

    /// Puts a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.insert(path, Entry::Link(target.to_owned()));
    }

    /// Takes an entry away, with what is below it.
    pub fn remove(&mut self, path: &str) {
        let path = path.trim_matches('/');
        let below = format!("{path}/");
        self.entries.retain(|name, _| name != path && !name.starts_with(&below));
    }

    /// The paths and bytes of all files.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::File(bytes) => Some((path.as_str(), bytes.as_slice())),
            _ => None,
        })
    }

    pub(super) fn insert(&mut self, path: &str, entry: Entry) {
        let path = path.trim_matches('/');
        let mut at = 0;
        while let Some(slash) = path[at..].find('/') {
            at += slash;
            self.entries.entry(path[..at].to_owned()).or_insert(Entry::Dir);
            at += 1;
        }
        let is_there = entry == Entry::Dir && self.entries.contains_key(path);
        if !path.is_empty() && !is_there {
            self.entries.insert(path.to_owned(), entry);
        }
    }

    pub(super) fn get(&self, path: &str) -> Option<&Entry> {
        if path.is_empty() { Some(&Entry::Dir) } else { self.entries.get(path) }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The names in a directory, sorted.
    pub(super) fn names(&self, dir: &str) -> Vec<String> {
        let below = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let inside = self.entries.range(below.clone()..).take_while(|(path, _)| path.starts_with(&below));
        let names = inside.filter_map(|(path, _)| path.get(below.len()..));
        names.filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned).collect()
    }

    /// The part below the one top directory of an archive that has its `sys` and `proc` there.
    pub(super) fn below_single_top(self) -> Tree {
        let top = self.names("");
        let [only] = top.as_slice() else { return self };
        if only == "sys" || only == "proc" {
            return self;
        }
        let below = format!("{only}/");
        let entries = self.entries.into_iter();
        Tree {
            entries: entries.filter_map(|(path, entry)| Some((path.strip_prefix(&below)?.to_owned(), entry))).collect(),
        }
    }
}
