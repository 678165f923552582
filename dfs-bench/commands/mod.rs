//! What the command does: running is the default, everything else is a subcommand of its own.

pub mod config;
pub mod run;
pub mod verify;
