"""What a machine says of its own networks, and names that lead to addresses which do not all work."""

import json
import socket

import namespaces
from hosts import Host, Machine, TwoMachines, cable, main

RTMGRP_LINK, RTMGRP_IPV6_IFADDR = 1, 0x100
BLACKHOLE = "02:00:00:00:00:99"  # nobody's: what is sent there is lost without a word


class NetworkList(TwoMachines):
    """socket-legacy.md 10."""

    def setUp(self):
        super().setUp()
        self.wait_until_running("va")

    def networks(self):
        done = self.host_a.call("networks")
        self.assertIsNone(done["message"])
        return [tuple(network) for network in done["networks"]]

    def wait_until_running(self, interface):
        """The system tells of a carrier at once, but takes its time until it calls the interface running."""
        news = self.a.socket(socket.AF_NETLINK, socket.SOCK_RAW)
        news.bind((0, RTMGRP_LINK | RTMGRP_IPV6_IFADDR))
        with news:
            while True:
                (state,) = json.loads(self.a.ip("-json", "addr", "show", "dev", interface))
                if state["operstate"] == "UP" and "fe80::" in str(state["addr_info"]):
                    return
                news.recv(65536)

    def link_local(self, interface):
        for one in json.loads(self.a.ip("-json", "addr", "show", "dev", interface)):
            for address in one["addr_info"]:
                if address["scope"] == "link" and address["family"] == "inet6":
                    return address["local"]
        self.fail(f"{interface} has no link-local address")

    def test_both_families_with_prefix_lengths_and_no_loopback(self):
        """Loopback interfaces are left out with all their addresses; link-local ones are in, without zone."""
        self.a.ip("addr", "add", "10.9.0.1/32", "dev", "lo")
        self.assertEqual(self.networks(), [("va", "10.1.0.1", 24), ("va", "2001:db8:1::1", 64),
                                           ("va", self.link_local("va"), 64)])

    def test_order_and_prefix_lengths(self):
        """IPv4 before IPv6, each ascending by address; an element for each address."""
        for address in ("9.0.0.1/8", "10.1.0.200/30", "172.16.0.1/12", "2.2.2.2/32"):
            self.a.ip("addr", "add", address, "dev", "va")
        for address in ("2001:db8:1::ff/128", "2001:db8:0:1::/127", "fd00::1/48"):
            self.a.ip("addr", "add", address, "dev", "va", "nodad")
        self.assertEqual([network[1:] for network in self.networks()], [
            ("2.2.2.2", 32), ("9.0.0.1", 8), ("10.1.0.1", 24), ("10.1.0.200", 30), ("172.16.0.1", 12),
            ("2001:db8:0:1::", 127), ("2001:db8:1::1", 64), ("2001:db8:1::ff", 128), ("fd00::1", 48),
            (self.link_local("va"), 64)])

    def test_an_address_on_two_interfaces_is_there_once(self):
        cable(self.a, "va2", self.b, "vb2")
        for interface in ("va", "va2"):
            self.a.ip("addr", "add", "10.7.0.1/32", "dev", interface)
        self.assertEqual([address for _, address, _ in self.networks()].count("10.7.0.1"), 1)

    def test_an_alias_has_the_name_of_its_interface(self):
        """Whatever its label is, which nothing but habit makes begin with that name."""
        for last, label in enumerate(("va:1", "va-second", "other:1", "another"), 1):
            self.a.ip("addr", "add", f"10.7.0.{last}/24", "dev", "va", "label", label)
            self.assertIn(("va", f"10.7.0.{last}", 24), self.networks(), label)

    def test_the_own_end_of_a_line_to_a_peer(self):
        self.a.ip("addr", "add", "10.8.0.6", "peer", "10.8.0.5/32", "dev", "va")
        self.assertIn(("va", "10.8.0.6", 32), self.networks())

    def test_only_interfaces_that_are_up_and_have_a_carrier(self):
        whole = self.networks()
        self.a.ip("link", "set", "va", "down")
        self.assertEqual(self.networks(), [])
        self.a.ip("link", "set", "va", "up")
        self.a.ip("addr", "add", "2001:db8:1::1/64", "dev", "va", "nodad")
        self.wait_until_running("va")
        self.assertEqual(self.networks(), whole)
        # Up, but the cable's other end is not.
        self.b.ip("link", "set", "vb", "down")
        self.assertEqual(self.networks(), [])
        self.b.ip("link", "set", "vb", "up")
        self.wait_until_running("va")
        self.assertEqual(self.networks(), whole)
        # Interfaces without an address are not there.
        cable(self.a, "va2", self.b, "vb2")
        self.wait_until_running("va2")
        self.a.ip("addr", "flush", "dev", "va2")
        self.assertEqual(self.networks(), whole)

    def test_addresses_that_are_not_usable_yet(self):
        """Tentative ones are left out, deprecated ones are in."""
        whole = self.networks()
        # The system goes on asking who else has it for longer than this test takes.
        for name, value in (("accept_dad", 1), ("dad_transmits", 1000)):
            self.a.sysctl(f"ipv6/conf/va/{name}", value)
        self.a.ip("addr", "add", "2001:db8:1::7e/64", "dev", "va")
        self.assertIn("tentative", self.a.ip("addr", "show", "dev", "va", "to", "2001:db8:1::7e"))
        self.assertEqual(self.networks(), whole)
        self.a.ip("addr", "add", "2001:db8:1::de/64", "dev", "va", "nodad", "preferred_lft", "0", "valid_lft", "3600")
        self.assertIn("deprecated", self.a.ip("addr", "show", "dev", "va", "to", "2001:db8:1::de"))
        self.assertIn(("va", "2001:db8:1::de", 64), self.networks())

    def test_no_network_at_all(self):
        alone = Machine("alone")
        self.addCleanup(alone.close)
        host = Host(alone)
        self.addCleanup(host.close)
        done = host.call("networks")
        self.assertEqual((done["networks"], done["message"]), ([], None))


class HappyEyeballs(TwoMachines):
    """A name with an IPv6 address from which nothing comes back, not even an error, and a good IPv4 one."""

    @classmethod
    def setUpClass(cls):
        namespaces.bind_file("/etc/hosts", "2001:db8:1::77 both.test\n10.1.0.2 both.test\n10.1.0.2 four.test\n")
        namespaces.bind_file("/etc/nsswitch.conf", "hosts: files\n")

    def setUp(self):
        super().setUp()
        self.a.ip("neigh", "replace", "2001:db8:1::77", "lladdr", BLACKHOLE, "nud", "permanent", "dev", "va")
        self.listener = self.b.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(self.listener.close)
        self.listener.bind(("10.1.0.2", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]

    def test_connects_by_ipv4_in_a_second(self):
        """DN-6, changed by S5: the next address is tried long before the system gives the first one up."""
        wire = self.wire(self.a, "va")
        socket_id = self.host_a.call("tcp.create")["id"]
        self.assertEqual(self.host_a.call("tcp.connect", socket_id, "both.test", self.port, seconds=2)["result"], 0)
        peer, address = self.listener.accept()
        peer.close()
        self.assertEqual(address[0], "10.1.0.1")
        # It was a real choice: the first try went to the silent address.
        first = wire.packet(lambda packet, out: out and (
            packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_TCP or
            packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP))
        self.assertEqual(first[24:40], socket.inet_pton(socket.AF_INET6, "2001:db8:1::77"))

    def test_udp_takes_an_address_of_its_family(self):
        """udp.md 6.1: with "any", the first address whose family the bound socket can reach."""
        peer, port = self.raw(self.b, "10.1.0.2")
        sender, _ = self.host_a.udp("0.0.0.0")
        self.send(self.host_a, sender, b"by name", "both.test", port)
        self.assertEqual(peer.recv(100), b"by name")


if __name__ == "__main__":
    main()
