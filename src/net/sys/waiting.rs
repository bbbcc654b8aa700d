//! Waiting until a socket is ready: what a reactor does each turn.
//!
//! On Linux by the bare system call, since the C library's is a point where a thread may be cancelled, like
//! those of `transfer`.

use std::io;
use std::time::Duration;

use mio::Poll;

use super::{WAKER, unpack};
use crate::net::{Ready, Token};

/// Events taken at a time.
const EVENTS: usize = 256;

/// A poll and what it has found.
pub(crate) struct Waiting {
    poll: Poll,
    events: system::Events,
}

impl Waiting {
    pub(crate) fn new(poll: Poll) -> Self {
        Self { poll, events: system::Events::with_capacity(EVENTS) }
    }

    /// Waits until something is ready, or for so long; an interrupted wait finds nothing.
    #[inline]
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let waited = system::wait(&mut self.poll, &mut self.events, timeout);
        match waited {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            waited => waited,
        }
    }

    /// What is ready: the slot of an app, the source, and what for.
    #[inline]
    pub(crate) fn found(&self) -> impl Iterator<Item = (u32, Token, Ready)> {
        self.events.iter().filter(|event| system::token(event) != WAKER).map(|event| {
            let (slot, token) = unpack(system::token(event));
            (slot, token, system::ready(event))
        })
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::os::fd::{AsRawFd, BorrowedFd};

    use rustix::event::{Timespec, epoll};

    use super::*;

    pub(super) type Events = Vec<epoll::Event>;

    /// A longer wait is cut: it ends in vain.
    const LONGEST: Duration = Duration::from_secs(24 * 3600);

    #[inline]
    pub(super) fn wait(
        poll: &mut Poll,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.min(LONGEST).as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        // SAFETY: the poll is open as long as it is borrowed.
        let poll = unsafe { BorrowedFd::borrow_raw(poll.as_raw_fd()) };
        events.clear();
        epoll::wait(poll, rustix::buffer::spare_capacity(events), timeout.as_ref())?;
        Ok(())
    }

    #[inline]
    pub(super) fn token(event: &epoll::Event) -> mio::Token {
        let data = event.data;
        mio::Token(data.u64() as usize)
    }

    #[inline]
    pub(super) fn ready(event: &epoll::Event) -> Ready {
        use epoll::EventFlags as Flags;
        let flags = event.flags;
        Ready {
            readable: flags.intersects(Flags::IN | Flags::PRI | Flags::ERR),
            writable: flags.intersects(Flags::OUT | Flags::ERR),
            // Urgent data makes a read stop at its mark, short of what is there.
            read_closed: flags.intersects(Flags::RDHUP | Flags::HUP | Flags::PRI | Flags::ERR),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use super::*;

    pub(super) type Events = mio::Events;

    pub(super) fn wait(
        poll: &mut Poll,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        poll.poll(events, timeout)
    }

    pub(super) fn token(event: &mio::event::Event) -> mio::Token {
        event.token()
    }

    pub(super) fn ready(event: &mio::event::Event) -> Ready {
        let failed = event.is_error();
        Ready {
            readable: event.is_readable() || failed,
            writable: event.is_writable() || failed,
            read_closed: event.is_read_closed() || failed,
        }
    }
}
