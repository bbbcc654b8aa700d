//! Messages to a reactor, in order, with the bytes of small sends beside them.

use std::collections::VecDeque;

use super::turn::Seat;
use crate::engine::command::{Answer, Call, Command, QueryId, Send, SendData};

/// A buffer that has grown beyond this is not kept for the next batch.
const MAX_KEPT: usize = 1024 * 1024;

/// One message to a reactor. The number is the app's slot.
pub(super) enum Message {
    /// A new app.
    Attach(u32, Box<Seat>),
    /// A call of a page.
    Call(u32, Call),
    /// A call whose bytes are the next of `Batch::bytes`.
    Send(u32, Send),
    /// The app falls asleep, wakes up or is unloaded.
    Change(u32, Change),
    /// The app is to end.
    Close(u32),
    /// The resolver has answered.
    Answer(u32, QueryId, Answer),
    /// The host has released data that an engine waits for.
    Released(u32),
    /// Nobody holds the reactor any more.
    Stop,
}

/// A step in the life of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Sockets that are not persistent close; notifications wait.
    Suspend,
    /// What waited is delivered.
    Resume,
    /// All sockets close; what waits is dropped.
    Unload,
}

/// Messages in order, and the bytes of their small sends one after the other.
#[derive(Default)]
pub(super) struct Batch {
    messages: VecDeque<Message>,
    bytes: Vec<u8>,
    /// How many of `bytes` are used up.
    consumed: usize,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn push(&mut self, message: Message) {
        self.messages.push_back(message);
    }

    /// Appends a send, copying its data.
    pub(super) fn push_send(&mut self, slot: u32, send: Send, data: &[u8]) {
        self.bytes.extend_from_slice(data);
        self.messages.push_back(Message::Send(slot, send));
    }

    /// The first message.
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    /// All messages, without the bytes.
    pub(super) fn into_messages(self) -> impl Iterator<Item = Message> {
        self.messages.into_iter()
    }

    /// Takes over what `next` has, behind what is there.
    pub(super) fn append(&mut self, next: &mut Self) {
        if self.messages.is_empty() {
            std::mem::swap(self, next);
        } else {
            self.messages.append(&mut next.messages);
            self.bytes.append(&mut next.bytes);
        }
    }

    /// All messages are read: the memory is of use for the next ones.
    pub(super) fn recycle(&mut self) {
        self.bytes.clear();
        self.consumed = 0;
        if self.bytes.capacity() > MAX_KEPT {
            self.bytes = Vec::new();
        }
    }

    /// The bytes of the next sends, `len` in all.
    #[inline]
    pub(super) fn take_bytes(&mut self, len: usize) -> &[u8] {
        let from = self.consumed;
        self.consumed += len;
        &self.bytes[from..self.consumed]
    }

    /// The first message, if it is such a send.
    #[inline]
    pub(super) fn pop_send(
        &mut self,
        is_such: impl FnOnce(u32, &Send) -> bool,
    ) -> Option<(u32, Send)> {
        let Some(Message::Send(slot, send)) = self.messages.front() else { return None };
        let (slot, send) = (*slot, *send);
        if !is_such(slot, &send) {
            return None;
        }
        // It was copied, and there is nothing to drop: so it is not moved.
        std::mem::forget(self.messages.pop_front());
        Some((slot, send))
    }

    /// The next message, if it is a datagram that may be sent at once with `call` and its size fits.
    pub(super) fn pop_datagram_like(
        &mut self,
        slot: u32,
        call: &Call,
        fits: impl FnOnce(usize) -> bool,
    ) -> Option<Call> {
        let Some(Message::Call(next_slot, next)) = self.messages.front() else { return None };
        call.datagram_to_join(next).filter(|len| *next_slot == slot && fits(*len))?;
        match self.messages.pop_front() {
            Some(Message::Call(_, call)) => Some(call),
            _ => None,
        }
    }

    /// Whether the next message is a send of a block to the same socket as `call`.
    pub(super) fn next_is_block_like(&self, slot: u32, call: &Call) -> bool {
        matches!(
            self.messages.front(),
            Some(Message::Call(next_slot, next))
                if *next_slot == slot
                    && next.socket_id == call.socket_id
                    && next.event_type == call.event_type
                    && matches!(next.command, Command::Send(SendData::Blocks(_)))
        )
    }
}
