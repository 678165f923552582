//! An open file of a mounted file system, which transfers in flight keep open.

use std::cell::{Cell, OnceCell};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// An open file. A file that is never used by a queue is just a descriptor; the first transfer of a queue makes it shared.
pub struct File {
    fd: RawFd,
    /// None once it is shared.
    sole: Cell<Option<OwnedFd>>,
    shared: OnceCell<Arc<OwnedFd>>,
}

impl File {
    /// The descriptor, for a transfer that needs it open until it is finished.
    #[inline]
    pub(super) fn shared(&self) -> &Arc<OwnedFd> {
        self.shared.get_or_init(|| Arc::new(self.sole.take().expect("not shared yet")))
    }

    /// The descriptor to close; none while a transfer in flight needs it, which then closes it.
    #[inline]
    pub(super) fn into_sole(self) -> Option<OwnedFd> {
        self.sole.into_inner().or_else(|| Arc::into_inner(self.shared.into_inner()?))
    }
}

impl From<OwnedFd> for File {
    #[inline]
    fn from(fd: OwnedFd) -> Self {
        File { fd: fd.as_raw_fd(), sole: Cell::new(Some(fd)), shared: OnceCell::new() }
    }
}

impl AsRawFd for File {
    #[inline]
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}
