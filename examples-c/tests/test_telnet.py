"""telnet, through pipes: against echo, and against a raw peer that speaks some telnet."""

import os
import socket
import subprocess
import unittest

from support import DEADLINE, LOCAL, Peer, Server, main, program, run

IAC, DONT, DO, WONT, WILL, SB, SE = (bytes([n]) for n in (255, 254, 253, 252, 251, 250, 240))


def start(port):
    return subprocess.Popen(
        [program("telnet"), LOCAL, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.read(count - len(data))
        if not piece:
            raise AssertionError(f"ended after {len(data)} of {count} bytes")
        data += piece
    return data


class Telnet(unittest.TestCase):
    def test_everything_typed_comes_back_from_echo(self):
        """R-6: telnet ends, with 0, when echo closes; the end of its input alone does not end it."""
        with Server("echo") as server:
            telnet = start(server.port)
            # All byte values, and what the line ends and 255 become on the way, and back.
            text = bytes(range(256)) * 40 + b"\r\n\n\r\r\xff\xff\n" + b"last line\n"
            telnet.stdin.write(text)
            telnet.stdin.close()
            self.assertEqual(read_exactly(telnet.stdout, len(text)), text)
            self.assertIsNone(telnet.poll())
        self.assertEqual(telnet.wait(DEADLINE), 0)
        self.assertEqual(telnet.stdout.read(), b"")
        telnet.stdout.close()
        self.assertEqual(telnet.stderr.read(), b"telnet: connected\n")
        telnet.stderr.close()

    def test_long_input_waits_for_the_network(self):
        text = os.urandom(1_500_000).replace(b"\r", b"x")
        got = []

        def serve(sock):
            sock.recv(1)  # then everything after it
            data = bytearray()
            while data.count(b"\x00END") == 0:
                piece = sock.recv(65536)
                assert piece, "closed early"
                data += piece
            got.append(bytes(data))

        with Peer(serve) as peer:
            out, _ = run(program("telnet"), LOCAL, str(peer.port), input=b"1" + text.replace(b"\x00", b"x") + b"\x00END")
        self.assertEqual(out, b"")
        want = text.replace(b"\x00", b"x").replace(b"\xff", b"\xff\xff").replace(b"\n", b"\r\n") + b"\x00END"
        self.assertTrue(got[0] == want, "other bytes arrived")

    def test_options_are_refused_and_commands_skipped(self):
        answers = []

        def serve(sock):
            sock.sendall(b"log" + IAC + DO + b"\x01" + b"in" + IAC + WILL + b"\x03" + IAC + b"\xf1" + b": ")
            sock.sendall(IAC + SB + b"\x18\x01\xff\xff\x02" + IAC + SE + b"a" + IAC + IAC + b"b\r\nc\r\0d")
            sock.sendall(IAC + WONT + b"\x05" + IAC + DONT + b"\x05")
            sock.sendall(IAC)  # cut in two
            answers.append(read_exactly_from(sock, 6))
            sock.sendall(DO + b"\x06" + b"end")
            answers.append(read_exactly_from(sock, 3))

        with Peer(serve) as peer:
            out, _ = run(program("telnet"), LOCAL, str(peer.port), input=b"")
        self.assertEqual(out, b"login: a\xffb\nc\rdend")
        self.assertEqual(answers, [IAC + WONT + b"\x01" + IAC + DONT + b"\x03", IAC + WONT + b"\x06"])

    def test_reads_on_after_the_end_of_its_input(self):
        def serve(sock):
            assert sock.recv(100) == b"hi\r\n"
            for number in range(1000):
                sock.sendall(b"line %d\r\n" % number)

        with Peer(serve) as peer:
            out, _ = run(program("telnet"), LOCAL, str(peer.port), input=b"hi\n")
        self.assertEqual(out, b"".join(b"line %d\n" % number for number in range(1000)))

    def test_failures(self):
        with socket.socket() as bound:  # bound and not listening: refused for sure
            bound.bind((LOCAL, 0))
            _, errors = run(program("telnet"), LOCAL, str(bound.getsockname()[1]), input=b"x\n", code=1)
        self.assertIn(b"net::ERR_CONNECTION_REFUSED", errors)
        for arguments in ((), (LOCAL,), (LOCAL, "0"), (LOCAL, "65536"), (LOCAL, "x")):
            run(program("telnet"), *arguments, code=2)


def read_exactly_from(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        assert piece, f"ended after {data!r}"
        data += piece
    return data


if __name__ == "__main__":
    main()
