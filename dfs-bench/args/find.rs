//! The arguments of `dfs-bench find`.

use super::run::ContainerArgs;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use io500_phases::plan::Glob;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Find files with all ranks of a job; directories are walked and never match
///
/// Prints the paths of matching entries, and on standard error how many there were. --newer, --size and --name may have one
/// dash, as in find(1).
/// A start that is not a directory is examined itself. A start that is a symbolic link to a directory is followed, as find(1)
/// does with a trailing slash; links below it are not. The exit code is 4 when directories or entries could not be examined;
/// everything else is printed.
///
/// With --count its only line is `MATCHED found/total`, so that it can be the external-script of the official suite.
#[derive(Debug, Args)]
pub struct FindArgs {
    /// Where to begin: a directory, or a file, which is examined itself
    pub dir: OsString,
    /// The name matches this pattern of * and ?
    #[arg(long, value_name = "GLOB", value_parser = OsStringValueParser::new().try_map(|name| Glob::new(name.as_bytes())))]
    pub name: Option<Glob>,
    /// The size is exactly this, in bytes
    #[arg(long, value_name = "BYTES[c]", value_parser = size, allow_negative_numbers = true)]
    pub size: Option<u64>,
    /// Changed in the second in which this file was last changed, or later; the file is one outside DFS
    #[arg(long, value_name = "FILE")]
    pub newer: Option<PathBuf>,
    /// Print `MATCHED found/total` instead of paths
    #[arg(long)]
    pub count: bool,
    /// Lookups in flight per rank; 0 chooses from the cores
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub threads: usize,
    /// Interface to the store: dfs, posix; dfs where a pool or a container is given
    #[arg(long, value_name = "API", help_heading = "Store")]
    pub api: Option<OsString>,
    #[command(flatten)]
    pub container: ContainerArgs,
}

fn size(text: &str) -> std::result::Result<u64, String> {
    let digits = text.strip_suffix('c').unwrap_or(text);
    digits.parse().map_err(|_| format!("{text:?} is not a number of bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_of_bytes() {
        assert_eq!((size("3901c"), size("7")), (Ok(3901), Ok(7)));
        assert!(size("7k").is_err());
    }
}
