//! What the command does: running is the default, everything else is a subcommand of its own.

pub mod ab;
pub mod compare;
pub mod config;
pub mod doctor;
pub mod find;
pub mod history;
mod paths;
pub mod report;
pub mod resume;
pub mod run;
pub mod runs;
pub mod shell;
pub mod submission;
pub mod sweep;
pub mod verify;
