//! The arguments of the subcommands, one file for each: what clap reads, without what is then done.

pub mod ab;
pub mod compare;
pub mod config;
pub mod doctor;
pub mod find;
pub mod history;
pub mod report;
pub mod resume;
pub mod run;
pub mod runs;
pub mod shell;
pub mod submission;
pub mod sweep;
pub mod verify;
