"""Datagrams between machines: broadcast, and a wire that takes less at once than the datagram has."""

import os
import socket
import struct

from hosts import Host, Machine, TwoMachines, cable, main

ACCESS_DENIED = -10


class Broadcast(TwoMachines):
    def test_only_with_the_option(self):
        """udp.md 4.13: -10 without it; nothing leaves. With it, a wildcard-bound socket of the other machine
        receives, and does not need the option itself."""
        listener, port = self.host_b.udp("0.0.0.0")
        sender, sender_port = self.host_a.udp("0.0.0.0")
        for address in ("10.1.0.255", "255.255.255.255"):
            for enabled in (None, 1, 0):
                if enabled is not None:
                    self.assertEqual(self.host_a.result("udp.broadcast", sender, enabled), 0)
                data = f"{address} {enabled}".encode()
                if enabled:
                    self.send(self.host_a, sender, data, address, port)
                    self.assertEqual(self.host_b.received(listener), (data, "10.1.0.1", sender_port))
                else:
                    done = self.host_a.call("udp.send", sender, address, port, data)
                    self.assertEqual((done["result"], done["message"], done["sent"]),
                                     (ACCESS_DENIED, "net::ERR_ACCESS_DENIED", 0))
            self.send(self.host_a, sender, b"fence", "10.1.0.2", port)
            self.assertEqual(self.host_b.received(listener)[0], b"fence")
        self.assertEqual(self.host_b.notifications(), [])

    def test_the_legacy_api_has_no_such_option(self):
        """socket-legacy.md 1: chrome.socket cannot send broadcasts. The code comes without lastError."""
        listener, port = self.host_b.udp("0.0.0.0")
        sender = self.host_a.call("create", "udp")["id"]
        self.assertEqual(self.host_a.result("bind", sender, "0.0.0.0", 0), 0)
        done = self.host_a.call("sendTo", sender, "10.1.0.255", port, b"no")
        self.assertEqual((done["result"], done["message"]), (ACCESS_DENIED, None))
        self.assertEqual(self.host_a.result("sendTo", sender, "10.1.0.2", port, b"fence"), 5)
        self.assertEqual(self.host_b.received(listener)[0], b"fence")


class SentAtOnce(TwoMachines):
    """A system may carry several datagrams of one sender as one, from its one system call up to ours."""

    SOL_UDP, UDP_SEGMENT = 17, 103

    def segmented(self, sock, data, each, to):
        sock.setsockopt(self.SOL_UDP, self.UDP_SEGMENT, each)
        sock.sendto(data, to)
        sock.setsockopt(self.SOL_UDP, self.UDP_SEGMENT, 0)

    def check(self, wildcard, own, machine, sender_address):
        """Never merged, never split: each comes as it was meant, also between others, and by itself again."""
        listener, port = self.host_b.udp(wildcard)
        sender, sender_port = self.raw(machine, sender_address)
        to = own, port
        sizes = ((100, 1000), (1, 1), (1200, 12345), (7, 50), (1200, 24000), (1472 if "." in own else 1452, 1500))
        for _ in range(3):
            for each, total in sizes:
                data = os.urandom(total)
                sender.sendto(b"before", to)
                self.segmented(sender, data, each, to)
                sender.sendto(b"after", to)
                want = [b"before"] + [data[at:at + each] for at in range(0, total, each)] + [b"after"]
                for data in want:
                    got = self.host_b.received(listener)
                    self.assertEqual(len(got[0]), len(data), f"{total} bytes as datagrams of {each}")
                    self.assertEqual(got, (data, sender_address, sender_port))
        self.assertEqual(self.host_b.notifications(), [])

    def test_from_the_other_machine_ipv4(self):
        self.check("0.0.0.0", "10.1.0.2", self.a, "10.1.0.1")

    def test_from_the_other_machine_ipv6(self):
        self.check("::", "2001:db8:1::2", self.a, "2001:db8:1::1")

    def test_from_the_same_machine(self):
        self.check("0.0.0.0", "10.1.0.2", self.b, "10.1.0.2")


class BothFamilies(TwoMachines):
    def test_senders_of_both_in_turns(self):
        """udp.md 2.3: remoteAddress is the sender's, whatever was received before, and on which socket."""
        four, port4 = self.host_b.udp("0.0.0.0")
        six, port6 = self.host_b.udp("2001:db8:1::2")
        sender4, from4 = self.raw(self.a, "10.1.0.1")
        sender6, from6 = self.raw(self.a, "2001:db8:1::1")
        for _ in range(3):
            for number in range(20):
                sender4.sendto(b"%d" % number, ("10.1.0.2", port4))
                sender6.sendto(b"%d" % number, ("2001:db8:1::2", port6))
            for number in range(20):
                self.assertEqual(self.host_b.received(four), (b"%d" % number, "10.1.0.1", from4))
                self.assertEqual(self.host_b.received(six), (b"%d" % number, "2001:db8:1::1", from6))

    def test_one_socket_for_both(self):
        """udp.md 4.4: a socket bound to :: receives IPv4 with mapped addresses; 2.2: printed in hex."""
        both, port = self.host_b.udp("::")
        sender4, from4 = self.raw(self.a, "10.1.0.1")
        sender6, from6 = self.raw(self.a, "2001:db8:1::1")
        for _ in range(3):
            sender4.sendto(b"four", ("10.1.0.2", port))
            self.assertEqual(self.host_b.received(both), (b"four", "::ffff:a01:1", from4))
            sender6.sendto(b"six", ("2001:db8:1::2", port))
            self.assertEqual(self.host_b.received(both), (b"six", "2001:db8:1::1", from6))
        # An answer goes back the same way.
        self.send(self.host_b, both, b"answer", "10.1.0.1", from4)
        self.assertEqual(sender4.recv(100), b"answer")


class SmallWire(TwoMachines):
    """Datagrams are never split or cut by us: the system sends them in fragments, and they arrive whole."""

    def setUp(self):
        super().setUp()
        for machine, interface in ((self.a, "va"), (self.b, "vb")):
            machine.ip("link", "set", interface, "mtu", "1280")

    def check(self, own, other, read):
        listener, port = self.host_b.udp(other)
        sender, sender_port = self.host_a.udp(own)
        wire = self.wire(self.b, "vb")
        for size in (1, 1232, 1400, 8000, 60000):
            data = os.urandom(size)
            self.send(self.host_a, sender, data, other, port)
            self.assertEqual(self.host_b.received(listener), (data, own, sender_port))
        seen = {}
        for packet, _ in wire.packets():
            fragment = read(packet)
            if fragment is not None:
                seen[fragment[0]] = seen.get(fragment[0], 0) + fragment[1]
                if sum(seen.values()) == 1400 + 8000 + 60000 + 3 * 8:
                    break
        self.assertEqual(sorted(seen.values()), [1408, 8008, 60008], "each datagram in fragments of its own")
        self.assertEqual(self.host_b.notifications(), [])

    def test_ipv4(self):
        def read(packet):
            """Identification and length of a fragment."""
            total, identification, place = struct.unpack_from("!HHH", packet, 2)
            if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_UDP and place & 0x3FFF:
                return identification, total - (packet[0] & 15) * 4
            return None

        self.check("10.1.0.1", "10.1.0.2", read)

    def test_ipv6(self):
        def read(packet):
            if packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_FRAGMENT and packet[40] == socket.IPPROTO_UDP:
                return packet[44:48], struct.unpack_from("!H", packet, 4)[0] - 8
            return None

        self.check("2001:db8:1::1", "2001:db8:1::2", read)


class SmallPath(TwoMachines):
    """A router that takes less than the wire before it says so; after that, datagrams arrive."""

    def test_a_path_smaller_than_the_first_wire(self):
        """udp.md 5.4: the message of the router is no event, and later sends succeed."""
        c = Machine("c")
        self.addCleanup(c.close)
        cable(self.b, "vbc", c, "vc")
        for machine, interface, last in ((self.b, "vbc", 1), (c, "vc", 2)):
            machine.ip("link", "set", interface, "mtu", "1280")
            machine.ip("addr", "add", f"10.3.0.{last}/24", "dev", interface)
        self.b.sysctl("ipv4/ip_forward", 1)
        self.a.ip("route", "replace", "default", "via", "10.1.0.2")
        c.ip("route", "add", "default", "via", "10.3.0.1")
        host_c = Host(c)
        self.addCleanup(host_c.close)
        listener, port = host_c.udp("0.0.0.0")
        sender, sender_port = self.host_a.udp("0.0.0.0")
        wire = self.wire(self.a, "va")
        data = os.urandom(1400)
        self.send(self.host_a, sender, data, "10.3.0.2", port)
        # The router's answer: destination unreachable, fragmentation needed.
        wire.packet(lambda packet, out: not out and packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_ICMP and
                    packet[20:22] == b"\3\4")
        self.send(self.host_a, sender, data, "10.3.0.2", port)
        self.assertEqual(host_c.received(listener), (data, "10.1.0.1", sender_port))
        self.assertEqual(self.host_a.notifications(), [])


if __name__ == "__main__":
    main()
