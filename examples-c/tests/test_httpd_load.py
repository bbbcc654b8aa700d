"""httpd under 1,000 connections at once, by wrk and by ab: not one error."""

import os
import re
import tempfile
import unittest

from support import Server, main, need, run

need("wrk", "ab")
CLIENTS = 1000


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        with open(os.path.join(cls.scratch.name, "page.html"), "wb") as file:
            file.write(b"<p>page</p>\n" * 80)
        cls.size = 12 * 80

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_wrk(self):
        with Server("httpd", self.scratch.name) as server:
            out = run("wrk", f"-c{CLIENTS}", "-t2", "-d5s", "--timeout", "30s", server.url + "/page.html")[0].decode()
        print(out)
        self.assertNotIn("Socket errors", out)
        self.assertNotIn("Non-2xx", out)
        self.assertGreaterEqual(int(re.search(r"(\d+) requests in", out).group(1)), CLIENTS)

    def ab(self, count, *options):
        with Server("httpd", self.scratch.name) as server:
            out = run("ab", "-q", "-r", "-s", "50", "-n", str(count), "-c", str(CLIENTS), *options,
                      server.url + "/page.html")[0].decode()
        print(out)
        value = lambda name: int(re.search(name + r":\s+(\d+)", out).group(1))
        self.assertEqual(value("Complete requests"), count)
        self.assertEqual(value("Failed requests"), 0)
        self.assertEqual(value("Document Length"), self.size)
        self.assertNotIn("Non-2xx", out)
        self.assertNotIn("Write errors", out)
        return value

    def test_ab_with_a_connection_for_each_request(self):
        self.ab(10000)

    def test_ab_with_connections_kept(self):
        value = self.ab(30000, "-k")
        self.assertEqual(value("Keep-Alive requests"), 30000)


if __name__ == "__main__":
    main()
