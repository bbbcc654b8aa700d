//! Waiting until a socket is ready, as a reactor does each turn, or until the host closes its end of a stream.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry};

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::alarm::Alarm;
use super::tcp;
use super::token::{pack, unpack};
use crate::net::{Ready, Token};

/// Events taken at a time.
const EVENTS: usize = 256;

const MARKS_ARE_TOLD: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A time that is so near is waited for by an alarm, if the sleep before waited for it as well, and after so many sleeps
/// in a row that waited for such a time.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NEAR: Duration = Duration::from_millis(2);
#[cfg(any(target_os = "linux", target_os = "android"))]
const MANY: u32 = 16;

/// A poll and what it has found.
pub(crate) struct Waiting {
    poll: Poll,
    events: Events,
    #[cfg(any(target_os = "linux", target_os = "android"))]
    alarm: Option<Alarm>,
    /// The last sleeps, as far as they waited for a time that was near; and for which the last one did.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    near: (u32, Option<Instant>),
}

impl Waiting {
    pub(crate) fn new(poll: Poll) -> Self {
        Self {
            poll,
            events: Events::with_capacity(EVENTS),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            alarm: None,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            near: (0, None),
        }
    }

    /// Finds what is ready.
    pub(crate) fn look(&mut self) -> io::Result<()> {
        self.poll(Some(Duration::ZERO))
    }

    /// Waits until something is ready, or some time has come; an interrupted wait finds nothing.
    pub(crate) fn wait(&mut self, due: Option<Instant>) -> io::Result<()> {
        let timeout = match due {
            Some(due) => self.timeout(due),
            None => {
                self.forget_near();
                None
            }
        };
        self.poll(timeout)
    }

    /// For how long to wait; `None` if an alarm ends it.
    fn timeout(&mut self, due: Instant) -> Option<Duration> {
        let left = due.saturating_duration_since(Instant::now());
        // The poll rounds it up, or there would be turns for nothing.
        if self.sets_alarm(due, left) { None } else { Some(left) }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn sets_alarm(&mut self, due: Instant, left: Duration) -> bool {
        let (near, last) = self.near;
        self.near = (if left > NEAR { 0 } else { near.saturating_add(1) }, Some(due));
        if self.near.0 < MANY || last != Some(due) || left.is_zero() {
            return false;
        }
        if self.alarm.is_none() {
            self.alarm = Alarm::new(self.poll.registry()).ok();
        }
        self.alarm.as_mut().is_some_and(|alarm| alarm.set(due, left).is_ok())
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn forget_near(&mut self) {
        self.near = (0, None);
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn forget_near(&mut self) {}

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn sets_alarm(&mut self, _: Instant, _: Duration) -> bool {
        false
    }

    fn poll(&mut self, timeout: Option<Duration>) -> io::Result<()> {
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
