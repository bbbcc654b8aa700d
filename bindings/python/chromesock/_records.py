"""Events as the library copies them into our memory, many at once."""

from __future__ import annotations

import struct
from collections import namedtuple
from typing import Any, Callable, Iterator

from ._library import NULL, ffi

_RECORD = ffi.typeof("chromesock_event_record")
_EVENT = ffi.typeof("const chromesock_event *")
_CODES = {"uint32_t": "I", "int32_t": "i", "uint64_t": "Q"}
_HEAD = struct.Struct("".join(_CODES.get(field.type.cname, "P") for _, field in _RECORD.fields))
_HEAD_SIZE = _HEAD.size
# As many as fit without data. An event whose data is larger than all of these is not copied, but handed over.
RECORDS = 256

_NAMES = [name for name, _ in _RECORD.fields]
assert (_NAMES[0], _NAMES[-1]) == ("size", "event")
_TYPE, _MESSAGE_LEN, _TOKEN, _BYTES_SENT = map(_NAMES.index, ("type", "message_len", "user_data", "bytes_sent"))
_named: Any = namedtuple
_Fields: Any = _named("_Fields", [*_NAMES, "batch", "start"])
_new: Any = tuple.__new__


class Record(_Fields):  # type: ignore[misc]  # the names are the library's
    """A record, with those members of an event that lie behind it: it decodes like an event."""

    __slots__ = ()

    @property
    def data(self) -> Any:
        return self.batch.base + (self.start + _HEAD_SIZE)

    @property
    def address(self) -> Any:
        return self.batch.text(self.start + _HEAD_SIZE + self.data_len, self.address_len)

    @property
    def message(self) -> Any:
        length = self.message_len
        return self.batch.text(self.start + _HEAD_SIZE + self.data_len + self.address_len, length) if length else NULL


class Batch:
    """The events of one copy that have not had their turn."""

    def __init__(self, lib: Any) -> None:
        self._copy = lib.chromesock_app_copy_events
        self._release = lib.chromesock_event_release
        self._send = lib.CHROME_SOCKETS_TCP_SEND
        memory = ffi.new("chromesock_event_record[]", RECORDS)
        self._view = memoryview(ffi.buffer(memory))
        self._written = ffi.new("size_t *")
        self.base = ffi.cast("uint8_t *", memory)
        self._at = self._end = 0

    def __bool__(self) -> bool:
        return self._at < self._end

    def fill(self, app: Any) -> int:
        """Takes what is queued, when all that was taken has had its turn; the status of it."""
        status: int = self._copy(app, self.base, len(self._view), self._written, NULL)
        self._at, self._end = 0, self._written[0] if status == 0 else 0
        return status

    def events(self, sent: Callable[[int, int], None]) -> Iterator[Any]:
        """The events that have not had their turn. Each has it when it is given, and is gone with the next one.

        Of a `tcp.send` that has succeeded, as they come by the thousand, `sent` is told: its token, and how many bytes.
        """
        unpack, view, send = _HEAD.unpack_from, self._view, self._send
        while self._at < self._end:
            at = self._at
            head = unpack(view, at)
            self._at = at + head[0]
            given = head[-1]
            if given:
                event = ffi.cast(_EVENT, given)
                try:
                    yield event
                finally:
                    self._release(event)
            elif head[_TYPE] == send and not head[_MESSAGE_LEN]:
                sent(head[_TOKEN], head[_BYTES_SENT])
            else:
                yield _new(Record, head + (self, at))

    def text(self, start: int, length: int) -> Any:
        """Text of a record, as C's."""
        return ffi.from_buffer("char[]", self._view[start : start + length])
