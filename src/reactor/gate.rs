//! Whether an app takes calls, and whether they are held.
//!
//! Changed and read under the inbox lock, so that no call follows the end; the reactor's thread reads it without,
//! since what ends on another thread may as well have ended later. If it finds the gate open, what was held is in the
//! inbox, into which it looks next.

use std::sync::atomic::{AtomicU8, Ordering};

/// One app's.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// `CLOSED` and `HELD`.
    state: AtomicU8,
}

const CLOSED: u8 = 1;
const HELD: u8 = 2;

impl Gate {
    fn is(&self, bit: u8) -> bool {
        self.state.load(Ordering::Relaxed) & bit != 0
    }

    pub(super) fn is_held(&self) -> bool {
        self.is(HELD)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is(CLOSED)
    }

    /// Neither of the two.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) == 0
    }

    /// False if that was done before.
    pub(super) fn close(&self) -> bool {
        self.state.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED == 0
    }

    pub(super) fn hold(&self, hold: bool) {
        if hold {
            self.state.fetch_or(HELD, Ordering::Relaxed);
        } else {
            self.state.fetch_and(!HELD, Ordering::Release);
        }
    }
}
