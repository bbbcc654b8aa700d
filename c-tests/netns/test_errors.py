"""What a network says no with: unreachable ports, hosts and networks, interfaces that go down."""

import socket
import struct

from hosts import DEADLINE, TwoMachines, main

CONNECTION_REFUSED, ADDRESS_INVALID, ADDRESS_UNREACHABLE = -102, -108, -109
CONNECTION_TIMED_OUT = -118
FAMILIES = (("0.0.0.0", "10.1.0.1", "10.1.0.2"), ("::", "2001:db8:1::1", "2001:db8:1::2"))


def is_port_unreachable(packet):
    if packet[0] >> 4 == 4:
        return packet[9] == socket.IPPROTO_ICMP and packet[20:22] == b"\3\3"
    return packet[6] == socket.IPPROTO_ICMPV6 and packet[40:42] == b"\1\4"


class PortUnreachable(TwoMachines):
    def closed_port(self, address):
        """A port of b with nobody behind it."""
        sock, port = self.raw(self.b, address)
        sock.close()
        return port

    def test_ignored_on_bound_sockets(self):
        """udp.md 5.4: no event, not paused; later sends succeed and datagrams arrive."""
        for wildcard, own, other in FAMILIES:
            wire = self.wire(self.a, "va")
            bound, port = self.host_a.udp(wildcard)
            closed = self.closed_port(other)
            peer, peer_port = self.raw(self.b, other)
            for _ in range(3):
                self.send(self.host_a, bound, b"nobody", other, closed)
                wire.packet(lambda packet, out: not out and is_port_unreachable(packet))
            self.send(self.host_a, bound, b"hello", other, peer_port)
            self.assertEqual(peer.recv(100), b"hello")
            peer.sendto(b"answer", (own, port))
            self.assertEqual(self.host_a.received(bound), (b"answer", other, peer_port))
            self.assertFalse(self.host_a.call("udp.info", bound)["paused"])
            self.assertEqual(self.host_a.notifications(), [])

    def test_ignored_on_bound_legacy_sockets(self):
        for wildcard, own, other in FAMILIES:
            wire = self.wire(self.a, "va")
            bound = self.host_a.call("create", "udp")["id"]
            self.assertEqual(self.host_a.result("bind", bound, wildcard, 0), 0)
            port = self.host_a.call("info", bound)["local_port"]
            pending = self.host_a.begin("recvFrom", bound)
            self.assertEqual(self.host_a.result("sendTo", bound, other, self.closed_port(other), b"nobody"), 6)
            wire.packet(lambda packet, out: not out and is_port_unreachable(packet))
            peer, peer_port = self.raw(self.b, other)
            self.assertEqual(self.host_a.result("sendTo", bound, other, peer_port, b"hello"), 5)
            self.assertEqual(peer.recv(100), b"hello")
            peer.sendto(b"answer", (own, port))
            self.assertEqual(bytes.fromhex(self.host_a.finish(pending)["data"]), b"answer")

    def connected(self, other, port):
        socket_id = self.host_a.call("create", "udp")["id"]
        self.assertEqual(self.host_a.result("connect", socket_id, other, port), 0)
        return socket_id

    def test_on_connected_sockets_a_read_fails_once(self):
        """socket-legacy.md 4.6 UDP 7: -102 without lastError; the state stays, the next read works."""
        for _, own, other in FAMILIES:
            closed = self.closed_port(other)
            socket_id = self.connected(other, closed)
            port = self.host_a.call("info", socket_id)["local_port"]
            pending = self.host_a.begin("read", socket_id)
            self.assertEqual(self.host_a.result("write", socket_id, b"nobody"), 6)
            done = self.host_a.finish(pending)
            self.assertEqual((done["result"], done["message"], done["data"]), (CONNECTION_REFUSED, None, ""))
            self.assertTrue(self.host_a.call("info", socket_id)["connected"])
            peer, _ = self.raw(self.b, other, closed)
            peer.sendto(b"now", (own, port))
            self.assertEqual(bytes.fromhex(self.host_a.call("read", socket_id)["data"]), b"now")

    def test_on_connected_sockets_without_a_read_the_next_call_fails(self):
        """socket-legacy.md 4.7 row 6: the write that finds the error fails, and the one after it is sent."""
        for _, _, other in FAMILIES:
            wire = self.wire(self.a, "va")
            closed = self.closed_port(other)
            socket_id = self.connected(other, closed)
            self.assertEqual(self.host_a.result("write", socket_id, b"nobody"), 6)
            wire.packet(lambda packet, out: not out and is_port_unreachable(packet))
            peer, _ = self.raw(self.b, other, closed)
            done = self.host_a.call("write", socket_id, b"refused")
            self.assertEqual((done["result"], done["message"]), (CONNECTION_REFUSED, None))
            self.assertEqual(self.host_a.result("write", socket_id, b"sent"), 4)
            self.assertEqual(peer.recv(100), b"sent")


class Unreachable(TwoMachines):
    def setUp(self):
        super().setUp()
        self.a.ip("route", "del", "default")

    def test_no_route(self):
        """udp.md 11: -109, for each family and each way to send."""
        self.a.ip("route", "add", "unreachable", "203.0.113.0/24")
        self.a.ip("route", "add", "unreachable", "2001:db8:ffff::/64")
        for wildcard, addresses in (("0.0.0.0", ("198.51.100.1", "203.0.113.1")),
                                    ("::", ("2001:db8:2::1", "2001:db8:ffff::1", "198.51.100.1"))):
            bound, _ = self.host_a.udp(wildcard)
            for address in addresses:
                done = self.host_a.call("udp.send", bound, address, 9, b"x")
                self.assertEqual((done["result"], done["message"], done["sent"]),
                                 (ADDRESS_UNREACHABLE, "net::ERR_ADDRESS_UNREACHABLE", 0), address)
                legacy = self.host_a.call("create", "udp")["id"]
                self.assertEqual(self.host_a.result("connect", legacy, address, 9), ADDRESS_UNREACHABLE, address)
                self.assertEqual(self.host_a.result("bind", legacy, wildcard, 0), 0, "still usable")
                done = self.host_a.call("sendTo", legacy, address, 9, b"x")
                self.assertEqual((done["result"], done["message"]), (ADDRESS_UNREACHABLE, None), address)
            self.assertFalse(self.host_a.call("udp.info", bound)["paused"])

    def test_the_other_family(self):
        """udp.md 11: an IPv6 destination on an IPv4 socket, and the reverse."""
        for own, address in (("10.1.0.1", "2001:db8:1::2"), ("::1", "10.1.0.2")):
            bound, _ = self.host_a.udp(own)
            self.assertEqual(self.host_a.result("udp.send", bound, address, 9, b"x"), ADDRESS_UNREACHABLE)

    def test_tcp_without_a_route(self):
        self.a.ip("route", "add", "unreachable", "203.0.113.0/24")
        for address in ("198.51.100.1", "203.0.113.1", "2001:db8:2::1"):
            socket_id = self.host_a.call("tcp.create")["id"]
            done = self.host_a.call("tcp.connect", socket_id, address, 9)
            self.assertEqual((done["result"], done["message"]), (ADDRESS_UNREACHABLE, "net::ERR_ADDRESS_UNREACHABLE"))
            legacy = self.host_a.call("create", "tcp")["id"]
            done = self.host_a.call("connect", legacy, address, 9)
            self.assertEqual((done["result"], done["message"]), (ADDRESS_UNREACHABLE, None))

    def test_tcp_to_a_machine_that_is_not_there(self):
        """Nobody on the wire answers for the address: the system gives up, -109."""
        for family in ("ipv4", "ipv6"):
            self.a.sysctl(f"{family}/neigh/va/retrans_time_ms", 50)
        for address in ("10.1.0.77", "2001:db8:1::77"):
            socket_id = self.host_a.call("tcp.create")["id"]
            self.assertEqual(self.host_a.result("tcp.connect", socket_id, address, 9), ADDRESS_UNREACHABLE)

    def test_tcp_without_any_answer(self):
        """socket-legacy.md 12: the system's own limit ends it, -118."""
        self.a.sysctl("ipv4/tcp_syn_retries", 1)
        for address in ("10.1.0.77", "2001:db8:1::77"):
            self.a.ip("neigh", "replace", address, "lladdr", "02:00:00:00:00:99", "nud", "permanent", "dev", "va")
        pending = []
        for address in ("10.1.0.77", "2001:db8:1::77"):
            socket_id = self.host_a.call("tcp.create")["id"]
            pending.append(self.host_a.begin("tcp.connect", socket_id, address, 9))
            legacy = self.host_a.call("create", "tcp")["id"]
            pending.append(self.host_a.begin("connect", legacy, address, 9))
        for tag in pending:
            self.assertEqual(self.host_a.finish(tag)["result"], CONNECTION_TIMED_OUT)


class InterfaceDown(TwoMachines):
    def check(self, own, other, group, wildcard):
        sender, port = self.host_a.udp(wildcard)
        self.assertEqual(self.host_a.result("udp.join", sender, group), 0)
        peer, peer_port = self.raw(self.b, other)
        self.send(self.host_a, sender, b"up", other, peer_port)
        self.assertEqual(peer.recv(100), b"up")
        self.a.ip("link", "set", "va", "down")
        for address in (other, group):
            done = self.host_a.call("udp.send", sender, address, peer_port, b"down")
            self.assertEqual((done["result"], done["message"]), (ADDRESS_UNREACHABLE, "net::ERR_ADDRESS_UNREACHABLE"))
            self.assertEqual(done["sent"], 0)
        self.assertFalse(self.host_a.call("udp.info", sender)["paused"])
        self.assertEqual(self.host_a.notifications(), [], "nothing was received, not even an error")
        self.a.ip("link", "set", "va", "up")
        if ":" in own:  # an interface that goes down loses them
            self.a.ip("addr", "add", f"{own}/64", "dev", "va", "nodad")
        self.send(self.host_a, sender, b"up again", other, peer_port)
        self.assertEqual(peer.recv(100), b"up again")
        # The membership outlives it.
        peer.sendto(b"unicast", (own, port))
        self.assertEqual(self.host_a.received(sender), (b"unicast", other, peer_port))
        index = self.b.inside(socket.if_nametoindex, "vb")
        if ":" in own:
            peer.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        else:
            peer.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", bytes(4), bytes(4), index))
        peer.sendto(b"multicast", (group, port))
        self.assertEqual(self.host_a.received(sender), (b"multicast", other, peer_port))
        self.assertEqual(self.host_a.call("udp.groups", sender)["groups"], [group])

    def test_ipv4(self):
        """udp.md 11: the route is gone with the interface: -109. It comes back, all goes on."""
        self.check("10.1.0.1", "10.1.0.2", "239.1.2.3", "0.0.0.0")

    def test_ipv6(self):
        self.check("2001:db8:1::1", "2001:db8:1::2", "ff15::1:2", "::")

    def test_a_tcp_connection_outlives_it(self):
        listener = self.b.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(("10.1.0.2", 0))
        listener.listen()
        socket_id = self.host_a.call("tcp.create")["id"]
        self.assertEqual(self.host_a.result("tcp.connect", socket_id, "10.1.0.2", listener.getsockname()[1]), 0)
        peer, _ = listener.accept()
        self.addCleanup(peer.close)
        peer.settimeout(DEADLINE)
        self.a.ip("link", "set", "va", "down")
        self.assertEqual(self.host_a.result("tcp.send", socket_id, b"while down"), 0, "it waits in the system")
        self.a.ip("link", "set", "va", "up")
        self.assertEqual(peer.recv(100), b"while down")
        self.assertEqual(self.host_a.notifications(), [])


class WithoutIpv6(TwoMachines):
    """A machine that has no IPv6 address at all, not even ::1."""

    def setUp(self):
        super().setUp()
        self.a.sysctl("ipv6/conf/all/disable_ipv6", 1)

    def test_localhost_is_reached_by_ipv4(self):
        """udp.md 6.1, tcp.md DN-2, DN-6: ::1 comes first, and cannot be reached by any socket."""
        peer, port = self.raw(self.a, "127.0.0.1")
        sender, sender_port = self.host_a.udp("::")
        self.send(self.host_a, sender, b"events", "localhost", port)
        self.assertEqual(peer.recvfrom(100), (b"events", ("127.0.0.1", sender_port)))
        bound, connected = (self.host_a.call("create", "udp")["id"] for _ in range(2))
        self.assertEqual(self.host_a.result("bind", bound, "::", 0), 0)
        self.assertEqual(self.host_a.result("sendTo", bound, "localhost", port, b"bound"), 5)
        self.assertEqual(peer.recv(100), b"bound")
        self.assertEqual(self.host_a.result("connect", connected, "localhost", port), 0)
        self.assertEqual(self.host_a.result("write", connected, b"connected"), 9)
        self.assertEqual(peer.recv(100), b"connected")
        with self.a.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = listener.getsockname()[1]
            self.assertEqual(self.host_a.result("tcp.connect", self.host_a.call("tcp.create")["id"], "localhost", port), 0)
            stream = self.host_a.call("create", "tcp")["id"]
            self.assertEqual(self.host_a.result("connect", stream, "localhost", port), 0)

    def test_who_asks_for_ipv6_is_refused_it(self):
        sender, _ = self.host_a.udp("::")
        self.assertEqual(self.host_a.call("udp.send", sender, "localhost", 9, b"x", "ipv6")["result"], ADDRESS_INVALID)
        self.assertEqual(self.host_a.result("udp.send", sender, "::1", 9, b"x"), ADDRESS_INVALID)


if __name__ == "__main__":
    main()
