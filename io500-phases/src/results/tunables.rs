//! Settings of the environment that make a run slower than the store is: questions, not reasons against the result.

use super::provenance::Provenance;

/// What is worth asking about, a sentence each.
pub fn questions(about: &Provenance) -> Vec<String> {
    let variable = |name: &str| {
        let found = about.environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    };
    let on_daos = about.stores.iter().any(|(_, store)| store.api == "DFS" && store.real);
    let mut questions = Vec::new();
    for (name, value) in [("D_LOG_MASK", variable("D_LOG_MASK")), ("DD_MASK", variable("DD_MASK"))] {
        if let Some(value) = value.filter(|value| name == "DD_MASK" || is_verbose(value)) {
            questions.push(format!("{name}={value} makes libdaos log, which slows every call"));
        }
    }
    if let Some(cores) = cores_of_node(about).filter(|&cores| about.ranks_per_node > cores) {
        let shared = format!("{} ranks share the {cores} cores of a node", about.ranks_per_node);
        if on_daos && variable("D_POLL_TIMEOUT").is_none() {
            questions.push(format!("{shared}, and libdaos polls without pause: D_POLL_TIMEOUT=1000 lets it sleep"));
        }
        let open_mpi = about.launcher.contains("Open MPI");
        if open_mpi && variable("OMPI_MCA_mpi_yield_when_idle").is_none_or(|value| value == "0") {
            questions
                .push(format!("{shared}, and Open MPI polls without pause: --mca mpi_yield_when_idle 1 lets it yield"));
        }
    }
    questions
}

/// Whether a log mask, as `ERR` or `INFO,object=DEBUG`, writes more than warnings.
fn is_verbose(mask: &str) -> bool {
    let levels = mask.split([',', '=', ':']).map(|word| word.trim().to_ascii_uppercase());
    levels
        .into_iter()
        .any(|level| ["DEBUG", "DBUG", "INFO", "NOTE", "TRACE", "MEM", "NET", "IO"].contains(&level.as_str()))
}

fn cores_of_node(about: &Provenance) -> Option<usize> {
    let found = about.system.iter().find(|(name, _)| name == "cores of the node");
    found.and_then(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Description;

    fn run(environment: &[(&str, &str)], ranks_per_node: usize) -> Vec<String> {
        let store = Description { api: "DFS".into(), real: true, ..Description::default() };
        questions(&Provenance {
            environment: environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ranks_per_node,
            launcher: "Open MPI v4.1.4".into(),
            system: vec![("cores of the node".into(), "8".into())],
            stores: vec![("DFS".into(), store)],
            ..Provenance::default()
        })
    }

    #[test]
    fn quiet_logs_and_a_core_for_each_rank_raise_no_question() {
        assert_eq!(run(&[("D_LOG_MASK", "ERR"), ("D_LOG_FILE", "client.log")], 8), Vec::<String>::new());
    }

    #[test]
    fn verbose_logs_are_asked_about() {
        for (name, value) in [("D_LOG_MASK", "debug"), ("D_LOG_MASK", "ERR,object=INFO"), ("DD_MASK", "rpc")] {
            let found = run(&[(name, value)], 1);
            assert!(found.len() == 1 && found[0].starts_with(&format!("{name}={value} ")), "{found:?}");
        }
    }

    #[test]
    fn polling_on_shared_cores_is_asked_about_unless_it_was_thought_of() {
        assert_eq!(run(&[], 9).len(), 2);
        let thought_of = [("D_POLL_TIMEOUT", "1000"), ("OMPI_MCA_mpi_yield_when_idle", "1")];
        assert_eq!(run(&thought_of, 9), Vec::<String>::new());
    }
}
