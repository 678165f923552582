//! The find phase as all ranks run it.

use super::options::FindOptions;
use super::tally::{Counts, FindTally, Method};
use crate::backend::{Backend, DirBatch, FileKind};
use crate::engine::{Failure, Recorder};
use crate::error::{Error, Result};
use crate::phases::context::failed;
use crate::phases::{Cx, RankTally};
use crate::plan::{FindPlan, Matcher, Predicate};
use libc::ENOENT;
use std::ffi::{CStr, CString};

/// Walks everything below the plan's directory with all ranks; all call it, and all get the same error or none. What cannot be
/// looked at is counted and does not end the phase; a walk that cannot begin, a panic and a stop do.
///
/// The tally's `operations` are the entries that are not directories, its window is what the C suite calls the run time: the
/// rate is the sum of all `operations` by the longest window.
///
/// If the plan is `newer_than_timestamp`, the caller has put the time into the predicate.
pub fn run<B, R>(
    cx: &Cx<'_, B>,
    plan: &FindPlan,
    options: &FindOptions,
    _recorder: &mut R,
) -> Result<(RankTally, FindTally)>
where
    B: Backend + Sync,
    B::Dir: Send + Sync,
    R: Recorder + Send,
{
    if plan.newer_than_timestamp && plan.predicate.not_before.is_none() {
        return Err(Error::Config("find: the time of the timestamp file is not known".into()));
    }
    let ranks = options.ranks.unwrap_or(cx.ranks()).min(cx.ranks());
    let matcher = plan.predicate.name.as_ref().map(|name| name.matcher());
    let mut walk = Walk { cx, predicate: &plan.predicate, matcher, counts: Counts::default(), first_error: None };
    cx.team.meet()?;

    let begin = cx.edge();
    let mut level = vec![plan.below.clone()];
    let mut first = true;
    while !level.is_empty() {
        let mut below = Vec::new();
        let own = level.iter().enumerate().filter(|(at, _)| at % ranks == cx.rank()).map(|(_, path)| path);
        let mut failure = Ok(());
        for path in own {
            if let Err(error) = walk.directory(path, &mut below) {
                if first {
                    failure = Err(error);
                } else {
                    walk.book(format!("{error:?}"));
                }
            }
        }
        if cx.progress.stop_requested() {
            failure = Err(Failure::Interrupted);
        }
        cx.team.agree(failure)?;
        first = false;
        let own = serde_json::to_vec(&below).expect("strings");
        let mut next = cx.comm().gather(&own).map_or_else(Vec::new, |all| {
            let parts = all.iter().map(|part| serde_json::from_slice::<Vec<String>>(part).expect("written above"));
            serde_json::to_vec(&parts.flatten().collect::<Vec<_>>()).expect("strings")
        });
        cx.comm().broadcast(0, &mut next);
        level = serde_json::from_slice(&next).expect("written above");
    }
    let end = cx.edge();
    let tally = RankTally { operations: walk.counts.total, ..cx.tally(begin, end) };
    let tally = RankTally { loop_ns: (tally.end_ns - tally.begin_ns) as u64, ..tally };
    let find = FindTally {
        rank: cx.rank(),
        takes_part: cx.rank() < ranks,
        counts: walk.counts,
        method: Method::NameFirst,
        threads: 1,
        first_error: walk.first_error,
        ..FindTally::default()
    };
    Ok((tally, find))
}

struct Walk<'a, B: Backend> {
    cx: &'a Cx<'a, B>,
    predicate: &'a Predicate,
    matcher: Option<Matcher<'a>>,
    counts: Counts,
    first_error: Option<String>,
}

impl<B: Backend> Walk<'_, B> {
    fn directory(&mut self, path: &str, below: &mut Vec<String>) -> std::result::Result<(), Failure> {
        let backend = self.cx.backend;
        let mut owned: Option<B::Dir> = None;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let name = CString::new(part).map_err(|_| Failure::Config(format!("{path:?} has a NUL")))?;
            let parent = owned.as_ref().unwrap_or(self.cx.root);
            owned = Some(backend.open_dir(parent, &name).map_err(failed("open", path))?);
        }
        let dir = owned.as_ref().unwrap_or(self.cx.root);
        let shards = backend.shards(dir).map_err(failed("readdir", path))?;
        let mut batch = DirBatch::default();
        for shard in 0..shards {
            let mut cursor = backend.cursor(dir, shard, shards).map_err(failed("readdir", path))?;
            loop {
                backend.read_dir(&mut cursor, &mut batch).map_err(failed("readdir", path))?;
                if batch.entries.is_empty() {
                    break;
                }
                for (name, kind) in batch.iter() {
                    self.entry(dir, path, name, kind, below);
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, dir: &B::Dir, path: &str, name: &CStr, kind: Option<FileKind>, below: &mut Vec<String>) {
        self.counts.checked += 1;
        self.counts.unknown += u64::from(kind.is_none());
        let wanted = self.matcher.as_ref().is_none_or(|matcher| matcher.matches(name.to_bytes()));
        let text = name.to_string_lossy();
        let backend = self.cx.backend;
        if kind == Some(FileKind::Directory) {
            below.push(format!("{path}/{text}"));
            return;
        }
        let needs_stat = wanted && self.predicate.needs_stat();
        if kind.is_some() {
            self.counts.total += 1;
            if !needs_stat {
                self.counts.found += u64::from(wanted);
                return;
            }
        }
        let looked = if needs_stat {
            backend.stat(dir, name).map(|stat| (stat.kind, self.predicate.matches(stat.size, stat.ctime)))
        } else {
            backend.kind(dir, name).map(|kind| (kind, wanted))
        };
        match looked {
            Ok((FileKind::Directory, _)) if kind.is_none() => below.push(format!("{path}/{text}")),
            Ok((now, matches)) => {
                self.counts.total += u64::from(kind.is_none());
                self.counts.found += u64::from(matches && now != FileKind::Directory);
            }
            Err(errno) if errno.0 == ENOENT => {}
            Err(errno) => self.book(format!("{path}/{text}: {errno}")),
        }
    }

    fn book(&mut self, text: String) {
        self.counts.errors += 1;
        self.first_error.get_or_insert(text);
    }
}
