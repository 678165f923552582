//! API strings: `DFS --dfs.pool=P --dfs.cont=C`, `POSIX --posix.odirect`, in all spellings people use.

use super::suggest::nearest;
use crate::units::parse_size;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The interface to the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// libdfs.
    Dfs,
    /// The C library's file calls.
    Posix,
    /// No store at all: every operation succeeds at once. IOR calls it `DUMMY`.
    Null,
    /// One of IOR's that dfs-bench cannot run: `MPIIO`, `GFARM`, `CHFS` …
    Other(String),
}

impl Api {
    /// The name as the configuration spells it.
    pub fn name(&self) -> &str {
        match self {
            Api::Dfs => "DFS",
            Api::Posix => "POSIX",
            Api::Null => "NULL",
            Api::Other(name) => name,
        }
    }

    fn from_name(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "DFS" => Api::Dfs,
            "POSIX" => Api::Posix,
            "NULL" | "DUMMY" => Api::Null,
            _ => Api::Other(name.to_owned()),
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An API with its options. Object classes are names; the backend checks them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiSpec {
    /// Which one.
    pub api: Api,
    /// DAOS pool, label or UUID.
    pub pool: Option<String>,
    /// DAOS container, label or UUID.
    pub cont: Option<String>,
    /// DAOS system name.
    pub group: Option<String>,
    /// Path at which the container is mounted by dfuse.
    pub prefix: Option<String>,
    /// Chunk size of files in bytes.
    pub chunk_size: Option<u64>,
    /// Object class of files.
    pub oclass: Option<String>,
    /// Object class of directories.
    pub dir_oclass: Option<String>,
    /// Destroy the container after the run.
    pub destroy: bool,
    /// Open files with `O_DIRECT` (POSIX).
    pub odirect: bool,
    /// Words of the string that dfs-bench knows but does not support, such as `--posix.gpfs.createsharing`.
    pub unsupported: Vec<String>,
}

/// What is wrong with an API string: the byte where the word begins, and the words to say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub offset: usize,
    pub message: String,
    pub hint: Option<String>,
}

/// Options of IOR's DFS and POSIX that take a value.
const WITH_VALUE: [&str; 7] =
    ["dfs.pool", "dfs.cont", "dfs.group", "dfs.prefix", "dfs.chunk_size", "dfs.oclass", "dfs.dir_oclass"];
/// Those that are switches; `=1`, `=TRUE`, `=0`, `=FALSE` may follow.
const SWITCHES: [&str; 2] = ["dfs.destroy", "posix.odirect"];
/// Those that only old versions had.
const OBSOLETE: [&str; 1] = ["dfs.svcl"];
/// Those of other file systems, by the beginning of their names.
const UNSUPPORTED: [&str; 4] = ["posix.gpfs.", "posix.lustre.", "posix.beegfs.", "posix.rangelocks"];

impl ApiSpec {
    /// The plain API without options.
    pub fn new(api: Api) -> Self {
        ApiSpec {
            api,
            pool: None,
            cont: None,
            group: None,
            prefix: None,
            chunk_size: None,
            oclass: None,
            dir_oclass: None,
            destroy: false,
            odirect: false,
            unsupported: Vec::new(),
        }
    }

    /// Parses an API string. `--dfs.pool=P`, `--dfs.pool P`, quotes around a word or a value, a backslash before a blank,
    /// any number of blanks, option names in any case.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let words = words(text)?;
        let mut words = words.into_iter().peekable();
        let Some((_, name)) = words.next().filter(|(_, name)| !name.starts_with('-')) else {
            return Err(ApiError {
                offset: 0,
                message: format!("no API in {text:?}"),
                hint: Some("DFS, POSIX or NULL".into()),
            });
        };
        let mut spec = ApiSpec::new(Api::from_name(&name));
        let own_prefix = match spec.api {
            Api::Dfs => "dfs.",
            Api::Posix => "posix.",
            Api::Null | Api::Other(_) => "",
        };
        while let Some((offset, word)) = words.next() {
            let fail = |message: String, hint: Option<String>| ApiError { offset, message, hint };
            let Some(option) = word.strip_prefix("--").filter(|option| !option.is_empty()) else {
                return Err(fail(format!("{word:?} is not an option"), Some("options begin with --".to_owned())));
            };
            let (option_name, mut value) = match option.split_once('=') {
                Some((name, value)) => (name.to_ascii_lowercase(), Some(value.to_owned())),
                None => (option.to_ascii_lowercase(), None),
            };
            let known = WITH_VALUE.contains(&option_name.as_str());
            // Whatever takes a value may have it in the next word.
            if value.is_none() && !SWITCHES.contains(&option_name.as_str()) {
                value = words.next_if(|(_, next)| !next.starts_with("--")).map(|(_, next)| next);
            }
            if own_prefix.is_empty() || !option_name.starts_with(own_prefix) {
                spec.unsupported.push(word);
            } else if known {
                let value = value.filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| fail(format!("{word:?} has no value"), None))?;
                spec.assign(&option_name, value).map_err(|message| fail(message, None))?;
            } else if SWITCHES.contains(&option_name.as_str()) {
                let on = match value.as_deref().map(str::to_ascii_lowercase).as_deref() {
                    None | Some("1" | "true") => true,
                    Some("0" | "false") => false,
                    Some(_) => return Err(fail(format!("{word:?}: expected TRUE or FALSE"), None)),
                };
                match option_name.as_str() {
                    "dfs.destroy" => spec.destroy = on,
                    _ => spec.odirect = on,
                }
            } else if UNSUPPORTED.iter().any(|beginning| option_name.starts_with(beginning)) {
                spec.unsupported.push(word);
            } else if !OBSOLETE.contains(&option_name.as_str()) {
                let names = WITH_VALUE.into_iter().chain(SWITCHES).filter(|name| name.starts_with(own_prefix));
                let hint = nearest(&option_name, names).map(|near| format!("did you mean --{near}?"));
                return Err(fail(format!("unknown option {word:?} of {}", spec.api), hint));
            }
        }
        Ok(spec)
    }

    fn assign(&mut self, option: &str, value: String) -> Result<(), String> {
        let slot = match option {
            "dfs.chunk_size" => {
                self.chunk_size = Some(parse_size(&value).map_err(|error| error.to_string())?);
                return Ok(());
            }
            "dfs.pool" => &mut self.pool,
            "dfs.cont" => &mut self.cont,
            "dfs.group" => &mut self.group,
            "dfs.prefix" => &mut self.prefix,
            "dfs.oclass" => &mut self.oclass,
            _ => &mut self.dir_oclass,
        };
        *slot = Some(value);
        Ok(())
    }
}

impl fmt::Display for ApiSpec {
    /// As an API string that parses back to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.api.name().to_owned();
        let mut add = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                let quote = if value.contains([' ', '\t']) { "\"" } else { "" };
                text.push_str(&format!(" --dfs.{name}={quote}{value}{quote}"));
            }
        };
        add("pool", &self.pool);
        add("cont", &self.cont);
        add("group", &self.group);
        add("prefix", &self.prefix);
        add("chunk_size", &self.chunk_size.map(|size| size.to_string()));
        add("oclass", &self.oclass);
        add("dir_oclass", &self.dir_oclass);
        if self.destroy {
            text.push_str(" --dfs.destroy");
        }
        if self.odirect {
            text.push_str(" --posix.odirect");
        }
        for word in &self.unsupported {
            text.push(' ');
            text.push_str(word);
        }
        f.pad(&text)
    }
}

/// The blank-separated words of `text` with the byte where each begins; quotes and backslashes are taken off.
fn words(text: &str) -> Result<Vec<(usize, String)>, ApiError> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut quote: Option<(usize, char)> = None;
    let mut inside = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if quote.is_none() && matches!(character, ' ' | '\t') {
            inside = false;
            continue;
        }
        if !inside {
            words.push((at, String::new()));
            inside = true;
        }
        let Some((_, word)) = words.last_mut() else { continue };
        match (quote, character) {
            (None, '"' | '\'') => quote = Some((at, character)),
            (Some((_, open)), _) if open == character => quote = None,
            (None, '\\') if characters.peek().is_some_and(|&(_, next)| matches!(next, ' ' | '\\' | '"' | '\'')) => {
                word.extend(characters.next().map(|(_, next)| next));
            }
            _ => word.push(character),
        }
    }
    match quote {
        Some((offset, open)) => Err(ApiError { offset, message: format!("{open} is not closed"), hint: None }),
        None => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_spellings_mean_the_same() {
        let expected = ApiSpec {
            pool: Some("tank".into()),
            cont: Some("bench".into()),
            oclass: Some("SX".into()),
            chunk_size: Some(4 << 20),
            ..ApiSpec::new(Api::Dfs)
        };
        for text in [
            "DFS --dfs.pool=tank --dfs.cont=bench --dfs.oclass=SX --dfs.chunk_size=4MiB",
            "DFS   --dfs.pool tank\t--dfs.cont   bench --dfs.oclass SX --dfs.chunk_size 4194304  ",
            "dfs --DFS.POOL=\"tank\" '--dfs.cont=bench' --dfs.oclass='SX' --dfs.chunk_size=\"4m\"",
            "\"DFS\" --dfs.svcl=1 --dfs.pool \"tank\" --dfs.cont=bench --dfs.oclass=SX --dfs.chunk_size=4096k",
        ] {
            assert_eq!(ApiSpec::parse(text), Ok(expected.clone()), "{text}");
        }
    }

    #[test]
    fn switches() {
        for (text, odirect) in [
            ("POSIX", false),
            ("POSIX --posix.odirect", true),
            ("POSIX --posix.odirect=TRUE", true),
            ("posix --posix.odirect=1", true),
            ("POSIX --posix.odirect=0", false),
        ] {
            assert_eq!(ApiSpec::parse(text), Ok(ApiSpec { odirect, ..ApiSpec::new(Api::Posix) }), "{text}");
        }
        assert!(ApiSpec::parse("DFS --dfs.destroy").unwrap().destroy);
    }

    #[test]
    fn what_cannot_be_run_is_kept_aside() {
        let unsupported = |text| ApiSpec::parse(text).unwrap().unsupported;
        assert_eq!(unsupported("POSIX --posix.gpfs.createsharing"), ["--posix.gpfs.createsharing"]);
        assert_eq!(unsupported("POSIX --aio.max-pending=8 --posix.odirect"), ["--aio.max-pending=8"]);
        assert_eq!(unsupported("CHFS --chfs.chunk_size=1"), ["--chfs.chunk_size=1"]);
        assert_eq!(ApiSpec::parse("MPIIO").unwrap().api, Api::Other("MPIIO".into()));
    }

    #[test]
    fn mistakes_say_where_and_what_is_near() {
        let error = |text| ApiSpec::parse(text).unwrap_err();
        let typo = error("DFS --dfs.pool=p --dfs.olcass=SX");
        assert_eq!(typo.offset, 17);
        assert_eq!(typo.message, "unknown option \"--dfs.olcass=SX\" of DFS");
        assert_eq!(typo.hint.as_deref(), Some("did you mean --dfs.oclass?"));
        assert_eq!(error("DFS --dfs.pool").message, "\"--dfs.pool\" has no value");
        assert_eq!(error("DFS --dfs.pool --dfs.cont=c").message, "\"--dfs.pool\" has no value");
        assert!(error("DFS --dfs.chunk_size=4q").message.contains("is not a size"));
        assert_eq!(error("DFS 'x").message, "' is not closed");
        assert_eq!(error("DFS dfs.pool=p").message, "\"dfs.pool=p\" is not an option");
        assert_eq!(error("--dfs.pool=p").message, "no API in \"--dfs.pool=p\"");
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = ApiSpec::parse(&text);
        }

        #[test]
        fn never_panics_on_nearly_right(text in "(DFS|POSIX| |--dfs.pool|=|'|\"|\\\\|p|--posix.odirect|--)*") {
            let _ = ApiSpec::parse(&text);
        }

        #[test]
        fn shown_it_parses_back(
            pool in proptest::option::of("[a-z0-9-]+( [a-z]+)?"),
            oclass in proptest::option::of("[A-Z0-9_]+"),
            chunk_size in proptest::option::of(any::<u64>()),
            destroy: bool,
        ) {
            let spec = ApiSpec { pool, oclass, chunk_size, destroy, ..ApiSpec::new(Api::Dfs) };
            prop_assert_eq!(ApiSpec::parse(&spec.to_string()), Ok(spec));
        }
    }
}
