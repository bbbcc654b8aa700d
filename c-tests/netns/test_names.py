"""Names, with a name server of the test's own and the system's resolver before it."""

import socket

import namespaces
from hosts import TwoMachines, main
from name_server import A, AAAA, REFUSED, SERVFAIL, SILENT, NameServer

CONNECTION_REFUSED, NAME_NOT_RESOLVED, ADDRESS_UNREACHABLE = -102, -105, -109
SERVER = "10.1.0.2"
LONGEST = ".".join(["y" * 49] * 5) + ".tst"  # 253 characters


class Names(TwoMachines):
    """b has the name server, a asks it. `entries` is what a's hosts file says."""

    entries = ()

    @classmethod
    def setUpClass(cls):
        namespaces.bind_file("/etc/hosts", "".join(f"{entry}\n" for entry in cls.entries))
        namespaces.bind_file("/etc/nsswitch.conf", "hosts: files dns\n")
        namespaces.bind_file("/etc/resolv.conf", "")

    def ask_at(self, server):
        with open("/etc/resolv.conf", "w") as file:
            file.write(f"nameserver {server}\nsearch corp.test\n")

    def setUp(self):
        super().setUp()
        self.ask_at(SERVER)
        self.server = NameServer(self.b, SERVER, {
            "four.test": [SERVER],
            "six.test": ["2001:db8:1::2"],
            "both.test": [SERVER, "2001:db8:1::2"],
            "many.test": [f"10.1.0.{last}" for last in range(100, 200)] + [SERVER],
            "first.test": "second.test", "second.test": "third.test", "third.test": "both.test",
            "nowhere.test": "missing.test",
            "empty.test": [],
            "failing.test": SERVFAIL, "refusing.test": REFUSED, "garbage.test": b"\0" * 5, "silent.test": SILENT,
            "collides.test": ["127.0.53.53"],
            "short.corp.test": [SERVER],
            "xn--mnchen-3ya.test": [SERVER], "under_score.test": [SERVER],
            "x" * 63 + ".test": [SERVER], LONGEST: [SERVER],
        })
        self.addCleanup(self.server.close)
        # The socket is bound, so nobody else takes the port.
        self.listener = self.b.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.addCleanup(self.listener.close)
        self.listener.bind(("::", 0))
        self.port = self.listener.getsockname()[1]

    def connect(self, name, port=None, query_type="any"):
        """The code, and the address from which it was reached."""
        socket_id = self.host_a.call("tcp.create")["id"]
        done = self.host_a.call("tcp.connect", socket_id, name, port or self.port, query_type)
        return done["result"], self.host_a.call("tcp.info", socket_id).get("local_address")


class Answers(Names):
    def setUp(self):
        super().setUp()
        self.listener.listen(100)

    def test_the_families_asked_for(self):
        """DN-5: "any" takes both, in the system's order; the others only their own."""
        four, six, none = (0, "10.1.0.1"), (0, "2001:db8:1::1"), (NAME_NOT_RESOLVED, None)
        for name, any_family, ipv4, ipv6 in (("four.test", four, four, none), ("six.test", six, none, six),
                                             ("both.test", six, four, six), ("first.test", six, four, six),
                                             ("many.test", four, four, none)):
            self.assertEqual(self.connect(name), any_family, name)
            self.assertEqual(self.connect(name, query_type="ipv4"), ipv4, name)
            self.assertEqual(self.connect(name, query_type="ipv6"), ipv6, name)
        self.assertIn(("many.test", A, "tcp"), self.server.asked, "it is too much for a datagram")

    def test_every_failure_is_one(self):
        """DN-7: whatever is wrong, the program sees -105."""
        for name in ("missing.test", "nowhere.test", "empty.test", "failing.test", "refusing.test", "garbage.test",
                     "collides.test"):
            self.assertEqual(self.connect(name), (NAME_NOT_RESOLVED, None), name)
            self.assertIn(name, [asked for asked, _, _ in self.server.asked])

    def test_the_names_as_they_are_written(self):
        """DN-3, DN-4: canonical ones are asked for; one without a dot as the system does."""
        for name in ("four.test.", "FOUR.Test", "münchen.test", "MÜNCHEN.TEST", "under_score.test", "short",
                     "x" * 63 + ".test", LONGEST, LONGEST + "."):
            self.assertEqual(self.connect(name), (0, "10.1.0.1"), name)
        self.assertEqual(self.connect("short."), (NAME_NOT_RESOLVED, None), "a dot at the end: nothing is added")

    def test_nobody_is_asked(self):
        """DN-2, DN-3, DN-9."""
        for name in ("x" * 64 + ".test", LONGEST + "t", "four.test..", ".four.test", "fo$ur.test", "fe80::1%va"):
            self.assertEqual(self.connect(name), (NAME_NOT_RESOLVED, None), name)
        for name in ("localhost", "LOCALHOST.", "four.test.localhost"):
            self.assertEqual(self.connect(name), (CONNECTION_REFUSED, None), name)
        self.assertEqual(self.server.asked, [])

    def test_another_server_while_running(self):
        self.assertEqual(self.connect("new.test")[0], NAME_NOT_RESOLVED)
        self.b.ip("addr", "add", "10.1.0.3/24", "dev", "vb")
        other = NameServer(self.b, "10.1.0.3", {"new.test": [SERVER]})
        self.addCleanup(other.close)
        self.ask_at("10.1.0.3")
        self.assertEqual(self.connect("new.test")[0], 0)

    def test_a_server_that_says_nothing(self):
        """CL-3, DC-4: neither the program nor the end waits for it."""
        closed, disconnected = (self.host_a.call("tcp.create")["id"] for _ in range(2))
        pending = [self.host_a.begin("tcp.connect", each, "silent.test", self.port) for each in (closed, disconnected)]
        self.server.wait_for("silent.test")
        self.host_a.call("tcp.close", closed)
        self.assertEqual(self.host_a.finish(pending[0])["message"], "Socket not found")
        self.host_a.call("tcp.disconnect", disconnected)
        self.assertEqual(self.host_a.finish(pending[1])["message"], "net::ERR_ABORTED")
        self.assertEqual(self.connect("four.test"), (0, "10.1.0.1"))


class WithoutGlobalIpv6(Names):
    """DN-5: AAAA is skipped where the machine has no IPv6 address but loopback and link-local ones, which
    every interface has."""

    entries = ("127.0.0.1 here.test",)

    def setUp(self):
        super().setUp()
        self.a.ip("addr", "del", "2001:db8:1::1/64", "dev", "va")
        self.assertIn("fe80::", self.a.ip("addr", "show", "dev", "va"))

    def test_nobody_is_asked_for_it(self):
        self.connect("both.test")
        self.assertEqual(self.server.asked, [("both.test", A, "udp")])

    def test_a_failure_is_that_of_ipv4(self):
        self.assertEqual(self.connect("both.test")[0], CONNECTION_REFUSED)

    def test_a_name_with_nothing_else_is_not_resolved(self):
        self.assertEqual(self.connect("six.test")[0], NAME_NOT_RESOLVED)
        sender, _ = self.host_a.udp("::")
        self.assertEqual(self.host_a.result("udp.send", sender, "six.test", self.port, b"x"), NAME_NOT_RESOLVED)

    def test_who_asks_for_it_gets_it(self):
        self.assertEqual(self.connect("six.test", query_type="ipv6")[0], ADDRESS_UNREACHABLE)
        self.assertIn(("six.test", AAAA, "udp"), self.server.asked)

    def test_loopback_needs_no_network(self):
        with self.a.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            here = "here.test", listener.getsockname()[1]
            self.assertEqual(self.connect(*here), (0, "127.0.0.1"))
            # Nor does it where all there is are link-local addresses.
            self.a.ip("addr", "flush", "dev", "va", "scope", "global")
            self.assertEqual(self.connect(*here), (0, "127.0.0.1"))

    def test_with_an_address_it_is_tried(self):
        self.a.ip("addr", "add", "fd00::1/64", "dev", "va", "nodad")
        self.assertEqual(self.connect("six.test")[0], ADDRESS_UNREACHABLE)


if __name__ == "__main__":
    main()
