//! Whether host code runs on this thread, and the apps that it has freed: what remains of them follows when it has
//! returned. It may hold a lock that their last callbacks take.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::Delivery;

thread_local! {
    // Not an app's: a host may free one app inside a callback of another, on whatever thread; waiting
    // there could wait for itself.
    /// How deep this thread is in host code, and the bits below.
    static STATE: Cell<u32> = const { Cell::new(0) };
    static FREED: RefCell<Vec<Arc<Delivery>>> = const { RefCell::new(Vec::new()) };
}

/// A call of the host runs the outermost host code, for nobody else: its thread may wait.
const MAY_WAIT: u32 = 1 << 31;
/// `FREED` is not empty.
const ANY_FREED: u32 = 1 << 30;
const DEPTH: u32 = ANY_FREED - 1;

/// What no other living thread has as well; also while this one ends, when the standard library's is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ThisThread(usize);

impl ThisThread {
    pub(super) fn current() -> Self {
        Self(STATE.with(|state| std::ptr::from_ref(state).addr()))
    }
}

/// Host code runs on this thread while this lives.
pub(super) struct InsideCallback;

impl InsideCallback {
    pub(super) fn enter() -> Self {
        STATE.set(STATE.get() + 1);
        Self
    }

    /// The same in a dispatch, or at the end of an app that the host waits for.
    pub(super) fn enter_waiting() -> Self {
        let state = STATE.get();
        STATE.set(if state == 0 { MAY_WAIT | 1 } else { state + 1 });
        Self
    }

    pub(super) fn is_current() -> bool {
        STATE.get() > 0
    }

    /// Whether this thread may wait when the outermost has returned.
    pub(super) fn may_wait() -> bool {
        STATE.get() & MAY_WAIT != 0
    }
}

impl Drop for InsideCallback {
    #[inline]
    fn drop(&mut self) {
        let left = STATE.get() - 1;
        STATE.set(left);
        if left & DEPTH == 0 {
            match left & ANY_FREED {
                0 => STATE.set(0),
                _ => outermost_returns(),
            }
        }
    }
}

#[cold]
fn outermost_returns() {
    // What these free in turn follows, too.
    STATE.set(STATE.get() | 1);
    while let Ok(freed) = FREED.try_with(RefCell::take)
        && !freed.is_empty()
    {
        freed.iter().for_each(|app| app.end_freed());
    }
    STATE.set(0);
}

/// Has an app that is freed inside host code end behind that; not on a thread that ends itself.
pub(super) fn end_later(app: &Arc<Delivery>) -> bool {
    let is_kept = FREED.try_with(|freed| freed.borrow_mut().push(Arc::clone(app))).is_ok();
    if is_kept {
        STATE.set(STATE.get() | ANY_FREED);
    }
    is_kept
}
