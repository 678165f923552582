//! Safe Rust for the DAOS file system.
