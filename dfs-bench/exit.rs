//! Exit codes: documented, stable, and the same on every rank.

use io500_phases::config::ConfigError;
use io500_phases::error::Error;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// Finished. A short run with an invalid verdict is a finished run.
    Finished,
    /// The command line or the configuration cannot be used.
    Usage,
    /// With `--strict`: the strict verdict is invalid.
    Invalid,
    /// Storage, the network or another rank failed.
    Storage,
    /// What was read is not what was written, or files are missing.
    Verification,
    /// `compare --fail-below`, `history --fail-below`: a result fell below the bar.
    Below,
    /// `doctor --fail-on`: there are findings as grave as that.
    Findings,
    /// The program failed: a panic, or an error that it does not know.
    Internal,
    /// Stopped by this signal.
    Signal(i32),
}

/// An error that is the user's to mend.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UsageError {
    pub message: String,
    pub hint: Option<String>,
}

impl UsageError {
    pub fn new(message: impl Into<String>) -> Self {
        UsageError { message: message.into(), hint: None }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        UsageError { hint: Some(hint.into()), ..self }
    }
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Finished => 0,
            Exit::Usage => 2,
            Exit::Invalid => 3,
            Exit::Storage => 4,
            Exit::Verification => 5,
            Exit::Below => 6,
            Exit::Findings => 7,
            Exit::Internal => 70,
            Exit::Signal(signal) => 128_u8.wrapping_add(signal as u8),
        }
    }

    /// The code that belongs to an error.
    pub fn of(error: &anyhow::Error) -> Exit {
        if error.chain().any(|cause| cause.is::<UsageError>() || cause.is::<ConfigError>()) {
            return Exit::Usage;
        }
        match error.chain().find_map(|cause| cause.downcast_ref::<Error>()) {
            Some(error) if error.is_mistake() => Exit::Usage,
            Some(Error::Panic { .. }) => Exit::Internal,
            Some(Error::Interrupted) => {
                Exit::Signal(crate::signals::received().unwrap_or(signal_hook::consts::SIGTERM))
            }
            Some(_) => Exit::Storage,
            // a file that cannot be read or written, named on the command line as all files outside the result directory are
            None if error.chain().any(|cause| cause.is::<std::io::Error>()) => Exit::Usage,
            None => Exit::Internal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Prints an error on standard error: `error:`, and `hint:` where the fix is known.
pub fn report(error: &anyhow::Error) {
    eprintln!("error: {}", chain(error));
    if let Some(hint) = error.chain().find_map(hint) {
        eprintln!("hint: {hint}");
    }
}

/// The error and what is below it. Many a message has the text of its cause in it already.
fn chain(error: &anyhow::Error) -> String {
    let mut causes = error.chain().map(ToString::to_string);
    let first = causes.next().unwrap_or_default();
    causes.fold(first, |text, cause| if text.contains(&cause) { text } else { format!("{text}: {cause}") })
}

fn hint<'e>(cause: &'e (dyn std::error::Error + 'static)) -> Option<&'e str> {
    match cause.downcast_ref::<Error>() {
        Some(Error::NotThere { hint, .. }) => Some(hint),
        Some(Error::InUse { .. }) => Some(
            "use another directory or wait for that run; if it has certainly ended, remove its claim (or everything it left, with --cleanup)",
        ),
        _ => cause.downcast_ref::<UsageError>()?.hint.as_deref(),
    }
}

/// Whether this process speaks for its job: it is the first one of its launcher, or has none.
pub fn speaks() -> bool {
    io500_phases::comm::Launcher::detect(|name| std::env::var(name).ok()).is_none_or(|launcher| launcher.rank == 0)
}

/// What the command line parser has to say: help and version on standard output, errors on standard error; under a launcher only rank 0 speaks.
pub fn usage(error: &clap::Error) -> ExitCode {
    if speaks() {
        let _ = error.print();
        // clap does not say which argument it means
        if error.kind() == clap::error::ErrorKind::InvalidUtf8 {
            let is_meant = |text: &std::ffi::OsString| text.to_str().is_none();
            for argument in std::env::args_os().skip(1).filter(is_meant) {
                eprintln!(
                    "hint: {argument:?} is no UTF-8: only paths and values of the configuration may be any bytes"
                );
            }
            for (name, value) in std::env::vars_os().filter(|(_, value)| is_meant(value)) {
                if let Some(name) = name.to_str().filter(|name| name.starts_with("DFS_BENCH_")) {
                    eprintln!("hint: {name}={value:?} is no UTF-8");
                }
            }
        }
    }
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Finished.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes = [
            (Exit::Finished, 0),
            (Exit::Usage, 2),
            (Exit::Invalid, 3),
            (Exit::Storage, 4),
            (Exit::Verification, 5),
            (Exit::Below, 6),
            (Exit::Findings, 7),
            (Exit::Internal, 70),
            (Exit::Signal(2), 130),
            (Exit::Signal(15), 143),
        ];
        for (exit, code) in codes {
            assert_eq!(exit.code(), code);
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        let file = std::io::Error::other("it is full");
        let whole =
            Error::ResultFile { path: "r".into(), message: file.to_string(), source: Some(std::sync::Arc::new(file)) };
        assert_eq!(chain(&anyhow::Error::new(whole).context("cannot end")), "cannot end: r: it is full");
    }

    #[test]
    fn errors_find_their_code() {
        let of = |error: Error| Exit::of(&anyhow::Error::new(error).context("while running"));
        assert_eq!(of(Error::Config("x".into())), Exit::Usage);
        assert_eq!(of(Error::Panic { rank: 0, message: String::new() }), Exit::Internal);
        assert_eq!(of(Error::Comm("x".into())), Exit::Storage);
        assert_eq!(of(Error::NotThere { message: String::new(), hint: String::new(), source: None }), Exit::Usage);
        assert_eq!(Exit::of(&anyhow::Error::new(UsageError::new("x"))), Exit::Usage);
        let file = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert_eq!(Exit::of(&anyhow::Error::new(file).context("cannot read x")), Exit::Usage);
        assert_eq!(Exit::of(&anyhow::anyhow!("nobody has a name for it")), Exit::Internal);
    }
}
