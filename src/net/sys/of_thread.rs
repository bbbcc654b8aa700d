//! What belongs to one thread, in the hands of others.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A value that no thread gets at but the first one that claims it.
#[derive(Default)]
pub(crate) struct OfThread<T> {
    /// 0: nobody's yet. Compared only with the number of the thread that asks, which would have written it itself.
    thread: AtomicUsize,
    value: T,
}

// SAFETY: what is shared is never touched but by one thread. Should another have its number one day, then that one has
// ended, and the value is handed over to it, which `Send` allows.
unsafe impl<T: Send> Sync for OfThread<T> {}

impl<T> OfThread<T> {
    /// From now on it is the calling thread's, unless another one was first.
    pub(crate) fn claim(&self) {
        let _ =
            self.thread.compare_exchange(0, this_thread(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The value, if it is the calling thread's.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        (self.thread.load(Ordering::Relaxed) == this_thread()).then_some(&self.value)
    }
}

impl<T> fmt::Debug for OfThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfThread").finish_non_exhaustive()
    }
}

/// A number that no other living thread has; for less than a look into memory of the thread's own.
#[inline]
pub(crate) fn this_thread() -> usize {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::pthread_self() as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_thread_that_claims_a_value_gets_at_it() {
        let of_this = OfThread { value: 7, ..OfThread::default() };
        assert_eq!(of_this.get(), None);
        of_this.claim();
        assert_eq!(of_this.get(), Some(&7));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                of_this.claim();
                assert_eq!(of_this.get(), None);
            });
        });
        assert_eq!(of_this.get(), Some(&7));
    }
}
