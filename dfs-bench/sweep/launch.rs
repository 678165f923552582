//! The command of a run: launcher, program and what the cell changes. Pure; [`super::runner`] starts it.

use super::axis::{Target, Value};
use super::campaign::Campaign;
use super::design::{Cell, baseline};
use crate::cli::Cli;
use crate::exit::UsageError;
use anyhow::Context as _;
use clap::Parser as _;
use io500_phases::config::{ApiSpec, Config};
use io500_phases::phase_id::PhaseId;
use std::collections::BTreeMap;
use std::path::Path;

/// How a run is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// What is added to the environment.
    pub env: BTreeMap<String, String>,
    /// The values that scripts set, by axis: value, setup, teardown.
    pub scripts: BTreeMap<String, Script>,
}

/// What a run of a cell is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct What<'a> {
    /// Phases, as `--phase` takes them.
    pub phases: &'a str,
    /// Seconds of the stonewall; none where the configuration says.
    pub stonewall: Option<u32>,
    /// The timestamp of the data that it writes or reads; none for its own.
    pub timestamp: Option<String>,
}

impl<'a> What<'a> {
    /// A run in full.
    pub fn of(campaign: &'a Campaign) -> What<'a> {
        What { phases: &campaign.phases, stonewall: campaign.stonewall, timestamp: None }
    }
}

/// A value that is set outside of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The command that sets it.
    pub setup: String,
    /// The command that undoes it.
    pub teardown: Option<String>,
}

/// Nodes that a cell runs on.
pub fn nodes(campaign: &Campaign, cell: &Cell) -> u32 {
    count(campaign, cell, Target::Nodes).unwrap_or(campaign.launcher.nodes)
}

/// Its ranks on each of them.
pub fn ranks_per_node(campaign: &Campaign, cell: &Cell) -> u32 {
    count(campaign, cell, Target::RanksPerNode).unwrap_or(campaign.launcher.ranks_per_node)
}

fn count(campaign: &Campaign, cell: &Cell, target: Target<'_>) -> Option<u32> {
    let of_axis = cell.values(campaign).into_iter().find(|(axis, _)| axis.target().is_ok_and(|found| found == target));
    match of_axis?.1 {
        Value::Int(number) => u32::try_from(*number).ok(),
        _ => None,
    }
}

/// The command of a run of this cell with its results in `directory`. `name` tells its container from others.
pub fn launch(
    campaign: &Campaign,
    cell: &Cell,
    what: &What<'_>,
    directory: &Path,
    name: &str,
) -> anyhow::Result<Launch> {
    let mut arguments: Vec<String> = campaign.config.iter().map(|path| path.display().to_string()).collect();
    arguments.extend(campaign.arguments.iter().cloned());
    let base = parsed(&arguments)?;
    let mut env = campaign.env.clone();
    let (mut binding, mut scripts) = (Vec::new(), BTreeMap::new());
    let (mut apis, mut properties): (BTreeMap<&str, ApiSpec>, Vec<String>) = Default::default();
    let mut mount = None;
    let lowest = baseline(campaign);
    for (index, (axis, value)) in cell.values(campaign).into_iter().enumerate() {
        let with_value = |text: &str| text.replace("{value}", &value.to_string());
        match axis.target()? {
            Target::Nodes | Target::RanksPerNode => {}
            Target::Path => mount = mounted(&value.to_string())?,
            Target::Option { section, option } => set(&mut arguments, &format!("{section}.{option}={value}")),
            Target::Api { family, option } => {
                let spec = apis.entry(family).or_insert_with(|| api_of(&base, family));
                set_api(spec, option, &value.to_string())?;
                if mount.is_some() && cell.levels[index] != lowest.levels[index] {
                    return Err(UsageError::new(format!("axis {:?} has no effect over a mounted path", axis.name))
                        .hint("exclude those cells: exclude = [\"path != 'dfs' and …\"], and put path before the axis")
                        .into());
                }
            }
            Target::Container(property) => properties.push(format!("{property}:{value}")),
            Target::Env(variable) => drop(env.insert(variable.to_owned(), value.to_string())),
            Target::Argument(text) => arguments.extend(split(&with_value(text))?),
            Target::Binding(text) => binding.extend(split(&with_value(text))?),
            Target::Script { setup, teardown } => {
                // a value is one word of the shell, whatever is in it
                let word = shlex::try_quote(&value.to_string())?.into_owned();
                let with_word = |text: &str| text.replace("{value}", &word);
                let script = Script { setup: with_word(setup), teardown: teardown.map(with_word) };
                scripts.insert(axis.name.clone(), script);
            }
        }
    }
    let mounted_path = mount.is_some();
    match mount {
        Some(Mount { directory, library }) => {
            arguments = without(arguments, &["--api", "--datadir", "-d"]);
            arguments.extend(["--api".into(), "posix".into(), "--datadir".into(), format!("{directory}/datafiles")]);
            if let Some(library) = library {
                env.insert("LD_PRELOAD".into(), library);
            }
        }
        None => {
            for (family, spec) in &apis {
                set(&mut arguments, &format!("{family}.API={spec}"));
            }
        }
    }
    if campaign.fresh_container && mounted_path {
        return Err(UsageError::new("fresh-container: a mounted path has the container that is mounted")
            .hint("leave the path away, or fresh-container")
            .into());
    }
    if !properties.is_empty() || campaign.fresh_container {
        // properties are those of a container that the run makes
        let cont = format!("{}-{name}", base.global.api.cont.as_deref().unwrap_or("sweep"));
        arguments = without(arguments, &["--cont"]);
        arguments.extend(["--cont".into(), cont, "--destroy".into()]);
        if !properties.is_empty() {
            arguments.extend(["--cont-properties".into(), properties.join(",")]);
        }
    }
    arguments.extend(["--phase".into(), what.phases.to_owned()]);
    arguments.extend(what.timestamp.iter().flat_map(|timestamp| ["--timestamp".to_owned(), timestamp.clone()]));
    if let Some(seconds) = what.stonewall {
        arguments.extend(["--stonewall".into(), seconds.to_string()]);
    }
    arguments.extend(["--resultdir".into(), directory.display().to_string()]);
    set(&mut arguments, "global.timestamp-resultdir=FALSE");
    parsed(&arguments).with_context(|| format!("the cell {}", cell.words(campaign)))?;
    let mut words = launcher(campaign, cell, &env, &binding)?;
    words.push(campaign.launcher.program.clone());
    words.append(&mut arguments);
    Ok(Launch { words, env, scripts })
}

fn set(arguments: &mut Vec<String>, setting: &str) {
    arguments.extend(["--set".to_owned(), setting.to_owned()]);
}

/// Takes these flags away, with the value in the next word or behind `=`: the cell's take their place.
fn without(arguments: Vec<String>, flags: &[&str]) -> Vec<String> {
    let mut words = arguments.into_iter();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if flags.contains(&word.as_str()) {
            words.next();
        } else if !flags.iter().any(|flag| word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))) {
            kept.push(word);
        }
    }
    kept
}

fn split(text: &str) -> anyhow::Result<Vec<String>> {
    shlex::split(text).ok_or_else(|| UsageError::new(format!("{text:?}: a quote is not closed")).into())
}

/// The launcher's words up to the program.
fn launcher(
    campaign: &Campaign,
    cell: &Cell,
    env: &BTreeMap<String, String>,
    binding: &[String],
) -> anyhow::Result<Vec<String>> {
    let (nodes, per_node) = (nodes(campaign, cell), ranks_per_node(campaign, cell));
    let ranks = nodes * per_node;
    let command = campaign.launcher.command.trim();
    let text = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let (n, k, r) = (nodes.to_string(), per_node.to_string(), ranks.to_string());
    let mut words = match command {
        "none" if ranks == 1 && binding.is_empty() => return Ok(Vec::new()),
        "none" => {
            return Err(UsageError::new(format!("{ranks} ranks need a launcher"))
                .hint("launcher.command = \"mpirun\"")
                .into());
        }
        "mpirun" => {
            let mut words = text(&["mpirun", "-np", &r]);
            if nodes > 1 {
                words.extend(["--map-by".to_owned(), format!("ppr:{per_node}:node")]);
            }
            // Open MPI forwards to other nodes only what it is told to
            words.extend(env.keys().flat_map(|name| ["-x".to_owned(), name.clone()]));
            words
        }
        "srun" => text(&["srun", "--nodes", &n, "--ntasks-per-node", &k, "--ntasks", &r, "--kill-on-bad-exit=1"]),
        "mpiexec.hydra" => text(&["mpiexec.hydra", "-n", &r, "-ppn", &k]),
        template => {
            let settings: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut words = Vec::new();
            for word in split(template)? {
                if word == "{env}" {
                    words.extend(settings.iter().cloned());
                } else {
                    words.push(word.replace("{ranks}", &r).replace("{ranks-per-node}", &k).replace("{nodes}", &n));
                }
            }
            words
        }
    };
    words.extend(binding.iter().cloned());
    Ok(words)
}

/// The configuration that these arguments of dfs-bench lead to.
fn parsed(arguments: &[String]) -> anyhow::Result<Config> {
    let words = std::iter::once("dfs-bench").chain(arguments.iter().map(String::as_str));
    let cli = Cli::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        UsageError::new(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
    })?;
    Ok(crate::session::inputs(&cli.run)?.build()?.0)
}

fn api_of(base: &Config, family: &str) -> ApiSpec {
    let phase = PhaseId::ALL.into_iter().find(|phase| phase.family().name() == family).expect("the axis was checked");
    base.phase(phase).api.clone()
}

fn set_api(spec: &mut ApiSpec, option: &str, value: &str) -> anyhow::Result<()> {
    match option {
        "oclass" => spec.oclass = Some(value.to_owned()),
        "dir_oclass" => spec.dir_oclass = Some(value.to_owned()),
        _ => {
            spec.chunk_size =
                Some(io500_phases::units::parse_size(value).map_err(|error| UsageError::new(error.to_string()))?)
        }
    }
    Ok(())
}

/// A mounted path to the container.
struct Mount {
    directory: String,
    library: Option<String>,
}

/// `dfs`, `dfuse=/mnt/dfuse`, `dfuse+libpil4dfs=/mnt/dfuse`; the library's own path may be given: `dfuse+/opt/lib/libpil4dfs.so=/mnt`.
fn mounted(text: &str) -> anyhow::Result<Option<Mount>> {
    if text == "dfs" {
        return Ok(None);
    }
    let wrong = || {
        UsageError::new(format!("path {text:?} is none")).hint("dfs, dfuse=/mnt/dfuse, or dfuse+libpil4dfs=/mnt/dfuse")
    };
    let (name, directory) =
        text.split_once('=').filter(|(_, directory)| directory.starts_with('/')).ok_or_else(wrong)?;
    let library = name.split_once('+').map(|(_, library)| match library.contains('/') {
        true => library.to_owned(),
        false => format!("{library}.so"),
    });
    Ok(Some(Mount { directory: directory.trim_end_matches('/').to_owned(), library }))
}

#[cfg(test)]
mod tests {
    use super::super::design;
    use super::*;

    fn words(text: &str, level: usize) -> Launch {
        let campaign =
            Campaign::parse(&format!("name = \"t\"\nphases = \"ior-easy\"\nobjective = \"ior-easy-write\"\n{text}"))
                .unwrap();
        let cell = design::cells(&campaign).unwrap()[level].clone();
        launch(&campaign, &cell, &What::of(&campaign), Path::new("out/r"), "r7").unwrap()
    }

    #[test]
    fn launchers_say_ranks_and_nodes_in_their_words() {
        let axes = "[[axis]]\nname = \"nodes\"\nvalues = [2]\n[[axis]]\nname = \"ranks-per-node\"\nvalues = [4]\n";
        for (command, expected) in [
            ("mpirun", "mpirun -np 8 --map-by ppr:4:node -x A dfs-bench"),
            ("srun", "srun --nodes 2 --ntasks-per-node 4 --ntasks 8 --kill-on-bad-exit=1 dfs-bench"),
            ("mpiexec.hydra", "mpiexec.hydra -n 8 -ppn 4 dfs-bench"),
            ("aprun -n {ranks} -N {ranks-per-node} env {env}", "aprun -n 8 -N 4 env A=1 dfs-bench"),
        ] {
            let found = words(&format!("[env]\nA = \"1\"\n[launcher]\ncommand = \"{command}\"\n{axes}"), 0);
            assert!(found.words.join(" ").starts_with(expected), "{found:?}");
            assert_eq!(found.env["A"], "1");
        }
    }

    #[test]
    fn what_a_cell_changes_reaches_the_command() {
        let text = "arguments = [\"--pool\", \"p\", \"--cont\", \"c\"]\n\
            [[axis]]\nname = \"size\"\noption = \"ior-easy.transferSize\"\nvalues = [\"1m\"]\n\
            [[axis]]\nname = \"class\"\napi = \"ior-easy.oclass\"\nvalues = [\"SX\"]\n\
            [[axis]]\nname = \"chunk\"\napi = \"ior-easy.chunk_size\"\nvalues = [\"4m\"]\n\
            [[axis]]\nname = \"rf\"\ncontainer = \"rd_fac\"\nvalues = [1]\n\
            [[axis]]\nname = \"depth\"\nargument = \"--queue-depth {value}\"\nvalues = [8]\n\
            [[axis]]\nname = \"bind\"\nbinding = \"--bind-to {value}\"\nvalues = [\"core\"]\n\
            [[axis]]\nname = \"irq\"\nsetup = \"./irq {value}\"\nteardown = \"./irq off\"\nvalues = [\"spread\"]\n";
        let found = words(text, 0);
        let line = found.words.join(" ");
        for part in [
            "mpirun -np 1 --bind-to core dfs-bench --pool p --set",
            "--set ior-easy.transferSize=1m",
            "--dfs.oclass=SX",
            "--dfs.chunk_size=4194304",
            "--cont c-r7 --destroy --cont-properties rd_fac:1",
            "--queue-depth 8",
            "--phase ior-easy --resultdir out/r --set global.timestamp-resultdir=FALSE",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert_eq!(found.scripts["irq"], Script { setup: "./irq spread".into(), teardown: Some("./irq off".into()) });
    }

    #[test]
    fn a_mounted_path_has_its_directory_and_library() {
        let text = "[[axis]]\nname = \"path\"\nvalues = [\"dfs\", \"dfuse+libpil4dfs=/mnt/d\"]\n";
        let found = words(text, 1);
        assert!(found.words.join(" ").contains("--api posix --datadir /mnt/d/datafiles"), "{found:?}");
        assert_eq!(found.env["LD_PRELOAD"], "libpil4dfs.so");
        assert!(!words(text, 0).words.contains(&"posix".to_owned()));
    }

    #[test]
    fn each_run_can_have_a_container_of_its_own() {
        let axes = "[[axis]]\nname = \"depth\"\nargument = \"--queue-depth {value}\"\nvalues = [8]\n";
        let found = words(&format!("fresh-container = true\narguments = [\"--pool\", \"p\"]\n{axes}"), 0);
        assert!(found.words.join(" ").contains("--cont sweep-r7 --destroy --phase"), "{found:?}");
    }

    #[test]
    fn arguments_that_are_none_are_told_at_once() {
        let campaign = Campaign::parse(
            "name = \"t\"\narguments = [\"--poool\", \"p\"]\n[[axis]]\nname = \"nodes\"\nvalues = [1]\n",
        )
        .unwrap();
        let cell = design::baseline(&campaign);
        let error = launch(&campaign, &cell, &What::of(&campaign), Path::new("r"), "r").unwrap_err().to_string();
        assert!(error.contains("--poool"), "{error}");
    }
}
