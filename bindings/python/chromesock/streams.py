"""asyncio's streams over the sockets of a chrome object."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Deque, Dict, Optional, Tuple, Union

from ._chrome import Chrome
from ._driver import Driver
from ._errors import ChromeSocketError
from ._lent import COPIED
from ._library import NULL, buffer, ffi
from ._surface import Status

if TYPE_CHECKING:
    from typing_extensions import Buffer

LIMIT = 2**16  # as in asyncio
READ_BYTES = 2**16
# Unsent at once. Each time the library's thread has sent what it has, the two threads take turns.
HIGH_WATER = 2**20
ACCEPT_RETRY_SECONDS = 1.0  # as in asyncio
# Short pieces that are written while others are under way go out together, up to about this size.
TOGETHER = 2**16
# What does not fit into the room goes out in parts, which are copied, of this size.
PIECE = 2**18
# A stream may have this part of all room under way while all is free. The part shrinks with what is free, so that
# many that take nothing do not use it up, but a stream may always have this many bytes.
PART = 8
LEAST = 2**12

_TCP_PROPERTIES = ffi.new(
    "chrome_sockets_tcp_properties *",
    {
        "size": ffi.sizeof("chrome_sockets_tcp_properties"),
        "present": ffi.integer_const("CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE"),
        "buffer_size": READ_BYTES,
    },
)

ClientConnected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Union[None, Awaitable[None]]]


async def open_connection(
    chrome: Chrome, host: str, port: int, *, limit: int = LIMIT, secure: bool = False
) -> Tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connects to a server; with `secure` by TLS."""
    tcp = chrome.sockets.tcp
    driver = chrome._driver
    socket_id = _created(driver, driver.lib.chrome_sockets_tcp_create, _TCP_PROPERTIES)
    try:
        # Nothing is read before the handshake, or before somebody listens.
        _forget(tcp.set_paused(socket_id, True))
        await tcp.connect(socket_id, host, port)
        if secure:
            await tcp.secure(socket_id)
        info = await tcp.get_info(socket_id)
    except BaseException:
        _close(tcp, socket_id)
        raise
    reader, protocol, transport = _open_stream(chrome, info, limit, None)
    return reader, asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())


async def start_server(
    chrome: Chrome,
    client_connected_cb: ClientConnected,
    address: str,
    port: int,
    *,
    limit: int = LIMIT,
    backlog: Optional[int] = None,
) -> Server:
    """Listens; for each connection calls, or starts as a task, `client_connected_cb(reader, writer)`."""
    tcp_server = chrome.sockets.tcp_server
    driver = chrome._driver
    socket_id = _created(driver, driver.lib.chrome_sockets_tcp_server_create, NULL)
    # Before it listens: who connects at once may be accepted before `listen` has returned here.
    server = Server(chrome, socket_id, client_connected_cb, limit)
    try:
        await tcp_server.listen(socket_id, address, port, backlog)
        info = await tcp_server.get_info(socket_id)
    except BaseException:
        server.close()
        raise
    assert info.local_address is not None and info.local_port is not None
    server.address, server.port = info.local_address, info.local_port
    return server


class Server:
    """A listening socket. As a context manager it is closed at the end."""

    address: str
    port: int

    def __init__(self, chrome: Chrome, socket_id: int, client_connected_cb: ClientConnected, limit: int) -> None:
        self.socket_id = socket_id
        self._chrome = chrome
        self._client_connected_cb = client_connected_cb
        self._limit = limit
        self._closing: Optional[asyncio.Future[None]] = None
        self._forever: Optional[asyncio.Future[None]] = None
        _router(chrome).servers[socket_id] = self

    def close(self) -> None:
        """Stops listening; connections that were accepted stay."""
        if self.is_serving():
            self._closing = self._chrome.sockets.tcp_server.close(self.socket_id)
            self._closing.add_done_callback(self._closed)
            self._end_forever()

    def _end_forever(self) -> None:
        if self._forever is not None:
            self._forever.cancel()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that connections are served on."""
        return self._chrome._driver.loop

    def is_serving(self) -> bool:
        """Whether it listens."""
        return self._closing is None and self.socket_id in _router(self._chrome).servers

    async def start_serving(self) -> None:
        """For programs written for asyncio's servers; this one listens from the start."""
        if not self.is_serving():
            raise RuntimeError("the server is closed")

    async def serve_forever(self) -> None:
        """Serves until it is cancelled, which closes the server, or the server is closed, which cancels it."""
        if self._forever is not None:
            raise RuntimeError("serve_forever is awaited already")
        await self.start_serving()
        self._forever = self.get_loop().create_future()
        try:
            await self._forever
        finally:
            self._forever = None
            self.close()
            await self.wait_closed()

    def _closed(self, call: asyncio.Future[None]) -> None:
        call.exception()
        # Not before: what was accepted until then is told until then.
        _router(self._chrome).servers.pop(self.socket_id, None)

    async def wait_closed(self) -> None:
        """Returns when no connection is accepted any more."""
        if self._closing is not None:
            await asyncio.wait([self._closing])

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self.wait_closed()

    def _accept(self, socket_id: int) -> None:
        tcp = self._chrome.sockets.tcp
        _forget(tcp.update(socket_id, buffer_size=READ_BYTES))
        tcp.get_info(socket_id).add_done_callback(self._connected)

    def _accept_failed(self, code: int) -> None:
        """Accepting has paused, as when there is no descriptor left. Goes on after a while."""
        driver = self._chrome._driver
        message = "a server could not accept a connection, and tries again"
        driver.loop.call_exception_handler({"message": message, "exception": driver.network_error(code)})
        driver.loop.call_later(ACCEPT_RETRY_SECONDS, self._resume)

    def _resume(self) -> None:
        if self.is_serving():
            _forget(self._chrome.sockets.tcp_server.set_paused(self.socket_id, False))

    def _connected(self, call: asyncio.Future[Any]) -> None:
        if call.exception() is None:  # Else the chrome object was destroyed.
            _open_stream(self._chrome, call.result(), self._limit, self._handle)

    def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Optional[Awaitable[None]]:
        handling = self._client_connected_cb(reader, writer)
        return _until_cancelled(handling, writer) if asyncio.iscoroutine(handling) else None


async def _until_cancelled(handling: Awaitable[None], writer: asyncio.StreamWriter) -> None:
    """A handler that is cancelled, as at the end of asyncio.run, closes its connection.

    asyncio's protocol does so from Python 3.12 on; before, it raises.
    """
    try:
        await handling
    except asyncio.CancelledError:
        writer.close()


class SocketTransport(asyncio.Transport):
    """One TCP socket under an asyncio protocol. There is no half-close: neither API nor transport has it."""

    def __init__(
        self, chrome: Chrome, info: Any, protocol: asyncio.Protocol, reader: asyncio.StreamReader
    ) -> None:
        super().__init__(
            {
                "socket_id": info.socket_id,
                "peername": (info.peer_address, info.peer_port),
                "sockname": (info.local_address, info.local_port),
            }
        )
        self._tcp = chrome.sockets.tcp
        self._driver = chrome._driver
        self._router = _router(chrome)
        self._id: int = info.socket_id
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        # Who forgets the reader forgets the connection, as in asyncio.
        self._reader = weakref.ref(reader)
        self._closing = False
        # Of the first send that has failed; the end follows.
        self._failure: Optional[ChromeSocketError] = None
        # Sizes of the sends under way, and their sum.
        self._sending: Deque[int] = deque()
        self._under_way = 0
        # What is written, but not under way yet: large pieces as they are, short ones joined; and its size.
        self._waiting: Deque[Union[bytes, bytearray, memoryview]] = deque()
        self._waiting_size = 0
        self._write_paused = False
        self._reading = True
        self.set_write_buffer_limits()

    def _start(self) -> None:
        self._router.transports[self._id] = self
        self._tell("connection_made", self)
        if self._reading and not self._closing:
            _forget(self._tcp.set_paused(self._id, False))

    async def secure(
        self, *, tls_version_min: Optional[str] = None, tls_version_max: Optional[str] = None
    ) -> None:
        """Starts TLS (STARTTLS). Pause reading before the command that asks for it is sent.

        What came before, and was not read, is dropped.
        """
        if self._reading:
            raise RuntimeError("call pause_reading() before the command that asks for TLS is sent")
        securing = self._tcp.secure(
            self._id, tls_version_min=tls_version_min, tls_version_max=tls_version_max
        )
        reader = self._reader()
        if reader is not None:
            reader._buffer.clear()  # type: ignore[attr-defined]  # asyncio has no other way
        try:
            await securing
        except ChromeSocketError as error:
            # Most failures are the end of the socket.
            if not await self._is_there():
                self._end(error)
            raise
        except asyncio.CancelledError:
            # As asyncio: what would come now is neither plain nor known to be TLS.
            self.abort()
            raise
        self.resume_reading()

    async def _is_there(self) -> bool:
        try:
            await self._tcp.get_info(self._id)
        except ChromeSocketError:
            return False
        return True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError(f"expected an asyncio.Protocol, got {type(protocol).__name__}")
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        self._driver.check_thread()
        if self.is_reading():
            self._reading = False
            _forget(self._tcp.set_paused(self._id, True))

    def resume_reading(self) -> None:
        self._driver.check_thread()
        if not self._reading and not self._closing:
            self._reading = True
            _forget(self._tcp.set_paused(self._id, False))

    def read_once(self) -> None:
        """Asks for one more piece while reading is paused, as when the answer to STARTTLS comes in several."""
        self._driver.check_thread()
        if not self._reading and not self._closing:
            self._driver.start_together(
                lambda: _forget(self._tcp.set_paused(self._id, False)),
                lambda: _forget(self._tcp.set_paused(self._id, True)),
            )

    def set_write_buffer_limits(self, high: Optional[int] = None, low: Optional[int] = None) -> None:
        if high is None:
            high = HIGH_WATER if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high, self._low = high, low
        self._pause_if_full()

    def get_write_buffer_limits(self) -> Tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return self._under_way + self._waiting_size

    def write(self, data: Buffer) -> None:
        self._driver.check_thread()
        held = buffer(data)
        if self._closing:
            return
        size = len(held)
        if size == 0:
            return
        if size > COPIED and self._waiting:
            self._send_waiting()
        if self._waiting or self._sending and size <= COPIED or size > self._room():
            self._let_wait(held if type(held) is bytes else ffi.buffer(held), size)
            self._send_if_worth()
        else:
            self._send(data, size)
        self._pause_if_full()

    def _pause_if_full(self) -> None:
        if self._under_way + self._waiting_size > self._high and not self._write_paused:
            self._write_paused = True
            self._tell("pause_writing")

    def _room(self) -> int:
        """How much more may be under way."""
        return self._router.share() - self._under_way

    def _send(self, data: Buffer, size: int) -> None:
        self._driver.start_send(self._on_sent, self._id, data)
        self._sending.append(size)
        self._under_way += size
        self._router.under_way += size

    def _let_wait(self, data: Any, size: int) -> None:
        last = self._waiting[-1] if self._waiting else None
        if size > COPIED:
            self._waiting.append(bytes(data))  # the same object, unless it may change
        elif type(last) is bytearray:
            last.extend(data)
        else:
            self._waiting.append(bytearray(data))
        self._waiting_size += size

    def _send_if_worth(self) -> None:
        """Short pieces wait for each other while others are under way."""
        if not self._sending or self._waiting_size >= TOGETHER:
            self._send_waiting()

    def _send_waiting(self) -> None:
        """Sends what waits, in pieces that are not short, as far as there is room."""
        while self._waiting:
            first = self._waiting[0]
            size = min(len(first), self._room())
            if size < min(len(first), TOGETHER if self._sending else 1):
                break
            if size == len(first):
                self._send(first, size)
                self._waiting.popleft()
            else:
                size = min(size, PIECE)
                view = memoryview(first)
                self._send(view[:size], size)
                self._waiting[0] = view[size:]
            self._waiting_size -= size
        if self._waiting and not self._sending:
            self._router.starving[self] = None

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self._driver.check_thread()
        if not self._closing:
            if self._sending or self._waiting:  # Else it is closed at once.
                self.pause_reading()
            self._closing = True
            self._end_if_done()

    def abort(self) -> None:
        self._driver.check_thread()
        self._end(None)

    def _on_received(self, data: bytes) -> None:
        if not self._closing:
            error = self._tell("data_received", data)
            if error is not None:
                self._end(error)

    def _on_receive_error(self, code: int) -> None:
        if code != Status.CONNECTION_CLOSED:
            self._end(self._driver.network_error(code))
        elif self._closing:
            self._end(self._failure)
        else:
            self._end(self._tell("eof_received"))

    def _tell(self, event: str, *arguments: Any) -> Optional[Exception]:
        """Calls the protocol. What that raises goes to the loop's exception handler, as in asyncio, and is given."""
        try:
            getattr(self._protocol, event)(*arguments)
        except Exception as error:
            message = f"protocol.{event}() failed"
            context = {"message": message, "exception": error, "transport": self, "protocol": self._protocol}
            self._loop.call_exception_handler(context)
            return error
        return None

    def _on_sent(self, error: Optional[ChromeSocketError]) -> None:
        size = self._sending.popleft()
        self._under_way -= size
        self._router.sent(size)
        if error is not None:
            self._fail(error)
            return
        if self._waiting:
            self._send_if_worth()
        if self._write_paused and self.get_write_buffer_size() <= self._low:
            self._write_paused = False
            self._tell("resume_writing")
        if self._closing:
            self._end_if_done()

    def _fail(self, error: ChromeSocketError) -> None:
        """Ends it for a send that has failed.

        If it is being read, the true cause follows (tcp.md O-7, O-8): where that is the peer's orderly end, what the
        peer has said counts, as in asyncio. What is called now completes behind it, also where nothing follows.
        """
        if self._closing:
            self._end(error)
        elif self._failure is None:
            self._failure = error
            behind = self._tcp.get_info(self._id)
            behind.add_done_callback(lambda _: self._end(error))
            _forget(behind)

    def _end_if_done(self) -> None:
        if not self._sending and not self._waiting:
            self._end(self._failure)

    def _end(self, error: Optional[Exception]) -> None:
        """Closes the socket, once, and tells the protocol."""
        if self._router.transports.pop(self._id, None) is None:
            return
        self._closing = True
        self._write_paused = False  # Nobody is told to resume any more.
        self._waiting.clear()
        self._waiting_size = 0
        self._router.starving.pop(self, None)
        _close(self._tcp, self._id)
        self._loop.call_soon(lambda: self._protocol.connection_lost(error))


def _open_stream(
    chrome: Chrome, info: Any, limit: int, client_connected_cb: Optional[ClientConnected]
) -> Tuple[asyncio.StreamReader, asyncio.StreamReaderProtocol, SocketTransport]:
    """What lies over a socket that is connected and paused; reading starts."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit, loop)
    protocol = asyncio.StreamReaderProtocol(reader, client_connected_cb, loop)
    transport = SocketTransport(chrome, info, protocol, reader)
    transport._start()
    return reader, protocol, transport


class _Router:
    """Gives the events of a chrome object, which are of all its sockets, to the socket's transport or server."""

    def __init__(self, chrome: Chrome) -> None:
        self.transports: Dict[int, SocketTransport] = {}
        self.servers: Dict[int, Server] = {}
        # Bytes of the streams' sends, and, in turn, those streams that have none under way for lack of room.
        self.under_way = 0
        self.starving: Dict[SocketTransport, None] = {}
        # The other half of the quota is for sends of the program's own.
        self._most_under_way = max(chrome._write_quota_bytes // 2, 1)
        tcp, tcp_server = chrome.sockets.tcp, chrome.sockets.tcp_server
        tcp.on_receive.add_listener(self._on_receive)
        tcp.on_receive_error.add_listener(self._on_receive_error)
        tcp_server.on_accept.add_listener(self._on_accept)
        tcp_server.on_accept_error.add_listener(self._on_accept_error)
        chrome._driver.at_end.append(self._on_end)

    def share(self) -> int:
        """Most bytes that one stream may have under way: peers that take nothing leave room for all others."""
        room = self._most_under_way - self.under_way
        return min(room, max(room * room // self._most_under_way // PART, LEAST))

    def sent(self, size: int) -> None:
        """There is more room."""
        self.under_way -= size
        while self.starving and self.under_way < self._most_under_way:
            transport = next(iter(self.starving))
            del self.starving[transport]
            transport._send_waiting()

    def _on_receive(self, info: Any) -> None:
        transport = self.transports.get(info.socket_id)
        if transport is not None:
            transport._on_received(info.data)

    def _on_receive_error(self, info: Any) -> None:
        transport = self.transports.get(info.socket_id)
        if transport is not None:
            transport._on_receive_error(info.result_code)

    def _on_accept(self, info: Any) -> None:
        server = self.servers.get(info.socket_id)
        if server is not None:
            server._accept(info.client_socket_id)

    def _on_accept_error(self, info: Any) -> None:
        server = self.servers.get(info.socket_id)
        if server is not None:
            server._accept_failed(info.result_code)

    def _on_end(self) -> None:
        for transport in list(self.transports.values()):
            transport.abort()
        servers = list(self.servers.values())
        self.servers.clear()
        for server in servers:
            server._end_forever()


def _router(chrome: Chrome) -> _Router:
    if chrome._router is None:
        chrome._router = _Router(chrome)
    return chrome._router


def _created(driver: Driver, create: Any, properties: Any) -> int:
    """The id of a new socket, at once: calls are carried out in their order, so that others may follow."""
    socket_id = ffi.new("int32_t *")
    _forget(driver.call(create, properties, socket_id))
    return int(socket_id[0])


def _close(namespace: Any, socket_id: int) -> None:
    """Closes a socket, unless the chrome object was destroyed."""
    with contextlib.suppress(ChromeSocketError):
        _forget(namespace.close(socket_id))


def _forget(call: asyncio.Future[Any]) -> None:
    """Leaves a call to itself: an error of it needs no warning."""
    call.add_done_callback(asyncio.Future.exception)
