//! Decides about entries: what is counted at once, what needs a lookup and which.

use super::tally::Counts;
use crate::backend::{Backend, FileKind};
use crate::engine::OpKind;
use crate::error::OpResult;
use crate::plan::{Matcher, Predicate};
use std::ffi::CStr;

/// A predicate made ready.
pub struct Judge<'a> {
    predicate: &'a Predicate,
    matcher: Option<Matcher<'a>>,
}

/// What an entry of a listing asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// It is a directory: to be walked.
    Directory,
    /// It is counted.
    Done,
    /// The listing does not tell enough: [`Judge::look`].
    NeedsStat,
}

impl<'a> Judge<'a> {
    /// Makes a predicate ready.
    pub fn new(predicate: &'a Predicate) -> Self {
        Judge { predicate, matcher: predicate.name.as_ref().map(|name| name.matcher()) }
    }

    #[inline]
    fn wants(&self, name: &[u8]) -> bool {
        self.matcher.as_ref().is_none_or(|matcher| matcher.matches(name))
    }

    /// Looks at an entry as listed. Names come first: most entries need nothing else where the listing tells kinds.
    #[inline]
    pub fn listed(&self, name: &[u8], kind: Option<FileKind>, counts: &mut Counts) -> Listed {
        match kind {
            Some(FileKind::Directory) => Listed::Directory,
            Some(_) => {
                counts.total += 1;
                match self.wants(name) {
                    true if self.predicate.needs_stat() => Listed::NeedsStat,
                    wanted => {
                        counts.found += u64::from(wanted);
                        Listed::Done
                    }
                }
            }
            None => {
                counts.unknown += 1;
                Listed::NeedsStat
            }
        }
    }

    /// The lookup that [`Judge::look`] makes: a stat for names that match, else the cheapest probe of the kind.
    #[inline]
    pub fn lookup(&self, name: &[u8], kind: Option<FileKind>) -> OpKind {
        // the kind is only known here when the name has matched already
        let wanted = kind.is_some() || self.wants(name);
        if wanted && self.predicate.needs_stat() { OpKind::Stat } else { OpKind::Lookup }
    }

    /// Asks the store about an entry; true for a directory that the listing did not show to be one. What has vanished is neither an
    /// error nor a match.
    #[inline]
    pub fn look<B: Backend>(
        &self,
        backend: &B,
        dir: &B::Dir,
        name: &CStr,
        kind: Option<FileKind>,
        counts: &mut Counts,
    ) -> OpResult<bool> {
        let looked = match self.lookup(name.to_bytes(), kind) {
            OpKind::Stat => {
                backend.stat(dir, name).map(|stat| (stat.kind, self.predicate.matches(stat.size, stat.ctime)))
            }
            _ => backend.kind(dir, name).map(|now| (now, !self.predicate.needs_stat() && self.wants(name.to_bytes()))),
        };
        match looked {
            Ok((FileKind::Directory, _)) => Ok(kind.is_none()),
            Ok((_, matches)) => {
                counts.total += u64::from(kind.is_none());
                counts.found += u64::from(matches);
                Ok(false)
            }
            Err(errno) if errno.0 == libc::ENOENT => Ok(false),
            Err(errno) => Err(errno),
        }
    }
}
