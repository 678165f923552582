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

pub mod report {
    #[path = "../../../dfs-bench/report/model.rs"]
    pub mod model;
    #[path = "../../../dfs-bench/report/spread.rs"]
    pub mod spread;

    pub mod c_suite {
        #[path = "../../../../dfs-bench/report/c_suite/rank_csv.rs"]
        pub mod rank_csv;
    }
}

pub mod sweep {
    #[path = "../../../dfs-bench/sweep/campaign.rs"]
    pub mod campaign;
    #[path = "../../../dfs-bench/sweep/journal.rs"]
    pub mod journal;
    #[path = "../../../dfs-bench/sweep/outcome.rs"]
    pub mod outcome;
    #[path = "../../../dfs-bench/sweep/slot.rs"]
    pub mod slot;
}
