//! The checks: what the list's reviewers look at, in the order of their rules, each with its reasons and what to do.

use super::check::{Check, Found, Outcome, Rule};
use super::rules;
use super::subject::Subject;

/// All checks of a submission.
pub fn all(subject: &Subject) -> Vec<Check> {
    let check = |rule: &Rule| {
        let Found { outcome, reasons } = (rule.look)(subject);
        let action = (outcome != Outcome::Passed).then_some(rule.action);
        Check { id: rule.id, scope: rule.scope, outcome, reasons, action, source: rule.source }
    };
    rules::ALL.iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::super::lists;
    use super::super::subject::Given;
    use super::*;
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    /// The result directories of one part of the material beside the repository, if it is there.
    fn shared(part: &str) -> Vec<PathBuf> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(part);
        let Ok(entries) = std::fs::read_dir(&path) else {
            assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
            eprintln!("skipped: {} is not there", path.display());
            return Vec::new();
        };
        let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
        all.sort();
        all
    }

    fn checked(path: &Path) -> (Subject, Vec<Check>) {
        let subject =
            Subject::load(path, &[], Given::default()).unwrap_or_else(|e| panic!("{}: {e:#}", path.display()));
        let checks = all(&subject);
        (subject, checks)
    }

    fn outcome(checks: &[Check], id: &str) -> Outcome {
        checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}")).outcome
    }

    #[test]
    fn rules_have_names_of_their_own_and_say_what_to_do() {
        let mut names: Vec<_> = rules::ALL.iter().map(|rule| rule.id).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rules::ALL.len());
        assert!(rules::ALL.iter().all(|rule| !rule.action.is_empty() && !rule.source.is_empty()));
    }

    #[test]
    fn every_published_run_is_told_something_and_none_makes_it_panic() {
        let mut told = BTreeMap::<(&str, &str), usize>::new();
        let runs = shared("submissions").into_iter().chain(shared("full-runs"));
        let mut count = 0;
        for path in runs {
            let (subject, checks) = checked(&path);
            for check in &checks {
                assert!(!check.reasons.is_empty(), "{}: {}", path.display(), check.id);
                let word = match check.outcome {
                    Outcome::Passed => "passed",
                    Outcome::Failed => "failed",
                    Outcome::Open => "open",
                };
                *told.entry((check.id, word)).or_default() += 1;
            }
            assert!(!subject.is_ours());
            assert_eq!(outcome(&checks, "score"), Outcome::Passed, "{}", path.display());
            assert_eq!(outcome(&checks, "score-hash"), Outcome::Passed, "{}", path.display());
            lists::of(&checks);
            count += 1;
        }
        for ((id, word), count) in &told {
            eprintln!("{id:<22} {word:<7} {count}");
        }
        if count > 0 {
            assert_eq!(count, 106);
        }
    }

    #[test]
    fn a_whole_published_run_fails_in_its_age_and_its_missing_documents_only() {
        for path in shared("full-runs").iter().filter(|path| path.ends_with("daos-hpe-dl320-1280-ranks")) {
            let (_, checks) = checked(path);
            let failed: Vec<_> = checks.iter().filter(|check| check.outcome == Outcome::Failed).map(|c| c.id).collect();
            for id in ["complete", "valid", "minimum-runtime", "find", "timestamp", "unedited", "ten-nodes", "awards"] {
                assert_eq!(outcome(&checks, id), Outcome::Passed, "{id}: {failed:?}");
            }
            assert!(failed.contains(&"job-files"), "{failed:?}");
        }
    }

    #[test]
    fn a_short_run_is_told_so() {
        for path in shared("reference").iter().filter(|path| path.ends_with("timestamp-np3")) {
            let (_, checks) = checked(path);
            for id in ["valid", "minimum-runtime"] {
                assert_eq!(outcome(&checks, id), Outcome::Failed, "{id}");
            }
            let lists = lists::of(&checks);
            assert!(lists.iter().all(|list| !list.ready), "{lists:?}");
        }
    }

    #[test]
    fn changed_figures_and_mixed_timestamps_are_found() {
        for path in shared("full-runs").iter().filter(|path| path.ends_with("daos-hpe-dl320-1280-ranks")) {
            let dir = tempfile::tempdir().unwrap();
            for entry in std::fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
            }
            let file = dir.path().join("result.txt");
            let text = std::fs::read_to_string(&file).unwrap();
            let (at, stamp) = (text.find("[mdtest-hard-read]").unwrap(), text.find("[ior-hard-read]").unwrap());
            let score = text[at..].find("score").unwrap() + at + "score           = ".len();
            let mut changed = text.clone();
            changed.replace_range(score..=score, "9");
            std::fs::write(&file, &changed).unwrap();
            let (_, checks) = checked(dir.path());
            assert_eq!(outcome(&checks, "score"), Outcome::Failed);
            assert_eq!(outcome(&checks, "unedited"), Outcome::Failed);
            let (before, after) = text.split_at(stamp);
            let year = after.find("/20").unwrap() + 1;
            std::fs::write(&file, format!("{before}{}1999{}", &after[..year], &after[year + 4..])).unwrap();
            let (_, checks) = checked(dir.path());
            assert_eq!(outcome(&checks, "timestamp"), Outcome::Failed);
        }
    }
}
