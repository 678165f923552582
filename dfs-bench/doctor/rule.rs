//! What a rule is, and what it looks at.

use super::server::{ServerConfig, StorageScan};
use io500_phases::backend::Description;
use io500_phases::facts::{NodeFacts, RankFacts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot work, or not for long.
    Error,
    /// It works, and slower than it could.
    Finding,
    /// Worth a look: sources differ, or it depends on what else the machine does.
    Hint,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Finding => "finding",
            Severity::Hint => "hint",
        }
    }
}

/// Which machines a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where ranks run.
    Client,
    /// Where engines run.
    Server,
    /// Both.
    Both,
    /// The pool and the container.
    Store,
}

/// A rule.
pub struct Rule {
    /// Stable: `subject.what`.
    pub id: &'static str,
    pub severity: Severity,
    pub side: Side,
    /// Why it matters, with a size.
    pub why: &'static str,
    /// What mends it, at once and for good; `{device}` and `{expected}` are put in.
    pub mend: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// Looks; `None` ends it early, after a note of what could not be seen.
    pub look: fn(&View<'_>, &mut Outcome) -> Option<()>,
}

/// What a rule looks at: one node, its ranks, its engines.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub node: &'a NodeFacts,
    /// The ranks on it; none where nothing runs.
    pub ranks: &'a [RankFacts],
    /// Whether ranks run or are to run here.
    pub client: bool,
    pub server: Option<&'a ServerConfig>,
    pub scan: Option<&'a StorageScan>,
    /// The pool and container that a job names, as libdfs describes them.
    pub store: Option<&'a Store>,
    /// What only a running job can find out; nothing of it for a machine that is looked at from elsewhere.
    pub job: &'a JobFacts,
}

/// The pool and container that a job names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Store {
    /// As libdfs describes them.
    pub described: Description,
    /// What the phases of the configuration ask for; none without a configuration.
    pub asked: Vec<PhaseClasses>,
}

/// The placement that a phase asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhaseClasses {
    pub phase: &'static str,
    /// Object class of its files.
    pub file: Option<String>,
    /// Object class of its directories.
    pub dir: Option<String>,
    /// Chunk size of its files, bytes.
    pub chunk: Option<u64>,
    /// Bytes of a transfer, in the ior phases.
    pub transfer: Option<u64>,
}

/// What a running job finds out by asking others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobFacts {
    /// Access points of the agent's configuration, with why each cannot be reached from here.
    pub access_points: Vec<(String, Option<String>)>,
    /// The agent's configuration and why it was not read, where it is there.
    pub unread_agent: Option<String>,
    /// The largest distance between the wall clocks of two nodes, seconds; rank 0's node has it.
    pub clock_skew_s: Option<f64>,
}

/// What a rule found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub found: Vec<Found>,
    /// Facts that it needs and that nobody knows.
    pub unknown: Vec<String>,
}

/// A value that is not the expected one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// The device, engine or rank.
    pub device: String,
    /// The value found.
    pub found: String,
    /// The value expected.
    pub expected: String,
}

impl Outcome {
    /// Notes a finding.
    pub fn found(&mut self, device: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) {
        self.found.push(Found { device: device.into(), found: found.into(), expected: expected.into() });
    }

    /// Returns a fact, or notes that `what` could not be looked at.
    pub fn known<T>(&mut self, fact: Option<T>, what: impl Into<String>) -> Option<T> {
        if fact.is_none() {
            let what = what.into();
            if !self.unknown.contains(&what) {
                self.unknown.push(what);
            }
        }
        fact
    }
}

impl View<'_> {
    /// The rule's outcome; `None` where it is for other machines.
    pub fn apply(&self, rule: &Rule) -> Option<Outcome> {
        let concerned = match rule.side {
            Side::Client => self.client,
            Side::Server => self.server.is_some(),
            Side::Both => true,
            Side::Store => self.store.is_some(),
        };
        concerned.then(|| {
            let mut outcome = Outcome::default();
            let _ = (rule.look)(self, &mut outcome);
            outcome
        })
    }

    /// The NUMA node of a device, from the node's own facts or from the storage scan.
    pub fn numa_of(&self, address: &str) -> Option<u32> {
        let scanned = || self.scan?.devices.get(address)?.numa;
        self.node.device(address).and_then(|device| device.numa).or_else(scanned)
    }

    /// Ends a rule about what no topology file tells, and notes it.
    pub fn beyond_topology(&self, what: &str, outcome: &mut Outcome) -> Option<()> {
        let told = self.node.origin != io500_phases::facts::Origin::Topology;
        outcome.known(told.then_some(()), what)
    }

    /// Whether a device here moves data without the kernel.
    pub fn has_rdma(&self) -> bool {
        self.node.network.infiniband.iter().any(|port| port.is_active() != Some(false))
    }

    /// What the fabric speaks, where a server configuration or a rank's environment says it.
    pub fn provider(&self) -> Option<&str> {
        let configured = self.server.and_then(|server| server.provider.as_deref());
        let told = || self.store.and_then(|store| Some(store.described.attach.as_ref()?.provider.as_str()));
        configured.or_else(told).or_else(|| self.ranks.iter().find_map(|rank| rank.variable("D_PROVIDER")))
    }

    /// A setting of the kernel as a number.
    pub fn sysctl(&self, name: &str, outcome: &mut Outcome) -> Option<u64> {
        let value = self.node.sysctl.get(name).and_then(|value| value.parse().ok());
        outcome.known(value, format!("/proc/sys/{}", name.replace('.', "/")))
    }
}

/// `{device}` and `{expected}` of a mend, put in.
pub fn mend(rule: &Rule, found: &Found) -> String {
    rule.mend.replace("{device}", &found.device).replace("{expected}", &found.expected)
}
