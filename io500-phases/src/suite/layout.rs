//! The actual object class and chunk size of a file, which may differ from the requested ones.

use crate::backend::{Access, Backend, FileLayout};
use crate::error::OpResult;
use std::ffi::{CStr, CString};

/// The layout of a file, by its path below `root`; none where the store has no such thing or the file is not there.
pub(super) fn of<B: Backend>(backend: &B, root: &B::Dir, path: &str) -> Option<FileLayout> {
    let mut parts: Vec<CString> =
        path.split('/').filter(|part| !part.is_empty()).map(|part| CString::new(part).ok()).collect::<Option<_>>()?;
    let leaf = parts.pop()?;
    match parts.split_first() {
        None => read(backend, root, &leaf),
        Some((first, rest)) => {
            let mut dir = backend.open_dir(root, first).ok()?;
            for part in rest {
                dir = backend.open_dir(&dir, part).ok()?;
            }
            read(backend, &dir, &leaf)
        }
    }
    .ok()?
}

fn read<B: Backend>(backend: &B, dir: &B::Dir, leaf: &CStr) -> OpResult<Option<FileLayout>> {
    let file = backend.open(dir, leaf, Access::Read)?;
    let layout = backend.layout(&file)?;
    backend.close(file)?;
    Ok(layout)
}
