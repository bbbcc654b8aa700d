//! Who steers a reactor: its thread while it is awake. While that sleeps, a caller may take its place, for what it
//! has called itself: that costs neither a wake-up nor a switch of threads, and the caller waits for what comes of it.
//! For the engine and for delivery who steers is the reactor's thread. It is always the real one that delivers
//! callbacks, ends apps, and reads what sockets report.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use parking_lot::Mutex;

use super::inbox::SharedInbox;
use super::turn::Turn;
use crate::net::sys::Passed;

/// Calls that a caller carries out: more of them the reactor does better meanwhile, if it has a CPU of its own.
const FEW: usize = 4;

/// What is needed to steer, while the reactor runs; locked by who does.
#[derive(Default)]
pub(super) struct Helm(Mutex<Option<Passed<Turn>>>);

pub(super) type SharedHelm = Arc<Helm>;

impl Helm {
    pub(super) fn begin(&self, turn: Passed<Turn>) {
        *self.0.lock() = Some(turn);
    }

    /// The reactor's thread steers. Before the end only.
    pub(super) fn steer<R: Send>(&self, steer: impl FnOnce(&mut Turn) -> R + Send) -> R {
        let mut turn = self.0.lock();
        turn.as_mut().expect("it has not ended").visit(steer)
    }

    /// Nobody steers any more.
    pub(super) fn end(&self) -> Option<Passed<Turn>> {
        self.0.lock().take()
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

    /// Makes calls be there by `start`, and carries them out; false, and nothing is done, if the reactor is awake or
    /// they are too many.
    pub(super) fn help(&self, inbox: &SharedInbox, waiting: usize, start: impl FnOnce()) -> bool {
        if waiting > FEW && !self.has_one_cpu() {
            return false;
        }
        let Some(mut locked) = self.helm.0.try_lock() else { return false };
        let Some(turn) = locked.as_mut() else { return false };
        start();
        let outcome = catch_unwind(AssertUnwindSafe(|| turn.visit(Turn::help)));
        drop(locked);
        // A turn that has failed is the reactor's to end.
        if outcome.unwrap_or(true) {
            inbox.wake();
        }
        true
    }

    fn has_one_cpu(&self) -> bool {
        let look = || available_parallelism().is_ok_and(|cpus| cpus.get() == 1);
        *self.has_one_cpu.get_or_init(look)
    }
}
