"""fetch against nginx: with a length, chunked, redirected."""

import tempfile
import unittest

import nginx
from support import LOCAL, main, need, program, run

need("nginx")
FETCH = program("fetch")


class Nginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.server = nginx.Server(cls.scratch.name, more="location = /loop { return 301 /loop; }")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.scratch.cleanup()

    def get(self, path, code=0):
        return run(FETCH, "-v", f"http://{LOCAL}:{self.server.port}{path}", code=code)

    def test_with_a_length(self):
        body, log = self.get("/big.bin")
        self.assertEqual(body, nginx.BIG)
        self.assertIn(b"  | Content-Length: %d\n" % len(nginx.BIG), log)

    def test_chunked(self):
        body, log = self.get("/chunked/big.bin")
        self.assertEqual(body, nginx.BIG)
        self.assertIn(b"  | Transfer-Encoding: chunked\n", log)

    def test_redirected(self):
        self.assertEqual(self.get("/moved")[0], b"hello\n")
        _, log = self.get("/loop", code=3)
        self.assertIn(b"too many redirects", log)
        self.assertEqual(log.count(b"> sockets.tcp.connect("), 6)

    def test_not_there(self):
        self.get("/nothing", code=4)


if __name__ == "__main__":
    main()
