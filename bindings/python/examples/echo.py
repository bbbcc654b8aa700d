"""An echo server on chrome.sockets, as a Chrome App would write it:   echo.py [PORT]"""

from __future__ import annotations

import asyncio
import sys

from chromesock import Chrome, Tcp, TcpServer, create_chrome


async def listen(chrome: Chrome, port: int) -> int:
    """Starts the server; its port."""
    tcp, tcp_server = chrome.sockets.tcp, chrome.sockets.tcp_server

    def on_accept(info: TcpServer.AcceptInfo) -> None:
        tcp.set_paused(info.client_socket_id, False)

    def on_receive(info: Tcp.ReceiveInfo) -> None:
        tcp.send(info.socket_id, info.data)

    def on_receive_error(info: Tcp.ReceiveErrorInfo) -> None:
        tcp.close(info.socket_id)

    tcp_server.on_accept.add_listener(on_accept)
    tcp.on_receive.add_listener(on_receive)
    tcp.on_receive_error.add_listener(on_receive_error)
    socket_id = (await tcp_server.create()).socket_id
    await tcp_server.listen(socket_id, "127.0.0.1", port)
    return (await tcp_server.get_info(socket_id)).local_port or 0


async def main(port: int) -> None:
    async with create_chrome() as chrome:
        print(await listen(chrome, port), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
