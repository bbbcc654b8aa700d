//! How many descriptors the sockets of an app may have at once.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

/// A socket's part in the descriptors of its app: given back when the socket, whose last member it is, is closed.
#[derive(Debug)]
pub(super) struct Share(Rc<Cell<u32>>);

impl Share {
    /// Takes one of those that are left. If none is, that fails as it does for a process without descriptors.
    pub(super) fn take(left: &Rc<Cell<u32>>) -> io::Result<Self> {
        let none_left = || io::Error::from_raw_os_error(libc::EMFILE);
        left.set(left.get().checked_sub(1).ok_or_else(none_left)?);
        Ok(Self(Rc::clone(left)))
    }

    /// One more of the same app.
    pub(super) fn another(&self) -> io::Result<Self> {
        Self::take(&self.0)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}
