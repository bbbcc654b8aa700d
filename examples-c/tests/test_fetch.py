"""fetch, against httpd and against raw peers."""

import os
import socket
import struct
import tempfile
import unittest

from support import LOCAL, Peer, Server, main, program, read_head, run

FETCH = program("fetch")


def answering(*pieces):
    """A peer that reads a request, sends these pieces and closes."""

    def serve(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_head(sock)
        for piece in pieces:
            sock.sendall(piece)

    return Peer(serve)


class Fetch(unittest.TestCase):
    def get(self, peer, code=0, path="/"):
        return run(FETCH, f"http://{LOCAL}:{peer.port}{path}", code=code)

    def test_files_from_httpd_byte_for_byte(self):
        """R-5: in order, without gaps, across events."""
        with tempfile.TemporaryDirectory() as folder, Server("httpd", folder) as server:
            for size in (0, 1, 65535, 65536, 65537, 5_000_000):
                content = os.urandom(size)
                with open(os.path.join(folder, "file"), "wb") as file:
                    file.write(content)
                self.assertEqual(self.get(server, path="/file")[0], content)
            out, errors = self.get(server, path="/nothing", code=4)
            self.assertEqual((out, errors), (b"404 Not Found\n", b""))
            # httpd sends "/sub" on to "/sub/"
            os.mkdir(os.path.join(folder, "sub"))
            self.assertIn(b"<h1>/sub/</h1>", self.get(server, path="/sub")[0])

    def test_the_request(self):
        seen = []
        with Peer(lambda sock: (seen.append(read_head(sock)), sock.sendall(b"HTTP/1.1 204 No\r\n\r\n"))) as peer:
            self.get(peer, path="/a?b=c#d")
        lines = seen[0].decode().split("\r\n")
        self.assertEqual(lines[0], "GET /a?b=c HTTP/1.1")
        self.assertIn(f"Host: {LOCAL}:{peer.port}", lines)

    def test_chunks_in_pieces_of_one_byte(self):
        whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n8;x\r\n, world.\r\n0\r\nT: v\r\n\r\n"
        with answering(*(whole[i:i + 1] for i in range(len(whole)))) as peer:
            self.assertEqual(self.get(peer)[0], b"hello, world.")

    def test_a_body_until_the_end(self):
        """R-5, R-6: everything before the end is delivered before it; the end is -100."""
        body = os.urandom(300_000)
        with answering(b"HTTP/1.0 200 OK\r\n\r\n", body) as peer:
            self.assertEqual(self.get(peer)[0], body)

    def test_cut_short_is_an_error(self):
        for answer in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                       b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"SSH-2.0-x\r\n"):
            with self.subTest(answer=answer), answering(answer) as peer:
                self.get(peer, code=3)

    def test_reset_is_an_error(self):
        """R-7: the reset (-101) is told from the end (-100), here where the end would be fine."""

        def serve(sock):
            read_head(sock)
            sock.sendall(b"HTTP/1.0 200 OK\r\n\r\nbegin")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with Peer(serve) as peer:
            self.get(peer, code=2)

    def test_nobody_there(self):
        """Section 3.5: -102, with its name as the message."""
        with socket.socket() as bound:  # bound and not listening: refused for sure
            bound.bind((LOCAL, 0))
            _, errors = run(FETCH, f"http://{LOCAL}:{bound.getsockname()[1]}/", code=2)
        self.assertIn(b"net::ERR_CONNECTION_REFUSED", errors)

    def test_unknown_name(self):
        """Section 3.5, step 4: -105, or -106 without any network."""
        _, errors = run(FETCH, "http://no-such-host.invalid/", code=2)
        self.assertRegex(errors, rb"net::ERR_(NAME_NOT_RESOLVED|INTERNET_DISCONNECTED)")

    def test_redirects_stop_somewhere(self):
        target = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        with answering(target) as end:
            location = b"http://localhost:%d/x" % end.port  # a name this time
            with answering(b"HTTP/1.1 302 Found\r\nContent-Length: 2\r\nLocation: " + location + b"\r\n\r\nno") as start:
                self.assertEqual(self.get(start)[0], b"ok")
        with answering(b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: ftp://localhost/\r\n\r\n") as peer:
            self.assertIn(b"not an http:// or https:// URL", self.get(peer, code=3)[1])

    def test_verbose_prints_the_transcript(self):
        with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as peer:
            out, errors = run(FETCH, "-v", f"http://{LOCAL}:{peer.port}/")
        self.assertEqual(out, b"ok")
        lines = errors.decode().split("\n")
        # O-1, O-4: the completion of create, then of connect, then events.
        order = [next(i for i, line in enumerate(lines) if line.startswith(start)) for start in (
            "> sockets.tcp.connect(", "< sockets.tcp.create {", "< sockets.tcp.connect {", "> sockets.tcp.send(",
            "! sockets.tcp.onReceive {", "  | HTTP/1.1 200 OK", "> sockets.tcp.close(")]
        self.assertEqual(order, sorted(order), errors.decode())

    def test_wrong_arguments_are_refused(self):
        for arguments in ((), ("ftp://localhost/",), ("http://localhost:99999/",), ("-x",)):
            run(FETCH, *arguments, code=1)


if __name__ == "__main__":
    main()
