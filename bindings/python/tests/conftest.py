"""Runs coroutine tests, each on asyncio's loop and on uvloop, with a deadline, and without unexpected errors."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import time
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, List

import pytest
import uvloop

from chromesock import ChromeSocketError, Event, create_chrome
from chromesock._library import ffi

DEADLINE_SECONDS = 120
# More than the system takes at once.
BULK = os.urandom(1 << 20) * 8
LOOPS: Dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if inspect.iscoroutinefunction(metafunc.function):
        metafunc.parametrize("loop", list(LOOPS), indirect=True)


@pytest.fixture(autouse=True)
def loop(request):
    loop = LOOPS[getattr(request, "param", "asyncio")]()
    yield loop
    loop.close()


@pytest.fixture(autouse=True)
def loop_errors() -> List[Dict[str, Any]]:
    """What the loop's exception handler got. A test that expects any takes it away."""
    return []


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    loop, errors = pyfuncitem.funcargs["loop"], pyfuncitem.funcargs["loop_errors"]
    loop.set_exception_handler(lambda _, context: errors.append(context))

    async def with_deadline() -> None:
        test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted})
        await asyncio.wait_for(test, DEADLINE_SECONDS)
        await asyncio.sleep(0)  # what the end of the test scheduled runs too

    loop.run_until_complete(with_deadline())
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert errors == []
    return True


@pytest.fixture
def record():
    """Turns an event of the API into a queue of its infos."""

    def add(event: Event[Any]) -> asyncio.Queue[Any]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        event.add_listener(queue.put_nowait)
        return queue

    return add


@pytest.fixture
def error_of():
    """The error that a call is to end with."""

    async def get(call: Awaitable[Any]) -> ChromeSocketError:
        with pytest.raises(ChromeSocketError) as caught:
            await call
        return caught.value

    return get


class Peers:
    """Plain asyncio peers on ports of the system's choice."""

    @staticmethod
    async def server(handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Any:
        server = await asyncio.start_server(handler, "127.0.0.1", 0)

        @contextlib.asynccontextmanager
        async def until_the_end() -> AsyncIterator[None]:
            # Since Python 3.12 a server's own end waits for its connections, which a test may leave open.
            try:
                yield
            finally:
                server.close()

        return until_the_end(), server.sockets[0].getsockname()[1]

    @staticmethod
    async def echo() -> Any:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            except ConnectionError:
                pass
            writer.close()

        return await Peers.server(handle)


@pytest.fixture
def peers() -> Peers:
    return Peers()


async def connected(chrome: Any, port: int, **properties: Any) -> int:
    """A connected socket."""
    tcp = chrome.sockets.tcp
    socket_id: int = (await tcp.create(**properties)).socket_id
    assert await tcp.connect(socket_id, "127.0.0.1", port) == 0
    return socket_id


async def listening(chrome: Any) -> Any:
    """A listening socket and its port."""
    tcp_server = chrome.sockets.tcp_server
    socket_id = (await tcp_server.create()).socket_id
    assert await tcp_server.listen(socket_id, "127.0.0.1", 0) == 0
    return socket_id, (await tcp_server.get_info(socket_id)).local_port


def wait_for_events(chrome: Any, count: int) -> None:
    """Until so many events wait for the loop, which stands still meanwhile, and so does its deadline."""
    driver = chrome._driver
    stats = ffi.new("chromesock_app_stats *", {"size": ffi.sizeof("chromesock_app_stats")})
    until = time.monotonic() + DEADLINE_SECONDS
    while stats.undelivered_events < count:
        assert time.monotonic() < until
        os.sched_yield()
        assert driver.lib.chromesock_app_get_stats(driver._app, stats) == 0


@pytest.fixture
def client():
    return connected


@pytest.fixture
def server():
    return listening


@pytest.fixture
def make():
    """create_chrome; what a test leaves open is destroyed after it."""
    made = []

    def create(*arguments: Any, **options: Any) -> Any:
        chrome = create_chrome(*arguments, **options)
        made.append(chrome)
        return chrome

    yield create
    for chrome in made:
        chrome.destroy()
