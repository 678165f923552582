//! A random suite and a random fault, made from a seed.

use fastrand::Rng;
use std::fmt;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    /// `kill -9` of a rank.
    Kill,
    /// SIGSTOP of a rank, for good.
    Stop,
    /// SIGTERM to a rank, twice.
    TermTwice,
    /// SIGINT to the launcher.
    Interrupt,
    /// A call of the store fails with this error.
    Error(&'static str),
    /// A call of the store takes long.
    Delay,
    /// Between writing and reading, a byte of a file changes.
    Flip,
    /// A file ends early.
    Shorten,
    /// A file is gone.
    Unlink,
    /// The files of the result cannot grow.
    FullResults,
    /// Nobody reads the standard output.
    ClosedOutput,
}

impl Fault {
    const ALL: [Fault; 13] = [
        Fault::Nothing,
        Fault::Kill,
        Fault::Stop,
        Fault::TermTwice,
        Fault::Interrupt,
        Fault::Error("EIO"),
        Fault::Error("ENOSPC"),
        Fault::Delay,
        Fault::Flip,
        Fault::Shorten,
        Fault::Unlink,
        Fault::FullResults,
        Fault::ClosedOutput,
    ];

    /// Whether it happens between two invocations, one that writes and one that reads.
    pub fn is_between(self) -> bool {
        matches!(self, Fault::Flip | Fault::Shorten | Fault::Unlink)
    }
}

/// A run to be.
#[derive(Debug, Clone)]
pub struct Case {
    pub api: &'static str,
    pub ranks: usize,
    /// Under mpirun; else started directly, with one rank.
    pub launched: bool,
    pub phases: Vec<&'static str>,
    pub depth: u32,
    pub threads: u32,
    pub config: String,
    pub fault: Fault,
    /// The rank that it meets.
    pub victim: usize,
    /// Milliseconds after all ranks have started.
    pub moment_ms: u64,
    /// The call of the store that fails or lasts long, and which of them.
    pub call: (&'static str, u32),
    /// A number for what else is to be chosen.
    pub choice: usize,
}

const WRITES: [&str; 5] = ["ior-easy-write", "mdtest-easy-write", "timestamp", "ior-hard-write", "mdtest-hard-write"];
const OTHERS: [&str; 8] = [
    "find",
    "ior-easy-read",
    "mdtest-easy-stat",
    "ior-hard-read",
    "mdtest-hard-stat",
    "mdtest-easy-delete",
    "mdtest-hard-read",
    "mdtest-hard-delete",
];

impl Case {
    pub fn new(seed: u64) -> Case {
        let mut rng = Rng::with_seed(seed);
        let fault = Fault::ALL[rng.usize(..Fault::ALL.len())];
        let api = match fault {
            Fault::Error(_) | Fault::Delay => "dfs",
            // what is changed is looked for in a directory
            Fault::Flip | Fault::Shorten | Fault::Unlink => "posix",
            // the limit is for all files
            Fault::FullResults => "null",
            _ => ["dfs", "posix", "null"][rng.usize(..3)],
        };
        // a limit of file sizes and a closed output stop mpirun itself
        let launched = rng.f64() < 0.6 && !matches!(fault, Fault::FullResults | Fault::ClosedOutput);
        let ranks = if launched { rng.usize(1..=3) } else { 1 };
        let mut writes: Vec<&str> = WRITES.into_iter().filter(|&phase| rng.bool() || phase == "timestamp").collect();
        let holds_data = |phase: &&str| !["timestamp", "mdtest-easy-write"].contains(phase);
        if writes.len() == 1 || (fault.is_between() && !writes.iter().any(holds_data)) {
            writes.push("ior-hard-write");
        }
        let mut phases = writes.clone();
        // what changed is found by reading everything
        let all = fault.is_between();
        let has = |family: &str| writes.iter().any(|write| write.starts_with(family));
        for phase in OTHERS {
            let family = phase.rsplit_once('-').map_or("", |(family, _)| family);
            if has(family) && (all || rng.f64() < 0.7) && !(all && phase.ends_with("delete")) {
                phases.push(phase);
            }
        }
        // long enough for a signal to meet a phase
        let most =
            if matches!(fault, Fault::Kill | Fault::Stop | Fault::TermTwice | Fault::Interrupt) { 20_000 } else { 400 };
        let config = format!(
            "[global]\ntimestamp-resultdir = FALSE\n[debug]\nstonewall-time = 1\n[ior-easy]\ntransferSize = 64k\nblockSize = {}k\n\
             [ior-hard]\nsegmentCount = {}\n[mdtest-easy]\nn = {}\n[mdtest-hard]\nn = {}\n",
            64 * rng.u32(1..40),
            rng.u32(1..80),
            rng.u32(most / 40..most),
            rng.u32(most / 40..most),
        );
        let calls = ["create", "open", "read", "write", "stat", "remove", "mkdir", "*"];
        Case {
            api,
            ranks,
            launched,
            phases,
            depth: [1, 1, 4][rng.usize(..3)],
            threads: [1, 1, 2][rng.usize(..3)],
            config,
            fault,
            victim: rng.usize(..ranks),
            moment_ms: rng.u64(..2000),
            call: (calls[rng.usize(..calls.len())], rng.u32(1..80)),
            choice: rng.usize(..1 << 30),
        }
    }

    /// The phases that write, and the others.
    pub fn parts(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        self.phases.iter().copied().partition(|phase| WRITES.contains(phase))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { api, ranks, depth, threads, fault, victim, moment_ms, call, .. } = self;
        let launcher = if self.launched { " under mpirun" } else { "" };
        write!(f, "{api}, {ranks} ranks{launcher}, depth {depth}, {threads} threads, {}: ", self.phases.join(","))?;
        match fault {
            Fault::Error(_) | Fault::Delay => write!(f, "{fault:?} of {} {} on rank {victim}", call.0, call.1),
            Fault::Kill | Fault::Stop | Fault::TermTwice => {
                write!(f, "{fault:?} of rank {victim} after {moment_ms} ms")
            }
            Fault::Interrupt => write!(f, "{fault:?} after {moment_ms} ms"),
            _ => write!(f, "{fault:?}"),
        }
    }
}
