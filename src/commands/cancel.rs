//! Ctrl-C and SIGTERM: a flag that long work looks at between steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Failure;

/// Set once the person, or the service manager, asked to stop.
pub(super) type Cancelled = Arc<AtomicBool>;

/// Installs the handler. A second signal ends the process at once.
pub(super) fn on_interrupt() -> Result<Cancelled, Failure> {
    let cancelled = Cancelled::default();
    let flag = cancelled.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .map_err(|why| {
        Failure::new(
            format!("中断の受け付けを準備できません（{why}）。"),
            format!("cannot prepare for interrupts: {why}"),
        )
    })?;
    Ok(cancelled)
}
