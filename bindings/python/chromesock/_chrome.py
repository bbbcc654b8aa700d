"""The `chrome` object."""

from __future__ import annotations

import asyncio
import copy
import json
import os
from operator import index
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Union

from ._driver import Driver, logger
from ._errors import ChromeSocketError
from ._library import encode, ffi, load, text
from ._surface import DECODERS, Socket, Sockets, Tcp

if TYPE_CHECKING:
    from .streams import _Router

WRITE_QUOTA_BYTES = 200 * 2**20  # as in Chrome


class Runtime:
    """chrome.runtime, as far as it is about sockets."""

    def __init__(self, manifest: Dict[str, Any]) -> None:
        self._manifest = manifest

    def get_manifest(self) -> Dict[str, Any]:
        """The manifest the chrome object was made with; empty without one."""
        return copy.deepcopy(self._manifest)


class Chrome:
    """What a Chrome App finds as `chrome`: its own sockets, ids and permissions, on one asyncio loop.

    As a context manager, synchronous or not, it is destroyed at the end.
    """

    def __init__(self, driver: Driver, manifest: Dict[str, Any], write_quota_bytes: int) -> None:
        self._driver = driver
        self._write_quota_bytes = write_quota_bytes
        self.sockets = Sockets(driver)
        self.socket = Socket(driver)
        self.runtime = Runtime(manifest)
        self._router: Optional[_Router] = None  # of the stream adapter

    def destroy(self) -> None:
        """Closes all sockets. Pending calls fail, and later ones; a second time does nothing."""
        self._driver.destroy()

    def __enter__(self) -> Chrome:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    async def __aenter__(self) -> Chrome:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.destroy()


def create_chrome(
    manifest: Optional[Mapping[str, Any]] = None,
    *,
    extra_roots_pem: Optional[str] = None,
    write_quota_bytes: Optional[int] = None,
    reuse_port: bool = False,
    busy_poll_us: int = 0,
    library_path: Union[str, os.PathLike[str], None] = None,
) -> Chrome:
    """Makes a chrome object on the running loop.

    manifest           a Chrome App's manifest.json, parsed: calls reach what it permits; None = everything
    extra_roots_pem    more trusted certificates for `secure`
    write_quota_bytes  most bytes of unfinished sends
    reuse_port         share addresses with other chrome objects that do, in this or another process of the user
    busy_poll_us       how long the library's thread looks for more before it sleeps, keeping a CPU busy
    library_path       the shared library to use instead of the packaged one
    """
    loop = asyncio.get_running_loop()
    lib = load(library_path)
    manifest_text = None if manifest is None else json.dumps(manifest, default=_mapping)
    quota = WRITE_QUOTA_BYTES if write_quota_bytes is None else index(write_quota_bytes)
    options = ffi.new("chromesock_app_options *")
    options.size = ffi.sizeof("chromesock_app_options")
    options.present = lib.CHROMESOCK_APP_OPTIONS_WRITE_QUOTA
    options.write_quota_bytes = quota
    options.reuse_port = bool(reuse_port)
    options.busy_poll_us = index(busy_poll_us)
    alive = []  # The struct only points to them.
    for member, value in (("manifest", manifest_text), ("extra_roots_pem", extra_roots_pem)):
        if value is not None:
            alive.append(ffi.new("char[]", encode(value)))
            setattr(options, member, alive[-1])
    app = ffi.new("chromesock_app **")
    status = lib.chromesock_app_new(options, app)
    if status == lib.CHROMESOCK_INVALID_MANIFEST:
        # Where in the manifest, if not as a whole, and Chrome's words.
        words = reversed(_manifest_texts(lib, options.manifest))
        raise _refused(lib, status, ": ".join(word for word in words if word))
    if status == lib.CHROMESOCK_INVALID_ARGUMENT:  # All other arguments are ours.
        raise _refused(lib, status, "extra_roots_pem has no certificate that can be read")
    if status != 0:
        raise _refused(lib, status, text(lib.chromesock_status_text(status)) or str(status))
    if manifest is not None:
        # Also names dropped rules: otherwise calls that need them would be denied without a hint why.
        for warning in _manifest_texts(lib, options.manifest):
            logger.warning("%s", warning)
    return Chrome(Driver(lib, loop, app[0], DECODERS, Tcp.SendInfo._make), json.loads(manifest_text or "{}"), quota)


def _mapping(value: Any) -> Dict[str, Any]:
    """A mapping of another kind, for JSON."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a manifest cannot have a {type(value).__name__}")


def _refused(lib: Any, status: int, message: str) -> ChromeSocketError:
    return ChromeSocketError(status, text(lib.chromesock_status_name(status)), message)


def _manifest_texts(lib: Any, manifest: Any) -> List[str]:
    """What is said of a manifest: Chrome's warnings and our hints, or the error and where that is."""
    texts = ffi.new("chromesock_texts **")
    lib.chromesock_manifest_check(manifest, texts)
    count = lib.chromesock_texts_count(texts[0])
    words = [text(lib.chromesock_texts_at(texts[0], index)) or "" for index in range(count)]
    lib.chromesock_texts_free(texts[0])
    return words
