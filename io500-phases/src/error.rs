//! The errors of the library: a four-byte errno for the hot path, and one enum for everything a caller sees.

use crate::phase_id::PhaseId;
use std::fmt;

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

/// What can end a run. All ranks return the same variant.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration or the command line cannot be run; nothing was written.
    #[error("{0}")]
    Config(String),
    /// The configuration names something that the store does not have; nothing was written.
    #[error("{message}")]
    NotThere {
        /// What does not exist, and which call said so.
        message: String,
        /// How to find out what there is.
        hint: String,
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
        errno: Errno,
    },
    /// The store cannot be reached: pool, container, agent, network.
    #[error("{0}")]
    Unavailable(String),
    /// A file of the result directory could not be read or written.
    #[error("{path}: {message}")]
    ResultFile {
        /// The path on the POSIX side.
        path: String,
        /// What the operating system said.
        message: String,
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

/// The result of everything that is not a single storage operation.
pub type Result<T> = std::result::Result<T, Error>;
