//! Result directories of the official C suite.

mod directory;
pub mod exe;
pub mod phase_text;
pub mod rank_csv;
mod refuted;
mod settings;
mod summary;

pub use directory::load;
pub use summary::load as load_summary;
