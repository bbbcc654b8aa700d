//! Waiting until a socket is ready: what a reactor does each turn.

use std::io;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll};

use super::{WAKER, unpack};
use crate::net::{Ready, Token};

/// Events taken at a time.
const EVENTS: usize = 256;

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

    /// What is ready: the slot of an app, the source, and what for.
    pub(crate) fn found(&self) -> impl Iterator<Item = (u32, Token, Ready)> {
        self.events.iter().filter(|event| event.token() != WAKER).map(|event| {
            let (slot, token) = unpack(event.token());
            (slot, token, ready(event))
        })
    }
}

fn ready(event: &Event) -> Ready {
    let failed = event.is_error();
    Ready {
        readable: event.is_readable() || failed,
        writable: event.is_writable() || failed,
        // Urgent data makes a read stop at its mark, short of what is there.
        read_closed: event.is_read_closed() || event.is_priority() || failed,
    }
}
