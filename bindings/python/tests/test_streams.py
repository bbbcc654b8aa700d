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
        writer.write(b"line\n" + bytes(1 << 20))
        with pytest.raises((ChromeSocketError, ConnectionResetError)) as caught:
            while True:
                await reader.readexactly(1)
        error = caught.value
        assert getattr(error, "code", None) in (Status.CONNECTION_RESET, Status.SOCKET_NOT_CONNECTED)
        assert error.name == error.message == f"net::ERR_{Status(error.code).name}"
        writer.close()


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


def queued_events(chrome):
    """How many events wait for the loop."""
    driver = chrome._driver
    stats = ffi.new("chromesock_app_stats *", {"size": ffi.sizeof("chromesock_app_stats")})
    assert driver.lib.chromesock_app_get_stats(driver._app, stats) == 0
    return stats.undelivered_events


async def test_who_was_accepted_before_the_server_closed_is_served(make):
    """README "Streams": connections that were accepted stay, also those that the program had not heard of."""

    async def greet(reader, writer):
        writer.write(b"hi")
        writer.close()

    chrome, loop = make(), asyncio.get_running_loop()
    server = await streams.start_server(chrome, greet, "127.0.0.1", 0)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((server.address, server.port))) for _ in range(3)]
        until = time.monotonic() + DEADLINE_SECONDS
        while queued_events(chrome) < len(clients):  # The loop stands still meanwhile, and so does its deadline.
            assert time.monotonic() < until
            os.sched_yield()
        server.close()
        server.close()
        await server.wait_closed()
        for each in clients:
            each.setblocking(False)
            assert await loop.sock_recv(each, 10) == b"hi"


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
