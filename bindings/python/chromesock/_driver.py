"""Carries calls into the library and its events into an asyncio loop.

The library's own thread never enters Python: events wait in the app's queue, the loop watches the queue's
handle, and they are pulled on the loop's thread. So nothing has to be torn down when the interpreter exits.
"""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
import weakref
from collections import deque
from contextvars import Context
from operator import index
from threading import get_ident
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List, Mapping, Optional, Tuple, TypeVar, Union

from ._dropped import Dropped
from ._errors import ChromeSocketError
from ._event import Event
from ._lent import COPIED, Lent
from ._library import NULL, buffer, ffi, text
from ._records import Batch

if TYPE_CHECKING:
    from typing_extensions import Buffer

Decode = Callable[[Any], Any]
# Is told why a call has failed, or None.
Done = Callable[[Optional[ChromeSocketError]], None]
# What a completion goes to.
Call = Union["asyncio.Future[Any]", Done]
Info = TypeVar("Info")

# How often a turn of the loop looks whether calls made in it are completed already, unless others follow in the next.
REFILLS = 4
# The second argument of a pause.
PAUSED = 1

logger = logging.getLogger("chromesock")
_drivers: weakref.WeakSet[Driver] = weakref.WeakSet()


class Driver:
    """One app of the library on one loop.

    The pointer to the app becomes NULL when the app is gone, or was left behind by a fork. The library
    refuses NULL, so that the calls themselves need not look.
    """

    def __init__(
        self,
        lib: Any,
        loop: asyncio.AbstractEventLoop,
        app: Any,
        decoders: Mapping[int, Decode],
        send_info: Callable[[Tuple[int, int]], Any],
    ) -> None:
        self.lib = lib
        self.loop = loop
        self._app = app
        self._decoders = decoders
        self._send_info = send_info
        self._events: Dict[int, Event[Any]] = {}
        self._thread = get_ident()
        self.gone = ""
        self._token = 0
        self._pending: Dict[int, Call] = {}
        self._lent = Lent()
        self._keep, self._forget = self._lent.keep, self._lent.forget
        self._send, self._send_owned = lib.chrome_sockets_tcp_send, lib.chromesock_sockets_tcp_send_owned
        self._batch = Batch(lib)
        self._dropped = Dropped(lib)
        self._secure = lib.CHROME_SOCKETS_TCP_SECURE
        # Calls of which the rest of their task makes more: behind a connect, or between unpausing and pausing.
        self._leading = {
            lib.chrome_sockets_tcp_connect,
            lib.chrome_socket_connect,
            lib.chrome_sockets_tcp_set_paused,
            lib.chrome_sockets_tcp_server_set_paused,
            lib.chrome_sockets_udp_set_paused,
        }
        # Those who waited for what is completed now, and have not had their turn.
        self._woken: Deque[Tuple[Callable[[Any], object], Context, asyncio.Future[Any]]] = deque()
        # Code ran that may have woken others, who run in the loop's next turn.
        self._others_follow = False
        # Calls wait, to start together.
        self._holds = False
        # What more has to end with the app.
        self.at_end: List[Callable[[], None]] = []
        self._release = weakref.finalize(self, _abandoned, lib, app, self._lent)
        # Not at exit: a daemon thread may still be inside a call.
        self._release.atexit = False
        try:
            handle = ffi.new("ptrdiff_t *")
            self._check(lib.chromesock_app_event_handle(app, handle))
            self._handle = int(handle[0])
            loop.add_reader(self._handle, self._on_readable)
        except BaseException:
            self._release.detach()
            self._free(app)
            raise
        _drivers.add(self)

    def call(self, function: Any, *arguments: Any) -> asyncio.Future[Any]:
        """Carries out one call; the future has its completion."""
        if function in self._leading and arguments[1] != PAUSED and not (self._holds or self.gone):
            # What is called behind a connect finds it under way, as in a browser, and nothing is read between
            # unpausing and pausing.
            self.check_thread()
            self.loop.call_soon(self._start_calls)
            self._hold_calls()
        call: asyncio.Future[Any] = asyncio.Future(loop=self.loop)
        self._start(call, function, *arguments)
        self._dropped.called(function, arguments)
        return call

    def send(self, socket_id: int, data: Buffer) -> asyncio.Future[Any]:
        """chrome.sockets.tcp.send"""
        call: asyncio.Future[Any] = asyncio.Future(loop=self.loop)
        self.start_send(call, socket_id, data)
        return call

    def start_send(self, call: Call, socket_id: int, data: Buffer) -> None:
        """The same, for who may have something cheaper than a future."""
        if type(data) is not bytes or len(data) <= COPIED:
            held = buffer(data)
            return self._start(call, self._send, index(socket_id), held, len(held))
        self.check_thread()
        socket_id = index(socket_id)
        self._token = token = self._token + 1
        # Before the call: an exception of a signal handler may come right behind it.
        self._keep(token, data)
        try:
            status = self._send_owned(self._app, socket_id, data, len(data), NULL, NULL, NULL, token)
        except OverflowError:  # of the id: nothing was called
            self._forget(token, None)
            raise
        if status != 0:
            self._forget(token, None)
            self._check(status)
        self._pending[token] = call

    def _start(self, call: Call, function: Any, *arguments: Any) -> None:
        """Makes a call."""
        self.check_thread()
        self._token = token = self._token + 1
        status = function(self._app, *arguments, NULL, token)
        if status != 0:
            self._check(status)
        self._pending[token] = call

    def check_thread(self) -> None:
        """Refuses what is called elsewhere than on the loop's thread."""
        if get_ident() != self._thread:
            raise RuntimeError("called from a foreign thread; use loop.call_soon_threadsafe")

    def event(self, event_type: int, name: str, decode: Callable[[Any], Info]) -> Event[Info]:
        """Makes an event of the API."""
        event = Event(name, decode)
        self._events[event_type] = event
        return event

    def destroy(self) -> None:
        """Ends the app: what is pending completes, nothing happens afterwards."""
        app = self._app
        if not app:
            return
        self.check_thread()
        self._leave("the chrome object was destroyed")
        for event in self._batch.events(self._sent):
            if event.type not in self._events:
                self._complete(event)
        self.lib.chromesock_app_close(app)
        slot = ffi.new("const chromesock_event **")
        while self.lib.chromesock_app_next_event(app, -1, slot) == 0:
            event = slot[0]
            if event.type not in self._events:
                self._complete(event)
            self.lib.chromesock_event_release(event)
        self._free(app)

    def _free(self, app: Any) -> None:
        self.lib.chromesock_app_free(app)
        self._lent.end()

    def _leave(self, reason: str) -> None:
        self._app = NULL
        self.gone = reason
        self._release.detach()
        if self.loop.is_closed():
            self._pending.clear()  # Nobody can be told any more.
            return
        self.loop.remove_reader(self._handle)
        for end in self.at_end:
            end()

    def _forked(self) -> None:
        # Loop and thread are the parent's: nothing of theirs may be touched.
        self._app = NULL
        self.gone = "the chrome object belongs to the process that forked this one; create another one here"
        self._release.detach()

    def _check(self, status: int) -> None:
        if status == 0:
            return
        if self.gone:
            raise self._error(self.lib.CHROMESOCK_CONTEXT_SHUT_DOWN, self.gone)
        raise self._error(status, text(self.lib.chromesock_status_text(status)) or str(status))

    def _error(self, code: int, message: str) -> ChromeSocketError:
        return ChromeSocketError(code, text(self.lib.chromesock_status_name(code)), message)

    def _on_readable(self) -> None:
        # Something may lie there since an exception of a signal handler.
        if not self._batch:
            self._fill()
        self._drain()
        for _ in range(REFILLS):
            if self._others_follow or self.gone:
                return
            self._fill()
            if not self._batch:
                return
            self._drain()

    def _fill(self) -> None:
        self._dropped.events.clear()
        self._check(self._batch.fill(self._app))

    def _drain(self) -> None:
        # What listeners call, and those who were waiting, starts together: the library's thread is woken once.
        self._hold_calls()
        self._others_follow = False
        try:
            self._run_events()
            self._run_woken()
        finally:
            if self._others_follow:
                self.loop.call_soon(self._start_calls)
            else:
                self._start_calls()
            if self._batch or self._woken:
                # What ends programs was raised, and this one goes on.
                self.loop.call_soon(self._drain)

    def start_together(self, *calls: Callable[[], object]) -> None:
        """Makes calls between which nothing happens."""
        holds = self._holds
        self._hold_calls()
        try:
            for call in calls:
                call()
        finally:
            if not holds:
                self._start_calls()

    def _hold_calls(self) -> None:
        self._holds = True
        self.lib.chromesock_app_hold_calls(self._app, True)

    def _start_calls(self) -> None:
        self._holds = False
        self.lib.chromesock_app_run_calls(self._app)

    def _run_events(self) -> None:
        events, complete, dropped = self._events, self._complete, self._dropped.events
        for event in self._batch.events(self._sent):
            source = events.get(event.type)
            if source is None:
                complete(event)
                continue
            if self._woken:
                # As in a browser: who awaited a completion runs before the next event.
                self._run_woken()
            if dropped and (event.type, event.socket_id) in dropped:
                continue
            if source._listeners and not self.gone:
                self._others_follow = True
                source._emit(source._decode(event), self)

    def _run_woken(self) -> None:
        """Lets those go on who awaited what is completed now: at once, not in the loop's next turn."""
        while self._woken:
            waiter, context, call = self._woken.popleft()
            try:
                context.run(waiter, call)
            except Exception as error:
                self.loop.call_exception_handler({"message": "Exception after a call", "exception": error})

    def _complete(self, event: Any) -> None:
        """Completes a call."""
        token = event.user_data
        call = self._pending.pop(token, None)
        self._forget(token, None)
        if call is None:
            self._on_host_event(event)
        elif not isinstance(call, asyncio.Future):
            self._tell(call, self._failure(event) if event.message else None)
        else:
            result = self._decoders[event.type](event)
            if event.type == self._secure and not event.message:
                self._dropped.secured.add(event.socket_id)
            self._finish(call, result, self._failure(event, result) if event.message else None)

    def _sent(self, token: int, bytes_sent: int) -> None:
        """Completes a `tcp.send` that has succeeded."""
        call = self._pending.pop(token, None)
        self._forget(token, None)
        if isinstance(call, asyncio.Future):
            self._finish(call, self._send_info((0, bytes_sent)), None)
        elif call is not None:
            self._tell(call, None)

    def _finish(self, call: asyncio.Future[Any], result: Any, failure: Optional[ChromeSocketError]) -> None:
        if call.cancelled():
            return
        # Those whom asyncio would call in the loop's next turn; it has no public way to ask for them, and where they
        # are not shown it does.
        waiters = getattr(call, "_callbacks", None)
        if waiters and not self.gone:
            for waiter, context in [*waiters]:
                call.remove_done_callback(waiter)
                self._woken.append((waiter, context, call))
        if failure is None:
            call.set_result(result)
            return
        call.set_exception(failure)
        if self.gone and not waiters:
            call.exception()  # The end of the app fails what is pending: nothing to warn of.

    def _tell(self, done: Done, failure: Optional[ChromeSocketError]) -> None:
        self._others_follow = True
        try:
            done(failure)
        except Exception as error:
            self.loop.call_exception_handler({"message": "Exception after a send", "exception": error})

    def network_error(self, code: int) -> ChromeSocketError:
        """The error that an event of the API tells by its number."""
        return self._error(code, text(self.lib.chromesock_status_name(code)) or str(code))

    def _failure(self, event: Any, result: Any = None) -> ChromeSocketError:
        has_code = event.present & self.lib.CHROMESOCK_EVENT_RESULT and not isinstance(result, bool)
        message = text(event.message) or ""
        # Chrome's own words come with a number that need not mean anything, such as -1.
        name = message if message.startswith("net::") else None
        return ChromeSocketError(event.result if has_code else None, name, message, result)

    def _on_host_event(self, event: Any) -> None:
        if event.type == self.lib.CHROMESOCK_PERMISSION_DENIED:
            logger.warning("%s", text(event.message))
        elif event.type == self.lib.CHROMESOCK_APP_CLOSED and not self.gone:
            # Only a fault inside the library ends an app by itself.
            app = self._app
            self._leave("the chrome object ended by an internal fault")
            self._free(app)
            self.loop.call_exception_handler({"message": self.gone})


def _abandoned(lib: Any, app: Any, lent: Lent) -> None:
    try:
        warnings.warn("a chrome object was not destroyed", ResourceWarning, stacklevel=2)
    finally:
        lib.chromesock_app_free(app)
        lent.end()


def _after_fork() -> None:
    for driver in list(_drivers):
        driver._forked()


os.register_at_fork(after_in_child=_after_fork)
