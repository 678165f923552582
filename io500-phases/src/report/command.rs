//! The command line of IOR or mdtest that a phase equals: what the C suite shows as `exe`.

use crate::config::{self, Config};
use crate::phase_id::{Family, Kind, PhaseId};
use crate::plan::{MdtestPlan, MdworkbenchPlan, Plan};

/// The command line that the C suite would have run for this phase; empty where it runs none. `objects` are those that
/// mdworkbench creates and replaces per set, which may depend on what mdtest has measured.
pub fn equivalent_command(
    config: &Config,
    plan: &Plan,
    phase: PhaseId,
    datadir: &str,
    resultdir: &str,
    objects: (u64, u64),
) -> String {
    let api = config.phase(phase).api.to_string();
    let packet = config.global.packet.name();
    let csv = format!("{resultdir}/{}.csv", phase.name());
    let stonewall = plan.stonewall_s;
    let verbose = |level: u32| " -v".repeat(level as usize);
    let ior_easy = |options: &str| {
        let easy = &plan.ior_easy;
        let seed = easy.signature.seed;
        let shape = [(config.ior_easy.unique_dir, " -u"), (easy.file_per_process, " -F")];
        let shape: String = shape.into_iter().filter_map(|(on, text)| on.then_some(text)).collect();
        format!(
            "./ior --dataPacketType={packet}{} -g -G {seed} -k -e -o {datadir}/ior-easy/ior_file_easy{options}{shape}",
            verbose(config.ior_easy.verbosity)
        )
    };
    let ior_hard = || {
        let hard = &plan.ior_hard;
        format!(
            "./ior --dataPacketType={packet}{} -C -Q 1 -g -G={} -k -e -o {datadir}/ior-hard/file -O stoneWallingStatusFile={resultdir}/ior-hard.stonewall -t {} -b {} -s {}",
            verbose(config.ior_hard.verbosity),
            hard.signature.seed,
            hard.transfer,
            hard.block,
            hard.segments
        )
    };
    match phase.family() {
        Family::IorEasy => {
            let (transfer, block) = &config.ior_easy.size_texts;
            let base = ior_easy(&format!(
                " -C -Q 1 -O stoneWallingStatusFile={resultdir}/ior-easy.stonewall -t {transfer} -b {block}"
            ));
            let how = match phase.kind() {
                Kind::Write => format!("-w -D {stonewall} -O stoneWallingWearOut=1"),
                _ => "-r -R".to_owned(),
            };
            format!("{base} {how} -a {api} -O saveRankPerformanceDetailsCSV={csv}")
        }
        Family::IorHard => {
            let collective = if config.phase(phase).collective { " -c" } else { "" };
            let (how, wear_out) = match phase.kind() {
                Kind::Write => (format!("-w{collective} -D {stonewall}"), " -O stoneWallingWearOut=1"),
                _ => (format!("-r -R{collective}"), ""),
            };
            format!("{} {how} -a {api} -O saveRankPerformanceDetailsCSV={csv}{wear_out}", ior_hard())
        }
        Family::IorRnd4kEasy => {
            let shift = if plan.ior_easy.file_per_process { " -C -Q 2" } else { "" };
            format!(
                "{} -r -D {stonewall} -z -z -a {api} -O saveRankPerformanceDetailsCSV={csv} -t=4096 -b=4096 -s=10000000 -O stoneWallingWearOut=1{shift}",
                ior_easy("")
            )
        }
        Family::MdtestEasy => {
            mdtest(&plan.mdtest_easy, phase, "-u -L -F -P -G ", "", &api, packet, datadir, resultdir, stonewall)
        }
        Family::MdtestHard => mdtest(
            &plan.mdtest_hard,
            phase,
            "-t -w 3901 -e 3901 -P -G=",
            " -F",
            &api,
            packet,
            datadir,
            resultdir,
            stonewall,
        ),
        Family::Find => find(&config.find, &format!("{datadir} {}", newer(resultdir))),
        Family::FindEasy => find(&config.find_easy, &format!("{datadir}/mdtest-easy/")),
        Family::FindHard => find(&config.find_hard, &format!("{datadir}/mdtest-hard/ {}", newer(resultdir))),
        Family::Mdworkbench => {
            let step = match phase.kind() {
                Kind::Write => "-1".to_owned(),
                Kind::Bench => format!("-2 -R={} -X", MdworkbenchPlan::ITERATIONS),
                _ => "-3".to_owned(),
            };
            let (plan, (precreate, replace)) = (&plan.mdworkbench, objects);
            format!(
                "./md-workbench --dataPacketType={packet}{} --process-reports -a {api} -o={datadir}/mdworkbench -t={:.6} -O=1 --run-info-file={resultdir}/mdworkbench.status -D={} -G={} -P={precreate} -I={replace} {step}",
                verbose(config.mdworkbench.verbosity),
                plan.waiting,
                MdworkbenchPlan::SETS,
                plan.signature.seed,
            )
        }
        Family::Timestamp => String::new(),
    }
}

/// What the mdtest-hard files of this run have in common.
fn newer(resultdir: &str) -> String {
    format!("-newer {resultdir}/timestampfile -size 3901c")
}

/// The external script as the shell gets it, or pfind's arguments.
fn find(section: &config::Find, what: &str) -> String {
    if let Some(script) = &section.external_script {
        let (mpi, extra) = (&section.external_mpi_args, &section.external_extra_args);
        return format!("{mpi} {script} {extra} {what} -name \"*01*\"");
    }
    let next = if section.steal_next { " -N" } else { "" };
    let hashing = if section.hashing { " -H 1" } else { "" };
    format!("./pfind {what} -name *01* -C{next}{hashing} -q {}", section.queue_length)
}

#[allow(clippy::too_many_arguments)] // the words of one command line
fn mdtest(
    plan: &MdtestPlan,
    phase: PhaseId,
    shape: &str,
    files_only: &str,
    api: &str,
    packet: &str,
    datadir: &str,
    resultdir: &str,
    stonewall: u32,
) -> String {
    let family = plan.family.name();
    let step = match phase.kind() {
        Kind::Write if plan.files_per_dir.is_some() => "-C -Y".to_owned(),
        Kind::Write => format!("-C -Y -W {stonewall}"),
        Kind::Stat => "-T".to_owned(),
        Kind::Read => "-E -X".to_owned(),
        _ => "-r".to_owned(),
    };
    let limit = plan.files_per_dir.map_or_else(String::new, |limit| format!("-I={limit} "));
    format!(
        "./mdtest --dataPacketType={packet} -n {} {limit}{shape}{} -N 1{files_only} -d {datadir}/{family} -x {resultdir}/{family}.stonewall {step} --saveRankPerformanceDetails={resultdir}/{}.csv -a {api}",
        plan.files,
        plan.signature.seed,
        phase.name()
    )
}
