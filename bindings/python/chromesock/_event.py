"""An event of the API, such as `chrome.sockets.tcp.on_receive`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Callable, Generic, Tuple, TypeVar

if TYPE_CHECKING:
    from ._driver import Driver

Info = TypeVar("Info")


class Event(Generic[Info]):
    """Calls its listeners, in the order they were added, on the loop of its chrome object."""

    def __init__(self, name: str, decode: Callable[[Any], Info]) -> None:
        self._name = name
        self._decode = decode
        # Never changed, only replaced: a listener may add and remove listeners.
        self._listeners: Tuple[Callable[[Info], object], ...] = ()

    def add_listener(self, callback: Callable[[Info], object]) -> None:
        """Adds a listener; one that is there already counts once."""
        if not callable(callback):
            raise TypeError(f"expected a callable, got {type(callback).__name__}")
        if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__):
            raise TypeError("expected a plain function, not a coroutine function: nobody would await it")
        if callback not in self._listeners:
            self._listeners += (callback,)

    def remove_listener(self, callback: Callable[[Info], object]) -> None:
        """Removes a listener, if it is there."""
        self._listeners = tuple(listener for listener in self._listeners if listener != callback)

    def has_listener(self, callback: Callable[[Info], object]) -> bool:
        """Whether this listener was added."""
        return callback in self._listeners

    def has_listeners(self) -> bool:
        """Whether there is any listener."""
        return bool(self._listeners)

    def _emit(self, info: Info, driver: Driver) -> None:
        for listener in self._listeners:
            if driver.gone:  # by the listener before
                return
            try:
                listener(info)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # asyncio.CancelledError is no Exception
                message = f"Exception in a listener of {self._name}"
                driver.loop.call_exception_handler({"message": message, "exception": error, "listener": listener})

    def __repr__(self) -> str:
        return f"<Event {self._name}, {len(self._listeners)} listeners>"
