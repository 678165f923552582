//! Errors: libdfs's errno, libdaos's DER, and one enum for what is done once.

use std::ffi::c_int;
use std::fmt;

/// What a `dfs_*` call returned: a positive errno. Four bytes, for the calls that are made millions of times.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DfsErrno(i32);

impl DfsErrno {
    /// An errno by its number.
    pub const fn from_raw(errno: i32) -> DfsErrno {
        DfsErrno(errno)
    }

    /// The number, as in `libc`.
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// The result of a call that returns 0 or an errno.
    pub(crate) fn check(rc: c_int) -> Result<(), DfsErrno> {
        if rc == 0 { Ok(()) } else { Err(DfsErrno(rc)) }
    }

    /// Which DAOS errors libdfs turns into this number, what they mean and what to look at, where that is more than the system's
    /// text tells.
    #[doc(alias = "daos_der2errno")]
    pub fn hint(self) -> Option<&'static str> {
        Some(match self.0 {
            libc::ENOSPC => {
                "DER_NOSPACE: a target of the pool has no space left, see `dmg pool query`; what removed files held comes back only \
                 after a while"
            }
            libc::ETIMEDOUT => "DER_TIMEDOUT: an engine does not answer; see `dmg system query` and the network",
            libc::EHOSTUNREACH => {
                "DER_UNREACH: an engine's node cannot be reached; see `dmg system query` and the network"
            }
            libc::EIO => {
                "libdfs has no errno for most errors of DAOS (DER_IO, DER_HG, DER_CSUM, DER_RF and others); libdaos's log \
                 (D_LOG_FILE, with D_LOG_MASK=ERR) names it, see also `dmg system query` and `dmg pool query`"
            }
            libc::EINVAL => {
                "DER_INVAL: a parameter that this pool or container does not support; or DER_NO_HDL: the handle was evicted, or the pool \
                 or container is gone"
            }
            libc::EACCES => "the pool's or the container's access control list does not allow it",
            libc::EPERM => {
                "DER_NO_PERM: not allowed to this user, or opened for reading only; or DER_CONT_DESTROYING: the container is being \
                 destroyed"
            }
            libc::ESTALE => {
                "DER_STALE: the client's map of the pool is out of date; see `dmg pool query` for a rebuild"
            }
            libc::ENOMEM => "DER_NOMEM or DER_DOS: a server is out of memory or refuses more requests; see its log",
            libc::ENOTSUP => "DER_NOTSUPPORTED: this version of DAOS does not do that",
            _ => return None,
        })
    }
}

impl fmt::Display for DfsErrno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", std::io::Error::from_raw_os_error(self.0))
    }
}

impl fmt::Debug for DfsErrno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DfsErrno({}: {self})", self.0)
    }
}

impl std::error::Error for DfsErrno {}

impl From<DfsErrno> for std::io::Error {
    fn from(errno: DfsErrno) -> std::io::Error {
        std::io::Error::from_raw_os_error(errno.0)
    }
}

/// What a `daos_*` call returned: a DAOS error number, positive here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Der(i32);

impl Der {
    /// A DER by its number, of either sign.
    pub const fn from_raw(der: i32) -> Der {
        Der(der.abs())
    }

    /// The number, positive.
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// The result of a call that returns a negative DER, or 0 or more.
    pub(crate) fn check(rc: c_int) -> Result<c_int, Der> {
        if rc < 0 { Err(Der::from_raw(rc)) } else { Ok(rc) }
    }

    /// The name, such as `DER_NOSPACE`.
    #[doc(alias = "d_errstr")]
    pub fn name(self) -> &'static str {
        self.lookup().map_or("DER_UNKNOWN", |row| row.1)
    }

    /// What it means and what to check.
    #[doc(alias = "d_errdesc")]
    pub fn meaning(self) -> &'static str {
        self.lookup().map_or("an error that this program does not know", |row| row.2)
    }

    fn lookup(self) -> Option<&'static (i32, &'static str, &'static str)> {
        DERS.iter().find(|row| row.0 == self.0)
    }
}

impl fmt::Display for Der {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (-{}): {}", self.name(), self.0, self.meaning())
    }
}

impl fmt::Debug for Der {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

impl std::error::Error for Der {}

/// Number, name, and meaning of the errors that a client can see.
const DERS: &[(i32, &str, &str)] = &[
    (1001, "DER_NO_PERM", "not permitted; look at the access control list of pool and container"),
    (1002, "DER_NO_HDL", "the handle is no longer valid; it was evicted, or the pool was destroyed"),
    (
        1003,
        "DER_INVAL",
        "a parameter is not valid, for instance an object class that needs more engines than there are",
    ),
    (1004, "DER_EXIST", "it already exists"),
    (1005, "DER_NONEXIST", "there is no such pool, container or object"),
    (1006, "DER_UNREACH", "a node cannot be reached; look at the engines and at the network"),
    (1007, "DER_NOSPACE", "no space left on a target of the pool"),
    (1008, "DER_ALREADY", "it was already done"),
    (1009, "DER_NOMEM", "out of memory"),
    (1010, "DER_NOSYS", "this version of DAOS does not have that"),
    (1011, "DER_TIMEDOUT", "timed out; look at the engines and at the network"),
    (1012, "DER_BUSY", "busy: it is open elsewhere"),
    (1013, "DER_AGAIN", "try again"),
    (1014, "DER_PROTO", "client and servers speak different protocols; their versions do not match"),
    (1015, "DER_UNINIT", "the library is not initialised"),
    (1016, "DER_TRUNC", "the buffer is too short"),
    (1017, "DER_OVERFLOW", "too much data for the buffer"),
    (1018, "DER_CANCELED", "cancelled"),
    (1019, "DER_OOG", "a rank is not a member of the group; an engine may be down"),
    (1020, "DER_HG", "an error of the network transport; look at provider, interface and fabric"),
    (1021, "DER_UNREG", "the servers do not know this request"),
    (1025, "DER_MISC", "an unnamed error"),
    (1029, "DER_NO_RAS_RANK", "no rank listens to events of the system"),
    (1030, "DER_NOTATTACH", "not attached to a service group"),
    (1031, "DER_MISMATCH", "versions do not match"),
    (1032, "DER_EXCLUDED", "the engine was excluded from the system"),
    (1033, "DER_NOREPLY", "a server gave no reply"),
    (1034, "DER_DOS", "refused for too many requests"),
    (1036, "DER_GRPVER", "versions of the group membership do not match; engines are joining or leaving"),
    (1037, "DER_HLC_SYNC", "the clocks of the nodes are too far apart"),
    (1038, "DER_NO_SHMEM", "no shared memory left"),
    (1045, "DER_HG_FATAL", "a fatal error of the network transport; look at provider, interface and fabric"),
    (1046, "DER_QUOTA_LIMIT", "the quota is exceeded"),
    (2001, "DER_IO", "an input/output error on a server; look at its log"),
    (2003, "DER_ENOENT", "there is no such entry"),
    (2007, "DER_STALE", "the client's map of the pool is out of date"),
    (2008, "DER_NOTLEADER", "the service has another leader"),
    (2012, "DER_KEY2BIG", "a key is too long"),
    (2013, "DER_REC2BIG", "a record is too long"),
    (2014, "DER_IO_INVAL", "buffers and extents do not match"),
    (2015, "DER_EQ_BUSY", "the event queue is busy"),
    (2017, "DER_SHUTDOWN", "the service is shutting down"),
    (2018, "DER_INPROGRESS", "still in progress"),
    (2021, "DER_CSUM", "a checksum does not match: data was damaged on its way or at rest"),
    (2025, "DER_TX_RESTART", "a transaction has to be restarted"),
    (2026, "DER_DATA_LOSS", "data is lost and cannot be recovered"),
    (2028, "DER_TX_BUSY", "a transaction is not committed yet"),
    (2029, "DER_AGENT_INCOMPAT", "the agent's version does not match this libdaos"),
    (2031, "DER_RF", "more engines have failed than the redundancy of the container survives"),
    (2034, "DER_AGENT_COMM", "the agent does not answer; is daos_agent running, and DAOS_AGENT_DRPC_DIR right?"),
    (2037, "DER_NOTSUPPORTED", "not supported"),
    (2038, "DER_CONTROL_INCOMPAT", "the versions of agent and servers do not match"),
    (2039, "DER_NO_SERVICE", "no service is available; look at the engines"),
    (2042, "DER_NVME_IO", "an input/output error of an NVMe device"),
    (2043, "DER_NO_CERT", "a certificate cannot be read"),
    (2044, "DER_BAD_CERT", "a certificate is not valid"),
    (2048, "DER_OVERLOAD_RETRY", "a target is overloaded"),
    (2050, "DER_CONT_NONEXIST", "there is no such container"),
    (2051, "DER_CONT_DESTROYING", "the container is being destroyed"),
];

/// Errors of calls outside the hot path.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A `dfs_*` call failed.
    #[error("{call}: {errno}")]
    Dfs {
        /// The call, as in C.
        call: &'static str,
        /// Why.
        #[source]
        errno: DfsErrno,
    },
    /// A `daos_*` call failed.
    #[error("{call}: {der}")]
    Daos {
        /// The call, as in C.
        call: &'static str,
        /// Why.
        #[source]
        der: Der,
    },
    /// No object class has that name.
    #[error("there is no object class {name:?}{}", nearest_text(nearest))]
    UnknownClass {
        /// The name asked for.
        name: String,
        /// The most similar names, the nearest first.
        nearest: Vec<String>,
    },
    /// The library found at run time is older than the one built against.
    #[error(
        "the libdaos found at run time is {}, older than {}, which this program was built for",
        dotted(found),
        dotted(built)
    )]
    OlderLibrary {
        /// The version built against.
        built: (u32, u32, u32),
        /// The version found.
        found: (u32, u32, u32),
    },
    /// An invalid text, and why it is invalid.
    #[error("{0}")]
    Invalid(String),
}

/// The result of calls outside the hot path; calls on the hot path return a [`DfsErrno`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<DfsErrno> for Error {
    /// Of a call whose name is not known any more.
    fn from(errno: DfsErrno) -> Error {
        Error::Dfs { call: "libdfs", errno }
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> std::io::Error {
        match error.errno() {
            Some(errno) => errno.into(),
            None => std::io::Error::other(error),
        }
    }
}

impl Error {
    pub(crate) fn dfs(call: &'static str) -> impl Fn(DfsErrno) -> Error {
        move |errno| Error::Dfs { call, errno }
    }

    pub(crate) fn daos(call: &'static str) -> impl Fn(Der) -> Error {
        move |der| Error::Daos { call, der }
    }

    /// The errno of a failed `dfs_*` call.
    pub fn errno(&self) -> Option<DfsErrno> {
        match self {
            Error::Dfs { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    /// The DAOS error of a failed `daos_*` call.
    pub fn der(&self) -> Option<Der> {
        match self {
            Error::Daos { der, .. } => Some(*der),
            _ => None,
        }
    }

    /// What to check, where the message itself does not say it.
    pub fn hint(&self) -> Option<&'static str> {
        self.errno().and_then(DfsErrno::hint)
    }
}

fn nearest_text(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; the nearest are {}", nearest.join(", ")) }
}

fn dotted(version: &(u32, u32, u32)) -> String {
    format!("{}.{}.{}", version.0, version.1, version.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_der_has_a_name_and_a_meaning() {
        assert_eq!(Der::from_raw(-1007).to_string(), "DER_NOSPACE (-1007): no space left on a target of the pool");
        assert_eq!(Der::from_raw(1999).name(), "DER_UNKNOWN");
    }

    #[test]
    fn errors_keep_what_is_below_them_and_convert() {
        use std::error::Error as _;
        let error = Error::from(DfsErrno::from_raw(libc::ENOSPC));
        assert_eq!(error.source().unwrap().downcast_ref(), Some(&DfsErrno::from_raw(libc::ENOSPC)));
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::StorageFull);
        let other = Error::daos("daos_init")(Der::from_raw(-1011));
        assert_eq!(other.source().unwrap().downcast_ref(), Some(&Der::from_raw(1011)));
        assert!(std::io::Error::from(other).to_string().starts_with("daos_init: DER_TIMEDOUT"));
    }

    #[test]
    fn hints_name_errors_of_daos_that_are_known() {
        for errno in (1..200).map(DfsErrno::from_raw) {
            let words = errno.hint().unwrap_or_default().split(|c: char| !c.is_ascii_uppercase() && c != '_');
            for name in words.filter(|word| word.starts_with("DER_")) {
                assert!(DERS.iter().any(|row| row.1 == name), "{errno}: {name}");
            }
        }
        assert!(DfsErrno::from_raw(libc::ENOSPC).hint().unwrap().starts_with("DER_NOSPACE: "));
    }

    #[test]
    fn the_table_is_sorted_and_has_no_number_twice() {
        assert!(DERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn an_errno_is_four_bytes() {
        assert_eq!((size_of::<DfsErrno>(), size_of::<Result<(), DfsErrno>>()), (4, 8));
    }
}
