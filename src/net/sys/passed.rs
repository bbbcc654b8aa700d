//! What many parts make up that share memory, in the hands of one thread after another.

/// A value that threads pass on as a whole. It is made and visited by closures that are `Send`: so what comes in and
/// goes out has no part in memory that the value's own parts share without locks (`Rc`, `Cell`).
pub(crate) struct Passed<T>(T);

// SAFETY: who has the value has all that shares memory with it, as said above; visits keep nothing of it in memory of
// their thread.
unsafe impl<T> Send for Passed<T> {}

impl<T> Passed<T> {
    pub(crate) fn new(make: impl FnOnce() -> T + Send) -> Self {
        Self(make())
    }

    /// Nothing of the value may stay in memory of the calling thread.
    pub(crate) fn visit<R: Send>(&mut self, visit: impl FnOnce(&mut T) -> R + Send) -> R {
        visit(&mut self.0)
    }
}
