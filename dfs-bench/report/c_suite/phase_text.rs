//! What the output of IOR and mdtest (`<phase>.txt`) adds to `result.txt`: nodes, the stonewall, open and close times.
//!
//! The text is meant for people and changes between versions: every item is taken when found, and none is required.

/// The items found.
#[derive(Debug, Default, PartialEq)]
pub struct PhaseText {
    /// Client nodes.
    pub nodes: Option<u64>,
    /// Host of rank 0 (IOR).
    pub first_host: Option<String>,
    /// Whether a rank shares rank 0's node (mdtest), one flag per rank.
    pub on_first_node: Vec<bool>,
    /// Fewest, mean and most operations of a rank at the stonewall; the mean only in mdtest's.
    pub stonewall_min: Option<f64>,
    /// See `stonewall_min`.
    pub stonewall_mean: Option<f64>,
    /// See `stonewall_min`.
    pub stonewall_max: Option<f64>,
    /// When IOR's ranks reached the stonewall.
    pub stonewall_seconds: Option<f64>,
    /// Slowest open, transfer, close and the total (IOR).
    pub open_seconds: Option<f64>,
    /// See `open_seconds`.
    pub transfer_seconds: Option<f64>,
    /// See `open_seconds`.
    pub close_seconds: Option<f64>,
    /// See `open_seconds`.
    pub total_seconds: Option<f64>,
    /// Capacity and use of the file system at the start.
    pub file_system: Option<String>,
    /// The API version IOR names, `DAOS` for DFS.
    pub api: Option<String>,
}

/// Reads the output of one phase.
pub fn parse(text: &str) -> PhaseText {
    let mut found = PhaseText::default();
    for line in text.lines() {
        if let Some((name, value)) = line.split_once(" : ").or_else(|| line.split_once("\t: ")) {
            let (name, value) = (name.trim(), value.trim());
            match name {
                "Machine" => found.first_host = value.split_whitespace().nth(1).map(str::to_owned),
                "nodes" => found.nodes = value.parse().ok(),
                "FS" => found.file_system = Some(value.split("   ").take(2).collect::<Vec<_>>().join(", ")),
                "api" => found.api = Some(value.to_owned()),
                _ => {}
            }
        }
        if line.starts_with("mdtest-") && line.contains(" was launched with ") {
            found.nodes = number_after(line, " task(s) on ");
        } else if let Some(map) = line.strip_prefix("Nodemap: ") {
            found.on_first_node = map.trim().bytes().map(|byte| byte == b'1').collect();
        } else if line.starts_with("stonewalling pairs accessed") {
            found.stonewall_min = number_after(line, "min: ");
            found.stonewall_max = number_after(line, "max: ");
            found.stonewall_seconds = number_after(line, "time: ");
        } else if line.starts_with("Continue stonewall hit") {
            found.stonewall_min = number_after(line, "min: ");
            found.stonewall_max = number_after(line, "max: ");
            found.stonewall_mean = number_after(line, "avg: ");
        } else if line.starts_with("write ") || line.starts_with("read ") {
            let cells: Vec<&str> = line.split_whitespace().collect();
            // access bw IOPS latency block xfer open wr/rd close total iter
            if cells.len() == 11 {
                let cell = |index: usize| cells[index].parse().ok();
                found.open_seconds = cell(6);
                found.transfer_seconds = cell(7);
                found.close_seconds = cell(8);
                found.total_seconds = cell(9);
            }
        }
    }
    found
}

fn number_after<T: std::str::FromStr>(line: &str, marker: &str) -> Option<T> {
    let rest = &line[line.find(marker)? + marker.len()..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_ior() {
        let found = parse(
            "Machine             : Linux client7\nFS                  : 109.1 TiB   Used FS: 44.1%   Inodes: -0.0 Mi\n\
             api                 : DFS\nnodes               : 10\n\
             stonewalling pairs accessed min: 56631 max: 60478 -- min data: 110.6 GiB mean data: 115.1 GiB time: 300.0s\n\
             write     463850     115985     0.009651    101376000000 4096       0.053475   302.58     0.005860   302.64     0\n",
        );
        assert_eq!(found.first_host.as_deref(), Some("client7"));
        assert_eq!(found.nodes, Some(10));
        assert_eq!((found.stonewall_min, found.stonewall_max), (Some(56631.0), Some(60478.0)));
        assert_eq!(found.stonewall_seconds, Some(300.0));
        assert_eq!(found.close_seconds, Some(0.005860));
        assert_eq!(found.total_seconds, Some(302.64));
        assert_eq!(found.file_system.as_deref(), Some("109.1 TiB, Used FS: 44.1%"));
    }

    #[test]
    fn the_output_of_mdtest() {
        let found = parse(
            "mdtest-4.1.0+dev was launched with 4 total task(s) on 2 node(s)\nNodemap: 1100\n\
             Continue stonewall hit min: 5179899 max: 5319423 avg: 5264443.0 \n",
        );
        assert_eq!(found.nodes, Some(2));
        assert_eq!(found.on_first_node, [true, true, false, false]);
        assert_eq!(found.stonewall_mean, Some(5264443.0));
    }

    #[test]
    fn text_of_something_else_gives_nothing() {
        assert_eq!(parse("hello\nread this\n"), PhaseText::default());
    }
}
