"""fetch https://…, against nginx, OpenSSL's s_server and Python's ssl."""

import os
import ssl
import subprocess
import tempfile
import unittest

import nginx
from certificates import Authority
from support import DEADLINE, LOCAL, Peer, main, need, program, read_head, read_line, run

need("nginx", "openssl")
FETCH = program("fetch")
CONFIG = """
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location /plain {{ return 302 http://localhost/hello.txt; }}
"""


def setUpModule():
    global scratch, authority, good
    scratch = tempfile.TemporaryDirectory()
    authority = Authority(scratch.name)
    good = authority.server("good")


def tearDownModule():
    scratch.cleanup()


def get(port, path="/", code=0, trusting=True, host="localhost"):
    trust = ("--cacert", authority.pem) if trusting else ()
    return run(FETCH, "-v", *trust, f"https://{host}:{port}{path}", code=code)


def secured(serve, certificate=None, seen=None, **settings):
    """A peer on Python's ssl. Handshakes that fail are what some tests want: the client tells of them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*(certificate or good))
    context.sni_callback = lambda sock, name, context: seen.append(name) if seen is not None else None
    for name, value in settings.items():
        setattr(context, name, value)

    def handle(sock):
        try:
            tls = context.wrap_socket(sock, server_side=True)
        except (ssl.SSLError, ConnectionError):
            return
        with tls:
            serve(tls)

    return Peer(handle)


def answer(*pieces):
    def serve(sock):
        read_head(sock)
        for piece in pieces:
            sock.sendall(piece)
    return serve


OK = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Nginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        more = CONFIG.format(certificate=good[0], key=good[1])
        cls.server = nginx.Server(scratch.name, listen="ssl", more=more)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_with_a_length(self):
        """TLS-11, recipe 1; TLS-42: nothing is lost between secure and the end of the pause."""
        body, log = get(self.server.port, "/big.bin")
        self.assertEqual(body, nginx.BIG)
        self.assertIn(b"  | Content-Length: %d\n" % len(nginx.BIG), log)

    def test_chunked(self):
        body, log = get(self.server.port, "/chunked/big.bin")
        self.assertEqual(body, nginx.BIG)
        self.assertIn(b"  | Transfer-Encoding: chunked\n", log)

    def test_redirects_stay_secured(self):
        self.assertEqual(get(self.server.port, "/moved")[0], b"hello\n")
        _, log = get(self.server.port, "/plain", code=3)
        self.assertIn(b"from https back to http", log)

    def test_by_address(self):
        """TLS-22, D11: the certificate names the address."""
        self.assertEqual(get(self.server.port, "/hello.txt", host=LOCAL)[0], b"hello\n")

    def test_plain_http_on_the_port(self):
        """7.7: the other way round, http:// where TLS is spoken, is the server's to complain about."""
        run(FETCH, f"http://localhost:{self.server.port}/", code=4)


class Openssl(unittest.TestCase):
    def test_versions_agreed_upon(self):
        """7.3: TLS 1.2 and 1.3; 7.7: nothing below."""
        for version, code, said in (("-tls1_2", 0, b"tls1.2"), ("-tls1_3", 0, b"tls1.3"),
                                    ("-tls1_1", 7, b"net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH")):
            with self.subTest(version=version):
                server = subprocess.Popen(
                    ["openssl", "s_server", "-accept", f"{LOCAL}:0", "-www", version, "-cipher", "ALL:@SECLEVEL=0",
                     "-cert", good[0], "-key", good[1]],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
                try:
                    line = ""
                    while not line.startswith("ACCEPT"):
                        line = read_line(server.stdout, "openssl s_server")
                    body, log = get(line.rsplit(":", 1)[1].strip(), code=code)
                finally:
                    server.kill()
                    server.wait(DEADLINE)
                    server.stdout.close()
                self.assertIn(said, log)
                self.assertEqual(b"s_server" in body, code == 0)


class PythonSsl(unittest.TestCase):
    def test_the_order_of_calls(self):
        """TLS-11, recipe 1; TLS-21: the name of the connect is what is asked for and verified."""
        seen = []
        with secured(OK, seen=seen) as peer:
            body, log = get(peer.port)
        self.assertEqual((body, seen), (b"ok", ["localhost"]))
        lines = log.decode().split("\n")
        order = [next(i for i, line in enumerate(lines) if line.startswith(start)) for start in (
            "> sockets.tcp.setPaused(1, true)", "> sockets.tcp.connect(", "> sockets.tcp.secure(1)",
            "< sockets.tcp.secure {socketId 1, result 0}", "> sockets.tcp.send(", "> sockets.tcp.setPaused(1, false)",
            "! sockets.tcp.onReceive {", "  | HTTP/1.1 200 OK")]
        self.assertEqual(order, sorted(order), log.decode())
        self.assertRegex(log, rb'tls1\.3, TLS_AES_\w+, \w+, a certificate for "localhost"')

    def test_a_body_until_the_end(self):
        """TLS-43: the end of TLS and the bare end of TCP are both -100."""
        body = os.urandom(300_000)
        for says_goodbye in (True, False):
            def serve(sock):
                answer(b"HTTP/1.0 200 OK\r\n\r\n", body)(sock)
                if says_goodbye:
                    try:
                        sock.unwrap()
                    except (ssl.SSLError, OSError):
                        pass  # the client has left before it answered
            with self.subTest(says_goodbye=says_goodbye), secured(serve) as peer:
                self.assertEqual(get(peer.port)[0], body)

    def refused(self, certificate, code, **how):
        with secured(lambda sock: self.fail("the client went on"), certificate) as peer:
            body, log = get(peer.port, code=7, **how)
        self.assertIn(code, log)
        self.assertEqual(body, b"")
        self.assertNotIn(b"> sockets.tcp.send(", log)  # no byte of the request
        return log

    def test_certificates_that_are_refused(self):
        """7.8, and its order: what is worse is told."""
        for name, certificate, code in (
            ("name", authority.server("name", "DNS:other.invalid"), b"net::ERR_CERT_COMMON_NAME_INVALID"),
            ("date", authority.server("date", has_expired=True), b"net::ERR_CERT_DATE_INVALID"),
            ("both", authority.server("both", "DNS:other.invalid", True), b"net::ERR_CERT_COMMON_NAME_INVALID"),
        ):
            with self.subTest(name=name):
                self.refused(certificate, code)

    def test_authorities_nobody_knows(self):
        log = self.refused(good, b"net::ERR_CERT_AUTHORITY_INVALID", trusting=False)
        self.assertIn(b"--cacert FILE", log)

    def test_a_certificate_of_ours_wanted(self):
        """Spec README S9: TLS 1.2 refuses in the handshake, TLS 1.3 after it; both are -110."""
        for version, code in ((ssl.TLSVersion.TLSv1_2, 7), (ssl.TLSVersion.TLSv1_3, 2)):
            with self.subTest(version=version):
                def serve(sock):
                    try:
                        sock.recv(1)
                    except ssl.SSLError:
                        pass
                context = {"verify_mode": ssl.CERT_REQUIRED, "minimum_version": version, "maximum_version": version}
                with secured(serve, **context) as peer:
                    _, log = get(peer.port, code=code)
                self.assertRegex(log, rb"SSL_CLIENT_AUTH_CERT_NEEDED|a client certificate|certificate from its clients")

    def test_plain_http_on_the_port(self):
        """7.7: what is not TLS is -107."""
        def serve(sock):
            sock.recv(1)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with Peer(serve) as peer:
            self.assertIn(b"net::ERR_SSL_PROTOCOL_ERROR", get(peer.port, code=7)[1])

    def test_the_end_in_the_handshake(self):
        """7.7: -100."""
        with Peer(lambda sock: sock.recv(1 << 16)) as peer:
            self.assertIn(b"net::ERR_CONNECTION_CLOSED", get(peer.port, code=7)[1])

    def test_files_of_authorities_that_are_none(self):
        for text in (b"", b"hello\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            with self.subTest(text=text), tempfile.NamedTemporaryFile() as file:
                file.write(text)
                file.flush()
                _, log = run(FETCH, "--cacert", file.name, "https://localhost/", code=1)
                self.assertIn(b"not a list of certificates in PEM", log)


if __name__ == "__main__":
    main()
