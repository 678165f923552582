//! SIGINT and SIGTERM ask the run to stop at its next look; a second one ends the process at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// From now on the two signals raise `stop`.
pub fn install(stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    let received = RECEIVED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        // in this order: the first signal finds the flag down, the second one up
        signal_hook::flag::register_conditional_default(signal, stop.clone())?;
        signal_hook::flag::register(signal, stop.clone())?;
        signal_hook::flag::register_usize(signal, received.clone(), signal as usize)?;
    }
    Ok(())
}

/// The signal that came, if one did.
pub fn received() -> Option<i32> {
    RECEIVED.get().map(|received| received.load(Relaxed) as i32).filter(|&signal| signal != 0)
}
