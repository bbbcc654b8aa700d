"""The one exception of the package."""

from __future__ import annotations

import errno
import socket
from typing import Any, Dict, Optional, Type

from ._library import ffi


class ChromeSocketError(OSError):
    """A call that failed: what Chrome Apps read as `chrome.runtime.lastError`.

    `code` is a number of `Status`, or `None` where Chrome gives none; `name` is Chrome's name of the error, or `None`
    where the message is in other words. `result` is what Chrome's callback gets beside the error. Where Python has a
    class for an error, such as `ConnectionRefusedError`, it is of that class too, and `errno` is the system's number
    where it has one.
    """

    def __new__(cls, code: Optional[int], name: Optional[str], message: str, result: Any = None) -> ChromeSocketError:
        if cls is ChromeSocketError:
            cls = _DENIED if message in _DENIALS else _CLASSES.get(code, cls)
        return super().__new__(cls, message)

    def __init__(self, code: Optional[int], name: Optional[str], message: str, result: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message
        self.result = result
        self.errno = _NUMBERS.get(code)
        self.strerror = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Any:
        kind = type(self)
        return ChromeSocketError if kind in _CLASSES.values() else kind, (self.code, self.name, self.message, self.result)


# Each class, and the errors that it stands for with the numbers that Python's own have.
_KINDS: Dict[Type[OSError], Dict[str, Optional[int]]] = {
    ConnectionRefusedError: {"CONNECTION_REFUSED": errno.ECONNREFUSED},
    ConnectionResetError: {"CONNECTION_RESET": errno.ECONNRESET},
    ConnectionAbortedError: {"CONNECTION_ABORTED": errno.ECONNABORTED},
    ConnectionError: {"CONNECTION_FAILED": None, "CONNECTION_CLOSED": None, "SOCKET_NOT_CONNECTED": errno.ENOTCONN},
    TimeoutError: {"TIMED_OUT": errno.ETIMEDOUT, "CONNECTION_TIMED_OUT": errno.ETIMEDOUT},
    PermissionError: {"ACCESS_DENIED": errno.EACCES, "NETWORK_ACCESS_DENIED": errno.EACCES},
    socket.gaierror: {"NAME_NOT_RESOLVED": socket.EAI_NONAME},
    OSError: {  # No class of its own.
        "ADDRESS_IN_USE": errno.EADDRINUSE,
        "ADDRESS_INVALID": errno.EADDRNOTAVAIL,
        "ADDRESS_UNREACHABLE": errno.EHOSTUNREACH,
        "INTERNET_DISCONNECTED": errno.ENETUNREACH,
        "INVALID_ARGUMENT": errno.EINVAL,
        "MSG_TOO_BIG": errno.EMSGSIZE,
        "OUT_OF_MEMORY": errno.ENOMEM,
        "SOCKET_IS_CONNECTED": errno.EISCONN,
    },
}
_CLASSES: Dict[Optional[int], Type[ChromeSocketError]] = {}
_NUMBERS: Dict[Optional[int], Optional[int]] = {}
for _base, _names in _KINDS.items():
    _numbers = {ffi.integer_const(f"CHROMESOCK_{_name}"): _number for _name, _number in _names.items()}
    if _base is not OSError:
        # All have the one documented name: it is what a traceback shows, before a message that tells which it is.
        _class = type(ChromeSocketError.__name__, (ChromeSocketError, _base), {"__module__": __name__})
        _CLASSES.update(dict.fromkeys(_numbers, _class))
    _NUMBERS.update(_numbers)

# What a call is told that the manifest does not permit. It has no number.
_DENIALS = ("App does not have permission", "Does not have permission")
_DENIED = _CLASSES[ffi.integer_const("CHROMESOCK_ACCESS_DENIED")]
