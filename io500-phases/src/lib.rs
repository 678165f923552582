//! The IO500 benchmark as a library: plan, backends, ranks, phases, score and verdicts.
//!
//! A stage imports only the stages before it, in the order
//! `config plan facts comm backend engine phases results report suite`.
#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod backend;
pub mod buffer;
pub mod clock;
pub mod comm;
pub mod config;
pub mod engine;
pub mod error;
pub mod facts;
pub mod name;
pub mod pattern;
pub mod phase_id;
pub mod phases;
pub mod plan;
pub mod report;
pub mod results;
pub mod suite;
pub mod units;
