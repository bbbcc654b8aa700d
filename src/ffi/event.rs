//! `chromesock_event`: what C reads of an event, and keeping one beyond its callback.

use std::ffi::{CStr, c_char, c_void};
use std::net::IpAddr;
use std::ptr;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::app::CHost;
use super::tls::{SessionView, chromesock_tls_session};
use super::types::chromesock_bool;
use super::{guard, put};
use crate::api::event::{Event, Payload};
use crate::api::net_error::Status;
use crate::api::properties::{Endpoint, NetworkInterface, SocketInfo, SocketType};
use crate::api::table::EventType;
use crate::delivery::{Charge, Delivery, Shell};
use crate::net::address::text;

/// `result` is delivered: the API's `result` or `resultCode`.
pub const CHROMESOCK_EVENT_RESULT: u32 = 1;
/// `bytes_sent` is delivered.
pub const CHROMESOCK_EVENT_BYTES_SENT: u32 = 2;
/// `data` and `data_len` are delivered.
pub const CHROMESOCK_EVENT_DATA: u32 = 4;
/// `address` is delivered.
pub const CHROMESOCK_EVENT_ADDRESS: u32 = 8;
/// `port` is delivered.
pub const CHROMESOCK_EVENT_PORT: u32 = 16;
/// `sockets` and `sockets_len` are delivered.
pub const CHROMESOCK_EVENT_SOCKETS: u32 = 32;
/// `texts` and `texts_len` are delivered.
pub const CHROMESOCK_EVENT_TEXTS: u32 = 64;
/// `interfaces` and `interfaces_len` are delivered.
pub const CHROMESOCK_EVENT_INTERFACES: u32 = 128;

/// `name` is present.
pub const CHROMESOCK_SOCKET_INFO_NAME: u32 = 1;
/// `buffer_size` is present.
pub const CHROMESOCK_SOCKET_INFO_BUFFER_SIZE: u32 = 2;
/// The API has the member `connected` (not for chrome.sockets.tcpServer).
pub const CHROMESOCK_SOCKET_INFO_CONNECTED: u32 = 4;
/// `local_address` and `local_port` are present.
pub const CHROMESOCK_SOCKET_INFO_LOCAL: u32 = 8;
/// `peer_address` and `peer_port` are present.
pub const CHROMESOCK_SOCKET_INFO_PEER: u32 = 16;

/// `socket_type` is present (only for chrome.socket).
pub const CHROMESOCK_SOCKET_INFO_TYPE: u32 = 32;

/// SocketType of chrome.socket.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum chrome_socket_type {
    /// "tcp"
    ChromeSocketTypeTcp = 0,
    /// "udp"
    ChromeSocketTypeUdp = 1,
}

/// One address of an interface, as chrome.socket.getNetworkList delivers it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chrome_socket_network_interface {
    /// Size of this struct; arrays of it are stepped through by this size.
    pub size: u32,
    /// Length of the network prefix, 0 to 32 or 0 to 128.
    pub prefix_length: i32,
    /// Name of the interface.
    pub name: *const c_char,
    /// Numeric address, no zone.
    pub address: *const c_char,
}

/// SocketInfo, as getInfo and getSockets deliver it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chromesock_socket_info {
    /// Size of this struct; arrays of it are stepped through by this size.
    pub size: u32,
    /// CHROMESOCK_SOCKET_INFO_… of the members that are present.
    pub present: u32,
    /// The socket.
    pub socket_id: i32,
    /// Most bytes of one onReceive, as given.
    pub buffer_size: i32,
    /// Own port.
    pub local_port: i32,
    /// The peer's port.
    pub peer_port: i32,
    /// Whether the socket stays open when the app is suspended.
    pub persistent: chromesock_bool,
    /// Whether delivery is paused.
    pub paused: chromesock_bool,
    /// Whether the socket is connected.
    pub connected: chromesock_bool,
    /// One of chrome_socket_type, for chrome.socket.
    pub socket_type: u8,
    /// Zero.
    pub reserved: [u8; 4],
    /// The program's name for the socket; NULL = absent.
    pub name: *const c_char,
    /// Own address: numeric, no brackets, no zone; NULL = absent.
    pub local_address: *const c_char,
    /// The peer's address, likewise; NULL = absent.
    pub peer_address: *const c_char,
}

/// One completion or notification. Made by the library; all members are always set.
#[repr(C)]
#[derive(Debug)]
pub struct chromesock_event {
    /// Size of this struct.
    pub size: u32,
    /// One of chromesock_event_type; ignore types you do not know.
    pub r#type: u32,
    /// CHROMESOCK_EVENT_… of the members that the API delivers here.
    pub present: u32,
    /// The socket that the call or notification is about; 0 = none.
    pub socket_id: i32,
    /// onAccept: the accepted socket, of chrome.sockets.tcp; else 0.
    pub client_socket_id: i32,
    /// 0 or a negative chromesock_status; a failure may come without one: see CHROMESOCK_EVENT_RESULT.
    pub result: i32,
    /// A port, host byte order.
    pub port: i32,
    /// Zero.
    pub reserved: u32,
    /// Completions: the call's `user_data`. Notifications: the listener's or default handler's.
    pub user_data: *mut c_void,
    /// What programs read as chrome.runtime.lastError.message; NULL on success.
    pub message: *const c_char,
    /// An address.
    pub address: *const c_char,
    /// Received bytes.
    pub data: *const u8,
    /// Their number.
    pub data_len: usize,
    /// SendInfo.bytesSent.
    pub bytes_sent: u64,
    /// getInfo: the one socket. getSockets: all, ascending by id.
    pub sockets: *const chromesock_socket_info,
    /// Their number.
    pub sockets_len: usize,
    /// getJoinedGroups: the groups in join order.
    pub texts: *const *const c_char,
    /// Their number.
    pub texts_len: usize,
    /// getNetworkList: one element for each address.
    pub interfaces: *const chrome_socket_network_interface,
    /// Their number.
    pub interfaces_len: usize,
    /// CHROMESOCK_TLS_SESSION: what was agreed upon; NULL = absent.
    pub tls_session: *const chromesock_tls_session,
}

// Layouts are part of the ABI: members are only ever appended.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<chromesock_socket_info>() == 56);
    assert!(size_of::<chromesock_event>() == 136);
    assert!(size_of::<chrome_socket_network_interface>() == 24);
};

/// An event as C sees it, with what it points to. The C part comes first, so that a pointer to it is
/// a pointer to the whole.
#[repr(C)]
pub(super) struct EventBox {
    c: chromesock_event,
    /// Few events have any.
    lists: Option<Box<Lists>>,
    /// Text of a sender's address; `c.address` points here once the box stays put.
    address: AddressText,
    origin: Origin,
}

/// Arrays that C is pointed to; on the heap, so that the box may move.
#[derive(Default)]
struct Lists {
    sockets: Box<[chromesock_socket_info]>,
    texts: Box<[*const c_char]>,
    interfaces: Box<[chrome_socket_network_interface]>,
    tls_session: Option<Box<SessionView>>,
}

/// Longest address text with its NUL.
type AddressText = [u8; 48];

/// Whose an event is, and where its data is accounted for.
enum Origin {
    /// Shown in a callback of this host; both outlive the callback.
    Borrowed(*const CHost, *const Event),
    /// Owned by the host program, perhaps longer than the app lives.
    Owned(Kept),
}

/// An event that the host program owns.
struct Kept {
    delivery: Weak<Delivery>,
    event: Event,
    charge: Charge,
    /// Small data of the event, which no longer has it: it would keep the large buffer it shares with others.
    data: Vec<u8>,
}

/// Larger data keeps its buffer, of which it is an eighth or more.
const MAX_DETACHED: usize = 16 * 1024;
/// Memory for data that stays with the shell of a released event.
const MAX_SHELL_DATA: usize = 2 * 1024;

// SAFETY: what is pointed to belongs to the box or is static, unless it is borrowed; and borrowed ones stay
// on the stack of the thread that runs the callback.
unsafe impl Send for EventBox {}

impl chromesock_event {
    /// No event at all.
    const NONE: Self = Self {
        size: size_of::<Self>() as u32,
        r#type: 0,
        present: 0,
        socket_id: 0,
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
    };
}

impl EventBox {
    /// The C view of an event for the time of its callbacks, or until it was copied; then `host` may be NULL.
    pub(super) fn borrowed(event: &Event, host: *const CHost) -> Self {
        let origin = Origin::Borrowed(host, event);
        let (c, address) = (chromesock_event::NONE, [0; size_of::<AddressText>()]);
        let mut view = Self { c, lists: None, address, origin };
        view.show(event);
        view
    }

    /// Gives an event to the host program, which must release it, whenever that may be.
    #[inline(always)]
    pub(super) fn give(
        event: Event,
        shell: Option<Shell>,
        delivery: &Arc<Delivery>,
    ) -> *const chromesock_event {
        let shell = shell.and_then(|shell| shell.downcast::<Self>().ok());
        let mut owned = shell.unwrap_or_else(|| Self::shell(Arc::downgrade(delivery)));
        owned.keep(event);
        Box::into_raw(owned).cast()
    }

    /// A place for an owned event.
    fn shell(delivery: Weak<Delivery>) -> Box<Self> {
        let event = Event::notification(EventType::ChromesockAppClosed, 0, None);
        let charge = Charge::of(&event);
        let kept = Kept { delivery, event, charge, data: Vec::new() };
        let (c, address) = (chromesock_event::NONE, [0; size_of::<AddressText>()]);
        Box::new(Self { c, lists: None, address, origin: Origin::Owned(kept) })
    }

    /// Puts an event into a shell.
    #[inline(always)]
    fn keep(&mut self, mut event: Event) {
        self.show(&event);
        self.point_to_address();
        let Origin::Owned(kept) = &mut self.origin else { return };
        kept.charge = Charge::of(&event);
        kept.data.clear();
        if let Some(data) = event.data_mut().filter(|data| data.len() <= MAX_DETACHED) {
            kept.data.extend_from_slice(data);
            self.c.data = kept.data.as_ptr();
            *data = Bytes::new();
        }
        kept.event = event;
    }

    /// Shows an event, whose payload lies on the heap: the event itself may move.
    fn show(&mut self, event: &Event) {
        self.address[0] = 0;
        let c = &mut self.c;
        *c = chromesock_event {
            r#type: event.event_type as u32,
            socket_id: event.socket_id,
            client_socket_id: event.client_socket_id,
            result: event.result.unwrap_or(0),
            user_data: ptr::with_exposed_provenance_mut(event.ticket.map_or(0, |t| t.user_data)),
            message: event.message.map_or(ptr::null(), CStr::as_ptr),
            ..chromesock_event::NONE
        };
        if event.result.is_some() {
            c.present |= CHROMESOCK_EVENT_RESULT;
        }
        match &event.payload {
            Payload::None => {}
            Payload::Data(data) => {
                c.present |= CHROMESOCK_EVENT_DATA;
                c.data = data.as_ptr();
                c.data_len = data.len();
            }
            Payload::BytesSent(bytes) => {
                c.present |= CHROMESOCK_EVENT_BYTES_SENT;
                c.bytes_sent = *bytes;
            }
            Payload::Denied(denied) => {
                c.present |= CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT;
                c.address = denied.host.as_ptr();
                c.port = denied.port;
                c.message = denied.explanation.as_ptr();
            }
            Payload::Sockets(sockets) => {
                let lists = self.lists.get_or_insert_default();
                lists.sockets = sockets.iter().map(info).collect();
                c.present |= CHROMESOCK_EVENT_SOCKETS;
                c.sockets = lists.sockets.as_ptr();
                c.sockets_len = lists.sockets.len();
            }
            Payload::Datagram(data, from) => {
                c.present |=
                    CHROMESOCK_EVENT_DATA | CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT;
                c.data = data.as_ptr();
                c.data_len = data.len();
                c.port = from.port().into();
                write_address(&mut self.address, from.ip());
            }
            Payload::Texts(texts) => {
                let lists = self.lists.get_or_insert_default();
                lists.texts = texts.iter().map(|text| text.as_ptr()).collect();
                c.present |= CHROMESOCK_EVENT_TEXTS;
                c.texts = lists.texts.as_ptr();
                c.texts_len = lists.texts.len();
            }
            Payload::Interfaces(interfaces) => {
                let lists = self.lists.get_or_insert_default();
                lists.interfaces = interfaces.iter().map(interface).collect();
                c.present |= CHROMESOCK_EVENT_INTERFACES;
                c.interfaces = lists.interfaces.as_ptr();
                c.interfaces_len = lists.interfaces.len();
            }
            Payload::TlsSession(session) => {
                let view = self
                    .lists
                    .get_or_insert_default()
                    .tls_session
                    .insert(SessionView::new(session));
                c.tls_session = view.as_c();
            }
        }
        // These results always have all their members; failures have empty ones.
        match event.event_type {
            EventType::ChromeSocketRead => {
                c.present = c.present & CHROMESOCK_EVENT_RESULT | CHROMESOCK_EVENT_DATA;
            }
            EventType::ChromeSocketRecvFrom => {
                c.present |=
                    CHROMESOCK_EVENT_DATA | CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT;
            }
            _ => {}
        }
    }

    /// Another of the same event, which the host keeps, too.
    fn retained(&self) -> *const chromesock_event {
        let (delivery, mut event) = match &self.origin {
            // SAFETY: a borrowed event is used only within its callback, which host and event outlive.
            Origin::Borrowed(host, event) => unsafe { ((**host).delivery(), (**event).clone()) },
            Origin::Owned(kept) => (Weak::clone(&kept.delivery), kept.event.clone()),
        };
        if let Origin::Owned(kept) = &self.origin
            && let Some(data) = event.data_mut().filter(|_| !kept.data.is_empty())
        {
            *data = Bytes::copy_from_slice(&kept.data);
        }
        if let Some(delivery) = delivery.upgrade() {
            delivery.hold(Charge::of(&event));
        }
        let mut copy = Self::shell(delivery);
        copy.keep(event);
        copy.c.user_data = self.c.user_data;
        Box::into_raw(copy).cast()
    }

    /// Lets go of an owned event. The app gets its charge, and what is left of the box as a shell.
    fn release(mut self: Box<Self>) {
        self.lists = None;
        let Origin::Owned(kept) = &mut self.origin else { return };
        kept.event.payload = Payload::None;
        if kept.data.capacity() > MAX_SHELL_DATA {
            kept.data = Vec::new();
        }
        let charge = kept.charge;
        if let Some(delivery) = kept.delivery.upgrade() {
            delivery.done_with(charge, Some(self));
        }
    }

    /// The sender's address is text within the box, so it is pointed to last.
    fn point_to_address(&mut self) {
        if self.c.present & CHROMESOCK_EVENT_ADDRESS != 0 && self.c.address.is_null() {
            self.c.address = self.address.as_ptr().cast();
        }
    }

    pub(super) fn set_user_data(&mut self, user_data: usize) {
        self.c.user_data = ptr::with_exposed_provenance_mut(user_data);
    }

    /// What C gets; the box must not move while it is used.
    pub(super) fn as_c(&mut self) -> *const chromesock_event {
        self.point_to_address();
        ptr::from_mut(self).cast()
    }
}

/// Canonical address text (tcp.md T-1); without allocating or formatting for IPv4, which is in each
/// event of a datagram.
fn write_address(into: &mut AddressText, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            let mut rest = &mut into[..];
            for (i, octet) in v4.octets().into_iter().enumerate() {
                if i > 0 {
                    rest = put_byte(rest, b'.');
                }
                if octet >= 100 {
                    rest = put_byte(rest, b'0' + octet / 100);
                }
                if octet >= 10 {
                    rest = put_byte(rest, b'0' + octet / 10 % 10);
                }
                rest = put_byte(rest, b'0' + octet % 10);
            }
            put_byte(rest, 0);
        }
        IpAddr::V6(_) => {
            let text = text(address);
            let text = text.to_bytes_with_nul();
            into[..text.len()].copy_from_slice(text);
        }
    }
}

fn put_byte(into: &mut [u8], byte: u8) -> &mut [u8] {
    let (first, rest) = into.split_at_mut(1);
    first[0] = byte;
    rest
}

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

/// Keeps an event beyond its callback.
///
/// Mirrors:    nothing; host only.
/// Parameters: event     from a callback, from chromesock_app_next_event, or retained before.
///             retained  the kept event, owned by the caller; release with chromesock_event_release.
///             It may be used on any thread and outlives the app. Its data counts as undelivered.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    the thread that may use `event`; does not block.
/// Since:      0.1
///
/// # Safety
/// `event` is NULL or valid as above; `retained` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_event_retain(
    event: *const chromesock_event,
    retained: *mut *const chromesock_event,
) -> Status {
    guard!({
        if event.is_null() || retained.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: every event that C gets is the head of an EventBox.
        let original = unsafe { &*event.cast::<EventBox>() };
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(retained, original.retained()) };
    })
}

/// Releases an event that was pulled or retained.
///
/// Mirrors:    nothing; host only.
/// Parameters: event  owned by the caller, gone afterwards; NULL does nothing.
/// Threads:    any; does not block.
/// Since:      0.1
///
/// # Safety
/// `event` is NULL, or owned by the caller and not released yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_event_release(event: *const chromesock_event) {
    guard!({
        if event.is_null() {
            return Ok(());
        }
        // SAFETY: every event that C gets is the head of an EventBox.
        if matches!(unsafe { &*event.cast::<EventBox>() }.origin, Origin::Borrowed(..)) {
            // It belongs to the library, which releases it itself.
            return Ok(());
        }
        // SAFETY: owned events are EventBoxes made by give, released once.
        unsafe { Box::from_raw(event.cast_mut().cast::<EventBox>()) }.release();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owned_event_points_to_its_own_copy_of_the_data() {
        let mut event = Event::notification(EventType::ChromeSocketsTcpOnReceive, 1, None);
        event.payload = Payload::Data(vec![7; 10].into());
        let original = event.clone();
        let mut kept = EventBox::shell(Weak::new());
        kept.keep(event);
        assert_ne!(kept.c.data, original.data().unwrap().as_ptr());
        // SAFETY: the event points to its own data.
        let seen = unsafe { std::slice::from_raw_parts(kept.c.data, kept.c.data_len) };
        assert_eq!(seen, [7; 10]);
    }

    #[test]
    fn addresses_of_events_read_like_all_addresses_t_1() {
        let all = ["0.0.0.0", "1.20.255.9", "127.0.0.1", "10.100.99.200", "::1", "::ffff:1.2.3.4"];
        for address in all.map(|address| address.parse().unwrap()) {
            let mut written = [b'9'; size_of::<AddressText>()];
            write_address(&mut written, address);
            assert_eq!(CStr::from_bytes_until_nul(&written).unwrap(), &*text(address));
        }
    }
}
