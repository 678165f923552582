//! The valid name nearest to a mistyped one.

/// The candidate that `text` was most likely meant to be, if any is near enough: at most a third of its letters differ.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer texts are no typing mistakes, and the distance takes quadratic time.
    if text.chars().count() > 64 {
        return None;
    }
    let wanted = text.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_find_their_name() {
        let names = ["transferSize", "blockSize", "filePerProc", "run", "n"];
        assert_eq!(nearest("transfersiez", names), Some("transferSize"));
        assert_eq!(nearest("blocksise", names), Some("blockSize"));
        assert_eq!(nearest("rnu", names), Some("run"));
        assert_eq!(nearest("completely-else", names), None);
    }
}
