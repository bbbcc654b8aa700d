"""Fetches a page by HTTP over the stream adapter, permitted to reach that server only:   get.py HOST PORT PATH"""

from __future__ import annotations

import asyncio
import sys

from chromesock import create_chrome, streams


async def get(host: str, port: int, path: str) -> bytes:
    """The server's whole answer."""
    manifest = {
        "name": "get",
        "version": "1",
        "manifest_version": 2,
        "app": {"background": {"scripts": []}},
        "sockets": {"tcp": {"connect": f"{host}:{port}"}},
    }
    async with create_chrome(manifest) as chrome:
        reader, writer = await streams.open_connection(chrome, host, port)
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer


if __name__ == "__main__":
    sys.stdout.buffer.write(asyncio.run(get(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
