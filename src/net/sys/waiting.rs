//! Waiting until a socket is ready, as a reactor does each turn, or until the host closes its end of a stream.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry};

use super::tcp;
use super::token::{pack, unpack};
use crate::net::{Ready, Token};

/// Events taken at a time.
const EVENTS: usize = 256;

const MARKS_ARE_TOLD: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A poll and what it has found.
pub(crate) struct Waiting {
    poll: Poll,
    events: Events,
}

impl Waiting {
    pub(crate) fn new(poll: Poll) -> Self {
        Self { poll, events: Events::with_capacity(EVENTS) }
    }

    /// Waits until something is ready, or for so long; an interrupted wait finds nothing.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            waited => waited,
        }
    }

    /// What is ready: the slot of an app, the source, and what for; in slot 0 the reactor's own waker.
    pub(crate) fn found(&self) -> impl Iterator<Item = (u32, Token, Ready)> {
        self.events.iter().map(|event| {
            let (slot, token) = unpack(event.token());
            (slot, token, ready(event))
        })
    }
}

fn ready(event: &Event) -> Ready {
    let failed = event.is_error();
    let mut ready = Ready::default();
    ready.set(Ready::READABLE, event.is_readable() || failed);
    ready.set(Ready::WRITABLE, event.is_writable() || failed);
    // Urgent data makes a read stop at its mark, short of what is there. Where no event tells of one, any read may.
    let may_be_mark = event.is_priority() || (!MARKS_ARE_TOLD && event.is_readable());
    ready.set(Ready::READ_CLOSED, event.is_read_closed() || may_be_mark || failed);
    ready
}

/// Watches for the end of a stream that is no socket of an app: no owner is 0.
pub(crate) fn watch(registry: &Registry, stream: BorrowedFd<'_>, slot: u32) -> io::Result<()> {
    let token = pack(slot, Token { owner: 0, lane: 0 });
    registry.register(&mut SourceFd(&stream.as_raw_fd()), token, Interest::READABLE)
}

/// Whether the other end of such a stream is closed.
pub(crate) fn has_ended(stream: BorrowedFd<'_>) -> bool {
    tcp::has_ended(&stream)
}

/// Whether an event is about such a stream, or the reactor's waker.
pub(crate) fn is_watched(token: Token) -> bool {
    token.owner == 0
}
