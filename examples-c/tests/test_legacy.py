"""legacy_echo and legacy_client: against each other, and against socat and nc."""

import os
import re
import socket
import subprocess
import unittest

from support import DEADLINE, LOCAL, Peer, Server, connect, main, need, program, read_all, run

need("socat", "nc")
CLIENT = program("legacy_client")
BIG = os.urandom(3_000_000)


def client(port, *options, input=b"", code=0):
    return run(CLIENT, *options, LOCAL, str(port), input=input, code=code)


def udp_socket():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((LOCAL, 0))
    sock.settimeout(DEADLINE)
    return sock


class Echo(unittest.TestCase):
    def test_the_pair_over_tcp(self):
        """socket-legacy.md 4.6, 4.7: all bytes, in order; 0 bytes at the end of the stream is the end."""
        with Server("legacy_echo") as server:
            for content in (b"", b"x", b"line\n", BIG):
                out, errors = client(server.port, input=content)
                self.assertTrue(out == content, "other bytes came back")
                self.assertEqual(errors, b"")

    def test_the_pair_over_udp(self):
        """4.8, 4.9: on the same port; empty datagrams, too."""
        lines = b"".join(b"line %d\n" % number for number in range(200)) + b"\n" + b"x" * 60000 + b"\n"
        with Server("legacy_echo") as server:
            self.assertEqual(client(server.port, "--udp", input=lines), (lines, b""))

    def test_many_clients_at_once(self):
        """4.11: each accept one connection, with an id of its own."""
        with Server("legacy_echo") as server:
            socks = [connect(server.port) for _ in range(100)]
            for number, sock in enumerate(socks):
                sock.sendall(b"%d" % number)
            for number, sock in enumerate(socks):
                want = b"%d" % number
                got = b""
                while len(got) < len(want):
                    got += sock.recv(100)
                self.assertEqual(got, want)
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(sock), b"")
                sock.close()

    def test_no_descriptors_left(self):
        """It waits for one of its clients to leave, and goes on."""
        with Server("legacy_echo", descriptors=24) as server:
            socks = [connect(server.port) for _ in range(40)]
            for sock in socks:
                sock.sendall(b"x")
            for sock in socks:
                self.assertEqual(sock.recv(1), b"x")
                sock.close()

    def test_socat_over_tcp(self):
        with Server("legacy_echo") as server:
            # It half-closes after the last byte; what was sent before must come back first.
            out, _ = run("socat", "-t", str(DEADLINE), "-b", "100000", "-", f"TCP:{LOCAL}:{server.port}", input=BIG)
            self.assertTrue(out == BIG, f"{len(out)} of {len(BIG)} bytes came back")

    def test_socat_over_udp(self):
        """Datagrams in both directions: socat sends what it reads at once as one."""
        with Server("legacy_echo") as server:
            for content in (b"x", b"two\nlines\n", os.urandom(8000)):
                process = subprocess.Popen(["socat", "-b", "65536", "-", f"UDP:{LOCAL}:{server.port}"],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
                process.stdin.write(content)
                self.assertEqual(process.stdout.read(65536), content)
                process.kill()
                process.communicate(timeout=DEADLINE)

    def test_nc(self):
        with Server("legacy_echo") as server:
            self.assertEqual(run("nc", "-N", LOCAL, str(server.port), input=b"by nc\n")[0], b"by nc\n")
            process = subprocess.Popen(["nc", "-u", LOCAL, str(server.port)], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, bufsize=0)
            for line in (b"one\n", b"two\n"):
                process.stdin.write(line)
                self.assertEqual(process.stdout.read(100), line)
            process.kill()
            process.communicate(timeout=DEADLINE)

    def test_a_port_in_use(self):
        """4.10 row 8, and for UDP 4.4 row 7."""
        with socket.create_server((LOCAL, 0)) as tcp:
            port = tcp.getsockname()[1]
            self.assertIn(b"Could not listen on the specified port.",
                          run(program("legacy_echo"), "--port", str(port), code=1)[1])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.bind((LOCAL, port))
                tcp.close()  # now it is free for TCP only
                self.assertIn(b"legacy_echo: bind: ", run(program("legacy_echo"), "--port", str(port), code=1)[1])

    def test_ends_by_signal_with_clients_connected(self):
        with Server("legacy_echo") as server:
            socks = [connect(server.port) for _ in range(8)]
            for sock in socks:
                sock.sendall(b"x")
                self.assertEqual(sock.recv(1), b"x")
        for sock in socks:
            self.assertEqual(sock.recv(1), b"")
            sock.close()

    def test_wrong_arguments_are_refused(self):
        for arguments in (("--port", "65536"), ("--port",), ("--port", "1x"), ("x",)):
            run(program("legacy_echo"), *arguments, code=2)


class Client(unittest.TestCase):
    def socat(self, *addresses):
        """A server: its port is in what it says at -dd."""
        process = subprocess.Popen(["socat", "-dd", "-b", "65536", *addresses], stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for line in process.stderr:
            found = re.search(r"listening on .*:(\d+)", line)
            if found:
                return int(found.group(1))
        self.fail("socat does not listen")

    def test_socat_over_tcp(self):
        port = self.socat(f"TCP-LISTEN:0,bind={LOCAL}", "EXEC:cat")
        self.assertTrue(client(port, input=BIG)[0] == BIG, "other bytes came back")

    def test_socat_over_udp(self):
        """A socat that listens on a datagram socket takes the first sender as its peer."""
        with udp_socket() as sock:
            port = sock.getsockname()[1]
        process = subprocess.Popen(["socat", "-dd", "-b", "65536", f"UDP-LISTEN:{port},bind={LOCAL}", "EXEC:cat"],
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        while "listening on" not in process.stderr.readline():
            self.assertIsNone(process.poll())
        lines = b"one\ntwo two\nthree\n"
        out, _ = client(port, "--udp", input=lines)
        self.assertEqual(out, lines)

    def test_nc(self):
        """Whatever is typed there, at last its end."""
        process = subprocess.Popen(["nc", "-lv", "-s", LOCAL, "-p", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, bufsize=0)
        line = b""
        while not re.search(rb"Listening on \S+ (\d+)", line):
            line = process.stderr.readline()
            self.assertTrue(line, "nc does not listen")
        port = int(line.split()[-1])
        started = subprocess.Popen([CLIENT, LOCAL, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        started.stdin.write(b"question")
        self.assertEqual(process.stdout.read(100), b"question")
        process.stdin.write(b"ans")
        self.assertEqual(started.stdout.read(100), b"ans")
        process.kill()
        process.communicate(timeout=DEADLINE)
        # The other side is gone before all came back: that is an end, not an error.
        self.assertEqual(started.wait(DEADLINE), 0)
        started.stdin.close()
        started.stdout.close()

    def test_a_reset(self):
        """4.6 TCP 7, D4: the real code, -101."""
        def reset(sock):
            sock.recv(100)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        with Peer(reset) as peer:
            self.assertIn(b"reset", client(peer.port, input=b"x", code=1)[1])

    def test_datagrams_get_lost(self):
        """Sent again until an answer comes."""
        with udp_socket() as sock:
            started = subprocess.Popen([CLIENT, "--udp", LOCAL, str(sock.getsockname()[1])], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
            started.stdin.write(b"again\n")
            started.stdin.close()
            self.assertEqual(sock.recv(100), b"again")
            data, sender = sock.recvfrom(100)
            self.assertEqual(data, b"again")
            sock.sendto(b"here", sender)
            self.assertEqual(started.stdout.read(), b"here\n")
            started.stdout.close()
            self.assertEqual(started.wait(DEADLINE), 0)

    def test_nobody_there(self):
        """4.3 row 10, 4.6 UDP 7: refused, over TCP at connect, over UDP when the answer should come."""
        with socket.create_server((LOCAL, 0)) as tcp, udp_socket() as udp:
            ports = tcp.getsockname()[1], udp.getsockname()[1]
        self.assertIn(b"refused", client(ports[0], code=1)[1])
        self.assertIn(b"refused", client(ports[1], "--udp", input=b"x\n", code=1)[1])

    def test_no_such_name(self):
        self.assertIn(b"DNS resolution failed", run(CLIENT, "no-such-name.invalid", "9", code=1)[1])

    def test_wrong_arguments_are_refused(self):
        for arguments in ((), (LOCAL,), (LOCAL, "0"), (LOCAL, "65536"), (LOCAL, "1x"), ("--udp", LOCAL),
                          ("x", "1", "2")):
            run(CLIENT, *arguments, code=2)


if __name__ == "__main__":
    main()
