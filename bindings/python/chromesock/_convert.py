"""Arguments for the library, and results out of its events."""

from __future__ import annotations

import operator
from typing import Any, List, Mapping, Optional, Tuple

from ._library import NULL, encode, ffi, text

RESULT = ffi.integer_const("CHROMESOCK_EVENT_RESULT")
TEXTS = ffi.integer_const("CHROMESOCK_EVENT_TEXTS")


def optional_int(value: Optional[int]) -> Any:
    """A number that may be absent."""
    return NULL if value is None else ffi.new("int32_t *", operator.index(value))


def choice(numbers: Mapping[str, int], value: str) -> int:
    """The number of an enum's text."""
    if not isinstance(value, str):
        raise TypeError(f"expected str, got {type(value).__name__}")
    try:
        return numbers[value]
    except KeyError:
        raise ValueError(f"expected one of {', '.join(numbers)}; got {value!r}") from None


def name_of(numbers: Mapping[str, int], number: int) -> Any:
    """The text of an enum's number."""
    return next(name for name, its in numbers.items() if its == number)


def struct(kind: str, bits: Mapping[str, int], given: Optional[Mapping[str, Any]], /, **keywords: Any) -> List[Any]:
    """A struct of optional members, and behind it what must live as long. `bits` tells what is present."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise TypeError(f"expected a mapping, got {type(given).__name__}")
    unknown = set(given) - set(keywords)
    if unknown:
        known = ", ".join(sorted(keywords))
        raise TypeError(f"unexpected property: {', '.join(sorted(unknown))}; there are: {known}")
    made = ffi.new(f"{kind} *", {"size": ffi.sizeof(kind)})
    alive = [made]
    for member, value in (*given.items(), *keywords.items()):
        if value is None:
            continue
        try:
            if isinstance(getattr(made, member), int):
                value = operator.index(value)
            else:
                value = ffi.new("char[]", encode(value))
                alive.append(value)
        except TypeError as error:
            raise TypeError(f"{member}: {error}") from None
        setattr(made, member, value)
        if bits[member]:
            made.present |= bits[member]
    return alive


def elements(pointer: Any, count: int) -> Tuple[Any, ...]:
    """The elements of an array; the library says how large they are."""
    if count == 0:
        return ()
    kind, start, size = ffi.typeof(pointer), ffi.cast("char *", pointer), pointer.size
    return tuple(ffi.cast(kind, start + index * size)[0] for index in range(count))


def data(pointer: Any, length: int) -> bytes:
    """A copy of received bytes."""
    received: bytes = ffi.buffer(pointer, length)[:]
    return received


def nothing(event: Any) -> None:
    """Of a call that gives nothing."""


def code(event: Any) -> Optional[int]:
    """The number of a completion, if it has one."""
    return event.result if event.present & RESULT else None


def flag(event: Any) -> Optional[bool]:
    """The same as true or false."""
    return bool(event.result) if event.present & RESULT else None


def texts(event: Any) -> Any:
    """A list of texts; a failure has a number instead, if anything."""
    if event.present & TEXTS:
        return [text(event.texts[index]) or "" for index in range(event.texts_len)]
    return code(event)
