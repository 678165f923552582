//! The file of a campaign: TOML → [`Campaign`], every value checked, every mistake with what to do.

use super::axis::{Axis, Target, Value};
use super::batch::Batch;
use super::rungs::{Adaptive, FULL_STONEWALL};
use crate::exit::UsageError;
use io500_phases::config::select_phases;
use io500_phases::phase_id::{Kind, PhaseId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A commented campaign, as `--example` prints it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// A campaign: what is varied, how often, and how a run is started.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Campaign {
    /// What the reports call it.
    pub name: String,
    /// Which cells are run.
    #[serde(default)]
    pub design: Design,
    /// Runs of each cell.
    #[serde(default = "defaults::repeats")]
    pub repeats: u32,
    /// Stop repeating a cell when the 95 % interval of its objective is within this many percent of the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// With `precision`: the most runs of a cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_repeats: Option<u32>,
    /// Seed of the order of the cells.
    #[serde(default = "defaults::seed")]
    pub seed: u64,
    /// Phases to run, as `--phase` takes them.
    #[serde(default = "defaults::phases")]
    pub phases: String,
    /// Phases that write the data which `phases` then read: run once for each setting that needs data of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_phases: Option<String>,
    /// The figure that decides: `score`, `bandwidth`, `iops`, a phase, or the 99th percentile of its latency (`ior-hard-write.p99`).
    #[serde(default = "defaults::objective")]
    pub objective: String,
    /// Seconds that a write phase lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stonewall: Option<u32>,
    /// Configuration file in IO500's dialect that all runs start from; a relative path is relative to the campaign's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,
    /// Arguments of dfs-bench in every run.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Environment of every run.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Expressions over the names of the axes; a cell for which one is true is left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// One run of the baseline first, which counts nowhere.
    #[serde(default = "defaults::yes")]
    pub warm_up: bool,
    /// A run of the baseline after so many runs, which shows whether the machine drifts; 0: none.
    #[serde(default = "defaults::baseline_every")]
    pub baseline_every: u32,
    /// Seconds between two runs, for space to come back.
    #[serde(default)]
    pub pause: u32,
    /// Further attempts after a run that failed.
    #[serde(default)]
    pub retries: u32,
    /// Seconds after which a run is ended and counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_timeout: Option<u64>,
    /// With `design = "adaptive"`: how the finalists are found.
    #[serde(default)]
    pub adaptive: Adaptive,
    /// What the campaign may cost.
    #[serde(default)]
    pub budget: Budget,
    /// Each run makes a container of its own and removes it.
    #[serde(default)]
    pub fresh_container: bool,
    /// How runs are started.
    #[serde(default)]
    pub launcher: Launcher,
    /// How runs become batch jobs, for `sweep submit`.
    #[serde(default)]
    pub batch: Batch,
    /// The value of each axis that others are compared with; the first one where an axis is not named.
    #[serde(default)]
    pub baseline: BTreeMap<String, Value>,
    /// What is varied.
    #[serde(rename = "axis", default)]
    pub axes: Vec<Axis>,
}

/// Which combinations of the axes' values are cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// All of them.
    #[default]
    Full,
    /// The baseline, and each other value of one axis at a time.
    OneAtATime,
    /// Few cells that hold each pair of values of two axes at least once.
    Pairs,
    /// All of them for a short time, the better ones for longer (successive halving), the best in full with repeats.
    Adaptive,
}

/// What the campaign may cost; the run that would exceed it is not started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Budget {
    /// Hours of runs in all.
    pub hours: Option<f64>,
    /// Hours times nodes of runs in all.
    pub node_hours: Option<f64>,
}

/// How runs are started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Launcher {
    /// `mpirun`, `srun`, `mpiexec.hydra`, `none`, or a command with `{ranks}`, `{ranks-per-node}`, `{nodes}` and `{env}`.
    pub command: String,
    /// The program.
    pub program: String,
    /// Nodes of a run where no axis varies them.
    pub nodes: u32,
    /// Ranks per node where no axis varies them.
    pub ranks_per_node: u32,
}

impl Default for Launcher {
    fn default() -> Self {
        Launcher { command: "mpirun".into(), program: "dfs-bench".into(), nodes: 1, ranks_per_node: 1 }
    }
}

/// What an objective measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    Score,
    Bandwidth,
    Metadata,
    Phase(PhaseId),
    /// The 99th percentile of the latency of what the phase is about.
    Tail(PhaseId),
}

/// What the figure of a latency is called behind the phase's name.
pub const TAIL: &str = ".p99";

/// Whether more is better of the figure with this name.
pub fn more_is_better(figure: &str) -> bool {
    !figure.ends_with(TAIL)
}

impl Objective {
    /// Its name in the file and in reports.
    pub fn name(self) -> String {
        match self {
            Objective::Score => "score".into(),
            Objective::Bandwidth => "bandwidth".into(),
            Objective::Metadata => "metadata".into(),
            Objective::Phase(phase) => phase.name().into(),
            Objective::Tail(phase) => format!("{phase}{TAIL}"),
        }
    }

    /// 1 where more is better, -1 where less is.
    pub fn sign(self) -> f64 {
        if matches!(self, Objective::Tail(_)) { -1.0 } else { 1.0 }
    }

    /// The phase that must be run for it.
    fn phase(self) -> Option<PhaseId> {
        match self {
            Objective::Phase(phase) | Objective::Tail(phase) => Some(phase),
            _ => None,
        }
    }
}

impl Campaign {
    /// Reads and checks the file.
    pub fn read(path: &Path) -> anyhow::Result<Campaign> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            UsageError::new(format!("{}: {error}", path.display())).hint("dfs-bench sweep --example prints one")
        })?;
        let mut campaign = Campaign::parse(&text).map_err(|error| match error.downcast::<UsageError>() {
            Ok(usage) => {
                UsageError { message: format!("{}: {}", path.display(), usage.message), hint: usage.hint }.into()
            }
            Err(error) => error,
        })?;
        let beside = path.parent().unwrap_or(Path::new(""));
        campaign.config = campaign.config.map(|config| beside.join(config));
        Ok(campaign)
    }

    /// Parses and checks a campaign.
    pub fn parse(text: &str) -> anyhow::Result<Campaign> {
        let campaign: Campaign = toml::from_str(text).map_err(|error| UsageError::new(error.to_string().trim_end()))?;
        campaign.check()?;
        Ok(campaign)
    }

    /// The axis of this name.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| axis.name == name)
    }

    /// The value of an axis that others are compared with.
    pub fn baseline_of<'a>(&'a self, axis: &'a Axis) -> &'a Value {
        self.baseline.get(&axis.name).unwrap_or(&axis.values[0])
    }

    /// The figure that decides.
    pub fn objective(&self) -> Result<Objective, UsageError> {
        match self.objective.as_str() {
            "score" => Ok(Objective::Score),
            "bandwidth" => Ok(Objective::Bandwidth),
            "metadata" | "iops" => Ok(Objective::Metadata),
            name => {
                let (phase, of): (_, fn(PhaseId) -> Objective) = match name.strip_suffix(TAIL) {
                    Some(phase) => (phase, Objective::Tail),
                    None => (name, Objective::Phase),
                };
                phase.parse().map(of).map_err(|_| {
                    UsageError::new(format!("objective = {name:?}: there is no such figure"))
                        .hint("score, bandwidth, iops, the name of a phase, or that with .p99 behind it")
                })
            }
        }
    }

    /// Seconds of the stonewall of runs in full, the rules' own where none is given.
    pub fn full_stonewall(&self) -> u32 {
        self.stonewall.unwrap_or(FULL_STONEWALL)
    }

    /// The most runs that a cell can have.
    pub fn most_repeats(&self) -> u32 {
        match self.precision {
            Some(_) => self.max_repeats.unwrap_or(self.repeats * 4).max(self.repeats),
            None => self.repeats,
        }
    }

    /// Whether the phases that write and those that read can be run apart.
    fn check_data(&self, phases: &[PhaseId]) -> Result<(), UsageError> {
        let Some(data_phases) = &self.data_phases else {
            return match self.axes.iter().find(|axis| axis.same_data) {
                Some(axis) => {
                    Err(UsageError::new(format!("axis {:?}: same-data has no effect without data-phases", axis.name)))
                }
                None => Ok(()),
            };
        };
        let writing = |phase: &&PhaseId| matches!(phase.kind(), Kind::Write | Kind::Timestamp);
        let wrong = |what: String| Err(UsageError::new(what));
        if let Some(phase) =
            select_phases(data_phases, true).map_err(|e| UsageError::new(e.to_string()))?.iter().find(|p| !writing(p))
        {
            return wrong(format!("data-phases: {phase} writes no data"));
        }
        if let Some(phase) = phases.iter().find(|phase| !matches!(phase.kind(), Kind::Read | Kind::Stat | Kind::Find)) {
            return wrong(format!(
                "phases: {phase} changes the data that data-phases wrote: the next run would find others"
            ));
        }
        if self.fresh_container || self.axes.iter().any(|axis| axis.container.is_some()) {
            return wrong("data-phases: the data would go with the container of the run that wrote them".into());
        }
        Ok(())
    }

    fn check(&self) -> anyhow::Result<()> {
        let wrong = |what: String| -> anyhow::Result<()> { Err(UsageError::new(what).into()) };
        if self.repeats == 0 {
            return wrong("repeats = 0: nothing would run".into());
        }
        if self.axes.is_empty() {
            return wrong("there is no [[axis]]: a single setting is measured by dfs-bench --repeat".into());
        }
        if self.precision.is_some_and(|percent| percent <= 0.0 || percent.is_nan()) {
            return wrong("precision must be above 0 percent".into());
        }
        for (index, axis) in self.axes.iter().enumerate() {
            let target = axis.target()?;
            if self.axes[..index].iter().any(|other| other.name == axis.name) {
                return wrong(format!("axis {:?} is there twice", axis.name));
            }
            if axis.values.is_empty() {
                return wrong(format!("axis {:?} has no values", axis.name));
            }
            for (place, value) in axis.values.iter().enumerate() {
                if axis.values[..place].contains(value) {
                    return wrong(format!("axis {:?} has the value {value} twice", axis.name));
                }
                if matches!(target, Target::Nodes | Target::RanksPerNode) && !matches!(value, Value::Int(1..)) {
                    return wrong(format!("axis {:?}: {value} is no number of at least 1", axis.name));
                }
            }
        }
        for (name, value) in &self.baseline {
            let Some(axis) = self.axis(name) else {
                return wrong(format!("[baseline] names {name:?}, which is no axis"));
            };
            if !axis.values.contains(value) {
                return wrong(format!("[baseline] {name} = {value} is not among the values of its axis"));
            }
        }
        let objective = self.objective()?;
        let phases = select_phases(&self.phases, true)?;
        if objective.phase().is_some_and(|phase| !phases.contains(&phase)) {
            return wrong(format!(
                "objective = {:?}: the phase is not among phases = {:?}",
                self.objective, self.phases
            ));
        }
        self.check_data(&phases)?;
        if let Some(mistake) = self.adaptive.mistake(self.full_stonewall()) {
            return wrong(mistake);
        }
        if self.design != Design::Adaptive && self.adaptive != Adaptive::default() {
            return wrong("[adaptive] has no effect without design = \"adaptive\"".into());
        }
        Ok(())
    }
}

/// The JSON schema of a campaign's file, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Campaign).to_value()
}

mod defaults {
    pub fn repeats() -> u32 {
        3
    }
    pub fn seed() -> u64 {
        1
    }
    pub fn phases() -> String {
        "all".into()
    }
    pub fn objective() -> String {
        "score".into()
    }
    pub fn yes() -> bool {
        true
    }
    pub fn baseline_every() -> u32 {
        8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Campaign::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_is_a_campaign_and_satisfies_the_schema() {
        let campaign = Campaign::parse(EXAMPLE).unwrap();
        assert!(campaign.axes.len() > 3, "{campaign:?}");
        let value = serde_json::to_value(toml::from_str::<toml::Value>(EXAMPLE).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema()).unwrap();
        assert!(
            validator.is_valid(&value),
            "{:?}",
            validator.iter_errors(&value).map(|e| e.to_string()).collect::<Vec<_>>()
        );
    }

    /// After a change of the types: `UPDATE_SCHEMA=1 cargo test --bin dfs-bench the_published_schema`.
    #[test]
    fn the_published_schema_is_the_one_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sweep.schema.json");
        let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == text, "docs/sweep.schema.json is not what the types say");
    }

    #[test]
    fn the_worked_campaigns_can_be_run() {
        use super::super::launch::What;
        for text in [
            include_str!("../../examples/campaigns/scout.toml"),
            include_str!("../../examples/campaigns/from-baseline-to-tuned.toml"),
        ] {
            let mut campaign = Campaign::parse(text).unwrap();
            campaign.config = None;
            for cell in super::super::design::cells(&campaign).unwrap() {
                super::super::launch(&campaign, &cell, &What::of(&campaign), Path::new("out"), "r1").unwrap();
            }
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let axis = "[[axis]]\nname = \"nodes\"\nvalues = [1, 2]\n";
        for (text, words) in [
            ("name = \"x\"\n", "there is no [[axis]]"),
            ("name = \"x\"\nrepeat = 3\n", "unknown field `repeat`"),
            (&format!("name = \"x\"\nrepeats = 0\n{axis}"), "nothing would run"),
            (&format!("name = \"x\"\nobjective = \"speed\"\n{axis}"), "no such figure"),
            (&format!("name = \"x\"\nphases = \"ior\"\nobjective = \"find\"\n{axis}"), "not among phases"),
            (&format!("name = \"x\"\nphases = \"ior\"\nobjective = \"find.p99\"\n{axis}"), "not among phases"),
            (&format!("name = \"x\"\n[adaptive]\nfinalists = 2\n{axis}"), "no effect without design"),
            (&format!("name = \"x\"\nstonewall = 9\n[adaptive]\nscout-stonewall = 10\n{axis}"), "between 1 s"),
            (&format!("name = \"x\"\n{axis}same-data = true\n"), "no effect without data-phases"),
            (&format!("name = \"x\"\ndata-phases = \"ior-easy-write\"\n{axis}"), "changes the data"),
            (
                &format!(
                    "name = \"x\"\nphases = \"read\"\nobjective = \"ior-easy-read\"\ndata-phases = \"ior-easy\"\n{axis}"
                ),
                "writes no data",
            ),
            (&format!("name = \"x\"\n{axis}{axis}"), "is there twice"),
            (&format!("name = \"x\"\n[baseline]\nnodes = 3\n{axis}"), "not among the values"),
            ("name = \"x\"\n[[axis]]\nname = \"nodes\"\nvalues = [0]\n", "at least 1"),
            ("name = \"x\"\n[[axis]]\nname = \"y\"\nvalues = [1]\n", "what does it change?"),
            ("name = \"x\"\n[[axis]]\nname = \"y\"\nvalues = [1]\nargument = \"--queue-depth\"\n", "no {value}"),
            ("name = \"x\"\n[[axis]]\nname = \"y\"\nvalues = [1]\napi = \"ior.oclass\"\n", "api ="),
            (
                "name = \"x\"\n[[axis]]\nname = \"y\"\nvalues = [1]\nenv = \"A\"\noption = \"find.nproc\"\n",
                "only one of",
            ),
        ] {
            let found = error(text);
            assert!(found.contains(words), "{text}: {found}");
        }
    }
}
