//! What callbacks call on a reactor's own thread: the reactor takes it up by itself when they have
//! returned, so that it costs neither a lock nor a wake-up.

use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::ptr;
use std::rc::Rc;

use super::batch::Batch;
use super::inbox::Inbox;

thread_local! {
    // One of two in the library (the other: `delivery`): nothing else tells for less than a lock on whose
    // thread a call is made.
    static OWN: OnceCell<Rc<Own>> = const { OnceCell::new() };
}

/// The calls made on a reactor's thread that it has not read yet.
pub(super) struct Own {
    /// Whose they are; NULL: no call is taken up any more.
    inbox: Cell<*const Inbox>,
    calls: RefCell<Box<Batch>>,
    /// Whether there are any, here or in the batch that is being read.
    any: Cell<bool>,
}

impl Own {
    /// The calling thread is that of the reactor with this inbox.
    pub(super) fn begin(inbox: &Inbox) -> Rc<Self> {
        let new = || {
            Rc::new(Self {
                inbox: Cell::new(inbox),
                calls: RefCell::default(),
                any: Cell::new(false),
            })
        };
        OWN.with(|own| Rc::clone(own.get_or_init(new)))
    }

    /// No call is taken up any more; those that were not read.
    pub(super) fn end(&self) -> Box<Batch> {
        self.inbox.set(ptr::null());
        self.calls.take()
    }

    /// The calling thread's, if it is that of the reactor with this inbox.
    #[inline]
    pub(super) fn of(inbox: &Inbox) -> Option<Rc<Self>> {
        OWN.try_with(|own| own.get().filter(|own| ptr::eq(own.inbox.get(), inbox)).cloned())
            .ok()
            .flatten()
    }

    /// Where the next call goes.
    #[inline]
    pub(super) fn calls(&self) -> RefMut<'_, Box<Batch>> {
        self.any.set(true);
        self.calls.borrow_mut()
    }

    /// The batch that is being read is put aside unfinished.
    pub(super) fn leave(&self) {
        self.any.set(true);
    }

    /// Whether there are any, or some were left.
    #[inline]
    pub(super) fn has_calls(&self) -> bool {
        self.any.get()
    }

    /// Exchanges the finished `batch` for the calls.
    pub(super) fn take(&self, batch: &mut Box<Batch>) {
        self.any.set(false);
        std::mem::swap(batch, &mut self.calls.borrow_mut());
    }
}
