//! An archive read again: are its files as they were, how is the run repeated, and how does this system differ?
//!
//! Nothing of an archive is run or unpacked, and whatever it holds is printed without control characters.

use super::archive::{BOUNDS, FORMAT, FileSum, MANIFEST, Manifest, sha256};
use crate::exit::UsageError;
use anyhow::Result;
use io500_phases::facts::{NodeFacts, Tree, read_archive_within};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// An archive that was read.
#[derive(Debug)]
pub struct Replay {
    manifest: Manifest,
    /// Files that are not as the manifest says, one sentence each.
    pub damaged: Vec<String>,
}

/// Reads an archive.
///
/// # Errors
/// When it is none, exceeds the bounds, leads out of itself, or has no manifest that this program can read.
pub fn read(path: &Path) -> Result<Replay> {
    let wrong = |what: String| {
        UsageError::new(format!("{}: {what}", path.display()))
            .hint("give an archive of `dfs-bench submission --output`")
    };
    let tree = read_archive_within(path, BOUNDS).map_err(|error| wrong(error.to_string()))?;
    let text = tree.files().find(|(name, _)| *name == MANIFEST).map(|(_, bytes)| bytes);
    let text = text.ok_or_else(|| wrong(format!("it has no {MANIFEST}")))?;
    let manifest: Manifest =
        serde_json::from_slice(text).map_err(|error| wrong(format!("its manifest cannot be read: {error}")))?;
    if manifest.format != FORMAT {
        return Err(wrong(format!("its form is version {}, and this program reads {FORMAT}", manifest.format)).into());
    }
    let damaged = damaged(&tree, &manifest.files);
    Ok(Replay { manifest, damaged })
}

fn damaged(tree: &Tree, files: &[FileSum]) -> Vec<String> {
    let mut there: BTreeMap<&str, &[u8]> = tree.files().filter(|(name, _)| *name != MANIFEST).collect();
    let mut damaged = Vec::new();
    for file in files {
        match there.remove(file.path.as_str()) {
            None => damaged.push(format!("{} is missing", file.path)),
            Some(bytes) if sha256(bytes) != file.sha256 => damaged.push(format!("{} was changed", file.path)),
            Some(_) => {}
        }
    }
    damaged.extend(there.keys().map(|name| format!("{name} was added")));
    damaged
}

/// Text of somebody else for a terminal: control characters, which could steer it, become `?`.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let word = printable(word);
    shlex::try_quote(&word).map_or_else(|_| "''".to_owned(), |word| word.into_owned())
}

impl Replay {
    /// The commands that repeat the run.
    pub fn commands(&self, archive: &Path) -> String {
        let Manifest { ranks, nodes, command, configuration, job_script, environment, environment_of_run, .. } =
            &self.manifest;
        let mut text = String::new();
        let number = |value: &Option<u64>| value.map_or("?".to_owned(), |value| value.to_string());
        let _ = writeln!(
            text,
            "# {} ranks on {} client nodes, measured by {}",
            number(ranks),
            number(nodes),
            printable(&self.manifest.measured_by)
        );
        if let Some(launcher) = &self.manifest.launcher {
            let _ = writeln!(text, "# started by {}", printable(launcher));
        }
        let _ = writeln!(text, "tar -xzf {}", quoted(&archive.display().to_string()));
        if !environment.is_empty() && !environment_of_run {
            text += "# the environment of the shell that made the archive: the run's own was not recorded\n";
        }
        for (name, value) in environment {
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if is_name {
                let _ = writeln!(text, "export {name}={}", quoted(value));
            }
        }
        if let Some(script) = job_script {
            let _ = writeln!(text, "# the job's own script, which starts the ranks:\n{}", quoted(script));
        }
        let program = match command.as_slice() {
            [] => configuration.as_ref().map(|path| format!("io500 {}", quoted(path))),
            words => Some(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")),
        };
        if let Some(program) = program {
            if job_script.is_some() {
                text += "# or by hand, with the site's launcher:\n";
            }
            let _ = writeln!(text, "mpirun -np {} {program}", number(ranks));
        }
        if let Some(configuration) = configuration.as_ref().filter(|_| !command.is_empty()) {
            let _ = writeln!(text, "# the configuration of the run is {}", quoted(configuration));
        }
        if let Some(stamp) = &self.manifest.timestamp {
            let _ = writeln!(text, "# the run's data has the seed of {}", printable(stamp));
        }
        text
    }

    /// How a node differs from the one of the run: what, there, here. None where the archive tells of no node.
    pub fn differences(&self, here: &NodeFacts, environment: &[(String, String)]) -> Option<Vec<[String; 3]>> {
        let then = self.manifest.client.as_ref()?;
        let (mut old, mut new) = (told(then), told(here));
        for (name, value) in &self.manifest.environment {
            old.insert(format!("environment {name}"), value.clone());
        }
        for (name, value) in environment {
            new.insert(format!("environment {name}"), value.clone());
        }
        let names: std::collections::BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
        let cell =
            |of: &BTreeMap<String, String>, name: &String| of.get(name).map_or("\u{2013}".to_owned(), |v| printable(v));
        let rows = names.iter().filter(|name| old.get(*name) != new.get(*name));
        Some(rows.map(|name| [printable(name), cell(&old, name), cell(&new, name)]).collect())
    }
}

/// What can make a difference, by name; unknown facts are left out.
fn told(node: &NodeFacts) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let mut tell = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            told.insert(name.to_owned(), value);
        }
    };
    tell("kernel", node.kernel.clone());
    tell("distribution", node.distribution.as_ref().map(|(id, version)| format!("{id} {version}")));
    tell("machine", node.product.clone());
    tell("firmware", node.firmware.clone());
    tell("processor", node.processor.model.clone());
    tell("sockets", Some(node.topology.packages()).filter(|count| *count > 0).map(|count| count.to_string()));
    tell("cores", Some(node.topology.cores.len()).filter(|count| *count > 0).map(|count| count.to_string()));
    tell("hyperthreads", (!node.topology.cores.is_empty()).then(|| node.topology.has_hyperthreads().to_string()));
    let governors: Vec<&str> = node.processor.governors.keys().map(String::as_str).collect();
    tell("frequency governors", (!governors.is_empty()).then(|| governors.join(", ")));
    tell("boot options", node.processor.boot.as_ref().map(|words| words.join(" ")));
    tell("memory", node.memory.total.map(|bytes| format!("{} GiB", (bytes as f64 / (1_u64 << 30) as f64).round())));
    tell("hugepages", node.memory.hugepages.map(|count| count.to_string()));
    tell("transparent hugepages", node.memory.transparent_hugepages.clone());
    for port in &node.network.infiniband {
        tell(&format!("link {}", port.name()), port.rate_gbps.map(|rate| format!("{rate} Gb/s")));
    }
    for interface in node.network.interfaces.iter().filter(|interface| interface.physical) {
        tell(&format!("link {}", interface.name), interface.speed_mbps.map(|speed| format!("{speed} Mb/s")));
    }
    for (name, value) in &node.sysctl {
        tell(&format!("sysctl {name}"), Some(value.clone()));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::archive;
    use crate::submission::subject::{Given, Subject};
    use io500_phases::facts::Root;

    /// A small result directory and what is needed besides.
    fn subject(dir: &Path) -> Subject {
        let results = dir.join("2026.01.02-03.04.05");
        std::fs::create_dir(&results).unwrap();
        let text = "[run]\nprocs = 20\nversion = io500-x\n[ior-easy-write]\nexe = ./ior -o /d/2026.01.02-03.04.05/x\nscore = 2.5\n[SCORE]\nMD = 3.0\nBW = 2.5\nSCORE = 2.7\n";
        std::fs::write(results.join("result.txt"), text).unwrap();
        std::fs::write(results.join("config-orig.ini"), "[global]\n").unwrap();
        std::fs::write(dir.join("job.sh"), "mpirun io500\n").unwrap();
        let given = Given {
            job_script: Some(dir.join("job.sh")),
            client: Some(NodeFacts::read(&Root::live(), "here")),
            ..Given::default()
        };
        Subject::load(&results, &[], given).unwrap()
    }

    #[test]
    fn an_archive_is_read_as_it_was_written_and_says_how_to_repeat() {
        let dir = tempfile::tempdir().unwrap();
        let subject = subject(dir.path());
        let path = dir.path().join("io500.tgz");
        archive::write(&path, &subject, &[("questionnaire.md", "# Q\n".to_owned())]).unwrap();
        assert!(archive::write(&path, &subject, &[]).is_err(), "a file that exists stays");
        let replay = read(&path).unwrap();
        assert_eq!(replay.damaged, Vec::<String>::new());
        let commands = replay.commands(&path);
        assert!(commands.contains("# 20 ranks") && commands.contains("io500/job/job.sh"), "{commands}");
        assert!(commands.contains("mpirun -np 20 io500 io500/results/config-orig.ini"), "{commands}");
        let own = replay.manifest.client.clone().unwrap();
        assert_eq!(replay.differences(&own, &replay.manifest.environment.clone()), Some(Vec::new()));
        let mut other = own;
        other.kernel = Some("1.2.13\u{1b}[31m".into());
        let rows = replay.differences(&other, &replay.manifest.environment.clone()).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0][0].as_str(), rows[0][2].as_str()), ("kernel", "1.2.13?[31m"), "no control characters");
        let second = dir.path().join("again.tgz");
        archive::write(&second, &subject, &[("questionnaire.md", "# Q\n".to_owned())]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&second).unwrap(), "the same files, the same bytes");
    }

    /// An archive with these files.
    fn packed(path: &Path, files: &[(&str, &[u8])]) {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
            std::fs::File::create(path).unwrap(),
            flate2::Compression::fast(),
        ));
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_mode(0o644);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            archive.append(&header, *bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
    }

    #[test]
    fn changed_and_hostile_archives_are_named_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tgz");
        let manifest = Manifest {
            format: FORMAT,
            files: vec![
                FileSum { path: "io500/a".into(), bytes: 1, sha256: sha256(b"a") },
                FileSum { path: "io500/b".into(), bytes: 1, sha256: sha256(b"b") },
            ],
            command: vec!["io500".into(), "$(rm -rf ~)\n".into()],
            environment: vec![("A".into(), "`id`".into()), ("B; rm".into(), "x".into())],
            environment_of_run: true,
            ..Manifest::default()
        };
        let text = serde_json::to_vec(&manifest).unwrap();
        packed(&path, &[(MANIFEST, &text), ("io500/a", b"x"), ("io500/c", b"c")]);
        let replay = read(&path).unwrap();
        assert_eq!(replay.damaged, ["io500/a was changed", "io500/b is missing", "io500/c was added"]);
        let commands = replay.commands(Path::new("x.tgz"));
        assert!(commands.contains("'$(rm -rf ~)?'") && commands.contains("export A='`id`'"), "{commands}");
        assert!(!commands.contains("B; rm"), "{commands}");
        let refused = |files: &[(&str, &[u8])]| {
            packed(&path, files);
            read(&path).unwrap_err().to_string()
        };
        assert!(refused(&[("io500/a", b"a")]).contains("has no io500/reproduce/manifest.json"));
        assert!(refused(&[(MANIFEST, b"{")]).contains("cannot be read"));
        assert!(refused(&[(MANIFEST, b"{\"format\": 99}")]).contains("cannot be read"));
        assert!(refused(&[("../../x", b"a"), (MANIFEST, &text)]).contains("leads out"));
        let mut giant = tar::Header::new_gnu();
        giant.as_old_mut().name[..7].copy_from_slice(b"io500/a");
        giant.set_size(65 << 20);
        giant.set_cksum();
        std::fs::write(&path, giant.as_bytes()).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("larger than 64 MiB"), "an announced giant");
        std::fs::write(&path, b"\x1f\x8bnothing").unwrap();
        assert!(read(&path).is_err());
    }
}
