//! Messages to a reactor, in order, with the bytes of small sends beside them.

mod addresses;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use super::gate::Gate;
use super::turn::Seat;
use crate::api::properties::DnsQueryType;
use crate::delivery::Delivery;
use crate::engine::command::{Answer, Call, Command, Destination, QueryId, Send, SendData};
use addresses::Addresses;

/// Bytes of sends to one socket that are written together.
pub(super) const MAX_GATHERED: usize = 256 * 1024;
/// A buffer that has grown beyond this is not kept for the next batch.
const MAX_KEPT: usize = 1024 * 1024;

/// One message to a reactor. The number is the app's slot.
pub(super) enum Message {
    /// A new app.
    Attach(u32, Box<Seat>, Arc<Gate>),
    /// A call of a page.
    Call(u32, Call),
    /// Calls whose data is small: the next of `Batch::sends`, with their bytes.
    Sends(Sends),
    /// A datagram: the next bytes.
    Datagram(u32, Datagram),
    /// The app falls asleep, wakes up or is unloaded.
    Change(u32, Change),
    /// The app is to end.
    Close(u32),
    /// The app goes when its host closes its end of the stream of wake-ups.
    WatchStream(Watched),
    /// The resolver has answered.
    Answer(u32, QueryId, Answer),
    /// What an app's first handshakes wait for has been done, if it could be.
    TlsPrepared(u32, bool),
    /// The host has released data that an engine waits for.
    Released(u32),
    /// Nobody holds the reactor any more.
    Stop,
}

/// An app that goes with its host's end of a stream.
pub(super) struct Watched {
    pub(super) slot: u32,
    pub(super) delivery: Weak<Delivery>,
    pub(super) gate: Arc<Gate>,
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

/// Messages in order, with the small sends among them and the bytes of sends and datagrams beside, each one after the
/// other.
#[derive(Default)]
pub(super) struct Batch {
    messages: VecDeque<Message>,
    sends: Vec<Send>,
    bytes: Vec<u8>,
    addresses: Addresses,
    /// The sends behind all messages, and those that are being read.
    last: Sends,
    first: Sends,
    /// How many of `sends` and of `bytes` are used up.
    used: (usize, usize),
}

/// So many sends of one app.
#[derive(Clone, Copy, Default)]
pub(super) struct Sends {
    slot: u32,
    number: usize,
}

/// A send of a datagram.
#[derive(Clone, Copy)]
pub(super) struct Datagram {
    send: Send,
    /// How long its address is; `None`: it is that of the one before.
    address: Option<usize>,
    port: i32,
    dns_query_type: DnsQueryType,
}

/// Datagrams of one socket to one place, with their bytes.
pub(super) struct Datagrams<'a> {
    pub(super) slot: u32,
    pub(super) to: Destination<'a>,
    pub(super) bytes: &'a [u8],
}

/// Sends of one app, to be carried out in runs.
pub(super) struct Runs<'a> {
    pub(super) slot: u32,
    given: usize,
    sends: &'a [Send],
    /// Theirs, and what lies behind.
    bytes: &'a [u8],
}

/// Sends to one socket by one function, and their bytes.
pub(super) struct Run<'a> {
    pub(super) sends: &'a [Send],
    pub(super) bytes: &'a [u8],
}

/// How many sends were taken, and how many bytes lie behind theirs.
pub(super) struct Taken {
    sends: usize,
    behind: usize,
}

impl Datagram {
    /// Whether both are for the same socket, by the same function, of the same size and to the same place.
    fn joins(&self, first: &Self) -> bool {
        self.address.is_none()
            && self.send.is_like(&first.send)
            && self.send.len == first.send.len
            && (self.port, self.dns_query_type) == (first.port, first.dns_query_type)
    }
}

impl<'a> Runs<'a> {
    /// The next send and its bytes, if the one behind it is not like it: so it is nearly always.
    #[inline(always)]
    pub(super) fn next_alone(&mut self) -> Option<(&'a Send, &'a [u8])> {
        let (first, others) = self.sends.split_first()?;
        if others.first().is_some_and(|second| second.is_like(first)) {
            return None;
        }
        let bytes;
        (bytes, self.bytes) = self.bytes.split_at(first.len);
        self.sends = others;
        Some((first, bytes))
    }

    /// The next sends if they are to be gathered, as far as they are like each other and their bytes may be written
    /// together; else the next one.
    pub(super) fn next(&mut self, gathers: bool) -> Option<Run<'a>> {
        let most = if gathers { MAX_GATHERED } else { 0 };
        let first = self.sends.first()?;
        let (mut number, mut len) = (1, first.len);
        for next in &self.sends[1..] {
            if len >= most || !next.is_like(first) {
                break;
            }
            number += 1;
            len += next.len;
        }
        let (sends, bytes);
        (sends, self.sends) = self.sends.split_at(number);
        (bytes, self.bytes) = self.bytes.split_at(len);
        Some(Run { sends, bytes })
    }

    pub(super) fn taken(&self) -> Taken {
        Taken { sends: self.given - self.sends.len(), behind: self.bytes.len() }
    }
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.first.number == 0 && self.last.number == 0
    }

    /// How many messages and small sends there are, if no more than `most`; else more than that.
    pub(super) fn len_up_to(&self, most: usize) -> usize {
        let sends = self.sends.len();
        if sends > most {
            return sends;
        }
        // Each mark stands for one send at least, so there are few to look at.
        let others = self.messages.iter().filter(|message| !matches!(message, Message::Sends(_)));
        sends + others.take(most + 1).count()
    }

    pub(super) fn push(&mut self, message: Message) {
        self.close_sends();
        self.messages.push_back(message);
    }

    /// Appends a send, copying its data.
    #[inline(always)]
    pub(super) fn push_send(&mut self, slot: u32, send: Send, data: &[u8]) {
        if self.last.slot != slot {
            self.close_sends();
            self.last.slot = slot;
        }
        self.last.number += 1;
        self.bytes.extend_from_slice(data);
        self.sends.push(send);
    }

    /// Appends a datagram, copying its data and its address.
    pub(super) fn push_datagram(
        &mut self,
        slot: u32,
        send: Send,
        to: Destination<'_>,
        data: &[u8],
    ) {
        let Destination { address, port, dns_query_type } = to;
        let address = self.addresses.push(address);
        self.bytes.extend_from_slice(data);
        self.push(Message::Datagram(slot, Datagram { send, address, port, dns_query_type }));
    }

    /// What is pushed now comes behind the sends so far.
    fn close_sends(&mut self) {
        let sends = std::mem::take(&mut self.last);
        if sends.number > 0 {
            self.messages.push_back(Message::Sends(sends));
        }
    }

    /// Takes over what `next` has, behind what is there.
    pub(super) fn append(&mut self, next: &mut Self) {
        self.close_sends();
        self.messages.append(&mut next.messages);
        self.sends.append(&mut next.sends);
        self.bytes.append(&mut next.bytes);
        self.addresses.append(&mut next.addresses);
        self.last = std::mem::take(&mut next.last);
        next.recycle();
    }

    /// All messages are read: the memory is of use for the next ones.
    #[inline]
    pub(super) fn recycle(&mut self) {
        self.used = (0, 0);
        self.sends.clear();
        self.bytes.clear();
        self.addresses.clear();
        let kept = [
            self.messages.capacity() * size_of::<Message>(),
            self.sends.capacity() * size_of::<Send>(),
            self.bytes.capacity(),
            self.addresses.capacity(),
        ];
        if kept.iter().any(|kept| *kept > MAX_KEPT) {
            self.shrink();
        }
    }

    #[inline(never)]
    fn shrink(&mut self) {
        self.messages.shrink_to(MAX_KEPT / size_of::<Message>());
        self.sends.shrink_to(MAX_KEPT / size_of::<Send>());
        self.bytes.shrink_to(MAX_KEPT);
        self.addresses.shrink_to(MAX_KEPT);
    }

    /// The sends that come next, if sends do: those of one app that follow one another, at most so many. What was taken
    /// of them is to be told to `drop_taken`.
    pub(super) fn next_sends(&mut self, most: usize) -> Option<Runs<'_>> {
        if self.first.number == 0 {
            self.first = match self.messages.front() {
                None => {
                    let last = self.last;
                    self.last.number = 0;
                    last
                }
                Some(Message::Sends(_)) => self.pop_marker(),
                Some(_) => return None,
            };
        }
        let Sends { slot, number } = self.first;
        let sends = &self.sends[self.used.0..][..number.min(most)];
        let bytes = &self.bytes[self.used.1..];
        (number > 0).then_some(Runs { slot, given: sends.len(), sends, bytes })
    }

    /// These of the sends that came next are done; how many they were.
    pub(super) fn drop_taken(&mut self, Taken { sends, behind }: Taken) -> usize {
        self.used = (self.used.0 + sends, self.bytes.len() - behind);
        self.first.number -= sends;
        sends
    }

    fn pop_marker(&mut self) -> Sends {
        match self.messages.pop_front() {
            Some(Message::Sends(sends)) => sends,
            _ => Sends::default(),
        }
    }

    /// Whether an app is to end next.
    pub(super) fn next_is_close(&self) -> bool {
        matches!(self.messages.front(), Some(Message::Close(_)))
    }

    /// The first message, if it is neither a send nor a datagram: those are read as such.
    pub(super) fn pop(&mut self) -> Option<Message> {
        debug_assert!(!matches!(self.messages.front(), Some(Message::Datagram(..))));
        self.messages.pop_front()
    }

    /// Takes the datagram that comes next, if one does, and those behind it that may be sent at once with it: of equal
    /// size, not empty, from one socket to one place, so many at most and `max_bytes`.
    pub(super) fn next_datagrams(
        &mut self,
        most: usize,
        max_bytes: usize,
        into: &mut Vec<Send>,
    ) -> Option<Datagrams<'_>> {
        let &Message::Datagram(slot, first) = self.messages.front()? else { return None };
        let len = first.send.len;
        let most = most.min(max_bytes.checked_div(len).unwrap_or(1)).max(1);
        let joins = |message: &&Message| match message {
            Message::Datagram(next_slot, next) => *next_slot == slot && next.joins(&first),
            _ => false,
        };
        let number = 1 + self.messages.iter().skip(1).take(most - 1).take_while(joins).count();
        for message in self.messages.drain(..number) {
            if let Message::Datagram(_, Datagram { send, .. }) = message {
                into.push(send);
            }
        }
        let begin = self.used.1;
        self.used.1 += number * len;
        let Datagram { port, dns_query_type, .. } = first;
        let address = self.addresses.read(first.address);
        let to = Destination { address, port, dns_query_type };
        Some(Datagrams { slot, to, bytes: &self.bytes[begin..self.used.1] })
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
