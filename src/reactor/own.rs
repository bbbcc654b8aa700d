//! What callbacks call on a reactor's own thread: the reactor takes it up by itself when they have
//! returned, so that it costs neither a lock nor a wake-up.

use std::cell::{RefCell, RefMut};
use std::sync::atomic::{AtomicBool, Ordering};

use super::batch::Batch;
use crate::net::sys::OfThread;

/// The calls made on a reactor's thread that it has not read yet.
#[derive(Debug, Default)]
pub(super) struct Own {
    calls: OfThread<RefCell<Box<Batch>>>,
    /// Whether there are any, here or in a batch that is put aside for a while. Only who steers asks, and tells; so often
    /// that it lies where no question is asked whose thread it is.
    any: AtomicBool,
}

impl Own {
    /// The calling thread is the reactor's.
    pub(super) fn begin(&self) {
        self.calls.claim();
    }

    /// Where the next call goes, if the calling thread is the reactor's.
    #[inline]
    pub(super) fn calls(&self) -> Option<RefMut<'_, Box<Batch>>> {
        let calls = self.calls.get()?;
        self.any.store(true, Ordering::Relaxed);
        Some(calls.borrow_mut())
    }

    /// The batch that is being read is put aside, perhaps unfinished.
    pub(super) fn leave(&self) {
        self.any.store(true, Ordering::Relaxed);
    }

    /// Whether there are any, or some were left.
    #[inline]
    pub(super) fn has_calls(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Exchanges the finished `batch` for the calls.
    pub(super) fn take(&self, batch: &mut Box<Batch>) {
        if let Some(mut calls) = self.calls() {
            std::mem::swap(batch, &mut calls);
        }
        self.any.store(false, Ordering::Relaxed);
    }
}
