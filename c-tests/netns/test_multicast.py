"""Multicast between machines: who gets what, and what is on the wire."""

import ipaddress
import socket
import struct

from hosts import TwoMachines, cable, main

# Several of each kind: link-local ones and wider ones.
GROUPS4 = ("224.0.0.251", "239.1.2.3")
GROUPS6 = ("ff02::fb", "ff15::1:2")
PORT = 5999


def udp4(packet):
    """An IPv4 packet's UDP datagram as (destination, destination port, time to live, payload), or None."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_UDP:
        return None
    start = (packet[0] & 15) * 4
    port, length = struct.unpack_from("!HH", packet, start + 2)
    return str(ipaddress.ip_address(packet[16:20])), port, packet[8], packet[start + 8 : start + length]


def udp6(packet):
    if len(packet) < 48 or packet[0] >> 4 != 6 or packet[6] != socket.IPPROTO_UDP:
        return None
    port, length = struct.unpack_from("!HH", packet, 42)
    return str(ipaddress.ip_address(packet[24:40])), port, packet[7], packet[48 : 40 + length]


class Multicast(TwoMachines):
    def check_join_and_leave(self, wildcard, groups, own_a, own_b):
        listener, port = self.host_b.udp(wildcard)
        sender, sender_port = self.host_a.udp(own_a)

        def nothing_comes(when):
            # What comes after it on the same wire is the proof that it did not come.
            self.send(self.host_a, sender, when, group, port)
            self.send(self.host_a, sender, b"fence", own_b, port)
            self.assertEqual(self.host_b.received(listener), (b"fence", own_a, sender_port))

        for group in groups:
            nothing_comes(b"before")
            self.assertEqual(self.host_b.result("udp.join", listener, group), 0)
            self.send(self.host_a, sender, b"to " + group.encode(), group, port)
            self.assertEqual(self.host_b.received(listener), (b"to " + group.encode(), own_a, sender_port))
        self.assertEqual(self.host_b.call("udp.groups", listener)["groups"], list(groups))
        for group in groups:
            self.assertEqual(self.host_b.result("udp.leave", listener, group), 0)
            nothing_comes(b"after")
        self.assertEqual(self.host_b.call("udp.groups", listener)["groups"], [])
        self.assertEqual(self.host_b.notifications(), [])

    def test_join_receive_leave_ipv4(self):
        """udp.md 4.10, 4.11: a member receives; before joining and after leaving it does not."""
        self.check_join_and_leave("0.0.0.0", GROUPS4, "10.1.0.1", "10.1.0.2")

    def test_join_receive_leave_ipv6(self):
        self.check_join_and_leave("::", GROUPS6, "2001:db8:1::1", "2001:db8:1::2")

    def test_the_system_chooses_the_interface(self):
        """udp.md 4.10: the group is joined, and sent to, where the system's routes lead."""
        cable(self.a, "va2", self.b, "vb2")
        self.a.ip("addr", "add", "10.2.0.1/24", "dev", "va2")
        self.b.ip("addr", "add", "10.2.0.2/24", "dev", "vb2")
        for machine, interface in ((self.a, "va2"), (self.b, "vb2")):
            machine.ip("route", "add", "239.0.0.0/8", "dev", interface)
        listener, port = self.host_b.udp("0.0.0.0")
        sender, sender_port = self.host_a.udp("0.0.0.0")
        for group, interface, source in (("239.1.2.3", "vb2", "10.2.0.1"), ("224.0.0.251", "vb", "10.1.0.1")):
            self.assertEqual(self.host_b.result("udp.join", listener, group), 0)
            self.assertIn(group, self.b.ip("maddr", "show", "dev", interface))
            self.send(self.host_a, sender, b"here", group, port)
            self.assertEqual(self.host_b.received(listener), (b"here", source, sender_port))

    def test_leaving_after_the_routes_have_changed(self):
        """udp.md 4.11: the group is left where it was joined, wherever the default is by now."""
        cable(self.a, "va2", self.b, "vb2")
        self.b.ip("addr", "add", "10.2.0.2/24", "dev", "vb2")
        for wildcard, groups, family in (("0.0.0.0", GROUPS4, "-4"), ("::", GROUPS6, "-6")):
            listener, _ = self.host_b.udp(wildcard)
            moved, lost = groups
            for group in groups:
                self.assertEqual(self.host_b.result("udp.join", listener, group), 0)
                self.assertIn(group, self.b.ip("maddr", "show", "dev", "vb"))
            self.b.ip(family, "route", "replace", "default", "dev", "vb2")
            self.assertEqual(self.host_b.result("udp.leave", listener, moved), 0)
            self.assertNotIn(moved, self.b.ip("maddr", "show", "dev", "vb"))
            self.b.ip(family, "route", "del", "default")
            self.assertEqual(self.host_b.result("udp.leave", listener, lost), 0)
            self.assertNotIn(lost, self.b.ip("maddr", "show", "dev", "vb"))
            self.assertEqual(self.host_b.call("udp.groups", listener)["groups"], [])

    def test_leaving_after_the_interface_is_gone(self):
        """udp.md 4.11: with its interface the membership has ended; the group can be joined again elsewhere, however
        often that happens."""
        self.b.sysctl("ipv4/igmp_max_memberships", 1)
        cable(self.a, "va2", self.b, "vb2")
        self.b.ip("addr", "add", "10.2.0.2/24", "dev", "vb2")
        listeners = [self.host_b.udp(wildcard)[0] for wildcard in ("0.0.0.0", "::")]
        for listener, groups in zip(listeners, (GROUPS4, GROUPS6)):
            self.assertEqual(self.host_b.result("udp.join", listener, groups[1]), 0)
        self.b.ip("link", "del", "vb")
        self.b.ip("-4", "route", "add", "default", "dev", "vb2")
        for listener, groups in zip(listeners, (GROUPS4, GROUPS6)):
            self.assertEqual(self.host_b.result("udp.leave", listener, groups[1]), 0)
            self.assertEqual(self.host_b.result("udp.join", listener, groups[1]), 0)
            self.assertIn(groups[1], self.b.ip("maddr", "show", "dev", "vb2"))

    def test_legacy_sockets_join_and_leave(self):
        """socket-legacy.md 4.14."""
        listener = self.host_b.call("create", "udp")["id"]
        self.assertEqual(self.host_b.result("bind", listener, "0.0.0.0", PORT), 0)
        self.assertEqual(self.host_b.result("join", listener, GROUPS4[1]), 0)
        sender = self.host_a.call("create", "udp")["id"]
        self.assertEqual(self.host_a.result("bind", sender, "0.0.0.0", PORT), 0)
        self.assertEqual(self.host_a.result("sendTo", sender, GROUPS4[1], PORT, b"joined"), 6)
        got = self.host_b.call("recvFrom", listener)
        self.assertEqual((got["result"], bytes.fromhex(got["data"]), got["address"], got["port"]),
                         (6, b"joined", "10.1.0.1", PORT))
        self.assertEqual(self.host_b.result("leave", listener, GROUPS4[1]), 0)
        pending = self.host_b.begin("recvFrom", listener)
        self.assertEqual(self.host_a.result("sendTo", sender, GROUPS4[1], PORT, b"after"), 5)
        self.assertEqual(self.host_a.result("sendTo", sender, "10.1.0.2", PORT, b"fence"), 5)
        self.assertEqual(bytes.fromhex(self.host_b.finish(pending)["data"]), b"fence")

    def test_time_to_live_on_the_wire(self):
        """udp.md 4.5: 1 unless set; what was set before bind; and only for multicast."""
        wire = self.wire(self.b, "vb")
        for wildcard, read, group, unicast in (("0.0.0.0", udp4, "239.1.2.3", "10.1.0.2"),
                                               ("2001:db8:1::1", udp6, "ff15::1:2", "2001:db8:1::2")):
            for ttl in (None, 1, 2, 7, 255):
                before = () if ttl is None else (("udp.ttl", ttl),)
                sender, _ = self.host_a.udp(wildcard, before=before)
                mark = f"ttl {ttl} from {wildcard}".encode()
                for address, want in ((group, 1 if ttl is None else ttl), (unicast, 64)):
                    self.send(self.host_a, sender, mark, address, PORT)
                    packet = wire.packet(lambda packet, _: (read(packet) or ("",) * 4)[3] == mark)
                    self.assertEqual(read(packet), (address, PORT, want, mark))
                self.assertIsNone(self.host_a.call("udp.close", sender)["message"])

    def test_legacy_time_to_live_on_the_wire(self):
        """socket-legacy.md 4.14."""
        wire = self.wire(self.b, "vb")
        sender = self.host_a.call("create", "udp")["id"]
        self.assertEqual(self.host_a.result("ttl", sender, 9), 0)
        self.assertEqual(self.host_a.result("bind", sender, "0.0.0.0", 0), 0)
        self.assertEqual(self.host_a.result("sendTo", sender, "239.1.2.3", PORT, b"legacy"), 6)
        packet = wire.packet(lambda packet, _: (udp4(packet) or ("",) * 4)[3] == b"legacy")
        self.assertEqual(udp4(packet)[2], 9)

    def test_time_to_live_0_stays_on_the_machine(self):
        """udp.md 4.5: 0 is allowed. The own machine gets the datagram, the wire does not."""
        wire = self.wire(self.a, "va")
        listener, port = self.host_a.udp("0.0.0.0")
        self.assertEqual(self.host_a.result("udp.join", listener, "239.1.2.3"), 0)
        sender, sender_port = self.host_a.udp("0.0.0.0", before=(("udp.ttl", 0),))
        self.send(self.host_a, sender, b"stays", "239.1.2.3", port)
        self.assertEqual(self.host_a.received(listener), (b"stays", "10.1.0.1", sender_port))
        self.send(self.host_a, sender, b"fence", "10.1.0.2", port)
        for packet, _ in wire.packets():
            datagram = udp4(packet)
            if datagram is not None:
                self.assertEqual(datagram[3], b"fence")
                break

    def test_loopback_mode(self):
        """udp.md 4.5: off, the sender's own machine does not get what it sends; others do."""
        for wildcard, own, other, group in (("0.0.0.0", "10.1.0.1", "10.1.0.2", "239.1.2.3"),
                                            ("::", "2001:db8:1::1", "2001:db8:1::2", "ff15::1:2")):
            here, port = self.host_a.udp(wildcard)
            there, _ = self.host_b.udp(wildcard, port)
            for host, listener in ((self.host_a, here), (self.host_b, there)):
                self.assertEqual(host.result("udp.join", listener, group), 0)
            for mode in (1, 0):
                sender, _ = self.host_a.udp(wildcard, before=(("udp.loopback", mode),))
                self.send(self.host_a, sender, b"group", group, port)
                self.send(self.host_a, sender, b"fence", own, port)
                self.assertEqual(self.host_b.received(there)[0], b"group")
                if mode:
                    self.assertEqual(self.host_a.received(here)[0], b"group")
                self.assertEqual(self.host_a.received(here)[0], b"fence")
            self.assertEqual(self.host_a.notifications(), [])


if __name__ == "__main__":
    main()
