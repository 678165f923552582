//! `dfs-bench submission`: a result directory held against the rules of the IO500 list, and the documents that a submission needs.

pub mod archive;
pub mod attributes;
pub mod check;
pub mod checks;
mod hardware;
pub mod lists;
pub mod merge;
pub mod published;
pub mod questionnaire;
pub mod ranking;
pub mod render;
pub mod replay;
mod rules;
mod rules_production;
mod rules_result;
pub mod subject;
pub mod system;
