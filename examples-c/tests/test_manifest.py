"""httpd and fetch with --manifest, with the sample manifests and with others."""

import json
import os
import socket
import tempfile
import unittest

from support import LOCAL, Peer, Server, main, program, read_head, run

FETCH, HTTPD = program("fetch"), program("httpd")
SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "manifests")
DENIED = "Does not have permission"
UNKNOWN = "is unknown or URL pattern is malformed."


def sample(name):
    return os.path.join(SAMPLES, name + ".json")


class Manifest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        self.listener = socket.create_server((LOCAL, 0))
        self.addCleanup(self.listener.close)
        self.port = self.listener.getsockname()[1]

    def write(self, content):
        path = os.path.join(self.folder, "manifest.json")
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def sockets(self, **keys):
        return self.write({"name": "test", "sockets": keys})

    def fails(self, code, lines, *command):
        """Ends with this code and exactly these lines, and nobody was connected to."""
        out, errors = run(*command, code=code)
        self.assertEqual(out, b"")
        self.assertEqual(errors.decode(), "".join(line + "\n" for line in lines))
        self.listener.setblocking(False)
        self.assertRaises(BlockingIOError, self.listener.accept)

    def fetch_denied(self, manifest, host, port, why=None):
        why = why or f'no sockets.tcp.connect rule of the manifest allows host "{host}" port {port}'
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"fetch: chrome.sockets.tcp.connect: {why}", f"fetch: {authority}: {DENIED}"]
        self.fails(6, lines, FETCH, "--manifest", manifest, f"http://{authority}/")

    def httpd_denied(self, manifest, address, port, why=None):
        why = why or f'no sockets.tcpServer.listen rule of the manifest allows host "{address}" port {port}'
        lines = [f"httpd: chrome.sockets.tcpServer.listen: {why}", f"httpd: listening: {DENIED}"]
        self.fails(3, lines, HTTPD, "--manifest", manifest, "--address", address, "--port", str(port), self.folder)

    def test_the_samples_let_them_talk(self):
        content = os.urandom(300_000)
        with open(os.path.join(self.folder, "file"), "wb") as file:
            file.write(content)
        with Server("httpd", "--manifest", sample("httpd"), self.folder) as server:
            self.assertEqual(run(FETCH, "--manifest", sample("fetch"), server.url + "/file"), (content, b""))

    def test_one_host_and_port(self):
        """permissions.md 3: the text decides, and the port."""
        with Peer(lambda sock: (read_head(sock), sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))) as peer:
            manifest = self.sockets(tcp={"connect": f"{LOCAL}:{peer.port}"})
            self.fetch_denied(manifest, LOCAL, self.port)
            self.fetch_denied(manifest, "localhost", peer.port)
            self.fetch_denied(manifest, "127.1", peer.port)
            self.fetch_denied(manifest, "::1", peer.port)
            self.assertEqual(run(FETCH, "--manifest", manifest, f"http://{LOCAL}:{peer.port}/"), (b"ok", b""))

    def test_the_samples_deny_the_rest(self):
        self.fetch_denied(sample("fetch"), "localhost", self.port)
        self.fetch_denied(sample("fetch"), "www.example.com", 8080)
        self.fetch_denied(sample("nothing"), LOCAL, self.port)
        self.httpd_denied(sample("httpd"), "0.0.0.0", 0)
        self.httpd_denied(sample("httpd"), "::1", 0)
        self.httpd_denied(sample("nothing"), LOCAL, 0)
        self.httpd_denied(sample("fetch"), LOCAL, 0)  # may connect there, not listen
        self.fetch_denied(sample("httpd"), LOCAL, self.port)

    def test_without_the_key(self):
        """permissions.md 1: rules for chrome.socket do not count for chrome.sockets."""
        manifest = self.write({"permissions": [{"socket": ["tcp-connect", "tcp-listen"]}]})
        why = 'the manifest has no "sockets" key'
        self.fetch_denied(manifest, LOCAL, self.port, why)
        self.httpd_denied(manifest, LOCAL, 0, why)

    def test_a_redirect_is_asked_for_anew(self):
        away = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://localhost:%d/\r\n\r\n" % self.port
        with Peer(lambda sock: (read_head(sock), sock.sendall(away))) as peer:
            why = f'no sockets.tcp.connect rule of the manifest allows host "localhost" port {self.port}'
            lines = [f"fetch: chrome.sockets.tcp.connect: {why}", f"fetch: localhost:{self.port}: {DENIED}"]
            self.fails(6, lines, FETCH, "--manifest", sample("fetch"), f"http://{LOCAL}:{peer.port}/")

    def test_the_transcript_shows_it(self):
        _, errors = run(FETCH, "-v", "--manifest", sample("nothing"), f"http://{LOCAL}:{self.port}/", code=6)
        lines = errors.decode().splitlines()
        told = next(i for i, line in enumerate(lines) if line.startswith("! permission denied {"))
        done = next(i for i, line in enumerate(lines) if line.startswith("< sockets.tcp.connect {"))
        self.assertIn(f'socketId 1, address "{LOCAL}", port {self.port}}}: chrome.sockets.tcp.connect: ', lines[told])
        self.assertEqual(lines[done], f"< sockets.tcp.connect {{socketId 1}} failed: {DENIED}")
        self.assertLess(told, done)

    def bad(self, path, *lines):
        lines = [f"{path}: {line}" for line in lines]
        url = f"http://{LOCAL}:{self.port}/"
        self.fails(1, ["fetch: " + line for line in lines], FETCH, "--manifest", path, url)
        self.fails(2, ["httpd: " + line for line in lines], HTTPD, "--manifest", path, self.folder)

    def test_bad_manifests(self):
        """permissions.md 5: refused as a whole, with Chrome's words and the place."""
        self.bad(sample("broken"), "sockets.tcp.connect[1]: Invalid host:port pattern '[::1]:80'")
        self.bad(self.write({"sockets": 5}), "sockets: expected dictionary, got integer")
        self.bad(self.write({"permissions": [{"socket": 1}]}),
                 "permissions[0].socket: Invalid value for 'permissions[socket]': "
                 "Cannot parse the permission list. It's not a list..")
        self.bad(self.write(b'{"name": "a\0b"}'), "this is not a text file")
        self.bad(os.path.join(self.folder, "missing.json"), "No such file or directory")
        _, errors = run(FETCH, "--manifest", self.write(b"{"), f"http://{LOCAL}:{self.port}/", code=1)
        self.assertIn(b"Manifest is not valid JSON (line 1", errors)

    def test_warnings_are_shown(self):
        path = self.write({"permissions": ["bogus", {"socket": ["a:b:c:d"]}],
                           "sockets": {"tcpServer": {"listen": LOCAL}, "tcp": {"connect": LOCAL}}})
        with Server("httpd", "--manifest", path, self.folder, complaint=UNKNOWN) as server:
            _, errors = run(FETCH, "--manifest", path, server.url + "/")
        self.assertEqual(errors.decode().splitlines(), [
            f"fetch: {path}: Permission 'bogus' {UNKNOWN}", f"fetch: {path}: Permission '\"a:b:c:d\"' {UNKNOWN}"])

    def test_wrong_arguments_are_refused(self):
        for arguments in (("--manifest",), ("--manifest", "a"), ("--manifest", "a", "--manifest", "b", "http://x/")):
            run(FETCH, *arguments, code=1)
            run(HTTPD, *arguments, code=2)


if __name__ == "__main__":
    main()
