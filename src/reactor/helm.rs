//! Who steers a reactor: its thread while it is awake. While that sleeps, a caller may take its place, for what it
//! has called itself: that costs neither a wake-up nor a switch of threads, and the caller waits for what comes of it.
//! For the engine and for delivery who steers is the reactor's thread. It is always the real one that delivers events
//! to callbacks, ends apps, and learns what sockets are ready for; the release of lent memory may run on either.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use parking_lot::Mutex;

use super::inbox::SharedInbox;
use super::turn::Turn;
use crate::net::sys::Passed;

/// Calls that a caller carries out: more of them the reactor does better meanwhile, if it has a CPU of its own.
const FEW: usize = 8;

/// What is needed to steer, while the reactor runs; locked by who does.
#[derive(Default)]
pub(super) struct Helm {
    steering: Mutex<Steering>,
    /// The reactor's thread has woken up and waits for the lock. Callers that come again and again would overtake it.
    is_wanted: AtomicBool,
}

pub(super) type SharedHelm = Arc<Helm>;

#[derive(Default)]
struct Steering {
    turn: Option<Passed<Turn>>,
    /// A turn was broken off by a panic: nobody goes on with what it has left.
    has_failed: bool,
}

impl Steering {
    /// `None` if that fails, or has failed before.
    fn steer<R: Send>(&mut self, steer: impl FnOnce(&mut Turn) -> R + Send) -> Option<R> {
        let turn = self.turn.as_mut().filter(|_| !self.has_failed)?;
        let outcome = catch_unwind(AssertUnwindSafe(|| turn.visit(steer)));
        self.has_failed = outcome.is_err();
        outcome.ok()
    }
}

impl Helm {
    pub(super) fn begin(&self, turn: Passed<Turn>) {
        self.steering.lock().turn = Some(turn);
    }

    /// The reactor's thread steers; `None` if that fails, or a caller has failed at it.
    pub(super) fn steer<R: Send>(&self, steer: impl FnOnce(&mut Turn) -> R + Send) -> Option<R> {
        self.is_wanted.store(true, Ordering::Relaxed);
        let mut steering = self.steering.lock();
        self.is_wanted.store(false, Ordering::Relaxed);
        steering.steer(steer)
    }

    /// Nobody steers any more.
    pub(super) fn end(&self) -> Option<Passed<Turn>> {
        self.steering.lock().turn.take()
    }

    /// Whether a caller could steer at this moment.
    #[cfg(test)]
    pub(super) fn is_free(&self) -> bool {
        self.steering.try_lock().is_some()
    }
}

/// A caller that may take the place of its sleeping reactor.
pub(super) struct Helper {
    helm: SharedHelm,
    has_one_cpu: OnceLock<bool>,
}

impl Helper {
    pub(super) fn new(helm: &SharedHelm) -> Self {
        Self { helm: Arc::clone(helm), has_one_cpu: OnceLock::new() }
    }

    /// Makes an app's calls be there by `start`, and carries them out; false, and nothing is done, if there are none or
    /// too many, or the reactor is awake.
    pub(super) fn help(&self, inbox: &SharedInbox, slot: u32, start: impl FnOnce()) -> bool {
        let most = (!self.has_one_cpu()).then_some(FEW);
        if !inbox.has_waiting(slot, most) {
            return false;
        }
        // The host may free the app in a `release`: this and its line are gone then.
        let (helm, inbox) = (Arc::clone(&self.helm), Arc::clone(inbox));
        if helm.is_wanted.load(Ordering::Relaxed) {
            return false;
        }
        let Some(mut steering) = helm.steering.try_lock() else { return false };
        start();
        let is_done = steering.steer(Turn::help) == Some(true);
        drop(steering);
        if !is_done {
            inbox.wake();
        }
        true
    }

    fn has_one_cpu(&self) -> bool {
        let look = || available_parallelism().is_ok_and(|cpus| cpus.get() == 1);
        *self.has_one_cpu.get_or_init(look)
    }
}

#[cfg(test)]
mod tests {
    use super::super::inbox::Inbox;
    use super::*;

    #[test]
    fn callers_step_back_for_a_reactor_that_waits() {
        let poll = mio::Poll::new().unwrap();
        let inbox = Arc::new(Inbox::new(poll.registry()).unwrap());
        let helm = SharedHelm::default();
        let helper = Helper::new(&helm);
        let is_wanted = || helm.is_wanted.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            let steered = helm.steering.lock();
            scope.spawn(|| helm.steer(|_| ()));
            while !is_wanted() {
                std::thread::yield_now();
            }
            drop(steered);
        });
        assert!(!is_wanted(), "it has had its turn");
        // The lock is free, but not yet taken by who waits for it.
        helm.is_wanted.store(true, Ordering::Relaxed);
        assert!(!helper.help(&inbox, 1, || panic!("a call was started")));
    }
}
