//! The errors of the library: a four-byte errno for the hot path, and one enum for everything a caller sees.

use crate::phase_id::PhaseId;
use std::fmt;
use std::sync::Arc;

/// An operating-system error number, positive, as libdfs and libc give it. Four bytes, no allocation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

/// The result of one storage operation.
pub type OpResult<T> = std::result::Result<T, Errno>;

impl Errno {
    /// The calling thread's `errno`.
    pub fn last() -> Self {
        Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
    }
}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        std::io::Error::from_raw_os_error(errno.0)
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Self {
        Errno(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // "No space left on device (os error 28)"
        write!(f, "{}", std::io::Error::from_raw_os_error(self.0))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {self})", self.0)
    }
}

impl std::error::Error for Errno {}

/// The error below another one. Errors are copied and told to other ranks; there only the text arrives.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// What can end a run. All ranks return the same variant.
///
/// A message is complete: it has the text of its cause in it, because ranks tell each other texts. The error itself is the
/// [`source`](std::error::Error::source), on the rank where it occurred.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration or the command line cannot be run; nothing was written.
    #[error("{0}")]
    Config(String),
    /// As [`Config`](Error::Config), found by another part: the configuration's parser, the tables of libdfs.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// Who says so.
        source: Cause,
    },
    /// The configuration names something that the store does not have; nothing was written.
    #[error("{message}")]
    NotThere {
        /// What does not exist, and which call said so.
        message: String,
        /// How to find out what there is.
        hint: String,
        /// What the store said.
        source: Option<Cause>,
    },
    /// Another run uses the data directory or the result directory; nothing was written.
    #[error("{path} shows that the directory is in use by {by}")]
    InUse {
        /// The claim that says so.
        path: String,
        /// Who that is.
        by: String,
    },
    /// The store refused an operation.
    #[error("rank {rank} ({host}): {phase}: {op} {path}: {errno}", phase = phase.map_or("setup", PhaseId::name))]
    Storage {
        /// The rank that saw it first (lowest rank if several did).
        rank: usize,
        /// Its host name.
        host: String,
        /// The phase, or none before the first one.
        phase: Option<PhaseId>,
        /// The operation, in libdfs's words without prefix: `create`, `write`, `stat`, …
        op: String,
        /// The object, as a path inside the data directory.
        path: String,
        /// The error number.
        #[source]
        errno: Errno,
    },
    /// The store cannot be reached: pool, container, agent, network.
    #[error("{message}")]
    Unavailable {
        /// What cannot be reached, and why.
        message: String,
        /// What the store said.
        source: Option<Cause>,
    },
    /// A file of the result directory could not be read or written.
    #[error("{path}: {message}")]
    ResultFile {
        /// The path on the POSIX side.
        path: String,
        /// What the operating system said, or what is wrong with its content.
        message: String,
        /// The error of the operating system.
        source: Option<Cause>,
    },
    /// The ranks cannot work together (different plans, a lost rank, a launcher of another MPI).
    #[error("{0}")]
    Comm(String),
    /// A rank panicked; the message is the panic's.
    #[error("rank {rank} panicked: {message}")]
    Panic {
        /// The rank.
        rank: usize,
        /// Its message.
        message: String,
    },
    /// A signal or a caller asked the run to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// A mistake that another part has found.
    pub fn invalid(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Error::Invalid { message: source.to_string(), source: Arc::new(source) }
    }

    /// A store that cannot be reached, for a reason that has no error.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Error::Unavailable { message: message.into(), source: None }
    }

    /// Whether it is the user's to mend: nothing was written.
    pub fn is_mistake(&self) -> bool {
        matches!(self, Error::Config(_) | Error::Invalid { .. } | Error::NotThere { .. } | Error::InUse { .. })
    }
}

/// The result of everything that is not a single storage operation.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn errors_keep_what_is_below_them() {
        let of_store = Error::Storage {
            rank: 1,
            host: "n".into(),
            phase: None,
            op: "open".into(),
            path: "x".into(),
            errno: Errno(libc::ENOSPC),
        };
        assert_eq!(of_store.source().unwrap().downcast_ref::<Errno>(), Some(&Errno(libc::ENOSPC)));
        let disk = std::io::Error::from_raw_os_error(libc::EROFS);
        let file = Error::ResultFile { path: "r".into(), message: disk.to_string(), source: Some(Arc::new(disk)) };
        let below = file.source().unwrap().downcast_ref::<Cause>().unwrap().clone();
        assert_eq!(below.downcast_ref::<std::io::Error>().unwrap().kind(), std::io::ErrorKind::ReadOnlyFilesystem);
        assert!(Error::unavailable("x").source().is_none() && Error::invalid(Errno(libc::EINVAL)).is_mistake());
        assert_eq!(Errno::from(std::io::Error::from(Errno(libc::EXDEV))), Errno(libc::EXDEV));
    }
}
