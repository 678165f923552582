//! `dfs-bench submission`: checks of a result directory, the documents of a submission, and archives of both.

use super::doctor::{facts_of, parsed};
use crate::args::config::Format;
use crate::args::submission::SubmissionArgs;
use crate::doctor::server::{ServerConfig, StorageScan};
use crate::exit::{Exit, UsageError};
use crate::submission::render::Told;
use crate::submission::subject::{Given, Subject};
use crate::submission::{
    archive, attributes, checks, lists, merge, published, questionnaire, ranking, render, replay, system,
};
use anyhow::{Context, Result};
use io500_phases::comm::host_name;
use io500_phases::facts::{NodeFacts, Root};
use io500_phases::results::provenance::relevant_environment;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The list's file.
const SYSTEM: &str = "system-information.json";

/// Does what the arguments ask for.
pub fn run(args: &SubmissionArgs) -> Result<Exit> {
    if let Some(path) = &args.replay {
        return play(path, args.format);
    }
    if let Some(directory) = &args.collect {
        let origin = args.origin.as_deref().unwrap_or("origin and date were not given");
        crate::report::output::write(Path::new("-"), &published::collect(directory, origin)?.csv())?;
        return Ok(Exit::Finished);
    }
    let result = args.result.as_deref().unwrap_or(Path::new("."));
    let mut subject = Subject::load(result, &args.repeat, given(args)?)?;
    subject.given.client = subject.given.client.take().or_else(|| subject.recorded_client());
    let (document, entries) = describe(args, &subject)?;
    let checks = checks::all(&subject);
    let questions = questionnaire::questions(&subject, &checks);
    let table = published::table(args.published.as_ref())?;
    let told = Told {
        result: subject.directory.display().to_string(),
        measured_by: subject.run.source.name(),
        is_ours: subject.is_ours(),
        lists: lists::of(&checks),
        ranking: ranking::rank(&subject.run, args.file_system.as_deref().or(published::kind_of(&subject)), &table),
        checks,
        system: entries,
    };
    let mut documents = vec![
        (SYSTEM.to_owned(), serde_json::to_string_pretty(&document)? + "\n"),
        ("system-information.md".to_owned(), render::system(&told.system)),
        ("questionnaire.md".to_owned(), questionnaire::markdown(&questions)),
        ("submission.html".to_owned(), render::page(&told, &subject)?),
        ("checks.txt".to_owned(), render::text(&told)),
    ];
    documents
        .extend(questions.iter().map(|question| (format!("questionnaire/{}.txt", question.key), question.answer())));
    if let Some(directory) = &args.documents {
        write_documents(directory, &mut documents)?;
    }
    if let Some(path) = &args.output {
        let documents: Vec<(&str, String)> =
            documents.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        let manifest = archive::write(path, &subject, &documents)?;
        eprintln!("wrote {}: {} files", path.display(), manifest.files.len());
    }
    match args.format {
        Format::Text => print!("{}", render::text(&told)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&told)?),
    }
    Ok(if args.strict && !told.is_ready() { Exit::Invalid } else { Exit::Finished })
}

fn given(args: &SubmissionArgs) -> Result<Given> {
    for path in [&args.job_script, &args.job_output].into_iter().flatten() {
        if !path.is_file() {
            return Err(UsageError::new(format!("{} is no file", path.display())).into());
        }
    }
    let client = match &args.snapshot {
        Some(path) => Some(facts_of(path)?),
        None => args.here.then(|| NodeFacts::read(&Root::live(), &host_name())),
    };
    Ok(Given {
        job_script: args.job_script.clone(),
        job_output: args.job_output.clone(),
        client,
        snapshot: args.snapshot.clone(),
        server: args.server_snapshot.as_deref().map(facts_of).transpose()?,
        server_config: args.server_config.as_deref().map(|path| parsed(path, ServerConfig::parse)).transpose()?,
        scan: args.storage_scan.as_deref().map(|path| parsed(path, StorageScan::parse)).transpose()?,
    })
}

/// The description of the system, merged with one that exists, and all its attributes.
fn describe(args: &SubmissionArgs, subject: &Subject) -> Result<(Value, Vec<system::Entry>)> {
    let (new, sources) = system::describe(subject);
    // what this program wrote there for whichever run is written anew
    let edited = |directory: &&PathBuf| directory.join(SYSTEM).is_file() && !is_as_written(directory, SYSTEM);
    let in_documents = args.documents.as_ref().filter(edited).map(|directory| directory.join(SYSTEM));
    let existing: Option<&PathBuf> = args.system_information.as_ref().or(in_documents.as_ref());
    let Some(path) = existing else {
        let entries = system::entries(&new, &sources);
        return Ok((new, entries));
    };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut document: Value = serde_json::from_str(&text)
        .map_err(|error| UsageError::new(format!("{} is no JSON: {error}", path.display())))?;
    let filled = merge::fill(&mut document, &new);
    eprintln!("{}: {filled} blanks filled, the rest is kept", path.display());
    for fault in attributes::faults(&document) {
        eprintln!("warning: {}: {fault}", path.display());
    }
    // what was there before is its writer's, even where it says the same
    let old: Value = serde_json::from_str(&text).unwrap_or_default();
    let earlier = system::entries(&old, &[]);
    let mut entries = system::entries(&document, &sources);
    for entry in &mut entries {
        if earlier.iter().any(|old| old.attribute == entry.attribute && old.value.is_some()) {
            entry.source = format!("{} as it was", path.display());
        }
    }
    Ok((document, entries))
}

/// The checksums of what this program wrote into a directory of documents, by name: what has another one was edited.
const WRITTEN: &str = ".written.json";

fn written(directory: &Path) -> BTreeMap<String, String> {
    std::fs::read(directory.join(WRITTEN)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Whether a document lies there as this program wrote it.
fn is_as_written(directory: &Path, name: &str) -> bool {
    let sum = std::fs::read(directory.join(name)).map(|bytes| archive::sha256(&bytes));
    sum.is_ok_and(|sum| written(directory).get(name) == Some(&sum))
}

/// Writes the documents. What a person edited, the questionnaire, is not overwritten, and takes the place of the new text.
fn write_documents(directory: &Path, documents: &mut [(String, String)]) -> Result<()> {
    let mut sums = written(directory);
    // an edited description of the system is in the new one
    let merged = directory.join(SYSTEM).is_file() && !is_as_written(directory, SYSTEM);
    let mut kept = 0;
    for (name, text) in documents.iter_mut() {
        let path = directory.join(&*name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        let old = std::fs::read_to_string(&path).ok().filter(|old| old != text);
        if let Some(old) = old.filter(|_| name.starts_with("questionnaire") && !is_as_written(directory, name)) {
            eprintln!("{} was edited, and is kept; remove it to have it written again", path.display());
            (*text, kept) = (old, kept + 1);
            continue;
        }
        std::fs::write(&path, &*text).with_context(|| format!("cannot write {}", path.display()))?;
        match merged && name == SYSTEM {
            true => drop(sums.remove(name)),
            false => drop(sums.insert(name.clone(), archive::sha256(text.as_bytes()))),
        }
    }
    let path = directory.join(WRITTEN);
    std::fs::write(&path, serde_json::to_vec_pretty(&sums)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("wrote {} files into {}, kept {kept}", documents.len() - kept, directory.display());
    Ok(())
}

fn play(path: &Path, format: Format) -> Result<Exit> {
    let replay = replay::read(path)?;
    let here = NodeFacts::read(&Root::live(), &host_name());
    let commands = replay.commands(path);
    let differences = replay.differences(&here, &relevant_environment());
    match format {
        Format::Json => {
            let value =
                serde_json::json!({"commands": commands, "damaged": replay.damaged, "differences": differences});
            println!("{}", serde_json::to_string_pretty(&value)?);
        }
        Format::Text => {
            print!("{commands}");
            match &differences {
                None => println!("\nThe archive tells of no node: what differs here is not known."),
                Some(rows) if rows.is_empty() => println!("\nThis node is as that of the run was, as far as is known."),
                Some(rows) => {
                    println!("\n{:<28} {:<36} here", "differs", "in the run");
                    rows.iter().for_each(|[what, then, now]| println!("{what:<28} {then:<36} {now}"));
                }
            }
            replay.damaged.iter().for_each(|sentence| println!("damaged: {sentence}"));
        }
    }
    Ok(if replay.damaged.is_empty() { Exit::Finished } else { Exit::Verification })
}
