//! The layers of a configuration, and the origin that each value keeps.

use super::error::{ConfigError, Place, Problem, Warning};
use super::ini::{self, Ini};
use super::legacy;
use super::schema::{self, OWN_SECTION, OptionDef, SECTIONS, ValueKind};
use super::suggest::nearest;
use crate::text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt;

/// Where a value came from; later variants are stronger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The default of the suite.
    Default,
    /// The configuration file.
    File {
        /// Its name as given.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column of the value, from 1.
        column: usize,
    },
    /// An environment variable.
    Env(String),
    /// `--set`, with its argument.
    Set(String),
    /// A flag of the command line, as `--pool`.
    Flag(String),
}

impl Origin {
    /// The precedence of the layer: a higher one overrides a lower one.
    pub fn strength(&self) -> u8 {
        match self {
            Origin::Default => 0,
            Origin::File { .. } => 1,
            Origin::Env(_) => 2,
            Origin::Set(_) => 3,
            Origin::Flag(_) => 4,
        }
    }

    /// The place to name in a problem with the value.
    pub fn place(&self) -> Option<Place> {
        let place = |source: String| Some(Place { source, line_column: None });
        match self {
            Origin::Default => None,
            Origin::File { name, line, column } => {
                Some(Place { source: name.clone(), line_column: Some((*line, *column)) })
            }
            Origin::Env(name) => place(name.clone()),
            Origin::Set(argument) => place(format!("--set {argument}")),
            Origin::Flag(flag) => place(flag.clone()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { name, line, .. } => write!(f, "{name}:{line}"),
            Origin::Env(name) => f.write_str(name),
            Origin::Set(_) => f.write_str("--set"),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assigned {
    pub value: String,
    pub origin: Origin,
}

/// The assigned values by section and option, in the order of the schema. `None`: nothing but the default.
pub(super) type Table = Vec<Vec<Option<Assigned>>>;

/// The inputs of a configuration, not yet checked. Serializable: rank 0 collects them, every rank builds. Values are bytes; what is not
/// UTF-8 in them is kept as [`crate::text`] writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "nothing is checked before `build`"]
pub struct ConfigBuilder {
    file: Option<(String, String)>,
    env: Vec<(String, String)>,
    sets: Vec<String>,
    flags: Vec<(String, String, String, String)>,
}

/// Variables with our prefix that are no options of the configuration.
const OTHER_VARIABLES: [&str; 3] = ["CONFIG", "PHASE", "LOG"];
const ENV_PREFIX: &str = "DFS_BENCH_";

impl ConfigBuilder {
    /// The configuration file: its name for messages, and its bytes.
    pub fn file(mut self, name: impl Into<String>, bytes: &[u8]) -> Self {
        self.file = Some((name.into(), text::escape(bytes)));
        self
    }

    /// Takes the variables `DFS_BENCH_<SECTION>_<OPTION>` (`DFS_BENCH_IOR_EASY_TRANSFERSIZE`), and for `[global]` and
    /// `[dfs-bench]` also `DFS_BENCH_<OPTION>` (`DFS_BENCH_POOL`). Empty ones count as unset, all others are ignored.
    pub fn env<T: Into<OsString>>(mut self, variables: impl IntoIterator<Item = (T, T)>) -> Self {
        let ours = |(name, value): &(String, String)| name.starts_with(ENV_PREFIX) && !value.is_empty();
        let variables = variables.into_iter().map(|(name, value)| (text::of(name.into()), text::of(value.into())));
        self.env.extend(variables.filter(ours));
        self.env.sort();
        self
    }

    /// One `section.key=value`. An empty value takes the option back to its default.
    pub fn set(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.sets.push(text::of(argument));
        self
    }

    /// One flag of the command line (`flag` is its name, `--pool`) that sets an option.
    pub fn flag(
        mut self,
        section: impl Into<String>,
        key: impl Into<String>,
        value: impl AsRef<OsStr>,
        flag: impl Into<String>,
    ) -> Self {
        self.flags.push((section.into(), key.into(), text::of(value), flag.into()));
        self
    }

    /// The text of the configuration file, for `config-orig.ini`; see [`crate::text`] for its bytes.
    pub fn file_text(&self) -> Option<&str> {
        self.file.as_ref().map(|(_, text)| text.as_str())
    }

    /// Takes the layers one after the other.
    pub(super) fn layered(&self) -> Layering {
        let mut layering = Layering {
            table: SECTIONS.iter().map(|section| vec![None; section.options.len()]).collect(),
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        if let Some((name, text)) = &self.file {
            layering.file(name, text);
        }
        for (name, value) in &self.env {
            layering.variable(name, value);
        }
        for argument in &self.sets {
            layering.set(argument);
        }
        for (section, key, value, flag) in &self.flags {
            layering.flag(section, key, value, flag);
        }
        layering
    }
}

/// The layers on top of each other, and what is wrong with them.
pub(super) struct Layering {
    pub table: Table,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Warning>,
}

impl Layering {
    fn file(&mut self, name: &str, text: &str) {
        let (ini, problems) = Ini::parse(name, text);
        self.problems.extend(problems);
        let place = |line_column| Some(Place { source: name.to_owned(), line_column: Some(line_column) });
        let mut old_names = BTreeSet::new();
        for &(section, at) in &ini.sections {
            if schema::section(section).is_some() {
            } else if legacy::is_section(section) {
                if old_names.insert(section.to_ascii_lowercase()) {
                    let message = format!("[{section}] belongs to an older version of the suite: ignored");
                    self.warnings.push(Warning { place: place(at), message });
                }
            } else {
                self.problems.push(unknown_section(section, place(at)));
            }
        }
        for entry in &ini.entries {
            let Some((_, section)) = schema::section(entry.section) else { continue };
            let key_place = place((entry.line, entry.key_column));
            if section.option(entry.key).is_none() {
                self.unknown_in_file(section, entry, key_place, &mut old_names);
            } else if !entry.value.is_empty() {
                let origin = Origin::File { name: name.to_owned(), line: entry.line, column: entry.value_column };
                self.assign(section.name, entry.key, entry.value, origin);
            }
        }
    }

    /// The C suite skips an option without a value before it looks at its name, so real files hold such names.
    fn unknown_in_file(
        &mut self,
        section: &schema::SectionDef,
        entry: &ini::Entry<'_>,
        place: Option<Place>,
        old_names: &mut BTreeSet<String>,
    ) {
        let key = entry.key;
        if let Some(successor) = legacy::option(key) {
            let acts = !entry.value.is_empty() && !is_false(entry.value);
            let belongs = "belongs to an older version of the suite";
            // Without a value or with FALSE it asked for nothing: one word per name is enough.
            if acts && legacy::changes_the_run(key) {
                let message = format!("{key} = {} {belongs}", entry.value);
                self.problems.push(Problem { place, message, hint: Some(successor.to_owned()) });
            } else if acts {
                let message = format!("{key} = {} {belongs}: ignored; {successor}", entry.value);
                self.warnings.push(Warning { place, message });
            } else if old_names.insert(key.to_ascii_lowercase()) {
                self.warnings.push(Warning { place, message: format!("{key} {belongs}: ignored") });
            }
        } else if entry.value.is_empty() {
            let message = format!("unknown option {key:?} in [{}], without a value: ignored", section.name);
            self.warnings.push(Warning { place, message });
        } else if self.problems.len() < ConfigError::SHOWN {
            self.problems.push(unknown_option(section, key, place));
        } else {
            // nobody reads on that far, and looking for the nearest names takes its time
            let message = format!("unknown option {key:?} in [{}]", section.name);
            self.problems.push(Problem { place, message, hint: None });
        }
    }

    fn variable(&mut self, name: &str, value: &str) {
        let wanted = &name[ENV_PREFIX.len()..];
        if OTHER_VARIABLES.contains(&wanted) {
            return;
        }
        let found = variables().find(|(variable, _, _)| variable == wanted);
        if let Some((_, section, option)) = found {
            self.assign(section, option.name, value, Origin::Env(name.to_owned()));
        } else {
            let names: Vec<String> = variables().map(|(variable, _, _)| variable).collect();
            let message = match nearest(wanted, names.iter().map(String::as_str)) {
                Some(near) => format!("no option has this variable: ignored; did you mean {ENV_PREFIX}{near}?"),
                None => "no option has this variable: ignored".to_owned(),
            };
            let place = Some(Place { source: name.to_owned(), line_column: None });
            self.warnings.push(Warning { place, message });
        }
    }

    fn flag(&mut self, section: &str, key: &str, value: &str, flag: &str) {
        let origin = Origin::Flag(flag.to_owned());
        // an empty flag is an unset variable of a job script, hardly a wish for the default
        match value.trim().is_empty() {
            true => self.problems.push(Problem {
                place: origin.place(),
                message: "cannot be empty".to_owned(),
                hint: Some("leave it out for the default".to_owned()),
            }),
            false => self.assign(section, key, value, origin),
        }
    }

    fn set(&mut self, argument: &str) {
        let origin = Origin::Set(argument.to_owned());
        match argument.split_once('=').and_then(|(name, value)| Some((name.split_once('.')?, value))) {
            Some(((section, key), value)) => self.assign(section.trim(), key.trim(), value.trim(), origin),
            None => self.problems.push(Problem {
                place: origin.place(),
                message: "not of the form section.option=value".to_owned(),
                hint: Some("for example --set ior-easy.transferSize=4m".to_owned()),
            }),
        }
    }

    fn assign(&mut self, section_name: &str, key: &str, value: &str, origin: Origin) {
        let Some((section_index, section)) = schema::section(section_name) else {
            if legacy::is_section(section_name) {
                let message = format!("[{section_name}] belongs to an older version of the suite: ignored");
                self.warnings.push(Warning { place: origin.place(), message });
            } else {
                self.problems.push(unknown_section(section_name, origin.place()));
            }
            return;
        };
        let Some((option_index, option)) = section.option(key) else {
            self.problems.push(unknown_option(section, key, origin.place()));
            return;
        };
        let slot = &mut self.table[section_index][option_index];
        if value.is_empty() {
            *slot = None;
            return;
        }
        match check(option, value) {
            Ok(value) => {
                if let (Some(Assigned { value: before, origin: Origin::File { line, .. } }), Origin::File { .. }) =
                    (&*slot, &origin)
                    && *before != value
                {
                    let (section, option) = (section.name, option.name);
                    let message = format!("[{section}] {option} = {value} overrides {before} in line {line}");
                    self.warnings.push(Warning { place: origin.place(), message });
                }
                *slot = Some(Assigned { value, origin });
            }
            Err((message, hint)) => self.problems.push(Problem {
                place: origin.place(),
                message: format!("[{}] {} = {value:?}: {message}", section.name, option.name),
                hint,
            }),
        }
    }
}

/// The names of the variables without prefix, with section and option.
fn variables() -> impl Iterator<Item = (String, &'static str, &'static OptionDef)> {
    let upper = |name: &str| name.to_ascii_uppercase().replace(['-', '.'], "_");
    SECTIONS.iter().flat_map(move |section| {
        let short = section.name == "global" || section.name == OWN_SECTION;
        section.options.iter().flat_map(move |option| {
            let long = format!("{}_{}", upper(section.name), upper(option.name));
            let names = if short { vec![upper(option.name), long] } else { vec![long] };
            names.into_iter().map(move |name| (name, section.name, option))
        })
    })
}

fn unknown_section(name: &str, place: Option<Place>) -> Problem {
    let hint = nearest(name, SECTIONS.iter().map(|section| section.name)).map(|near| format!("did you mean [{near}]?"));
    Problem { place, message: format!("unknown section [{name}]"), hint }
}

fn unknown_option(section: &schema::SectionDef, key: &str, place: Option<Place>) -> Problem {
    let successor = legacy::renamed(key).filter(|name| section.option(name).is_some());
    let hint = match successor.or_else(|| nearest(key, section.options.iter().map(|option| option.name))) {
        Some(near) => format!("did you mean {near}?"),
        None if section.options.is_empty() => "this section has no options".to_owned(),
        None => {
            let names: Vec<_> = section.options.iter().map(|option| option.name).collect();
            format!("it has {}", names.join(", "))
        }
    };
    Problem { place, message: format!("unknown option {key:?} in [{}]", section.name), hint: Some(hint) }
}

fn is_false(value: &str) -> bool {
    value == "0" || value.eq_ignore_ascii_case("false")
}

/// The value as it enters the table (booleans in their canonical spelling), or what is wrong with it and a hint.
fn check(option: &OptionDef, value: &str) -> Result<String, (String, Option<String>)> {
    if !ini::can_carry(value) {
        let hint = "no #, no ;, no control characters".to_owned();
        return Err(("a configuration file cannot hold this value".to_owned(), Some(hint)));
    }
    let expected = |what: String| Err((format!("expected {what}"), None));
    match option.kind {
        ValueKind::Text | ValueKind::Api => {}
        ValueKind::Bool => {
            let truth = value == "1" || value.eq_ignore_ascii_case("true");
            return match truth || is_false(value) {
                true => Ok(if truth { "TRUE" } else { "FALSE" }.to_owned()),
                false => expected("TRUE or FALSE".to_owned()),
            };
        }
        ValueKind::Integer { min, max } => match value.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) && !value.starts_with('+') => {}
            _ if max == i64::MAX => return expected(format!("a whole number from {min}")),
            _ => return expected(format!("a whole number from {min} to {max}")),
        },
        ValueKind::Float => match value.parse::<f64>() {
            Ok(number) if number.is_finite() => {}
            _ => return expected("a number".to_owned()),
        },
        ValueKind::Size => {
            crate::units::parse_size(value).map_err(|error| (error.to_string(), None))?;
        }
        ValueKind::Initial(words) => {
            let begins = |word: &&str| {
                word.len() >= value.len() && word.as_bytes()[..value.len()].eq_ignore_ascii_case(value.as_bytes())
            };
            if !words.iter().any(begins) {
                let hint = nearest(value, words.iter().copied()).map(|near| format!("did you mean {near}?"));
                return Err((format!("expected one of {}", words.join(", ")), hint));
            }
        }
        ValueKind::Choice(words) => {
            if !words.iter().any(|word| word.eq_ignore_ascii_case(value)) {
                let hint = nearest(value, words.iter().copied()).map(|near| format!("did you mean {near}?"));
                return Err((format!("expected one of {}", words.join(", ")), hint));
            }
        }
    }
    Ok(value.to_owned())
}
