//! Every member of the API, once: namespace, Chrome's name, C name, event type.
//!
//! The header, the exports and the bindings are held against this table by tests.

use std::ffi::CStr;

/// What an event is: the completion of one method, or one notification.
///
/// After the colon stand the members of chromesock_event that are set, besides socket_id; a call that failed
/// sets message, and result where the API delivers one.
///
/// Values are stable: 0x100 and up `chrome.sockets.tcp`, 0x200 and up `chrome.sockets.tcpServer`, 0x300
/// and up `chrome.sockets.udp`, 0x400 and up `chrome.socket`; notifications from 0x80 within their
/// namespace. Hosts should ignore types they do not know.
///
/// cbindgen:rename-all=ScreamingSnakeCase
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// The app has ended, and this is its last event: result is OK, or UNEXPECTED after an internal error.
    ChromesockAppClosed = 1,
    /// A call was denied by the manifest, and its completion follows: address, port: what it wanted to reach;
    /// message: which call it was and which rule is missing. For the host's log.
    ChromesockPermissionDenied = 2,
    /// The first event of a suspended app is waiting: resume the app to get it.
    ChromesockAppWanted = 3,
    /// Completion of chromesock_app_get_tls_session: tls_session.
    ChromesockTlsSession = 4,
    /// A secured connection has agreed upon a key: texts: one line in the NSS key log format. Only if
    /// chromesock_app_options.tells_tls_keys is set.
    ChromesockTlsKeys = 5,
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
    /// Completion of chrome.sockets.tcp.secure: result.
    ChromeSocketsTcpSecure = 0x108,
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
    /// Completion of chrome.sockets.udp.create: socket_id.
    ChromeSocketsUdpCreate = 0x301,
    /// Completion of chrome.sockets.udp.update.
    ChromeSocketsUdpUpdate = 0x302,
    /// Completion of chrome.sockets.udp.setPaused.
    ChromeSocketsUdpSetPaused = 0x303,
    /// Completion of chrome.sockets.udp.bind: result.
    ChromeSocketsUdpBind = 0x304,
    /// Completion of chrome.sockets.udp.send: result, bytes_sent.
    ChromeSocketsUdpSend = 0x305,
    /// Completion of chrome.sockets.udp.close.
    ChromeSocketsUdpClose = 0x306,
    /// Completion of chrome.sockets.udp.getInfo: sockets (one).
    ChromeSocketsUdpGetInfo = 0x307,
    /// Completion of chrome.sockets.udp.getSockets: sockets.
    ChromeSocketsUdpGetSockets = 0x308,
    /// Completion of chrome.sockets.udp.joinGroup: result.
    ChromeSocketsUdpJoinGroup = 0x309,
    /// Completion of chrome.sockets.udp.leaveGroup: result.
    ChromeSocketsUdpLeaveGroup = 0x30a,
    /// Completion of chrome.sockets.udp.setMulticastTimeToLive: result.
    ChromeSocketsUdpSetMulticastTimeToLive = 0x30b,
    /// Completion of chrome.sockets.udp.setMulticastLoopbackMode: result.
    ChromeSocketsUdpSetMulticastLoopbackMode = 0x30c,
    /// Completion of chrome.sockets.udp.getJoinedGroups: texts: the groups, in join order.
    ChromeSocketsUdpGetJoinedGroups = 0x30d,
    /// Completion of chrome.sockets.udp.setBroadcast: result.
    ChromeSocketsUdpSetBroadcast = 0x30e,
    /// chrome.sockets.udp.onReceive: socket_id, data, address, port.
    ChromeSocketsUdpOnReceive = 0x381,
    /// chrome.sockets.udp.onReceiveError: socket_id, result.
    ChromeSocketsUdpOnReceiveError = 0x382,
    /// Completion of chrome.socket.create: socket_id.
    ChromeSocketCreate = 0x401,
    /// Completion of chrome.socket.connect: result.
    ChromeSocketConnect = 0x402,
    /// Completion of chrome.socket.bind: result.
    ChromeSocketBind = 0x403,
    /// Completion of chrome.socket.disconnect.
    ChromeSocketDisconnect = 0x404,
    /// Completion of chrome.socket.destroy.
    ChromeSocketDestroy = 0x405,
    /// Completion of chrome.socket.read: result (bytes read, 0 at the end, or negative), data.
    ChromeSocketRead = 0x406,
    /// Completion of chrome.socket.write: result (bytesWritten, or negative).
    ChromeSocketWrite = 0x407,
    /// Completion of chrome.socket.recvFrom: result as for read, data, address, port.
    ChromeSocketRecvFrom = 0x408,
    /// Completion of chrome.socket.sendTo: result (bytesWritten, or negative).
    ChromeSocketSendTo = 0x409,
    /// Completion of chrome.socket.listen: result.
    ChromeSocketListen = 0x40a,
    /// Completion of chrome.socket.accept: result, client_socket_id.
    ChromeSocketAccept = 0x40b,
    /// Completion of chrome.socket.setKeepAlive: result: 1 = true, 0 = false.
    ChromeSocketSetKeepAlive = 0x40c,
    /// Completion of chrome.socket.setNoDelay: result: 1 = true, 0 = false.
    ChromeSocketSetNoDelay = 0x40d,
    /// Completion of chrome.socket.getInfo: sockets (one).
    ChromeSocketGetInfo = 0x40e,
    /// Completion of chrome.socket.getNetworkList: interfaces.
    ChromeSocketGetNetworkList = 0x40f,
    /// Completion of chrome.socket.joinGroup: result.
    ChromeSocketJoinGroup = 0x410,
    /// Completion of chrome.socket.leaveGroup: result.
    ChromeSocketLeaveGroup = 0x411,
    /// Completion of chrome.socket.setMulticastTimeToLive: result.
    ChromeSocketSetMulticastTimeToLive = 0x412,
    /// Completion of chrome.socket.setMulticastLoopbackMode: result.
    ChromeSocketSetMulticastLoopbackMode = 0x413,
    /// Completion of chrome.socket.getJoinedGroups: texts: the groups, in join order; on failure result.
    ChromeSocketGetJoinedGroups = 0x414,
    /// Completion of chrome.socket.secure: result.
    ChromeSocketSecure = 0x415,
}

/// A namespace of the API that owns sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// `chrome.sockets.tcp`
    Tcp,
    /// `chrome.sockets.tcpServer`
    TcpServer,
    /// `chrome.sockets.udp`
    Udp,
    /// `chrome.socket`
    Socket,
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

impl EventType {
    /// Whether this is a notification of an event, not the completion of a call.
    #[must_use]
    pub const fn is_notification(self) -> bool {
        (self as u32) & 0x80 != 0
    }

    /// Whether data that was received before this call is not delivered any more once it is made: all of
    /// it, or what came in plain text.
    #[must_use]
    pub const fn ends_data(self) -> bool {
        matches!(
            self,
            Self::ChromeSocketsTcpClose
                | Self::ChromeSocketsTcpSecure
                | Self::ChromeSocketsUdpClose
        )
    }

    /// Whether this call, when it succeeds, ends what was raised of a connection before (tcp.md DC-2, O-4).
    #[must_use]
    pub const fn begins_anew(self) -> bool {
        matches!(self, Self::ChromeSocketsTcpConnect | Self::ChromeSocketsTcpDisconnect)
    }

    /// The namespace of the member; `None` for events that are not of the API.
    #[must_use]
    pub const fn namespace(self) -> Option<Namespace> {
        match (self as u32) >> 8 {
            1 => Some(Namespace::Tcp),
            2 => Some(Namespace::TcpServer),
            3 => Some(Namespace::Udp),
            4 => Some(Namespace::Socket),
            _ => None,
        }
    }

    /// Whether this completes a call of `chrome.socket`, whose failures come without a message.
    #[must_use]
    pub const fn is_legacy(self) -> bool {
        matches!(self.namespace(), Some(Namespace::Socket))
    }

    /// Chrome's name, such as `chrome.sockets.tcp.onReceive`; a few words for an event of the host.
    #[must_use]
    pub fn chrome_name(self) -> &'static CStr {
        Self::named().find(|(known, _)| *known == self).map_or(c"", |(_, name)| name)
    }

    /// The type that has this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::named().map(|(known, _)| known).find(|known| *known as u32 == number)
    }

    /// Every type with its name.
    fn named() -> impl Iterator<Item = (Self, &'static CStr)> {
        MEMBERS.iter().map(|member| (member.event_type, member.chrome_name)).chain(OF_HOST)
    }
}

/// Events that are not of the API.
const OF_HOST: [(EventType, &CStr); 5] = [
    (EventType::ChromesockAppClosed, c"app closed"),
    (EventType::ChromesockPermissionDenied, c"permission denied"),
    (EventType::ChromesockAppWanted, c"app wanted"),
    (EventType::ChromesockTlsSession, c"TLS session"),
    (EventType::ChromesockTlsKeys, c"TLS keys"),
];

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
        member(T::ChromeSocketsTcpSecure, c"chrome.sockets.tcp.secure", "chrome_sockets_tcp_secure"),
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
        member(T::ChromeSocketsUdpCreate, c"chrome.sockets.udp.create", "chrome_sockets_udp_create"),
        member(T::ChromeSocketsUdpUpdate, c"chrome.sockets.udp.update", "chrome_sockets_udp_update"),
        member(T::ChromeSocketsUdpSetPaused, c"chrome.sockets.udp.setPaused", "chrome_sockets_udp_set_paused"),
        member(T::ChromeSocketsUdpBind, c"chrome.sockets.udp.bind", "chrome_sockets_udp_bind"),
        member(T::ChromeSocketsUdpSend, c"chrome.sockets.udp.send", "chrome_sockets_udp_send"),
        member(T::ChromeSocketsUdpClose, c"chrome.sockets.udp.close", "chrome_sockets_udp_close"),
        member(T::ChromeSocketsUdpGetInfo, c"chrome.sockets.udp.getInfo", "chrome_sockets_udp_get_info"),
        member(T::ChromeSocketsUdpGetSockets, c"chrome.sockets.udp.getSockets", "chrome_sockets_udp_get_sockets"),
        member(T::ChromeSocketsUdpJoinGroup, c"chrome.sockets.udp.joinGroup", "chrome_sockets_udp_join_group"),
        member(T::ChromeSocketsUdpLeaveGroup, c"chrome.sockets.udp.leaveGroup", "chrome_sockets_udp_leave_group"),
        member(T::ChromeSocketsUdpSetMulticastTimeToLive, c"chrome.sockets.udp.setMulticastTimeToLive", "chrome_sockets_udp_set_multicast_time_to_live"),
        member(T::ChromeSocketsUdpSetMulticastLoopbackMode, c"chrome.sockets.udp.setMulticastLoopbackMode", "chrome_sockets_udp_set_multicast_loopback_mode"),
        member(T::ChromeSocketsUdpGetJoinedGroups, c"chrome.sockets.udp.getJoinedGroups", "chrome_sockets_udp_get_joined_groups"),
        member(T::ChromeSocketsUdpSetBroadcast, c"chrome.sockets.udp.setBroadcast", "chrome_sockets_udp_set_broadcast"),
        member(T::ChromeSocketsUdpOnReceive, c"chrome.sockets.udp.onReceive", "chrome_sockets_udp_on_receive"),
        member(T::ChromeSocketsUdpOnReceiveError, c"chrome.sockets.udp.onReceiveError", "chrome_sockets_udp_on_receive_error"),
        member(T::ChromeSocketCreate, c"chrome.socket.create", "chrome_socket_create"),
        member(T::ChromeSocketConnect, c"chrome.socket.connect", "chrome_socket_connect"),
        member(T::ChromeSocketBind, c"chrome.socket.bind", "chrome_socket_bind"),
        member(T::ChromeSocketDisconnect, c"chrome.socket.disconnect", "chrome_socket_disconnect"),
        member(T::ChromeSocketDestroy, c"chrome.socket.destroy", "chrome_socket_destroy"),
        member(T::ChromeSocketRead, c"chrome.socket.read", "chrome_socket_read"),
        member(T::ChromeSocketWrite, c"chrome.socket.write", "chrome_socket_write"),
        member(T::ChromeSocketRecvFrom, c"chrome.socket.recvFrom", "chrome_socket_recv_from"),
        member(T::ChromeSocketSendTo, c"chrome.socket.sendTo", "chrome_socket_send_to"),
        member(T::ChromeSocketListen, c"chrome.socket.listen", "chrome_socket_listen"),
        member(T::ChromeSocketAccept, c"chrome.socket.accept", "chrome_socket_accept"),
        member(T::ChromeSocketSetKeepAlive, c"chrome.socket.setKeepAlive", "chrome_socket_set_keep_alive"),
        member(T::ChromeSocketSetNoDelay, c"chrome.socket.setNoDelay", "chrome_socket_set_no_delay"),
        member(T::ChromeSocketGetInfo, c"chrome.socket.getInfo", "chrome_socket_get_info"),
        member(T::ChromeSocketGetNetworkList, c"chrome.socket.getNetworkList", "chrome_socket_get_network_list"),
        member(T::ChromeSocketJoinGroup, c"chrome.socket.joinGroup", "chrome_socket_join_group"),
        member(T::ChromeSocketLeaveGroup, c"chrome.socket.leaveGroup", "chrome_socket_leave_group"),
        member(T::ChromeSocketSetMulticastTimeToLive, c"chrome.socket.setMulticastTimeToLive", "chrome_socket_set_multicast_time_to_live"),
        member(T::ChromeSocketSetMulticastLoopbackMode, c"chrome.socket.setMulticastLoopbackMode", "chrome_socket_set_multicast_loopback_mode"),
        member(T::ChromeSocketGetJoinedGroups, c"chrome.socket.getJoinedGroups", "chrome_socket_get_joined_groups"),
        member(T::ChromeSocketSecure, c"chrome.socket.secure", "chrome_socket_secure"),
    ]
};
