//! Events that are shown one after the other, as to the callbacks of a host.

use std::ffi::c_char;
use std::mem::ManuallyDrop;
use std::net::IpAddr;
use std::ptr;

use super::{EventBox, Origin};
use crate::api::event::{Event, Payload};
use crate::api::table::EventType;
use crate::ffi::app::CHost;
use crate::ffi::event::*;
use crate::ffi::event_form::{show_data, show_payload, write_address};
use crate::net::address::{AddressText, NO_ADDRESS};

/// The C view of events that are shown one after the other as to the callbacks of a host.
pub(in crate::ffi) struct View {
    /// What it borrows is not its own to drop.
    shown: ManuallyDrop<EventBox>,
    /// What kind of event it shows: the next one of that kind differs in little.
    kind: Kind,
}

/// Kinds of events, most events being of the first three.
#[derive(PartialEq, Eq)]
enum Kind {
    /// Received data that lies beside its event.
    Piece,
    Datagram,
    /// A send that has succeeded.
    Sent,
    Other,
}

/// Who sent the last datagram, and the text of that address. Not in the view, since nothing may point into what is
/// borrowed mutably.
pub(in crate::ffi) struct Sender {
    address: Option<IpAddr>,
    text: AddressText,
}

impl Sender {
    #[inline]
    pub(in crate::ffi) fn nobody() -> Self {
        Self { address: None, text: NO_ADDRESS }
    }

    #[inline]
    fn text_of(&mut self, address: IpAddr) -> *const c_char {
        if self.address != Some(address) {
            write_address(&mut self.text, address);
            self.address = Some(address);
        }
        self.text.as_ptr().cast()
    }
}

impl View {
    /// Outside of callbacks `host` may be NULL.
    #[inline]
    pub(in crate::ffi) fn new(host: *const CHost) -> Self {
        let c = chromesock_event::bare(EventType::ChromeSocketsTcpOnReceive, 0);
        let origin = Origin::Borrowed(host, ptr::null());
        Self { shown: ManuallyDrop::new(EventBox { c, origin }), kind: Kind::Piece }
    }

    /// Shows what most events are: received data that lies `beside` the event. `None`: it is another event, for
    /// `show_usual`.
    #[inline]
    pub(in crate::ffi) fn show_piece(
        &mut self,
        event: &Event,
        beside: &[u8],
    ) -> Option<&mut EventBox> {
        let Payload::Piece(piece) = &event.payload else { return None };
        if event.event_type != EventType::ChromeSocketsTcpOnReceive {
            return None;
        }
        show_data(piece.of(beside), self.like_the_last(event, Kind::Piece));
        Some(self.about(event))
    }

    /// The same of datagrams, and of sends that have succeeded. `None`: it is another event, for `show`.
    #[inline(never)]
    pub(in crate::ffi) fn show_usual(
        &mut self,
        event: &Event,
        sender: &mut Sender,
    ) -> Option<&mut EventBox> {
        match (&event.payload, event.event_type) {
            (Payload::Datagram(data, from), EventType::ChromeSocketsUdpOnReceive) => {
                let c = self.like_the_last(event, Kind::Datagram);
                show_data(data, c);
                c.present =
                    CHROMESOCK_EVENT_DATA | CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT;
                c.address = sender.text_of(from.ip());
                c.port = from.port().into();
            }
            (Payload::BytesSent(bytes), call) if event.result == Some(0) => {
                let ticket = event.ticket.unwrap_or_default();
                let c = self.like_the_last(event, Kind::Sent);
                c.r#type = call as u32;
                c.present = CHROMESOCK_EVENT_RESULT | CHROMESOCK_EVENT_BYTES_SENT;
                c.bytes_sent = *bytes;
                c.user_data = ptr::with_exposed_provenance_mut(ticket.user_data);
            }
            _ => return None,
        }
        Some(self.about(event))
    }

    /// What the last event has left if it was of this kind, else an empty one.
    #[inline]
    fn like_the_last(&mut self, event: &Event, kind: Kind) -> &mut chromesock_event {
        if self.kind != kind {
            self.shown.c = chromesock_event::bare(event.event_type, 0);
            self.kind = kind;
        }
        self.shown.c.socket_id = event.socket_id;
        &mut self.shown.c
    }

    /// Shows an event to `to`, whose data may lie `beside` it.
    #[inline(never)]
    pub(in crate::ffi) fn show<R>(
        &mut self,
        event: &Event,
        beside: &[u8],
        to: impl FnOnce(&mut EventBox) -> R,
    ) -> R {
        self.kind = Kind::Other;
        let shown = self.about(event);
        // Not in the view, as the text of a sender.
        let (mut lists, mut address) = (None, NO_ADDRESS);
        shown.c = chromesock_event::head(event);
        show_payload(event, beside, &mut shown.c, &mut lists, &mut address);
        to(shown)
    }

    #[inline]
    fn about(&mut self, event: &Event) -> &mut EventBox {
        if let Origin::Borrowed(_, shown) = &mut self.shown.origin {
            *shown = event;
        }
        &mut self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::seen;
    use super::*;
    use crate::api::event::{Piece, Ticket};

    /// Events that are shown one after the other look as each does in a new view.
    #[test]
    fn a_view_shows_nothing_of_the_event_before() {
        let beside = b"abcdefgh";
        let piece = |start, len| Payload::Piece(Piece { start, len });
        let datagram =
            |len, from: &str| Payload::Datagram(vec![1; len].into(), from.parse().unwrap());
        let payloads = [
            piece(0, 3),
            piece(3, 5),
            datagram(9, "1.2.3.4:5"),
            datagram(0, "[fe80::1]:5"),
            piece(1, 1),
            Payload::BytesSent(7),
            Payload::None,
            Payload::BytesSent(8),
            Payload::BytesSent(0),
            datagram(3, "1.2.3.4:6"),
            datagram(3, "1.2.3.4:6"),
            datagram(3, "5.6.7.8:6"),
            piece(8, 0),
        ];
        let (mut view, mut sender) = (View::new(ptr::null()), Sender::nobody());
        for (socket_id, payload) in (1..).zip(payloads) {
            let event_type = match payload {
                Payload::Datagram(..) => EventType::ChromeSocketsUdpOnReceive,
                Payload::BytesSent(8) => EventType::ChromeSocketsUdpSend,
                Payload::BytesSent(_) => EventType::ChromeSocketsTcpSend,
                _ => EventType::ChromeSocketsTcpOnReceive,
            };
            let mut event = Event::notification(event_type, socket_id, None);
            if let Payload::BytesSent(_) = payload {
                event.result = Some(0);
                event.ticket = Some(Ticket { callback: 1, user_data: socket_id as usize });
            }
            event.payload = payload;
            let usual = view.show_piece(&event, beside).map(|shown| seen(shown));
            let usual =
                usual.or_else(|| view.show_usual(&event, &mut sender).map(|shown| seen(shown)));
            let shown = usual.unwrap_or_else(|| view.show(&event, beside, |shown| seen(shown)));
            let alone = View::new(ptr::null()).show(&event, beside, |shown| seen(shown));
            assert_eq!(shown, alone);
        }
    }
}
