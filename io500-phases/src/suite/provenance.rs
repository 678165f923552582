//! What rank 0 writes down about a run: by which rules, where, with which settings.

use super::machines;
use super::result_writer::now;
use super::run::Suite;
use super::run_state::SuiteState;
use super::store_visitors::SerialQueue;
use crate::backend::select::Stores;
use crate::comm::{Comm, ReduceOp, Topology, host_id};
use crate::engine::Team;
use crate::phase_id::{Family, PhaseId};
use crate::plan::digest;
use crate::results::Limits;
use crate::results::job::{Job, initial_environment};
use crate::results::provenance::{Provenance, SettingOrigin, StartUp, relevant_environment, system_facts};
use crate::results::validity::Rules;

impl Suite<'_> {
    /// The rules that the run is judged by. Collective.
    pub(super) fn rules<S: Stores>(&self, comm: &dyn Comm, stores: &S) -> Rules {
        let bench = &self.config.bench;
        let mut departures = Vec::new();
        if bench.queue_depth > 1 {
            departures.push(format!("queue-depth {}", bench.queue_depth));
            departures.extend(self.serial_transfers(comm, stores));
        }
        if bench.threads_per_rank > 1 {
            departures.push(format!("threads-per-rank {}", bench.threads_per_rank));
        }
        let extended = bench.mode == crate::config::Mode::Extended;
        Rules {
            stonewall_s: self.plan.stonewall_s,
            scc: self.config.global.scc,
            pausing: self.config.debug.pause_dir.is_some(),
            files_per_dir: self.config.mdtest_hard.files_per_dir.is_some(),
            expected: PhaseId::ALL.into_iter().filter(|phase| extended || phase.in_standard()).collect(),
            departures,
        }
    }

    /// Whether a queue depth is asked for that ranks cannot have: transfers that run one after the other must not pass for overlapping
    /// ones. Collective.
    fn serial_transfers<S: Stores>(&self, comm: &dyn Comm, stores: &S) -> Option<String> {
        let ior = |phase: &PhaseId| matches!(phase.family(), Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy);
        let phases = self.plan.phases.iter().filter(|phase| ior(phase));
        let own = phases.copied().find_map(|phase| stores.visit(phase, SerialQueue));
        let mut ranks = [u64::from(own.is_some())];
        comm.all_reduce_u64(ReduceOp::Sum, &mut ranks);
        let mut first = [if own.is_some() { comm.rank() as u64 } else { u64::MAX }];
        comm.all_reduce_u64(ReduceOp::Min, &mut first);
        let root = usize::try_from(first[0]).ok().filter(|&root| root < comm.size())?;
        let mut reason = own.unwrap_or_default().into_bytes();
        comm.broadcast(root, &mut reason);
        let reason = String::from_utf8_lossy(&reason);
        Some(format!("transfers of {} of {} ranks run one at a time: {reason}", ranks[0], comm.size()))
    }

    /// A digest of what invocations must have in common to be one run.
    pub fn common_plan(&self) -> String {
        let apis = PhaseId::ALL.map(|phase| self.config.phase(phase).api.to_string());
        let (datadir, scc) = (&self.config.global.datadir, self.config.global.scc);
        format!("{:016x}", digest(&format!("{:?} {datadir:?} {scc} {apis:?}", self.plan.without_phases())))
    }

    /// What rank 0 writes down about the run; the other ranks bring what their start took.
    pub(super) fn provenance<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        state: &SuiteState,
        connected_s: f64,
        rules: &Rules,
    ) -> Option<Provenance> {
        let comm = team.comm();
        let start = start_up(comm, connected_s);
        let scheduler_nodes = scheduler_nodes(comm);
        let gathered = machines::gather(comm);
        let stores = if comm.rank() == 0 { stores.describe() } else { Vec::new() };
        let engines_elsewhere = machines::engines_elsewhere(comm, &machines::engines(&stores));
        let gathered = gathered?;
        let topology = comm.topology();
        Some(Provenance {
            program: format!("dfs-bench-{}", env!("CARGO_PKG_VERSION")),
            rules: "io500-isc26_v2".into(),
            mode: self.config.bench.mode.name().into(),
            command_line: self.options.command_line.clone(),
            timestamp: self.plan.timestamp.clone(),
            invocation: 1, // until earlier ones are found
            asked_for: self.plan.asked_for().collect(),
            cleans_up: self.options.clean_up,
            common_plan: self.common_plan(),
            began: now(),
            ended: String::new(),
            ranks: comm.size(),
            nodes: topology.nodes(),
            ranks_per_node: topology.ppn_first(),
            placement: words(topology.placement()),
            read_mapping: mapping(topology),
            own_node_readers: topology.read_mapping().own_node,
            launcher: comm.describe(),
            job: Job { scheduler_nodes, ..Job::new(&initial_environment()) },
            host: comm.host().into(),
            system: system_facts(),
            datadir: self.config.global.datadir.clone(),
            resultdir: self.resultdir(),
            stores,
            config_hash: self.config.hash().to_string(),
            settings: self
                .config
                .settings()
                .iter()
                .map(|setting| SettingOrigin {
                    section: setting.section.clone(),
                    option: setting.option.clone(),
                    value: setting.value.clone().unwrap_or_default(),
                    origin: setting.origin.to_string(),
                })
                .collect(),
            pools_after: Vec::new(),
            unexpected_entries: 0,
            unexpected_examples: Vec::new(),
            environment: relevant_environment(),
            departures: rules.departures.clone(),
            wall_clock_skew_s: state.clock.wall_skew_max_ns as f64 / 1e9,
            clock_uncertainty_s: state.clock.uncertainty_max_ns as f64 / 1e9,
            start,
            limits: Limits::new(&gathered, engines_elsewhere),
            machines: machines::kept(gathered),
            audit: self.options.audit.clone(),
        })
    }
}

fn words<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn mapping(topology: &Topology) -> String {
    let mapping = topology.read_mapping();
    let rule = words(mapping.rule);
    format!(
        "{rule}: official shift {}; ranks that read their own node's data: {} of {} (by the official shift: {})",
        mapping.shift,
        mapping.own_node,
        topology.ranks(),
        mapping.own_node_official
    )
}

/// What it took all ranks to start. Collective; complete on rank 0.
fn start_up(comm: &dyn Comm, connected_s: f64) -> StartUp {
    let (resident, connected_us) = (resident_bytes(), (connected_s * 1e6) as u64);
    let descriptors = std::fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() as u64);
    let mut most = [resident, connected_us, descriptors];
    comm.reduce_u64(ReduceOp::Max, &mut most);
    let mut sum = [resident, connected_us];
    comm.reduce_u64(ReduceOp::Sum, &mut sum);
    let mut least = [descriptors_limit()];
    comm.reduce_u64(ReduceOp::Min, &mut least);
    let mean = |sum: u64| sum as f64 / comm.size() as f64;
    StartUp {
        connected_s,
        first_phase_s: 0.0, // not yet
        resident_max: most[0],
        resident_mean: mean(sum[0]) as u64,
        connected_max_s: most[1] as f64 / 1e6,
        connected_mean_s: mean(sum[1]) / 1e6,
        descriptors_max: most[2],
        descriptors_limit: least[0],
    }
}

/// The number of nodes by the names that Slurm has for them. Collective; on rank 0, none where it has no such name.
fn scheduler_nodes(comm: &dyn Comm) -> Option<usize> {
    let name = std::env::var("SLURMD_NODENAME").ok();
    let mut nodes = comm.all_gather_u64(host_id(name.as_deref().unwrap_or(comm.host())));
    nodes.sort_unstable();
    nodes.dedup();
    name.map(|_| nodes.len())
}

/// How many files this process may have open; 0 where the system does not tell.
fn descriptors_limit() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    soft.map_or(0, |soft| soft.parse().unwrap_or(u64::MAX))
}

/// Resident memory of this process, bytes; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
