"""smtp_starttls, against aiosmtpd and raw peers."""

import os
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

from certificates import Authority
from support import DEADLINE, LOCAL, Peer, main, need, program, run

need("openssl")
# Debian's Python has Debian's packages; the one in the path need not be that.
PYTHON = next((python for python in (sys.executable, "/usr/bin/python3")
               if subprocess.run([python, "-c", "import aiosmtpd"], stderr=subprocess.DEVNULL).returncode == 0), None)
if PYTHON is None:
    print("skipped: aiosmtpd is not installed")
    sys.exit(77)
CLIENT = program("smtp_starttls")


def setUpModule():
    global scratch, authority, good, context
    scratch = tempfile.TemporaryDirectory()
    authority = Authority(scratch.name)
    good = authority.server("good")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*good)


def tearDownModule():
    scratch.cleanup()


def talk(port, code=0, host="localhost", trusting=True):
    trust = ("--cacert", authority.pem) if trusting else ()
    out, errors = run(CLIENT, *trust, host, str(port), code=code)
    return out.decode().splitlines(), errors.decode()


class MailServer:
    """aiosmtpd on a port of the system's choice."""

    def __init__(self, *certificate):
        with socket.create_server((LOCAL, 0)) as listener:
            self.port = listener.getsockname()[1]
            self.process = subprocess.Popen(
                [PYTHON, "-B", os.path.join(os.path.dirname(__file__), "mail_server.py"), str(listener.fileno()),
                 *certificate], pass_fds=(listener.fileno(),), stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(DEADLINE)


class MailServers(unittest.TestCase):
    def test_the_conversation(self):
        """TLS-11, recipe 2."""
        with MailServer(*good) as server:
            lines, errors = talk(server.port)
        self.assertEqual(errors, "")
        said = [line for line in lines if not line.startswith("S: ")]
        self.assertEqual(said[:2] + said[3:], ["C: EHLO client.invalid", "C: STARTTLS", "C: EHLO client.invalid", "C: QUIT"])
        self.assertRegex(said[2], r'^-- secured: tls1\.3, TLS_AES_\w+, \w+, for "localhost"$')
        offers = [i for i, line in enumerate(lines) if line in ("S: 250-STARTTLS", "S: 250 STARTTLS")]
        self.assertEqual(len(offers), 1, lines)  # before TLS, and not again
        self.assertLess(offers[0], lines.index(said[2]))
        self.assertTrue(lines[-1].startswith("S: 221"))

    def test_without_starttls(self):
        with MailServer() as server:
            _, errors = talk(server.port, code=3)
        self.assertIn("does not offer STARTTLS", errors)

    def test_a_certificate_nobody_vouches_for(self):
        """7.8: -202; TLS-10: there is no way back to plain text."""
        with MailServer(*good) as server:
            lines, errors = talk(server.port, code=7, trusting=False)
        self.assertIn("net::ERR_CERT_AUTHORITY_INVALID", errors)
        self.assertEqual(lines[-2], "C: STARTTLS")


class RawPeers(unittest.TestCase):
    def serve(self, sock, answer):
        """Up to TLS; the answer to STARTTLS comes in these pieces."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = sock.makefile("rb")
        sock.sendall(b"220-mail\r\n220 ready\r\n")
        assert lines.readline().startswith(b"EHLO")
        sock.sendall(b"250-mail\r\n250-SIZE 1\r\n250 STARTTLS\r\n")
        assert lines.readline() == b"STARTTLS\r\n"
        for piece in answer:
            sock.sendall(piece)

    def test_an_answer_in_pieces(self):
        """PA-3: each pause leaves one read, which brings one piece."""
        def serve(sock):
            self.serve(sock, [bytes([byte]) for byte in b"220 go ahead\r\n"])
            with context.wrap_socket(sock, server_side=True) as tls:
                assert tls.recv(100).startswith(b"EHLO")
                tls.sendall(b"250 mail\r\n")
                assert tls.recv(100) == b"QUIT\r\n"
                tls.sendall(b"221 bye\r\n")
        with Peer(serve) as peer:
            self.assertEqual(talk(peer.port)[0][-1], "S: 221 bye")

    def test_answers_injected_before_tls(self):
        """TLS-28: what came in plain text is never taken for what came after it."""
        def serve(sock):
            self.serve(sock, [b"220 go ahead\r\n250 evil\r\n"])
            sock.recv(1)
        with Peer(serve) as peer:
            lines, errors = talk(peer.port, code=3)
        self.assertIn("says more than it was asked for", errors)
        self.assertNotIn("S: 250 evil", lines)

    def test_starttls_refused(self):
        def serve(sock):
            self.serve(sock, [b"454 not now\r\n"])
        with Peer(serve) as peer:
            self.assertEqual(talk(peer.port, code=3)[0][-1], "S: 454 not now")

    def test_wrong_arguments_are_refused(self):
        for arguments in ((), (LOCAL,), (LOCAL, "0"), (LOCAL, "65536"), (LOCAL, "1x"), ("--cacert", LOCAL, "1")):
            run(CLIENT, *arguments, code=1)


if __name__ == "__main__":
    main()
