"""The stream adapter: what is written, in what order, and who waits for room."""

import asyncio

import pytest

from chromesock import streams
from conftest import BULK, DEADLINE_SECONDS


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
