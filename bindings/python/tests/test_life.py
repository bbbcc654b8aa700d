"""The life of chrome objects, calls and listeners."""

import asyncio
import contextvars
import functools
import gc
import os
import select
import sys
import threading
import warnings
import weakref
from pathlib import Path

import pytest

from chromesock import ChromeSocketError, Status, create_chrome
from conftest import DEADLINE_SECONDS, LOOPS, connected, listening

CYCLES = 1000


@pytest.mark.parametrize("kind", [RuntimeError, asyncio.CancelledError])
async def test_a_listener_that_raises_stops_no_other(kind, peers, make, client, record, loop_errors):
    """The package's own: the loop's exception handler gets it."""
    server, port = await peers.echo()
    async with server:
        tcp = make().sockets.tcp

        def broken(info):
            raise kind("on purpose")

        tcp.on_receive.add_listener(broken)
        received = record(tcp.on_receive)
        socket_id = (await tcp.create()).socket_id
        await tcp.connect(socket_id, "127.0.0.1", port)
        await tcp.send(socket_id, b"x")
        assert (await received.get()).data == b"x"
    context = loop_errors.pop()
    assert "chrome.sockets.tcp.onReceive" in context["message"] and str(context["exception"]) == "on purpose"


async def test_a_coroutine_function_is_no_listener(make):
    """README "The names": listeners are plain functions; nobody would await what this one gives."""
    event = make().sockets.tcp.on_receive

    async def listener(info):
        pass

    class Program:
        async def on_receive(self, info):
            pass

        async def __call__(self, info):
            pass

    for each in (listener, Program().on_receive, Program(), functools.partial(listener)):
        with pytest.raises(TypeError, match="plain function"):
            event.add_listener(each)
    assert not event.has_listeners()


async def test_listeners_may_change_while_they_are_called(peers, make, client):
    """As in Chrome: an event goes to those who listened when it came; adding twice counts once."""
    server, port = await peers.echo()
    async with server:
        chrome = make()
        event = chrome.sockets.tcp.on_receive
        heard, done = [], asyncio.Event()

        def first(info):
            heard.append("first")
            event.remove_listener(first)
            event.remove_listener(second)
            event.add_listener(third)

        def second(info):
            heard.append("second")

        def third(info):
            heard.append("third")
            done.set()

        for listener in (first, second, first):
            event.add_listener(listener)
        assert event.has_listener(first) and not event.has_listener(third) and event.has_listeners()
        socket_id = await client(chrome, port)
        await chrome.sockets.tcp.send(socket_id, b"1")
        while not event.has_listener(third):
            await asyncio.sleep(0)
        await chrome.sockets.tcp.send(socket_id, b"2")
        await done.wait()
        assert heard == ["first", "second", "third"]
        event.remove_listener(third)
        assert not event.has_listeners()


async def test_a_cancelled_wait_leaves_the_call_alone(peers, make, client, record):
    """tcp.md G-20: the call is carried out; only nobody waits for it."""
    server, port = await peers.echo()
    async with server:
        chrome = make()
        received = record(chrome.sockets.tcp.on_receive)
        socket_id = await client(chrome, port)

        async def send():
            await chrome.sockets.tcp.send(socket_id, b"still sent")

        task = asyncio.ensure_future(send())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await received.get()).data == b"still sent"


async def test_destroying_completes_what_is_pending(peers, client, error_of):
    """tcp.md CL-3 for all sockets; later calls are refused; a second time does nothing."""
    never = asyncio.Event()  # kept, and with it the task that waits for it

    async def never_read(reader, writer):
        await never.wait()

    server, port = await peers.server(never_read)
    async with server:
        chrome = create_chrome()
        socket_id = await client(chrome, port)
        sends = [chrome.sockets.tcp.send(socket_id, bytes(1 << 22)) for _ in range(4)]
        chrome.destroy()
        chrome.destroy()
        assert sends[-1].done()
        assert (await error_of(sends[-1])).code == Status.SOCKET_NOT_CONNECTED
        with pytest.raises(ChromeSocketError, match="was destroyed") as caught:
            chrome.sockets.tcp.create()
        assert caught.value.code == Status.CONTEXT_SHUT_DOWN
        sends.clear()  # Nobody has waited for the others: nothing to warn of.
        gc.collect()


async def test_a_listener_may_destroy_the_chrome_object(peers, client):
    """The package's own: nothing is delivered afterwards, nor to the listeners that follow."""
    server, port = await peers.echo()
    async with server:
        chrome = create_chrome()
        ended, heard = asyncio.Event(), []

        def listener(info):
            heard.append(info)
            chrome.destroy()
            ended.set()

        chrome.sockets.tcp.on_receive.add_listener(listener)
        chrome.sockets.tcp.on_receive.add_listener(heard.append)
        socket_id = await client(chrome, port, buffer_size=1)
        chrome.sockets.tcp.send(socket_id, b"many events")
        await ended.wait()
        await asyncio.sleep(0)
        assert len(heard) == 1


async def test_several_chrome_objects_share_nothing(make, error_of):
    """tcp.md G-4: ids are of one object."""
    one, two = make(), make()
    assert (await one.sockets.tcp.create()).socket_id == (await two.sockets.tcp.create()).socket_id == 1
    await one.sockets.tcp.close(1)
    assert (await two.sockets.tcp.get_info(1)).socket_id == 1


async def test_a_foreign_thread_is_refused(make):
    """The package's own: futures are of the loop's thread."""
    chrome, errors = make(), []

    def call():
        try:
            chrome.sockets.tcp.create()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert "call_soon_threadsafe" in errors[0]


def test_each_thread_may_have_its_loop(loop):
    """The package's own: no state is shared between loops."""
    done = []

    async def talk():
        async with create_chrome() as chrome:
            accepted = asyncio.get_running_loop().create_future()
            chrome.sockets.tcp_server.on_accept.add_listener(accepted.set_result)
            _, port = await listening(chrome)
            await connected(chrome, port)
            done.append((await accepted).client_socket_id)

    threads = [threading.Thread(target=asyncio.run, args=(talk(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert len(done) == 8


@pytest.mark.parametrize("action", ["always", "error"])
def test_a_closed_loop_leaves_nothing_running(loop, action, monkeypatch):
    """The package's own: a chrome object that was forgotten is freed, with a warning, also where that is an error."""
    threads = set(os.listdir("/proc/self/task"))

    async def forget():
        chrome = create_chrome()
        await chrome.sockets.tcp.create()

    loop.run_until_complete(forget())
    assert set(os.listdir("/proc/self/task")) - threads
    raised = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action, ResourceWarning)
        loop.close()
        gc.collect()
    assert "was not destroyed" in " ".join(map(str, [*caught, *raised]))
    assert not set(os.listdir("/proc/self/task")) - threads


def test_what_could_not_be_made_leaves_nothing(loop, monkeypatch):
    """The package's own: neither a thread nor, later, a warning of an object that nobody has had."""
    threads, raised = set(os.listdir("/proc/self/task")), []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    monkeypatch.delattr(asyncio.selector_events.BaseSelectorEventLoop, "add_reader")

    async def fail():
        with pytest.raises(NotImplementedError):
            create_chrome()

    loop.run_until_complete(fail())
    gc.collect()
    assert set(os.listdir("/proc/self/task")) == threads and raised == []


def test_destroying_after_the_loop_was_closed(loop):
    """The package's own: no future can complete any more, all the same."""

    async def start():
        return create_chrome()

    chrome = loop.run_until_complete(start())
    pending = chrome.sockets.tcp.create()  # The loop runs no more: it cannot complete before.
    loop.close()
    chrome.destroy()
    assert not pending.done()


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # which a process with threads gets
async def test_a_forked_child_is_refused(make, client, peers):
    """README "The end": an app must not be used in a forked child; the parent goes on."""
    server, port = await peers.echo()
    async with server:
        chrome = make()
        socket_id = await client(chrome, port)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                chrome.sockets.tcp.send(socket_id, b"from the child")
            except ChromeSocketError as error:
                os.write(write, str(error).encode())
            chrome.destroy()
            os._exit(0)
        os.close(write)
        said = await asyncio.get_running_loop().run_in_executor(None, os.read, read, 1000)
        os.close(read)
        assert os.waitpid(child, 0)[1] == 0
        assert b"forked" in said and b"create another" in said
        assert (await chrome.sockets.tcp.send(socket_id, b"from the parent")).bytes_sent == 15


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_creating_and_destroying_keeps_nothing(loop):
    """Memory, descriptors and threads stay flat over 1,000 cycles with a connection each."""

    async def cycle():
        async with create_chrome() as chrome:
            _, port = await listening(chrome)
            await chrome.sockets.tcp.send(await connected(chrome, port), bytes(1000))

    def held():
        gc.collect()
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    async def cycles(count):
        for _ in range(count):
            await cycle()

    loop.run_until_complete(cycles(200))
    before, memory = held(), resident_kib()
    loop.run_until_complete(cycles(CYCLES))
    assert held() == before
    assert resident_kib() - memory < 2048, "KiB more after the cycles"


async def test_calls_one_after_another_share_turns_of_the_loop_but_few(make, monkeypatch):
    """What is completed before the loop's turn ends is taken in it, and others still have their turns."""
    chrome, turns, following = make(), [], []
    driver = chrome._driver
    start_calls = driver._start_calls

    def start_calls_and_wait():
        start_calls()
        if driver._pending:
            assert select.select([driver._handle], [], [], DEADLINE_SECONDS)[0]

    def turn():
        turns.append(0)
        following[:] = [asyncio.get_running_loop().call_soon(turn)]

    monkeypatch.setattr(driver, "_start_calls", start_calls_and_wait)
    turn()
    for _ in range(100):
        await chrome.sockets.tcp.get_sockets()
        turns[-1] += 1
    following[0].cancel()
    # One for each time that events are looked for.
    assert max(turns) == 5


async def test_who_waits_for_a_call_goes_on_even_if_asyncio_does_not_tell_of_it(make, monkeypatch):
    """Whom a future calls is asyncio's own affair: another Python may not show it."""

    class Discreet(asyncio.Future):
        @property
        def _callbacks(self):
            raise AttributeError

    monkeypatch.setattr(asyncio, "Future", Discreet)
    tcp = make().sockets.tcp
    made = await asyncio.wait_for(tcp.create(), DEADLINE_SECONDS)
    with pytest.raises(ChromeSocketError):
        await asyncio.wait_for(tcp.send(made.socket_id, b"x"), DEADLINE_SECONDS)


async def test_a_call_that_is_kept_keeps_none_who_waited(make):
    """As asyncio's futures: what a program keeps of a call is its result."""

    class Waiter:
        def called(self, call):
            pass

    async def wait(call):
        waiter = Waiter()
        alive.append(weakref.ref(waiter))
        await call
        return waiter

    tcp, alive = make().sockets.tcp, []
    done = tcp.create()
    await asyncio.gather(*(wait(done) for _ in range(3)))
    cancelled = tcp.create()
    for call in (done, cancelled):
        waiter = Waiter()
        alive.append(weakref.ref(waiter))
        call.add_done_callback(waiter.called)
    del waiter
    assert cancelled.cancel()
    await tcp.get_sockets()
    await asyncio.sleep(0)  # so that the callbacks have run
    gc.collect()
    assert [each() for each in alive] == [None] * 5
    assert done.result().socket_id == 1


async def test_all_who_wait_for_a_call_go_on(make, loop_errors):
    """The package's own: tasks and callbacks, in the order they came; one that raises stops no other."""
    call, order = make().sockets.tcp.create(), []

    async def wait(name):
        order.append((name, (await call).socket_id))

    def broken(done):
        raise RuntimeError("on purpose")

    def removed(done):
        order.append("removed")

    def twice(done):
        order.append("callback")

    call.add_done_callback(broken)
    call.add_done_callback(removed)
    call.add_done_callback(twice)
    call.add_done_callback(twice)
    assert call.remove_done_callback(removed) == 1
    await asyncio.gather(wait("first"), wait("last"))
    assert order == ["callback", "callback", ("first", 1), ("last", 1)]
    assert str(loop_errors.pop()["exception"]) == "on purpose"


def test_a_task_keeps_its_context_behind_a_call(loop):
    """The package's own: what a task sets is there later, also where nothing was set before."""
    variable = contextvars.ContextVar("variable")

    async def run():
        with create_chrome() as chrome:
            await chrome.sockets.tcp.create()
            variable.set("kept")
            await asyncio.sleep(0)
            return variable.get(None)

    assert contextvars.Context().run(loop.run_until_complete, run()) == "kept"


@pytest.mark.parametrize("make_loop", LOOPS.values(), ids=LOOPS)
def test_what_ends_a_program_loses_no_event(make_loop):
    """The package's own: the program may go on after what a listener, or who awaited a call, raised."""

    loop = make_loop()
    heard, done = bytearray(), loop.create_future()

    def listener(info):
        heard.extend(info.data)
        if len(heard) == 200:
            done.set_result(None)
        if len(heard) % 50 == 1:
            raise SystemExit

    async def start():
        async def echo(reader, writer):
            writer.write(await reader.readexactly(200))

        chrome = create_chrome()
        tcp = chrome.sockets.tcp
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        # Each event has one byte, so that many are taken together.
        socket_id = (await tcp.create(buffer_size=1)).socket_id
        await tcp.connect(socket_id, *server.sockets[0].getsockname())
        tcp.on_receive.add_listener(listener)
        return chrome, server, socket_id

    chrome, server, socket_id = loop.run_until_complete(start())
    chrome.sockets.tcp.send(socket_id, bytes(range(200)))
    loop.call_later(DEADLINE_SECONDS, loop.stop)
    ends = 0
    while not done.done():
        try:
            loop.run_until_complete(done)
        except SystemExit:
            ends += 1
    assert heard == bytes(range(200)) and ends > 0
    server.close()
    chrome.destroy()
    loop.close()


@pytest.mark.parametrize("make_loop", LOOPS.values(), ids=LOOPS)
def test_an_exception_behind_the_taking_of_events_loses_none(make_loop):
    """One of a signal handler may come there; the program may go on after it."""
    loop = make_loop()

    async def start():
        chrome = create_chrome()
        return chrome, (await chrome.sockets.tcp.create()).socket_id

    chrome, socket_id = loop.run_until_complete(start())
    call = chrome.sockets.tcp.get_info(socket_id)
    batch = chrome._driver._batch
    fill = batch.fill

    def interrupted(app):
        fill(app)
        batch.fill = fill
        raise KeyboardInterrupt

    batch.fill = interrupted
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(call)
    later = chrome.sockets.tcp.get_info(socket_id)
    loop.call_later(DEADLINE_SECONDS, loop.stop)
    assert loop.run_until_complete(later) == call.result()
    chrome.destroy()
    loop.close()
