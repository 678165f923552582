//! One thing that a campaign varies: what it changes, and its values.

use crate::exit::UsageError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The families whose API string can be varied.
const FAMILIES: [&str; 4] = ["ior-easy", "ior-hard", "mdtest-easy", "mdtest-hard"];

/// One thing that is varied. Without `option`, `api`, `container`, `env`, `argument` or `setup` its name says what: `nodes`,
/// `ranks-per-node` or `path`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Axis {
    /// Its name in expressions, the baseline and reports.
    pub name: String,
    /// Its values.
    pub values: Vec<Value>,
    /// With `data-phases`: runs with other values of it read the same data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_data: bool,
    /// An option of the configuration: `ior-easy.transferSize`.
    pub option: Option<String>,
    /// An option of a family's API string: `mdtest-hard.dir_oclass`.
    pub api: Option<String>,
    /// A property of the container that the run makes: `rd_fac`.
    pub container: Option<String>,
    /// An environment variable.
    pub env: Option<String>,
    /// Arguments of dfs-bench, with `{value}`.
    pub argument: Option<String>,
    /// Arguments of the launcher, with `{value}`: binding, mapping.
    pub binding: Option<String>,
    /// A command that sets the value outside of the run, with `{value}`.
    pub setup: Option<String>,
    /// A command that undoes it, with `{value}`.
    pub teardown: Option<String>,
}

/// What an axis changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    Nodes,
    RanksPerNode,
    Path,
    Option { section: &'a str, option: &'a str },
    Api { family: &'a str, option: &'a str },
    Container(&'a str),
    Env(&'a str),
    Argument(&'a str),
    Binding(&'a str),
    Script { setup: &'a str, teardown: Option<&'a str> },
}

/// A value of an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// TRUE or FALSE.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Words.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // as the configuration file spells it
            Value::Bool(value) => f.pad(if *value { "TRUE" } else { "FALSE" }),
            Value::Int(value) => write!(f, "{value}"),
            Value::Float(value) => write!(f, "{value}"),
            Value::Text(value) => f.pad(value),
        }
    }
}

impl Axis {
    /// What it changes.
    pub fn target(&self) -> Result<Target<'_>, UsageError> {
        let wrong = |what: String| UsageError::new(format!("axis {:?}: {what}", self.name));
        let pair = |text: &'static str, value: &'_ str| {
            wrong(format!("{text} = {value:?}: a section and an option, separated by a dot, are wanted"))
        };
        let given = [
            self.option.as_ref(),
            self.api.as_ref(),
            self.container.as_ref(),
            self.env.as_ref(),
            self.argument.as_ref(),
            self.binding.as_ref(),
            self.setup.as_ref(),
        ];
        if given.iter().flatten().count() > 1 {
            return Err(wrong(
                "only one of option, api, container, env, argument, binding and setup is possible".into(),
            ));
        }
        if self.teardown.is_some() && self.setup.is_none() {
            return Err(wrong("teardown belongs to setup".into()));
        }
        if let Some(option) = &self.option {
            let (section, option) = option.split_once('.').ok_or_else(|| pair("option", option))?;
            return Ok(Target::Option { section, option });
        }
        if let Some(option) = &self.api {
            let (family, name) = option.split_once('.').ok_or_else(|| pair("api", option))?;
            if !FAMILIES.contains(&family) || !["oclass", "dir_oclass", "chunk_size"].contains(&name) {
                let known =
                    format!("the families are {}, the options oclass, dir_oclass, chunk_size", FAMILIES.join(", "));
                return Err(wrong(format!("api = {option:?}")).hint(known));
            }
            return Ok(Target::Api { family, option: name });
        }
        if let Some(property) = &self.container {
            return Ok(Target::Container(property));
        }
        if let Some(variable) = &self.env {
            return Ok(Target::Env(variable));
        }
        let with_value = |what: &str, text: &str| match text.contains("{value}") {
            true => Ok(()),
            false => Err(wrong(format!("{what} = {text:?} has no {{value}}: all cells would be the same"))),
        };
        if let Some(argument) = &self.argument {
            with_value("argument", argument)?;
            return Ok(Target::Argument(argument));
        }
        if let Some(binding) = &self.binding {
            with_value("binding", binding)?;
            return Ok(Target::Binding(binding));
        }
        if let Some(setup) = &self.setup {
            with_value("setup", setup)?;
            return Ok(Target::Script { setup, teardown: self.teardown.as_deref() });
        }
        match self.name.as_str() {
            "nodes" => Ok(Target::Nodes),
            "ranks-per-node" => Ok(Target::RanksPerNode),
            "path" => Ok(Target::Path),
            _ => Err(wrong("what does it change?".into())
                .hint("give option, api, container, env, argument, binding or setup; or call it nodes, ranks-per-node or path")),
        }
    }
}
