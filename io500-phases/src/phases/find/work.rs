//! Pieces of work that threads and ranks pass on: directories, shards of directories, names that need a lookup.

use crate::backend::{DirBatch, FileKind};
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A path below the start of the walk, its parts joined by `/`; empty for the start itself.
pub type Path = Arc<[u8]>;

/// A piece of work.
#[derive(Debug)]
pub struct Work<'a, D> {
    /// The directory it is about.
    pub path: Path,
    /// How this rank gets at that directory.
    pub handle: Handle<'a, D>,
    /// What to do.
    pub task: Task,
}

/// What to do with a directory.
#[derive(Debug)]
pub enum Task {
    /// Open it and list it.
    List,
    /// List these shards of so many.
    Shards(Range<u32>, u32),
    /// Look up these names.
    Names(DirBatch),
}

/// An open directory that several pieces of work share.
#[derive(Debug)]
pub enum DirRef<'a, D> {
    /// Borrowed: the start of the walk.
    Borrowed(&'a D),
    /// Closed with the last piece of work.
    Shared(Arc<D>),
}

/// How a rank gets at a directory.
#[derive(Debug)]
pub enum Handle<'a, D> {
    /// It is open.
    Open(DirRef<'a, D>),
    /// Its parent is open.
    Parent(DirRef<'a, D>),
    /// By its path from the start: it came from another rank, or it is so deep that open parents would use up the descriptors.
    Far,
}

impl<D> Clone for DirRef<'_, D> {
    fn clone(&self) -> Self {
        match self {
            DirRef::Borrowed(dir) => DirRef::Borrowed(dir),
            DirRef::Shared(dir) => DirRef::Shared(dir.clone()),
        }
    }
}

impl<D> Deref for DirRef<'_, D> {
    type Target = D;
    fn deref(&self) -> &D {
        match self {
            DirRef::Borrowed(dir) => dir,
            DirRef::Shared(dir) => dir,
        }
    }
}

const LIST: u8 = 0;
const SHARDS: u8 = 1;
const NAMES: u8 = 2;
const KIND_UNKNOWN: u8 = 0;
const KIND_KNOWN: u8 = 1;

impl<D> Work<'_, D> {
    /// How many ranks it can keep busy at once.
    pub fn units(&self) -> u32 {
        match &self.task {
            Task::Shards(shards, _) => shards.end - shards.start,
            Task::List | Task::Names(_) => 1,
        }
    }

    /// Takes the last `shards` shards off.
    pub fn split_off(&mut self, shards: u32) -> Option<Self> {
        match &mut self.task {
            Task::Shards(own, of) => {
                let task = Task::Shards(own.end - shards..own.end, *of);
                own.end -= shards;
                Some(Work { path: self.path.clone(), handle: Handle::Far, task })
            }
            Task::List | Task::Names(_) => None,
        }
    }

    /// Bytes that [`Work::encode`] adds.
    pub fn encoded_len(&self) -> usize {
        let task = match &self.task {
            Task::List => 0,
            Task::Shards(..) => 12,
            Task::Names(names) => 4 + names.entries.len() + names.names.len(),
        };
        1 + 4 + self.path.len() + task
    }

    /// Adds it to a message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let number = |out: &mut Vec<u8>, number: u32| out.extend_from_slice(&number.to_le_bytes());
        out.push(match self.task {
            Task::List => LIST,
            Task::Shards(..) => SHARDS,
            Task::Names(_) => NAMES,
        });
        number(out, self.path.len() as u32);
        out.extend_from_slice(&self.path);
        match &self.task {
            Task::List => {}
            Task::Shards(shards, of) => [shards.start, shards.end, *of].into_iter().for_each(|each| number(out, each)),
            Task::Names(names) => {
                number(out, names.entries.len() as u32);
                // of a known kind the receiver only needs that it is known: no directory comes here
                out.extend(
                    names.entries.iter().map(|(_, kind)| if kind.is_some() { KIND_KNOWN } else { KIND_UNKNOWN }),
                );
                out.extend_from_slice(&names.names);
            }
        }
    }

    /// The pieces of work in a message.
    ///
    /// # Panics
    /// If the message is not what [`Work::encode`] made: every rank runs the same program.
    pub fn decode_all(mut bytes: &[u8]) -> Vec<Self> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            all.push(Self::decode(&mut bytes));
        }
        all
    }

    fn decode(bytes: &mut &[u8]) -> Self {
        let kind = take(bytes, 1)[0];
        let length = number(bytes) as usize;
        let path = take(bytes, length).into();
        let task = match kind {
            LIST => Task::List,
            SHARDS => Task::Shards(number(bytes)..number(bytes), number(bytes)),
            NAMES => {
                let count = number(bytes) as usize;
                let kinds = take(bytes, count);
                let mut names = DirBatch::default();
                for &kind in kinds {
                    let end = memchr::memchr(0, bytes).expect("names end in NUL");
                    names.push(&bytes[..end], (kind == KIND_KNOWN).then_some(FileKind::File));
                    *bytes = &bytes[end + 1..];
                }
                Task::Names(names)
            }
            other => panic!("a piece of work of kind {other}"),
        };
        Work { path, handle: Handle::Far, task }
    }
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn number(bytes: &mut &[u8]) -> u32 {
    u32::from_le_bytes(take(bytes, 4).try_into().expect("four bytes"))
}

/// The path of an entry.
pub fn child(path: &[u8], name: &[u8]) -> Path {
    let mut joined = Vec::with_capacity(path.len() + 1 + name.len());
    if !path.is_empty() {
        joined.extend_from_slice(path);
        joined.push(b'/');
    }
    joined.extend_from_slice(name);
    joined.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_survives_a_message() {
        let mut names = DirBatch::default();
        names.push(b"file.mdtest.0.101", Some(FileKind::File));
        names.push(b"", None);
        names.push(b"x", None);
        let tasks = [Task::List, Task::Shards(3..9, 17), Task::Names(names)];
        let mut bytes = Vec::new();
        let mut sum = 0;
        for task in tasks {
            let work: Work<'_, ()> = Work { path: child(b"a/b", b"c"), handle: Handle::Far, task };
            work.encode(&mut bytes);
            sum += work.encoded_len();
        }
        assert_eq!(bytes.len(), sum);
        let all = Work::<()>::decode_all(&bytes);
        assert!(all.iter().all(|work| &*work.path == b"a/b/c"));
        assert!(matches!(all[0].task, Task::List));
        assert!(matches!(all[1].task, Task::Shards(Range { start: 3, end: 9 }, 17)));
        let Task::Names(names) = &all[2].task else { panic!("{:?}", all[2]) };
        let names: Vec<_> = names.iter().map(|(name, kind)| (name.to_str().unwrap(), kind.is_some())).collect();
        assert_eq!(names, [("file.mdtest.0.101", true), ("", false), ("x", false)]);
        assert_eq!(&*child(b"", b"top"), b"top");
    }
}
