"""httpd, fetched with curl and with raw sockets."""

import os
import re
import socket
import struct
import tempfile
import unittest

from support import DEADLINE, Server, connect, exchange, main, need, program, read_all, run

need("curl")
CURL = ("curl", "--silent", "--show-error", "--max-time", str(DEADLINE))


class Httpd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = os.path.join(cls.scratch.name, "www")
        os.makedirs(os.path.join(cls.folder, "sub dir"))
        cls.big = os.urandom(9_000_001)
        for name, content in {
            "../secret.txt": b"secret",
            "hello.txt": b"Hello, world.\n",
            "empty.txt": b"",
            "big.bin": cls.big,
            "sub dir/<odd> & é.html": b"<p>odd",
        }.items():
            with open(os.path.join(cls.folder, name), "wb") as file:
                file.write(content)
        os.symlink("../secret.txt", os.path.join(cls.folder, "leak.txt"))
        os.symlink("/", os.path.join(cls.folder, "slash"))
        cls.server = Server("httpd", cls.folder)
        cls.before = cls.server.descriptors()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.scratch.cleanup()

    def curl(self, path, *options, code=0):
        return run(*CURL, *options, self.server.url + path, code=code)[0]

    def status(self, path, *options):
        out = self.curl(path, "-o", "/dev/null", "-w", "%{http_code} %{content_type}", *options)
        return out.decode()

    def test_files_arrive_byte_for_byte(self):
        """S-1, S-4: whole sends, in call order."""
        self.assertEqual(self.curl("/hello.txt"), b"Hello, world.\n")
        self.assertEqual(self.curl("/empty.txt"), b"")
        self.assertEqual(self.curl("/big.bin"), self.big)
        self.assertEqual(self.status("/hello.txt"), "200 text/plain; charset=utf-8")
        self.assertEqual(self.status("/big.bin"), "200 application/octet-stream")

    def test_head_sends_the_head_only(self):
        head = exchange(self.server.port, b"HEAD /big.bin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 OK\r\n"), head)
        self.assertIn(b"\r\nContent-Length: %d\r\n" % len(self.big), head)
        self.assertTrue(head.endswith(b"\r\n\r\n"), head)
        self.assertEqual(head.count(b"\r\n\r\n"), 1)

    def test_ranges(self):
        size = len(self.big)
        self.assertEqual(self.curl("/big.bin", "-r", "0-0"), self.big[:1])
        self.assertEqual(self.curl("/big.bin", "-r", "65000-131999"), self.big[65000:132000])
        self.assertEqual(self.curl("/big.bin", "-r", "8999990-"), self.big[8999990:])
        self.assertEqual(self.curl("/big.bin", "-r", "-100000"), self.big[-100000:])
        self.assertTrue(self.status("/big.bin", "-r", "1-2").startswith("206 "))
        self.assertTrue(self.status("/big.bin", "-r", f"{size}-").startswith("416 "))
        self.assertTrue(self.status("/big.bin", "-r", "1-2,5-6").startswith("200 "))

    def test_two_files_on_one_connection(self):
        url = self.server.url
        out = run(*CURL, "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", url + "/hello.txt", url + "/big.bin")
        self.assertEqual(out[0], b"1 0 ")

    def test_old_clients_get_a_connection_each(self):
        """DC-7, CL-4: what was sent arrives, then the end."""
        reply = exchange(self.server.port, b"GET /big.bin HTTP/1.0\r\n\r\n")
        head, _, body = reply.partition(b"\r\n\r\n")
        self.assertIn(b"\r\nConnection: close", head)
        self.assertEqual(body, self.big)
        self.assertEqual(self.curl("/hello.txt", "--http1.0"), b"Hello, world.\n")

    def test_pipelined_requests_are_answered_in_order(self):
        """R-5, S-4; many more requests than fit into what the server keeps of them."""
        count = 3000
        requests = b"".join(
            b"GET /hello.txt?%d HTTP/1.1\r\nHost: h\r\nRange: bytes=%d-\r\n\r\n" % (i, i % 14) for i in range(count)
        )
        last = b"GET /hello.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        with connect(self.server.port) as sock:
            sock.sendall(requests + last)
            reply = read_all(sock)
        self.assertEqual(reply.count(b"HTTP/1.1 206 "), count)
        starts = [int(start) for start in re.findall(rb"Content-Range: bytes (\d+)-13/14", reply)]
        self.assertEqual(starts, [i % 14 for i in range(count)])
        self.assertTrue(reply.endswith(b"\r\n\r\nHello, world.\n"))

    def test_a_request_may_come_byte_by_byte(self):
        with connect(self.server.port) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b"GET /hello.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n":
                sock.send(bytes([byte]))
            self.assertTrue(read_all(sock).endswith(b"\r\n\r\nHello, world.\n"))

    def test_nothing_outside_the_folder_is_served(self):
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/sub%20dir/../../secret.txt",
                     "/leak.txt", "/slash/etc/passwd", "//etc/passwd", "/./../secret.txt"):
            with self.subTest(path=path):
                self.assertTrue(self.status(path, "--path-as-is").startswith("404 "), path)
                raw = exchange(self.server.port, b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
                self.assertTrue(raw.startswith(b"HTTP/1.1 404 "), raw)
        self.assertTrue(self.status("/hello.txt%00.html").startswith("400 "))
        raw = exchange(self.server.port, b"GET /hello.txt\0 HTTP/1.0\r\n\r\n")
        self.assertTrue(raw.startswith(b"HTTP/1.1 400 "), raw)

    def test_refusals(self):
        self.assertTrue(self.status("/nothing").startswith("404 "))
        self.assertTrue(self.status("/hello.txt", "-X", "DELETE").startswith("405 "))
        self.assertTrue(self.status("/hello.txt", "-X", "BREW").startswith("501 "))
        for request, status in (
            (b"nonsense\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/3.0\r\n\r\n", 505),
            (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 20000 + b"\r\n\r\n", 431),
        ):
            reply = exchange(self.server.port, request)
            self.assertTrue(reply.startswith(b"HTTP/1.1 %d " % status), reply)
            self.assertIn(b"\r\nConnection: close\r\n", reply)

    def test_the_body_of_a_request_is_never_a_request(self):
        inner = b"GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n"
        request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(inner)
        reply = exchange(self.server.port, request + inner)
        self.assertEqual(reply.count(b"HTTP/1.1 "), 1, reply)

    def test_folders_are_listed(self):
        page = self.curl("/").decode()
        self.assertIn('<a href="./hello.txt">hello.txt</a> 14 bytes', page)
        self.assertIn('<a href="./sub%20dir/">sub dir/</a>', page)
        self.assertNotIn("secret", page)
        page = self.curl("/sub%20dir/").decode()
        link = re.search(r'href="\./([^"]*)">(.*?)</a>', page)
        self.assertEqual(link.group(2), "&lt;odd&gt; &amp; é.html")
        self.assertEqual(self.curl("/sub%20dir/" + link.group(1)), b"<p>odd")
        self.assertEqual(self.curl("/sub%20dir", "-L"), page.encode())

    def test_index_comes_before_the_list(self):
        path = os.path.join(self.folder, "site")
        os.mkdir(path)
        with open(os.path.join(path, "index.html"), "wb") as file:
            file.write(b"<h1>index")
        self.assertEqual(self.curl("/site/"), b"<h1>index")

    def test_unchanged_files_are_not_sent_again(self):
        head = self.curl("/hello.txt", "-I").decode()
        modified = re.search(r"Last-Modified: (.*)\r\n", head).group(1)
        self.assertTrue(self.status("/hello.txt", "-H", f"If-Modified-Since: {modified}").startswith("304 "))

    def test_clients_that_go_away_leave_nothing_behind(self):
        """R-7, S-8: resets in the middle of a file; CL-1: all descriptors come back."""
        for _ in range(50):
            with connect(self.server.port) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.sendall(b"GET /big.bin HTTP/1.1\r\nHost: h\r\n\r\n")
                sock.recv(1000)
        # A client that closes is noticed when its end is read; later clients are served after that.
        for _ in range(1000):
            self.assertEqual(self.curl("/hello.txt"), b"Hello, world.\n")
            if self.server.descriptors() <= self.before + 1:
                return
        self.fail(f"{self.server.descriptors()} descriptors, {self.before} at the start")


class Starting(unittest.TestCase):
    def test_port_and_address_are_taken_and_printed(self):
        with Server("httpd", "--address", "::1", ".") as server:
            self.assertRegex(server.line, r"^listening on http://\[::1\]:\d+/$")
            run(*CURL, f"http://[::1]:{server.port}/")
        with Server("httpd", "--log", ".") as server:
            run(*CURL, server.url + "/")
            # The port is busy: -147, and a clear end.
            _, errors = run(program("httpd"), "--port", str(server.port), ".", code=1)
            self.assertIn(b"net::ERR_ADDRESS_IN_USE", errors)
        log = server.output.decode()
        self.assertRegex(log, r"(?m)^! sockets\.tcpServer\.onAccept \{socketId \d+, clientSocketId \d+\}$")
        self.assertRegex(log, r"(?m)^< sockets\.tcp\.send \{socketId \d+, result 0, bytesSent \d+\}$")

    def test_more_clients_than_descriptors(self):
        """AC-6: -12, accepting stops; AC-7 [D2]: it goes on when httpd unpauses the server."""
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "file"), "wb") as file:
                file.write(b"content")
            with Server("httpd", folder, descriptors=64, complaint="(-12)") as server:
                clients = [connect(server.port) for _ in range(100)]
                for client in clients:
                    client.sendall(b"GET /file HTTP/1.1\r\nHost: h\r\n\r\n")
                for client in clients:  # each that leaves makes room for one that waits
                    reply = client.recv(1000)
                    # A client may get the last descriptor there is, then its file cannot be opened.
                    self.assertRegex(reply, rb"^HTTP/1\.1 (200|503) ")
                    client.close()
                self.assertEqual(run(*CURL, server.url + "/file")[0], b"content")

    def test_wrong_arguments_are_refused(self):
        run(program("httpd"), code=2)
        run(program("httpd"), "--port", "65536", ".", code=2)
        run(program("httpd"), "--address", "localhost", ".", code=1)  # listen step 4: literals only
        run(program("httpd"), "/does/not/exist", code=1)


if __name__ == "__main__":
    main()
