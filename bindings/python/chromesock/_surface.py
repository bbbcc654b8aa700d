"""chrome.sockets.* and chrome.socket, member for member. Made by generate.py; do not edit."""

from __future__ import annotations

import enum
from asyncio import Future
from operator import index
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Literal, NamedTuple, Optional, TypedDict

from ._convert import choice, code, data, elements, flag, name_of, nothing, optional_int, struct, texts
from ._driver import Driver
from ._library import NULL, buffer, encode, text

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Status(enum.IntEnum):
    """Results, with Chromium's numbers."""

    OK = 0
    IO_PENDING = -1
    FAILED = -2
    ABORTED = -3
    INVALID_ARGUMENT = -4
    INVALID_HANDLE = -5
    TIMED_OUT = -7
    UNEXPECTED = -9
    ACCESS_DENIED = -10
    NOT_IMPLEMENTED = -11
    INSUFFICIENT_RESOURCES = -12
    OUT_OF_MEMORY = -13
    SOCKET_NOT_CONNECTED = -15
    NETWORK_CHANGED = -21
    SOCKET_IS_CONNECTED = -23
    CONTEXT_SHUT_DOWN = -26
    CONNECTION_CLOSED = -100
    CONNECTION_RESET = -101
    CONNECTION_REFUSED = -102
    CONNECTION_ABORTED = -103
    CONNECTION_FAILED = -104
    NAME_NOT_RESOLVED = -105
    INTERNET_DISCONNECTED = -106
    SSL_PROTOCOL_ERROR = -107
    ADDRESS_INVALID = -108
    ADDRESS_UNREACHABLE = -109
    SSL_CLIENT_AUTH_CERT_NEEDED = -110
    NO_SSL_VERSIONS_ENABLED = -112
    SSL_VERSION_OR_CIPHER_MISMATCH = -113
    SSL_RENEGOTIATION_REQUESTED = -114
    BAD_SSL_CLIENT_AUTH_CERT = -117
    CONNECTION_TIMED_OUT = -118
    HOST_RESOLVER_QUEUE_TOO_LARGE = -119
    SSL_NO_RENEGOTIATION = -123
    SSL_DECOMPRESSION_FAILURE_ALERT = -125
    SSL_BAD_RECORD_MAC_ALERT = -126
    NAME_RESOLUTION_FAILED = -137
    NETWORK_ACCESS_DENIED = -138
    MSG_TOO_BIG = -142
    ADDRESS_IN_USE = -147
    SSL_BAD_PEER_PUBLIC_KEY = -149
    SSL_PINNED_KEY_NOT_IN_CERT_CHAIN = -150
    SSL_DECRYPT_ERROR_ALERT = -153
    SSL_SERVER_CERT_CHANGED = -156
    SSL_UNRECOGNIZED_NAME_ALERT = -159
    ICANN_NAME_COLLISION = -166
    SSL_SERVER_CERT_BAD_FORMAT = -167
    NO_BUFFER_SPACE = -176
    TLS13_DOWNGRADE_DETECTED = -180
    SSL_KEY_USAGE_INCOMPATIBLE = -181
    CERT_COMMON_NAME_INVALID = -200
    CERT_DATE_INVALID = -201
    CERT_AUTHORITY_INVALID = -202
    CERT_CONTAINS_ERRORS = -203
    CERT_NO_REVOCATION_MECHANISM = -204
    CERT_UNABLE_TO_CHECK_REVOCATION = -205
    CERT_REVOKED = -206
    CERT_INVALID = -207
    CERT_WEAK_SIGNATURE_ALGORITHM = -208
    CERT_NON_UNIQUE_NAME = -210
    CERT_WEAK_KEY = -211
    CERT_NAME_CONSTRAINT_VIOLATION = -212
    CERT_VALIDITY_TOO_LONG = -213
    CERTIFICATE_TRANSPARENCY_REQUIRED = -214
    CERT_SYMANTEC_LEGACY = -215
    CERT_KNOWN_INTERCEPTION_BLOCKED = -217
    NETWORK_IO_SUSPENDED = -331
    RECURSIVE_CALL = -10001
    WRONG_DELIVERY = -10002
    INVALID_MANIFEST = -10003


_TCP_DNS_QUERY_TYPE: Dict[str, int] = {"any": 0, "ipv4": 1, "ipv6": 2}


class Tcp:
    """chrome.sockets.tcp"""

    class CreateInfo(NamedTuple):
        socket_id: int

    DnsQueryType = Literal["any", "ipv4", "ipv6"]

    class ReceiveErrorInfo(NamedTuple):
        socket_id: int
        result_code: int

    class ReceiveInfo(NamedTuple):
        socket_id: int
        data: bytes

    class SecureOptions(TypedDict, total=False):
        tls_version_min: str
        tls_version_max: str

    class SendInfo(NamedTuple):
        result_code: int
        bytes_sent: Optional[int]

    class SocketInfo(NamedTuple):
        socket_id: int
        persistent: bool
        name: Optional[str]
        buffer_size: Optional[int]
        paused: bool
        connected: bool
        local_address: Optional[str]
        local_port: Optional[int]
        peer_address: Optional[str]
        peer_port: Optional[int]

    class SocketProperties(TypedDict, total=False):
        persistent: bool
        name: str
        buffer_size: int

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.on_receive = driver.event(385, "chrome.sockets.tcp.onReceive", _tcp_receive_info)
        self.on_receive_error = driver.event(386, "chrome.sockets.tcp.onReceiveError", _tcp_receive_error_info)

    def create(
        self, properties: Optional[Tcp.SocketProperties] = None, *, persistent: Optional[bool] = None, name: Optional[str] = None, buffer_size: Optional[int] = None
    ) -> Future[Tcp.CreateInfo]:
        """chrome.sockets.tcp.create"""
        driver = self._driver
        made = struct("chrome_sockets_tcp_properties", {"persistent": 1, "name": 2, "buffer_size": 4}, properties, persistent=persistent, name=name, buffer_size=buffer_size)
        return driver.call(driver.lib.chrome_sockets_tcp_create, made[0], NULL)

    def update(
        self, socket_id: int, properties: Optional[Tcp.SocketProperties] = None, *, persistent: Optional[bool] = None, name: Optional[str] = None, buffer_size: Optional[int] = None
    ) -> Future[None]:
        """chrome.sockets.tcp.update"""
        driver = self._driver
        made = struct("chrome_sockets_tcp_properties", {"persistent": 1, "name": 2, "buffer_size": 4}, properties, persistent=persistent, name=name, buffer_size=buffer_size)
        return driver.call(driver.lib.chrome_sockets_tcp_update, index(socket_id), made[0])

    def set_paused(self, socket_id: int, paused: bool) -> Future[None]:
        """chrome.sockets.tcp.setPaused"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_set_paused, index(socket_id), index(paused))

    def set_keep_alive(self, socket_id: int, enable: bool, delay: Optional[int] = None) -> Future[int]:
        """chrome.sockets.tcp.setKeepAlive"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_set_keep_alive, index(socket_id), index(enable), 0 if delay is None else index(delay))

    def set_no_delay(self, socket_id: int, no_delay: bool) -> Future[int]:
        """chrome.sockets.tcp.setNoDelay"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_set_no_delay, index(socket_id), index(no_delay))

    def connect(
        self, socket_id: int, peer_address: str, peer_port: int, dns_query_type: Optional[Tcp.DnsQueryType] = None
    ) -> Future[int]:
        """chrome.sockets.tcp.connect"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_connect, index(socket_id), encode(peer_address), index(peer_port), 0 if dns_query_type is None else choice(_TCP_DNS_QUERY_TYPE, dns_query_type))

    def disconnect(self, socket_id: int) -> Future[None]:
        """chrome.sockets.tcp.disconnect"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_disconnect, index(socket_id))

    def secure(
        self, socket_id: int, options: Optional[Tcp.SecureOptions] = None, *, tls_version_min: Optional[str] = None, tls_version_max: Optional[str] = None
    ) -> Future[int]:
        """chrome.sockets.tcp.secure"""
        driver = self._driver
        made = struct("chrome_sockets_tcp_secure_options", {"tls_version_min": 0, "tls_version_max": 0}, options, tls_version_min=tls_version_min, tls_version_max=tls_version_max)
        return driver.call(driver.lib.chrome_sockets_tcp_secure, index(socket_id), made[0])

    def send(self, socket_id: int, data: Buffer) -> Future[Tcp.SendInfo]:
        """chrome.sockets.tcp.send"""
        driver = self._driver
        return driver.send(socket_id, data)

    def close(self, socket_id: int) -> Future[None]:
        """chrome.sockets.tcp.close"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_close, index(socket_id))

    def get_info(self, socket_id: int) -> Future[Tcp.SocketInfo]:
        """chrome.sockets.tcp.getInfo"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_get_info, index(socket_id))

    def get_sockets(self) -> Future[List[Tcp.SocketInfo]]:
        """chrome.sockets.tcp.getSockets"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_get_sockets)


def _tcp_create_info(c: Any) -> Tcp.CreateInfo:
    return Tcp.CreateInfo(
        c.socket_id,
    )


def _tcp_receive_error_info(c: Any) -> Tcp.ReceiveErrorInfo:
    return Tcp.ReceiveErrorInfo(
        c.socket_id,
        c.result,
    )


def _tcp_receive_info(c: Any) -> Tcp.ReceiveInfo:
    return Tcp.ReceiveInfo(
        c.socket_id,
        data(c.data, c.data_len),
    )


def _tcp_send_info(c: Any) -> Tcp.SendInfo:
    return Tcp.SendInfo(
        c.result,
        c.bytes_sent if c.present & 2 else None,
    )


def _tcp_socket_info(c: Any) -> Tcp.SocketInfo:
    return Tcp.SocketInfo(
        c.socket_id,
        bool(c.persistent),
        text(c.name) if c.present & 1 else None,
        c.buffer_size if c.present & 2 else None,
        bool(c.paused),
        bool(c.connected),
        text(c.local_address) if c.present & 8 else None,
        c.local_port if c.present & 8 else None,
        text(c.peer_address) if c.present & 16 else None,
        c.peer_port if c.present & 16 else None,
    )


def _tcp_send(event: Any) -> Any:
    return _tcp_send_info(event) if event.present & 1 else None


def _tcp_get_info(event: Any) -> Any:
    return _tcp_socket_info(event.sockets[0]) if event.present & 32 else None


def _tcp_get_sockets(event: Any) -> Any:
    return [_tcp_socket_info(each) for each in elements(event.sockets, event.sockets_len)] if event.present & 32 else code(event)


class TcpServer:
    """chrome.sockets.tcpServer"""

    class AcceptErrorInfo(NamedTuple):
        socket_id: int
        result_code: int

    class AcceptInfo(NamedTuple):
        socket_id: int
        client_socket_id: int

    class CreateInfo(NamedTuple):
        socket_id: int

    class SocketInfo(NamedTuple):
        socket_id: int
        persistent: bool
        name: Optional[str]
        paused: bool
        local_address: Optional[str]
        local_port: Optional[int]

    class SocketProperties(TypedDict, total=False):
        persistent: bool
        name: str

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.on_accept = driver.event(641, "chrome.sockets.tcpServer.onAccept", _tcp_server_accept_info)
        self.on_accept_error = driver.event(642, "chrome.sockets.tcpServer.onAcceptError", _tcp_server_accept_error_info)

    def create(
        self, properties: Optional[TcpServer.SocketProperties] = None, *, persistent: Optional[bool] = None, name: Optional[str] = None
    ) -> Future[TcpServer.CreateInfo]:
        """chrome.sockets.tcpServer.create"""
        driver = self._driver
        made = struct("chrome_sockets_tcp_server_properties", {"persistent": 1, "name": 2}, properties, persistent=persistent, name=name)
        return driver.call(driver.lib.chrome_sockets_tcp_server_create, made[0], NULL)

    def update(
        self, socket_id: int, properties: Optional[TcpServer.SocketProperties] = None, *, persistent: Optional[bool] = None, name: Optional[str] = None
    ) -> Future[None]:
        """chrome.sockets.tcpServer.update"""
        driver = self._driver
        made = struct("chrome_sockets_tcp_server_properties", {"persistent": 1, "name": 2}, properties, persistent=persistent, name=name)
        return driver.call(driver.lib.chrome_sockets_tcp_server_update, index(socket_id), made[0])

    def set_paused(self, socket_id: int, paused: bool) -> Future[None]:
        """chrome.sockets.tcpServer.setPaused"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_server_set_paused, index(socket_id), index(paused))

    def listen(self, socket_id: int, address: str, port: int, backlog: Optional[int] = None) -> Future[int]:
        """chrome.sockets.tcpServer.listen"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_server_listen, index(socket_id), encode(address), index(port), optional_int(backlog))

    def disconnect(self, socket_id: int) -> Future[None]:
        """chrome.sockets.tcpServer.disconnect"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_server_disconnect, index(socket_id))

    def close(self, socket_id: int) -> Future[None]:
        """chrome.sockets.tcpServer.close"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_server_close, index(socket_id))

    def get_info(self, socket_id: int) -> Future[TcpServer.SocketInfo]:
        """chrome.sockets.tcpServer.getInfo"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_server_get_info, index(socket_id))

    def get_sockets(self) -> Future[List[TcpServer.SocketInfo]]:
        """chrome.sockets.tcpServer.getSockets"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_tcp_server_get_sockets)


def _tcp_server_accept_error_info(c: Any) -> TcpServer.AcceptErrorInfo:
    return TcpServer.AcceptErrorInfo(
        c.socket_id,
        c.result,
    )


def _tcp_server_accept_info(c: Any) -> TcpServer.AcceptInfo:
    return TcpServer.AcceptInfo(
        c.socket_id,
        c.client_socket_id,
    )


def _tcp_server_create_info(c: Any) -> TcpServer.CreateInfo:
    return TcpServer.CreateInfo(
        c.socket_id,
    )


def _tcp_server_socket_info(c: Any) -> TcpServer.SocketInfo:
    return TcpServer.SocketInfo(
        c.socket_id,
        bool(c.persistent),
        text(c.name) if c.present & 1 else None,
        bool(c.paused),
        text(c.local_address) if c.present & 8 else None,
        c.local_port if c.present & 8 else None,
    )


def _tcp_server_get_info(event: Any) -> Any:
    return _tcp_server_socket_info(event.sockets[0]) if event.present & 32 else None


def _tcp_server_get_sockets(event: Any) -> Any:
    return [_tcp_server_socket_info(each) for each in elements(event.sockets, event.sockets_len)] if event.present & 32 else code(event)


_UDP_DNS_QUERY_TYPE: Dict[str, int] = {"any": 0, "ipv4": 1, "ipv6": 2}


class Udp:
    """chrome.sockets.udp"""

    class CreateInfo(NamedTuple):
        socket_id: int

    DnsQueryType = Literal["any", "ipv4", "ipv6"]

    class ReceiveErrorInfo(NamedTuple):
        socket_id: int
        result_code: int

    class ReceiveInfo(NamedTuple):
        socket_id: int
        data: bytes
        remote_address: str
        remote_port: int

    class SendInfo(NamedTuple):
        result_code: int
        bytes_sent: Optional[int]

    class SocketInfo(NamedTuple):
        socket_id: int
        persistent: bool
        name: Optional[str]
        buffer_size: Optional[int]
        paused: bool
        local_address: Optional[str]
        local_port: Optional[int]

    class SocketProperties(TypedDict, total=False):
        persistent: bool
        name: str
        buffer_size: int

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.on_receive = driver.event(897, "chrome.sockets.udp.onReceive", _udp_receive_info)
        self.on_receive_error = driver.event(898, "chrome.sockets.udp.onReceiveError", _udp_receive_error_info)

    def create(
        self, properties: Optional[Udp.SocketProperties] = None, *, persistent: Optional[bool] = None, name: Optional[str] = None, buffer_size: Optional[int] = None
    ) -> Future[Udp.CreateInfo]:
        """chrome.sockets.udp.create"""
        driver = self._driver
        made = struct("chrome_sockets_udp_properties", {"persistent": 1, "name": 2, "buffer_size": 4}, properties, persistent=persistent, name=name, buffer_size=buffer_size)
        return driver.call(driver.lib.chrome_sockets_udp_create, made[0], NULL)

    def update(
        self, socket_id: int, properties: Optional[Udp.SocketProperties] = None, *, persistent: Optional[bool] = None, name: Optional[str] = None, buffer_size: Optional[int] = None
    ) -> Future[None]:
        """chrome.sockets.udp.update"""
        driver = self._driver
        made = struct("chrome_sockets_udp_properties", {"persistent": 1, "name": 2, "buffer_size": 4}, properties, persistent=persistent, name=name, buffer_size=buffer_size)
        return driver.call(driver.lib.chrome_sockets_udp_update, index(socket_id), made[0])

    def set_paused(self, socket_id: int, paused: bool) -> Future[None]:
        """chrome.sockets.udp.setPaused"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_set_paused, index(socket_id), index(paused))

    def bind(self, socket_id: int, address: str, port: int) -> Future[int]:
        """chrome.sockets.udp.bind"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_bind, index(socket_id), encode(address), index(port))

    def send(
        self, socket_id: int, data: Buffer, address: str, port: int, dns_query_type: Optional[Udp.DnsQueryType] = None
    ) -> Future[Udp.SendInfo]:
        """chrome.sockets.udp.send"""
        driver = self._driver
        held = buffer(data)
        return driver.call(driver.lib.chrome_sockets_udp_send, index(socket_id), held, len(held), encode(address), index(port), 0 if dns_query_type is None else choice(_UDP_DNS_QUERY_TYPE, dns_query_type))

    def close(self, socket_id: int) -> Future[None]:
        """chrome.sockets.udp.close"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_close, index(socket_id))

    def get_info(self, socket_id: int) -> Future[Udp.SocketInfo]:
        """chrome.sockets.udp.getInfo"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_get_info, index(socket_id))

    def get_sockets(self) -> Future[List[Udp.SocketInfo]]:
        """chrome.sockets.udp.getSockets"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_get_sockets)

    def join_group(self, socket_id: int, address: str) -> Future[int]:
        """chrome.sockets.udp.joinGroup"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_join_group, index(socket_id), encode(address))

    def leave_group(self, socket_id: int, address: str) -> Future[int]:
        """chrome.sockets.udp.leaveGroup"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_leave_group, index(socket_id), encode(address))

    def set_multicast_time_to_live(self, socket_id: int, ttl: int) -> Future[int]:
        """chrome.sockets.udp.setMulticastTimeToLive"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_set_multicast_time_to_live, index(socket_id), index(ttl))

    def set_multicast_loopback_mode(self, socket_id: int, enabled: bool) -> Future[int]:
        """chrome.sockets.udp.setMulticastLoopbackMode"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_set_multicast_loopback_mode, index(socket_id), index(enabled))

    def get_joined_groups(self, socket_id: int) -> Future[List[str]]:
        """chrome.sockets.udp.getJoinedGroups"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_get_joined_groups, index(socket_id))

    def set_broadcast(self, socket_id: int, enabled: bool) -> Future[int]:
        """chrome.sockets.udp.setBroadcast"""
        driver = self._driver
        return driver.call(driver.lib.chrome_sockets_udp_set_broadcast, index(socket_id), index(enabled))


def _udp_create_info(c: Any) -> Udp.CreateInfo:
    return Udp.CreateInfo(
        c.socket_id,
    )


def _udp_receive_error_info(c: Any) -> Udp.ReceiveErrorInfo:
    return Udp.ReceiveErrorInfo(
        c.socket_id,
        c.result,
    )


def _udp_receive_info(c: Any) -> Udp.ReceiveInfo:
    return Udp.ReceiveInfo(
        c.socket_id,
        data(c.data, c.data_len),
        text(c.address) or "",
        c.port,
    )


def _udp_send_info(c: Any) -> Udp.SendInfo:
    return Udp.SendInfo(
        c.result,
        c.bytes_sent if c.present & 2 else None,
    )


def _udp_socket_info(c: Any) -> Udp.SocketInfo:
    return Udp.SocketInfo(
        c.socket_id,
        bool(c.persistent),
        text(c.name) if c.present & 1 else None,
        c.buffer_size if c.present & 2 else None,
        bool(c.paused),
        text(c.local_address) if c.present & 8 else None,
        c.local_port if c.present & 8 else None,
    )


def _udp_send(event: Any) -> Any:
    return _udp_send_info(event) if event.present & 1 else None


def _udp_get_info(event: Any) -> Any:
    return _udp_socket_info(event.sockets[0]) if event.present & 32 else None


def _udp_get_sockets(event: Any) -> Any:
    return [_udp_socket_info(each) for each in elements(event.sockets, event.sockets_len)] if event.present & 32 else code(event)


_SOCKET_SOCKET_TYPE: Dict[str, int] = {"tcp": 0, "udp": 1}


class Socket:
    """chrome.socket"""

    class AcceptInfo(NamedTuple):
        result_code: int
        socket_id: Optional[int]

    class CreateInfo(NamedTuple):
        socket_id: int

    class NetworkInterface(NamedTuple):
        name: str
        address: str
        prefix_length: int

    class ReadInfo(NamedTuple):
        result_code: int
        data: bytes

    class RecvFromInfo(NamedTuple):
        result_code: int
        data: bytes
        address: str
        port: int

    class SecureOptions(TypedDict, total=False):
        tls_version_min: str
        tls_version_max: str

    class SocketInfo(NamedTuple):
        socket_type: Socket.SocketType
        connected: bool
        peer_address: Optional[str]
        peer_port: Optional[int]
        local_address: Optional[str]
        local_port: Optional[int]

    SocketType = Literal["tcp", "udp"]

    class WriteInfo(NamedTuple):
        bytes_written: int

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def create(self, type: Socket.SocketType) -> Future[Socket.CreateInfo]:
        """chrome.socket.create"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_create, choice(_SOCKET_SOCKET_TYPE, type), NULL)

    def connect(self, socket_id: int, hostname: str, port: int) -> Future[int]:
        """chrome.socket.connect"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_connect, index(socket_id), encode(hostname), index(port))

    def bind(self, socket_id: int, address: str, port: int) -> Future[int]:
        """chrome.socket.bind"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_bind, index(socket_id), encode(address), index(port))

    def disconnect(self, socket_id: int) -> Future[None]:
        """chrome.socket.disconnect"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_disconnect, index(socket_id))

    def destroy(self, socket_id: int) -> Future[None]:
        """chrome.socket.destroy"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_destroy, index(socket_id))

    def read(self, socket_id: int, buffer_size: Optional[int] = None) -> Future[Socket.ReadInfo]:
        """chrome.socket.read"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_read, index(socket_id), optional_int(buffer_size))

    def write(self, socket_id: int, data: Buffer) -> Future[Socket.WriteInfo]:
        """chrome.socket.write"""
        driver = self._driver
        held = buffer(data)
        return driver.call(driver.lib.chrome_socket_write, index(socket_id), held, len(held))

    def recv_from(self, socket_id: int, buffer_size: Optional[int] = None) -> Future[Socket.RecvFromInfo]:
        """chrome.socket.recvFrom"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_recv_from, index(socket_id), optional_int(buffer_size))

    def send_to(self, socket_id: int, data: Buffer, address: str, port: int) -> Future[Socket.WriteInfo]:
        """chrome.socket.sendTo"""
        driver = self._driver
        held = buffer(data)
        return driver.call(driver.lib.chrome_socket_send_to, index(socket_id), held, len(held), encode(address), index(port))

    def listen(self, socket_id: int, address: str, port: int, backlog: Optional[int] = None) -> Future[int]:
        """chrome.socket.listen"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_listen, index(socket_id), encode(address), index(port), optional_int(backlog))

    def accept(self, socket_id: int) -> Future[Socket.AcceptInfo]:
        """chrome.socket.accept"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_accept, index(socket_id))

    def set_keep_alive(self, socket_id: int, enable: bool, delay: Optional[int] = None) -> Future[bool]:
        """chrome.socket.setKeepAlive"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_set_keep_alive, index(socket_id), index(enable), 0 if delay is None else index(delay))

    def set_no_delay(self, socket_id: int, no_delay: bool) -> Future[bool]:
        """chrome.socket.setNoDelay"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_set_no_delay, index(socket_id), index(no_delay))

    def get_info(self, socket_id: int) -> Future[Socket.SocketInfo]:
        """chrome.socket.getInfo"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_get_info, index(socket_id))

    def get_network_list(self) -> Future[List[Socket.NetworkInterface]]:
        """chrome.socket.getNetworkList"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_get_network_list)

    def join_group(self, socket_id: int, address: str) -> Future[int]:
        """chrome.socket.joinGroup"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_join_group, index(socket_id), encode(address))

    def leave_group(self, socket_id: int, address: str) -> Future[int]:
        """chrome.socket.leaveGroup"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_leave_group, index(socket_id), encode(address))

    def set_multicast_time_to_live(self, socket_id: int, ttl: int) -> Future[int]:
        """chrome.socket.setMulticastTimeToLive"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_set_multicast_time_to_live, index(socket_id), index(ttl))

    def set_multicast_loopback_mode(self, socket_id: int, enabled: bool) -> Future[int]:
        """chrome.socket.setMulticastLoopbackMode"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_set_multicast_loopback_mode, index(socket_id), index(enabled))

    def get_joined_groups(self, socket_id: int) -> Future[List[str]]:
        """chrome.socket.getJoinedGroups"""
        driver = self._driver
        return driver.call(driver.lib.chrome_socket_get_joined_groups, index(socket_id))

    def secure(
        self, socket_id: int, options: Optional[Socket.SecureOptions] = None, *, tls_version_min: Optional[str] = None, tls_version_max: Optional[str] = None
    ) -> Future[int]:
        """chrome.socket.secure"""
        driver = self._driver
        made = struct("chrome_sockets_tcp_secure_options", {"tls_version_min": 0, "tls_version_max": 0}, options, tls_version_min=tls_version_min, tls_version_max=tls_version_max)
        return driver.call(driver.lib.chrome_socket_secure, index(socket_id), made[0])


def _socket_accept_info(c: Any) -> Socket.AcceptInfo:
    return Socket.AcceptInfo(
        c.result,
        c.client_socket_id or None,
    )


def _socket_create_info(c: Any) -> Socket.CreateInfo:
    return Socket.CreateInfo(
        c.socket_id,
    )


def _socket_network_interface(c: Any) -> Socket.NetworkInterface:
    return Socket.NetworkInterface(
        text(c.name) or "",
        text(c.address) or "",
        c.prefix_length,
    )


def _socket_read_info(c: Any) -> Socket.ReadInfo:
    return Socket.ReadInfo(
        c.result,
        data(c.data, c.data_len),
    )


def _socket_recv_from_info(c: Any) -> Socket.RecvFromInfo:
    return Socket.RecvFromInfo(
        c.result,
        data(c.data, c.data_len),
        text(c.address) or "",
        c.port,
    )


def _socket_socket_info(c: Any) -> Socket.SocketInfo:
    return Socket.SocketInfo(
        name_of(_SOCKET_SOCKET_TYPE, c.socket_type),
        bool(c.connected),
        text(c.peer_address) if c.present & 16 else None,
        c.peer_port if c.present & 16 else None,
        text(c.local_address) if c.present & 8 else None,
        c.local_port if c.present & 8 else None,
    )


def _socket_write_info(c: Any) -> Socket.WriteInfo:
    return Socket.WriteInfo(
        c.result,
    )


def _socket_read(event: Any) -> Any:
    return _socket_read_info(event) if event.present & 1 else None


def _socket_write(event: Any) -> Any:
    return _socket_write_info(event) if event.present & 1 else None


def _socket_recv_from(event: Any) -> Any:
    return _socket_recv_from_info(event) if event.present & 1 else None


def _socket_send_to(event: Any) -> Any:
    return _socket_write_info(event) if event.present & 1 and not event.message else code(event)


def _socket_accept(event: Any) -> Any:
    return _socket_accept_info(event) if event.present & 1 else None


def _socket_get_info(event: Any) -> Any:
    return _socket_socket_info(event.sockets[0]) if event.present & 32 else None


def _socket_get_network_list(event: Any) -> Any:
    return [_socket_network_interface(each) for each in elements(event.interfaces, event.interfaces_len)] if event.present & 128 else code(event)


class Sockets:
    """chrome.sockets"""

    def __init__(self, driver: Driver) -> None:
        self.tcp = Tcp(driver)
        self.tcp_server = TcpServer(driver)
        self.udp = Udp(driver)


DECODERS: Dict[int, Callable[[Any], Any]] = {
    257: _tcp_create_info,
    258: nothing,
    259: nothing,
    260: code,
    261: code,
    262: code,
    263: nothing,
    264: code,
    265: _tcp_send,
    266: nothing,
    267: _tcp_get_info,
    268: _tcp_get_sockets,
    513: _tcp_server_create_info,
    514: nothing,
    515: nothing,
    516: code,
    517: nothing,
    518: nothing,
    519: _tcp_server_get_info,
    520: _tcp_server_get_sockets,
    769: _udp_create_info,
    770: nothing,
    771: nothing,
    772: code,
    773: _udp_send,
    774: nothing,
    775: _udp_get_info,
    776: _udp_get_sockets,
    777: code,
    778: code,
    779: code,
    780: code,
    781: texts,
    782: code,
    1025: _socket_create_info,
    1026: code,
    1027: code,
    1028: nothing,
    1029: nothing,
    1030: _socket_read,
    1031: _socket_write,
    1032: _socket_recv_from,
    1033: _socket_send_to,
    1034: code,
    1035: _socket_accept,
    1036: flag,
    1037: flag,
    1038: _socket_get_info,
    1039: _socket_get_network_list,
    1040: code,
    1041: code,
    1042: code,
    1043: code,
    1044: texts,
    1045: code,
}
