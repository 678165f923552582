//! `dfs-bench config`: the options there are, the effective values, whether they can be run, and their hash.

use crate::args::config::{Action, ConfigArgs, Format};
use crate::args::run::RunArgs;
use crate::directories;
use crate::exit::Exit;
use crate::output;
use crate::session;
use io500_phases::comm::{Launcher, Solo};
use io500_phases::config::{Config, Level, Mode, OptionDef, Origin, SECTIONS, SectionDef, ValueKind};
use io500_phases::phase_id::PhaseId;
use io500_phases::text;
use std::fmt::Write as _;

/// Does what the arguments ask for.
pub fn run(args: &ConfigArgs) -> anyhow::Result<Exit> {
    match &args.action {
        Action::List { mandatory, format } => {
            let sections = SECTIONS.iter().filter(|section| !(*mandatory && section.extended));
            match format {
                Format::Text => print!("{}", list(sections)),
                Format::Json => println!("{}", serde_json::to_string_pretty(&list_json(sections))?),
            }
        }
        Action::Show { changed, format, run } => {
            let config = load(run)?;
            match format {
                // it can be read again, as the bytes that it was
                Format::Text => output::bytes(&text::bytes(&show(&config, *changed))),
                Format::Json => {
                    let wanted = |origin: &Origin| !*changed || *origin != Origin::Default;
                    let settings: Vec<_> = config.settings().iter().filter(|setting| wanted(&setting.origin)).collect();
                    println!("{}", serde_json::to_string_pretty(&settings)?);
                }
            }
        }
        Action::Check { run } => print!("{}", check(run)?),
        Action::Hash { run } => println!("{}", load(run)?.hash()),
    }
    Ok(Exit::Finished)
}

fn load(args: &RunArgs) -> anyhow::Result<Config> {
    let (config, warnings) = session::inputs(args)?.build()?;
    session::warn(&warnings);
    Ok(config)
}

fn list<'a>(sections: impl Iterator<Item = &'a SectionDef>) -> String {
    let mut text = String::from("# Every option with its default.\n");
    for section in sections {
        let extended = if section.extended { " # extended mode only" } else { "" };
        let _ = writeln!(text, "\n[{}]{extended}", section.name);
        for option in section.options {
            let _ = writeln!(text, "# {} ({}, {})", option.help, kind(option), level(option));
            if let Some(when) = option.invalidates {
                let _ = writeln!(text, "# Invalidates a run when {when}.");
            }
            let _ = writeln!(text, "{} = {}", option.name, option.default.unwrap_or(""));
        }
    }
    text
}

fn list_json<'a>(sections: impl Iterator<Item = &'a SectionDef>) -> serde_json::Value {
    let option = |section: &SectionDef, option: &OptionDef| {
        serde_json::json!({
            "section": section.name,
            "option": option.name,
            "type": kind(option),
            "default": option.default,
            "help": option.help,
            "invalidates": option.invalidates,
            "level": level(option),
            "extended": section.extended,
        })
    };
    sections.flat_map(|section| section.options.iter().map(move |one| option(section, one))).collect()
}

fn kind(option: &OptionDef) -> String {
    match option.kind {
        ValueKind::Text => "text".to_owned(),
        ValueKind::Integer { .. } => "whole number".to_owned(),
        ValueKind::Float => "number".to_owned(),
        ValueKind::Bool => "TRUE or FALSE".to_owned(),
        ValueKind::Size => "bytes, with k, m, g or t".to_owned(),
        ValueKind::Api => "API".to_owned(),
        ValueKind::Choice(words) | ValueKind::Initial(words) => words.join("|"),
    }
}

fn level(option: &OptionDef) -> &'static str {
    match option.level {
        Level::Basic => "basic",
        Level::Advanced => "advanced",
        Level::Debug => "debug",
    }
}

/// The effective configuration as an ini file, the origins as comments.
fn show(config: &Config, changed: bool) -> String {
    let mut text = String::new();
    for section in &SECTIONS {
        let wanted = |origin: &Origin| !changed || *origin != Origin::Default;
        let settings = config.settings().iter().filter(|setting| setting.section == section.name);
        let mut settings = settings.filter(|setting| wanted(&setting.origin)).peekable();
        if settings.peek().is_some() {
            let _ = writeln!(text, "[{}]", section.name);
        }
        for setting in settings {
            let pair = format!("{} = {}", setting.option, setting.value.as_deref().unwrap_or(""));
            let _ = writeln!(text, "{pair:<40} # {}", setting.origin);
        }
    }
    let _ = writeln!(text, "# The API of each phase, connection and placement included:");
    for phase in PhaseId::ALL.into_iter().filter(|&phase| config.bench.mode == Mode::Extended || phase.in_standard()) {
        let of = config.phase(phase);
        let off = if of.run { "" } else { " (does not run)" };
        let _ = writeln!(text, "# {phase:<20} {}, from {}{off}", of.api, of.api_origin);
    }
    let _ = writeln!(text, "# config-hash = {}", config.hash());
    text
}

fn check(args: &RunArgs) -> anyhow::Result<String> {
    let launcher = Launcher::detect(|name| std::env::var(name).ok());
    let ranks = launcher.and_then(|launcher| launcher.size);
    let (config, phases) = session::check(args, session::inputs(args)?, ranks)?;
    let timestamp = config.bench.timestamp.as_deref().unwrap_or("config-check");
    directories::check(&Solo::new(), &config, &phases, timestamp)?;
    let mut said = String::new();
    if ranks.is_none() {
        // every find that would not run alone
        for problem in config.validate_ranks(&phases, 1) {
            let place = problem.place.map(|place| format!("{place}: ")).unwrap_or_default();
            let needs = problem.message.split(": ").next().unwrap_or_default();
            let _ = writeln!(said, "needs as many ranks: {place}{needs}");
        }
    }
    for (setting, reason) in config.invalidating() {
        let value = setting.value.as_deref().unwrap_or("");
        let (section, option, origin) = (&setting.section, &setting.option, &setting.origin);
        let _ = writeln!(said, "invalidates a run: [{section}] {option} = {value} ({origin}): {reason}");
    }
    let name = args.config_file().map_or("the configuration".to_owned(), text::of);
    let _ = writeln!(said, "{name} can be run; config-hash {}", config.hash());
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_a_configuration_file_of_the_defaults() {
        let text = list(SECTIONS.iter());
        let (listed, warnings) = Config::builder().file("list.ini", text.as_bytes()).build().unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let (default, _) = Config::builder().build().unwrap();
        assert!(listed.to_ini().starts_with(&default.to_ini()));
        assert!(
            text.contains("# Invalidates a run when other than 300 seconds (30 with scc).\nstonewall-time = 300\n")
        );
        assert!(!list(SECTIONS.iter().filter(|section| !section.extended)).contains("[mdworkbench]"));
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        let (config, _) = Config::builder().set("global.api=POSIX").set("ior-easy.transferSize=4m").build().unwrap();
        let text = show(&config, false);
        assert!(text.contains("transferSize = 4m                        # --set\n"), "{text}");
        let (again, warnings) = Config::builder().file("shown.ini", text.as_bytes()).build().unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(again.hash(), config.hash());
        let changed = show(&config, true);
        assert!(changed.contains("[ior-easy]") && !changed.contains("[mdtest-easy]"), "{changed}");
    }
}
