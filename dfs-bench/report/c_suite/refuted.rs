//! What the score and the hashes of a result refute.

use io500_phases::results::{Finding, Material, verify};
use std::path::Path;

/// What score and hashes refute of a result of the C suite.
pub fn refuted_claims(directory: &Path) -> Vec<String> {
    let Ok(material) = Material::read(directory, None) else { return Vec::new() };
    let found = verify(&material);
    let claims = [
        ("score", Some(&found.score)),
        ("score hash", Some(&found.score_hash)),
        ("extended score", found.extended_score.as_ref()),
        ("extended hash", found.extended_hash.as_ref()),
        ("config hash", Some(&found.config_hash)),
    ];
    let refuted = claims.into_iter().filter_map(|(name, claim)| Some((name, claim?)));
    let refuted = refuted.filter(|(_, claim)| claim.finding == Finding::Refuted);
    refuted.map(|(name, claim)| format!("{name}: {}", claim.detail)).collect()
}
