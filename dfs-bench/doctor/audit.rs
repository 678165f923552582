//! One node: its view held against all rules, and its properties for the comparison with others.

use super::rule::View;
use super::rules;
use super::table::Line;
use std::collections::BTreeMap;

/// What the rules find on a node, what they could not look at, and what is compared with other nodes.
pub fn lines(view: &View<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for rule in rules::all() {
        let Some(outcome) = view.apply(rule) else { continue };
        lines.extend(outcome.found.into_iter().map(|found| Line::Finding { rule: rule.id.to_owned(), found }));
        lines.extend(outcome.unknown.into_iter().map(|what| Line::Unknown { what, rule: rule.id.to_owned() }));
    }
    for unread in &view.node.unread {
        lines.push(Line::Unknown { what: format!("{} ({})", unread.path, unread.reason), rule: String::new() });
    }
    lines.extend(properties(view).into_iter().map(|(name, value)| Line::Property { name, value }));
    lines.sort();
    lines.dedup();
    lines
}

/// What should be the same on all nodes of a job. What changes by itself (load, free memory) is none of it.
fn properties(view: &View<'_>) -> BTreeMap<String, String> {
    let mut properties = view.node.properties();
    for rank in view.ranks {
        properties.insert("libdfs".into(), rank.libdfs.clone());
        for (name, value) in &rank.environment {
            // a path may hold the name of its node, a port or a rank is meant to differ
            if ["D_INTERFACE", "D_DOMAIN", "D_PORT", "D_LOG_FILE", "DFS_BENCH_LOG"].contains(&name.as_str()) {
                continue;
            }
            properties.insert(format!("environment {name}"), value.clone());
        }
    }
    if let Some(memlock) = view.ranks.iter().filter_map(|rank| rank.memlock).min() {
        let words = if memlock == u64::MAX { "unlimited".to_owned() } else { format!("{} KiB", memlock >> 10) };
        properties.insert("memlock".into(), words);
    }
    if !view.ranks.is_empty() {
        properties.insert("ranks".into(), view.ranks.len().to_string());
    }
    properties
}
