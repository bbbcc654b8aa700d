"""Ends in the middle of traffic, in the way named:   traffic.py HOW

Prints `ending` just before. What is left to the end of the interpreter is never destroyed.
"""

import asyncio
import inspect
import os
import sys
import threading

from chromesock import create_chrome

MESSAGES = 20


class Left(Exception):
    """Ends the program."""


async def traffic(chrome):
    """A server and a client in one object, echoing for ever; returns when some messages have gone round."""
    tcp, tcp_server = chrome.sockets.tcp, chrome.sockets.tcp_server
    running, count = asyncio.Event(), 0

    def on_receive(info):
        nonlocal count
        tcp.send(info.socket_id, info.data)
        count += 1
        if count == MESSAGES:
            running.set()

    tcp_server.on_accept.add_listener(lambda info: tcp.set_paused(info.client_socket_id, False))
    tcp.on_receive.add_listener(on_receive)
    server_id = (await tcp_server.create()).socket_id
    await tcp_server.listen(server_id, "127.0.0.1", 0)
    port = (await tcp_server.get_info(server_id)).local_port
    for _ in range(3):
        socket_id = (await tcp.create()).socket_id
        await tcp.connect(socket_id, "127.0.0.1", port)
        tcp.send(socket_id, b"round and round")
    await running.wait()


def say():
    print("ending", flush=True)


async def end_of_main():
    await traffic(create_chrome())
    say()


async def system_exit():
    await traffic(create_chrome())
    say()
    sys.exit(3)


async def exit_in_a_listener():
    chrome = create_chrome()
    await traffic(chrome)

    def leave(info):
        # asyncio.run runs the loop once more, to cancel what is left.
        chrome.sockets.tcp.on_receive.remove_listener(leave)
        try:
            say()
        finally:
            sys.exit(3)

    chrome.sockets.tcp.on_receive.add_listener(leave)
    await asyncio.Event().wait()


async def exception():
    await traffic(create_chrome())
    say()
    raise Left


async def destroyed():
    async with create_chrome() as chrome:
        await traffic(chrome)
    say()


async def at_once():
    await traffic(create_chrome())
    say()
    os._exit(3)


def in_a_daemon_thread():
    """The main thread ends while the loop of a daemon thread is busy with events."""
    started = threading.Event()

    async def forever():
        await traffic(create_chrome())
        started.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(forever()), daemon=True).start()
    started.wait()
    say()


# How to end, and the exit code that it has to give.
WAYS = {
    "end-of-main": (end_of_main, 0),
    "system-exit": (system_exit, 3),
    "exit-in-a-listener": (exit_in_a_listener, 3),
    "exception": (exception, 1),
    "destroyed": (destroyed, 0),
    "at-once": (at_once, 3),
    "daemon-thread": (in_a_daemon_thread, 0),
}

if __name__ == "__main__":
    way, _ = WAYS[sys.argv[1]]
    if inspect.iscoroutinefunction(way):
        asyncio.run(way())
    else:
        way()
