//! A Slurm cluster of four nodes, and hosts in network namespaces, on this machine: `make test-cluster`.

#[path = "../common/mod.rs"]
mod common;

mod jobs;
mod lost;
mod scripts;
mod suite;
mod support;
