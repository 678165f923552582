//! Configuration: the ini dialect of IO500, its options, and where each value came from.
//!
//! Values are layered: defaults, the ini file, `DFS_BENCH_*` variables, `--set section.key=value`, flags. A later layer
//! overrides an earlier one, and every value keeps its [`Origin`].
//!
//! ```
//! use io500_phases::config::Config;
//!
//! let text = "[global]\napi = POSIX\n[ior-easy]\ntransferSize = 256k\nblockSize = 1m\n";
//! let (config, warnings) = Config::builder().file("io500.ini", text.as_bytes()).set("debug.stonewall-time=5").build()?;
//! assert!(warnings.is_empty());
//! assert_eq!(config.ior_easy.transfer_size, 256 << 10);
//! assert_eq!(config.debug.stonewall, 5);
//! assert_eq!(config.setting("ior-easy", "transferSize").unwrap().origin.to_string(), "io500.ini:4");
//! # Ok::<(), io500_phases::config::ConfigError>(())
//! ```

mod accepted;
mod api;
mod emit;
mod error;
mod hash;
mod idle;
mod ini;
mod layers;
mod legacy;
mod load;
mod model;
mod resolve;
mod schema;
mod select;
mod suggest;
mod validate;
mod view;

pub use api::{Api, ApiSpec};
pub use error::{ConfigError, Place, Problem, Warning};
pub use hash::{ConfigHash, key_value_hash, rotate_add, seed};
pub use ini::{Entry, Ini};
pub use layers::{ConfigBuilder, Origin};
pub use model::{
    Bench, Config, Debug, Find, Global, IorEasy, IorHard, Mdtest, Mdworkbench, Mode, PhaseConfig, Sections, Setting,
};
pub use schema::{Level, OptionDef, SECTIONS, SectionDef, ValueKind};
pub use select::select_phases;
pub use suggest::nearest;
pub use validate::Invalidating;
