//! The rules of the list as functions of a submission: each says what it looked at.
//!
//! Origin: IO500 Steering Committee, submission rules version 2.0, and the description of the lists with the definition of a production
//! system, as the repository `IO500/webpage` had them in July 2026. The words are ours.

use super::check::{Rule, Scope};
use super::{rules_production as production, rules_result as result};

const RULES: &str = "IO500 submission rules 2.0";

/// Every rule, in the order of the report.
pub const ALL: [Rule; 25] = [
    Rule {
        id: "official-binary",
        scope: Scope::Every,
        source: RULES,
        action: "run the official suite with the same configuration; this result says what to expect of it",
        look: result::official_binary,
    },
    Rule {
        id: "version",
        scope: Scope::Every,
        source: RULES,
        action: "measure with the newest release of the official suite",
        look: result::version,
    },
    Rule {
        id: "complete",
        scope: Scope::Every,
        source: "the list's form asks for the whole result archive",
        action: "take the whole result directory as the suite left it",
        look: result::complete,
    },
    Rule {
        id: "one-result",
        scope: Scope::Every,
        source: "the list's form reads the figures of one result_summary.txt",
        action: "pack one result directory only",
        look: result::one_result,
    },
    Rule {
        id: "score",
        scope: Scope::Every,
        source: RULES,
        action: "submit the files as the suite wrote them",
        look: |s| result::claim(&s.verification.score),
    },
    Rule {
        id: "score-hash",
        scope: Scope::Every,
        source: RULES,
        action: "submit result.txt as the suite wrote it",
        look: |s| result::claim(&s.verification.score_hash),
    },
    Rule {
        id: "config-hash",
        scope: Scope::Every,
        source: RULES,
        action: "add the configuration that the run used",
        look: |s| result::claim(&s.verification.config_hash),
    },
    Rule {
        id: "unedited",
        scope: Scope::Every,
        source: RULES,
        action: "submit the files as the suite wrote them, or measure again",
        look: result::unedited,
    },
    Rule {
        id: "timestamp",
        scope: Scope::Every,
        source: RULES,
        action: "submit the files of one run: all of them carry its timestamp",
        look: result::timestamp,
    },
    Rule {
        id: "phases",
        scope: Scope::Every,
        source: RULES,
        action: "run every phase of the standard mode",
        look: result::phases,
    },
    Rule {
        id: "valid",
        scope: Scope::Every,
        source: RULES,
        action: "mend what the reasons name, and measure again",
        look: result::valid,
    },
    Rule {
        id: "minimum-runtime",
        scope: Scope::Every,
        source: RULES,
        action: "set stonewall-time = 300, and n, blockSize and segmentCount so high that no write phase ends before",
        look: result::minimum_runtime,
    },
    Rule {
        id: "uninterrupted",
        scope: Scope::Every,
        source: RULES,
        action: "run all phases in one go; say in the questionnaire what a long gap was",
        look: result::uninterrupted,
    },
    Rule {
        id: "one-store",
        scope: Scope::Every,
        source: RULES,
        action: "run all phases on one storage system",
        look: result::one_store,
    },
    Rule {
        id: "find",
        scope: Scope::Every,
        source: RULES,
        action: "use the find of the suite, or add the source of the other one; its count must be that of the files written",
        look: result::find,
    },
    Rule {
        id: "doubts",
        scope: Scope::Every,
        source: "the strict verdict of dfs-bench",
        action: "explain it in the questionnaire, or measure again",
        look: result::doubts,
    },
    Rule {
        id: "plausible",
        scope: Scope::Every,
        source: "the questionnaire asks whether the score is below what the hardware can do",
        action: "give --snapshot of a client, or run with a roof; a rate above the roof comes from a cache or a wrong clock",
        look: result::plausible,
    },
    Rule {
        id: "repeats",
        scope: Scope::Every,
        source: "the questionnaire asks for repeated runs",
        action: "measure three times, and give the others with --repeat",
        look: result::repeats,
    },
    Rule {
        id: "job-files",
        scope: Scope::Every,
        source: "the list's form asks for job script and job output",
        action: "give them with --job-script and --job-output",
        look: result::job_files,
    },
    Rule {
        id: "no-reduction",
        scope: Scope::Every,
        source: RULES,
        action: "switch compression and deduplication off",
        look: production::no_reduction,
    },
    Rule {
        id: "persistent",
        scope: Scope::Every,
        source: RULES,
        action: "say how data is on persistent media when a phase ends; --server-config lets this look",
        look: production::persistent,
    },
    Rule {
        id: "awards",
        scope: Scope::Awards,
        source: RULES,
        action: "ten physical client nodes or more; fewer are listed, but win nothing",
        look: result::awards,
    },
    Rule {
        id: "ten-nodes",
        scope: Scope::TenNodes,
        source: RULES,
        action: "exactly ten physical client nodes, with a rank on each",
        look: result::ten_nodes,
    },
    Rule {
        id: "no-single-failure",
        scope: Scope::Production,
        source: "definition 7 of the production list",
        action: "use classes that survive the loss of a device, a server, a network card; or submit to the research list",
        look: production::no_single_failure,
    },
    Rule {
        id: "production-use",
        scope: Scope::Production,
        source: "definition of a production system",
        action: "say in the questionnaire who uses the system, and that everybody can get its software",
        look: production::production_use,
    },
];
