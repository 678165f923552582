//! find: counts every entry below a directory and looks for those that match.
//!
//! Work is divided by directory, by shard of a directory where the store can split one, and by names that need a lookup; ranks and
//! threads without work get some from the others. See `balance` for how that ends.

mod balance;
mod external;
mod judge;
mod options;
mod pool;
mod run;
mod seed;
mod tally;
mod walk;
mod work;
mod worker;

pub use external::{External, external};
pub use options::FindOptions;
pub use run::{run, run_reporting};
pub use tally::{Counts, FindTally, Method, Traffic};
pub use walk::walk;
pub use worker::OnMatch;
