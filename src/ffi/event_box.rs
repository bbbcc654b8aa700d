//! An event with its C form, in one place: shown in a callback, or owned by the host program.
//!
//! An owned event lies in a box of its own. Once released, the box is a shell, which goes back to the
//! app for the next event: a host that releases each event before it takes the next uses one box,
//! and nothing is allocated. A shell keeps no event alive, and little memory.

use std::ffi::{CStr, c_char};
use std::mem::ManuallyDrop;
use std::net::IpAddr;
use std::sync::Arc;
use std::{ptr, slice};

use super::app::CHost;
use super::event::*;
use super::tls::SessionView;
use crate::api::event::{Event, Payload};
use crate::api::properties::{Endpoint, NetworkInterface, SocketInfo, SocketType};
use crate::api::table::EventType;
use crate::delivery::{Charge, Queue, Shell};
use crate::net::address::{AddressText, NO_ADDRESS, write_ipv6};

/// An event as C sees it, with what it points to. The C part comes first, so that a pointer to it is
/// a pointer to the whole.
#[repr(C)]
pub(super) struct EventBox {
    c: chromesock_event,
    origin: Origin,
}

/// Arrays that C is pointed to; few events have any.
#[derive(Default)]
struct Lists {
    sockets: Box<[chromesock_socket_info]>,
    texts: Box<[*const c_char]>,
    interfaces: Box<[chrome_socket_network_interface]>,
    tls_session: Option<Box<SessionView>>,
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

impl chromesock_event {
    /// An event without its payload.
    #[inline(always)]
    fn head(event: &Event) -> Self {
        let mut head = Self::bare(event.event_type, event.socket_id);
        head.present = if event.result.is_some() { CHROMESOCK_EVENT_RESULT } else { 0 };
        head.client_socket_id = event.client_socket_id;
        head.result = event.result.unwrap_or(0);
        head.user_data =
            ptr::with_exposed_provenance_mut(event.ticket.map_or(0, |ticket| ticket.user_data));
        head.message = event.message.map_or(ptr::null(), CStr::as_ptr);
        head
    }

    /// An event of which no more is known. Member by member, which is cheaper than a copy of an empty one.
    #[inline(always)]
    fn bare(event_type: EventType, socket_id: i32) -> Self {
        Self {
            size: size_of::<Self>() as u32,
            r#type: event_type as u32,
            present: 0,
            socket_id,
            client_socket_id: 0,
            result: 0,
            port: 0,
            reserved: 0,
            user_data: ptr::null_mut(),
            message: ptr::null(),
            address: ptr::null(),
            data: ptr::null(),
            data_len: 0,
            bytes_sent: 0,
            sockets: ptr::null(),
            sockets_len: 0,
            texts: ptr::null(),
            texts_len: 0,
            interfaces: ptr::null(),
            interfaces_len: 0,
            tls_session: ptr::null(),
        }
    }
}

/// The C view of events that are shown one after the other as to the callbacks of a host.
pub(super) struct View {
    /// What it borrows is not its own to drop.
    shown: ManuallyDrop<EventBox>,
    /// Whether it shows received data that lies beside its event: then the next such event differs in little.
    is_piece: bool,
}

impl View {
    /// Outside of callbacks `host` may be NULL.
    #[inline]
    pub(super) fn new(host: *const CHost) -> Self {
        let c = chromesock_event::bare(EventType::ChromeSocketsTcpOnReceive, 0);
        let origin = Origin::Borrowed(host, ptr::null());
        Self { shown: ManuallyDrop::new(EventBox { c, origin }), is_piece: true }
    }

    /// Shows what most events are: received data that lies `beside` the event. `None`: it is another event, for `show`.
    #[inline]
    pub(super) fn show_piece(&mut self, event: &Event, beside: &[u8]) -> Option<&mut EventBox> {
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
    pub(super) fn show<R>(
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

/// Writes what C sees of an event's payload: data, which may lie `beside` it, or what else lies on the heap; it
/// points there, to `lists` and to `address`.
#[inline(always)]
fn show_payload(
    event: &Event,
    beside: &[u8],
    c: &mut chromesock_event,
    lists: &mut Option<Box<Lists>>,
    address: &mut AddressText,
) {
    match &event.payload {
        Payload::Piece(piece) => show_data(piece.of(beside), c),
        Payload::Data(data) => show_data(data, c),
        _ => show_rest(event, c, lists, address),
    }
}

#[inline]
fn show_data(data: &[u8], c: &mut chromesock_event) {
    c.present |= CHROMESOCK_EVENT_DATA;
    c.data = data.as_ptr();
    c.data_len = data.len();
}

/// The rest of a payload that is not data alone.
#[inline(never)]
fn show_rest(
    event: &Event,
    c: &mut chromesock_event,
    lists: &mut Option<Box<Lists>>,
    address: &mut AddressText,
) {
    match &event.payload {
        Payload::None | Payload::Data(_) | Payload::Piece(_) => {}
        Payload::BytesSent(bytes) => {
            c.present |= CHROMESOCK_EVENT_BYTES_SENT;
            c.bytes_sent = *bytes;
        }
        Payload::Datagram(data, from) => {
            show_data(data, c);
            c.present |= CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT;
            c.port = from.port().into();
            write_address(address, from.ip());
            c.address = address.as_ptr().cast();
        }
        Payload::Denied(denied) => {
            c.present |= CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT;
            c.address = denied.host.as_ptr();
            c.port = denied.port;
            c.message = denied.explanation.as_ptr();
        }
        Payload::Sockets(sockets) => {
            let lists = lists.get_or_insert_default();
            lists.sockets = sockets.iter().map(info).collect();
            c.present |= CHROMESOCK_EVENT_SOCKETS;
            c.sockets = lists.sockets.as_ptr();
            c.sockets_len = lists.sockets.len();
        }
        Payload::Groups(groups) => show_texts(groups, c, lists),
        Payload::Text(text) => show_texts(slice::from_ref(text), c, lists),
        Payload::Interfaces(interfaces) => {
            let lists = lists.get_or_insert_default();
            lists.interfaces = interfaces.iter().map(interface).collect();
            c.present |= CHROMESOCK_EVENT_INTERFACES;
            c.interfaces = lists.interfaces.as_ptr();
            c.interfaces_len = lists.interfaces.len();
        }
        Payload::TlsSession(session) => {
            let view = lists.get_or_insert_default().tls_session.insert(SessionView::new(session));
            c.tls_session = view.as_c();
        }
    }
    // These results always have all their members; failures have empty ones.
    match event.event_type {
        EventType::ChromeSocketRead => {
            c.present = c.present & CHROMESOCK_EVENT_RESULT | CHROMESOCK_EVENT_DATA;
        }
        EventType::ChromeSocketRecvFrom => {
            c.present |= CHROMESOCK_EVENT_DATA | CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT;
            if c.address.is_null() {
                c.address = c"".as_ptr();
            }
        }
        _ => {}
    }
}

fn show_texts(texts: &[Box<CStr>], c: &mut chromesock_event, lists: &mut Option<Box<Lists>>) {
    let lists = lists.get_or_insert_default();
    lists.texts = texts.iter().map(|text| text.as_ptr()).collect();
    c.present |= CHROMESOCK_EVENT_TEXTS;
    c.texts = lists.texts.as_ptr();
    c.texts_len = lists.texts.len();
}

/// Canonical address text (tcp.md T-1), which is in each event of a datagram; without formatting for IPv4.
fn write_address(into: &mut AddressText, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            let mut at = 0;
            for octet in v4.octets() {
                let (digits, len) = OCTETS[usize::from(octet)];
                into[at..at + digits.len()].copy_from_slice(&digits);
                at += usize::from(len);
            }
            into[at - 1] = 0;
        }
        IpAddr::V6(v6) => write_ipv6(into, v6),
    }
}

/// Of each octet the digits and a dot, and how many bytes they are.
static OCTETS: [([u8; 4], u8); 256] = {
    let mut all = [([0; 4], 0); 256];
    let mut octet = 0;
    while octet < 256 {
        let (hundreds, tens, ones) =
            (b'0' + (octet / 100) as u8, b'0' + (octet / 10 % 10) as u8, b'0' + (octet % 10) as u8);
        all[octet] = match octet {
            0..10 => ([ones, b'.', 0, 0], 2),
            10..100 => ([tens, ones, b'.', 0], 3),
            _ => ([hundreds, tens, ones, b'.'], 4),
        };
        octet += 1;
    }
    all
};

fn interface(of: &NetworkInterface) -> chrome_socket_network_interface {
    chrome_socket_network_interface {
        size: size_of::<chrome_socket_network_interface>() as u32,
        prefix_length: of.prefix_length.into(),
        name: of.name.as_ptr(),
        address: of.address.as_ptr(),
    }
}

fn info(of: &SocketInfo) -> chromesock_socket_info {
    let mut present = 0;
    let mut bit = |bit: u32, is_present: bool| present |= if is_present { bit } else { 0 };
    bit(CHROMESOCK_SOCKET_INFO_NAME, of.name.is_some());
    bit(CHROMESOCK_SOCKET_INFO_BUFFER_SIZE, of.buffer_size.is_some());
    bit(CHROMESOCK_SOCKET_INFO_CONNECTED, of.connected.is_some());
    bit(CHROMESOCK_SOCKET_INFO_LOCAL, of.local.is_some());
    bit(CHROMESOCK_SOCKET_INFO_PEER, of.peer.is_some());
    bit(CHROMESOCK_SOCKET_INFO_TYPE, of.socket_type.is_some());
    let address = |at: &Option<Endpoint>| at.as_ref().map_or(ptr::null(), |at| at.address.as_ptr());
    let port = |at: &Option<Endpoint>| at.as_ref().map_or(0, |at| i32::from(at.port));
    chromesock_socket_info {
        size: size_of::<chromesock_socket_info>() as u32,
        present,
        socket_id: of.socket_id,
        buffer_size: of.buffer_size.unwrap_or(0),
        local_port: port(&of.local),
        peer_port: port(&of.peer),
        persistent: of.persistent.into(),
        paused: of.paused.into(),
        connected: of.connected.unwrap_or(false).into(),
        socket_type: match of.socket_type {
            Some(SocketType::Udp) => chrome_socket_type::ChromeSocketTypeUdp as u8,
            _ => chrome_socket_type::ChromeSocketTypeTcp as u8,
        },
        reserved: [0; 4],
        name: of.name.as_ref().map_or(ptr::null(), |name| name.as_ptr()),
        local_address: address(&of.local),
        peer_address: address(&of.peer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::event::{List, Piece};
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
    fn seen(of: &EventBox) -> String {
        let c = &of.c;
        // SAFETY: texts are NULL or end with NUL, and lie in the box or in its event.
        let text = |text: *const c_char| (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) });
        let data = match c.data.is_null() {
            true => &[],
            // SAFETY: as above.
            false => unsafe { std::slice::from_raw_parts(c.data, c.data_len) },
        };
        let numbers = (c.r#type, c.present, c.socket_id, c.client_socket_id, c.result, c.port);
        let rest = (c.bytes_sent, c.sockets_len, c.texts_len, c.interfaces_len, c.data.is_null());
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

    #[test]
    fn addresses_of_events_read_like_all_addresses_t_1() {
        let all = ["0.0.0.0", "1.20.255.9", "127.0.0.1", "10.100.99.200", "::1", "::ffff:1.2.3.4"];
        for address in all.map(|address| address.parse().unwrap()) {
            let mut written = [b'9'; size_of::<AddressText>()];
            write_address(&mut written, address);
            let text = crate::net::address::text(address);
            assert_eq!(CStr::from_bytes_until_nul(&written).unwrap(), &*text);
        }
    }
}
