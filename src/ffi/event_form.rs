//! What C sees of an event: the numbers, and pointers to what lies on the heap.

use std::ffi::{CStr, c_char};
use std::net::IpAddr;
use std::{ptr, slice};

use super::event::*;
use super::tls::SessionView;
use crate::api::event::{Event, Payload};
use crate::api::properties::{Endpoint, NetworkInterface, SocketInfo, SocketType};
use crate::api::table::EventType;
use crate::net::address::{AddressText, write_ipv6};

/// Arrays that C is pointed to; few events have any.
#[derive(Default)]
pub(super) struct Lists {
    sockets: Box<[chromesock_socket_info]>,
    texts: Box<[*const c_char]>,
    interfaces: Box<[chrome_socket_network_interface]>,
    tls_session: Option<Box<SessionView>>,
}

impl chromesock_event {
    /// An event without its payload.
    #[inline(always)]
    pub(super) fn head(event: &Event) -> Self {
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
    pub(super) fn bare(event_type: EventType, socket_id: i32) -> Self {
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

/// Writes what C sees of an event's payload: data, which may lie `beside` it, or what else lies on the heap; it
/// points there, to `lists` and to `address`.
#[inline(always)]
pub(super) fn show_payload(
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
pub(super) fn show_data(data: &[u8], c: &mut chromesock_event) {
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
pub(super) fn write_address(into: &mut AddressText, address: IpAddr) {
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
