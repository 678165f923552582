//! `dfs-bench doctor`: an audit of nodes, fabric, engines and job.

use crate::args::doctor::{DoctorArgs, DoctorFormat, FailOn};
use crate::doctor::gather::{self, Look, Shown};
use crate::doctor::report::{DIFFER, Report};
use crate::doctor::roof::{Roof, client_links, of_metadata, server_devices, server_links};
use crate::doctor::rule::{JobFacts, PhaseClasses, Severity, Side, Store, View};
use crate::doctor::server::{MAX_BYTES, ServerConfig, StorageScan};
use crate::doctor::table::{Delta, Table};
use crate::doctor::{audit, html, markdown, rules, text};
use crate::exit::{Exit, UsageError, report as report_error};
use io500_phases::backend::select::{Selected, Stores as _};
use io500_phases::comm::{self, Comm, Launcher};
use io500_phases::config::{Api, Config};
use io500_phases::error::Error;
use io500_phases::facts::{NodeFacts, RankFacts, Root, read_archive, write_snapshot};
use io500_phases::phase_id::{Kind, PhaseId, ScoreGroup};
use io500_phases::results::Audit;
use io500_phases::results::provenance::relevant_environment;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::time::Duration;

/// How long `--measure` copies in memory.
const MEASURED: Duration = Duration::from_secs(2);

/// Where a server has its configuration.
const INSTALLED: &str = "/etc/daos/daos_server.yml";

/// Looks, prints on rank 0, and returns the exit code.
pub fn run(args: &DoctorArgs) -> anyhow::Result<Exit> {
    if args.list {
        print!("{}", text::list());
        return Ok(Exit::Finished);
    }
    if let Some(id) = &args.explain {
        let rule = rules::find(id).or_else(|| (id == DIFFER.id).then_some(&DIFFER));
        let rule = rule.ok_or_else(|| UsageError::new(format!("no rule {id}")).hint("--list names them"))?;
        print!("{}", text::explain(rule));
        return Ok(Exit::Finished);
    }
    if let Some(path) = &args.snapshot {
        return snapshot(path);
    }
    if args.topology.is_some() || args.server_config.is_some() {
        if args.container.pool.is_some() || args.container.cont.is_some() {
            let message = "a pool is looked at from the nodes of a job, not with --topology or --server-config";
            return Err(UsageError::new(message).hint("leave --pool and --cont out, or look twice").into());
        }
        let (report, shown) = offline(args)?;
        return finish(args, &report, &shown);
    }
    job(args)
}

fn snapshot(path: &Path) -> anyhow::Result<Exit> {
    // under a launcher one file has one writer
    let other_rank = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .is_some_and(|rank| rank != "0");
    if other_rank {
        return Ok(Exit::Finished);
    }
    let root = Root::live();
    let facts = NodeFacts::read(&root, &comm::host_name());
    let failed = |error| UsageError::new(format!("{}: {error}", path.display())).hint("give the name of a new file");
    write_snapshot(&root.taken(), path).map_err(failed)?;
    eprintln!("wrote {}: {} files of {}", path.display(), root.taken().files().count(), facts.host);
    for unread in &facts.unread {
        eprintln!("warning: without {}: {}", unread.path, unread.reason);
    }
    Ok(Exit::Finished)
}

/// One machine, most often another one.
fn offline(args: &DoctorArgs) -> anyhow::Result<(Report, Shown)> {
    let server = args.server_config.as_deref().map(|path| parsed(path, ServerConfig::parse)).transpose()?;
    let scan = args.storage_scan.as_deref().map(|path| parsed(path, StorageScan::parse)).transpose()?;
    let (subject, node) = match &args.topology {
        Some(path) => (path.display().to_string(), facts_of(path)?),
        None => ("this node".to_owned(), NodeFacts::read(&Root::live(), &comm::host_name())),
    };
    let client = server.is_none();
    let (server_view, scan, job) = (server.as_ref(), scan.as_ref(), JobFacts::default());
    let view = View { node: &node, ranks: &[], client, server: server_view, scan, store: None, job: &job };
    let lines = audit::lines(&view);
    let mut table = Table::new(lines.clone());
    table.add(Delta::new(&node.host, &lines, &lines));
    let roof = Roof {
        server_links: server_links(&view),
        client_links: client.then(|| client_links(&view)).flatten(),
        client_memory: None,
        server_devices: server_devices(&view),
    };
    let report = Report::new(&subject, &table, applied(client, server.is_some(), false)).under(roof);
    Ok((report, Shown::new(&view)))
}

/// How many rules are for such a machine.
fn applied(client: bool, server: bool, store: bool) -> usize {
    let concerned = |side| match side {
        Side::Client => client,
        Side::Server => server,
        Side::Both => true,
        Side::Store => store,
    };
    rules::all().filter(|rule| concerned(rule.side)).count()
}

/// The facts of a topology file, a snapshot directory or an archive.
pub(super) fn facts_of(path: &Path) -> anyhow::Result<NodeFacts> {
    let wrong = |message: String| {
        UsageError::new(format!("{}: {message}", path.display()))
            .hint("give the XML of lstopo, or a snapshot of /sys and /proc: a directory, tar, tar.zst, tar.bz2")
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if path.is_dir() {
        let root = Root::directory(path).map_err(|error| wrong(error.to_string()))?;
        return known(NodeFacts::read(&root, &name), wrong);
    }
    if path.extension().is_some_and(|extension| extension == "xml") {
        return topology_file(path).map_err(|error| wrong(error).into());
    }
    let tree = read_archive(path).map_err(|error| wrong(error.to_string()))?;
    known(NodeFacts::read(&Root::tree(tree), &name), wrong)
}

/// Refuses a snapshot of which nothing is known: it is none.
fn known(facts: NodeFacts, wrong: impl Fn(String) -> UsageError) -> anyhow::Result<NodeFacts> {
    let is_empty =
        facts.topology.cores.is_empty() && facts.network.interfaces.is_empty() && facts.memory.total.is_none();
    if is_empty { Err(wrong("neither sys nor proc of a machine is in it".into()).into()) } else { Ok(facts) }
}

#[cfg(feature = "hwloc")]
fn topology_file(path: &Path) -> Result<NodeFacts, String> {
    io500_phases::facts::from_xml(&bounded(path)?).map_err(|error| error.to_string())
}

#[cfg(not(feature = "hwloc"))]
fn topology_file(_: &Path) -> Result<NodeFacts, String> {
    Err("this program was built without hwloc, which reads topology files".into())
}

/// A file's text up to a bound.
fn bounded(path: &Path) -> Result<String, String> {
    // before it is opened: opening a FIFO waits for a writer
    if !std::fs::metadata(path).map_err(|error| error.to_string())?.is_file() {
        return Err("no regular file".into());
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

pub(super) fn parsed<T>(path: &Path, parse: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<T> {
    let parsed = bounded(path).and_then(|text| parse(&text));
    Ok(parsed.map_err(|error| UsageError::new(format!("{}: {error}", path.display())))?)
}

/// Every node of the job, or this one.
fn job(args: &DoctorArgs) -> anyhow::Result<Exit> {
    let comm = comm::start()?;
    let comm = comm.as_ref();
    let store = match store(args, comm) {
        Ok(store) => store,
        // all ranks have the same error
        Err(error) => {
            let error = anyhow::Error::from(error);
            if comm.rank() == 0 {
                report_error(&error);
            }
            return Ok(Exit::of(&error));
        }
    };
    let measure = args.measure.then_some(MEASURED);
    let report = look(comm, Look { store: store.as_ref(), measure, reach: true, ..Look::default() })?;
    let mut code = vec![0];
    if let Some((report, shown)) = report {
        let exit = finish(args, &report, &shown).unwrap_or_else(|error| {
            report_error(&error);
            Exit::of(&error)
        });
        code[0] = exit.code();
    }
    comm.broadcast(0, &mut code);
    Ok([Exit::Finished, Exit::Findings].into_iter().find(|exit| code == [exit.code()]).unwrap_or(Exit::Internal))
}

/// What libdfs says of the pool and container that are named, and what the configuration asks of them. Collective.
fn store(args: &DoctorArgs, comm: &dyn Comm) -> Result<Option<Store>, Error> {
    if args.container.pool.is_none() && args.container.cont.is_none() && args.config.is_none() {
        return Ok(None);
    }
    let mut told = Vec::new();
    if let Some(path) = args.config.as_ref().filter(|_| comm.rank() == 0) {
        let text = bounded(path).map_err(|error| format!("{}: {error}", path.display()));
        told = serde_json::to_vec(&text).expect("plain data");
    }
    comm.broadcast(0, &mut told);
    let text: Option<Result<String, String>> = serde_json::from_slice(&told).ok();
    let text = text.transpose().map_err(Error::Config)?;
    let builder = match (&text, &args.config) {
        (Some(text), Some(path)) => Config::builder().file(path.display().to_string(), text.as_bytes()),
        _ => Config::builder().flag("global", "api", "dfs", "--pool"),
    };
    let flags = args.container.settings().into_iter();
    let flags = flags.filter_map(|(section, option, value, flag)| Some((section, option, value?, flag)));
    let builder =
        flags.fold(builder, |builder, (section, option, value, flag)| builder.flag(section, option, value, flag));
    let (config, _) = builder.build().map_err(|error| Error::Config(error.to_string()))?;
    // the phase that only reads: no container is made for it
    let stores = Selected::open(&config, &[PhaseId::Find], "/", comm)?;
    let described = stores.describe().into_iter().next().map(|(_, description)| description);
    stores.close(comm)?;
    let asked = if text.is_some() { classes(&config) } else { Vec::new() };
    Ok(described.map(|described| Store { described, asked }))
}

/// The placement that the phases of a configuration ask for, those over DFS.
fn classes(config: &Config) -> Vec<PhaseClasses> {
    let phases = PhaseId::ALL.into_iter().filter(|phase| phase.kind() == Kind::Write);
    let of_phase = |phase: PhaseId| {
        let (used, transfer) = (config.phase(phase), config.ior_easy.transfer_size);
        let api = Some(&used.api).filter(|api| used.run && api.api == Api::Dfs)?;
        Some(PhaseClasses {
            phase: phase.name(),
            file: api.oclass.clone(),
            dir: api.dir_oclass.clone(),
            chunk: api.chunk_size,
            transfer: (phase == PhaseId::IorEasyWrite).then_some(transfer),
        })
    };
    phases.filter_map(of_phase).collect()
}

/// The report of a job, on rank 0. Collective.
fn look(comm: &dyn Comm, how: Look<'_>) -> anyhow::Result<Option<(Report, Shown)>> {
    // the configuration of a server that this node is
    let installed = Path::new(INSTALLED);
    let server = installed.exists().then(|| parsed(installed, ServerConfig::parse)).transpose();
    let server = server.unwrap_or_else(|error| {
        eprintln!("warning: {}: {error:#}", comm.host());
        None
    });
    let own = RankFacts::own(relevant_environment(), io500_phases::backend::dfs::provider());
    let how = Look { server: server.as_ref(), ..how };
    let gather::Job { table, roof, shown } = gather::job(comm, own, &how)?;
    let subject = if comm.size() == 1 { comm.host().to_owned() } else { format!("job of {} ranks", comm.size()) };
    let report = |table| Report::new(&subject, &table, applied(true, server.is_some(), how.store.is_some()));
    Ok(table.map(report).map(|report| report.under(roof)).zip(shown))
}

/// Before a run: says on standard error what is wrong, and returns what was found, on rank 0. Collective.
pub fn before_run(comm: &dyn Comm, tell: bool, measure: bool) -> anyhow::Result<Audit> {
    let measure = measure.then_some(MEASURED);
    let Some((report, shown)) = look(comm, Look { measure, ..Look::default() })? else { return Ok(Audit::default()) };
    let memory_copy = report.roof.as_ref().and_then(|roof| roof.client_memory);
    if !tell {
        return Ok(Audit { memory_copy, ..Audit::default() });
    }
    let lines = text::brief(&report);
    for line in &lines {
        eprintln!("doctor: {line}");
    }
    if !lines.is_empty() {
        eprintln!("doctor: `dfs-bench doctor` in the same job says why and what mends it; --doctor off is silent");
    }
    Ok(Audit { findings: Some(report.kept()), memory_copy, engines: shown.engines })
}

/// What the phases of this configuration cannot exceed, in words; nothing where nothing is known. Collective.
pub fn roof(comm: &dyn Comm, config: &Config, phases: &[PhaseId], measure: bool) -> anyhow::Result<String> {
    // what another store or the stand-in does goes over no link that is known
    let over_links =
        |phase: &PhaseId| config.phase(*phase).api.api == Api::Dfs && !io500_phases::backend::dfs::is_standin();
    if !phases.iter().any(over_links) {
        return Ok(String::new());
    }
    let measure = measure.then_some(MEASURED);
    let Some((report, _)) = look(comm, Look { measure, ..Look::default() })? else { return Ok(String::new()) };
    let mut words = report.roof.map(|roof| roof.words()).unwrap_or_default();
    if phases.iter().filter(|phase| over_links(phase)).any(|phase| phase.standard_group() == ScoreGroup::Metadata) {
        words += &of_metadata(comm.size() * config.bench.threads_per_rank.max(1));
    }
    Ok(words)
}

/// Prints the report; the exit code.
fn finish(args: &DoctorArgs, report: &Report, shown: &Shown) -> anyhow::Result<Exit> {
    // Open MPI gives rank 0 a terminal of its own, wherever its output goes
    let launched = Launcher::detect(|name| std::env::var(name).ok()).is_some();
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let colour = wanted && !launched && std::io::stdout().is_terminal();
    let rendered = match args.format {
        DoctorFormat::Text => text::render(report, colour),
        DoctorFormat::Json => serde_json::to_string_pretty(report)? + "\n",
        DoctorFormat::Markdown => markdown::render(report),
        DoctorFormat::Html => html::render(report, shown)?,
    };
    crate::report::output::write(Path::new("-"), &rendered)?;
    let fails = match args.fail_on {
        None => 0,
        Some(FailOn::Error) => report.count(Severity::Error),
        Some(FailOn::Finding) => report.count(Severity::Error) + report.count(Severity::Finding),
    };
    Ok(if fails > 0 { Exit::Findings } else { Exit::Finished })
}
