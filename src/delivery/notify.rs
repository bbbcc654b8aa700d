//! How hosts with a loop of their own learn of events: a descriptor that is readable exactly while it
//! is raised, and a stream of wake-ups.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use socket2::SockRef;

use crate::net::NO_SIGNAL;

/// Raised or not; level-triggered. Callers serialise `raise` and `lower`.
#[derive(Debug)]
pub(super) struct Level {
    read_end: File,
    /// `None` where one descriptor serves both ends.
    write_end: Option<File>,
}

impl Level {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        let read_end = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { read_end: read_end.into(), write_end: None })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn new() -> io::Result<Self> {
        let (read_end, write_end) = io::pipe()?;
        let file = |end: OwnedFd| File::from(end);
        Ok(Self { read_end: file(read_end.into()), write_end: Some(file(write_end.into())) })
    }

    /// What the host polls.
    pub(super) fn handle(&self) -> isize {
        self.read_end.as_raw_fd() as isize
    }

    /// Makes it readable; only called while it is not.
    pub(super) fn raise(&self) {
        // Fails only if the host closed the descriptor, which its contract forbids.
        let mut end = self.write_end.as_ref().unwrap_or(&self.read_end);
        let _ = end.write(&1_u64.to_ne_bytes());
    }

    /// Makes it unreadable; only called while it is readable.
    pub(super) fn lower(&self) {
        let _ = (&self.read_end).read(&mut [0; 8]);
    }
}

/// Our end of a stream of wake-ups. The host owns, reads and closes the other end.
#[derive(Debug)]
pub(super) struct Wakeups {
    ours: Arc<UnixStream>,
    /// The host has found the queue empty, and was not told of an event since.
    is_due: bool,
}

impl Wakeups {
    /// Both ends, neither of which blocks.
    pub(super) fn new() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        Ok((Self { ours: Arc::new(ours), is_due: true }, theirs.into()))
    }

    /// Our end.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }

    /// The host found the queue empty: it waits for the next event.
    pub(super) fn found_empty(&mut self) {
        self.is_due = true;
    }

    /// An event is queued: the byte for a host that waits for it. It is sent when no lock is held that the host
    /// would run into.
    pub(super) fn due(&mut self) -> Option<DueByte> {
        std::mem::take(&mut self.is_due).then(|| DueByte(Arc::clone(&self.ours)))
    }
}

/// A byte that the host waits for.
#[must_use]
#[derive(Debug)]
pub(super) struct DueByte(Arc<UnixStream>);

impl DueByte {
    pub(super) fn send(self) {
        // A full stream is readable anyway; a closed one has no reader that waits. Not every standard library
        // keeps SIGPIPE from whom writes to it.
        let _ = SockRef::from(&*self.0).send_with_flags(&[0], NO_SIGNAL);
    }
}
