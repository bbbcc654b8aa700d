"""Carries calls into the library and its events into an asyncio loop.

The library's own thread never enters Python: events wait in the app's queue, the loop watches the queue's
handle, and they are pulled on the loop's thread. So nothing has to be torn down when the interpreter exits.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Tuple, TypeVar, Union

from ._errors import ChromeSocketError
from ._event import Event
from ._lent import COPIED, Lent
from ._library import NULL, buffer, ffi, text

if TYPE_CHECKING:
    from typing_extensions import Buffer

Decode = Callable[[Any], Any]
# Is told why a call has failed, or None.
Done = Callable[[Optional[ChromeSocketError]], None]
Info = TypeVar("Info")

EVENTS_PER_TURN = 256
logger = logging.getLogger("chromesock")
_drivers: weakref.WeakSet[Driver] = weakref.WeakSet()


class Call(asyncio.Future):  # type: ignore[type-arg]  # not subscriptable as a base in Python 3.9's C class
    """The future of one call; knows whether somebody waits for it."""

    awaited = False

    def add_done_callback(self, *args: Any, **kwargs: Any) -> None:
        self.awaited = True
        super().add_done_callback(*args, **kwargs)


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
    ) -> None:
        self.lib = lib
        self.loop = loop
        self._app = app
        self._decoders = decoders
        self._events: Dict[int, Event[Any]] = {}
        self._thread = threading.get_ident()
        self._gone = ""
        self._token = 0
        self._pending: Dict[Any, Union[Call, Done]] = {}
        self._lent = Lent()
        self._slot = ffi.new("const chromesock_event **")
        # What more has to end with the app.
        self.at_end: List[Callable[[], None]] = []
        # A notification that waits until those who awaited an earlier completion have run.
        self._held: Any = None
        self._release = weakref.finalize(self, _abandoned, lib, app, self._lent)
        # Not at exit: a daemon thread may still be inside a call.
        self._release.atexit = False
        handle = ffi.new("ptrdiff_t *")
        self._check(lib.chromesock_app_event_handle(app, handle))
        self._handle = int(handle[0])
        loop.add_reader(self._handle, self._on_readable)
        _drivers.add(self)

    def call(self, function: Any, *arguments: Any) -> asyncio.Future[Any]:
        """Carries out one call; the future has its completion."""
        call = Call(loop=self.loop)
        self._start(call, function, *arguments)
        return call

    def send(self, socket_id: int, data: Buffer) -> asyncio.Future[Any]:
        """chrome.sockets.tcp.send"""
        call = Call(loop=self.loop)
        self.start_send(call, socket_id, data)
        return call

    def start_send(self, call: Union[Call, Done], socket_id: int, data: Buffer) -> None:
        """The same, for who may have something cheaper than a future."""
        if type(data) is bytes and len(data) > COPIED:
            send = self.lib.chromesock_sockets_tcp_send_owned
            self._start(call, send, socket_id, data, len(data), NULL, NULL, lent=data)
        else:
            held = buffer(data)
            self._start(call, self.lib.chrome_sockets_tcp_send, socket_id, held, len(held))

    def _start(
        self, call: Union[Call, Done], function: Any, *arguments: Any, lent: Optional[bytes] = None
    ) -> None:
        """Makes a call; the library reads `lent` until it completes."""
        if threading.get_ident() != self._thread:
            raise RuntimeError("called from a foreign thread; use loop.call_soon_threadsafe")
        self._token += 1
        token = ffi.cast("void *", self._token)
        if lent is not None:
            # Before the call: an exception of a signal handler may come right behind it.
            self._lent.keep(token, lent)
        status = function(self._app, *arguments, NULL, token)
        if status != 0 and lent is not None:
            self._lent.forget(token, None)
        self._check(status)
        self._pending[token] = call
        if self._held is not None:
            self._drop_held_data(function, arguments[:1])

    def _drop_held_data(self, function: Any, socket_id: Tuple[Any, ...]) -> None:
        """After a call that ends a socket's data; the library sees to what it still has."""
        lib, held = self.lib, self._held
        enders = {
            lib.CHROME_SOCKETS_TCP_ON_RECEIVE: (
                lib.chrome_sockets_tcp_close, lib.chrome_sockets_tcp_secure
            ),
            lib.CHROME_SOCKETS_UDP_ON_RECEIVE: (lib.chrome_sockets_udp_close,),
        }
        if function in enders.get(held.type, ()) and socket_id == (held.socket_id,):
            lib.chromesock_event_release(held)
            self._held = None

    def event(self, event_type: int, name: str, decode: Callable[[Any], Info]) -> Event[Info]:
        """Makes an event of the API."""
        event = Event(name, decode)
        self._events[event_type] = event
        return event

    def destroy(self) -> None:
        """Ends the app: what is pending completes, nothing happens afterwards."""
        if threading.get_ident() != self._thread and not self._gone:
            raise RuntimeError("destroyed from a foreign thread; use loop.call_soon_threadsafe")
        app = self._app
        if not app:
            return
        self._leave("the chrome object was destroyed")
        if self._held is not None:
            self.lib.chromesock_event_release(self._held)
            self._held = None
        self.lib.chromesock_app_close(app)
        while self.lib.chromesock_app_next_event(app, -1, self._slot) == 0:
            event = self._slot[0]
            if event.type not in self._events:
                self._complete(event)
            self.lib.chromesock_event_release(event)
        self._free(app)

    def _free(self, app: Any) -> None:
        self.lib.chromesock_app_free(app)
        self._lent.end()

    def _leave(self, reason: str) -> None:
        self._app = NULL
        self._gone = reason
        self._release.detach()
        if not self.loop.is_closed():
            self.loop.remove_reader(self._handle)
            for end in self.at_end:
                end()

    def _forked(self) -> None:
        # Loop and thread are the parent's: nothing of theirs may be touched.
        self._app = NULL
        self._gone = "the chrome object belongs to the process that forked this one; create another one here"
        self._release.detach()

    def _check(self, status: int) -> None:
        if status == 0:
            return
        if self._gone:
            raise self._error(self.lib.CHROMESOCK_CONTEXT_SHUT_DOWN, self._gone)
        raise self._error(status, text(self.lib.chromesock_status_text(status)) or str(status))

    def _error(self, code: Optional[int], message: str, result: Any = None) -> ChromeSocketError:
        name = None if code is None else text(self.lib.chromesock_status_name(code))
        return ChromeSocketError(code, name, message, result)

    def _on_readable(self) -> None:
        if self._held is None:
            self._drain(None)

    def _on_resume(self) -> None:
        event, self._held = self._held, None
        if self._app:
            self._drain(event)

    def _drain(self, event: Any) -> None:
        # What listeners call, and those who were waiting, starts together: the library's thread is woken once.
        self.lib.chromesock_app_hold_calls(self._app, True)
        try:
            self._run_events(event)
        finally:
            self.loop.call_soon(self._start_calls)
            if self._held is not None:
                # As in a browser: who awaited a completion runs before the next event.
                self.loop.call_soon(self._on_resume)

    def _start_calls(self) -> None:
        self.lib.chromesock_app_hold_calls(self._app, False)

    def _run_events(self, event: Any) -> None:
        next_event, release = self.lib.chromesock_app_next_event, self.lib.chromesock_event_release
        slot, events, loop = self._slot, self._events, self.loop
        woken = False
        for _ in range(EVENTS_PER_TURN):
            if event is None:
                if next_event(self._app, 0, slot) != 0:
                    return
                event = slot[0]
            source = events.get(event.type)
            if source is None:
                woken |= self._complete(event)
                release(event)
            elif woken:
                self._held = event
                return
            elif source._listeners:
                info = source._decode(event)
                release(event)
                source._emit(info, loop)
            else:
                release(event)
            event = None

    def _complete(self, event: Any) -> bool:
        """Completes a call; whether somebody waits for it."""
        token = event.user_data
        call = self._pending.pop(token, None)
        self._lent.forget(token, None)
        if call is None:
            self._on_host_event(event)
            return False
        if self.loop.is_closed():
            return False
        if not isinstance(call, Call):
            self._tell(call, event)
            return False
        if call.cancelled():
            return False
        result = self._decoders[event.type](event)
        if event.message:
            call.set_exception(self._failure(event, result))
            if self._gone and not call.awaited:
                call.exception()  # The end of the app fails what is pending: nothing to warn of.
        else:
            call.set_result(result)
        return call.awaited

    def _tell(self, done: Done, event: Any) -> None:
        try:
            done(self._failure(event) if event.message else None)
        except Exception as error:
            self.loop.call_exception_handler({"message": "Exception after a send", "exception": error})

    def _failure(self, event: Any, result: Any = None) -> ChromeSocketError:
        code = event.result if event.present & self.lib.CHROMESOCK_EVENT_RESULT else None
        return self._error(code, text(event.message) or "", result)

    def _on_host_event(self, event: Any) -> None:
        if event.type == self.lib.CHROMESOCK_PERMISSION_DENIED:
            logger.warning("%s", text(event.message))
        elif event.type == self.lib.CHROMESOCK_APP_CLOSED and not self._gone:
            # Only a fault inside the library ends an app by itself.
            app = self._app
            self._leave("the chrome object ended by an internal fault")
            self._free(app)
            self.loop.call_exception_handler({"message": self._gone})


def _abandoned(lib: Any, app: Any, lent: Lent) -> None:
    warnings.warn("a chrome object was not destroyed", ResourceWarning, stacklevel=2)
    lib.chromesock_app_free(app)
    lent.end()


def _after_fork() -> None:
    for driver in list(_drivers):
        driver._forked()


os.register_at_fork(after_in_child=_after_fork)
