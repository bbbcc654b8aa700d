"""echo, driven by many clients with pieces of odd sizes."""

import os
import selectors
import socket
import time
import unittest

from support import DEADLINE, Server, connect, main, program, run

CLIENTS = 64
SIZES = (1, 2, 3, 7, 4095, 4096, 4097, 65535, 65536, 65537, 100_003)


class Client:
    def __init__(self, port, number):
        self.sock = connect(port)
        self.sock.setblocking(False)
        pieces = [os.urandom(SIZES[(number + i) % len(SIZES)]) for i in range(6)]
        self.want = b"".join(pieces)
        self.pieces = [memoryview(piece) for piece in pieces]
        self.got = bytearray()

    def events(self):
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self.pieces else 0)

    def turn(self, events):
        if events & selectors.EVENT_WRITE:
            sent = self.sock.send(self.pieces[0])
            self.pieces[0] = self.pieces[0][sent:]
            if not self.pieces[0]:
                self.pieces.pop(0)
        if events & selectors.EVENT_READ:
            piece = self.sock.recv(65536)
            if not piece:
                raise AssertionError(f"closed after {len(self.got)} of {len(self.want)} bytes")
            self.got += piece


class Echo(unittest.TestCase):
    def test_every_client_gets_its_bytes_back(self):
        """R-5, S-4, and O-3 across 64 sockets; the server ends by itself after the last."""
        server = Server("echo", "--connections", str(CLIENTS))
        clients = [Client(server.port, number) for number in range(CLIENTS)]
        end = time.monotonic() + DEADLINE
        with selectors.DefaultSelector() as selector:
            for client in clients:
                selector.register(client.sock, client.events(), client)
            while selector.get_map():
                self.assertLess(time.monotonic(), end, "too slow")
                for key, events in selector.select(DEADLINE):
                    key.data.turn(events)
                    if len(key.data.got) == len(key.data.want) and not key.data.pieces:
                        selector.unregister(key.data.sock)
                    else:
                        selector.modify(key.data.sock, key.data.events(), key.data)
        for client in clients:
            self.assertTrue(bytes(client.got) == client.want, "other bytes came back")
            client.sock.close()
        server.wait()

    def test_a_client_that_does_not_read_is_throttled(self):
        """PA-5: a paused socket makes its peer block in the end; R-5: and loses nothing."""
        with Server("echo") as server, connect(server.port) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.setblocking(False)
            piece = os.urandom(65536)
            sent, limit = 0, 64 * 1024 * 1024
            selector = selectors.DefaultSelector()
            selector.register(sock, selectors.EVENT_WRITE)
            # Until nothing more is taken for two seconds, which is the thing looked for.
            while sent < limit and selector.select(2):
                sent += sock.send(piece[sent % len(piece):])
            self.assertLess(sent, limit, "the server goes on reading what it cannot send back")
            selector.close()
            sock.settimeout(DEADLINE)
            got = 0
            while got < sent:
                data = sock.recv(65536)
                self.assertTrue(data, f"closed after {got} of {sent} bytes")
                start = got % len(piece)
                self.assertTrue(data == (piece + piece)[start:start + len(data)], f"other bytes after {got}")
                got += len(data)

    def test_ends_by_signal_with_clients_connected(self):
        with Server("echo") as server:
            socks = [connect(server.port) for _ in range(8)]
            for sock in socks:
                sock.sendall(b"x")
                self.assertEqual(sock.recv(1), b"x")
        for sock in socks:
            self.assertEqual(sock.recv(1), b"")
            sock.close()

    def test_wrong_arguments_are_refused(self):
        for arguments in (("--port", "65536"), ("--port",), ("--connections", "x"), ("x",)):
            run(program("echo"), *arguments, code=2)


if __name__ == "__main__":
    main()
