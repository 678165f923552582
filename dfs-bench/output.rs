//! Standard output and error that may be lost: a closed pipe (`| head`) or a full disk ends a log, not a benchmark.
//!
//! The macros shadow those of the standard library in the whole program, which panic when a line cannot be written.

use std::fmt::Arguments;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

static LOST: OnceLock<std::io::Error> = OnceLock::new();

/// Whether a line stands on the terminal that the next one replaces. Held while something is written.
static BAR: Mutex<bool> = Mutex::new(false);

/// Draws a line in place on standard error, or takes it away.
pub fn bar(line: Option<&str>) {
    let mut drawn = BAR.lock().unwrap_or_else(PoisonError::into_inner);
    let clear = if *drawn { "\r\x1b[2K" } else { "" };
    *drawn = line.is_some();
    if !clear.is_empty() || line.is_some() {
        write(&mut std::io::stderr().lock(), format_args!("{clear}{}", line.unwrap_or_default()));
    }
}

/// Takes the line in place away, before something else is written.
fn without_bar() -> MutexGuard<'static, bool> {
    let mut drawn = BAR.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::take(&mut *drawn) {
        write(&mut std::io::stderr().lock(), format_args!("\r\x1b[2K"));
    }
    drawn
}

/// Writes what can be written.
pub fn out(text: Arguments<'_>) {
    let _bar = without_bar();
    write(&mut std::io::stdout().lock(), text);
}

/// Writes what can be written.
pub fn err(text: Arguments<'_>) {
    // as one piece, so that lines of several ranks do not mix
    let text = text.to_string();
    let _bar = without_bar();
    write(&mut std::io::stderr().lock(), format_args!("{text}"));
}

/// Writes what can be written, whatever bytes it is.
pub fn bytes(bytes: &[u8]) {
    let mut stream = std::io::stdout().lock();
    keep(stream.write_all(bytes).and_then(|()| stream.flush()));
}

fn write(stream: &mut dyn Write, text: Arguments<'_>) {
    keep(stream.write_fmt(text).and_then(|()| stream.flush()));
}

fn keep(written: std::io::Result<()>) {
    if let Err(error) = written {
        let _ = LOST.set(error);
    }
}

/// Why a part of the output is lost, if one is.
pub fn lost() -> Option<&'static std::io::Error> {
    LOST.get()
}

macro_rules! print {
    ($($text:tt)*) => { $crate::output::out(format_args!($($text)*)) };
}

macro_rules! println {
    ($($text:tt)*) => { $crate::output::out(format_args!("{}\n", format_args!($($text)*))) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::output::err(format_args!("{}\n", format_args!($($text)*))) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_takes_nothing_is_remembered_and_no_panic() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        write(&mut Full, format_args!("a line\n"));
        assert_eq!(lost().unwrap().kind(), std::io::ErrorKind::StorageFull);
    }
}
