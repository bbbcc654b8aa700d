//! The end of an app: when it has ended and is freed, whoever is last hands out what remains and says `gone`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::queue::State;
use super::within::{self, InsideCallback, ThisThread};
use super::{Delivery, FREED, Mode, Returned};

/// How far an app's end has come.
#[derive(Default)]
pub(super) struct End {
    /// The last event has been queued (queue mode) or delivered (reactor mode).
    pub(super) ended: bool,
    /// Nothing is left to take: APP_CLOSED was handed out.
    pub(super) said_closed: bool,
    finisher: Finisher,
}

/// Who finishes an app.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Finisher {
    /// Nobody: the host has not freed it.
    #[default]
    Nobody,
    /// The last one to be at it.
    Last,
    /// The thread that has freed it, which waits, or will.
    Waiting,
    /// That is done, or under way.
    Done,
}

impl End {
    /// The host has freed the app.
    pub(super) fn is_freed(&self) -> bool {
        self.finisher != Finisher::Nobody
    }
}

impl State {
    /// Whether the app is freed, ended and idle, and nobody waits to finish it.
    fn may_finish(&self) -> bool {
        self.end.finisher == Finisher::Last && self.end.ended && self.drainer.is_none()
    }
}

impl Delivery {
    /// Whether the host has freed the app.
    pub fn is_freed(&self) -> bool {
        self.limits.load(Ordering::Acquire) & FREED != 0
    }

    /// The app has ended: no event follows.
    pub fn end(&self) {
        let mut state = self.queue.lock();
        state.end.ended = true;
        if self.mode == Mode::Reactor {
            state.end.said_closed = true;
        }
        self.changed.notify_all();
        self.finish_if_last(state);
    }

    /// The host frees the app, which `close` closes: what remains is handed out and nothing after it. It may do so again
    /// in the last callbacks.
    ///
    /// Outside of callbacks this returns when that is done. Inside one, of whatever app, it runs none: what remains
    /// follows on this thread when that callback has returned, if this thread may wait or the app has ended; else on
    /// the reactor's.
    pub fn free(self: &Arc<Self>, close: impl FnOnce()) {
        // First, so that another thread that waits for events gets none of what remains.
        if !self.begin_free(Finisher::Waiting) {
            return;
        }
        close();
        if !InsideCallback::is_current() {
            return self.end_freed();
        }
        let may_wait = InsideCallback::may_wait();
        if may_wait && within::end_later(self) {
            return;
        }
        let mut state = self.queue.lock();
        state.end.finisher = Finisher::Last;
        if may_wait || !state.may_finish() || !within::end_later(self) {
            self.finish_if_last(state);
        }
    }

    /// The host has gone without a word: frees the app, which is closing, in its place, unless it had done so
    /// before.
    pub fn free_for_host(&self) {
        if self.begin_free(Finisher::Last) {
            self.finish_if_last(self.queue.lock());
        }
    }

    /// False if the app is freed already.
    fn begin_free(&self, finisher: Finisher) -> bool {
        let mut state = self.queue.lock();
        if state.end.is_freed() {
            return false;
        }
        state.end.finisher = finisher;
        self.limits.fetch_or(FREED, Ordering::Release);
        self.changed.notify_all();
        true
    }

    /// The host has freed the app, outside of callbacks or in one that has returned: finishes, if it is time or this
    /// thread waits to do it.
    pub(super) fn end_freed(&self) {
        let mut state = self.queue.lock();
        if state.end.finisher != Finisher::Waiting {
            return self.finish_if_last(state);
        }
        while !(state.end.ended && state.drainer.is_none()) {
            self.changed.wait(&mut state);
        }
        let _inside = InsideCallback::enter_waiting();
        self.finish(state);
    }

    /// Finishes if nobody else is to do it.
    pub(super) fn finish_if_last(&self, state: MutexGuard<'_, State>) {
        if state.may_finish() {
            self.finish(state);
        }
    }

    /// Hands out the remaining completions and says goodbye.
    fn finish(&self, mut state: MutexGuard<'_, State>) {
        state.end.finisher = Finisher::Done;
        state.drainer = Some(ThisThread::current());
        let mut rest = std::mem::take(&mut state.events);
        drop(state);
        let epoch = self.unloads_done.load(Ordering::Acquire);
        while !rest.is_empty() {
            // A callback that panics costs itself only: nobody is left to be told.
            let _ = self.run_and_release(&mut rest, &mut Returned::default(), epoch);
        }
        let inside = InsideCallback::enter();
        self.handlers.clear();
        drop(inside);
        let mut state = self.queue.lock();
        state.drainer = None;
        state.wakeups = None;
        drop(state);
        self.host.gone();
    }
}
