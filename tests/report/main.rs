//! `dfs-bench report` and `dfs-bench compare` on result directories: made-up ones, and real ones where they are.

mod compare;
mod fixture;
mod many;
mod own;
mod real;
mod report;
