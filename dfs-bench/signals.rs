//! SIGINT and SIGTERM ask the run to stop at its next look. A repetition within seconds is the same request, as launchers and schedulers
//! send both to a rank; one that comes later ends the process at once.

use crate::crash_record::CrashRecord;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How long after the first signal another one is the same request.
const SAME_REQUEST: Duration = Duration::from_secs(5);

/// The record that is written when a signal ends the process at once.
static CRASH_RECORD: Mutex<Option<Arc<CrashRecord>>> = Mutex::new(None);

static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// From now on the two signals raise `stop`.
pub fn install(stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    let received = RECEIVED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, stop.clone())?;
        signal_hook::flag::register_usize(signal, received.clone(), signal as usize)?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        let mut first = None;
        for signal in signals.forever() {
            if is_another_request(&mut first, Instant::now()) {
                let crash_record = CRASH_RECORD.lock().ok().and_then(|mut record| record.take());
                if let Some(crash_record) = crash_record {
                    crash_record.hurry(format!("ended at once by a second signal {signal}"));
                }
                crate::exit_code_file::write(128_u8.wrapping_add(signal as u8));
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        }
    });
    Ok(())
}

/// The record to write when a signal ends the process at once.
pub fn keep_words_in(crash_record: &Arc<CrashRecord>) {
    *CRASH_RECORD.lock().expect("no thread panics while holding this lock") = Some(crash_record.clone());
}

/// Whether a signal means: now.
fn is_another_request(first: &mut Option<Instant>, now: Instant) -> bool {
    now - *first.get_or_insert(now) > SAME_REQUEST
}

/// A file that may not grow further (`ulimit -f`) is an error of the write, not the end of the process.
pub fn ignore_file_limit() {
    // where it cannot be registered the signal does what it always did
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// The signal that came, if one did.
pub fn received() -> Option<i32> {
    RECEIVED.get().map(|received| received.load(Relaxed) as i32).filter(|&signal| signal != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_within_seconds_is_the_same_request_and_a_later_one_means_now() {
        let (mut first, start) = (None, Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let asked = [0, 5, 4900, 5100].map(|ms| is_another_request(&mut first, at(ms)));
        assert_eq!(asked, [false, false, false, true]);
    }
}
