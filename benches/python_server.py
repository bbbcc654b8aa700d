#!/usr/bin/env python3
"""The servers of the Python benchmark:   python_server.py CONTESTANT echo|sink|source|awaited

Prints its port; ends at the end of its input. With --library the library is taken from there.
"""
import argparse
import asyncio
import sys
from functools import partial

BLOCK_SIZE, ACK_EVERY = 64 * 1024, 4 * 1024 * 1024  # as in bench.h
BLOCK = bytes((i * 31 + (i >> 8)) & 0xFF for i in range(BLOCK_SIZE))
MANY = BLOCK  # what a source sends at once
AHEAD = {"source": 8, "awaited": 1}  # unfinished sends, as in node_server.js


async def echo(reader, writer):
    while data := await reader.read(BLOCK_SIZE):
        writer.write(data)
        await writer.drain()


async def sink(reader, writer):
    count = 0
    while data := await reader.read(BLOCK_SIZE):
        writer.write(acks(count, len(data)))
        count += len(data)


async def source(reader, writer):
    while True:
        writer.write(MANY)
        await writer.drain()


def acks(count, more):
    """One byte for each ACK_EVERY bytes that are complete now."""
    return bytes((count + more) // ACK_EVERY - count // ACK_EVERY)


HANDLERS = {"echo": echo, "sink": sink, "source": source, "awaited": source}


async def until_the_end(handler, reader, writer):
    """The client ends by closing, or by a reset; the program by cancelling."""
    try:
        await handler(reader, writer)
    except (OSError, asyncio.CancelledError):
        pass
    writer.close()


async def serve_streams(mode, options):
    server = await asyncio.start_server(partial(until_the_end, HANDLERS[mode]), "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1]


async def serve_our_streams(mode, options):
    from chromesock import create_chrome, streams

    chrome = create_chrome(library_path=options.library)
    server = await streams.start_server(chrome, partial(until_the_end, HANDLERS[mode]), "127.0.0.1", 0)
    return server.port


async def serve_events(mode, options):
    """As a Chrome App would: listeners, and sends that nobody waits for, or the next when one is done."""
    from chromesock import create_chrome

    chrome = create_chrome(library_path=options.library)
    tcp, tcp_server = chrome.sockets.tcp, chrome.sockets.tcp_server

    async def feed(socket_id):
        try:
            window = [tcp.send(socket_id, MANY) for _ in range(AHEAD[mode])]
            while True:
                await window.pop(0)
                window.append(tcp.send(socket_id, MANY))
        except OSError:
            for call in window:
                call.add_done_callback(asyncio.Future.exception)

    feeds = set()
    counts = {}

    def on_accept(info):
        counts[info.client_socket_id] = 0
        tcp.update(info.client_socket_id, buffer_size=BLOCK_SIZE)
        tcp.set_paused(info.client_socket_id, False)
        if mode in AHEAD:
            feeds.add(asyncio.ensure_future(feed(info.client_socket_id)))

    tcp_server.on_accept.add_listener(on_accept)

    def on_receive(info):
        if mode == "echo":
            tcp.send(info.socket_id, info.data)
        elif mode == "sink":
            count = counts[info.socket_id]
            counts[info.socket_id] = count + len(info.data)
            answer = acks(count, len(info.data))
            if answer:
                tcp.send(info.socket_id, answer)

    tcp.on_receive.add_listener(on_receive)
    tcp.on_receive_error.add_listener(lambda info: tcp.close(info.socket_id))
    socket_id = (await tcp_server.create()).socket_id
    await tcp_server.listen(socket_id, "127.0.0.1", 0)
    return (await tcp_server.get_info(socket_id)).local_port


CONTESTANTS = {
    "asyncio": (serve_streams, False),
    "uvloop": (serve_streams, True),
    "chromesock": (serve_events, False),
    "chromesock-streams": (serve_our_streams, False),
    "chromesock-uvloop": (serve_events, True),
}


def on_exception(loop, context):
    """Sends that nobody waits for fail when the client leaves."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


async def main(serve, options):
    asyncio.get_running_loop().set_exception_handler(on_exception)
    print(await serve(options.mode, options), flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("mode", choices=HANDLERS)
    parser.add_argument("--library")
    options = parser.parse_args()
    serve, with_uvloop = CONTESTANTS[options.contestant]
    if with_uvloop:
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(serve, options))
