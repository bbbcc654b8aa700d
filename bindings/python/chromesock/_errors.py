"""The one exception of the package."""

from __future__ import annotations

from typing import Any, Dict, Optional, Type

from ._library import ffi


class ChromeSocketError(OSError):
    """A call that failed: what Chrome Apps read as `chrome.runtime.lastError`.

    `code` is one of `Status`, or `None` where Chrome gives no number; `name` is its name. `result` is what
    Chrome's callback gets beside the error. Where Python has a class for an error, such as
    `ConnectionRefusedError`, it is of that class too.
    """

    def __new__(cls, code: Optional[int], name: Optional[str], message: str, result: Any = None) -> ChromeSocketError:
        if cls is ChromeSocketError:
            cls = _CLASSES.get(code, cls)
        return super().__new__(cls, message)

    def __init__(self, code: Optional[int], name: Optional[str], message: str, result: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message
        self.result = result

    def __reduce__(self) -> Any:
        kind = type(self)
        return ChromeSocketError if kind in _CLASSES.values() else kind, (self.code, self.name, self.message, self.result)


_NAMES: Dict[Type[OSError], str] = {
    ConnectionRefusedError: "CONNECTION_REFUSED",
    ConnectionResetError: "CONNECTION_RESET",
    ConnectionAbortedError: "CONNECTION_ABORTED",
    ConnectionError: "CONNECTION_FAILED CONNECTION_CLOSED SOCKET_NOT_CONNECTED",
    TimeoutError: "TIMED_OUT CONNECTION_TIMED_OUT",
    PermissionError: "ACCESS_DENIED",
}
_CLASSES: Dict[Optional[int], Type[ChromeSocketError]] = {}
for _base, _names in _NAMES.items():
    _class = type(ChromeSocketError.__name__, (ChromeSocketError, _base), {"__module__": __name__})
    _CLASSES.update((ffi.integer_const(f"CHROMESOCK_{name}"), _class) for name in _names.split())
