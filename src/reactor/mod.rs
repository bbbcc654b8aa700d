//! The thread that owns sockets, and how other threads reach it.

mod apps;
mod batch;
mod blocks;
mod gate;
mod helm;
mod inbox;
mod life;
mod line;
mod own;
mod preparing;
mod shown;
mod slots;
mod spin;
mod turn;

use std::io;
use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::thread::JoinHandle;

use mio::Poll;

use crate::api::net_error::Status;
use crate::net::sys::{self, this_thread};
use crate::resolver::Resolver;
use batch::Message;
use helm::{Helper, SharedHelm};
use inbox::{Inbox, SharedInbox};
use slots::Numbers;

pub(crate) use batch::Change;
pub(crate) use line::{Line, MAX_BESIDE};
pub(crate) use slots::Slot;
pub(crate) use turn::Seat;

/// A running reactor. Its thread ends when this is dropped and its apps have ended.
pub(crate) struct Reactor {
    inbox: SharedInbox,
    helm: SharedHelm,
    slots: Arc<Numbers>,
    thread: Option<JoinHandle<()>>,
}

impl Reactor {
    /// Starts a reactor whose names are resolved by `resolver`.
    pub(crate) fn start(resolver: Box<dyn Resolver>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let inbox = Arc::new(Inbox::new(&registry)?);
        let helm = SharedHelm::default();
        let shared = (Arc::clone(&inbox), Arc::clone(&helm));
        let thread = std::thread::Builder::new().name("chromesock".into());
        let run = move || turn::run(poll, registry, shared, resolver);
        let thread = sys::without_signals(|| thread.spawn(run))?;
        Ok(Self { inbox, helm, slots: Arc::default(), thread: Some(thread) })
    }

    /// A slot for an app, if any is left.
    pub(crate) fn new_slot(&self) -> Result<Slot, Status> {
        self.slots.take().ok_or(Status::InsufficientResources)
    }

    /// Seats an app; the line that its calls come by.
    pub(crate) fn attach(&self, slot: Slot, seat: Seat) -> Result<Line, Status> {
        let number = slot.number;
        let helper = seat.helps.then(|| Helper::new(&self.helm));
        let line = Line::new(&self.inbox, &seat.setup.accounts, slot, helper);
        let message = Message::Attach(number, Box::new(seat), line.gate());
        if self.inbox.post(message) { Ok(line) } else { Err(Status::Unexpected) }
    }

    /// Whether its thread sleeps, or is about to, and must be woken.
    #[cfg(test)]
    pub(crate) fn is_asleep(&self) -> bool {
        self.inbox.is_asleep()
    }

    /// Whether a caller may take its place.
    #[cfg(test)]
    pub(crate) fn may_be_helped(&self) -> bool {
        self.inbox.is_asleep() && self.helm.is_free()
    }

    /// What a host's release runs to make the reactor look at it.
    pub(crate) fn asker(&self, slot: &Slot) -> crate::delivery::AskReactor {
        let (inbox, slot) = (Arc::clone(&self.inbox), slot.number);
        Arc::new(move || {
            inbox.post(Message::Released(slot));
        })
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.inbox.post(Message::Stop);
        if let Some(thread) = self.thread.take()
            && thread.as_pthread_t() as usize != this_thread()
        {
            // The thread's own panics were contained; a second one has nothing to tell.
            let _ = thread.join();
        }
    }
}
