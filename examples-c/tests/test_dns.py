"""dns, against dnsmasq and against servers that answer badly or not at all."""

import os
import socket
import subprocess
import tempfile
import threading
import unittest

from support import DEADLINE, LOCAL, main, need, program, run

need("dnsmasq")
DNS = program("dns")
LONG = ["%03d" % number + "x" * 200 for number in range(4)]  # together more than a datagram of DNS may have
CONFIG = """
no-daemon
no-resolv
no-poll
no-hosts
bind-interfaces
listen-address={address}
except-interface=none
port={port}
user=
pid-file=
addn-hosts={folder}/hosts
local=/test/
mx-host=mail.test,relay.test,10
txt-record=words.test,"two words",second
txt-record=long.test,{long}
cname=alias.test,host.test
max-port=0
log-facility=-
"""
HOSTS = "192.0.2.7 host.test\n2001:db8::7 host.test\n192.0.2.8 four.test\n"


class Silent:
    """A UDP socket that answers with what `answers(query, sender)` gives, if anything."""

    def __init__(self, answers=lambda query, sender: []):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((LOCAL, 0))
        self.port = self.sock.getsockname()[1]
        self.queries = []
        self.answers = answers
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while True:
            query, sender = self.sock.recvfrom(65536)
            if query == b"end":
                return
            self.queries.append(query)
            for answer in self.answers(query, sender):
                self.sock.sendto(answer, sender)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.sock.sendto(b"end", (LOCAL, self.port))
        self.thread.join()
        self.sock.close()


def answer_to(query, address="192.0.2.99", name=None, flags=b"\x81\x80"):
    """A good answer to a query for A; parts of it can be made wrong."""
    question = query[12:] if name is None else name + b"\0\1\0\1"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
    return query[:2] + flags + b"\0\1\0\1\0\0\0\0" + question + record


class Dnsmasq(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        folder = cls.scratch.name
        with open(os.path.join(folder, "hosts"), "w") as file:
            file.write(HOSTS)
        cls.port, cls.process = cls.start(folder)

    @classmethod
    def start(cls, folder):
        """A port free for both was chosen by the system; somebody may take it before dnsmasq does."""
        for _ in range(10):
            with socket.create_server((LOCAL, 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                port = tcp.getsockname()[1]
                try:
                    udp.bind((LOCAL, port))
                except OSError:
                    continue
            config = os.path.join(folder, "dnsmasq.conf")
            with open(config, "w") as file:
                file.write(CONFIG.format(address=LOCAL, port=port, folder=folder, long=",".join(LONG)))
            process = subprocess.Popen(["dnsmasq", "-C", config], stderr=subprocess.PIPE, text=True)
            # It says so once it listens and has read its files.
            log = []
            for line in process.stderr:
                log.append(line)
                if "read" in line and "hosts" in line:
                    cls.drain = threading.Thread(target=process.stderr.read)
                    cls.drain.start()
                    return port, process
            process.wait(DEADLINE)
            process.stderr.close()
            if "already in use" not in "".join(log):
                break
        raise AssertionError("dnsmasq does not start: " + "".join(log))

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.wait(DEADLINE)
        cls.drain.join()
        cls.process.stderr.close()
        cls.scratch.cleanup()

    def ask(self, *arguments, code=0):
        out, errors = run(DNS, "--server", f"{LOCAL}:{self.port}", *arguments, code=code)
        return out.decode(), errors.decode()

    def test_addresses(self):
        self.assertEqual(self.ask("host.test"), ("host.test 0 A 192.0.2.7\n", ""))
        self.assertEqual(self.ask("--type", "AAAA", "host.test"), ("host.test 0 AAAA 2001:db8::7\n", ""))
        self.assertEqual(self.ask("--type", "a", "HOST.test.")[0].lower(), "host.test 0 a 192.0.2.7\n")

    def test_names_of_addresses(self):
        self.assertEqual(self.ask("--type", "PTR", "192.0.2.7")[0], "7.2.0.192.in-addr.arpa 0 PTR host.test\n")
        self.assertEqual(self.ask("--type", "PTR", "8.2.0.192.in-addr.arpa")[0],
                         "8.2.0.192.in-addr.arpa 0 PTR four.test\n")
        reverse = ".".join(reversed("20010db8000000000000000000000007")) + ".ip6.arpa"
        self.assertEqual(self.ask("--type", "PTR", "2001:db8::7")[0], f"{reverse} 0 PTR host.test\n")

    def test_other_types(self):
        self.assertEqual(self.ask("--type", "MX", "mail.test")[0], "mail.test 0 MX 10 relay.test\n")
        self.assertEqual(self.ask("--type", "TXT", "words.test")[0], 'words.test 0 TXT "two words" "second"\n')
        lines = self.ask("alias.test")[0].splitlines()
        self.assertEqual(lines, ["alias.test 0 CNAME host.test", "host.test 0 A 192.0.2.7"])

    def test_an_answer_too_long_for_a_datagram_comes_over_tcp(self):
        want = " ".join(f'"{text}"' for text in LONG)
        self.assertEqual(self.ask("--type", "TXT", "long.test")[0], f"long.test 0 TXT {want}\n")

    def test_no_such_name_and_no_such_record(self):
        self.assertEqual(self.ask("nothing.test", code=3), ("", "dns: nothing.test: no such name\n"))
        self.assertEqual(self.ask("--type", "AAAA", "four.test", code=4),
                         ("", "dns: four.test: no record of this type\n"))

    def test_refused(self):
        """There is nobody whom dnsmasq could ask about other names."""
        self.assertEqual(self.ask("example.org", code=6)[0], "")


class BadServers(unittest.TestCase):
    def ask(self, server, code, tries=1, timeout=10000, name="host.test"):
        return run(DNS, "--server", f"{LOCAL}:{server.port}", "--timeout", str(timeout), "--tries", str(tries), name,
                   code=code)

    def test_no_answer(self):
        """Asked as often as said, with the same question each time."""
        with Silent() as server:
            out, errors = self.ask(server, 5, tries=3, timeout=50)
        self.assertEqual((out, errors), (b"", b"dns: 127.0.0.1: no answer\n"))
        self.assertEqual(len(server.queries), 3)
        self.assertEqual(len(set(server.queries)), 1)

    def test_nobody_there(self):
        """udp.md 5.4: that the port is unreachable is no event on a bound socket; the time has to pass."""
        with Silent() as server:
            pass
        self.assertEqual(self.ask(server, 5, tries=2, timeout=50)[0], b"")

    def test_an_answer_to_the_second_question(self):
        with Silent(lambda query, _: [answer_to(query)] if len(server.queries) == 2 else []) as server:
            self.assertEqual(self.ask(server, 0, tries=100, timeout=50)[0], b"host.test 60 A 192.0.2.99\n")

    def test_false_answers_before_the_true_one(self):
        """Other ids, questions, directions and servers, and what is no message at all."""
        def answers(query, sender):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind((LOCAL, 0))
                stranger.sendto(answer_to(query, "192.0.2.1"), sender)
            yield bytes([query[0] ^ 1]) + answer_to(query, "192.0.2.2")[1:]
            yield answer_to(query, "192.0.2.3", name=b"\4evil\4test\0")
            yield answer_to(query, "192.0.2.4", flags=b"\1\0")
            yield answer_to(query)[:11]
            yield b""
            yield bytes(5000)  # longer than is received: an error that pauses the socket
            yield answer_to(query)

        with Silent(answers) as server:
            out, errors = self.ask(server, 0, timeout=10000)
        self.assertEqual((out, errors), (b"host.test 60 A 192.0.2.99\n", b""))

    def test_random_answers(self):
        """Whatever comes after a good header: no crash, an end, and a code of ours."""
        for _ in range(40):
            with Silent(lambda query, _: [query[:2] + os.urandom(200),
                                          query[:2] + b"\x81\x80" + os.urandom(2) + query[6:] + os.urandom(300),
                                          answer_to(query)[:-2] + os.urandom(9)]) as server:
                done = subprocess.run([DNS, "--server", f"{LOCAL}:{server.port}", "--timeout", "50", "--tries", "1",
                                       "host.test"], capture_output=True, timeout=DEADLINE)
                self.assertIn(done.returncode, (0, 1, 3, 4, 5, 6), done.stderr)

    def test_a_broken_answer(self):
        with Silent(lambda query, _: [answer_to(query)[:-1]]) as server:
            self.assertEqual(self.ask(server, 1)[1], b"dns: answer: broken\n")

    def test_control_characters_are_not_printed(self):
        def answer(query, _):
            record = b"\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\6\5\x1b[2J\x07"
            return [query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:] + record]

        with Silent(answer) as server:
            out, _ = run(DNS, "--server", f"{LOCAL}:{server.port}", "--type", "TXT", "host.test")
        self.assertEqual(out, b'host.test 60 TXT "\\027[2J\\007"\n')

    def test_wrong_arguments_are_refused(self):
        for arguments in ((), ("--type", "A"), ("--type", "X", "name"), ("--server", "localhost", "name"),
                          ("--server", "127.0.0.1:0", "name"), ("--server", "127.0.0.1:65536", "name"),
                          ("--server", "[::1", "name"), ("--timeout", "0", "name"), ("a..b",), ("",), ("x" * 64,),
                          ("one", "two")):
            run(DNS, *arguments, code=2)


if __name__ == "__main__":
    main()
