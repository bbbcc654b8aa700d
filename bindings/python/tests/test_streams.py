"""The stream adapter, under asyncio's own readers and writers."""

import asyncio
import concurrent.futures
import contextlib
import os
import resource
import socket
import time

import pytest

from chromesock import ChromeSocketError, Status, create_chrome, streams
from chromesock._library import ffi
from conftest import DEADLINE_SECONDS

BULK = os.urandom(1 << 20) * 8


async def test_a_connection_reads_and_writes(peers, make):
    """asyncio.open_connection's manner: lines, ends, names of both sides."""
    server, port = await peers.echo()
    async with server:
        reader, writer = await streams.open_connection(make(), "localhost", port)
        writer.write(b"one\ntwo\n")
        await writer.drain()
        assert [await reader.readline(), await reader.readexactly(4)] == [b"one\n", b"two\n"]
        assert writer.get_extra_info("peername") == ("127.0.0.1", port)
        assert not writer.can_write_eof()
        writer.close()
        await writer.wait_closed()
        assert await reader.read() == b""


async def test_a_server_serves(make):
    """asyncio.start_server's manner, and closing sends first what was written."""

    async def handle(reader, writer):
        writer.write(BULK[: int(await reader.readline())])
        writer.close()

    async with await streams.start_server(make(), handle, "127.0.0.1", 0) as server:
        for size in (1, len(BULK)):
            reader, writer = await asyncio.open_connection(server.address, server.port)
            writer.write(b"%d\n" % size)
            assert await reader.read() == BULK[:size]
            writer.close()
        port = server.port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_a_handler_that_the_end_of_the_loop_cancels_is_no_error(caplog):
    """The callback of asyncio's own protocol raises there before Python 3.12."""
    began = []

    async def handle(reader, writer):
        began.append(writer)
        await asyncio.Event().wait()

    async def main():
        async with create_chrome() as chrome:
            async with await streams.start_server(chrome, handle, "127.0.0.1", 0) as server:
                await streams.open_connection(chrome, server.address, server.port)
                while not began:
                    await asyncio.sleep(0)

    asyncio.run(main())
    assert began[0].is_closing()
    assert not caplog.records, caplog.text


async def test_a_server_serves_until_it_is_cancelled_closed_or_destroyed(make):
    """asyncio's manner: serve_forever ends as cancelled, and nobody listens any more."""

    async def handle(reader, writer):
        writer.close()

    for end in ("cancel", "close", "destroy"):
        chrome = make()
        server = await streams.start_server(chrome, handle, "127.0.0.1", 0)
        assert server.is_serving() and server.get_loop() is asyncio.get_running_loop()
        await server.start_serving()
        serving = asyncio.ensure_future(server.serve_forever())
        reader, writer = await asyncio.open_connection(server.address, server.port)
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(RuntimeError, match="already"):
            await server.serve_forever()
        {"cancel": serving.cancel, "close": server.close, "destroy": chrome.destroy}[end]()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert not server.is_serving()
        for again in (server.start_serving, server.serve_forever):
            with pytest.raises(RuntimeError, match="closed"):
                await again()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_a_slow_reader_holds_the_peer_back(peers, make):
    """Backpressure by setPaused: tcp.md PA-5, the peer has to wait."""
    sent, floods = [], []

    async def flood(reader, writer):
        floods.append(writer.transport)
        try:
            while True:
                writer.write(bytes(65536))
                await writer.drain()
                sent.append(65536)
        except ConnectionError:
            pass

    server, port = await peers.server(flood)
    chrome = make()
    async with server:
        reader, writer = await streams.open_connection(chrome, "127.0.0.1", port)
        await reader.readexactly(1)
        socket_id = writer.get_extra_info("socket_id")
        while not (await chrome.sockets.tcp.get_info(socket_id)).paused:
            await asyncio.sleep(0)
        # Nobody reads: the peer's own buffer fills behind the system's.
        while floods[0].get_write_buffer_size() < 65536:
            await asyncio.sleep(0)
        assert sum(sent) < 64 << 20
        want = sum(sent) + (1 << 20)
        await reader.readexactly(want)
        writer.close()
        await writer.wait_closed()


async def test_a_fast_writer_waits_for_the_peer(peers, make):
    """Backpressure by the completions of sends: drain returns when the peer has taken most of it."""
    go, got = asyncio.Event(), []

    async def late(reader, writer):
        await go.wait()
        while data := await reader.read(65536):
            got.append(data)
        writer.close()

    server, port = await peers.server(late)
    async with server:
        _, writer = await streams.open_connection(make(), "127.0.0.1", port)
        for _ in range(4):
            writer.write(BULK)
        draining = asyncio.ensure_future(writer.drain())
        await asyncio.sleep(0)
        assert not draining.done() and writer.transport.get_write_buffer_size() > 0
        go.set()
        await draining
        writer.close()
        await writer.wait_closed()
    while sum(map(len, got)) < 4 * len(BULK):
        await asyncio.sleep(0)
    assert b"".join(got) == BULK * 4


def takes_what_plus_sends(got):
    """A peer that, of a stream beginning with "-", takes nothing more; the sizes of the others' data go to `got`."""
    never = asyncio.Event()  # Who waits for what nobody else knows is collected as garbage.

    async def handle(reader, writer):
        if await reader.readexactly(1) == b"-":
            await never.wait()
        while data := await reader.read(65536):
            got.append(len(data))
        writer.close()

    return handle


async def test_the_write_quota_ends_no_stream(peers, make):
    """tcp.md Q-1: what goes beyond it waits, and peers that take nothing leave room for the others."""
    got = []
    server, port = await peers.server(takes_what_plus_sends(got))
    async with server:
        chrome = make(write_quota_bytes=len(BULK) // 8)
        for peer in b"---+":
            _, writer = await streams.open_connection(chrome, "127.0.0.1", port)
            writer.write(bytes([peer]))
            writer.write(BULK)
        await writer.drain()
        # The other half of the quota is the program's own.
        assert (await chrome.sockets.tcp.send(writer.get_extra_info("socket_id"), bytes(len(BULK) // 16))).bytes_sent
        writer.close()
        await writer.wait_closed()
        while sum(got) < len(BULK) * 17 // 16:
            await asyncio.sleep(0)


async def test_many_peers_that_take_nothing_leave_room_for_others(peers, make):
    """The package's own: though each of them is written more than the whole quota."""
    got = []
    server, port = await peers.server(takes_what_plus_sends(got))
    async with server:
        chrome = make(write_quota_bytes=len(BULK) // 2)
        for peer in b"-" * 50 + b"+":
            _, writer = await streams.open_connection(chrome, "127.0.0.1", port)
            writer.write(bytes([peer]))
            writer.write(BULK)
        writer.close()
        await writer.wait_closed()
        while sum(got) < len(BULK):
            await asyncio.sleep(0)


async def test_streams_that_find_no_room_take_turns(peers, make):
    """The package's own: here one byte of one of them may be under way."""
    server, port = await peers.echo()
    async with server:
        chrome = make(write_quota_bytes=2)
        opened = [await streams.open_connection(chrome, "127.0.0.1", port) for _ in range(3)]
        for _, writer in opened:
            writer.write(b"waits")
        for reader, writer in opened:
            assert await reader.readexactly(5) == b"waits"
            writer.close()


async def test_large_bytes_are_sent_from_where_they_are(peers, make, monkeypatch):
    """The package's own: bytes cannot change, and one stream alone has room for some of them."""
    never, sent = asyncio.Event(), []

    async def never_read(reader, writer):
        await never.wait()

    server, port = await peers.server(never_read)
    async with server:
        chrome = make()
        send = chrome._driver.start_send
        monkeypatch.setattr(chrome._driver, "start_send", lambda done, to, data: sent.append(data) or send(done, to, data))
        _, writer = await streams.open_connection(chrome, "127.0.0.1", port)
        blocks = [bytes([number]) * 2**20 for number in range(5)]
        for block in blocks:
            writer.write(block)
        assert [*map(id, sent)] == [*map(id, blocks)]
        writer.transport.abort()


@pytest.mark.parametrize("quota", [None, 2**13], ids=["under way", "waiting"])
@pytest.mark.parametrize("size", [100, 2**14 + 1, 2**17])
async def test_what_changes_after_it_was_written_is_sent_as_it_was(peers, make, size, quota):
    """asyncio's manner: a program may use its buffer again."""
    server, port = await peers.echo()
    async with server:
        reader, writer = await streams.open_connection(make(write_quota_bytes=quota), "127.0.0.1", port)
        writer.write(b"before")
        data = bytearray(b"a" * size)
        for buffer in (data, memoryview(data)):
            writer.write(buffer)
            data[:] = b"b" * size
        assert writer.transport.get_write_buffer_size() == 6 + 2 * size
        assert await reader.readexactly(6 + 2 * size) == b"before" + b"a" * size + b"b" * size
        writer.close()
        await writer.wait_closed()
        assert writer.transport.get_write_buffer_size() == 0


@pytest.mark.parametrize("quota", [None, 2**17], ids=["", "little room"])
async def test_pieces_of_all_sizes_keep_their_order(peers, make, quota):
    """tcp.md S-4: short ones that go out together, and long ones that do not wait for others, or go out in parts."""
    got = bytearray()

    async def take(reader, writer):
        while data := await reader.read(65536):
            got.extend(data)
        writer.close()

    server, port = await peers.server(take)
    sizes = [1, 2**14, 2**14 + 1, 3, 0, 70_000, 500, 500, 2**20, 7] * 5 + [100] * 2000
    pieces = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    async with server:
        _, writer = await streams.open_connection(make(write_quota_bytes=quota), "127.0.0.1", port)
        for number, piece in enumerate(pieces):
            writer.write(piece if number % 3 else bytearray(piece))
            if number % 7 == 0:
                await writer.drain()
        writer.close()
        await writer.wait_closed()
        wanted = b"".join(pieces)
        while len(got) < len(wanted):
            await asyncio.sleep(0)
    assert got == wanted


async def test_a_refused_write_counts_for_nothing(peers, make):
    """asyncio's manner: the end of the writer does not wait for bytes that were never taken."""
    server, port = await peers.echo()
    async with server:
        reader, writer = await streams.open_connection(make(), "127.0.0.1", port)
        with pytest.raises(BufferError):
            writer.write(memoryview(b"a-b-c-")[::2])
        assert writer.transport.get_write_buffer_size() == 0
        writer.write(b"end")
        assert await reader.readexactly(3) == b"end"
        writer.close()
        await writer.wait_closed()


async def test_lower_limits_hold_for_what_is_written_already(peers, make):
    """asyncio's manner: a writer that is beyond the new limit waits."""
    never = asyncio.Event()  # kept, and with it the task that waits for it

    async def never_read(reader, writer):
        await never.wait()

    server, port = await peers.server(never_read)
    async with server:
        _, writer = await streams.open_connection(make(), "127.0.0.1", port)
        writer.transport.set_write_buffer_limits(high=2 * len(BULK))
        writer.write(BULK)
        await asyncio.wait_for(writer.drain(), DEADLINE_SECONDS)
        writer.transport.set_write_buffer_limits(high=0)
        draining = asyncio.ensure_future(writer.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        writer.transport.abort()
        await draining


async def test_a_reset_reaches_the_reader(peers, make):
    """tcp.md R-7: as an error with its code, not as an end."""

    async def reset(reader, writer):
        await reader.readline()
        writer.transport.abort()

    server, port = await peers.server(reset)
    async with server:
        reader, writer = await streams.open_connection(make(), "127.0.0.1", port)
        # Unread input at the peer makes its end a reset.
        writer.write(b"line\n")
        for _ in range(4):
            writer.write(BULK)
        with pytest.raises(ConnectionResetError) as caught:
            while True:
                await reader.readexactly(1)
        error = caught.value
        assert error.code == Status.CONNECTION_RESET
        assert error.name == error.message == "net::ERR_CONNECTION_RESET"
        writer.close()


async def test_the_peers_last_words_are_read_though_writes_are_unfinished(peers, make):
    """tcp.md O-8: as of a server that answers 413 and reads no more; asyncio's readers get it too."""
    kept = []

    async def refuse(reader, writer):
        kept.append(writer)
        writer.transport.pause_reading()
        writer.write(b"413")
        writer.write_eof()

    server, port = await peers.server(refuse)
    async with server:
        reader, writer = await streams.open_connection(make(), "127.0.0.1", port)
        for _ in range(4):
            writer.write(BULK)
        assert await reader.read() == b"413"
        await writer.wait_closed()
        with pytest.raises(ConnectionResetError):
            await writer.drain()
        kept[0].transport.abort()


@pytest.mark.parametrize("closing", [False, True], ids=["open", "closing"])
@pytest.mark.parametrize("call", ["disconnect", "close"])
async def test_a_stream_ends_with_its_socket_though_no_event_tells(call, closing, peers, make, record):
    """tcp.md DC-2, CL-2: a socket that is not read and that the program itself ends has no onReceiveError."""
    kept = []

    async def one_line(reader, writer):
        kept.append(writer)
        await reader.readline()
        writer.transport.pause_reading()
        writer.write(b"line\n")

    server, port = await peers.server(one_line)
    async with server:
        chrome = make()
        reader, writer = await streams.open_connection(chrome, "127.0.0.1", port)
        events = record(chrome.sockets.tcp.on_receive_error)
        # The read that is under way ends with this line.
        writer.transport.pause_reading()
        writer.write(b"line\n")
        await reader.readline()
        for _ in range(4):
            writer.write(BULK)
        if closing:
            writer.close()
        await getattr(chrome.sockets.tcp, call)(writer.get_extra_info("socket_id"))
        with pytest.raises(ConnectionError) as caught:
            await writer.wait_closed()
        assert caught.value.code == Status.SOCKET_NOT_CONNECTED
        assert events.empty()
        kept[0].transport.abort()


def test_destroying_after_the_loop_was_closed_tells_no_writer(loop, caplog):
    """The package's own: a program may end in the midst of what it writes."""

    async def start():
        chrome = create_chrome()
        _, writer = await streams.open_connection(chrome, *listener.getsockname())
        for _ in range(4):
            writer.write(BULK)
        return chrome, writer

    with socket.create_server(("127.0.0.1", 0)) as listener:
        chrome, writer = loop.run_until_complete(start())
        assert writer.transport.get_write_buffer_size() > 0
        loop.close()
        chrome.destroy()
    assert not caplog.records, caplog.text


class Protocol(asyncio.Protocol):
    """A program's own; it notes what it is told, and raises at some of that."""

    def __init__(self, *raises):
        self.raises, self.told = raises, []
        self.lost = asyncio.get_running_loop().create_future()

    def note(self, event):
        self.told.append(event)
        if event in self.raises:
            raise RuntimeError(event)

    def data_received(self, data):
        self.note("data_received")

    def eof_received(self):
        self.note("eof_received")

    def pause_writing(self):
        self.note("pause_writing")

    def resume_writing(self):
        self.note("resume_writing")

    def connection_lost(self, error):
        self.told.append("connection_lost")
        self.lost.set_result(error)


@pytest.mark.parametrize("event", ["data_received", "eof_received"])
async def test_a_protocol_that_raises_ends_its_connection(event, peers, make, loop_errors):
    """asyncio's manner."""
    ended = asyncio.Event()

    async def talk(reader, writer):
        writer.write(b"x")
        if event == "eof_received":
            writer.write_eof()
        await reader.read()
        ended.set()
        writer.close()

    server, port = await peers.server(talk)
    async with server:
        _, writer = await streams.open_connection(make(), "127.0.0.1", port)
        protocol = Protocol(event)
        writer.transport.set_protocol(protocol)
        error = await protocol.lost
        await ended.wait()
    assert str(error) == event and protocol.told[-2:] == [event, "connection_lost"]
    context = loop_errors.pop()
    assert context["message"] == f"protocol.{event}() failed" and context["exception"] is error


async def test_a_protocol_that_raises_when_it_is_held_back_loses_no_data(peers, make, loop_errors):
    """asyncio's manner; what was written is sent, and the connection closed behind it."""
    got = []

    async def take(reader, writer):
        while data := await reader.read(65536):
            got.append(len(data))
        writer.close()

    server, port = await peers.server(take)
    async with server:
        _, writer = await streams.open_connection(make(), "127.0.0.1", port)
        protocol = Protocol("pause_writing", "resume_writing")
        writer.transport.set_protocol(protocol)
        writer.transport.set_write_buffer_limits(high=0)
        writer.transport.write(BULK)
        writer.close()
        assert await protocol.lost is None
        while sum(got) < len(BULK):
            await asyncio.sleep(0)
    assert protocol.told == ["pause_writing", "resume_writing", "connection_lost"]
    assert [str(context["exception"]) for context in loop_errors] == protocol.told[:2]
    loop_errors.clear()


async def test_a_callback_of_a_server_that_raises_leaves_the_connection(make, loop_errors):
    """asyncio's manner: it may have kept the stream."""
    kept = []

    def keep(*stream):
        kept.extend(stream)
        raise RuntimeError("on purpose")

    async with await streams.start_server(make(), keep, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(server.address, server.port)
        writer.write(b"line\n")
        while not kept:
            await asyncio.sleep(0)
        assert await kept[0].readline() == b"line\n"
        writer.close()
        assert await kept[0].read() == b""
    assert str(loop_errors.pop()["exception"]) == "on purpose"


async def test_nobody_is_told_to_write_after_the_end(peers, make):
    """asyncio's manner; a send that is completed when the stream ends is told of later."""
    server, port = await peers.echo()
    async with server:
        chrome = make()
        _, writer = await streams.open_connection(chrome, "127.0.0.1", port)
        await asyncio.sleep(0)  # Calls start at once in the next turn of the loop.
        transport, protocol = writer.transport, Protocol()
        transport.set_protocol(Protocol())
        transport.set_write_buffer_limits(high=0)
        transport.write(b"x")
        wait_for_events(chrome, 1)
        transport.abort()
        transport.set_protocol(protocol)  # The one of the moment hears of the end.
        assert await protocol.lost is None
        while transport.get_write_buffer_size():
            await asyncio.sleep(0)
        assert protocol.told == ["connection_lost"]


async def test_a_protocol_of_another_kind_is_refused(peers, make):
    """asyncio's manner: what cannot take data is no protocol of a stream."""
    server, port = await peers.echo()
    async with server:
        reader, writer = await streams.open_connection(make(), "127.0.0.1", port)
        protocol = writer.transport.get_protocol()
        with pytest.raises(TypeError, match="DatagramProtocol"):
            writer.transport.set_protocol(asyncio.DatagramProtocol())
        assert writer.transport.get_protocol() is protocol
        writer.close()
        await writer.wait_closed()


async def test_a_failed_connection_leaves_no_socket(make, error_of):
    """A refused or cancelled open_connection closes its socket."""
    chrome = make()
    error = await error_of(streams.open_connection(chrome, "127.0.0.1", 1))
    assert error.code == Status.CONNECTION_REFUSED
    opening = asyncio.ensure_future(streams.open_connection(chrome, "127.0.0.1", 1))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await chrome.sockets.tcp.create()
    assert len(await chrome.sockets.tcp.get_sockets()) == 1


@pytest.mark.parametrize("call", ["set_paused", "connect", "secure", "get_info"])
async def test_a_connection_that_is_cancelled_at_any_time_leaves_no_socket(peers, make, monkeypatch, call):
    """The package's own; it ends as cancelled, whatever it waits for."""
    server, port = await peers.echo()
    async with server:
        chrome = make()
        tcp = chrome.sockets.tcp
        carry_out = getattr(tcp, call)
        monkeypatch.setattr(tcp, call, lambda *arguments: opening.cancel() and carry_out(*arguments))
        opening = asyncio.ensure_future(streams.open_connection(chrome, "127.0.0.1", port, secure=call == "secure"))
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert await tcp.get_sockets() == []


async def test_a_connection_with_a_wrong_argument_leaves_no_socket(make):
    """The package's own; the argument is refused as the call refuses it."""
    chrome = make()
    for host, port in ((1, 80), ("127.0.0.1", "80"), ("a\0", 80)):
        with pytest.raises((TypeError, ValueError)):
            await streams.open_connection(chrome, host, port)
    assert await chrome.sockets.tcp.get_sockets() == []


@pytest.mark.parametrize("start", ["open_connection", "start_server"])
async def test_cancelling_and_destroying_is_cancelling(start):
    """The package's own: as when a program ends with a task that connects."""
    chrome = create_chrome()
    if start == "open_connection":
        starting = asyncio.ensure_future(streams.open_connection(chrome, "127.0.0.1", 1))
    else:
        starting = asyncio.ensure_future(streams.start_server(chrome, print, "127.0.0.1", 0))
    await asyncio.sleep(0)  # It has its socket, and waits for a call.
    starting.cancel()
    chrome.destroy()
    with pytest.raises(asyncio.CancelledError):
        await starting


def wait_for_events(chrome, count):
    """Until so many events wait for the loop, which stands still meanwhile, and so does its deadline."""
    driver = chrome._driver
    stats = ffi.new("chromesock_app_stats *", {"size": ffi.sizeof("chromesock_app_stats")})
    until = time.monotonic() + DEADLINE_SECONDS
    while stats.undelivered_events < count:
        assert time.monotonic() < until
        os.sched_yield()
        assert driver.lib.chromesock_app_get_stats(driver._app, stats) == 0


async def test_who_was_accepted_before_the_server_closed_is_served(make):
    """README "Streams": connections that were accepted stay, also those that the program had not heard of."""

    async def greet(reader, writer):
        writer.write(b"hi")
        writer.close()

    chrome, loop = make(), asyncio.get_running_loop()
    server = await streams.start_server(chrome, greet, "127.0.0.1", 0)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((server.address, server.port))) for _ in range(3)]
        wait_for_events(chrome, len(clients))
        server.close()
        server.close()
        await server.wait_closed()
        for each in clients:
            each.setblocking(False)
            assert await loop.sock_recv(each, 10) == b"hi"


async def test_who_connects_while_the_server_starts_is_served(make, record, monkeypatch):
    """asyncio's manner; it may be accepted before the program knows that the server listens."""

    async def greet(reader, writer):
        writer.write(b"hi")
        writer.close()

    chrome, loop = make(), asyncio.get_running_loop()
    tcp_server = chrome.sockets.tcp_server
    accepted, get_info = record(tcp_server.on_accept), tcp_server.get_info
    with socket.socket() as client:

        async def connect_meanwhile(socket_id):
            info = await get_info(socket_id)
            client.connect((info.local_address, info.local_port))
            await accepted.get()
            return info

        monkeypatch.setattr(tcp_server, "get_info", connect_meanwhile)
        async with await streams.start_server(chrome, greet, "127.0.0.1", 0):
            client.setblocking(False)
            assert await loop.sock_recv(client, 10) == b"hi"


@pytest.mark.parametrize("call", ["listen", "get_info"])
async def test_a_server_that_is_cancelled_at_any_time_leaves_no_socket(make, monkeypatch, call):
    """The package's own; it ends as cancelled, whatever it waits for."""
    chrome = make()
    tcp_server = chrome.sockets.tcp_server
    carry_out = getattr(tcp_server, call)
    monkeypatch.setattr(tcp_server, call, lambda *arguments: starting.cancel() and carry_out(*arguments))
    starting = asyncio.ensure_future(streams.start_server(chrome, print, "127.0.0.1", 0))
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await tcp_server.get_sockets() == []


async def test_a_server_goes_on_after_it_could_not_accept(make, record, loop_errors, monkeypatch):
    """tcp.md AC-6, AC-7: the socket is paused then; asyncio's servers try again."""
    monkeypatch.setattr(streams, "ACCEPT_RETRY_SECONDS", 0)

    async def greet(reader, writer):
        writer.write(b"hi")
        writer.close()

    chrome, loop = make(), asyncio.get_running_loop()
    failures = record(chrome.sockets.tcp_server.on_accept_error)
    async with await streams.start_server(chrome, greet, "127.0.0.1", 0) as server:
        with socket.socket() as client, contextlib.ExitStack() as taken:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            taken.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
            with contextlib.suppress(OSError):
                while True:
                    taken.callback(os.close, os.dup(client.fileno()))
            client.connect((server.address, server.port))
            assert (await failures.get()).result_code == Status.INSUFFICIENT_RESOURCES
            taken.close()
            client.setblocking(False)
            assert await loop.sock_recv(client, 10) == b"hi"
    assert loop_errors.pop(0)["exception"].code == Status.INSUFFICIENT_RESOURCES
    loop_errors.clear()


async def test_a_foreign_thread_is_refused_and_changes_nothing(peers, make):
    """The package's own, as for calls; also while others' writes are under way, when a write makes no call."""
    server, port = await peers.echo()
    async with server:
        reader, writer = await streams.open_connection(make(), "127.0.0.1", port)
        transport = writer.transport
        writer.write(b"under way")
        uses = [lambda: writer.write(b"x"), writer.close, transport.abort, transport.pause_reading, transport.resume_reading]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for use in uses:
                with pytest.raises(RuntimeError, match="call_soon_threadsafe"):
                    pool.submit(use).result()
        assert transport.is_reading() and not writer.is_closing() and transport.get_write_buffer_size() == 9
        assert await reader.readexactly(9) == b"under way"
        writer.close()
        await writer.wait_closed()
        assert await reader.read() == b""


async def test_destroying_ends_the_streams(peers):
    """A reader that waits gets the end; a writer tells that it is closing."""
    server, port = await peers.echo()
    async with server:
        chrome = create_chrome()
        reader, writer = await streams.open_connection(chrome, "127.0.0.1", port)
        reading = asyncio.ensure_future(reader.read())
        await asyncio.sleep(0)
        chrome.destroy()
        assert await reading == b""
        assert writer.is_closing()
        writer.close()
        await writer.wait_closed()
