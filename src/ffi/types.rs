//! Structs, enums and bits of the C interface, and their conversions to the API's values.

use std::ffi::{CString, c_char, c_void};
use std::mem;
use std::sync::Arc;

use super::event::chromesock_event;
use super::{app::chromesock_app, app::chromesock_reactor, text_of};
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketProperties};
use crate::net::Feature;
use crate::trust::Store;

/// True or false: any value but 0 is true.
pub type chromesock_bool = u8;

/// Receives an event: the completion of one call, or a notification.
///
/// `event` and all it points to are borrowed until the callback returns. `user_data` is what was
/// given with the callback. A callback may call any function; it must not throw, and must not leave by
/// longjmp.
pub type chromesock_callback = Option<
    unsafe extern "C" fn(
        app: *mut chromesock_app,
        event: *const chromesock_event,
        user_data: *mut c_void,
    ),
>;

/// A function of the host's that gets no event: a wake-up, or the release of something that the library no
/// longer uses. `user_data` is what was given with it. It must not throw, and must not leave by longjmp.
pub type chromesock_hook = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// How an app's events reach the host: chromesock_app_options.delivery.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum chromesock_delivery {
    /// Events wait in a queue until the host runs their callbacks with chromesock_app_dispatch, or takes
    /// them with chromesock_app_next_event. The default. The last callbacks of an app that is freed run on
    /// the thread that frees it, but on its reactor's if it is freed inside a callback on a reactor's thread.
    ChromesockDeliveryQueue = 0,
    /// Callbacks run at once, on the reactor's thread. They must be short: all sockets of the reactor wait
    /// for them. Signals are blocked on that thread, and stay so in a thread or child process that is started there.
    ChromesockDeliveryReactor = 1,
}

/// Which addresses a host name may resolve to.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum chrome_sockets_dns_query_type {
    /// IPv4 and IPv6.
    ChromeSocketsDnsQueryTypeAny = 0,
    /// IPv4 only.
    ChromeSocketsDnsQueryTypeIpv4 = 1,
    /// IPv6 only.
    ChromeSocketsDnsQueryTypeIpv6 = 2,
}

pub(super) fn dns_query_type(value: i32) -> Result<DnsQueryType, Status> {
    match value {
        0 => Ok(DnsQueryType::Any),
        1 => Ok(DnsQueryType::Ipv4),
        2 => Ok(DnsQueryType::Ipv6),
        _ => Err(Status::InvalidArgument),
    }
}

/// A struct that begins with its size and a mask of what is present.
///
/// # Safety
/// `repr(C)`, begins with `uint32_t size, present`, and all zeros is a value of it.
pub(crate) unsafe trait SizedStruct: Copy {
    /// Size of the first published version.
    const SMALLEST: usize;
    /// Bits of `present` that this version knows.
    const KNOWN_BITS: u32;
    /// The mask.
    fn present(&self) -> u32;
    /// A value with all members absent.
    fn zeroed() -> Self {
        // SAFETY: all zeros is a value, as this trait demands.
        unsafe { mem::zeroed() }
    }
}

/// Bit of `present` in chrome_sockets_tcp_properties: `persistent` is given.
pub const CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT: u32 = 1;
/// Bit of `present` in chrome_sockets_tcp_properties: `name` is given.
pub const CHROME_SOCKETS_TCP_PROPERTIES_NAME: u32 = 2;
/// Bit of `present` in chrome_sockets_tcp_properties: `buffer_size` is given.
pub const CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE: u32 = 4;

/// SocketProperties of chrome.sockets.tcp. Fill in `size`, and a bit of `present` for each member given.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chrome_sockets_tcp_properties {
    /// sizeof(chrome_sockets_tcp_properties).
    pub size: u32,
    /// CHROME_SOCKETS_TCP_PROPERTIES_… of the members that are given.
    pub present: u32,
    /// The program's name for the socket, UTF-8; "" clears it.
    pub name: *const c_char,
    /// Largest number of bytes in one onReceive; 0 and below mean 4096, above 65536 means 65536.
    pub buffer_size: i32,
    /// Whether the socket stays open when the app is suspended.
    pub persistent: chromesock_bool,
    /// Reserved; zero.
    pub reserved: [u8; 3],
}

// SAFETY: repr(C) with size and present first; integers and a pointer may be zero.
unsafe impl SizedStruct for chrome_sockets_tcp_properties {
    const SMALLEST: usize = 24;
    const KNOWN_BITS: u32 = 7;
    fn present(&self) -> u32 {
        self.present
    }
}

impl chrome_sockets_tcp_properties {
    /// # Safety
    /// `from` is NULL or a valid struct.
    pub(super) unsafe fn read(from: *const Self) -> Result<SocketProperties, Status> {
        // SAFETY: the caller's promise.
        unsafe {
            read_properties(from, |given| (given.persistent, given.name, Some(given.buffer_size)))
        }
    }
}

/// Bit of `present` in chrome_sockets_udp_properties: `persistent` is given.
pub const CHROME_SOCKETS_UDP_PROPERTIES_PERSISTENT: u32 = 1;
/// Bit of `present` in chrome_sockets_udp_properties: `name` is given.
pub const CHROME_SOCKETS_UDP_PROPERTIES_NAME: u32 = 2;
/// Bit of `present` in chrome_sockets_udp_properties: `buffer_size` is given.
pub const CHROME_SOCKETS_UDP_PROPERTIES_BUFFER_SIZE: u32 = 4;

/// SocketProperties of chrome.sockets.udp. Fill in `size`, and a bit of `present` for each member given.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chrome_sockets_udp_properties {
    /// sizeof(chrome_sockets_udp_properties).
    pub size: u32,
    /// CHROME_SOCKETS_UDP_PROPERTIES_… of the members that are given.
    pub present: u32,
    /// The program's name for the socket, UTF-8; "" clears it.
    pub name: *const c_char,
    /// Length in bytes of the longest datagram that is delivered; 0 and below mean 4096, above 65536 means
    /// 65536.
    pub buffer_size: i32,
    /// Whether the socket stays open when the app is suspended.
    pub persistent: chromesock_bool,
    /// Reserved; zero.
    pub reserved: [u8; 3],
}

// SAFETY: repr(C) with size and present first; integers and a pointer may be zero.
unsafe impl SizedStruct for chrome_sockets_udp_properties {
    const SMALLEST: usize = 24;
    const KNOWN_BITS: u32 = 7;
    fn present(&self) -> u32 {
        self.present
    }
}

impl chrome_sockets_udp_properties {
    /// # Safety
    /// `from` is NULL or a valid struct.
    pub(super) unsafe fn read(from: *const Self) -> Result<SocketProperties, Status> {
        // SAFETY: the caller's promise.
        unsafe {
            read_properties(from, |given| (given.persistent, given.name, Some(given.buffer_size)))
        }
    }
}

/// Bit of `present` in chrome_sockets_tcp_server_properties: `persistent` is given.
pub const CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT: u32 = 1;
/// Bit of `present` in chrome_sockets_tcp_server_properties: `name` is given.
pub const CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME: u32 = 2;

/// SocketProperties of chrome.sockets.tcpServer. Fill in `size`, and a bit of `present` for each member given.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chrome_sockets_tcp_server_properties {
    /// sizeof(chrome_sockets_tcp_server_properties).
    pub size: u32,
    /// CHROME_SOCKETS_TCP_SERVER_PROPERTIES_… of the members that are given.
    pub present: u32,
    /// The program's name for the socket, UTF-8; "" clears it.
    pub name: *const c_char,
    /// Whether the socket stays open when the app is suspended.
    pub persistent: chromesock_bool,
    /// Reserved; zero.
    pub reserved: [u8; 7],
}

// SAFETY: repr(C) with size and present first; integers and a pointer may be zero.
unsafe impl SizedStruct for chrome_sockets_tcp_server_properties {
    const SMALLEST: usize = 24;
    const KNOWN_BITS: u32 = 3;
    fn present(&self) -> u32 {
        self.present
    }
}

impl chrome_sockets_tcp_server_properties {
    /// # Safety
    /// `from` is NULL or a valid struct.
    pub(super) unsafe fn read(from: *const Self) -> Result<SocketProperties, Status> {
        // SAFETY: the caller's promise.
        unsafe { read_properties(from, |given| (given.persistent, given.name, None)) }
    }
}

/// Reads any of the three structs of properties, which have the same bits for the same members: `members` gives
/// `persistent`, `name` and, where it has one, `buffer_size`.
///
/// # Safety
/// `from` is NULL or a valid struct, whose name is NULL or text if its bit is set.
unsafe fn read_properties<T: SizedStruct>(
    from: *const T,
    members: impl FnOnce(T) -> (chromesock_bool, *const c_char, Option<i32>),
) -> Result<SocketProperties, Status> {
    // SAFETY: the caller's promise.
    let Some(given) = (unsafe { super::sized_of(from) })? else {
        return Ok(SocketProperties::default());
    };
    let has = |bit: u32| given.present() & bit != 0;
    let (persistent, name, buffer_size) = members(given);
    let name = if has(CHROME_SOCKETS_TCP_PROPERTIES_NAME) {
        // SAFETY: the caller's promise.
        let text = unsafe { text_of(name) }?;
        Some(Arc::new(CString::new(text).map_err(|_| Status::InvalidArgument)?))
    } else {
        None
    };
    Ok(SocketProperties {
        persistent: has(CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT).then_some(persistent != 0),
        name,
        buffer_size: buffer_size.filter(|_| has(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE)),
    })
}

const _: () = {
    assert!(CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT == CHROME_SOCKETS_UDP_PROPERTIES_PERSISTENT);
    assert!(CHROME_SOCKETS_TCP_PROPERTIES_NAME == CHROME_SOCKETS_UDP_PROPERTIES_NAME);
    assert!(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE == CHROME_SOCKETS_UDP_PROPERTIES_BUFFER_SIZE);
    assert!(
        CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT == CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT
    );
    assert!(CHROME_SOCKETS_TCP_PROPERTIES_NAME == CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME);
};

/// Bit of `present` in chromesock_app_options: `write_quota_bytes` is given.
pub const CHROMESOCK_APP_OPTIONS_WRITE_QUOTA: u32 = 1;
/// Bit of `present` in chromesock_app_options: `undelivered_bytes_per_socket` is given.
pub const CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET: u32 = 2;
/// Bit of `present` in chromesock_app_options: `undelivered_bytes_per_app` is given.
pub const CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_APP: u32 = 4;

/// Options of chromesock_app_new. Set all of it to zero, fill in `size`, then what differs from the defaults.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chromesock_app_options {
    /// sizeof(chromesock_app_options).
    pub size: u32,
    /// CHROMESOCK_APP_OPTIONS_… of the limits that are given; the others have their defaults.
    pub present: u32,
    /// One of chromesock_delivery.
    pub delivery: i32,
    /// Reserved; zero.
    pub reserved: u32,
    /// The reactor whose thread serves the app, which other apps may share; NULL = one of its own.
    pub reactor: *mut chromesock_reactor,
    /// Text of the manifest.json that says what the app may do, UTF-8; NULL = everything is allowed.
    pub manifest: *const c_char,
    /// Limit of the app's unfinished sends, in bytes; one that would exceed it completes with "Exceeded write
    /// quota.". Default: 200 MiB.
    pub write_quota_bytes: u64,
    /// Limit of a socket's received data that is not delivered yet or still retained, in bytes: once it is
    /// reached the socket is not read, and its peer has to wait. The read that reaches it may go beyond it, by up to
    /// 64 KiB of data. Each event counts 128 bytes more than its
    /// data. Default: 1 MiB.
    pub undelivered_bytes_per_socket: u64,
    /// The same for all sockets of the app together. Default: 16 MiB. What peers said before they broke their
    /// connections is delivered beyond it, up to as much again. chrome_socket_read and _recv_from have this limit only.
    pub undelivered_bytes_per_app: u64,
    /// Queue delivery: called on the reactor's thread when an event comes and the host has taken all before it: so
    /// take events until none is left, or wait on. It should only post a task to the host's loop, and not block; it
    /// may call every function, and is not called any more when chromesock_app_free returns outside of callbacks.
    /// NULL = none.
    pub wakeup: chromesock_hook,
    /// Given to `wakeup`.
    pub wakeup_user_data: *mut c_void,
    /// Certificates in PEM, UTF-8 text, that are trusted besides those of `trust`: authorities (CA:TRUE) may
    /// vouch for servers, and a server may itself present any of them, authority or not. NULL = none.
    pub extra_roots_pem: *const c_char,
    /// One of chromesock_trust.
    pub trust: i32,
    /// Whether CHROMESOCK_TLS_KEYS reports the keys of secured connections, with which captured traffic of
    /// them can be decrypted.
    pub tells_tls_keys: chromesock_bool,
    /// Whether listening sockets and bound UDP sockets share their addresses with those of other apps of the
    /// same user that have this option, in this or another process (SO_REUSEPORT): the system distributes
    /// connections and datagrams among them. Within one app an address is still in use. Linux only;
    /// elsewhere chromesock_app_new returns NOT_IMPLEMENTED.
    pub reuse_port: chromesock_bool,
    /// Whether the app is freed when the host closes its end of the stream of
    /// chromesock_app_event_stream: for a host whose thread may be terminated without running any more code. Its last
    /// callbacks run on its reactor's thread.
    /// Once the stream is closed no call may use the app, chromesock_app_free included.
    pub freed_with_stream: chromesock_bool,
    /// Reserved; zero.
    pub reserved_2: u8,
    /// How long the reactor goes on looking for work before it sleeps, in microseconds: what arrives within
    /// that time need not wait for a wake-up, and a CPU is busy meanwhile. On a shared reactor the longest
    /// time of its apps counts. 0 = it sleeps at once.
    pub busy_poll_us: u32,
    /// Sum of CHROMESOCK_WITHOUT_…: system features that the app's sockets must not use, where a system, a
    /// network card or a peer has a fault in them. What the app observes stays the same but for times.
    pub without: u32,
    /// Limit of the app's sockets that have a descriptor at once, so that neither what it runs nor who connects to
    /// it can use up those of the process. Counted are sockets that connect (each attempt, if a host has several
    /// addresses), are connected, listen or are bound, and closed connections whose peer does not have everything
    /// yet, or still talks (see chrome_sockets_tcp_close), for about a minute at most. At the limit all is as if
    /// the process had no descriptor left: connect, listen, bind and chrome.socket.accept complete with
    /// INSUFFICIENT_RESOURCES; a server raises onAcceptError with it and is paused, and connections wait in its
    /// backlog until others are closed and the pause is ended. Chrome has no such limit. 0 = none but that of the
    /// process.
    pub max_open_sockets: u32,
    /// Reserved; zero.
    pub reserved_3: u32,
}

/// No UDP_SEGMENT: each datagram is sent by a system call of its own.
pub const CHROMESOCK_WITHOUT_UDP_SEGMENT: u32 = 1;
/// No UDP_GRO: the system does not join datagrams that it receives.
pub const CHROMESOCK_WITHOUT_UDP_GRO: u32 = 2;
/// No recvmmsg, and no UDP_GRO, which needs it: each datagram is received by a system call of its own.
pub const CHROMESOCK_WITHOUT_RECVMMSG: u32 = 4;
/// No gathering: each send on a TCP connection is written by a system call of its own, as long as the system
/// takes them. For peers that take a TCP segment for a message.
pub const CHROMESOCK_WITHOUT_GATHERED_SENDS: u32 = 8;
/// No look at a connection to the own host as soon as it was asked for, when it is usually there already, or refused:
/// each connection attempt waits for the system to tell how it ends.
pub const CHROMESOCK_WITHOUT_PROMPT_CONNECT: u32 = 16;
/// No SO_RCVLOWAT: also of a fast TCP stream the system tells as soon as anything can be read.
pub const CHROMESOCK_WITHOUT_RCVLOWAT: u32 = 32;
/// No prompt sends: with delivery on the reactor's thread also what a callback sends on TCP of more than 16 KiB is copied,
/// and written when the callback has returned.
pub const CHROMESOCK_WITHOUT_PROMPT_SENDS: u32 = 64;

const WITHOUT_ALL: u32 = {
    assert!(CHROMESOCK_WITHOUT_UDP_SEGMENT == Feature::UdpSegment as u32);
    assert!(CHROMESOCK_WITHOUT_UDP_GRO == Feature::UdpGro as u32);
    assert!(CHROMESOCK_WITHOUT_RECVMMSG == Feature::Recvmmsg as u32);
    assert!(CHROMESOCK_WITHOUT_GATHERED_SENDS == Feature::GatheredSends as u32);
    assert!(CHROMESOCK_WITHOUT_PROMPT_CONNECT == Feature::PromptConnect as u32);
    assert!(CHROMESOCK_WITHOUT_RCVLOWAT == Feature::Rcvlowat as u32);
    assert!(CHROMESOCK_WITHOUT_PROMPT_SENDS == Feature::PromptSends as u32);
    127
};

pub(super) fn without(value: u32) -> Result<u32, Status> {
    if value & !WITHOUT_ALL == 0 { Ok(value) } else { Err(Status::InvalidArgument) }
}

/// Which certificate authorities may vouch for servers, besides extra_roots_pem: chromesock_app_options.trust.
/// No value turns the checks off.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum chromesock_trust {
    /// Those of the web, as Mozilla maintains them, in the version this library was built with. The default.
    ChromesockTrustWebPki = 0,
    /// Those of the operating system, read by chromesock_app_new; of the files that SSL_CERT_FILE and SSL_CERT_DIR
    /// name instead, if the environment of the process has them.
    ChromesockTrustSystem = 1,
    /// None but extra_roots_pem.
    ChromesockTrustOnlyExtra = 2,
}

pub(super) fn store(value: i32) -> Result<Store, Status> {
    match value {
        0 => Ok(Store::WebPki),
        1 => Ok(Store::System),
        2 => Ok(Store::Nothing),
        _ => Err(Status::InvalidArgument),
    }
}

// SAFETY: repr(C) with size and present first; integers, pointers and an optional function may be zero.
unsafe impl SizedStruct for chromesock_app_options {
    const SMALLEST: usize = 16;
    const KNOWN_BITS: u32 = 7;
    fn present(&self) -> u32 {
        self.present
    }
}

/// Counters of an app, for chromesock_app_get_stats. Fill in `size` before the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chromesock_app_stats {
    /// sizeof(chromesock_app_stats).
    pub size: u32,
    /// Reserved; zero.
    pub reserved: u32,
    /// Calls that were accepted.
    pub calls_accepted: u64,
    /// Calls whose completion was queued for the host, or delivered.
    pub calls_completed: u64,
    /// Live socket ids.
    pub sockets_open: u64,
    /// Bytes of sends that have not completed.
    pub unsent_bytes: u64,
    /// Bytes of received data that is not delivered yet, or in retained events.
    pub undelivered_bytes: u64,
    /// Events that wait in the queue.
    pub undelivered_events: u64,
}

// Layouts are part of the ABI: members are only ever appended.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<chrome_sockets_tcp_properties>() == 24);
    assert!(size_of::<chrome_sockets_tcp_server_properties>() == 24);
    assert!(size_of::<chrome_sockets_udp_properties>() == 24);
    assert!(size_of::<chromesock_app_options>() == 104);
    assert!(size_of::<chromesock_app_stats>() == 56);
};
