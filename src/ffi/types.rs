//! Structs, enums and bits of the C interface, and their conversions to the API's values.

use std::ffi::{CString, c_char, c_void};

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
/// given with the callback. A callback may call any function, must not throw, and must not leave by
/// longjmp.
pub type chromesock_callback = Option<
    unsafe extern "C" fn(
        app: *mut chromesock_app,
        event: *const chromesock_event,
        user_data: *mut c_void,
    ),
>;

/// A hook without an event: a wake-up, or the release of a `user_data`.
pub type chromesock_hook = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Who runs callbacks.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum chromesock_delivery {
    /// The host: by dispatching on a thread of its own, or by pulling events.
    ChromesockDeliveryQueue = 0,
    /// The reactor's thread. Callbacks must be short: all sockets of the reactor wait for them.
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
pub(crate) unsafe trait Sized: Copy {
    /// All members absent.
    const ZERO: Self;
    /// Size of the first published version.
    const SMALLEST: usize;
    /// Bits of `present` that this version knows.
    const KNOWN_BITS: u32;
    /// The mask.
    fn present(&self) -> u32;
}

/// `persistent` is given.
pub const CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT: u32 = 1;
/// `name` is given.
pub const CHROME_SOCKETS_TCP_PROPERTIES_NAME: u32 = 2;
/// `buffer_size` is given.
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
    /// Most bytes of one onReceive; 0 and below mean 4096; more than 65536 acts as 65536.
    pub buffer_size: i32,
    /// Whether the socket stays open when the app is suspended.
    pub persistent: chromesock_bool,
    /// Zero.
    pub reserved: [u8; 3],
}

// SAFETY: repr(C) with size and present first; integers and a pointer may be zero.
unsafe impl Sized for chrome_sockets_tcp_properties {
    const ZERO: Self = Self {
        size: 0,
        present: 0,
        name: std::ptr::null(),
        buffer_size: 0,
        persistent: 0,
        reserved: [0; 3],
    };
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
        match unsafe { super::sized_of(from) }? {
            None => Ok(SocketProperties::default()),
            // SAFETY: a given name is text by the caller's promise.
            Some(given) => unsafe {
                properties(given.present, given.persistent, given.name, Some(given.buffer_size))
            },
        }
    }
}

/// `persistent` is given.
pub const CHROME_SOCKETS_UDP_PROPERTIES_PERSISTENT: u32 = 1;
/// `name` is given.
pub const CHROME_SOCKETS_UDP_PROPERTIES_NAME: u32 = 2;
/// `buffer_size` is given.
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
    /// Longest datagram that is delivered; 0 and below mean 4096; more than 65536 acts as 65536.
    pub buffer_size: i32,
    /// Whether the socket stays open when the app is suspended.
    pub persistent: chromesock_bool,
    /// Zero.
    pub reserved: [u8; 3],
}

// SAFETY: repr(C) with size and present first; integers and a pointer may be zero.
unsafe impl Sized for chrome_sockets_udp_properties {
    const ZERO: Self = Self {
        size: 0,
        present: 0,
        name: std::ptr::null(),
        buffer_size: 0,
        persistent: 0,
        reserved: [0; 3],
    };
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
        match unsafe { super::sized_of(from) }? {
            None => Ok(SocketProperties::default()),
            // SAFETY: a given name is text by the caller's promise.
            Some(given) => unsafe {
                properties(given.present, given.persistent, given.name, Some(given.buffer_size))
            },
        }
    }
}

/// `persistent` is given.
pub const CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT: u32 = 1;
/// `name` is given.
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
    /// Zero.
    pub reserved: [u8; 7],
}

// SAFETY: repr(C) with size and present first; integers and a pointer may be zero.
unsafe impl Sized for chrome_sockets_tcp_server_properties {
    const ZERO: Self =
        Self { size: 0, present: 0, name: std::ptr::null(), persistent: 0, reserved: [0; 7] };
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
        match unsafe { super::sized_of(from) }? {
            None => Ok(SocketProperties::default()),
            // SAFETY: a given name is text by the caller's promise.
            Some(given) => unsafe { properties(given.present, given.persistent, given.name, None) },
        }
    }
}

/// What the three kinds of properties have in common: the same bits for the same members.
///
/// # Safety
/// If its bit is set, `name` is NULL or text.
unsafe fn properties(
    present: u32,
    persistent: chromesock_bool,
    name: *const c_char,
    buffer_size: Option<i32>,
) -> Result<SocketProperties, Status> {
    let has = |bit: u32| present & bit != 0;
    let mut given = SocketProperties {
        persistent: has(CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT).then_some(persistent != 0),
        name: None,
        buffer_size: buffer_size.filter(|_| has(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE)),
    };
    if has(CHROME_SOCKETS_TCP_PROPERTIES_NAME) {
        // SAFETY: the caller's promise.
        let text = unsafe { text_of(name) }?;
        let text = CString::new(text).map_err(|_| Status::InvalidArgument)?;
        given.name = Some(text.into_boxed_c_str());
    }
    Ok(given)
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

/// `write_quota_bytes` is given.
pub const CHROMESOCK_APP_OPTIONS_WRITE_QUOTA: u32 = 1;
/// `undelivered_bytes_per_socket` is given.
pub const CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET: u32 = 2;
/// `undelivered_bytes_per_app` is given.
pub const CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_APP: u32 = 4;

/// How an app is to be. Set it to zero, fill in `size`, then what differs from the defaults.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chromesock_app_options {
    /// sizeof(chromesock_app_options).
    pub size: u32,
    /// CHROMESOCK_APP_OPTIONS_… of the limits that are given.
    pub present: u32,
    /// One of chromesock_delivery.
    pub delivery: i32,
    /// Zero.
    pub reserved: u32,
    /// The reactor that serves the app, shared with others; NULL = one of its own.
    pub reactor: *mut chromesock_reactor,
    /// Text of the manifest.json that says what the app may do, UTF-8; NULL = everything.
    pub manifest: *const c_char,
    /// Most bytes of unfinished sends; a send beyond it fails with "Exceeded write quota.". Default 200 MiB.
    pub write_quota_bytes: u64,
    /// Received bytes of a socket, not yet delivered or still retained, above which it is not read. Default 1 MiB.
    pub undelivered_bytes_per_socket: u64,
    /// The same for the whole app. Default 16 MiB.
    pub undelivered_bytes_per_app: u64,
    /// Queue delivery: called on the reactor's thread when the queue becomes non-empty; may only post
    /// a task to the host's loop. NULL = none.
    pub wakeup: chromesock_hook,
    /// Given to `wakeup`.
    pub wakeup_user_data: *mut c_void,
    /// Certificates in PEM that are trusted besides those of `trust`: authorities (CA:TRUE) may vouch for
    /// servers; a server may also present one of them, authority or not, itself. NULL = none.
    pub extra_roots_pem: *const c_char,
    /// One of chromesock_trust.
    pub trust: i32,
    /// Whether CHROMESOCK_TLS_KEYS tells the keys of secured connections, with which everything that is
    /// captured of them can be read.
    pub tells_tls_keys: chromesock_bool,
    /// Whether listening sockets, and UDP sockets that are bound, share their addresses with those of other
    /// apps of the same user that have this option too, here or in another process: the system spreads
    /// connections and datagrams over them (SO_REUSEPORT). Within the app an address stays in use. Only on
    /// Linux; elsewhere chromesock_app_new refuses it with NOT_IMPLEMENTED.
    pub reuse_port: chromesock_bool,
    /// Whether the app is freed, as by chromesock_app_free, when the host closes its end of the stream of
    /// chromesock_app_event_stream: for a host whose thread may be ended from outside, without running code
    /// of its own. After that no call may use the app; chromesock_app_free comes before it, or not at all.
    pub freed_with_stream: chromesock_bool,
    /// Zero.
    pub reserved_2: u8,
    /// How long the reactor looks for work after its last before it sleeps, in microseconds: an answer to
    /// what comes within it has no wake-up to wait for, and a CPU is busy for as long. On a shared reactor
    /// the longest time of its apps counts. 0 = it sleeps at once.
    pub busy_poll_us: u32,
    /// CHROMESOCK_WITHOUT_… of what the app's sockets must not use, for systems, network cards or peers that
    /// have a fault in it. What the app observes is the same.
    pub without: u32,
}

/// No UDP_SEGMENT: each datagram is handed to the system alone.
pub const CHROMESOCK_WITHOUT_UDP_SEGMENT: u32 = 1;
/// No UDP_GRO: the system hands over each datagram alone.
pub const CHROMESOCK_WITHOUT_UDP_GRO: u32 = 2;
/// No recvmmsg, and no UDP_GRO, which needs it: each datagram is received by a system call of its own.
pub const CHROMESOCK_WITHOUT_RECVMMSG: u32 = 4;
/// Sends on a connection that follow one another leave by a system call each, as long as the system takes
/// them: for peers that take a segment for a message.
pub const CHROMESOCK_WITHOUT_GATHERED_SENDS: u32 = 8;

const WITHOUT_ALL: u32 = {
    assert!(CHROMESOCK_WITHOUT_UDP_SEGMENT == Feature::UdpSegment as u32);
    assert!(CHROMESOCK_WITHOUT_UDP_GRO == Feature::UdpGro as u32);
    assert!(CHROMESOCK_WITHOUT_RECVMMSG == Feature::Recvmmsg as u32);
    assert!(CHROMESOCK_WITHOUT_GATHERED_SENDS == Feature::GatheredSends as u32);
    15
};

pub(super) fn without(value: u32) -> Result<u32, Status> {
    if value & !WITHOUT_ALL == 0 { Ok(value) } else { Err(Status::InvalidArgument) }
}

/// Which authorities may vouch for servers, besides those that the host adds. None of them turns the
/// checks off.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum chromesock_trust {
    /// Those of the web, as Mozilla keeps them, in the version this library was built with.
    ChromesockTrustWebPki = 0,
    /// Those of the operating system, read when the app is opened.
    ChromesockTrustSystem = 1,
    /// None but those that the host adds.
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
unsafe impl Sized for chromesock_app_options {
    const ZERO: Self = Self {
        size: 0,
        present: 0,
        delivery: 0,
        reserved: 0,
        reactor: std::ptr::null_mut(),
        manifest: std::ptr::null(),
        write_quota_bytes: 0,
        undelivered_bytes_per_socket: 0,
        undelivered_bytes_per_app: 0,
        wakeup: None,
        wakeup_user_data: std::ptr::null_mut(),
        extra_roots_pem: std::ptr::null(),
        trust: 0,
        tells_tls_keys: 0,
        reuse_port: 0,
        freed_with_stream: 0,
        reserved_2: 0,
        busy_poll_us: 0,
        without: 0,
    };
    const SMALLEST: usize = 16;
    const KNOWN_BITS: u32 = 7;
    fn present(&self) -> u32 {
        self.present
    }
}

/// What an app has done and holds. Fill in `size` before the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chromesock_app_stats {
    /// sizeof(chromesock_app_stats).
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Calls that were accepted.
    pub calls_accepted: u64,
    /// Calls whose completion was queued for the host, or delivered.
    pub calls_completed: u64,
    /// Live socket ids.
    pub sockets_open: u64,
    /// Bytes of unfinished sends.
    pub unsent_bytes: u64,
    /// Received bytes that were not delivered yet, or are in retained events.
    pub undelivered_bytes: u64,
    /// Events in the queue.
    pub undelivered_events: u64,
}

// Layouts are part of the ABI: members are only ever appended.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<chrome_sockets_tcp_properties>() == 24);
    assert!(size_of::<chrome_sockets_tcp_server_properties>() == 24);
    assert!(size_of::<chrome_sockets_udp_properties>() == 24);
    assert!(size_of::<chromesock_app_options>() == 96);
    assert!(size_of::<chromesock_app_stats>() == 56);
};
