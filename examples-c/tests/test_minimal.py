"""minimal, the program of the README's first screen."""

import socket
import unittest
from pathlib import Path

from support import LOCAL, Peer, main, program, run

MINIMAL = program("minimal")


class Minimal(unittest.TestCase):
    def test_sends_a_line_and_prints_what_comes(self):
        """Trace 20.1."""

        def serve(sock):
            line = b""
            while not line.endswith(b"\r\n"):
                line += sock.recv(100)
            sock.sendall(b"you said: " + line)

        with Peer(serve) as peer:
            out, errors = run(MINIMAL, LOCAL, str(peer.port), "good morning")
        self.assertEqual((out, errors), (b"you said: good morning\r\n", b""))

    def test_nobody_there(self):
        with socket.socket() as bound:
            bound.bind((LOCAL, 0))
            _, errors = run(MINIMAL, LOCAL, str(bound.getsockname()[1]), "x", code=1)
        self.assertIn(b"chrome.sockets.tcp.connect: net::ERR_CONNECTION_REFUSED", errors)

    def test_wrong_arguments_are_refused(self):
        run(MINIMAL, LOCAL, code=2)

    def test_a_refused_call_ends_it(self):
        """A host that is no UTF-8: connect is refused, and no completion follows."""
        run(MINIMAL, b"\xff", "80", "x", code=1)

    def test_the_readme_prints_this_program(self):
        root = Path(__file__).resolve().parent.parent.parent
        program_text = (root / "examples-c/minimal.c").read_text()
        self.assertIn(f"```c\n{program_text}```\n", (root / "README.md").read_text())


if __name__ == "__main__":
    main()
