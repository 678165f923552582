//! Result directories of the official C suite.

mod directory;
pub mod exe;
mod phase_text;
pub mod rank_csv;
mod settings;

pub use directory::load;
