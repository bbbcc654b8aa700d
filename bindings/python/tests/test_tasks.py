"""In tasks that are no events: what a task calls behind a connect finds it under way (tcp.md 3.5 row 6), and between
unpausing and pausing no more than one read begins (PA-3)."""

import asyncio
import socket
import time

import pytest

from chromesock import Status, create_chrome

TIMES = 20


async def a_timer(chrome, calls):
    loop = asyncio.get_running_loop()
    made = loop.create_future()
    loop.call_later(0, lambda: made.set_result(calls()))
    return await made


async def a_timer_that_has_called(chrome, calls):
    return await a_timer(chrome, lambda: (chrome.sockets.tcp.get_sockets(), calls())[1])


async def a_task_that_waited_for_something_else(chrome, calls):
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    return calls()


in_tasks = pytest.mark.parametrize(
    "task", [a_timer, a_timer_that_has_called, a_task_that_waited_for_something_else], ids=lambda task: task.__name__
)


@in_tasks
async def test_other_calls_find_a_connect_under_way_3_5_row_6(peers, make, error_of, task):
    server, port = await peers.echo()
    chrome = make()
    tcp = chrome.sockets.tcp
    async with server:
        for _ in range(TIMES):
            socket_id = (await tcp.create()).socket_id
            connect, disconnect = await task(
                chrome, lambda: (tcp.connect(socket_id, "127.0.0.1", port), tcp.disconnect(socket_id))
            )
            assert (await error_of(connect)).code == Status.ABORTED
            await disconnect
            first, second = await task(
                chrome, lambda: [tcp.connect(socket_id, "127.0.0.1", port) for _ in range(2)]
            )
            assert (await error_of(second)).code == Status.CONNECTION_FAILED
            assert await first == 0


@in_tasks
async def test_a_pause_behind_a_connect_is_in_time_PA_2_TLS_4(peers, make, error_of, task):
    async def greet(reader, writer):
        writer.write(b"greeting")
        await reader.read(1)
        writer.write(b"no TLS")
        writer.close()

    server, port = await peers.server(greet)
    chrome = make()
    tcp = chrome.sockets.tcp
    events = []
    tcp.on_receive.add_listener(events.append)
    tcp.on_receive_error.add_listener(events.append)

    async def paused():
        socket_id = (await tcp.create()).socket_id
        for call in await task(
            chrome, lambda: (tcp.connect(socket_id, "127.0.0.1", port), tcp.set_paused(socket_id, True))
        ):
            await call
        return socket_id

    async with server:
        for _ in range(TIMES):
            # A read that is under way would end by an event (DC-2), and let `secure` fail by -2.
            socket_id = await paused()
            await tcp.disconnect(socket_id)
            await tcp.get_info(socket_id)
            assert (await error_of(tcp.secure(await paused()))).code == Status.SSL_PROTOCOL_ERROR
    assert events == []


async def flip(chrome, task, api, socket_id):
    """Unpauses and pauses in one task, with time in between for what should not come."""

    def calls():
        unpaused = api.set_paused(socket_id, False)
        end = time.monotonic() + 0.005
        while time.monotonic() < end:
            pass
        return unpaused, api.set_paused(socket_id, True)

    for call in await task(chrome, calls):
        await call


@in_tasks
async def test_unpausing_and_pausing_ask_for_exactly_one_more_read_PA_3(peers, make, client, task):
    async def answer(reader, writer):
        await reader.readexactly(2)
        writer.write(bytes(60_000))

    received: asyncio.Queue = asyncio.Queue()

    server, port = await peers.server(answer)
    async with server:
        chrome = make()
        tcp = chrome.sockets.tcp
        tcp.on_receive.add_listener(received.put_nowait)
        socket_id = await client(chrome, port, buffer_size=64)
        await tcp.set_paused(socket_id, True)
        await tcp.send(socket_id, b"go")
        # The read that was under way.
        await received.get()
        await flip(chrome, task, tcp, socket_id)
        for _ in range(3):
            await tcp.get_info(socket_id)
        assert received.qsize() == 1


@in_tasks
async def test_a_server_or_a_udp_socket_that_is_unpaused_and_paused_tells_of_nothing_udp_5_3_AC_7(make, task):
    async def paused(api, begin):
        socket_id = (await api.create()).socket_id
        await api.set_paused(socket_id, True)
        await begin(socket_id, "127.0.0.1", 0)
        return socket_id, ("127.0.0.1", (await api.get_info(socket_id)).local_port)

    events = []
    chrome = make()
    tcp_server, udp = chrome.sockets.tcp_server, chrome.sockets.udp
    tcp_server.on_accept.add_listener(events.append)
    udp.on_receive.add_listener(events.append)
    server, address = await paused(tcp_server, tcp_server.listen)
    bound, to = await paused(udp, udp.bind)
    with socket.create_connection(address), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", to)
        for api, socket_id in [(tcp_server, server), (udp, bound)]:
            await flip(chrome, task, api, socket_id)
            await api.get_info(socket_id)
        assert events == []


def test_what_is_called_while_the_loop_stands_starts_when_it_goes_on(loop):
    """README "The names"."""

    async def begin():
        chrome = create_chrome()
        return chrome, (await chrome.sockets.tcp.create()).socket_id

    chrome, socket_id = loop.run_until_complete(begin())
    with chrome, socket.create_server(("127.0.0.1", 0)) as server:
        connect = chrome.sockets.tcp.connect(socket_id, *server.getsockname())
        info = chrome.sockets.tcp.get_info(socket_id)
        assert not loop.run_until_complete(info).connected
        assert loop.run_until_complete(connect) == 0
