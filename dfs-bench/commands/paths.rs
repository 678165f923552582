//! The suite over several paths to the same container, one after the other with the same ranks, and how they compare.

use crate::args::run::RunArgs;
use crate::exit::{Exit, UsageError};
use crate::output;
use crate::report::compare::{analyse, render};
use crate::report::load;
use crate::runner::{plan, runs};
use crate::session::Session;
use anyhow::Context as _;
use io500_phases::backend::dfs::without_prefix;
use io500_phases::backend::posix::interception;
use io500_phases::config::{Api, Config};
use io500_phases::engine::Progress;
use io500_phases::report::ResultDir;
use io500_phases::results::RunResult;
use io500_phases::suite::dated;
use io500_phases::text;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// One way to the data: libdfs, or a directory of a mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    name: String,
    mount: Option<String>,
}

/// Runs the suite over each path and compares them with the first.
pub fn run(
    args: &RunArgs,
    list: &OsStr,
    session: &mut Session,
    progress: &Arc<Progress>,
    process_start: Instant,
) -> anyhow::Result<Exit> {
    let routes = parse(&text::of(list), interception().as_deref())?;
    let global = &session.config.global;
    if args.cleanup && global.timestamp_datadir && session.config.bench.timestamp.is_none() {
        return Err(UsageError::new("--cleanup with --paths needs the timestamp of the run to remove")
            .hint("give --timestamp; --cleanup without --paths lists the runs")
            .into());
    }
    let base = text::path(&dated(&global.resultdir, global.timestamp_resultdir, &session.timestamp));
    let asked = session.config.clone();
    // the path's name, and the timestamp above it
    let own_levels = 1 + usize::from(global.timestamp_datadir);
    let mut worst = Exit::Finished;
    let mut begun = process_start;
    for route in &routes {
        session.config = over(&asked, route, &base.join(&route.name), &session.timestamp)?;
        if session.is_root() {
            println!("\npath {}: {}", route.name, session.config.global.api);
        }
        let plan = plan(session)?;
        let exit = runs(args, session, &plan, progress, begun, None, own_levels)?;
        begun = Instant::now();
        worst = if exit.code() > worst.code() { exit } else { worst };
    }
    let compared = if session.is_root() && !args.cleanup { compare(&base, &routes) } else { Ok(()) };
    session.comm.barrier();
    compared.map(|()| worst)
}

/// `dfs,dfuse=/mnt/dfuse`: names, and a directory for those that are mounted. A preloaded interception library makes a mounted
/// path another path, with another name.
fn parse(list: &str, preloaded: Option<&str>) -> Result<Vec<Route>, UsageError> {
    let wrong = |what: String| UsageError::new(what).hint("for example --paths dfs,dfuse=/mnt/dfuse");
    let mut routes: Vec<Route> = Vec::new();
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let mut route = match item.split_once('=') {
            Some((name, mount)) if mount.starts_with('/') => Route { name: name.into(), mount: Some(mount.into()) },
            Some(_) => return Err(wrong(format!("--paths {item}: the directory must begin with /"))),
            None if item == "dfs" => Route { name: item.into(), mount: None },
            None => return Err(wrong(format!("--paths {item}: only dfs needs no directory"))),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        if route.name.is_empty() || !route.name.chars().all(plain) || route.name.starts_with('.') {
            return Err(wrong(format!("--paths {item}: the name must consist of letters, digits and -_.+")));
        }
        if let (Some(library), Some(_)) = (preloaded, &route.mount) {
            route.name = format!("{}+{library}", route.name);
        }
        if routes.iter().any(|other| other.name == route.name) {
            return Err(wrong(format!("--paths: {} is named twice", route.name)));
        }
        routes.push(route);
    }
    if routes.len() < 2 {
        return Err(wrong("--paths needs at least two paths".into()));
    }
    Ok(routes)
}

/// The configuration of one path: its API, a data directory of its own in the same container, a result directory of its own.
fn over(asked: &Config, route: &Route, resultdir: &Path, timestamp: &str) -> anyhow::Result<Config> {
    const FLAG: &str = "--paths";
    let global = &asked.global;
    let inside =
        without_prefix(&dated(&global.datadir, global.timestamp_datadir, timestamp), global.api.prefix.as_deref());
    let inside = format!("{}/{}", inside.trim_end_matches('/'), route.name);
    let mut builder = asked.inputs().clone();
    let datadir = match &route.mount {
        Some(mount) => {
            builder = builder.flag("global", "api", "POSIX", FLAG);
            format!("{}{inside}", mount.trim_end_matches('/'))
        }
        None => {
            if global.api.api != Api::Dfs {
                builder = builder.flag("global", "api", "DFS", FLAG);
            }
            inside
        }
    };
    for (option, value) in [
        ("datadir", text::os(&datadir).as_os_str()),
        ("timestamp-datadir", "FALSE".as_ref()),
        ("resultdir", resultdir.as_os_str()),
        ("timestamp-resultdir", "FALSE".as_ref()),
    ] {
        builder = builder.flag("global", option, value, FLAG);
    }
    Ok(builder.build()?.0)
}

/// Prints the comparison and keeps it beside the results.
fn compare(base: &Path, routes: &[Route]) -> anyhow::Result<()> {
    let directories: Vec<PathBuf> = routes.iter().map(|route| base.join(&route.name)).collect();
    let found = analyse::compare(&load::groups(&directories)?);
    let mut text = render::to_text(&found, None);
    let containers: Vec<Option<String>> = directories.iter().map(|directory| container_of(directory)).collect();
    text.push_str(&match other_containers(routes, &containers)[..] {
        [] => format!("\nAll paths lead to the container {}.\n", containers[0].as_deref().unwrap_or_default()),
        ref warnings => warnings.iter().map(|warning| format!("\nCaveat: {warning}\n")).collect(),
    });
    let dir = ResultDir::at(base);
    dir.write("comparison.txt", text.as_bytes())?;
    dir.write("comparison.json", render::to_json(&found, None).context("the comparison as JSON")?.as_bytes())?;
    print!("\n{text}");
    let said = format!("\nThe comparison is stored in the directory: {}\n", text::of(base));
    output::bytes(&text::bytes(&said));
    Ok(())
}

/// Paths that lead to another container than the first one.
fn other_containers(routes: &[Route], containers: &[Option<String>]) -> Vec<String> {
    let Some(Some(first)) = containers.first() else {
        return vec![format!("the container of {} is unknown", routes[0].name)];
    };
    let others = routes.iter().zip(containers).skip(1);
    others
        .filter_map(|(route, container)| match container {
            Some(container) if container == first => None,
            Some(_) => Some(format!("{} leads to a different container than {}", route.name, routes[0].name)),
            None => Some(format!("it is unknown whether {} leads to the container of {}", route.name, routes[0].name)),
        })
        .collect()
}

/// The UUID of the container that a run worked in, where it could tell.
fn container_of(directory: &Path) -> Option<String> {
    let text = std::fs::read(directory.join("result.json")).ok()?;
    let result: RunResult = serde_json::from_slice(&text).ok()?;
    let mut facts = result.provenance.stores.iter().flat_map(|(_, store)| &store.facts);
    facts.find(|(name, _)| name == "container uuid").map(|(_, uuid)| uuid.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str, preloaded: Option<&str>) -> Vec<String> {
        parse(list, preloaded).unwrap().into_iter().map(|route| route.name).collect()
    }

    #[test]
    fn paths_have_names_and_directories() {
        let routes = parse("dfs, dfuse=/mnt/dfuse", None).unwrap();
        assert_eq!(routes[0], Route { name: "dfs".into(), mount: None });
        assert_eq!(routes[1], Route { name: "dfuse".into(), mount: Some("/mnt/dfuse".into()) });
        assert_eq!(names("dfs,dfuse=/m", Some("libpil4dfs")), ["dfs", "dfuse+libpil4dfs"]);
        for wrong in ["dfs", "dfs,dfuse", "dfs,dfuse=mnt", "dfs,dfs", "a=/x,a=/y", "../x=/y,dfs"] {
            assert!(parse(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_to_other_containers_are_named() {
        let routes = parse("dfs,dfuse=/mnt/dfuse", None).unwrap();
        let found = |first: Option<&str>, second: Option<&str>| {
            other_containers(&routes, &[first.map(str::to_owned), second.map(str::to_owned)])
        };
        assert!(found(Some("a"), Some("a")).is_empty());
        assert_eq!(found(Some("a"), Some("b")), ["dfuse leads to a different container than dfs"]);
        assert_eq!(found(Some("a"), None), ["it is unknown whether dfuse leads to the container of dfs"]);
        assert_eq!(found(None, Some("a")), ["the container of dfs is unknown"]);
    }

    #[test]
    fn each_path_gets_a_directory_of_its_own_in_the_same_container() {
        let flags = [("api", "DFS --dfs.pool=p --dfs.cont=c"), ("datadir", "./data"), ("resultdir", "r")];
        let builder = flags
            .iter()
            .fold(Config::builder(), |builder, (option, value)| builder.flag("global", *option, *value, "--x"))
            .set("ior-easy.API=DFS --dfs.oclass=SX");
        let asked = builder.build().unwrap().0;
        let routes = parse("dfs,dfuse=/mnt/dfuse/", None).unwrap();
        let dfs = over(&asked, &routes[0], Path::new("r/T/dfs"), "T").unwrap();
        let dfuse = over(&asked, &routes[1], Path::new("r/T/dfuse"), "T").unwrap();
        assert_eq!((dfs.global.datadir.as_str(), dfs.global.api.pool.as_deref()), ("/data/T/dfs", Some("p")));
        assert_eq!((dfuse.global.datadir.as_str(), &dfuse.global.api.api), ("/mnt/dfuse/data/T/dfuse", &Api::Posix));
        let easy = io500_phases::phase_id::PhaseId::IorEasyWrite;
        assert_eq!(dfuse.phase(easy).api.api, Api::Posix);
        assert_eq!(dfs.global.resultdir, "r/T/dfs");
    }
}
