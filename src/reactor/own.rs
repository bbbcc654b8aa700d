//! What callbacks call on a reactor's own thread: the reactor takes it up by itself when they have
//! returned, so that it costs neither a lock nor a wake-up.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::batch::Batch;
use super::inbox::{Inbox, SharedInbox};

thread_local! {
    // One of two in the library: nothing else tells for less than a lock on whose thread a call is made.
    static OWN: RefCell<Option<Rc<Own>>> = const { RefCell::new(None) };
}

/// The calls made on a reactor's thread that it has not read yet.
pub(super) struct Own {
    inbox: SharedInbox,
    calls: RefCell<Batch>,
}

impl Own {
    /// From now on the calling thread is that of the reactor with this inbox.
    pub(super) fn begin(inbox: &SharedInbox) -> Rc<Self> {
        let own = Rc::new(Self { inbox: Arc::clone(inbox), calls: RefCell::default() });
        OWN.set(Some(Rc::clone(&own)));
        own
    }

    /// No call is taken up any more; those that were not read.
    pub(super) fn end(&self) -> Batch {
        OWN.set(None);
        self.calls.take()
    }

    /// The calling thread's, if it is that of the reactor with this inbox.
    #[inline]
    pub(super) fn of(inbox: &Inbox) -> Option<Rc<Self>> {
        let own = OWN.try_with(|own| own.borrow().clone()).ok().flatten();
        own.filter(|own| std::ptr::eq(&raw const *own.inbox, inbox))
    }

    /// Appends calls.
    #[inline]
    pub(super) fn push(&self, push: impl FnOnce(&mut Batch)) {
        push(&mut self.calls.borrow_mut());
    }

    /// Whether there are any calls.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.calls.borrow().is_empty()
    }

    /// Exchanges the finished `batch` for the calls.
    pub(super) fn take(&self, batch: &mut Batch) {
        std::mem::swap(batch, &mut self.calls.borrow_mut());
    }
}
