"""fetch against nginx: with a length, chunked, redirected."""

import getpass
import os
import socket
import subprocess
import tempfile
import unittest

from support import DEADLINE, LOCAL, main, need, program, run

need("nginx")
FETCH = program("fetch")
CONFIG = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen {address}:{port};
        root {folder}/www;
        location /chunked/ {{ alias {folder}/www/; ssi on; ssi_types *; }}
        location /moved {{ return 302 /hello.txt; }}
        location = /loop {{ return 301 /loop; }}
    }}
}}
"""


class Nginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        folder = cls.scratch.name
        os.mkdir(os.path.join(folder, "www"))
        # No "<!--#" in it: the server includes leave it alone, but cannot tell the length in advance.
        cls.big = os.urandom(3_000_000).replace(b"<", b"(")
        for name, content in {"hello.txt": b"hello\n", "big.bin": cls.big}.items():
            with open(os.path.join(folder, "www", name), "wb") as file:
                file.write(content)
        # nginx takes over a listening socket named in its environment: the system chose the port.
        listener = socket.create_server((LOCAL, 0))
        cls.port = listener.getsockname()[1]
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w") as file:
            if os.getuid() == 0:  # else its workers would be somebody who cannot read our folder
                file.write(f"user {getpass.getuser()};")
            file.write(CONFIG.format(folder=folder, address=LOCAL, port=cls.port))
        cls.errors = tempfile.TemporaryFile()
        cls.process = subprocess.Popen(
            ["nginx", "-p", folder, "-c", config, "-e", os.path.join(folder, "error.log")],
            env={**os.environ, "NGINX": f"{listener.fileno()};"}, pass_fds=(listener.fileno(),), stderr=cls.errors,
        )
        listener.close()

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.wait(DEADLINE)
        cls.errors.close()
        cls.scratch.cleanup()

    def get(self, path, code=0):
        return run(FETCH, "-v", f"http://{LOCAL}:{self.port}{path}", code=code)

    def test_with_a_length(self):
        body, log = self.get("/big.bin")
        self.assertEqual(body, self.big)
        self.assertIn(b"  | Content-Length: %d\n" % len(self.big), log)

    def test_chunked(self):
        body, log = self.get("/chunked/big.bin")
        self.assertEqual(body, self.big)
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
