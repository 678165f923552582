//! The plain walk: one thread, one directory after the other. What the parallel one is checked against and measured by.

use super::judge::{Judge, Listed};
use super::tally::Counts;
use crate::backend::{Backend, DirBatch};
use crate::error::OpResult;
use crate::plan::Predicate;
use std::ffi::CString;

/// Counts everything below a directory. Only a `start` that cannot be listed is an error; what is unreadable below it is counted.
///
/// # Errors
/// What the store says of the first entry that cannot be looked at.
pub fn walk<B: Backend>(backend: &B, start: &B::Dir, predicate: &Predicate) -> OpResult<Counts> {
    let judge = Judge::new(predicate);
    let mut counts = Counts::default();
    let mut batch = DirBatch::default();
    directory(backend, start, &judge, &mut batch, &mut counts)?;
    Ok(counts)
}

fn directory<B: Backend>(
    backend: &B,
    dir: &B::Dir,
    judge: &Judge<'_>,
    batch: &mut DirBatch,
    counts: &mut Counts,
) -> OpResult<()> {
    let mut below: Vec<CString> = Vec::new();
    let mut cursor = backend.cursor(dir, 0, 1)?;
    loop {
        if backend.read_dir(&mut cursor, batch).is_err() {
            counts.errors += 1;
            break;
        }
        if batch.entries.is_empty() {
            break;
        }
        for (name, kind) in batch.iter() {
            counts.checked += 1;
            let is_dir = match judge.listed(name.to_bytes(), kind, counts) {
                Listed::Directory => true,
                Listed::Done => false,
                Listed::NeedsStat => judge.look(backend, dir, name, kind, counts).unwrap_or_else(|_| {
                    counts.errors += 1;
                    false
                }),
            };
            if is_dir {
                below.push(name.to_owned());
            }
        }
    }
    drop(cursor);
    for name in below {
        let walked = backend.open_dir(dir, &name).and_then(|dir| directory(backend, &dir, judge, batch, counts));
        match walked {
            Err(errno) if errno.0 == libc::ENOENT => {}
            Err(_) => counts.errors += 1,
            Ok(()) => {}
        }
    }
    Ok(())
}
