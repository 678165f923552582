//! From the layers to the typed configuration.

use super::error::{ConfigError, Problem, Warning};
use super::idle;
use super::layers::{Assigned, ConfigBuilder, Layering, Origin, Table};
use super::model::{
    Bench, Config, Debug, Find, Global, IorEasy, IorHard, Mdtest, Mdworkbench, Mode, PhaseConfig, Sections, Setting,
};
use super::resolve::{Apis, parent};
use super::schema::{self, OWN_SECTION, SECTIONS};
use super::view::View;
use crate::pattern::PacketType;
use crate::phase_id::{Family, PhaseId};

impl ConfigBuilder {
    /// Checks everything and resolves the layers. What is unknown or has the wrong type is an error; whether the result can
    /// be run is another question, see [`Config::validate`].
    ///
    /// # Errors
    /// Every mistake, not the first only.
    pub fn build(self) -> Result<(Config, Vec<Warning>), ConfigError> {
        let (config, warnings, problems) = resolve(self);
        ConfigError::unless_empty(problems).map(|()| (config, warnings))
    }

    /// Like [`build`](Self::build) and [`Config::validate`] at once, so that every mistake of every kind is reported. `look` says
    /// which phases are to run, and adds what else it finds.
    ///
    /// # Errors
    /// Every mistake of every kind.
    pub fn build_to_run(
        self,
        look: impl FnOnce(&Config, &mut Vec<Problem>) -> Vec<PhaseId>,
    ) -> Result<(Config, Vec<Warning>), ConfigError> {
        let (config, mut warnings, mut problems) = resolve(self);
        let resolved = problems.is_empty();
        let phases = look(&config, &mut problems);
        warnings.extend(config.accepted(&phases));
        if let Err(more) = config.validate(&phases) {
            // a default that stands in for a value that could not be read is nobody's mistake
            problems.extend(more.problems.into_iter().filter(|problem| resolved || problem.place.is_some()));
        }
        ConfigError::unless_empty(problems).map(|()| (config, warnings))
    }
}

fn resolve(inputs: ConfigBuilder) -> (Config, Vec<Warning>, Vec<Problem>) {
    let Layering { table, mut problems, mut warnings } = inputs.layered();
    let config = config(inputs, table, &mut problems, &mut warnings);
    (config, warnings, problems)
}

/// Makes the configuration; API strings are parsed here and can add problems.
fn config(inputs: ConfigBuilder, table: Table, problems: &mut Vec<Problem>, warnings: &mut Vec<Warning>) -> Config {
    let settings = effective(&inputs, table, warnings);
    warnings.extend(settings.iter().filter(|setting| is_unread_run(setting)).map(|setting| {
        let section = &setting.section;
        let message = format!("[{section}] run = FALSE has no effect, as in the C suite: write it in [mdworkbench]");
        Warning { place: setting.origin.place(), message }
    }));
    let view = |section| View { settings: &settings, section };
    let apis = Apis::new(&settings, problems, warnings);
    let (global, debug, easy, hard) = (view("global"), view("debug"), view("ior-easy"), view("ior-hard"));
    let (workbench, own) = (view("mdworkbench"), view(OWN_SECTION));
    let mdtest_hard = view("mdtest-hard");
    let config = Config::new(Sections {
        global: Global {
            datadir: global.owned("datadir"),
            timestamp_datadir: global.is_true("timestamp-datadir"),
            resultdir: global.owned("resultdir"),
            timestamp_resultdir: global.is_true("timestamp-resultdir"),
            api: apis.global.0.clone(),
            drop_caches: global.is_true("drop-caches"),
            drop_caches_cmd: global.owned("drop-caches-cmd"),
            io_buffers_on_gpu: global.is_true("io-buffers-on-gpu"),
            verbosity: global.number("verbosity"),
            scc: global.is_true("scc"),
            packet: match global.owned("dataPacketType").to_ascii_lowercase().as_bytes().first() {
                Some(b'o') => PacketType::Offset,
                Some(b'i') => PacketType::Incompressible,
                Some(b'r') => PacketType::Random,
                _ => PacketType::Timestamp,
            },
        },
        debug: Debug {
            stonewall: debug.number("stonewall-time"),
            pause_dir: debug.text("pause-dir").map(str::to_owned),
        },
        ior_easy: IorEasy {
            transfer_size: easy.bytes("transferSize").unwrap_or_default(),
            block_size: easy.bytes("blockSize").unwrap_or_default(),
            size_texts: (easy.owned("transferSize"), easy.owned("blockSize")),
            file_per_proc: easy.is_true("filePerProc"),
            unique_dir: easy.is_true("uniqueDir"),
            verbosity: easy.number("verbosity"),
        },
        ior_hard: IorHard { segment_count: hard.number("segmentCount"), verbosity: hard.number("verbosity") },
        mdtest_easy: Mdtest { n: view("mdtest-easy").number("n"), files_per_dir: None },
        mdtest_hard: Mdtest {
            n: mdtest_hard.number("n"),
            files_per_dir: mdtest_hard.maybe("files-per-dir").filter(|&limit: &u64| limit > 0),
        },
        find: find(&view("find")),
        find_easy: find(&view("find-easy")),
        find_hard: find(&view("find-hard")),
        mdworkbench: Mdworkbench {
            waiting_time: workbench.number("waitingTime"),
            precreate_per_set: workbench.maybe("precreatePerSet"),
            files_per_proc: workbench.maybe("filesPerProc"),
            verbosity: workbench.number("verbosity"),
        },
        bench: Bench {
            mode: match own.owned("mode").to_ascii_lowercase().as_str() {
                "extended" => Mode::Extended,
                _ => Mode::Standard,
            },
            timestamp: own.text("timestamp").map(str::to_owned),
            strict: own.is_true("strict"),
            repeat: own.number("repeat"),
            latency: own.is_true("latency"),
            queue_depth: own.number("queue-depth"),
            threads_per_rank: own.number("threads-per-rank"),
            find_threads: own.number("find-threads"),
            timeout: own.maybe("timeout"),
            cont_properties: own.text("cont-properties").map(str::to_owned),
            destroy: own.is_true("destroy"),
            report_interval: own.number("report-interval"),
            connection_per_phase: own.owned("connection").eq_ignore_ascii_case("phase"),
            telemetry: own.text("telemetry").map(str::to_owned),
            telemetry_interval: own.number("telemetry-interval"),
            quick: own.is_true("quick"),
        },
        phases: PhaseId::ALL.into_iter().map(|phase| (phase, phase_config(phase, &settings, &apis))).collect(),
        settings,
        inputs,
    });
    warnings.extend(idle::warnings(&config));
    config
}

/// Every option with its value: the assigned one, else the default.
fn effective(inputs: &ConfigBuilder, table: Table, warnings: &mut Vec<Warning>) -> Vec<Setting> {
    let assigned = |section: &str, option: &str| {
        let (section_index, section) = schema::section(section)?;
        let (option_index, _) = section.option(option)?;
        table[section_index][option_index].as_ref()
    };
    // People have files without `api` that mean POSIX, as the C suite does; whoever brings no file, or names a pool, means
    // DAOS.
    const DAOS: [&str; 7] = ["pool", "cont", "group", "prefix", "oclass", "dir-oclass", "chunk-size"];
    let names_daos = DAOS.iter().any(|option| assigned(OWN_SECTION, option).is_some());
    let as_in_c = inputs.file_text().is_some() && !names_daos && assigned("global", "api").is_none();
    if as_in_c {
        let message = "no api in [global]: POSIX, as in the C suite (for DAOS write api = DFS, or give --api dfs)";
        warnings.push(Warning { place: None, message: message.to_owned() });
    }
    let mut settings = Vec::new();
    for (section, row) in SECTIONS.iter().zip(&table) {
        for (option, value) in section.options.iter().zip(row) {
            let default = match (section.name, option.name) {
                ("global", "api") if as_in_c => Some("POSIX"),
                _ => option.default,
            };
            let (value, origin) = match value {
                Some(Assigned { value, origin }) => (Some(value.clone()), origin.clone()),
                None => (default.map(str::to_owned), Origin::Default),
            };
            settings.push(Setting { section: section.name.to_owned(), option: option.name.to_owned(), value, origin });
        }
    }
    settings
}

fn find(view: &View<'_>) -> Find {
    Find {
        external_script: view.text("external-script").map(str::to_owned),
        external_mpi_args: view.owned("external-mpi-args"),
        external_extra_args: view.owned("external-extra-args"),
        nproc: view.maybe("nproc"),
        queue_length: view.number("pfind-queue-length"),
        steal_next: view.is_true("pfind-steal-next"),
        hashing: view.is_true("pfind-parallelize-single-dir-access-using-hashing"),
    }
}

/// Whether a setting switches off a single phase of mdworkbench, which only run together.
fn is_unread_run(setting: &Setting) -> bool {
    let of_phase = setting.section.strip_prefix("mdworkbench-").is_some();
    of_phase && setting.option == "run" && setting.value.as_deref() == Some("FALSE")
}

fn phase_config(phase: PhaseId, settings: &[Setting], apis: &Apis) -> PhaseConfig {
    let says = |section: &str, option: &str, word: &str| {
        let wanted = |setting: &&Setting| setting.section == section && setting.option == option;
        settings.iter().find(wanted).is_some_and(|setting| setting.value.as_deref() == Some(word))
    };
    let own_or_parent = |option, word| {
        says(phase.name(), option, word) || parent(phase).is_some_and(|parent| says(parent, option, word))
    };
    let (api, api_origin) = apis.of(phase);
    let run = match parent(phase) {
        // by a quirk of the C suite the phases of mdworkbench have a `run` that nothing reads
        Some(parent) if phase.family() == Family::Mdworkbench => !says(parent, "run", "FALSE"),
        _ => !own_or_parent("run", "FALSE"),
    };
    PhaseConfig {
        run,
        api,
        api_origin,
        // The phase's own word beats the parent's.
        collective: own_or_parent("collective", "TRUE") && !says(phase.name(), "collective", "FALSE"),
    }
}
