//! The storage options in force in a phase, from the command line that `result.txt` records under `exe`.

use crate::report::model::Fact;

/// API, object classes, chunk and transfer sizes of the command line, in a fixed order; only what it names.
pub fn storage(exe: &str) -> Vec<Fact> {
    let words: Vec<&str> = exe.split_whitespace().collect();
    let value = |flag: &str| {
        words.iter().enumerate().find_map(|(index, word)| {
            let rest = word.strip_prefix(flag)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value.to_owned()),
                None if rest.is_empty() => words.get(index + 1).map(|value| (*value).to_owned()),
                None => None,
            }
        })
    };
    let transfer = if exe.contains("/ior ") || exe.starts_with("ior ") { value("-t") } else { None };
    [
        ("API", value("-a")),
        ("object class", value("--dfs.oclass")),
        ("directory object class", value("--dfs.dir_oclass")),
        ("chunk size", value("--dfs.chunk_size")),
        ("transfer size", transfer),
        ("data packets", value("--dataPacketType")),
        ("pool", value("--dfs.pool")),
        ("container", value("--dfs.cont")),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| Fact::new(name, value)))
    .collect()
}

/// The stonewall of the command line: `-D` in IOR's, `-W` in mdtest's.
pub fn stonewall_seconds(exe: &str) -> Option<f64> {
    let words: Vec<&str> = exe.split_whitespace().collect();
    let flag = if words.first()?.ends_with("mdtest") { "-W" } else { "-D" };
    let index = words.iter().position(|word| *word == flag)?;
    words.get(index + 1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ior_and_mdtest_command_lines() {
        let ior = "./ior --dataPacketType=timestamp -C -t 4m -b 99m -w -D 300 -a DFS --dfs.pool=p --dfs.oclass=SX";
        let facts = storage(ior);
        assert_eq!(facts[0], Fact::new("API", "DFS"));
        assert!(facts.contains(&Fact::new("transfer size", "4m")));
        assert!(facts.contains(&Fact::new("object class", "SX")));
        assert_eq!(stonewall_seconds(ior), Some(300.0));
        // -t is a flag without value in mdtest
        let mdtest = "./mdtest -n 10 -t -w 3901 -C -Y -W 60 -a POSIX";
        assert_eq!(storage(mdtest), [Fact::new("API", "POSIX")]);
        assert_eq!(stonewall_seconds(mdtest), Some(60.0));
    }
}
