//! Compares the stand-in's headers with those of an installed DAOS: sizes, offsets, signatures, types and constants of
//! everything that is bound.
//!
//! `cargo run -p daos-sys --example abi_check [INCLUDE_DIR]` looks where the build looks, or in the directory given. Differences
//! are listed. Against headers of the version that the stand-in imitates any difference is an error; against older ones they are
//! what that version lacks. Without a DAOS it says so and succeeds.

#[path = "../build/bindings.rs"]
mod bindings;
#[path = "../build/probe.rs"]
mod probe;

use probe::Version;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let include = match std::env::args_os().nth(1) {
        Some(dir) => PathBuf::from(dir),
        None => match probe::find(|name| std::env::var(name).ok().filter(|value| !value.is_empty())) {
            Ok(installed) => {
                println!("found DAOS {} with libraries in {}", installed.version, installed.lib.display());
                installed.include
            }
            Err(rejected) => {
                println!("skipped: no DAOS to compare with");
                for probe::Rejected { place, reason } in rejected {
                    println!("  {place}: {reason}");
                }
                return ExitCode::SUCCESS;
            }
        },
    };
    let own = root.join("standin/include");
    let versions = (Version::of_headers(&own), Version::of_headers(&include));
    let (Ok(imitated), Ok(real)) = &versions else {
        println!("error: {versions:?}");
        return ExitCode::FAILURE;
    };
    let older = *real < Version { fix: 0, ..*imitated };
    if older && *real < probe::OLDEST {
        println!("error: DAOS {real} is older than {}, the oldest one supported", probe::OLDEST);
        return ExitCode::FAILURE;
    }
    let (ours, theirs) = (Facts::of(root, &own), Facts::of(root, &include));
    let differences = ours.differences(&theirs);
    for difference in &differences {
        println!("{difference}");
    }
    println!(
        "{} facts of the stand-in's headers (DAOS {imitated}) compared with {} (DAOS {real}): {}",
        ours.0.len(),
        include.display(),
        match differences.len() {
            0 => "no difference".into(),
            n => format!("{n} differences"),
        }
    );
    if differences.is_empty() || older { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What headers say, as bindgen reads them: a name of each fact and the fact.
struct Facts(BTreeMap<String, String>);

impl Facts {
    fn of(root: &Path, include: &Path) -> Facts {
        let generated = bindings::builder(&root.join("wrapper.h"), include)
            .generate()
            .unwrap_or_else(|e| panic!("bindgen cannot read the headers in {}: {e}", include.display()))
            .to_string();
        let text = generated.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut facts = BTreeMap::new();
        for statement in text.split(';') {
            Facts::read(statement, &mut facts);
        }
        for name in bindings::FUNCTIONS {
            facts.entry(format!("function {name}")).or_insert_with(|| "absent".into());
        }
        Facts(facts)
    }

    fn read(statement: &str, facts: &mut BTreeMap<String, String>) {
        if let Some((_, rest)) = statement.split_once("[\"") {
            // A layout assertion: ["Size of x"][size_of::<x>() - 8usize]
            let number = |value: &str| value.trim_end_matches([' ', ']', ',']).trim_end_matches("usize").to_owned();
            if let (Some((what, _)), Some((_, value))) = (rest.split_once("\"]"), rest.rsplit_once(" - ")) {
                facts.insert(what.to_owned(), number(value));
            }
        } else if let Some((_, rest)) = statement.split_once("pub fn ") {
            let (name, signature) = rest.split_once('(').unwrap_or((rest, ""));
            facts.insert(format!("function {name}"), types_of(signature));
        } else if let Some((_, rest)) = statement.split_once("pub const ") {
            if let Some((name, value)) = rest.split_once(": ") {
                // The type of a constant is bindgen's guess; its value is the header's.
                let value = value.split_once("= ").map_or(value, |(_, value)| value);
                facts.insert(format!("constant {name}"), value.to_owned());
            }
        } else if let Some((_, rest)) = statement.split_once("pub type ")
            && let Some((name, meaning)) = rest.split_once(" = ")
            && !name.starts_with("_bindgen_ty")
        {
            facts.insert(format!("type {name}"), meaning.to_owned());
        }
    }

    /// Every fact here that is another one, or none, there.
    fn differences(&self, other: &Facts) -> Vec<String> {
        let differs = |(name, ours): (&String, &String)| match other.0.get(name) {
            Some(theirs) if theirs == ours => None,
            theirs => Some(format!("{name}: {ours} here, {} there", theirs.map_or("nothing", |t| t))),
        };
        self.0.iter().filter_map(differs).collect()
    }
}

/// A signature without the names of its parameters, which are nobody's business.
fn types_of(signature: &str) -> String {
    let (parameters, result) = signature.rsplit_once(')').unwrap_or((signature, ""));
    let types: Vec<&str> = parameters
        .split(", ")
        .map(|parameter| parameter.split_once(": ").map_or(parameter, |(_, kind)| kind).trim_end_matches([',', ' ']))
        .filter(|kind| !kind.is_empty())
        .collect();
    format!("({}){result}", types.join(", "))
}
