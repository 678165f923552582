//! find: counts every entry below a directory and looks for those that match.

mod options;
mod run;
mod tally;

pub use options::FindOptions;
pub use run::run;
pub use tally::{Counts, FindTally, Method};
