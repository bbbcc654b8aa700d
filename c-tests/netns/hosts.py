"""What the tests of several machines share: the library on a machine, and ears on the wire."""

import itertools
import json
import socket
import subprocess
import sys
import threading
import time
import unittest

import namespaces
from namespaces import DEADLINE, Machine, cable

HOST = sys.argv[1] if len(sys.argv) > 1 else "./netns_host"
ETH_P_ALL = 3
OUTGOING = 4  # sll_pkttype of what the machine itself sends


class Host:
    """The library, in a process on a machine. `call` gives the completion; `received` the next datagram."""

    def __init__(self, machine):
        self.machine = machine
        self.process = machine.start(HOST, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.tags = itertools.count(1)
        self.events = []
        self.changed = threading.Condition()
        self.ended = False
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _take(self, wanted, what, seconds=DEADLINE):
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                for place, event in enumerate(self.events):
                    if wanted(event):
                        return self.events.pop(place)
                left = end - time.monotonic()
                if left <= 0 or self.ended:
                    raise AssertionError(f"{self.machine.name}: no {what}; there are {self.events}")
                self.changed.wait(left)

    def begin(self, name, *arguments):
        tag = next(self.tags)
        words = [argument.hex() or "-" if isinstance(argument, bytes) else str(argument) for argument in arguments]
        self.process.stdin.write(" ".join([str(tag), name, *words]) + "\n")
        return tag

    def finish(self, tag, what="completion", seconds=DEADLINE):
        return self._take(lambda event: event["tag"] == tag, what, seconds)

    def call(self, name, *arguments, seconds=DEADLINE):
        return self.finish(self.begin(name, *arguments), f"completion of {name}", seconds)

    def result(self, name, *arguments):
        return self.call(name, *arguments)["result"]

    def received(self, socket_id):
        """The bytes of the next datagram, and where it came from."""
        event = self._take(
            lambda event: event["type"] == "chrome.sockets.udp.onReceive" and event["id"] == socket_id, "datagram")
        return bytes.fromhex(event["data"]), event["address"], event["port"]

    def notifications(self):
        """What came without being asked for and was not taken yet."""
        with self.changed:
            return [event for event in self.events if event["tag"] == 0]

    def udp(self, address, port=0, before=()):
        """A bound socket of chrome.sockets.udp: its id and port. `before` are calls made before bind."""
        socket_id = self.call("udp.create")["id"]
        for name, *arguments in before:
            assert self.result(name, socket_id, *arguments) == 0, name
        assert self.result("udp.bind", socket_id, address, port) == 0, "bind"
        return socket_id, self.call("udp.info", socket_id)["local_port"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.reader.join()
        self.process.stdout.close()
        assert self.process.returncode == 0, f"the host ended with {self.process.returncode}"


class Wire:
    """All packets that an interface sends and receives."""

    def __init__(self, machine, interface):
        self.sock = machine.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        machine.inside(self.sock.bind, (interface, ETH_P_ALL))

    def packets(self):
        while True:
            packet, address = self.sock.recvfrom(65536)
            yield packet, address[2] == OUTGOING

    def packet(self, wanted):
        """The first packet that is as wanted; fails if none comes."""
        return next(packet for packet, outgoing in self.packets() if wanted(packet, outgoing))

    def close(self):
        self.sock.close()


class TwoMachines(unittest.TestCase):
    """a and b on one wire: 10.1.0.1/24 and 2001:db8:1::1/64 on va; 10.1.0.2 and 2001:db8:1::2 on vb."""

    def setUp(self):
        self.a, self.b = Machine("a"), Machine("b")
        self.addCleanup(self.a.close)
        self.addCleanup(self.b.close)
        cable(self.a, "va", self.b, "vb")
        for machine, interface, last in ((self.a, "va", 1), (self.b, "vb", 2)):
            machine.ip("addr", "add", f"10.1.0.{last}/24", "brd", "+", "dev", interface)
            machine.ip("addr", "add", f"2001:db8:1::{last}/64", "dev", interface, "nodad")
        self.a.ip("route", "add", "default", "dev", "va")
        self.b.ip("route", "add", "default", "dev", "vb")
        self.host_a, self.host_b = Host(self.a), Host(self.b)
        self.addCleanup(self.host_a.close)
        self.addCleanup(self.host_b.close)

    def raw(self, machine, address, port=0):
        """A plain UDP socket, bound."""
        sock = machine.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, port))
        self.addCleanup(sock.close)
        return sock, sock.getsockname()[1]

    def wire(self, machine, interface):
        wire = Wire(machine, interface)
        self.addCleanup(wire.close)
        return wire

    def send(self, host, socket_id, data, address, port):
        done = host.call("udp.send", socket_id, address, port, data)
        self.assertEqual((done["result"], done["message"]), (0, None))
        self.assertEqual(done["sent"], len(data))


def main():
    namespaces.enter()
    unittest.main(argv=sys.argv[:1], verbosity=2)
