"""The stream adapter, under asyncio's own readers and writers."""

import asyncio
import concurrent.futures
import socket

import pytest

from chromesock import Status, create_chrome, streams
from conftest import BULK, wait_for_events


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
