//! Every member of the API, once: namespace, Chrome's name, C name, event type.
//!
//! The header, the exports and (later) the bindings are held against this table by tests.

use std::ffi::CStr;

/// What an event is: the completion of one method, or one notification.
///
/// Values are stable: 0x100 and up `chrome.sockets.tcp`, 0x200 and up `chrome.sockets.tcpServer`;
/// notifications from 0x80 within their namespace. Hosts ignore types they do not know.
///
/// cbindgen:rename-all=ScreamingSnakeCase
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// The app has ended; its last event. `result` is CHROMESOCK_OK, or CHROMESOCK_UNEXPECTED after an internal fault.
    ChromesockAppClosed = 1,
    /// A call was denied by the manifest; its completion follows. socket_id, address and port say what it
    /// wanted to reach, message says which call and which rule is missing. For the host's log.
    ChromesockPermissionDenied = 2,
    /// The first event for a suspended app has come: resume the app to get it.
    ChromesockAppWanted = 3,
    /// Completion of chrome.sockets.tcp.create: socket_id.
    ChromeSocketsTcpCreate = 0x101,
    /// Completion of chrome.sockets.tcp.update.
    ChromeSocketsTcpUpdate = 0x102,
    /// Completion of chrome.sockets.tcp.setPaused.
    ChromeSocketsTcpSetPaused = 0x103,
    /// Completion of chrome.sockets.tcp.setKeepAlive: result.
    ChromeSocketsTcpSetKeepAlive = 0x104,
    /// Completion of chrome.sockets.tcp.setNoDelay: result.
    ChromeSocketsTcpSetNoDelay = 0x105,
    /// Completion of chrome.sockets.tcp.connect: result.
    ChromeSocketsTcpConnect = 0x106,
    /// Completion of chrome.sockets.tcp.disconnect.
    ChromeSocketsTcpDisconnect = 0x107,
    /// Completion of chrome.sockets.tcp.send: result, bytes_sent.
    ChromeSocketsTcpSend = 0x109,
    /// Completion of chrome.sockets.tcp.close.
    ChromeSocketsTcpClose = 0x10a,
    /// Completion of chrome.sockets.tcp.getInfo: sockets (one).
    ChromeSocketsTcpGetInfo = 0x10b,
    /// Completion of chrome.sockets.tcp.getSockets: sockets.
    ChromeSocketsTcpGetSockets = 0x10c,
    /// chrome.sockets.tcp.onReceive: socket_id, data.
    ChromeSocketsTcpOnReceive = 0x181,
    /// chrome.sockets.tcp.onReceiveError: socket_id, result.
    ChromeSocketsTcpOnReceiveError = 0x182,
    /// Completion of chrome.sockets.tcpServer.create: socket_id.
    ChromeSocketsTcpServerCreate = 0x201,
    /// Completion of chrome.sockets.tcpServer.update.
    ChromeSocketsTcpServerUpdate = 0x202,
    /// Completion of chrome.sockets.tcpServer.setPaused.
    ChromeSocketsTcpServerSetPaused = 0x203,
    /// Completion of chrome.sockets.tcpServer.listen: result.
    ChromeSocketsTcpServerListen = 0x204,
    /// Completion of chrome.sockets.tcpServer.disconnect.
    ChromeSocketsTcpServerDisconnect = 0x205,
    /// Completion of chrome.sockets.tcpServer.close.
    ChromeSocketsTcpServerClose = 0x206,
    /// Completion of chrome.sockets.tcpServer.getInfo: sockets (one).
    ChromeSocketsTcpServerGetInfo = 0x207,
    /// Completion of chrome.sockets.tcpServer.getSockets: sockets.
    ChromeSocketsTcpServerGetSockets = 0x208,
    /// chrome.sockets.tcpServer.onAccept: socket_id, client_socket_id.
    ChromeSocketsTcpServerOnAccept = 0x281,
    /// chrome.sockets.tcpServer.onAcceptError: socket_id, result.
    ChromeSocketsTcpServerOnAcceptError = 0x282,
}

/// A namespace of the API that owns sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// `chrome.sockets.tcp`
    Tcp,
    /// `chrome.sockets.tcpServer`
    TcpServer,
}

/// One method or event of the API.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Type of its completion or notification.
    pub event_type: EventType,
    /// Chrome's full name.
    pub chrome_name: &'static CStr,
    /// The C function (methods), or the prefix of its three listener functions (events).
    pub c_name: &'static str,
}

impl Member {
    /// Whether this is an event that listeners can be added to.
    #[must_use]
    pub fn is_event(&self) -> bool {
        self.event_type.is_notification()
    }

    /// The functions that a C host finds in the header for this member.
    #[must_use]
    pub fn c_functions(&self) -> Vec<String> {
        if self.is_event() {
            ["add", "remove", "has"]
                .iter()
                .map(|verb| format!("{}_{verb}_listener", self.c_name))
                .collect()
        } else {
            vec![self.c_name.to_owned()]
        }
    }
}

impl EventType {
    /// Whether this is a notification of an event, not the completion of a call.
    #[must_use]
    pub const fn is_notification(self) -> bool {
        (self as u32) & 0x80 != 0
    }

    /// Chrome's name, such as `chrome.sockets.tcp.onReceive`.
    #[must_use]
    pub fn chrome_name(self) -> &'static CStr {
        match MEMBERS.iter().find(|m| m.event_type == self) {
            Some(member) => member.chrome_name,
            None => self.host_name(),
        }
    }

    /// What an event that is not of the API is called.
    fn host_name(self) -> &'static CStr {
        match self {
            Self::ChromesockPermissionDenied => c"permission denied",
            Self::ChromesockAppWanted => c"app wanted",
            _ => c"app closed",
        }
    }

    /// The type that has this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        let of_api = MEMBERS.iter().map(|m| m.event_type);
        of_api.chain(Self::OF_HOST).find(|t| *t as u32 == number)
    }

    /// Events that are not of the API.
    const OF_HOST: [Self; 3] =
        [Self::ChromesockAppClosed, Self::ChromesockPermissionDenied, Self::ChromesockAppWanted];
}

const fn member(event_type: EventType, chrome_name: &'static CStr, c_name: &'static str) -> Member {
    Member { event_type, chrome_name, c_name }
}

/// Every member of the API that this library has.
#[rustfmt::skip]
pub const MEMBERS: &[Member] = {
    use EventType as T;
    &[
        member(T::ChromeSocketsTcpCreate, c"chrome.sockets.tcp.create", "chrome_sockets_tcp_create"),
        member(T::ChromeSocketsTcpUpdate, c"chrome.sockets.tcp.update", "chrome_sockets_tcp_update"),
        member(T::ChromeSocketsTcpSetPaused, c"chrome.sockets.tcp.setPaused", "chrome_sockets_tcp_set_paused"),
        member(T::ChromeSocketsTcpSetKeepAlive, c"chrome.sockets.tcp.setKeepAlive", "chrome_sockets_tcp_set_keep_alive"),
        member(T::ChromeSocketsTcpSetNoDelay, c"chrome.sockets.tcp.setNoDelay", "chrome_sockets_tcp_set_no_delay"),
        member(T::ChromeSocketsTcpConnect, c"chrome.sockets.tcp.connect", "chrome_sockets_tcp_connect"),
        member(T::ChromeSocketsTcpDisconnect, c"chrome.sockets.tcp.disconnect", "chrome_sockets_tcp_disconnect"),
        member(T::ChromeSocketsTcpSend, c"chrome.sockets.tcp.send", "chrome_sockets_tcp_send"),
        member(T::ChromeSocketsTcpClose, c"chrome.sockets.tcp.close", "chrome_sockets_tcp_close"),
        member(T::ChromeSocketsTcpGetInfo, c"chrome.sockets.tcp.getInfo", "chrome_sockets_tcp_get_info"),
        member(T::ChromeSocketsTcpGetSockets, c"chrome.sockets.tcp.getSockets", "chrome_sockets_tcp_get_sockets"),
        member(T::ChromeSocketsTcpOnReceive, c"chrome.sockets.tcp.onReceive", "chrome_sockets_tcp_on_receive"),
        member(T::ChromeSocketsTcpOnReceiveError, c"chrome.sockets.tcp.onReceiveError", "chrome_sockets_tcp_on_receive_error"),
        member(T::ChromeSocketsTcpServerCreate, c"chrome.sockets.tcpServer.create", "chrome_sockets_tcp_server_create"),
        member(T::ChromeSocketsTcpServerUpdate, c"chrome.sockets.tcpServer.update", "chrome_sockets_tcp_server_update"),
        member(T::ChromeSocketsTcpServerSetPaused, c"chrome.sockets.tcpServer.setPaused", "chrome_sockets_tcp_server_set_paused"),
        member(T::ChromeSocketsTcpServerListen, c"chrome.sockets.tcpServer.listen", "chrome_sockets_tcp_server_listen"),
        member(T::ChromeSocketsTcpServerDisconnect, c"chrome.sockets.tcpServer.disconnect", "chrome_sockets_tcp_server_disconnect"),
        member(T::ChromeSocketsTcpServerClose, c"chrome.sockets.tcpServer.close", "chrome_sockets_tcp_server_close"),
        member(T::ChromeSocketsTcpServerGetInfo, c"chrome.sockets.tcpServer.getInfo", "chrome_sockets_tcp_server_get_info"),
        member(T::ChromeSocketsTcpServerGetSockets, c"chrome.sockets.tcpServer.getSockets", "chrome_sockets_tcp_server_get_sockets"),
        member(T::ChromeSocketsTcpServerOnAccept, c"chrome.sockets.tcpServer.onAccept", "chrome_sockets_tcp_server_on_accept"),
        member(T::ChromeSocketsTcpServerOnAcceptError, c"chrome.sockets.tcpServer.onAcceptError", "chrome_sockets_tcp_server_on_accept_error"),
    ]
};
