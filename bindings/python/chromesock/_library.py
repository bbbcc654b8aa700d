"""Finds and loads the shared library."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Optional, Union

from ._abi import ffi as _ffi

ffi: Any = _ffi
NULL = ffi.NULL
_PACKAGED = Path(__file__).with_name("lib") / "libchromesock.so"
_INSTALLED = "libchromesock.dylib" if sys.platform == "darwin" else "libchromesock.so"


def load(path: Union[str, os.PathLike[str], None] = None) -> Any:
    """The library at `path`, else the one inside the package, else the system's."""
    if path is None:
        path = str(_PACKAGED) if _PACKAGED.exists() else _INSTALLED
    # RTLD_NODELETE: a thread of the library may outlive every reference to it.
    lib = ffi.dlopen(os.fspath(path), ffi.RTLD_NOW | getattr(os, "RTLD_NODELETE", 0))
    wanted = (lib.CHROMESOCK_VERSION_MAJOR, lib.CHROMESOCK_VERSION_MINOR)
    number = lib.chromesock_version_number()
    if (number >> 16, number >> 8 & 0xFF) != wanted:
        raise ImportError(f"{path} is version {text(lib.chromesock_version())}, wanted is {wanted[0]}.{wanted[1]}")
    return lib


def text(pointer: Any) -> Optional[str]:
    """Text of the library; `None` for what is absent."""
    return ffi.string(pointer).decode() if pointer else None


def encode(value: str) -> bytes:
    """Text for the library, which ends it at the first NUL."""
    if not isinstance(value, str):
        raise TypeError(f"expected str, got {type(value).__name__}")
    if "\0" in value:
        raise ValueError("embedded null character")
    return value.encode()


def buffer(data: Any) -> Any:
    """Any contiguous buffer, as something that the library can read and that `len` gives the bytes of."""
    if type(data) is bytes:
        return data
    if isinstance(data, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    return ffi.from_buffer(data)
