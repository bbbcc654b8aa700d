"""The stream adapter's servers."""

import asyncio
import contextlib
import os
import resource
import socket

import pytest

from chromesock import Status, create_chrome, streams
from conftest import BULK, wait_for_events


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
