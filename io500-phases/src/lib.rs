//! The IO500 benchmark as a library: plan, backends, ranks, phases, score and verdicts.
//!
//! One phase, by this process alone, on a store that keeps nothing:
//!
//! ```
//! use io500_phases::comm::Solo;
//! use io500_phases::suite::Suite;
//!
//! let result = Suite::builder()
//!     .set("global.api=null")
//!     .set("debug.stonewall-time=1")
//!     .set("mdtest-easy.n=1000")
//!     .phases("mdtest-easy-write")
//!     .run(&Solo::new())?
//!     .expect("rank 0 has the result");
//! assert!(result.phases[0].rate > 0.0);
//! # Ok::<(), io500_phases::error::Error>(())
//! ```
//!
//! # A tour
//! - A [`config::Config`] comes from settings, files and variables; each value knows where it came from.
//! - A [`plan::Plan`] says what each rank does: names, offsets and counts, without any I/O.
//! - [`facts`] are what a node is made of and how it is set: processors, memory, links, devices, limits.
//! - A [`comm::Comm`] is the group of ranks: [`comm::Solo`], [`comm::threads`], or MPI by [`comm::start`].
//! - A [`backend::Backend`] is a storage system; [`backend::select::Selected`] opens those that a configuration names, and
//!   [`backend::select::Single`] takes a program's own.
//! - A [`suite::Suite`] runs the phases of a plan, or [`suite::SuiteBuilder`] all of this at once; a [`suite::Observer`] is told of
//!   its steps.
//! - A [`results::RunResult`] is what comes of it, and [`report`] makes the files of it.
//!
//! [`engine`] and [`phases`] are what runs in between: the loop under the stonewall, and what is inside which window.
//!
//! # Order
//! A module imports only those before it, in the order
//! `config plan facts comm backend engine phases results report suite`.
//!
//! # Features
//! `dfs` (libdfs of DAOS), `mpi` and `hwloc` (topology files) are on by default; without them neither libclang nor an MPI nor libhwloc is
//! needed. `schema`, off by default, gives the types of a result their JSON schemas (`schemars`).
#![deny(missing_docs)]
#![warn(clippy::missing_errors_doc)]
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
pub mod text;
pub mod units;
