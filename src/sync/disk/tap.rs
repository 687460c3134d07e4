//! Where a test stands beside every step that changes files.

use std::cell::RefCell;
use std::io;

use super::Step;

/// Told of each step before it is done. `Ok(true)` lets it be done, `Ok(false)` leaves it out, an
/// error is what the disk answers.
type Watcher = Box<dyn FnMut(Step<'_>) -> io::Result<bool>>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// Takes the watcher away when dropped.
#[must_use]
pub(in crate::sync) struct Tap(());

/// Has the steps of this thread watched.
pub(in crate::sync) fn install(watcher: impl FnMut(Step<'_>) -> io::Result<bool> + 'static) -> Tap {
    WATCHER.with_borrow_mut(|place| {
        assert!(place.is_none(), "a step has one watcher");
        *place = Some(Box::new(watcher));
    });
    Tap(())
}

impl Drop for Tap {
    fn drop(&mut self) {
        WATCHER.with_borrow_mut(|place| *place = None);
    }
}

pub(super) fn ask(step: Step<'_>) -> io::Result<bool> {
    WATCHER.with_borrow_mut(|place| place.as_mut().map_or(Ok(true), |watcher| watcher(step)))
}
