"""Memory that the library goes on reading after a call has returned."""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Dict

# Other interpreters move their objects.
CAN_LEND = sys.implementation.name == "cpython"
# Data up to this size is copied: that costs the library less.
COPIED = 2**14 if CAN_LEND else sys.maxsize


class Lent:
    """The data of sends, by their tokens, until they are completed.

    It is held by a reference that the interpreter does not know of: while it ends, the library's thread may
    still be sending.
    """

    def __init__(self) -> None:
        self._data: Dict[Any, bytes] = {}
        if CAN_LEND:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._data))
        self.keep = self._data.__setitem__
        self.forget = self._data.pop

    def end(self) -> None:
        """The app is gone."""
        if CAN_LEND:
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(self._data))
