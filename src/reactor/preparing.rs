//! What takes its time when a process does it first, and nothing afterwards: a reactor does not wait for it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::net::sys;

/// TLS, for all apps of the process.
pub(super) static TLS: Preparation = Preparation { is_done: AtomicBool::new(false) };

/// Something to be done once in a process. It is global because what it prepares is.
#[derive(Debug)]
pub(super) struct Preparation {
    is_done: AtomicBool,
}

impl Preparation {
    /// Calls `then` after `prepare` has been run, and tells it whether that could be: on a thread of its own, or, if
    /// that is long done, at once. Those that ask meanwhile each have it run.
    pub(super) fn run(&'static self, prepare: fn(), then: impl Fn(bool) + Clone + Send + 'static) {
        if self.is_done.load(Ordering::Acquire) {
            return then(true);
        }
        let after = then.clone();
        let on_thread = move || after(self.finish(prepare));
        let thread = std::thread::Builder::new().name("chromesock-tls".into());
        if sys::without_signals(|| thread.spawn(on_thread)).is_err() {
            then(self.finish(prepare));
        }
    }

    fn finish(&self, prepare: fn()) -> bool {
        let is_possible = sys::gives_random_numbers();
        if is_possible {
            prepare();
            self.is_done.store(true, Ordering::Release);
        }
        is_possible
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// Only the first app of a process starts a thread.
    #[test]
    fn what_is_done_takes_no_second_thread() {
        static PREPARATION: Preparation = Preparation { is_done: AtomicBool::new(false) };
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let (tell, told) = mpsc::channel();
        let ask = || {
            let tell = tell.clone();
            let prepare = || _ = RUNS.fetch_add(1, Ordering::Relaxed);
            PREPARATION.run(prepare, move |is_prepared| {
                assert!(is_prepared);
                tell.send(thread::current().id()).unwrap();
            });
            told.recv().unwrap()
        };
        assert_ne!(ask(), thread::current().id(), "the first app's thread does not wait");
        assert_eq!(ask(), thread::current().id());
        assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    }
}
