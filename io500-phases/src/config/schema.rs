//! Every section and option: name, type, default, help, and what invalidates a run.
//!
//! Names, order and defaults are those of the C suite, because they enter the configuration hash and `config.ini`. The
//! section `[dfs-bench]` holds what the C suite does not know; it enters neither.

use crate::phase_id::PhaseId;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Any text.
    Text,
    /// A whole number in this range.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A finite number.
    Float,
    /// `TRUE`, `FALSE`, `1`, `0`, any case.
    Bool,
    /// Bytes with an optional suffix k, m, g, t.
    Size,
    /// An API with its options: `DFS --dfs.pool=P --dfs.cont=C`.
    Api,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or its beginning: IOR looks at the first letter only.
    Initial(&'static [&'static str]),
}

/// Who needs an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every site sets it.
    Basic,
    /// Tuning.
    Advanced,
    /// For debugging; not for a submission.
    Debug,
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct OptionDef {
    /// As the C suite spells it.
    pub name: &'static str,
    /// Its type.
    pub kind: ValueKind,
    /// Its default; `None` is unset: the parent section or the suite decides.
    pub default: Option<&'static str>,
    /// One or two sentences.
    pub help: &'static str,
    /// When it makes a run invalid, if ever.
    pub invalidates: Option<&'static str>,
    /// Who needs it.
    pub level: Level,
}

/// One section.
#[derive(Debug, Clone, Copy)]
pub struct SectionDef {
    /// As the C suite spells it.
    pub name: &'static str,
    /// The phase it configures; `None` for the sections that several phases share.
    pub phase: Option<PhaseId>,
    /// Only read in extended mode.
    pub extended: bool,
    /// Its options in their official order.
    pub options: &'static [OptionDef],
}

impl SectionDef {
    /// The option of this name, case-insensitively, and its index.
    pub fn option(&self, name: &str) -> Option<(usize, &'static OptionDef)> {
        self.options.iter().enumerate().find(|(_, option)| option.name.eq_ignore_ascii_case(name))
    }
}

/// The section of this name, case-insensitively, and its index in [`SECTIONS`].
pub fn section(name: &str) -> Option<(usize, &'static SectionDef)> {
    SECTIONS.iter().enumerate().find(|(_, section)| section.name.eq_ignore_ascii_case(name))
}

/// The name of the section that the C suite does not know.
pub const OWN_SECTION: &str = "dfs-bench";

const fn option(
    name: &'static str,
    kind: ValueKind,
    default: Option<&'static str>,
    level: Level,
    help: &'static str,
) -> OptionDef {
    OptionDef { name, kind, default, help, invalidates: None, level }
}

impl OptionDef {
    const fn invalid_when(self, when: &'static str) -> Self {
        OptionDef { invalidates: Some(when), ..self }
    }
}

use Level::{Advanced, Basic};
use ValueKind::{Api, Bool, Choice, Float, Initial, Integer, Size, Text};

const UNSIGNED: ValueKind = Integer { min: 0, max: u32::MAX as i64 };
const POSITIVE: ValueKind = Integer { min: 1, max: i64::MAX };

const RUN: OptionDef = option("run", Bool, Some("TRUE"), Advanced, "Whether this phase runs; FALSE gives it score 0.")
    .invalid_when("FALSE on a scored phase: its score of 0 is not valid");
const VERBOSITY: OptionDef = option(
    "verbosity",
    Integer { min: 0, max: 100 },
    None,
    Level::Debug,
    "Number of -v in the command line that result.txt shows for this workload; no other effect.",
);
const API: OptionDef = option(
    "API",
    Api,
    None,
    Basic,
    "API and its options for this section; unset: the parent section's, then the global one.",
);
const COLLECTIVE: OptionDef = option(
    "collective",
    Bool,
    None,
    Advanced,
    "Writers end together: rank 0 tells the others after every transfer whether to stop.",
);

const API_RUN: [OptionDef; 2] = [API, RUN];
const API_COLLECTIVE_RUN: [OptionDef; 3] = [API, COLLECTIVE, RUN];
const ONLY_RUN: [OptionDef; 1] = [RUN];

const GLOBAL: [OptionDef; 11] = [
    option(
        "datadir",
        Text,
        Some("./datafiles"),
        Basic,
        "Directory of the data files: a path in the container (DFS) or in a file system (POSIX).",
    ),
    option(
        "timestamp-datadir",
        Bool,
        Some("TRUE"),
        Basic,
        "Append the run's timestamp to datadir, so that runs do not share it.",
    ),
    option("resultdir", Text, Some("./results"), Basic, "Directory of the result files."),
    option("timestamp-resultdir", Bool, Some("TRUE"), Basic, "Append the run's timestamp to resultdir."),
    option(
        "api",
        Api,
        Some("DFS"),
        Basic,
        "API and its options for every phase that names none: DFS, POSIX or NULL. A configuration file without it means POSIX, as in the C suite.",
    ),
    option("drop-caches", Bool, Some("FALSE"), Advanced, "Run drop-caches-cmd on every rank before each phase."),
    option(
        "drop-caches-cmd",
        Text,
        Some("sudo -n bash -c \"echo 3 > /proc/sys/vm/drop_caches\""),
        Advanced,
        "The command that drops the caches.",
    ),
    option(
        "io-buffers-on-gpu",
        Bool,
        Some("FALSE"),
        Advanced,
        "Transfer buffers in GPU memory. dfs-bench cannot do this.",
    ),
    option(
        "verbosity",
        UNSIGNED,
        Some("1"),
        Level::Debug,
        "Detail of result.txt: 0 leaves out START, END and the times, 2 adds pairs.",
    ),
    option(
        "scc",
        Bool,
        Some("FALSE"),
        Advanced,
        "Rules of the student cluster competition: a minimum of 30 seconds instead of 300.",
    ),
    option(
        "dataPacketType",
        Initial(&["timestamp", "offset", "incompressible", "random"]),
        Some("timestamp"),
        Advanced,
        "How the data is generated.",
    ),
];

const DEBUG: [OptionDef; 2] = [
    option(
        "stonewall-time",
        Integer { min: i32::MIN as i64, max: i32::MAX as i64 },
        Some("300"),
        Level::Debug,
        "Minimum duration of a write phase in seconds.",
    )
    .invalid_when("other than 300 seconds (30 with scc)"),
    option(
        "pause-dir",
        Text,
        None,
        Level::Debug,
        "Wait before a phase while this directory holds a file of the phase's name.",
    )
    .invalid_when("set"),
];

const IOR_EASY: [OptionDef; 7] = [
    API,
    option("transferSize", Size, Some("2m"), Basic, "Bytes per transfer."),
    option(
        "blockSize",
        Size,
        Some("9920000m"),
        Basic,
        "Bytes per rank, a multiple of transferSize; large enough to outlast the stonewall.",
    ),
    option("filePerProc", Bool, Some("TRUE"), Basic, "One file per rank; FALSE: one shared file."),
    option("uniqueDir", Bool, Some("FALSE"), Advanced, "One directory per rank's file; no effect on a shared file."),
    RUN,
    VERBOSITY,
];

const MDTEST_N: OptionDef =
    option("n", POSITIVE, Some("1000000"), Basic, "Files per rank; enough to outlast the stonewall.");
const MDTEST_EASY: [OptionDef; 3] = [API, MDTEST_N, RUN];
const MDTEST_HARD: [OptionDef; 4] = [
    API,
    MDTEST_N,
    option(
        "files-per-dir",
        Integer { min: 0, max: i64::MAX },
        None,
        Level::Debug,
        "Files of each rank in one directory, a divisor of n: mdtest's -I. The write phase then has no stonewall and makes all n.",
    )
    .invalid_when("set above 0"),
    RUN,
];

const MDWORKBENCH: [OptionDef; 6] = [
    API,
    option(
        "waitingTime",
        Float,
        Some("0.0"),
        Advanced,
        "Waiting time after an operation of mdworkbench-bench, relative to its duration.",
    ),
    option(
        "precreatePerSet",
        Integer { min: 0, max: i64::MAX },
        None,
        Advanced,
        "Files created per set before the benchmark (10 sets); unset: from the mdtest-easy rate.",
    ),
    option(
        "filesPerProc",
        Integer { min: 0, max: i64::MAX },
        None,
        Advanced,
        "Files per rank and set in the benchmark; unset: from the mdtest-easy rate.",
    ),
    RUN,
    VERBOSITY,
];

const IOR_HARD: [OptionDef; 5] = [
    API,
    option(
        "segmentCount",
        POSITIVE,
        Some("10000000"),
        Basic,
        "Transfers of 47008 bytes per rank; enough to outlast the stonewall.",
    ),
    COLLECTIVE,
    RUN,
    VERBOSITY,
];

const FIND: [OptionDef; 8] = [
    option(
        "external-script",
        Text,
        None,
        Advanced,
        "A program that replaces the parallel walk; its last line must be MATCHED found/total.",
    ),
    option("external-mpi-args", Text, Some(""), Advanced, "How to start the external script in parallel."),
    option("external-extra-args", Text, Some(""), Advanced, "More arguments of the external script."),
    option("nproc", UNSIGNED, None, Basic, "The number of ranks that take part; unset: all."),
    RUN,
    option(
        "pfind-queue-length",
        Integer { min: i32::MIN as i64, max: i32::MAX as i64 },
        Some("10000"),
        Advanced,
        "Length of the work queue.",
    ),
    option("pfind-steal-next", Bool, Some("FALSE"), Advanced, "Steal work from the next rank first."),
    option(
        "pfind-parallelize-single-dir-access-using-hashing",
        Bool,
        Some("FALSE"),
        Advanced,
        "Several ranks list one directory, each a part of its hash range.",
    ),
];

const OWN: [OptionDef; 23] = [
    option(
        "pool",
        Text,
        None,
        Basic,
        "DAOS pool, label or UUID; overrides the API strings when set with higher precedence.",
    ),
    option("cont", Text, None, Basic, "DAOS container, label or UUID."),
    option("group", Text, None, Advanced, "DAOS system name."),
    option(
        "prefix",
        Text,
        None,
        Advanced,
        "Path at which the container is mounted by dfuse; removed from the front of datadir.",
    ),
    option("oclass", Text, None, Basic, "Object class of files, where no API string names one."),
    option("dir-oclass", Text, None, Basic, "Object class of directories, where no API string names one."),
    option("chunk-size", Size, None, Advanced, "Chunk size of files, where no API string names one."),
    option(
        "cont-properties",
        Text,
        None,
        Advanced,
        "Properties of a container that the run creates, as `daos container create` takes them: rd_fac:1,ec_cell_sz:131072.",
    ),
    option(
        "destroy",
        Bool,
        Some("FALSE"),
        Advanced,
        "Remove the container after the run, if this run created it; the same as --dfs.destroy in an API string.",
    ),
    option(
        "mode",
        Choice(&["standard", "extended"]),
        Some("standard"),
        Basic,
        "extended adds mdworkbench, find-easy and find-hard.",
    ),
    option(
        "timestamp",
        Text,
        None,
        Basic,
        "Timestamp of the run, which names the directories and seeds the data; unset: now, as %Y.%m.%d-%H.%M.%S.",
    ),
    option("strict", Bool, Some("FALSE"), Basic, "Exit with code 3 if the strict verdict is invalid."),
    option("repeat", Integer { min: 1, max: 1000 }, Some("1"), Advanced, "How often to run the phases."),
    option("latency", Bool, Some("TRUE"), Advanced, "Record the latency of every operation."),
    option(
        "queue-depth",
        Integer { min: 1, max: 4096 },
        Some("1"),
        Advanced,
        "Transfers in flight per thread in the ior phases; the rules require 1.",
    ),
    option(
        "threads-per-rank",
        Integer { min: 1, max: 1024 },
        Some("1"),
        Advanced,
        "Threads that share a rank's work; the rules require 1.",
    ),
    option(
        "find-threads",
        Integer { min: 0, max: 1024 },
        Some("0"),
        Advanced,
        "Threads per rank in the find phases; 0: chosen from the processors a rank has.",
    ),
    option(
        "timeout",
        UNSIGNED,
        None,
        Advanced,
        "End the job when a rank makes no progress or sends no heartbeat for so many seconds; 0: never; unset: 300, for progress on stores other than DAOS never.",
    ),
    option(
        "report-interval",
        Integer { min: 1, max: 86_400 },
        Some("10"),
        Advanced,
        "Seconds between two lines of progress where there is no terminal.",
    ),
    option(
        "connection",
        Choice(&["run", "phase"]),
        Some("run"),
        Advanced,
        "How long a connection to DAOS lives: one for all phases, or a new one for each, as in the C suite.",
    ),
    option(
        "telemetry",
        Text,
        None,
        Advanced,
        "Metrics of the servers around and in every phase: http://server:9191/metrics, several with commas, @file with one a line, or auto[:PORT] for the servers of all engines that libdaos names.",
    ),
    option(
        "telemetry-interval",
        Integer { min: 1, max: 3600 },
        Some("5"),
        Advanced,
        "Seconds between two looks at the servers' metrics while a phase runs.",
    ),
    option(
        "quick",
        Bool,
        Some("FALSE"),
        Basic,
        "A test run: a stonewall of 2 s where none is given, and sizes that fit the free space. Its figures are not comparable.",
    ),
];

const fn shared(name: &'static str, options: &'static [OptionDef]) -> SectionDef {
    SectionDef { name, phase: None, extended: false, options }
}

const fn phase(phase: PhaseId, options: &'static [OptionDef]) -> SectionDef {
    SectionDef { name: phase.name(), phase: Some(phase), extended: !phase.in_standard(), options }
}

/// All sections in their official order, `[dfs-bench]` last.
pub static SECTIONS: [SectionDef; 27] = [
    shared("global", &GLOBAL),
    shared("debug", &DEBUG),
    shared("ior-easy", &IOR_EASY),
    phase(PhaseId::IorEasyWrite, &API_RUN),
    shared("mdtest-easy", &MDTEST_EASY),
    phase(PhaseId::MdtestEasyWrite, &API_RUN),
    SectionDef { name: "mdworkbench", phase: None, extended: true, options: &MDWORKBENCH },
    phase(PhaseId::MdworkbenchCreate, &ONLY_RUN),
    phase(PhaseId::Timestamp, &[]),
    phase(PhaseId::FindEasy, &FIND),
    shared("ior-hard", &IOR_HARD),
    phase(PhaseId::IorHardWrite, &API_COLLECTIVE_RUN),
    shared("mdtest-hard", &MDTEST_HARD),
    phase(PhaseId::MdtestHardWrite, &API_RUN),
    phase(PhaseId::Find, &FIND),
    phase(PhaseId::FindHard, &FIND),
    phase(PhaseId::MdworkbenchBench, &ONLY_RUN),
    phase(PhaseId::IorEasyRead, &API_RUN),
    phase(PhaseId::MdtestEasyStat, &API_RUN),
    phase(PhaseId::IorHardRead, &API_COLLECTIVE_RUN),
    phase(PhaseId::MdtestHardStat, &API_RUN),
    phase(PhaseId::MdworkbenchDelete, &ONLY_RUN),
    phase(PhaseId::MdtestEasyDelete, &API_RUN),
    phase(PhaseId::MdtestHardRead, &API_RUN),
    phase(PhaseId::MdtestHardDelete, &API_RUN),
    phase(PhaseId::IorRnd4kEasyRead, &API_RUN),
    shared(OWN_SECTION, &OWN),
];

/// The sections that the C suite knows.
pub fn official() -> impl Iterator<Item = (usize, &'static SectionDef)> {
    SECTIONS.iter().enumerate().filter(|(_, section)| section.name != OWN_SECTION)
}
