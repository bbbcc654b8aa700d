"""Ends its interpreter, but not its process, while the library sends what it was lent:   lent.py PORT

When nothing is left of Python, it starts a session of its own, and waits for a signal.
"""

import asyncio
import ctypes
import sys

from chromesock import create_chrome

PIECES = 200


def piece(number: int) -> bytes:
    """Too large to be copied, too small for the system to take the memory back at once."""
    return number.to_bytes(4, "big") * 25000


kept = []


async def main(port: int) -> None:
    chrome = create_chrome()
    kept.append(chrome)
    tcp = chrome.sockets.tcp
    socket_id = (await tcp.create()).socket_id
    await tcp.connect(socket_id, "127.0.0.1", port)
    for number in range(PIECES):
        tcp.send(socket_id, piece(number))


if __name__ == "__main__":
    libc = ctypes.CDLL(None)
    for last in (libc.pause, libc.setsid):
        ctypes.pythonapi.Py_AtExit(last)
    asyncio.run(main(int(sys.argv[1])))
