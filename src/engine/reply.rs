//! What comes out of an engine: events in order, and replies that complete exactly once.
//!
//! A reply dropped unused still completes its call, so no path through a machine, not even a panic,
//! can leave a caller waiting.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::accounts::Accounts;
use super::command::Send;
use super::read_buffer::ReadBuffer;
use crate::api::event::{Event, Payload, Response, Ticket};
use crate::api::net_error::Status;
use crate::api::table::EventType;

/// The ordered output of one engine. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Outbox(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    events: RefCell<Vec<Event>>,
    /// How many of them, from the first, have their data themselves.
    owned: Cell<usize>,
    accounts: Arc<Accounts>,
    /// Whether completions that nobody asked for are told to anyone.
    tells_unasked: Arc<AtomicBool>,
    /// What a reply dropped unused says.
    unused: Cell<Status>,
}

impl Outbox {
    /// An empty outbox that keeps `accounts` as calls complete.
    pub(super) fn new(accounts: Arc<Accounts>, tells_unasked: Arc<AtomicBool>) -> Self {
        let (events, unused) = (RefCell::default(), Cell::new(Status::Aborted));
        Self(Rc::new(Shared { events, owned: Cell::new(0), accounts, tells_unasked, unused }))
    }

    /// How many events there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.events.borrow().len()
    }

    /// Shows the events so far.
    pub(super) fn look<R>(&self, look: impl FnOnce(&[Event]) -> R) -> R {
        look(&self.0.events.borrow())
    }

    /// Replies dropped unused within `drop` say UNEXPECTED: their machine has failed.
    pub(super) fn while_failing<T>(&self, drop: impl FnOnce() -> T) -> T {
        self.0.unused.set(Status::Unexpected);
        let result = drop();
        self.0.unused.set(Status::Aborted);
        result
    }

    /// Whether anyone hears that a call has completed.
    fn tells(&self, call: EventType, ticket: Ticket) -> bool {
        // Some completions tell the delivery what other events are worth.
        call.ends_data() || call.begins_anew() || self.tells_of_send(ticket)
    }

    /// The same of a send.
    #[inline]
    fn tells_of_send(&self, ticket: Ticket) -> bool {
        ticket.callback != 0 || self.0.tells_unasked.load(Ordering::Relaxed)
    }

    #[inline]
    fn count_completed(&self, unsent: u64) {
        self.0.accounts.count_completed();
        if unsent > 0 {
            self.0.accounts.give_back_unsent(unsent);
        }
    }

    /// Appends the completion of a call.
    #[inline]
    fn tell(&self, call: EventType, socket_id: i32, ticket: Ticket, mut response: Response) {
        if call.is_legacy()
            && let Payload::BytesSent(bytes) = response.payload
        {
            // `bytesWritten` is the one number of `chrome.socket`.
            response.result = Some(i32::try_from(bytes).unwrap_or(i32::MAX));
            response.payload = Payload::None;
        }
        self.notify_with(|| Event {
            event_type: call,
            socket_id,
            client_socket_id: response.client_socket_id,
            result: response.result,
            message: response.message,
            payload: response.payload,
            secured: false,
            ticket: Some(ticket),
        });
    }

    /// Appends a notification.
    #[inline]
    pub(super) fn notify(&self, event: Event) {
        self.0.events.borrow_mut().push(event);
    }

    /// The same of one that is made in its place.
    #[inline]
    pub(super) fn notify_with(&self, event: impl FnOnce() -> Event) {
        self.0.events.borrow_mut().extend(std::iter::once_with(event));
    }

    /// Lends the events.
    pub(super) fn lend<R>(&self, to: impl FnOnce(&mut Vec<Event>) -> R) -> R {
        self.0.owned.set(0);
        to(&mut self.0.events.borrow_mut())
    }

    /// Gives the events what lies beside them in `buffer`.
    #[inline(never)]
    pub(super) fn own_data(&self, buffer: &mut ReadBuffer) {
        let beside = buffer.take_beside();
        let mut events = self.0.events.borrow_mut();
        let first = self.0.owned.replace(events.len());
        events[first..].iter_mut().for_each(|event| event.own_data(&beside));
    }

    /// Moves all events to the end of `into`, and with them what lies beside them in `buffer`.
    pub(super) fn take_into(&self, into: &mut Vec<Event>, buffer: &mut ReadBuffer) {
        if !buffer.beside().is_empty() {
            self.own_data(buffer);
        }
        self.0.owned.set(0);
        let mut events = self.0.events.borrow_mut();
        if into.is_empty() {
            std::mem::swap(into, &mut events);
        } else {
            into.append(&mut events);
        }
    }
}

/// The duty to complete one call.
#[derive(Debug)]
pub(super) struct Reply {
    /// `None` once completed.
    outbox: Option<Outbox>,
    event_type: EventType,
    socket_id: i32,
    ticket: Ticket,
    /// Bytes of a send that count against the quota until the call completes (tcp.md Q-2).
    unsent: u64,
}

impl Reply {
    /// The duty to complete the call with this head.
    pub(super) fn new(
        outbox: &Outbox,
        event_type: EventType,
        socket_id: i32,
        ticket: Ticket,
    ) -> Self {
        Self { outbox: Some(outbox.clone()), event_type, socket_id, ticket, unsent: 0 }
    }

    /// The duty to complete a send.
    fn to(send: &Send, outbox: &Outbox) -> Self {
        let Send { event_type, socket_id, ticket, len } = *send;
        Self::new(outbox, event_type, socket_id, ticket).of_send(len as u64)
    }

    /// Completes a send of which nothing is left.
    #[inline]
    fn complete_whole(send: &Send, outbox: &Outbox) {
        if outbox.tells_of_send(send.ticket) {
            Self::tell_of_whole(send, outbox);
        } else {
            outbox.count_completed(send.len as u64);
        }
    }

    #[inline(never)]
    fn tell_of_whole(send: &Send, outbox: &Outbox) {
        let Send { event_type, socket_id, ticket, len } = *send;
        outbox.count_completed(len as u64);
        outbox.tell(event_type, socket_id, ticket, Response::sent(len as u64));
    }

    #[cold]
    #[inline(never)]
    fn drop_all(sends: &[Send], outbox: &Outbox) {
        sends.iter().for_each(|send| drop(Self::to(send, outbox)));
    }

    /// The reply to a send, whose bytes were taken from the quota.
    #[must_use]
    pub(super) fn of_send(mut self, bytes: u64) -> Self {
        self.unsent = bytes;
        self
    }

    /// Completes the call.
    pub(super) fn complete(mut self, response: Response) {
        self.push(response);
    }

    /// Completes a send of `bytes`.
    pub(super) fn complete_send(self, bytes: u64) {
        self.complete(Response::sent(bytes));
    }

    /// Completes the call with `FAIL(code)`; `chrome.socket` tells the number alone
    /// (socket-legacy.md 3).
    pub(super) fn fail(self, status: Status) {
        let response = self.failure(status);
        self.complete(response);
    }

    fn failure(&self, status: Status) -> Response {
        if self.event_type.is_legacy() {
            Response::number(status.number())
        } else {
            Response::failed(status)
        }
    }

    /// What the call's completion will be.
    pub(super) fn event_type(&self) -> EventType {
        self.event_type
    }

    #[cold]
    #[inline(never)]
    fn complete_unused(&mut self) {
        let Some(outbox) = &self.outbox else { return };
        let unused = outbox.0.unused.get();
        let status = if std::thread::panicking() { Status::Unexpected } else { unused };
        let response = self.failure(status);
        self.push(response);
    }

    fn push(&mut self, response: Response) {
        let Some(outbox) = self.outbox.take() else {
            return;
        };
        outbox.count_completed(self.unsent);
        if outbox.tells(self.event_type, self.ticket) {
            outbox.tell(self.event_type, self.socket_id, self.ticket, response);
        }
    }
}

impl Drop for Reply {
    #[inline]
    fn drop(&mut self) {
        if self.outbox.is_some() {
            self.complete_unused();
        }
    }
}

/// The duties to complete sends that are carried out together, in order, each with its length. What is left
/// when this is dropped was dropped unused.
pub(super) struct Replies<'a> {
    outbox: &'a Outbox,
    sends: &'a [Send],
}

impl<'a> Replies<'a> {
    /// Those of these sends, whose bytes were taken from the quota.
    #[inline]
    pub(super) fn new(outbox: &'a Outbox, sends: &'a [Send]) -> Self {
        Self { outbox, sends }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }

    /// Leaves the duties to the caller.
    #[inline]
    pub(super) fn hand_on(mut self) {
        self.sends = &[];
    }

    /// Completes all of them.
    #[inline(always)]
    pub(super) fn complete_all(mut self) {
        while let Some((send, others)) = self.sends.split_first() {
            self.sends = others;
            Reply::complete_whole(send, self.outbox);
        }
    }

    /// The sends with their bytes, which lie in `data` one after the other.
    pub(super) fn with_data(self, data: &'a [u8]) -> impl Iterator<Item = (&'a [u8], Reply)> {
        let mut rest = data;
        self.map(move |(len, reply)| {
            let (own, others) = rest.split_at(len);
            rest = others;
            (own, reply)
        })
    }

    /// Completes the next sends, as many as `bytes` cover from their beginning; how many bytes are left.
    pub(super) fn complete_covered(&mut self, mut bytes: usize) -> usize {
        while let Some((send, others)) = self.sends.split_first()
            && send.len <= bytes
        {
            bytes -= send.len;
            self.sends = others;
            Reply::complete_whole(send, self.outbox);
        }
        bytes
    }
}

impl Iterator for Replies<'_> {
    type Item = (usize, Reply);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (send, others) = self.sends.split_first()?;
        self.sends = others;
        Some((send.len, Reply::to(send, self.outbox)))
    }
}

impl Drop for Replies<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_empty() {
            Reply::drop_all(self.sends, self.outbox);
        }
    }
}
