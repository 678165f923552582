//! `--phase`: names, families and kinds to phases in the official order.

use super::error::{ConfigError, Place, Problem};
use super::suggest::nearest;
use crate::phase_id::{Kind, PhaseId};
use std::collections::BTreeSet;

/// The kinds that can be asked for. `find` and `timestamp` are phases of that name.
const KINDS: [(&str, Kind); 5] = [
    ("write", Kind::Write),
    ("read", Kind::Read),
    ("stat", Kind::Stat),
    ("delete", Kind::Delete),
    ("bench", Kind::Bench),
];

/// Words for several phases by the beginning of their names.
const FAMILIES: [&str; 8] =
    ["ior", "ior-easy", "ior-hard", "ior-rnd4K-easy", "mdtest", "mdtest-easy", "mdtest-hard", "mdworkbench"];

/// The phases that a comma-separated list asks for, in the official order and each once, whatever order is given.
///
/// A word is `all`, a phase, a family (`ior`, `mdtest-hard`) or a kind (`write`, `read`, `stat`, `delete`). To `write` belongs
/// `timestamp`, which a later find needs and which must come before the files it finds. The phases of the extended mode belong to `all` and to a kind or family only when `extended`; a family that has no others, and a
/// phase named in full, count in both modes.
///
/// # Errors
/// A word that is none of these, with the nearest that is.
pub fn select_phases(list: &str, extended: bool) -> Result<Vec<PhaseId>, ConfigError> {
    let mut selected = BTreeSet::new();
    for word in list.split(',').map(str::trim) {
        let phases = word_phases(word, extended).ok_or_else(|| unknown(word))?;
        selected.extend(phases);
    }
    Ok(selected.into_iter().collect())
}

fn word_phases(word: &str, extended: bool) -> Option<Vec<PhaseId>> {
    if let Ok(phase) = word.parse() {
        return Some(vec![phase]);
    }
    let matching: Vec<PhaseId> = if word.eq_ignore_ascii_case("all") {
        PhaseId::ALL.to_vec()
    } else if let Some((_, kind)) = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
        let belongs =
            |phase: &PhaseId| phase.kind() == *kind || (*kind == Kind::Write && phase.kind() == Kind::Timestamp);
        PhaseId::ALL.into_iter().filter(belongs).collect()
    } else {
        let family = FAMILIES.iter().find(|family| family.eq_ignore_ascii_case(word))?;
        let beginning = format!("{family}-");
        PhaseId::ALL.into_iter().filter(|phase| phase.name().starts_with(&beginning)).collect()
    };
    let in_mode: Vec<PhaseId> = matching.iter().copied().filter(|phase| extended || phase.in_standard()).collect();
    Some(if in_mode.is_empty() { matching } else { in_mode })
}

fn unknown(word: &str) -> ConfigError {
    let words = PhaseId::ALL.iter().map(|phase| phase.name()).chain(FAMILIES).chain(KINDS.map(|(name, _)| name));
    let hint = match nearest(word, words.chain(["all"])) {
        Some(name) => format!("did you mean {name}?"),
        None => {
            let kinds = KINDS.map(|(name, _)| name).join(", ");
            format!("a phase, a family ({}), a kind ({kinds}), or all", FAMILIES.join(", "))
        }
    };
    ConfigError::one(Problem {
        place: Some(Place { source: "--phase".to_owned(), line_column: None }),
        message: format!("unknown phase {word:?}"),
        hint: Some(hint),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str, extended: bool) -> Vec<&'static str> {
        select_phases(list, extended).unwrap().into_iter().map(PhaseId::name).collect()
    }

    #[test]
    fn all_is_what_the_mode_has() {
        assert_eq!(select_phases("all", false).unwrap().len(), 14);
        assert_eq!(select_phases("all", true).unwrap(), PhaseId::ALL);
    }

    #[test]
    fn the_order_is_official_and_nothing_comes_twice() {
        assert_eq!(
            names("mdtest-hard-delete, IOR-easy-read,write", false),
            [
                "ior-easy-write",
                "mdtest-easy-write",
                "timestamp",
                "ior-hard-write",
                "mdtest-hard-write",
                "ior-easy-read",
                "mdtest-hard-delete"
            ]
        );
    }

    #[test]
    fn families_and_kinds() {
        assert_eq!(names("ior-easy", false), ["ior-easy-write", "ior-easy-read"]);
        assert_eq!(names("stat", true), ["mdtest-easy-stat", "mdtest-hard-stat"]);
        assert_eq!(names("find", true), ["find"]);
        assert_eq!(names("delete", false), ["mdtest-easy-delete", "mdtest-hard-delete"]);
        assert_eq!(names("delete", true), ["mdworkbench-delete", "mdtest-easy-delete", "mdtest-hard-delete"]);
        assert_eq!(names("mdworkbench", false), ["mdworkbench-create", "mdworkbench-bench", "mdworkbench-delete"]);
        assert_eq!(names("find-easy", false), ["find-easy"]);
    }

    #[test]
    fn an_unknown_word_names_the_nearest() {
        let error = select_phases("ior-esay-write", false).unwrap_err();
        assert_eq!(error.to_string(), "--phase: unknown phase \"ior-esay-write\" (did you mean ior-easy-write?)");
        assert!(select_phases("", false).is_err());
        assert!(select_phases("xyzzy", false).unwrap_err().to_string().contains("or all"));
    }
}
