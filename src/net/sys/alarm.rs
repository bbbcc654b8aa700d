//! A timer of the system's that stays set over several sleeps.
//!
//! The time-out of a sleep is a timer that is set before it and taken back behind it. A reactor that waits for a moment
//! soon to come, and is woken many times until then, spends much on that: on a virtual machine microseconds each time.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::WAKER;

#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    due: Option<Instant>,
}

impl Alarm {
    /// One that ends the sleeps of a poll.
    pub(super) fn new(registry: &Registry) -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // Each time that it is set brings an event of its own: nobody has to read it.
        registry.register(&mut SourceFd(&timer.as_raw_fd()), WAKER, Interest::READABLE)?;
        Ok(Self { timer, due: None })
    }

    /// Rings when `due` has come, after so long. It may be set for that already.
    pub(super) fn set(&mut self, due: Instant, after: Duration) -> io::Result<()> {
        if self.due != Some(due) {
            let it_value = Timespec::try_from(after).map_err(|_| io::ErrorKind::InvalidInput)?;
            let it_interval = Timespec::default();
            let times = Itimerspec { it_interval, it_value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &times)?;
            self.due = Some(due);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mio::{Events, Poll};

    use super::*;

    #[test]
    fn it_ends_each_sleep_it_was_set_for() {
        let mut poll = Poll::new().unwrap();
        let mut alarm = Alarm::new(poll.registry()).unwrap();
        let mut events = Events::with_capacity(4);
        for _ in 0..3 {
            let after = Duration::from_millis(1);
            let due = Instant::now() + after;
            alarm.set(due, after).unwrap();
            poll.poll(&mut events, None).unwrap();
            assert!(!events.is_empty() && Instant::now() >= due);
            alarm.set(due, after).unwrap();
            poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
            assert!(events.is_empty(), "it was set for that already");
        }
    }
}
