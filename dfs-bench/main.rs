//! The command `dfs-bench`.
#![forbid(unsafe_code)]

fn main() {}
