//! Events that are shown one after the other, as to the callbacks of a host.

use std::mem::ManuallyDrop;
use std::ptr;

use super::{EventBox, Origin};
use crate::api::event::{Event, Payload};
use crate::api::table::EventType;
use crate::ffi::app::CHost;
use crate::ffi::event::chromesock_event;
use crate::ffi::event_form::{show_data, show_payload};
use crate::net::address::NO_ADDRESS;

/// The C view of events that are shown one after the other as to the callbacks of a host.
pub(in crate::ffi) struct View {
    /// What it borrows is not its own to drop.
    shown: ManuallyDrop<EventBox>,
    /// Whether it shows received data that lies beside its event: then the next such event differs in little.
    is_piece: bool,
}

impl View {
    /// Outside of callbacks `host` may be NULL.
    #[inline]
    pub(in crate::ffi) fn new(host: *const CHost) -> Self {
        let c = chromesock_event::bare(EventType::ChromeSocketsTcpOnReceive, 0);
        let origin = Origin::Borrowed(host, ptr::null());
        Self { shown: ManuallyDrop::new(EventBox { c, origin }), is_piece: true }
    }

    /// Shows what most events are: received data that lies `beside` the event. `None`: it is another event, for `show`.
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
        if !self.is_piece {
            self.shown.c = chromesock_event::bare(event.event_type, 0);
            self.is_piece = true;
        }
        self.shown.c.socket_id = event.socket_id;
        show_data(piece.of(beside), &mut self.shown.c);
        Some(self.about(event))
    }

    /// Shows an event to `to`, whose data may lie `beside` it.
    #[inline(never)]
    pub(in crate::ffi) fn show<R>(
        &mut self,
        event: &Event,
        beside: &[u8],
        to: impl FnOnce(&mut EventBox) -> R,
    ) -> R {
        self.is_piece = false;
        let shown = self.about(event);
        // Not in the view, since nothing may point into what is borrowed mutably.
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
    use crate::api::event::Piece;

    /// So do events that are shown one after the other, small data among them.
    #[test]
    fn a_view_shows_nothing_of_the_event_before() {
        let piece = |start, len| Payload::Piece(Piece { start, len });
        let datagram = Payload::Datagram(vec![1; 9].into(), "1.2.3.4:5".parse().unwrap());
        let payloads =
            [piece(0, 3), piece(3, 5), datagram, piece(1, 1), Payload::BytesSent(7), piece(8, 0)];
        let mut view = View::new(ptr::null());
        let shown_by = |view: &mut View, event: &Event| match view.show_piece(event, b"abcdefgh") {
            Some(shown) => seen(shown),
            None => view.show(event, b"abcdefgh", |shown| seen(shown)),
        };
        for (socket_id, payload) in (1..).zip(payloads) {
            let event_type = EventType::ChromeSocketsTcpOnReceive;
            let mut event = Event::notification(event_type, socket_id, None);
            event.payload = payload;
            assert_eq!(shown_by(&mut view, &event), shown_by(&mut View::new(ptr::null()), &event));
        }
    }
}
