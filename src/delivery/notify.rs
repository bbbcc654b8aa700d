//! How hosts with a loop of their own learn of events: a descriptor that is readable exactly while it
//! is raised, and a stream of wake-ups.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use socket2::{Domain, Socket, Type};

use crate::net::NO_SIGNAL;

/// Raised or not; level-triggered. Callers serialise `raise` and `lower`.
#[derive(Debug)]
pub(super) struct Level {
    read_end: File,
    /// `None` where one descriptor serves both ends.
    write_end: Option<Socket>,
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
        let (read_end, write_end) = stream_pair()?;
        Ok(Self { read_end: OwnedFd::from(read_end).into(), write_end: Some(write_end) })
    }

    /// What the host polls.
    pub(super) fn handle(&self) -> isize {
        self.read_end.as_raw_fd() as isize
    }

    /// Makes it readable; only called while it is not.
    pub(super) fn raise(&self) {
        // Fails only if the host closed the descriptor, which its contract forbids.
        let one = 1_u64.to_ne_bytes();
        let _ = match &self.write_end {
            Some(end) => end.send_with_flags(&one, NO_SIGNAL),
            None => (&self.read_end).write(&one),
        };
    }

    /// Makes it unreadable; only called while it is readable.
    pub(super) fn lower(&self) {
        let _ = (&self.read_end).read(&mut [0; 8]);
    }
}

/// A stream from one end to the other, neither of which blocks or raises SIGPIPE: where no flag of a send keeps that
/// away, an option that the standard library's pairs do not have does.
fn stream_pair() -> io::Result<(Socket, Socket)> {
    let (one, other) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    Ok((one, other))
}

/// Our end of a stream of wake-ups. The host owns, reads and closes the other end.
#[derive(Debug)]
pub(super) struct Wakeups {
    ours: Arc<Socket>,
    /// The host has found the queue empty, and was not told of an event since.
    is_due: bool,
}

impl Wakeups {
    /// Both ends, neither of which blocks.
    pub(super) fn new() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = stream_pair()?;
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
pub(super) struct DueByte(Arc<Socket>);

impl DueByte {
    pub(super) fn send(self) {
        // A full stream is readable anyway; a closed one has no reader that waits.
        let _ = self.0.send_with_flags(&[0], NO_SIGNAL);
    }
}
