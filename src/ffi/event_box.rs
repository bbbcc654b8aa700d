//! An event with its C form, in one place: shown in a callback, or owned by the host program.
//!
//! An owned event lies in a box of its own. Once released, the box is a shell, which goes back to the
//! app for the next event: a host that releases each event before it takes the next uses one box,
//! and nothing is allocated. A shell keeps no event alive, and little memory.

mod view;

use std::sync::Arc;
use std::{ptr, slice};

use super::app::CHost;
use super::event::*;
use super::event_form::{Lists, show_data, show_payload};
use crate::api::event::{Event, Payload};
use crate::api::table::EventType;
use crate::delivery::{Charge, Queue, Shell};
use crate::net::address::{AddressText, NO_ADDRESS};

pub(super) use view::{Sender, View};

/// An event as C sees it, with what it points to. The C part comes first, so that a pointer to it is
/// a pointer to the whole.
#[repr(C)]
pub(super) struct EventBox {
    c: chromesock_event,
    origin: Origin,
}

/// Whose an event is, and where its data is accounted for.
#[expect(
    clippy::large_enum_variant,
    reason = "a borrowed one lies on the stack, and is never moved"
)]
enum Origin {
    /// Shown in a callback of this host; both outlive the callback.
    Borrowed(*const CHost, *const Event),
    /// Owned by the host program, perhaps longer than the app lives.
    Owned(Kept),
}

/// An event that the host program owns.
struct Kept {
    queue: Arc<Queue>,
    event: Event,
    charge: Charge,
    /// Small data of the event, which was detached.
    data: Vec<u8>,
    /// Text of a sender's address; `c.address` points here.
    address: AddressText,
    lists: Option<Box<Lists>>,
}

/// Memory for data that stays with the shell of a released event: enough for a socket's default bufferSize.
const MAX_SHELL_DATA: usize = 4096;

// SAFETY: what is pointed to belongs to the box or is static, unless it is borrowed; and borrowed ones stay
// on the stack of the thread that runs the callback.
unsafe impl Send for EventBox {}

impl EventBox {
    /// Gives an event to the host program, which must release it, whenever that may be.
    #[inline]
    pub(super) fn give(
        event: Event,
        shell: Option<Shell>,
        queue: &Arc<Queue>,
    ) -> *const chromesock_event {
        let charge = Charge::of(&event);
        Self::own(event, charge, None, shell, || Arc::clone(queue)).cast()
    }

    /// Puts an event, whose data may lie elsewhere, into the shell of another, or a new one.
    #[inline]
    fn own(
        event: Event,
        charge: Charge,
        elsewhere: Option<&[u8]>,
        shell: Option<Shell>,
        queue: impl FnOnce() -> Arc<Queue>,
    ) -> *mut Self {
        let shell = shell.and_then(|shell| shell.downcast().ok());
        let owned = Box::into_raw(shell.unwrap_or_else(|| Self::shell(queue())));
        // SAFETY: nobody else has the box. It is filled last, since a `Box` that is handed on may not be pointed into.
        unsafe { (*owned).keep(event, charge, elsewhere) };
        owned
    }

    fn shell(queue: Arc<Queue>) -> Box<Self> {
        let event = Event::notification(EventType::ChromesockAppClosed, 0, None);
        let charge = Charge::of(&event);
        let c = chromesock_event::head(&event);
        let kept =
            Kept { queue, event, charge, data: Vec::new(), address: NO_ADDRESS, lists: None };
        Box::new(Self { c, origin: Origin::Owned(kept) })
    }

    /// The same with a shell, which must not move any more.
    #[inline]
    fn keep(&mut self, event: Event, charge: Charge, elsewhere: Option<&[u8]>) {
        let Origin::Owned(kept) = &mut self.origin else { return };
        kept.event = event;
        let event = &mut kept.event;
        self.c = chromesock_event::head(event);
        show_payload(event, &[], &mut self.c, &mut kept.lists, &mut kept.address);
        kept.charge = charge;
        kept.data.clear();
        if let Some(data) = elsewhere {
            kept.data.extend_from_slice(data);
            show_data(&kept.data, &mut self.c);
        } else if event.detach_data(&mut kept.data) {
            self.c.data = kept.data.as_ptr();
        }
    }

    /// Whether it belongs to the library.
    pub(super) fn is_borrowed(&self) -> bool {
        matches!(self.origin, Origin::Borrowed(..))
    }

    /// Another of the same event, which the host keeps, too.
    pub(super) fn retained(&self) -> *const chromesock_event {
        let (queue, mut event, charge) = match &self.origin {
            Origin::Borrowed(host, event) => {
                // SAFETY: a borrowed event is used only within its callback, which host and event outlive.
                let (host, event) = unsafe { (&**host, &**event) };
                (host.queue(), event.clone(), Charge::of(event))
            }
            Origin::Owned(kept) => (Arc::clone(&kept.queue), kept.event.clone(), kept.charge),
        };
        let elsewhere = match &self.origin {
            Origin::Owned(kept) => Some(&*kept.data).filter(|data| !data.is_empty()),
            Origin::Borrowed(..) if matches!(event.payload, Payload::Piece(_)) => {
                event.payload = Payload::Data(Default::default());
                // SAFETY: what an event shows outlives its callback.
                Some(unsafe { slice::from_raw_parts(self.c.data, self.c.data_len) })
            }
            Origin::Borrowed(..) => None,
        };
        let shell = queue.hold(charge);
        let copy = Self::own(event, charge, elsewhere, shell, || queue);
        // SAFETY: just made, and nobody else has it.
        unsafe { (*copy).c.user_data = self.c.user_data };
        copy.cast()
    }

    /// Lets go of an owned event: the app gets its charge back, and the box as a shell.
    pub(super) fn release(mut self: Box<Self>) {
        self.clear();
        let Origin::Owned(kept) = &self.origin else { return };
        let (queue, charge) = (Arc::as_ptr(&kept.queue), kept.charge);
        // SAFETY: the box keeps its queue until another takes it out of that, which needs the lock. `done_with` does not
        // look at the queue once it has freed the lock; nor does `parking_lot`, whose last access is what frees it.
        let surplus = unsafe { &*queue }.done_with(charge, Some(self));
        drop(surplus);
    }

    /// Drops what an owned event has on the heap, but for a little memory.
    fn clear(&mut self) {
        let Origin::Owned(kept) = &mut self.origin else { return };
        kept.lists = None;
        kept.event.payload = Payload::None;
        if kept.data.capacity() > MAX_SHELL_DATA {
            kept.data = Vec::new();
        }
    }

    pub(super) fn set_user_data(&mut self, user_data: usize) {
        self.c.user_data = ptr::with_exposed_provenance_mut(user_data);
    }

    /// What C gets; the box must not move while it is used.
    pub(super) fn as_c(&mut self) -> *const chromesock_event {
        ptr::from_mut(self).cast()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::{CStr, c_char};

    use super::*;
    use crate::api::event::List;
    use crate::api::properties::TlsSession;

    #[test]
    fn an_owned_event_points_to_its_own_copy_of_the_data() {
        let mut event = Event::notification(EventType::ChromeSocketsTcpOnReceive, 1, None);
        event.payload = Payload::Data(vec![7; 10].into());
        let original = event.clone();
        let mut kept = EventBox::shell(Arc::default());
        let charge = Charge::of(&event);
        kept.keep(event, charge, None);
        assert_ne!(kept.c.data, original.data(&[]).as_ptr());
        // SAFETY: the event points to its own data.
        let seen = unsafe { std::slice::from_raw_parts(kept.c.data, kept.c.data_len) };
        assert_eq!(seen, [7; 10]);
    }

    /// What C sees of an event, pointers followed.
    pub(super) fn seen(of: &EventBox) -> String {
        let c = &of.c;
        // SAFETY: texts are NULL or end with NUL, and lie in the box or in its event.
        let text = |text: *const c_char| (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) });
        let data = match c.data.is_null() {
            true => &[],
            // SAFETY: as above.
            false => unsafe { std::slice::from_raw_parts(c.data, c.data_len) },
        };
        let numbers = (c.r#type, c.present, c.socket_id, c.client_socket_id, c.result, c.port);
        let lens = (c.sockets_len, c.texts_len, c.interfaces_len);
        let rest = (c.bytes_sent, lens, c.data.is_null(), c.user_data.addr());
        // SAFETY: as above.
        let certificate = unsafe { c.tls_session.as_ref().map(|session| (*session.chain).len) };
        let texts = (text(c.address), text(c.message), certificate);
        format!("{numbers:?} {data:?} {texts:?} {rest:?}")
    }

    /// What an event points to stays where it is while the event is handed on. Of use under Miri, which knows of
    /// pointers that are not valid any more.
    #[test]
    fn an_event_is_the_same_for_a_callback_and_for_its_owner() {
        let from = |text: &str| text.parse().unwrap();
        let session = TlsSession {
            version: c"tls1.3".into(),
            cipher_suite: c"TLS_AES_128_GCM_SHA256".into(),
            key_exchange_group: c"X25519".into(),
            verified_name: c"name.example".into(),
            chain: [vec![1; 9].into()].into(),
        };
        let payloads = [
            Payload::Datagram(vec![1; 100].into(), from("192.168.100.200:9")),
            Payload::Datagram(vec![2; 100].into(), from("[fe80::1]:9")),
            Payload::TlsSession(Box::new(session)),
        ];
        for payload in payloads {
            let mut event = Event::notification(EventType::ChromeSocketRecvFrom, 1, None);
            event.payload = payload;
            let in_callback = View::new(ptr::null()).show(&event, &[], |shown| seen(shown));
            let owned = EventBox::own(event.clone(), Charge::of(&event), None, None, Arc::default);
            // SAFETY: it was just made.
            assert_eq!(seen(unsafe { &*owned }), in_callback);
            // SAFETY: likewise, and it is released once.
            unsafe { Box::from_raw(owned) }.release();
        }
    }

    /// Events of many kinds, one after the other in one box, look as each does in a new one.
    #[test]
    fn a_shell_shows_nothing_of_the_event_before() {
        let from = "192.168.100.200:9".parse().unwrap();
        let payloads = [
            Payload::Datagram(vec![1; 100].into(), from),
            Payload::None,
            Payload::Data(vec![2; 20_000].into()),
            Payload::Datagram(Vec::new().into(), "1.2.3.4:5".parse().unwrap()),
            Payload::Interfaces(Box::new([])),
            Payload::Groups(List::new(Box::new([c"224.0.0.1".into()]), 0, &Arc::default())),
            Payload::BytesSent(7),
            Payload::Datagram(vec![3; 3000].into(), "[::1]:6".parse().unwrap()),
            Payload::Data(vec![4; 10].into()),
            Payload::None,
        ];
        let mut shell = EventBox::shell(Arc::default());
        for (socket_id, payload) in (1..).zip(payloads) {
            // The only type that shows an address when there is none.
            let mut event = Event::notification(EventType::ChromeSocketRecvFrom, socket_id, None);
            event.payload = payload;
            let mut fresh = EventBox::shell(Arc::default());
            let charge = Charge::of(&event);
            fresh.keep(event.clone(), charge, None);
            shell.keep(event, charge, None);
            assert_eq!(seen(&shell), seen(&fresh));
            shell.clear();
        }
    }

    #[test]
    fn a_shell_keeps_no_event_and_little_memory() {
        let mut shell = EventBox::shell(Arc::default());
        let mut event = Event::notification(EventType::ChromeSocketsTcpOnReceive, 1, None);
        event.payload = Payload::Data(vec![1; 10_000].into());
        let charge = Charge::of(&event);
        shell.keep(event, charge, None);
        shell.clear();
        let Origin::Owned(kept) = &shell.origin else { unreachable!() };
        assert!(kept.data.capacity() <= MAX_SHELL_DATA);
    }
}
