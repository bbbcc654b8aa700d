//! What calls take and sockets tell beyond single values: properties, infos, options of `secure`.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use bytes::Bytes;

/// `SocketProperties` as given to `create` and `update`; `None` = not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketProperties {
    /// Stays open when the app is suspended.
    pub persistent: Option<bool>,
    /// The program's name for the socket; empty clears it. Shared, since it may be long and asked for often.
    pub name: Option<Arc<CString>>,
    /// Bytes per receive; zero and negative values mean the default.
    pub buffer_size: Option<i32>,
}

/// `DnsQueryType`: which address family a name may resolve to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DnsQueryType {
    /// Both families.
    #[default]
    Any,
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
}

/// One numeric address with its port, as text programs read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Canonical address text without brackets, zone or port.
    pub address: Box<CStr>,
    /// Port, 0 to 65535.
    pub port: u16,
}

/// `SocketType` of `chrome.socket`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketType {
    /// TCP, client or server.
    Tcp,
    /// UDP.
    Udp,
}

/// `NetworkInterface`: one address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInterface {
    /// Name of the interface.
    pub name: Box<CStr>,
    /// Canonical address text.
    pub address: Box<CStr>,
    /// Length of the network prefix, 0 to 128.
    pub prefix_length: u8,
}

/// `SocketInfo` as delivered by `getInfo` and `getSockets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketInfo {
    /// The socket.
    pub socket_id: i32,
    /// Stays open when the app is suspended.
    pub persistent: bool,
    /// Present when not empty.
    pub name: Option<Arc<CString>>,
    /// Present when above 0.
    pub buffer_size: Option<i32>,
    /// Whether delivery is paused.
    pub paused: bool,
    /// `chrome.socket` only: `tcp` or `udp`.
    pub socket_type: Option<SocketType>,
    /// Absent where the namespace has no such member.
    pub connected: Option<bool>,
    /// Present while connected, bound or listening.
    pub local: Option<Endpoint>,
    /// Present while connected.
    pub peer: Option<Endpoint>,
}

/// SecureOptions: the versions of TLS to offer, as the program passed them; `None` = not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecureOptions {
    /// `tlsVersion.min`
    pub tls_version_min: Option<Box<str>>,
    /// `tlsVersion.max`
    pub tls_version_max: Option<Box<str>>,
}

/// What a secured connection has agreed upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// `tls1.2` or `tls1.3`.
    pub version: Box<CStr>,
    /// The registered name of the cipher suite.
    pub cipher_suite: Box<CStr>,
    /// The registered name of the group in which keys were exchanged.
    pub key_exchange_group: Box<CStr>,
    /// The name, or address, that the server's certificate was checked for.
    pub verified_name: Box<CStr>,
    /// The server's certificates in DER, its own first.
    pub chain: Box<[Bytes]>,
}
