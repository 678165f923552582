//! Finds the DAOS to build against: which places are tried, and why each was not taken.

use std::fmt;
use std::path::{Path, PathBuf};

/// The environment variables that steer the search; the build runs again when one of them changes.
pub const VARIABLES: [&str; 4] = ["DAOS_SYS_PROVIDER", "DAOS_PREFIX", "DAOS_INCLUDE_DIR", "DAOS_LIB_DIR"];

/// The oldest DAOS whose interface this crate binds.
pub const OLDEST: Version = Version { major: 2, minor: 4, fix: 0 };

/// A version of DAOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub fix: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.fix)
    }
}

impl Version {
    /// Reads the version that a header directory declares.
    pub fn of_headers(include: &Path) -> Result<Version, String> {
        let path = include.join("daos_version.h");
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let part = |name: &str| {
            text.lines()
                .filter_map(|line| line.strip_prefix("#define"))
                .filter_map(|rest| rest.trim_start().strip_prefix(name))
                .find_map(|value| value.trim().parse::<u32>().ok())
                .ok_or_else(|| format!("{} does not define {name}", path.display()))
        };
        Ok(Version {
            major: part("DAOS_VERSION_MAJOR")?,
            minor: part("DAOS_VERSION_MINOR")?,
            fix: part("DAOS_VERSION_FIX")?,
        })
    }
}

/// An installed DAOS that can be built against.
#[derive(Debug)]
pub struct Installed {
    pub include: PathBuf,
    pub lib: PathBuf,
    pub version: Version,
}

/// A place that holds no usable DAOS, and why.
#[derive(Debug)]
pub struct Rejected {
    pub place: String,
    pub reason: String,
}

/// Tries every place in order; the first usable DAOS, or all the reasons.
///
/// `variable` reads an environment variable. A place that the user names is the only one looked at: a typing mistake there must
/// not silently end with another DAOS.
pub fn find(variable: impl Fn(&str) -> Option<String>) -> Result<Installed, Vec<Rejected>> {
    let mut rejected = Vec::new();
    for (place, include, libs) in places(variable) {
        match examine(&include, &libs) {
            Ok(installed) => return Ok(installed),
            Err(reason) => rejected.push(Rejected { place, reason }),
        }
    }
    Err(rejected)
}

/// The candidates: a description, the directory of headers, the possible directories of libraries.
fn places(variable: impl Fn(&str) -> Option<String>) -> Vec<(String, PathBuf, Vec<PathBuf>)> {
    let libs_of = |prefix: &Path| vec![prefix.join("lib64"), prefix.join("lib"), prefix.join("lib/x86_64-linux-gnu")];
    let prefix = variable("DAOS_PREFIX").map(PathBuf::from);
    let include = variable("DAOS_INCLUDE_DIR").map(PathBuf::from);
    let lib = variable("DAOS_LIB_DIR").map(PathBuf::from);
    if prefix.is_none() && include.is_none() && lib.is_none() {
        return ["/usr", "/opt/daos"]
            .iter()
            .map(|p| (p.to_string(), Path::new(p).join("include"), libs_of(Path::new(p))))
            .collect();
    }
    let named: Vec<String> = VARIABLES[1..].iter().filter_map(|&n| variable(n).map(|v| format!("{n}={v}"))).collect();
    let base = prefix.unwrap_or_else(|| PathBuf::from("/usr"));
    let libs = lib.map_or_else(|| libs_of(&base), |dir| vec![dir]);
    vec![(named.join(" "), include.unwrap_or_else(|| base.join("include")), libs)]
}

fn examine(include: &Path, libs: &[PathBuf]) -> Result<Installed, String> {
    for header in ["daos.h", "daos_fs.h"] {
        let path = include.join(header);
        if !path.is_file() {
            return Err(format!("no {}", path.display()));
        }
    }
    let version = Version::of_headers(include)?;
    if version < OLDEST {
        return Err(format!("DAOS {version} is older than {OLDEST}, the oldest one supported"));
    }
    let mut reasons = Vec::new();
    for dir in libs {
        match ["libdaos.so", "libdfs.so"].iter().map(|name| dir.join(name)).find(|path| !path.is_file()) {
            None => return Ok(Installed { include: include.to_path_buf(), lib: dir.clone(), version }),
            Some(missing) => reasons.push(format!("no {}", missing.display())),
        }
    }
    Err(format!("headers of DAOS {version} in {}, but {}", include.display(), reasons.join(", ")))
}
