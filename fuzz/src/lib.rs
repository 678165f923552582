//! The parsers of the command that are fuzzed: a binary cannot be linked, so its files are compiled here, as they are.
#![allow(dead_code, unused_imports)]

#[path = "../../dfs-bench/telemetry/exposition.rs"]
pub mod exposition;

/// The error of the command, without its exit codes.
pub mod exit {
    /// An error that is the user's to mend.
    #[derive(Debug, thiserror::Error)]
    #[error("{message}")]
    pub struct UsageError {
        pub message: String,
        pub hint: Option<String>,
    }

    impl UsageError {
        pub fn new(message: impl Into<String>) -> Self {
            UsageError { message: message.into(), hint: None }
        }

        pub fn hint(self, hint: impl Into<String>) -> Self {
            UsageError { hint: Some(hint.into()), ..self }
        }
    }
}

pub mod report;
pub mod sweep;
