//! `dfs-bench history`: all runs under a directory in time order.

use crate::args::history::{HistoryArgs, HistoryFormat};
use crate::exit::Exit;
use crate::history::{check, collect, find, render};
use crate::report::output;
use std::path::PathBuf;

/// Writes the history; the exit code says whether the newest runs fell too far.
pub fn run(args: &HistoryArgs) -> anyhow::Result<Exit> {
    let default = if args.format == HistoryFormat::Html { "history.html" } else { "-" };
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(default));
    output::check(&path, args.force)?;
    let history = find(&args.directory, collect(&args.directory)?);
    let gate = args.fail_below.map(|limit| check(limit, &history));
    output::write(&path, &render(args.format, &history, gate.as_ref())?)?;
    if path.as_os_str() != "-" {
        eprintln!("wrote {}", path.display());
    }
    if let Some(gate) = &gate {
        eprintln!("{}", gate.words());
    }
    Ok(if gate.is_some_and(|gate| !gate.passed) { Exit::Below } else { Exit::Finished })
}
