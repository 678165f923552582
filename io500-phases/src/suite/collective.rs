//! How the ranks come to one value, or to one failure.

use crate::comm::Comm;
use crate::engine::Failure;
use crate::error::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Rank 0's value on every rank.
pub(super) fn from_root<T: Serialize + DeserializeOwned>(comm: &dyn Comm, value: T) -> T {
    let mut bytes = serde_json::to_vec(&value).expect("plain values");
    comm.broadcast(0, &mut bytes);
    serde_json::from_slice(&bytes).expect("every rank runs the same program")
}

/// An error of the POSIX side as a failure of this rank.
pub(super) fn as_failure(error: Error) -> Failure {
    match error {
        Error::ResultFile { path, message, .. } => Failure::ResultFile { path, message },
        Error::InUse { path, by } => Failure::InUse { path, by },
        other => Failure::Config(other.to_string()),
    }
}
