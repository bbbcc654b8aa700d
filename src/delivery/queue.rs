//! What the engine and the host share of one app: its events, and the credit that comes back for them. An event that
//! the host owns gives back to it, also when the app is gone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, MutexGuard};

use super::credit::Returned;
use super::end::End;
use super::interest::Closing;
use super::notify::{DueByte, Wakeups};
use super::pull::Shell;
use super::within::ThisThread;
use crate::api::event::Event;
use crate::api::net_error::Status;

/// Asks the reactor to take up released bytes.
pub type AskReactor = Arc<dyn Fn() + Send + Sync>;

/// The events of one app, and what was given back for them.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    /// Whether `State::returned` is not empty.
    pub(super) any_released: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) events: VecDeque<Event>,
    /// The thread that is delivering, so that callbacks never overlap.
    pub(super) drainer: Option<ThisThread>,
    pub(super) closing: Closing,
    /// Received bytes that the host was not given yet, or keeps.
    pub(super) undelivered: usize,
    pub(super) returned: Returned,
    /// Empty ones, for the next dispatch.
    pub(super) spare: (VecDeque<Event>, Returned),
    pub(super) shells: Vec<Shell>,
    /// The engine has stopped reading until something is released.
    pub(super) wants_release: bool,
    /// `None`: the app is gone, and nobody takes what is given back.
    pub(super) ask_reactor: Option<AskReactor>,
    pub(super) wakeups: Option<Wakeups>,
    pub(super) end: End,
}

impl State {
    pub(super) fn count_undelivered(&mut self, bytes: isize) {
        self.undelivered = self.undelivered.wrapping_add_signed(bytes);
    }

    /// The byte for a host that has found nothing, if there is something now.
    pub(super) fn due_byte(&mut self) -> Option<DueByte> {
        self.wakeups.as_mut().filter(|_| !self.events.is_empty()).and_then(Wakeups::due)
    }

    /// Whether this thread may take an event from the queue now; an error if it never may.
    pub(super) fn may_take(&self) -> Result<bool, Status> {
        match self.drainer {
            Some(drainer) if drainer == ThisThread::current() => Err(Status::RecursiveCall),
            // What remains goes to its callbacks.
            _ if self.end.is_freed() => Err(Status::ContextShutDown),
            None if !self.events.is_empty() => Ok(true),
            _ if self.end.said_closed && self.events.is_empty() => Err(Status::ContextShutDown),
            _ => Ok(false),
        }
    }
}

impl Queue {
    /// An empty one.
    pub(super) fn new(ask_reactor: AskReactor) -> Arc<Self> {
        let queue = Self::default();
        queue.lock().ask_reactor = Some(ask_reactor);
        Arc::new(queue)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The app is gone: of what it had, nothing waits for events that the host still owns.
    pub(super) fn close(&self) {
        let left = std::mem::take(&mut *self.lock());
        drop(left);
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}
