"""discover, on a machine of its own, finding what avahi-daemon and minissdpd publish on another one."""

import os
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "c-tests", "netns"))
import namespaces  # noqa: E402

namespaces.need("avahi-daemon", "minissdpd")
namespaces.enter()
from namespaces import Machine, cable, run as configure  # noqa: E402
from support import DEADLINE, main, program, read_line, run  # noqa: E402

IP_RECVTTL = 12
DISCOVER = program("discover")
AVAHI = """
[server]
host-name=printer
allow-interfaces=vb
use-ipv6=no
enable-dbus=no
[publish]
publish-workstation=no
publish-hinfo=no
"""
SERVICE = """<service-group>
<name>Page 1.\x7fOne</name>
<service><type>_http._tcp</type><port>8080</port></service>
<service><type>_ipp._tcp</type><port>631</port></service>
</service-group>"""
MDNS, SSDP = ("224.0.0.251", 5353), ("239.255.255.250", 1900)
FOUND_BY_MDNS = {
    "mdns 10.1.0.2 type _http._tcp.local",
    "mdns 10.1.0.2 type _ipp._tcp.local",
    "mdns 10.1.0.2 service Page 1\\.\\127One._http._tcp.local",
    "mdns 10.1.0.2 service Page 1\\.\\127One._ipp._tcp.local",
    "mdns 10.1.0.2 place Page 1\\.\\127One._http._tcp.local is printer.local port 8080",
    "mdns 10.1.0.2 place Page 1\\.\\127One._ipp._tcp.local is printer.local port 631",
}
# What a UPnP device tells minissdpd of itself: type, name, server, URL.
DEVICE = ("urn:schemas-upnp-org:device:Basic:1", "uuid:1::urn:schemas-upnp-org:device:Basic:1", "test/1",
          "http://10.1.0.2:80/device.xml")
FOUND_BY_SSDP = {f"ssdp 10.1.0.2 {DEVICE[1]} {DEVICE[3]}"}


class Discover:
    """The program, running; `until` reads its lines until all these have come."""

    def __init__(self, machine):
        self.process = machine.start(DISCOVER, "--seconds", str(DEADLINE), stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, bufsize=0)
        self.lines = []

    def until(self, wanted):
        while not wanted <= set(self.lines):
            self.lines.append(read_line(self.process.stdout, f"discover, with {self.lines}").rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Network(unittest.TestCase):
    def setUp(self):
        self.a, self.b = Machine("a"), Machine("b")
        self.addCleanup(self.a.close)
        self.addCleanup(self.b.close)
        cable(self.a, "va", self.b, "vb")
        for machine, interface, last in ((self.a, "va", 1), (self.b, "vb", 2)):
            machine.ip("addr", "add", f"10.1.0.{last}/24", "dev", interface)
            machine.ip("route", "add", "224.0.0.0/4", "dev", interface)

    def member(self, group, port):
        """A socket of b that is in a group, and speaks from the well-known port."""
        sock = self.b.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", port))
        index = self.b.inside(socket.if_nametoindex, "vb")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        socket.inet_aton(group) + struct.pack("@4si", bytes(4), index))
        return sock

    def start(self, *command):
        process = self.b.start(*command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait, DEADLINE)
        self.addCleanup(process.terminate)
        return process

    def wait_for_log(self, process, *words):
        while not all(word in (line := read_line(process.stderr, "the daemon")) for word in words):
            pass
        return line

    def start_avahi(self):
        configure("mount", "-t", "tmpfs", "none", "/etc/avahi")
        self.addCleanup(configure, "umount", "/etc/avahi")
        os.mkdir("/etc/avahi/services")
        with open("/etc/avahi/services/test.service", "w") as file:
            file.write(SERVICE.replace("\x7f", "&#127;"))
        with open("/etc/avahi/avahi-daemon.conf", "w") as file:
            file.write(AVAHI)
        process = self.start("avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits")
        self.wait_for_log(process, "successfully established")

    def start_minissdpd(self):
        process = self.start("minissdpd", "-d", "-i", "vb", "-s", "/run/minissdpd", "-p", "/run/minissdpd.pid")
        # Its socket for devices of its own machine is there once it listens to the network.
        end = time.monotonic() + DEADLINE
        while process.poll() is None and time.monotonic() < end:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as device:
                try:
                    device.connect("/run/minissdpd")
                except OSError:
                    os.sched_yield()
                    continue
                device.sendall(b"\4" + b"".join(bytes([len(text)]) + text.encode() for text in DEVICE))
                # It answers requests of one connection in order: with this answer, it has the device.
                device.sendall(b"\3\0")
                device.settimeout(DEADLINE)
                self.assertIn(DEVICE[3].encode(), device.recv(4096))
            return
        self.fail("minissdpd does not start")

    def test_avahi_and_minissdpd_are_found(self):
        """udp.md 4.10: both groups are joined on the interface the system has chosen."""
        self.start_avahi()
        self.start_minissdpd()
        with Discover(self.a) as found:
            found.until(FOUND_BY_MDNS | FOUND_BY_SSDP)
            for group, _ in (MDNS, SSDP):
                self.assertIn(group, self.a.ip("maddr", "show", "dev", "va"))
        self.assertEqual(len(found.lines), len(set(found.lines)), "a line is printed once")

    def test_the_questions_as_they_are_on_the_wire(self):
        """From a port of the system's choice; asked again; time-to-live 255 for mDNS and 2 for SSDP (udp.md 4.5)."""
        members = {"mdns": self.member(*MDNS), "ssdp": self.member(*SSDP)}
        for sock in members.values():
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        with Discover(self.a):
            for name, ttl in (("mdns", 255), ("ssdp", 2)):
                asked = [members[name].recvmsg(2000, 100) for _ in range(2)]
                self.assertEqual(asked[0][0], asked[1][0])
                self.assertEqual(asked[0][3], asked[1][3])
                self.assertNotIn(asked[0][3][1], (5353, 1900))
                self.assertEqual(struct.unpack("@i", asked[0][1][0][2])[0], ttl)
                if name == "mdns":
                    self.assertEqual(asked[0][0], b"\0\0\0\0\0\1\0\0\0\0\0\0"
                                     b"\11_services\7_dns-sd\4_udp\5local\0\0\14\0\1")
                else:
                    self.assertTrue(asked[0][0].startswith(b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"))
                    self.assertTrue(asked[0][0].endswith(b"\r\n\r\n"))

    def test_announcements_nobody_asked_for(self):
        """Sent to the groups only, after the last question. What says goodbye, or is broken, is not printed."""
        mdns, ssdp = self.member(*MDNS), self.member(*SSDP)

        def announcement(ttl):
            name = b"\4_foo\4_tcp\5local\0"
            return b"\0\0\x84\0\0\0\0\1\0\0\0\0" + name + b"\0\14\0\1" + struct.pack("!IH", ttl, 6) + b"\3Bar\xc0\x0c"

        notify = "NOTIFY * HTTP/1.1\r\nNTS: ssdp:{}\r\nUSN: uuid:{}\r\nLOCATION: http://10.1.0.2/\r\n\r\n"
        with Discover(self.a) as found:
            for _ in range(2):  # the second question is the last one
                mdns.recv(2000)
                ssdp.recv(2000)
            for _ in range(200):
                mdns.sendto(b"\0\0\x84\0\0\0" + os.urandom(60), MDNS)
                ssdp.sendto(os.urandom(60), SSDP)
            mdns.sendto(announcement(0), MDNS)
            ssdp.sendto(notify.format("byebye", "gone").encode(), SSDP)
            mdns.sendto(announcement(60), MDNS)
            ssdp.sendto(notify.format("alive", "here").encode(), SSDP)
            found.until({"mdns 10.1.0.2 service Bar._foo._tcp.local", "ssdp 10.1.0.2 uuid:here http://10.1.0.2/"})
        self.assertNotIn("gone", "".join(found.lines))

    def test_other_programs_have_the_ports(self):
        """udp.md 11: -147. What is asked for is found without them."""
        self.start_minissdpd()
        for _, port in (MDNS, SSDP):
            sock = self.a.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.addCleanup(sock.close)
            sock.bind(("0.0.0.0", port))
        with Discover(self.a) as found:
            said = {read_line(found.process.stderr, "discover") for _ in range(2)}
            self.assertEqual(said, {f"discover: {name} announcements are not heard: net::ERR_ADDRESS_IN_USE\n"
                                    for name in ("mdns", "ssdp")})
            found.until(FOUND_BY_SSDP)

    def test_ends_in_time_and_sleeps_until_then(self):
        start = time.monotonic()
        process = self.a.start(DISCOVER, "--seconds", "2", stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertGreaterEqual(time.monotonic() - start, 2)
        self.assertLess(used.ru_utime + used.ru_stime, 1, "of 2 seconds")

    def test_without_a_network(self):
        self.a.ip("link", "set", "va", "down")
        process = self.a.start(DISCOVER, "--seconds", "1", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, errors = process.communicate(timeout=DEADLINE)
        self.assertEqual((process.returncode, out), (1, b""))
        self.assertIn(b"discover: mdns: net::ERR_ADDRESS_UNREACHABLE\n", errors)
        self.assertIn(b"discover: ssdp: net::ERR_ADDRESS_UNREACHABLE\n", errors)

    def test_wrong_arguments_are_refused(self):
        for arguments in (("--seconds",), ("--seconds", "0"), ("--seconds", "x"), ("--seconds", "1x"), ("x",)):
            run(DISCOVER, *arguments, code=2)


if __name__ == "__main__":
    main()
