//! What the engine says: completions of calls, and notifications, as owned values.

use std::ffi::CStr;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;

use super::net_error::Status;
use super::properties::{NetworkInterface, SocketInfo, TlsSession};
use super::table::EventType;

/// What received data counts beyond its bytes, so that a flood of tiny pieces is bounded too.
pub const RECEIVE_WEIGHT: usize = 128;

/// Larger data that the host keeps is not copied: it keeps its buffer, of which it is a tenth or more.
pub const MAX_DETACHED: usize = 32 * 1024;

/// What a host gave with a call, handed back with its completion and never looked into here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// The call's callback; 0 = none.
    pub callback: usize,
    /// The call's `user_data`.
    pub user_data: usize,
}

/// One completion or notification.
#[derive(Clone, Debug)]
pub struct Event {
    /// What this is.
    pub event_type: EventType,
    /// The socket that the call or notification is about; 0 = none.
    pub socket_id: i32,
    /// `onAccept`: the accepted socket; else 0.
    pub client_socket_id: i32,
    /// The number the API delivers (`result`, `resultCode`), where it delivers one.
    pub result: Option<i32>,
    /// `chrome.runtime.lastError.message`; `None` on success.
    pub message: Option<&'static CStr>,
    /// What else is delivered.
    pub payload: Payload,
    /// Received data: whether it came through TLS.
    pub secured: bool,
    /// Completions carry their call's ticket; notifications have none.
    pub ticket: Option<Ticket>,
}

/// The part of an event that only some types have.
#[derive(Clone, Debug, Default)]
pub enum Payload {
    /// Nothing.
    #[default]
    None,
    /// Received bytes.
    Data(Bytes),
    /// Received bytes, not many, which lie beside the events until these are handed out or taken away.
    Piece(Piece),
    /// A received datagram and its sender.
    Datagram(Bytes, SocketAddr),
    /// `SendInfo.bytesSent`.
    BytesSent(u64),
    /// Infos of `getInfo` (exactly one) and `getSockets`.
    Sockets(Arc<List<SocketInfo>>),
    /// Multicast groups of `getJoinedGroups`.
    Groups(Arc<List<Box<CStr>>>),
    /// A line for a key log.
    Text(Box<CStr>),
    /// Addresses of `getNetworkList`.
    Interfaces(Box<[NetworkInterface]>),
    /// What a denied call wanted.
    Denied(Box<Denied>),
    /// What a secured connection has agreed upon.
    TlsSession(Box<TlsSession>),
}

/// A list that an app was told. Copies of an event share it.
#[derive(Debug)]
pub struct List<T> {
    entries: Box<[T]>,
    bytes: usize,
    /// What all lists of an app take that are alive, in bytes; this one included.
    held: Arc<AtomicUsize>,
}

impl<T> List<T> {
    /// A list that counts as `held` as long as it lives, with so many bytes that its entries have elsewhere.
    #[must_use]
    pub fn new(entries: Box<[T]>, elsewhere: usize, held: &Arc<AtomicUsize>) -> Arc<Self> {
        let bytes = size_of_val(&*entries) + elsewhere;
        held.fetch_add(bytes, Relaxed);
        Arc::new(Self { entries, bytes, held: Arc::clone(held) })
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Relaxed);
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.entries
    }
}

/// A place among the bytes that lie beside events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Of its first byte.
    pub start: u32,
    /// How many bytes.
    pub len: u32,
}

impl Piece {
    /// Cuts off as much as there is of the first `len` bytes.
    #[inline]
    pub fn split_to(&mut self, len: usize) -> Self {
        let first = Self { len: self.len.min(len as u32), ..*self };
        self.start += first.len;
        self.len -= first.len;
        first
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The bytes themselves, of all that lie beside the events.
    #[inline]
    #[must_use]
    pub fn of(self, beside: &[u8]) -> &[u8] {
        &beside[self.start as usize..][..self.len as usize]
    }
}

/// What a denied call wanted to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Host text as the program passed it, shortened.
    pub host: Box<CStr>,
    /// Port as the program passed it.
    pub port: i32,
    /// Which call was denied, and which rule is missing.
    pub explanation: Box<CStr>,
}

impl Event {
    /// A notification without payload; `result` is its `resultCode`.
    #[must_use]
    pub fn notification(event_type: EventType, socket_id: i32, result: Option<Status>) -> Self {
        Self {
            event_type,
            socket_id,
            client_socket_id: 0,
            result: result.map(Status::number),
            message: None,
            payload: Payload::None,
            secured: false,
            ticket: None,
        }
    }

    /// `sockets.tcp.onReceive`.
    #[inline]
    #[must_use]
    pub fn received(socket_id: i32, piece: Piece, secured: bool) -> Self {
        Self {
            event_type: EventType::ChromeSocketsTcpOnReceive,
            socket_id,
            client_socket_id: 0,
            result: None,
            message: None,
            payload: Payload::Piece(piece),
            secured,
            ticket: None,
        }
    }

    /// `sockets.udp.onReceive`.
    #[inline]
    #[must_use]
    pub fn datagram(socket_id: i32, data: Bytes, from: SocketAddr) -> Self {
        Self {
            event_type: EventType::ChromeSocketsUdpOnReceive,
            socket_id,
            client_socket_id: 0,
            result: None,
            message: None,
            payload: Payload::Datagram(data, from),
            secured: false,
            ticket: None,
        }
    }

    /// Whether this completes a call that was made without a callback.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        self.ticket.is_some_and(|ticket| ticket.callback == 0)
    }

    /// The received data; `beside` is what lies beside the events of which this is one.
    #[inline]
    #[must_use]
    pub fn data<'a>(&'a self, beside: &'a [u8]) -> &'a [u8] {
        match &self.payload {
            Payload::Piece(piece) => piece.of(beside),
            Payload::Data(data) | Payload::Datagram(data, _) => data,
            _ => &[],
        }
    }

    /// Before the event is taken away from what lies beside it.
    pub fn own_data(&mut self, beside: &Bytes) {
        if let Payload::Piece(piece) = self.payload {
            self.payload = Payload::Data(beside.slice_ref(piece.of(beside)));
        }
    }

    /// Before the event is kept for long: moves small data to `into`, since it would keep the large
    /// buffer it shares with others. Whether it did.
    pub fn detach_data(&mut self, into: &mut Vec<u8>) -> bool {
        match self.data_mut() {
            Some(data) if data.len() <= MAX_DETACHED => {
                into.extend_from_slice(data);
                *data = Bytes::new();
                true
            }
            _ => false,
        }
    }

    fn data_mut(&mut self) -> Option<&mut Bytes> {
        match &mut self.payload {
            Payload::Data(data) | Payload::Datagram(data, _) => Some(data),
            _ => None,
        }
    }

    fn received_len(&self) -> Option<usize> {
        match &self.payload {
            Payload::Piece(piece) => Some(piece.len as usize),
            Payload::Data(data) | Payload::Datagram(data, _) => Some(data.len()),
            _ => None,
        }
    }

    /// Whether it brings received data, be it none.
    #[must_use]
    pub fn has_data(&self) -> bool {
        self.received_len().is_some()
    }

    /// The number of received bytes.
    #[must_use]
    pub fn data_len(&self) -> usize {
        self.received_len().unwrap_or(0)
    }

    /// Empties a list of events: at no cost if none of them holds anything, as those that bring little data do, or tell
    /// of a send.
    #[inline]
    pub fn drop_all(events: &mut Vec<Self>) {
        let holds_nothing =
            |event: &Self| matches!(event.payload, Payload::Piece(_) | Payload::BytesSent(_));
        if events.iter().all(holds_nothing) {
            std::mem::forget(events.drain(..));
        } else {
            events.clear();
        }
    }

    /// What this event counts against the bounds while it is undelivered.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.received_len().map_or(0, |len| len + RECEIVE_WEIGHT)
    }
}

/// How a call ends: the specification's `OK(x)`, `FAIL("m")`, `FAIL(code)` and `FAIL(code,"m")`.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The number delivered, if any.
    pub result: Option<i32>,
    /// The error message; `None` on success.
    pub message: Option<&'static CStr>,
    /// What else is delivered.
    pub payload: Payload,
    /// The accepted socket; 0 = none.
    pub client_socket_id: i32,
}

impl Response {
    /// `OK()`: success, no arguments.
    #[must_use]
    pub fn ok() -> Self {
        Self::default()
    }

    /// `OK(0)`.
    #[must_use]
    pub fn ok_zero() -> Self {
        Self { result: Some(0), ..Self::default() }
    }

    /// `OK(x)` for anything else.
    #[must_use]
    pub fn ok_with(payload: Payload) -> Self {
        Self { payload, ..Self::default() }
    }

    /// `OK({resultCode: 0, bytesSent})`.
    #[must_use]
    pub fn sent(bytes: u64) -> Self {
        Self { result: Some(0), payload: Payload::BytesSent(bytes), ..Self::default() }
    }

    /// `FAIL("m")`: no number, only a message.
    #[must_use]
    pub fn refused(message: &'static CStr) -> Self {
        Self { message: Some(message), ..Self::default() }
    }

    /// `FAIL(code)`: the number, and its name as message.
    #[must_use]
    pub fn failed(status: Status) -> Self {
        Self::failed_saying(status, status.name())
    }

    /// `FAIL(code,"m")`.
    #[must_use]
    pub fn failed_saying(status: Status, message: &'static CStr) -> Self {
        Self { result: Some(status.number()), message: Some(message), ..Self::default() }
    }

    /// A number alone: how `chrome.socket` tells most results, failures included.
    #[must_use]
    pub fn number(result: i32) -> Self {
        Self { result: Some(result), ..Self::default() }
    }

    /// `chrome.socket`: -1 and a message.
    #[must_use]
    pub fn legacy_refused(message: &'static CStr) -> Self {
        Self::failed_saying(Status::IoPending, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_kept_does_not_keep_the_buffer_of_its_small_data() {
        let mut buffer = bytes::BytesMut::zeroed(100_000);
        let mut event = Event::notification(EventType::ChromeSocketsTcpOnReceive, 1, None);
        event.payload = Payload::Data(buffer.split_to(10).freeze());
        buffer.clear();
        assert!(!buffer.try_reclaim(100_000), "still shared");
        let mut own = Vec::new();
        assert!(event.detach_data(&mut own));
        assert!(buffer.try_reclaim(100_000), "the buffer is free");
        assert_eq!((own.len(), event.data_len()), (10, 0));
    }

    #[test]
    fn large_data_is_not_copied_for_an_event_that_is_kept() {
        let mut event = Event::notification(EventType::ChromeSocketsTcpOnReceive, 1, None);
        event.payload = Payload::Data(vec![0; MAX_DETACHED + 1].into());
        assert!(!event.detach_data(&mut Vec::new()));
        assert_eq!(event.data_len(), MAX_DETACHED + 1);
    }
}
