"""chrome.sockets.tcp and chrome.sockets.tcpServer against asyncio's sockets."""

import asyncio
import contextlib
import errno
import pathlib
import pickle
import socket
import struct
import sys
import threading

import pytest

from chromesock import ChromeSocketError, Status, Tcp, create_chrome, streams


async def test_bytes_go_out_and_come_back(peers, client, record):
    """tcp.md S-1, R-1, S-3: what was sent is copied, any buffer will do."""
    server, port = await peers.echo()
    async with server, create_chrome() as chrome:
        tcp = chrome.sockets.tcp
        received = record(tcp.on_receive)
        socket_id = await client(chrome, port)
        for data in (b"bytes", bytearray(b"array"), memoryview(b"xviewx")[1:5]):
            copy, call = bytes(data), tcp.send(socket_id, data)
            if isinstance(data, bytearray):
                data[:] = b"-----"
            assert await call == Tcp.SendInfo(result_code=0, bytes_sent=len(copy))
            got = b""
            while len(got) < len(copy):
                info = await received.get()
                assert info.socket_id == socket_id
                got += info.data
            assert got == copy


async def test_large_bytes_are_kept_until_they_are_sent(peers, client, make):
    """tcp.md S-3 without a copy: bytes cannot change, and live until their send has completed."""
    go, got = asyncio.Event(), bytearray()

    async def late(reader, writer):
        await go.wait()
        while data := await reader.read(1 << 20):
            got.extend(data)

    server, port = await peers.server(late)
    async with server:
        chrome = make()
        tcp = chrome.sockets.tcp
        socket_id = await client(chrome, port)
        pieces = [bytes([number]) * 100_000 for number in range(200)]
        counts = [sys.getrefcount(piece) for piece in pieces]
        calls = [tcp.send(socket_id, piece) for piece in pieces]
        assert sys.getrefcount(pieces[-1]) == counts[-1] + 1
        calls[-1].cancel()  # It is sent all the same.
        go.set()
        for call in calls[:-1]:
            assert (await call).bytes_sent == 100_000
        assert (await tcp.send(socket_id, b"end")).bytes_sent == 3
        assert [sys.getrefcount(piece) for piece in pieces] == counts
        while len(got) < 200 * 100_000 + 3:
            await asyncio.sleep(0)
        assert got == b"".join(pieces) + b"end"


async def test_bytes_are_kept_though_an_exception_follows_the_call(peers, client, make):
    """One of a signal handler may come right behind it; the library reads the bytes all the same."""
    server, port = await peers.echo()
    async with server:
        chrome = make()
        tcp = chrome.sockets.tcp
        socket_id = await client(chrome, port)
        driver = chrome._driver
        send = driver._send_owned

        def interrupted(*arguments):
            assert send(*arguments) == 0
            raise KeyboardInterrupt

        data = bytes(100_000)
        count = sys.getrefcount(data)
        driver._send_owned = interrupted
        with pytest.raises(KeyboardInterrupt):
            tcp.send(socket_id, data)
        driver._send_owned = send
        assert sys.getrefcount(data) > count
        assert (await tcp.send(socket_id, b"end")).bytes_sent == 3
        assert sys.getrefcount(data) == count


@pytest.mark.parametrize("socket_id", ["x", None, 2**40])
async def test_bytes_are_let_go_of_if_nothing_was_called(make, socket_id):
    tcp = make().sockets.tcp
    data = bytes(100_000)
    count = sys.getrefcount(data)
    with pytest.raises((TypeError, OverflowError)):
        tcp.send(socket_id, data)
    assert sys.getrefcount(data) == count


async def test_properties_as_keywords_or_as_a_dict(make):
    """tcp.md 2.1: what is left out stays; the empty name clears it."""
    tcp = make().sockets.tcp
    socket_id = (await tcp.create({"name": "one", "buffer_size": 7}, persistent=True)).socket_id
    info = await tcp.get_info(socket_id)
    assert (info.name, info.buffer_size, info.persistent) == ("one", 7, True)
    await tcp.update(socket_id, name="")
    assert await tcp.get_info(socket_id) == info._replace(name=None)
    with pytest.raises(TypeError, match="unexpected property: bufferSize; there are: buffer_size, name, persistent"):
        tcp.create({"bufferSize": 1})


@pytest.mark.parametrize(
    "properties, told",
    [
        ({"buffer_size": "5"}, "buffer_size: 'str' object cannot be interpreted as an integer"),
        ({"buffer_size": 5.0}, "buffer_size: 'float' object cannot be interpreted as an integer"),
        ({"persistent": "yes"}, "persistent: 'str' object cannot be interpreted as an integer"),
        ({"name": 5}, "name: expected str, got int"),
        ({"name": b"n"}, "name: expected str, got bytes"),
    ],
)
async def test_a_property_of_a_wrong_type_is_named(make, properties, told):
    """README "The names"."""
    tcp = make().sockets.tcp
    for call in (lambda: tcp.create(properties), lambda: tcp.create(**properties)):
        with pytest.raises(TypeError, match=f"^{told}$"):
            call()


@pytest.mark.parametrize("wrong", ["", b"", 0, False, (), [], set(), 5, "name", ["name"]])
async def test_properties_are_a_mapping_or_nothing(make, wrong):
    """tcp.md G-10, G-13"""
    tcp = make().sockets.tcp
    for call in (lambda: tcp.create(wrong), lambda: tcp.secure(1, wrong)):
        with pytest.raises(TypeError, match=f"^expected a mapping, got {type(wrong).__name__}$"):
            call()


async def test_socket_info_of_a_connection(peers, client, make):
    """tcp.md 2.2: the numeric address that was connected to, never the name."""
    server, port = await peers.echo()
    tcp = make().sockets.tcp
    async with server:
        socket_id = (await tcp.create()).socket_id
        assert (await tcp.get_info(socket_id)).peer_address is None
        assert await tcp.connect(socket_id, "localhost", port, "ipv4") == 0
        info = await tcp.get_info(socket_id)
        assert (info.connected, info.peer_address, info.peer_port) == (True, "127.0.0.1", port)
        assert [each.socket_id for each in await tcp.get_sockets()] == [socket_id]
        await tcp.close(socket_id)
    assert await tcp.get_sockets() == []


async def test_errors_have_code_name_and_message(make, error_of):
    """tcp.md 0.3, 1.3: a failure has a number only where Chrome gives one."""
    tcp = make().sockets.tcp
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        socket_id = (await tcp.create()).socket_id
        error = await error_of(tcp.connect(socket_id, "127.0.0.1", port))
    assert (error.code, error.name) == (Status.CONNECTION_REFUSED, "net::ERR_CONNECTION_REFUSED")
    assert error.message == str(error) == "net::ERR_CONNECTION_REFUSED"
    error = await error_of(tcp.get_info(4711))
    assert (error.code, error.name, error.message, error.result) == (None, None, "Socket not found", None)
    error = await error_of(tcp.set_no_delay(4711, True))
    assert (error.code, error.name, error.message) == (Status.FAILED, None, "Socket not found")
    error = await error_of(tcp.send(socket_id, b"x"))
    assert error.result == Tcp.SendInfo(Status.SOCKET_NOT_CONNECTED, None)


async def test_errors_are_of_the_class_that_python_has_for_them(make, error_of):
    """README "The names": what catches asyncio's errors catches these."""
    refused = await error_of(streams.open_connection(make(), "127.0.0.1", 1))
    assert isinstance(refused, ConnectionRefusedError) and type(refused).__name__ == "ChromeSocketError"
    kinds = {
        ConnectionResetError: [Status.CONNECTION_RESET],
        ConnectionAbortedError: [Status.CONNECTION_ABORTED],
        ConnectionError: [Status.CONNECTION_FAILED, Status.CONNECTION_CLOSED, Status.SOCKET_NOT_CONNECTED],
        TimeoutError: [Status.TIMED_OUT, Status.CONNECTION_TIMED_OUT],
        PermissionError: [Status.ACCESS_DENIED, Status.NETWORK_ACCESS_DENIED],
        socket.gaierror: [Status.NAME_NOT_RESOLVED],
    }
    for kind, codes in kinds.items():
        for code in codes:
            error = ChromeSocketError(code, code.name, "text")
            assert isinstance(error, kind) and (error.code, error.message, str(error)) == (code, "text", "text")

    class OfAProgram(ChromeSocketError):
        pass

    assert OfAProgram(Status.CONNECTION_RESET, None, "text").message == "text"
    for code in (None, Status.FAILED, Status.ADDRESS_IN_USE):
        assert type(ChromeSocketError(code, None, "text")) is ChromeSocketError


@pytest.mark.parametrize(
    "code, number",
    [
        (Status.CONNECTION_REFUSED, errno.ECONNREFUSED),
        (Status.ADDRESS_IN_USE, errno.EADDRINUSE),
        (Status.NAME_NOT_RESOLVED, socket.EAI_NONAME),
        (Status.CONNECTION_CLOSED, None),
        (Status.FAILED, None),
        (None, None),
    ],
)
def test_errors_have_the_number_that_pythons_own_have(code, number):
    """README "The names": code that looks at `errno` runs on."""
    error = ChromeSocketError(code, None, "text")
    assert (error.errno, error.strerror, str(error)) == (number, "text", "text")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.errno, copy.code) == (type(error), number, code)


async def test_who_is_denied_by_the_manifest_gets_a_permission_error(make, error_of):
    """tcp.md PM-2: without a number, as in Chrome."""
    denied = {"sockets": {"tcp": {"connect": "127.0.0.1:*"}}, "permissions": ["socket"]}
    chrome = make({"name": "a", "version": "1", "manifest_version": 2, **denied})
    tcp, udp = chrome.sockets.tcp, chrome.sockets.udp
    for call in (
        tcp.connect((await tcp.create()).socket_id, "10.0.0.1", 80),
        udp.bind((await udp.create()).socket_id, "127.0.0.1", 0),
        udp.join_group((await udp.create()).socket_id, "224.0.0.251"),
        chrome.socket.connect((await chrome.socket.create("tcp")).socket_id, "127.0.0.1", 80),
    ):
        error = await error_of(call)
        assert isinstance(error, PermissionError), error


async def test_wrong_arguments_are_refused_at_once(make):
    """tcp.md G-10, G-11: a programming error, no completion."""
    chrome = make()
    tcp = chrome.sockets.tcp
    for call in (
        lambda: tcp.connect("1", "127.0.0.1", 1),
        lambda: tcp.connect(1, b"127.0.0.1", 1),
        lambda: tcp.connect(1, "127.0.0.1", 1.5),
        lambda: tcp.connect(1, "127.0.0.1", 1, 4),
        lambda: tcp.create(name=5),
        lambda: chrome.socket.create(None),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError, match="a bytes-like object is required, not 'str'"):
        tcp.send(1, "text")
    with pytest.raises(OverflowError):
        tcp.connect(2**31, "127.0.0.1", 1)
    with pytest.raises(ValueError):
        tcp.connect(1, "a\0b", 1)
    with pytest.raises(ValueError, match="expected one of any, ipv4, ipv6"):
        tcp.connect(1, "localhost", 1, "ipv5")


async def test_who_awaits_a_completion_runs_before_the_next_event(make, record):
    """tcp.md R-9, O-4: a listener that is added after `await connect` misses nothing, though data came with the completion."""
    rounds, greeted = 50, threading.Semaphore(0)

    def greet(listener):
        for _ in range(rounds):
            with listener.accept()[0] as peer:
                peer.sendall(b"220 ready\r\n")
                greeted.release()
                peer.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        loop = asyncio.get_running_loop()
        greeting = loop.run_in_executor(None, greet, listener)
        for _ in range(rounds):
            chrome = make()
            tcp = chrome.sockets.tcp
            socket_id = (await tcp.create()).socket_id
            await asyncio.sleep(0)  # out of the turn in which that has completed: what it calls is completed in it, too
            connecting = tcp.connect(socket_id, *listener.getsockname())
            loop.call_soon(greeted.acquire, True, 60)  # when it has started, the loop stands until the data is there
            await connecting
            received = record(tcp.on_receive)
            assert (await received.get()).data == b"220 ready\r\n"
            chrome.destroy()
        await greeting


def wake_ups_of_the_library() -> int:
    """How often its thread, of which there is one, has gone to sleep."""
    for thread in pathlib.Path("/proc/self/task").iterdir():
        if (thread / "comm").read_text() == "chromesock\n":
            line = (thread / "status").read_text().split("voluntary_ctxt_switches:")[1]
            return int(line.split()[0])
    raise AssertionError("no thread of the library")


async def test_calls_one_by_one_wake_nobody(make):
    tcp = make().sockets.tcp
    await tcp.get_sockets()
    before = wake_ups_of_the_library()
    for _ in range(1000):
        await tcp.get_sockets()
    assert wake_ups_of_the_library() - before < 500


async def test_calls_one_by_one_keep_no_timer_waiting(make):
    tcp, ticks = make().sockets.tcp, []

    async def tick() -> None:
        for _ in range(5):
            await asyncio.sleep(0.001)
            ticks.append(None)

    timer = asyncio.ensure_future(tick())
    while len(ticks) < 5:
        await tcp.get_sockets()
    await timer


@pytest.mark.parametrize("ender", ["close", "secure"])
async def test_no_data_follows_the_call_that_ends_it(ender, peers, make, record):
    """tcp.md CL-2, TLS-4: nor does what was there when the program learned of an earlier completion."""

    async def greet(reader, writer):
        writer.write(b"220 ready\r\n")
        with contextlib.suppress(ConnectionError):  # it is closed with this unread
            await reader.read()
        writer.close()

    server, port = await peers.server(greet)
    async with server:
        tcp = make().sockets.tcp
        received, ended = record(tcp.on_receive), record(tcp.on_receive_error)
        for _ in range(200):
            socket_id = (await tcp.create()).socket_id
            await tcp.connect(socket_id, "127.0.0.1", port)
            call = getattr(tcp, ender)(socket_id)
            assert received.empty()
            await asyncio.wait([call])
            assert isinstance(call.exception(), ChromeSocketError) is (ender == "secure")
            assert (await ended.get()).result_code == Status.CONNECTION_CLOSED
            assert received.empty()


async def test_an_orderly_end_and_a_reset_differ(peers, client, record, make):
    """tcp.md R-6, R-7, R-20."""
    kept = []

    async def end(reader, writer):
        how = await reader.readline()
        if how == b"reset\n":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        kept.append(writer)
        writer.close()

    server, port = await peers.server(end)
    async with server:
        tcp = make().sockets.tcp
        errors = record(tcp.on_receive_error)
        for how, code in ((b"close\n", Status.CONNECTION_CLOSED), (b"reset\n", Status.CONNECTION_RESET)):
            socket_id = (await tcp.create()).socket_id
            await tcp.connect(socket_id, "127.0.0.1", port)
            await tcp.send(socket_id, how)
            assert await errors.get() == Tcp.ReceiveErrorInfo(socket_id, code)
            assert (await tcp.get_info(socket_id)).paused


async def test_one_more_read_is_one(peers, make, client):
    """tcp.md PA-3: unpausing and pausing in one event, by a listener or by who awaited something."""

    async def answer(reader, writer):
        await reader.readexactly(2)
        writer.write(bytes(60_000))

    reads, count = 10, 0
    enough = asyncio.Event()

    def on_receive(info):
        nonlocal count
        count += 1
        if count > reads:
            enough.set()
        else:
            tcp.set_paused(info.socket_id, False)
            tcp.set_paused(info.socket_id, True)

    server, port = await peers.server(answer)
    async with server:
        chrome = make()
        tcp = chrome.sockets.tcp
        tcp.on_receive.add_listener(on_receive)
        socket_id = await client(chrome, port)
        await tcp.set_paused(socket_id, True)
        await tcp.send(socket_id, b"go")
        await enough.wait()
        for more in range(1, 4):
            # A read that should not be would be done by then.
            for _ in range(3):
                await tcp.get_info(socket_id)
            assert count == reads + more
            if more < 3:
                tcp.set_paused(socket_id, False)
                await tcp.set_paused(socket_id, True)


async def test_a_server_accepts_paused_sockets(make, server, record):
    """tcp.md O-5: an accepted socket starts paused and is of chrome.sockets.tcp."""
    chrome = make()
    server_id, port = await server(chrome)
    accepted, received = record(chrome.sockets.tcp_server.on_accept), record(chrome.sockets.tcp.on_receive)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    info = await accepted.get()
    assert info.socket_id == server_id
    tcp = chrome.sockets.tcp
    assert (await tcp.get_info(info.client_socket_id)).paused and received.empty()
    await tcp.set_paused(info.client_socket_id, False)
    assert (await received.get()).data == b"hello"
    await tcp.send(info.client_socket_id, b"world")
    await tcp.close(info.client_socket_id)
    assert await reader.read() == b"world"
    writer.close()


async def test_close_completes_what_is_pending(make, error_of):
    """tcp.md CL-3, O-6: a connect that is closed fails, then close completes."""
    tcp = make().sockets.tcp
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        # The first connection fills the backlog; a further one waits.
        calls, order = [], []
        for _ in range(4):
            socket_id = (await tcp.create()).socket_id
            calls.append((socket_id, tcp.connect(socket_id, "127.0.0.1", port)))
        await calls[0][1]
        socket_id, pending = next((each, call) for each, call in reversed(calls) if not call.done())
        pending.add_done_callback(lambda _: order.append("connect"))
        closed = tcp.close(socket_id)
        closed.add_done_callback(lambda _: order.append("close"))
        error = await error_of(pending)
        await closed
        await asyncio.sleep(0)  # so that its callback has run
        assert (error.code, order) == (Status.ABORTED, ["connect", "close"])
        await asyncio.gather(*(tcp.close(each) for each, _ in calls if each != socket_id))
        await asyncio.gather(*(call for _, call in calls), return_exceptions=True)


async def test_the_write_quota_is_an_option(peers, make, client, error_of):
    """tcp.md Q-1: reaching it is allowed, going beyond is not."""
    server, port = await peers.echo()
    async with server:
        chrome = make(write_quota_bytes=1000)
        socket_id = await client(chrome, port)
        assert (await chrome.sockets.tcp.send(socket_id, bytes(1000))).bytes_sent == 1000
        error = await error_of(chrome.sockets.tcp.send(socket_id, bytes(1001)))
        assert (error.code, error.message) == (None, "Exceeded write quota.")


def test_an_error_survives_pickling():
    """The package's own: an error may cross a process pool."""
    import pickle

    for code in (Status.FAILED, Status.CONNECTION_RESET):
        error = pickle.loads(pickle.dumps(ChromeSocketError(code, "name", "text", 5)))
        assert (error.code, error.name, error.message, error.result) == (code, "name", "text", 5)
    assert isinstance(error, ConnectionResetError)
