//! Messages to a reactor, in order, with the bytes of small sends beside them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Weak};

use super::gate::Gate;
use super::turn::Seat;
use crate::api::properties::DnsQueryType;
use crate::delivery::Delivery;
use crate::engine::command::{Answer, Call, Command, Destination, QueryId, Send, SendData};

/// Bytes of sends to one socket that are written together.
pub(super) const MAX_GATHERED: usize = 256 * 1024;
/// A buffer that has grown beyond this is not kept for the next batch.
const MAX_KEPT: usize = 1024 * 1024;

/// One message to a reactor. The number is the app's slot.
pub(super) enum Message {
    /// A new app.
    Attach(u32, Box<Seat>),
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
    /// What an app's first handshakes wait for has been done.
    TlsPrepared(u32),
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

/// The addresses of datagrams in order, each once for those that follow one another.
#[derive(Default)]
struct Addresses {
    text: String,
    /// The one that was pushed last, if any was.
    last: Option<Range<usize>>,
    /// The one that was read last.
    read: Range<usize>,
}

impl Addresses {
    /// How long it is, unless it is the last one again.
    fn push(&mut self, address: &str) -> Option<usize> {
        let last = self.last.clone().and_then(|last| self.text.get(last));
        if last == Some(address) {
            return None;
        }
        let begin = self.text.len();
        self.text.push_str(address);
        self.last = Some(begin..self.text.len());
        Some(address.len())
    }

    /// Goes on to the next one, so long, or stays.
    fn read(&mut self, next: Option<usize>) -> &str {
        if let Some(len) = next {
            let begin = self.read.end;
            self.read = begin..begin + len;
        }
        self.text.get(self.read.clone()).unwrap_or_default()
    }

    /// Takes over what `next` has, of which nothing was read.
    fn append(&mut self, next: &mut Self) {
        if let Some(last) = next.last.take() {
            let begin = self.text.len();
            self.last = Some(begin + last.start..begin + last.end);
        }
        self.text.push_str(&next.text);
    }

    fn clear(&mut self) {
        self.text.clear();
        self.last = None;
        self.read = 0..0;
    }
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
            self.addresses.text.capacity(),
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
        self.addresses.text.shrink_to(MAX_KEPT);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::event::Ticket;
    use crate::api::table::EventType;

    fn push_send(batch: &mut Batch, slot: u32, socket_id: i32, data: &[u8]) {
        let (event_type, ticket) = (EventType::ChromeSocketsTcpSend, Ticket::default());
        let len = data.len();
        batch.push_send(slot, Send { event_type, socket_id, len, ticket }, data);
    }

    /// What is in a batch, in order: for sends slot, number and bytes.
    fn drain(batch: &mut Batch, gathers: bool) -> Vec<(u32, usize, Vec<u8>)> {
        let mut found = Vec::new();
        while !batch.is_empty() {
            match batch.next_sends(usize::MAX) {
                Some(mut runs) => {
                    // As a turn does.
                    loop {
                        if let Some((_, bytes)) = runs.next_alone() {
                            found.push((runs.slot, 1, bytes.to_vec()));
                        } else if let Some(Run { sends, bytes }) = runs.next(gathers) {
                            found.push((runs.slot, sends.len(), bytes.to_vec()));
                        } else {
                            break;
                        }
                    }
                    let taken = runs.taken();
                    batch.drop_taken(taken);
                }
                None => match batch.pop().unwrap() {
                    Message::Released(slot) => found.push((slot, 0, Vec::new())),
                    _ => unreachable!(),
                },
            }
        }
        assert!(batch.next_sends(usize::MAX).is_none() && batch.pop().is_none());
        found
    }

    #[test]
    fn messages_and_runs_of_sends_come_out_in_order() {
        let (mut batch, mut next) = (Batch::default(), Batch::default());
        for _ in 0..3 {
            push_send(&mut batch, 1, 5, b"ab");
            push_send(&mut batch, 1, 5, b"");
            push_send(&mut batch, 1, 6, b"c");
            push_send(&mut batch, 2, 6, b"d");
            batch.push(Message::Released(3));
            push_send(&mut batch, 2, 6, b"e");
            push_send(&mut next, 2, 6, b"f");
            next.push(Message::Released(4));
            push_send(&mut next, 2, 6, b"g");
            batch.append(&mut next);
            push_send(&mut batch, 2, 6, b"h");
            assert!(next.is_empty());
            let sends = |slot, number, bytes: &[u8]| (slot, number, bytes.to_vec());
            let expected = [
                sends(1, 2, b"ab"),
                sends(1, 1, b"c"),
                sends(2, 1, b"d"),
                sends(3, 0, b""),
                sends(2, 1, b"e"),
                sends(2, 1, b"f"),
                sends(4, 0, b""),
                sends(2, 2, b"gh"),
            ];
            assert_eq!(drain(&mut batch, true), expected);
            batch.recycle();
            next.recycle();
        }
    }

    fn push_datagram(batch: &mut Batch, from: (u32, i32), to: (&str, i32), data: &[u8]) {
        push_like(batch, from, EventType::ChromeSocketsUdpSend, to, DnsQueryType::Any, data);
    }

    fn push_like(
        batch: &mut Batch,
        (slot, socket_id): (u32, i32),
        event_type: EventType,
        (address, port): (&str, i32),
        dns_query_type: DnsQueryType,
        data: &[u8],
    ) {
        let send = Send { event_type, socket_id, len: data.len(), ticket: Ticket::default() };
        batch.push_datagram(slot, send, Destination { address, port, dns_query_type }, data);
    }

    /// The datagrams that come next: how many, where to, and their bytes.
    fn next_datagrams(batch: &mut Batch) -> Option<(usize, String, Vec<u8>)> {
        let mut sends = Vec::new();
        let Datagrams { slot, to, bytes } = batch.next_datagrams(3, 12, &mut sends)?;
        let to = format!("{slot}: {}:{}", to.address, to.port);
        Some((sends.len(), to, bytes.to_vec()))
    }

    #[test]
    fn datagrams_come_out_in_order_with_their_addresses_and_bytes() {
        let (mut batch, mut next) = (Batch::default(), Batch::default());
        for _ in 0..2 {
            push_datagram(&mut batch, (1, 5), ("a", 9), b"ab");
            push_send(&mut batch, 1, 5, b"xyz");
            push_datagram(&mut batch, (1, 5), ("a", 9), b"cd");
            push_datagram(&mut next, (1, 5), ("", 9), b"ef");
            push_datagram(&mut next, (1, 5), ("", 9), b"gh");
            push_datagram(&mut next, (1, 5), ("b", 9), b"ij");
            assert_eq!(next_datagrams(&mut batch), Some((1, "1: a:9".into(), b"ab".into())));
            batch.append(&mut next);
            push_datagram(&mut batch, (1, 5), ("b", 9), b"kl");
            push_datagram(&mut next, (1, 5), ("b", 9), b"mn");
            batch.append(&mut next);
            assert!(next_datagrams(&mut batch).is_none(), "the send comes first");
            let taken = batch.next_sends(9).map(|mut runs| {
                assert_eq!(runs.next(true).map(|run| run.bytes), Some(&b"xyz"[..]));
                runs.taken()
            });
            batch.drop_taken(taken.unwrap());
            let expected: [(usize, &str, &[u8]); 4] = [
                (1, "1: a:9", b"cd"),
                (2, "1: :9", b"efgh"),
                (2, "1: b:9", b"ijkl"),
                (1, "1: b:9", b"mn"),
            ];
            for (number, to, bytes) in expected {
                assert_eq!(next_datagrams(&mut batch), Some((number, to.into(), bytes.into())));
            }
            assert!(batch.is_empty());
            batch.recycle();
            next.recycle();
        }
    }

    #[test]
    fn datagrams_leave_together_that_are_alike_and_not_too_many() {
        let mut batch = Batch::default();
        let one = |batch: &mut Batch, data: &[u8]| push_datagram(batch, (1, 5), ("a", 9), data);
        (0..4).for_each(|_| one(&mut batch, b"x"));
        (0..3).for_each(|_| one(&mut batch, b"abcdef"));
        (0..2).for_each(|_| one(&mut batch, b""));
        one(&mut batch, &[7; 13]);
        push_datagram(&mut batch, (1, 5), ("a", 8), &[7; 13]);
        push_datagram(&mut batch, (1, 6), ("a", 8), b"y");
        push_datagram(&mut batch, (2, 6), ("a", 8), b"y");
        let numbers: Vec<_> =
            std::iter::from_fn(|| next_datagrams(&mut batch)).map(|(number, ..)| number).collect();
        assert_eq!(numbers, [3, 1, 2, 1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn datagrams_that_differ_in_anything_leave_alone() {
        let (udp, legacy) = (EventType::ChromeSocketsUdpSend, EventType::ChromeSocketSendTo);
        let (any, ipv4) = (DnsQueryType::Any, DnsQueryType::Ipv4);
        let mut batch = Batch::default();
        for (event_type, address, dns_query_type) in
            [(udp, "a", any), (udp, "b", any), (legacy, "b", any), (legacy, "b", ipv4)]
        {
            push_like(&mut batch, (1, 5), event_type, (address, 9), dns_query_type, b"x");
        }
        let numbers: Vec<_> =
            std::iter::from_fn(|| next_datagrams(&mut batch)).map(|(number, ..)| number).collect();
        assert_eq!(numbers, [1; 4]);
    }

    #[test]
    fn sends_are_counted_once_wherever_they_stand() {
        let mut batch = Batch::default();
        for number in 1..=4 {
            push_send(&mut batch, 1, 5, b"x");
            batch.push(Message::Released(1));
            assert_eq!(batch.len_up_to(8), 2 * number);
        }
        assert!(batch.len_up_to(7) > 7 && batch.len_up_to(3) > 3);
    }

    #[test]
    fn a_run_ends_where_it_has_the_bytes_that_are_written_together() {
        let numbers = |gathers| {
            let mut batch = Batch::default();
            (0..40).for_each(|_| push_send(&mut batch, 1, 5, &[0; MAX_GATHERED / 16]));
            drain(&mut batch, gathers).iter().map(|(_, number, _)| *number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(true), [16, 16, 8]);
        assert_eq!(numbers(false), [1; 40]);
    }

    #[test]
    fn what_a_flood_has_taken_is_not_kept() {
        let mut batch = Batch::default();
        (0..40).for_each(|_| push_send(&mut batch, 1, 5, &[0; MAX_KEPT / 16]));
        (0..MAX_KEPT).for_each(|_| batch.push(Message::Released(1)));
        drain(&mut batch, true);
        batch.recycle();
        assert!(batch.bytes.capacity() <= MAX_KEPT);
        assert!(batch.messages.capacity() * size_of::<Message>() <= MAX_KEPT);
    }

    #[test]
    fn what_is_taken_over_leaves_no_memory_behind() {
        let (mut batch, mut next) = (Batch::default(), Batch::default());
        push_send(&mut batch, 1, 5, b"first");
        (0..40).for_each(|_| push_send(&mut next, 1, 5, &[0; MAX_KEPT / 16]));
        batch.append(&mut next);
        assert!(next.bytes.capacity() <= MAX_KEPT);
        push_send(&mut next, 1, 5, b"last");
        batch.append(&mut next);
        let all: Vec<_> = drain(&mut batch, true).into_iter().flat_map(|run| run.2).collect();
        assert!(all.starts_with(b"first") && all.ends_with(b"last"));
    }
}
