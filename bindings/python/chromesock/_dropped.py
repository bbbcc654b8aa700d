"""Data that was taken from the library before a call that ends it, and has its turn only after that."""

from __future__ import annotations

from typing import Any, Set, Tuple


class Dropped:
    """What is dropped of the events that were taken; the library sees to what it still has."""

    def __init__(self, lib: Any) -> None:
        self._secure = lib.chrome_sockets_tcp_secure
        # Calls that end their socket's data.
        self._enders = {
            lib.chrome_sockets_tcp_close: lib.CHROME_SOCKETS_TCP_ON_RECEIVE,
            lib.chrome_sockets_tcp_secure: lib.CHROME_SOCKETS_TCP_ON_RECEIVE,
            lib.chrome_sockets_udp_close: lib.CHROME_SOCKETS_UDP_ON_RECEIVE,
        }
        # Types of events, and their sockets.
        self.events: Set[Tuple[int, int]] = set()
        # Sockets whose data another `secure` does not end.
        self.secured: Set[int] = set()

    def called(self, function: Any, arguments: Tuple[Any, ...]) -> None:
        """A call was made."""
        event_type = self._enders.get(function)
        if event_type is None:
            return
        socket_id = arguments[0]
        if function != self._secure:
            self.secured.discard(socket_id)
        if socket_id not in self.secured:
            self.events.add((event_type, socket_id))
