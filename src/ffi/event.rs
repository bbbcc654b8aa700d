//! `chromesock_event`: what C reads of an event, and keeping one beyond its callback.

use std::ffi::{c_char, c_void};

use super::event_box::EventBox;
use super::tls::chromesock_tls_session;
use super::types::chromesock_bool;
use super::{guard, put};
use crate::api::net_error::Status;

/// Bit of `present` in chromesock_event: `result` is delivered: the API's `result` or `resultCode`.
pub const CHROMESOCK_EVENT_RESULT: u32 = 1;
/// Bit of `present` in chromesock_event: `bytes_sent` is delivered.
pub const CHROMESOCK_EVENT_BYTES_SENT: u32 = 2;
/// Bit of `present` in chromesock_event: `data` and `data_len` are delivered.
pub const CHROMESOCK_EVENT_DATA: u32 = 4;
/// Bit of `present` in chromesock_event: `address` is delivered.
pub const CHROMESOCK_EVENT_ADDRESS: u32 = 8;
/// Bit of `present` in chromesock_event: `port` is delivered.
pub const CHROMESOCK_EVENT_PORT: u32 = 16;
/// Bit of `present` in chromesock_event: `sockets` and `sockets_len` are delivered.
pub const CHROMESOCK_EVENT_SOCKETS: u32 = 32;
/// Bit of `present` in chromesock_event: `texts` and `texts_len` are delivered.
pub const CHROMESOCK_EVENT_TEXTS: u32 = 64;
/// Bit of `present` in chromesock_event: `interfaces` and `interfaces_len` are delivered.
pub const CHROMESOCK_EVENT_INTERFACES: u32 = 128;

/// Bit of `present` in chromesock_socket_info: `name` is present.
pub const CHROMESOCK_SOCKET_INFO_NAME: u32 = 1;
/// Bit of `present` in chromesock_socket_info: `buffer_size` is present.
pub const CHROMESOCK_SOCKET_INFO_BUFFER_SIZE: u32 = 2;
/// Bit of `present` in chromesock_socket_info: the API has the member `connected`, as all but
/// chrome.sockets.tcpServer and chrome.sockets.udp.
pub const CHROMESOCK_SOCKET_INFO_CONNECTED: u32 = 4;
/// Bit of `present` in chromesock_socket_info: `local_address` and `local_port` are present.
pub const CHROMESOCK_SOCKET_INFO_LOCAL: u32 = 8;
/// Bit of `present` in chromesock_socket_info: `peer_address` and `peer_port` are present.
pub const CHROMESOCK_SOCKET_INFO_PEER: u32 = 16;

/// Bit of `present` in chromesock_socket_info: `socket_type` is present (only for chrome.socket).
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
    /// Size of this struct in the library that is running; step through arrays of it by this size.
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
    /// Size of this struct in the library that is running; step through arrays of it by this size.
    pub size: u32,
    /// CHROMESOCK_SOCKET_INFO_… of the members that are present.
    pub present: u32,
    /// The socket.
    pub socket_id: i32,
    /// Largest number of bytes in one onReceive, as it was set; 0 = absent.
    pub buffer_size: i32,
    /// Local port, host byte order; 0 = absent.
    pub local_port: i32,
    /// The peer's port, host byte order; 0 = absent.
    pub peer_port: i32,
    /// Whether the socket stays open when the app is suspended, as those of chrome.socket always do. Accepted sockets
    /// are not persistent until an update makes them so.
    pub persistent: chromesock_bool,
    /// Whether receiving, or accepting, is paused.
    pub paused: chromesock_bool,
    /// Whether the socket is connected.
    pub connected: chromesock_bool,
    /// chrome.socket: one of chrome_socket_type.
    pub socket_type: u8,
    /// Reserved; zero.
    pub reserved: [u8; 4],
    /// The program's name for the socket; NULL = absent.
    pub name: *const c_char,
    /// Local address: numeric, no brackets, no zone, as Chrome writes it: IPv4 in IPv6 is ::ffff:7f00:1, where
    /// inet_ntop has ::ffff:127.0.0.1; NULL = absent.
    pub local_address: *const c_char,
    /// The peer's address, in the same form; NULL = absent.
    pub peer_address: *const c_char,
}

/// One completion or notification. Made by the library, which sets all members; those that do not apply are 0
/// or NULL.
#[repr(C)]
#[derive(Debug)]
pub struct chromesock_event {
    /// Size of this struct in the library that is running.
    pub size: u32,
    /// One of chromesock_event_type; ignore types you do not know.
    pub r#type: u32,
    /// CHROMESOCK_EVENT_… of the members that the API delivers with this event.
    pub present: u32,
    /// The socket that the call or notification is about; 0 = none.
    pub socket_id: i32,
    /// The accepted socket: one of chrome.sockets.tcp with onAccept, one of chrome.socket with
    /// chrome.socket.accept; else 0.
    pub client_socket_id: i32,
    /// 0 or a negative chromesock_status; in chrome.socket also a number of bytes, or 1 for true and 0 for
    /// false. Some failures have only a message, and 0 here: see CHROMESOCK_EVENT_RESULT.
    pub result: i32,
    /// The port that belongs to `address`, host byte order.
    pub port: i32,
    /// Reserved; zero.
    pub reserved: u32,
    /// Completions: the call's `user_data`. Notifications: the listener's or default handler's; NULL if the
    /// event was pulled, as it goes to no listener then.
    pub user_data: *mut c_void,
    /// What programs read as chrome.runtime.lastError.message. NULL on success, and for most failures of
    /// chrome.socket, which have only a `result`.
    pub message: *const c_char,
    /// The sender of a datagram, in the form of chromesock_socket_info. CHROMESOCK_PERMISSION_DENIED: the host as the
    /// page gave it, of one of more than 256 bytes the beginning and an ellipsis; "*" for multicast membership.
    pub address: *const c_char,
    /// Received bytes; they do not end with NUL.
    pub data: *const u8,
    /// Number of bytes in `data`.
    pub data_len: usize,
    /// send: SendInfo.bytesSent, in bytes.
    pub bytes_sent: u64,
    /// getInfo: the one socket. getSockets: all, ascending by id.
    pub sockets: *const chromesock_socket_info,
    /// Number of elements of `sockets`.
    pub sockets_len: usize,
    /// getJoinedGroups: the groups in join order. CHROMESOCK_TLS_KEYS: one line.
    pub texts: *const *const c_char,
    /// Number of elements of `texts`.
    pub texts_len: usize,
    /// getNetworkList: one element for each address.
    pub interfaces: *const chrome_socket_network_interface,
    /// Number of elements of `interfaces`.
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

/// Keeps an event beyond its callback, as a copy with an owner of its own.
///
/// Mirrors:    nothing; host only.
/// Parameters: event     from a callback, from chromesock_app_next_event, or retained before.
///             retained  the kept event, owned by the caller; release with chromesock_event_release.
///             It may be used on any thread, also when the app is gone. Its data counts as undelivered.
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
        if unsafe { &*event.cast::<EventBox>() }.is_borrowed() {
            // It belongs to the library, which releases it itself.
            return Ok(());
        }
        // SAFETY: owned events are EventBoxes made by give or retained, released once.
        unsafe { Box::from_raw(event.cast_mut().cast::<EventBox>()) }.release();
    });
}
